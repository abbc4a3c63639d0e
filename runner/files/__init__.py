"""Work on the files of a container, as seen from inside it: copying in and out, export, diff.

What a path means in a container is the container's affair: its links, its mounts, and a process of
its own that exchanges directories for links while we look (CVE-2018-15664). So this work is done
where such a path cannot mean anything outside, by a process that has a mount namespace of its own,
in which the container's root is the root and the volumes are mounted, and that loads no code any
more once it is there (CVE-2019-14271). It is dockerd's containerfs, but for the process: there
it is a thread, which Go can keep away from all other work.

    service    asks for it, in the engine           |  helper     forks a process for each job
    messages   what the two say to each other       |  jobs       what it does, over
                                                    |  view       the container's root and mounts
                                                    |  pack, unpack, compare, path_stat

The process ends with its job, and with it its mounts: nothing is left behind, whatever happens.
"""

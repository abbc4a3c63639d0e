"""What `cp` copies: where it goes, how it is packed and unpacked (moby/go-archive).

The rules are those of cp(1), as far as a tar stream lets the two sides know of each other: a
trailing `/` or `/.` asserts a folder, `/.` means its content, links are followed on the way to a
path, and at its end only where they are the destination or -L was given.
"""

# What a container may do to the host when it runs under AppArmor: dockerd's default in effect.
$tunables

profile $name flags=(attach_disconnected,mediate_deleted) {
  $base

  # Within its namespaces, everything that is not denied below.
  file,
  capability,
  network,
  umount,

  # Who may signal the container: the host, the runtimes that stop it, the engine; and itself.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (receive) peer=$daemon,
  signal (send,receive) peer=$name,

  # ps and debuggers within the container.
  ptrace (trace,read,tracedby,readby) peer=$name,

  deny mount,

  # /proc: nothing but processes and /proc/sys may be written, ...
  deny @{PROC}/* w,
  deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  # ... of /proc/sys only kernel/shm*, ...
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
  # ... and these not even read.
  deny @{PROC}/sysrq-trigger rwklx,
  deny @{PROC}/kcore rwklx,

  # /sys: nothing but /sys/fs/cgroup may be written, ...
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  # ... and these not even read.
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}

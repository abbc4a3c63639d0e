# What a container may do and sees, told by itself. Run by tests/compat/test_confinement_compat.py.
# It changes nothing outside of its own namespaces: with --privileged it could.
exec 2>&1
section() { echo "== $1"; }

section status
grep -E '^(Umask|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Spec|Cpus_allowed_list|Mems_allowed_list|SigIgn|SigBlk|THP)' \
    /proc/self/status

section process
tr '\0' ' ' </proc/1/cmdline; echo
# parent, group, session, terminal; priority, nice; scheduling policy
cut -d ' ' -f 4-7,18,19,41 /proc/1/stat
for file in oom_score_adj uid_map gid_map setgroups personality coredump_filter timerslack_ns \
    loginuid sessionid attr/current cgroup timens_offsets limits; do
    echo "$file:"; cat "/proc/1/$file"
done
section descriptors
for fd in /proc/1/fd/*; do [ -e "$fd" ] || [ -L "$fd" ] && echo "${fd##*/} $(readlink "$fd")"; done |
    grep -v 'pipe:\|^255 '
echo "cwd $(readlink /proc/1/cwd) root $(readlink /proc/1/root)"

section namespaces
for name in /proc/self/ns/*; do echo "${name##*/} $(readlink "$name")"; done

section environment
env | sort

section names
hostname; hostname -f; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname

section mounts
# root, mount point, options, propagation, type, source, options of the file system
cut -d ' ' -f 4- /proc/self/mountinfo

section hidden
for path in /proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats \
    /proc/timer_list /proc/timer_stats /proc/sched_debug /proc/scsi /proc/kallsyms /proc/kmsg \
    /proc/sys/kernel/core_pattern /proc/config.gz /proc/bus/pci /proc/key-users /proc/kpagecount \
    /proc/mtrr /proc/vmallocinfo /proc/modules /proc/self/pagemap /proc/sysrq-trigger \
    /sys/firmware /sys/firmware/efi /sys/firmware/dmi /sys/devices/virtual/powercap /sys/kernel/debug \
    /sys/kernel/security /sys/kernel/tracing /sys/kernel/config /sys/fs/bpf /sys/fs/pstore \
    /sys/kernel/vmcoreinfo /sys/class/powercap /sys/module /sys/block /sys/fs/cgroup \
    /sys/fs/selinux /sys/hypervisor /sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm \
    /sys/devices/system/cpu/cpu0/thermal_throttle /sys/devices/system/cpu/cpu1/thermal_throttle; do
    if [ -d "$path" ]; then echo "$path: $(ls "$path" | wc -l) entries, $(stat -c '%a %U' "$path")"
    elif [ -e "$path" ]; then
        echo "$path: $(stat -c '%F %a %t:%T' "$path"), $(head -c 64 "$path" 2>&1 | wc -c) bytes"
    else echo "$path: none"; fi
done

section read-only
# touch -c only asks for it: a file of /proc or /sys takes no other time
for path in / /proc /proc/bus /proc/fs /proc/irq /proc/sys /proc/sys/kernel/core_pattern \
    /proc/sys/net/ipv4/ip_forward /proc/sys/fs/binfmt_misc /proc/sysrq-trigger /proc/self/oom_score_adj \
    /proc/1/oom_score_adj /proc/self/attr/exec /proc/self/setgroups /sys /sys/fs/cgroup \
    /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory /sys/fs/cgroup/devices /sys/kernel/uevent_helper \
    /sys/power/state /sys/module/kernel/parameters /dev /dev/shm /dev/mqueue /dev/pts /tmp /etc \
    /etc/hosts /etc/hostname /etc/resolv.conf; do
    if [ ! -e "$path" ]; then echo "$path none"; elif touch -c "$path"; then echo "$path writable"; fi
done

section devices
find /dev ! -name '[0-9]*' ! -path '/dev/loop*' ! -path '/dev/shm/*' ! -path '/dev/mqueue/*' | sort |
    while read -r path; do
        if [ -L "$path" ]; then echo "$path -> $(readlink "$path")"
        else stat -c '%n %F %a %u:%g %t,%T' "$path"; fi
    done

section 'device access'
try() { # kind major minor: make it, then open it for reading
    node=/tmp/node
    if mknod "$node" "$1" "$2" "$3" 2>&1; then
        # opening is what the devices cgroup decides on
        ( : <"$node" ) 2>&1 | sed 's/.*: //'
        echo "$1 $2:$3 $?"
        rm -f "$node"
    fi
}
try c 1 3; try c 1 5; try c 1 7; try c 1 8; try c 1 9; try c 1 1; try c 1 2; try c 1 4; try c 1 11
try c 10 200; try c 10 229; try c 10 232; try c 10 237; try c 7 128
try b 7 0; try b 254 0; try b 8 0; try c 89 0; try c 226 0; try c 136 99

section powers
mkdir -p /tmp/at && mount -t tmpfs none /tmp/at && umount /tmp/at
mount -o remount,bind,rw /sys && mount -o remount,bind,ro /sys
mount -t proc proc /tmp/at && umount /tmp/at
unshare -m true; unshare -U true; unshare -n true; unshare -u true
chroot / true && echo chroot
chown 1:1 /tmp/at && echo chown
chmod 4755 /tmp/at && echo setuid
renice -n -5 $$
ping -c 1 -W 1 127.0.0.1 >/dev/null && echo ping
dmesg | head -n 1 | wc -l
ip link add dummy9 type dummy && ip link del dummy9
nsenter -t 1 -m true
kill -0 1 && echo kill
ulimit -n 2000000
su tester -c 'id' </dev/null
rmdir /tmp/at

section network
ls /sys/class/net
for name in /sys/class/net/*; do
    echo "${name##*/} $(cat "$name/mtu" "$name/flags" "$name/type" "$name/tx_queue_len" | tr '\n' ' ')"
done
ip -4 route; ip -6 route; ip rule
cat /etc/hosts /etc/resolv.conf /etc/hostname
stat -c '%n %a %u:%g' / /etc/hosts /etc/resolv.conf /etc/hostname /etc/mtab /proc /sys /dev /dev/shm \
    /dev/mqueue /tmp /root

section cgroup
for file in memory.max memory.swap.max pids.max cpu.max cpu.weight io.weight cpuset.cpus memory.oom.group \
    memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes memory/memory.swappiness pids/pids.max \
    cpu/cpu.shares cpu/cpu.cfs_quota_us cpuset/cpuset.cpus cpuset/cpuset.mems devices/devices.list \
    blkio/blkio.weight; do
    [ -e "/sys/fs/cgroup/$file" ] && { echo "$file:"; cat "/sys/fs/cgroup/$file"; }
done

section sysctls
sysctl -a 2>/dev/null | grep -E '^(kernel|net|user|vm\.(overcommit|swappiness|mmap|max_map)|fs\.(suid|protected|mqueue|pipe))' |
    grep -vE 'random\.(uuid|entropy)|ns_last_pid|pty\.nr|nf_conntrack_count|\.tcp_mem|\.udp_mem|fib_sync'

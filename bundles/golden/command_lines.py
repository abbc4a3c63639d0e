"""The command lines whose specs are recorded.

`{share}` is a directory of the recording machine that holds a `file`, a `folder`, some `devices`
and a mount of its own that is `shared`; `{donor}` a running container that shares its IPC
namespace; `{disk}` a block device.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CommandLine:
    """`docker run <flags> <image> <command>`; image is `plain` or `full`."""

    flags: str = ""
    image: str = "plain"
    command: str = "/bin/sleep 1000"


SECCOMP_PROFILE = """{
  "defaultAction": "SCMP_ACT_ALLOW",
  "archMap": [
    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}
  ],
  "syscalls": [
    {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
    {"name": "chroot", "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_CHROOT"]}},
    {"names": ["reboot"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
    {"names": ["bpf"], "action": "SCMP_ACT_KILL", "includes": {"minKernel": "99.0"}},
    {"names": ["acct"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["amd64", "arm64"]}},
    {"names": ["personality"], "action": "SCMP_ACT_LOG", "comment": "with two conditions",
     "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"},
              {"index": 1, "value": 2080505856, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}
  ]
}
"""

COMMAND_LINES = {
    # the process
    "plain": CommandLine(),
    "image-config": CommandLine(image="full", command=""),
    "image-arguments": CommandLine(image="full", command="2000"),
    "entrypoint": CommandLine("--entrypoint /bin/sh", "full", "-c 'sleep 1000'"),
    "entrypoint-reset": CommandLine("--entrypoint ''", "full"),
    "env": CommandLine("-e A=1 -e B=two=2 -e EMPTY="),
    "env-of-image": CommandLine("-e FROM_IMAGE=mine -e NEW=1", "full", "2000"),
    "env-overrides": CommandLine("-e PATH=/bin -e HOSTNAME=mine -e TERM=vt100 -t"),
    "workdir": CommandLine("-w /var//lib/../work"),
    "tty": CommandLine("-t"),
    "interactive": CommandLine("-i"),
    "hostname": CommandLine("-h web --domainname example.org"),
    "init": CommandLine("--init"),
    "init-pid-host": CommandLine("--init --pid host"),
    "init-read-only": CommandLine("--init --read-only"),
    "ulimit": CommandLine("--ulimit nofile=512:1024 --ulimit core=0 --ulimit nproc=100"),
    "oom-score-adj": CommandLine("--oom-score-adj 500"),
    "irrelevant": CommandLine(
        "--stop-signal SIGINT --stop-timeout 3 --restart on-failure:2 --log-driver none "
        "--label a=b --health-cmd true --expose 80"
    ),
    "annotations": CommandLine("--annotation one=1 --annotation org.example/two=2 -l a=b"),
    # the user
    "user-name": CommandLine("-u app"),
    "user-second-group": CommandLine("-u other"),
    "user-uid": CommandLine("-u 1000"),
    "user-uid-gid": CommandLine("-u 1000:44"),
    "user-names": CommandLine("-u app:audio"),
    "user-unknown-uid": CommandLine("-u 4242:4343"),
    "user-broken-line": CommandLine("-u short"),
    "user-only-group": CommandLine("-u :audio"),
    "group-add": CommandLine(
        "-u app --group-add video --group-add 777 --group-add users --group-add 2 --group-add 1"
    ),
    # privileges
    "cap-add": CommandLine("--cap-add NET_ADMIN --cap-add cap_sys_ptrace"),
    "cap-add-default": CommandLine("--cap-add CHOWN"),
    "cap-add-sys-admin": CommandLine("--cap-add SYS_ADMIN"),
    "cap-add-many": CommandLine(
        "--cap-add SYS_TIME --cap-add SYSLOG --cap-add SYS_NICE --cap-add BPF --cap-add PERFMON "
        "--cap-add SYS_MODULE --cap-add SYS_RAWIO --cap-add SYS_BOOT --cap-add SYS_PACCT "
        "--cap-add SYS_TTY_CONFIG --cap-add DAC_READ_SEARCH"
    ),
    "cap-drop": CommandLine("--cap-drop SYS_CHROOT --cap-drop MKNOD"),
    "cap-drop-all": CommandLine("--cap-drop ALL"),
    "cap-drop-all-add": CommandLine("--cap-drop ALL --cap-add KILL --cap-add CHOWN"),
    "cap-add-all": CommandLine("--cap-add ALL"),
    "cap-add-all-drop": CommandLine("--cap-add ALL --cap-drop SYS_ADMIN"),
    "privileged": CommandLine("--privileged"),
    "privileged-read-only": CommandLine("--privileged --read-only"),
    "privileged-device": CommandLine(
        "--privileged --device /dev/null:/dev/mine:r --device /dev/zero"
    ),
    "privileged-seccomp": CommandLine("--privileged --security-opt seccomp={share}/seccomp.json"),
    "no-new-privileges": CommandLine("--security-opt no-new-privileges"),
    "no-new-privileges-false": CommandLine("--security-opt no-new-privileges=false"),
    "seccomp-unconfined": CommandLine("--security-opt seccomp=unconfined"),
    "seccomp-builtin": CommandLine("--security-opt seccomp=builtin"),
    "seccomp-custom": CommandLine("--security-opt seccomp={share}/seccomp.json"),
    "seccomp-custom-caps": CommandLine(
        "--security-opt seccomp={share}/seccomp.json --cap-drop SYS_CHROOT"
    ),
    "systempaths-unconfined": CommandLine("--security-opt systempaths=unconfined"),
    "apparmor-unconfined": CommandLine("--security-opt apparmor=unconfined"),
    "label-disable": CommandLine("--security-opt label=disable"),
    "writable-cgroups": CommandLine("--security-opt writable-cgroups=true"),
    "privileged-no-writable-cgroups": CommandLine(
        "--privileged --security-opt writable-cgroups=false"
    ),
    # files
    "read-only": CommandLine("--read-only"),
    "read-only-mounts": CommandLine(
        "--read-only --tmpfs /tmp -v {share}/folder:/data -v {share}/file:/etc/hosts"
    ),
    "tmpfs": CommandLine("--tmpfs /run --tmpfs /tmp:rw,exec,size=64m,mode=1770,uid=1000"),
    "mount-tmpfs": CommandLine(
        "--mount type=tmpfs,dst=/cache,tmpfs-size=32m,tmpfs-mode=0700 "
        "--mount type=tmpfs,dst=/frozen,readonly"
    ),
    "bind": CommandLine("-v {share}/folder:/data"),
    "bind-ro": CommandLine("-v {share}/folder:/data:ro"),
    "bind-propagation": CommandLine(
        "-v {share}/shared:/shared:rshared -v {share}/shared:/slave:rslave,ro "
        "-v {share}/folder:/private:private"
    ),
    "bind-slave": CommandLine("-v {share}/shared:/slave:slave"),
    "bind-depths": CommandLine(
        "-v {share}/folder:/a/b/c -v {share}/folder:/a -v {share}/file:/a/b/file"
    ),
    "bind-over-defaults": CommandLine("-v {share}/folder:/dev/shm -v {share}/folder:/sys"),
    "bind-dev": CommandLine("-v /dev:/dev"),
    "bind-network-files": CommandLine(
        "-v {share}/file:/etc/resolv.conf:ro -v {share}/file:/etc/hostname"
    ),
    "bind-host-root": CommandLine("-v /:/host:ro"),
    "mount-bind": CommandLine(
        "--mount type=bind,src={share}/folder,dst=/one,bind-recursive=disabled "
        "--mount type=bind,src={share}/folder,dst=/two/two,readonly,bind-recursive=writable "
        "--mount type=bind,src={share}/folder,dst=/two/three/three,readonly,"
        "bind-recursive=readonly,bind-propagation=rprivate"
    ),
    "volume": CommandLine("-v golden:/data"),
    "mount-volume-ro": CommandLine("--mount type=volume,src=golden,dst=/data,readonly"),
    "shm-size": CommandLine("--shm-size 1g"),
    # resources
    "memory": CommandLine("-m 64m"),
    "memory-swap": CommandLine("-m 64m --memory-swap 96m --memory-reservation 32m"),
    "memory-swap-unlimited": CommandLine("-m 64m --memory-swap -1"),
    "memory-swappiness": CommandLine("-m 64m --memory-swappiness 60"),
    "oom-kill-disable": CommandLine("-m 64m --oom-kill-disable"),
    "cpus": CommandLine("--cpus 0.25"),
    "cpu-shares": CommandLine("--cpu-shares 512 --cpu-period 50000 --cpu-quota 25000"),
    "cpuset": CommandLine("--cpuset-cpus 0-1 --cpuset-mems 0"),
    "pids-limit": CommandLine("--pids-limit 64"),
    "pids-unlimited": CommandLine("--pids-limit -1"),
    "blkio": CommandLine(
        "--device-read-bps {disk}:1mb --device-write-bps {disk}:2mb "
        "--device-read-iops {disk}:100 --device-write-iops {disk}:200"
    ),
    "device": CommandLine("--device /dev/kmsg --device /dev/null:/dev/nowhere:r"),
    "device-directory": CommandLine("--device {share}/devices:/dev/many:rw"),
    "device-link": CommandLine("--device {share}/link:/dev/linked"),
    "device-cgroup-rule": CommandLine(
        "--device-cgroup-rule 'c 42:* rmw' --device-cgroup-rule 'a *:* m' "
        "--device-cgroup-rule 'b 8:0 r'"
    ),
    "cgroup-parent": CommandLine("--cgroup-parent /golden/nested"),
    "sysctl": CommandLine(
        "--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=9000 "
        "--sysctl net.ipv4.ip_unprivileged_port_start=1024"
    ),
    # namespaces
    "pid-host": CommandLine("--pid host"),
    "pid-container": CommandLine("--pid container:{donor}"),
    "ipc-host": CommandLine("--ipc host"),
    "ipc-shareable": CommandLine("--ipc shareable --shm-size 32m"),
    "ipc-none": CommandLine("--ipc none"),
    "ipc-container": CommandLine("--ipc container:{donor}"),
    "uts-host": CommandLine("--uts host"),
    "userns-host": CommandLine("--userns host"),
    "cgroupns-private": CommandLine("--cgroupns private"),
    "cgroupns-host": CommandLine("--cgroupns host"),
    "network-host": CommandLine("--network host"),
    "network-none": CommandLine("--network none"),
    "network-container": CommandLine("--network container:{donor}"),
    "all-host": CommandLine("--network host --pid host --ipc host --uts host --privileged"),
    "network-settings": CommandLine(
        "--dns 192.0.2.1 --dns-search example.org --add-host a:192.0.2.2 "
        "--mac-address 02:42:ac:11:00:99 -p 127.0.0.1::80"
    ),
}

REFUSED = {
    "no-command": CommandLine(command=""),
    "user": CommandLine("-u nobody"),
    "user-fraction": CommandLine("-u 1.5:1"),
    "user-group": CommandLine("-u app:none"),
    "uid-too-large": CommandLine("-u 2147483648"),
    "gid-negative": CommandLine("-u 0:-1"),
    "group-add": CommandLine("--group-add none"),
    "group-add-too-large": CommandLine("--group-add 2147483648"),
    "workdir": CommandLine("-w relative"),
    "security-opt": CommandLine("--security-opt bogus=1"),
    "no-new-privileges": CommandLine("--security-opt no-new-privileges=maybe"),
    "seccomp-both-architectures": CommandLine("--security-opt seccomp={share}/both.json"),
    "seccomp-both-names": CommandLine("--security-opt seccomp={share}/names.json"),
    "device": CommandLine("--device /dev/none"),
    "device-file": CommandLine("--device {share}/file:/dev/file"),
    "blkio": CommandLine("--device-read-bps /dev/none:1mb"),
    "tmpfs": CommandLine("--tmpfs /x:bogus"),
    "tmpfs-value": CommandLine("--tmpfs /x:huge=1=2"),
    "bind-shared": CommandLine("-v {share}/folder:/data:shared"),
    "bind-slave": CommandLine("-v {share}/folder:/data:rslave"),
    "gpus": CommandLine("--gpus all"),
    "cpu-shares": CommandLine("--cpu-shares -2"),
}
"""Command lines that dockerd refuses, when it creates the container or makes its spec."""

BAD_PROFILES = {
    "both.json": """{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}]}""",
    "names.json": """{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"name": "chmod", "names": ["chown"], "action": "SCMP_ACT_ERRNO"}]}""",
}

"""The flags of `create` and `run`: all that docker has on Linux (docker/cli addFlags)."""

from typing import Annotated, Any

from runner.cli.declarations import shared
from runner.cli.declarations.command import flag
from runner.cli.values import addresses, lists, numbers
from runner.cli.values import gpus as gpu_requests
from runner.cli.values import mount as mounts
from runner.cli.values import network as networks
from runner.cli.values.network import Attachment


class ContainerFlags:
    """What a new container is to be. `None` is a flag not given."""

    attach: Annotated[
        list[str] | None,
        flag(
            "--attach",
            "-a",
            help="Attach to stdin, stdout or stderr",
            metavar="list",
            parser=lists.attach_stream,
        ),
    ] = None
    device_cgroup_rule: Annotated[
        list[str] | None,
        flag(
            "--device-cgroup-rule",
            help='Allow a class of devices, as "type major:minor access"',
            metavar="list",
            parser=lists.device_cgroup_rule,
        ),
    ] = None
    device: Annotated[
        list[str] | None, flag("--device", help="Make a host device available", metavar="list")
    ] = None
    gpus: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--gpus",
            help='Make GPUs available ("all" for every one)',
            metavar="gpu-request",
            parser=gpu_requests.gpu_request,
        ),
    ] = None
    env: shared.Env = None
    env_file: shared.EnvFile = None
    entrypoint: Annotated[
        str | None, flag("--entrypoint", help="Replace the image's ENTRYPOINT", metavar="string")
    ] = None
    group_add: Annotated[
        list[str] | None, flag("--group-add", help="Run with a further group", metavar="list")
    ] = None
    hostname: Annotated[
        str | None,
        flag("--hostname", "-h", help="Host name inside the container", metavar="string"),
    ] = None
    domainname: Annotated[
        str | None,
        flag("--domainname", help="NIS domain name inside the container", metavar="string"),
    ] = None
    interactive: Annotated[
        bool, flag("--interactive", "-i", help="Keep stdin open, attached or not")
    ] = False
    label: Annotated[
        list[str] | None,
        flag(
            "--label", "-l", help="Put a label on the container", metavar="list", parser=lists.label
        ),
    ] = None
    label_file: Annotated[
        list[str] | None,
        flag(
            "--label-file", help="Put the labels on the container that a file lists", metavar="list"
        ),
    ] = None
    read_only: Annotated[bool, flag("--read-only", help="Make the root file system read-only")] = (
        False
    )
    restart: shared.Restart = None
    stop_signal: Annotated[
        str | None,
        flag("--stop-signal", help="Signal that asks the process to stop", metavar="string"),
    ] = None
    stop_timeout: Annotated[
        int | None,
        flag(
            "--stop-timeout",
            help="Seconds between that signal and SIGKILL",
            metavar="int",
            parser=numbers.int64,
        ),
    ] = None
    sysctl: Annotated[
        list[str] | None,
        flag(
            "--sysctl", help="Set a namespaced kernel parameter", metavar="map", parser=lists.sysctl
        ),
    ] = None
    tty: Annotated[bool, flag("--tty", "-t", help="Allocate a pseudo-terminal")] = False
    ulimit: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--ulimit",
            help="Set a resource limit, as type=soft[:hard]",
            metavar="ulimit",
            parser=lists.ulimit,
        ),
    ] = None
    user: shared.User = None
    workdir: shared.Workdir = None
    rm: Annotated[
        bool, flag("--rm", help="Remove the container and its anonymous volumes once it has exited")
    ] = False
    cap_add: Annotated[
        list[str] | None, flag("--cap-add", help="Grant a Linux capability", metavar="list")
    ] = None
    cap_drop: Annotated[
        list[str] | None, flag("--cap-drop", help="Take a Linux capability away", metavar="list")
    ] = None
    privileged: Annotated[
        bool,
        flag(
            "--privileged", help="Grant everything: all capabilities, all devices, no confinement"
        ),
    ] = False
    security_opt: Annotated[
        list[str] | None,
        flag(
            "--security-opt",
            help="Security option: seccomp, apparmor, label, no-new-privileges, systempaths",
            metavar="list",
        ),
    ] = None
    userns: Annotated[
        str | None,
        flag("--userns", help='User namespace: "host" or the engine\'s default', metavar="string"),
    ] = None
    cgroupns: Annotated[
        str | None,
        flag(
            "--cgroupns",
            help='Cgroup namespace: "host", "private" or the engine\'s default',
            metavar="string",
        ),
    ] = None
    add_host: Annotated[
        list[str] | None,
        flag(
            "--add-host",
            help="Add a line to /etc/hosts, as name:ip",
            metavar="list",
            parser=addresses.extra_host,
        ),
    ] = None
    dns: Annotated[
        list[str] | None,
        flag("--dns", help="Use this DNS server", metavar="list", parser=addresses.ip_address),
    ] = None
    dns_option: Annotated[
        list[str] | None,
        flag("--dns-option", "--dns-opt", help="Set a resolver option", metavar="list"),
    ] = None
    dns_search: Annotated[
        list[str] | None,
        flag(
            "--dns-search",
            help='Search this domain ("." for none)',
            metavar="list",
            parser=addresses.dns_search,
        ),
    ] = None
    expose: Annotated[
        list[str] | None,
        flag("--expose", help="Declare a port or a range as in use", metavar="list"),
    ] = None
    ip: Annotated[str | None, flag("--ip", help="IPv4 address", metavar="string")] = None
    ip6: Annotated[str | None, flag("--ip6", help="IPv6 address", metavar="string")] = None
    link: Annotated[
        list[str] | None,
        flag("--link", help="Link to another container", metavar="list", parser=lists.link),
    ] = None
    link_local_ip: Annotated[
        list[str] | None, flag("--link-local-ip", help="Further link-local address", metavar="list")
    ] = None
    mac_address: Annotated[
        str | None, flag("--mac-address", help="MAC address", metavar="string")
    ] = None
    publish: Annotated[
        list[str] | None,
        flag(
            "--publish",
            "-p",
            help="Publish a port, as [ip:][host port:]container port[/protocol]",
            metavar="list",
        ),
    ] = None
    publish_all: Annotated[
        bool,
        flag(
            "--publish-all",
            "-P",
            help="Publish every exposed port on a port of the engine's choice",
        ),
    ] = False
    network: Annotated[
        list[Attachment] | None,
        flag(
            "--network",
            "--net",
            help='Network to connect to, or "none", "host", "container:NAME"',
            metavar="network",
            parser=networks.attachment,
        ),
    ] = None
    network_alias: Annotated[
        list[str] | None,
        flag("--network-alias", "--net-alias", help="Further name on the network", metavar="list"),
    ] = None
    log_driver: Annotated[str | None, flag("--log-driver", help="Log driver", metavar="string")] = (
        None
    )
    log_opt: Annotated[
        list[str] | None, flag("--log-opt", help="Log driver option, as key=value", metavar="list")
    ] = None
    volume_driver: Annotated[
        str | None,
        flag("--volume-driver", help="Driver of the volumes that are made", metavar="string"),
    ] = None
    storage_opt: Annotated[
        list[str] | None,
        flag("--storage-opt", help="Storage driver option, as key=value", metavar="list"),
    ] = None
    tmpfs: Annotated[
        list[str] | None, flag("--tmpfs", help="Mount a tmpfs, as path[:options]", metavar="list")
    ] = None
    volumes_from: Annotated[
        list[str] | None,
        flag("--volumes-from", help="Mount the volumes of another container", metavar="list"),
    ] = None
    volume: Annotated[
        list[str] | None,
        flag(
            "--volume",
            "-v",
            help="Mount a volume or a host path, as source:target[:options]",
            metavar="list",
        ),
    ] = None
    mount: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--mount",
            help="Mount a file system, as type=...,source=...,target=...",
            metavar="mount",
            parser=mounts.mount,
        ),
    ] = None
    health_cmd: Annotated[
        str | None,
        flag("--health-cmd", help="Command that tells the container's health", metavar="string"),
    ] = None
    health_interval: Annotated[
        int | None,
        flag(
            "--health-interval",
            help="Time between two probes",
            metavar="duration",
            parser=numbers.duration,
        ),
    ] = None
    health_retries: Annotated[
        int | None,
        flag(
            "--health-retries",
            help="Failures in a row that make it unhealthy",
            metavar="int",
            parser=numbers.int64,
        ),
    ] = None
    health_timeout: Annotated[
        int | None,
        flag(
            "--health-timeout",
            help="Time that a probe may take",
            metavar="duration",
            parser=numbers.duration,
        ),
    ] = None
    health_start_period: Annotated[
        int | None,
        flag(
            "--health-start-period",
            help="Time after the start in which failures do not count",
            metavar="duration",
            parser=numbers.duration,
        ),
    ] = None
    health_start_interval: Annotated[
        int | None,
        flag(
            "--health-start-interval",
            help="Time between two probes in the start period",
            metavar="duration",
            parser=numbers.duration,
        ),
    ] = None
    no_healthcheck: Annotated[
        bool, flag("--no-healthcheck", help="Ignore the image's HEALTHCHECK")
    ] = False
    blkio_weight: shared.BlkioWeight = None
    blkio_weight_device: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--blkio-weight-device",
            help="Share of block IO on a device, as path:weight",
            metavar="list",
            parser=lists.weight_device,
        ),
    ] = None
    cidfile: Annotated[
        str | None,
        flag("--cidfile", help="Write the container's ID to this file", metavar="string"),
    ] = None
    cpuset_cpus: shared.CpusetCpus = None
    cpuset_mems: shared.CpusetMems = None
    cpu_count: Annotated[
        int | None,
        flag(
            "--cpu-count",
            help="Number of CPUs (Windows only)",
            metavar="int",
            parser=numbers.int64,
            hidden=True,
        ),
    ] = None
    cpu_percent: Annotated[
        int | None,
        flag(
            "--cpu-percent",
            help="Percentage of the CPUs (Windows only)",
            metavar="int",
            parser=numbers.int64,
            hidden=True,
        ),
    ] = None
    cpu_period: shared.CpuPeriod = None
    cpu_quota: shared.CpuQuota = None
    cpu_rt_period: shared.CpuRtPeriod = None
    cpu_rt_runtime: shared.CpuRtRuntime = None
    cpu_shares: shared.CpuShares = None
    cpus: shared.Cpus = None
    device_read_bps: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--device-read-bps",
            help="Limit reading from a device, in bytes per second",
            metavar="list",
            parser=lists.throttle_bps,
        ),
    ] = None
    device_read_iops: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--device-read-iops",
            help="Limit reading from a device, in operations per second",
            metavar="list",
            parser=lists.throttle_iops,
        ),
    ] = None
    device_write_bps: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--device-write-bps",
            help="Limit writing to a device, in bytes per second",
            metavar="list",
            parser=lists.throttle_bps,
        ),
    ] = None
    device_write_iops: Annotated[
        list[dict[str, Any]] | None,
        flag(
            "--device-write-iops",
            help="Limit writing to a device, in operations per second",
            metavar="list",
            parser=lists.throttle_iops,
        ),
    ] = None
    io_maxbandwidth: Annotated[
        int | None,
        flag(
            "--io-maxbandwidth",
            help="Limit of the system drive's bandwidth (Windows only)",
            metavar="bytes",
            parser=numbers.ram_in_bytes,
            hidden=True,
        ),
    ] = None
    io_maxiops: Annotated[
        int | None,
        flag(
            "--io-maxiops",
            help="Limit of the system drive's operations (Windows only)",
            metavar="uint",
            parser=numbers.uint64,
            hidden=True,
        ),
    ] = None
    kernel_memory: shared.KernelMemory = None
    memory: shared.Memory = None
    memory_reservation: shared.MemoryReservation = None
    memory_swap: shared.MemorySwap = None
    memory_swappiness: Annotated[
        int | None,
        flag(
            "--memory-swappiness",
            help="Readiness to swap, 0 to 100",
            metavar="int",
            parser=numbers.int64,
        ),
    ] = None
    oom_kill_disable: Annotated[
        bool, flag("--oom-kill-disable", help="Do not kill the container when memory runs out")
    ] = False
    oom_score_adj: Annotated[
        int | None,
        flag(
            "--oom-score-adj",
            help="Preference for being killed when memory runs out, -1000 to 1000",
            metavar="int",
            parser=numbers.int64,
        ),
    ] = None
    pids_limit: shared.PidsLimit = None
    cgroup_parent: Annotated[
        str | None, flag("--cgroup-parent", help="Cgroup to stand under", metavar="string")
    ] = None
    ipc: Annotated[
        str | None,
        flag(
            "--ipc",
            help='IPC namespace: "none", "private", "shareable", "host" or "container:NAME"',
            metavar="string",
        ),
    ] = None
    isolation: Annotated[
        str | None, flag("--isolation", help="Isolation technology", metavar="string")
    ] = None
    pid: Annotated[
        str | None,
        flag("--pid", help='PID namespace: "host" or "container:NAME"', metavar="string"),
    ] = None
    shm_size: Annotated[
        int | None,
        flag("--shm-size", help="Size of /dev/shm", metavar="bytes", parser=numbers.ram_in_bytes),
    ] = None
    uts: Annotated[str | None, flag("--uts", help='UTS namespace: "host"', metavar="string")] = None
    runtime: Annotated[str | None, flag("--runtime", help="OCI runtime", metavar="string")] = None
    init: Annotated[
        bool | None, flag("--init", help="Run an init that forwards signals and reaps processes")
    ] = None
    annotation: Annotated[
        list[str] | None,
        flag(
            "--annotation",
            help="Annotate the container for the OCI runtime, as key=value",
            metavar="map",
        ),
    ] = None
    name: Annotated[str | None, flag("--name", help="Name of the container", metavar="string")] = (
        None
    )
    pull: Annotated[
        str,
        flag(
            "--pull",
            help='When to pull the image: "always", "missing" or "never"',
            metavar="string",
        ),
    ] = "missing"
    quiet: Annotated[bool, flag("--quiet", "-q", help="Do not show the pull's progress")] = False
    platform: Annotated[
        str | None,
        flag("--platform", help="Platform to choose, as os[/arch[/variant]]", metavar="string"),
    ] = None
    use_api_socket: Annotated[
        bool, flag("--use-api-socket", help="Give the container the engine's API socket")
    ] = False
    disable_content_trust: Annotated[
        bool,
        flag("--disable-content-trust", help="Do not verify the image's signature", hidden=True),
    ] = True

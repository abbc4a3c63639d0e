"""The types that docker's client (28.5) decodes the API's answers into.

Their names, order and types are what templates see; a field's name in JSON stands behind `=` where
it is another one, `-` for none, and `?` says that an empty one is left out of JSON (omitempty). A
`+` marks an embedded struct, whose fields count as those of the struct around it. `any` is what is
not declared further.
"""

from __future__ import annotations

STRUCTS = """
blkiodev.ThrottleDevice
    Path string; Rate uint64
blkiodev.WeightDevice
    Path string; Weight uint16
container.Config
    Hostname, Domainname, User string; AttachStdin, AttachStdout, AttachStderr bool;
    ExposedPorts? nat.PortSet; Tty, OpenStdin, StdinOnce bool; Env []string;
    Cmd strslice.StrSlice; Healthcheck? *v1.HealthcheckConfig; ArgsEscaped? bool;
    Image string; Volumes map[string]struct{}; WorkingDir string;
    Entrypoint strslice.StrSlice; NetworkDisabled? bool; MacAddress? string;
    OnBuild []string; Labels map[string]string; StopSignal? string; StopTimeout? *int;
    Shell? strslice.StrSlice
container.ContainerJSONBase
    ID=Id, Created, Path string; Args []string; State *container.State; Image,
    ResolvConfPath, HostnamePath, HostsPath, LogPath, Name string; RestartCount int; Driver,
    Platform, MountLabel, ProcessLabel, AppArmorProfile string; ExecIDs []string;
    HostConfig *container.HostConfig; GraphDriver storage.DriverData; SizeRw?,
    SizeRootFs? *int64
container.DefaultNetworkSettings
    EndpointID, Gateway, GlobalIPv6Address string; GlobalIPv6PrefixLen int;
    IPAddress string; IPPrefixLen int; IPv6Gateway, MacAddress string
container.DeviceMapping
    PathOnHost, PathInContainer, CgroupPermissions string
container.DeviceRequest
    Driver string; Count int; DeviceIDs []string; Capabilities [][]string;
    Options map[string]string
container.Health
    Status string; FailingStreak int; Log []*container.HealthcheckResult
container.HealthcheckResult
    Start, End time.Time; ExitCode int; Output string
container.HostConfig
    Binds []string; ContainerIDFile string; LogConfig container.LogConfig;
    NetworkMode container.NetworkMode; PortBindings nat.PortMap;
    RestartPolicy container.RestartPolicy; AutoRemove bool; VolumeDriver string;
    VolumesFrom []string; ConsoleSize [2]uint; Annotations? map[string]string; CapAdd,
    CapDrop strslice.StrSlice; CgroupnsMode container.CgroupnsMode; DNS=Dns,
    DNSOptions=DnsOptions, DNSSearch=DnsSearch, ExtraHosts, GroupAdd []string;
    IpcMode container.IpcMode; Cgroup container.CgroupSpec; Links []string; OomScoreAdj int;
    PidMode container.PidMode; Privileged, PublishAllPorts, ReadonlyRootfs bool;
    SecurityOpt []string; StorageOpt?, Tmpfs? map[string]string; UTSMode container.UTSMode;
    UsernsMode container.UsernsMode; ShmSize int64; Sysctls? map[string]string;
    Runtime? string; Isolation container.Isolation; +Resources container.Resources;
    Mounts? []mount.Mount; MaskedPaths, ReadonlyPaths []string; Init? *bool
container.InspectResponse
    +ContainerJSONBase *container.ContainerJSONBase; Mounts []container.MountPoint;
    Config *container.Config; NetworkSettings *container.NetworkSettings;
    ImageManifestDescriptor? *v1.Descriptor
container.LogConfig
    Type string; Config map[string]string
container.MountPoint
    Type? mount.Type; Name?, Source, Destination, Driver?, Mode string; RW bool;
    Propagation mount.Propagation
container.NetworkSettings
    +NetworkSettingsBase container.NetworkSettingsBase;
    +DefaultNetworkSettings container.DefaultNetworkSettings;
    Networks map[string]*network.EndpointSettings
container.NetworkSettingsBase
    Bridge, SandboxID, SandboxKey string; Ports nat.PortMap; HairpinMode bool;
    LinkLocalIPv6Address string; LinkLocalIPv6PrefixLen int; SecondaryIPAddresses,
    SecondaryIPv6Addresses []network.Address
container.Resources
    CPUShares=CpuShares, Memory, NanoCPUs=NanoCpus int64; CgroupParent string;
    BlkioWeight uint16; BlkioWeightDevice []*blkiodev.WeightDevice; BlkioDeviceReadBps,
    BlkioDeviceWriteBps, BlkioDeviceReadIOps,
    BlkioDeviceWriteIOps []*blkiodev.ThrottleDevice; CPUPeriod=CpuPeriod, CPUQuota=CpuQuota,
    CPURealtimePeriod=CpuRealtimePeriod, CPURealtimeRuntime=CpuRealtimeRuntime int64;
    CpusetCpus, CpusetMems string; Devices []container.DeviceMapping;
    DeviceCgroupRules []string; DeviceRequests []container.DeviceRequest; KernelMemory?,
    KernelMemoryTCP?, MemoryReservation, MemorySwap int64; MemorySwappiness *int64;
    OomKillDisable *bool; PidsLimit *int64; Ulimits []*units.Ulimit; CPUCount=CpuCount,
    CPUPercent=CpuPercent int64; IOMaximumIOps, IOMaximumBandwidth uint64
container.RestartPolicy
    Name container.RestartPolicyMode; MaximumRetryCount int
container.State
    Status string; Running, Paused, Restarting, OOMKilled, Dead bool; Pid, ExitCode int;
    Error, StartedAt, FinishedAt string; Health? *container.Health
events.Actor
    ID string; Attributes map[string]string
events.Message
    Status=status?, ID=id?, From=from? string; Type events.Type; Action events.Action;
    Actor events.Actor; Scope=scope? string; Time=time?, TimeNano=timeNano? int64
formatter.Platform
    +Platform v1.Platform
image.AttestationProperties
    For digest.Digest
image.ImageProperties
    Platform v1.Platform; Size image.ImageSize; Containers []string
image.ImageSize
    Unpacked int64
image.InspectResponse
    ID=Id string; RepoTags, RepoDigests []string; Parent, Comment, Created?,
    Container? string; ContainerConfig? *container.Config; DockerVersion, Author string;
    Config *v1.DockerOCIImageConfig; Architecture, Variant?, Os, OsVersion? string; Size,
    VirtualSize? int64; GraphDriver storage.DriverData; RootFS image.RootFS;
    Metadata image.Metadata; Descriptor? *v1.Descriptor; Manifests? []image.ManifestSummary
image.ManifestSize
    Content, Total int64
image.ManifestSummary
    ID string; Descriptor v1.Descriptor; Available bool; Size image.ManifestSize;
    Kind image.ManifestKind; ImageData? *image.ImageProperties;
    AttestationData? *formatter.Platform
    +Platform v1.Platform
image.AttestationProperties
image.Metadata
    LastTagTime? time.Time
image.RootFS
    Type? string; Layers? []string
mount.BindOptions
    Propagation? mount.Propagation; NonRecursive?, CreateMountpoint?, ReadOnlyNonRecursive?,
    ReadOnlyForceRecursive? bool
mount.Driver
    Name? string; Options? map[string]string
mount.ImageOptions
    Subpath? string
mount.Mount
    Type? mount.Type; Source?, Target? string; ReadOnly? bool;
    Consistency? mount.Consistency; BindOptions? *mount.BindOptions;
    VolumeOptions? *mount.VolumeOptions; ImageOptions? *mount.ImageOptions;
    TmpfsOptions? *mount.TmpfsOptions; ClusterOptions? any
mount.TmpfsOptions
    SizeBytes? int64; Mode? fs.FileMode; Options? [][]string
mount.VolumeOptions
    NoCopy? bool; Labels? map[string]string; Subpath? string; DriverConfig? *mount.Driver
nat.PortBinding
    HostIP=HostIp, HostPort string
network.Address
    Addr string; PrefixLen int
network.ConfigReference
    Network string
network.EndpointIPAMConfig
    IPv4Address?, IPv6Address? string; LinkLocalIPs? []string
network.EndpointResource
    Name, EndpointID, MacAddress, IPv4Address, IPv6Address string
network.EndpointSettings
    IPAMConfig *network.EndpointIPAMConfig; Links, Aliases []string; MacAddress string;
    DriverOpts map[string]string; GwPriority int; NetworkID, EndpointID, Gateway,
    IPAddress string; IPPrefixLen int; IPv6Gateway, GlobalIPv6Address string;
    GlobalIPv6PrefixLen int; DNSNames []string
network.IPAM
    Driver string; Options map[string]string; Config []network.IPAMConfig
network.IPAMConfig
    Subnet?, IPRange?, Gateway? string; AuxAddress=AuxiliaryAddresses? map[string]string
network.Inspect
    Name, ID=Id string; Created time.Time; Scope, Driver string; EnableIPv4,
    EnableIPv6 bool; IPAM network.IPAM; Internal, Attachable, Ingress bool;
    ConfigFrom network.ConfigReference; ConfigOnly bool;
    Containers map[string]network.EndpointResource; Options, Labels map[string]string;
    Peers? []network.PeerInfo; Services? map[string]network.ServiceInfo
network.PeerInfo
    Name, IP string
network.ServiceInfo
    VIP string; Ports []string; LocalLBIndex int; Tasks []network.Task
network.Task
    Name, EndpointID, EndpointIP string; Info map[string]string
registry.IndexInfo
    Name string; Mirrors []string; Secure, Official bool
registry.ServiceConfig
    AllowNondistributableArtifactsCIDRs? []any;
    AllowNondistributableArtifactsHostnames? []string; InsecureRegistryCIDRs []any;
    IndexConfigs map[string]*registry.IndexInfo; Mirrors []string;
    ExtraFields=- map[string]any
storage.DriverData
    Data map[string]string; Name string
swarm.DiscreteGenericResource
    Kind? string; Value? int64
swarm.GenericResource
    NamedResourceSpec? *swarm.NamedGenericResource;
    DiscreteResourceSpec? *swarm.DiscreteGenericResource
swarm.Info
    NodeID, NodeAddr string; LocalNodeState swarm.LocalNodeState; ControlAvailable bool;
    Error string; RemoteManagers []swarm.Peer; Nodes?, Managers? int; Cluster? any;
    Warnings? []string
swarm.NamedGenericResource
    Kind?, Value? string
swarm.Peer
    NodeID, Addr string
system.Commit
    ID, Expected? string
system.ContainerdInfo
    Address? string; Namespaces system.ContainerdNamespaces
system.ContainerdNamespaces
    Containers, Plugins string
system.DeviceInfo
    Source, ID string
system.FirewallInfo
    Driver string; Info? [][2]string
system.Info
    ID string; Containers, ContainersRunning, ContainersPaused, ContainersStopped,
    Images int; Driver string; DriverStatus, SystemStatus? [][2]string;
    Plugins system.PluginsInfo; MemoryLimit, SwapLimit, KernelMemory?, KernelMemoryTCP?,
    CPUCfsPeriod=CpuCfsPeriod, CPUCfsQuota=CpuCfsQuota, CPUShares, CPUSet, PidsLimit,
    IPv4Forwarding, Debug bool; NFd int; OomKillDisable bool; NGoroutines int; SystemTime,
    LoggingDriver, CgroupDriver, CgroupVersion? string; NEventsListener int; KernelVersion,
    OperatingSystem, OSVersion, OSType, Architecture, IndexServerAddress string;
    RegistryConfig *registry.ServiceConfig; NCPU int; MemTotal int64;
    GenericResources []swarm.GenericResource; DockerRootDir, HTTPProxy=HttpProxy,
    HTTPSProxy=HttpsProxy, NoProxy, Name string; Labels []string; ExperimentalBuild bool;
    ServerVersion string; Runtimes map[string]system.RuntimeWithStatus;
    DefaultRuntime string; Swarm swarm.Info; LiveRestoreEnabled bool;
    Isolation container.Isolation; InitBinary string; ContainerdCommit, RuncCommit,
    InitCommit system.Commit; SecurityOptions []string; ProductLicense? string;
    DefaultAddressPools? []system.NetworkAddressPool; FirewallBackend? *system.FirewallInfo;
    CDISpecDirs []string; DiscoveredDevices? []system.DeviceInfo;
    Containerd? *system.ContainerdInfo; Warnings []string
system.NetworkAddressPool
    Base string; Size int
system.PluginsInfo
    Volume, Network, Authorization, Log []string
system.Runtime
    Path=path? string; Args=runtimeArgs? []string; Type=runtimeType? string;
    Options=options? map[string]any
system.RuntimeWithStatus
    +Runtime system.Runtime; Status=status? map[string]string
system.clientInfo
    Debug bool; +clientVersion system.clientVersion; Warnings []string
system.clientVersion
    Version?, APIVersion=ApiVersion?, DefaultAPIVersion?, PythonVersion?, Os?, Arch? string
system.dockerInfo
    +Info? *system.Info; ServerErrors? []string; UserName=- string;
    ClientInfo? *system.clientInfo; ClientErrors? []string
system.sparseInfo
    ClientInfo? *system.clientInfo; ClientErrors? []string
system.versionInfo
    Client system.clientVersion; Server *types.Version
types.ComponentVersion
    Name, Version string; Details? map[string]string
types.Version
    Platform? types.VersionPlatform; Components? []types.ComponentVersion; Version,
    APIVersion=ApiVersion, MinAPIVersion?, GitCommit, GoVersion, Os, Arch,
    KernelVersion? string; Experimental? bool; BuildTime? string
types.VersionPlatform
    Name string
units.Ulimit
    Name string; Hard, Soft int64
v1.Descriptor
    MediaType=mediaType string; Digest=digest digest.Digest; Size=size int64;
    URLs=urls? []string; Annotations=annotations? map[string]string; Data=data? []uint8;
    Platform=platform? *v1.Platform; ArtifactType=artifactType? string
v1.DockerOCIImageConfig
    +ImageConfig v1.ImageConfig; +DockerOCIImageConfigExt v1.DockerOCIImageConfigExt
v1.DockerOCIImageConfigExt
    Healthcheck? *v1.HealthcheckConfig; OnBuild?, Shell? []string
v1.HealthcheckConfig
    Test? []string; Interval?, Timeout?, StartPeriod?, StartInterval? time.Duration;
    Retries? int
v1.ImageConfig
    User? string; ExposedPorts? map[string]struct{}; Env?, Entrypoint?, Cmd? []string;
    Volumes? map[string]struct{}; WorkingDir? string; Labels? map[string]string;
    StopSignal? string; ArgsEscaped? bool
v1.Platform
    Architecture=architecture, OS=os, OSVersion=os.version? string;
    OSFeatures=os.features? []string; Variant=variant? string
volume.UsageData
    RefCount, Size int64
volume.Volume
    ClusterVolume? any; CreatedAt?, Driver string; Labels map[string]string; Mountpoint,
    Name string; Options map[string]string; Scope string; Status? map[string]any;
    UsageData? *volume.UsageData
"""

OTHERS = {
    "nat.PortMap": "map[nat.Port][]nat.PortBinding",
    "nat.PortSet": "map[nat.Port]struct{}",
    "strslice.StrSlice": "[]string",
    "time.Duration": "int64",
    "fs.FileMode": "uint32",
}
"""Named types that are no structs. Names that stand in neither list are strings."""

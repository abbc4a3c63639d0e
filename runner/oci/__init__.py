"""Config, HostConfig and image config -> OCI runtime spec, as dockerd 28 makes it.

    host = read_host()                                   once
    config = merge_and_verify_config(config, image)      at create
    spec = create_spec(SpecRequest(…), host)             at every start
    msgspec.json.encode(spec)                            the config.json

Everything here is a function of its arguments, but for two places: `hostfiles` looks at the host
(devices, mounts, AppArmor), `user` at two files inside the container's root.
"""

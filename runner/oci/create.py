"""The spec, step by step in dockerd's order (moby daemon/oci_linux.go createSpec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.oci.apparmor import DEFAULT_PROFILE, select_profile
from runner.oci.capabilities import tweak_capabilities
from runner.oci.defaults import capability_sets, default_linux_spec
from runner.oci.devices import with_devices
from runner.oci.mounts import with_mounts
from runner.oci.namespaces import with_namespaces
from runner.oci.process import (
    with_common_options,
    with_console_size,
    with_oom_score,
    with_rlimits,
)
from runner.oci.resources import with_cgroups, with_resources
from runner.oci.seccomp import with_seccomp
from runner.oci.security_opt import parse_security_opt
from runner.oci.user import with_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec


def create_spec(request: SpecRequest, host: Host) -> Spec:
    """The config.json of a container, about to be started.

    Reads /etc/passwd and /etc/group below `request.rootfs`, and `host.files`. Raises
    InvalidParameter, and System for what the host lacks; dockerd reports both as 500, since the
    settings have been verified when the container was created.
    """
    spec = default_linux_spec(host)
    for step in STEPS:
        step(spec, request, host)
    return spec


def with_sysctls(spec: Spec, request: SpecRequest, host: Host) -> None:
    """The user's override those of a new network namespace (WithSysctls)."""
    spec.linux.sysctl.update(request.host_config.sysctls or {})


def with_capabilities(spec: Spec, request: SpecRequest, host: Host) -> None:
    """WithCapabilities. Raises InvalidParameter."""
    settings = request.host_config
    names = tweak_capabilities(
        settings.cap_add or [], settings.cap_drop or [], settings.privileged, host.capabilities
    )
    spec.process.capabilities = capability_sets(names)


def with_apparmor(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Only where the host has it (WithApparmor). Raises System when it cannot be loaded."""
    if not host.apparmor:
        return
    chosen = parse_security_opt(request.host_config.security_opt).apparmor_profile
    profile = select_profile(chosen, request.host_config.privileged)
    if profile == DEFAULT_PROFILE:
        host.files.ensure_default_apparmor_profile()
    spec.process.apparmor_profile = profile


def with_annotations(spec: Spec, request: SpecRequest, host: Host) -> None:
    """coci.WithAnnotations."""
    spec.annotations = dict(request.host_config.annotations or {})


def with_no_new_privileges(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Whether execve(2) can grant more than the caller has (coci.WithNoNewPrivileges)."""
    options = parse_security_opt(request.host_config.security_opt, request.no_new_privileges)
    spec.process.no_new_privileges = options.no_new_privileges


def with_masked_paths(spec: Spec, request: SpecRequest, host: Host) -> None:
    """An empty list unmasks everything, None leaves the default."""
    if request.host_config.masked_paths is not None:
        spec.linux.masked_paths = list(request.host_config.masked_paths)


def with_readonly_paths(spec: Spec, request: SpecRequest, host: Host) -> None:
    """An empty list makes everything writable, None leaves the default."""
    if request.host_config.readonly_paths is not None:
        spec.linux.readonly_paths = list(request.host_config.readonly_paths)


STEPS: Final[tuple[Callable[[Spec, SpecRequest, Host], None], ...]] = (
    with_common_options,
    with_cgroups,
    with_resources,
    with_sysctls,  # after the default ones of with_common_options
    with_devices,
    with_rlimits,
    with_namespaces,
    with_capabilities,
    with_seccomp,  # its rules depend on the capabilities
    with_mounts,  # last of all that touches mounts: it makes them read-only
    with_apparmor,
    with_oom_score,
    with_annotations,
    with_user,
    with_no_new_privileges,
    with_console_size,
    with_masked_paths,  # after with_mounts, which clears both for privileged containers
    with_readonly_paths,
)

"""`docker run` on bare containerd: dockerd's road from the command to the process, in Python."""

try:
    from runner._version import __version__ as __version__
except ModuleNotFoundError:  # a checkout that nothing was built from yet
    __version__ = "0.1.dev0"

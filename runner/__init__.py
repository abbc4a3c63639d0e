"""`docker run` on bare containerd: dockerd's road from the command to the process, in Python."""

__version__ = "0.1.0"

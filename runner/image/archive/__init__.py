"""Archives: what `docker save` writes and OCI layouts, in a tar, loaded into the image store."""

from runner.image.archive.load import load
from runner.image.archive.spool import Limits

__all__ = ["Limits", "load"]

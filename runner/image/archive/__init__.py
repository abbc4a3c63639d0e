"""Archives: what `docker save` writes and OCI layouts, in a tar."""

from runner.image.archive.load import load
from runner.image.archive.save import saving
from runner.image.archive.spool import Limits

__all__ = ["Limits", "load", "saving"]

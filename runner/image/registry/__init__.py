"""The client of the OCI distribution specification: resolving names, downloading documents, blobs.

`Registry` is one repository's connection for the length of one pull; what it downloads is checked
against digest and size before anybody sees the end of it.
"""

from runner.image.registry.client import Registry
from runner.image.registry.credentials import Credentials

__all__ = ["Credentials", "Registry"]

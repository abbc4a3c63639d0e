"""Log drivers: what keeps a container's output (moby daemon/logger).

LineSplitter            bytes of a stream -> Batch            pure
LogDriver.write         Batch -> the file                     blocking or non-blocking mode
LogDriver.read          the file -> Messages                  tail, since, until, follow
"""

from runner.logs.copier import READ_SIZE, LineSplitter
from runner.logs.driver import LogDriver, create_driver
from runner.logs.info import LogInfo
from runner.logs.message import Batch, Message, Partial, Stream
from runner.logs.options import DRIVERS, merge_and_verify_log_config, validate_log_opts
from runner.logs.reader import ReadConfig

__all__ = [
    "DRIVERS",
    "READ_SIZE",
    "Batch",
    "LineSplitter",
    "LogDriver",
    "LogInfo",
    "Message",
    "Partial",
    "ReadConfig",
    "Stream",
    "create_driver",
    "merge_and_verify_log_config",
    "validate_log_opts",
]

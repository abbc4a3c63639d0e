"""Log drivers: what keeps a container's output (moby daemon/logger).

LineSplitter            bytes of a stream -> Batch            pure
LogDriver.write         Batch -> file, journal, server        blocking or non-blocking mode
LogDriver.read          file or journal -> Messages           tail, since, until, follow

    json-file, local    filedriver: a LogFile in one or the other Codec, read by reader
    journald            journald/
    syslog              syslog/, which cannot be read: cache keeps a local log beside it
"""

from runner.logs.copier import READ_SIZE, LineSplitter
from runner.logs.driver import LogDriver
from runner.logs.factory import create_driver
from runner.logs.failures import Failures
from runner.logs.info import LogInfo
from runner.logs.message import Batch, Message, Partial, Stream
from runner.logs.options import DRIVERS, merge_and_verify_log_config, validate_log_opts
from runner.logs.reader import ReadConfig

__all__ = [
    "DRIVERS",
    "READ_SIZE",
    "Batch",
    "Failures",
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

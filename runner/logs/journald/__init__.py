"""The journald driver: entries of systemd's journal (moby daemon/logger/journald).

native      fields -> a datagram of the journal's native protocol
export      journalctl's export format -> entries                   pure
reader      entries -> Messages, by journalctl
driver      batches -> entries
"""

from runner.logs.journald.driver import create_journald

__all__ = ["create_journald"]

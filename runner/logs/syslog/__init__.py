"""The syslog driver: messages to a syslog server, local or not (moby daemon/logger/syslog).

options      what the options mean              pure
envelope     a line -> a message                pure, but for the clock
connection   messages to a server               TCP, TLS, UDP, unix sockets
driver       batches -> messages, and what is to be done when the server goes away
"""

from runner.logs.syslog.driver import create_syslog

__all__ = ["create_syslog"]

"""The tar format: POSIX pax interchange archives and what GNU tar writes.

Read as Go's archive/tar reads it, which dockerd's clients know the refusals of; written as it
writes pax. Python's tarfile would do, but takes five times as long over a small file, holds pax
headers of any size in memory, and takes a damaged header for the end of the archive.
"""

"""Kernel calls that Python does not wrap, and small truths about the kernel.

At the bottom of the house, beside `trace` and `types`: nothing here knows of containers. Failures
are OSError with the kernel's errno, as in `os`; whoever calls gives them a meaning.
"""

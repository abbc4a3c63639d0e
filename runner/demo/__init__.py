"""The boundary, shown: scenarios on a real containerd, with a private engine, step by step.

stage       the private engine, and whatever must be gone afterwards
scenarios   what is done on it
terminal    shown as text
web         shown as a page (runner/trace/page)
"""

"""The test suite: unit, integration (a real containerd), compat (stock clients)."""

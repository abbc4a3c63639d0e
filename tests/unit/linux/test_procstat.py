"""The kernel's counters, read as dockerd reads them."""

import pytest

from runner.linux import procstat

STAT = """\
cpu  100 1 20 3000 5 0 7 9 0 0
cpu0 50 1 10 1500 2 0 3 4 0 0
cpu1 50 0 10 1500 3 0 4 5 0 0
intr 1 2 3
cpufreq 7
"""
NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0
eth0:1: 1234567890123     11   2    3    0     0          0         0      126       3    4    5   0
"""


def test_the_cpus_time_is_without_steal() -> None:
    assert procstat.cpu_time(STAT.splitlines()) == (3133 * 10_000_000, 2)


@pytest.mark.parametrize("line", ["cpu  1 2 3", "cpu  1 2 3 4 5 6 x"])
def test_a_broken_stat_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        procstat.cpu_time([line])


def test_traffic_is_by_interface_whose_name_may_have_a_colon() -> None:
    found = procstat.traffic(NET_DEV.splitlines())
    assert found["eth0:1"] == procstat.Traffic(1234567890123, 11, 2, 3, 126, 3, 4, 5)
    assert sorted(found) == ["eth0:1", "lo"]

"""Words behind the second colon."""

import pytest

from runner.volume.modes import is_read_write, is_valid_mode, propagation_of, says_nocopy

GOOD = ["", "ro", "rw", "z", "Z", "nocopy", "ro,z,rslave,nocopy,cached", "shared", "delegated"]
BAD = ["bad", "ro,rw", "rw,rw", "z,Z", "slave,rslave", "nocopy,nocopy", "ro,", ",", "RO", "copy"]


@pytest.mark.parametrize("mode", GOOD)
def test_valid(mode: str) -> None:
    assert is_valid_mode(mode)


@pytest.mark.parametrize("mode", BAD)
def test_invalid(mode: str) -> None:
    assert not is_valid_mode(mode)
    assert not is_read_write(mode)


def test_questions() -> None:
    assert is_read_write("z,rw")
    assert not is_read_write("z,ro")
    assert propagation_of("ro,rslave") == "rslave"
    assert propagation_of("ro") == ""
    assert says_nocopy("z,nocopy")
    assert not says_nocopy("z")

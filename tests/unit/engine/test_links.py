"""Links as they are written, and the variables that tell of them."""

import pytest

from runner.engine.links import link_variables, parse_link
from runner.types.errors import RunnerError


def test_links_are_read() -> None:
    assert parse_link("db") == ("db", "db")
    assert parse_link("db:data") == ("db", "data")
    assert parse_link("/db:/front/data") == ("db", "data")
    for wrong in ("", "a:b:c"):
        with pytest.raises(RunnerError):
            parse_link(wrong)


def test_neighbouring_ports_are_a_range() -> None:
    told = link_variables(
        "/front/my-db", "10.0.0.2", ["A=1", "PATH=/x", "bare"], [(81, "tcp"), (80, "tcp")]
    )
    assert told == [
        "MY_DB_PORT=tcp://10.0.0.2:80",
        "MY_DB_PORT_80_TCP=tcp://10.0.0.2:80",
        "MY_DB_PORT_80_TCP_ADDR=10.0.0.2",
        "MY_DB_PORT_80_TCP_PORT=80",
        "MY_DB_PORT_80_TCP_PROTO=tcp",
        "MY_DB_PORT_81_TCP=tcp://10.0.0.2:81",
        "MY_DB_PORT_81_TCP_ADDR=10.0.0.2",
        "MY_DB_PORT_81_TCP_PORT=81",
        "MY_DB_PORT_81_TCP_PROTO=tcp",
        "MY_DB_PORT_80_TCP_START=tcp://10.0.0.2:80",
        "MY_DB_PORT_80_TCP_PORT_START=80",
        "MY_DB_PORT_80_TCP_END=tcp://10.0.0.2:81",
        "MY_DB_PORT_80_TCP_PORT_END=81",
        "MY_DB_NAME=/front/my-db",
        "MY_DB_ENV_A=1",
    ]
    assert link_variables("/front/db", "10.0.0.2", [], []) == ["DB_NAME=/front/db"]

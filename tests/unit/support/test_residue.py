"""What counts as left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import firewall, residue
from tests.support.workspace import Workspace, close_abandoned

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = residue.Scope()


def test_only_what_was_added_is_residue() -> None:
    before = {"interface": ["lo", "old"], "mount": []}
    after = {"interface": ["lo", "new"], "mount": ["/m (tmpfs)"]}
    assert residue.diff(before, after, EVERYTHING) == ["interface: new", "mount: /m (tmpfs)"]


def test_own_scope_sees_only_what_bears_an_own_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workspace, "made", ["mine1234"])
    after = {"mount": ["/tmp/rt-mine1234/x (overlay)", "/tmp/rt-other567/x (overlay)"]}
    found = residue.diff({}, after, residue.Scope(own_only=True))
    assert found == ["mount: /tmp/rt-mine1234/x (overlay)"]


def test_things_of_another_living_run_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_TEST_DIR", str(tmp_path))
    monkeypatch.setattr(Workspace, "made", [])
    workspace = Workspace.make()
    monkeypatch.setattr(Workspace, "made", [])
    after = {"interface": [f"rb{workspace.tag}", "rbleftover"]}
    assert residue.diff({}, after, EVERYTHING) == ["interface: rbleftover"]
    workspace.close()
    assert not workspace.path.exists()


def test_a_workspace_whose_owner_is_gone_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_TEST_DIR", str(tmp_path))
    monkeypatch.setattr(Workspace, "made", [])
    dead, living = Workspace.make(), Workspace.make()
    (dead.path / "owner").write_text("1 999999999999")
    assert close_abandoned() == [dead.path]
    assert living.path.exists()
    living.close()


def test_iptables_lines_are_read_without_what_every_kernel_has() -> None:
    text = (
        "*nat\n:PREROUTING ACCEPT [1:2]\n:RUNNER - [0:0]\n-A POSTROUTING -o br0 -j MASQUERADE\n"
        "COMMIT\n*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"
    )
    assert list(firewall.parse(text)) == [
        firewall.Line("nat", ":RUNNER -"),
        firewall.Line("nat", "-A POSTROUTING -o br0 -j MASQUERADE"),
        firewall.Line("filter", ":FORWARD DROP"),
    ]


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("-A FORWARD -i rbabc -j ACCEPT", True),
        ("-A FORWARD -i rbabcd -j ACCEPT", False),
        ("-A POSTROUTING -s 198.18.0.0/24 ! -o rbx -j MASQUERADE", True),
        ("-A POSTROUTING -s 1198.18.0.0/24 -j MASQUERADE", False),
        (":rbabc -", True),
        (":rbabc DROP", False),
    ],
)
def test_rules_are_recognised_by_interface_or_subnet(rule: str, named: bool) -> None:
    line = firewall.Line("filter", rule)
    assert firewall.names_any(line, ["rbabc", "198.18.0.0/24"]) is named

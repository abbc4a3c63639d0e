"""Log tags: the templates that moby's drivers take."""

from __future__ import annotations

import pytest

from runner.logs.info import LogInfo
from runner.logs.tag import parse_log_tag

INFO = LogInfo("0123456789ab" + "c" * 52, "/web", "", image_name="demo")


@pytest.mark.parametrize(
    ("template", "tag"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{.Name}}/{{.ID}}", "web/0123456789ab"),
        ("{{.ImageName | upper}}", "DEMO"),
        ("{{pad .Name 1 2}}|", " web  |"),
    ],
)
def test_tags(template: str, tag: str) -> None:
    assert parse_log_tag(template, INFO) == tag


@pytest.mark.parametrize(
    "template", ["{{.Nope}}", "{{.Name", "{{nope .Name}}", "{{pad .Name 1 999999999}}", "{{}}"]
)
def test_mistakes(template: str) -> None:
    with pytest.raises(ValueError, match="template: log-tag"):
        parse_log_tag(template, INFO)

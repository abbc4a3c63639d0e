"""What a list's rows are made of, whichever way they are shown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]


class Kind:
    """A kind of rows."""

    def __init__(
        self,
        name: str,
        headers: dict[str, str],
        *,
        more: tuple[str, ...] = (),
        types: dict[str, str] | None = None,
        labelled: bool = False,
    ) -> None:
        self.name = name
        """What messages call it: docker's name for the type."""
        self.headers = headers
        """The columns and their headers."""
        self.more = more
        """Columns that have no header."""
        self.types = types or {}
        """The declared types of columns that are no texts."""
        self.labelled = labelled
        """Whether rows have a member "Label", all labels by name, for `{{.Label "name"}}`."""

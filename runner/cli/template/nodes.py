"""The tree that a template is parsed into (text/template/parse, node.go).

`str()` of a node is how messages quote it. `position` is where messages say that it stands.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Node:
    """Anything in the tree."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


# --- operands ---------------------------------------------------------------------------------


class Dot(Node):
    """`.`: what the template is about just here."""

    __slots__ = ()

    def __str__(self) -> str:
        return "."


class Nil(Node):
    """`nil`."""

    __slots__ = ()

    def __str__(self) -> str:
        return "nil"


class Literal(Node):
    """A string, a number or a truth value, with the text that it was written as."""

    __slots__ = ("text", "value")

    def __init__(self, position: int, text: str, value: str | float | bool) -> None:
        super().__init__(position)
        self.text = text
        self.value = value

    def __str__(self) -> str:
        return self.text


class Field(Node):
    """`.A.B`."""

    __slots__ = ("names",)

    def __init__(self, position: int, names: list[str]) -> None:
        super().__init__(position)
        self.names = names

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


class Variable(Node):
    """`$x.A.B`; the first of the names is `$x`."""

    __slots__ = ("names",)

    def __init__(self, position: int, names: list[str]) -> None:
        super().__init__(position)
        self.names = names

    def __str__(self) -> str:
        return ".".join(self.names)


class Chain(Node):
    """`(pipeline).A.B`."""

    __slots__ = ("names", "operand")

    def __init__(self, position: int, operand: Node, names: list[str]) -> None:
        super().__init__(position)
        self.operand = operand
        self.names = names

    def __str__(self) -> str:
        operand = f"({self.operand})" if isinstance(self.operand, Pipeline) else str(self.operand)
        return operand + "".join(f".{name}" for name in self.names)


class Function(Node):
    """A function's name."""

    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name

    def __str__(self) -> str:
        return self.name


class Command(Node):
    """An operand, or something that is called with the operands behind it."""

    __slots__ = ("operands",)

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.operands: list[Node] = []

    def __str__(self) -> str:
        return " ".join(
            f"({operand})" if isinstance(operand, Pipeline) else str(operand)
            for operand in self.operands
        )


class Pipeline(Node):
    """`$x, $y := command | command`."""

    __slots__ = ("assigns", "commands", "variables")

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.commands: list[Command] = []
        self.variables: list[str] = []
        self.assigns = False
        """Whether the variables were declared before (`=`), not here (`:=`)."""

    def __str__(self) -> str:
        commands = " | ".join(map(str, self.commands))
        if not self.variables:
            return commands
        return f"{', '.join(self.variables)} {'=' if self.assigns else ':='} {commands}"


# --- what lists consist of --------------------------------------------------------------------


class Text(Node):
    """Text outside of actions."""

    __slots__ = ("text",)

    def __init__(self, position: int, text: str) -> None:
        super().__init__(position)
        self.text = text


class Action(Node):
    """`{{pipeline}}`: its value is shown, unless it declares variables."""

    __slots__ = ("pipeline",)

    def __init__(self, position: int, pipeline: Pipeline) -> None:
        super().__init__(position)
        self.pipeline = pipeline

    def __str__(self) -> str:
        return f"{{{{{self.pipeline}}}}}"


class Branch(Node):
    """`{{if}}`, `{{with}}` or `{{range}}`, down to its `{{end}}`."""

    __slots__ = ("alternative", "body", "kind", "pipeline")

    def __init__(
        self,
        position: int,
        kind: str,
        pipeline: Pipeline,
        body: Sequence[Node],
        alternative: Sequence[Node],
    ) -> None:
        super().__init__(position)
        self.kind = kind
        self.pipeline = pipeline
        self.body = body
        self.alternative = alternative
        """What stands behind `{{else}}`."""


class Leave(Node):
    """`{{break}}` or `{{continue}}`."""

    __slots__ = ("kind",)

    def __init__(self, position: int, kind: str) -> None:
        super().__init__(position)
        self.kind = kind


class Mark(Node):
    """`{{end}}` or `{{else}}`, seen while parsing only."""

    __slots__ = ("kind",)

    def __init__(self, position: int, kind: str) -> None:
        super().__init__(position)
        self.kind = kind

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"

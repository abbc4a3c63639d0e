"""Templates carried out (text/template, exec.go).

`None` for a value is Go's invalid one: nothing at all, as against a nil of some type. `final` is
what a pipeline hands on to its next command: empty, or one value.
"""

from __future__ import annotations

from runner.cli.template import nodes, show
from runner.cli.template.functions import REFLECTED, followed, held, truth
from runner.cli.template.types import BOOL, FLOAT, INT, STRING, Type, Value, zero
from runner.cli.values.numbers import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.cli.template.nodes import Node
    from runner.cli.template.types import Field, Signature

    Final = tuple[Value | None, ...]

_NILABLE = frozenset(("interface", "map", "pointer", "slice"))


class ExecutionError(Exception):
    """The template does not fit the value."""

    def __init__(self, message: str, written: str) -> None:
        super().__init__(message)
        self.written = written
        """What came out before."""


class _Left(Exception):
    """A loop's body was left early."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Execution:
    """One run of a template over one value."""

    def __init__(
        self, name: str, source: str, functions: Mapping[str, Signature], *, strict: bool = False
    ) -> None:
        """Strict is to take a map's missing key for an error (missingkey=error)."""
        self._name = name
        self._source = source
        self._functions = functions
        self._strict = strict
        self._out: list[str] = []
        self._node: Node = nodes.Dot(0)
        """What is at work, for messages."""
        self._variables: list[tuple[str, Value | None]] = []

    def run(self, parts: Sequence[Node], value: Value | None) -> str:
        """The text. Raises ExecutionError."""
        self._variables = [("$", value)]
        self._walk(parts, value)
        return "".join(self._out)

    # --- parts ------------------------------------------------------------------------------

    def _walk(self, parts: Sequence[Node], dot: Value | None) -> None:
        for part in parts:
            self._node = part
            match part:
                case nodes.Text():
                    self._out.append(part.text)
                case nodes.Action():
                    value = self._pipeline(dot, part.pipeline)
                    if not part.pipeline.variables:
                        self._node = part
                        self._out.append(show.printed(value))
                case nodes.Branch() if part.kind == "range":
                    self._range(dot, part)
                case nodes.Branch():
                    self._choose(dot, part)
                case nodes.Leave():
                    raise _Left(part.kind)
                case _:
                    raise AssertionError(part)

    def _choose(self, dot: Value | None, branch: nodes.Branch) -> None:
        """`if` and `with`, which only differ in what the dot is inside."""
        known = len(self._variables)
        value = self._pipeline(dot, branch.pipeline)
        if truth(value):
            self._walk(branch.body, value if branch.kind == "with" else dot)
        else:
            self._walk(branch.alternative, dot)
        del self._variables[known:]

    def _range(self, dot: Value | None, branch: nodes.Branch) -> None:
        known = len(self._variables)
        value = followed(self._pipeline(dot, branch.pipeline))
        inside = len(self._variables)
        empty = True
        try:
            for index, item in self._items(value, branch.pipeline):
                empty = False
                self._bind(branch.pipeline, index, item)
                self._once(branch.body, item)
                del self._variables[inside:]
        except _Left:
            pass
        if empty:
            self._walk(branch.alternative, dot)
        del self._variables[known:]

    def _once(self, body: Sequence[Node], item: Value | None) -> None:
        try:
            self._walk(body, item)
        except _Left as left:
            if left.kind == "break":
                raise

    def _items(
        self, value: Value | None, pipeline: nodes.Pipeline
    ) -> Iterable[tuple[Value | None, Value]]:
        if value is None:
            return ()
        match value.kind:
            case "slice" | "array" | "map":
                return value.items()
            case "int" | "uint":
                if len(pipeline.variables) > 1:
                    raise self._failed(
                        f"can't use {show.text(value)} to iterate over more than one variable"
                    )
                return ((None, Value(value.type, number)) for number in range(value.data))
            case _:
                raise self._failed(f"range can't iterate over {show.text(value)}")

    def _bind(self, pipeline: nodes.Pipeline, index: Value | None, item: Value | None) -> None:
        """Give the loop's variables their values: `$item`, or `$index, $item`."""
        names = pipeline.variables
        values = [index, item] if len(names) > 1 else [item]
        for place, (name, value) in enumerate(zip(names, values, strict=False)):
            if pipeline.assigns:
                self._assign(name, value)
            else:
                self._variables[place - len(names)] = (name, value)

    # --- pipelines --------------------------------------------------------------------------

    def _pipeline(self, dot: Value | None, pipeline: nodes.Pipeline) -> Value | None:
        self._node = pipeline
        value: Value | None = None
        final: Final = ()
        for command in pipeline.commands:
            value = held(self._command(dot, command, final))
            final = (value,)
        for name in pipeline.variables:
            if pipeline.assigns:
                self._assign(name, value)
            else:
                self._variables.append((name, value))
        return value

    def _assign(self, name: str, value: Value | None) -> None:
        self._variables[self._place(name)] = (name, value)

    def _place(self, name: str) -> int:
        """Where the variable is; one that the other branch declared is known to the parser only."""
        for place in range(len(self._variables) - 1, -1, -1):
            if self._variables[place][0] == name:
                return place
        raise self._failed(f"undefined variable: {name}")

    def _command(self, dot: Value | None, command: nodes.Command, final: Final) -> Value | None:
        first, arguments = command.operands[0], command.operands[1:]
        match first:
            case nodes.Field() | nodes.Chain() | nodes.Variable() | nodes.Function():
                return self._operand(dot, first, arguments, final, caller=command)
            case nodes.Pipeline():
                self._refuse_arguments(first, arguments, final)
                return self._pipeline(dot, first)
            case _:
                return self._plain(dot, first, arguments, final)

    def _plain(
        self, dot: Value | None, word: Node, arguments: Sequence[Node], final: Final
    ) -> Value | None:
        """A command that is nothing but a value."""
        self._node = word
        self._refuse_arguments(word, arguments, final)
        if isinstance(word, nodes.Nil):
            raise self._failed("nil is not a command")
        return dot if isinstance(word, nodes.Dot) else _constant(word)

    def _refuse_arguments(self, word: Node, arguments: Sequence[Node], final: Final) -> None:
        if arguments or final:
            raise self._failed(f"can't give argument to non-function {word}")

    def _operand(
        self,
        dot: Value | None,
        node: Node,
        arguments: Sequence[Node] = (),
        final: Final = (),
        caller: Node | None = None,
    ) -> Value | None:
        """What a field, chain, variable or function comes to."""
        self._node = node
        match node:
            case nodes.Field():
                return self._fields(dot, dot, node, node.names, arguments, final)
            case nodes.Chain():
                if isinstance(node.operand, nodes.Nil):
                    raise self._failed(f"indirection through explicit nil in {node}")
                receiver = self._argument(dot, None, node.operand)
                return self._fields(dot, receiver, node, node.names, arguments, final)
            case nodes.Variable():
                return self._variable(dot, node, arguments, final)
            case nodes.Function():
                signature = self._functions[node.name]
                return self._call(dot, signature, caller or node, node.name, arguments, final)
            case _:
                raise AssertionError(node)

    def _variable(
        self, dot: Value | None, node: nodes.Variable, arguments: Sequence[Node], final: Final
    ) -> Value | None:
        name, *fields = node.names
        value = self._variables[self._place(name)][1]
        if fields:
            return self._fields(dot, value, node, fields, arguments, final)
        self._refuse_arguments(node, arguments, final)
        return value

    # --- fields -----------------------------------------------------------------------------

    def _fields(
        self,
        dot: Value | None,
        receiver: Value | None,
        node: Node,
        names: list[str],
        arguments: Sequence[Node],
        final: Final,
    ) -> Value | None:
        """One field after the other; only the last may be a method with arguments."""
        for name in names[:-1]:
            receiver = self._field(dot, receiver, node, name, (), ())
        return self._field(dot, receiver, node, names[-1], arguments, final)

    def _field(
        self,
        dot: Value | None,
        receiver: Value | None,
        node: Node,
        name: str,
        arguments: Sequence[Node],
        final: Final,
    ) -> Value | None:
        if receiver is None:
            if self._strict:
                raise self._failed(f"nil data; no entry for key {go_quote(name)}")
            return None
        shown = receiver.type
        target = followed(receiver)
        assert target is not None
        if target.kind == "interface":
            raise self._failed(f"nil pointer evaluating {shown}.{name}")
        if target.kind == "pointer":
            raise self._failed_at_nil(target.type, shown, name)
        if method := target.type.methods.get(name):
            return self._call(dot, method, node, name, arguments, final, target)
        has_arguments = bool(arguments or final)
        if target.kind == "struct" and (way := target.type.find(name)) is not None:
            if has_arguments:
                raise self._failed(f"{name} has arguments but cannot be invoked as function")
            return self._follow(target, way)
        if target.kind == "map" and STRING.assignable_to(_key_type(target)):
            if has_arguments:
                raise self._failed(f"{name} is not a method but has arguments")
            return self._entry(target, name)
        raise self._failed(f"can't evaluate field {name} in type {shown}")

    def _failed_at_nil(self, pointer: Type, shown: Type, name: str) -> ExecutionError:
        """A nil pointer has no fields; one that would have none anyway is told so."""
        struct = pointer.elem
        if struct is not None and struct.kind == "struct" and struct.find(name) is None:
            return self._failed(f"can't evaluate field {name} in type {shown}")
        return self._failed(f"nil pointer evaluating {shown}.{name}")

    def _follow(self, value: Value, way: list[Field]) -> Value:
        for step in way[:-1]:
            value = value.field(step)
            if value.kind == "pointer":
                inner = value.inner()
                if inner is None:
                    raise self._failed(
                        "reflect: indirection through nil pointer to embedded struct field "
                        f"{step.name}"
                    )
                value = inner
        return value.field(way[-1])

    def _entry(self, mapping: Value, name: str) -> Value | None:
        if name in (mapping.data or {}):
            return mapping.at(name)
        if self._strict:
            raise self._failed(f"map has no entry for key {go_quote(name)}")
        return None

    # --- calls ------------------------------------------------------------------------------

    def _call(
        self,
        dot: Value | None,
        signature: Signature,
        node: Node,
        name: str,
        arguments: Sequence[Node],
        final: Final,
        *receiver: Value,
    ) -> Value | None:
        self._check_count(signature, name, len(arguments), len(final))
        if name in ("and", "or") and not receiver:
            return self._decide(dot, name, arguments, final)
        values = [
            self._argument(dot, _parameter(signature, place), argument)
            for place, argument in enumerate(arguments)
        ]
        if final:
            values.append(self._fitted(final[0], _parameter(signature, len(arguments))))
        try:
            return signature.call(*receiver, *values)
        except ValueError as err:
            self._node = node
            raise self._failed(f"error calling {name}: {err}") from err

    def _check_count(self, signature: Signature, name: str, written: int, final: int) -> None:
        wanted, given = len(signature.parameters), written + final
        if signature.variadic:
            if given < wanted - 1:
                raise self._failed(
                    f"wrong number of args for {name}: want at least {wanted - 1} got {written}"
                )
        elif given != wanted:
            raise self._failed(f"wrong number of args for {name}: want {wanted} got {given}")

    def _decide(
        self, dot: Value | None, name: str, arguments: Sequence[Node], final: Final
    ) -> Value | None:
        """`and` and `or`: the first argument that decides, else the last."""
        value: Value | None = None
        for argument in arguments:
            value = self._argument(dot, REFLECTED, argument)
            if truth(value) == (name == "or"):
                return value
        return final[0] if final else value

    def _argument(self, dot: Value | None, wanted: Type | None, node: Node) -> Value | None:
        """An argument of the type wanted; of any where that is None."""
        self._node = node
        match node:
            case nodes.Dot():
                return self._fitted(dot, wanted)
            case nodes.Nil():
                return self._nil(wanted)
            case nodes.Pipeline():
                return self._fitted(self._pipeline(dot, node), wanted)
            case nodes.Literal():
                return self._literal(node, wanted)
            case _:
                return self._fitted(self._operand(dot, node), wanted)

    def _nil(self, wanted: Type | None) -> Value | None:
        if wanted is not None and not _takes_nil(wanted):
            raise self._failed(f"cannot assign nil to {wanted}")
        return None

    def _literal(self, node: nodes.Literal, wanted: Type | None) -> Value:
        value = _constant(node)
        match wanted.kind if wanted is not None and wanted is not REFLECTED else "":
            case "string" if value.kind != "string":
                raise self._failed(f"expected string; found {node}")
            case "int" if value.kind != "int":
                if value.kind == "float" and value.data.is_integer():
                    return Value(INT, int(value.data))
                raise self._failed(f"expected integer; found {node}")
            case "slice":
                raise self._failed(f"can't handle {node} for arg of type {wanted}")
            case _:
                return value

    def _fitted(self, value: Value | None, wanted: Type | None) -> Value | None:
        """The value as one of the type wanted (validateType)."""
        if value is None:
            if wanted is None or wanted is REFLECTED or wanted.kind == "interface":
                return None
            if wanted.kind not in _NILABLE:
                raise self._failed(f"invalid value; expected {wanted}")
            return Value(wanted, zero(wanted))
        if wanted is None or wanted is REFLECTED or value.type.assignable_to(wanted):
            return value
        if value.kind == "interface" and not value.is_nil():
            value = value.inner()
            assert value is not None
            if value.type.assignable_to(wanted):
                return value
        return self._dereferenced(value, wanted)

    def _dereferenced(self, value: Value, wanted: Type) -> Value:
        pointed = value.type.elem if value.kind == "pointer" else None
        if pointed is None or not pointed.assignable_to(wanted):
            raise self._failed(f"wrong type for value; expected {wanted}; got {value.type}")
        inner = value.inner()
        if inner is None:
            raise self._failed(f"dereference of nil pointer of type {wanted}")
        return inner

    # --- errors -----------------------------------------------------------------------------

    def _failed(self, message: str) -> ExecutionError:
        before = self._source[: self._node.position]
        column = len(before.rpartition("\n")[2].encode("utf-8", "surrogateescape"))
        where = f"{self._name}:{before.count(chr(10)) + 1}:{column}"
        return ExecutionError(
            f"template: {where}: executing {go_quote(self._name)} at <{self._node}>: {message}",
            "".join(self._out),
        )


def _constant(node: Node) -> Value:
    assert isinstance(node, nodes.Literal)
    kinds = {bool: BOOL, str: STRING, int: INT, float: FLOAT}
    return Value(kinds[type(node.value)], node.value)


def _key_type(mapping: Value) -> Type:
    assert mapping.type.key is not None
    return mapping.type.key


def _parameter(signature: Signature, place: int) -> Type:
    """The type of the parameter at this place; the last one repeats."""
    return signature.parameters[min(place, len(signature.parameters) - 1)]


def _takes_nil(wanted: Type) -> bool:
    return wanted is REFLECTED or wanted.kind in _NILABLE

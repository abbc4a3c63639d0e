"""`--format`: Go's templates, as far as docker's users need them (text/template, docker/cli).

    {{.A.B}}  {{$x.A}}  {{(…).A}}      fields of structs and maps, methods of a few types
    {{$x := …}}  {{$x = …}}            variables
    {{… | f}}  {{f a (g b)}}           pipelines, calls, parentheses
    {{if}}  {{with}}  {{range}}        with {{else}}, {{else if}}, {{else with}}, {{break}},
                                       {{continue}} and {{range $key, $value := …}}
    {{- … -}}  {{/* … */}}             trimmed white space, comments
    and or not  eq ne lt le gt ge  index slice len  print printf println
    json  split join  lower upper title  pad truncate

What there is behaves as in Go down to the wording of errors: values have the types that docker's
client gives them (`declared`), so that a list that is null prints as `[]` and a struct without its
names. What is left out ({{define}}, {{template}}, {{block}}, complex numbers, html, js, urlquery
and call) is refused by name.

The package is imported only where a template was given: no command has to wait for it.
"""

from __future__ import annotations

from runner.cli.template import functions
from runner.cli.template.execute import Execution, ExecutionError
from runner.cli.template.parser import ParseError, Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.template.types import Value

__all__ = ("ExecutionError", "ParseError", "Template")


class Template:
    """A parsed template."""

    def __init__(self, source: str, name: str = "") -> None:
        """Raises ParseError."""
        self._name = name
        self._source = source
        parser = Parser(name, source, functions.FUNCTIONS, functions.UNSUPPORTED)
        try:
            self._parts = parser.parse()
        except RecursionError:
            raise ParseError(f"template: {name}:1: max expression depth exceeded") from None

    def render(self, value: Value | None, *, strict: bool = False) -> str:
        """The text for one value. Raises ExecutionError.

        Strict is to take a map's missing key for an error.
        """
        run = Execution(self._name, self._source, functions.FUNCTIONS, strict=strict)
        return run.run(self._parts, value)

    def render_header(self, value: Value) -> str:
        """The same for a table's header, up to where it fails."""
        run = Execution(self._name, self._source, functions.HEADER_FUNCTIONS)
        try:
            return run.run(self._parts, value)
        except ExecutionError as err:
            return err.written

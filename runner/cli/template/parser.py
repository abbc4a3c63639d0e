"""Templates parsed into trees (text/template/parse, parse.go).

Left out, and said to be: {{define}}, {{template}}, {{block}}, complex numbers, and the functions
that docker's users have no use for (functions.py has those that there are).
"""

from __future__ import annotations

from runner.cli.template import nodes
from runner.cli.template.lexer import Lexer, Token
from runner.cli.template.literals import character, number, unquote
from runner.cli.values.numbers import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from runner.cli.template.nodes import Node

_OPERANDS = frozenset(
    ("bool", "character", "complex", "dot", "field", "identifier", "number", "nil", "raw",
     "string", "variable", "(")
)  # fmt: skip
_SHARED = frozenset(("block", "define", "template"))
"""Keywords for templates that are made of several."""


class ParseError(Exception):
    """The template is malformed, or has what is left out; the text says so as Go's does."""


class Parser:
    """Parses one template."""

    def __init__(
        self, name: str, source: str, functions: Container[str], unsupported: Container[str]
    ) -> None:
        self._name = name
        self._lexer = Lexer(source)
        self._functions = functions
        self._unsupported = unsupported
        self._ahead: list[Token] = []
        """Tokens that were read and put back, the next one last."""
        self._latest = Token("EOF", 0, "", 1)
        self._action_line = 0
        self._loops = 0
        self._variables = ["$"]

    def parse(self) -> list[Node]:
        """The template's parts. Raises ParseError."""
        found: list[Node] = []
        while self._peek().kind != "EOF":
            node = self._text_or_action()
            if isinstance(node, nodes.Mark):
                raise self._error(f"unexpected {node}")
            found.append(node)
        return found

    # --- parts ------------------------------------------------------------------------------

    def _text_or_action(self) -> Node:
        token = self._next_word()
        if token.kind == "text":
            return nodes.Text(token.position, token.text)
        if token.kind != "left":
            raise self._unexpected(token, "input")
        self._action_line = token.line
        try:
            return self._action()
        finally:
            self._action_line = 0

    def _action(self) -> Node:
        token = self._next_word()
        if token.kind in ("if", "range", "with"):
            return self._branch(token.kind)
        if token.kind in ("break", "continue"):
            return self._leave(token)
        if token.kind == "else":
            return self._else()
        if token.kind == "end":
            return nodes.Mark(self._expect("right", "end").position, "end")
        if token.kind in _SHARED:
            raise self._error(f"{{{{{token.kind}}}}} is not supported by runner")
        self._put_back(token)
        return nodes.Action(token.position, self._pipeline("command", "right"))

    def _leave(self, token: Token) -> Node:
        following = self._next_word()
        if following.kind != "right":
            raise self._unexpected(following, f"{{{{{token.kind}}}}}")
        if not self._loops:
            raise self._error(f"{{{{{token.kind}}}}} outside {{{{range}}}}")
        return nodes.Leave(token.position, token.kind)

    def _else(self) -> Node:
        """`{{else}}`; of `{{else if …}}` the `if` is left for `_branch` to see."""
        following = self._next_word()
        self._put_back(following)
        if following.kind not in ("if", "with"):
            self._expect("right", "else")
        return nodes.Mark(following.position, "else")

    def _branch(self, kind: str) -> nodes.Branch:
        known = len(self._variables)
        pipeline = self._pipeline(kind, "right")
        self._loops += kind == "range"
        body, mark = self._list()
        self._loops -= kind == "range"
        alternative = self._alternative(kind) if mark.kind == "else" else []
        del self._variables[known:]
        return nodes.Branch(pipeline.position, kind, pipeline, body, alternative)

    def _alternative(self, kind: str) -> list[Node]:
        """What follows `{{else}}`, the `{{end}}` consumed. `{{else if}}` shares that end."""
        if kind in ("if", "with") and self._peek().kind == kind:
            self._next()
            return [self._branch(kind)]
        found, mark = self._list()
        if mark.kind != "end":
            raise self._error(f"expected end; found {mark}")
        return found

    def _list(self) -> tuple[list[Node], nodes.Mark]:
        found: list[Node] = []
        while self._peek_word().kind != "EOF":
            node = self._text_or_action()
            if isinstance(node, nodes.Mark):
                return found, node
            found.append(node)
        raise self._error("unexpected EOF")

    # --- pipelines --------------------------------------------------------------------------

    def _pipeline(self, context: str, end: str) -> nodes.Pipeline:
        pipeline = nodes.Pipeline(self._peek_word().position)
        while self._declares(pipeline, context):
            pass
        while (token := self._next_word()).kind != end:
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._put_back(token)
            pipeline.commands.append(self._command())
        self._check(pipeline, context)
        return pipeline

    def _declares(self, pipeline: nodes.Pipeline, context: str) -> bool:
        """Take `$x :=`, `$x =` or `$x,`; whether another variable must follow."""
        variable = self._peek_word()
        if variable.kind != "variable":
            return False
        self._next()
        after = self._next()
        following = self._next_word() if after.kind == "space" else after
        if following.kind in ("assign", "declare"):
            pipeline.assigns = following.kind == "assign"
            self._declare(pipeline, variable)
            return False
        if following.kind == "char" and following.text == ",":
            self._declare(pipeline, variable)
            return self._expects_second(pipeline, context)
        self._put_back(*([following, after] if following is not after else [after]), variable)
        return False

    def _declare(self, pipeline: nodes.Pipeline, variable: Token) -> None:
        pipeline.variables.append(variable.text)
        self._variables.append(variable.text)

    def _expects_second(self, pipeline: nodes.Pipeline, context: str) -> bool:
        if context != "range" or len(pipeline.variables) > 1:
            raise self._error(f"too many declarations in {context}")
        if self._peek_word().kind in ("variable", "right", ")"):
            return True
        raise self._error("range can only initialize variables")

    def _check(self, pipeline: nodes.Pipeline, context: str) -> None:
        if not pipeline.commands:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(pipeline.commands[1:], 2):
            if isinstance(command.operands[0], nodes.Dot | nodes.Nil | nodes.Literal):
                raise self._error(f"non executable command in pipeline stage {stage}")

    def _command(self) -> nodes.Command:
        command = nodes.Command(self._peek_word().position)
        while True:
            operand = self._operand()
            if operand is not None:
                command.operands.append(operand)
            token = self._next()
            if token.kind == "space":
                continue
            if token.kind in ("right", ")"):
                self._put_back(token)
            elif token.kind != "pipe":
                raise self._unexpected(token, "operand")
            break
        if not command.operands:
            raise self._error("empty command")
        return command

    # --- operands ---------------------------------------------------------------------------

    def _operand(self) -> Node | None:
        """A term and the fields taken of it; None where none begins."""
        term = self._term()
        if term is None or self._peek().kind != "field":
            return term
        position, names = self._peek().position, []
        while self._peek().kind == "field":
            names.append(self._next().text[1:])
        if isinstance(term, nodes.Field):
            return nodes.Field(position, term.names + names)
        if isinstance(term, nodes.Variable):
            return nodes.Variable(position, term.names + names)
        if isinstance(term, nodes.Dot | nodes.Nil | nodes.Literal):
            raise self._error(f"unexpected . after term {go_quote(str(term))}")
        return nodes.Chain(position, term, names)

    def _term(self) -> Node | None:
        token = self._next_word()
        position, text = token.position, token.text
        match token.kind:
            case "identifier":
                return self._function(token)
            case "dot":
                return nodes.Dot(position)
            case "nil":
                return nodes.Nil(position)
            case "variable":
                return self._variable(token)
            case "field":
                return nodes.Field(position, [text[1:]])
            case "(":
                return self._pipeline("parenthesized pipeline", ")")
            case _:
                return self._literal(token)

    def _function(self, token: Token) -> Node:
        if token.text in self._unsupported:
            raise self._error(f"function {go_quote(token.text)} is not supported by runner")
        if token.text not in self._functions:
            raise self._error(f"function {go_quote(token.text)} not defined")
        return nodes.Function(token.position, token.text)

    def _variable(self, token: Token) -> Node:
        if token.text not in self._variables:
            raise self._error(f"undefined variable {go_quote(token.text)}")
        return nodes.Variable(token.position, [token.text])

    def _literal(self, token: Token) -> Node | None:
        position, text = token.position, token.text
        try:
            match token.kind:
                case "bool":
                    return nodes.Literal(position, text, text == "true")
                case "string" | "raw":
                    return nodes.Literal(position, text, unquote(text))
                case "character":
                    return nodes.Literal(position, text, character(text))
                case "number":
                    return nodes.Literal(position, text, number(text))
                case "complex":
                    raise ValueError("complex numbers are not supported by runner")
                case _:
                    self._put_back(token)
                    return None
        except ValueError as err:
            raise self._error(str(err)) from None

    # --- tokens -----------------------------------------------------------------------------

    def _next(self) -> Token:
        if self._ahead:
            return self._ahead.pop()
        self._latest = self._lexer.next()
        return self._latest

    def _peek(self) -> Token:
        token = self._next()
        self._put_back(token)
        return token

    def _next_word(self) -> Token:
        """The next token that is no space."""
        while (token := self._next()).kind == "space":
            pass
        return token

    def _peek_word(self) -> Token:
        token = self._next_word()
        self._put_back(token)
        return token

    def _put_back(self, *tokens: Token) -> None:
        """Read these again, the last of them first."""
        self._ahead.extend(tokens)

    def _expect(self, kind: str, context: str) -> Token:
        token = self._next_word()
        if token.kind != kind:
            raise self._unexpected(token, context)
        return token

    # --- errors -----------------------------------------------------------------------------

    def _unexpected(self, token: Token, context: str) -> ParseError:
        if token.kind != "error":
            return self._error(f"unexpected {token} in {context}")
        started = ""
        if self._action_line not in (0, token.line):
            # not "unclosed action in action"
            noun = "" if token.text.endswith(" action") else " in action"
            started = f"{noun} started at {self._name}:{self._action_line}"
        return self._error(f"{token}{started}")

    def _error(self, message: str) -> ParseError:
        return ParseError(f"template: {self._name}:{self._latest.line}: {message}")

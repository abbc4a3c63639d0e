"""Words, quotes and variables (buildkit frontend/dockerfile parser/line_parsers.go, shell/lex.go).

Left out on purpose: the substitutions with patterns (`${x#…}`, `${x%…}`, `${x/…}`), which are
refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ESCAPE = "\\"
_SPECIAL = frozenset("@*#?-$!0")


def split_words(rest: str) -> list[str]:
    """The words of a statement; quotes keep words together and stay (parseWords)."""
    words: list[str] = []
    word: list[str] = []
    quote = ""
    begun = False
    characters = iter(rest)
    for character in characters:
        if not quote and character.isspace():
            if begun:
                words.append("".join(word))
            word, begun = [], False
            continue
        if character == ESCAPE and quote != "'":
            escaped = next(characters, None)
            if escaped is None:
                break  # one at the very end is skipped
            word += [character, escaped]
            begun = True
            continue
        if not quote and character in "'\"":
            quote = character
        elif character == quote:
            quote = ""
        word.append(character)
        begun = True
    if begun:
        words.append("".join(word))
    return words


def expand(source: str, variables: Mapping[str, str]) -> str:
    """The text with quotes removed and variables replaced (Lex.ProcessWord)."""
    return _process(source, variables).text


def expand_words(source: str, variables: Mapping[str, str]) -> list[str]:
    """The same as words: a variable may be several (Lex.ProcessWords)."""
    return _process(source, variables).words()


def _process(source: str, variables: Mapping[str, str]) -> _Lexer:
    lexer = _Lexer(source, variables)
    try:
        lexer.run()
    except InvalidParameter as err:
        raise err.wrap(f"failed to process {msgspec.json.encode(source).decode()}") from err
    return lexer


class _Lexer:
    """One pass over one text."""

    def __init__(self, source: str, variables: Mapping[str, str]) -> None:
        self._source = source
        self._variables = variables
        self._at = 0
        self._pieces: list[str] = []
        self._words: list[list[str]] = []
        self._in_word = False

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def words(self) -> list[str]:
        return ["".join(word) for word in self._words]

    def run(self) -> None:
        """Go through all of it. Raises InvalidParameter."""
        while (character := self._peek()) is not None:
            if character == "'":
                self._add_raw(self._single_quoted())
            elif character == '"':
                self._add_raw(self._double_quoted())
            elif character == "$":
                self._add(self._dollar())
            elif character == ESCAPE:
                self._next()
                self._add_raw(self._next() or "")
            else:
                self._add(self._next() or "")

    def _peek(self) -> str | None:
        return self._source[self._at] if self._at < len(self._source) else None

    def _next(self) -> str | None:
        character = self._peek()
        self._at += character is not None
        return character

    def _add(self, text: str) -> None:
        """Text in which white space ends a word."""
        self._pieces.append(text)
        for character in text:
            if character.isspace():
                self._in_word = False
            else:
                self._append(character)

    def _add_raw(self, text: str) -> None:
        self._pieces.append(text)
        self._append(text)

    def _append(self, text: str) -> None:
        if not self._in_word and text:
            self._words.append([])
            self._in_word = True
        if text:
            self._words[-1].append(text)

    def _single_quoted(self) -> str:
        end = self._source.find("'", self._at + 1)
        if end < 0:
            raise _unexpected_end("single-quote")
        inside = self._source[self._at + 1 : end]
        self._at = end + 1
        return inside

    def _double_quoted(self) -> str:
        self._next()
        inside: list[str] = []
        while (character := self._peek()) != '"':
            if character is None:
                raise _unexpected_end("double-quote")
            if character == "$":
                inside.append(self._dollar())
                continue
            self._next()
            if character == ESCAPE:
                following = self._peek()
                if following is None:
                    continue
                if following in {'"', "$", ESCAPE}:
                    character = self._next()
            inside.append(character or "")
        self._next()
        return "".join(inside)

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._next()
        following = self._peek()
        if following is None:
            raise InvalidParameter("syntax error: missing '}'")
        if following in "{}:":
            raise InvalidParameter("syntax error: bad substitution")
        return self._braced(self._name())

    def _braced(self, name: str) -> str:
        operator = self._next() or ""
        if operator == "}":
            return self._variables.get(name, "")
        null_is_unset = operator == ":"
        if null_is_unset:
            operator = self._next() or ""
        shown = f"{':' if null_is_unset else ''}{operator}"
        if operator not in {"-", "+", "?"}:
            raise InvalidParameter(f"unsupported modifier ({shown}) in substitution")
        word = self._until_brace()
        value = self._variables.get(name)
        missing = value is None or (null_is_unset and not value)
        if operator == "-":
            return word if missing else value or ""
        if operator == "+":
            return "" if missing else word
        if missing:
            state = "unset" if value is None else "empty"
            raise InvalidParameter(f"{name}: {word or f'is not allowed to be {state}'}")
        return value or ""

    def _until_brace(self) -> str:
        """The word of a substitution, itself expanded."""
        pieces: list[str] = []
        while (character := self._peek()) != "}":
            if character is None:
                raise InvalidParameter("syntax error: missing '}'")
            if character == "$":
                pieces.append(self._dollar())
            elif character == "'":
                pieces.append(self._single_quoted())
            elif character == '"':
                pieces.append(self._double_quoted())
            else:
                self._next()
                pieces.append((self._next() or "") if character == ESCAPE else character)
        self._next()
        return "".join(pieces)

    def _name(self) -> str:
        """A variable's name; digits, or one special character, are names too."""
        return "".join(self._name_characters())

    def _name_characters(self) -> Iterator[str]:
        first = self._peek()
        if first is None:
            return
        if first in _SPECIAL:
            yield self._next() or ""
            return
        accepted: Callable[[str], bool] = str.isdigit if first.isdigit() else _is_name_character
        while (character := self._peek()) is not None and accepted(character):
            yield self._next() or ""


def _is_name_character(character: str) -> bool:
    return character.isalpha() or character.isdigit() or character == "_"


def _unexpected_end(quote: str) -> InvalidParameter:
    return InvalidParameter(f"unexpected end of statement while looking for matching {quote}")

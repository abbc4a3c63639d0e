"""Templates in pieces: text, and the tokens inside `{{` and `}}` (text/template/parse, lex.go)."""

from __future__ import annotations

from runner.cli.values.numbers import go_quote

LEFT, RIGHT = "{{", "}}"
_LEFT_COMMENT, _RIGHT_COMMENT = "/*", "*/"
_SPACE = " \t\r\n"
_TERMINATORS = frozenset(_SPACE + ".,|:)(")
_DIGITS = {"": "0123456789_", "x": "0123456789abcdefABCDEF_", "o": "01234567_", "b": "01_"}
KEYWORDS = frozenset(
    (
        "block",
        "break",
        "continue",
        "define",
        "else",
        "end",
        "if",
        "range",
        "nil",
        "template",
        "with",
    )
)


class Token:
    """One piece. Its kind is a keyword itself, or one of those that the lexer names."""

    __slots__ = ("kind", "line", "position", "text")

    def __init__(self, kind: str, position: int, text: str, line: int) -> None:
        self.kind = kind
        self.position = position
        """Offset in characters."""
        self.text = text
        self.line = line

    def __str__(self) -> str:
        """The token as messages name it."""
        if self.kind == "EOF":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind in KEYWORDS or self.kind == "dot":
            return f"<{self.text}>"
        return (
            f"{go_quote(self.text[:10])}..."
            if len(self.text.encode()) > 10
            else go_quote(self.text)
        )


class LexicalError(Exception):
    """No token begins here; the parser tells it when it gets there."""


class Lexer:
    """Cuts a template into tokens, one at each call of `next`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._start = 0
        self._inside = False
        self._depth = 0
        self._ended: Token | None = None

    def next(self) -> Token:
        """The next token: "EOF" or "error" again and again once one of these was reached."""
        if self._ended is not None:
            return self._ended
        try:
            token = self._action() if self._inside else self._text()
        except LexicalError as err:
            token = Token("error", self._start, str(err), self._line(self._start))
        if token.kind in ("EOF", "error"):
            self._ended = token
        return token

    # --- outside of actions -----------------------------------------------------------------

    def _text(self) -> Token:
        """Text up to the next action, comments skipped; then the action's opening."""
        while True:
            self._start = self._position
            found = self._source.find(LEFT, self._position)
            if found < 0:
                return self._rest()
            text = self._source[self._position : found]
            trims = _trims_left(self._source, found + len(LEFT))
            kept = text.rstrip(_SPACE) if trims else text
            if kept:
                self._position = found
                return Token("text", self._start, kept, self._line(self._start))
            self._start = found
            inner = found + len(LEFT) + (2 if trims else 0)
            if not self._source.startswith(_LEFT_COMMENT, inner):
                return self._open(found, inner)
            self._skip_comment(inner)

    def _rest(self) -> Token:
        text = self._source[self._position :]
        self._position = len(self._source)
        return Token("text" if text else "EOF", self._start, text, self._line(self._start))

    def _open(self, found: int, inner: int) -> Token:
        self._inside, self._depth, self._position = True, 0, inner
        return Token("left", found, LEFT, self._line(found))

    def _skip_comment(self, start: int) -> None:
        self._start = start
        end = self._source.find(_RIGHT_COMMENT, start)
        if end < 0:
            raise LexicalError("unclosed comment")
        self._position = end + len(_RIGHT_COMMENT)
        closes, trims = self._at_right()
        if not closes:
            raise LexicalError("comment ends before closing delimiter")
        self._pass_right(trims=trims)

    def _at_right(self) -> tuple[bool, bool]:
        """Whether the action ends here, and whether it trims the text that follows."""
        source, position = self._source, self._position
        if source[position : position + 1] in tuple(_SPACE) and source.startswith(
            f"-{RIGHT}", position + 1
        ):
            return True, True
        return source.startswith(RIGHT, position), False

    def _pass_right(self, *, trims: bool) -> None:
        self._position += len(RIGHT) + (2 if trims else 0)
        if trims:
            rest = self._source[self._position :]
            self._position += len(rest) - len(rest.lstrip(_SPACE))

    # --- inside of them ---------------------------------------------------------------------

    def _action(self) -> Token:
        self._start = self._position
        closes, trims = self._at_right()
        if closes:
            return self._close(trims=trims)
        if self._position == len(self._source):
            raise LexicalError("unclosed action")
        char = self._source[self._position]
        if char in _SPACE:
            return self._space()
        if char in _QUOTES:
            return self._quoted(char)
        if char in _NUMBER_STARTS or (char == "." and self._is_number()):
            return self._number()
        if char in ".$" or _is_word(char):
            return self._word(char)
        return self._symbol(char)

    def _is_number(self) -> bool:
        """Whether the dot here begins one; the template's last character is taken for one, too."""
        follower = self._source[self._position + 1 : self._position + 2]
        return not follower or follower in _DIGITS[""][:10]

    def _close(self, *, trims: bool) -> Token:
        if self._depth:
            raise LexicalError("unclosed left paren")
        start = self._position + (2 if trims else 0)
        self._pass_right(trims=trims)
        self._inside = False
        return Token("right", start, RIGHT, self._line(start))

    def _space(self) -> Token:
        """Spaces, but not the one that belongs to a trimming end."""
        while self._source[self._position : self._position + 1] in tuple(_SPACE):
            if self._position > self._start and self._at_right() == (True, True):
                break
            self._position += 1
        return self._token("space")

    def _quoted(self, quote: str) -> Token:
        kind, name = _QUOTES[quote]
        position = self._position + 1
        while True:
            char = self._source[position : position + 1]
            if char == "\\" and quote != "`":
                position += 1
                char = self._source[position : position + 1]
                ends = False
            else:
                ends = char == quote
            if not char or (char == "\n" and quote != "`"):
                raise LexicalError(f"unterminated {name}")
            position += 1
            if ends:
                self._position = position
                return self._token(kind)

    def _number(self) -> Token:
        self._scan_number()
        if self._source[self._position : self._position + 1] in ("+", "-"):
            self._scan_number()
            if self._source[self._position - 1] != "i":
                raise LexicalError(self._bad_number())
            return self._token("complex")
        return self._token("number")

    def _scan_number(self) -> None:
        self._accept("+-")
        base = ""
        if self._accept("0"):
            base = next((mark for mark in "xob" if self._accept(mark + mark.upper())), "")
        self._accept_run(_DIGITS[base])
        if self._accept("."):
            self._accept_run(_DIGITS[base])
        if base in ("", "x") and self._accept("pP" if base else "eE"):
            self._accept("+-")
            self._accept_run(_DIGITS[""])
        self._accept("i")
        if _is_word(self._source[self._position : self._position + 1]):
            self._position += 1
            raise LexicalError(self._bad_number())

    def _bad_number(self) -> str:
        return f"bad number syntax: {go_quote(self._source[self._start : self._position])}"

    def _word(self, first: str) -> Token:
        """An identifier, `.Field` or `$variable`; a dot alone is the cursor, `$` the whole."""
        self._position += 1
        while _is_word(self._source[self._position : self._position + 1]):
            self._position += 1
        self._check_terminated()
        word = self._source[self._start : self._position]
        if first == "$":
            return self._token("variable")
        if first == ".":
            return self._token("field" if len(word) > 1 else "dot")
        if word in KEYWORDS:
            return self._token(word)
        return self._token("bool" if word in ("true", "false") else "identifier")

    def _check_terminated(self) -> None:
        follower = self._source[self._position : self._position + 1]
        if follower and follower not in _TERMINATORS and not self._at_right()[0]:
            raise LexicalError(f"bad character {_unicode_name(follower)}")

    def _symbol(self, char: str) -> Token:
        self._position += 1
        if char == ":":
            if not self._accept("="):
                raise LexicalError("expected :=")
            return self._token("declare")
        if char == "(":
            self._depth += 1
        elif char == ")":
            self._depth -= 1
            if self._depth < 0:
                raise LexicalError("unexpected right paren")
        if char in _SYMBOLS:
            return self._token(_SYMBOLS[char])
        if char.isascii() and char.isprintable():
            return self._token("char")
        raise LexicalError(f"unrecognized character in action: {_unicode_name(char)}")

    # --- the basics -------------------------------------------------------------------------

    def _accept(self, valid: str) -> bool:
        char = self._source[self._position : self._position + 1]
        if char and char in valid:
            self._position += 1
            return True
        return False

    def _accept_run(self, valid: str) -> None:
        while self._accept(valid):
            pass

    def _token(self, kind: str) -> Token:
        text = self._source[self._start : self._position]
        return Token(kind, self._start, text, self._line(self._start))

    def _line(self, position: int) -> int:
        return 1 + self._source.count("\n", 0, position)


_QUOTES = {
    '"': ("string", "quoted string"),
    "'": ("character", "character constant"),
    "`": ("raw", "raw quoted string"),
}
_SYMBOLS = {"=": "assign", "|": "pipe", "(": "(", ")": ")"}
_NUMBER_STARTS = frozenset("0123456789+-")


def _trims_left(source: str, position: int) -> bool:
    """Whether an action that opens before `position` trims the text before it."""
    return source[position : position + 1] == "-" and source[position + 1 : position + 2] in tuple(
        _SPACE
    )


def _is_word(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _unicode_name(char: str) -> str:
    """A character as Go's %#U shows it: U+0023 '#'."""
    shown = f" '{char}'" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown}"

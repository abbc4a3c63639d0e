"""Command lines as docker reads them (spf13/pflag), from a table of flags.

    --name value   --name=value   --switch   --switch=false
    -n value   -nvalue   -n=value   -it   -itn value

Flags end at `--`, and for commands that run something also at the first other argument.
"""

from __future__ import annotations

from runner.cli.values.numbers import boolean, go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PROGRAM = "runner"


class Flag:
    """One flag of a command."""

    __slots__ = ("default", "deprecated", "dest", "implied", "kind", "long", "parser", "short")

    def __init__(
        self,
        dest: str,
        long: tuple[str, ...],
        short: str,
        kind: str,
        parser: str,
        default: Any,
        deprecated: str = "",
        implied: str = "",
    ) -> None:
        self.dest = dest
        """The attribute that takes the value."""
        self.long = long
        """Names with their dashes, the chief one first."""
        self.short = short
        """The letter with its dash, or empty."""
        self.kind = kind
        """"bool", "value" or "list"."""
        self.parser = parser
        """`module:function` that turns the text into the value; empty for plain text."""
        self.default = default
        self.deprecated = deprecated
        """What to use instead, said when the flag is given."""
        self.implied = implied
        """The value of a flag that is given without one; empty where one must be given."""


class Command:
    """One command: what it takes and what it runs."""

    __slots__ = ("flags", "interspersed", "positionals", "target", "use")

    def __init__(
        self,
        target: str,
        use: str,
        interspersed: bool,
        flags: tuple[tuple[Any, ...], ...],
        positionals: tuple[tuple[str, str], ...],
    ) -> None:
        self.target = target
        """`module:function`, called with the context and the parsed options."""
        self.use = use
        """The usage line behind the program's name."""
        self.interspersed = interspersed
        """Whether flags may follow arguments."""
        self.flags = flags
        """The arguments of each Flag, made into one only when the command is used."""
        self.positionals = positionals
        """Attribute and kind of each argument: "one", "optional", "many" or "some"."""


class Options:
    """The parsed values, by attribute."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class UsageError(Exception):
    """The command line is wrong; the text is complete."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class HelpRequested(Exception):
    """--help was among the flags."""


def parse(path: str, command: Command, argv: list[str], warn: Callable[[str], None]) -> Options:
    """Parse the arguments behind the command's name.

    Raises UsageError, or HelpRequested when help is asked for before anything is wrong.
    """
    flags = [Flag(*record) for record in command.flags]
    options = Options()
    for flag in flags:
        setattr(options, flag.dest, [] if flag.kind == "list" else flag.default)
    try:
        words = _Parser(flags, options, warn).run(argv, interspersed=command.interspersed)
    except ValueError as err:
        raise UsageError(
            f"{err}\n\nUsage:  {PROGRAM} {command.use}\n\n"
            f"Run '{f'{PROGRAM} {path}'.strip()} --help' for more information",
            125,
        ) from None
    _assign(path, command, words, options)
    return options


class _Parser:
    def __init__(self, flags: list[Flag], options: Options, warn: Callable[[str], None]) -> None:
        self._names = {name: flag for flag in flags for name in flag.long}
        self._letters = {flag.short[1]: flag for flag in flags if flag.short}
        self._options = options
        self._warn = warn
        self._words: list[str] = []

    def run(self, argv: list[str], *, interspersed: bool) -> list[str]:
        """Set the flags; what is left are the arguments."""
        found: list[str] = []
        self._words = argv[::-1]
        while self._words:
            word = self._words.pop()
            if word == "--":
                break
            if len(word) < 2 or word[0] != "-":
                found.append(word)
                if not interspersed:
                    break
            elif word[1] == "-":
                self._long(word)
            else:
                self._shorts(word[1:])
        return found + self._words[::-1]

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if name[2:3] in ("-", ""):
            raise ValueError(f"bad flag syntax: {word}")
        flag = self._names.get(name)
        if flag is None:
            if name == "--help":
                raise HelpRequested
            raise ValueError(f"unknown flag: {name}")
        if not equals:
            value = self._implied(flag, f"flag needs an argument: {name}")
        self._set(flag, value)

    def _shorts(self, letters: str) -> None:
        while letters:
            flag = self._letters.get(letters[0])
            if flag is None:
                if letters[0] == "h":
                    self._warn("Flag shorthand -h has been deprecated, use --help")
                    raise HelpRequested
                raise ValueError(f"unknown shorthand flag: {_rune(letters[0])} in -{letters}")
            if len(letters) > 2 and letters[1] == "=":
                value, rest = letters[2:], ""
            elif flag.kind == "bool":
                value, rest = "true", letters[1:]
            elif len(letters) > 1:
                value, rest = letters[1:], ""
            else:
                missing = f"flag needs an argument: {_rune(letters)} in -{letters}"
                value, rest = self._implied(flag, missing), ""
            self._set(flag, value)
            letters = rest

    def _implied(self, flag: Flag, missing: str) -> str:
        """The value of a flag that was given none: true, its own, or the next word."""
        if flag.kind == "bool":
            return "true"
        if flag.implied:
            return flag.implied
        if not self._words:
            raise ValueError(missing)
        return self._words.pop()

    def _set(self, flag: Flag, text: str) -> None:
        try:
            value = boolean(text) if flag.kind == "bool" else load(flag.parser)(text)
        except ValueError as err:
            names = f"{flag.short}, {flag.long[0]}" if flag.short else flag.long[0]
            raise ValueError(
                f'invalid argument {go_quote(text)} for "{names}" flag: {err}'
            ) from None
        if flag.deprecated:
            self._warn(f"Flag {flag.long[0]} has been deprecated, {flag.deprecated}")
        if flag.kind == "list":
            getattr(self._options, flag.dest).append(value)
        else:
            setattr(self._options, flag.dest, value)


def load(reference: str) -> Callable[..., Any]:
    """The function that `module:function` names; the identity for an empty reference."""
    if not reference:
        return str
    module, _, name = reference.partition(":")
    __import__(module)
    import sys

    function: Callable[..., Any] = getattr(sys.modules[module], name)
    return function


def _rune(letter: str) -> str:
    return f"'{letter}'"


def _assign(path: str, command: Command, words: list[str], options: Options) -> None:
    kinds = [kind for _, kind in command.positionals]
    minimum = sum(kind in ("one", "some") for kind in kinds)
    maximum = -1 if {"many", "some"} & set(kinds) else len(kinds)
    if len(words) < minimum or 0 <= maximum < len(words):
        raise UsageError(_count_text(path, command, minimum, maximum), 1)
    for dest, kind in command.positionals:
        if kind in ("many", "some"):
            value: Any = words
            words = []
        else:
            value = words[0] if words else None
            words = words[1:]
        setattr(options, dest, value)


def _count_text(path: str, command: Command, minimum: int, maximum: int) -> str:
    """docker/cli's NoArgs, ExactArgs, RequiresMinArgs, RequiresMaxArgs, RequiresRangeArgs."""
    see = "Run"
    if maximum == 0:
        wanted = "accepts no arguments"
    elif minimum == maximum:
        wanted = f"requires {_plural(minimum)}"
    elif maximum < 0:
        wanted, see = f"requires at least {_plural(minimum)}", "See"
    elif minimum == 0:
        wanted = f"requires at most {_plural(maximum)}"
    else:
        wanted = f"requires at least {minimum} and at most {_plural(maximum)}"
    return (
        f"{PROGRAM}: '{PROGRAM} {path}' {wanted}\n\nUsage:  {PROGRAM} {command.use}\n\n"
        f"{see} '{PROGRAM} {path} --help' for more information"
    )


def _plural(number: int) -> str:
    return f"{number} argument" if number == 1 else f"{number} arguments"

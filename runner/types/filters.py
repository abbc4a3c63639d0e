"""The questions that lists and events ask of their filters (moby api/types/filters).

Filters are values by name, as in the query: `{"label": ["a=b"], "status": ["exited"]}`. A filter
that was not given, or without a value, lets everything pass.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from runner.types.errors import InvalidParameter
from runner.types.regexp import compile_regexp

Filters = Mapping[str, Sequence[str]]


def validate(filters: Filters, accepted: Collection[str]) -> None:
    """Raise InvalidParameter for a name that is not accepted (Validate)."""
    for name in filters:
        if name not in accepted:
            raise InvalidParameter(f"invalid filter '{name}'")


def exact(filters: Filters, name: str, text: str) -> bool:
    """Whether one of the values is the text (ExactMatch)."""
    values = filters.get(name)
    return not values or text in values


def fuzzy(filters: Filters, name: str, text: str) -> bool:
    """Whether the text begins with one of the values (FuzzyMatch)."""
    values = filters.get(name)
    return not values or text.startswith(tuple(values))


def pattern(filters: Filters, name: str, text: str) -> bool:
    """Whether one of the values is the text, or a regular expression found in it (Match).

    Expressions that cannot be are found nowhere.
    """
    values = filters.get(name)
    return not values or text in values or any(_is_found(value, text) for value in values)


def _is_found(expression: str, text: str) -> bool:
    try:
        return compile_regexp(expression).search(text) is not None
    except ValueError:
        return False


def labels(filters: Filters, name: str, present: Mapping[str, str]) -> bool:
    """Whether all the values, `key` or `key=value`, are among the labels (MatchKVList)."""
    return all(_is_present(value, present) for value in filters.get(name, ()))


def _is_present(value: str, present: Mapping[str, str]) -> bool:
    key, equals, wanted = value.partition("=")
    return key in present and (not equals or present[key] == wanted)


def prune_labels(filters: Filters, present: Mapping[str, str]) -> bool:
    """Whether an object with these labels is to be pruned: `label`, and not `label!`.

    Source: moby daemon/prune.go matchLabels.
    """
    excluded = "label!" in filters and labels(filters, "label!", present)
    return labels(filters, "label", present) and not excluded


def boolean(filters: Filters, name: str) -> bool | None:
    """Yes, no, or None when the filter was not given (GetBoolOrDefault). Raises InvalidParameter
    for contradictions and other values."""
    if name not in filters:
        return None
    values = filters[name]
    says_no, says_yes = {"0", "false"} & {*values}, {"1", "true"} & {*values}
    if bool(says_no) == bool(says_yes):
        told = f"=[{' '.join(values)}]" if values else ""
        raise InvalidParameter(f"invalid filter '{name}{told}'")
    return bool(says_yes)

"""The names of arguments: a misspelt one is refused, with the one that was probably meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

_SIMILAR = 0.8
"""From 0 to 1, as `difflib` measures it. Below it, a suggestion was often a wrong one."""


def named_arguments(function: Callable[..., Any]) -> list[str]:
    """The arguments that a function has by name, without what its ``**keywords`` take."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each.name for each in inspect.signature(function).parameters.values() if each.kind in by_name]


def check_names(called: str, given: Iterable[str], known: Collection[str], elsewhere: Mapping[str, str]) -> None:
    """Check that what was called has all these arguments.

    :param called: its name, for the message
    :param known: the arguments that it has
    :param elsewhere: names that others have for an argument, and its name here
    :raises TypeError: for the first that it does not have, with the one that was probably meant
    """
    for name in given:
        if name not in known:
            raise TypeError(f"{called} has no argument '{name}'{_hint(elsewhere.get(name), name, known)}")


def _hint(meant: str | None, name: str, known: Collection[str]) -> str:
    import difflib

    similar = [meant] if meant else difflib.get_close_matches(name, known, 1, _SIMILAR)
    return f"; did you mean '{similar[0]}'?" if similar else ""

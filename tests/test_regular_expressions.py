"""Every regular expression of the library, as the library uses it, on long texts that make bad ones very slow."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import stratuslab_libcloud

LENGTH = 40_000
SECONDS = 2
"""Linear ones take milliseconds; one that is quadratic takes much longer for this length."""

ROOMS = ("client", "config", "deployment", "driver")

PIECES = [
    *"aA0 _-./:=%()[]<>\"'#;,@\\\n\t",
    "%(", "a=", "a:", "a/", "//", "<a", "<error>", "<!--", "<?", "-----BEGIN ", "a ", "\\\"", "$(", "${", "$a", "0.",
    "0,", "a@", "quota ", "limit of ", "disk ", "[a", "$a[", "ssh-rsa ", "a\n", " \n",
]  # fmt: skip


class Expression(NamedTuple):
    """A compiled expression, and whether the library looks for it anywhere in a text."""

    name: str
    compiled: Any
    is_searched: bool


def expressions() -> Iterator[Expression]:
    """Those of all modules."""
    for found in pkgutil.walk_packages(stratuslab_libcloud.__path__, f"{stratuslab_libcloud.__name__}."):
        name = found.name.removeprefix(f"{stratuslab_libcloud.__name__}.")
        if name.partition(".")[0] in ROOMS:
            module = importlib.import_module(found.name)
            source = inspect.getsource(module)
            for variable, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    use = rf"\b{variable}\.(search|sub|subn|split|findall|finditer)\("
                    yield Expression(f"{name}.{variable}", value, bool(re.search(use, source)))


EXPRESSIONS = list(expressions())


def seconds_for(expression: Expression, text: str) -> float:
    """How long the processor works to find all that fits in a text."""
    searched: Any = text.encode() if isinstance(expression.compiled.pattern, bytes) else text
    started = time.process_time()
    expression.compiled.match(searched)
    if expression.is_searched:
        for _ in expression.compiled.finditer(searched):
            pass
    return time.process_time() - started


def test_there_are_expressions() -> None:
    assert len(EXPRESSIONS) > 20
    assert any(expression.is_searched for expression in EXPRESSIONS)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: expression.name)
def test_no_expression_takes_long(expression: Expression) -> None:
    for piece in PIECES:
        for start in ("", "a <%(["):
            text = start + piece * (LENGTH // len(piece)) + "!"
            assert seconds_for(expression, text) < SECONDS, f"{expression.compiled.pattern!r} on {start + piece!r}..."


def test_a_slow_expression_is_found() -> None:
    slow = Expression("_END_OF_SOURCE", re.compile(r"[^/:]+\Z"), is_searched=True)
    assert seconds_for(slow, "a" * LENGTH + "/") > 20 * seconds_for(
        slow._replace(is_searched=False), "a" * LENGTH + "/"
    )

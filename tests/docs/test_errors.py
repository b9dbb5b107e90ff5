"""The page of errors: each one that can come has a row, with what to do."""

from __future__ import annotations

import inspect
import re

from stratuslab_libcloud import errors
from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
_BASES = {errors.StratusLabError, errors.ServiceError}


def kinds() -> dict[str, type]:
    """The errors that are raised, by their names."""
    return {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.StratusLabError) and kind not in _BASES
    }


def test_each_error_has_a_row_and_something_to_do() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(kinds())
    assert all(len(advice) > 15 for advice in rows.values())


def test_the_attributes_that_a_row_names_are_the_errors_own() -> None:
    """Each name in code that is no call, no argument and no other error."""
    elsewhere = {"request_timeout", "timeout", "file", "section", "key"}
    for row in re.finditer(r"^\| `(?P<name>\w+)` \| (?P<when>[^|]+) \| (?P<advice>[^|]+) \|$", PAGE, re.MULTILINE):
        source = "".join(
            inspect.getsource(kind) for kind in kinds()[row["name"]].__mro__ if kind.__module__ == errors.__name__
        )
        for name in re.findall(r"`([a-z_]+)`", row["advice"]):
            known = name in elsewhere or hasattr(errors, name) or name.startswith(("ex_", "destroy_", "create_"))
            assert known or re.search(rf"\b{name}\b", source), f"{row['name']} has no {name}"

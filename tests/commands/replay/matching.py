"""Compares what was recorded with what is printed now, although ids, addresses and times are others.

A value that differs from run to run is matched, not ignored: the same recorded value always has to be the same value
here, and two recorded values two. Of times only the form is compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b"
_TIMES = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|'\d{4}-\d\d-\d\d', '\d\d:\d\d:\d\d'"
_ADDRESS = r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
_GATEWAY_PORT = r"(?<=\b22:)\d+\b"
_IMAGE = r"(?<![\w/-])[\w-]{27}(?![\w-])|(?<=/metadata/)[\w-]{27}(?![\w-])"
_VARYING = re.compile(
    rf"(?P<time>{_TIMES})|(?P<value>(?:{_UUID}|{_ADDRESS}|{_GATEWAY_PORT}|{_IMAGE}))(?P<blanks> *)",
)


class Values:
    """What recorded values are now.

    :param known: recorded texts, such as URLs and folders, and what they are here
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = dict(sorted(known.items(), key=lambda pair: -len(pair[0])))
        self._here: dict[str, str] = {}

    def bind(self, recorded: str, here: str) -> None:
        """Note that a recorded value is this one here."""
        self._here[recorded] = here

    def here(self, text: str) -> str:
        """A recorded text with the values of this place."""
        for recorded, here in {**self._here, **self._known}.items():
            text = text.replace(recorded, here)
            if re.fullmatch(_UUID, recorded):
                text = text.replace(recorded.replace("-", ""), here.replace("-", ""))
        return text

    def agree(self, recorded: str, here: str) -> bool:
        """Whether two texts are the same, but for values that differ from run to run.

        If they are, what stands in the one is what stands in the other from now on.
        """
        for text, replacement in self._known.items():
            recorded = recorded.replace(text, replacement)
        if _VARYING.sub("*", recorded) != _VARYING.sub("*", here):
            return False
        trial = dict(self._here)
        for before, now in zip(_VARYING.finditer(recorded), _VARYING.finditer(here), strict=True):
            if not _same(before, now, trial):
                return False
        self._here = trial
        return True


def _same(before: re.Match[str], now: re.Match[str], here: dict[str, str]) -> bool:
    """Whether two values can be the same; `here` notes it."""
    if before["time"] or now["time"]:
        return bool(before["time"]) == bool(now["time"]) and len(before["time"]) == len(now["time"])
    if not _fill_the_same(before, now):
        return False
    value = now["value"]
    if before["value"] not in here and value not in here.values():
        here[before["value"]] = value
    return here.get(before["value"]) == value


def _fill_the_same(before: re.Match[str], now: re.Match[str]) -> bool:
    """Whether two values, with the blanks that follow, are as wide as a column, or nothing is filled up."""
    blanks = len(before["blanks"]), len(now["blanks"])
    return blanks in ((0, 0), (1, 1)) or len(before[0]) == len(now[0])

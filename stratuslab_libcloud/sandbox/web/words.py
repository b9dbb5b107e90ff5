"""Times, sizes and states in the words and colours of the page."""

from __future__ import annotations

import re
import time

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_TONES = {
    "RUNNING": "good",
    "READY": "good",
    "USED": "good",
    "USED_PERS": "good",
    "valid": "good",
    "INIT": "waiting",
    "PENDING": "waiting",
    "HOLD": "waiting",
    "LOCKED": "waiting",
    "CLONING": "waiting",
    "STOPPED": "resting",
    "SUSPENDED": "resting",
    "POWEROFF": "resting",
    "UNDEPLOYED": "resting",
    "DISABLED": "resting",
    "DONE": "ended",
    "expired": "ended",
    "deprecated": "ended",
    "UNKNOWN": "bad",
    "ERROR": "bad",
}


def tone(state: str) -> str:
    """The tone of a state, which has a colour: ``good``, ``waiting``, ``changing``, ``resting``, ``ended`` or ``bad``.

    :param state: of a machine, an image or an entry of the Marketplace
    """
    return "bad" if "FAIL" in state else _TONES.get(state, "changing")


def identifier(text: str) -> str:
    """A text as a part of an element's identifier: letters, digits and hyphens as they are."""
    return re.sub(r"[^A-Za-z0-9-]", lambda found: f"_{ord(found[0]):x}", text)


def duration(seconds: float) -> str:
    """Such as ``0.30 s``, ``12.3 s``, ``5 min 02 s``, ``3 h 20 min`` or ``4 d 7 h``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02} min"
    return f"{int(seconds // _DAY)} d {int(seconds % _DAY // _HOUR)} h"


def age(seconds: float) -> str:
    """Such as ``12 s``, and from a minute on as `duration`."""
    return f"{int(seconds)} s" if seconds < _MINUTE else duration(seconds)


def span(seconds: float) -> str:
    """A round time in few characters, such as ``30 s``, ``5 min`` or ``1.5 h``."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.3g} s"


def time_of_day(moment: float, digits: int = 0) -> str:
    """Such as ``14:05:09``, here where the sandbox runs.

    :param moment: seconds since 1970
    :param digits: after the seconds
    """
    whole = time.strftime("%H:%M:%S", time.localtime(moment))
    return f"{whole}.{int(moment % 1 * 10**digits):0{digits}}" if digits else whole


def date(moment: float) -> str:
    """Such as ``2026-11-25``, here where the sandbox runs."""
    return time.strftime("%Y-%m-%d", time.localtime(moment))


def iso(moment: float) -> str:
    """Such as ``2026-11-25T14:05:09Z``, for programs."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def mebibytes(number: float) -> str:
    """An amount of memory or of a disk, such as ``512 MiB``, ``1.5 GiB`` or ``2 TiB``."""
    for unit in ("MiB", "GiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.4g} TiB"

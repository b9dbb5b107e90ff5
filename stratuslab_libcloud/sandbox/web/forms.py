"""What is written into the page's forms."""

from __future__ import annotations

from collections.abc import Mapping

from stratuslab_libcloud.sandbox.http.fault import Fault, FaultKind

LONGEST_MOVE = 366 * 86400
"""Seconds by which the clock is moved at once, at the most."""

MEANINGS: Mapping[FaultKind, str] = {
    FaultKind.DELAY: "the right answer, late",
    FaultKind.NO_ANSWER: "no answer, not done",
    FaultKind.NO_ANSWER_AFTER: "no answer, but done",
    FaultKind.RESET_BEFORE: "connection reset, not done",
    FaultKind.RESET_AFTER: "connection reset, but done",
    FaultKind.REFUSE: "all connections refused for a time",
    FaultKind.STATUS: "HTTP error, not done",
    FaultKind.STATUS_AFTER: "HTTP error, but done",
    FaultKind.XMLRPC_FAULT: "XML-RPC fault, not done",
    FaultKind.PROXY_FAULT: "fault of the proxy, not done",
    FaultKind.PROXY_FAULT_AFTER: "fault of the proxy, but done",
    FaultKind.DOUBLED: "done twice",
    FaultKind.DOUBLED_FAULT: "done twice, fault of the proxy",
    FaultKind.RESTART: "done, then the daemon starts again",
    FaultKind.GARBAGE: "random bytes, but done",
    FaultKind.WRONG_TYPES: "values of wrong types, but done",
    FaultKind.CUT: "half of the answer, but done",
    FaultKind.DRIP: "the answer, byte by byte",
    FaultKind.TLS: "the TLS handshake ends",
}
"""What each kind does, in a few words."""


def read_fault(form: Mapping[str, str]) -> Fault:
    """The fault that somebody has described.

    :param form: ``kind``, ``service``, ``operation``, and as texts ``percent`` (of the requests), ``count``,
        ``seconds`` and ``status``; what is empty or missing is as in `Fault`
    :raises ValueError: if there is no such kind, or a number is none or cannot be
    """
    kinds = {kind.value: kind for kind in FaultKind}
    kind = form.get("kind", "")
    if kind not in kinds:
        raise ValueError(f"there is no fault {kind!r}; choose one of: {', '.join(kinds)}")
    count = _number(form, "count", 0)
    if count < 0:
        raise ValueError(f"a fault happens once or more often, not {count:g} times")
    return Fault(
        kinds[kind],
        form.get("service", "").strip() or "*",
        form.get("operation", "").strip() or "*",
        chance=_number(form, "percent", 100) / 100,
        count=int(count) or None,
        seconds=_number(form, "seconds", Fault.seconds),
        status=int(_number(form, "status", Fault.status)),
    )


def read_seconds(form: Mapping[str, str]) -> float:
    """By how much a clock is to be moved on.

    :param form: ``move``, seconds as a text
    :raises ValueError: if they are no number, below 0, or above `LONGEST_MOVE`
    """
    seconds = _number(form, "move", 0)
    if not 0 <= seconds <= LONGEST_MOVE:
        raise ValueError(f"a clock is moved on by 0 to {LONGEST_MOVE} seconds at once, not by {seconds:g}")
    return seconds


def _number(form: Mapping[str, str], name: str, default: float) -> float:
    text = form.get(name, "").strip()
    try:
        number = float(text) if text else float(default)
        int(number)  # not so with infinity, or what is not a number
    except (ValueError, OverflowError):
        raise ValueError(f"for {name}, a number is wanted, not {text!r}") from None
    return number

"""Who endorsed what, in the Marketplace's form: results of SPARQL queries in XML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from stratuslab_libcloud.sandbox.state.entries import Entry, timestamp

Table = tuple[Sequence[str], Sequence[Sequence[str | None]]]

_DAY = 86400


def endorsers(entries: Iterable[Entry]) -> Table:
    """All endorsers of images."""
    people = sorted({(entry.email, entry.subject, entry.issuer) for entry in entries})
    return ("email", "subject", "issuer"), people


def history(entries: Iterable[Entry], email: str, now: float, days: int) -> Table:
    """What an endorser endorsed within the last days."""
    since = timestamp(now - days * _DAY)
    rows = [
        (e.identifier, e.created, e.description, next(iter(e.locations), None), e.deprecated, e.email)
        for e in entries
        if e.email == email and e.created > since
    ]
    names = ("identifier", "created", "description", "location", "deprecated", "email")
    return names, sorted(rows, key=lambda row: row[1], reverse=True)


def tags(entries: Iterable[Entry], email: str) -> Table:
    """The tags that an endorser uses."""
    return ("tag",), sorted({(entry.tag,) for entry in entries if entry.email == email and entry.tag})


def sparql_results(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """A table in the W3C's SPARQL query results format."""
    variables = "".join(f'<variable name="{name}"/>' for name in names)
    results = "".join(f"<result>{_bindings(names, row)}</result>" for row in rows)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head>{variables}</head>'
        f"<results>{results}</results></sparql>"
    )


def _bindings(names: Sequence[str], row: Sequence[str | None]) -> str:
    return "".join(
        f'<binding name="{name}"><literal>{escape(value)}</literal></binding>'
        for name, value in zip(names, row, strict=True)
        if value is not None
    )

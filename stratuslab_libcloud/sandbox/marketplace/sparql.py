"""SPARQL over the Marketplace's entries: each is a graph of its own, and a query without ``GRAPH`` asks all together.

Answers are those of the real service: only SELECT, no data sets, no ``GRAPH`` around the whole. This module is imported
when the first query comes, since few ask one and its library takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rdflib import BNode, Dataset, Literal, URIRef
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.term import Node

from stratuslab_libcloud.sandbox.marketplace.rdf import BASE, NAMESPACES
from stratuslab_libcloud.sandbox.marketplace.rdf_writing import rdf_json
from stratuslab_libcloud.sandbox.state.entries import Entry

_LATEST = ("slterms", "tag", "latest")
_NOT_ALLOWED = "query not allowed."


class _Graphs(Dataset):
    """The entries' graphs. The library itself uses these names, of which it warns others."""

    default_context = Dataset.default_graph
    contexts = Dataset.graphs


class QueryRefusedError(Exception):
    """A query is none that the Marketplace answers."""


def answer_query(query: str, entries: Iterable[tuple[Entry, bool]], form: str) -> bytes:
    """The result of a query.

    :param entries: all, and whether each is the latest of its endorser for its image
    :param form: ``xml`` or ``json``
    :raises QueryRefusedError: it is not a SELECT query, or not a query at all
    """
    try:
        _check(parseQuery(query))
        prepared = prepareQuery(query)
    except QueryRefusedError:
        raise
    except Exception as problem:  # noqa: BLE001 -- the parser raises exceptions of several libraries
        raise QueryRefusedError(f"malformed query: {problem}") from None
    return _data(entries).query(prepared).serialize(format=form) or b""


def _check(parsed: Any) -> None:
    query = parsed[1]
    if query.name != "SelectQuery" or "datasetClause" in query or "ServiceGraphPattern" in set(_names(query)):
        # SERVICE would ask another computer.
        raise QueryRefusedError(_NOT_ALLOWED)
    if any(part.name == "GraphGraphPattern" for part in dict(query.where).get("part", ())):
        raise QueryRefusedError(_NOT_ALLOWED)


def _names(part: Any) -> Iterator[str]:
    """The names of all parts of a query."""
    if isinstance(part, Mapping):
        yield getattr(part, "name", "")
        part = list(part.values())
    if not isinstance(part, str) and isinstance(part, Iterable):
        for piece in part:
            yield from _names(piece)


def _data(entries: Iterable[tuple[Entry, bool]]) -> Dataset:
    data = _Graphs(default_union=True)
    for entry, is_latest in entries:
        path = "/".join(entry.key)
        graph = data.graph(URIRef(f"/{path}"))
        subject = URIRef(f"{BASE}#{path}")
        for said_of, predicates in rdf_json(entry).items():
            for predicate, values in predicates.items():
                for value in values:
                    about = _node(said_of, path) if said_of.startswith("_:") else subject
                    graph.add((about, URIRef(predicate), _value(value, path)))
        if is_latest:
            prefix, term, text = _LATEST
            graph.add((subject, URIRef(NAMESPACES[prefix] + term), Literal(text)))
    return data


def _value(value: Mapping[str, str], path: str) -> Node:
    return _node(value["value"], path) if value["type"] == "bnode" else Literal(value["value"])


def _node(name: str, path: str) -> Node:
    """A part of an entry that has no name of its own."""
    return BNode(f"{path}{name}")

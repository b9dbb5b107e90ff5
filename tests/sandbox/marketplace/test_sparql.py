"""Queries in SPARQL."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import JANE, Client

PREFIXES = """
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX slreq: <http://mp.stratuslab.eu/slreq#>
PREFIX slterms: <http://mp.stratuslab.eu/slterms#>
"""
TITLES = 'SELECT ?title ?email WHERE { ?entry dcterms:title ?title; slterms:os "CentOS"; slterms:tag "latest"; '
TITLES += "slreq:endorsement ?by . ?by slreq:endorser ?who . ?who slreq:email ?email } ORDER BY ?title ?email"
RESULTS = "{http://www.w3.org/2005/sparql-results#}"


def ask(marketplace: Client, query: str, accept: str = "application/json") -> requests.Response:
    return marketplace("/query", params={"query": query}, headers={"Accept": accept})


def rows(answer: requests.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/sparql-results+json"
    bindings: Any = answer.json()["results"]["bindings"]
    return [{name: value["value"] for name, value in row.items()} for row in bindings]


def test_all_entries_are_asked_together(marketplace: Client) -> None:
    found = rows(ask(marketplace, PREFIXES + TITLES))
    assert {row["title"] for row in found} == {
        "Broken boot",
        "Broken prolog",
        "CentOS 5.9 base",
        "CentOS 6.5 base",
        "CentOS 7.0 base",
    }
    assert len([row for row in found if row["title"] == "CentOS 6.5 base"]) == 2  # of two endorsers, each once


def test_superseded_entries_have_no_mark(marketplace: Client) -> None:
    query = 'SELECT ?d WHERE { ?e dcterms:title "CentOS 6.5 base"; dcterms:description ?d }'
    everything = rows(ask(marketplace, PREFIXES + query))
    latest = rows(ask(marketplace, PREFIXES + query.replace("?d }", '?d; slterms:tag "latest" }')))
    assert (len(everything), len(latest)) == (3, 2)
    assert {row["d"] for row in everything} - {row["d"] for row in latest} == {"What Jane said before."}


def test_each_entry_is_a_graph_and_a_subject_of_its_own(sandbox: Sandbox, marketplace: Client) -> None:
    query = 'SELECT ?g ?s WHERE { { GRAPH ?g { ?s slterms:os "ttylinux" } } }'
    entry = next(entry for entry in sandbox.entries if entry.title == "ttylinux")
    path = f"{entry.identifier}/{JANE}/{entry.created}"
    assert rows(ask(marketplace, PREFIXES + query)) == [{"g": f"/{path}", "s": f"http://mp.stratuslab.eu/#{path}"}]


@pytest.mark.parametrize("accept", ["application/xml", "text/xml", "application/sparql-results+xml"])
def test_results_in_xml(marketplace: Client, accept: str) -> None:
    answer = ask(marketplace, PREFIXES + TITLES, accept)
    assert answer.headers["Content-Type"] == "application/sparql-results+xml"
    root = ET.fromstring(answer.content)
    assert [variable.get("name") for variable in root.iter(f"{RESULTS}variable")] == ["title", "email"]
    assert len(list(root.iter(f"{RESULTS}result"))) == 6


def test_results_for_browsers(marketplace: Client) -> None:
    answer = ask(marketplace, PREFIXES + TITLES, "text/html")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "CentOS 7.0 base" in answer.text


@pytest.mark.parametrize("accept", ["application/json", "application/xml", "text/html"])
def test_no_query_no_answer(marketplace: Client, accept: str) -> None:
    for path in ("/query", "/query?query="):
        answer = marketplace(path, headers={"Accept": accept})
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "query",
    [
        "ASK { ?a ?b ?c }",
        "CONSTRUCT { ?a ?b ?c } WHERE { ?a ?b ?c }",
        "DESCRIBE <http://mp.stratuslab.eu/>",
        "SELECT * FROM <http://127.0.0.1:1/> WHERE { ?a ?b ?c }",
        "SELECT * FROM NAMED <http://127.0.0.1:1/> WHERE { ?a ?b ?c }",
        "SELECT * WHERE { GRAPH ?g { ?a ?b ?c } }",
        "SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?a ?b ?c } }",
        "SELECT * WHERE { ?a ?b ?c OPTIONAL { SERVICE SILENT ?a { ?a ?b ?c } } }",
        "SELECT * WHERE { { SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?a ?b ?c } } } }",
        "SELECT * WHERE { ?a ?b ?c FILTER EXISTS { SERVICE <http://127.0.0.1:1/> { ?a ?b ?c } } }",
    ],
)
def test_queries_that_are_not_allowed(marketplace: Client, query: str) -> None:
    answer = ask(marketplace, query)
    assert (answer.status_code, answer.json()) == (400, {"400": "query not allowed."})


@pytest.mark.parametrize("query", ["nonsense", "SELECT", "SELECT ?x WHERE { ?x unknown:prefix ?y }", "DELETE WHERE {}"])
def test_queries_that_are_none(marketplace: Client, query: str) -> None:
    answer = ask(marketplace, query)
    assert answer.status_code == 400
    assert answer.json()["400"].startswith("malformed query: ")


def test_the_library_is_imported_only_when_it_is_needed() -> None:
    program = "import sys; from stratuslab_libcloud.sandbox import Sandbox; Sandbox().start().stop(); "
    program += "sys.exit('rdflib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

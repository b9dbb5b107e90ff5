"""The Marketplace, asked with plain HTTP."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template
from stratuslab_libcloud.sandbox.state.identifiers import image_identifier, sha1_of_identifier

NS = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "slreq": "http://mp.stratuslab.eu/slreq#",
    "slterms": "http://mp.stratuslab.eu/slterms#",
}
XML = {"Accept": "application/xml"}
JANE, JOHN = "jane.builder@example.org", "john.checker@example.com"
DAY = 86400


class Client:
    """Asks for XML."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self._session = session

    def __call__(self, path: str, verb: str = "GET", **options: Any) -> requests.Response:
        options.setdefault("headers", XML)
        return self._session.request(verb, f"{self.url}{path}", allow_redirects=False, **options)

    def list(self, path: str = "/metadata", **parameters: str) -> list[ET.Element]:
        answer = self(path, params=parameters)
        if answer.status_code == 404:
            return []
        assert answer.status_code == 200, answer.text
        return ET.fromstring(answer.content).findall("rdf:RDF/rdf:Description", NS)

    def titles(self, path: str = "/metadata", **parameters: str) -> list[str]:
        return [text(entry, "dcterms:title") for entry in self.list(path, **parameters)]

    def upload(self, document: str) -> requests.Response:
        return self("/metadata", "POST", data=document.encode(), headers={"Content-Type": "application/xml"})


@pytest.fixture
def marketplace(sandbox: Sandbox, http: requests.Session) -> Client:
    return Client(sandbox.marketplace_url, http)


def text(entry: ET.Element, path: str) -> str:
    found = entry.findtext(path, namespaces=NS)
    assert found is not None, path
    return found


def entry_named(marketplace: Client, title: str, **parameters: str) -> ET.Element:
    return next(e for e in marketplace.list(**parameters) if text(e, "dcterms:title") == title)


def key(entry: ET.Element) -> str:
    endorsement = "slreq:endorsement/"
    return "/".join(
        (
            text(entry, "dcterms:identifier"),
            text(entry, f"{endorsement}slreq:endorser/slreq:email"),
            text(entry, f"{endorsement}dcterms:created"),
        )
    )


def document(
    *, image: bytes = b"an image", created: str = "2014-06-01T10:00:00Z", terms: str = "", sign: bool = True
) -> str:
    """An entry as an endorser would upload it."""
    digest = hashlib.sha1(image).digest()
    identifier = image_identifier(digest)
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>' if sign else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <rdf:RDF {" ".join(f'xmlns:{p}="{u}"' for p, u in NS.items())} xml:base="http://mp.stratuslab.eu/">
      <rdf:Description rdf:about="#{identifier}">
        <dcterms:identifier>{identifier}</dcterms:identifier>
        <slreq:bytes>8</slreq:bytes>
        <slreq:checksum rdf:parseType="Resource">
          <slreq:algorithm>SHA-1</slreq:algorithm><slreq:value>{digest.hex()}</slreq:value>
        </slreq:checksum>
        <slreq:endorsement rdf:parseType="Resource"><dcterms:created>{created}</dcterms:created>
          <slreq:endorser rdf:parseType="Resource"><slreq:email>me@example.org</slreq:email>
            <slreq:subject>CN=Me</slreq:subject><slreq:issuer>CN=Me</slreq:issuer></slreq:endorser>
        </slreq:endorsement>
        <dcterms:type>base</dcterms:type>
        <dcterms:valid>2100-01-01T00:00:00Z</dcterms:valid>
        <dcterms:title>My image</dcterms:title>{terms}
      </rdf:Description>{signature}
    </rdf:RDF>"""


@pytest.mark.parametrize(
    ("sha1", "identifier"),
    [
        ("c319bbd5afc0a22ba3eaed0507c39383ec28eeff", "MMZu9WvwKIro-rtBQfDk4PsKO7_"),
        ("1104f3e30c030f8b93f220b04131032dddf51f21", "BEE8-MMAw-Lk_IgsEExAy3d9R8h"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "No5o-5ea0sNMlW_75VgGJCv2AcJ"),
        ("0" * 40, "A" * 27),
        ("f" * 40, "P" + "_" * 26),
    ],
)
def test_identifiers_are_the_real_ones(sha1: str, identifier: str) -> None:
    assert image_identifier(bytes.fromhex(sha1)) == identifier
    assert sha1_of_identifier(identifier).hex() == sha1


def test_a_dozen_images_are_valid(marketplace: Client) -> None:
    titles = Counter(marketplace.titles())
    assert sum(titles.values()) == 12
    assert titles["CentOS 6.5 base"] == 2
    assert {"ttylinux", "Broken boot", "Broken prolog", "Ubuntu 14.04 server"} <= set(titles)


def test_every_entry_says_what_an_entry_must_say(marketplace: Client) -> None:
    for entry in marketplace.list():
        checksums = {
            text(checksum, "slreq:algorithm"): text(checksum, "slreq:value")
            for checksum in entry.findall("slreq:checksum", NS)
        }
        assert image_identifier(bytes.fromhex(checksums["SHA-1"])) == text(entry, "dcterms:identifier")
        assert int(text(entry, "slreq:bytes")) > 0
        assert text(entry, "slterms:kind") in ("machine", "disk")
        assert text(entry, "dcterms:format") in ("raw", "qcow2")


def test_some_images_have_ports_that_are_open(marketplace: Client) -> None:
    entry = entry_named(marketplace, "Ubuntu 14.04 web server")
    assert [port.text for port in entry.findall("slterms:inbound-port", NS)] == ["22", "80", "443"]


def test_each_status_has_its_entries(marketplace: Client) -> None:
    assert marketplace.titles(status="expired") == ["CentOS 5.9 base"]
    assert marketplace.titles(status="deprecated") == ["Debian 6.0"]
    assert len(marketplace.titles(status="all")) == 14


def test_validity_runs_out(marketplace: Client, clock: ManualClock) -> None:
    clock.advance(400 * DAY)
    assert marketplace.titles() == []


def test_a_listing_has_the_latest_of_each_endorser(marketplace: Client) -> None:
    centos = text(entry_named(marketplace, "CentOS 6.5 base"), "dcterms:identifier")
    listed = marketplace.list(f"/metadata/{centos}")
    assert {key(entry).split("/")[1] for entry in listed} == {JANE, JOHN}
    assert len(listed) == 2


def test_a_superseded_entry_is_there_by_its_full_address(sandbox: Sandbox, marketplace: Client) -> None:
    old = next(e for e in sandbox.entries if e.description == "What Jane said before.")
    answer = marketplace("/metadata/" + "/".join(old.key))
    assert answer.status_code == 200
    assert "What Jane said before." in answer.text


def test_filters_are_told_apart_by_their_looks(marketplace: Client) -> None:
    assert set(marketplace.titles(f"/metadata/{JOHN}")) == {"CentOS 6.5 base"}
    assert marketplace.titles(identifier=JOHN) == marketplace.titles(email=JOHN)
    identifier = text(entry_named(marketplace, "ttylinux"), "dcterms:identifier")
    assert marketplace.titles(email=identifier) == ["ttylinux"]
    assert marketplace.titles(f"/metadata/{identifier}/{JANE}") == ["ttylinux"]
    assert marketplace.titles(f"/metadata/{identifier}/{JOHN}") == []


def test_locations_are_on_the_web(marketplace: Client) -> None:
    assert len(marketplace.titles(location="web")) == 12
    assert marketplace.titles(location="pdisk") == []


def test_nothing_found_is_404_in_xml(marketplace: Client) -> None:
    answer = marketplace("/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert answer.status_code == 404
    assert ET.fromstring(answer.content).text == "no metadata matching query found"


def test_an_empty_marketplace_is_404_in_xml_and_an_empty_list_in_json(http: requests.Session) -> None:
    with Sandbox(empty_marketplace=True) as sandbox:
        marketplace = Client(sandbox.marketplace_url, http)
        assert marketplace("/metadata").status_code == 404
        answer = marketplace("/metadata", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["aaData"] == []


def test_one_entry(marketplace: Client) -> None:
    entry = entry_named(marketplace, "ttylinux")
    answer = marketplace(f"/metadata/{key(entry)}")
    assert answer.headers["Content-Type"].startswith("application/rdf+xml")
    identifier = text(entry, "dcterms:identifier")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={identifier}.xml"
    assert ET.fromstring(answer.content).tag == f"{{{NS['rdf']}}}RDF"


def test_the_address_of_an_entry_counts_as_it_is_sent(marketplace: Client) -> None:
    path = f"/metadata/{key(entry_named(marketplace, 'ttylinux'))}"
    assert marketplace(path.replace("/metadata", "//metadata/")).status_code == 200
    assert marketplace(path + "/").status_code == 404
    assert marketplace(path.replace("@", "%40")).status_code == 404


def test_one_entry_in_json(sandbox: Sandbox, marketplace: Client) -> None:
    entry = entry_named(marketplace, "ttylinux")
    statements = marketplace(f"/metadata/{key(entry)}", headers={"Accept": "application/json"}).json()
    subject = f"http://mp.stratuslab.eu/#{text(entry, 'dcterms:identifier')}"
    assert statements[subject]["http://purl.org/dc/terms/title"] == [{"type": "literal", "value": "ttylinux"}]
    endorsement = statements[subject]["http://mp.stratuslab.eu/slreq#endorsement"][0]
    assert endorsement["type"] == "bnode"
    assert "http://purl.org/dc/terms/created" in statements[endorsement["value"]]


def test_a_listing_in_json(marketplace: Client) -> None:
    table = marketplace("/metadata", headers={"Accept": "application/json"}).json()
    assert table["iTotalRecords"] == table["iTotalDisplayRecords"] == 12
    assert table["rMsg"] == "no metadata matching query found"
    row = next(row for row in table["aaData"] if row[10] == "ttylinux")
    assert len(row) == 11
    assert row[:6] == ["", "ttylinux", "16.1", "x86_64", JANE, "machine"]


def test_missing_values_in_json_are_the_text_null(marketplace: Client) -> None:
    marketplace.upload(document())
    table = marketplace("/metadata", headers={"Accept": "application/json"}).json()
    row = next(row for row in table["aaData"] if row[10] == "My image")
    assert row[1] == row[8] == "null"


def test_pages_are_sorted(marketplace: Client) -> None:
    first = {"iDisplayStart": "0", "iDisplayLength": "5", "iSortCol_0": "10", "sSortDir_0": "asc"}
    second = {**first, "iDisplayStart": "5"}
    titles = marketplace.titles(**first) + marketplace.titles(**second)
    assert len(titles) == 10
    assert titles == sorted(titles)


def test_a_page_without_a_direction_is_an_error_in_xml_and_empty_in_json(marketplace: Client) -> None:
    page = {"iDisplayStart": "0", "iDisplayLength": "5"}
    assert marketplace("/metadata", params=page).status_code == 500
    answer = marketplace("/metadata", params=page, headers={"Accept": "application/json"})
    assert answer.json()["aaData"] == []


def test_a_search_by_form(marketplace: Client) -> None:
    answer = marketplace("/metadata", "POST", data={"sSearch": "ubuntu SERVER", "sEcho": "3"})
    table = answer.json()
    assert (table["sEcho"], table["iTotalRecords"], table["iTotalDisplayRecords"]) == (3, 12, 2)
    assert {row[1] for row in table["aaData"]} == {"Ubuntu"}


def test_an_endorsers_tag_names_the_newest(marketplace: Client) -> None:
    for path in (f"/metadata/{JANE}?tag=ubuntu-lts", f"/tag/{JANE}/ubuntu-lts"):
        answer = marketplace(path)
        assert answer.status_code == 200
        assert "Ubuntu 14.04 server" in answer.text
    assert marketplace(f"/tag/{JANE}/nothing").status_code == 404


def test_endorsers(marketplace: Client) -> None:
    assert JOHN in marketplace("/endorsers").text
    assert marketplace(f"/endorsers/{JOHN}").text.count("<result>") == 1
    assert "centos-base" in marketplace(f"/endorsers/{JANE}/tags").text


def test_errors_in_json_have_their_status_as_key(marketplace: Client) -> None:
    answer = marketplace("/metadata/a/b@example.org/c", headers={"Accept": "application/json"})
    assert answer.json() == {"404": "metadata entry not found.\n"}


def test_unknown_addresses_lead_home(marketplace: Client) -> None:
    answer = marketplace("/nowhere/at/all")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")


def test_an_uploaded_entry_is_listed_as_it_was_sent(marketplace: Client) -> None:
    answer = marketplace.upload(document())
    assert (answer.status_code, answer.text) == (201, "metadata entry created")
    location = answer.headers["Location"]
    assert location.startswith(f"{marketplace.url}/metadata/")
    sent = document().partition("?>")[2].strip()
    assert marketplace(location.removeprefix(marketplace.url)).text == sent
    assert "My image" in marketplace.titles()


def test_a_later_entry_deprecates_an_image(marketplace: Client) -> None:
    marketplace.upload(document())
    later = document(created="2014-07-01T10:00:00Z", terms="<slterms:deprecated>a hole</slterms:deprecated>")
    assert marketplace.upload(later).status_code == 201
    assert "My image" not in marketplace.titles()
    assert "My image" in marketplace.titles(status="deprecated")


@pytest.mark.parametrize(
    ("upload", "reason"),
    [
        (document(sign=False), "no signature"),
        (document(created="2013-01-01T00:00:00Z"), "older than latest entry"),
        (document(created="yesterday"), "dcterms:created value (yesterday) is not a valid date"),
        (
            document(terms="<dcterms:type>x</dcterms:type>"),
            "description must have exactly 1 dcterms:type element",
        ),
        (
            document(terms="<slterms:os>A</slterms:os><slterms:os>B</slterms:os>"),
            "description must have at most 1 slterms:os element",
        ),
        (
            document().replace("SHA-1", "SHA-2"),
            "description must have exactly 1 slterms:checksum element using SHA-1 algorithm",
        ),
        (
            document().replace('xml:base="http://mp.stratuslab.eu/"', ""),
            "root element must have xml:base attribute with value http://mp.stratuslab.eu/",
        ),
        (
            document().replace('rdf:about="#', 'rdf:about="#B'),
            "are not consistent",
        ),
    ],
)
def test_what_cannot_be_uploaded(marketplace: Client, upload: str, reason: str) -> None:
    marketplace.upload(document())
    answer = marketplace.upload(upload)
    assert answer.status_code == 400
    assert "invalid metadata: " in answer.text
    assert reason in answer.text


def test_a_document_type_does_not_get_into_listings(marketplace: Client) -> None:
    upload = document().replace("<rdf:RDF", '<!DOCTYPE rdf:RDF [<!ENTITY e "text">]><rdf:RDF', 1)
    assert marketplace.upload(upload).status_code == 201
    assert "My image" in marketplace.titles()


def test_an_upload_that_is_no_xml(marketplace: Client) -> None:
    assert "unable to parse metadata: " in marketplace.upload("no XML").text
    assert "post with null entity" in marketplace.upload("").text


def test_a_folder_of_entries_is_loaded(tmp_path: Any, http: requests.Session) -> None:
    (tmp_path / "one.xml").write_text(document())
    both = [document(image=image).partition("?>")[2] for image in (b"two", b"three")]
    (tmp_path / "more.xml").write_text(f"<metadata>{''.join(both)}</metadata>")
    with Sandbox(entries=tmp_path) as sandbox:
        assert Client(sandbox.marketplace_url, http).titles() == ["My image"] * 3


def test_a_file_that_is_no_entry_is_named(tmp_path: Any) -> None:
    (tmp_path / "bad.xml").write_text("<no>entry")
    with pytest.raises(ValueError, match=r"bad\.xml: unable to parse"):
        Sandbox(entries=tmp_path)


def test_a_machines_root_disk_is_a_copy_that_stays_behind(
    sandbox: Sandbox, marketplace: Client, clock: ManualClock
) -> None:
    identifier = text(entry_named(marketplace, "Fedora 20 cloud"), "dcterms:identifier")
    machine = sandbox.machines.allocate(
        "alice", parse_template(f'DISK=[SOURCE="{sandbox.marketplace_url}/metadata/{identifier}"]')
    )
    clock.advance(10)
    assert machine.is_running
    (copy,) = sandbox.disks.owned_by("alice")
    assert copy.identifier.startswith("snapshot:")
    sandbox.machines.act("alice", machine.id, "finalize")
    clock.advance(10)
    assert sandbox.disks.owned_by("alice") == []
    left = sandbox.disks.get(copy.uuid)
    assert left is not None
    assert left.quarantine


@pytest.mark.parametrize(
    ("title", "message"),
    [("Broken boot", "Error deploying virtual machine: "), ("Broken prolog", "Error executing image transfer")],
)
def test_broken_images_fail(
    sandbox: Sandbox, marketplace: Client, clock: ManualClock, title: str, message: str
) -> None:
    identifier = text(entry_named(marketplace, title), "dcterms:identifier")
    machine = sandbox.machines.allocate(
        "alice", parse_template(f'DISK=[SOURCE="https://x.example/metadata/{identifier}"]')
    )
    clock.advance(10)
    assert machine.state.name == "FAILED"
    assert machine.template.vectors("ERROR")[0]["MESSAGE"].startswith(message)


def test_an_image_that_the_marketplace_does_not_know_fails(sandbox: Sandbox, clock: ManualClock) -> None:
    source = f"{sandbox.marketplace_url}/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA"
    machine = sandbox.machines.allocate("alice", parse_template(f'DISK=[SOURCE="{source}"]'))
    clock.advance(10)
    assert machine.state.name == "FAILED"

"""The Marketplace, asked with plain HTTP."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import requests

from stratuslab_libcloud.sandbox import ManualClock, Sandbox

from .conftest import DAY, JANE, JOHN, NS, Client, document, entry_named, key, text


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


def test_an_endorsers_tag_names_the_newest(marketplace: Client) -> None:
    for path in (f"/metadata/{JANE}?tag=ubuntu-lts", f"/tag/{JANE}/ubuntu-lts"):
        answer = marketplace(path)
        assert answer.status_code == 200
        assert "Ubuntu 14.04 server" in answer.text
    assert marketplace(f"/tag/{JANE}/nothing").status_code == 404


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


def test_a_document_type_does_not_get_into_listings(marketplace: Client) -> None:
    upload = document().replace("<rdf:RDF", '<!DOCTYPE rdf:RDF [<!ENTITY e "My image">]><rdf:RDF', 1)
    upload = upload.replace(">My image<", ">&e;<")
    assert marketplace.upload(upload).status_code == 201
    assert "My image" in marketplace.titles()


def test_each_status_has_its_entries(marketplace: Client) -> None:
    assert marketplace.titles(status="expired") == ["CentOS 5.9 base"]
    assert marketplace.titles(status="deprecated") == ["Debian 6.0"]
    assert len(marketplace.titles(status="all")) == 14


def test_validity_runs_out(marketplace: Client, clock: ManualClock) -> None:
    clock.advance(400 * DAY)
    assert marketplace.titles() == []


def test_a_listing_has_the_latest_of_each_endorser(marketplace: Client) -> None:
    centos = text(entry_named(marketplace, "CentOS 6.5 base"), "dcterms:identifier")
    listed = marketplace.entries(f"/metadata/{centos}")
    assert {key(entry).split("/")[1] for entry in listed} == {JANE, JOHN}
    assert len(listed) == 2


def test_locations_are_on_the_web(marketplace: Client) -> None:
    assert len(marketplace.titles(location="web")) == 12
    assert marketplace.titles(location="pdisk") == []

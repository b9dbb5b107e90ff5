"""Listings as tables."""

from __future__ import annotations

from .conftest import JANE, Client, document


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

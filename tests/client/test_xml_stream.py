"""Elements of an XML document while it arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError, stream_elements


def test_elements_come_before_the_document_is_complete() -> None:
    arrived: list[str] = []

    def chunks() -> Iterator[str]:
        for chunk in ("<POOL><VM>1</VM>", "<VM>2</VM>", "</POOL>"):
            arrived.append(chunk)
            yield chunk

    elements = stream_elements(chunks(), "VM", "POOL")
    assert next(elements).text == "1"
    assert len(arrived) == 2
    assert [element.text for element in elements] == ["2"]


def test_a_root_can_be_the_only_element() -> None:
    (element,) = stream_elements([b"<?xml version='1.0'?><V", b"M>7</VM>"], "VM", "POOL")
    assert element.text == "7"


def test_what_was_complete_before_the_document_broke_has_been_yielded() -> None:
    elements = stream_elements(["<POOL><VM>1</VM><VM>", "2</VM></PO"], "VM", "POOL")
    assert next(elements).text == "1"
    with pytest.raises(UnreadableDocumentError):
        list(elements)


@pytest.mark.parametrize("start", ["<!DOCTYPE a>", " <!-- x --><!DOCTYPE a>", " " * 65537, "{}"])
def test_only_an_element_may_come_first(start: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        list(stream_elements([start, "<POOL/>"], "VM", "POOL"))


def test_a_document_type_is_refused_although_the_rest_is_good() -> None:
    good = "<POOL><VM>1</VM></POOL>"
    assert [element.text for element in stream_elements([good], "VM", "POOL")] == ["1"]
    with pytest.raises(UnreadableDocumentError, match="it does not begin with an element"):
        list(stream_elements([f"<!DOCTYPE POOL>{good}"], "VM", "POOL"))

"""The XML-RPC envelope, against the standard library's and against nonsense."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratuslab_libcloud.client.opennebula.machine_xml import read_machines
from stratuslab_libcloud.client.opennebula.xmlrpc import FaultError, RefusalError, call_body, repaired, reply_text
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError

xml_text = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t\r"))


def text_of(body: bytes) -> str:
    return "".join(reply_text([body]))


def reply(*values: object) -> bytes:
    return xmlrpc.client.dumps((list(values),), methodresponse=True).encode()


@given(xml_text, st.integers(-(2**31), 2**31 - 1))
def test_a_call_is_read_back_as_it_was_meant(text: str, number: int) -> None:
    parameters, method = xmlrpc.client.loads(call_body("one.vm.info", [text, number]))
    assert (method, parameters) == ("one.vm.info", (text, number))


@given(xml_text.map(lambda text: text.replace("\r", "")))
def test_a_text_is_the_value_of_a_reply(text: str) -> None:
    assert text_of(reply(True, text, 0)) == text


def test_a_number_is_the_value_of_a_reply() -> None:
    assert text_of(reply(True, 42, 0)) == "42"


@pytest.mark.parametrize(("version", "numbers"), [("3.2.1", [4, 5, 6]), ("6.10", [1])])
def test_replies_of_real_daemons(real_samples: Path, version: str, numbers: list[int]) -> None:
    body = (real_samples / f"opennebula-{version}/vmpool.info.response.xml").read_bytes()
    assert [machine.id for machine in read_machines(reply_text([body]))] == numbers


def test_a_refusal_has_code_and_words() -> None:
    with pytest.raises(RefusalError) as caught:
        text_of(reply(False, "[VirtualMachineInfo] Error getting virtual machine [99].", 1024))
    assert caught.value.code == 1024
    assert "virtual machine [99]" in caught.value.text


@pytest.mark.parametrize("more", [(), (99,), (99, -1)])
def test_a_refusal_of_later_versions_has_more_values(more: tuple[int, ...]) -> None:
    """Three in 3.2, four in 5.4 to 5.8, five since 5.12: IM loses the text of all but the first."""
    with pytest.raises(RefusalError) as caught:
        text_of(reply(False, "[one.vm.info] Error getting virtual machine [99].", 1024, *more))
    assert (caught.value.code, caught.value.items) == (1024, 3 + len(more))
    assert caught.value.text == "[one.vm.info] Error getting virtual machine [99]."


def test_a_fault_has_code_and_words() -> None:
    with pytest.raises(FaultError) as caught:
        text_of(xmlrpc.client.dumps(xmlrpc.client.Fault(-506, "Method 'x' not defined")).encode())
    assert (caught.value.code, caught.value.text) == (-506, "Method 'x' not defined")


def fault(*members: tuple[str, str]) -> bytes:
    """A fault with these members: the type and the value of each."""
    values = "".join(
        f"<member><name>x</name><value><{kind}>{value}</{kind}></value></member>" for kind, value in members
    )
    return f"<methodResponse><fault><value><struct>{values}</struct></value></fault></methodResponse>".encode()


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ([("int", "-506"), ("string", "No such method")], -506, "No such method"),
        ([("string", "No such method"), ("int", "-506")], -506, "No such method"),
        ([("string", "No such method")], 0, "No such method"),
        ([("int", "-501")], -501, ""),
        ([], 0, ""),
        ([("string", "100000000000"), ("string", "words")], 0, "100000000000"),  # twelve digits are no code
        ([("string", "words"), ("int", "99999999999")], 99999999999, "words"),
        ([("string", "1½"), ("int", "7")], 7, "1½"),
        ([("string", "٣"), ("int", "7")], 7, "٣"),
    ],
)
def test_the_members_of_a_fault_in_any_order(members: list[tuple[str, str]], code: int, text: str) -> None:
    with pytest.raises(FaultError) as caught:
        text_of(fault(*members))
    assert (caught.value.code, caught.value.text) == (code, text)
    assert caught.value.args == (code, text)


@pytest.mark.parametrize("code", [[], ["no number"], ["100000000000"]])
def test_a_refusal_without_a_code(code: list[str]) -> None:
    with pytest.raises(RefusalError) as caught:
        text_of(reply(False, "words", *code))
    assert (caught.value.code, caught.value.text) == (0, "words")


def test_a_call_to_the_last_byte() -> None:
    assert call_body("one.vm.info", ("s<", 7, True, "a\rb")) == (
        b"<?xml version='1.0'?><methodCall><methodName>one.vm.info</methodName><params>"
        b"<param><value><string>s&lt;</string></value></param><param><value><int>7</int></value></param>"
        b"<param><value><boolean>1</boolean></value></param><param><value><string>a&#13;b</string></value></param>"
        b"</params></methodCall>"
    )


def test_a_damaged_reply_is_repaired_whatever_its_pieces_are() -> None:
    """Bytes that are no UTF-8, control characters and references to them; what was cut off as well."""
    pieces = [b"a\xffb\x01", b"", b"c&#1;&#13;&#27;\t\xc3", b"\xa9d\xef\xbf\xbe&#9;", b"\xe2\x82"]
    assert b"".join(repaired(pieces)).decode() == "a\ufffdb?c?&#13;?\t\xe9d\ufffd&#9;\ufffd"


def by_a_proxy(*values: str) -> bytes:
    """A reply as Apache XML-RPC writes it, which StratusLab's proxy is made of: texts without a type, on one line."""
    data = "".join(f"<value>{value}</value>" for value in values)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<methodResponse xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"><params><param><value><array>'
        f"<data>{data}</data></array></value></param></params></methodResponse>"
    ).encode()


@pytest.mark.parametrize("text", ["plain", " with\n spaces ", "", "x" * 3_000_000, " " * 1000 + "x" * 3_000_000])
def test_a_value_without_a_type_is_a_text_of_any_length(text: str) -> None:
    body = by_a_proxy("<boolean>1</boolean>", text, "<i4>0</i4>")
    assert "".join(reply_text([body])) == text
    assert "".join(reply_text(body[n : n + 1000] for n in range(0, len(body), 1000))) == text


@pytest.mark.parametrize("value", ["{}", "\n  <string>{}</string>\n"], ids=["proxy", "daemon"])
def test_a_long_text_is_passed_on_while_it_arrives(value: str) -> None:
    body = by_a_proxy("<boolean>1</boolean>", value.format("x" * 3_000_000), "<i4>0</i4>")
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        for start in range(0, len(body), 65536):
            read = start
            yield body[start : start + 65536]

    assert set(next(reply_text(chunks()))) == {"x"}
    assert read < len(body) / 2


@pytest.mark.parametrize("value", ["text<string>more</string>", " " * 2_000_000, "<i4>1</i4>" * 20])
def test_a_value_that_is_none(value: str) -> None:
    with pytest.raises(UnreadableDocumentError):
        text_of(by_a_proxy("<boolean>1</boolean>", value, "<i4>0</i4>"))


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("vm.action", "1"),
        ("vm.info-unknown", RefusalError),
        ("method-unknown", FaultError),
        ("daemon-down", FaultError),
        ("daemon-ends-the-connection-twice", FaultError),
    ],
)
def test_answers_of_a_real_proxy(real_samples: Path, sample: str, expected: Any) -> None:
    body = (real_samples / f"proxy/{sample}.response").read_bytes().partition(b"<?xml")[2]
    body = b"<?xml" + body
    if isinstance(expected, str):
        assert text_of(body) == expected
    else:
        with pytest.raises(expected):
            text_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"<html><body>Bad gateway</body></html>",
        b"<methodResponse><params/></methodResponse>",
        reply(True),
        reply("yes", "x"),
        reply(True, "x" * 50)[:-60],
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><methodResponse>&x;</methodResponse>",
        b'<?xml version="1.0" encoding="klingon"?><methodResponse/>',
        b"<a>" * 100_000,
        reply(*[1] * 100),
        reply(*["x" * 2_000_000]),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_reply(body: bytes) -> None:
    with pytest.raises(UnreadableDocumentError):
        text_of(body)


NO_REPLIES = {
    "nothing": (b"", "no element found: line 1, column 0"),
    "no value": (reply(True), "it is not a reply of the form [ok, value, code]"),
    "no boolean": (reply("yes", "x"), "it is not a reply of the form [ok, value, code]"),
    "deep": (b"<a>" * 33, "its elements are nested too deeply"),
    "deep after others": (b"<a>" + b"<b/>" * 50 + b"<a>" * 32, "its elements are nested too deeply"),
    "deep after one": (b"<a>" * 20 + b"<b/>" + b"<a>" * 13, "its elements are nested too deeply"),
    "many": (reply(True, "x", *[0] * 15), "it has more values than a reply can have"),
    "long": (reply(False, "x" * (2**20 + 1)), "it has a value that is too long"),
    "markup": (reply(True, "MARKUP").replace(b"MARKUP", b"x<b/>"), "it has an element 'b' in a text"),
}


@pytest.mark.parametrize("why", NO_REPLIES)
def test_why_it_is_no_reply(why: str) -> None:
    body, words = NO_REPLIES[why]
    with pytest.raises(UnreadableDocumentError) as caught:
        text_of(body)
    assert str(caught.value) == words


def test_how_large_a_reply_may_be() -> None:
    good = reply(True, "text", *[0] * 14)
    assert text_of(b"<a>" * 24 + good.partition(b"?>\n")[2] + b"</a>" * 24) == "text"
    with pytest.raises(RefusalError) as caught:
        text_of(reply(False, "x" * 2**20, 1024))
    assert len(caught.value.text) == 2**20


def test_a_refusal_that_arrives_in_pieces() -> None:
    body = reply(False, "the text of a refusal", 1024)
    for cut in range(1, len(body), 7):
        with pytest.raises(RefusalError) as caught:
            list(reply_text([body[:cut], body[cut:]]))
        assert (caught.value.text, caught.value.code) == ("the text of a refusal", 1024)


def test_a_reply_with_a_document_type_is_refused_although_it_is_a_good_one() -> None:
    good = reply(True, "text", 0)
    assert text_of(good) == "text"
    with pytest.raises(UnreadableDocumentError, match=r"^it has a document type definition$"):
        text_of(good.replace(b"<methodResponse>", b"<!DOCTYPE methodResponse><methodResponse>"))


@given(st.binary(max_size=400))
def test_any_bytes_end_in_something_that_is_expected(body: bytes) -> None:
    with pytest.raises((UnreadableDocumentError, FaultError, RefusalError)):
        text_of(body)


@given(st.data())
def test_any_damage_to_a_reply_ends_in_something_that_is_expected(data: st.DataObject) -> None:
    body = bytearray(reply(True, "<VM><ID>1</ID><STATE>3</STATE></VM>", 0))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        text_of(bytes(body))
    except (UnreadableDocumentError, FaultError, RefusalError):
        return

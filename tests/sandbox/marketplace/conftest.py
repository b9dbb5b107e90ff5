"""A client of the Marketplace, and entries to upload."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.marketplace.signing import ISSUER, Endorser
from stratuslab_libcloud.sandbox.state.identifiers import image_identifier

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

    def entries(self, path: str = "/metadata", **parameters: str) -> list[ET.Element]:
        answer = self(path, params=parameters)
        if answer.status_code == 404:
            return []
        assert answer.status_code == 200, answer.text
        return ET.fromstring(answer.content).findall("rdf:RDF/rdf:Description", NS)

    def titles(self, path: str = "/metadata", **parameters: str) -> list[str]:
        return [text(entry, "dcterms:title") for entry in self.entries(path, **parameters)]

    def upload(self, document: str) -> requests.Response:
        return self("/metadata", "POST", data=document.encode(), headers={**XML, "Content-Type": "application/xml"})


@pytest.fixture
def marketplace(sandbox: Sandbox, http: requests.Session) -> Client:
    return Client(sandbox.marketplace_url, http)


def text(entry: ET.Element, path: str) -> str:
    found = entry.findtext(path, namespaces=NS)
    assert found is not None, path
    return found


def entry_named(marketplace: Client, title: str, **parameters: str) -> ET.Element:
    return next(e for e in marketplace.entries(**parameters) if text(e, "dcterms:title") == title)


def key(entry: ET.Element) -> str:
    endorsement = "slreq:endorsement/"
    return "/".join(
        (
            text(entry, "dcterms:identifier"),
            text(entry, f"{endorsement}slreq:endorser/slreq:email"),
            text(entry, f"{endorsement}dcterms:created"),
        )
    )


ME = Endorser("Me", "me@example.org")


def document(
    *,
    image: bytes = b"an image",
    created: str = "2014-06-01T10:00:00Z",
    terms: str = "",
    sign: bool = True,
    change: tuple[str, str] = ("", ""),
) -> str:
    """An entry as an endorser would upload it.

    :param change: something in it, and what is there instead, before it is signed
    """
    digest = hashlib.sha1(image).digest()
    identifier = image_identifier(digest)
    text = f"""<rdf:RDF {" ".join(f'xmlns:{p}="{u}"' for p, u in NS.items())} xml:base="http://mp.stratuslab.eu/">
      <rdf:Description rdf:about="#{identifier}">
        <dcterms:identifier>{identifier}</dcterms:identifier>
        <slreq:bytes>8</slreq:bytes>
        <slreq:checksum rdf:parseType="Resource">
          <slreq:algorithm>SHA-1</slreq:algorithm><slreq:value>{digest.hex()}</slreq:value>
        </slreq:checksum>
        <slreq:endorsement rdf:parseType="Resource"><dcterms:created>{created}</dcterms:created>
          <slreq:endorser rdf:parseType="Resource"><slreq:email>{ME.email}</slreq:email>
            <slreq:subject>{ME.subject}</slreq:subject><slreq:issuer>{ISSUER}</slreq:issuer></slreq:endorser>
        </slreq:endorsement>
        <dcterms:type>base</dcterms:type>
        <dcterms:valid>2100-01-01T00:00:00Z</dcterms:valid>
        <dcterms:title>My image</dcterms:title>{terms}
      </rdf:Description>
    </rdf:RDF>"""
    assert change[0] in text
    text = text.replace(*change) if change[0] else text
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ME.sign(text) if sign else text}'

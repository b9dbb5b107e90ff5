"""Requests to the compute service."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import requests

from stratuslab_libcloud.sandbox import Sandbox


def post(sandbox: Sandbox, http: requests.Session, body: Any, **options: Any) -> requests.Response:
    url = sandbox.compute_url.replace("/xmlrpc", "/pswd/xmlrpc")
    return http.post(url, data=body, auth=("alice", "secret"), **options)


def shape(element: ET.Element) -> list[Any]:
    """Names of elements, all the way down, in order."""
    return [element.tag, [shape(child) for child in element]]

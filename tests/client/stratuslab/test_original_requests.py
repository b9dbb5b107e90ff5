"""The templates say what those of the 14.06 driver said, value for value, on its captured requests."""

from __future__ import annotations

import json
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
import requests_mock
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK test"

CONFIGURATION = """\
[default]
endpoint = http://cloud.example.org:2634/xmlrpc
pdisk_endpoint = http://cloud.example.org:8445
marketplace_endpoint = http://127.0.0.1:18081
username = alice
password = secret
user_public_key_file = {key_file}
{more}
"""


def captured(samples: Path, operation: str) -> list[dict[str, Any]]:
    lines = (samples / "original-driver-requests.jsonl").read_text().splitlines()
    return next(r["requests"] for r in map(json.loads, lines) if r["operation"] == operation)


def template_in(body: str) -> str:
    parameters, method = xmlrpc.client.loads(body)
    assert method == "one.vm.allocate"
    return str(parameters[1])


def attributes(template: str) -> list[tuple[str, object]]:
    parsed = parse_template(template)
    return [(name, value) for name, value in parsed if name != "LIBCLOUD_MARK"]


@pytest.mark.parametrize(
    ("operation", "name", "auth", "more"),
    [
        ("create default", "my node", None, ""),
        ("create auth key", "n2", NodeAuthSSHKey(PUBLIC_KEY), ""),
        ("create cloudinit", "n3", None, "default_context_method = cloud-init"),
    ],
)
def test_the_template_says_what_the_original_said(
    samples: Path, tmp_path: Path, operation: str, name: str, auth: NodeAuthSSHKey | None, more: str
) -> None:
    requests = captured(samples, operation)
    entry = next(r["answer"] for r in requests if r["verb"] == "GET")
    original = template_in(next(r["body"] for r in requests if r["verb"] == "POST"))
    original = original.replace("ssh-rsa AAAA test", PUBLIC_KEY)  # with which nobody could enter a machine
    key_file = tmp_path / "id_rsa.pub"
    key_file.write_text(parse_template(original).vectors("CONTEXT")[0]["PUBLIC_KEY"])
    config = tmp_path / "config"
    config.write_text(CONFIGURATION.format(key_file=key_file, more=more))

    driver = StratusLabNodeDriver(stratuslab_user_config=config)
    size = next(size for size in driver.list_sizes() if size.id == "m1.small")
    image = NodeImage("tlifxqsNyCzxIJnRwtQKuZToQQw", "an image", driver)
    answers = iter([r["answer"] for r in requests if r["verb"] == "POST"])
    with requests_mock.Mocker() as mock:
        mock.get("http://127.0.0.1:18081/metadata/tlifxqsNyCzxIJnRwtQKuZToQQw", text=entry)
        mock.post("http://cloud.example.org:2634/pswd/xmlrpc", text=lambda *_: next(answers))
        node = driver.create_node(name, size, image, auth=auth)
        ours = template_in(next(r.text for r in mock.request_history if r.method == "POST"))

    assert attributes(ours) == attributes(original)
    assert node.name == name

"""Input that wants to be more than a value: from the caller, and from whoever endorsed an image."""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import requests_mock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libcloud.common.types import LibcloudError
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import InvalidArgumentError
from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.state.template import Template

EVIL = 'raw"\n]\nEVIL = [ A = "1" ]\nX = "'
ATTRIBUTES = {
    "CONTEXT",
    "CPU",
    "DISK",
    "ERROR",
    "GRAPHICS",
    "LIBCLOUD_MARK",
    "MEMORY",
    "NAME",
    "NIC",
    "RANK",
    "REQUIREMENTS",
    "VCPU",
    "VMID",
}

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK"


REFUSED = re.compile(r"has a backslash|contains ('[&<]'|' @|.*U\+FFFF|.*cannot read)|has \d+ bytes")


def attributes(sandbox: Sandbox, node_id: str | None) -> set[str]:
    template: Template = sandbox.machines[int(node_id or 0)].template
    return {name for name, _ in template if not name.startswith("LIBCLOUD_VALUE_")}


def test_an_entry_can_not_add_attributes(driver: StratusLabNodeDriver, sandbox: Sandbox, samples: Path) -> None:
    entry = (samples / "marketplace/valid-two-locations.xml").read_text()
    for old in ("<dcterms:format>raw<", "<slterms:hypervisor>kvm<", "<dcterms:publisher>StratusLab<"):
        field, _, _ = old.rpartition(">")
        entry = entry.replace(old, f"{field}>{escape(EVIL)}<")
    entry = entry.replace("<slterms:os>", f"<slterms:disks-bus>{escape(EVIL)}</slterms:disks-bus><slterms:os>")
    entry = entry.replace(
        "<slterms:os>", f"<slterms:inbound-port>22, {escape(EVIL)}</slterms:inbound-port><slterms:os>"
    )
    with requests_mock.Mocker(real_http=True) as mock:
        mock.get(f"{sandbox.marketplace_url}/metadata", text=f"<metadata>{entry.partition('?>')[2]}</metadata>")
        (image,) = driver.list_images()
    node = driver.create_node("n", None, image)
    assert attributes(sandbox, node.id) <= ATTRIBUTES
    root = sandbox.machines[int(node.id or 0)].template.vectors("DISK")[0]
    assert (root["DRIVER"], root["TARGET"]) == (EVIL, "hda")


awkward = st.sampled_from(["$NAME", "a$", "$(date)", 'a "b\\\\" c"', "a b\\\\", "x @^_^@ y"])
characters = st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters='\n\t"\\[],=#')
sendable = awkward | st.text(characters, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=sendable, key=sendable.map(f"{PUBLIC_KEY} {{}}".format), value=sendable, requirements=sendable)
def test_no_field_that_reaches_a_template_can_add_to_it(
    driver: StratusLabNodeDriver, sandbox: Sandbox, name: str, key: str, value: str, requirements: str
) -> None:
    image = NodeImage("ftp://example.org/image", "image", driver)
    try:
        node = driver.create_node(
            name,
            None,
            image,
            auth=NodeAuthSSHKey(key),
            ex_context={"VALUE": value},
            ex_requirements=requirements,
        )
    except InvalidArgumentError as error:
        assert REFUSED.search(str(error))  # noqa: PT017 - these kinds of refusal are right, and no other
        return
    template = sandbox.machines[int(node.id or 0)].template
    assert attributes(sandbox, node.id) <= ATTRIBUTES
    context = template.vectors("CONTEXT")[0]
    assert (context.get("PUBLIC_KEY", ""), context.get("VALUE", "")) == (key, value)
    assert template.text("NAME") == (name or f"one-{node.id}")
    assert (template.text("REQUIREMENTS") or "") == requirements
    node.destroy()


@pytest.mark.parametrize("image_id", ["http://127.0.0.1:1/\r\nX: y", "http://[", "http://user:pw@127.0.0.1:1/x"])
def test_an_address_that_can_not_be_one(driver: StratusLabNodeDriver, image_id: str) -> None:
    with pytest.raises(LibcloudError) as caught:
        driver.create_node("n", None, NodeImage(image_id, "x", driver))
    assert "pw" not in str(caught.value)
    assert "\n" not in str(caught.value)

"""Passwords, session strings and private keys appear nowhere: everything is done, with everything turned on."""

from __future__ import annotations

import base64
import io
import logging
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import libcloud
import pytest
from libcloud.compute.base import NodeImage
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox
from stratuslab_libcloud.sandbox.guests.key_pair import make_key_pair

PASSWORD = "S3cr&t 'it's' \"pässwörd\" <%x>"
USER = "jane@example.org"


class Everything:
    """What is said anywhere."""

    def __init__(self) -> None:
        self.debug_file = io.StringIO()
        self.log = io.StringIO()
        self.said: list[str] = []

    def call(self, what: Callable[[], object]) -> None:
        """Make a call, and keep what it returns or raises, with all that stands behind that."""
        try:
            result = what()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is searched
            self.said.append("".join(traceback.format_exception(error)))
            self.said += [repr(error), str(error), repr(vars(error))]
        else:
            self.said.append(repr(result))
            for thing in result if isinstance(result, list) else [result]:
                self.said.append(repr(getattr(thing, "extra", None)))

    def text(self) -> str:
        return "\n".join([self.debug_file.getvalue(), self.log.getvalue(), *self.said])


@pytest.fixture
def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """All logs at all levels, Libcloud's debugging, and a temporary folder of its own."""
    everything = Everything()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    handler = logging.StreamHandler(everything.log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    libcloud.enable_debug(everything.debug_file)
    yield everything
    libcloud.reset_debug()
    root.removeHandler(handler)
    root.setLevel(level)


def forms_of(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {
        secret,
        escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        encoded,
        repr(secret)[1:-1],
    }


def do_everything(everything: Everything, driver: StratusLabNodeDriver, image: NodeImage, key: Path) -> None:
    call = everything.call
    call(driver.list_nodes)
    call(driver.list_images)
    call(driver.list_locations)
    call(lambda: driver.create_node("n", None, image))
    call(lambda: driver.create_volume(1, "v"))
    call(lambda: driver.list_volumes(ex_details=True))
    call(lambda: driver.attach_volume(driver.list_nodes()[0], driver.list_volumes()[-1]))
    call(lambda: driver.detach_volume(driver.list_volumes()[-1]))
    call(lambda: driver.deploy_node(ScriptDeployment("echo $0"), name="d", size=None, image=image, ssh_key=key))
    call(lambda: driver.destroy_volume(driver.list_volumes()[0]))
    call(lambda: driver.list_nodes()[0].destroy())


def test_secrets_appear_nowhere(everything: Everything, tmp_path: Path) -> None:
    with Sandbox(users={USER: PASSWORD}, boot_seconds=0) as sandbox:
        public_key = make_key_pair(tmp_path / "jane.cfg")
        key = public_key.with_suffix("")
        config = sandbox.write_config(tmp_path / "jane.cfg", user=USER, public_key_file=public_key)
        driver = StratusLabNodeDriver(stratuslab_user_config=config, timeout=5)
        image = next(image for image in driver.list_images() if image.name == "Ubuntu 14.04 server")
        do_everything(everything, driver, image, key)
        for kind in FaultKind:
            if kind in (
                FaultKind.NO_ANSWER,
                FaultKind.NO_ANSWER_AFTER,
                FaultKind.DRIP,
                FaultKind.TLS,
                FaultKind.REFUSE,
            ):
                continue
            with sandbox.faults.during(Fault(kind, count=3, seconds=0.01, status=500)):
                everything.call(driver.list_nodes)
                everything.call(lambda: driver.create_volume(1, "v"))
        sandbox.write_config(config, user=USER, public_key_file=public_key, password="wrong one".replace("%", "%%"))
        everything.call(StratusLabNodeDriver(stratuslab_user_config=config).list_nodes)
        sandbox.write_config(config, user=USER, vnc_port="many")
        everything.call(StratusLabNodeDriver(stratuslab_user_config=config).list_nodes)
        everything.call(lambda: UserConfiguration.load(config).cloud("default"))
        everything.said += [repr(driver), repr(vars(driver)), repr(driver._locations.cloud(None).config)]
        everything.said += [Path("/proc/self/cmdline").read_text()] if Path("/proc/self/cmdline").exists() else []
        private_key = key.read_text().splitlines()[1:-1]

    text = everything.text()
    assert "one.vmpool.info" in everything.debug_file.getvalue()
    assert "stratuslab" in everything.log.getvalue() or "machine" in everything.log.getvalue()
    for secret in (PASSWORD, f"{USER}:{PASSWORD}"):
        for form in forms_of(secret):
            assert form not in text, f"a form of {secret!r} is in what was said"
    for line in private_key:
        assert line not in text
    for folder, _, files in os.walk(tmp_path / "temporary"):
        for name in files:
            content = (Path(folder) / name).read_bytes()
            assert PASSWORD.encode() not in content
            assert private_key[0].encode() not in content

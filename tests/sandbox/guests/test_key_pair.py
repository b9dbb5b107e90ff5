"""Pairs of keys that the sandbox makes."""

from __future__ import annotations

import stat
from pathlib import Path

import paramiko
import requests

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.compute.template_parser import parse_template

from ..conftest import login, sections


def test_a_pair_of_keys_is_made_once_beside_the_file(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.write_config(tmp_path / "cloud.cfg")
    public = Path(sections(path)["default"]["user_public_key_file"])
    private = public.with_suffix("")
    assert public == tmp_path / "cloud-key.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    made = (public.read_bytes(), private.read_bytes())
    sandbox.write_config(path)
    sandbox.write_config(path, section="second")
    assert (public.read_bytes(), private.read_bytes()) == made
    assert sections(path)["default"]["user_public_key_file"] == str(public)
    assert "user_public_key_file" not in sections(path)["second"]


def test_the_keys_that_are_made_open_machines(tmp_path: Path) -> None:
    with Sandbox(boot_seconds=0) as sandbox:
        public = Path(sections(sandbox.write_config(tmp_path / "cfg"))["default"]["user_public_key_file"])
        template = f'NIC=[NETWORK=local,NETWORK_UNAME=oneadmin] CONTEXT=[PUBLIC_KEY="{public.read_text()}"]'
        sandbox.machines.allocate("alice", parse_template(template))
        answer = requests.get(f"{sandbox.port_translation_url}/cgi-bin/vmports.py", timeout=5)
        ((_, port),) = answer.json()["0"]
        login(("127.0.0.1", int(port)), paramiko.Ed25519Key.from_private_key_file(str(public.with_suffix("")))).close()


def test_a_lost_public_key_is_made_of_the_private_one(sandbox: Sandbox, tmp_path: Path) -> None:
    path = sandbox.write_config(tmp_path / "cfg")
    public = tmp_path / "cfg-key.pub"
    before = public.read_text()
    public.unlink()
    path.unlink()
    sandbox.write_config(path)
    assert public.read_text().split()[:2] == before.split()[:2]

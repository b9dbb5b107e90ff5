"""Contextualization: what a new machine is told, and how cloud-init's data is packed."""

from __future__ import annotations

import base64
import email
import gzip
import random
from pathlib import Path

import pytest

from stratuslab_libcloud.client.opennebula.contextualization import (
    RAW_USER_DATA,
    Part,
    cloud_init_pairs,
    context,
    parse_pairs,
    parse_parts,
    public_keys_in,
    read_public_keys,
)
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError

KEY = "ssh-rsa AAAA jane@laptop\n"
SCRIPT = Part("x-shellscript", "#!/bin/sh\necho hello\n", "hello.sh")
CONFIG = Part("cloud-config", "packages: [é]\n", "config.yaml")


def user_data(pairs: dict[str, str]) -> bytes:
    return gzip.decompress(base64.b64decode(pairs["CLOUD_INIT_USER_DATA"]))


def test_the_context_in_its_order() -> None:
    assert list(context(KEY, {"A": "1"}).items()) == [("PUBLIC_KEY", KEY), ("A", "1"), ("TARGET", "hdd")]


def test_comment_lines_of_exported_keys_are_dropped() -> None:
    assert public_keys_in("Comment: made by a tool\n" + KEY) == KEY


def test_lines_of_a_key_file_of_windows_end_as_on_unix() -> None:
    assert public_keys_in(f"Comment: x\r\n{KEY.strip()}\r\n{KEY}") == KEY + KEY


def test_pairs_keep_what_stands_behind_the_first_equals_sign_and_the_last_one_holds() -> None:
    lines = ["A=1", "", "B = x=y ", "A=2"]
    assert parse_pairs(lines, "extra_context_data") == {"A": "2", "B": " x=y "}


def test_a_line_without_an_equals_sign_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="extra_context_data: 'nonsense' is not of the form key=value"):
        parse_pairs(["nonsense"], "extra_context_data")


def test_a_key_file_that_can_not_be_used(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    with pytest.raises(ConfigurationError, match=rf"no SSH public key .*'ssh-keygen -t ed25519 -f {tmp_path}/key',"):
        read_public_keys(file)
    file.mkdir()
    with pytest.raises(ConfigurationError, match="named by user_public_key_file, cannot be read: Is a directory"):
        read_public_keys(file)
    file.rmdir()
    file.write_text("Comment: nothing else\n")
    with pytest.raises(ConfigurationError, match="no public key; set user_public_key_file to a public key file"):
        read_public_keys(file)
    file.write_bytes(b"\xff\x00")
    with pytest.raises(ConfigurationError, match="is not a text file"):
        read_public_keys(file)


def test_authorized_keys_have_a_line_each() -> None:
    pairs = cloud_init_pairs(["  ssh-rsa A  \nComment: x\nssh-rsa B\n", "ssh-rsa C"], [])
    assert pairs["CONTEXT_METHOD"] == "cloud-init"
    assert base64.b64decode(pairs["CLOUD_INIT_AUTHORIZED_KEYS"]) == b"ssh-rsa A\nssh-rsa B\nssh-rsa C\n"
    assert "CLOUD_INIT_USER_DATA" not in pairs


def test_parts_become_a_multipart_document() -> None:
    message = email.message_from_bytes(user_data(cloud_init_pairs([KEY], [SCRIPT, CONFIG])))
    assert message.get_content_type() == "multipart/mixed"
    first, second = message.get_payload()
    assert (first.get_content_type(), first.get_filename()) == ("text/x-shellscript", "hello.sh")
    assert first.get_payload(decode=True).decode() == SCRIPT.content
    assert (second.get_content_type(), second.get_payload(decode=True).decode()) == (
        "text/cloud-config",
        CONFIG.content,
    )


def test_the_same_parts_give_the_same_result() -> None:
    assert cloud_init_pairs([KEY], [SCRIPT, CONFIG]) == cloud_init_pairs([KEY], [SCRIPT, CONFIG])


def test_a_raw_part_goes_alone() -> None:
    raw = Part(RAW_USER_DATA, "#cloud-config\né", "raw")
    assert user_data(cloud_init_pairs([KEY], [SCRIPT, raw, CONFIG])).decode() == raw.content


def test_user_data_has_a_limit() -> None:
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=40_000))
    with pytest.raises(InvalidArgumentError, match=r"has \d+ bytes when gzipped; a machine accepts at most 16384"):
        cloud_init_pairs([KEY], [Part("x-shellscript", noise, "noise")])


def test_pairs_of_types_and_files(tmp_path: Path) -> None:
    script, key = tmp_path / "hello.sh", tmp_path / "key.pub"
    script.write_text(SCRIPT.content)
    key.write_text(KEY)
    assert parse_parts(f"x-shellscript, {script} ## ssh,{key}#") == ([KEY], [SCRIPT])


@pytest.mark.parametrize("kind", ["x-include-url", "text/x-include-url", "Text/X-Include-URL"])
def test_a_mime_type_may_be_whole(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text("http://example.org/\n")
    _, [part] = parse_parts(f"{kind},{file}")
    [message] = email.message_from_bytes(user_data(cloud_init_pairs([KEY], [part]))).get_payload()
    assert message.get_content_type() == "text/x-include-url"


@pytest.mark.parametrize("kind", ["shellscript", "text/x-shelscript", "application/x-sh", "text/"])
def test_a_mime_type_that_cloud_init_does_not_know(kind: str, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"cloud_init: cloud-init does not know '{kind}'.*it knows x-shellscript, "
    ):
        parse_parts(f"{kind},{tmp_path / 'file'}")


@pytest.mark.parametrize("pair", ["x-shellscript", "x-shellscript,", ",file", "a,b,c"])
def test_a_pair_that_is_none(pair: str) -> None:
    with pytest.raises(ConfigurationError, match="is not of the form mimetype,file"):
        parse_parts(pair)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="named by cloud_init, cannot be read"):
        parse_parts(f"x-shellscript,{tmp_path / 'nothing'}")

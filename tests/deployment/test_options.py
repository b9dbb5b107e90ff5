"""What may be chosen: a value that cannot be meant is known before anything starts, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud.deployment import DeployOptions
from stratuslab_libcloud.errors import InvalidArgumentError, KeyFileError

from .conftest import KEY, Deploy, ServerDriver, private_text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ssh_username": ""}, "ssh_username must be the name of a user, not ''"),
        ({"ssh_username": None}, "ssh_username must be the name of a user, not None"),
        ({"ssh_username": "a\n"}, "ssh_username"),
        ({"ssh_alternate_usernames": 5}, "ssh_alternate_usernames must be a list of names, or None, not 5"),
        ({"ssh_alternate_usernames": ["ubuntu", ""]}, "ssh_alternate_usernames must be the name of a user, not ''"),
        ({"ssh_alternate_usernames": b"ubuntu"}, "ssh_alternate_usernames"),
        ({"ssh_port": 0}, "ssh_port must be a whole number from 1 to 65535, not 0"),
        ({"ssh_port": 65536}, "ssh_port"),
        ({"ssh_port": "ssh"}, "ssh_port must be a whole number from 1 to 65535, not 'ssh'"),
        ({"ssh_port": None}, "ssh_port"),
        ({"ssh_port": True}, "ssh_port"),
        ({"ssh_port": 22.5}, "ssh_port"),
        ({"ssh_timeout": -1}, "ssh_timeout must be a number of seconds above 0, .* or None for 10, not -1"),
        ({"ssh_timeout": 0}, "ssh_timeout"),
        ({"ssh_timeout": 1e300}, "ssh_timeout"),
        ({"timeout": -1}, "timeout must be a number of seconds above 0, .* or None for 300, not -1"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": float("inf")}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": [5]}, "timeout"),
        ({"max_tries": 0}, "max_tries must be a whole number from 1 to 1000000, not 0"),
        ({"max_tries": None}, "max_tries"),
        ({"ssh_interface": "public"}, "ssh_interface must be public_ips or private_ips, not 'public'"),
        ({"ssh_interface": ["public_ips"]}, "ssh_interface"),
        ({"at_exit_func": "x"}, "at_exit_func must be a function that takes driver and node, or None, not 'x'"),
        ({"wait_period": -1}, "wait_period must be a number of seconds from 0 to 31536000, not -1"),
        ({"wait_period": None}, "wait_period"),
        ({"ssh_key": []}, "ssh_key must be the path of a file, or a list of paths, not "),
        ({"ssh_key": 7}, "ssh_key must be the path of a file, or a list of paths, not 7"),
        ({"ssh_key": b"key"}, "ssh_key"),
        ({"ssh_key": ""}, "ssh_key must be the path of a file, not ''"),
        ({"ssh_key": [None]}, "ssh_key must be the path of a file, not None"),
        ({"ssh_key": "\0"}, r"ssh_key must be the path of a file, not '\\x00'"),
        ({"ssh_key": "\ud800"}, "ssh_key"),
        ({"ssh_key": "~nobody-of-that-name/key"}, "ssh_key"),
        ({"ssh_key_password": b"secret"}, "ssh_key_password must be a text, or None, not an object of type bytes"),
        ({"ex_destroy_on_failure": "false"}, "ex_destroy_on_failure must be True or False, not 'false'"),
        ({"ex_deploy_timeout": 0}, "ex_deploy_timeout must be a number of seconds above 0, .* or None for no limit"),
        ({"ex_output_limit": 0}, "ex_output_limit must be a whole number from 1 to 1073741824, not 0"),
        ({"ex_sudo": "yes"}, "ex_sudo must be True or False, not 'yes'"),
        ({"ex_terminal": 3}, "ex_terminal must be True or False, not 3"),
        ({"ex_ssh_config": 7}, "ex_ssh_config must be the path of a file, not 7"),
        ({"ex_ssh_key_text": b"secret"}, "ex_ssh_key_text must be a text, or None, not an object of type bytes"),
        ({"ex_check_exit_status": None}, "ex_check_exit_status must be True or False, not None"),
    ],
    ids=lambda value: "-".join(f"{name}={value!r}" for name, value in value.items()) if isinstance(value, dict) else "",
)
def test_value_that_can_not_be_meant(wrong: dict[str, Any], message: str, deploy: Deploy, driver: ServerDriver) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{message}") as caught:
        deploy(ScriptDeployment("true"), **wrong)
    assert "secret" not in str(caught.value)
    assert not driver.nodes


def test_what_is_not_given_is_as_libcloud_has_it() -> None:
    options = DeployOptions(timeout=None, ssh_timeout=None, ssh_alternate_usernames=None)
    assert (options.seconds_to_wait, options.seconds_to_connect, options.usernames) == (300, 10, ("root",))
    assert (options.ssh_port, options.max_tries, options.ssh_interface, options.key_files) == (
        22,
        3,
        "public_ips",
        None,
    )


def test_numbers_may_be_texts() -> None:
    options = DeployOptions(ssh_port="2222", timeout="5", ssh_timeout="0.5", max_tries="2", wait_period="0")
    assert (options.ssh_port, options.seconds_to_wait, options.seconds_to_connect) == (2222, 5.0, 0.5)
    assert (options.max_tries, options.wait_period) == (2, 0.0)


def test_numbers_that_are_texts_deploy(deploy: Deploy, driver: ServerDriver) -> None:
    deploy(ScriptDeployment("true"), ssh_port=str(driver.port), timeout="10", wait_period="0.02", max_tries="1")


@pytest.mark.parametrize(
    "others", ["ubuntu", ["ubuntu"], ("ubuntu",), iter(["ubuntu"])], ids=["text", "list", "tuple", "iterator"]
)
def test_other_user_names(others: Any) -> None:
    options = DeployOptions(ssh_alternate_usernames=others)
    assert options.usernames == options.usernames == ("root", "ubuntu")


def test_key_files_may_come_one_by_one() -> None:
    options = DeployOptions(ssh_key=iter(["a", Path("b")]))  # type: ignore[arg-type]
    assert options.key_files == options.key_files == (Path("a"), Path("b"))


def test_passphrase_is_not_shown() -> None:
    assert "secret" not in repr(DeployOptions(ssh_key_password="secret"))


def test_passphrase_that_can_not_be_written(deploy: Deploy, driver: ServerDriver, key_file: Path) -> None:
    key_file.write_bytes(private_text(KEY, passphrase="secret"))
    with pytest.raises(KeyFileError, match="ssh_key_password does not open the SSH key file"):
        deploy(ScriptDeployment("true"), ssh_key_password="\ud800")
    assert not driver.nodes


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text()), st.just(object)
)
NAMES = [
    "ssh_username",
    "ssh_alternate_usernames",
    "ssh_port",
    "ssh_timeout",
    "ssh_key",
    "ssh_key_password",
    "timeout",
    "max_tries",
    "ssh_interface",
    "at_exit_func",
    "wait_period",
    "ex_destroy_on_failure",
    "ex_check_exit_status",
    "ex_deploy_timeout",
    "ex_output_limit",
    "ex_sudo",
    "ex_terminal",
    "ex_ssh_proxy_jump",
    "ex_ssh_config",
    "ex_ssh_key_text",
]


@given(st.sampled_from(NAMES), ANYTHING)
def test_anything_is_taken_or_refused_by_name(name: str, value: Any) -> None:
    refusal = name
    try:
        DeployOptions(**{name: value})
    except InvalidArgumentError as error:
        refusal = str(error)
    assert name in refusal

"""Secrets that were given where something else belongs: no message repeats them, whichever way they came in."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from libcloud.compute.base import NodeAuthSSHKey, NodeImage
from libcloud.compute.deployment import ScriptDeployment

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.errors import StratusLabError, without_secrets
from stratuslab_libcloud.sandbox import Sandbox

PASSWORD = "Tr0ub4dor"
KEY_LINE = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE"
PRIVATE_KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY_LINE}\n{PASSWORD}\n-----END OPENSSH PRIVATE KEY-----\n"
MALFORMED_PROXIES = [
    f"http://me:{PASSWORD}@[::1",
    f"http://me:{PASSWORD}#x@proxy:1",
    f"http://me:{PASSWORD}/x@proxy:1",
    f"http://me:{PASSWORD}@proxy:port",
    f"http://me:{PASSWORD} x@proxy:1",
    f"http://me:x#{PASSWORD}@proxy:1",
    f"ftp://me:{PASSWORD}@proxy:1",
    f"http://:{PASSWORD}@",
]


def refusal(call: Callable[[], object]) -> str:
    """The message of a call's exception; it, and all that a traceback shows with it, is without the secrets."""
    with pytest.raises(StratusLabError) as caught:
        call()
    error: BaseException = caught.value
    said = "\n".join([str(error), repr(error), repr(vars(error)), repr(error.args)])
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__
        said += str(error)
    for secret in (PASSWORD, KEY_LINE):
        assert secret not in said
    return str(caught.value)


@pytest.mark.parametrize("proxy", MALFORMED_PROXIES)
def test_a_proxy_url_that_cannot_be_used(config_file: Path, proxy: str) -> None:
    message = refusal(lambda: StratusLabNodeDriver(stratuslab_user_config=config_file, proxy_url=proxy))
    assert message.startswith("proxy_url must be the URL of a proxy, such as http://proxy.example.org:3128")


def test_a_proxy_url_that_is_not_a_text(config_file: Path) -> None:
    proxy = f"http://me:{PASSWORD}@proxy:1".encode()
    assert "proxy_url must be the URL" in refusal(
        lambda: StratusLabNodeDriver(stratuslab_user_config=config_file, proxy_url=proxy)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize("proxy", MALFORMED_PROXIES)
def test_a_proxy_of_the_environment_that_cannot_be_used(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    monkeypatch.setenv(variable, proxy)
    for call in (driver.list_nodes, lambda: StratusLabNodeDriver(stratuslab_user_config=config_file)):
        assert f"the environment variable {variable} must be the URL of a proxy" in refusal(call)


@pytest.mark.parametrize("proxy", [f"http://me:{PASSWORD}@127.0.0.1:1", f"http://me:%2F{PASSWORD}@127.0.0.1:1"])
def test_a_proxy_that_does_not_answer(config_file: Path, proxy: str) -> None:
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, proxy_url=proxy, timeout=0.5)
    assert "the HTTP proxy http://127.0.0.1:1 makes no connection" in refusal(driver.list_nodes)


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:1/image?signature={PASSWORD}",
        f"http://me:{PASSWORD}@127.0.0.1:1/image",
        f"http://[::1/image?signature={PASSWORD}",
        f"ht tp://x?{PASSWORD}",
    ],
)
def test_the_address_of_an_image(config_file: Path, url: str) -> None:
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file, timeout=0.5)
    refusal(lambda: driver.create_node("n", None, NodeImage(url, "image", driver)))


def test_the_address_of_an_image_that_a_server_refuses(sandbox: Sandbox, driver: StratusLabNodeDriver) -> None:
    image = NodeImage(f"{sandbox.url}/nowhere?signature={PASSWORD}", "image", driver)
    message = refusal(lambda: driver.create_node("n", None, image))
    assert f"{sandbox.url}/nowhere?..." in message


@pytest.mark.parametrize("as_given", [str, lambda key: [key], str.encode, lambda key: {key: 1}])
def test_a_private_key_in_place_of_its_file(driver: StratusLabNodeDriver, as_given: Callable[[str], object]) -> None:
    image = driver.list_images()[0]
    script = ScriptDeployment("true")
    refusal(
        lambda: driver.deploy_node(
            script,
            name="n",
            size=None,
            image=image,
            ssh_key=as_given(PRIVATE_KEY),  # type: ignore[arg-type]
        )
    )


@pytest.mark.parametrize("auth", [PRIVATE_KEY, [PRIVATE_KEY], NodeAuthSSHKey(PRIVATE_KEY)])
def test_a_private_key_in_place_of_a_public_one(driver: StratusLabNodeDriver, auth: object) -> None:
    image = driver.list_images()[0]
    refusal(lambda: driver.create_node("n", None, image, auth=auth))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "key", ["user_public_key_file", "user_private_key_file", "tls_ca_bundle", "extra_context_file", "cloud_init"]
)
def test_a_private_key_in_place_of_a_file_of_the_configuration(config_file: Path, key: str) -> None:
    image = StratusLabNodeDriver(stratuslab_user_config=config_file).list_images()[0]
    value = PRIVATE_KEY.strip().replace("\n", "\n  ")
    others = [line for line in config_file.read_text().splitlines() if not line.startswith(key)]
    line = f"{key} = {'x-shellscript,' if key == 'cloud_init' else ''}{value}"
    config_file.write_text("\n".join([*others, line, ""]))
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    refusal(lambda: driver.deploy_node(ScriptDeployment("true"), name="n", size=None, image=image))


def test_a_private_key_in_place_of_a_certificate(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "certificate.cfg"
    value = PRIVATE_KEY.strip().replace("\n", "\n  ")
    for certificate, key in ((value, "x"), (str(file), value)):
        file.write_text(
            f"[default]\nendpoint = {sandbox.compute_url}\npem_certificate = {certificate}\npem_key = {key}\n"
        )
        refusal(StratusLabNodeDriver(stratuslab_user_config=file).list_nodes)


def test_the_configurations_text_in_place_of_its_file() -> None:
    text = f"[default]\nendpoint = cloud.example.org\nusername = jane\npassword = {PASSWORD}\n"
    for source in (text, text.encode(), [text], io.StringIO(f"[default]\n%({PASSWORD}\n[default\n")):
        refusal(lambda: StratusLabNodeDriver(stratuslab_user_config=source))  # type: ignore[arg-type]  # noqa: B023


@pytest.mark.parametrize("user", ["me", "jane.doe", "127.0.0.1"])
@pytest.mark.parametrize("start", ["", "1234/", "/", "x:"])
def test_a_password_that_looks_like_a_port_is_hidden(user: str, start: str) -> None:
    assert PASSWORD not in without_secrets(f"no answer from http://{user}:{start}{PASSWORD}@proxy:1/x")


def test_an_at_sign_in_a_path_is_no_end_of_a_password(sandbox: Sandbox, config_file: Path) -> None:
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    marketplace = driver._locations.cloud(None).marketplace
    with pytest.raises(StratusLabError) as caught:
        marketplace.entry_document("A" * 27, "jane@example.org", "2014-01-01T00:00:00Z")
    assert f"{sandbox.marketplace_url}/metadata/{'A' * 27}/jane%40example.org" in str(caught.value)

"""What a driver is made of: a file, arguments in its place, or both; and what of it a pickle contains."""

from __future__ import annotations

import io
import logging
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from stratuslab_libcloud import OpenNebulaNodeDriver, StratusLabNodeDriver
from stratuslab_libcloud.config import CloudConfig, Password, UserConfiguration
from stratuslab_libcloud.driver import constructor
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import (
    ConfigurationError,
    InvalidArgumentError,
    RefusedCredentialsError,
    StratusLabError,
)
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., StratusLabNode]

HIDDEN = "hidden-password"
TWO = """
[default]
selected_section = athens
username = jane
password = janes
[athens]
endpoint = athens.example.org
pdisk_endpoint = disks.athens.example.org
pdisk_username = storage
pdisk_password = storages
[paris]
endpoint = paris.example.org
[orsay]
endpoint = orsay.example.org
"""


def cloud_of(driver: StratusLabNodeDriver, location: str | None = None) -> CloudConfig:
    return driver._locations.cloud(location).config


def ids(driver: StratusLabNodeDriver) -> list[str]:
    return [str(location.id) for location in driver.list_locations()]


def with_two(*positional: Any, **options: Any) -> StratusLabNodeDriver:
    return StratusLabNodeDriver(*positional, stratuslab_user_config=io.StringIO(TWO), **options)


# -- Without a file


def test_no_file_is_needed(sandbox: Sandbox, clean_environment: Path, key_file: Path) -> None:
    driver = StratusLabNodeDriver(
        "alice",
        sandbox.users["alice"],
        host=sandbox.compute_url,
        ex_marketplace_endpoint=sandbox.marketplace_url,
        ex_public_key_file=key_file,
        timeout="30",
    )
    assert ids(driver) == ["default"]
    node = driver.create_node("n", None, driver.list_images()[0])
    volume = driver.create_volume(1, "v")
    assert [each.id for each in driver.list_nodes()] == [node.id]
    assert volume.id in [each.id for each in driver.list_volumes()]
    assert {request.user for request in sandbox.requests if request.user} == {"alice"}
    assert not (clean_environment / ".stratuslab").exists()


def test_a_file_that_is_there_is_not_read_unless_it_is_named(clean_environment: Path) -> None:
    folder = clean_environment / ".stratuslab"
    folder.mkdir()
    (folder / "stratuslab-user.cfg").write_text("no configuration at all")
    driver = StratusLabNodeDriver("alice", "secret", host="cloud.example.org")
    assert cloud_of(driver).compute.url == "https://cloud.example.org:2634/pswd/xmlrpc"


@pytest.mark.parametrize(
    ("arguments", "compute", "disks"),
    [
        ({"host": "c.example.org"}, "https://c.example.org:2634/pswd/xmlrpc", "https://c.example.org:8445/pswd"),
        (
            {"host": "c.example.org", "port": "443"},
            "https://c.example.org:443/pswd/xmlrpc",
            "https://c.example.org:443/pswd",
        ),
        (
            {"host": "c.example.org", "port": 2634, "secure": "True"},
            "https://c.example.org:2634/pswd/xmlrpc",
            "https://c.example.org:8445/pswd",
        ),
        (
            {"host": "c.example.org", "secure": "False"},
            "http://c.example.org:2634/pswd/xmlrpc",
            "http://c.example.org:8445/pswd",
        ),
        (
            {"host": "c.example.org", "secure": False, "port": "80"},
            "http://c.example.org:80/pswd/xmlrpc",
            "http://c.example.org:80/pswd",
        ),
        (
            {"ex_endpoint": "https://c.example.org/one-proxy/xmlrpc"},
            "https://c.example.org/one-proxy/pswd/xmlrpc",
            "https://c.example.org/pdisk/pswd",
        ),
        (
            {"host": "c.example.org", "ex_pdisk_endpoint": "https://d.example.org/pdisk"},
            "https://c.example.org:2634/pswd/xmlrpc",
            "https://d.example.org/pdisk/pswd",
        ),
        ({"host": "::1", "port": "9"}, "https://[::1]:9/pswd/xmlrpc", "https://[::1]:9/pswd"),
    ],
    ids=str,
)
def test_where_the_services_are(arguments: dict[str, Any], compute: str, disks: str) -> None:
    cloud = cloud_of(StratusLabNodeDriver("alice", "secret", **arguments))
    assert (cloud.compute.url, cloud.disks.url) == (compute, disks)


def test_the_sandbox_by_host_and_port(sandbox: Sandbox) -> None:
    where = urlsplit(sandbox.compute_url)
    path = where.path.lstrip("/")
    driver = StratusLabNodeDriver("alice", sandbox.users["alice"], "False", f"{where.hostname}/{path}", str(where.port))
    assert driver.list_nodes() == []


def test_the_rest_of_the_arguments(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    cloud = cloud_of(
        StratusLabNodeDriver(
            host="c.example.org",
            ex_pem_certificate=str(tmp_path / "proxy.pem"),
            ex_pem_key=tmp_path / "proxy.pem",
            ex_ca_cert=authority,
            ex_marketplace_endpoint="market.example.org",
            ex_public_key_file="~/key.pub",
            timeout="5",
        )
    )
    assert cloud.compute.credentials == (tmp_path / "proxy.pem", tmp_path / "proxy.pem")
    assert cloud.compute.url == "https://c.example.org:2634/cert/xmlrpc"
    assert cloud.compute.verify == authority
    assert cloud.compute.timeout == 5
    assert cloud.marketplace.url == "https://market.example.org"
    assert cloud.public_key_file == Path("~/key.pub").expanduser()


def test_a_driver_can_be_made_by_class_path_with_texts_of_a_file(sandbox: Sandbox) -> None:
    options = {
        "key": "alice",
        "secret": sandbox.users["alice"],
        "host": sandbox.compute_url,
        "secure": "False",
        "port": "",
        "region": "",
        "verify_ssl_cert": "False",
        "timeout": "30",
        "ex_image_lifetime": "600",
    }
    assert StratusLabNodeDriver(**options).list_nodes() == []  # type: ignore[arg-type]


def test_without_credentials_the_message_names_the_arguments() -> None:
    driver = StratusLabNodeDriver(host="c.example.org")
    with pytest.raises(ConfigurationError, match="The driver has no credentials: set 'key' and 'secret', or 'ex_pem"):
        driver.list_nodes()


def test_without_a_file_the_message_says_what_else_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"There is no configuration file .* host= needs none"):
        StratusLabNodeDriver("alice", "secret")


def test_an_argument_that_is_not_valid_is_named(tmp_path: Path) -> None:
    for name, value in (
        ("ex_pdisk_endpoint", "a b"),
        ("ex_marketplace_endpoint", "ftp://x"),
        ("ex_ca_cert", str(tmp_path / "none.pem")),
        ("verify_ssl_cert", "perhaps"),
    ):
        driver = StratusLabNodeDriver("alice", "secret", host="c.example.org", **{name: value})
        with pytest.raises(ConfigurationError, match=f"The driver's argument {name} must be"):
            driver.list_nodes()


def test_the_environment_does_not_lead_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATUSLAB_ENDPOINT", "elsewhere.example.org")
    monkeypatch.setenv("STRATUSLAB_PDISK_ENDPOINT", "elsewhere.example.org")
    monkeypatch.setenv("STRATUSLAB_PDISK_USERNAME", "mallory")
    monkeypatch.setenv("STRATUSLAB_PDISK_PASSWORD", "wrong")
    monkeypatch.setenv("STRATUSLAB_USER_CONFIG_SECTION", "athens")
    cloud = cloud_of(StratusLabNodeDriver("alice", "secret", host="c.example.org"))
    assert cloud.disks.url == "https://c.example.org:8445/pswd"
    assert cloud.disks.credentials == cloud.compute.credentials == Password("alice", "secret")


# -- Beside a file


def test_credentials_beside_a_file_are_used(config_file: Path, sandbox: Sandbox) -> None:
    driver = StratusLabNodeDriver("bob", sandbox.users["bob"], stratuslab_user_config=config_file)
    driver.list_nodes()
    driver.list_volumes()
    assert {request.user for request in sandbox.requests} == {"bob"}
    with pytest.raises(RefusedCredentialsError):
        StratusLabNodeDriver("mallory", "wrong", stratuslab_user_config=config_file).list_nodes()


def test_credentials_are_for_the_default_location_and_all_of_its_services() -> None:
    driver = with_two("alice", "secret")
    assert ids(driver) == ["athens"]
    cloud = cloud_of(driver)
    assert cloud.disks.credentials == cloud.compute.credentials == Password("alice", "secret")
    assert cloud.disks.url == "https://disks.athens.example.org:8445/pswd"


def test_credentials_for_the_locations_that_are_named() -> None:
    assert ids(with_two("alice", "secret", region="paris")) == ["paris"]
    driver = with_two("alice", "secret", ex_locations=["paris", "orsay"])
    assert [cloud_of(driver, name).compute.credentials for name in ids(driver)] == [Password("alice", "secret")] * 2


def test_a_certificate_beside_a_file_is_used() -> None:
    cloud = cloud_of(with_two(ex_pem_certificate="/c.pem", ex_pem_key="/k.pem"))
    assert cloud.disks.credentials == cloud.compute.credentials == (Path("/c.pem"), Path("/k.pem"))


def test_an_endpoint_beside_a_file_is_used() -> None:
    cloud = cloud_of(with_two(host="other.example.org"))
    assert (cloud.compute.url, cloud.disks.url) == (
        "https://other.example.org:2634/pswd/xmlrpc",
        "https://other.example.org:8445/pswd",
    )


def test_a_key_alone_chooses_the_default_location() -> None:
    assert with_two("default")._locations.find(None).id == "athens"
    assert with_two("unused-key")._locations.find(None).id == "athens"
    assert with_two("paris")._locations.find(None).id == "paris"
    assert ids(with_two("paris")) == ["athens", "paris", "orsay"]


def test_a_region_is_the_only_location() -> None:
    driver = with_two(region="paris")
    assert ids(driver) == ["paris"]
    assert driver._locations.find(None).id == "paris"
    with pytest.raises(ConfigurationError, match="no location 'athens'"):
        driver.list_nodes_in_location("athens")


def test_several_locations() -> None:
    for locations in (["orsay", "paris"], "orsay, paris"):
        driver = with_two(ex_locations=locations)
        assert ids(driver) == ["orsay", "paris"]
        assert driver._locations.find(None).id == "orsay"
    assert with_two(ex_locations=["orsay", "athens"])._locations.find(None).id == "athens"


def test_default_is_a_location_where_it_is_named() -> None:
    assert ids(with_two(ex_locations=["default", "paris"])) == ["default", "paris"]


def test_two_programs_on_one_file_do_not_see_each_other(
    sandbox: Sandbox, config_file: Path, start: Start, driver: StratusLabNodeDriver
) -> None:
    with Sandbox(boot_seconds=0) as other:
        other.write_config(config_file, section="other")
        here, there = (StratusLabNodeDriver(region=r, stratuslab_user_config=config_file) for r in ("default", "other"))
        start("here")
        assert [node.name for node in here.list_nodes()] == ["here"]
        assert there.list_nodes() == []
        assert {volume.location.id for volume in there.list_volumes()} <= {"other"}


# -- Used or refused


@pytest.mark.parametrize(
    ("positional", "options", "problem"),
    [
        (["alice"], {}, "key alone must be 'default' or the name of a section .* not 'alice'"),
        (["/home/alice/stratuslab-user.cfg"], {}, "key alone must be"),
        (["alice:secret"], {}, "configuration file; a user's name"),
        ([None, "secret"], {}, "it needs key="),
        (["paris"], {"stratuslab_default_location": "orsay"}, "different sections"),
        (["alice", "secret"], {"ex_pem_certificate": "/x.pem"}, "one way to say who you are"),
        ([], {"ex_pem_key": "/x.pem"}, "needs ex_pem_certificate="),
        ([], {"region": "nowhere"}, "'nowhere'"),
        ([], {"ex_locations": ["paris", "nowhere"]}, "'nowhere'"),
        ([], {"ex_locations": 5}, "must be a list of sections"),
        ([], {"ex_locations": []}, "at least one"),
        ([], {"ex_locations": [5]}, "must be a text"),
        ([], {"region": "paris", "ex_locations": ["paris"]}, "give one of them"),
        ([], {"region": "paris", "stratuslab_default_location": "orsay"}, "must be one of the driver's locations"),
        ([], {"host": "a.example.org", "ex_endpoint": "b.example.org"}, "give one of them"),
        ([], {"host": "a.example.org", "ex_locations": ["paris", "orsay"]}, "With host, .* only one location"),
        ([], {"ex_pdisk_endpoint": "a.example.org", "ex_locations": ["paris", "orsay"]}, "With ex_pdisk_endpoint"),
        ([], {"port": 443}, "port needs host="),
        ([], {"host": "a.example.org", "port": "many"}, "port must be a whole number from 1 to 65535"),
        ([], {"host": "a.example.org:1", "port": 2}, "has the port 1, but port is 2"),
        ([], {"host": "http://a.example.org", "secure": True}, "begins with http://, but secure is True"),
        ([], {"host": "a.example.org", "secure": "maybe"}, "secure must be true or false"),
        ([], {"host": "http://alice:secret@a.example.org"}, "host must be a URL without a user name and password"),
        ([], {"host": 5}, "host"),
        ([], {"arg_user_id": "a", "key": "b"}, "mean the same"),
        ([5, "secret"], {}, "key must be a text, not an object of type int"),
        (["alice", b"secret"], {}, "secret must be a text, not an object of type bytes"),
    ],
    ids=str,
)
def test_what_is_refused(positional: list[Any], options: dict[str, Any], problem: str) -> None:
    with pytest.raises(StratusLabError, match=problem) as caught:
        with_two(*positional, **options)
    assert "secret" not in str(caught.value).replace("secret=", "").replace("secret ", "")


def test_a_users_name_with_a_colon_is_refused_without_what_follows() -> None:
    with pytest.raises(ConfigurationError, match=r"argument key must be a name without a colon.*not 'alice:...'"):
        StratusLabNodeDriver("alice:hidden", "secret", host="c.example.org").list_nodes()


def test_other_names_for_an_argument() -> None:
    cloud = cloud_of(StratusLabNodeDriver(arg_user_id="alice", arg_key="secret", host="c.example.org"))
    assert cloud.compute.credentials == Password("alice", "secret")
    cloud = cloud_of(StratusLabNodeDriver(cert_file="/c.pem", key_file="/k.pem", host="c", verify_ssl_cert=False))
    assert cloud.compute.credentials == (Path("/c.pem"), Path("/k.pem"))
    assert cloud.compute.verify is False


def test_what_changes_nothing_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    constructor._tell_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with_two(api_version="2.2", retry_delay=3, backoff=2, path="/v2", secure=False)
    told = re.findall("argument '([a-z_]+)' changes nothing: ", caplog.text)
    assert sorted(told) == ["api_version", "backoff", "path", "retry_delay", "secure"]


def test_a_typo_is_a_type_error_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match="no argument 'ex_endpiont'; did you mean 'ex_endpoint'"):
        StratusLabNodeDriver("alice", "secret", ex_endpiont="https://c.example.org")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"no argument 'zzzzzz'$"):
        StratusLabNodeDriver(zzzzzz=1)  # type: ignore[call-arg]


def test_a_forgotten_password() -> None:
    with pytest.raises(StratusLabError, match=r"the password is missing: give secret= as well\.$"):
        StratusLabNodeDriver("alice", host="c.example.org")


@pytest.mark.parametrize(("name", "meant"), [("username", "key"), ("user", "key"), ("password", "secret")])
def test_what_libcloud_calls_otherwise(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"the driver has no argument '{name}'; did you mean '{meant}'\\?$"):
        StratusLabNodeDriver(**{name: "hidden"})  # type: ignore[arg-type]


# -- Pickles


def test_a_node_works_where_the_file_is_gone(config_file: Path, driver: StratusLabNodeDriver, start: Start) -> None:
    node = start()
    pickled = pickle.dumps(node)
    config_file.unlink()
    there = pickle.loads(pickled)
    assert (there.id, there.name, there.state, there.uuid) == (node.id, node.name, node.state, node.uuid)
    assert (there.driver.list_locations()[0].id, there.location.id) == ("default", "default")
    assert repr(there.driver) == repr(driver)
    assert there.driver._configuration.identity("default") == driver._configuration.identity("default")
    assert driver.destroy_node(there) is True  # a driver that still has its configuration
    for call in (there.destroy, there.driver.list_nodes, there.driver.list_sizes):
        with pytest.raises(StratusLabError, match=r"There is no configuration file"):
            call()


def test_a_driver_from_a_pickle_reads_its_file_again(config_file: Path, sandbox: Sandbox) -> None:
    driver = pickle.loads(pickle.dumps(StratusLabNodeDriver("default", stratuslab_user_config=config_file)))
    again = pickle.loads(pickle.dumps(driver))
    assert again.list_nodes() == driver.list_nodes() == []
    assert len(again.list_sizes()) == 7
    with pytest.raises(ConfigurationError, match="no section for the location 'nowhere'"):
        again._configuration.place("nowhere")


def test_a_section_with_a_mistake_can_be_pickled() -> None:
    text = TWO + "[broken]\nendpoint = a b\n"
    driver = StratusLabNodeDriver(stratuslab_user_config=io.StringIO(text))
    assert ids(pickle.loads(pickle.dumps(driver))) == ["athens", "paris", "orsay", "broken"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"key": "alice", "secret": HIDDEN}, "a password"),
        ({"stratuslab_user_config": io.StringIO(TWO.replace("janes", HIDDEN))}, "an open configuration file"),
        (
            {"ex_pem_certificate": "/c.pem", "ex_pem_key": "/k.pem", "proxy_url": f"http://me:{HIDDEN}@proxy:1"},
            "a password",
        ),
    ],
    ids=["credentials", "open file", "proxy"],
)
def test_a_pickle_contains_no_password(options: dict[str, Any], what: str) -> None:
    driver = StratusLabNodeDriver(**{"host": "c.example.org", **options})
    cloud_of(driver)
    for pickled in (pickle.dumps(driver), pickle.dumps(pickle.loads(pickle.dumps(driver)))):
        assert HIDDEN.encode() not in pickled
        with pytest.raises(ConfigurationError, match=f"made with {what}, which a pickle does not contain: make"):
            pickle.loads(pickled).list_nodes()
    shown = [driver, driver._arguments, driver._configuration._arguments.find("username"), cloud_of(driver)]
    assert HIDDEN not in repr(shown)


def test_a_configuration_that_has_been_loaded() -> None:
    loaded = UserConfiguration.load(io.StringIO(TWO), environ={}, kind=None)
    driver = StratusLabNodeDriver(stratuslab_user_config=loaded, proxy_url="http://proxy.example.org:3128")
    assert driver.default_location.id == "athens"
    with pytest.raises(InvalidArgumentError, match="that has been loaded, ex_locations would change nothing"):
        StratusLabNodeDriver(ex_locations=["athens"], stratuslab_user_config=loaded)
    with pytest.raises(
        InvalidArgumentError, match="This driver is for opennebula, and the configuration for stratuslab"
    ):
        OpenNebulaNodeDriver(stratuslab_user_config=loaded)
    with pytest.raises(ConfigurationError, match="which a pickle does not contain"):
        pickle.loads(pickle.dumps(driver)).list_nodes_in_location("paris")

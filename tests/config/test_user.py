"""Which locations a file has, which is the default one, and what is wrong with the file as a whole."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stratuslab_libcloud.config import InstanceType, Password, Place, UserConfiguration
from stratuslab_libcloud.config.arguments import Argument, Arguments
from stratuslab_libcloud.errors import ConfigurationError

Load = Callable[..., UserConfiguration]

CLOUDS = """
[instance_types]
[z]
endpoint = z.example.org
username = jane
password = secret
[default]
[a]
endpoint = a b
"""


def test_locations_are_the_sections_in_their_order(load: Load) -> None:
    assert load(CLOUDS, default_location="a").sections == ("z", "a")


def test_default_is_a_location_when_it_is_the_default_one(load: Load) -> None:
    assert load(CLOUDS).sections == ("z", "default", "a")
    assert load(CLOUDS).default_section == "default"


def test_default_is_no_location_when_another_section_is_the_default_one(load: Load) -> None:
    text = CLOUDS.replace("[default]", "[default]\nendpoint = default.example.org")

    assert load(text, default_location="a").sections == ("z", "a")
    assert load(text, default_location="a", locations=["a", "default"]).sections == ("a", "default")


def test_default_is_no_location_for_an_endpoint_that_all_have(load: Load) -> None:
    assert load("[DEFAULT]\nendpoint = a.example.org\n[default]\n[a]\n", default_location="a").sections == ("a",)


def test_how_the_default_location_is_chosen(load: Load) -> None:
    text = "[default]\nselected_section = a\n[a]\n[b]\n[c]\n"
    environ = {"STRATUSLAB_USER_CONFIG_SECTION": "b"}

    assert load(text).default_section == "a"
    assert load(text, environ=environ).default_section == "b"
    assert load(text, environ=environ, default_location="c").default_section == "c"
    assert load(text, environ={"STRATUSLAB_USER_CONFIG_SECTION": ""}).default_section == "a"
    assert load("[default]\nselected_section =\n").default_section == "default"


@pytest.mark.parametrize(
    ("selected", "options", "place"),
    [
        ("nowhere", {}, "'selected_section' in section 'default'"),
        ("", {"default_location": "nowhere"}, "the argument"),
        (
            "",
            {"environ": {"STRATUSLAB_USER_CONFIG_SECTION": "nowhere"}},
            "the environment variable STRATUSLAB_USER_CONFIG_SECTION",
        ),
    ],
)
def test_a_default_location_that_is_not_there(
    load: Load, selected: str, options: dict[str, object], place: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"'nowhere', which {place} names; .* are 'default', 'a', 'b'"):
        load(f"[default]\nselected_section = {selected}\n[a]\n[instance_types]\n[b]\n", **options)


def test_instance_types_are_no_location(load: Load) -> None:
    with pytest.raises(
        ConfigurationError, match="'instance_types', which the argument names; its locations are 'z', 'default', 'a'"
    ):
        load(CLOUDS, default_location="instance_types")


def test_a_location_that_is_not_there(load: Load) -> None:
    configuration = load(CLOUDS, default_location="a")

    for ask in (configuration.cloud, configuration.place):
        with pytest.raises(ConfigurationError, match="'default'; its locations are 'z', 'a'"):
            ask("default")


def test_a_broken_section_leaves_the_others_usable(load: Load) -> None:
    configuration = load(CLOUDS)

    assert configuration.cloud("z").compute.url == "https://z.example.org:2634/pswd/xmlrpc"
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="'endpoint' in section 'a'"):
            configuration.cloud("a")


def test_a_section_is_read_once(load: Load) -> None:
    configuration = load(CLOUDS)

    assert configuration.cloud("z") is configuration.cloud("z")


def test_threads_get_the_same(load: Load) -> None:
    configuration = load(CLOUDS)
    start = threading.Barrier(8)
    found = []

    def ask() -> None:
        start.wait()
        found.append(configuration.cloud("z"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(config) for config in found}) == 1


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("", Place("lal", "unknown")),
        ("name = LAL\ncountry = FR", Place("LAL", "FR")),
        ("name = \"StratusLab, Orsay\"\ncountry = 'FR'", Place("StratusLab, Orsay", "FR")),
        ('name = "LAL" (Orsay)', Place('"LAL" (Orsay)', "unknown")),
        ('name = "', Place('"', "unknown")),
        ("name =\ncountry =", Place("lal", "unknown")),
        ("name = Laboratoire de\n  l'accélérateur", Place("Laboratoire de l'accélérateur", "unknown")),
        ("name = 100%\ncountry = FR\nendpoint = a b", Place("lal", "FR")),
    ],
)
def test_place(load: Load, lines: str, place: Place) -> None:
    configuration = load(f"[default]\nname = The default\ncountry = EU\n[lal]\n{lines}\n", default_location="lal")

    assert configuration.place("lal") == place


def test_no_default_section(load: Load) -> None:
    with pytest.raises(ConfigurationError, match=r"<configuration> has no section '\[default\]'.*add it"):
        load("[DEFAULT]\nendpoint = a\n[a]\n")


def test_an_empty_file(load: Load) -> None:
    with pytest.raises(ConfigurationError, match=r"no section '\[default\]'"):
        load("")


def test_no_file_at_home(clean_environment: Path) -> None:
    with pytest.raises(ConfigurationError, match="'stratus-copy-config' puts an example there") as caught:
        UserConfiguration.load()
    assert caught.value.file == str(clean_environment / ".stratuslab" / "stratuslab-user.cfg")
    assert str(caught.value.file) in str(caught.value)


def test_the_file_at_home(clean_environment: Path) -> None:
    file = clean_environment / ".stratuslab" / "stratuslab-user.cfg"
    file.parent.mkdir()
    file.write_text("[default]\n")

    assert UserConfiguration.load().file == str(file)
    assert UserConfiguration.load("~/.stratuslab/stratuslab-user.cfg").file == str(file)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no configuration file .*a\.cfg\.$") as caught:
        UserConfiguration.load(tmp_path / "a.cfg")
    assert "stratus-copy-config" not in str(caught.value)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        UserConfiguration.load(tmp_path)


def test_files_by_any_name(tmp_path: Path) -> None:
    file = tmp_path / "a.cfg"
    file.write_text("[default]\nname = Zürich\n", encoding="utf-8")

    with file.open(encoding="utf-8") as text, file.open("rb") as binary:
        for source in (file, str(file), text, binary):
            configuration = UserConfiguration.load(source)
            assert configuration.file == str(file)
            assert configuration.place("default").name == "Zürich"


def test_files_without_a_name() -> None:
    for source in (io.StringIO("[default]\n"), io.BytesIO(b"[default]\n")):
        assert UserConfiguration.load(source).file == "<configuration>"


def test_loading_looks_at_no_other_file(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> object:
        raise AssertionError(f"opened {args}")

    text = CLOUDS + "pem_certificate = /a.pem\ntls_ca_bundle = /b.pem\n"
    load(text)
    for name in ("open", "read_bytes", "read_text", "stat", "exists"):
        monkeypatch.setattr(Path, name, refuse)

    configuration = load(text)
    assert [configuration.place(section).name for section in configuration.sections] == ["z", "default", "a"]


STANDARD = {
    "t1.micro": (1, 512, 512),
    "m1.small": (1, 1536, 1536),
    "m1.medium": (1, 3072, 3072),
    "m1.large": (2, 6144, 6144),
    "m1.xlarge": (4, 8192, 8192),
    "c1.medium": (2, 1536, 1536),
    "c1.xlarge": (4, 6144, 6144),
}


def sizes(configuration: UserConfiguration) -> dict[str, tuple[int, int, int]]:
    return {size.name: (size.cpu, size.ram, size.swap) for size in configuration.instance_types()}


def test_the_standard_instance_types(load: Load) -> None:
    assert sizes(load("[default]\n")) == STANDARD
    assert sizes(load("[default]\n[instance_types]\n")) == STANDARD
    assert list(sizes(load("[default]\n"))) == list(STANDARD)


def test_own_instance_types_come_after_the_standard_ones(load: Load) -> None:
    configuration = load("[default]\n[instance_types]\nz = (1, 2, 0)\nM1.Large = (9,9,9)\na = 3 4 5\n")

    assert list(sizes(configuration)) == [*STANDARD, "z", "a"]
    assert sizes(configuration)["m1.large"] == (9, 9, 9)
    assert configuration.instance_types()[-1] == InstanceType("a", cpu=3, ram=4, swap=5)


@pytest.mark.parametrize("text", ["(4,5,6)", "4 5 6", "4,,5,,6", "cpu 4 ram 5 swap 6", "4/5/6", "04 5\n  6"])
def test_three_numbers_with_anything_between(load: Load, text: str) -> None:
    assert sizes(load(f"[default]\n[instance_types]\nown = {text}\n"))["own"] == (4, 5, 6)


@pytest.mark.parametrize(
    "text", ["", "44", "1,2,3,4", "1.5, 512, 512", "0,1,1", "1,0,1", "big", "(1, 2)", "\u0663,\u0664,\u0665"]
)
def test_an_instance_type_that_can_not_be_read(load: Load, text: str) -> None:
    configuration = load(f"[default]\n[instance_types]\nfine = 1 2 3\nown = {text}\n")

    with pytest.raises(ConfigurationError, match=r"'own' in section 'instance_types'.* three whole numbers") as caught:
        configuration.instance_types()
    assert f"it is '{text}'" in str(caught.value)
    assert (caught.value.section, caught.value.key) == ("instance_types", "own")


def test_what_all_sections_have_is_no_instance_type(load: Load) -> None:
    configuration = load("[DEFAULT]\nram = 99\nother = 1 2 3\n[default]\n[instance_types]\nown = 1 %(ram)s 3\n")

    assert sizes(configuration) == {**STANDARD, "own": (1, 99, 3)}


def test_a_broken_instance_type_leaves_locations_usable(load: Load) -> None:
    configuration = load(CLOUDS.replace("[instance_types]", "[instance_types]\nown = big"))

    assert configuration.cloud("z").machine.instance_type == "m1.small"


@pytest.mark.parametrize(
    ("text", "asked_for", "environ", "kind"),
    [
        ("[default]", None, {}, "stratuslab"),
        ("[default]\nkind = opennebula", None, {}, "opennebula"),
        ("[default]\n[one]\nkind = opennebula", "one", {}, "opennebula"),
        ("[default]\n[one]\nkind = opennebula", None, {"STRATUSLAB_USER_CONFIG_SECTION": "one"}, "opennebula"),
        ("[default]\nselected_section = one\n[one]\nkind = opennebula", None, {}, "opennebula"),
        ("[default]\nselected_section = one\n[one]\nkind = opennebula", "default", {}, "stratuslab"),
    ],
)
def test_the_kind_may_be_that_of_the_default_location(
    load: Load, text: str, asked_for: str | None, environ: dict[str, str], kind: str
) -> None:
    loaded = load(text, default_location=asked_for, environ=environ, kind=None)
    assert (loaded.kind, loaded.default_section) == (
        kind,
        asked_for or ("one" if kind != "stratuslab" and "[one]" in text else "default"),
    )


def test_single_settings(load: Load) -> None:
    settings = load(
        CLOUDS.replace("secret", "secret\np12_password = x"), environ={"STRATUSLAB_USERNAME": "joe"}
    ).settings("z")
    found = settings.find("p12_password")
    assert found is not None
    assert (found.text, found.section) == ("x", "z")
    with pytest.raises(ConfigurationError, match="no section"):
        load(CLOUDS).settings("nowhere")


def test_options_of_a_command_replace_keys_one_by_one(load: Load) -> None:
    given = {"password": Argument("-p", "other", "the option"), "vnc_port": Argument("--vnc-port", "x", "the option")}
    loaded = load(CLOUDS, default_location="z", arguments=Arguments(given, hides=()))
    with pytest.raises(ConfigurationError, match=r"^The option --vnc-port must be -1 for any port"):
        loaded.cloud("z")
    del given["vnc_port"]
    loaded = load(CLOUDS, default_location="z", arguments=Arguments(given, hides=()))
    assert loaded.cloud("z").compute.credentials == Password("jane", "other")
    loaded = load(CLOUDS, default_location="z", arguments=Arguments(given))
    with pytest.raises(ConfigurationError, match="no name"):
        loaded.cloud("z")

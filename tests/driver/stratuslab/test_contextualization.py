"""What a machine is told about itself: by the configuration, and by the caller."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from libcloud.compute.base import NodeAuthSSHKey, NodeImage

from stratuslab_libcloud import StratusLabNodeDriver
from stratuslab_libcloud.driver.stratuslab.nodes import StratusLabNode
from stratuslab_libcloud.errors import ConfigurationError, InvalidArgumentError, KeyFileError
from stratuslab_libcloud.sandbox import Sandbox

Start = Callable[..., StratusLabNode]

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJpYUQ5cGqPZCTHGkPK0Y2mKSEW7mGIdLOnBO0XBLvLK"


@pytest.fixture
def context(start: Start, sandbox: Sandbox) -> Callable[..., Mapping[str, str]]:
    """Starts a machine and returns what it was told."""

    def context(**options: object) -> Mapping[str, str]:
        node = start(**options)
        return sandbox.machines[int(node.id)].template.vectors("CONTEXT")[0]

    return context


Context = Callable[..., Mapping[str, str]]


def test_pairs_from_the_caller(context: Context) -> None:
    assert context(ex_context={"A": "1 = one", "b": 'x"y'})["A"] == "1 = one"
    assert context(ex_context="A=1\nB=2")["B"] == "2"


def test_a_pair_that_no_template_can_have(context: Context) -> None:
    with pytest.raises(InvalidArgumentError, match="'A B' cannot be the name"):
        context(ex_context={"A B": "x"})
    with pytest.raises(ConfigurationError, match="ex_context: 'nonsense'"):
        context(ex_context="nonsense")


def test_pairs_from_the_configuration_and_the_caller(
    sandbox: Sandbox, config_file: Path, tmp_path: Path, driver: StratusLabNodeDriver
) -> None:
    file = tmp_path / "context"
    file.write_text("A=file\nB=file\nC=file\n")
    sandbox.write_config(config_file, extra_context_file=str(file), extra_context_data="B=data#C=data")
    configured = StratusLabNodeDriver(stratuslab_user_config=config_file)
    image = next(image for image in driver.list_images() if image.name == "ttylinux")
    node = configured.create_node("n", None, image, ex_context={"C": "caller"}, auth=NodeAuthSSHKey(PUBLIC_KEY))
    told = sandbox.machines[int(node.id)].template.vectors("CONTEXT")[0]
    assert (told["A"], told["B"], told["C"]) == ("file", "data", "caller")


def test_cloud_init_with_a_key_from_auth(context: Context) -> None:
    told = context(ex_context_method="cloud-init", auth=NodeAuthSSHKey(PUBLIC_KEY))
    assert told["CONTEXT_METHOD"] == "cloud-init"
    assert base64.b64decode(told["CLOUD_INIT_AUTHORIZED_KEYS"]) == f"{PUBLIC_KEY}\n".encode()
    assert told["PUBLIC_KEY"] == PUBLIC_KEY


def test_user_data_as_it_is(context: Context) -> None:
    told = context(ex_userdata="#!/bin/sh\necho hello\n")
    assert told["CONTEXT_METHOD"] == "cloud-init"
    assert gzip.decompress(base64.b64decode(told["CLOUD_INIT_USER_DATA"])) == b"#!/bin/sh\necho hello\n"


def test_parts_from_files(context: Context, tmp_path: Path, key_file: Path) -> None:
    script = tmp_path / "hello.sh"
    script.write_text("#!/bin/sh\n")
    told = context(ex_cloud_init=f"x-shellscript,{script}#ssh,{key_file}")
    assert base64.b64decode(told["CLOUD_INIT_AUTHORIZED_KEYS"]) == key_file.read_bytes()
    assert b"text/x-shellscript" in gzip.decompress(base64.b64decode(told["CLOUD_INIT_USER_DATA"]))


def test_comments_in_the_text_of_a_key_are_left_out(context: Context) -> None:
    told = context(auth=NodeAuthSSHKey(f"Comment: of jane\n{PUBLIC_KEY}\n"))
    assert told["PUBLIC_KEY"] == f"{PUBLIC_KEY}\n"


def test_a_key_for_cloud_init_that_opens_nothing(context: Context, tmp_path: Path, sandbox: Sandbox) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"# {PUBLIC_KEY}\n")
    with pytest.raises(KeyFileError, match=r"\(cloud_init\): it is commented out"):
        context(ex_cloud_init=f"ssh,{file}")
    assert "one.vm.allocate" not in sandbox.requests.operations


def test_a_dollar_means_itself(context: Context) -> None:
    told = context(ex_context={"PRICE": "$5", "PATH": "$HOME/x"}, ex_requirements="COST = $5")
    assert (told["PRICE"], told["PATH"]) == ("$5", "$HOME/x")


def test_variables_that_are_wanted(sandbox: Sandbox, config_file: Path, context: Context, image: NodeImage) -> None:
    told = context(name="web", ex_context={"ME": "$NAME"}, ex_expand_variables=True)
    assert told["ME"] == "web"

    with config_file.open("a") as file:
        file.write("\nexpand_variables = true\n")
        file.write('extra_context_data = MASK=$NETWORK[NETWORK_MASK, NETWORK="public"]\n')
        file.write("vm_requirements = OWNER = $UNAME\n")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    key = NodeAuthSSHKey(f"{PUBLIC_KEY} $NAME")
    template = sandbox.machines[int(driver.create_node("n", None, image, auth=key).id)].template
    (told,) = template.vectors("CONTEXT")
    assert (told["MASK"], told["PUBLIC_KEY"]) == ("255.255.255.0", key.pubkey)
    assert template.text("REQUIREMENTS") == "OWNER = alice"
    node = driver.create_node("n", None, image, ex_context={"ME": "$NAME"}, ex_expand_variables=False)
    assert sandbox.machines[int(node.id)].context["ME"] == "$NAME"
    with pytest.raises(InvalidArgumentError, match="begins no variable"):
        driver.create_node("n", None, image, ex_context={"DATE": "$(date)"})


def test_quotes_in_a_file_may_have_backslashes_as_in_14_06(
    sandbox: Sandbox, config_file: Path, image: NodeImage, tmp_path: Path
) -> None:
    json = tmp_path / "context"
    json.write_text('JSON={"j": "a \\"b\\" c"}\n')
    with config_file.open("a") as file:
        file.write('\nextra_context_data = A=say \\"hi\\"#B="plain"\nvm_requirements = CLUSTER = \\"test\\"\n')
        file.write(f"extra_context_file = {json}\n")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    template = sandbox.machines[int(driver.create_node("n", None, image).id)].template
    (told,) = template.vectors("CONTEXT")
    assert (told["A"], told["B"], told["JSON"]) == ('say "hi"', '"plain"', '{"j": "a \\"b\\" c"}')
    assert template.text("REQUIREMENTS") == 'CLUSTER = "test"'


def test_a_request_that_is_too_long_is_not_sent(context: Context, sandbox: Sandbox) -> None:
    assert len(context(ex_context={"LONG": "x" * 500_000})["LONG"]) == 500_000
    before = len(sandbox.requests)
    with pytest.raises(InvalidArgumentError, match=r"one.vm.allocate would have 6\d{5} bytes, .* accepts 523264: put"):
        context(ex_context={"LONG": "x" * 600_000})
    assert "one.vm.allocate" not in [request.operation for request in list(sandbox.requests)[before:]]


def test_names_that_differ_in_case_are_refused(context: Context) -> None:
    with pytest.raises(InvalidArgumentError, match="CONTEXT has Site and SITE"):
        context(ex_context={"Site": "a", "SITE": "b"})


def test_the_configuration_does_not_replace_the_key(sandbox: Sandbox, config_file: Path, image: NodeImage) -> None:
    with config_file.open("a") as file:
        file.write("\nextra_context_data = PUBLIC_KEY=other#public_key=other#A=b#TARGET=hdc\n")
    driver = StratusLabNodeDriver(stratuslab_user_config=config_file)
    node = driver.create_node("n", None, image)
    told = sandbox.machines[int(node.id)].template.vectors("CONTEXT")[0]
    assert told["PUBLIC_KEY"].startswith("ssh-ed25519 ")
    assert (told["A"], told["TARGET"]) == ("b", "hdc")

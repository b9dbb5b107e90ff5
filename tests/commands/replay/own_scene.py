"""Where our own recording plays: a place like that of the original's recording, in other words and values."""

from __future__ import annotations

from collections.abc import Mapping

from stratuslab_libcloud.sandbox import Sandbox
from tests.commands.replay.certificates import p12
from tests.commands.replay.world import Scene

_CLOUD = """\
[default]
endpoint = {url}/one-proxy/xmlrpc
pdisk_endpoint = {url}/pdisk
marketplace_endpoint = {url}/marketplace
username = jane
"""


def _cloud(users: Mapping[str, str]) -> Sandbox:
    return Sandbox(users=users, boot_seconds=0)


OWN = Scene(
    users={"jane": "correct horse", "joe": "100%"},
    url="http://127.0.0.1:4000",
    home="/home/jane",
    work="/home/jane/work",
    settings=_CLOUD
    + """\
password = correct horse

[work]
username = joe
password = 100%%

[instance_types]
lab.big = 8, 32768, 1024
""",
    files={
        "garbage.cfg": "endpoint = x\n",
        "nothing.cfg": "[default]\n",
        "private-key.cfg": _CLOUD + "password = correct horse\nuser_private_key_file = ~/.ssh/id_rsa\n",
        "no-password.cfg": _CLOUD,
        "other.pub": "ssh-ed25519 AAAA nobody\n",
        "ids.txt": "4\n8\n\n",
        "small.img": b"a small image " * 100,
        "other.img": b"another image " * 100,
        "/home/jane/signer.p12": p12("Jane", "opensesame"),
    },
    clouds={1: _cloud},
    before={25: lambda world: world.bind_address("127.60.0.200")},
)

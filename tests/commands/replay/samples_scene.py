"""Where the runs of the original commands were recorded, as far as the recording itself shows it.

Only a part of the runs is kept. What the others changed can be seen in later runs: which machines there are, on which
networks, from which images (by the origins of their disks), and which of them have ended.
"""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from stratuslab_libcloud.sandbox import Sandbox
from stratuslab_libcloud.sandbox.state.clock import ManualClock
from stratuslab_libcloud.sandbox.state.vm import LcmState, VmState
from tests.commands.replay.certificates import p12
from tests.commands.replay.running import run
from tests.commands.replay.world import Scene, World

Happening = Callable[[World], None]

_CENTOS, _CENTOS_6, _UBUNTU = (
    "IgvFsKZjT3xo4h-UqvgY2iHwTVf",
    "IRXgP7fshFSiRIqA9Bsg7Kn9qK-",
    "No_yF2GuU7qXq90XiD345FBwj1O",
)
_GENOMES = "GXhDmhIlQfFxZ9_5QwRZzTmvepj"
_NO_BOOT, _NO_PROLOG = "CFF6irq-_YTd16syFS_xgBTB5j7", "PiIwij_nEi7cV_fhiVj1rfgxI7g"
_PERSISTENT = "8a1a3beb-063e-4545-a21d-2a2fea8995de"
_TWO = ("0d384c1a-5d19-4778-81da-4aef6652f075", "3f9e5108-2de6-4553-b947-580fa2387433")
_MANIFEST = "ttylinux-16-x86_64-base-1.0.xml"
_RANDOM = random.Random(2014)
_TINY = _RANDOM.randbytes(4096)

_CLOUD = """\
[default]
endpoint = {url}/one-proxy/xmlrpc
pdisk_endpoint = {url}/pdisk
marketplace_endpoint = {url}/marketplace
"""
_ALICE = _CLOUD + "username = alice\npassword = secret\n"

_ACTIVE = VmState.ACTIVE

_STATES = (
    (VmState.INIT, LcmState.LCM_INIT),
    (VmState.PENDING, LcmState.LCM_INIT),
    (VmState.HOLD, LcmState.LCM_INIT),
    (VmState.STOPPED, LcmState.LCM_INIT),
    (VmState.SUSPENDED, LcmState.LCM_INIT),
    (VmState.DONE, LcmState.LCM_INIT),
    (VmState.FAILED, LcmState.LCM_INIT),
    (_ACTIVE, LcmState.LCM_INIT),
    (_ACTIVE, LcmState.PROLOG),
    (_ACTIVE, LcmState.BOOT),
    (_ACTIVE, LcmState.RUNNING),
    (_ACTIVE, LcmState.EPILOG),
    (_ACTIVE, LcmState.SHUTDOWN),
    (_ACTIVE, LcmState.CANCEL),
    (_ACTIVE, LcmState.FAILURE),
    (_ACTIVE, LcmState.CLEANUP),
    (_ACTIVE, LcmState.UNKNOWN),
)
"""The states of the machines of the second cloud, by their numbers."""


def _quick(users: Mapping[str, str]) -> Sandbox:
    return Sandbox(users=users, boot_seconds=0)


def _slow(users: Mapping[str, str]) -> Sandbox:
    return Sandbox(users=users, boot_seconds=100, clock=ManualClock())


def _machines_in_all_states(world: World) -> None:
    sandbox = world.sandbox
    assert sandbox is not None
    for _ in _STATES:
        world.start(_CENTOS)
    world.start(_CENTOS)
    world.start(_CENTOS, name="a rather long name of a machine")
    world.start(_NO_BOOT)
    world.start(_NO_PROLOG)
    with sandbox.state.lock:
        for number, (state, lcm_state) in enumerate(_STATES):
            machine = sandbox.machines[number]
            machine.state, machine.lcm_state = state, lcm_state
            machine.revision += 1
        sandbox.machines[17].memory = 12_345_678
        sandbox.machines[17].revision += 1


def _machines(*images: str, **options: Any) -> Happening:
    """Machines that were started by runs that are not kept."""

    def happen(world: World) -> None:
        for image in images:
            world.start(image, **options)

    return happen


def _all(*happenings: Happening) -> Happening:
    def happen(world: World) -> None:
        for each in happenings:
            each(world)

    return happen


def _with_persistent_disk(world: World) -> None:
    world.start(_CENTOS, ex_persistent_disk=world.values.here(_PERSISTENT))


def _with_two_disks(world: World) -> None:
    world.start(_CENTOS, ex_persistent_disk=world.values.here(_PERSISTENT), ex_readonly_disk=_GENOMES)


def _manifest_of(image: str) -> Happening:
    """The manifest that was built last is that of an image which is about to be uploaded."""

    def happen(world: World) -> None:
        built = world.work / _MANIFEST
        if built.exists():
            shutil.copy(built, world.work / f"{image}.xml")

    return happen


def _build(world: World) -> None:
    line = "--author Jane --os ttylinux --os-version 16 --os-arch x86_64 --image-version 1.0 --title T --comment up5"
    run(["stratus-build-metadata", *line.split(), "up5.img"], world.environment, "", world.work)


SAMPLES = Scene(
    users={"alice": "secret", "bob": "s3cret%x"},
    url="http://127.0.0.1:18081",
    home="/home/alice",
    work="/home/alice/run/work",
    settings=_CLOUD
    + """username = alice
password = secret

[bob]
username = bob
password = s3cret%%x

[instance_types]
big.memory = 4, 65536, 4096
""",
    files={
        "empty.cfg": "[default]\n",
        "nocred.cfg": _CLOUD,
        "nopass.cfg": _CLOUD + "\nusername = alice\n",
        "privkey.cfg": _ALICE + "user_private_key_file = ~/.ssh/id_rsa\n",
        "itype.cfg": _ALICE + "instance_type = m1.large\n",
        "ditype.cfg": _ALICE + "default_instance_type = m1.large\n",
        "raw.cfg": _ALICE
        + "vm_kernel = /boot/k\nvm_ramdisk = /boot/r\nraw_data = <devices><serial type='pty'/></devices>\n",
        "percent.cfg": _CLOUD + "\nusername = alice\npassword = 100% wrong\n",
        "nodefault.cfg": "[other]\nname = other\n",
        "garbage.cfg": "endpoint = x\n",
        "multi.cfg": _ALICE
        + "endpoints = {url}/one-proxy/xmlrpc alice secret\n {url}/one-proxy/xmlrpc bob s3cret%%x\n",
        "multi2.cfg": _ALICE + "endpoints = http://127.0.0.1:9/xmlrpc alice secret\n",
        "context.txt": "KEY1=value one\nKEY2=2\n",
        "script.sh": "#!/bin/sh\necho started\n",
        "hello.sh": "#!/bin/sh\necho hello\n",
        "other.pub": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA other@host\n",
        "kill.txt": "6\n7",
        "kill2.txt": "8\n9\n",
        "big.sh": "".join(_RANDOM.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=48_000)),
        "tiny.img": _TINY,
        "tiny.img.gz": gzip.compress(_TINY),
        **{f"up{number}.img": _RANDOM.randbytes(110_000) for number in ("", 2, 3, 4, 5)},
        "/home/alice/run/u.p12": p12("Jane", "p12pass"),
        "/home/alice/run/e.p12": p12("Jane", "p12pass", "jane@example.org"),
        "/home/alice/run/home2/.stratuslab/stratuslab-user.cfg": "[default]\n",
    },
    clouds={1: _quick, 320: _quick, 404: _quick, 415: _slow},
    before={
        59: _machines(_CENTOS),
        62: _machines(_CENTOS),
        64: _machines(_CENTOS, _CENTOS, _CENTOS),
        67: _machines(_CENTOS, _CENTOS),
        71: _machines(_CENTOS, size="big.memory"),
        77: _machines(_CENTOS),
        82: _machines(_UBUNTU),
        87: _machines(_UBUNTU, _CENTOS),
        91: _machines(_CENTOS, _CENTOS),
        95: _all(_machines(_CENTOS, ex_network="private"), _machines(_CENTOS, ex_network="local")),
        101: _with_persistent_disk,
        104: _with_two_disks,
        105: lambda world: world.bind_address("127.91.0.99"),
        110: _machines(_CENTOS_6, _GENOMES),
        113: _machines("http://images.example.org/another.img", ex_check_image_url=False),
        121: _machines(_CENTOS, user="bob"),
        140: _machines(_CENTOS, ex_network="local"),
        178: lambda world: world.kill(3, 11),
        244: lambda world: world.detach(20, *_TWO),
        257: lambda world: world.create_disk("da1f5c33-84ac-40d9-80d3-612311db483c", 7),
        301: _manifest_of("up4"),
        303: _all(_build, _manifest_of("up5")),
        310: lambda world: world.write("/home/alice/run/home2/.stratuslab/stratuslab-user.cfg", "nonsense\n"),
        320: _machines_in_all_states,
        404: _machines(_CENTOS, _CENTOS),
        415: _machines(_CENTOS),
        417: lambda world: world.pass_seconds(40),
    },
)

"""Images, networks, datastores, templates and the user, as real daemons describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.client.opennebula.image import read_images
from stratuslab_libcloud.client.opennebula.users import Quota
from stratuslab_libcloud.errors import MalformedReplyError


@pytest.fixture
def documents(samples: Path) -> Path:
    return samples / "opennebula-today"


def test_images_of_all_types(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path) -> None:
    scripted_daemon.answers["one.imagepool.info"] = (documents / "6.10-imagepool.info.xml").read_text()
    volume, rescue, debian = one.images.images()
    assert (volume.kind, volume.state, volume.is_persistent, volume.size) == ("DATABLOCK", "READY", True, 10)
    assert (volume.mark, volume.error, volume.datastore_id) == ("v-11", None, 100)
    assert (rescue.kind, rescue.name) == ("CDROM", "rescue")
    assert (debian.id, debian.state, debian.machines[:2]) == (0, "USED", (1, 135))
    one.images.images(mine=True)
    assert [call[1] for call in scripted_daemon.calls] == [-2, -3]


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_a_volume_that_is_attached(documents: Path, version: str) -> None:
    (volume,) = read_images([(documents / f"{version}-image.info.volume-attached.xml").read_text()])
    assert (volume.state, len(volume.machines)) == ("USED_PERS", 1)


def test_snapshots_of_a_volume_and_states_of_later_versions() -> None:
    snapshot = "<SNAPSHOT><ACTIVE>YES</ACTIVE><DATE>1795619988</DATE><ID>0</ID><NAME>a</NAME><SIZE>10</SIZE></SNAPSHOT>"
    (image,) = read_images(
        [f"<IMAGE><ID>0</ID><STATE>11</STATE><TYPE>8</TYPE><SNAPSHOTS>{snapshot}</SNAPSHOTS></IMAGE>"]
    )
    assert (image.state, image.kind) == ("STATE_11", "TYPE_8")
    assert (image.snapshots[0].id, image.snapshots[0].name, image.snapshots[0].is_active) == (0, "a", True)
    assert image.snapshots[0].date is not None


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_networks(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path, version: str) -> None:
    scripted_daemon.answers["one.vnpool.info"] = (documents / f"{version}-vnpool.info.xml").read_text()
    six, private, public = one.networks.networks()
    assert [each["TYPE"] for each in (*six.ranges, *private.ranges)] == ["IP6_STATIC", "IP4_6"]
    assert (private.address, private.mask) == ("10.1.0.0", "255.255.0.0")
    assert (public.id, public.gateway, public.dns) == (0, "192.0.2.1", "192.0.2.53")


def test_security_groups(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path) -> None:
    text = (documents / "6.10-zonepool-secgrouppool.xml").read_text()
    pool = text[text.index("<SECURITY_GROUP_POOL>") : text.index("</X>")]
    scripted_daemon.answers["one.secgrouppool.info"] = pool
    (group,) = one.networks.security_groups()
    assert (group.id, group.name) == (0, "default")
    assert group.rules[0] == {"PROTOCOL": "ALL", "RULE_TYPE": "OUTBOUND"}


def test_datastores_in_the_order_of_their_ids(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path) -> None:
    scripted_daemon.answers["one.datastorepool.info"] = (documents / "6.10-datastorepool.info.xml").read_text()
    found = one.datastores.datastores()
    assert [(store.id, store.kind) for store in found] == [(2, "FILE"), (100, "IMAGE"), (101, "SYSTEM")]
    assert (found[1].name, found[1].is_enabled, found[1].free) == ("images", True, 20480)


def test_templates(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path) -> None:
    scripted_daemon.answers["one.templatepool.info"] = (documents / "6.10-templatepool.info.xml").read_text()
    (small,) = one.templates.templates()
    assert (small.id, small.name, small.memory, small.cpu, small.cpu_share) == (0, "small", 256, 1, 1.0)
    assert small.vectors("CONTEXT")[0]["SSH_PUBLIC_KEY"] == "$USER[SSH_PUBLIC_KEY]"
    assert small.vectors("DISK") == [{"IMAGE_ID": "0", "SIZE": "1500"}]


def test_a_template_without_capacity(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    """MEMORY, CPU and VCPU may be missing, or text."""
    scripted_daemon.answers["one.template.info"] = (
        "<VMTEMPLATE><ID>0</ID><NAME>odd</NAME><TEMPLATE><CPU>0.5</CPU><MEMORY>${M}</MEMORY></TEMPLATE></VMTEMPLATE>"
    )
    odd = one.templates.template(0)
    assert (odd.memory, odd.cpu, odd.cpu_share, odd.vectors("NIC")) == (None, None, 0.5, [])


def test_the_user_without_its_secrets(one: OpenNebulaCloud, scripted_daemon: Any, documents: Path) -> None:
    document = (documents / "6.10-user.info.quotas.xml").read_text()
    token = "<LOGIN_TOKEN><TOKEN>hush-hush</TOKEN></LOGIN_TOKEN>"
    scripted_daemon.answers["one.user.info"] = document.replace("<AUTH_DRIVER>", f"{token}<AUTH_DRIVER>")
    user = one.users.myself()
    assert (user.id, user.name, user.group, user.group_ids) == (10, "sample", "lab", (100,))
    assert user.ssh_public_key.startswith("ssh-ed25519 ")
    assert Quota("VM", None, "CPU", 103.0, 200.0) in user.quotas
    assert Quota("DATASTORE", 100, "SIZE", 10.0, 10000.0) in user.quotas
    assert Quota("NETWORK", 1, "LEASES", 6.0, None) in user.quotas
    assert "hush" not in repr(user)
    assert "0" * 16 not in repr(user)


def test_a_quota_that_leaves_it_to_the_default() -> None:
    from stratuslab_libcloud.client.opennebula.users import _read_users

    quota = "<VM_QUOTA><VM><VMS>{}</VMS><VMS_USED>1</VMS_USED></VM></VM_QUOTA>"
    default = f"<DEFAULT_USER_QUOTAS>{quota.format(7)}</DEFAULT_USER_QUOTAS>"
    (user,) = _read_users([f"<USER><ID>0</ID>{quota.format(-1)}{default}</USER>"])
    assert user.quotas == (Quota("VM", None, "VMS", 1.0, 7.0),)
    (user,) = _read_users([f"<USER><ID>0</ID>{quota.format(-2)}{default}</USER>"])
    assert user.quotas == (Quota("VM", None, "VMS", 1.0, None),)


def test_a_token_and_the_version(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers |= {"one.user.login": "a" * 64, "one.system.version": "7.4.0"}
    assert one.users.login("jane", 3600) == "a" * 64
    assert scripted_daemon.calls == [("one.user.login", "jane", "", 3600, -1)]
    assert one.users.version() == "7.4.0"


def test_calls_about_images(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    for method in ("delete", "update", "persistent", "rename", "snapshotdelete", "snapshotrevert"):
        scripted_daemon.answers[f"one.image.{method}"] = 0
    scripted_daemon.answers |= {"one.image.allocate": 5, "one.image.clone": 6}
    assert one.images.allocate({"NAME": "v", "SIZE": 10}, 100) == 5
    assert one.images.clone(5, "copy") == 6
    one.images.delete(5)
    one.images.update(5, {"LABELS": "x"})
    one.images.make_persistent(5, False)
    one.images.rename(5, "w")
    one.images.delete_snapshot(5, 0)
    one.images.revert_to_snapshot(5, 1)
    assert scripted_daemon.calls == [
        ("one.image.allocate", "<TEMPLATE><NAME>v</NAME><SIZE>10</SIZE></TEMPLATE>", 100),
        ("one.image.clone", 5, "copy", -1),
        ("one.image.delete", 5),
        ("one.image.update", 5, 'LABELS="x"', 1),
        ("one.image.persistent", 5, False),
        ("one.image.rename", 5, "w"),
        ("one.image.snapshotdelete", 5, 0),
        ("one.image.snapshotrevert", 5, 1),
    ]


def test_a_document_with_no_image(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.image.info"] = "<IMAGE_POOL></IMAGE_POOL>"
    with pytest.raises(MalformedReplyError):
        one.images.image(0)

"""The disk service, asked with plain HTTP."""

from __future__ import annotations

import gzip

import pytest
import requests

from stratuslab_libcloud.sandbox import Sandbox

from .conftest import Client, message


def test_a_new_disk_is_answered_with_its_uuid_and_nothing_else(alice: Client) -> None:
    answer = alice("POST", "/disks/", data={"size": "5", "tag": "my disk", "visibility": "private"})
    assert answer.status_code == 201
    assert list(answer.json()) == ["uuid"]
    assert "Location" not in answer.headers


def test_all_values_of_a_disk_are_texts(alice: Client) -> None:
    uuid = alice.create(size="5", tag='db "data"\n')
    assert alice("GET", f"/disks/{uuid}/").json() == {
        "uuid": uuid,
        "tag": 'db "data"\n',
        "count": "0",
        "owner": "alice",
        "size": "5",
        "type": "DATA_IMAGE_RAW_READ_WRITE",
        "visibility": "PRIVATE",
    }


def test_a_listing_is_shorter_than_a_disk_and_newest_first(alice: Client) -> None:
    first, second = alice.create(tag="first"), alice.create(tag="second", identifier="X")
    assert alice("GET", "/disks").json() == [
        {"uuid": second, "tag": "second", "count": "0", "owner": "alice", "identifier": "X", "size": "1"},
        {"uuid": first, "tag": "first", "count": "0", "owner": "alice", "size": "1"},
    ]


def test_a_size_over_999_has_a_comma(alice: Client) -> None:
    uuid = alice.create(size="1024")
    assert alice("GET", f"/disks/{uuid}").json()["size"] == "1,024"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"size": "x"}, (400, 'Error parsing size: For input string: "x"')),
        ({"size": "1_0"}, (400, 'Error parsing size: For input string: "1_0"')),
        ({"size": "1", "visibility": "some"}, (400, "Invalid value for form element visibility: some")),
        ({"tag": "x"}, (400, "Size must be an integer between 1 and 1024")),
        ({"size": "0"}, (400, "Size must be an integer between 1 and 1024")),
        ({"size": "1025"}, (400, "Size must be an integer between 1 and 1024")),
        ({"size": "1025", "identifier": "TAKEN"}, (403, "Disk already registered")),
    ],
)
def test_what_cannot_be_created(alice: Client, form: dict[str, str], expected: tuple[int, str]) -> None:
    alice.create(identifier="TAKEN")
    assert message(alice("POST", "/disks", data=form)) == expected


def test_an_unknown_type_breaks_the_service(alice: Client) -> None:
    assert alice("POST", "/disks", data={"size": "1", "type": "NONE"}).status_code == 500


def test_a_browser_is_sent_to_its_new_disk(alice: Client) -> None:
    answer = alice("POST", "/disks", data={"size": "1"}, headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 303
    assert alice("GET", answer.headers["Location"].partition("/pswd")[2]).json()["size"] == "1"


def test_users_see_their_own_disks_only(alice: Client, bob: Client, superuser: Client) -> None:
    uuid = alice.create()
    alice.create(visibility="PUBLIC")
    assert bob("GET", "/disks").json() == []
    assert message(bob("GET", f"/disks/{uuid}")) == (
        403,
        f"insufficient access rights to view disk ({uuid})",
    )
    assert len(superuser("GET", "/disks").json()) == 2


def test_a_public_disk_can_be_read_by_its_uuid(alice: Client, bob: Client) -> None:
    uuid = alice.create(visibility="public")
    assert bob("GET", f"/disks/{uuid}").json()["visibility"] == "PUBLIC"
    assert message(bob("DELETE", f"/disks/{uuid}")) == (403, f"insufficient rights to delete disk ({uuid})")


def test_an_unknown_disk(alice: Client) -> None:
    assert message(alice("GET", "/disks/nope")) == (404, "disk (nope) does not exist")
    assert message(alice("DELETE", "/disks/nope/")) == (404, "disk (nope) does not exist")
    assert message(alice("GET", "/disks/nope/mounts")) == (404, "Unknown disk: nope")


def test_errors_are_in_the_first_format_that_is_accepted(alice: Client) -> None:
    text = alice("GET", "/disks/U", headers={"Accept": "text/plain, application/json"})
    assert text.text == "ERROR (404): disk (U) does not exist"
    html = alice("GET", "/disks/U", headers={"Accept": "*/*"})
    assert html.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("auth", [("alice", "wrong"), ("nobody", "secret"), None])
def test_without_good_credentials_there_is_an_html_401_everywhere(
    sandbox: Sandbox, http: requests.Session, auth: tuple[str, str] | None
) -> None:
    for path in ("/", "/disks", "/nowhere"):
        answer = http.get(f"{sandbox.disks_url}/pswd{path}", auth=auth, headers={"Accept": "application/json"})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="StratusLab Password Realm"'
        assert answer.headers["Content-Type"].startswith("text/html")


def test_a_change_says_303_to_forms_and_204_to_json(alice: Client) -> None:
    uuid = alice.create()
    assert alice("PUT", f"/disks/{uuid}", data={"tag": "new", "visibility": "PUBLIC"}).status_code == 303
    as_json = {"Accept": "application/json", "Content-Type": "application/json"}
    assert alice("PUT", f"/disks/{uuid}", data="size=7", headers=as_json).status_code == 204
    disk = alice("GET", f"/disks/{uuid}").json()
    assert (disk["tag"], disk["visibility"], disk["size"]) == ("new", "PUBLIC", "7")


def test_whoever_sees_a_disk_can_change_it(alice: Client, bob: Client) -> None:
    uuid = alice.create(visibility="public")
    assert bob("PUT", f"/disks/{uuid}", data={"owner": "bob"}).status_code == 303
    assert [disk["uuid"] for disk in bob("GET", "/disks").json()] == [uuid]


def test_a_change_takes_the_seed_away(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.create(seed="on")
    alice("PUT", f"/disks/{uuid}", data={"tag": "new"})
    disk = sandbox.disks.get(uuid)
    assert disk is not None
    assert not disk.seed


def test_a_change_without_content_is_refused(alice: Client) -> None:
    uuid = alice.create()
    assert message(alice("PUT", f"/disks/{uuid}")) == (400, "post with null entity")


def test_a_deleted_disk_is_gone(alice: Client) -> None:
    uuid = alice.create()
    assert alice("DELETE", f"/disks/{uuid}").json() == {"uuid": uuid}
    assert alice("GET", f"/disks/{uuid}").status_code == 404


def test_browsers_delete_with_post(alice: Client) -> None:
    uuid = alice.create()
    answer = alice("POST", f"/disks/{uuid}?method=delete", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert alice("GET", "/disks").json() == []


def test_the_copy_of_an_origin_has_no_owner(alice: Client, superuser: Client) -> None:
    origin = alice.create(size="3", type="MACHINE_IMAGE_ORIGIN")
    answer = alice("POST", f"/disks/{origin}")
    assert answer.status_code == 200
    copy = answer.json()
    assert copy["owner"] == ""
    assert (copy["type"], copy["size"]) == ("MACHINE_IMAGE_LIVE", "3")
    assert copy["identifier"] == f"snapshot:{origin}"
    assert alice("GET", f"/disks/{copy['uuid']}").status_code == 403
    assert superuser("GET", f"/disks/{copy['uuid']}").status_code == 200
    assert alice("GET", f"/disks/{origin}").json()["count"] == "1"


def test_a_live_image_becomes_an_origin(alice: Client) -> None:
    live = alice.create(type="MACHINE_IMAGE_LIVE", tag="mine")
    origin = alice("POST", f"/disks/{live}").json()
    assert (origin["type"], origin["owner"], origin["tag"]) == ("MACHINE_IMAGE_ORIGIN", "alice", "")


def test_a_data_disk_cannot_be_copied(alice: Client) -> None:
    uuid = alice.create()
    assert message(alice("POST", f"/disks/{uuid}")) == (
        409,
        "Invalid disk state: DATA_IMAGE_RAW_READ_WRITE. Cannot create copy or save as new image.",
    )


def test_a_mount_takes_the_highest_free_device(alice: Client, running: tuple[str, str]) -> None:
    node, vm_id = running
    first, second = alice.create(), alice.create()
    answer = alice("POST", f"/disks/{first}/mounts/", data={"node": node, "vm_id": vm_id})
    assert answer.status_code == 200
    assert answer.json() == {"node": node, "vm_id": vm_id, "target": "vdz", "uuid": [first]}
    answer = alice("POST", f"/disks/{second}/mounts", data={"node": node, "vm_id": vm_id})
    assert answer.json()["target"] == "vdy"
    assert alice("GET", f"/disks/{first}/mounts").json() == [{"vmId": vm_id, "device": "vdz"}]
    assert alice("GET", f"/disks/{first}").json()["count"] == "1"


def test_a_machine_has_twenty_six_devices(alice: Client, running: tuple[str, str]) -> None:
    form = dict(zip(("node", "vm_id"), running, strict=True))
    for _ in range(26):
        assert alice("POST", f"/disks/{alice.create()}/mounts", data=form).status_code == 200
    answer = alice("POST", f"/disks/{alice.create()}/mounts", data=form)
    assert message(answer) == (409, "no free devices available")


def test_what_cannot_be_mounted(alice: Client, bob: Client, running: tuple[str, str]) -> None:
    node, vm_id = running
    uuid = alice.create()
    mounts = f"/disks/{uuid}/mounts"
    form = {"node": node, "vm_id": vm_id}
    assert message(alice("POST", mounts, data={"vm_id": vm_id})) == (400, "missing node attribute")
    assert message(alice("POST", mounts, data={"node": node})) == (400, "missing vm_id attribute")
    assert message(bob("POST", mounts, data=form)) == (403, "Not enough rights to attach disk")
    assert alice("POST", mounts, data=form).status_code == 200
    assert message(alice("POST", mounts, data=form)) == (403, f"Mount already exists for: {vm_id} and {uuid}")


def test_a_machine_that_does_not_run_there_takes_no_disk(alice: Client, running: tuple[str, str]) -> None:
    node, vm_id = running
    uuid = alice.create()
    for form in ({"node": "elsewhere", "vm_id": vm_id}, {"node": node, "vm_id": "99"}):
        assert alice("POST", f"/disks/{uuid}/mounts", data=form).status_code == 500
    assert alice("GET", f"/disks/{uuid}/mounts").json() == []


def test_a_registered_mount_is_static_and_nothing_is_asked(alice: Client) -> None:
    uuid = alice.create()
    form = {"node": "anywhere", "vm_id": "77", "register_only": "True"}
    assert alice("POST", f"/disks/{uuid}/mounts", data=form).json()["target"] == "static"


def test_unmounting(alice: Client, running: tuple[str, str]) -> None:
    node, vm_id = running
    uuid = alice.create()
    alice("POST", f"/disks/{uuid}/mounts", data={"node": node, "vm_id": vm_id})
    assert message(alice("DELETE", f"/disks/{uuid}")) == (409, f"disk ({uuid}) is in use and can't be deleted")
    answer = alice("DELETE", f"/disks/{uuid}/mounts/{uuid}_{vm_id}")
    assert answer.status_code == 200
    assert answer.json() == {"diskId": uuid, "mountId": f"{uuid}_{vm_id}", "vmId": vm_id, "target": "vdz"}
    assert alice("DELETE", f"/disks/{uuid}").status_code == 200


def test_an_unknown_mount_breaks_a_delete_and_is_not_found_otherwise(alice: Client) -> None:
    uuid = alice.create()
    assert alice("DELETE", f"/disks/{uuid}/mounts/{uuid}_7").status_code == 500
    assert alice("GET", f"/disks/{uuid}/mounts/{uuid}_7").status_code == 404


def test_the_json_of_a_single_mount_is_broken(alice: Client) -> None:
    uuid = alice.create()
    alice("POST", f"/disks/{uuid}/mounts", data={"node": "n", "vm_id": "7", "register_only": "true"})
    answer = alice("GET", f"/disks/{uuid}/mounts/{uuid}_7")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_the_address_of_a_disk_is_told_to_everybody(alice: Client, bob: Client) -> None:
    uuid = alice.create()
    answer = bob("GET", f"/disks/{uuid}/turl").json()
    assert answer == {"uuid": uuid, "turl": f"iscsi://127.0.0.1:3260/iqn.2011-01.eu.stratuslab:{uuid}:1"}


def test_an_uploaded_image_becomes_a_readonly_disk(alice: Client) -> None:
    image = b"an image" * 1000
    answer = alice("POST", "/disks/", files={"Image File": ("image.gz", gzip.compress(image))})
    assert answer.status_code == 303
    path = answer.headers["Location"].partition("/pswd")[2]
    disk = alice("GET", path).json()
    assert (disk["type"], disk["size"], disk["owner"]) == ("DATA_IMAGE_RAW_READONLY", "1", "alice")
    assert len(disk["identifier"]) == 27
    contents = alice("GET", path, headers={"Accept": "application/x-gzip"})
    assert gzip.decompress(contents.content) == image

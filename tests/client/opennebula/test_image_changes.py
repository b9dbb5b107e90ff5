"""Waiting for what the daemon only starts with images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stratuslab_libcloud.client.opennebula import image_changes
from stratuslab_libcloud.client.opennebula.cloud import OpenNebulaCloud
from stratuslab_libcloud.client.opennebula.image import read_images
from stratuslab_libcloud.client.opennebula.image_changes import marked
from stratuslab_libcloud.errors import ConflictError, ServiceTimeoutError

READY, USED, LOCKED, ERROR, DELETE = 1, 2, 4, 5, 7


def image(state: int, inside: str = "") -> str:
    return f"<IMAGE><ID>0</ID><TYPE>2</TYPE><STATE>{state}</STATE>{inside}</IMAGE>"


def in_turn(*answers: Any) -> Any:
    def each() -> Iterator[Any]:
        yield from answers
        while True:
            yield answers[-1]

    answer = each()
    return lambda *_: next(answer)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_changes, "BEGINNING_SECONDS", 0.2)


def test_an_image_settles(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.image.info"] = in_turn(image(LOCKED), image(LOCKED), image(READY))
    assert one.image_changes.settled(0, 5).state == "READY"


def test_an_image_that_does_not(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.image.info"] = image(LOCKED)
    with pytest.raises(ServiceTimeoutError, match=r"still LOCKED after 0\.3 seconds"):
        one.image_changes.settled(0, 0.3)
    scripted_daemon.answers["one.image.info"] = image(ERROR, "<TEMPLATE><ERROR>no space</ERROR></TEMPLATE>")
    with pytest.raises(ConflictError, match="in the state ERROR: no space"):
        one.image_changes.settled(0, 5)


def test_persistence_is_taken_away_where_it_is(one: OpenNebulaCloud, scripted_daemon: Any) -> None:
    scripted_daemon.answers |= {"one.image.info": image(READY), "one.image.persistent": 0}
    assert not one.image_changes.make_non_persistent(0, 5).is_persistent
    assert ("one.image.persistent", 0, False) not in scripted_daemon.calls
    scripted_daemon.answers["one.image.info"] = image(READY, "<PERSISTENT>1</PERSISTENT>")
    assert not one.image_changes.make_non_persistent(0, 5).is_persistent
    assert ("one.image.persistent", 0, False) in scripted_daemon.calls


def test_an_image_that_was_locked_a_moment_ago_is_deleted(
    one: OpenNebulaCloud, scripted_daemon: Any, refused: Any
) -> None:
    """Between the refusal and the look at the image, it may have become READY."""
    gone = refused(1024, "Error getting image")
    scripted_daemon.answers |= {
        "one.image.delete": in_turn(refused(8192, "Image locked, use --force"), 0),
        "one.image.info": in_turn(image(READY), image(DELETE), gone),
    }
    assert one.image_changes.delete(7, 5)


def test_a_locked_image_is_deleted_when_it_is_not(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    """LOCKED refuses with 8192; a deletion is STATE 7, and then 1024."""
    gone = refused(1024, "[one.image.info] Error getting image [0].")
    scripted_daemon.answers |= {
        "one.image.delete": in_turn(refused(8192, "Image locked, use --force"), 0),
        "one.image.info": in_turn(image(LOCKED), image(DELETE), gone),
    }
    assert one.image_changes.delete(0, 5)
    scripted_daemon.answers["one.image.delete"] = gone
    assert not one.image_changes.delete(0, 5)


def test_a_deletion_that_is_refused_or_fails(one: OpenNebulaCloud, scripted_daemon: Any, refused: Any) -> None:
    in_use = refused(2048, "Cannot delete image. There are 1 VMs using it.")
    scripted_daemon.answers |= {"one.image.delete": in_use, "one.image.info": image(USED)}
    with pytest.raises(ConflictError, match="using it"):
        one.image_changes.delete(0, 5)
    scripted_daemon.answers |= {"one.image.delete": 0, "one.image.info": in_turn(image(DELETE), image(ERROR))}
    with pytest.raises(ConflictError, match="in the state ERROR"):
        one.image_changes.delete(0, 5)
    scripted_daemon.answers["one.image.info"] = image(DELETE)
    with pytest.raises(ServiceTimeoutError, match="was to be deleted"):
        one.image_changes.delete(0, 0.3)


def test_the_one_with_a_mark() -> None:
    text = "<IMAGE_POOL>" + "".join(
        f"<IMAGE><ID>{number}</ID><TEMPLATE><LIBCLOUD_MARK>m</LIBCLOUD_MARK></TEMPLATE></IMAGE>" for number in (9, 3)
    )
    images = read_images([f"{text}</IMAGE_POOL>"])
    assert marked(images, "m") == 3
    assert marked(images, "other") is None

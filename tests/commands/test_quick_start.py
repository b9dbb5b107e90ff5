"""The quick start of the documentation, typed at a terminal on the sandbox: it is as it is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.replay.own_scene import OWN
from tests.commands.replay.terminal import Terminal, exchanges
from tests.commands.replay.world import World

GATEWAY = "port_translation = true\npat_service_host = {url}\npat_gateway_host = 127.0.0.1\n"
"""What the sandbox writes into a configuration file besides."""

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def session() -> str:
    """All that is typed and printed in the quick start."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition("## Quick start\n")
    section, _, _ = after.partition("\n## ")
    return "".join(re.findall(r"^```(?:text|console)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(OWN, tmp_path) as world:
        world.prepare(1)
        settings = OWN.settings.replace("username = jane\n", f"username = jane\n{GATEWAY}")
        world.write(f"{OWN.home}/.stratuslab/stratuslab-user.cfg", settings)
        yield world


@pytest.fixture
def terminal(world: World) -> Iterator[Terminal]:
    terminal = Terminal(world.environment, world.work)
    yield terminal
    terminal.close()


def test_the_quick_start(world: World, terminal: Terminal) -> None:
    recorded = list(exchanges(session()))
    assert {typed.split()[0] for typed, _ in recorded} >= {
        f"stratus-{name}"
        for name in (
            "list-images", "show-image", "run-instance", "describe-instance", "connect-instance", "kill-instance",
            "create-volume", "describe-volumes", "attach-volume", "detach-volume", "delete-volume",
        )
    }  # fmt: skip
    for typed, printed in recorded:
        shown = terminal.type(world.values.here(typed))
        if world.ways_in("stratus-connect-instance"):
            printed, shown = reached_by_a_gateway(printed), reached_by_a_gateway(shown)
        assert world.values.agree(printed, shown), f"$ {typed}\n{shown}instead of:\n{printed}"


def reached_by_a_gateway(text: str) -> str:
    """What ssh prints, wherever a machine is reached: not at an address of its own, where this is not permitted."""
    text = re.sub(r"(Permanently added '|Connection to )\S+", r"\1ADDRESS", text)
    return re.sub(r"22:\d+", lambda found: " " * len(found[0]), text)

"""Machine sizes: the standard ones and the user's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stratuslab_libcloud.config import STANDARD_INSTANCE_TYPES, InstanceType, UserConfiguration
from stratuslab_libcloud.errors import ConfigurationError

Load = Callable[..., UserConfiguration]


def test_the_users_sizes_come_after_the_standard_ones(load: Load) -> None:
    sizes = load("[default]\n[instance_types]\nbig = (8, 16384, 0)\nM1.Small = 2 2048 1024\n").instance_types()
    assert [size.name for size in sizes] == [*STANDARD_INSTANCE_TYPES, "big"]
    assert sizes[-1] == InstanceType("big", cpu=8, ram=16384, swap=0)
    assert sizes[1] == InstanceType("m1.small", cpu=2, ram=2048, swap=1024)


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "0 1 1", "1 0 1", "many"])
def test_a_size_is_three_numbers(load: Load, text: str) -> None:
    with pytest.raises(ConfigurationError, match="must be three whole numbers") as caught:
        load(f"[default]\n[instance_types]\nbig = {text}\n").instance_types()
    assert (caught.value.section, caught.value.key) == ("instance_types", "big")

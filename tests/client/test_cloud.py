"""The services of one cloud together."""

from __future__ import annotations

from stratuslab_libcloud.client import Cloud


def test_a_closed_cloud_can_be_used_again(cloud: Cloud) -> None:
    cloud.compute.machines()
    cloud.close()
    assert cloud.compute.machines() == []

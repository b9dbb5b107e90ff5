"""What `deploy_node` has to know of a StratusLab cloud: the machine's keys, and how the machine is reached."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.stratuslab.port_translation import PortTranslationService
from stratuslab_libcloud.deployment import DeployTarget, Gateway
from stratuslab_libcloud.driver.stratuslab import creation

_PORT_TRANSLATION_SECONDS = 10.0
"""Time limit for one question; it is asked again and again."""


def find(
    cloud: Cloud,
    auth: Any,
    create_keywords: Mapping[str, Any],
    seconds: float,
    proxy_url: str | None,
    private_key_file: Path | None = None,
) -> DeployTarget:
    """Where a machine is started that is to be deployed.

    :param auth: a `NodeAuthSSHKey`, or None for the configured key file
    :param create_keywords: of the call to `create_node` that follows
    :param seconds: the caller's time limit
    :param proxy_url: an HTTP proxy to use instead of the environment's
    :param private_key_file: that opens the machine; the configured one by default
    :raises StratusLabError: as `create_node`
    """
    keys, origin = creation.keys_of_machine(cloud, auth, create_keywords)
    config = cloud.config
    return DeployTarget(
        location=config.section,
        public_keys=keys,
        public_keys_origin=origin,
        private_key_file=private_key_file or config.private_key_file,
        gateway=_gateway(cloud, seconds, proxy_url),
    )


def _gateway(cloud: Cloud, seconds: float, proxy_url: str | None) -> Gateway | None:
    translation = cloud.config.port_translation
    service = PortTranslationService.of(cloud.config, min(_PORT_TRANSLATION_SECONDS, seconds), proxy_url)
    return Gateway(translation.gateway_host, service) if translation and service else None

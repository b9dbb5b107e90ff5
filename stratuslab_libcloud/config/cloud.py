"""One cloud's settings, read and checked: a CloudConfig."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

from stratuslab_libcloud.config import credentials, endpoints, values
from stratuslab_libcloud.config.instance_types import DEFAULT_INSTANCE_TYPE
from stratuslab_libcloud.config.records import (
    CloudConfig,
    Credentials,
    MachineOptions,
    Password,
    Place,
    PortTranslation,
    ServiceConfig,
)
from stratuslab_libcloud.config.settings import Settings

PUBLIC_MARKETPLACE = "https://marketplace.stratuslab.eu"
_DEFAULT_TIMEOUT = 60.0
_DEFAULT_CONNECTIONS = 4
_DEFAULT_MAX_ANSWER = 1024
_MIB = 1024 * 1024
_PORT_SERVICE_PATH = "cgi-bin", "vmports.py"


def read_cloud(
    settings: Settings, place: Place, instance_types: Collection[str], timeout: float | None
) -> CloudConfig:
    """All that is set for one cloud.

    :param settings: what holds for it
    :param place: how it is shown
    :param instance_types: the names that a size may have
    :param timeout: seconds that a call may take, whatever the settings say; None to leave it to them
    :raises ConfigurationError: names file, section, key and what would be right
    """
    public_key = settings.read("user_public_key_file", values.path, values.path("~/.ssh/id_rsa.pub"))
    private_key = settings.read("user_private_key_file", values.path, _without_pub(public_key))
    disks_endpoint = _disks_endpoint(settings)
    return CloudConfig(
        section=settings.section,
        file=settings.file,
        name=place.name,
        country=place.country,
        compute=_compute(settings, timeout),
        disks=_disks(settings, disks_endpoint, timeout),
        marketplace=_marketplace(settings, timeout),
        disks_source=disks_endpoint.rstrip("/"),
        public_key_file=public_key,
        private_key_file=private_key,
        machine=_machine_options(settings, instance_types),
        port_translation=_port_translation(settings),
    )


def _compute(settings: Settings, timeout: float | None) -> ServiceConfig:
    shown = credentials.for_compute(settings)
    url = settings.read("endpoint", partial(endpoints.compute_url, kind=_kind(shown)))
    if url is None:
        problem = "has no 'endpoint', the host or URL of the cloud's compute service"
        raise settings.error(problem, key="endpoint")
    return _service(settings, url, shown, timeout)


def _disks(settings: Settings, endpoint: str, timeout: float | None) -> ServiceConfig:
    shown = credentials.for_disks(settings)
    read = partial(
        endpoints.disks_url,
        kind=_kind(shown),
        scheme=settings.read("pdisk_protocol", values.one_of("http", "https")),
        port=settings.read("pdisk_port", values.whole_number(1, 65535)),
    )
    key = "pdisk_endpoint" if settings.find("pdisk_endpoint") else "endpoint"
    url = settings.read(key, read, "")
    return _service(settings, url, shown, timeout)


def _disks_endpoint(settings: Settings) -> str:
    setting = settings.find("pdisk_endpoint") or settings.find("endpoint")
    return setting.text if setting else ""


def _marketplace(settings: Settings, timeout: float | None) -> ServiceConfig:
    url = settings.read("marketplace_endpoint", endpoints.marketplace_url, PUBLIC_MARKETPLACE)
    service = _service(settings, url, None, timeout)
    is_public = f"{url}/".startswith(f"{PUBLIC_MARKETPLACE}/")
    return replace(service, verify=None) if is_public else service


def _service(settings: Settings, url: str, shown: Credentials | None, timeout: float | None) -> ServiceConfig:
    read = settings.read
    return ServiceConfig(
        url=url,
        credentials=shown,
        verify=_verify(settings),
        timeout=timeout or read("endpoint_timeout", values.positive_number, _DEFAULT_TIMEOUT),
        connections=read("endpoint_connections", values.whole_number(1, 1000), _DEFAULT_CONNECTIONS),
        max_answer=_MIB * read("endpoint_max_answer", values.whole_number(1, 1 << 20), _DEFAULT_MAX_ANSWER),
    )


def _verify(settings: Settings) -> bool | Path | None:
    verify = settings.read("tls_verify", values.truth)
    if verify is False:
        return False
    return settings.read("tls_ca_bundle", values.existing_path) or verify


def _kind(shown: Credentials) -> str:
    return endpoints.PASSWORD if isinstance(shown, Password) else endpoints.CERTIFICATE


def _without_pub(public_key: Path) -> Path:
    return Path(os.fspath(public_key).removesuffix(".pub"))


def _machine_options(settings: Settings, instance_types: Collection[str]) -> MachineOptions:
    read = settings.read
    default_type = read("default_instance_type", values.one_of(*instance_types), DEFAULT_INSTANCE_TYPE)
    return MachineOptions(
        instance_type=read("instance_type", values.one_of(*instance_types), default_type),
        network=_network(settings),
        address=read("specific_address_request", values.ip_address),
        disks_bus=read("vm_disks_bus", values.one_of("ide", "scsi", "virtio")),
        qcow=read("use_qcow_disk_format", values.truth, False),
        persistent_disk=read("persistent_disk_uuid", values.disk_uuid),
        readonly_disk=read("readonly_disk_id", values.image_identifier),
        volatile_disk=read("extra_disk_size", values.whole_number(0, 1 << 40)) or None,
        cpu_amount=read("vm_cpu_amount", values.positive_number),
        requirements=read("vm_requirements", values.verbatim),
        kernel=read("vm_kernel", values.verbatim),
        ramdisk=read("vm_ramdisk", values.verbatim),
        raw_data=read("raw_data", values.verbatim),
        vnc_port=read("vnc_port", values.vnc_port, -1),
        vnc_listen=read("vnc_listen", values.ip_address),
        context_method=read("default_context_method", values.one_of("one", "cloud-init"), "one"),
        context_file=read("extra_context_file", values.path),
        context_data=read("extra_context_data", values.verbatim),
        cloud_init=read("cloud_init", values.verbatim),
        check_image_url=not read("no_check_image_url", values.truth, False),
    )


def _network(settings: Settings) -> str:
    if settings.read("is_local_ip", values.truth):
        return "local"
    return "private" if settings.read("is_private_ip", values.truth) else "public"


def _port_translation(settings: Settings) -> PortTranslation | None:
    if not settings.read("port_translation", values.truth):
        return None
    service = _gateway(settings, "pat_service_host")
    if not service.path:
        service = replace(service, path=_PORT_SERVICE_PATH)
    return PortTranslation(
        service_url=replace(service, scheme=service.scheme or "http").url,
        gateway_host=_gateway(settings, "pat_gateway_host").host.strip("[]"),
    )


def _gateway(settings: Settings, key: str) -> endpoints.Endpoint:
    """The host that a key names; the compute service's where it names none."""
    named = settings.read(key, endpoints.Endpoint.parse)
    if named is not None:
        return named
    compute = settings.read("endpoint", endpoints.Endpoint.parse)
    assert compute is not None, "the compute service is read first"
    return endpoints.Endpoint(scheme="", host=compute.host, port=None, path=())

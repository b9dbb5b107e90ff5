"""Reads and checks the settings of one cloud: a CloudConfig."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TypeVar

from stratuslab_libcloud.config import credentials, endpoints, ssh_keys, values
from stratuslab_libcloud.config.endpoints import Endpoint
from stratuslab_libcloud.config.instance_types import DEFAULT_INSTANCE_TYPE
from stratuslab_libcloud.config.records import (
    CloudConfig,
    Credentials,
    MachineOptions,
    Password,
    Place,
    PortTranslation,
    SavedImage,
    ServiceConfig,
)
from stratuslab_libcloud.config.settings import Settings

Value = TypeVar("Value")

PUBLIC_MARKETPLACE = "https://marketplace.stratuslab.eu"
DEFAULT_KEY_PAIRS = "~/.stratuslab/keys"
DEFAULT_TIMEOUT = 60.0
DEFAULT_CONNECTIONS = 4
DEFAULT_MAX_ANSWER = 1024

_MIB = 1024 * 1024
_PORT_SERVICE_PATH = ("cgi-bin", "vmports.py")


def read_cloud(settings: Settings, place: Place, instance_types: Collection[str], timeout: float | None) -> CloudConfig:
    """All settings of one cloud.

    :param settings: the values that are valid for it
    :param place: its name and country
    :param instance_types: the names that a size may have
    :param timeout: seconds that a call may take, instead of the settings' time limit; None to use that
    :raises ConfigurationError: names file, section, key and what would be correct
    """
    service = service_settings(settings, timeout)
    compute = _compute(settings, service)
    disks_endpoint = _disks_endpoint(settings)
    public_key = settings.read("user_public_key_file", values.path) or ssh_keys.usual_public_key()
    return CloudConfig(
        section=settings.section,
        file=settings.file,
        name=place.name,
        country=place.country,
        compute=compute,
        disks=_disks(settings, service, disks_endpoint),
        marketplace=_marketplace(settings, service),
        disks_source=str(disks_endpoint),
        public_key_file=public_key,
        private_key_file=settings.read("user_private_key_file", values.path, ssh_keys.private_half(public_key)),
        key_pairs_directory=key_pairs_directory(settings),
        machine=_machine_options(settings, instance_types),
        port_translation=_port_translation(settings),
    )


def service_settings(settings: Settings, timeout: float | None) -> partial[ServiceConfig]:
    """What the services of a cloud have in common: TLS, limits.

    :param timeout: seconds that a call may take, whatever the settings say; None to leave it to them
    """
    read = settings.read
    return partial(
        ServiceConfig,
        verify=_verify(settings),
        timeout=timeout or read("request_timeout", values.positive_number, DEFAULT_TIMEOUT),
        connections=read("endpoint_connections", values.whole_number(1, 1000), DEFAULT_CONNECTIONS),
        max_answer=_MIB * read("endpoint_max_answer", values.whole_number(1, 1 << 20), DEFAULT_MAX_ANSWER),
    )


def key_pairs_directory(settings: Settings) -> Path:
    """Where Libcloud's key pairs are files."""
    return settings.read("key_pairs_directory", values.path, values.path(DEFAULT_KEY_PAIRS))


def _verify(settings: Settings) -> bool | Path | None:
    verify = settings.read("tls_verify", values.truth)
    if verify is False:
        return False
    return settings.read("tls_ca_bundle", values.readable_path, verify)


def _compute(settings: Settings, service: partial[ServiceConfig]) -> ServiceConfig:
    _compute_endpoint(settings, Endpoint.parse)  # first of all, so that its absence is reported before that of others
    chosen = credentials.for_compute(settings)
    url = _compute_endpoint(settings, partial(endpoints.compute_url, kind=_kind(chosen)))
    return service(url=url, credentials=chosen)


def _compute_endpoint(settings: Settings, parse: Callable[[str], Value]) -> Value:
    endpoint = settings.read("endpoint", parse)
    if endpoint is None:
        raise settings.error("has no 'endpoint': set it to the host or URL of the cloud's compute service", "endpoint")
    return endpoint


def _disks_endpoint(settings: Settings) -> Endpoint:
    endpoint = settings.read("pdisk_endpoint", endpoints.disks_endpoint)
    if endpoint is None:
        endpoint = _compute_endpoint(settings, endpoints.disks_beside_compute)
    port = settings.read("pdisk_port", values.whole_number(1, 65535))
    return endpoint.with_port(port) if port else endpoint


def _disks(settings: Settings, service: partial[ServiceConfig], endpoint: Endpoint) -> ServiceConfig:
    chosen = credentials.for_disks(settings)
    scheme = settings.read("pdisk_protocol", values.one_of("http", "https"), "https")
    return service(url=endpoints.disks_url(endpoint, _kind(chosen), scheme), credentials=chosen)


def _kind(chosen: Credentials) -> str:
    return endpoints.PASSWORD if isinstance(chosen, Password) else endpoints.CERTIFICATE


def _marketplace(settings: Settings, service: partial[ServiceConfig]) -> ServiceConfig:
    """The Marketplace. The public one does not belong to the site, so the site's TLS settings are not used for it."""
    url = settings.read("marketplace_endpoint", endpoints.marketplace_url, PUBLIC_MARKETPLACE)
    if f"{url}/".startswith(f"{PUBLIC_MARKETPLACE}/"):
        service = partial(service, verify=None)
    return service(url=url, credentials=None)


def _machine_options(settings: Settings, instance_types: Collection[str]) -> MachineOptions:
    read = settings.read
    known_type = values.one_of(*instance_types)
    default_type = read("default_instance_type", known_type, DEFAULT_INSTANCE_TYPE)
    return MachineOptions(
        instance_type=read("instance_type", known_type, default_type),
        network=_network(settings),
        address=read("specific_address_request", values.ip_address),
        disks_bus=read("vm_disks_bus", values.disks_bus),
        qcow=read("use_qcow_disk_format", values.truth, False),
        persistent_disk=read("persistent_disk_uuid", values.disk_uuid),
        readonly_disk=read("readonly_disk_id", values.image_identifier_or_url),
        volatile_disk=read("extra_disk_size", values.whole_number(0, 1 << 40)) or None,
        cpu_amount=read("vm_cpu_amount", values.positive_number),
        requirements=read("vm_requirements", values.with_plain_quotes),
        kernel=read("vm_kernel", values.verbatim),
        ramdisk=read("vm_ramdisk", values.verbatim),
        raw_data=read("raw_data", values.verbatim),
        vnc_port=read("vnc_port", values.vnc_port, -1),
        vnc_listen=read("vnc_listen", values.ip_address),
        template_file=read("vm_template_file", values.path),
        saved_image=_saved_image(settings),
        context_method=read("default_context_method", values.context_method, "one"),
        context_file=read("extra_context_file", values.path),
        context_data=read("extra_context_data", values.verbatim),
        cloud_init=read("cloud_init", values.verbatim),
        expand_variables=read("expand_variables", values.truth, False),
        check_image_url=not read("no_check_image_url", values.truth, False),
    )


def _saved_image(settings: Settings) -> SavedImage | None:
    if not settings.read("save_disk", values.truth, False):
        return None

    def text(key: str) -> str:
        return settings.read(key, values.verbatim, "")

    return SavedImage(
        title=text("title"),
        comment=text("comment"),
        author=text("author"),
        author_email=text("author_email"),
        version=text("image_version"),
        marketplace=text("marketplace_endpoint_newimage"),
    )


def _network(settings: Settings) -> str:
    if settings.read("is_local_ip", values.truth):
        return "local"
    return "private" if settings.read("is_private_ip", values.truth) else "public"


def _port_translation(settings: Settings) -> PortTranslation | None:
    if not settings.read("port_translation", values.truth):
        return None
    service = _gateway(settings, "pat_service_host")
    service = service._replace(path=service.path or _PORT_SERVICE_PATH)
    gateway = _gateway(settings, "pat_gateway_host")
    return PortTranslation(service_url=service.url("http"), gateway_host=gateway.host.strip("[]"))


def _gateway(settings: Settings, key: str) -> Endpoint:
    """The host that a key names, or the host of the compute service."""
    compute = _compute_endpoint(settings, Endpoint.parse)
    return settings.read(key, Endpoint.parse, Endpoint(scheme="", host=compute.host))

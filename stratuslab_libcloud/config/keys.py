"""The keys of the configuration file, and the environment variables for some of them."""

from __future__ import annotations

from collections.abc import Mapping

_LOCATIONS = ("kind", "selected_section", "name", "country")
_ENDPOINTS = ("endpoint", "pdisk_endpoint", "pdisk_port", "pdisk_protocol", "marketplace_endpoint")
_CREDENTIALS = ("username", "password", "pem_certificate", "pem_key", "pdisk_username", "pdisk_password")
_SIGNING = ("p12_certificate", "p12_password")
_TLS = ("tls_verify", "tls_ca_bundle")
_LIMITS = ("request_timeout", "endpoint_connections", "endpoint_max_answer")
_SSH_KEYS = ("user_public_key_file", "user_private_key_file", "key_pairs_directory")
_SIZES = ("instance_type", "default_instance_type", "vm_cpu_amount")
_NETWORK = ("is_local_ip", "is_private_ip", "specific_address_request")
_PORT_TRANSLATION = ("port_translation", "pat_service_host", "pat_gateway_host")
_DISKS = ("vm_disks_bus", "use_qcow_disk_format", "no_check_image_url")
_MORE_DISKS = ("persistent_disk_uuid", "readonly_disk_id", "extra_disk_size")
_HOST = ("vm_requirements", "vm_kernel", "vm_ramdisk", "raw_data", "vnc_port", "vnc_listen", "vm_template_file")
_SAVED_IMAGE = (
    *("save_disk", "author", "author_email", "title", "comment"),
    *("image_version", "marketplace_endpoint_newimage"),
)
_CONTEXT = ("default_context_method", "extra_context_file", "extra_context_data", "cloud_init", "expand_variables")

USED_KEYS = frozenset(
    (
        *(*_LOCATIONS, *_ENDPOINTS, *_CREDENTIALS, *_SIGNING, *_TLS, *_LIMITS, *_SSH_KEYS),
        *(*_SIZES, *_NETWORK, *_PORT_TRANSLATION, *_DISKS, *_MORE_DISKS, *_HOST, *_SAVED_IMAGE, *_CONTEXT),
    )
)
"""The keys that this package uses."""

_RUN = ("instance_number", "vm_name", "vm_cpu", "vm_ram", "vm_swap", "disk_format")
_RUN_FILES = ("out_vm_ids_file", "in_vm_ids_file")
_CLIENT = ("endpoints", "endpoint_timeout", "use_http_cache", "max_mounts", "verbose_level")
_MANAGERS = ("vm_manager_type", "volume_manager_type")
_SITE = ("one_username", "one_password", "frontend_ip", "proxy_port", "quarantine_period")
_SITE_DISKS = ("persistent_disk_cloud_service_user",)

KEYS_OF_OTHER_TOOLS = frozenset((*_RUN, *_RUN_FILES, *_CLIENT, *_MANAGERS, *_SITE, *_SITE_DISKS))
"""The keys that are only used by the ``stratus-*`` commands and by the administrators of a site."""

KNOWN_KEYS = USED_KEYS | KEYS_OF_OTHER_TOOLS

VARIABLES: Mapping[str, str] = {
    "endpoint": "STRATUSLAB_ENDPOINT",
    "username": "STRATUSLAB_USERNAME",
    "password": "STRATUSLAB_PASSWORD",
    "pem_certificate": "STRATUSLAB_PEM_CERTIFICATE",
    "pem_key": "STRATUSLAB_PEM_KEY",
    "pdisk_endpoint": "STRATUSLAB_PDISK_ENDPOINT",
    "pdisk_protocol": "STRATUSLAB_PDISK_PROTOCOL",
    "pdisk_port": "STRATUSLAB_PDISK_PORT",
    "pdisk_username": "STRATUSLAB_PDISK_USERNAME",
    "pdisk_password": "STRATUSLAB_PDISK_PASSWORD",
    "marketplace_endpoint": "STRATUSLAB_MARKETPLACE_ENDPOINT",
    "user_public_key_file": "STRATUSLAB_KEY",
    "p12_certificate": "STRATUSLAB_P12_CERTIFICATE",
    "p12_password": "STRATUSLAB_P12_PASSWORD",
}
"""The environment variable for a key."""

KEYS_OF_ALL_CLOUDS = frozenset({"user_public_key_file", "p12_certificate", "p12_password"})
"""The keys whose variable is valid for each location; the others are only for the default location."""

STRATUSLAB = "stratuslab"
OPENNEBULA = "opennebula"
KINDS = (STRATUSLAB, OPENNEBULA)
"""The kinds of cloud that a section can be."""

KEYS_OF_ONE_KIND = frozenset(("endpoint", *_CREDENTIALS))
"""The keys that sections of another kind do not take from ``[default]``."""

SECTION_VARIABLE = "STRATUSLAB_USER_CONFIG_SECTION"
"""The environment variable that chooses the default location."""

"""The keywords of the OpenNebula driver's constructor."""

from __future__ import annotations

from stratuslab_libcloud.driver.constructor import ConnectionOptions

_OF_CERTIFICATES = frozenset({"ex_pem_certificate", "ex_pem_key", "cert_file", "key_file"})

KNOWN_OPTIONS = ConnectionOptions.__optional_keys__ - _OF_CERTIFICATES
"""The keywords that there are: OpenNebula knows its users by a name and a password or a token, and by nothing else."""

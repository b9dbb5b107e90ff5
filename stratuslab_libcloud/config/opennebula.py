"""One cloud of today's OpenNebula, from the settings: an OpenNebulaConfig."""

from __future__ import annotations

import logging
import re

from stratuslab_libcloud.config import ssh_keys, values
from stratuslab_libcloud.config.cloud import key_pairs_directory, service_settings
from stratuslab_libcloud.config.endpoints import opennebula_url
from stratuslab_libcloud.config.records import OpenNebulaConfig, Place, SessionPassword
from stratuslab_libcloud.config.settings import Settings

_log = logging.getLogger("stratuslab_libcloud.config")

_BLANK = re.compile(r"\s")
_NOT_IN_A_CALL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")
_LOOPBACK = re.compile(r"http://(localhost|127\.[\d.]+|\[::1\])[:/]")


def read_opennebula(settings: Settings, place: Place, timeout: float | None) -> OpenNebulaConfig:
    """All settings of one cloud.

    :param settings: the settings that are used for it
    :param place: how it is shown
    :param timeout: seconds that a call may take, whatever the settings say; None to leave it to them
    :raises ConfigurationError: names file, section, key and what would be right
    """
    url = settings.read("endpoint", opennebula_url)
    if url is None:
        raise settings.error("has no 'endpoint': set it to the host or URL of OpenNebula's XML-RPC", "endpoint")
    if url.startswith("http://") and not _LOOPBACK.match(url):
        _log.warning("The password of location '%s' is sent without encryption to %s.", settings.section, url)
    public_key = settings.read("user_public_key_file", values.path)
    private_key = ssh_keys.private_half(public_key) if public_key else ssh_keys.usual_private_key()
    return OpenNebulaConfig(
        section=settings.section,
        file=settings.file,
        name=place.name,
        country=place.country,
        compute=service_settings(settings, timeout)(url=url, credentials=_credentials(settings)),
        public_key_file=public_key,
        private_key_file=settings.read("user_private_key_file", values.path, private_key),
        key_pairs_directory=key_pairs_directory(settings),
    )


def _credentials(settings: Settings) -> SessionPassword:
    username, password = settings.find("username"), settings.find("password")
    if username is None or password is None:
        raise settings.error("has no user: set 'username' and 'password', which can be a token", "username")
    if ":" in username.text:
        name_alone = username._replace(text=username.text.partition(":")[0] + ":...")  # the rest may be a password
        raise name_alone.error("a name without a colon, after which OpenNebula takes the rest for the password")
    if _BLANK.search(password.text):
        raise password._replace(text="...").error("a password without blanks, which OpenNebula does not accept")
    for value, shown in ((username, username.text), (password, "...")):
        if _NOT_IN_A_CALL.search(value.text):
            raise value._replace(text=shown).error(
                "a text without control characters and emoji, which OpenNebula does not accept"
            )
    return SessionPassword(username.text, password.text)

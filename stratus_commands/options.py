"""The options that commands share, in the groups in which their help shows them."""

from __future__ import annotations

import argparse
from typing import Any

from stratus_commands.parsing import CommandParser, add_setting

DISTRIBUTION = "stratuslab-libcloud-drivers"
DEFAULT_FILE = "~/.stratuslab/stratuslab-user.cfg"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version  # which takes longer to import than all the rest of a command's help

        print(version(DISTRIBUTION))
        parser.exit()


def add_common(parser: CommandParser) -> None:
    """What every command has: ``--version``, ``--help``, ``--verbose`` and ``--quiet``."""
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    parser.add_argument("-h", "--help", action="help", help="show this help message and exit")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="verbose level (use multiple times for more detail)"
    )
    parser.add_argument(
        "-q", "--quiet", action="count", default=0, help="quiet output (use multiple times for less detail)"
    )


def add_config(parser: CommandParser) -> None:
    """Which file and which section of it are read; `add_common` included."""
    add_common(parser)
    parser.add_argument("-c", "--config", metavar="FILE", help=f"user configuration file. Default {DEFAULT_FILE}")
    parser.add_argument(
        "-S",
        "--user-config-section",
        dest="section",
        metavar="SECTION",
        help="Section to load in the user configuration file. Can also be set via environment variable: "
        "STRATUSLAB_USER_CONFIG_SECTION",
    )


def add_format(parser: CommandParser) -> None:
    """In which form a command lists."""
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        help="how to print: table, json or csv, with stable names. Default: as text for people and old scripts",
    )


def add_endpoint(parser: CommandParser) -> None:
    """Where the cloud is."""
    group = _group(parser, "Cloud")
    add_setting(
        group,
        "endpoint",
        "--endpoint",
        metavar="ENDPOINT",
        help="cloud endpoint (hostname or URL). Default STRATUSLAB_ENDPOINT",
    )


def add_credentials(parser: CommandParser) -> None:
    """Who the user is."""
    group = _group(parser, "Cloud")
    add_setting(
        group, "username", "-u", "--username", metavar="USERNAME", help="cloud username. Default STRATUSLAB_USERNAME"
    )
    add_setting(
        group,
        "password",
        "-p",
        "--password",
        metavar="PASSWORD",
        help="cloud password; '-' reads it from the terminal, or from standard input. Default STRATUSLAB_PASSWORD",
    )
    add_setting(
        group,
        "pem_certificate",
        "--pem-cert",
        metavar="FILE",
        help="PEM certificate file. Default STRATUSLAB_PEM_CERTIFICATE, then ~/.globus/usercert.pem",
    )
    add_setting(
        group,
        "pem_key",
        "--pem-key",
        metavar="KEY",
        help="PEM private key file. Default STRATUSLAB_PEM_KEY, then ~/.globus/userkey.pem",
    )


def add_pdisk(parser: CommandParser) -> None:
    """Where the persistent disk service is, and who the user is there."""
    group = _group(parser, "Persistent disk service")
    add_setting(
        group,
        "pdisk_endpoint",
        "--pdisk-endpoint",
        metavar="ENDPOINT",
        help="Persistent Disk service endpoint (hostname or URL). Default STRATUSLAB_PDISK_ENDPOINT",
    )
    add_setting(
        group,
        "pdisk_username",
        "--pdisk-username",
        metavar="NAME",
        help="Persistent Disk service username. Default STRATUSLAB_PDISK_USERNAME, then your cloud username",
    )
    add_setting(
        group,
        "pdisk_password",
        "--pdisk-password",
        metavar="PASSWORD",
        help="Persistent Disk service password; '-' reads it. Default STRATUSLAB_PDISK_PASSWORD, then your cloud "
        "password",
    )


def add_marketplace(parser: CommandParser) -> None:
    """Where the Marketplace is."""
    add_setting(
        _group(parser, "Marketplace"),
        "marketplace_endpoint",
        "--marketplace-endpoint",
        metavar="ENDPOINT",
        help="Marketplace endpoint (hostname or URL). Default STRATUSLAB_MARKETPLACE_ENDPOINT or "
        "https://marketplace.stratuslab.eu",
    )


def add_p12(parser: CommandParser) -> None:
    """The certificate with which metadata is signed."""
    group = _group(parser, "Signature")
    add_setting(
        group,
        "p12_certificate",
        "--p12-cert",
        metavar="FILE",
        help="PKCS12-formatted certificate. Default STRATUSLAB_P12_CERTIFICATE, then ~/.globus/usercert.p12",
    )
    add_setting(
        group,
        "p12_password",
        "--p12-password",
        metavar="PASSWORD",
        help="password for PKCS12-formatted certificate; '-' reads it. Default STRATUSLAB_P12_PASSWORD",
    )


def add_pem_signature(parser: CommandParser) -> None:
    """The same in PEM format."""
    group = _group(parser, "Signature")
    add_setting(
        group,
        "pem_certificate",
        "--pem-cert",
        metavar="FILE",
        help="PEM certificate, instead of the PKCS12-formatted one",
    )
    add_setting(
        group,
        "pem_key",
        "--pem-key",
        metavar="FILE",
        help="its private key, whose password is --p12-password. Default: in the same file",
    )


def add_port_translation(parser: CommandParser) -> None:
    """The gateway through which machines of the local network are reached."""
    group = _group(parser, "Port address translation")
    add_setting(group, "port_translation", "--pat-enable", flag="true", help="show port address translations")
    add_setting(
        group,
        "pat_service_host",
        "--pat-service-host",
        metavar="HOST/IP",
        help="set the hostname/ip of port translation service",
    )
    add_setting(
        group,
        "pat_gateway_host",
        "--pat-gateway-host",
        metavar="HOST/IP",
        help="set the hostname/ip of port translation gateway",
    )


def _group(parser: CommandParser, title: str) -> argparse._ArgumentGroup:
    """The group of that title, which several functions may add to."""
    known = (group for group in parser._action_groups if group.title == title)
    return next(known, None) or parser.add_argument_group(title)

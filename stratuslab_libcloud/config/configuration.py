"""What a driver wants to know of its configuration, wherever that is from."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from stratuslab_libcloud.config.records import AnyCloudConfig, Certificate, InstanceType, Place


class Identity(NamedTuple):
    """Which cloud a location is, and for which user; without anything secret.

    :param url: the compute service
    :param user: the user's name, or the file of the certificate
    """

    url: str
    user: str


class Configuration(Protocol):
    """The locations of a driver. Threads may share it."""

    @property
    def file(self) -> str:
        """The file's name, for messages."""

    @property
    def sections(self) -> tuple[str, ...]:
        """The locations."""

    @property
    def default_section(self) -> str:
        """The location to use if no other is asked for."""

    def place(self, section: str) -> Place:
        """A location as it is shown to people; this works also for a section with mistakes."""

    def identity(self, section: str) -> Identity:
        """Which cloud a location is, and for which user."""

    def cloud(self, section: str) -> AnyCloudConfig:
        """All settings of one location."""

    def instance_types(self) -> tuple[InstanceType, ...]:
        """The machine sizes."""


def identity_of(cloud: AnyCloudConfig) -> Identity:
    """Which cloud it is, and for which user."""
    credentials = cloud.compute.credentials
    if credentials is None:
        return Identity(cloud.compute.url, "")
    user = credentials.certificate if isinstance(credentials, Certificate) else credentials.username
    return Identity(cloud.compute.url, str(user))

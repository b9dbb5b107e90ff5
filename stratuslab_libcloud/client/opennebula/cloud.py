"""One cloud of today's OpenNebula."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from stratuslab_libcloud.client.opennebula.daemon import Daemon
    from stratuslab_libcloud.client.opennebula.datastores import Datastores
    from stratuslab_libcloud.client.opennebula.image_changes import ImageChanges
    from stratuslab_libcloud.client.opennebula.images import Images
    from stratuslab_libcloud.client.opennebula.machines import Machines
    from stratuslab_libcloud.client.opennebula.networks import Networks
    from stratuslab_libcloud.client.opennebula.users import Users
    from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplates
    from stratuslab_libcloud.config import OpenNebulaConfig


class OpenNebulaCloud(NamedTuple):
    """The objects of one cloud, asked for through one daemon: its connections are few. Threads may share it.

    :param config: where the daemon is and how to speak to it
    """

    config: OpenNebulaConfig
    daemon: Daemon
    compute: Machines
    images: Images
    image_changes: ImageChanges
    templates: VmTemplates
    networks: Networks
    datastores: Datastores
    users: Users

    @classmethod
    def of(cls, config: OpenNebulaConfig, proxy_url: str | None = None) -> OpenNebulaCloud:
        """The cloud of a section. Making it sends nothing.

        :param proxy_url: an HTTP proxy to use instead of the environment's
        """
        # Imported only when a cloud is used: HTTP takes longer to import than the rest of the package.
        from stratuslab_libcloud.client.opennebula.daemon import Daemon
        from stratuslab_libcloud.client.opennebula.datastores import Datastores
        from stratuslab_libcloud.client.opennebula.image_changes import ImageChanges
        from stratuslab_libcloud.client.opennebula.images import Images
        from stratuslab_libcloud.client.opennebula.machines import DIALECT, Machines
        from stratuslab_libcloud.client.opennebula.networks import Networks
        from stratuslab_libcloud.client.opennebula.users import Users
        from stratuslab_libcloud.client.opennebula.vm_templates import VmTemplates

        daemon = Daemon(config.compute, config.session, location=config.section, proxy_url=proxy_url)
        images = Images(daemon)
        return cls(
            config=config,
            daemon=daemon,
            compute=Machines(daemon, DIALECT),
            images=images,
            image_changes=ImageChanges(images, daemon),
            templates=VmTemplates(daemon),
            networks=Networks(daemon),
            datastores=Datastores(daemon),
            users=Users(daemon),
        )

    def close(self) -> None:
        """Close the idle connections."""
        self.daemon.close()

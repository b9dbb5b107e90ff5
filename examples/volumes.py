"""Create a volume, put it into a running machine, take it out again, and destroy both."""

from __future__ import annotations

from clouds import configuration, image_with
from libcloud.compute.providers import get_driver

import stratuslab_libcloud  # noqa: F401 - registers the driver


def main() -> None:
    with configuration() as config:
        driver = get_driver("stratuslab")(stratuslab_user_config=config)

        volume = driver.create_volume(10, "measurements")
        print(f"Created a volume of {volume.size} GiB: {volume.id}")

        image = image_with("Ubuntu", driver)
        node = driver.create_node("reader", None, image)
        print(f"Created machine {node.id} from '{image.name}'")
        driver.wait_until_running([node])

        driver.attach_volume(node, volume)
        [attachment] = volume.extra["attachments"]
        print(f"Attached; in machine {attachment['node_id']} it is /dev/{attachment['device']}")
        for listed in driver.list_volumes(ex_details=True):  # the root disks of running machines are there, too
            print(
                f"  {listed.name or listed.id}: {listed.size} GiB, {listed.state}, {listed.extra['visibility'].lower()}"
            )

        driver.detach_volume(volume)
        print("Detached")

        node.destroy()
        volume.destroy()
        print("Destroyed both. My volumes:", [listed.name for listed in driver.list_volumes() if listed.name])


if __name__ == "__main__":
    main()

"""Create a volume, put it into a running machine, take it out again, and destroy both."""

from __future__ import annotations

from clouds import configuration, image_with

from stratuslab_libcloud import StratusLabNodeDriver


def main() -> None:
    with configuration() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)

        volume = driver.create_volume(10, "measurements")
        print(f"Created a volume of {volume.size} GiB: {volume.id}")

        image = image_with("Ubuntu", driver)
        node = driver.create_node("reader", None, image)
        print(f"Created machine {node.id} from '{image.name}'")
        driver.wait_until_running([node])

        driver.attach_volume(node, volume)
        for attachment in volume.extra["attachments"] or ():
            print(f"Attached; in machine {attachment['node_id']} it is /dev/{attachment['device']}")
        for listed in driver.list_volumes(ex_details=True):  # also asks for what a plain list leaves out
            print(f"  {listed.name or listed.id}: {listed.size} GiB, {listed.state}, {listed.extra['visibility']}")

        driver.detach_volume(volume)
        print("Detached")

        node.destroy()
        volume.destroy()
        print("Destroyed both. My volumes:", [listed.name for listed in driver.list_volumes() if listed.name])


if __name__ == "__main__":
    main()

"""On today's OpenNebula: start a machine, give it a volume, save its disk as an image, and clean up."""

from __future__ import annotations

from clouds import configuration

from stratuslab_libcloud import OpenNebulaNodeDriver


def main() -> None:
    with configuration() as config:
        driver = OpenNebulaNodeDriver(stratuslab_user_config=config)
        print(f"OpenNebula {driver.ex_get_version()}")
        print("Networks:", ", ".join(f"{network.name} ({network.address})" for network in driver.ex_list_networks()))
        for image in driver.list_images(ex_templates=True):
            print(f"  {image.extra['kind']:8} {image.id:11} {image.name}")

        image = next(image for image in driver.list_images() if image.extra["type"] == "OS")
        size = driver.ex_get_size("m1.medium")
        node = driver.create_node("web-1", size, image, networks=["public", "private"], ex_labels=["example"])
        print(f"Created machine {node.id} from '{image.name}'; its addresses are {node.public_ips + node.private_ips}")
        [(node, _)] = driver.wait_until_running([node])
        print(f"Now it is {node.state} on {node.extra['host']}")

        volume = driver.create_volume(1, "data of web-1")
        driver.attach_volume(node, volume, "vdb")
        print(f"Volume {volume.id} is {volume.extra['attachments'][0]['device']}")
        snapshot = driver.create_volume_snapshot(volume, "before the change")
        print(f"Its snapshots: {[each.name for each in driver.list_volume_snapshots(volume)]}")
        driver.detach_volume(volume)

        driver.stop_node(node)
        print(f"Powered off: {driver.ex_get_node(node).extra['state']}")
        golden = driver.create_image(node, "golden", ex_wait=True)
        print(f"Saved its disk as image {golden.id}; it is {golden.extra['state']}")

        driver.destroy_node(node)
        driver.destroy_volume(volume)
        driver.delete_image(golden)
        print(f"Destroyed, and snapshot {snapshot.name!r} with its volume. Machines: {driver.list_nodes()}")


if __name__ == "__main__":
    main()

"""Start a machine on each cloud of the configuration file, and list them all at once."""

from __future__ import annotations

from clouds import configuration, image_with

from stratuslab_libcloud import StratusLabNodeDriver


def main() -> None:
    with configuration() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)

        nodes = []
        for location in driver.list_locations():
            image = image_with("ttylinux", driver, location)
            node = driver.create_node("worker", None, image, location)
            nodes.append(node)
            print(f"Created machine {node.id} at {location.name}, {location.country}: {node.public_ips[0]}")

        driver.wait_until_running(nodes)
        for node in driver.list_nodes():
            print(f"  {node.location.name}: machine {node.id} is {node.state} on {node.extra['host']}")

        driver.ex_destroy_nodes(nodes)
        driver.ex_wait_until_gone(nodes)
        print(
            "Destroyed. All machines:",
            ", ".join(f"{node.name} ({node.state})" for node in driver.list_nodes()) or "none",
        )


if __name__ == "__main__":
    main()

"""Start a machine, watch it until it runs, look at it, and destroy it."""

from __future__ import annotations

from clouds import configuration, image_with

from stratuslab_libcloud import StratusLabNodeDriver


def main() -> None:
    with configuration() as config:
        driver = StratusLabNodeDriver(stratuslab_user_config=config)

        print("Sizes:", ", ".join(size.name for size in driver.list_sizes()))
        size = driver.ex_get_size("m1.large")

        images = driver.list_images()
        print("Images:")
        for image in images:
            print(f"  {image.id}  {image.name}")
        image = image_with("ttylinux", driver)

        node = driver.create_node("my node", size, image)
        print(f"Created machine {node.id} from '{image.name}'; it is {node.state}, its address is {node.public_ips[0]}")

        [(node, addresses)] = driver.wait_until_running([node])
        print(f"Now it is {node.state} on {node.host}, at {addresses[0]}")
        print("All machines:", ", ".join(f"{node.name} ({node.state})" for node in driver.list_nodes()))

        node.destroy()
        driver.ex_wait_until_gone([node])
        print(
            "Destroyed. All machines:",
            ", ".join(f"{node.name} ({node.state})" for node in driver.list_nodes()) or "none",
        )


if __name__ == "__main__":
    main()

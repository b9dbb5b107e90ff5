#!/usr/bin/env python3
"""An Ansible inventory: all machines of the user's StratusLab clouds, in groups by what they are.

ansible-playbook -i ansible_inventory.py site.yml

The clouds are those of ~/.stratuslab/stratuslab-user.cfg, or of the file that STRATUSLAB_CONFIG names.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import defaultdict
from typing import Any

from stratuslab_libcloud import StratusLabNodeDriver


def inventory() -> dict[str, Any]:
    """What Ansible wants to know, for ``--list``."""
    groups: dict[str, list[str]] = defaultdict(list)
    hosts: dict[str, dict[str, Any]] = {}
    with StratusLabNodeDriver(stratuslab_user_config=os.environ.get("STRATUSLAB_CONFIG")) as driver:
        driver.list_images()  # so that the nodes have their images' names
        for node in driver.list_nodes(ex_state="running"):
            addresses = [*node.public_ips, *node.private_ips]
            if not addresses:
                continue
            hosts[node.name] = {"ansible_host": addresses[0], "ansible_user": "root", "stratuslab_id": node.id}
            image = node.image.name if node.image else "unknown"
            tags = [f"tag_{name}" for name in node.extra["tags"]]
            for group in (node.location.id, f"image_{image}", f"size_{node.size.id}", *tags):
                groups[re.sub(r"\W", "_", group)].append(node.name)
            if node.extra["key_name"]:
                groups[f"key_{node.extra['key_name']}"].append(node.name)
    return {"_meta": {"hostvars": hosts}, **{name: {"hosts": members} for name, members in groups.items()}}


if __name__ == "__main__":
    print(json.dumps(inventory() if "--list" in sys.argv else {}, indent=2))

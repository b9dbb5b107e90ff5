"""Run all examples on a sandbox, one after another: ``make demo``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from clouds import sandboxes

HERE = Path(__file__).parent
EXAMPLES = ("create_node.py", "deploy_node.py", "volumes.py", "several_clouds.py", "opennebula.py")


def main() -> int:
    started = time.monotonic()
    with sandboxes() as config:
        print("Two StratusLab clouds and an OpenNebula run on loopback. The configuration file that names them:")
        print(f"\n{shown(config)}")
        failed = [name for name in EXAMPLES if not run(name, config)]
    results = [f"  {'failed' if name in failed else 'ok':7}{name}" for name in EXAMPLES]
    print(f"\nThe sandboxes are gone again. After {time.monotonic() - started:.1f} s:", *results, sep="\n")
    return 1 if failed else 0


def shown(config: Path) -> str:
    lines = config.read_text().splitlines()
    return "\n".join("    " + ("password = ..." if line.startswith("password") else line) for line in lines)


def run(name: str, config: Path) -> bool:
    print(f"\n== examples/{name}\n", flush=True)
    return subprocess.run([sys.executable, HERE / name, config], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

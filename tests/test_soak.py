"""A short soak test; the long one is ``make soak``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parent.parent / "benchmarks" / "soak.py"


def test_nothing_is_lost_or_doubled_when_requests_fail() -> None:
    command = [sys.executable, SOAK, "--minutes", "0.05", "--creations", "40", "--threads", "4", "--seed", "7"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    for what in ("machines", "disks"):
        assert re.search(rf"^\| {what} (\| \d+ ){{5}}\| 0 \| 0 \| 0 \|$", result.stdout, re.MULTILINE)
    for kind in ("reset-after", "proxy-fault-after", "doubled"):
        assert f"| {kind} |" in result.stdout

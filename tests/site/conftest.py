"""The site, which is built by ``make docs``."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Sphinx is no part of the tests' environment: `make docs` installs it, and runs these.
collect_ignore_glob = [] if find_spec("sphinx") else ["test_*.py"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the site's files: the one that is built already, or a new one."""
    if "SITE" in os.environ:
        return Path(os.environ["SITE"]).absolute()
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"]
    result = subprocess.run([*command, str(ROOT / "docs"), str(folder)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return folder

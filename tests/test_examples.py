"""The examples, run as a user runs them: as programs, on a sandbox of their own and with a configuration file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"

SAID = {
    "create_node.py": ["Created machine 0 from 'ttylinux'", "Now it is running on node1.example.org", "Destroyed"],
    "opennebula.py": [
        "OpenNebula 7.4",
        "Now it is running on host",
        "is vdb",
        "POWEROFF",
        "it is READY",
        "Destroyed",
    ],
    "volumes.py": ["Created a volume of 10 GiB", "it is /dev/vdz", "measurements: 10 GiB, inuse, PRIVATE", "Detached"],
    "several_clouds.py": ["Sandbox One: machine 0 is running", "Sandbox Two: machine 0 is running", "Destroyed"],
    "dask_cluster.py": [
        "The dashboard is at http://127.",
        "2 workers say that the squares up to 999 sum up to 332833500",
    ],
    "deploy_node.py": ["hello from machine one", "STRATUSLAB_WAS_HERE", "ended with 0", "Destroyed"],
}


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", EXAMPLES / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def test_each_example_is_run_here() -> None:
    assert set(SAID) == {file.name for file in EXAMPLES.glob("*.py")} - {"clouds.py", "demo.py"}


@pytest.mark.parametrize("name", sorted(SAID))
def test_an_example_on_a_sandbox(name: str) -> None:
    result = run(name, "sandbox")
    assert result.returncode == 0, result.stderr
    for words in SAID[name]:
        assert words in result.stdout


def test_an_example_with_a_configuration_file(config_file: Path) -> None:
    result = run("create_node.py", config_file)
    assert result.returncode == 0, result.stderr
    assert "Destroyed" in result.stdout


def test_an_example_wants_to_be_told_where() -> None:
    result = run("create_node.py")
    assert result.returncode == 2
    assert "CLOUD" in result.stderr


def test_the_demo() -> None:
    result = run("demo.py")
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("  ok ") == len(SAID) - 1  # the one with Dask needs more packages


def test_an_example_that_is_terminated_leaves_no_files(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "demo.py"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "== examples/create_node.py\n" in iter(process.stdout.readline, "")
        assert list(tmp_path.iterdir()) != []
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_a_project_whose_tests_use_the_fixtures() -> None:
    assert not [*(EXAMPLES / "batch").glob("conftest.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", EXAMPLES / "batch"]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES / "batch"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False, env=environment)
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout

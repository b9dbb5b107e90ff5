"""The sandbox where what it stands on is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

REMEDY = "pip install 'stratuslab-libcloud-drivers[sandbox]>=26'"


def python_without(package: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that cannot import a package."""
    hidden = f"import sys; sys.modules[{package!r}] = None\n"
    return subprocess.run([sys.executable, "-c", hidden + program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("package", ["flask", "asyncssh", "configupdater", "trustme"])
def test_the_library_says_how_to_install_it(package: str) -> None:
    program = "try:\n    import stratuslab_libcloud.sandbox.faults\nexcept ImportError as error:\n    print(error)"
    done = python_without(package, program)
    assert done.stdout == f"The sandbox needs {package}, which is not installed: {REMEDY}\n", done.stderr


def test_so_does_the_command() -> None:
    program = "from stratus_commands.sandbox import main\nsys.exit(main(['--help']))"
    done = python_without("flask", program)
    assert done.stderr == f"stratuslab-sandbox: The sandbox needs flask, which is not installed: {REMEDY}\n"
    assert (done.returncode, done.stdout) == (1, "")

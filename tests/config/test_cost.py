"""What it costs to import the configuration and to read a large one."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from stratuslab_libcloud.config import UserConfiguration

Load = Callable[..., UserConfiguration]


def test_what_a_reader_of_files_needs_is_not_imported_before() -> None:
    program = "import sys, stratuslab_libcloud.config; print(*{'configparser', 'difflib', 'uuid'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_fifty_sections(load: Load) -> None:
    section = "[{0}]\nname = {0}\ncountry = FR\nendpoint = {0}.example.org\npassword = a%%b\nvm_disks_bus = ide\n"
    text = "[default]\nusername = jane\n" + "".join(section.format(f"cloud-{number}") for number in range(50))

    def seconds() -> float:
        begin = time.process_time()
        configuration = load(text)
        assert len([configuration.place(name) for name in configuration.sections]) == 51
        return time.process_time() - begin

    assert min(seconds() for _ in range(5)) < 0.02

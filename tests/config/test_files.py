"""Files that a user names."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from stratuslab_libcloud.config import UserConfiguration
from stratuslab_libcloud.config.files import MAX_FILE, read_file
from stratuslab_libcloud.errors import ConfigurationError


def test_a_small_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * MAX_FILE)
    assert read_file(file) == b"x" * MAX_FILE


@pytest.fixture(params=["long", "pipe", "/dev/zero", "/dev/stdin", "directory"])
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that is too long, or none."""
    file = tmp_path / "file"
    if request.param.startswith("/"):
        return Path(request.param)
    if request.param == "long":
        file.touch()
        os.truncate(file, 100 << 20)
    elif request.param == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    return file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_might_never_end_is_no_configuration(endless: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"regular file|more than|directory|device"):
        read_file(endless)
    with pytest.raises(ConfigurationError, match=f"The configuration file {endless} cannot be read"):
        UserConfiguration.load(endless)
    config = tmp_path / "names-it.cfg"
    config.write_text(f"[default]\nendpoint = x\npem_certificate = {endless}\npem_key = {endless}\n")
    from stratuslab_libcloud.config.credentials import check_credentials

    credentials = UserConfiguration.load(config).cloud("default").compute.credentials
    assert credentials is not None
    with pytest.raises(ConfigurationError, match="cannot be read"):
        check_credentials(credentials)


def test_a_pipe_that_somebody_writes_into_is_refused_as_well(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(pipe, os.O_WRONLY)
    os.write(writer, b"[default]\n")
    done = threading.Event()
    try:
        with pytest.raises(OSError, match="regular file"):
            read_file(pipe)
        done.set()
    finally:
        os.close(reader)
        os.close(writer)
    assert done.is_set()

"""The command ``stratuslab-sandbox``, run as one runs it."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests

from stratuslab_libcloud.sandbox import DEFAULT_USERS, Sandbox, __main__

from ..sandbox.conftest import OTHER_KEY, public

COMMAND = [sys.executable, "-m", "stratuslab_libcloud.sandbox"]


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command and what it said when it had started; its configuration file is in the folder."""
    if "--config" not in arguments:
        arguments = (*arguments, "--config", "stratuslab-sandbox.cfg")
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process, process.stdout, process.stderr:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        else:
            pytest.fail(process.stderr.read())
        try:
            yield process, said
        finally:
            process.kill()


def section(file: Path, name: str = "default") -> configparser.SectionProxy:
    parser = configparser.ConfigParser()
    parser.read(file)
    return parser[name]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended(tmp_path: Path, end: signal.Signals) -> None:
    with running(tmp_path, "--boot-seconds", "0") as (process, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        assert config["endpoint"] in said
        assert str(tmp_path / "stratuslab-sandbox.cfg") in said
        assert requests.get(f"{config['marketplace_endpoint']}/metadata", timeout=5).status_code == 200
        process.send_signal(end)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_it_can_be_an_opennebula_cloud(tmp_path: Path, version: str) -> None:
    with running(tmp_path, "--kind", "opennebula", "--opennebula-version", version) as (_, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        assert config["kind"] == "opennebula"
        assert config["endpoint"] in said
        with xmlrpc.client.ServerProxy(config["endpoint"]) as proxy:
            session = f"{config['username']}:{config['password']}"
            assert proxy.one.system.version(session) == [True, f"{version}.0", 0]


@pytest.mark.parametrize("kind", ["stratuslab", "opennebula"])
def test_it_says_where_its_page_is(tmp_path: Path, kind: str) -> None:
    with running(tmp_path, "--kind", kind, "--tls", "--verbose") as (process, said):
        [(url, token)] = re.findall(r"^  (http://127\.0\.0\.1:\d+/)#token=(\S+)$", said, re.MULTILINE)
        assert requests.get(url, timeout=5).status_code == 200
        answer = requests.get(f"{url}cloud", headers={"X-Sandbox-Token": token}, timeout=5)
        assert section(tmp_path / "stratuslab-sandbox.cfg")["endpoint"] in answer.text
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""  # what the page is asked is not among the requests that are shown


def test_its_clock_is_moved_on_its_page(tmp_path: Path) -> None:
    with running(tmp_path, "--manual-clock") as (_, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        [(url, token)] = re.findall(r"(http://127\.0\.0\.1:\d+/)#token=(\S+)", said)
        answer = requests.post(
            config["endpoint"].replace("/xmlrpc", "/pswd/xmlrpc"),
            data=xmlrpc.client.dumps(("", "CPU=1"), "one.vm.allocate"),
            auth=(config["username"], config["password"]),
            timeout=5,
        )
        assert answer.status_code == 200
        for move, state in (("0", "PENDING"), ("60", "RUNNING")):
            answer = requests.post(f"{url}clock", data={"move": move}, headers={"X-Sandbox-Token": token}, timeout=5)
            assert f">{state}</span>" in answer.text.partition("</td>")[0]


def test_it_makes_a_pair_of_keys_once(tmp_path: Path) -> None:
    with running(tmp_path, "--config", "cloud.cfg"):
        public = Path(section(tmp_path / "cloud.cfg")["user_public_key_file"])
    assert public.read_text().startswith("ssh-ed25519 ")
    assert stat.S_IMODE(public.with_suffix("").stat().st_mode) == 0o600
    before = public.read_text()
    with running(tmp_path, "--config", "cloud.cfg"):
        assert public.read_text() == before


def test_users_and_section_are_as_one_says(tmp_path: Path) -> None:
    with running(tmp_path, "--user", "jane:a:b%", "--user", "joe:x", "--section", "home") as (_, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg", "home")
        assert (config["username"], config["password"]) == ("jane", "a:b%")
        for name in ("jane", "joe"):
            assert name in said
        answer = requests.get(f"{config['pdisk_endpoint']}/pswd/disks", auth=("joe", "x"), timeout=5)
        assert answer.status_code == 200


def test_the_state_survives(tmp_path: Path) -> None:
    arguments = ("--state", "state.json", "--boot-seconds", "0")
    with running(tmp_path, *arguments) as (process, _):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        call = xmlrpc.client.dumps(("", 'NAME="kept"'), "one.vm.allocate")
        url = config["endpoint"].replace("/xmlrpc", "/pswd/xmlrpc")
        assert requests.post(url, data=call, auth=("alice", config["password"]), timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    with running(tmp_path, *arguments):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        call = xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info")
        url = config["endpoint"].replace("/xmlrpc", "/pswd/xmlrpc")
        assert "kept" in requests.post(url, data=call, auth=("alice", config["password"]), timeout=5).text


def test_a_daemon_that_starts(tmp_path: Path) -> None:
    with running(tmp_path, "--start-seconds", "1000"):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        call = xmlrpc.client.dumps(("", -3, -1, -1, -1), "one.vmpool.info")
        url = config["endpoint"].replace("/xmlrpc", "/pswd/xmlrpc")
        answer = requests.post(url, data=call, auth=("alice", config["password"]), timeout=5)
        assert "be authenticated, aborting call" in answer.text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--user", "jane"], "NAME:PASSWORD is wanted, not 'jane'"),
        (["--kind", "openstack"], "invalid choice: 'openstack'"),
        (["--opennebula-version", "6.10"], "--opennebula-version is only for --kind opennebula"),
        (["--kind", "opennebula", "--opennebula-version", "3.2"], "invalid choice: '3.2'"),
        (["--kind", "opennebula", "--state", "s"], "--state is only for --kind stratuslab, not for --kind opennebula"),
        (["--kind", "opennebula", "--certificate", "Jane"], "--certificate is only for --kind stratuslab"),
        (["--kind", "opennebula", "--entries", "empty"], "--entries is only for --kind stratuslab"),
        (["--kind", "opennebula", "--machine-limit", "0"], "--machine-limit is only for --kind stratuslab"),
        (["--kind", "opennebula", "--start-seconds", "1"], "--start-seconds is only for --kind stratuslab"),
        (["--kind", "opennebula", "--keep-alive", "3:1"], "--keep-alive is only for --kind stratuslab"),
        (
            ["--kind", "opennebula", "--fault", "compute:*:delay"],
            "there is no service 'compute'; choose one of: opennebula",
        ),
        (["--port", "http"], "a port number is wanted"),
        (["--port", "65536"], "a port number is wanted"),
        (["--boot-seconds", "-1"], "a number of seconds is wanted, 0 or more, not '-1'"),
        (["--boot-seconds", "nan"], "a number of seconds is wanted, 0 or more, not 'nan'"),
        (["--entries", "nowhere"], "there is no folder 'nowhere'"),
        (["--entries", "empty"], "there is no Marketplace entry in the *.xml files of the folder empty"),
        (["--public-key", "nowhere"], "'nowhere' cannot be read: No such file or directory"),
        (["--public-key", "broken.json"], "there is no public key in 'broken.json'"),
        (["--machine-limit", "-1"], "the limit on a user's machines is 0 or more, not -1"),
        (["--section", "instance_types"], "the section [instance_types] is reserved"),
        (["--section", "a]b"], "a section's name is printable text on one line without ']', not 'a]b'"),
        (["--fault", "compute:allocate"], "SERVICE:OPERATION:KIND[:CHANCE[:NUMBER]] is wanted"),
        (["--fault", "cloud:*:delay"], "there is no service 'cloud'; choose one of: compute, disks, marketplace, pat"),
        (["--fault", "compute:allocate:delay"], "has no operation 'allocate'; choose one of: one.vm.allocate,"),
        (["--fault", "::tls"], "the fault 'tls' can only happen with --tls"),
        (["--keep-alive", "30"], "REQUESTS:SECONDS is wanted, not '30'"),
        (["--keep-alive", "30:"], "REQUESTS:SECONDS is wanted, not '30:'"),
        (["--keep-alive", "x:1"], "REQUESTS:SECONDS is wanted, not 'x:1'"),
        (["--keep-alive", "0:1"], "a connection is kept for 1 request or more, not 0"),
        (["--keep-alive", "1:0"], "a number of idle seconds above 0, not 0.0"),
        (["--state", "broken.json"], "broken.json is not a file that"),
        (["--state", "nowhere/state"], "there is no folder nowhere to keep a state file in"),
        (["--state", "empty"], "the state file empty cannot be read: Is a directory"),
        (["--config", "no/folder/file"], "the configuration cannot be written"),
        (["--config", "real.cfg"], "choose another file or section with --config or --section"),
        (["--config", "broken.json"], "broken.json exists, but is not a configuration file"),
    ],
)
def test_mistakes_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "real.cfg").write_text("[default]\nendpoint = cloud.example.org\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as exit_:
        __main__.main(arguments)
    assert exit_.value.code == 2
    assert complaint in capsys.readouterr().err


def test_output_that_nobody_reads_ends_it_quietly(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = subprocess.run(COMMAND, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=30)
    finally:
        os.close(writing)
    assert (command.returncode, command.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = subprocess.run(COMMAND, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert "error: the instructions cannot be printed: No space left on device" in command.stderr
    assert "Traceback" not in command.stderr


def test_a_state_file_that_is_in_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "state.json"
    with Sandbox(state_file=file), pytest.raises(SystemExit) as exit_:
        __main__.main(["--state", str(file), "--config", str(tmp_path / "cfg")])
    assert exit_.value.code == 2
    assert f"another sandbox that is running keeps its state in {file}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--section", 'my "cloud"'],
        ["--certificate", "Jane"],
        ["--kind", "opennebula"],
        ["--kind", "opennebula", "--tls", "--section", "one"],
    ],
)
def test_what_it_says_to_do_works(tmp_path: Path, arguments: list[str]) -> None:
    with running(tmp_path, *arguments) as (_, said):
        program = textwrap.dedent(said[said.index("  import ") : said.index("driver.list_images()")])
        found: dict[str, Any] = {}
        exec(program, found)
        assert len(found["driver"].list_images()) > 1
        [command] = re.findall(r"^  (stratus-list-images .*)$", said, re.MULTILINE)
        words = shlex.split(command)
        words[0] = str(Path(sys.executable).with_name(words[0]))
        assert len(subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout) > 100


def test_a_key_of_ones_own_is_used(tmp_path: Path) -> None:
    key = tmp_path / "mine.pub"
    key.write_text(public(OTHER_KEY))
    with running(tmp_path, "--public-key", "mine.pub"):
        assert section(tmp_path / "stratuslab-sandbox.cfg")["user_public_key_file"] == str(key)


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            __main__.main(["--port", str(port), "--config", str(tmp_path / "cfg")])
    assert f"it cannot listen on port {port}" in capsys.readouterr().err


def test_the_default_users_are_those_of_the_library(tmp_path: Path) -> None:
    with running(tmp_path) as (_, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        assert config["username"] == DEFAULT_USERS[0]
        assert config["password"] in said
        for name in DEFAULT_USERS:
            assert name in said


def test_faults_and_kept_connections_are_as_one_says(tmp_path: Path) -> None:
    arguments = ("--fault", "marketplace:GET /metadata:status:1:418", "--seed", "7", "--keep-alive", "30:15")
    with running(tmp_path, *arguments):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        assert requests.get(f"{config['marketplace_endpoint']}/metadata", timeout=5).status_code == 418


def test_a_user_with_a_certificate(tmp_path: Path) -> None:
    with running(tmp_path, "--certificate", "Jane Tester") as (_, said):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        assert "  Jane Tester  (by certificate)\n" in said
        for key in ("tls_ca_bundle", "pem_certificate", "pem_key"):
            assert f"  {config[key]}  (removed at the end)\n" in said
        assert "username" not in config
        with requests.Session() as session:
            session.trust_env = False
            session.verify = config["tls_ca_bundle"]
            session.cert = (config["pem_certificate"], config["pem_key"])
            assert session.get(f"{config['pdisk_endpoint']}/cert/disks", timeout=5).status_code == 200


def test_it_says_which_files_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        process.kill()
    folder = tmp_path / "state" / "stratuslab-sandbox"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    written = sorted(str(file) for file in folder.iterdir())
    assert written
    assert [line.strip() for line in said.splitlines() if str(folder) in line and "import" not in line][: len(written)]
    for file in written:
        assert f"  {file}\n" in said
    assert [path for path in tmp_path.iterdir() if path.name != "state"] == []


def test_each_kind_of_cloud_has_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for kind in ("stratuslab", "opennebula"):
        with subprocess.Popen([*COMMAND, "--kind", kind], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert "Ctrl-C stops it.\n" in iter(process.stdout.readline, "")
            process.terminate()
    folder = tmp_path / "stratuslab-sandbox"
    assert "kind" not in section(folder / "stratuslab-user.cfg")
    assert section(folder / "opennebula-user.cfg")["kind"] == "opennebula"


def test_help_says_what_is_only_for_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    stratuslab, opennebula = said.index("only with --kind stratuslab"), said.index("only with --kind opennebula:")
    for option in ("--machine-limit N how", "--state FILE save", "--certificate NAME add"):
        assert stratuslab < said.index(option) < opennebula
    assert opennebula < said.index("--opennebula-version VERSION which") < said.index("its configuration file:")
    assert "'opennebula:one.vm.allocate:" in said


def test_a_signal_while_it_starts_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    start = Sandbox.start

    def interrupted(sandbox: Sandbox) -> Sandbox:
        start(sandbox)
        assert list(tmp_path.iterdir()) != []
        os.kill(os.getpid(), signal.SIGTERM)
        return sandbox

    monkeypatch.setattr(Sandbox, "start", interrupted)
    with tempfile.TemporaryDirectory(dir=tmp_path.parent) as folder:
        before = signal.getsignal(signal.SIGTERM)
        assert __main__.main(["--tls", "--config", f"{folder}/cfg"]) == 0
        assert signal.getsignal(signal.SIGTERM) is before
    assert list(tmp_path.iterdir()) == []


def test_requests_are_shown_as_they_come(tmp_path: Path) -> None:
    with running(tmp_path, "--verbose") as (process, _):
        config = section(tmp_path / "stratuslab-sandbox.cfg")
        auth = (config["username"], config["password"])
        requests.get(f"{config['pdisk_endpoint']}/pswd/disks", auth=auth, timeout=5)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.endswith(" disks: GET /disks by alice: 200\n")
        assert config["password"] not in line


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        __main__.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"{version('stratuslab-libcloud-drivers')}\n"


# The interpreter is imported as the tests' own user; another one may not be allowed to read it.
AS_NOBODY = """
import os, sys
from stratuslab_libcloud.sandbox import __main__
if os.getuid() == 0:
    os.setgroups([]), os.setgid(54321), os.setuid(54321)
sys.exit(__main__.main(sys.argv[1:]))
"""


def test_a_user_without_a_home_and_a_name(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_STATE_HOME")}
    command = [sys.executable, "-c", AS_NOBODY]
    with subprocess.Popen(
        command, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read() == ""
    config = next(Path(line.strip()) for line in said.splitlines() if line.endswith("stratuslab-user.cfg"))
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    shutil.rmtree(config.parent)

"""Calls to a daemon of today: the forms of its answers, and what its codes mean."""

from __future__ import annotations

import re
import time
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest
import requests_mock

from stratuslab_libcloud.client.opennebula.daemon import Daemon, read_id, read_nothing, read_text
from stratuslab_libcloud.client.opennebula.xmlrpc import FaultError, RefusalError, call_body, reply_text
from stratuslab_libcloud.client.xml_stream import UnreadableDocumentError
from stratuslab_libcloud.config import Password, ServiceConfig, SessionPassword
from stratuslab_libcloud.errors import (
    Call,
    ConflictError,
    InvalidArgumentError,
    LimitExceededError,
    MalformedReplyError,
    NameTakenError,
    NotFoundError,
    PermissionDeniedError,
    RefusedCredentialsError,
    RequestRejectedError,
    ServiceError,
    ServiceTimeoutError,
    ServiceUnavailableError,
)


@pytest.fixture
def daemon(scripted_daemon: Any) -> Daemon:
    config = ServiceConfig(scripted_daemon.url, SessionPassword("jane", "a:b"), None, 5, 4, 1 << 20)
    return Daemon(config, "jane:a:b", location="here")


def test_the_session_goes_first_and_nothing_of_http(daemon: Daemon, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.system.version"] = "7.4.0"
    assert daemon.call("one.system.version", read=read_text) == "7.4.0"
    assert scripted_daemon.sessions == ["jane:a:b"]
    assert "Authorization" not in scripted_daemon.headers[0]
    assert [scripted_daemon.headers[0][name] for name in ("Content-Type", "Accept")] == ["text/xml", "text/xml"]
    assert daemon.timeout == 5


def test_a_boolean_is_a_boolean_to_the_daemon_and_an_int_is_not() -> None:
    """The types are strict: `1` for hold is answered by the fault -501."""
    parameters, _ = xmlrpc.client.loads(call_body("one.vm.allocate", ("s", "<TEMPLATE/>", True, 1)))
    assert parameters[2] is True
    assert parameters[3] == 1
    assert parameters[3] is not True


def meaning_of(body: bytes) -> str:
    try:
        return "".join(reply_text([body]))
    except RefusalError as error:
        return str(error.code)
    except FaultError as error:
        return f"fault {error.code}"


@pytest.mark.parametrize("version", ["6.10", "7.4"])
def test_each_kind_of_real_answer(real_samples: Path, version: str) -> None:
    """Five items, the last one an i8; 200 for all of them."""
    text = (real_samples / f"opennebula-today/{version}-responses.txt").read_text()
    codes = {}
    for heading, answer in re.findall(r"##### (.*?)\n(.*?)(?=\n##### |\Z)", text, re.DOTALL):
        body = answer[answer.index("<?xml") :].strip().encode()
        codes[heading.partition(":")[0]] = meaning_of(body)
    assert codes["success with text"].startswith(version)
    assert codes["success with a number"].isdigit()
    assert (codes["no such object"], codes["wrong state"], codes["not authorized"]) == ("1024", "2048", "512")
    assert (codes["authentication"], codes["parse error"], codes["name taken"]) == ("256", "8192", "16384")
    assert (codes["over quota"], codes["fault"]) == ("512", "fault -506")


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (256, "User couldn't be authenticated, aborting call.", RefusedCredentialsError),
        (512, "User [2] : Not authorized to perform ADMIN VM [151].", PermissionDeniedError),
        (1024, "Error getting virtual machine [99999].", NotFoundError),
        (2048, 'Error performing action "reboot": This action is not available for state HOLD', ConflictError),
        (4096, "Incorrect filter_flag", RequestRejectedError),
        (8192, "Parse error: syntax error", RequestRejectedError),
        (16384, "Error allocating a new image. Invalid NAME, it cannot be empty", RequestRejectedError),
        (32768, "LOCKED, which no daemon was seen to say", RequestRejectedError),
        (65536, "REPLICATION, which no daemon was seen to say", RequestRejectedError),
        (16384, "Error allocating a new image. NAME is already taken by IMAGE 3.", NameTakenError),
        (2048, "image cannot be renamed to data1 because it collides with image 3", NameTakenError),
        (512, "User [5] : user [5] limit of 1 reached for CPU quota in VM.", LimitExceededError),
        (2048, "user [5] limit of 1 reached for RUNNING_VMS quota in VM", LimitExceededError),
        (512, "User [2] : num_vms quota exceeded (Quota: 2, Used: 2, Requested: 1).", LimitExceededError),
        (8192, "Error allocating a new virtual machine. NAME 'my quota' is not valid.", RequestRejectedError),
    ],
)
def test_the_error_of_a_refusal(
    daemon: Daemon, scripted_daemon: Any, refused: Any, code: int, text: str, kind: type[ServiceError]
) -> None:
    scripted_daemon.answers["one.vm.action"] = refused(code, f"[one.vm.action] {text}")
    with pytest.raises(kind) as caught:
        daemon.call("one.vm.action", "resume", 1, read=read_nothing)
    assert type(caught.value) is kind
    assert caught.value.service_message == text
    assert not caught.value.outcome_unknown
    who = kind is RefusedCredentialsError
    words = "the user name with this password was refused" if who else "the service refused the request"
    assert str(caught.value) == f"{words}: {text} ({daemon.asked('one.vm.action')})"
    assert len(scripted_daemon.calls) == 1


def test_a_quota_says_what_is_limited_and_to_how_much(daemon: Daemon, scripted_daemon: Any, refused: Any) -> None:
    text = "[one.image.allocate] User [5] : user [5] limit of 20 reached for SIZE quota in DATASTORE with ID: 100."
    scripted_daemon.answers["one.image.allocate"] = refused(512, text)
    with pytest.raises(LimitExceededError) as caught:
        daemon.call("one.image.allocate", "<TEMPLATE/>", 100, read=read_id)
    assert (caught.value.resource, caught.value.limit) == ("DATASTORE SIZE", "20")


@pytest.mark.parametrize("code", [-501, -503, -506])
def test_a_fault_of_the_daemon_is_a_rejected_request(daemon: Daemon, scripted_daemon: Any, code: int) -> None:
    scripted_daemon.answers["one.vm.info"] = xmlrpc.client.Fault(code, "Not enough parameters")
    with pytest.raises(RequestRejectedError, match=rf"Not enough parameters \({code}\)") as caught:
        daemon.call("one.vm.info", read=read_text, repeatable=True)
    assert not caught.value.outcome_unknown
    assert len(scripted_daemon.calls) == 1


PROXY_FAULTS = [
    xmlrpc.client.Fault(0, "Failed to read server's response: Connection refused"),
    xmlrpc.client.Fault(0, "Failed to create input stream: Unexpected end of file from server"),
    xmlrpc.client.Fault(-500, "anything else"),
]


def one_after_another(*answers: Any) -> Any:
    """A scripted answer that is another one at each call."""
    rest = iter(answers)
    return lambda *_: next(rest)


@pytest.mark.parametrize("fault", PROXY_FAULTS, ids=lambda fault: fault.faultString)
def test_a_fault_of_the_proxy_says_nothing_about_the_call(daemon: Daemon, scripted_daemon: Any, fault: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = one_after_another(fault, fault, "there")
    assert daemon.call("one.vm.info", read=read_text, repeatable=True) == "there"
    scripted_daemon.answers["one.vm.allocate"] = fault
    with pytest.raises(ServiceUnavailableError, match=re.escape(fault.faultString)) as caught:
        daemon.call("one.vm.allocate", "CPU=1", read=read_id)
    assert caught.value.outcome_unknown
    assert [method for method, *_ in scripted_daemon.calls].count("one.vm.allocate") == 1


def test_a_proxy_that_no_longer_waits_for_the_daemon(daemon: Daemon, scripted_daemon: Any) -> None:
    """The daemon may still carry the call out."""
    scripted_daemon.answers["one.vm.allocate"] = xmlrpc.client.Fault(0, "Failed to read server's response: timed out")
    with pytest.raises(ServiceTimeoutError) as caught:
        daemon.call("one.vm.allocate", "CPU=1", read=read_id)
    assert caught.value.outcome_unknown


def test_a_proxy_that_does_not_know_the_user(daemon: Daemon, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = xmlrpc.client.Fault(0, "certificate DN or username not provided")
    with pytest.raises(RefusedCredentialsError):
        daemon.call("one.vm.info", read=read_text, repeatable=True)
    assert len(scripted_daemon.calls) == 1


def test_a_daemon_that_is_starting_is_asked_again_also_for_a_write(
    daemon: Daemon, scripted_daemon: Any, refused: Any
) -> None:
    starting = refused(512, "[VirtualMachineAllocate] Could not find Authorization driver.")
    scripted_daemon.answers["one.vm.allocate"] = one_after_another(starting, starting, 7)
    assert daemon.call("one.vm.allocate", "CPU=1", read=read_id) == 7
    scripted_daemon.answers["one.vm.info"] = starting
    with pytest.raises(ServiceUnavailableError, match="Could not find Authorization driver") as caught:
        daemon.call("one.vm.info", read=read_text, repeatable=True, timeout=1)
    assert not caught.value.outcome_unknown


def test_a_missing_page_is_not_a_missing_machine(scripted_daemon: Any) -> None:
    config = ServiceConfig(scripted_daemon.url + "/x", SessionPassword("jane", "a:b"), None, 5, 4, 1 << 20)
    with pytest.raises(RequestRejectedError, match="status 404: there is no such service at this URL") as caught:
        Daemon(config, "jane:a:b", location="here").call("one.vm.action", "finalize", 7, read=read_id, repeatable=True)
    assert caught.value.http_code == 404


def test_an_answer_that_cannot_be_read_is_asked_for_again(daemon: Daemon, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = one_after_another("x", "7")
    assert daemon.call("one.vm.info", read=read_id, repeatable=True) == 7
    scripted_daemon.answers["one.vm.allocate"] = "x"
    with pytest.raises(MalformedReplyError) as caught:
        daemon.call("one.vm.allocate", read=read_id)
    assert caught.value.outcome_unknown
    assert [method for method, *_ in scripted_daemon.calls].count("one.vm.allocate") == 1


def test_an_id_that_is_none(daemon: Daemon, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.allocate"] = "yes"
    with pytest.raises(MalformedReplyError, match="it should contain an ID"):
        daemon.call("one.vm.allocate", "<TEMPLATE/>", read=read_id)


def test_a_secret_answer_is_not_in_the_wire_log(
    daemon: Daemon, scripted_daemon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document of a user has the tokens in clear."""
    from libcloud.utils.loggingconnection import LoggingConnection

    scripted_daemon.answers["one.user.info"] = "<USER><LOGIN_TOKEN><TOKEN>hush</TOKEN></LOGIN_TOKEN></USER>"
    with (tmp_path / "debug").open("w") as log:
        monkeypatch.setattr(LoggingConnection, "log", log)
        daemon.call("one.user.info", -1, read=read_text, answer_is_secret=True)
        daemon.call("one.user.info", -1, read=read_text)
    logged = (tmp_path / "debug").read_text()
    assert logged.count("HTTP 200") == 2
    assert logged.count("hush") == 1
    assert "a:b" not in logged


def test_what_was_asked_of_whom(daemon: Daemon, scripted_daemon: Any, refused: Any) -> None:
    asked = Call("here", "compute", "one.vm.info", scripted_daemon.url)
    assert daemon.asked("one.vm.info") == asked
    scripted_daemon.answers["one.vm.info"] = refused(1024, "gone")
    with pytest.raises(NotFoundError) as caught:
        daemon.call("one.vm.info", 7, read=read_text)
    assert caught.value.call == asked


def test_characters_that_xml_does_not_have_are_replaced_when_it_is_asked_again(
    daemon: Daemon, scripted_daemon: Any
) -> None:
    """Only then: a good answer costs nothing more."""
    scripted_daemon.answers["one.vm.info"] = "a HERE b"
    scripted_daemon.replace = (b"HERE", b"\xff&#1;")
    assert daemon.call("one.vm.info", 7, read=read_text, repeatable=True) == "a \ufffd? b"
    assert len(scripted_daemon.calls) == 2
    scripted_daemon.calls.clear()
    scripted_daemon.replace = (b"", b"")
    assert daemon.call("one.vm.info", 7, read=read_text, repeatable=True) == "a HERE b"
    assert len(scripted_daemon.calls) == 1


def test_a_call_has_its_own_time_limit(daemon: Daemon, scripted_daemon: Any) -> None:
    scripted_daemon.answers["one.vm.info"] = lambda *_: time.sleep(1.5) or "late"  # type: ignore[func-returns-value]
    started = time.monotonic()
    with pytest.raises(ServiceTimeoutError):
        daemon.call("one.vm.info", 7, read=read_text, timeout=0.3)
    assert time.monotonic() - started < 1.2


def test_a_request_that_is_too_long_is_not_sent(scripted_daemon: Any) -> None:
    config = ServiceConfig(scripted_daemon.url, SessionPassword("jane", "a:b"), None, 5, 4, 1 << 20)
    size = len(call_body("one.vm.allocate", ("jane:a:b", "template")))
    scripted_daemon.answers["one.vm.allocate"] = 7
    for room in (size, None):
        daemon = Daemon(config, "jane:a:b", location="here", max_request=room)
        assert daemon.call("one.vm.allocate", "template", read=read_id) == 7
    daemon = Daemon(config, "jane:a:b", location="here", max_request=size - 1)
    with pytest.raises(InvalidArgumentError) as caught:
        daemon.call("one.vm.allocate", "template", read=read_id)
    assert str(caught.value) == (
        f"the request one.vm.allocate would have {size} bytes, and the compute service of location 'here' accepts "
        f"{size - 1}: put less into the contextualization"
    )
    assert len(scripted_daemon.calls) == 2


def test_a_proxy_can_be_given(scripted_daemon: Any) -> None:
    config = ServiceConfig(scripted_daemon.url, SessionPassword("jane", "a:b"), None, 1, 4, 1 << 20)
    daemon = Daemon(config, "jane:a:b", location="here", proxy_url="http://127.0.0.1:1")
    with pytest.raises(ServiceUnavailableError, match=r"HTTP proxy http://127\.0\.0\.1:1 makes no connection"):
        daemon.call("one.vm.info", 7, read=read_text)


@pytest.mark.parametrize(
    ("credentials", "status", "hint"),
    [
        (SessionPassword("jane", "a:b"), 401, "StratusLabNodeDriver"),
        (Password("jane", "a:b"), 401, None),
        (SessionPassword("jane", "a:b"), 404, None),
        (Password("jane", "a:b"), 404, "OpenNebulaNodeDriver"),
    ],
)
def test_a_status_of_a_cloud_of_the_other_kind(credentials: Any, status: int, hint: str | None) -> None:
    url = "https://one.example.org/RPC2"
    daemon = Daemon(ServiceConfig(url, credentials, None, 5, 4, 1 << 20), "jane:a:b", location="here")
    with requests_mock.Mocker() as web:
        web.post(url, status_code=status)
        with pytest.raises((RefusedCredentialsError, RequestRejectedError)) as caught:
            daemon.call("one.vm.info", 7, read=read_text)
    assert isinstance(caught.value, RefusedCredentialsError) == (status == 401)
    assert caught.value.http_code == status
    assert ("NodeDriver" in str(caught.value)) == (hint is not None)
    assert hint is None or hint in str(caught.value)


@pytest.mark.parametrize(("credentials", "is_known"), [(SessionPassword("j", "p"), False), (Password("j", "p"), True)])
def test_a_refusal_of_an_opennebula_of_today(
    scripted_daemon: Any, refused: Any, credentials: Any, is_known: bool
) -> None:
    """It has five items."""
    daemon = Daemon(ServiceConfig(scripted_daemon.url, credentials, None, 5, 4, 1 << 20), "j:p", location="here")
    scripted_daemon.answers["one.vm.info"] = refused(256, "User couldn't be authenticated, aborting call.")
    with pytest.raises(RefusedCredentialsError) as caught:
        daemon.call("one.vm.info", 7, read=read_text)
    assert ("it answers as an OpenNebula of today" in str(caught.value)) == is_known


def test_readers_take_pieces() -> None:
    assert read_text(["a", "b"]) == "ab"
    assert read_id([" 12", "34567890\n"]) == 1234567890
    for wrong in ("12345678901", "", "-1", "٣", "x"):
        with pytest.raises(UnreadableDocumentError, match=r"^it should contain an ID$"):
            read_id([wrong])

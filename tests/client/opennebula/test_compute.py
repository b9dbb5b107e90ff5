"""The compute service: machines, refusals, and what differs between kinds of cloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests_mock

from stratuslab_libcloud.client import Cloud
from stratuslab_libcloud.client.opennebula.compute import Compute
from stratuslab_libcloud.client.opennebula.daemon import Daemon
from stratuslab_libcloud.client.opennebula.dialect import Dialect
from stratuslab_libcloud.client.opennebula.machine import Selection
from stratuslab_libcloud.client.opennebula.states import OPENNEBULA_TODAY
from stratuslab_libcloud.config import SessionPassword
from stratuslab_libcloud.errors import InvalidArgumentError, NotFoundError, PermissionDeniedError, RequestRejectedError
from stratuslab_libcloud.sandbox import Fault, FaultKind, Sandbox

OK = (
    "<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value>"
    "<value><i4>7</i4></value></data></array></value></param></params></methodResponse>"
)


def test_a_machines_life(cloud: Cloud, template: str) -> None:
    number = cloud.compute.allocate(template)
    assert cloud.compute.machine(number).name == "n"
    assert [machine.id for machine in cloud.compute.machines()] == [number]
    cloud.compute.shutdown(number)
    assert cloud.compute.machine(number).status == "DONE"
    cloud.compute.kill(number)
    assert cloud.compute.machines() == []


def test_certain_machines_are_asked_for_in_few_requests(cloud: Cloud, sandbox: Sandbox, template: str) -> None:
    numbers = [cloud.compute.allocate(template) for _ in range(30)]
    cloud.compute.kill(numbers[3])
    sandbox.requests.clear()
    found = cloud.compute.certain_machines([numbers[5], numbers[3], numbers[29], 10_000, numbers[3]])
    assert list(found) == [numbers[5], numbers[3], numbers[29], 10_000]
    assert [getattr(machine, "id", None) for machine in found.values()] == [numbers[5], numbers[3], numbers[29], None]
    assert isinstance(found[10_000], NotFoundError)
    assert sorted(sandbox.requests.operations) == ["one.vm.info", "one.vmpool.info"]
    assert cloud.compute.certain_machines([]) == {}


def test_why_certain_machines_are_not_known_is_told_of_each(cloud: Cloud, sandbox: Sandbox, template: str) -> None:
    numbers = [cloud.compute.allocate(template) for _ in range(3)]
    sandbox.faults.add(Fault(FaultKind.STATUS, "compute", "one.vmpool.info", status=403))
    found = cloud.compute.certain_machines([*numbers, 10_000])
    assert [type(machine) for machine in found.values()] == [PermissionDeniedError] * 3 + [NotFoundError]


def test_what_the_compute_service_refuses(cloud: Cloud) -> None:
    with pytest.raises(RequestRejectedError, match="Parse error: syntax error"):
        cloud.compute.allocate("garbage")
    with pytest.raises(NotFoundError, match=r"virtual machine \[7\]"):
        cloud.compute.kill(7)


def test_another_kind_of_cloud_has_its_own_session_and_actions(cloud: Cloud) -> None:
    today = Dialect(kill="terminate-hard", shutdown="terminate", states=OPENNEBULA_TODAY)
    compute = Compute(Daemon(cloud.config.compute, "jane:a&b", location="here"), today)
    with requests_mock.Mocker() as web:
        web.post(requests_mock.ANY, text=OK)
        compute.kill(7)
        compute.shutdown(7)
        kill, shutdown = (request.text for request in web.request_history)
    assert "<param><value><string>jane:a&amp;b</string></value></param>" in kill
    assert "<string>terminate-hard</string>" in kill
    assert "<string>terminate</string>" in shutdown


def test_the_newest_machine_is_the_one_with_the_highest_id_that_was_seen(cloud: Cloud) -> None:
    assert cloud.compute.newest == -1
    cloud.compute.note_created(5, "a", seen=True)
    cloud.compute.note_created(3, "b", seen=True)
    cloud.compute.note_created(1_000_000, "c", seen=False)
    assert cloud.compute.newest == 5


@pytest.mark.parametrize(
    "ask", [Compute.machine, Compute.kill, Compute.shutdown], ids=lambda function: function.__name__
)
def test_numbers_that_the_daemon_does_not_understand_are_not_sent(
    cloud: Cloud, sandbox: Sandbox, ask: Callable[[Compute, int], object]
) -> None:
    for number in (2**31, 2**40):
        with pytest.raises(NotFoundError, match=f"there is no machine {number}: the largest possible ID is 2147483647"):
            ask(cloud.compute, number)
    for number in (-1, -2, -(2**31)):
        with pytest.raises(InvalidArgumentError, match=f"{number} is not the ID of a machine"):
            ask(cloud.compute, number)
    assert isinstance(cloud.compute.certain_machines([2**31])[2**31], NotFoundError)
    assert len(sandbox.requests) == 0


def test_of_two_machines_with_one_mark_a_list_ends_the_younger(
    cloud: Cloud, sandbox: Sandbox, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "m"')
    assert [machine.id for machine in cloud.compute.machines()] == [0, 1]
    assert "machine 1 of location 'default' is a double of machine 0, from one request, and is ended" in caplog.text
    sandbox.requests.clear()
    assert [machine.id for machine in cloud.compute.machines()] == [0]
    assert sandbox.requests.operations == ["one.vmpool.info"]


def test_of_two_machines_with_one_mark_the_one_that_was_returned_stays(cloud: Cloud, template: str) -> None:
    for _ in range(2):
        cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "m"')
    cloud.compute.note_created(1, "m", seen=False)
    cloud.compute.machines()
    assert [machine.id for machine in cloud.compute.machines()] == [1]


def test_a_double_that_cannot_be_ended_does_not_spoil_the_list(
    cloud: Cloud, sandbox: Sandbox, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "m"')
    with sandbox.faults.during(Fault(FaultKind.STATUS, "compute", "one.vm.action", status=403)):
        assert [machine.id for machine in cloud.compute.machines()] == [0, 1]
    assert "it could not be ended: " in caplog.text


def test_doubles_of_other_users_are_left_alone(cloud: Cloud, sandbox: Sandbox, template: str) -> None:
    for _ in range(2):
        cloud.compute.allocate(f'{template} LIBCLOUD_MARK = "m"')
    assert len(cloud.compute.machines(Selection(whose=-2))) == 2
    assert "one.vm.action" not in sandbox.requests.operations


def test_the_session_string_is_in_no_representation() -> None:
    assert "secret" not in repr(SessionPassword("jane", "secret"))


def test_many_machines_with_much_user_data_come_through_the_proxy(cloud: Cloud, sandbox: Sandbox) -> None:
    """The proxy writes their list as one text of several million characters, without a type."""
    data = "x" * 60_000
    for _ in range(65):
        cloud.compute.allocate(f'CPU = 1 MEMORY = 64 CONTEXT = [ USER_DATA = "{data}" ]')
    sandbox.requests.clear()
    assert [machine.id for machine in cloud.compute.machines()] == list(range(65))
    assert sandbox.requests[0].bytes_sent > 3 << 20
    assert len(sandbox.requests) == 1

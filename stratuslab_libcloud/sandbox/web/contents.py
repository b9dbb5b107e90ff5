"""What the page's template shows, put together from the cloud, the requests and the selection of its reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from stratuslab_libcloud.sandbox.http.request_record import Request, RequestRecord
from stratuslab_libcloud.sandbox.web import words
from stratuslab_libcloud.sandbox.web.cloud_view import CloudView, Contents, MachineRow
from stratuslab_libcloud.sandbox.web.life_lines import Axis, Step, life_line

MOST_MACHINES = 100
MOST_REQUESTS = 100
_LONGEST_SEARCH = 100
_TONE_WORDS = {"good": "running", "changing": "changing", "waiting": "waiting", "resting": "at rest", "bad": "failed"}


@dataclass(frozen=True)
class Selection:
    """What somebody wants to see.

    :param seconds: the length of the axis of time; None for as long as there have been machines
    :param search: a part of the machines' names, owners, states, hosts or addresses; empty for all machines
    """

    seconds: float | None
    search: str

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Selection:
        """The selection in the fields of a form."""
        seconds = values.get("seconds", "60")
        return cls(
            float(seconds) if seconds.isascii() and seconds.isdigit() and 0 < int(seconds) < 1e9 else None,
            values.get("search", "").strip().lower()[:_LONGEST_SEARCH],
        )

    def wants(self, machine: MachineRow) -> bool:
        """Whether a machine is one of those that are searched for."""
        texts = (str(machine.id), machine.name, machine.owner, machine.state, machine.host, *machine.addresses)
        return any(self.search in text.lower() for text in texts)


@dataclass(frozen=True)
class RequestRow:
    """A request.

    :param number: among all requests, from 1 on
    :param status: in words
    :param place: on the axis of time
    """

    number: int
    request: Request
    status: str
    tone: str
    place: float


@dataclass(frozen=True)
class LiveContents:
    """The variables of the template.

    :param machines: those that are shown, each with the steps of its life
    :param found: how many fit; not all of them may be shown
    :param earlier: how many would fit, but ended before the axis of time begins
    :param counts: how many machines are in which tone, and its word
    :param requests: the last ones, the last one first
    """

    cloud: Contents
    axis: Axis
    machines: Sequence[tuple[MachineRow, Sequence[Step]]]
    found: int
    earlier: int
    counts: Sequence[tuple[str, str, int]]
    requests: Sequence[RequestRow]
    request_count: int


def live_contents(view: CloudView, record: RequestRecord, selection: Selection) -> LiveContents:
    """What there is now.

    :param record: of the requests to the cloud
    """
    cloud = view.look()
    axis = Axis.of(selection.seconds, cloud.now, cloud.machines)
    wanted = [machine for machine in cloud.machines if selection.wants(machine)]
    found = [machine for machine in wanted if axis.has(machine)]
    tones = Counter(words.tone(machine.state) for machine in cloud.machines)
    return LiveContents(
        cloud=cloud,
        axis=axis,
        machines=[(machine, list(life_line(machine, axis))) for machine in found[:MOST_MACHINES]],
        found=len(found),
        earlier=len(wanted) - len(found),
        counts=[(tone, word, tones[tone]) for tone, word in _TONE_WORDS.items() if tones[tone]],
        requests=list(_request_rows(record, axis)),
        request_count=len(record),
    )


def _request_rows(record: RequestRecord, axis: Axis) -> Iterator[RequestRow]:
    requests = record.last(MOST_REQUESTS)
    last = len(record)
    for back, request in enumerate(reversed(requests)):
        status, tone = _outcome(request)
        yield RequestRow(last - back, request, status, tone, axis.place(request.time))


def _outcome(request: Request) -> tuple[str, str]:
    """The status of an answer in words, and its tone."""
    if not request.status:
        return "no answer", "bad"
    try:
        status = f"{request.status} {HTTPStatus(request.status).phrase}"
    except ValueError:
        status = str(request.status)
    if request.fault or request.status >= 500:
        return status, "bad"
    return status, "waiting" if request.status >= 400 else "good"

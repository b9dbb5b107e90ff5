"""Telling the caller of a call that takes its time how far it is: the argument `ex_progress`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stratuslab_libcloud.errors import InvalidArgumentError


@dataclass(frozen=True)
class Progress:
    """How far a call is. Its text is a line to read, so ``ex_progress=print`` prints lines.

    The function that gets it is called by the thread that made the call, never by another one. An exception of it ends
    the call as Ctrl-C does.

    :param task: what is done, such as ``creating machines``
    :param done: how much of it is done
    :param total: how much there is to do; None where that is not known
    :param unit: of both numbers: ``machines``, ``steps``, ``bytes``
    :param detail: what happens in this moment, such as ``machine 7: boot``; can be empty
    :param subject: the node, volume or image that it is about, of `ex_deploy_nodes` the `DeployedNode`; None for
        several, or for one that does not exist yet
    """

    task: str
    done: float
    total: float | None
    unit: str
    detail: str = ""
    subject: Any = None

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {self.total:g}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.task}: {self.done:g}{total} {self.unit}{detail}"


OnProgress = Callable[[Progress], object] | None
"""The argument `ex_progress`: a function that takes a `Progress`, or None."""


class Task:
    """What one call tells of itself.

    :param callback: the caller's `ex_progress`; None where nobody wants to know
    :param name: what is done
    :param total: how much there is to do, if that is known
    :param unit: of the numbers
    :raises InvalidArgumentError: when the callback cannot be called
    """

    def __init__(self, callback: OnProgress, name: str, total: float | None, unit: str) -> None:
        if callback is not None and not callable(callback):
            raise InvalidArgumentError(f"ex_progress must be a function that takes a Progress, not {callback!r}")
        self._callback = callback
        self._name = name
        self._total = total
        self._unit = unit

    def tell(self, done: float, detail: str = "", subject: Any = None, total: float | None = None) -> None:
        """Say how far it is.

        :param done: how much is done
        :param detail: what happens now
        :param subject: what it is about
        :param total: how much there is to do, if that is known only now
        """
        if self._callback is not None:
            total = self._total if total is None else total
            self._callback(Progress(self._name, done, total, self._unit, detail, subject))


def of_steps(callback: OnProgress, name: str) -> Callable[[int, int, str, Any], object] | None:
    """What a deployment tells of its steps, as a task.

    :param callback: the caller's `ex_progress`
    :param name: what is done
    :raises InvalidArgumentError: when the callback cannot be called
    """
    if callback is None:
        return None
    task = Task(callback, name, None, "steps")
    return lambda done, total, words, node: task.tell(done, words, node, total)


@contextmanager
def one_step(callback: OnProgress, name: str, subject: Any = None) -> Iterator[None]:
    """A task that is not done until it is: what the client library waits for meanwhile is its detail.

    :param callback: the caller's `ex_progress`
    :param name: what is done
    :param subject: what it is about
    """
    from stratuslab_libcloud.client import waiting_words

    task = Task(callback, name, 1, "steps")
    task.tell(0, subject=subject)
    with waiting_words.told_to(lambda words: task.tell(0, words, subject)):
        yield
    task.tell(1, subject=subject)

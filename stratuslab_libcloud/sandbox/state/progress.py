"""How a cloud's state goes on: one lock for all of it, what happens by itself, and who is told of its machines."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Generic, Protocol, TypeVar

from stratuslab_libcloud.sandbox.state.clock import Clock, ManualClock
from stratuslab_libcloud.sandbox.state.lock import StateLock
from stratuslab_libcloud.sandbox.state.steps import Steps

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)


class Listener(Protocol[M_contra]):
    """Is told when a machine begins to run and when it ceases to; called without the state's lock."""

    def machine_running(self, machine: M_contra, /) -> None:
        """The machine runs now."""

    def machine_gone(self, machine: M_contra, /) -> None:
        """The machine does not run any more; it may run again later."""


class Progress(Generic[M]):
    """Keeps a state up to date: whenever the lock is taken, all that is due has happened."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.steps = Steps(clock)
        self.lock = StateLock(self.steps.run_due, self._after_change)
        self._running: dict[M, None] = {}
        self._events: deque[tuple[bool, M]] = deque()
        self._listeners: list[Listener[M]] = []
        self._notifying = threading.RLock()
        self._is_telling = False
        self._woken = threading.Event()
        self._next_wake = math.inf
        if isinstance(clock, ManualClock):
            clock.follow(self.run_due_steps)

    def machine_running(self, machine: M) -> None:
        """Have the listeners told that a machine runs; the caller holds the lock."""
        self._running[machine] = None
        self._events.append((True, machine))

    def machine_gone(self, machine: M) -> None:
        """Have the listeners told that a machine that ran does not any more; the caller holds the lock."""
        if machine in self._running:
            del self._running[machine]
            self._events.append((False, machine))

    def listen(self, listener: Listener[M]) -> None:
        """Tell `listener` of the machines that run now, and from now on of each that begins or ceases to run."""
        with self._notifying:
            with self.lock:
                running = list(self._running)
            self._listeners.append(listener)
            for machine in running:
                listener.machine_running(machine)

    def run_due_steps(self) -> None:
        """Carry out all steps that are due."""
        with self.lock:
            pass

    def wait_for_next_step(self, longest: float) -> None:
        """Sleep until the next step is due, until one is added before it, or for `longest` seconds."""
        with self.lock:
            due = self.steps.next_at
            self._next_wake = math.inf if due is None else due
        seconds = None if due is None else self.clock.seconds_until(due)
        self._woken.wait(longest if seconds is None else min(longest, seconds))
        self._woken.clear()

    def wake(self) -> None:
        """Make `wait_for_next_step` return."""
        self._woken.set()

    def _after_change(self) -> None:
        due = self.steps.next_at
        if due is not None and due < self._next_wake:
            self.wake()
        # Listeners are told in order, and without the lock: opening a server takes some time.
        with self._notifying:
            if self._is_telling:
                return  # A listener has looked at the state: it is told of the next event after this one.
            self._is_telling = True
            try:
                self._tell_events()
            finally:
                self._is_telling = False

    def _tell_events(self) -> None:
        while self._events:
            runs, machine = self._events.popleft()
            for listener in self._listeners:
                (listener.machine_running if runs else listener.machine_gone)(machine)

"""The same cloud as for the tests of its daemon: the state is looked at through the daemon."""

from __future__ import annotations

from ...opennebula.conftest import ask, call, clock, one, refusal, release, running, sandbox

__all__ = ["ask", "call", "clock", "one", "refusal", "release", "running", "sandbox"]

"""How long the steps of a machine's life take."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Pace:
    """Seconds that a machine spends in each passing state.

    :param pending: until the scheduler has found a host
    :param prolog: while its disks are prepared
    :param boot: while the hypervisor starts it
    :param shutdown: while it shuts down or is cancelled
    :param epilog: while its disks are saved
    :param cleanup: while a killed machine is removed
    :param save: while its memory is written to disk for suspend or stop
    :param kill: from the answer to a kill until the first of it can be seen: a busy daemon answers at once
    """

    pending: float = 0.3
    prolog: float = 0.3
    boot: float = 0.4
    shutdown: float = 0.3
    epilog: float = 0.2
    cleanup: float = 0.2
    save: float = 0.3
    kill: float = 0.0

    @classmethod
    def with_boot_seconds(cls, seconds: float | None) -> Pace:
        """The usual pace, stretched so that a machine runs `seconds` after its creation; None for the usual pace."""
        usual = cls()
        if seconds is None:
            return usual
        factor = seconds / (usual.pending + usual.prolog + usual.boot)
        return cls(**{field.name: getattr(usual, field.name) * factor for field in fields(cls)})

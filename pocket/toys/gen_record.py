"""The generator's particle record, which grows particle by particle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices
from pocket.toys.tables import Table, local_index, stack

#: bits of NanoAOD's statusFlags
PROMPT = 1 << 0
HADRON_DECAY = 1 << 6
HARD_PROCESS = 1 << 7 | 1 << 8
ONLY_COPY = 1 << 12 | 1 << 13 | 1 << 14
#: status codes of Pythia
FINAL, OUTGOING, RESONANCE = 1, 23, 62


class GenRecord:
    """Generated particles of all events in a file."""

    def __init__(self, n_events: int) -> None:
        self._n_events = n_events
        self._parts: list[Table] = []
        self._size = 0

    def add(
        self,
        events: Indices,
        momenta: Any,
        pdg_id: npt.ArrayLike,
        *,
        status: int,
        flags: int = PROMPT | HARD_PROCESS,
        mother: Indices | None = None,
    ) -> Indices:
        """Add one particle to each of the events, and return their handles, which their daughters get as ``mother``."""
        n = len(events)
        handles = np.arange(self._size, self._size + n)
        columns = {
            "handle": handles,
            "pt": momenta.pt,
            "eta": momenta.eta,
            "phi": momenta.phi,
            "mass": momenta.mass,
            "pdgId": np.broadcast_to(pdg_id, n),
            "status": np.full(n, status),
            "statusFlags": np.full(n, flags | ONLY_COPY),
            "mother": np.full(n, -1) if mother is None else mother,
        }
        self._parts.append(Table(events, columns))
        self._size += n
        return handles

    def particles(self) -> Table:
        """Return all particles so far, in the order in which they were added."""
        return stack(*self._parts)

    def table(self) -> Table:
        """Return all particles ordered by event, with mothers before daughters.

        ``mother`` is then a row of this table, ``genPartIdxMother`` a position inside the event; both are -1 for no
        mother.
        """
        particles = self.particles()
        ordered = particles.take(np.argsort(particles.event, kind="stable"))
        row_of_handle = np.empty(self._size, dtype=np.int64)
        row_of_handle[ordered["handle"]] = np.arange(self._size)
        mother = np.where(ordered["mother"] < 0, -1, row_of_handle[ordered["mother"]])
        columns = {
            **ordered.columns,
            "mother": mother,
            "genPartIdxMother": local_index(mother, ordered.event, self._n_events),
        }
        return Table(ordered.event, columns)

"""Version of NanoAOD, told from the content of events. A module of its own, since every fingerprint holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import awkward as ak


def nano_version(events: ak.Array) -> int:
    """Return the version of NanoAOD that the events have the content of: 9, 12 or 15."""
    jets = events["Jet"].fields if "Jet" in events.fields else []
    if "PFMET" in events.fields or "chMultiplicity" in jets:
        return 15
    return 12 if "Rho" in events.fields else 9

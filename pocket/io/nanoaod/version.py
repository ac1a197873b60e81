"""Version of NanoAOD, inferred from the events. It is a module of its own, since every fingerprint contains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import awkward as ak


def nano_version(events: ak.Array) -> int:
    """Return the version of NanoAOD whose content the events have: 9, 12 or 15.

    Examples:
        >>> import awkward as ak
        >>> nano_version(ak.Array({"MET": [{"pt": 30.0}], "fixedGridRhoFastjetAll": [12.0]}))
        9
    """
    jets = events["Jet"].fields if "Jet" in events.fields else []
    if "PFMET" in events.fields or "chMultiplicity" in jets:
        return 15
    return 12 if "Rho" in events.fields else 9

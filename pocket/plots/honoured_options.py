"""The part of the options of libraries in ``plotting_style`` that the plots honour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Option → the options in it that are honoured; all others in it are ignored.
HONOURED: Mapping[str, Any] = {
    "opts_figure": {"datamc_ratio": {"figsize": None, "gridspec_kw": {"height_ratios": None}}},
    "opts_data": dict.fromkeys(("color", "marker", "markersize", "elinewidth", "label")),
    "opts_mc": dict.fromkeys(("histtype", "stack")),
    "opts_unc": {"total": dict.fromkeys(("color", "hatch"))},
    "opts_sig": dict.fromkeys(("linestyle", "linewidth")),
    "opts_ylim": {"datamc": {"ylim_log": dict.fromkeys(("lo", "hi"))}},
}


def honoured(options: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the honoured part of some options; ``known`` has the form of :data:`HONOURED`."""
    return {
        name: honoured(value, known[name]) if isinstance(known[name], Mapping) and isinstance(value, Mapping) else value
        for name, value in options.items()
        if name in known
    }


def ignored(options: Mapping[str, Any], known: Mapping[str, Any] = HONOURED, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of what :func:`honoured` leaves out."""
    for name, value in options.items():
        if name not in known:
            yield f"{prefix}{name}"
        elif isinstance(known[name], Mapping) and isinstance(value, Mapping):
            yield from ignored(value, known[name], f"{prefix}{name}.")

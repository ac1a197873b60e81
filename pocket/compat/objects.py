"""Functions of NanoAOD's content with PocketCoffea's arguments, and small objects of its library."""

from __future__ import annotations

import functools
from typing import Any

from pocket.objects import nanoaod
from pocket.parameters.locations import local_path


def compute_jetId(events: Any, jet_type: str, params: Any, year: str) -> Any:
    """Return the identification of jets, see :func:`pocket.objects.jet_id`, which needs neither parameters nor year."""
    return nanoaod.jet_id(events, jet_type)


def get_rho(events: Any, nano_version: int) -> Any:
    """Return the energy density of the pileup, see :func:`pocket.objects.rho`, which needs no version."""
    return nanoaod.rho(events)


@functools.cache
def load_correction_set(path: str) -> Any:
    """Return the corrections of a file of correctionlib, read once per process.

    Weights of our own use :func:`pocket.corrections.evaluate` instead.

    Args:
        path: path of the file, or its name in a registered directory or collection.
    """
    import correctionlib

    return correctionlib.CorrectionSet.from_file(local_path(path))


def get_hist_axis_from_config(ax: Any) -> Any:
    """Return the axis of the library ``hist`` for an axis of a configuration."""
    import hist

    label, name = ax.label or "", ax.name or f"{ax.coll}.{ax.field}"
    flow = {"overflow": ax.overflow, "growth": ax.growth}
    is_variable = ax.type == "variable" or (ax.type == "regular" and not isinstance(ax.bins, int))
    if is_variable:
        return hist.axis.Variable(list(ax.bins), name=name, label=label, underflow=ax.underflow, **flow)
    if ax.type == "regular":
        transform = getattr(hist.axis.transform, ax.transform) if isinstance(ax.transform, str) else ax.transform
        return hist.axis.Regular(
            ax.bins, ax.start, ax.stop, name=name, label=label, transform=transform, underflow=ax.underflow, **flow
        )
    if ax.type in ("int", "integer"):
        return hist.axis.Integer(int(ax.start), int(ax.stop), name=name, label=label, underflow=ax.underflow, **flow)
    if ax.type == "intcat":
        return hist.axis.IntCategory(list(ax.bins), name=name, label=label, **flow)
    return hist.axis.StrCategory(list(ax.bins), name=name, label=label, growth=ax.growth)

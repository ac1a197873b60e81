"""PocketCoffea's histograms of the processing itself, and its function that makes an axis of the library hist."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pocket.histograms import factories
from pocket.histograms.config import HistConf

_log = logging.getLogger(__name__)


def processing_metadata_hists(only_cats: Sequence[str] | None = None, chunk_size: int = 100000) -> dict[str, HistConf]:
    """Return no histograms, with a note where the numbers are: the manifest of each output has those of every branch.

    Args:
        only_cats: accepted; the categories that PocketCoffea fills them in.
        chunk_size: accepted; the range of their axis.

    Examples:
        >>> processing_metadata_hists()
        {}
    """
    _log.warning("processing_metadata_hists: events and times are in the manifest of RunProcessor, not in histograms")
    return {}


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


def count_hist(
    coll: str,
    bins: int = 10,
    start: float = 0,
    stop: float = 9,
    label: str | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> dict[str, HistConf]:
    """Return the histogram of the number of objects, see :func:`pocket.histograms.count_hist`.

    PocketCoffea's ten bins from 0 to 9 don't fall on whole numbers, but they hold the same numbers here as there.
    """
    return factories.count_hist(coll, bins, start, stop, label, name, **kwargs)

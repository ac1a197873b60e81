"""PocketCoffea's histograms of the processing itself, and its function that makes an axis of the library hist."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pocket.base.runtime.remarks import remark
from pocket.histograms import factories
from pocket.histograms.config import HistConf
from pocket.histograms.object_axes import DEFAULT_AXIS_SETTINGS, DEFAULT_FIELDS, DEFAULT_SCORES

_Factory = Callable[..., dict[str, HistConf]]
_log = logging.getLogger(__name__)
#: Names of the functions that have left out fields in this process.
LEFT_OUT: set[str] = set()


def processing_metadata_hists(only_cats: Sequence[str] | None = None, chunk_size: int = 100000) -> dict[str, HistConf]:
    """Return no histograms, with a note where the numbers are: the manifest of each output has those of every branch.

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


def _with_known_fields(make: _Factory, known: Collection[str]) -> _Factory:
    """Return a function of histograms that leaves out fields without a histogram, as PocketCoffea does."""
    signature = inspect.signature(make)

    @functools.wraps(make)
    def hists(*args: Any, **kwargs: Any) -> dict[str, HistConf]:
        given = signature.bind(*args, **kwargs)
        if (fields := given.arguments.get("fields")) is not None:
            given.arguments["fields"] = [field for field in fields if field in known]
            for field in fields:
                if field not in known:
                    LEFT_OUT.add(make.__name__)
                    remark(f"{make.__name__} has no histogram of {field!r}, which is left out of fields")
        return make(*given.args, **given.kwargs)

    return hists


def _of(make: _Factory, kind: str) -> _Factory:
    return _with_known_fields(make, DEFAULT_FIELDS.get(kind, DEFAULT_AXIS_SETTINGS[kind]))


jet_hists = _of(factories.jet_hists, "jet")
genjet_hists = _of(factories.genjet_hists, "genjet")
fatjet_hists = _of(factories.fatjet_hists, "fatjet")
parton_hists = _of(factories.parton_hists, "parton")
ele_hists = _of(factories.ele_hists, "electron")
muon_hists = _of(factories.muon_hists, "muon")
lepton_hists = _of(factories.lepton_hists, "lepton")
met_hists = _of(factories.met_hists, "met")
sv_hists = _of(factories.sv_hists, "sv")
jet_taggers_hists = _with_known_fields(factories.jet_taggers_hists, DEFAULT_SCORES["jet"])
fatjet_taggers_hists = _with_known_fields(factories.fatjet_taggers_hists, DEFAULT_SCORES["fatjet"])


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

    PocketCoffea's ten bins from 0 to 9 don't have integer edges, but they hold the same numbers here as there.
    """
    return factories.count_hist(coll, bins, start, stop, label, name, **kwargs)

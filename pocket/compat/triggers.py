"""PocketCoffea's functions of triggers, for code that calls them itself.

A trigger that the file doesn't have counts as one that didn't fire, as in PocketCoffea, with one warning. The cuts of
:mod:`pocket.cuts` refuse it instead.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import awkward as ak

from pocket.cuts import library
from pocket.cuts.library import FALSE, any_trigger
from pocket.parameters.access import parameter

#: Cuts on triggers as in PocketCoffea: one that a file lacks counts as not fired, and the manifest records it.
get_HLTsel = functools.partial(library.get_HLTsel, on_missing=FALSE)  # noqa: N816
get_HLTsel_custom = functools.partial(library.get_HLTsel_custom, on_missing=FALSE)  # noqa: N816
get_L1sel = functools.partial(library.get_L1sel, on_missing=FALSE)  # noqa: N816
get_L1sel_custom = functools.partial(library.get_L1sel_custom, on_missing=FALSE)  # noqa: N816
_log = logging.getLogger(__name__)


def remove_trigger_prefix(name: str, prefix: str) -> str:
    """Return the name of a trigger without a prefix.

    Examples:
        >>> remove_trigger_prefix("HLT_TkMu50", "HLT_")
        'TkMu50'
    """
    return name.removeprefix(prefix)


def apply_trigger_mask(
    events: Any, triggers_to_apply: Iterable[str], year: str, invert: bool = False, trigger_type: str = "HLT"
) -> Any:
    """Return the mask of events in which one of the triggers fired."""
    if trigger_type not in ("HLT", "L1"):
        raise AssertionError("trigger_type must be HLT or L1")
    known = ak.fields(events[trigger_type])
    present = []
    for trigger in triggers_to_apply:
        if trigger in known:
            present.append(trigger)
        else:
            _warn_of_missing(trigger_type, trigger, year)
    return any_trigger(events, {"level": trigger_type, "triggers": present, "invert": invert}, year=year)


@functools.cache
def _warn_of_missing(kind: str, trigger: str, year: str) -> None:
    """Warn once of a trigger that a file lacks."""
    _log.warning("%s trigger %r of %s isn't in the file and counts as one that didn't fire", kind, trigger, year)


def get_trigger_mask_byprimarydataset(
    events: Any,
    trigger_dict: Mapping[str, Any],
    year: str,
    isMC: bool,
    primaryDatasets: Sequence[str] | None = None,
    invert: bool = False,
    trigger_prefix: str = "HLT_",
) -> Any:
    """Return the mask of events in which a trigger of the primary datasets fired."""
    by_dataset = parameter(trigger_dict, year)
    chosen = primaryDatasets or (list(by_dataset) if isMC else [events.metadata["primaryDataset"]])
    triggers = [remove_trigger_prefix(trigger, trigger_prefix) for name in chosen for trigger in by_dataset[name]]
    return apply_trigger_mask(events, triggers, year, invert, trigger_prefix.rstrip("_"))

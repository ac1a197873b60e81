"""Library of common cuts: factories ``get_*`` that return a cut, and a few complete cuts.

Names and meaning are PocketCoffea's (``pocket_coffea.lib.cut_functions``). Each cut's function is defined at module
level, so that dumps and fingerprints can name it. ``None`` in a mask counts as ``False`` (:mod:`pocket.cuts.cut`).
"""
# ruff: noqa: N802, N816  PocketCoffea's names

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection, is_optional
from pocket.base.arrays.jagged import ObjectColumns, count_true
from pocket.cuts.certification import certified
from pocket.cuts.cut import Cut
from pocket.errors import DatasetError, MissingBranchError, check_known
from pocket.objects.btag import btagging
from pocket.parameters.access import parameter

Params = Mapping[str, Any]
#: Triggers that files lack, while they are collected (:func:`noting_absent`).
_absent: ContextVar[set[str] | None] = ContextVar("absent_triggers", default=None)
#: What a cut does about a trigger that a file lacks.
ERROR, FALSE = "error", "false"


def passthrough_f(events: ak.Array, params: Params, **kwargs: Any) -> npt.NDArray[np.bool_]:
    """Return a mask that keeps all events."""
    return np.ones(len(events), dtype=np.bool_)


passthrough = Cut(name="passthrough", params={}, function=passthrough_f)


def _number_of_objects(events: ak.Array, params: Params) -> ak.Array:
    """Return the number of objects in ``params["coll"]``, with pt of at least ``params["minpt"]`` if it is given."""
    coll, minpt = params["coll"], params.get("minpt")
    if minpt:
        columns = ObjectColumns(collection(events, coll))
        return count_true(columns.lists(columns.flat(branch(columns.objects, "pt", coll)) >= minpt))
    # The workflow's own count takes precedence.
    counter = f"n{coll}"
    if counter not in events.fields:
        return ak.num(collection(events, coll), axis=1)
    return _numbers(events[counter])


def _numbers(column: ak.Array) -> Any:
    """Return one number per event as a NumPy array if none is missing, since NumPy compares faster than awkward."""
    return column if is_optional(column) else np.asarray(column)


def min_nObj(events: ak.Array, params: Params, **kwargs: Any) -> ak.Array:
    """Return the mask of events with at least ``params["N"]`` objects."""
    return _number_of_objects(events, params) >= params["N"]


def eq_nObj(events: ak.Array, params: Params, **kwargs: Any) -> ak.Array:
    """Return the mask of events with exactly ``params["N"]`` objects."""
    return _number_of_objects(events, params) == params["N"]


def less_nObj(events: ak.Array, params: Params, **kwargs: Any) -> ak.Array:
    """Return the mask of events with fewer than ``params["N"]`` objects."""
    return _number_of_objects(events, params) < params["N"]


def get_nObj_min(N: int, minpt: float | None = None, coll: str = "JetGood", name: str | None = None) -> Cut:
    """Return a cut that requires at least ``N`` objects.

    Args:
        N: number of objects.
        minpt: lowest pt in GeV of objects that count.
        coll: collection to count in.
        name: name of the cut; default ``n{coll}_min{N}``, followed by ``_pt{minpt}`` if it is given.
    """
    return _object_cut(min_nObj, "min", N, minpt, coll, name)


def get_nObj_eq(N: int, minpt: float | None = None, coll: str = "JetGood", name: str | None = None) -> Cut:
    """Return a cut that requires exactly ``N`` objects; arguments as in :func:`get_nObj_min`."""
    return _object_cut(eq_nObj, "eq", N, minpt, coll, name)


def get_nObj_less(N: int, coll: str = "JetGood", name: str | None = None, minpt: float | None = None) -> Cut:
    """Return a cut that requires fewer than ``N`` objects; arguments as in PocketCoffea, see :func:`get_nObj_min`."""
    return _object_cut(less_nObj, "less", N, minpt, coll, name)


def _object_cut(function: Any, relation: str, N: int, minpt: float | None, coll: str, name: str | None) -> Cut:
    params: dict[str, Any] = {"N": N, "coll": coll}
    default = f"n{coll}_{relation}{N}"
    if minpt:
        params["minpt"] = minpt
        default += f"_pt{minpt}"
    return Cut(name=name or default, params=params, function=function)


def get_nElectron(N: int, minpt: float = 0, coll: str = "ElectronGood", name: str | None = None) -> Cut:
    """Return a cut that requires at least ``N`` electrons with pt of at least ``minpt`` GeV."""
    return get_nObj_min(N, minpt, coll, name or f"n{coll}_{N}_pt{minpt}")


def get_nMuon(N: int, minpt: float = 0, coll: str = "MuonGood", name: str | None = None) -> Cut:
    """Return a cut that requires at least ``N`` muons with pt of at least ``minpt`` GeV."""
    return get_nObj_min(N, minpt, coll, name or f"n{coll}_{N}_pt{minpt}")


def _number_of_btags(events: ak.Array, params: Params, year: str, processor_params: Any) -> ak.Array:
    coll = params["coll"]
    if coll == "BJetGood":  # This collection contains only tagged jets.
        return _number_of_objects(events, params)
    working_points = parameter(processor_params, "btagging", "working_point", year)
    jets = btagging(collection(events, coll), working_points, params["wp"])
    return count_true(branch(jets, "pt", coll) >= params["minpt"])


def nBtagMin(events: ak.Array, params: Params, *, year: str, processor_params: Any, **kwargs: Any) -> ak.Array:
    """Return the mask of events with at least ``params["N"]`` b-tagged jets."""
    return _number_of_btags(events, params, year, processor_params) >= params["N"]


def nBtagEq(events: ak.Array, params: Params, *, year: str, processor_params: Any, **kwargs: Any) -> ak.Array:
    """Return the mask of events with exactly ``params["N"]`` b-tagged jets."""
    return _number_of_btags(events, params, year, processor_params) == params["N"]


def get_nBtagMin(N: int, minpt: float = 0, coll: str = "BJetGood", wp: str = "M", name: str | None = None) -> Cut:
    """Return a cut that requires at least ``N`` b-tagged jets.

    Args:
        N: number of jets.
        minpt: lowest pt in GeV.
        coll: collection to count in. All jets of ``BJetGood`` count as tagged; others are tagged by
            ``btagging.working_point.{year}``.
        wp: working point for collections other than ``BJetGood``.
        name: name of the cut; default ``n{coll}_btagMin{N}_pt{minpt}``.
    """
    params = {"N": N, "coll": coll, "minpt": minpt, "wp": wp}
    return Cut(name=name or f"n{coll}_btagMin{N}_pt{minpt}", params=params, function=nBtagMin)


def get_nBtagEq(N: int, minpt: float = 0, coll: str = "BJetGood", wp: str = "M", name: str | None = None) -> Cut:
    """Return a cut that requires exactly ``N`` b-tagged jets; arguments as in :func:`get_nBtagMin`."""
    params = {"N": N, "coll": coll, "minpt": minpt, "wp": wp}
    return Cut(name=name or f"n{coll}_btagEq{N}_pt{minpt}", params=params, function=nBtagEq)


def nPVgood(events: ak.Array, params: Params, **kwargs: Any) -> ak.Array:
    """Return the mask of events with at least ``params["N"]`` good primary vertices."""
    return _numbers(branch(events.PV, "npvsGood", "PV")) >= params["N"]


def get_nPVgood(N: int, name: str | None = None) -> Cut:
    """Return a cut that requires at least ``N`` good primary vertices."""
    return Cut(name=name or f"nPVgood_{N}", params={"N": N}, function=nPVgood)


def apply_triggers(
    events: ak.Array,
    params: Params,
    *,
    year: str,
    sample: str,
    isMC: bool,
    processor_params: Any,
    metadata: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> ak.Array:
    """Return the mask of events in which one of the configured triggers fired, see :func:`get_HLTsel`."""
    level = params["level"]
    by_dataset = parameter(processor_params, f"{level}_triggers", year)
    datasets = params["primaryDatasets"]
    if not datasets and isMC:
        datasets = list(by_dataset)
    elif not datasets:
        if metadata is None or "primaryDataset" not in metadata:
            raise DatasetError(
                f"data sample {sample!r} needs 'primaryDataset' in the metadata of its datasets to choose its "
                f"triggers, one of {', '.join(map(repr, by_dataset))}"
            )
        datasets = [metadata["primaryDataset"]]
    triggers = [
        trigger for dataset in datasets for trigger in parameter(processor_params, f"{level}_triggers", year, dataset)
    ]
    return any_trigger(events, {**params, "triggers": triggers}, year=year)


def any_trigger(events: ak.Array, params: Params, *, year: str, **kwargs: Any) -> ak.Array:
    """Return the mask of events in which one of ``params["triggers"]`` fired, see :func:`get_HLTsel_custom`."""
    level = params["level"]
    stored = collection(events, level).fields if params.get("on_missing") == FALSE else None
    fired = np.zeros(len(events), dtype=np.bool_)
    for trigger in params["triggers"]:
        name = trigger.removeprefix(f"{level}_")
        if stored is not None and name not in stored:
            note_absent(f"{level}_{name}")
            continue
        try:
            fired |= np.asarray(_fired(events, level, name, year))
        except MissingBranchError as error:
            raise MissingBranchError(
                f"{error}: on_missing={FALSE!r} of the cut counts a trigger that a file lacks as not fired"
            ) from None
    return ~fired if params["invert"] else fired


@contextlib.contextmanager
def noting_absent() -> Iterator[set[str]]:
    """Collect the names of the triggers that cuts miss inside of this block."""
    names: set[str] = set()
    token = _absent.set(names)
    try:
        yield names
    finally:
        _absent.reset(token)


def note_absent(trigger: str) -> None:
    """Note that a trigger isn't in a file; outside of :func:`noting_absent`, nothing happens."""
    if (names := _absent.get()) is not None:
        names.add(trigger)


def event_number(events: ak.Array, params: Params, **kwargs: Any) -> ak.Array:
    """Return the mask of events whose number has the remainder ``params["remainder"]`` modulo ``params["divisor"]``."""
    return events.event % params["divisor"] == params["remainder"]


def get_event_number(remainder: int, divisor: int = 2) -> Cut:
    """Return a cut that selects one of ``divisor`` independent parts of the events by number, by default halves."""
    return Cut(
        name=f"event_{remainder}of{divisor}", params={"remainder": remainder, "divisor": divisor}, function=event_number
    )


def _fired(events: ak.Array, level: str, trigger: str, year: str) -> ak.Array:
    fired = branch(collection(events, level), trigger, level)
    if year == "2017" and trigger == "Ele32_WPTight_Gsf_L1DoubleEG":
        # Ele32_WPTight_Gsf was disabled for a part of the year; this is the EGM group's replacement, with the L1 bit.
        electrons = events.TrigObj[events.TrigObj.id == 11]
        fired = fired & ak.any((electrons.filterBits & 1024) != 0, axis=1)
    return fired


def get_HLTsel(primaryDatasets: Sequence[str] | None = None, invert: bool = False, on_missing: str = "error") -> Cut:
    """Return a cut that requires one of the triggers in ``HLT_triggers.{year}``, which lists them by primary dataset.

    Simulation passes with a trigger of any primary dataset, data with one of the primary dataset in the dataset's
    metadata (``primaryDataset``). To count an event of two primary datasets once, also require
    ``get_HLTsel(["SingleMuon"], invert=True)`` in the samples of the other one.

    Args:
        primaryDatasets: use the triggers of these instead, in data and simulation.
        invert: keep events that fail instead.
        on_missing: ``"error"``, or ``"false"`` to count a trigger that a file lacks as not fired, which the manifest of
            the output records.
    """
    return _trigger_cut("HLT", apply_triggers, "primaryDatasets", primaryDatasets, invert, on_missing)


def get_HLTsel_custom(trigger_list: Sequence[str], invert: bool = False, on_missing: str = "error") -> Cut:
    """Return a cut that requires one of the given triggers, in data and simulation.

    Args:
        trigger_list: names of the triggers, with or without ``HLT_``.
        invert: keep events that fail instead.
        on_missing: as in :func:`get_HLTsel`.
    """
    return _trigger_cut("HLT", any_trigger, "triggers", trigger_list, invert, on_missing)


def get_L1sel(primaryDatasets: Sequence[str] | None = None, invert: bool = False, on_missing: str = "error") -> Cut:
    """Return a cut that requires one of the seeds in ``L1_triggers.{year}``; otherwise as :func:`get_HLTsel`."""
    return _trigger_cut("L1", apply_triggers, "primaryDatasets", primaryDatasets, invert, on_missing)


def get_L1sel_custom(trigger_list: Sequence[str], invert: bool = False, on_missing: str = "error") -> Cut:
    """Return a cut that requires one of the given L1 seeds; arguments as in :func:`get_HLTsel_custom`."""
    return _trigger_cut("L1", any_trigger, "triggers", trigger_list, invert, on_missing)


def _trigger_cut(
    level: str, function: Any, key: str, names: Sequence[str] | None, invert: bool, on_missing: str
) -> Cut:
    name = "_".join([f"{level}_trigger", *(names or ())]) + ("_NOT" if invert else "")
    check_known("value", [on_missing], (ERROR, FALSE), f"on_missing of cut {name!r}")
    params = {"level": level, key: names, "invert": invert}
    return Cut(name=name, params=params if on_missing == ERROR else params | {"on_missing": FALSE}, function=function)


def apply_event_flags(
    events: ak.Array, params: Params, *, year: str, isMC: bool, processor_params: Any, **kwargs: Any
) -> ak.Array:
    """Return the mask of events with all ``event_flags.{year}``, for data also those of ``event_flags_data.{year}``."""
    flags = list(parameter(processor_params, "event_flags", year))
    if not isMC:
        # With an OmegaConf list on the right, the sum would be a read-only OmegaConf list.
        flags.extend(processor_params.get("event_flags_data", {}).get(year, []))
    passed, stored = np.ones(len(events), dtype=np.bool_), events.Flag
    for flag in flags:
        passed &= np.asarray(branch(stored, flag, "Flag"))
    return passed


eventFlags = Cut(name="event_flags", params={}, function=apply_event_flags)


def apply_golden_json(
    events: ak.Array, params: Params, *, year: str, isMC: bool, processor_params: Any, **kwargs: Any
) -> npt.NDArray[np.bool_]:
    """Return the mask of data certified by the file ``lumi.goldenJSON.{year}``; all simulation passes."""
    if isMC:
        return passthrough_f(events, params)
    return certified(events.run, events.luminosityBlock, parameter(processor_params, "lumi", "goldenJSON", year))


goldenJson = Cut(name="golden_json_lumi", params={}, function=apply_golden_json)

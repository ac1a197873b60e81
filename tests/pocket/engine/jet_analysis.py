"""The analysis that generated configurations configure, as the engine takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
from omegaconf import OmegaConf

from pocket.calibrators import Calibrator
from pocket.configuration.configurator import Configurator
from pocket.cuts.categories import CartesianSelection, MultiCut
from pocket.cuts.cut import Cut
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights import WeightDataMultiVariation, WeightLambda
from tests.pocket.configs import PARAMETERS, configure
from tests.pocket.engine.declarations import (
    COLUMNS,
    FIXED,
    JES,
    PT_MIN,
    SHAPES,
    SHIFT,
    CutOn,
    Declaration,
    Event,
)


class Jes(Calibrator):
    """Scales jets of simulation."""

    name, has_variations = "jes", True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Jet.pt",)
    inputs = ()
    _variations = SHAPES["jes"]

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
        """Scale."""
        return {"Jet.pt": events.Jet.pt * JES.get(variation, 1.0)}


class Shift(Calibrator):
    """Shifts x by the hard jets."""

    name, has_variations = "shift", True
    calibrated_collections = ("x",)
    inputs = ("Jet",)
    _variations = SHAPES["shift"]

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Mapping[str, Any]:
        """Shift."""
        return {"x": events.x + 0.5 * ak.sum(events.Jet.pt > 2, axis=1) + SHIFT.get(variation, 0.0)}


class JetWorkflow(BaseProcessorABC):
    """Selects jets; some events have no list of them."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select jets."""
        good = self.events.Jet[self.events.Jet.pt >= self.params.limits.pt]
        self.events["JetGood"] = ak.mask(good, ~self.events.hidden)

    def count_objects(self, variation: str) -> None:
        """Count them."""
        self.events["nJetGood"] = ak.num(self.events.JetGood)

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Add what only histograms read."""
        self.custom_histogram_fields["ht"] = ak.sum(self.events.JetGood.pt, axis=1)
        self.custom_histogram_fields["twice"] = 2 * self.events.JetGood.pt


def _wk(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return events.k, events.k + 1, 0 * events.k


def _wn(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    n = ak.fill_none(events.nJetGood, 0)
    return WeightDataMultiVariation("wn", 1 + 0.5 * n, ["stat", "syst"], [1 + n, 0.25 * n], [0.5, -1.0])


WEIGHT_CLASSES = [
    WeightLambda.wrap_func("wk", _wk, has_variations=True),
    WeightLambda.wrap_func("wn", _wn, has_variations=True, variations=["stat", "syst"], isMC_only=False),
    WeightLambda.wrap_func("fixed", lambda *args: FIXED),
]


def configuration(declared: Declaration) -> Configurator:
    """Return the configuration as the engine takes it."""
    cuts: dict[CutOn, Cut] = {}

    def listed(some: Sequence[CutOn]) -> list[Cut]:
        # one cut serves everywhere
        return [cuts.setdefault(cut, Cut("cut", cut._asdict(), _passes, collection=cut.collection)) for cut in some]

    common = {name: listed(some) for name, some in declared.common.items()}
    multicuts = [
        MultiCut(f"m{number}", listed(some), [f"m{number}b{k}" for k in range(len(some))])
        for number, some in enumerate(declared.binnings)
    ]
    subsamples = {name: listed(some) for name, some in declared.subsamples.items()}
    return configure(
        parameters=OmegaConf.merge(PARAMETERS, {"limits": {"pt": PT_MIN}}),
        workflow=JetWorkflow,
        skim=listed(declared.skim),
        preselections=listed(declared.preselections),
        categories=CartesianSelection(multicuts, common) if multicuts else common,
        subsamples={declared.sample: subsamples} if subsamples else {},
        weights_classes=WEIGHT_CLASSES,
        weights=declared.weights,
        variations={"weights": declared.varied, "shape": declared.shapes},
        calibrators=[Jes, Shift],
        columns=_with_columns(declared.columns),
        variables=declared.histograms,
    )


def _passes(events: Any, params: Any, **kwargs: Any) -> Any:
    record = events if params["collection"] == "events" else events[params["collection"]]
    return record[params["field"]] >= params["minimum"]


def _with_columns(block: Any) -> Any:
    if isinstance(block, list):
        return [COLUMNS[name] for name in block]
    return {key: _with_columns(part) for key, part in block.items()}


def to_awkward(events: Sequence[Event], is_mc: bool) -> ak.Array:
    """Convert events; simulation has generator weights."""
    columns: dict[str, Any] = {
        "run": np.ones(len(events), dtype=np.uint32),
        "luminosityBlock": np.ones(len(events), dtype=np.uint32),
        "event": np.array([event["event"] for event in events], dtype=np.uint64),
        "x": _column([event["x"] for event in events], np.float64),
        "k": np.array([event["k"] for event in events], dtype=np.float64),
        "hidden": np.array([event["hidden"] for event in events], dtype=np.bool_),
        "Jet": _collection(events, "Jet", {"pt": np.float32, "tag": np.bool_, "maybe": np.float32}),
        "Muon": _collection(events, "Muon", {"pt": np.float32}),
    }
    if is_mc:
        columns["genWeight"] = np.array([event["genWeight"] for event in events], dtype=np.float32)
    return ak.zip(columns, depth_limit=1)


def _collection(events: Sequence[Event], name: str, fields: Mapping[str, Any]) -> ak.Array:
    objects = [item for event in events for item in event[name]]
    record = ak.zip({field: _column([item[field] for item in objects], dtype) for field, dtype in fields.items()})
    return ak.unflatten(record, np.array([len(event[name]) for event in events], dtype=np.int64))


def _column(values: list[Any], dtype: Any) -> ak.Array:
    column = np.array([0 if value is None else value for value in values], dtype=dtype)
    return ak.mask(column, np.array([value is not None for value in values], dtype=np.bool_))

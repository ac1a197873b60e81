from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.processor import accumulate
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.configurator import Configurator
from pocket.cut import Cut
from pocket.engine.chunk import empty_output, process_chunk
from pocket.errors import DatasetError
from pocket.histograms.config import Axis, HistConf
from pocket.weights import WeightLambda
from pocket.workflows import BaseProcessorABC
from tests.pocket.configs import DATA, DY, PARAMETERS, TT, PlainWorkflow, configure, metadata

Event = dict[str, Any]

N_EDGES = [0, 1, 2, 4]
PT_EDGES = [0.0, 0.1, 0.7, 5.0]


class ObjectWorkflow(BaseProcessorABC):
    """Selects objects above a threshold."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select objects."""
        self.events["ObjGood"] = self.events.Obj[self.events.Obj.pt > self.params.limits.pt]

    def count_objects(self, variation: str) -> None:
        """Count them."""
        self.events["nObjGood"] = ak.num(self.events.ObjGood)

    def define_common_variables_after_presel(self, variation: str) -> None:
        """Add a variable that only histograms read."""
        self.custom_histogram_fields["sum"] = ak.sum(self.events.ObjGood.pt, axis=1)


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events[params["field"]] >= params["minimum"]


def sf(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return events.k, events.k + 1, events.k * 0


def size_weight(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return 1.0 + 0.5 * np.asarray(events.nObjGood)


WEIGHTS = [
    WeightLambda.wrap_func("sf", sf, has_variations=True),
    WeightLambda.wrap_func("size", size_weight, isMC_only=False),
]
VARIABLES = {
    "n": HistConf([Axis(field="nObjGood", bins=N_EDGES)]),
    "pt": HistConf([Axis(coll="ObjGood", field="pt", bins=PT_EDGES), Axis(field="x", bins=[-1, 1, 2])]),
    "lead": HistConf([Axis(coll="ObjGood", field="pt", pos=0, bins=PT_EDGES)], variations=False),
    "counts": HistConf([Axis(coll="custom", field="sum", bins=PT_EDGES)], storage="int64", no_weights=True),
}


def configuration(skim: float, presel: int) -> Configurator:
    at_least = [Cut(f"n{n}", {"field": "nObjGood", "minimum": n}, above) for n in range(3)]
    return configure(
        parameters=OmegaConf.merge(PARAMETERS, {"limits": {"pt": 0.1}}),
        workflow=ObjectWorkflow,
        skim=[Cut("x", {"field": "x", "minimum": skim}, above)],
        preselections=[at_least[presel]],
        categories={"all": [], "one": [at_least[1]], "two": [at_least[1], at_least[2]]},
        weights_classes=WEIGHTS,
        weights={
            "common": {"inclusive": ["genWeight", "lumi"], "bycategory": {"one": ["sf"]}},
            "bysample": {"DATA": {"inclusive": ["size"]}, "TT": {"bycategory": {"two": ["size", "sf"]}}},
        },
        variations={"weights": {"common": {"inclusive": ["sf"]}}},
        variables=VARIABLES,
    )


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "genWeight": st.sampled_from([-1.5, 0.0, 0.1, 2.0]),
            "x": st.sampled_from([None, -1.0, 0.5, 1.0, 3.0]),
            "k": st.sampled_from([0.0, 1.0, -2.0]),
            # in single precision 0.1 and 0.7 are a bit above and below
            "Obj": st.lists(st.sampled_from([0.1, 0.2, 0.7, 3.0, 9.0]), max_size=3),
        }
    ),
    max_size=12,
)


def to_awkward(events: list[Event], is_mc: bool) -> ak.Array:
    objects = ak.unflatten(
        ak.zip({"pt": np.array([pt for event in events for pt in event["Obj"]], dtype=np.float32)}),
        np.array([len(event["Obj"]) for event in events], dtype=np.int64),
    )
    x = np.array([math.nan if event["x"] is None else event["x"] for event in events], dtype=np.float64)
    columns = {
        "x": ak.mask(x, ~np.isnan(x)),
        "k": np.array([event["k"] for event in events], dtype=np.float64),
        "Obj": objects,
    }
    if is_mc:
        columns["genWeight"] = np.array([event["genWeight"] for event in events], dtype=np.float32)
    return ak.zip(columns, depth_limit=1)


def loop(events: list[Event], sample: str, skim: float, presel: int) -> dict[str, Any]:
    """Process event by event; return the sums under tuples that say what they are."""
    sums: dict[Any, float] = {"initial": 0, "skim": 0, "presel": 0, "genweights": 0.0, "signs": 0.0}

    def add(key: Any, value: float) -> None:
        sums[key] = sums.get(key, 0) + value

    for event in events:
        gen = float(np.float32(event["genWeight"])) if sample != "DATA" else 1.0
        add("initial", 1)
        add("genweights", gen)
        add("signs", (gen > 0) - (gen < 0))
        if event["x"] is None or not event["x"] >= skim:
            continue
        add("skim", 1)
        # 0.1 in single precision is compared with 0.1 in single precision
        good = [float(np.float32(pt)) for pt in event["Obj"] if np.float32(pt) > np.float32(0.1)]
        if len(good) < presel:
            continue
        add("presel", 1)
        for category, number in {"all": 0, "one": 1, "two": 2}.items():
            if len(good) < number:
                continue
            size = 1.0 + 0.5 * len(good)
            base = {"DATA": size, "DY": gen, "TT": gen * size if category == "two" else gen}[sample]
            has_sf = (category == "one" and sample != "DATA") or (category == "two" and sample == "TT")
            weights = {"nominal": base * event["k"] if has_sf else base}
            if sample != "DATA":
                weights["sfUp"] = base * (event["k"] + 1) if has_sf else base
                weights["sfDown"] = 0.0 if has_sf else base
            add(("cutflow", category), 1)
            add(("sumw", category), weights["nominal"])
            add(("sumw2", category), weights["nominal"] ** 2)
            fills = [("n", (_bin(len(good), N_EDGES),)), ("counts", (_bin(_sum(good), PT_EDGES),))]
            fills += [("pt", (_bin(pt, PT_EDGES), _bin(event["x"], [-1, 1, 2]))) for pt in good]
            fills += [("lead", (_bin(good[0], PT_EDGES),))] if good else []
            for name, position in fills:
                for variation, weight in weights.items():
                    value = 1.0 if name == "counts" else weight
                    add((name, category, variation, position), value)
                    add((name, category, variation, position, "variance"), value**2)
    return sums


def _sum(values: list[float]) -> float:
    return float(sum(np.array(values, dtype=np.float32), np.float32(0)))


def _bin(value: float, edges: list[Any]) -> int:
    return sum(value >= edge for edge in edges)


def check(output: dict[str, Any], sums: dict[str, Any], dataset: str, sample: str) -> None:
    cutflow = output["cutflow"]
    assert cutflow["initial"] == {dataset: sums["initial"]}
    assert cutflow["skim"] == {dataset: sums["skim"]}
    assert cutflow["presel"] == {dataset: {"nominal": sums["presel"]}}
    if sample == "DATA":
        assert "sum_genweights" not in output
    else:
        assert output["sum_genweights"] == {dataset: pytest.approx(sums["genweights"], rel=1e-12, abs=1e-12)}
        assert output["sum_signOf_genweights"] == {dataset: sums["signs"]}
    for category in ("all", "one", "two"):
        for key in ("cutflow", "sumw", "sumw2"):
            expected = pytest.approx(sums.get((key, category), 0), rel=1e-12, abs=1e-12)
            assert output[key][category] == {dataset: {sample: {"nominal": expected}}}
    for name, conf in VARIABLES.items():
        histogram = output["variables"][name][sample][dataset]
        variations = ["nominal"]
        if sample != "DATA":
            variations += ["sfUp", "sfDown"] if conf.variations else []
            assert list(histogram.axes["variation"]) == variations
        parts = {"value": histogram.values(flow=True)}
        if conf.storage == "weight":
            parts["variance"] = histogram.variances(flow=True)
        for part, array in parts.items():
            array = array if sample != "DATA" else array[:, None]
            expected = np.zeros(array.shape)
            for index in np.ndindex(array.shape):
                key = (name, histogram.axes["cat"][index[0]], variations[index[1]], index[2:])
                expected[index] = sums.get(key if part == "value" else (*key, part), 0.0)
            assert array == pytest.approx(expected, rel=1e-12, abs=1e-12)


def process(config: Configurator, events: list[Event], dataset: str) -> dict[str, Any]:
    meta = metadata(config, dataset)
    workflow = config.workflow(config, config.parameters)
    return process_chunk(workflow, to_awkward(events, meta["isMC"]), meta)


@settings(max_examples=50, deadline=None)
@given(
    events=EVENTS,
    dataset=st.sampled_from([(DY, "DY"), (TT, "TT"), (DATA, "DATA")]),
    # the largest value lets no event pass
    skim=st.sampled_from([-1.0, 0.5, 5.0]),
    presel=st.sampled_from([0, 1, 2]),
    data=st.data(),
)
def test_equals_an_event_loop_however_it_is_divided(
    events: list[Event], dataset: tuple[str, str], skim: float, presel: int, data: st.DataObject
) -> None:
    config = configuration(skim, presel)
    sums = loop(events, dataset[1], skim, presel)
    whole = process(config, events, dataset[0])
    check(whole, sums, *dataset)

    order = data.draw(st.permutations(range(len(events))))
    stops = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=3)))
    parts = [order[start:stop] for start, stop in zip([0, *stops], [*stops, len(events)], strict=True)]
    outputs = [process(config, [events[number] for number in part], dataset[0]) for part in parts]
    check(accumulate(outputs), sums, *dataset)


@pytest.mark.parametrize("dataset", [DY, DATA])
def test_no_events_give_the_empty_output(dataset: str) -> None:
    config = configuration(0.0, 0)
    assert process(config, [], dataset) == empty_output(config, config.parameters, metadata(config, dataset))


def test_generator_weights_are_summed_in_double_precision() -> None:
    config = configure()
    weights = np.full(100_000, 0.1, dtype=np.float32)
    events = ak.Array({"genWeight": weights, "x": np.zeros(len(weights))})
    output = process_chunk(PlainWorkflow(config, {}), events, metadata(config, DY))
    assert output["sum_genweights"][DY] == pytest.approx(len(weights) * float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_generator_weights_must_be_finite(value: float) -> None:
    # also those of events that are cut away: they are part of the normalisation
    config = configure(skim=[Cut("x", {"field": "x", "minimum": 1}, above)])
    events = ak.Array({"genWeight": np.array([value, 1.0, value], dtype=np.float32), "x": [0.0, 1.0, 0.0]})
    with pytest.raises(DatasetError, match=f"dataset '{DY}': genWeight is not finite for 2 of 3 events"):
        process_chunk(PlainWorkflow(config, {}), events, metadata(config, DY))


def test_order_of_the_entry_points() -> None:
    called: list[tuple[Any, ...]] = []

    class Recorder(PlainWorkflow):
        """Writes down what is called, with its variation and the number of events."""

    def record(name: str) -> Any:
        return lambda self, *variation: called.append((name, *variation, self.nevents))

    before = ["process_extra_before_skim", "process_extra_after_skim"]
    objects = ["apply_object_preselection", "count_objects"]
    middle = ["define_common_variables_before_presel", "process_extra_before_presel"]
    after = ["define_common_variables_after_presel", "process_extra_after_presel"]
    for name in (*before, *objects, *middle, *after):
        setattr(Recorder, name, record(name))
    cuts = [Cut(f"x{limit}", {"field": "x", "minimum": limit}, above) for limit in (1, 2, 3)]
    config = configure(workflow=Recorder, skim=cuts[:1], preselections=cuts[1:2], categories={"c": cuts[2:]})
    events = ak.Array({"x": [0.0, 1.0, 2.0, 3.0], "genWeight": [1.0] * 4})
    output = process_chunk(Recorder(config, {}), events, metadata(config, DY))
    assert called == [
        (before[0], 4),
        (before[1], 3),
        *((name, "nominal", 3) for name in (*objects, *middle)),
        *((name, "nominal", 2) for name in after),
    ]
    assert output["cutflow"]["c"] == {DY: {"DY": {"nominal": 1}}}


def test_nothing_is_called_for_events_that_are_gone() -> None:
    class Fails(PlainWorkflow):
        """Can't do anything."""

        def apply_object_preselection(self, variation: str) -> None:
            """Fail."""
            raise AssertionError

    nothing = Cut("none", {"field": "x", "minimum": 9}, above)
    events = ak.Array({"x": [0.0], "genWeight": [2.0]})
    config = configure(workflow=Fails, skim=[nothing])
    output = process_chunk(Fails(config, {}), events, metadata(config, DY))
    # the weight of an event that is cut away counts for the normalisation
    assert output["sum_genweights"] == {DY: 2.0}
    assert output["cutflow"]["skim"] == {DY: 0}

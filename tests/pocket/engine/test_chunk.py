from __future__ import annotations

import itertools
import operator
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.processor import accumulate
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.calibrators import Calibrator
from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.engine.chunk import empty_output, process_chunk
from pocket.errors import DatasetError
from pocket.histograms.config import Axis, HistConf
from tests.pocket.configs import DATA, DY, TT, PlainWorkflow, configure, metadata, planned
from tests.pocket.engine.declarations import Declaration, Event
from tests.pocket.engine.event_loop import EventLoop, Sums
from tests.pocket.engine.generated_configurations import EVENTS, declarations
from tests.pocket.engine.jet_analysis import configuration, to_awkward

DATASETS = {"TT": TT, "DY": DY, "DATA": DATA}


def above(events: Any, params: Any, **kwargs: Any) -> Any:
    return events[params["field"]] >= params["minimum"]


def process(config: Configurator, events: list[Event], dataset: str) -> dict[str, Any]:
    meta = metadata(config, dataset)
    return process_chunk(config.workflow(planned(config)), to_awkward(events, meta["isMC"]), meta)


def check(output: dict[str, Any], loop: EventLoop, sums: Sums, dataset: str) -> None:
    """Compare everything in the output with the event loop."""
    by_variation = {variation: sums.counts["presel", variation] for variation in loop.processed}
    cutflow = output["cutflow"]
    assert {name: cutflow[name] for name in ("initial", "skim", "presel")} == {
        "initial": {dataset: sums.counts["initial",]},
        "skim": {dataset: sums.counts["skim",]},
        "presel": {dataset: by_variation},
    }
    assert set(cutflow) == {"initial", "skim", "presel", *loop.categories}
    assert ("sum_genweights" in output) == loop.is_mc
    if loop.is_mc:
        assert output["sum_genweights"] == {dataset: pytest.approx(sums.counts["genweights",], rel=1e-12, abs=1e-12)}
        assert output["sum_signOf_genweights"] == {dataset: sums.counts["signs",]}
    for key in ("cutflow", "sumw", "sumw2"):
        for category in loop.categories:
            found = output[key][category][dataset]
            assert set(found) == set(loop.counted)
            for sample, sums_of in found.items():
                expected = {variation: sums.counts[key, category, sample, variation] for variation in loop.processed}
                assert sums_of == pytest.approx(expected, rel=1e-12, abs=1e-12), (key, category, sample)
    found = {(one, two): n for one, others in output["shared"][dataset].items() for two, n in others.items()}
    pairs = itertools.combinations(loop.categories, 2)
    assert found == {pair: sums.counts["shared", *pair] for pair in pairs if sums.counts["shared", *pair]}
    check_histograms(output["variables"], loop, sums, dataset)
    check_columns(output["columns"], loop, sums, dataset)


def check_histograms(variables: dict[str, Any], loop: EventLoop, sums: Sums, dataset: str) -> None:
    filled = {name: loop.filled(conf) for name, conf in loop.declared.histograms.items()}
    assert {name: list(by_sample) for name, by_sample in variables.items()} == {
        name: samples for name, (samples, categories) in filled.items() if samples and categories
    }
    for name, by_sample in variables.items():
        conf = loop.declared.histograms[name]
        for sample, by_dataset in by_sample.items():
            assert list(by_dataset) == [dataset]
            histogram = by_dataset[dataset]
            variations = ["nominal"]
            if loop.is_mc:
                variations = list(histogram.axes["variation"])
                assert variations[0] == "nominal"
                assert sorted(variations) == sorted(loop.filled_variations(conf, sample))
            categories = list(histogram.axes["cat"])
            assert categories == filled[name][1]
            parts = [histogram.values(flow=True)]
            if conf.storage == "weight":
                parts.append(histogram.variances(flow=True))
            for part, array in enumerate(parts):
                array = array if loop.is_mc else array[:, None]
                expected = np.zeros(array.shape)
                for index in np.ndindex(array.shape):
                    key = (name, sample, categories[index[0]], variations[index[1]], index[2:])
                    expected[index] = sums.bins[key][part]
                assert array == pytest.approx(expected, rel=1e-12, abs=1e-12), (name, sample)
            # nothing lies outside of the axes
            cells = [key[2:] for key, cell in sums.bins.items() if key[:2] == (name, sample) and any(cell)]
            assert all(category in categories and variation in variations for category, variation, _ in cells)


def check_columns(columns: dict[str, Any], loop: EventLoop, sums: Sums, dataset: str) -> None:
    assert list(columns) == loop.stored
    for sample, by_dataset in columns.items():
        assert set(by_dataset[dataset]) == set(loop.categories)
        for category, by_variation in by_dataset[dataset].items():
            assert set(by_variation) <= set(loop.processed)
            for variation in loop.processed:
                chunks = by_variation.get(variation, [])
                rows = [row for records in chunks for row in records.tolist()]
                expected = sums.rows[sample, category, variation]
                key = operator.itemgetter("event")
                for row, wanted in zip(sorted(rows, key=key), sorted(expected, key=key), strict=True):
                    weights = {name for name in wanted if name.startswith("weight")}
                    assert {name: row[name] for name in row if name not in weights} == {
                        name: wanted[name] for name in wanted if name not in weights
                    }
                    found = [row[name] for name in sorted(weights)]
                    assert found == pytest.approx([wanted[name] for name in sorted(weights)], rel=1e-12, abs=1e-12)


@pytest.mark.slow
@settings(max_examples=60)
@given(declared=declarations(), events=EVENTS, data=st.data())
def test_equals_an_event_loop_however_it_is_divided(declared: Declaration, events: list[Event], data: Any) -> None:
    dataset = DATASETS[declared.sample]
    config, loop = configuration(declared), EventLoop(declared)
    sums = loop.run(events)
    check(process(config, events, dataset), loop, sums, dataset)

    order = data.draw(st.permutations(range(len(events))))
    stops = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=2)))
    parts = [order[start:stop] for start, stop in zip([0, *stops], [*stops, len(events)], strict=True)]
    outputs = [process(config, [events[number] for number in part], dataset) for part in parts]
    check(accumulate(outputs), loop, sums, dataset)


@settings(max_examples=10)
@given(declared=declarations())
def test_no_events_give_the_empty_output(declared: Declaration) -> None:
    dataset, config = DATASETS[declared.sample], configuration(declared)
    empty = empty_output(config.plan(), config.parameters, metadata(config, dataset))
    found = process(config, [], dataset)
    assert found == empty
    check(empty, EventLoop(declared), Sums(), dataset)


def test_generator_weights_are_summed_in_double_precision() -> None:
    config = configure()
    weights = np.full(100_000, 0.1, dtype=np.float32)
    events = ak.Array({"genWeight": weights, "x": np.zeros(len(weights))})
    output = process_chunk(PlainWorkflow(planned(config)), events, metadata(config, DY))
    assert output["sum_genweights"][DY] == pytest.approx(len(weights) * float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_generator_weights_must_be_finite(value: float) -> None:
    # also those of events that are cut away: they are part of the normalisation
    config = configure(skim=[Cut("x", {"field": "x", "minimum": 1}, above)])
    events = ak.Array({"genWeight": np.array([value, 1.0, value], dtype=np.float32), "x": [0.0, 1.0, 0.0]})
    with pytest.raises(DatasetError, match=f"dataset '{DY}': genWeight is not finite for 2 of 3 events"):
        process_chunk(PlainWorkflow(planned(config)), events, metadata(config, DY))


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
    output = process_chunk(Recorder(planned(config)), events, metadata(config, DY))
    assert called == [
        (before[0], 4),
        (before[1], 3),
        *((name, "nominal", 3) for name in (*objects, *middle)),
        *((name, "nominal", 2) for name in after),
    ]
    assert output["cutflow"]["c"] == {DY: {"DY": {"nominal": 1}}}


def test_a_workflow_knows_how_many_events_are_left() -> None:
    counts: list[tuple[int, int, int]] = []

    class Counts(PlainWorkflow):
        """Notes what is left at two steps."""

        def _note(self) -> None:
            counts.append((self.nEvents_initial, self.nEvents_after_skim, self.nEvents_after_presel))

        def process_extra_after_skim(self) -> None:
            self._note()

        def process_extra_after_presel(self, variation: str) -> None:
            self._note()

    skim, presel = (Cut(f"x{low}", {"field": "x", "minimum": low}, above) for low in (2, 5))
    config = configure(workflow=Counts, skim=[skim], preselections=[presel])
    process_chunk(Counts(planned(config)), ak.Array({"x": np.arange(7.0)}), metadata(config, DATA))
    assert counts == [(7, 5, 0), (7, 5, 2)]


def test_nothing_is_called_for_events_that_are_gone() -> None:
    class Fails(PlainWorkflow):
        """Can't do anything."""

        def apply_object_preselection(self, variation: str) -> None:
            """Fail."""
            raise AssertionError

    nothing = Cut("none", {"field": "x", "minimum": 9}, above)
    events = ak.Array({"x": [0.0], "genWeight": [2.0]})
    config = configure(workflow=Fails, skim=[nothing])
    output = process_chunk(Fails(planned(config)), events, metadata(config, DY))
    # the weight of an event that is cut away counts for the normalisation
    assert output["sum_genweights"] == {DY: 2.0}
    assert output["cutflow"]["skim"] == {DY: 0}


def test_variations_that_initialize_names_fill_the_same() -> None:
    class Scale(Calibrator):
        """Scales x."""

        name, has_variations = "scale", True
        calibrated_collections = ("x",)
        _variations = ("scaleUp", "scaleDown")

        def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> Any:
            return {"x": events.x * {"scaleUp": 2.0, "scaleDown": 0.5}.get(variation, 1.0)}

    class Late(Scale):
        """Knows its variations after initialize."""

        _variations = None  # type: ignore[assignment]

        def initialize(self, events: Any) -> None:
            self._variations = list(Scale._variations)

    axis = Axis(field="x", bins=4, start=0, stop=8)
    variables = {"x": HistConf([axis]), "up": HistConf([axis], only_variations=["nominal", "scaleUp"])}
    preselection = Cut("x2", {"field": "x", "minimum": 2}, above)
    varied = {"shape": {"common": {"inclusive": ["scale"]}}}
    for xs in ([0.0, 1.0, 3.0, 5.0], []):
        events = ak.Array({"x": np.array(xs), "genWeight": np.ones(len(xs), dtype=np.float32)})
        found = []
        for calibrator in (Scale, Late):
            config = configure(
                variables=variables, preselections=[preselection], calibrators=[calibrator], variations=varied
            )
            found.append(process_chunk(PlainWorkflow(planned(config)), events, metadata(config, DY)))
        early, late = found
        assert late["cutflow"] == early["cutflow"]
        assert list(late["cutflow"]["presel"][DY]) == ["nominal", "scaleUp", "scaleDown"]
        assert late["variables"] == early["variables"]

from __future__ import annotations

import copy
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.configuration.configurator import Configurator
from pocket.engine.chunk import empty_output, process_chunk
from pocket.errors import ConfigError, DatasetError
from pocket.histograms.config import Axis, HistConf
from pocket.outputs.merging import check_events, merge_outputs
from pocket.weights import WeightLambda
from tests.pocket.configs import DATA, DY, DY_LOW, LUMI, TT, PlainWorkflow, configure, metadata, only, planned

X = Axis(field="x", bins=2, start=0, stop=2)
VARIABLES = {
    "x": HistConf([X]),
    "double": HistConf([X], storage="double"),
    "counts": HistConf([X], storage="int64", no_weights=True),
}
XSEC = {DY: 6000.0, DY_LOW: 18000.0, TT: 88.0}
#: dataset → generator weights of its events; ``x`` is 0.5 for all
GENWEIGHTS = {DY: [2.0, -1.0, 3.5], DY_LOW: [0.1, 0.2], TT: [1.0, -1.0, 0.5, 4.0], DATA: [1.0] * 5}
SF = 1.5


def sf(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return SF, 2.0, 1.0


def process(config: Configurator, dataset: str, genweights: list[float]) -> dict[str, Any]:
    events = ak.Array({"x": np.full(len(genweights), 0.5), "genWeight": np.array(genweights, dtype=np.float32)})
    return process_chunk(PlainWorkflow(planned(config)), events, metadata(config, dataset))


def merge(
    config: Configurator, genweights: dict[str, list[float]] = GENWEIGHTS, lost: int | None = None
) -> dict[str, Any]:
    # two branches per dataset
    outputs = []
    for dataset in config.definitions:
        weights = genweights[dataset]
        outputs += [process(config, dataset, weights[:1]), process(config, dataset, weights[1:])]
    known = {dataset: metadata(config, dataset) for dataset in config.definitions}
    if lost is not None:
        known[DATA]["nevents"] = len(genweights[DATA]) + lost
    return merge_outputs(config.merging_plan(), outputs, known)


def bin_of(merged: dict[str, Any], name: str, dataset: str, category: str, variation: str = "nominal") -> Any:
    histogram = merged["variables"][name][dataset.partition("_")[0]][dataset]
    return histogram[category, 0j] if dataset == DATA else histogram[category, variation, 0j]


@pytest.mark.parametrize("all_files", [True, False])
def test_events_of_the_fileset(all_files: bool) -> None:
    check_events(DY, 3, 3, all_files=all_files)
    check_events(DY, 0, 0, all_files=all_files)
    # more events than there are, in any case
    with pytest.raises(DatasetError, match=f"'{DY}': 4 events were processed, its fileset has 3"):
        check_events(DY, 4, 3, all_files=all_files)
    with pytest.raises(DatasetError, match=f"'{DY}': none of its files could be read"):
        check_events(DY, 0, 3, all_files=all_files)


def test_events_lost() -> None:
    check_events(DY, 3, 4, all_files=False)
    with pytest.raises(DatasetError, match=f"'{DY}': 3 events were processed, its fileset has 4"):
        check_events(DY, 3, 4, all_files=True)


def test_merging_checks_events() -> None:
    merge(configure(), lost=0)
    with pytest.raises(DatasetError, match=f"'{DATA}': 5 events were processed, its fileset has 6"):
        merge(configure(), lost=1)


@pytest.mark.parametrize("kind", ["genWeight", "signOf_genWeight"])
def test_normalisation_by_hand(kind: str) -> None:
    varied = WeightLambda.wrap_func("sf", sf, has_variations=True)
    config = configure(
        variables=VARIABLES,
        categories={"a": [], "b": []},
        weights={"common": {"inclusive": [kind, "lumi", "XS"], "bycategory": {"b": [varied]}}},
        variations={"weights": {"common": {"inclusive": ["sf"]}}},
    )
    merged = merge(config)
    for dataset in (DY, DY_LOW, TT):
        sample = dataset.partition("_")[0]
        weights = [float(np.float32(weight)) for weight in GENWEIGHTS[dataset]]
        if kind == "signOf_genWeight":
            weights = [1.0 if weight > 0 else -1.0 for weight in weights]
        total, squares = sum(weights), sum(weight**2 for weight in weights)
        for category, factors in {"a": (1.0, 1.0, 1.0), "b": (SF, 2.0, 1.0)}.items():
            for variation, factor in zip(("nominal", "sfUp", "sfDown"), factors, strict=True):
                scale = factor * LUMI * XSEC[dataset] / total
                found = bin_of(merged, "x", dataset, category, variation)
                assert found.value == pytest.approx(scale * total, rel=1e-12)
                assert found.variance == pytest.approx(scale**2 * squares, rel=1e-12)
                assert bin_of(merged, "double", dataset, category, variation) == pytest.approx(found.value, rel=1e-12)
                assert bin_of(merged, "counts", dataset, category, variation) == len(weights)
            assert merged["sumw"][category][dataset][sample]["nominal"] == pytest.approx(
                factors[0] * LUMI * XSEC[dataset], rel=1e-12
            )
            assert merged["sumw2"][category][dataset][sample]["nominal"] == pytest.approx(
                bin_of(merged, "x", dataset, category).variance, rel=1e-12
            )
        assert merged["cutflow"]["initial"][dataset] == merged["cutflow"]["a"][dataset][sample]["nominal"]
        # what it was divided by can be looked up
        assert merged["sum_genweights"][dataset] == pytest.approx(sum(np.float32(GENWEIGHTS[dataset])), rel=1e-6)
    assert bin_of(merged, "x", DATA, "a").value == 5
    assert merged["datasets_metadata"][TT]["xsec"] == 88.0


def test_luminosity_and_cross_section_by_category_and_sample() -> None:
    config = configure(
        variables=VARIABLES,
        categories={"a": [], "b": []},
        weights={
            "common": {"inclusive": ["genWeight"], "bycategory": {"b": ["XS"]}},
            "bysample": {"TT": {"inclusive": ["lumi"]}},
        },
    )
    merged = merge(config)
    for dataset, category, expected in (
        (DY, "a", 1.0),
        (DY, "b", XSEC[DY]),
        (TT, "a", LUMI),
        (TT, "b", LUMI * XSEC[TT]),
    ):
        assert bin_of(merged, "x", dataset, category).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("parts", [1, 3])
def test_inputs_stay_as_they_are(parts: int) -> None:
    config = configure(datasets=only("TT"), weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}})
    outputs = [process(config, TT, [1.0, 2.0]) for _ in range(parts)]
    before = copy.deepcopy(outputs)
    merge_outputs(config.merging_plan(), outputs, {TT: metadata(config, TT)})
    assert outputs == before


def test_branches_may_have_labels_of_before() -> None:
    outputs = []
    for label in ("of before", None):
        axis = Axis(field="x", bins=2, start=0, stop=2, label=label)
        config = configure(datasets=only("TT"), variables={"x": HistConf([axis])})
        outputs.append(process(config, TT, [1.0, 2.0]))
    merged = merge_outputs(config.merging_plan(), outputs, {TT: metadata(config, TT)})
    histogram = merged["variables"]["x"]["TT"][TT]
    assert [axis.label for axis in histogram.axes] == ["cat", "variation", "x"]
    assert histogram["baseline", "nominal", sum].value == 4


def test_order_of_the_branches_does_not_matter() -> None:
    config = configure(datasets=only("TT"), weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}})
    outputs = [process(config, TT, weights) for weights in ([0.1, 0.7], [-0.3], [2.0, 0.2])]
    metadatas = {TT: metadata(config, TT)}
    forwards, backwards = (
        merge_outputs(config.merging_plan(), iter(some), metadatas) for some in (outputs, outputs[::-1])
    )
    views = [output["variables"]["x"]["TT"][TT].view(flow=True) for output in (forwards, backwards)]
    for part in ("value", "variance"):
        assert views[0][part] == pytest.approx(views[1][part], rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "weights", "message"),
    [
        ("genWeight", [1.0, -3.0], "the sum of generator weights is -2 over 2 events"),
        ("signOf_genWeight", [5.0, -3.0], "the sum of generator weights is 0 over 2 events"),
        ("genWeight", [], "the sum of generator weights is 0 over 0 events"),
    ],
)
def test_sum_of_weights_must_be_positive(kind: str, weights: list[float], message: str) -> None:
    config = configure(datasets=only("TT"), weights={"common": {"inclusive": [kind]}})
    with pytest.raises(DatasetError, match=f"dataset '{TT}': {message}, so the dataset can't be normalised"):
        merge(config, {TT: weights})


def test_what_is_missing() -> None:
    config = configure(datasets=only("TT", "DATA"))
    outputs = [process(config, TT, [1.0])]
    metadatas = {dataset: metadata(config, dataset) for dataset in (TT, DATA)}
    with pytest.raises(DatasetError, match=f"dataset '{DATA}' has no output to merge"):
        merge_outputs(config.merging_plan(), outputs, metadatas)
    with pytest.raises(DatasetError, match=f"dataset '{TT}' has no output to merge"):
        merge_outputs(config.merging_plan(), [], metadatas)
    outputs.append(empty_output(config.plan(), config.parameters, metadatas[DATA]))
    merge_outputs(config.merging_plan(), outputs, metadatas)
    with pytest.raises(DatasetError, match=f"dataset '{TT}' has no metadata to normalise it by"):
        merge_outputs(config.merging_plan(), outputs, {DATA: metadatas[DATA]})


@pytest.mark.parametrize("before_skim", [{}, {"isSkim": True, "nevents_before_skim": 50}])
def test_no_file_could_be_read(before_skim: dict[str, Any]) -> None:
    config = configure(datasets=only("DATA"))
    meta = {**metadata(config, DATA), "nevents": 5, **before_skim}
    nothing = empty_output(config.plan(), config.parameters, meta)
    with pytest.raises(DatasetError, match=f"dataset '{DATA}': none of its files could be read, .* nothing to merge"):
        merge_outputs(config.merging_plan(), [nothing, nothing], {DATA: meta})
    # one of them could, and of a skim without a survivor there is nothing to read
    one = process(config, DATA, [1.0])
    assert merge_outputs(config.merging_plan(), [nothing, one], {DATA: meta}, all_files=False)["cutflow"]["initial"][
        DATA
    ]
    merge_outputs(config.merging_plan(), [nothing], {DATA: {**meta, "nevents": 0}})


def test_cross_section_must_be_positive() -> None:
    config = configure(datasets=only("TT"), weights={"common": {"inclusive": ["XS"]}})
    with pytest.raises(ConfigError, match="weight 'XS' must be a positive number, not -1"):
        merge_outputs(config.merging_plan(), [process(config, TT, [1.0])], {TT: {**metadata(config, TT), "xsec": -1}})


@pytest.mark.parametrize("kind", ["genWeight", "signOf_genWeight"])
def test_a_skim_is_normalised_by_the_sums_before_it(kind: str) -> None:
    config = configure(
        datasets=only("TT"), variables=VARIABLES, weights={"common": {"inclusive": [kind, "lumi", "XS"]}}
    )
    meta = {**metadata(config, TT), "isSkim": True}
    events = ak.Array({"x": [0.5, 0.5], "genWeight": [4.0, -1.0], "skimRescaleGenWeight": [10.0, 10.0]})
    output = process_chunk(PlainWorkflow(planned(config)), events, meta)
    sums = {"nevents_before_skim": 100, "sum_genweights": 60.0, "sum_signOf_genweights": 50.0}
    merged = merge_outputs(config.merging_plan(), [output], {TT: {**meta, **sums}})
    assert merged["cutflow"]["initial"][TT] == 100
    weight, total = {"genWeight": (3.0, 60.0), "signOf_genWeight": (0.0, 50.0)}[kind]
    assert bin_of(merged, "x", TT, "baseline").value == pytest.approx(LUMI * XSEC[TT] * weight / total, rel=1e-12)
    assert merged["sum_genweights"][TT] == 60
    if kind == "genWeight":
        # as far as the files tell
        assert merge_outputs(config.merging_plan(), [output], {TT: meta})["sum_genweights"][TT] == 30
        untold = process_chunk(PlainWorkflow(planned(config)), events[["x", "genWeight"]], meta)
        with pytest.raises(DatasetError, match="and its files 'skimRescaleGenWeight'"):
            merge_outputs(config.merging_plan(), [untold], {TT: meta})
    else:
        with pytest.raises(DatasetError, match="can't be normalised: the metadata of the skim lack 'sum_signOf_genw"):
            merge_outputs(config.merging_plan(), [output], {TT: meta})

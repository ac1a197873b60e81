from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.configuration.configurator import Configurator
from pocket.cuts.cut import Cut
from pocket.engine.chunk import process_chunk
from pocket.errors import ConfigError, DatasetError
from pocket.histograms.config import Axis, HistConf
from pocket.outputs.merging import merge_outputs
from pocket.outputs.normalisation import normalisation_notes, normalisation_sentences
from pocket.weights import WeightLambda, WeightWrapper
from pocket.weights.base import NormalisationWeight
from tests.entries import check_each
from tests.pocket.configs import DEFINITIONS, TT, PlainWorkflow, configure, metadata, only, planned

#: Σ = 4.5, Σ sign = 2, N = 4; the first two events are in the category ``b`` and the subsample ``first``
GENWEIGHTS = [1.0, -1.0, 0.5, 4.0]
#: 88 pb × 59830 / pb
SIGMA_L = 5265040.0
X = Axis(field="x", bins=2, start=0, stop=2)


def constant(name: str, value: float, **settings: Any) -> type[WeightWrapper]:
    """Return a weight that is the same for all events."""
    return WeightLambda.wrap_func(name, lambda params, metadata, events, size, shape_variation: value, **settings)


class Clipped(WeightWrapper):
    """An analysis' own generator weight, in the place of the shipped one."""

    name = "genWeight"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        return np.minimum(np.asarray(events.genWeight), 2.0)


def first(events: Any, params: Any, **kwargs: Any) -> Any:
    return np.asarray(events.x) < 1


def build(weights: Any, **settings: Any) -> Configurator:
    categories = {"a": [], "b": [Cut(name="first", params={}, function=first)]}
    fixed = {"variables": {"x": HistConf([X])}, "categories": categories, "weights": weights}
    return configure(**{"datasets": only("TT")} | fixed | settings)


def merged(config: Configurator, with_weights: bool = True, **meta: Any) -> dict[str, Any]:
    columns = {"x": [0.5, 0.5, 1.5, 1.5]}
    if with_weights:
        columns["genWeight"] = np.array(GENWEIGHTS, dtype=np.float32)
    known = {**metadata(config, TT), **meta}
    return merge_outputs(
        config.merging_plan(), [process_chunk(PlainWorkflow(planned(config)), ak.Array(columns), known)], {TT: known}
    )


def notes(config: Configurator) -> list[str]:
    return list(normalisation_notes(config.merging_plan()))


def yields(output: dict[str, Any], sample: str = "TT") -> tuple[float, float]:
    """Return what is in the categories ``a`` and ``b``, the same in histograms and in the sums."""
    found = [float(output["variables"]["x"][sample][TT][category, "nominal", sum].value) for category in ("a", "b")]
    assert found == pytest.approx([output["sumw"][category][TT][sample]["nominal"] for category in ("a", "b")])
    return found[0], found[1]


def common(*inclusive: Any, **bycategory: list[Any]) -> dict[str, Any]:
    return {"common": {"inclusive": list(inclusive), "bycategory": bycategory}}


def of_tt(*inclusive: Any, also: tuple[Any, ...] = (), **bycategory: list[Any]) -> dict[str, Any]:
    return {
        "common": {"inclusive": list(also)},
        "bysample": {"TT": {"inclusive": list(inclusive), "bycategory": bycategory}},
    }


@pytest.mark.parametrize(
    ("weights", "a", "b", "divided"),
    [
        # all events: Σ w = 4.5 of 4.5, first two: 0 of 4.5
        (common("genWeight", "lumi", "XS"), SIGMA_L, 0.0, {"sum_genweights": 4.5}),
        (common("genWeight", "XS"), 88.0, 0.0, {"sum_genweights": 4.5}),
        (common("genWeight", "lumi"), 59830.0, 0.0, {"sum_genweights": 4.5}),
        (common("genWeight"), 1.0, 0.0, {"sum_genweights": 4.5}),
        # signs: +1 −1 +1 +1
        (common("signOf_genWeight", "lumi", "XS"), SIGMA_L, 0.0, {"sum_signOf_genweights": 2.0}),
        (common("signOf_genWeight", "XS"), 88.0, 0.0, {"sum_signOf_genweights": 2.0}),
        (common("signOf_genWeight"), 1.0, 0.0, {"sum_signOf_genweights": 2.0}),
        # two of four events are in b
        (common("lumi", "XS"), SIGMA_L, SIGMA_L / 2, {"nevents": 4.0}),
        (common("XS"), 88.0, 44.0, {"nevents": 4.0}),
        (common("XS", constant("half", 0.5)), 44.0, 22.0, {"nevents": 4.0}),
        # nothing to share among the events
        (common(), 4.0, 2.0, {}),
        (common("lumi"), 4 * 59830.0, 2 * 59830.0, {}),
        (common(constant("half", 0.5)), 2.0, 1.0, {}),
        # wherever it is written
        (of_tt("genWeight", "lumi", "XS"), SIGMA_L, 0.0, {"sum_genweights": 4.5}),
        (of_tt("genWeight", also=("lumi", "XS")), SIGMA_L, 0.0, {"sum_genweights": 4.5}),
        (of_tt("XS", also=("lumi",)), SIGMA_L, SIGMA_L / 2, {"nevents": 4.0}),
        (of_tt("signOf_genWeight", also=("XS",)), 88.0, 0.0, {"sum_signOf_genweights": 2.0}),
        # an analysis' own generator weight is Σ = 2.5, and divided by that of the files
        (common(Clipped, "XS"), 88 * 2.5 / 4.5, 0.0, {"sum_genweights": 4.5}),
        # one in the place of the cross section is one
        (common(constant("XS", 10.0)), 10.0, 5.0, {"nevents": 4.0}),
    ],
)
def test_yields_by_hand(weights: Any, a: float, b: float, divided: dict[str, float]) -> None:
    own = [entry for entry in weights["common"]["inclusive"] if isinstance(entry, type)]
    output = merged(build(weights, weights_classes=own))
    assert yields(output) == pytest.approx((a, b), rel=1e-12)
    assert output["divided_by"] == {TT: {"TT": {"*": divided}}}


@pytest.mark.parametrize(
    ("weights", "a", "b", "divided"),
    [
        # N = 4 in a, Σ w = 4.5 in b, where the first two events cancel
        (common("XS", b=["genWeight"]), 88.0, 0.0, ({"nevents": 4.0}, {"sum_genweights": 4.5})),
        (of_tt("XS", b=["signOf_genWeight"]), 88.0, 0.0, ({"nevents": 4.0}, {"sum_signOf_genweights": 2.0})),
        (common("lumi", b=["XS"]), 4 * 59830.0, SIGMA_L / 2, ({}, {"nevents": 4.0})),
        (of_tt(a=["genWeight"], b=["XS"]), 1.0, 44.0, ({"sum_genweights": 4.5}, {"nevents": 4.0})),
    ],
)
def test_categories_may_have_other_lists(
    weights: Any, a: float, b: float, divided: tuple[dict[str, float], dict[str, float]]
) -> None:
    output = merged(build(weights))
    assert yields(output) == pytest.approx((a, b), rel=1e-12)
    assert output["divided_by"] == {TT: {"TT": dict(zip("ab", divided, strict=True))}}


def test_subsamples_may_have_other_lists() -> None:
    weights = {
        "common": {"inclusive": ["XS"]},
        "bysample": {"TT__first": {"inclusive": ["signOf_genWeight"]}, "TT__all": {"inclusive": ["genWeight"]}},
    }
    cuts = {"first": [Cut(name="first", params={}, function=first)], "all": []}
    config = build(weights, datasets={**only("TT"), "subsamples": {"TT": cuts}})
    output = merged(config)
    # +1 −1 of Σ sign = 2; 4.5 of 4.5, of which the first two cancel
    assert yields(output, "TT__first") == pytest.approx((0.0, 0.0))
    assert yields(output, "TT__all") == pytest.approx((88.0, 0.0), rel=1e-12)
    # the whole sample is counted without either
    assert output["sumw"]["b"][TT]["TT"]["nominal"] == pytest.approx(44.0)
    assert output["divided_by"][TT] == {
        "TT": {"*": {"nevents": 4.0}},
        "TT__first": {"*": {"sum_signOf_genweights": 2.0}},
        "TT__all": {"*": {"sum_genweights": 4.5}},
    }


@pytest.mark.parametrize(
    "weights",
    [
        common("genWeight", "signOf_genWeight"),
        common("genWeight", b=["signOf_genWeight"]),
        of_tt("signOf_genWeight", also=("genWeight",)),
    ],
)
def test_both_generator_weights_are_refused(weights: Any) -> None:
    expected = "'genWeight' and 'signOf_genWeight' are both applied to 'TT' in category '[ab]', but it can be divided"
    with pytest.raises(ConfigError, match=expected):
        build(weights)


@pytest.mark.parametrize("name", ["XS", "lumi", "genWeight"])
def test_twice_is_refused(name: str) -> None:
    for weights in (common(name, name), of_tt(name, also=(name,)), common(name, b=[name])):
        with pytest.raises(ConfigError, match=f"weight '{name}' is applied twice to 'TT' in category"):
            build(weights)


def test_files_need_no_generator_weight_where_none_is_applied() -> None:
    assert yields(merged(build(common("lumi", "XS")), with_weights=False)) == pytest.approx((SIGMA_L, SIGMA_L / 2))


def test_a_skim_shares_among_the_events_before_it() -> None:
    config = build(common("XS"))
    assert yields(merged(config, isSkim=True, nevents_before_skim=40)) == pytest.approx((8.8, 4.4))
    with pytest.raises(DatasetError, match=r"is unknown, so .* can't be normalised .* lack 'nevents_before_skim'$"):
        merged(config, isSkim=True)


def test_pocketcoffeas_option_leaves_datasets_undivided() -> None:
    config = build(common("genWeight", "XS"), workflow_options={"donotscale_sumgenweights": True})
    output = merged(config)
    assert yields(output) == pytest.approx((4.5 * 88, 0.0))
    assert output["divided_by"] == {TT: {"TT": {"*": {}}}}


def test_sentences_have_a_line_for_each_kind_of_sum() -> None:
    divided = {
        "DY": {"DY": {"*": {"sum_genweights": 1234567.0}}},
        "TT": {"TT": {"*": {"sum_genweights": 4.5}}, "TT__b": {"a": {"sum_genweights": 4.5}, "b": {"nevents": 3.0}}},
        "QCD": {"QCD": {"*": {}}},
    }
    assert list(normalisation_sentences(divided)) == [
        "divided by the sum of genWeight: DY 1234567, TT 4.5",
        "divided by the number of events: TT in b 3",
        "not divided, by weights without genWeight, signOf_genWeight and XS: QCD",
    ]


@check_each(
    ("weights", "note"),
    [
        (["genWeight", "lumi", "XS"], ""),
        (["signOf_genWeight", "lumi", "XS"], ""),
        (["genWeight", "XS"], "lumi not applied to TT: yields are cross sections in pb"),
        (["genWeight", "lumi"], "XS not applied to TT: yields are fractions of all events times the luminosity"),
        (["genWeight"], "XS and lumi not applied to TT: yields are fractions of all events before any cut"),
        (["XS", "lumi"], "genWeight not applied to TT: each event counts as one, whatever its generator weight"),
        (["XS"], "genWeight and lumi not applied to TT: each event counts as one, and yields are cross sections in pb"),
        (["lumi"], "genWeight and XS not applied to TT: yields are numbers of simulated events times the luminosity"),
        ([], "genWeight, XS and lumi not applied to TT: yields are numbers of simulated events"),
    ],
)
def test_notes_of_what_simulation_lacks(weights: list[Any], note: str) -> None:
    assert notes(build({"common": {"inclusive": weights}})) == ([note] if note else [])


def test_no_note_of_data_or_where_nothing_can_be_said() -> None:
    class Factor(NormalisationWeight):
        name = "factor"

    assert notes(build({}, datasets=only("DATA"))) == []
    assert notes(build({"common": {"inclusive": ["genWeight", Factor]}})) == []
    assert notes(build({}, workflow_options={"donotscale_sumgenweights": True})) == []


def test_notes_of_samples_that_lack_the_same() -> None:
    common = ["genWeight", "XS"]
    everything = {"jsons": [DEFINITIONS]}
    by_sample = {"common": {"inclusive": common}, "bysample": {"DY": {"inclusive": ["lumi"]}}}
    subsamples = {"TT": {"first": [Cut(name="first", params={}, function=first)]}}
    note = "lumi not applied to TT: yields are cross sections in pb"
    assert notes(build(by_sample, datasets=everything, subsamples=subsamples)) == [note]
    by_category = {"common": {"inclusive": common, "bycategory": {"a": ["lumi"]}}}
    note = "lumi not applied to DY in b, TT in b: yields are cross sections in pb"
    assert notes(build(by_category, datasets=everything)) == [note]

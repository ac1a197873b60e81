from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.pocket.correction_files import KINDS, binned, write_corrections
from tests.pocket.weights.objects import events_of, nested, numbers, random_binning, with_inputs

PT, ABSETA = (20.0, 30.0, 60.0), (0.0, 1.2, 2.4)
# events → muons → (pt, eta)
MUONS = [[(25.0, 0.5), (45.0, -1.5)], [], [(200.0, -2.0)], [(22.0, 1.2), (30.0, -0.1), (29.0, 2.3)]]


def scale_factor(kind: str, i: int, j: int) -> float:
    return 0.9 + 0.04 * i - 0.03 * j + {"nominal": 0.0, "up": 0.01, "down": -0.02}[kind]


def data_efficiency(kind: str, i: int, j: int) -> float:
    return scale_factor(kind, i, j) * mc_efficiency(kind, i, j)


def mc_efficiency(kind: str, i: int, j: int) -> float:
    return 0.8 + 0.05 * i - 0.1 * j


def of(function: Callable[..., float], kind: str, pt: float, eta: float) -> float:
    """Look up a value for one muon, clamped at the ends."""
    return function(kind, int(pt >= PT[1]), int(abs(eta) >= ABSETA[1]))


@pytest.fixture
def file(tmp_path: Path) -> str:
    edges = {"pt": PT, "abseta": ABSETA}
    parts = {"id": scale_factor, "id_efficiency_data": data_efficiency, "id_efficiency_mc": mc_efficiency}
    corrections = [binned(name, edges, function, "systematic") for name, function in parts.items()]
    return write_corrections(tmp_path / "id.json", *corrections)


@pytest.fixture
def events() -> ak.Array:
    muons = ak.zip(
        {"pt": [[pt for pt, _ in event] for event in MUONS], "eta": [[e for _, e in event] for event in MUONS]}
    )
    return ak.zip({"MuonGood": ak.values_astype(muons, np.float32)}, depth_limit=1)


def evaluate(events: ak.Array, file: str, combine: str, shape_variation: str = "nominal") -> Any:
    params = OmegaConf.create({"scale_factors": {"id": file}})
    weight = ScaleFactorWeight.wrap("sf_id", scale_factor="id", collection="MuonGood", combine=combine)(params, {})
    return weight.evaluate(events, len(events), shape_variation)


def expected(combine: str, kind: str) -> list[float]:
    if combine == "product":
        return [math.prod(of(scale_factor, kind, *muon) for muon in event) for event in MUONS]
    weights = []
    for event in MUONS:
        data, mc = (
            1 - math.prod(1 - of(function, kind, *muon) for muon in event)
            for function in (data_efficiency, mc_efficiency)
        )
        weights.append(data / mc if event else 1.0)
    return weights


@pytest.mark.parametrize("combine", ["product", "any"])
def test_every_object_counts(events: ak.Array, file: str, combine: str) -> None:
    nominal, varied = evaluate(events, file, combine)
    assert nominal.tolist() == pytest.approx(expected(combine, "nominal"), rel=1e-12)
    assert set(varied) == {"sf_idUp", "sf_idDown"}
    for kind in KINDS[1:]:
        assert varied[f"sf_id{kind.title()}"].tolist() == pytest.approx(expected(combine, kind), rel=1e-12)
    nominal, varied = evaluate(events, file, combine, "JESUp")
    assert nominal.tolist() == pytest.approx(expected(combine, "nominal"), rel=1e-12)
    assert varied == {}


def test_objects_that_fail_have_the_ratio_of_inefficiencies(events: ak.Array, file: str) -> None:
    passing = [[True, False], [], [False], [True, True, False]]
    events["MuonGood", "passes"] = passing
    params = OmegaConf.create({"scale_factors": {"id": file}})
    weight = ScaleFactorWeight.wrap("sf_id", "id", "MuonGood", passing="passes")
    nominal, varied = weight(params, {}).evaluate(events, len(events), "nominal")
    for kind, values in (("nominal", nominal), ("up", varied["sf_idUp"]), ("down", varied["sf_idDown"])):
        expected = [
            math.prod(
                (data if passes else 1 - data) / (mc if passes else 1 - mc)
                for data, mc, passes in (
                    (of(data_efficiency, kind, *muon), of(mc_efficiency, "nominal", *muon), passes)
                    for muon, passes in zip(muons, of_event, strict=True)
                )
            )
            for muons, of_event in zip(MUONS, passing, strict=True)
        ]
        assert values.tolist() == pytest.approx(expected, rel=1e-12)
    events["MuonGood", "passes"] = [[1, 0], [], [0], [1, 1, 0]]
    with pytest.raises(ConfigError, match=r"weight 'sf_id': MuonGood\.passes is not true or false"):
        weight(params, {}).evaluate(events, len(events), "nominal")


@pytest.mark.parametrize("variations", [(), ("stat", "signal")])
def test_one_that_is_not_applied_yet_is_one(events: ak.Array, variations: tuple[str, ...]) -> None:
    wrapped = ScaleFactorWeight.wrap("sf_id", "id", "MuonGood", variations=variations)
    weight = wrapped(OmegaConf.create({"scale_factors": {"id": None}}), {})
    nominal, varied = weight.evaluate(events, len(events), "nominal")
    assert list(varied) == weight.variation_names()
    assert {tuple(values) for values in (nominal, *varied.values())} == {(1.0,) * len(events)}
    nominal, varied = weight.evaluate(events, len(events), "JESUp")
    assert (nominal.tolist(), varied) == ([1.0] * len(events), {})
    followed = weight.compute_following(events, len(events), ["hf_up"])
    assert {key: values.tolist() for key, values in followed.items()} == {"hf_up": [1.0] * len(events)}


def test_a_field_of_the_axis_itself_comes_first(events: ak.Array, file: str) -> None:
    events["MuonGood", "abseta"] = ak.zeros_like(events.MuonGood.eta)
    nominal, _ = evaluate(events, file, "product")
    assert nominal[2] == pytest.approx(scale_factor("nominal", 1, 0))


def test_what_is_missing(events: ak.Array, file: str) -> None:
    wrap = ScaleFactorWeight.wrap
    with pytest.raises(UnknownNameError, match="unknown way to combine 'all' in weight 'sf_id'"):
        wrap("sf_id", "id", "MuonGood", combine="all")
    params = OmegaConf.create({"scale_factors": {"id": file}})
    with pytest.raises(UnknownNameError, match="collection 'MuonGod' in weight 'sf_id', did you mean 'MuonGood'"):
        wrap("sf_id", "id", "MuonGod")(params, {}).evaluate(events, 4, "nominal")
    for nothing in ({}, {"scale_factors": {"other": file}}):
        with pytest.raises(ConfigError, match="weight 'sf_id': the file of scale factor 'id' was not given"):
            wrap("sf_id", "id", "MuonGood")(OmegaConf.create(nothing), {}).evaluate(events, 4, "nominal")
    events["Photon"] = ak.zip({"pT": events.MuonGood.pt, "phi": events.MuonGood.eta})
    with pytest.raises(MissingBranchError, match=r"weight 'sf_id', input 'pt' of 'id': branch 'Photon_pt' does .*_pT"):
        wrap("sf_id", "id", "Photon")(params, {}).evaluate(events, 4, "nominal")


def test_an_input_that_is_no_axis(events: ak.Array, file: str) -> None:
    weight = ScaleFactorWeight.wrap("sf_id", "id", "MuonGood", inputs={"ptt": "pt"})
    params = OmegaConf.create({"scale_factors": {"id": file}})
    with pytest.raises(UnknownNameError, match="unknown input 'ptt' in inputs of weight 'sf_id', did you mean 'pt'"):
        weight(params, {}).evaluate(events, 4, "nominal")


NORM = ("nominal", "up", "down", "stat1_up", "stat1_down", "stat2_up", "stat2_down", "hf_up", "hf_down")
METADATA = {"sample": "TT", "year": "2018", "isMC": True}


@pytest.fixture(scope="module")
def norm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A normalisation in bins of events, per sample and year, one of whose keys is for a shape variation."""

    def bins(*path: Any) -> Any:
        return random_binning(sum(map(ord, "".join(path))), ht=[0, 200, 2000], absy=[0, 1, 9])

    keys = {"year": ["2017", "2018"], "sample": ["DY", "TT"], "systematic": [*NORM, "AK4_JES_Total_up"]}
    data = nested(keys, lambda *path: nested({"njet": [4, 5]}, lambda njet: bins(*path, str(njet))))
    types = {"year": "string", "sample": "string", "njet": "int", "ht": "real", "absy": "real", "systematic": "string"}
    return write_corrections(tmp_path_factory.mktemp("sf") / "norm.json", with_inputs("norm", data, **types))


INPUTS = {"njet": "nJetGood", "ht": "JetGood_Ht", "absy": "ll.absrapidity"}
JETS = st.fixed_dictionaries(
    {
        "nJetGood": st.sampled_from([4, 5]),
        "JetGood_Ht": numbers(0, 1999),
        "ll": st.fixed_dictionaries({"rapidity": numbers(-8, 8)}),
    }
)


def of_events(norm: str, **options: Any) -> Any:
    weight = ScaleFactorWeight.wrap("sf_norm", "norm", **{"inputs": INPUTS, **options})
    return weight(OmegaConf.create({"scale_factors": {"norm": norm}}), METADATA)


def norm_of(norm: str, event: dict[str, Any], systematic: str) -> float:
    correction = correctionlib.CorrectionSet.from_file(norm)["norm"]
    at = event["nJetGood"], event["JetGood_Ht"], abs(event["ll"]["rapidity"])
    return correction.evaluate("2018", "TT", *at, systematic)


@settings(max_examples=20)
@given(lists=st.lists(JETS, min_size=1, max_size=4))
def test_every_event_counts(norm: str, lists: list[dict[str, Any]]) -> None:
    weight = of_events(norm, variations=("stat1", "stat2", "hf"))
    nominal, varied = weight.evaluate(ak.Array(lists), len(lists), "nominal")
    assert nominal.tolist() == [norm_of(norm, event, "nominal") for event in lists]
    sides = [f"{source}{side}" for source in ("stat1", "stat2", "hf") for side in ("Up", "Down")]
    assert weight.variation_names() == [f"sf_norm_{side}" for side in sides]
    for side in sides:
        key = side.replace("Up", "_up").replace("Down", "_down")
        assert varied[f"sf_norm_{side}"].tolist() == [norm_of(norm, event, key) for event in lists]
    _, varied = of_events(norm).evaluate(ak.Array(lists), len(lists), "nominal")
    assert varied["sf_normUp"].tolist() == [norm_of(norm, event, "up") for event in lists]
    # the integers may come as floats, as counts do where a workflow computed with them
    floats = ak.Array([{**event, "nJetGood": float(event["nJetGood"])} for event in lists])
    assert of_events(norm).evaluate(floats, len(lists), "nominal")[0].tolist() == nominal.tolist()


EVENT = {"nJetGood": 4, "JetGood_Ht": 300.0, "ll": {"rapidity": -1.5}}


@pytest.mark.parametrize(
    ("shape_variation", "key"),
    [("AK4_JES_TotalUp", "AK4_JES_Total_up"), ("AK4_JES_TotalDown", "nominal"), ("muon_scaleUp", "nominal")],
)
def test_shape_variations(norm: str, shape_variation: str, key: str) -> None:
    values, varied = of_events(norm, variations=("hf",)).evaluate(ak.Array([EVENT]), 1, shape_variation)
    assert (values.tolist(), varied) == ([norm_of(norm, EVENT, key)], {})
    assert norm_of(norm, EVENT, "AK4_JES_Total_up") != norm_of(norm, EVENT, "nominal")


def test_variations_of_a_weight_that_it_follows(norm: str) -> None:
    weight = of_events(norm, follows="sf_btag")
    values = weight.evaluate_following(ak.Array([EVENT]), 1, ["sf_btag_hfUp", "sf_btag_hfDown"])
    assert {name: array.tolist() for name, array in values.items()} == {
        "sf_btag_hfUp": [norm_of(norm, EVENT, "hf_up")],
        "sf_btag_hfDown": [norm_of(norm, EVENT, "hf_down")],
    }
    with pytest.raises(
        UnknownNameError, match=r"unknown systematic 'lf_up' in correction 'norm' of norm\.json, did you"
    ):
        weight.evaluate_following(ak.Array([EVENT]), 1, ["sf_btag_lfUp"])


@pytest.mark.parametrize(
    ("event", "options", "metadata", "message"),
    [
        ({}, {"variations": ("signal",)}, {}, r"unknown systematic 'signal_up' in correction 'norm' of norm\.json"),
        (
            {},
            {"variations": ("stat2",)},
            {},
            "variations lacks stat1 of the 2 independent statistical variations of",
        ),
        ({}, {}, {"sample": "ST"}, r"correction 'norm' of norm\.json knows no sample 'ST'; known: DY, TT$"),
        (
            {},
            {"inputs": {**INPUTS, "year": "era"}},
            {},
            r"'era' in the metadata \(weight 'sf_norm', input 'year' of",
        ),
        ({"nJetGood": 4.5}, {}, {}, "input 'njet' has numbers that are no integers"),
        ({"nJetGood": 6}, {}, {}, "Index not available in Category for input 'njet' val: 6"),
        ({"JetGood_Ht": math.nan}, {}, {}, "input 'ht' has NaN"),
        ({"JetGood_Ht": -1.0}, {}, {}, "Index below bounds in MultiBinning for input 'ht' value: -1"),
        ({"JetGood_Ht": None}, {}, {}, "input 'ht' of 'norm': JetGood_Ht is not one number per event"),
        ({"ll": None}, {}, {}, r"'sf_norm', input 'absy' of 'norm': ll\.absrapidity is not one number per event"),
    ],
)
def test_events_that_are_refused(
    norm: str, event: dict[str, Any], options: Any, metadata: dict[str, Any], message: str
) -> None:
    weight = of_events(norm, **options)
    weight.metadata = {**METADATA, **metadata}
    with pytest.raises(ConfigError, match=message):
        weight.evaluate(ak.Array([EVENT, {**EVENT, **event}]), 2, "nominal")


def test_missing_column(norm: str) -> None:
    weight = of_events(norm, inputs={**INPUTS, "ht": "JetGood_HT_"})
    with pytest.raises(MissingBranchError, match=r"input 'ht' of 'norm': branch 'JetGood_HT_' does not .*: JetGood_Ht"):
        weight.evaluate(ak.Array([EVENT]), 1, "nominal")


def test_fields_of_objects_by_name(norm: str) -> None:
    jets = [[{"n": 4, "of": {"ht": 300.0}, "y": -1.5}, None, {"n": 5, "of": {"ht": 10.0}, "y": 0.5}], []]
    weight = of_events(norm, collection="pairs", inputs={"njet": "n", "ht": "of.ht", "absy": "absy"})
    values, _ = weight.evaluate(events_of(jets, "pairs"), 2, "nominal")
    columns = [
        {"nJetGood": n, "JetGood_Ht": ht, "ll": {"rapidity": y}} for n, ht, y in ((4, 300.0, -1.5), (5, 10.0, 0.5))
    ]
    assert values == pytest.approx([math.prod(norm_of(norm, event, "nominal") for event in columns), 1.0], rel=1e-12)


def test_systematics_that_the_file_must_have() -> None:
    def systematics(**arguments: Any) -> Any:
        return ScaleFactorWeight.wrap("sf", "id", **arguments).systematics()

    assert systematics() == {"id": ("up", "down")}
    assert systematics(variations=("stat", "fit")) == {"id": ("stat_up", "stat_down", "fit_up", "fit_down")}
    assert systematics(has_variations=False) == {}


def test_weight_without_variations(events: ak.Array, tmp_path: Path) -> None:
    nominal = binned("id", {"pt": PT, "abseta": ABSETA}, scale_factor, "systematic")
    nominal.data.content[:] = nominal.data.content[:1]  # type: ignore[union-attr]
    params = OmegaConf.create({"scale_factors": {"id": write_corrections(tmp_path / "nominal.json", nominal)}})
    weight = ScaleFactorWeight.wrap("sf_id", "id", "MuonGood", has_variations=False)(params, {"isMC": True})
    values, varied = weight.evaluate(events, len(MUONS), "nominal")
    expected = [math.prod(of(scale_factor, "nominal", pt, eta) for pt, eta in event) for event in MUONS]
    assert values == pytest.approx(expected)
    assert varied == {}


def test_what_a_declaration_refuses(norm: str) -> None:
    with pytest.raises(ConfigError, match="weight 'sf' has the variations stat, set has_variations=True"):
        ScaleFactorWeight.wrap("sf", "id", variations=("stat",), has_variations=False)
    with pytest.raises(ConfigError, match="weight 'sf': combine='any' needs the collection of the objects"):
        ScaleFactorWeight.wrap("sf", "id", combine="any")
    for options in ({}, {"collection": "Muon", "combine": "any"}):
        with pytest.raises(
            ConfigError, match="weight 'sf': passing='passes' needs the collection of the objects, each"
        ):
            ScaleFactorWeight.wrap("sf", "id", passing="passes", **options)
    for variations in ("stat", ("stat", "stat")):
        with pytest.raises(ConfigError, match="weight 'sf': variations must be a list of different names, not"):
            ScaleFactorWeight.wrap("sf", "id", variations=variations)
    with pytest.raises(ConfigError, match=r"'sf_norm': ll is one record per event; leave out collection=, .* 'll\.pt'"):
        of_events(norm, collection="ll").evaluate(ak.Array([EVENT]), 1, "nominal")

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.toys.correction_nodes import category
from pocket.weights.btag import (
    SHAPE_VARIATIONS,
    BTagCalibration,
    BTagCalibrationVaried,
    BTagFixedWorkingPoint,
    BTagShape,
)
from pocket.weights.working_point import BTagWorkingPointWeight
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import (
    events_of,
    lists_of,
    nested,
    numbers,
    present,
    product,
    random_binning,
    with_inputs,
)

METADATA = {"year": "2018", "sample": "TT"}
THRESHOLD = 0.3
SHAPE = {"systematic": "string", "flavor": "int", "abseta": "real", "pt": "real", "discriminant": "real"}
FIXED = {"systematic": "string", "working_point": "string", "flavor": "int", "abseta": "real", "pt": "real"}

jets = lists_of(
    st.fixed_dictionaries(
        {
            "pt": numbers(15, 400),
            "eta": numbers(-3.2, 3.2),
            "hadronFlavour": st.sampled_from([0, 4, 5]),
            "btagDeepFlavB": numbers(0, 1),
        }
    )
)


def numbered(*path: Any) -> int:
    return sum(sum(map(ord, str(key))) for key in path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the b-tagging group, with some variations for c jets only, efficiencies, and a normalisation."""
    folder = tmp_path_factory.mktemp("btv")

    def shape(*path: Any) -> Any:
        return random_binning(numbered(*path), abseta=[0, 2.5], pt=[20, 50, 10000], discriminant=[0, 0.2, 0.6, 1])

    flavours = {"central": [5, 4, 0], "up_jes": [5, 0], "up_jesFlavorQCD": [5, 0]}
    for variation in SHAPE_VARIATIONS:
        for side in ("up", "down"):
            flavours[f"{side}_{variation}"] = [4] if variation.startswith("cferr") else [5, 0]
    kinds = {kind: category("flavor", {key: shape(kind, key) for key in keys}) for kind, keys in flavours.items()}

    def fixed(*path: Any) -> Any:
        return random_binning(numbered(*path), abseta=[0, 1, 2.5], pt=[20, 50, 1000])

    keys = {"systematic": ["central", "up", "down"], "working_point": ["L", "M"]}
    bc = nested({**keys, "flavor": [4, 5]}, fixed)
    light = nested({**keys, "flavor": [0]}, fixed)
    write_corrections(
        folder / "btagging.json",
        with_inputs("deepJet_shape", category("systematic", kinds), **SHAPE),
        with_inputs("deepJet_comb", bc, **FIXED),
        with_inputs("deepJet_incl", light, **FIXED),
    )
    tables = {key: random_binning(key, pt=[20, 100, 1000]) for key in (0, 4, 5)}
    for flavour, mean in ((0, 0.01), (4, 0.15), (5, 0.8)):
        tables[flavour].content = [mean * value for value in tables[flavour].content]
    data = category("sample", {"TT": category("flavor", tables)})
    write_corrections(folder / "efficiency.json", with_inputs("eff", data, sample="string", flavor="int", pt="real"))
    axes = {"nJet": [1, 2, 3, 5], "Jet_Ht": [0, 100, 500]}
    data = nested({"sample": ["TT", "DY"], "year": ["2018"]}, lambda *path: random_binning(numbered(*path), **axes))
    types = {"sample": "string", "year": "string", "nJet": "real", "Jet_Ht": "real"}
    write_corrections(folder / "calib.json", with_inputs("norm", data, **types))
    return folder


def parameters(folder: Path) -> Any:
    return OmegaConf.create(
        {
            "object_preselection": {"Jet": {"btag": {"wp": "M"}}},
            "btagging": {
                "working_point": {
                    "2018": {"btagging_algorithm": "btagDeepFlavB", "btagging_WP": {"L": 0.1, "M": THRESHOLD}},
                }
            },
            "btagSF_calibration": {"2018": {"file": f"{folder}/calib.json", "name": "norm"}},
            "jet_scale_factors": {
                "jet_collection": {"btag": "JetGood"},
                "btagSF": {
                    "2018": {
                        "file": f"{folder}/btagging.json",
                        "name": "deepJet_shape",
                        "fixed_wp": {"bc": "deepJet_comb", "light": "deepJet_incl"},
                    }
                },
                "btag_efficiency": {"2018": {"file": f"{folder}/efficiency.json", "name": "eff"}},
            },
        }
    )


def shape_factor(folder: Path, kind: str, flavours: tuple[int, ...]) -> Any:
    """Return the scale factor of a jet, central for other flavours, and 1 beyond |η| of 2.5."""
    correction = correctionlib.CorrectionSet.from_file(f"{folder}/btagging.json")["deepJet_shape"]

    def factor(jet: dict[str, Any]) -> float:
        systematic = kind if jet["hadronFlavour"] in flavours else "central"
        abseta, pt, score = abs(jet["eta"]), max(jet["pt"], 20.0), min(jet["btagDeepFlavB"], 0.999)
        if abseta >= 2.5:
            return 1.0
        return correction.evaluate(systematic, jet["hadronFlavour"], abseta, pt, score)

    return factor


@settings(max_examples=20)
@given(lists=jets)
def test_shape(folder: Path, lists: list[Any]) -> None:
    events = events_of(lists, "JetGood")
    nominal, varied = BTagShape(parameters(folder), METADATA).evaluate(events, len(lists), "nominal")

    def expected(kind: str, flavours: tuple[int, ...]) -> list[float]:
        return [product(objects, shape_factor(folder, kind, flavours)) for objects in lists]

    np.testing.assert_allclose(nominal, expected("central", ()), rtol=1e-12)
    assert len(varied) == 16
    for variation in ("hf", "lf", "hfstats1", "hfstats2", "lfstats1", "lfstats2"):
        np.testing.assert_allclose(varied[f"sf_btag_{variation}Up"], expected(f"up_{variation}", (5, 0)), rtol=1e-12)
        down = expected(f"down_{variation}", (5, 0))
        np.testing.assert_allclose(varied[f"sf_btag_{variation}Down"], down, rtol=1e-12)
    for variation in ("cferr1", "cferr2"):
        np.testing.assert_allclose(varied[f"sf_btag_{variation}Up"], expected(f"up_{variation}", (4,)), rtol=1e-12)
        np.testing.assert_allclose(varied[f"sf_btag_{variation}Down"], expected(f"down_{variation}", (4,)), rtol=1e-12)


@pytest.mark.parametrize(
    ("shape_variation", "kind"),
    [
        ("AK4PFchs_JES_TotalUp", "up_jes"),
        ("JES_FlavorQCDUp", "up_jesFlavorQCD"),
        ("AK4PFchs_JES_TotalDown", "central"),  # the file has none
        ("AK4PFchs_JERUp", "central"),
        ("muon_scaleUp", "central"),
    ],
)
def test_shape_inside_a_variation_of_the_jets_energy(folder: Path, shape_variation: str, kind: str) -> None:
    jet = {"pt": 30.0, "eta": 1.0, "btagDeepFlavB": 0.5}
    lists = [[{**jet, "hadronFlavour": flavour}] for flavour in (5, 4, 0)]
    weight = BTagShape(parameters(folder), METADATA)
    values, varied = weight.evaluate(events_of(lists, "JetGood"), 3, shape_variation)
    assert varied == {}
    assert values.tolist() == [product(objects, shape_factor(folder, kind, (5, 0))) for objects in lists]


def test_variations_of_the_shape_by_parameter(folder: Path) -> None:
    assert BTagShape(parameters(folder), METADATA).variations == SHAPE_VARIATIONS
    params = parameters(folder)
    params.systematic_variations = {"weight_variations": {"sf_btag": {"2018": ["hf", "cferr1"]}}}
    weight = BTagShape(params, METADATA)
    assert weight.variation_names() == ["sf_btag_hfUp", "sf_btag_hfDown", "sf_btag_cferr1Up", "sf_btag_cferr1Down"]
    jet = {"pt": 30.0, "eta": 1.0, "btagDeepFlavB": 0.5, "hadronFlavour": 4}
    _, varied = weight.evaluate(events_of([[jet]], "JetGood"), 1, "nominal")
    assert varied["sf_btag_hfUp"] == shape_factor(folder, "central", ())(jet)
    assert varied["sf_btag_cferr1Up"] == shape_factor(folder, "up_cferr1", (4,))(jet)


@settings(max_examples=25)
@given(lists=jets)
def test_normalisation_of_the_shape(folder: Path, lists: list[Any]) -> None:
    correction = correctionlib.CorrectionSet.from_file(f"{folder}/calib.json")["norm"]

    def expected(objects: Any) -> float:
        n, ht = len(present(objects)), sum(jet["pt"] for jet in present(objects))
        return correction.evaluate("TT", "2018", float(min(max(n, 1), 4)), float(min(ht, 499.0)))

    weight = BTagCalibration(parameters(folder), METADATA)
    values, varied = weight.evaluate(events_of(lists, "JetGood"), len(lists), "nominal")
    assert varied == {}
    assert values.tolist() == [expected(objects) for objects in lists]


def test_normalisation_of_an_unknown_sample_or_year(folder: Path) -> None:
    events = events_of([[{"pt": 30.0}]], "JetGood")
    with pytest.raises(UnknownNameError, match=r"unknown sample 'TTT' in correction 'norm' of calib\.json"):
        BTagCalibration(parameters(folder), {**METADATA, "sample": "TTT"}).evaluate(events, 1, "nominal")
    with pytest.raises(UnknownNameError, match="unknown parameter '2081' in btagSF_calibration"):
        BTagCalibration(parameters(folder), {**METADATA, "year": "2081"}).evaluate(events, 1, "nominal")


def test_normalisation_in_three_numbers_is_refused(folder: Path, tmp_path: Path) -> None:
    data = random_binning(1, n=[0, 9], ht=[0, 1], met=[0, 1])
    path = write_corrections(tmp_path / "calib.json", with_inputs("norm", data, n="real", ht="real", met="real"))
    params = parameters(folder)
    params.btagSF_calibration["2018"].file = path
    with pytest.raises(ConfigError, match="weight 'sf_btag_calib': 'norm' needs more than n jets and HT"):
        BTagCalibration(params, METADATA).evaluate(events_of([[{"pt": 30.0}]], "JetGood"), 1, "nominal")


def method_1a(folder: Path, objects: Any, bc: str, light: str) -> float:
    """P(data) / P(simulation), from the definition: products of efficiencies over tagged and untagged jets."""
    corrections = correctionlib.CorrectionSet.from_file(f"{folder}/btagging.json")
    efficiencies = correctionlib.CorrectionSet.from_file(f"{folder}/efficiency.json")["eff"]
    simulation, data = [1.0], [1.0]
    for jet in present(objects):
        flavour, abseta, pt = jet["hadronFlavour"], abs(jet["eta"]), max(jet["pt"], 20.0)
        if abseta >= 2.5:
            continue
        efficiency = efficiencies.evaluate("TT", flavour, pt)
        name, kind = ("deepJet_comb", bc) if flavour else ("deepJet_incl", light)
        in_data = min(corrections[name].evaluate(kind, "M", flavour, abseta, pt) * efficiency, 1.0)
        tagged = jet["btagDeepFlavB"] > THRESHOLD
        simulation.append(efficiency if tagged else 1 - efficiency)
        data.append(in_data if tagged else 1 - in_data)
    return math.prod(data) / math.prod(simulation)


@settings(max_examples=25)
@given(lists=jets)
def test_fixed_working_point(folder: Path, lists: list[Any]) -> None:
    params = parameters(folder)
    events = events_of(lists, "JetGood")
    nominal, varied = BTagFixedWorkingPoint(params, METADATA).evaluate(events, len(lists), "nominal")
    kinds = {"heavyUp": ("up", "central"), "heavyDown": ("down", "central")}
    kinds |= {"lightUp": ("central", "up"), "lightDown": ("central", "down")}
    assert set(varied) == {f"sf_btag_fixed_wp_{side}" for side in kinds}
    found = {"nominal": nominal, **{side: varied[f"sf_btag_fixed_wp_{side}"] for side in kinds}}
    for side, (bc, light) in {"nominal": ("central", "central"), **kinds}.items():
        expected = [method_1a(folder, objects, bc, light) for objects in lists]
        np.testing.assert_allclose(found[side], expected, rtol=1e-9, atol=1e-12)
    inside, nothing = BTagFixedWorkingPoint(params, METADATA).evaluate(events, len(lists), "JERUp")
    assert (inside.tolist(), nothing) == (nominal.tolist(), {})


def test_forward_jets_have_no_scale_factors(folder: Path) -> None:
    """They have a score that no tag is made of, and are as frequent as a quarter of all jets."""
    central = {"pt": 60.0, "eta": 1.0, "hadronFlavour": 5, "btagDeepFlavB": 0.5}
    forward = [{**central, "eta": eta, "hadronFlavour": flavour} for eta in (2.5, -4.7) for flavour in (0, 4, 5)]
    events = events_of([[central], [central, *forward], forward], "JetGood")
    for weight in (BTagShape, BTagFixedWorkingPoint):
        nominal, varied = weight(parameters(folder), METADATA).evaluate(events, 3, "nominal")
        for values in (nominal, *varied.values()):
            assert values[1] == values[0]
            assert values[2] == 1
        assert nominal[0] != 1
    shifted, _ = BTagShape(parameters(folder), METADATA).evaluate(events, 3, "AK4PFchs_JES_TotalUp")
    assert (shifted[1], shifted[2]) == (shifted[0], 1)


def constant(folder: Path, efficiency: float, factor: float) -> Any:
    """Return parameters with one efficiency and one scale factor for all jets, of files in a folder."""
    tables = {"efficiency": random_binning(1, pt=[20, 1000]), "factor": random_binning(1, pt=[20, 1000])}
    tables["efficiency"].content, tables["factor"].content = [efficiency], [factor]
    data = category("systematic", dict.fromkeys(("central", "up", "down"), tables["factor"]))
    params = parameters(folder)
    params.jet_scale_factors.btag_efficiency["2018"].file = write_corrections(
        folder / "efficiency.json", with_inputs("eff", tables["efficiency"], pt="real")
    )
    params.jet_scale_factors.btagSF["2018"].file = write_corrections(
        folder / "btagging.json",
        *(with_inputs(name, data, systematic="string", pt="real") for name in ("deepJet_comb", "deepJet_incl")),
    )
    return params


def test_fixed_working_point_by_hand(tmp_path: Path) -> None:
    jet = {"pt": 30.0, "eta": 0.0, "hadronFlavour": 5}
    tagged, untagged = {**jet, "btagDeepFlavB": 0.4}, {**jet, "btagDeepFlavB": 0.1}
    events = events_of([[tagged, untagged], [untagged], [tagged]], "JetGood")
    values, _ = BTagFixedWorkingPoint(constant(tmp_path, 0.5, 1.2), METADATA).evaluate(events, 3, "nominal")
    assert values == pytest.approx([1.2 * 0.4 / 0.5, 0.4 / 0.5, 1.2])


def test_efficiency_in_data_is_at_most_one(tmp_path: Path) -> None:
    jet = {"pt": 30.0, "eta": 0.0, "hadronFlavour": 0}
    events = events_of([[{**jet, "btagDeepFlavB": score}] for score in (0.1, 0.9)], "JetGood")
    weight = BTagFixedWorkingPoint(constant(tmp_path, 0.9, 1.2), METADATA)
    assert weight.evaluate(events, 2, "nominal")[0] == pytest.approx([0, 1 / 0.9])


def test_efficiency_of_one_is_refused(tmp_path: Path) -> None:
    params = constant(tmp_path, 1.0, 1.0)
    events = events_of([[{"pt": 30.0, "eta": 0.0, "hadronFlavour": 5, "btagDeepFlavB": 0.1}]], "JetGood")
    with pytest.raises(ConfigError, match=r"'sf_btag_fixed_wp': an efficiency of b tagging is not in \[0, 1\)"):
        BTagFixedWorkingPoint(params, METADATA).evaluate(events, 1, "nominal")


@pytest.mark.parametrize("section", ["name", "fixed_wp"])
def test_scale_factors_of_another_tagger_are_refused(folder: Path, section: str) -> None:
    params = parameters(folder)
    for weight in (BTagShape, BTagFixedWorkingPoint):
        weight(params, METADATA).check_parameters()
    if section == "name":
        params.jet_scale_factors.btagSF["2018"].name = "particleNet_shape"
    else:
        params.jet_scale_factors.btagSF["2018"].fixed_wp.bc = "particleNet_comb"
    weight = BTagShape if section == "name" else BTagFixedWorkingPoint
    with pytest.raises(
        ConfigError, match=r"is for the score btagPNetB, but btagging.working_point.2018.*btagDeepFlavB"
    ):
        weight(params, METADATA).check_parameters()
    # Nothing is known about a score of the user's own.
    params.btagging.working_point["2018"].btagging_algorithm = "myScore"
    weight(params, METADATA).check_parameters()


def test_threshold_of_another_working_point_is_refused(tmp_path: Path) -> None:
    params = constant(tmp_path, 0.5, 1.0)
    content = json.loads(Path(params.jet_scale_factors.btagSF["2018"].file).read_text())
    points = with_inputs(
        "deepJet_wp_values", category("working_point", {"M": 0.2783, "T": 0.71}), working_point="string"
    )
    content["corrections"].append(json.loads(points.model_dump_json()))
    Path(params.jet_scale_factors.btagSF["2018"].file).write_text(json.dumps(content))
    events = events_of([[{"pt": 30.0, "eta": 0.0, "hadronFlavour": 5, "btagDeepFlavB": 0.5}]], "JetGood")
    weight = BTagFixedWorkingPoint(params, METADATA)
    with pytest.raises(
        ConfigError, match=r"M of btagging.working_point.2018.btagging_WP is 0.3, but .* are for 0.2783"
    ):
        weight.evaluate(events, 1, "nominal")
    params.btagging.working_point["2018"].btagging_WP.M = 0.27831
    assert weight.evaluate(events, 1, "nominal")[0].tolist() == [1]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["heavy", "heavy_correlated"], "count uncertainties of heavy jets twice: list correlated and uncorrelated or"),
        (["light_uncorrelated", "light_statistic"], "count uncertainties of light jets twice"),
        (["bc"], "variation 'bc' is neither of heavy nor of light jets, such as 'heavy' or 'light_correlated'"),
    ],
)
def test_uncertainties_of_a_working_point_that_do_not_fit(folder: Path, names: list[str], message: str) -> None:
    params = parameters(folder)
    params.systematic_variations = {"weight_variations": {"sf_btag_fixed_wp": {"2018": names}}}
    with pytest.raises(ConfigError, match=message):
        BTagFixedWorkingPoint(params, METADATA)


def test_working_point_with_an_efficiency_of_the_chain(folder: Path, tmp_path: Path) -> None:
    jet = {"pt": 60.0, "eta": 1.0}
    lists = [
        [{**jet, "hadronFlavour": flavour, "btagDeepFlavB": score}] for flavour in (0, 4, 5) for score in (0.1, 0.6)
    ]
    events = events_of(lists, "JetGood")
    expected = BTagFixedWorkingPoint(parameters(folder), METADATA).evaluate(events, 6, "nominal")
    # The same efficiencies, as the chain writes them.
    content = json.loads(Path(f"{folder}/efficiency.json").read_text())
    content["corrections"][0]["name"] = "btag_efficiency"
    (tmp_path / "derived.json").write_text(json.dumps(content))
    params = parameters(folder)
    del params.jet_scale_factors.btag_efficiency
    weight = BTagWorkingPointWeight.wrap("sf_btag_wp", efficiency="btag_efficiency")
    params.scale_factors = {"btag_efficiency": str(tmp_path / "derived.json")}
    found = weight(params, METADATA).evaluate(events, 6, "nominal")
    assert found[0].tolist() == expected[0].tolist()
    assert {name.replace("_fixed_wp", "_wp"): values.tolist() for name, values in expected[1].items()} == {
        name: values.tolist() for name, values in found[1].items()
    }
    assert (weight.scale_factors(), weight.systematics()) == (("btag_efficiency",), {})
    assert [name for _, name in weight(params, METADATA).corrections()] == ["deepJet_comb", "deepJet_incl"]
    params.scale_factors = {"btag_efficiency": None}
    nominal, varied = weight(params, METADATA).evaluate(events, 6, "nominal")
    assert {tuple(values) for values in (nominal, *varied.values())} == {(1,) * 6}


YEARS = (
    "2016_PreVFP",
    "2016_PostVFP",
    "2017",
    "2018",
    "2022_preEE",
    "2022_postEE",
    "2023_preBPix",
    "2023_postBPix",
    "2024",
)


def test_normalisation_by_variation_in_all_years(tmp_path: Path) -> None:
    keys = {
        "sample": ["TT"],
        "year": list(YEARS),
        "systematic": ["nominal", "hf_up", "hf_down", "AK4PFchs_JES_Total_up"],
    }
    data = nested(keys, lambda *path: random_binning(numbered(*path), njet=[0, 2, 4, 6, 20]))
    types = {"sample": "string", "year": "string", "njet": "real", "systematic": "string"}
    file = write_corrections(tmp_path / "norm.json", with_inputs("btag_norm", data, **types))
    correction = correctionlib.CorrectionSet.from_file(file)["btag_norm"]
    rng = np.random.default_rng(5)
    lists = [[{"pt": 30.0}] * int(number) for number in [1, *rng.integers(0, 25, 300)]]
    events = events_of(lists, "JetGood")
    for year in YEARS:
        params = OmegaConf.create(
            {
                "jet_scale_factors": {"jet_collection": {"btag": "JetGood"}},
                "btagSF_calibration": {year: {"file": file, "name": "btag_norm"}},
            }
        )

        def expected(key: str, year: str = year) -> list[float]:
            return [correction.evaluate("TT", year, float(min(len(jets), 19)), key) for jets in lists]

        for cls in (BTagCalibration, BTagCalibrationVaried):
            weight = cls(params, {"year": year, "sample": "TT"})
            for variation, key in (("nominal", "nominal"), ("AK4PFchs_JES_TotalUp", "AK4PFchs_JES_Total_up")):
                found, varied = weight.evaluate(events, len(events), variation)
                assert (found.tolist(), varied) == (expected(key), {})
            assert weight.evaluate(events, len(events), "JERUp")[0].tolist() == expected("nominal")
        found = weight.evaluate_following(events, len(events), ["sf_btag_hfUp", "sf_btag_hfDown"])
        assert {name: values.tolist() for name, values in found.items()} == {
            "sf_btag_hfUp": expected("hf_up"),
            "sf_btag_hfDown": expected("hf_down"),
        }
        with pytest.raises(UnknownNameError, match="unknown key 'lf_up' in systematic of correction 'btag_norm'"):
            weight.evaluate_following(events, len(events), ["sf_btag_lfUp"])

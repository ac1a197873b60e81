from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from analysis.ttbar import config
from analysis.ttbar.workflow import TTBAR, additional_flavour
from pocket.calibrators import MuonScaleCalibrator
from pocket.configuration.analysis import Analysis
from pocket.configuration.configurator import Configurator
from pocket.histograms.config import Axis, HistConf
from pocket.models.backends import OnnxModel, XGBoostModel
from pocket.models.delayed_columns import DelayedColumn
from pocket.parameters.defaults import merge_parameters
from tests.analysis.lepton_jets import Selection, fill, select
from tests.analysis.toy_files import DATA, EVENTS, check, only, run
from tests.oracle import Histogram
from tests.pocket.models.test_backends import BIAS, boosted_trees, logistic_regression, tree_scores

#: configuration → size of its chunks
CHUNKS = {"large": 600, "differential": 1500}


@pytest.fixture(scope="module")
def selections(toys: Path) -> dict[str, Selection]:
    """Process → what an event loop selects."""
    return {process: select(toys / f"{process}.root", toys, is_mc=process == "ttsemi") for process in EVENTS}


def test_configurations(analysis: Analysis) -> None:
    """The sizes of the flows are those of the benchmarks that they stand for."""
    sizes = {}
    for name in ("small", "medium", "large"):
        cfg = analysis.config(name)
        varied = {weight for category in cfg.weights.samples[TTBAR].variations.values() for weight in category}
        sizes[name] = (len(varied), len(cfg.subsamples.get(TTBAR, ())), len(cfg.categories), len(cfg.variables))
    assert sizes == {"small": (1, 0, 2, 5), "medium": (7, 3, 4, 5), "large": (7, 3, 14, 5)}
    assert analysis.default_config == "medium"


@pytest.mark.parametrize("process", ["ttsemi", "data"])
def test_large_agrees_with_an_event_loop(
    analysis: Analysis, toys: Path, selections: dict[str, Selection], process: str
) -> None:
    expected = selections[process]
    output = run(analysis.config("large"), toys, process)
    cutflow = output["cutflow"]
    assert len(expected.events) > 50
    assert only(cutflow["initial"]) == expected.initial == EVENTS[process]
    assert only(cutflow["skim"]) == expected.skim
    assert only(cutflow["presel"]) == {"nominal": len(expected.events)}
    stored = {f"{TTBAR}__{name}": name for name in ("ttB", "ttC", "ttLF")} if process == "ttsemi" else {DATA: ""}
    variations = list(expected.events[0].weights)
    varied = [("4j_2b", variation) for variation in variations]
    for variable, by_sample in output["variables"].items():
        assert set(by_sample) == set(stored)
        for sample, subsample in stored.items():
            filled = only(by_sample[sample])
            if process == "ttsemi":
                assert sorted(filled.axes["variation"]) == sorted(variations)
            for category, variation in [*((name, "nominal") for name in filled.axes["cat"]), *varied]:
                check(filled, category, variation, fill(expected.events, variation, variable, category, subsample))
    for category, (sample, subsample) in itertools.product(analysis.config("large").categories, stored.items()):
        entries = fill(expected.events, "nominal", "MET_pt", category, subsample).entries
        assert only(cutflow[category])[sample] == {"nominal": entries}


def test_differential_is_large_without_subsamples(analysis: Analysis, toys: Path) -> None:
    """The product of two binnings gives the categories that are written out in ``large``, in chunks of any size."""
    large, differential = (run(analysis.config(name), toys, chunk_size=size) for name, size in CHUNKS.items())
    for name, by_sample in differential["variables"].items():
        product = only(by_sample[TTBAR])
        parts = sum(only(by_dataset) for by_dataset in large["variables"][name].values())
        for variation in ("nominal", "pileupUp", "pileupDown"):
            for category in product.axes["cat"]:
                expected = parts[category, variation, ...].view(flow=True)["value"]
                assert product[category, variation, ...].view(flow=True)["value"] == pytest.approx(
                    expected, rel=1e-12, abs=1e-9
                )


def test_jet_eta_agrees_with_an_event_loop(analysis: Analysis, toys: Path, selections: dict[str, Selection]) -> None:
    output, events = run(analysis.config("jet_eta"), toys), selections["ttsemi"].events
    for variable, by_sample in output["variables"].items():
        filled = only(by_sample[TTBAR])
        for category, variation in itertools.product(filled.axes["cat"], ("nominal", "pileupUp")):
            check(filled, category, variation, fill(events, variation, variable, category))


def shifted_muons(**settings: Any) -> Configurator:
    """Return a configuration in which the momentum scale of muons varies by 5%."""
    parameters = merge_parameters(config.parameters, {"muon_scale": {"toys": {"uncertainty": 0.05}}}, update=True)
    calibrators = [MuonScaleCalibrator]
    return config.flow(
        config.few_categories, [], ["muon_scale"], parameters=parameters, calibrators=calibrators, **settings
    )


def test_a_shift_of_muons_agrees_with_an_event_loop(toys: Path) -> None:
    """Events enter and leave the selection with the muon, whatever is left as it was."""
    output = run(shifted_muons(), toys)
    selected = {}
    for variation, scale in (("nominal", 1.0), ("muon_scaleUp", 1.05), ("muon_scaleDown", 0.95)):
        events = select(toys / "ttsemi.root", toys, is_mc=True, muon_scale=scale).events
        selected[variation] = len(events)
        for variable, by_sample in output["variables"].items():
            for category in ("inclusive", "tagged"):
                check(only(by_sample[TTBAR]), category, variation, fill(events, "nominal", variable, category))
    assert only(output["cutflow"]["presel"]) == selected
    assert selected["muon_scaleDown"] < selected["nominal"] < selected["muon_scaleUp"]


def test_shapes(analysis: Analysis, toys: Path) -> None:
    presel = only(run(analysis.config("shapes"), toys)["cutflow"]["presel"])
    assert set(presel) == {"nominal"} | {
        f"{name}{side}"
        for name in ("AK4PFchs_JES_Total", "AK4PFchs_JER", "MET_unclustered", "muon_scale")
        for side in ("Up", "Down")
    }
    # harder jets, more of them above the threshold
    assert presel["AK4PFchs_JES_TotalDown"] < presel["nominal"] < presel["AK4PFchs_JES_TotalUp"]


def test_columns_agree_with_an_event_loop(analysis: Analysis, toys: Path, selections: dict[str, Selection]) -> None:
    columns = run(analysis.config("columns"), toys)["columns"]
    for subsample in ("ttB", "ttC", "ttLF"):
        by_category = only(columns[f"{TTBAR}__{subsample}"])
        for category in ("inclusive", "tagged"):
            records = ak.concatenate(by_category[category]["nominal"])
            events = [
                event
                for event in selections["ttsemi"].events
                if event.subsample == subsample and (category == "inclusive" or event.tags >= 2)
            ]
            assert records.JetGood_N.tolist() == [len(event.jets) for event in events]
            assert records.JetGood_btagDeepFlavB.tolist() == [
                [jet["btagDeepFlavB"] for jet in event.jets] for event in events
            ]
            assert records.MET_pt.tolist() == [event.met for event in events]
            assert ak.flatten(records.LeptonGood_pt, axis=None).tolist() == [e.leptons[0]["pt"] for e in events]
            for name, column in (("nominal", "weight"), ("sf_btag_lfUp", "weight_variation_sf_btag_lfUp")):
                assert records[column].tolist() == pytest.approx([event.weights[name] for event in events], rel=1e-9)


def jets_and_met(events: Any, params: Any) -> Any:
    """Return what a classifier takes: pt of the four leading jets, and the missing transverse momentum."""
    return np.column_stack([ak.to_numpy(events.JetGood.pt[:, :4]), ak.to_numpy(events.MET.pt)])


@pytest.mark.parametrize("kind", ["ONNX", "XGBoost"])
def test_a_classifier_is_evaluated_once_per_event(toys: Path, tmp_path: Path, kind: str) -> None:
    """A shift of muons changes which events are selected, but no input of the classifier."""
    selected = {
        variation: select(toys / "ttsemi.root", toys, is_mc=True, muon_scale=scale).events
        for variation, scale in (("nominal", 1.0), ("muon_scaleUp", 1.05), ("muon_scaleDown", 0.95))
    }
    inputs = {
        variation: np.array([[*(jet["pt"] for jet in event.jets[:4]), event.met] for event in events], dtype=np.float32)
        for variation, events in selected.items()
    }
    if kind == "ONNX":
        weights = np.array([[0.02], [-0.01], [0.0], [0.03], [-0.005]], dtype=np.float32)
        model: OnnxModel | XGBoostModel = OnnxModel(logistic_regression(tmp_path / "model.onnx", weights))
        scores = {name: 1 / (1 + np.exp(-(x.astype(float) @ weights[:, 0] + BIAS[0]))) for name, x in inputs.items()}
    else:
        booster = boosted_trees(tmp_path / "model.json", inputs["nominal"])
        model = XGBoostModel(tmp_path / "model.json")
        scores = {name: tree_scores(booster, x) for name, x in inputs.items()}
    evaluated: list[Any] = []

    def evaluate(features: Any, params: Any) -> Any:
        evaluated.extend(features.tolist())
        return model(features, params)

    cfg = shifted_muons(
        delayed_columns=[DelayedColumn("score", jets_and_met, evaluate)],
        variables={"score": HistConf([Axis(field="score", bins=20, start=0, stop=1)])},
    )
    filled = only(run(cfg, toys)["variables"]["score"][TTBAR])
    for variation, events in selected.items():
        expected = Histogram(20, 0.0, 1.0)
        for event, score in zip(events, scores[variation], strict=True):
            expected.fill(score, event.weights["nominal"])
        check(filled, "inclusive", variation, expected)
    union = {tuple(row) for rows in inputs.values() for row in rows.tolist()}
    assert len(evaluated) == len(union) > len(selected["nominal"])
    assert {tuple(row) for row in evaluated} == union


@pytest.mark.parametrize(
    ("gen_jets", "flavour"),
    [
        ([], 0),
        ([(30.0, 0.0, 5)], 0),  # of the b quark of a top
        ([(30.0, 1.0, 4)], 0),  # of the c quark of a W
        ([(30.0, 2.0, 5)], 5),
        ([(30.0, 2.0, 4)], 4),
        ([(30.0, 2.0, 4), (30.0, -2.0, 5), (30.0, 1.0, 4)], 5),
        ([(19.0, 2.0, 5), (30.0, 2.3, 4)], 4),
        ([(30.0, 2.5, 5)], 0),
        ([(30.0, 0.41, 5)], 5),
        ([(30.0, 0.39, 5)], 0),
    ],
)
def test_additional_flavour(gen_jets: list[tuple[float, float, int]], flavour: int) -> None:
    jets = [{"pt": pt, "eta": eta, "phi": 0.0, "hadronFlavour": code} for pt, eta, code in [(50.0, 0.0, 0), *gen_jets]]
    particles = ak.Array(
        [
            [
                {"eta": 3.0, "phi": 0.0, "pdgId": 6, "genPartIdxMother": -1},
                {"eta": 0.0, "phi": 0.0, "pdgId": 5, "genPartIdxMother": 0},
                {"eta": 3.0, "phi": 0.0, "pdgId": 24, "genPartIdxMother": 0},
                {"eta": 1.0, "phi": 0.0, "pdgId": -4, "genPartIdxMother": 2},
                {"eta": 2.0, "phi": 0.0, "pdgId": 5, "genPartIdxMother": -1},
            ]
        ]
    )
    cuts = OmegaConf.create({"pt": 20.0, "eta": 2.4, "match_dr": 0.4})
    assert additional_flavour(ak.Array([jets]), particles, cuts).tolist() == [flavour]

"""The whole chain at full size, as the README runs it, against the truth that the toys were made with."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import chi2 as chi2_distribution

from pocket.analysis import load_analysis
from pocket.outputs import read_templates
from pocket.scale_factors.result import ScaleFactorResult
from pocket.toys.config import ToyConfig
from pocket.toys.truth import muon_id_efficiency, trigger_efficiency
from tests.law_runner import Law, Run

MC = ("DYJetsToMuMu", "TTToSemiLeptonic", "WJetsToLNu")
DATA = "DATA_SingleMuon"


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Law:
    return Law(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def chain(law: Law) -> tuple[Run, float]:
    """The default command and the seconds it took."""
    begin = time.monotonic()
    run = law.run("PlotTemplates", "--version", "v1", timeout=600)
    return run, time.monotonic() - begin


@pytest.fixture(scope="module")
def config() -> ToyConfig:
    return ToyConfig.from_params(load_analysis("zmumu").configs["tnp"].parameters.toys)


def output(law: Law, task: str, part: str) -> Path:
    (folder,) = (law.store / "zmumu" / task / part / "v1").iterdir()
    return folder


def toy_files(law: Law, process: str) -> list[Path]:
    return sorted((law.store / "zmumu" / "MakeToySamples").rglob(f"{process}_*/events.root"))


def test_runs_in_time_and_memory(law: Law, chain: tuple[Run, float]) -> None:
    run, seconds = chain
    assert run.code == 0, run.text
    fileset = json.loads((output(law, "BuildDatasets", "toys") / "fileset.json").read_text())
    assert sum(part["metadata"]["nevents"] for part in fileset.values()) >= 400_000
    # the bar is two minutes on an otherwise idle machine; this one may be shared by other tests
    assert seconds < 240
    peak_kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak_kilobytes < 2e6


def test_plots_of_before_and_after_are_there(law: Law, chain: tuple[Run, float]) -> None:
    folder = output(law, "PlotTemplates", "calibrated")
    for stem in ("mll", "mll_vs_nominal"):
        for suffix in ("pdf", "png", "json"):
            assert (folder / "baseline" / f"{stem}.{suffix}").stat().st_size > 1000


def test_second_run_executes_nothing(law: Law, chain: tuple[Run, float]) -> None:
    again = law.run("PlotTemplates", "--version", "v1")
    assert again.code == 0
    assert again.executed == []


def probes(path: Path, measure: str) -> Iterator[tuple[Any, Any, Any]]:
    """Yield pt, eta and weight of the probes in a toy file, selected without any of the package's code."""
    with uproot.open(path) as file:
        events = file["Events"].arrays(filter_name=["Muon_*", "TrigObj_*", "HLT_IsoMu24", "genWeight"])
    events = events[events.HLT_IsoMu24]
    weight = events.genWeight if "genWeight" in events.fields else ak.ones_like(events.HLT_IsoMu24, dtype=float)
    muon = ak.zip({name[5:]: events[name] for name in events.fields if name.startswith("Muon_")})
    trigger = ak.zip({"eta": events.TrigObj_eta, "phi": events.TrigObj_phi, "id": events.TrigObj_id})
    first, second = ak.unzip(ak.cartesian([muon, trigger[trigger.id == 13]], nested=True))
    delta_phi = (first.phi - second.phi + np.pi) % (2 * np.pi) - np.pi
    muon["fired"] = ak.any((first.eta - second.eta) ** 2 + delta_phi**2 < 0.01, axis=2)
    loose = (muon.pt > 24) & (abs(muon.eta) < 2.4) & muon.looseId & (muon.pfRelIso04_all < 0.15)
    tag = loose & muon.tightId & muon.fired & (muon.pt > 29)
    probe = loose if measure == "id" else loose & muon.tightId
    pairs = ak.cartesian({"tag": muon[tag], "probe": muon[probe]})
    pairs = pairs[pairs.tag.charge != pairs.probe.charge]
    t, p = pairs.tag, pairs.probe
    mass = np.sqrt(2 * t.pt * p.pt * (np.cosh(t.eta - p.eta) - np.cos(t.phi - p.phi)))
    window = (mass > 70) & (mass < 115) if measure == "id" else (mass > 60) & (mass < 120)
    kept = p[window]
    weights = ak.broadcast_arrays(weight, kept.pt)[0]
    yield tuple(np.asarray(ak.flatten(values)) for values in (kept.pt, kept.eta, weights))


def mean_efficiency(law: Law, process: str, measure: str, edges: Any, config: ToyConfig) -> Any:
    """Return the true efficiency averaged over the probes of each bin."""
    truth = muon_id_efficiency if measure == "id" else trigger_efficiency
    sums = np.zeros((2, *(len(axis) - 1 for axis in edges)))
    for path in toy_files(law, process):
        for pt, eta, weight in probes(path, measure):
            efficiency = truth(pt, eta, config.truth, process == "data")
            clamped = np.clip(pt, edges[0][0], np.nextafter(edges[0][-1], 0))
            for row, values in enumerate((weight * efficiency, weight)):
                sums[row] += np.histogram2d(clamped, abs(eta), bins=edges, weights=values)[0]
    return sums[0] / sums[1]


@pytest.mark.parametrize(("name", "measure"), [("muon_id", "id"), ("trigger", "trigger")])
def test_scale_factors_agree_with_the_truth(
    law: Law, chain: tuple[Run, float], config: ToyConfig, name: str, measure: str
) -> None:
    text = (output(law, "ComputeScaleFactors", name) / "result.json").read_text()
    result = ScaleFactorResult.from_json(text)
    edges = [np.array(axis) for axis in result.axes.values()]
    data, mc = (mean_efficiency(law, process, measure, edges, config) for process in ("data", "dy"))
    difference = result.scale_factor.value - data / mc
    pulls = difference / np.where(difference > 0, result.scale_factor.down, result.scale_factor.up)
    assert set(result.status) == {"valid"}
    assert np.abs(pulls).max() < 4
    assert 1e-3 < chi2_distribution.sf((pulls**2).sum(), pulls.size) < 0.999


def p_value(law: Law, config_name: str, variable: str, only_yield: bool = False) -> float:
    """Probability of data given simulation, with statistical errors and fully correlated systematic sources."""
    templates = read_templates(output(law, "MergeOutputs", config_name), variable)
    data = templates[DATA]["baseline", :]
    mc = sum(templates[sample] for sample in MC)["baseline", ...]
    variations = list(mc.axes["variation"])
    observed, values = data.values(flow=True), mc.values(flow=True)
    variances = data.variances(flow=True) + mc.variances(flow=True)[0]
    if only_yield:
        observed, values, variances = observed.sum()[None], values.sum(axis=1)[:, None], variances.sum()[None]
    keep = observed + values[0] > 10
    covariance = np.diag(variances[keep])
    for up in [number for number, label in enumerate(variations) if label.endswith("Up")]:
        shift = (values[up] - values[up + 1])[keep] / 2
        covariance += np.outer(shift, shift)
    residual = (observed - values[0])[keep]
    chi2 = residual @ np.linalg.solve(covariance, residual)
    return float(chi2_distribution.sf(chi2, keep.sum()))


VARIABLES = ("mll", "MuonGood_pt", "MuonGood_eta")


@pytest.mark.parametrize("variable", VARIABLES)
def test_calibrated_spectra_agree_with_data(law: Law, chain: tuple[Run, float], variable: str) -> None:
    assert p_value(law, "calibrated", variable) > 1e-3
    assert p_value(law, "nominal", variable) < 1e-6


def test_calibrated_yield_agrees_with_data(law: Law, chain: tuple[Run, float]) -> None:
    assert p_value(law, "calibrated", "mll", only_yield=True) > 1e-3
    assert p_value(law, "nominal", "mll", only_yield=True) < 1e-6

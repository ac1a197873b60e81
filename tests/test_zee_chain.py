"""The chain of the electron identification at full size, against the truth that the toys were made with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import chi2 as chi2_distribution

from pocket.configuration.loading import load_analysis
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.toys.config import ToyConfig
from pocket.toys.truth import electron_id_efficiency
from tests.agreement import p_value
from tests.law_runner import Law, Run
from tests.tasks.in_process import Here

pytestmark = pytest.mark.slow

NAME, ENERGY, DATA = "electron_id", "electron_energy", "DATA_EGamma"


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Law:
    return Law(tmp_path_factory.mktemp("zee"))


@pytest.fixture(scope="module")
def chain(law: Law) -> Run:
    """The calibrated spectra; a scale factor that doesn't close would have ended it before the plots."""
    run = law.run("PlotTemplates", "--analysis", "zee", "--version", "v1", timeout=1800)
    assert run.code == 0, run.text
    return run


def output(law: Law, task: str, part: str) -> Path:
    (folder,) = (law.store / "zee" / task / part / "v1").iterdir()
    return folder


@pytest.fixture(scope="module")
def result(law: Law, chain: Run) -> ScaleFactorResult:
    return ScaleFactorResult.from_json((output(law, "ComputeScaleFactors", NAME) / "result.json").read_text())


@pytest.mark.parametrize("name", [NAME, ENERGY])
def test_it_closes(law: Law, chain: Run, name: str) -> None:
    unbiased = r"its selection is unbiased within [\d.]+ %\n +" if name == NAME else ""
    statements = rf"applied consistently\n +{unbiased}measures the truth within [\d.]+ %\n +fits describe the data"
    assert re.search(rf"^  {name} .* %\n +{statements}$", chain.text, re.MULTILINE)
    report = json.loads((output(law, "ValidateScaleFactors", name) / "report.json").read_text())
    assert {check["name"] for check in report["checks"] if check["passed"]} >= {
        *("values", "remeasured", "events", "truth", "fits"),
    }


def test_every_source_of_uncertainty_is_there(result: ScaleFactorResult) -> None:
    assert set(result.systematics) == {"signal", "background", "mass_range", "tag", "generator"}
    assert set(result.status) == {"valid"}
    assert {fit.status for fit in result.diagnostics} == {"valid"}


def mean_efficiency(law: Law, edges: list[Any], config: ToyConfig, is_data: bool) -> Any:
    """Return the true efficiency averaged over the prompt electrons of each bin that are probes, in simulation."""
    truth = config.electrons
    assert truth
    sums = np.zeros((2, *(len(axis) - 1 for axis in edges)))
    for path in sorted((law.store / "shared" / "MakeToySamples").rglob("dyee_0*/events.root")):
        with uproot.open(path) as file:
            events = file["Events"].arrays(filter_name=["Electron_*", "HLT_Ele32_WPTight_Gsf", "genWeight"])
        events = events[events.HLT_Ele32_WPTight_Gsf]
        electrons = ak.zip({name[9:]: events[name] for name in events.fields if name.startswith("Electron_")})
        electrons["sc"] = electrons.eta + electrons.deltaEtaSC
        transition = (abs(electrons.sc) >= 1.4442) & (abs(electrons.sc) <= 1.566)
        good = (electrons.pt > 20) & (abs(electrons.eta) < 2.5) & ~transition & (electrons.genPartFlav == 1)
        electrons = electrons[good]
        tags = electrons[electrons.mvaFall17V2Iso_WP90 & (electrons.pt > 36)]
        tag, probe = ak.unzip(ak.cartesian([tags, electrons]))
        angle = np.cosh(tag.eta - probe.eta) - np.cos(tag.phi - probe.phi)
        mass = np.sqrt(2 * tag.pt * probe.pt * angle)
        kept = (tag.charge != probe.charge) & (mass > 60) & (mass < 120)
        weight = ak.flatten(ak.broadcast_arrays(events.genWeight, probe.pt)[0][kept])
        pt, eta = (np.asarray(ak.flatten(probe[name][kept])) for name in ("pt", "sc"))
        efficiency = electron_id_efficiency(pt, eta, truth.identification, is_data)
        for row, values in enumerate((weight * efficiency, weight)):
            sums[row] += np.histogram2d(pt, eta, bins=edges, weights=np.asarray(values))[0]
    return sums[0] / sums[1]


def test_scale_factor_agrees_with_the_truth(law: Law, result: ScaleFactorResult) -> None:
    config = ToyConfig.from_params(load_analysis("zee").config("tnp").parameters.toys)
    edges = [np.array(axis) for axis in result.axes.values()]
    data, mc = (mean_efficiency(law, edges, config, is_data) for is_data in (True, False))
    difference = result.scale_factor.value - data / mc
    pulls = difference / np.where(difference > 0, result.scale_factor.down, result.scale_factor.up)
    assert np.abs(pulls).max() < 4
    assert 1e-3 < chi2_distribution.sf((pulls**2).sum(), pulls.size) < 0.999
    # The toys differ from 1 by more than the errors.
    ones = (result.scale_factor.value - 1) / result.scale_factor.up
    assert chi2_distribution.sf((ones**2).sum(), ones.size) < 1e-6


def test_energies_agree_with_the_truth(law: Law, chain: Run) -> None:
    found = ScaleFactorResult.from_json((output(law, "ComputeScaleFactors", ENERGY) / "result.json").read_text())
    config = ToyConfig.from_params(load_analysis("zee").config("energy").parameters.toys)
    assert config.electrons
    simulation, data = config.electrons.responses.simulation, config.electrons.responses.data
    eta, weights = electrons_of_pairs(law)
    widths = [one.resolution + one.resolution_slope * eta for one in (data, simulation)]
    bins = np.digitize(eta, np.array(found.axes["abseta"])) - 1
    squares = [np.average((widths[0] ** 2 - widths[1] ** 2)[bins == n], weights=weights[bins == n]) for n in range(3)]
    truth = np.array([np.full(3, simulation.scale / data.scale), np.sqrt(squares)])
    difference = found.scale_factor.value - truth
    pulls = difference / np.where(difference > 0, found.total_down, found.total_up)
    assert np.abs(pulls).max() < 3.5
    assert 0.01 < chi2_distribution.sf((pulls**2).sum(), pulls.size) < 0.999


def electrons_of_pairs(law: Law) -> tuple[Any, Any]:
    """Return |η| and weights of simulated electrons that are identified, in events that fired the trigger."""
    eta, weights = [], []
    for path in sorted((law.store / "shared" / "MakeToySamples").rglob("dyee_0*/events.root")):
        with uproot.open(path) as file:
            events = file["Events"].arrays(filter_name=["Electron_*", "HLT_Ele32_WPTight_Gsf", "genWeight"])
        good = (events.Electron_pt > 20) & events.Electron_mvaFall17V2Iso_WP90 & (abs(events.Electron_eta) < 2.5)
        good = good & events.HLT_Ele32_WPTight_Gsf & (ak.sum(good, axis=1) == 2)
        eta.append(np.abs(ak.flatten(events.Electron_eta[good]).to_numpy()))
        weights.append(ak.flatten(ak.broadcast_arrays(events.genWeight, events.Electron_eta)[0][good]).to_numpy())
    return np.concatenate(eta), np.concatenate(weights)


@pytest.mark.parametrize("variable", ["mee", "ptee", "ElectronGood_pt", "ElectronGood_etaSC", "npvs"])
def test_calibrated_spectra_agree_with_data(law: Law, chain: Run, variable: str) -> None:
    assert p_value(output(law, "MergeOutputs", "calibrated"), variable, "baseline", of_data=DATA) > 0.01


@pytest.mark.parametrize("variable", ["mee", "ElectronGood_pt"])
def test_energies_are_wrong_without_the_calibration(law: Law, chain: Run, variable: str) -> None:
    assert p_value(output(law, "MergeOutputs", "nominal"), variable, "baseline", of_data=DATA) < 1e-6


def test_calibrated_yield_agrees_with_data(law: Law, chain: Run) -> None:
    folders = [output(law, "MergeOutputs", config) for config in ("calibrated", "nominal")]
    after, before = (p_value(folder, "mee", "baseline", only_yield=True, of_data=DATA) for folder in folders)
    assert after > 1e-3
    assert before < 1e-6


def test_plots_of_the_fits(law: Law, chain: Run) -> None:
    options = ("--analysis", "zee", "--scale-factor", NAME, "--version", "v1")
    run = Here(law.folder).run("PlotScaleFactors", *options)
    assert run.code == 0, run.text
    folder = output(law, "PlotScaleFactors", NAME)
    for stem in (NAME, f"{NAME}_map", f"{NAME}_uncertainties", f"{NAME}_fits_nominal", f"{NAME}_fits_01"):
        for suffix in ("pdf", "png", "json"):
            assert (folder / f"{stem}.{suffix}").stat().st_size > 1000


def test_an_audit_finds_nothing(law: Law, chain: Run) -> None:
    options = ("--share", "0.03", "--events", "60", "--seed", "1")
    run = law.run("Audit", "--analysis", "zee", "--version", "v1", *options, timeout=3600)
    assert run.code == 0, run.text
    assert re.search(
        r"^  audited +\S+ [\d.]+ % of \d+ complete outputs, \d+ events, no difference", run.text, re.MULTILINE
    )

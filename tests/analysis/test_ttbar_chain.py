"""The chain of b tagging from toys to calibrated spectra, against the truth that the toys were made with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import chi2 as chi2_distribution

from pocket.configuration.loading import load_analysis
from pocket.histograms.files import read_templates
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.toys.config import ToyConfig
from pocket.toys.truth import tag_efficiency
from tests.agreement import DATA, p_value
from tests.law_runner import Law

pytestmark = pytest.mark.slow

#: few events of Drell-Yan, which have more jets for it
OVERRIDES = (
    "toys.processes.dy.events=40000",
    "toys.processes.dy.xsec=220",
    "toys.processes.dy.radiation.jets=8",
    "toys.events_per_file=20000",
)
SAMPLES = {"ttsemi": "TTToSemiLeptonic", "wjets": "WJetsToLNu", "dy": "DYJetsToMuMu"}


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> Law:
    """The outputs of the chain; a scale factor that doesn't close would have ended it before the plot."""
    law = Law(tmp_path_factory.mktemp("ttbar"))
    arguments = ("--analysis", "ttbar", "--config", "btag_calibrated", "--params", ",".join(OVERRIDES))
    run = law.run("PlotTemplates", "--version", "v1", "--variables", "HT", "--categories", "btagWP", *arguments)
    assert run.code == 0, run.text
    for name in load_analysis("ttbar").scale_factors:
        statements = r"applied consistently\n +measures the truth within [\d.]+ %"
        assert re.search(rf"^  {name} .* %\n +{statements}$", run.text, re.MULTILINE)
    return law


@pytest.fixture(scope="module")
def config() -> ToyConfig:
    return ToyConfig.from_params(load_analysis("ttbar", OVERRIDES).config("btag_jets").parameters.toys)


def output(law: Law, task: str, part: str) -> Path:
    (folder,) = (law.store / "ttbar" / task / part / "v1").iterdir()
    return folder


def measured(law: Law, name: str) -> ScaleFactorResult:
    return ScaleFactorResult.from_json((output(law, "ComputeScaleFactors", name) / "result.json").read_text())


@dataclass(frozen=True)
class Jets:
    """Jets of the selected events of a process, all of shape (jets,), selected without any of the package's code."""

    pt: Any
    abseta: Any
    flavour: Any
    weight: Any
    number: Any

    def true_efficiency(self, config: ToyConfig, is_data: bool) -> Any:
        efficiency = np.zeros(len(self.pt))
        for flavour in (0, 4, 5):
            chosen = self.flavour == flavour
            efficiency[chosen] = tag_efficiency(flavour, self.pt[chosen], config.truth, is_data)
        return efficiency


def collection(events: Any, name: str) -> Any:
    fields = {field.partition("_")[2]: events[field] for field in events.fields if field.startswith(f"{name}_")}
    return ak.zip(fields)


def far_from(jets: Any, leptons: Any) -> Any:
    jet, lepton = ak.unzip(ak.cartesian([jets[["eta", "phi"]], leptons[["eta", "phi"]]], nested=True))
    phi = (jet.phi - lepton.phi + np.pi) % (2 * np.pi) - np.pi
    return ak.all(np.hypot(jet.eta - lepton.eta, phi) > 0.4, axis=2)


def select(path: Path) -> Jets:
    """Select events with one lepton and two jets, as the configuration does."""
    with uproot.open(path) as file:
        names = ["Muon_*", "Electron_*", "Jet_*", "MET_pt", "HLT_*", "genWeight"]
        events = file["Events"].arrays(filter_name=names)
    muons, electrons, jets = (collection(events, name) for name in ("Muon", "Electron", "Jet"))
    muons = muons[(muons.pt > 15) & (abs(muons.eta) < 2.4) & muons.tightId & (muons.pfRelIso04_all < 0.15)]
    supercluster = abs(electrons.eta + electrons.deltaEtaSC)
    good = (electrons.pt > 15) & (abs(electrons.eta) < 2.4) & ((supercluster < 1.4442) | (supercluster > 1.566))
    electrons = electrons[good & electrons.mvaFall17V2Iso_WP80 & (electrons.pfRelIso03_all < 0.06)]
    good = (jets.pt > 30) & (abs(jets.eta) < 2.4) & (jets.jetId >= 2) & ((jets.puId >= 4) | (jets.pt >= 50))
    central = ak.sum(jets.pt >= 20, axis=1) >= 4
    jets = jets[good & far_from(jets, muons) & far_from(jets, electrons)]
    fired = events.HLT_IsoMu24 | events.HLT_Ele32_WPTight_Gsf
    hard = ak.any(muons.pt > 29, axis=1) | ak.any(electrons.pt > 36, axis=1)
    one = ak.num(muons) + ak.num(electrons) == 1
    selected = hard & one & fired & central & (ak.num(jets) >= 2) & (events.MET_pt > 20)
    jets, weight = jets[selected], events.genWeight[selected]
    weight, number = (ak.broadcast_arrays(values, jets.pt)[0] for values in (weight, ak.num(jets)))
    columns = (jets.pt, abs(jets.eta), jets.hadronFlavour, weight, number)
    return Jets(*(np.asarray(ak.flatten(values)) for values in columns))


@pytest.fixture(scope="module")
def jets(law: Law, config: ToyConfig) -> dict[str, Jets]:
    """Process → its jets; weights are normalised to the same luminosity."""
    found = {}
    for process in SAMPLES:
        files = sorted((law.store / "shared" / "MakeToySamples").rglob(f"{process}_*/events.root"))
        parts = [select(path) for path in files]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Jets.__annotations__}
        # the mean of the generator's weights is the cross section
        columns["weight"] = columns["weight"] / config.process(process).events
        found[process] = Jets(**columns)
    return found


def merged(parts: list[Jets]) -> Jets:
    return Jets(*(np.concatenate([getattr(part, name) for part in parts]) for name in Jets.__annotations__))


def check_pulls(found: Any, expected: Any, up: Any, down: Any) -> None:
    difference = found - expected
    pulls = difference / np.where(difference > 0, down, up)
    assert np.abs(pulls).max() < 4
    assert 1e-3 < chi2_distribution.sf((pulls**2).sum(), pulls.size) < 0.999


@pytest.mark.parametrize("processes", [("ttsemi",), ("wjets", "dy")])
def test_efficiencies_agree_with_the_truth(
    law: Law, config: ToyConfig, jets: dict[str, Jets], processes: tuple[str, ...]
) -> None:
    result = measured(law, "btag_efficiency")
    sample = result.axes["sample"].values.index(SAMPLES[processes[0]])  # type: ignore[union-attr]
    chosen = merged([jets[process] for process in processes])
    edges = [np.array([-1, 2, 4.5, 6]), *(np.array(result.axes[axis]) for axis in ("pt", "abseta"))]
    values = np.stack([chosen.flavour, np.minimum(chosen.pt, edges[1][-1] - 1), chosen.abseta], axis=1)
    groups = result.groups[sample]

    def summed(weight: Any) -> Any:
        """Return sums per group of bins that were measured together."""
        sums = np.histogramdd(values, edges, weights=weight)[0]
        return np.array([sums[groups == group].sum() for group in np.unique(groups)])

    expected = summed(chosen.weight * chosen.true_efficiency(config, False)) / summed(chosen.weight)
    first = [tuple(np.argwhere(groups == group)[0]) for group in np.unique(groups)]
    of_sample = (result.scale_factor.value, result.scale_factor.up, result.scale_factor.down)
    found, up, down = (np.array([part[sample][index] for index in first]) for part in of_sample)
    assert len(found) >= 12
    check_pulls(found, expected, up, down)


def test_scale_factors_agree_with_the_truth(law: Law, config: ToyConfig, jets: dict[str, Jets]) -> None:
    result = measured(law, "btag_wp")
    assert set(result.status) == {"valid", "frozen"}
    assert result.axes["flavor"].values == (5, 4, 0)  # type: ignore[union-attr]
    all_jets = merged(list(jets.values()))
    b = (all_jets.flavour == 5) & (all_jets.number >= 4)
    edges = np.array(result.axes["pt"])
    data, mc = (
        np.histogram(all_jets.pt[b], edges, weights=(all_jets.weight * all_jets.true_efficiency(config, is_data))[b])[0]
        for is_data in (True, False)
    )
    of_b = [part[0] for part in (result.scale_factor.value, result.total_up, result.total_down)]
    check_pulls(of_b[0], data / mc, of_b[1], of_b[2])
    assert chi2_distribution.sf((((of_b[0] - 1) / of_b[1]) ** 2).sum(), len(of_b[0])) < 1e-3
    # those that aren't measured have the truth within their uncertainties
    for row, true in ((1, config.truth.tagger.c.sf), (2, config.truth.tagger.light.sf)):
        assert np.all(np.abs(result.scale_factor.value[row] - true) < result.total_up[row])


@pytest.mark.parametrize("variable", ["nJetGood", "HT", "nBJetGood"])
def test_normalisation_restores_the_yields(law: Law, variable: str) -> None:
    templates = read_templates(output(law, "MergeOutputs", "btag_calibrated"), variable)
    shapes = [f"sf_btag_{kind}{side}" for kind in ("hf", "lf", "lfstats1", "cferr1") for side in ("Up", "Down")]
    for sample in SAMPLES.values():
        histogram = templates[sample]
        before, after, without = (
            {name: histogram[category, name, :].values(flow=True).sum() for name in ("nominal", *shapes)}
            for category in ("no_btagSF", "btagSF_calib", "btagSF")
        )
        assert after == pytest.approx(before, rel=1e-9)
        assert without["sf_btag_lfstats1Up"] != pytest.approx(before["nominal"], rel=1e-2)


def test_weight_of_the_working_point_keeps_the_yield(law: Law) -> None:
    templates = read_templates(output(law, "MergeOutputs", "btag_calibrated"), "HT")
    total = {
        category: sum(templates[sample][category, "nominal", :].values(flow=True).sum() for sample in SAMPLES.values())
        for category in ("no_btagSF", "btagWP")
    }
    assert total["btagWP"] == pytest.approx(total["no_btagSF"], rel=0.01)


def test_numbers_of_b_tags_agree_with_data(law: Law) -> None:
    folder = output(law, "MergeOutputs", "btag_calibrated")
    assert DATA in read_templates(folder, "nBJetGood")
    for category in ("btagSF", "btagSF_calib", "btagWP"):
        assert p_value(folder, "nBJetGood", category) > 1e-3
    assert p_value(folder, "nBJetGood", "no_btagSF") < 1e-6

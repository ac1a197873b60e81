"""The chains of 2022 and 2023 on a reduced number of toys, against the truth of each year's toys."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.configuration.loading import load_analysis
from pocket.histograms.files import read_templates
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.toys.config import ToyConfig
from pocket.toys.truth import muon_id_efficiency, tag_efficiency, trigger_efficiency
from tests.agreement import DATA, p_value
from tests.law_runner import Law

pytestmark = pytest.mark.slow

YEARS = ("2022_preEE", "2023_preBPix")
#: analysis → configuration with all years, category, variables that are drawn, and parameters
RUNS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "zmumu_run3": ("calibrated", "baseline", ("mll", "ptll"), ("toys.scale=0.3",)),
    "ttbar_run3": (
        "btag_calibrated",
        "btagWP",
        ("HT", "nJetGood"),
        # few events of Drell-Yan, which have more jets for it
        (
            "toys.scale=0.5",
            "toys.processes.dy.events=40000",
            "toys.processes.dy.xsec=220",
            "toys.processes.dy.radiation.jets=8",
        ),
    ),
}


class Chains:
    """Runs each chain once, by one command: the plots of both years in one, and of each year."""

    def __init__(self, folder: Path) -> None:
        self.law = Law(folder)
        self.ran: set[str] = set()

    def run(self, analysis: str) -> None:
        """Run a chain if it hasn't run; a scale factor that doesn't close would end it before the plots."""
        if analysis in self.ran:
            return
        config, category, variables, overrides = RUNS[analysis]
        options = ("--version", "v1", "--variables", ",".join(variables), "--categories", category)
        configs = (config, *(f"{config}_{year}" for year in YEARS))
        run = self.law.run(
            *("PlotTemplates", "--analysis", analysis, "--config", ",".join(configs)),
            *(*options, "--params", ",".join(overrides)),
            timeout=3600,
        )
        assert run.code == 0, run.text
        self.ran.add(analysis)

    def output(self, analysis: str, task: str, part: str) -> Path:
        """Return the only output of a task."""
        (folder,) = (self.law.store / analysis / task / part / "v1").iterdir()
        return folder

    def measured(self, analysis: str, name: str) -> ScaleFactorResult:
        """Return a scale factor."""
        result = self.output(analysis, "ComputeScaleFactors", name) / "result.json"
        return ScaleFactorResult.from_json(result.read_text())


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Chains:
    return Chains(tmp_path_factory.mktemp("run3"))


@pytest.fixture(params=list(RUNS))
def analysis(request: pytest.FixtureRequest, chains: Chains) -> str:
    name = str(request.param)
    chains.run(name)
    return name


def truth(analysis: str, year: str) -> Any:
    config = load_analysis(analysis, RUNS[analysis][3])
    return ToyConfig.from_params(config.config(config.default_config).parameters.toys, year).truth


def centres(edges: Any) -> Any:
    return (np.asarray(edges)[:-1] + np.asarray(edges)[1:]) / 2


def check_truth(result: ScaleFactorResult, expected: Any, bins: Any = ...) -> None:
    """Check that a scale factor agrees with each year's truth, and not with the other's."""
    assert result.axes["year"].values == YEARS
    value = result.scale_factor.value[bins]
    difference = value - expected
    pulls = difference / np.where(difference > 0, result.total_down[bins], result.total_up[bins])
    assert np.abs(pulls).max() < 4
    error = (result.total_down[bins] + result.total_up[bins]) / 2
    separation = (value[0] - value[1]) / np.hypot(error[0], error[1])
    assert np.sqrt((separation**2).sum()) > 3
    assert (expected[0] > expected[1]).all()


def test_identification_and_trigger_of_muons_are_those_of_each_year(chains: Chains) -> None:
    chains.run("zmumu_run3")
    for name, efficiency in (("muon_id", muon_id_efficiency), ("trigger", trigger_efficiency)):
        result = chains.measured("zmumu_run3", name)
        assert set(result.status) == {"valid"}
        pt, abseta = np.meshgrid(*(centres(result.axes[axis]) for axis in ("pt", "abseta")), indexing="ij")
        ratios = []
        for year in YEARS:
            of_year = truth("zmumu_run3", year)
            ratios.append(efficiency(pt, abseta, of_year, True) / efficiency(pt, abseta, of_year, False))
        # The identification is flat in each bin, the trigger on its plateau.
        plateau = np.asarray(result.axes["pt"])[:-1] >= (24 if name == "muon_id" else 32)
        check_truth(result, np.array(ratios)[:, plateau], np.s_[:, plateau])


def test_b_tagging_is_that_of_each_year(chains: Chains) -> None:
    chains.run("ttbar_run3")
    result = chains.measured("ttbar_run3", "btag_wp")
    axes = list(result.axes)
    assert axes[0] == "year"
    value = np.moveaxis(result.scale_factor.value, axes.index("flavor"), -1)
    assert value.shape[-1] == 3
    of_b = list(result.axes["flavor"].values).index(5)
    bins = tuple(of_b if axis == "flavor" else slice(None) for axis in axes)
    ratios = []
    for year in YEARS:
        of_year, pt = truth("ttbar_run3", year), centres(result.axes["pt"])
        ratios.append(tag_efficiency(5, pt, of_year, True) / tag_efficiency(5, pt, of_year, False))
    check_truth(result, np.array(ratios), bins)


def test_every_scale_factor_closes(analysis: str, chains: Chains) -> None:
    for name in load_analysis(analysis).scale_factors:
        report = json.loads((chains.output(analysis, "ValidateScaleFactors", name) / "report.json").read_text())
        passed = {check["name"]: check["passed"] for check in report["checks"]}
        assert False not in passed.values()
        assert passed["values"]
        assert passed["file"]
        # Besides, each is measured again, or applied to the same events, or keeps the yield.
        assert any(passed.get(name) for name in ("remeasured", "same_events", "yields"))


def test_templates_of_the_years_add_up(analysis: str, chains: Chains) -> None:
    config, category, variables, _ = RUNS[analysis]
    for variable in variables:
        both, *single = (
            read_templates(chains.output(analysis, "MergeOutputs", name), variable)
            for name in (config, *(f"{config}_{year}" for year in YEARS))
        )
        assert all(part.keys() == both.keys() for part in single)
        for sample in both:
            first, second, total = (part[sample][category, ...].values(flow=True) for part in (*single, both))
            # Few events of some backgrounds are left, or none.
            assert sample != DATA or min(first.sum(), second.sum()) > 100
            np.testing.assert_allclose(first + second, total, rtol=1e-10, atol=1e-10 * total.max())


def test_plot_of_both_years_shows_their_sum(analysis: str, chains: Chains) -> None:
    config, category, variables, _ = RUNS[analysis]
    for variable in variables:
        shown = []
        for name in (config, *(f"{config}_{year}" for year in YEARS)):
            folder = chains.output(analysis, "PlotTemplates", name) / category
            for suffix in ("pdf", "png"):
                assert (folder / f"{variable}.{suffix}").stat().st_size > 1000
            shown.append(json.loads((folder / f"{variable}.json").read_text()))
        both, first, second = shown
        for key in ("data", "mc"):
            sums = [np.asarray(one[key]["values"]) for one in (first, second, both)]
            assert sums[2].sum() > 0
            np.testing.assert_allclose(sums[0] + sums[1], sums[2], rtol=1e-9)


def test_calibrated_spectra_agree_with_data_in_each_year(analysis: str, chains: Chains) -> None:
    config, category, variables, _ = RUNS[analysis]
    for variable, name in itertools.product(variables, (config, *(f"{config}_{year}" for year in YEARS))):
        assert p_value(chains.output(analysis, "MergeOutputs", name), variable, category, of_data=DATA) > 1e-3

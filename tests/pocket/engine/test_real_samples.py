"""The configuration real_samples on real CMS NanoAOD, against a plain event loop (:mod:`tests.oracle`)."""

from __future__ import annotations

from typing import Any

import pytest

from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis
from pocket.datasets.branches import split
from pocket.datasets.build import build_fileset
from pocket.datasets.fileset import Fileset
from pocket.engine.resources import Resources
from pocket.engine.run import run_branch
from pocket.outputs.merging import merge_outputs
from pocket.parameters.plain import to_plain
from tests.oracle import Sums, check_output, event_loop
from tests.real_files import CACHE, real_file

SIMULATION = ("DYJetsToLL_2018", "DYJetsToLL")
DATA = ("DATA_DoubleMuon_2018_EraA", "DATA_DoubleMuon")


@pytest.fixture(scope="module")
def config() -> Configurator:
    return load_analysis("zmumu").configs["real_samples"]


@pytest.fixture(scope="module")
def fileset(config: Configurator) -> Fileset:
    return build_fileset(config.definitions, toy_files={}, cache=CACHE).fileset


@pytest.fixture(scope="module")
def simulation(config: Configurator) -> Sums:
    return event_loop(real_file("nano_dy.root"), to_plain(config.parameters), is_mc=True)


@pytest.fixture(scope="module")
def data(config: Configurator) -> Sums:
    return event_loop(real_file("nano_dimuon.root"), to_plain(config.parameters), is_mc=False)


def run(config: Configurator, fileset: Fileset, events_per_branch: int, chunk_size: int) -> list[dict[str, Any]]:
    return [
        run_branch(
            config.plan(), branch, fileset[branch.dataset]["metadata"], Resources(), chunk_size=chunk_size
        ).output
        for branch in split(fileset, events_per_branch)
    ]


def test_the_loop_selects_events(simulation: Sums, data: Sums) -> None:
    for sums in (simulation, data):
        assert sums.initial == 40
        assert 0 < sums.presel < sums.skim < sums.initial
        assert sum(sums.histograms["MuonGood_pt_2"].sumw2) > 0
    assert simulation.signs < simulation.initial  # there are negative weights


@pytest.mark.parametrize(
    ("events_per_branch", "chunk_size"), [(1000, 1000), (23, 1000), pytest.param(1000, 15, marks=pytest.mark.slow)]
)
def test_equals_the_event_loop(
    config: Configurator, fileset: Fileset, simulation: Sums, data: Sums, events_per_branch: int, chunk_size: int
) -> None:
    outputs = run(config, fileset, events_per_branch, chunk_size)
    if len(outputs) == 2:
        # a branch holds raw sums
        check_output(outputs[0], *SIMULATION, simulation)
        check_output(outputs[1], *DATA, data)
    merged = merge_outputs(
        config.merging_plan(), outputs, {name: dataset["metadata"] for name, dataset in fileset.items()}
    )
    params = to_plain(config.parameters)
    xsec = fileset[SIMULATION[0]]["metadata"]["xsec"]
    normalisation = params["lumi"]["picobarns"]["2018"]["tot"] * xsec / simulation.genweights
    check_output(merged, *SIMULATION, simulation, normalisation)
    check_output(merged, *DATA, data)
    assert merged["sum_genweights"] == {SIMULATION[0]: pytest.approx(simulation.genweights, rel=1e-12)}
    assert merged["sum_signOf_genweights"] == {SIMULATION[0]: simulation.signs}

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import uuid

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.configuration.loading import load_analysis
from pocket.toys.config import ELECTRON_PROCESSES, ToyConfig
from pocket.toys.electron_probes import relative_momentum
from pocket.toys.generator import generate
from pocket.toys.lepton_corrections import electron_corrections
from pocket.toys.plan import NAMESPACE, file_plan, file_uuid
from pocket.toys.truth import electron_id_efficiency
from tests.pocket.toys.helpers import assert_fraction

N = 12_000
PT_EDGES = [5, 20, 35, 50, 1000]
ETA_EDGES = [-2.6, -1.5, 0.0, 1.5, 2.6]


@pytest.fixture(scope="module")
def of_electrons() -> ToyConfig:
    return ToyConfig.from_params(OmegaConf.to_container(load_analysis("zee").config("tnp").parameters.toys))


@pytest.fixture(scope="module")
def events(of_electrons):
    return {process: generate(process, N, of_electrons, part=0) for process in ELECTRON_PROCESSES}


def test_made_instead_of_the_others(config, of_electrons):
    assert of_electrons.made == ELECTRON_PROCESSES
    assert config.made == ("dy", "ttsemi", "wjets", "data")
    mean = (2025.74 + 2000) * of_electrons.luminosity * 1.02
    assert sum(n for _, n in file_plan("egamma", of_electrons)) == pytest.approx(mean, abs=5 * mean**0.5)
    assert sum(n for _, n in file_plan("dyee", of_electrons)) == of_electrons.process("dyee").events


def test_other_toys_do_not_know_them(config, of_electrons):
    """Files of muons have the same bytes as before there were toys of electrons and of eras."""
    same = dataclasses.replace(of_electrons, electrons=None, luminosity=config.luminosity)
    assert same == config
    later = ("electrons", "nano_version")
    parameters = {name: value for name, value in dataclasses.asdict(config).items() if name not in later}
    assert file_uuid("dy", 3, config) == uuid.uuid5(NAMESPACE, json.dumps(["dy", 3, parameters]))
    assert file_uuid("dyee", 3, of_electrons) != file_uuid("dy", 3, of_electrons)


def by_formula(pt, eta, truth, is_data):
    efficiency = truth.plateau - truth.turn_on * math.exp(-pt / truth.turn_on_scale)
    efficiency -= truth.edge_loss * (eta / truth.eta_max) ** 2
    if is_data:
        factor = truth.sf - truth.sf_turn_on * math.exp(-pt / truth.turn_on_scale)
        if abs(eta) > truth.sf_boundary:
            factor -= truth.sf_endcap_loss
        efficiency *= factor + truth.sf_slope * eta / truth.eta_max
    return efficiency


@pytest.mark.parametrize("is_data", [False, True])
def test_efficiency_against_a_loop(of_electrons, is_data):
    truth, rng = of_electrons.electrons.identification, np.random.default_rng(2)
    pt, eta = rng.uniform(10, 200, 10_000), rng.uniform(-2.5, 2.5, 10_000)
    expected = [by_formula(*each, truth, is_data) for each in zip(pt, eta, strict=True)]
    assert electron_id_efficiency(pt, eta, truth, is_data) == pytest.approx(expected, rel=1e-14)
    assert all(0 < efficiency < 1 for efficiency in expected)


@pytest.mark.parametrize("process", ["dyee", "dyee_lo", "egamma"])
def test_prompt_electrons_pass_with_the_true_efficiency(events, of_electrons, process):
    electrons = events[process]["Electron"]
    # Fake electrons have lower pt; in data nothing tells them apart, and Z bosons dominate above 35 GeV.
    prompt = electrons.genPartFlav == 1 if process != "egamma" else electrons.pfRelIso03_all == 0
    chosen = ak.flatten(electrons[prompt])
    pt, eta = np.asarray(chosen.pt), np.asarray(chosen.eta + chosen.deltaEtaSC)
    passes = np.asarray(chosen.mvaFall17V2Iso_WP90)
    expected = electron_id_efficiency(pt, eta, of_electrons.electrons.identification, process == "egamma")
    for low, high in itertools.pairwise(PT_EDGES):
        for left, right in itertools.pairwise(ETA_EDGES):
            inside = (pt >= low) & (pt < high) & (eta >= left) & (eta < right)
            assert inside.sum() > 50
            assert_fraction(passes[inside], expected[inside].mean())


def test_working_points_contain_each_other(events):
    for collection in (toy["Electron"] for toy in events.values()):
        electrons = ak.flatten(collection)
        order = [electrons.cutBased >= 4, electrons.mvaFall17V2Iso_WP80, electrons.cutBased >= 3]
        order += [electrons.mvaFall17V2Iso_WP90, electrons.cutBased >= 2, electrons.cutBased >= 1]
        counts = [ak.sum(passes) for passes in order]
        assert counts == sorted(counts)
        assert not any(ak.any(tight & ~loose) for tight, loose in itertools.pairwise(order))


def test_fake_electrons_pass_rarely(events, of_electrons):
    electrons = ak.flatten(events["wenu"]["Electron"])
    fakes = electrons[electrons.genPartFlav == 0]
    assert len(fakes) > 500
    assert_fraction(np.asarray(fakes.mvaFall17V2Iso_WP90), of_electrons.electrons.identification.nonprompt)


@pytest.mark.parametrize("name", ["simulation", "other_generator", "data"])
def test_response(of_electrons, name):
    response = getattr(of_electrons.electrons.responses, name)
    n = 200_000
    ratio = relative_momentum(np.random.default_rng(1), np.full(n, 1.5), response)
    resolution = response.resolution + 1.5 * response.resolution_slope
    # The loss is exponential, and no more than 0.9.
    mean = response.loss * (1 - math.exp(-0.9 / response.loss))
    expected = response.scale * (1 - response.radiating * mean)
    assert ratio.mean() == pytest.approx(expected, abs=5 * ratio.std() / n**0.5)
    # Above the peak there are hardly any electrons that radiate.
    above = np.mean(ratio > response.scale * (1 + resolution))
    assert above == pytest.approx((1 - response.radiating) * 0.1587, rel=0.05)


def test_data_have_no_truth(events):
    assert "genPartFlav" not in events["egamma"]["Electron"].fields
    assert set(events["dyee"]["Electron"].fields) - set(events["egamma"]["Electron"].fields) == {
        "genPartIdx",
        "genPartFlav",
    }
    assert "GenPart" not in events["egamma"]


def test_scale_factors_that_belong_to_them(of_electrons):
    truth = of_electrons.electrons.identification
    (correction,) = electron_corrections(truth)
    evaluator = correction.to_evaluator()
    for name in ("wp80iso", "wp90iso"):
        found = evaluator.evaluate("toys", "sf", name, 0.4, 42.5)
        assert found == pytest.approx(by_formula(42.5, 0.4, truth, True) / by_formula(42.5, 0.4, truth, False))
    assert evaluator.evaluate("toys", "sf", "RecoAbove20", 0.4, 42.5) == 1
    assert electron_corrections()[0].to_evaluator().evaluate("toys", "sf", "wp90iso", 0.4, 42.5) == 1

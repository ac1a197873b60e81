from __future__ import annotations

import numpy as np
import pytest

from pocket.toys import event_content
from pocket.toys.tables import Table
from tests.pocket.toys.helpers import assert_fraction, assert_mean

N = 20_000


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def test_identifiers_of_simulation(rng):
    ids = event_content.identifiers(rng, 2500, 5001, None)
    assert set(ids["run"]) == {1}
    assert ids["event"].tolist() == list(range(5001, 7501))
    assert np.unique(ids["luminosityBlock"]).tolist() == [6, 7, 8]
    assert [ids[name].dtype for name in ("run", "luminosityBlock", "event")] == [np.uint32, np.uint32, np.uint64]


def test_identifiers_of_data(rng, config):
    ids = event_content.identifiers(rng, N, 1, config.data)
    ranges = {run.number: (run.certified, run.uncertified) for run in config.data.runs}
    certified = np.zeros(N, dtype=bool)
    for i, (run, section) in enumerate(zip(ids["run"], ids["luminosityBlock"], strict=True)):
        good, bad = (any(first <= section <= last for first, last in sections) for sections in ranges[int(run)])
        assert good != bad
        certified[i] = good
    assert_fraction(certified, 1 / 1.02)


@pytest.mark.parametrize(("is_data", "mean"), [(False, 32.0), (True, 36.0)])
def test_pileup(rng, config, is_data, mean):
    true, actual = event_content.draw_pileup(rng, N, config.truth.pileup, is_data)
    assert_mean(true, mean)
    assert true.var() == pytest.approx(mean, rel=0.05)
    assert_mean(actual, mean)
    assert np.corrcoef(true, actual)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.03)


def test_vertices_follow_pileup(rng):
    n_pileup = rng.poisson(32, N)
    branches = event_content.vertices(rng, n_pileup)
    assert np.corrcoef(n_pileup, branches["PV_npvs"])[0, 1] > 0.7
    assert branches["PV_npvsGood"].min() >= 1
    assert np.all(branches["PV_npvsGood"] <= branches["PV_npvs"])


def test_flags(rng):
    flags = event_content.flags(rng, N)
    assert len(flags) == 9
    assert all(0.998 < values.mean() <= 1 for values in flags.values())


def test_trigger_is_any_lepton():
    muons = Table(np.array([0, 0, 2]), {"fired": np.array([False, True, False])})
    electrons = Table(np.array([2]), {"fired": np.array([True])})
    triggers = event_content.triggers(muons, electrons, 3)
    assert triggers["HLT_IsoMu24"].tolist() == [True, False, False]
    assert triggers["HLT_Ele32_WPTight_Gsf"].tolist() == [False, False, True]


def test_missing_momentum(rng):
    gen = Table(
        np.repeat(np.arange(N), 2),
        {"pdgId": np.tile([-14, 13], N), "pt": np.full(2 * N, 50.0), "phi": np.tile([0.5, 2.0], N)},
    )
    # the corrected energy of every other jet counts, the others are electrons
    em_fraction = np.tile([0.2, 0.95], N // 2)
    columns = {"pt": 100.0, "phi": 1.5, "rawFactor": 0.05, "neEmEF": 0.0}
    jets = Table(np.arange(N), {name: np.full(N, value) for name, value in columns.items()} | {"chEmEF": em_fraction})
    branches = event_content.missing_momentum(rng, gen, jets, np.full(N, 35), is_data=False)
    np.testing.assert_allclose(branches["GenMET_pt"], 50)
    np.testing.assert_allclose(branches["GenMET_phi"], 0.5)
    along = branches["MET_pt"] * np.cos(branches["MET_phi"] - 0.5)
    assert_mean(along, 50)
    assert along.std() == pytest.approx(np.sqrt(branches["MET_covXX"][0]), rel=0.03)
    met, raw = (branches[f"{name}_pt"] * np.exp(1j * branches[f"{name}_phi"]) for name in ("MET", "RawMET"))
    np.testing.assert_allclose(raw - met, np.tile([5 * np.exp(1.5j), 0], N // 2), atol=1e-9)
    data = event_content.missing_momentum(rng, gen, jets, np.full(N, 35), is_data=True)
    assert branches.keys() - data.keys() == {"GenMET_pt", "GenMET_phi"}


def test_generator_weights(rng):
    gen_jets = Table(np.array([0, 0, 2]), {"pt": np.array([50.0, 20.0, 300.0])})
    weights, variations = event_content.generator_weights(rng, gen_jets, N, 2025.74, 0.1)
    assert_fraction(weights["genWeight"] < 0, 0.1)
    assert_mean(weights["genWeight"], 2025.74)
    assert len(np.unique(np.abs(weights["genWeight"]))) == 1
    assert variations["PSWeight"].shape == (N, 4)
    assert variations["LHEScaleWeight"].shape == (N, 9)
    assert np.all(variations["LHEScaleWeight"][:, 4] == 1)
    np.testing.assert_allclose(variations["PSWeight"][:, :2] + variations["PSWeight"][:, 2:], 2)
    assert np.all(np.abs(variations["LHEScaleWeight"] - 1) < 0.3)
    assert np.all(variations["LHEScaleWeight"][:, 0] > variations["LHEScaleWeight"][:, 8])

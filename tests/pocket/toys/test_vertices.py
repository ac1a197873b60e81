from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from scipy import stats

from pocket.toys.tables import Table, delta_r
from pocket.toys.vertices import reconstruct_vertices
from tests.pocket.toys.helpers import assert_fraction, assert_mean

N = 60_000
FLAVOURS = {"b": 5, "c": 4, "light": 0}


@pytest.fixture(scope="module")
def jets():
    """One jet per event."""
    rng = np.random.default_rng(1)
    return Table(
        np.arange(N),
        {
            "pt": rng.uniform(20, 200, N),
            "eta": rng.uniform(-3, 3, N),
            "phi": rng.uniform(-np.pi, np.pi, N),
            "hadronFlavour": rng.choice([5, 4, 0], N),
        },
    )


@pytest.fixture(scope="module")
def primary():
    rng = np.random.default_rng(2)
    return {f"PV_{axis}": rng.normal(0, 1, N) for axis in "xyz"}


@pytest.fixture(scope="module")
def vertices(config, jets, primary):
    return reconstruct_vertices(np.random.default_rng(3), jets, primary, config.detector.secondary_vertices)


@pytest.mark.parametrize("name", FLAVOURS)
def test_efficiency_and_mass_by_flavour(config, jets, vertices, name):
    truth = getattr(config.detector.secondary_vertices, name)
    of_flavour = jets["hadronFlavour"] == FLAVOURS[name]
    found = np.isin(jets.event, vertices.event)
    assert_fraction(found[of_flavour & (np.abs(jets["eta"]) < 2.4)], truth.efficiency)
    mass = vertices["mass"][of_flavour[vertices.event]]
    assert_mean(mass, truth.mass)
    law = stats.gamma(truth.mass_shape, scale=truth.mass / truth.mass_shape)
    assert stats.kstest(mass, law.cdf).pvalue > 1e-3


def test_vertices_are_in_their_jets(jets, primary, vertices):
    rows = np.arange(len(vertices))
    assert np.all(np.abs(jets["eta"][vertices.event]) < 2.4)
    assert np.mean(delta_r(vertices, jets, rows, vertices.event) < 0.2) > 0.999
    assert np.all(vertices["pt"] < jets["pt"][vertices.event])
    assert vertices["ntracks"].min() == 2
    # from the primary vertex in the direction of the momentum
    flight = [vertices[axis] - primary[f"PV_{axis}"][vertices.event] for axis in "xyz"]
    long = np.hypot(flight[0], flight[1]) > 0.1
    assert np.arctan2(flight[1], flight[0])[long] == pytest.approx(vertices["phi"][long], abs=2e-3)
    assert np.arcsinh(flight[2] / np.hypot(flight[0], flight[1]))[long] == pytest.approx(
        vertices["eta"][long], abs=2e-3
    )


def test_mass_and_score_are_independent_given_the_flavour(toys):
    """Else templates of failing and of passing jets would differ, and pt with them."""
    events = toys["ttsemi"]
    jets = events["Jet"][np.abs(events["Jet"].eta) < 2.4]
    pairs = ak.flatten(ak.cartesian({"jet": jets, "vertex": events["SV"]}))
    phi = np.abs(pairs.jet.phi - pairs.vertex.phi)
    near = np.hypot(pairs.jet.eta - pairs.vertex.eta, np.minimum(phi, 2 * np.pi - phi)) < 0.15
    for flavour in FLAVOURS.values():
        of_flavour = pairs[near & (pairs.jet.hadronFlavour == flavour)]
        mass, tagged = of_flavour.vertex.mass.to_numpy(), (of_flavour.jet.btagDeepFlavB > 0.2783).to_numpy()
        assert min(tagged.sum(), (~tagged).sum()) > 5
        assert stats.ks_2samp(mass[tagged], mass[~tagged]).pvalue > 1e-3


def test_data_have_the_same_branches(toys):
    assert toys["data"]["SV"].type.content == toys["ttsemi"]["SV"].type.content
    assert set(toys["data"]["SV"].fields) == {"pt", "eta", "phi", "mass", "ntracks", "x", "y", "z"}

from __future__ import annotations

import math
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.objects.photons import photon_selection, photon_supercluster_eta, supercluster_eta_from
from tests.pocket.objects.events import distance
from tests.pocket.objects.nano import nano_events, nano_loop

PARAMS = OmegaConf.create(
    {"object_preselection": {"Photon": {"pt": 10.0, "eta": 2.5, "cutBased": 1, "dr_lepton": 0.4}}}
)


def good_photon(photon: dict[str, Any], leptons: list[dict[str, Any]]) -> bool:
    in_transition = 1.4442 <= abs(photon["superclusterEta"]) <= 1.566
    return bool(
        photon["pt"] > 10
        and abs(photon["eta"]) < 2.5
        and not in_transition
        and not photon["pixelSeed"]
        and photon["cutBased"] >= 1
        and all(distance(photon, lepton) > 0.4 for lepton in leptons)
    )


@pytest.mark.parametrize("leptons", ["", "Electron"])
def test_real_file_against_a_loop(leptons: str) -> None:
    name = "nano_tt_v15.root"
    selected = photon_selection(nano_events(name), "Photon", PARAMS, leptons)
    photons = nano_loop(name, "Photon", "pt", "eta", "phi", "pixelSeed", "cutBased", "superclusterEta")
    electrons = nano_loop(name, "Electron", "eta", "phi")
    expected = [
        [photon["pt"] for photon in event if good_photon(photon, away_from if leptons else [])]
        for event, away_from in zip(photons, electrons, strict=True)
    ]
    assert selected.pt.to_list() == expected
    assert any(expected)


def test_errors() -> None:
    with pytest.raises(MissingBranchError, match="'Photon_cutBased' does not exist; nearest"):
        photon_selection(nano_events("nano_dy.root"), "Photon", PARAMS)
    with pytest.raises(UnknownNameError, match="parameter 'PhotonTight' in object_preselection, did you mean 'Photon'"):
        photon_selection(nano_events("nano_tt_v15.root"), "PhotonTight", PARAMS)


def photons_of(**columns: Any) -> ak.Array:
    """Return events with photons that pass everything but what is given, with a score each."""
    random = np.random.default_rng(3)
    counts = random.integers(0, 5, 300)
    size = int(counts.sum())
    every = {
        "pt": random.uniform(5, 60, size),
        "eta": random.choice([-2.2, -1.5, -0.5, 0.3, 1.2, 1.9], size),
        "cutBased": random.integers(0, 4, size),
        "pixelSeed": random.random(size) < 0.3,
        "electronVeto": random.random(size) < 0.7,
        "mvaID": random.uniform(-1, 1, size),
        "mvaID_WP90": random.random(size) < 0.6,
    }
    return ak.Array({"Photon": ak.unflatten(ak.zip(every), counts)})


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({}, lambda photon: photon["cutBased"] >= 1 and not photon["pixelSeed"]),
        ({"pixelSeedVeto": False}, lambda photon: photon["cutBased"] >= 1),
        (
            {"electronVeto": True, "pixelSeedVeto": False},
            lambda photon: photon["cutBased"] >= 1 and photon["electronVeto"],
        ),
        ({"id": "mvaID_WP90"}, lambda photon: photon["mvaID_WP90"] and not photon["pixelSeed"]),
        ({"mvaID": 0.2}, lambda photon: photon["mvaID"] > 0.2 and not photon["pixelSeed"]),
        (
            {"mvaID": {"barrel": 0.2, "endcap": -0.4}},
            lambda photon: photon["mvaID"] > (0.2 if abs(photon["eta"]) < 1.4442 else -0.4) and not photon["pixelSeed"],
        ),
    ],
)
def test_options(options: dict[str, Any], passes: Any) -> None:
    events = photons_of()
    params = OmegaConf.merge(PARAMS, {"object_preselection": {"Photon": options}})
    expected = [
        [photon["pt"] for photon in event if photon["pt"] > 10 and abs(photon["eta"]) != 1.5 and passes(photon)]
        for event in events.Photon.to_list()
    ]
    assert photon_selection(events, "Photon", params).pt.to_list() == expected
    assert 0 < sum(map(len, expected)) < ak.count(events.Photon.pt)


def test_the_transition_is_one_of_superclusters() -> None:
    """Seen from a vertex some centimetres away, 0.4 % of photons have eta in the transition, or out of it."""
    random = np.random.default_rng(4)
    supercluster = random.uniform(-2.6, 2.6, 20_000)
    z = np.where(abs(supercluster) < 1.479, 129 * np.sinh(supercluster), np.copysign(317, supercluster))
    radius = z / np.sinh(supercluster)
    columns = {
        "pt": np.full(20_000, 30.0),
        "eta": np.arcsinh((z - random.normal(0, 4, 20_000)) / radius),
        "isScEtaEB": abs(supercluster) < 1.4442,
        "isScEtaEE": (abs(supercluster) > 1.566) & (abs(supercluster) < 2.5),
        "mvaID": random.uniform(-1, 1, 20_000),
        "number": np.arange(20_000),
    }
    events = ak.Array({"Photon": ak.unflatten(ak.zip(columns), np.full(10_000, 2))})
    options = {"mvaID": {"barrel": 0.2, "endcap": -0.4}, "pixelSeedVeto": False}
    params = OmegaConf.merge(PARAMS, {"object_preselection": {"Photon": options}})
    expected = [
        number
        for number, (eta, own, score) in enumerate(zip(supercluster, columns["eta"], columns["mvaID"], strict=True))
        if abs(own) < 2.5 and not 1.4442 <= abs(eta) <= 1.566 and score > (0.2 if abs(eta) < 1.5 else -0.4)
    ]
    assert ak.flatten(photon_selection(events, "Photon", params).number).to_list() == expected
    flagless = ak.Array({"Photon": events.Photon[["pt", "eta", "mvaID", "number"]]})
    by_eta = ak.flatten(photon_selection(flagless, "Photon", params).number).to_list()
    assert 0 < len({*by_eta} ^ {*expected}) < 400


def test_identifications_that_cant_be() -> None:
    def selected(**options: Any) -> Any:
        params = OmegaConf.merge(PARAMS, {"object_preselection": {"Photon": options}})
        return photon_selection(photons_of(), "Photon", params)

    with pytest.raises(ConfigError, match=r"object_preselection\.Photon has both id and mvaID: keep one"):
        selected(id="mvaID_WP90", mvaID=0.1)
    with pytest.raises(ConfigError, match=r"object_preselection\.Photon\.id must name a boolean, which 'mvaID' is not"):
        selected(id="mvaID")
    with pytest.raises(MissingBranchError, match="'Photon_mvaID_WP80' does not exist; nearest: Photon_mvaID_WP90"):
        selected(id="mvaID_WP80")
    with pytest.raises(UnknownNameError, match="unknown parameter 'endcap'"):
        selected(mvaID={"barrel": 0.1})


def test_eta_of_superclusters_in_a_real_file() -> None:
    # NanoAODv15 stores it, and what it was computed from before.
    events = nano_events("nano_tt_v15.root")
    stored = ak.flatten(events.Photon.superclusterEta)
    assert photon_supercluster_eta(events, events.Photon).to_list() == events.Photon.superclusterEta.to_list()
    older = ak.without_field(events.Photon[["eta", "phi", "isScEtaEB", "superclusterEta"]], "superclusterEta")
    computed = ak.flatten(photon_supercluster_eta(events, older))
    from_vertex = ak.flatten(events.Photon.eta)
    assert len(stored) > 20
    # Photons shower at different depths, so that the position is known to a few cm only.
    assert np.max(np.abs(computed - stored)) < 0.03
    assert np.mean(np.abs(computed - stored)) < 0.2 * np.mean(np.abs(from_vertex - stored))


def test_eta_of_superclusters_from_the_centre_is_eta() -> None:
    eta = np.linspace(-2.5, 2.5, 1001)
    none = np.zeros_like(eta)
    for barrel in (True, False):
        found = supercluster_eta_from(eta, np.linspace(-3, 3, 1001), np.full(1001, barrel), none, none, none)
        np.testing.assert_allclose(found, eta, rtol=1e-12, atol=1e-15)
    one = np.ones(1)
    moved = supercluster_eta_from(2 * one, 0 * one, one < 0, 0 * one, 0 * one, 10 * one)
    assert moved[0] == pytest.approx(math.asinh(310 * math.sinh(2) / 300))


def test_a_vertex_is_needed() -> None:
    photons = photons_of()
    with pytest.raises(MissingBranchError, match="'Photon_phi' does not exist"):
        photon_supercluster_eta(photons, photons.Photon)

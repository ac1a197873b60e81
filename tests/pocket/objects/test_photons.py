from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.errors import MissingBranchError, UnknownNameError
from pocket.objects.photons import photon_selection
from tests.pocket.objects.events import distance
from tests.pocket.objects.nano import nano_events, nano_loop

PARAMS = OmegaConf.create(
    {"object_preselection": {"Photon": {"pt": 10.0, "eta": 2.5, "cutBased": 1, "dr_lepton": 0.4}}}
)


def good_photon(photon: dict[str, Any], leptons: list[dict[str, Any]]) -> bool:
    eta = abs(photon["eta"])
    return bool(
        photon["pt"] > 10
        and (eta < 1.4442 or 1.566 < eta < 2.5)
        and not photon["pixelSeed"]
        and photon["cutBased"] >= 1
        and all(distance(photon, lepton) > 0.4 for lepton in leptons)
    )


@pytest.mark.parametrize("leptons", ["", "Electron"])
def test_real_file_against_a_loop(leptons: str) -> None:
    name = "nano_tt_v15.root"
    selected = photon_selection(nano_events(name), "Photon", PARAMS, leptons)
    photons = nano_loop(name, "Photon", "pt", "eta", "phi", "pixelSeed", "cutBased")
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

"""Scale factors of photons, photon by photon, for all files of the group."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters import get_default_parameters
from pocket.weights import PhotonElectronVeto, PhotonId, PhotonPixelSeed, WeightWrapper, common_weights
from tests.entries import check_each
from tests.pocket import egamma
from tests.pocket.egamma import Columns, Floats

WEIGHTS = (PhotonId, PhotonPixelSeed, PhotonElectronVeto)
SIDES = {"nominal": "sf", "Up": "sfup", "Down": "sfdown"}
CORRECTIONS = {"sf_pho_id": "Photon-ID-SF", "sf_pho_pxseed": "Photon-PixVeto-SF", "sf_pho_csev": "Photon-CSEV-SF"}
#: identification → working point of the identification's scale factor, of a veto's in Run 2, in Run 3
POINTS: dict[Any, tuple[str, str, str]] = {
    1: ("Loose", "Loose", "Loose"),
    2: ("Medium", "Medium", "Medium"),
    3: ("Tight", "Tight", "Tight"),
    "mvaID_WP80": ("wp80", "MVA", "MVA80"),
    "mvaID_WP90": ("wp90", "MVA", "MVA90"),
}
PERIODS = {
    **{year: campaign.removesuffix("_UL") for year, campaign in egamma.UL.items()},
    "2022_preEE": "2022Re-recoBCD",
    "2022_postEE": "2022Re-recoE+PromptFG",
    "2023_preBPix": "2023PromptC",
    "2023_postBPix": "2023PromptD",
}


@functools.cache
def photons() -> ak.Array:
    """Return events with the collection ``PhotonGood`` and eta of superclusters, edges included."""
    events = egamma.objects_of("Photon")
    good = ak.with_field(events.Photon, events.Photon.eta, "superclusterEta")
    return ak.with_field(events, good, "PhotonGood")


@functools.cache
def selected_by(identification: Any) -> Any:
    """Return parameters with an identification."""
    key = "cutBased" if isinstance(identification, int) else "id"
    return OmegaConf.merge(get_default_parameters(), {"object_preselection": {"Photon": {key: identification}}})


def factors(correction: Any, weight: str, year: str, kind: str, identification: Any, photons: Columns) -> Floats:
    """Return the scale factor of each photon, of the lowest bin for those below it."""
    of_id, of_run_2, of_run_3 = POINTS[identification]
    eta, pt = photons["superclusterEta"], photons["pt"]

    def evaluate(*inputs: Any) -> Any:
        return correction.evaluate(PERIODS[year], kind, *inputs)

    if weight == "sf_pho_id" and year.startswith("2023"):
        found = np.zeros(len(pt))
        for point, chosen in ((f"{of_id}Below20", pt < 20), (of_id, pt >= 20)):
            found[chosen] = evaluate(point, eta[chosen], np.maximum(pt[chosen], 10), photons["phi"][chosen])
        return found
    if weight == "sf_pho_id":
        return np.asarray(evaluate(of_id, eta, np.maximum(pt, 20)))
    if year in egamma.UL:
        return np.where(abs(eta) < 1.5, evaluate(of_run_2, "EBInc"), evaluate(of_run_2, "EEInc"))
    return np.asarray(evaluate(of_run_3, eta, photons["r9"]))


@egamma.needs_files
@pytest.mark.parametrize("weight", WEIGHTS)
@check_each("year", PERIODS)
def test_files_of_the_group(weight: type[WeightWrapper], year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(egamma.ROOT))
    campaign = {**egamma.UL, **egamma.RUN_3}[year]
    name = ("UL-" if year in egamma.UL else "") + CORRECTIONS[weight.name]
    correction = correctionlib.CorrectionSet.from_file(str(egamma.ROOT / f"POG/EGM/{campaign}/photon.json.gz"))[name]
    for identification in POINTS:
        computed = weight(selected_by(identification), {"year": year, "isMC": True})
        # The other working points differ in the name that they have in the file only.
        sides = SIDES if identification == 2 else {"nominal": "sf"}
        events = photons() if identification == 2 else photons()[:400]
        columns, counts = egamma.flat(events.PhotonGood), ak.num(events.PhotonGood)
        assert identification != 2 or len(columns["pt"]) >= 10_000
        nominal, varied = computed.evaluate(events, len(events), "nominal")
        for side, kind in sides.items():
            expected = egamma.products(factors(correction, weight.name, year, kind, identification, columns), counts)
            found = nominal if side == "nominal" else varied[f"{weight.name}{side}"]
            np.testing.assert_allclose(found, expected, rtol=1e-14)
            assert np.std(expected) > 0
        assert computed.evaluate(events, len(events), "JERUp")[1] == {}


def test_they_are_shipped() -> None:
    assert set(WEIGHTS) <= set(common_weights)


@egamma.needs_files
def test_eta_of_superclusters_is_computed_for_older_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(egamma.ROOT))
    events = photons()
    far = ak.with_field(events, ak.with_field(events.PV, np.full(len(events), 12.0, np.float32), "z"), "PV")
    without = ak.with_field(far, ak.without_field(far.PhotonGood, "superclusterEta"), "PhotonGood")
    weight = PhotonId(selected_by(2), {"year": "2018", "isMC": True})
    found, _ = weight.evaluate(without, len(events), "nominal")
    file = egamma.ROOT / "POG/EGM/2018_UL/photon.json.gz"
    correction = correctionlib.CorrectionSet.from_file(str(file))["UL-Photon-ID-SF"]
    expected, moved = [], 0
    for event, vertex in zip(without.PhotonGood.to_list(), without.PV.to_list(), strict=True):
        product = 1.0
        for photon in event:
            # A photon flies along a straight line until it is 130 cm from the beam, or 310 cm from the centre.
            slope, cos, sin = math.sinh(photon["eta"]), math.cos(photon["phi"]), math.sin(photon["phi"])
            length = (math.copysign(310.0, slope) - vertex["z"]) / slope if not photon["isScEtaEB"] else 130.0
            for _ in range(60 if photon["isScEtaEB"] else 0):
                radius = math.hypot(vertex["x"] + length * cos, vertex["y"] + length * sin)
                length += 130.0 - radius
            place = [vertex["x"] + length * cos, vertex["y"] + length * sin, vertex["z"] + length * slope]
            eta = math.atanh(place[2] / math.hypot(*place))
            moved += abs(eta - photon["eta"]) > 0.01
            product *= correction.evaluate("2018", "sf", "Medium", eta, max(photon["pt"], 20.0))
        expected.append(product)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert moved > 1000


def test_errors() -> None:
    score = OmegaConf.merge(get_default_parameters(), {"object_preselection": {"Photon": {"mvaID": 0.5}}})
    with pytest.raises(ConfigError, match=r"'sf_pho_id': .* must have id \(such as mvaID_WP90\) or cutBased"):
        PhotonId(score, {"year": "2018", "isMC": True}).check_parameters()
    with pytest.raises(UnknownNameError, match=r"'mvaID_WP95' in photon_.*\.2018\.veto, did you mean 'mvaID_WP90' or"):
        PhotonPixelSeed(selected_by("mvaID_WP95"), {"year": "2018", "isMC": True}).check_parameters()


def test_corrections_are_found_when_the_configuration_loads(tmp_path: Path) -> None:
    params = OmegaConf.merge(
        get_default_parameters(),
        {"photon_scale_factors": {"photon_sf": {"JSONfiles": {"2018": {"file": str(tmp_path / "a.json")}}}}},
    )
    weights = [weight(params, {"year": "2018", "isMC": True}) for weight in WEIGHTS]
    assert [weight.corrections()[0][1] for weight in weights] == [
        "UL-Photon-ID-SF",
        "UL-Photon-PixVeto-SF",
        "UL-Photon-CSEV-SF",
    ]

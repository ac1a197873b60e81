"""PocketCoffea's scale factors of prompt leptons against a loop over the leptons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat.common_weights import common_weights
from pocket.compat.prompt_mva import ElectronPromptMVA, MuonPromptMVA, sf_ele_promptmva, sf_mu_promptmva
from pocket.errors import UnknownNameError
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import events_of, nested, product, random_binning, with_inputs

MUON_KEYS = ("NUM_LoosePFIso_DEN_MediumID", "NUM_MediumID_DEN_TrackerMuons", "NUM_promptMVA_WP64ID_DEN_MediumID")
OWN = {"muon_sf": "NUM_TightmvaTTH_DEN_LooseMuons", "electron_sf": "NUM_TightmvaTTH_DEN_LooseElectrons"}
KINDS, EGM_KINDS = ("nominal", "systup", "systdown"), ("sf", "sfup", "sfdown")
ETA, ABSETA, PT = [-2.5, -1.2, 0, 1.2, 2.5], [0, 0.9, 1.5, 2.5], [10, 30, 60, 500]


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("prompt")
    real = {"pt": "real", "scale_factors": "string"}

    def by(edges: list[float], axis: str, *seed: str) -> Any:
        return lambda *keys: random_binning(sum(map(ord, "".join((*seed, *keys)))), **{axis: edges, "pt": PT})

    write_corrections(
        folder / "muon_Z.json",
        *(
            with_inputs(name, nested({"scale_factors": KINDS}, by(ETA, "eta", name)), eta="real", **real)
            for name in MUON_KEYS
        ),
    )
    for flavour, name in OWN.items():
        data = nested({"scale_factors": KINDS}, by(ABSETA, "eta", name))
        write_corrections(folder / f"{flavour}.json", with_inputs(name, data, eta="real", **real))
    data = nested(
        {"year": ["2024Prompt"], "ValType": EGM_KINDS, "WorkingPoint": ["PromptMVA-Tight", "wp80iso"]},
        by(ETA, "eta"),
    )
    inputs = {"year": "string", "ValType": "string", "WorkingPoint": "string", "eta": "real", "pt": "real"}
    write_corrections(folder / "electron.json", with_inputs("Electron-ID-SF", data, **inputs))

    def section(flavour: str, collection: str, of_2024: dict[str, Any]) -> dict[str, Any]:
        files = {"2022_preEE": {"file": str(folder / f"{flavour}.json")}, "2024": of_2024}
        return {"collection": collection, "promptMVA_jsons": files, "era_mapping": {"2024": {"id": "2024Prompt"}}}

    muons = {"file": str(folder / "muon_Z.json"), "keys": list(MUON_KEYS)}
    electrons = {"file": str(folder / "electron.json"), "key": "Electron-ID-SF"}
    sections = {
        "muon_sf": section("muon_sf", "MuonGood", muons),
        "electron_sf": section("electron_sf", "ElectronGood", electrons),
    }
    return OmegaConf.create({"lepton_scale_factors": sections})


def leptons() -> list[list[dict[str, float]]]:
    rng = np.random.default_rng(1)
    edges = [(10.0, -2.49), (30.0, 0.0), (500.0, 1.2), (700.0, -1.2), (499.995, 2.4)]
    found = [
        [
            {"pt": float(np.float32(rng.uniform(10, 550))), "eta": float(np.float32(rng.uniform(-2.49, 2.49)))}
            for _ in range(rng.integers(0, 4))
        ]
        for _ in range(1000)
    ]
    return [[{"pt": pt, "eta": eta}] for pt, eta in edges] + found


@pytest.mark.parametrize(
    ("flavour", "collection", "function", "weight"),
    [
        ("muon_sf", "MuonGood", sf_mu_promptmva, MuonPromptMVA),
        ("electron_sf", "ElectronGood", sf_ele_promptmva, ElectronPromptMVA),
    ],
)
@pytest.mark.parametrize("year", ["2022_preEE", "2024"])
def test_a_loop(params: Any, flavour: str, collection: str, function: Any, weight: Any, year: str) -> None:
    file = Path(params.lepton_scale_factors[flavour].promptMVA_jsons[year].file)
    known, lists = correctionlib.CorrectionSet.from_file(str(file)), leptons()

    def factor(lepton: dict[str, float], side: int) -> float:
        below = min(lepton["pt"], 499.99)
        if year != "2024":
            return known[OWN[flavour]].evaluate(abs(lepton["eta"]), below, KINDS[side])
        if flavour == "electron_sf":
            name = ("2024Prompt", EGM_KINDS[side], "PromptMVA-Tight")
            return known["Electron-ID-SF"].evaluate(*name, lepton["eta"], below)
        return float(np.prod([known[key].evaluate(lepton["eta"], below, KINDS[side]) for key in MUON_KEYS]))

    found = function(params, events_of(lists, collection), year)
    for side in range(3):
        expected = [product(objects, lambda lepton, side=side: factor(lepton, side)) for objects in lists]
        np.testing.assert_allclose(found[side], expected, rtol=1e-14)
    assert weight in common_weights
    made = weight(params, {"year": year, "isMC": True})
    assert made.variation_names() == [f"{weight.name}Up", f"{weight.name}Down"]
    assert all(name in known for _, name in made.corrections())


def test_years_without_a_file(params: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2018' in .*muon_sf\.promptMVA_jsons"):
        sf_mu_promptmva(params, events_of(leptons(), "MuonGood"), "2018")

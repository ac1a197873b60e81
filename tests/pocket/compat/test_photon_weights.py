from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat.photon_weights import PhotonId, PhotonPixelSeed, sf_photon
from pocket.errors import UnknownNameError
from tests.pocket.compat.test_tagging import correction
from tests.pocket.correction_files import write_corrections

EVENTS = ak.Array({"PhotonGood": ak.zip({"pt": [[30.0, 40.0], []], "eta": [[0.5, 1.0], []]})})
VALUES = {"nominal": 2.0, "systup": 3.0, "systdown": 1.0}


@pytest.fixture
def params(tmp_path: Path) -> Any:
    common = {"year": "string", "WorkingPoint": "string"}
    file = write_corrections(
        tmp_path / "photon.json",
        correction("id", "ValType", VALUES, **common, eta="real", pt="real"),
        correction("veto", "ValType", VALUES, **common, HasPixBin="string"),
    )
    of_photons = {
        "collection": "PhotonGood",
        "sf_name": {"2018": {"id": "id", "pxseed": "veto"}},
        "JSONfiles": {"2018": {"file": file}},
        "era_mapping": {"2018": "2018"},
    }
    return OmegaConf.create({"photon_scale_factors": {"photon_sf": of_photons}})


def test_the_identification_of_photons(params: Any) -> None:
    weight = PhotonId(params, {"year": "2018", "isMC": True})
    nominal, varied = weight.evaluate(EVENTS, 2, "nominal")
    assert nominal.tolist() == [4, 1]
    assert (varied["sf_pho_idUp"].tolist(), varied["sf_pho_idDown"].tolist()) == ([9, 1], [1, 1])
    assert weight.evaluate(EVENTS, 2, "JERUp")[1] == {}


def test_the_veto_of_pixel_seeds(params: Any) -> None:
    weight = PhotonPixelSeed(params, {"year": "2018", "isMC": True})
    assert weight.evaluate(EVENTS, 2, "nominal")[0].tolist() == [4, 1]


def test_the_function(params: Any) -> None:
    assert [np.asarray(side).tolist() for side in sf_photon(params, EVENTS, "2018", "id")] == [[4, 1], [9, 1], [1, 1]]
    with pytest.raises(UnknownNameError, match="unknown weight of photons 'reco' in sf_photon"):
        sf_photon(params, EVENTS, "2018", "reco")

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import pytest
from omegaconf import OmegaConf

from pocket.compat.softdrop_mass import JetsSoftdropMassCalibrator
from tests.pocket.correction_files import write_corrections

#: Two subjets of one jet, back to back in the transverse plane: their mass is the sum of their momenta.
SUBJETS = {"pt": 60.0, "eta": 0.0, "mass": 0.0, "rawFactor": 0.5}
METADATA = {"year": "2022_preEE", "isMC": True}


@pytest.fixture
def params(tmp_path: Path) -> Any:
    scale = cs.Correction(
        name="V_MC_L1L2L3Res_AK4PFPuppi",
        version=1,
        inputs=[cs.Variable(name="JetPt", type="real")],
        output=cs.Variable(name="factor", type="real"),
        data=cs.Formula(nodetype="formula", expression="1 + x / 100", parser="TFormula", variables=["JetPt"]),
    )
    one = {"json_path": write_corrections(tmp_path / "jerc.json", scale), "jec_mc": "V_MC", "level": "L1L2L3Res"}
    return OmegaConf.create(
        {
            "jets_calibration": {
                "jet_types": {"AK4PFPuppi": {"2022_preEE": one}},
                "collection": {"2022_preEE": {"AK4PFPuppi": "Jet", "AK8PFPuppi": "FatJet"}},
                "apply_jec_msoftdrop_MC": {"2022_preEE": {"AK8PFPuppi": True}},
                "apply_jec_msoftdrop_Data": {"2022_preEE": {"AK8PFPuppi": False}},
                "apply_jer_MC": {"2022_preEE": {"AK4PFPuppi": False}},
            }
        }
    )


def events() -> Any:
    """Return an event with a jet of two subjets, one of none, and one without a mass, and an empty event."""
    phis = ak.Array([[[0.0, math.pi], [], [0.0, math.pi]], []])
    subjets = ak.zip({"phi": phis, **{name: ak.zeros_like(phis) + value for name, value in SUBJETS.items()}})
    jets = ak.zip({"msoftdrop": [[70.0, 80.0, -1.0], []]})
    jets = ak.with_field(jets, ak.mask(subjets, subjets.pt > 0), "subjets")
    return ak.zip(
        {"FatJet": jets, "run": [1, 1], "Rho": ak.zip({"fixedGridRhoFastjetAll": [20.0, 20.0]})}, depth_limit=1
    )


def test_the_mass_is_that_of_corrected_subjets(params: Any) -> None:
    calibrator = JetsSoftdropMassCalibrator(params, METADATA)
    assert calibrator.variations == ()
    ((file, name),) = calibrator.corrections()
    assert (Path(file).name, name) == ("jerc.json", "V_MC_L1L2L3Res_AK4PFPuppi")
    taken = events()
    jets = calibrator.calibrate(taken, {}, "nominal")["FatJet"]
    # Each has 30 GeV without corrections, and 39 GeV with them.
    assert jets.msoftdrop.to_list() == [pytest.approx([78, 80, -1]), []]
    assert taken.FatJet.msoftdrop.to_list() == [[70, 80, -1], []]


def test_it_does_nothing_where_it_is_switched_off(params: Any) -> None:
    calibrator = JetsSoftdropMassCalibrator(params, {**METADATA, "isMC": False})
    assert (calibrator.calibrated_collections, calibrator.corrections()) == ((), ())
    assert calibrator.calibrate(events(), {}, "nominal") == {}

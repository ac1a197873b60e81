"""Names of corrections and of parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from correctionlib import schemav2

from pocket.calibrators.jet_corrections import JetCorrections, jet_collections
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.calibrators.conftest import DATA, JET_TYPE, MC, RESOLUTION, SCALE, YEAR

LEVELS = ["L1FastJet", "L2Relative", "L3Absolute", "L2L3Residual"]


def inputs(n: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    ranges = {"JetEta": (-5, 5), "JetPhi": (-3, 3), "JetA": (0.4, 0.6), "Rho": (5, 50), "run": (1, 2)}
    return {name: rng.uniform(*limits, n) for name, limits in ranges.items()}


def corrections(params: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = params["jets_calibration"]["jet_types"][JET_TYPE][YEAR]
    return found


def test_from_params(params: dict[str, Any], jerc: str) -> None:
    assert JetCorrections.from_params(params, JET_TYPE, MC) == JetCorrections(
        jerc, JET_TYPE, SCALE, ("L1L2L3Res",), RESOLUTION
    )
    params["jets_calibration"]["apply_jer_MC"][YEAR][JET_TYPE] = False
    assert JetCorrections.from_params(params, JET_TYPE, MC).resolution is None
    data = JetCorrections.from_params(params, JET_TYPE, DATA)
    assert (data.scale, data.resolution) == ("Summer22_22Sep2023_RunCD_V3_DATA", None)
    corrections(params)["jec_data"] = "One_for_all_eras"
    assert JetCorrections.from_params(params, JET_TYPE, {"year": YEAR, "isMC": False}).scale == "One_for_all_eras"


def test_single_levels_make_the_compound_correction(params: dict[str, Any]) -> None:
    pt = np.geomspace(10, 1000, 500)
    compound = JetCorrections.from_params(params, JET_TYPE, MC)
    corrections(params)["level"] = LEVELS
    single = JetCorrections.from_params(params, JET_TYPE, MC)
    assert single.levels == tuple(LEVELS)
    np.testing.assert_allclose(single.scale_factor(inputs(500), pt), compound.scale_factor(inputs(500), pt), rtol=1e-12)


def test_jets_beyond_the_uncertainties_have_those_of_the_last_bin(params: dict[str, Any], jerc: str) -> None:
    file = correctionlib.CorrectionSet.from_file(jerc)[f"{SCALE}_Total_{JET_TYPE}"]
    assert file.evaluate(5.4, 40.0) == file.evaluate(-5.5, 40.0) == -999
    eta, pt = np.array([-7.0, -5.5, -5.3, 0.1, 5.3, 5.4, 7.0]), np.full(7, 40.0)
    found = JetCorrections.from_params(params, JET_TYPE, MC).uncertainty("Total", {**inputs(7), "JetEta": eta}, pt)
    assert found.tolist() == [file.evaluate(min(max(each, -5.39), 5.39), 40.0) for each in eta]
    assert 0 < found.min() <= found.max() < 0.2


def test_ratio_with_its_own_uncertainty(tmp_path: Path) -> None:
    def constant(name: str, value: float) -> schemav2.Correction:
        return schemav2.Correction(
            name=f"R_{name}_AK4",
            version=1,
            inputs=[schemav2.Variable(name="JetEta", type="real")],
            output=schemav2.Variable(name="out", type="real"),
            data=schemav2.Binning(nodetype="binning", input="JetEta", edges=[-6.0, 6.0], content=[value], flow="error"),
        )

    content = [constant("ScaleFactor", 1.2), constant("SFUncertainty", 0.05)]
    path = tmp_path / "jerc.json"
    path.write_text(schemav2.CorrectionSet(schema_version=2, corrections=content).model_dump_json(exclude_unset=True))
    ratio = JetCorrections(str(path), "AK4", "S", (), "R")
    for systematic, expected in (("nom", 1.2), ("up", 1.26), ("down", 1.14)):
        np.testing.assert_allclose(ratio.resolution_ratio(inputs(3), np.full(3, 50.0), systematic), expected)


def test_what_a_correction_does_not_cover(tmp_path: Path) -> None:
    def correction(name: str, key: str) -> schemav2.Correction:
        return schemav2.Correction(
            name=name,
            version=1,
            inputs=[schemav2.Variable(name="systematic", type="string"), schemav2.Variable(name="JetEta", type="real")],
            output=schemav2.Variable(name="out", type="real"),
            data=schemav2.Category(
                nodetype="category",
                input="systematic",
                content=[
                    schemav2.CategoryItem(
                        key=key,
                        value=schemav2.Binning(
                            nodetype="binning", input="JetEta", edges=[-6.0, 6.0], content=[1.0], flow="error"
                        ),
                    )
                ],
            ),
        )

    path = tmp_path / "jerc.json"
    written = schemav2.CorrectionSet(schema_version=2, corrections=[correction("R_ScaleFactor_AK4", "nom")])
    path.write_text(written.model_dump_json(exclude_unset=True))
    ratio, pt = JetCorrections(str(path), "AK4", "S", (), "R"), np.full(3, 50.0)
    place = r"^correction 'R_ScaleFactor' for AK4 in jerc\.json: .*; inputs: systematic, JetEta$"
    with pytest.raises(ConfigError, match=place) as unknown:
        ratio.resolution_ratio(inputs(3), pt, "central")
    with pytest.raises(ConfigError, match=place):
        ratio.resolution_ratio({**inputs(3), "JetEta": np.full(3, 7.0)}, pt, "nom")
    assert "\n" not in str(unknown.value)


def test_errors(params: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'AK4PFchs' in jets_calibration\.jet_types"):
        JetCorrections.from_params(params, "AK4PFchs", DATA)
    with pytest.raises(
        UnknownNameError, match=f"unknown parameter 'E' in jets_calibration.jet_types.{JET_TYPE}.*jec_data"
    ):
        JetCorrections.from_params(params, JET_TYPE, {**DATA, "era": "E"})
    with pytest.raises(ConfigError, match="jec_data depends on the era, but the metadata of the dataset have none"):
        JetCorrections.from_params(params, JET_TYPE, {"year": YEAR, "isMC": False})
    found = JetCorrections.from_params(params, JET_TYPE, MC)
    with pytest.raises(UnknownNameError, match=r"unknown correction '.*_Totals_AK4PFPuppi' in jet_jerc_Summer22"):
        found.uncertainty("Totals", inputs(2), np.ones(2))
    with pytest.raises(UnknownNameError, match=r"unknown input 'Rho' in correction '.*PtResolution' for AK4PFPuppi"):
        found.relative_resolution({"JetEta": np.ones(2)}, np.ones(2))


@pytest.mark.parametrize("limits", [2.5, [2.5], "2.5, 3.0"])
def test_limits_of_jets_that_are_not_smeared(params: dict[str, Any], limits: Any) -> None:
    table = params["jets_calibration"]["jet_types"][JET_TYPE][YEAR]
    assert JetCorrections.from_params(params, JET_TYPE, MC).matched_only is None
    table["jer_matched_only"] = [2.5, 3]
    assert JetCorrections.from_params(params, JET_TYPE, MC).matched_only == (2.5, 3.0)
    table["jer_matched_only"] = limits
    with pytest.raises(ConfigError, match=rf"{JET_TYPE}\.{YEAR}\.jer_matched_only is .*, expected two limits on \|η\|"):
        JetCorrections.from_params(params, JET_TYPE, MC)


def test_collections_are_a_table() -> None:
    of_year = {"AK4PFchs": "Jet", "AK4PFPuppi": ["Jet", "OtherJet"], "AK8PFPuppi": None}
    params = {"jets_calibration": {"collection": {"2018": of_year, "AK4PFchs": "Jet", "2017": "Jet"}}}
    assert jet_collections(params, "2018") == {"AK4PFchs": ["Jet"], "AK4PFPuppi": ["Jet", "OtherJet"]}
    with pytest.raises(ConfigError, match=r"^jets_calibration\.collection\.2017 is 'Jet', expected a table"):
        jet_collections(params, "2017")
    with pytest.raises(UnknownNameError, match="2016"):
        jet_collections(params, "2016")

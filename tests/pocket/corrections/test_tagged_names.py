from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from pocket.calibrators.jet_corrections import JetCorrections
from pocket.corrections.files import load_correction
from pocket.corrections.tagged_names import newest, with_names_of_files
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.overrides import parameter_overrides
from pocket.parameters.plain import to_plain
from pocket.parameters.tags import with_tags
from tests.entries import check_each
from tests.pocket.correction_files import binned, write_corrections
from tests.real_files import real_file

YEAR = "2022_preEE"
FOLDER = "POG/JME/2022_Summer22"


@check_each(
    ("name", "known", "found"),
    [
        ("A_V2_MC", ["A_V2_MC_L2_AK4", "A_V3_MC_L2_AK4"], "A_V2_MC"),
        ("A_V2_MC", ["A_V2_MC"], "A_V2_MC"),
        ("A_V2_MC", ["A_V9_MC_L2_AK4", "A_V10_MC_L2_AK4", "A_V11_DATA_L2_AK4"], "A_V10_MC"),
        ("A_JRV1_MC", ["A_JRV3_MC_ScaleFactor_AK4", "A_V4_MC_L2_AK4"], "A_JRV3_MC"),
        ("A_RunCv4_V1_DATA", ["A_RunCv5_V2_DATA_L2_AK4"], "A_RunCv4_V1_DATA"),
        ("A_V1", ["A_V12"], "A_V12"),
        ("A_V2_MC", ["B_V3_MC_L2_AK4", "A_V3_MCS_L2_AK4"], "A_V2_MC"),
        ("A", ["B"], "A"),
    ],
)
def test_names_of_another_version(name: str, known: list[str], found: str) -> None:
    assert newest(name, known) == found


def tagged(root: Path, *years: str) -> tuple[DictConfig, DictConfig]:
    """Return the parameters with a root for JME before and after names are looked up in its files."""
    with parameter_overrides([f"correction_tags.JME={root}"]):
        named = get_default_parameters()
    before = with_tags(named)
    return before, with_names_of_files(named, before, years)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root of corrections with JetMET's third version of 2022."""
    (folder := tmp_path / "new" / FOLDER).mkdir(parents=True)
    (folder / "jet_jerc.json.gz").symlink_to(real_file("jet_jerc_Summer22_V3.json.gz"))
    return tmp_path / "new"


def test_energies_of_a_newer_tag_are_found(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    maps = binned("Summer22_23Sep2023_RunCD_V2", {"eta": [-5, 5]}, lambda *_: 0.0, "type")
    write_corrections(root / FOLDER / "jetvetomaps.json.gz", maps)
    with caplog.at_level(logging.WARNING):
        before, after = (to_plain(each) for each in tagged(root, YEAR))
    jets: dict[str, Any] = after["jets_calibration"]["jet_types"]["AK4PFPuppi"][YEAR]
    assert (jets["jec_mc"], jets["jer"]) == ("Summer22_22Sep2023_V3_MC", "Summer22_22Sep2023_JRV1_MC")
    assert jets["jec_data"] == dict.fromkeys("CD", "Summer22_22Sep2023_RunCD_V3_DATA")
    assert after["jet_scale_factors"]["vetomaps"][YEAR]["name"] == "Summer22_23Sep2023_RunCD_V2"
    for sample in ({"isMC": True}, {"isMC": False, "era": "C"}):
        corrections = JetCorrections.from_params(after, "AK4PFPuppi", {"year": YEAR, **sample})
        for file, name in corrections.corrections(["Total"] if sample["isMC"] else ()):
            assert load_correction(file, name) is not None
    assert "Summer22_22Sep2023_V2_MC → Summer22_22Sep2023_V3_MC" in caplog.text
    # Other years stay, and all else.
    types_before, types_after = (tree["jets_calibration"]["jet_types"] for tree in (before, after))
    assert {**types_after["AK4PFPuppi"], YEAR: {}} == {**types_before["AK4PFPuppi"], YEAR: {}}
    assert {key for key in after if after[key] != before[key]} == {
        "jets_calibration",
        "default_jets_calibration",
        "jet_scale_factors",
    }


def test_other_years_are_not_looked_up(root: Path) -> None:
    before, after = tagged(root, "2018")
    assert after is before


def test_without_tags_names_stay() -> None:
    plain = get_default_parameters()
    assert with_names_of_files(plain, with_tags(plain), [YEAR]) is plain


def test_files_that_cannot_be_read_are_said_where_they_are_used(tmp_path: Path) -> None:
    (folder := tmp_path / FOLDER).mkdir(parents=True)
    (folder / "jet_jerc.json.gz").write_text("{}")
    before, after = tagged(tmp_path, YEAR)
    assert after is before

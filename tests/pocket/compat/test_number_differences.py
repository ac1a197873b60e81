from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pocket.compat import number_differences as number_differences_module
from pocket.compat.configurator import Configurator
from pocket.compat.number_differences import number_differences
from pocket.compat.parameters import get_default_parameters
from pocket.compat.processors import genWeightsProcessor
from pocket.parameters import to_plain
from tests.pocket.compat import test_workflow


def configure(folder: Path, year: str = "2018", is_mc: bool = True, **changes: Any) -> Configurator:
    kind = {"isMC": True, "xsec": 1.0} if is_mc else {"isMC": False, "era": "B", "primaryDataset": "SingleMuon"}
    definition = {"A": {"sample": "A", "files": [{"paths": ["/a.root"], "metadata": {"year": year, **kind}}]}}
    path = folder / f"definitions-{year}-{is_mc}.json"
    path.write_text(json.dumps(definition))
    settings: dict[str, Any] = {
        "workflow": genWeightsProcessor,
        "parameters": get_default_parameters(),
        "datasets": {"jsons": [path]},
    }
    return test_workflow.configure(**settings | changes)


def test_nothing_that_doesnt_concern_a_configuration(tmp_path: Path) -> None:
    assert number_differences(configure(tmp_path), ["jet_selection"]) == []


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (
            "2018",
            [
                f"resolution of {kind} jets of 2018: Summer19UL18_JRV2_MC, in PocketCoffea Summer19UL18_JRV3_MC, a "
                "newer version"
                for kind in ("AK4PFchs", "AK8PFPuppi")
            ],
        ),
        ("2025", []),
    ],
)
def test_corrections_of_jets(tmp_path: Path, year: str, expected: list[str]) -> None:
    from pocket.compat.jet_energies import JetsCalibrator

    class Jets(JetsCalibrator):
        def corrections(self) -> Any:
            return ()

    assert number_differences(configure(tmp_path, year, calibrators=[Jets]), []) == expected


@pytest.mark.parametrize(("year", "differs"), [("2018", False), ("2022_preEE", True)])
def test_smearing_of_electrons(tmp_path: Path, year: str, differs: bool) -> None:
    from pocket.compat.electron_energies import ElectronsScaleCalibrator

    found = number_differences(configure(tmp_path, year, calibrators=[ElectronsScaleCalibrator]), [])
    expected = f"smearing of electrons of {year}: the random numbers don't depend on chunks, PocketCoffea's do"
    assert found == [expected] * differs


def test_noted_values_differ_from_the_shipped_ones() -> None:
    shipped = to_plain(get_default_parameters())
    noted = yaml.safe_load(Path(number_differences_module.__file__).with_name("upstream_versions.yaml").read_text())
    for kind, years in noted.items():
        for year, values in years.items():
            for key, value in values.items():
                assert shipped["jets_calibration"]["jet_types"][kind][year][key] != value


def test_files_of_tagging(tmp_path: Path) -> None:
    weights = {"common": {"inclusive": ["genWeight", "sf_btag"]}}
    assert number_differences(configure(tmp_path, "2016_PreVFP", weights=weights), []) == [
        "sf_btag of 2016_PreVFP: the file of this year, PocketCoffea's defaults have exchanged those of 2016"
    ]
    assert number_differences(configure(tmp_path, "2018", weights=weights), []) == []


def test_normalisation_and_names(tmp_path: Path) -> None:
    weights = {"common": {"inclusive": ["XS"]}}
    assert number_differences(configure(tmp_path, weights=weights), ["get_nMuon"]) == [
        "A: divided by its number of events, since it has XS but no generator weight",
        "get_nMuon: minpt counts, which PocketCoffea up to 0.9.13 ignores",
    ]

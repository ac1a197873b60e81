from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pocket.compat import number_differences as number_differences_module
from pocket.compat.configurator import Configurator
from pocket.compat.number_differences import number_differences
from pocket.compat.processors import genWeightsProcessor
from pocket.cuts.library import eventFlags, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters import get_default_parameters, to_plain
from pocket.parameters.upstream import merge_parameters


def configure(folder: Path, year: str = "2018", is_mc: bool = True, **changes: Any) -> Configurator:
    kind = {"isMC": True, "xsec": 1.0} if is_mc else {"isMC": False, "era": "B", "primaryDataset": "SingleMuon"}
    definition = {"A": {"sample": "A", "files": [{"paths": ["/a.root"], "metadata": {"year": year, **kind}}]}}
    path = folder / f"definitions-{year}-{is_mc}.json"
    path.write_text(json.dumps(definition))
    settings: dict[str, Any] = {
        "workflow": genWeightsProcessor,
        "parameters": get_default_parameters(),
        "datasets": {"jsons": [path]},
        "skim": [],
        "preselections": [],
        "categories": {"baseline": [passthrough]},
        "weights": {},
        "variations": {},
        "variables": {"x": HistConf([Axis(field="x", bins=4, start=0, stop=2)])},
        "calibrators": [],
    }
    return Configurator(**settings | changes)


def test_nothing_that_doesnt_concern_a_configuration(tmp_path: Path) -> None:
    assert number_differences(configure(tmp_path), ["jet_selection"]) == []


def test_luminosity(tmp_path: Path) -> None:
    weights = {"common": {"inclusive": ["genWeight", "XS", "lumi"]}}
    assert number_differences(configure(tmp_path, "2016_PreVFP", weights=weights), []) == [
        "luminosity of 2016_PreVFP: 19520 /pb (LumiRecommendationsRun2), in PocketCoffea 19648.2 /pb; templates of "
        "simulation change by -0.65 %"
    ]
    assert number_differences(configure(tmp_path, "2022_preEE", weights=weights), []) == []
    own = merge_parameters(
        get_default_parameters(), {"lumi": {"picobarns": {"2016_PreVFP": {"tot": 19648.186119}}}}, update=True
    )
    assert number_differences(configure(tmp_path, "2016_PreVFP", weights=weights, parameters=own), []) == []


@pytest.mark.parametrize(
    ("year", "is_mc", "added"),
    [
        ("2018", True, "BadPFMuonDzFilter, eeBadScFilter, ecalBadCalibFilter"),
        ("2018", False, "BadPFMuonDzFilter, ecalBadCalibFilter"),
        ("2016_PostVFP", True, "BadPFMuonDzFilter, eeBadScFilter"),
    ],
)
def test_event_flags(tmp_path: Path, year: str, is_mc: bool, added: str) -> None:
    kind = "simulation" if is_mc else "data"
    assert number_differences(configure(tmp_path, year, is_mc, skim=[eventFlags]), []) == [
        f"event flags of {kind} of {year}: {added} must be set, too, as recommended (MissingETOptionalFiltersRun2)"
    ]


def test_event_flags_of_run_3_are_the_same(tmp_path: Path) -> None:
    assert number_differences(configure(tmp_path, "2022_preEE", skim=[eventFlags]), []) == []


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (
            "2018",
            [
                f"resolution of {kind} jets of 2018: Summer19UL18_JRV2_MC, in PocketCoffea Summer19UL18_JRV3_MC, an "
                "update of JME"
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


def test_noted_values_differ_from_the_shipped_ones() -> None:
    shipped = to_plain(get_default_parameters())
    noted = yaml.safe_load(Path(number_differences_module.__file__).with_name("upstream_values.yaml").read_text())
    for year, value in noted["luminosity"].items():
        assert shipped["lumi"]["picobarns"][year]["tot"] != value
    for year, flags in noted["event_flags"].items():
        assert set(flags) < set(shipped["event_flags"][year])
    for kind, years in noted["jets"].items():
        for year, values in years.items():
            for key, value in values.items():
                assert shipped["jets_calibration"]["jet_types"][kind][year][key] != value
    for kind, years in noted["kept_energies"].items():
        assert all(shipped["jets_calibration"]["apply_jec_MC"][year][kind] for year in years)


def test_normalisation_and_names(tmp_path: Path) -> None:
    weights = {"common": {"inclusive": ["XS"]}}
    assert number_differences(configure(tmp_path, weights=weights), ["get_nMuon"]) == [
        "A: divided by its number of events, since it has XS but no generator weight",
        "get_nMuon: minpt counts, which PocketCoffea ignores",
    ]

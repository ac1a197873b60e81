from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from pocket.calibrators.base import Calibrator
from pocket.configuration.configurator import Configurator
from pocket.configuration.notes import era_notes, era_of_corrections, eras_of_name
from pocket.parameters.defaults import get_default_parameters, merge_parameters
from pocket.parameters.eras import eras
from pocket.weights.base import WeightWrapper
from tests.entries import check_each
from tests.group_files import CAMPAIGNS
from tests.pocket.configs import configure


@check_each(
    ("name", "eras"),
    [
        ("/TT/RunIISummer20UL16NanoAODAPVv9-106X_mcRun2_asymptotic_preVFP_v11-v1/NANOAODSIM", "2016_PreVFP"),
        ("/TT/RunIISummer20UL16NanoAODv9-106X_mcRun2_asymptotic_v17-v1/NANOAODSIM", "2016_PostVFP"),
        ("/store/mc/RunIISummer20UL17NanoAODv9/TT/NANOAODSIM/106X_v9-v1/a.root", "2017"),
        ("/TT/RunIISummer20UL18NanoAODv9-106X_upgrade2018_realistic_v16_L1v1-v1/NANOAODSIM", "2018"),
        ("/TT/Run3Summer22NanoAODv12-130X_mcRun3_2022_realistic_v5-v2/NANOAODSIM", "2022_preEE"),
        ("/TT/Run3Summer22EENanoAODv12-130X_mcRun3_2022_realistic_postEE_v6-v2/NANOAODSIM", "2022_postEE"),
        ("/TT/Run3Summer23NanoAODv12-130X_mcRun3_2023_realistic_v14-v2/NANOAODSIM", "2023_preBPix"),
        ("/TT/Run3Summer23BPixNanoAODv12-130X_mcRun3_2023_realistic_postBPix_v2-v3/NANOAODSIM", "2023_postBPix"),
        ("/TT/RunIII2024Summer24NanoAODv15-150X_mcRun3_2024_realistic_v2-v2/NANOAODSIM", "2024 2025"),
        ("/SingleMuon/Run2016B-ver2_HIPM_UL2016_MiniAODv2_NanoAODv9-v2/NANOAOD", "2016_PreVFP"),
        ("/SingleMuon/Run2016F-HIPM_UL2016_MiniAODv2_NanoAODv9-v2/NANOAOD", "2016_PreVFP"),
        ("/store/data/Run2016F/SingleMuon/NANOAOD/HIPM_UL2016_MiniAODv2_NanoAODv9-v2/a.root", "2016_PreVFP"),
        ("/SingleMuon/Run2016F-UL2016_MiniAODv2_NanoAODv9-v1/NANOAOD", "2016_PostVFP"),
        ("/data/Run2016F.root", "2016_PreVFP 2016_PostVFP"),
        ("/SingleMuon/Run2016H-UL2016_MiniAODv2_NanoAODv9-v1/NANOAOD", "2016_PostVFP"),
        ("/SingleMuon/Run2018D-UL2018_MiniAODv2_NanoAODv9-v1/NANOAOD", "2018"),
        ("/Muon/Run2022D-22Sep2023-v1/NANOAOD", "2022_preEE"),
        ("/Muon/Run2022E-22Sep2023-v1/NANOAOD", "2022_postEE"),
        ("/Muon0/Run2023C-22Sep2023_v4-v1/NANOAOD", "2023_preBPix"),
        ("/Muon1/Run2023D-22Sep2023_v2-v1/NANOAOD", "2023_postBPix"),
        ("/Muon1/Run2025F-PromptReco-v1/NANOAOD", "2025"),
        ("/SingleMuon/Run2015D-16Dec2015-v1/NANOAOD", ""),
        ("/data/my_TTTo2L2Nu_2018.root", ""),
    ],
)
def test_names_of_files(name: str, eras: str) -> None:
    assert " ".join(eras_of_name(name)) == eras


def test_files_of_corrections_of_both_layouts() -> None:
    assert {name: era.folder for name, era in eras().items() if era.folder} == CAMPAIGNS
    for name, era in eras().items():
        if era.folder:
            assert era_of_corrections(f"corrections://POG/JME/{era.folder}/jet_jerc.json.gz") == name
            assert era_of_corrections(f"corrections://JME/{era.period}/2026-01-01/jet_jerc.json.gz") == name
    for name in ("corrections://POG/JME/jer_smear.json.gz", "/my/2018_UL/file.json", "toys://muon_Z.json.gz"):
        assert era_of_corrections(name) is None
    assert era_of_corrections("corrections://roccor/RoccoR2016aUL.txt.gz") == "2016_PreVFP"


class Own(WeightWrapper):
    """A weight with the pileup's correction and one of the analysis."""

    name = "own"

    def corrections(self) -> list[tuple[str, str]]:
        """Return both."""
        year = str(self.metadata["year"])
        return [(str(self.params["pileup"][year]["file"]), "PU"), ("/my/2017_UL/file.json", "sf")]


class Also(Own):
    """The same by another name."""

    name = "also"


class Taus(Calibrator):
    """A calibrator with the corrections of taus."""

    name = "taus"

    def corrections(self) -> list[tuple[str, str]]:
        """Return them."""
        return [(str(self.params["tau_scale_factors"]["JSONfiles"][self.year]["file"]), "scale")]


def notes(folder: Path, files: list[dict[str, Any]], changes: dict[str, Any] | None = None) -> list[str]:
    definitions = folder / "datasets.json"
    definitions.write_text(json.dumps({"TT": {"sample": "TT", "files": files}}))
    config: Configurator = configure(
        parameters=merge_parameters(get_default_parameters(), changes or {}, update=True),
        datasets={"jsons": [str(definitions)]},
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", Own, Also]}},
        calibrators=[Taus],
    )
    return list(era_notes(config))


def simulation(year: str, name: str) -> dict[str, Any]:
    return {"das_names": [name], "metadata": {"year": year, "isMC": True, "xsec": 1.0}}


def test_nothing_to_say(tmp_path: Path) -> None:
    campaigns = {"2018": "RunIISummer20UL18NanoAODv9", "2025": "RunIII2024Summer24NanoAODv15"}
    assert notes(tmp_path, [simulation(year, f"/TT/{name}-v1/NANOAODSIM") for year, name in campaigns.items()]) == []


def test_corrections_of_another_era(tmp_path: Path) -> None:
    file = "corrections://POG/LUM/2017_UL/puWeights.json.gz"
    found = notes(tmp_path, [simulation("2018", "/TT/mine-v1/USER")], {"pileup": {"2018": {"file": file}}})
    assert found == [
        f"weight own, weight also use {file} for 2018, which is of 2017: name the file of 2018 in the parameters, "
        "unless this is meant"
    ]
    taus = {"tau_scale_factors": {"JSONfiles": {"2024": {"file": "corrections://POG/TAU/2018_UL/tau.json.gz"}}}}
    (note,) = notes(tmp_path, [simulation("2024", "/TT/mine-v1/USER")], taus)
    assert note.startswith("calibrator taus uses corrections://POG/TAU/2018_UL/tau.json.gz for 2024, which is of 2018:")


def test_files_of_another_era(tmp_path: Path) -> None:
    name = "/TT/RunIISummer20UL17NanoAODv9-v1/NANOAODSIM"
    assert notes(tmp_path, [simulation("2018", name)]) == [
        f"dataset 'TT_2018' is of 2018, but the name of its files is of 2017: {name}; correct 'year' in its metadata, "
        "unless this is meant"
    ]
    data = {"year": "2022_preEE", "isMC": False, "era": "E", "primaryDataset": "Muon"}
    names = ["/Muon/Run2022E-22Sep2023-v1/NANOAOD"]
    assert notes(tmp_path, [{"das_names": names, "metadata": data}]) == [
        f"dataset 'TT_2022_preEE_EraE' is of 2022_preEE, but the name of its files is of 2022_postEE: {names[0]}; "
        "correct 'year' in its metadata, unless this is meant",
        "dataset 'TT_2022_preEE_EraE' is of era E of 2022_preEE, of which lumi.picobarns.2022_preEE has C, D only: "
        "correct 'era' or 'year' in its metadata, unless this is meant",
    ]


def test_certified_runs_of_another_year(tmp_path: Path) -> None:
    golden = get_default_parameters()["lumi"]["goldenJSON"]
    years = {year: str(file) for year, file in golden.items() if year != "toys"}

    def found(year: str, file: str, is_mc: bool = False) -> list[str]:
        data = {"year": year, "isMC": False, "primaryDataset": "Muon"}
        mine = simulation(year, "/TT/mine-v1/USER")
        changes = {"lumi": {"goldenJSON": {year: file}}}
        return notes(tmp_path, [mine if is_mc else {**mine, "metadata": data}], changes)

    for year, (other, file) in itertools.product(("2018", "2022_preEE"), years.items()):
        note = f"lumi.goldenJSON.{year} is {file}, which is of {other[:4]}: name the file of {year} in the parameters, "
        expected = [] if other[:4] == year[:4] else [note + "unless this is meant"]
        assert found(year, file) == expected
    assert found("2018", "certification://mine.json") == []
    assert found("2018", years["2017"], is_mc=True) == []


def test_a_luminosity_in_another_unit(tmp_path: Path) -> None:
    def found(value: object) -> list[str]:
        return notes(tmp_path, [simulation("2018", "/TT/mine-v1/USER")], {"lumi": {"picobarns": {"2018": value}}})

    for value in (59.83, 59.7, 60):
        assert found({"tot": value}) == [
            f"lumi.picobarns.2018.tot is {value:g}, which is the luminosity in 1/fb: give it in 1/pb, "
            f"{1000 * value:g}, unless this is meant"
        ]
    for value in (59830.0, 59740, 14027.6, 30.0, 120.0):
        assert found({"tot": value}) == []
    assert found({"tot": "???"}) == found({"A": 3.0}) == []


def test_years_of_the_users_own(tmp_path: Path) -> None:
    changes = {"lumi": {"picobarns": {"mine": {"tot": 1.0}}}, "pileup": {"mine": {"file": "x.json", "name": "PU"}}}
    changes["tau_scale_factors"] = {"JSONfiles": {"mine": {"file": "corrections://POG/TAU/2018_UL/tau.json.gz"}}}
    assert notes(tmp_path, [simulation("mine", "/TT/RunIISummer20UL17NanoAODv9-v1/NANOAODSIM")], changes) == []

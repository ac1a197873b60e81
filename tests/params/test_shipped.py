"""The shipped parameters fit together, and with the code that reads them."""

from __future__ import annotations

import gzip
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import filter as filter_names
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import correctionlib
import pytest
import yaml

from pocket.calibrators.jets import JetsCalibrator
from pocket.calibrators.taus import TauEnergyScaleCalibrator
from pocket.corrections.files import load_correction
from pocket.corrections.names import check_corrections
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.checking import accepted
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.eras import era_files
from pocket.parameters.locations import PUBLIC, local_path
from pocket.parameters.plain import to_plain
from pocket.parameters.public_places import periods
from pocket.parameters.shipped import shipped_root
from pocket.weights.btag import TAGGERS, BTagShape
from pocket.weights.event import Pileup
from pocket.weights.jets import JetPileupId
from pocket.weights.leptons import ElectronId, ElectronReco, MuonId, MuonIso, MuonReco, MuonTrigger
from pocket.weights.photons import PhotonElectronVeto, PhotonId, PhotonPixelSeed
from pocket.weights.taus import TauVsElectron, TauVsJet, TauVsMuon
from tests import group_files
from tests.entries import check_each
from tests.group_files import CAMPAIGNS, LATER, ROOT, needs_files
from tests.real_files import real_file

#: shipped weights that read the groups' files
OF_GROUPS = (
    *(Pileup, BTagShape, JetPileupId, ElectronReco, ElectronId, MuonId, MuonIso, MuonReco, MuonTrigger),
    *(PhotonId, PhotonPixelSeed, PhotonElectronVeto),
)
UL, RUN_3 = tuple(group_files.UL), (*group_files.RUN_3, *LATER)
DATA = (*UL, *RUN_3)
YEARS = (*DATA, "toys")
#: a year in the names of the Rochester corrections
ROCCOR = dict(zip(UL, ("2016a", "2016b", "2017", "2018"), strict=True))


@pytest.fixture(scope="module")
def params() -> dict[str, Any]:
    return to_plain(get_default_parameters())


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value in a tree of dictionaries with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, node


def tables(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield the name of every table whose keys are years, with its years."""
    if isinstance(node, dict):
        if path and (years := {*YEARS} & {*node}):
            yield ".".join(path), years
        for key, value in node.items():
            if not path or key not in YEARS:
                yield from tables(value, (*path, str(key)))


@check_each(
    ("table", "years"),
    [
        ("lumi.picobarns", YEARS),
        ("lumi.uncertainties", DATA),
        ("lumi.sqrt_s", YEARS),
        ("lumi.goldenJSON", YEARS),
        ("event_flags", YEARS),
        ("HLT_triggers", YEARS),
        ("pileup", DATA),
        ("pileupJSONfiles", DATA),
        ("default_nano_version", DATA),
        ("btagging.working_point", YEARS),
        ("ctagging.scores", UL),
        ("jet_scale_factors.btagSF", DATA),
        ("jet_scale_factors.ctagSF", (*UL, *RUN_3[:4])),
        ("jet_scale_factors.jet_puId", (*UL, "toys")),
        ("jet_scale_factors.vetomaps", RUN_3),
        ("jet_scale_factors.jet_id", RUN_3),
        ("lepton_scale_factors.electron_sf.JSONfiles", DATA),
        ("lepton_scale_factors.electron_sf.era_mapping", DATA),
        ("lepton_scale_factors.electron_sf.trigger_sf", RUN_3[:-1]),
        ("lepton_scale_factors.muon_sf.JSONfiles", DATA),
        ("lepton_scale_factors.muon_sf.era_mapping", UL),
        ("lepton_scale_factors.muon_sf.sf_name", DATA),
        ("lepton_scale_factors.muon_sf.rochester.txt_file", UL),
        ("lepton_scale_factors.muon_sf.scale_and_resolution.correctionlib_config", RUN_3),
        ("lepton_scale_factors.muon_sf.scale_and_resolution.variations", RUN_3),
        ("tau_scale_factors.JSONfiles", DATA),
        ("tau_scale_factors.form", DATA),
        ("tau_scale_factors.energy_scale_variations", DATA),
        ("object_preselection.Tau.tagger", DATA),
        ("object_preselection.Tau.eta", DATA),
        ("photon_scale_factors.photon_sf.JSONfiles", DATA),
        ("photon_scale_factors.photon_sf.sf_name", DATA),
        ("photon_scale_factors.photon_sf.era_mapping", DATA),
        ("photon_scale_factors.photon_sf.working_point", DATA),
        ("photon_scale_factors.photon_sf.scale_and_smearing.correctionlib_config", DATA),
        ("lepton_scale_factors.electron_sf.scale_and_smearing.correctionlib_config", DATA),
        ("jets_calibration.jet_types.AK4PFchs", UL),
        ("jets_calibration.jet_types.AK4PFPuppi", RUN_3),
        ("jets_calibration.jet_types.AK8PFPuppi", DATA),
        *(
            (f"jets_calibration.{table}", DATA)
            for table in ("collection", "apply_jec_MC", "apply_jec_Data", "apply_jer_MC", "sort_by_pt")
        ),
        *(
            (f"default_jets_calibration.variations.{choice}.{jets}", years)
            for choice in ("total_variation", "full_variations", "all_sources")
            for jets, years in (("AK4PFchs", UL), ("AK4PFPuppi", RUN_3), ("AK8PFPuppi", DATA))
        ),
        ("met_calibration", DATA),
    ],
)
def test_every_year_has_what_an_analysis_needs(params: dict[str, Any], table: str, years: tuple[str, ...]) -> None:
    for key in table.split("."):
        params = params[key]
    assert set(years) <= set(params) <= set(YEARS)
    assert all(params.values())


def test_no_year_is_lost_from_a_table(params: dict[str, Any]) -> None:
    # A table of years has all that have data, or those that are said here; a pattern with * stands for several tables.
    of_some = {
        "default_btagging.*": RUN_3[:4],
        "ctagging.scores": (*UL, *RUN_3[:4]),
        "jet_scale_factors.ctagSF": (*UL, *RUN_3[:4]),
        "jet_scale_factors.jet_puId": UL,
        "jet_scale_factors.jet_id": RUN_3,
        "*.AK4PFchs": UL,
        "*.AK4PFPuppi": RUN_3,
        "*.electron_sf.trigger_sf": RUN_3[:-1],
        "*.electron_sf.promptMVA_jsons": ("2024",),
        "*.muon_sf.promptMVA_jsons": LATER,
        "*.muon_sf.era_mapping": UL,
        "*.rochester.txt_file": UL,
        "*.scale_and_resolution.correctionlib_config": RUN_3,
        "*.scale_and_resolution.variations": RUN_3,
        "met_xy_calibration": (*UL, *RUN_3[:4]),
        "MET_xy.*": UL,
        "muon_scale": (),
        "toys.eras": RUN_3[:4],
    }
    found = dict(tables(params))
    expected = {
        table: next((years for pattern, years in of_some.items() if fnmatch(table, pattern)), DATA) for table in found
    }
    wrong = {
        table: {"lost": sorted({*years} - found[table]), "new": sorted(found[table] - {*years, "toys"})}
        for table, years in expected.items()
        if found[table] - {"toys"} != {*years}
    }
    assert wrong == {}
    assert [pattern for pattern in of_some if not filter_names(found, pattern)] == []


def test_years_of_a_table_have_the_same_keys(params: dict[str, Any]) -> None:
    for path, section in (
        ("pileup", params["pileup"]),
        ("btagSF", params["jet_scale_factors"]["btagSF"]),
        ("electrons", params["lepton_scale_factors"]["electron_sf"]["JSONfiles"]),
        ("muons", params["lepton_scale_factors"]["muon_sf"]["sf_name"]),
        ("jets", params["jets_calibration"]["jet_types"]["AK8PFPuppi"]),
    ):
        assert len({tuple(sorted(section[year])) for year in DATA}) == 1, path
    for jets, years in (("AK4PFchs", UL), ("AK4PFPuppi", RUN_3)):
        types = params["jets_calibration"]["jet_types"][jets]
        assert len({tuple(sorted(types[year])) for year in years}) == 1, jets
        assert all(jets in params["jets_calibration"]["collection"][year] for year in years)


def test_the_schema_knows_every_section(params: dict[str, Any]) -> None:
    assert set(params) <= set(accepted())


def test_an_era_is_one_file(params: dict[str, Any]) -> None:
    assert {file.stem for file in era_files()} == {*params["lumi"]["picobarns"]} == {*YEARS}
    # The toys of years are parts of the toys.
    others = {
        file.name
        for file in (shipped_root() / "params").glob("*.yaml")
        if any(year in file.read_text() for year in DATA)
    }
    assert others == {"toys.yaml"}
    for file in era_files():
        content = yaml.safe_load(file.read_text())
        assert (file.stem == "toys") == (content.pop("era", None) is None)
        assert [path for path, _ in leaves(content) if file.stem not in path] == []


# what follows was written down from the sources by hand


def test_luminosity_of_run_2(params: dict[str, Any]) -> None:
    # LumiRecommendationsRun2: 36.33, 42.07 and 59.56/fb
    table = params["lumi"]["picobarns"]
    assert table["2016_PreVFP"]["tot"] + table["2016_PostVFP"]["tot"] == 36330
    assert (table["2017"]["tot"], table["2018"]["tot"]) == (42070, 59560)
    for year in UL:
        eras = sum(value for era, value in table[year].items() if era != "tot")
        assert eras == pytest.approx(table[year]["tot"], rel=1e-4)


def test_uncertainty_of_the_luminosity_of_run_2(params: dict[str, Any]) -> None:
    # CMS-PAS-LUM-20-001: 1.2 % in 2016, 0.82 % in 2017, 0.84 % in 2018, 0.73 % in all
    table, sources = params["lumi"]["picobarns"], params["lumi"]["uncertainties"]

    def uncertainty(*years: str) -> float:
        shifts: dict[str, float] = {}
        for year in years:
            for source, relative in sources[year].items():
                shifts[source] = shifts.get(source, 0.0) + relative * table[year]["tot"]
        return math.hypot(*shifts.values()) / math.fsum(table[year]["tot"] for year in years)

    found = [uncertainty(*years) for years in (UL[:2], UL[:1], UL[2:3], UL[3:], UL)]
    assert [round(100 * value, 2) for value in found] == [1.23, 1.23, 0.82, 0.84, 0.73]


def test_luminosity_of_run_3(params: dict[str, Any]) -> None:
    # PdmVRun3Analysis: 34.65/fb in 2022, 27.64/fb in 2023, 109.95/fb in 2024, 110.84/fb in 2025
    table = params["lumi"]["picobarns"]
    assert [table[year]["tot"] for year in RUN_3] == [7980.4, 26671.7, 17960.0, 9680.0, 109950.0, 110840.0]
    for year in RUN_3:
        eras = sum(value for era, value in table[year].items() if era != "tot")
        assert eras == pytest.approx(table[year]["tot"], rel=1e-4)


def test_uncertainty_of_the_luminosity_of_run_3(params: dict[str, Any]) -> None:
    # LumiRecommendationsRun3: 1.4 % in 2022, 1.3 % in 2023, 1.6 % in 2024
    sources = params["lumi"]["uncertainties"]
    found = [math.hypot(*sources[year].values()) for year in RUN_3[:-1]]
    assert [round(100 * value, 1) for value in found] == [1.4, 1.4, 1.3, 1.3, 1.6]
    assert list(sources["2025"].values()) == ["???"]


def test_energy(params: dict[str, Any]) -> None:
    assert {params["lumi"]["sqrt_s"][year] for year in (*UL, "toys")} == {13}
    assert {params["lumi"]["sqrt_s"][year] for year in RUN_3} == {13.6}


def test_certified_sections_are_shipped(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_CERTIFICATION", raising=False)
    names = {params["lumi"]["goldenJSON"][year] for year in DATA}
    assert len(names) == 7
    for name in names:
        runs = json.loads(Path(local_path(name)).read_text())
        first, last = map(int, re.findall(r"\d{6}", name)[:2])
        assert {first <= int(run) <= last for run in runs} == {True}
    assert {path.name for path in (shipped_root() / "params/datacert").iterdir()} == {Path(name).name for name in names}


@check_each(
    ("year", "thresholds"),
    [
        ("2016_PreVFP", {"L": 0.0508, "M": 0.2598, "T": 0.6502}),
        ("2016_PostVFP", {"L": 0.0480, "M": 0.2489, "T": 0.6377}),
        ("2017", {"L": 0.0532, "M": 0.3040, "T": 0.7476}),
        ("2018", {"L": 0.0490, "M": 0.2783, "T": 0.7100}),
    ],
)
def test_deepjet_working_points(params: dict[str, Any], year: str, thresholds: dict[str, float]) -> None:
    assert params["btagging"]["working_point"][year] == {
        "btagging_algorithm": "btagDeepFlavB",
        "btagging_WP": {**thresholds, "H": thresholds["T"]},
    }


def test_working_points_of_run_3(params: dict[str, Any]) -> None:
    points = params["btagging"]["working_point"]
    assert [points[year]["btagging_algorithm"] for year in RUN_3] == 4 * ["btagDeepFlavB"] + 2 * ["btagUParTAK4B"]
    # BTV's pages of the campaigns
    assert [points[year]["btagging_WP"]["M"] for year in RUN_3] == [0.3086, 0.3196, 0.2431, 0.2435, 0.1272, 0.1272]
    for year in RUN_3:
        thresholds = points[year]["btagging_WP"]
        assert list(thresholds) == ["L", "M", "T", "XT", "XXT"]
        assert list(thresholds.values()) == sorted(thresholds.values())


@needs_files
@check_each("year", [*UL, *RUN_3[:4]])
def test_working_points_are_those_of_the_group(params: dict[str, Any], year: str) -> None:
    path = ROOT / "POG" / "BTV" / CAMPAIGNS[year] / "btagging.json.gz"
    with gzip.open(path, "rt") as file:
        content = json.load(file)
    points = [each for each in content["corrections"] if each["name"].endswith("_wp_values")]
    values = correctionlib.CorrectionSet.from_string(json.dumps({**content, "corrections": points}))
    taggers = {
        "DeepJet": (params["btagging"]["working_point"][year], params["jet_scale_factors"]["btagSF"][year]),
        **{
            tagger: (of_years[year], params["default_btagging"]["btagSF"][tagger][year])
            for tagger, of_years in params["default_btagging"]["working_point"].items()
            if year in of_years
        },
    }
    assert len(taggers) == (1 if year in UL else 3)
    known = {each["name"] for each in content["corrections"]}
    for point, factors in taggers.values():
        prefix = TAGGERS[point["btagging_algorithm"]]
        thresholds = {name: value for name, value in point["btagging_WP"].items() if name != "H"}
        assert thresholds == {
            name: pytest.approx(values[f"{prefix}_wp_values"].evaluate(name), abs=1e-8) for name in thresholds
        }
        named = {factors["name"], *factors["fixed_wp"].values()}
        assert factors["file"] == f"corrections://POG/BTV/{CAMPAIGNS[year]}/btagging.json.gz"
        assert named <= known
        assert all(name.startswith(f"{prefix}_") for name in named)


def test_noise_filters(params: dict[str, Any]) -> None:
    flags = params["event_flags"]
    # MissingETOptionalFiltersRun2, UL: the crystals that lose transparency came in 2017
    assert set(flags["2018"]) - set(flags["2016_PreVFP"]) == {"ecalBadCalibFilter"}
    assert flags["2016_PreVFP"] == flags["2016_PostVFP"]
    assert flags["2017"] == flags["2018"]
    for year in UL:
        assert {"goodVertices", "BadPFMuonDzFilter", "eeBadScFilter"} < set(flags[year])
        assert len(set(flags[year])) == len(flags[year])
    # Run 3: without noise of the hadron calorimeter
    assert set(flags["2018"]) - set(flags["2024"]) == {"HBHENoiseFilter", "HBHENoiseIsoFilter"}
    assert set(flags["2024"]) - set(flags["2018"]) == {"hfNoisyHitsFilter"}
    assert set(flags["2024"]) - set(flags["2025"]) == {"ecalBadCalibFilter"}
    assert all(flags[year] == flags["2024"] for year in RUN_3[:-1])


def test_pileup_identification(params: dict[str, Any]) -> None:
    # PileupJetIDUL: bits (tight, medium, loose) in 2017 and 2018, the other way round in 2016
    points = {year: content["working_point"] for year, content in params["jet_scale_factors"]["jet_puId"].items()}
    assert points["2016_PreVFP"] == points["2016_PostVFP"] == {"L": 0b001, "M": 0b011, "T": 0b111}
    assert points["2017"] == points["2018"] == points["toys"] == {"L": 0b100, "M": 0b110, "T": 0b111}


def test_names_of_corrections(params: dict[str, Any]) -> None:
    assert [params["pileup"][year]["name"] for year in UL] == [
        f"Collisions{year}_UltraLegacy_goldenJSON" for year in (16, 16, 17, 18)
    ]
    electrons = params["lepton_scale_factors"]["electron_sf"]
    assert {electrons["JSONfiles"][year]["name"] for year in UL} == {"UL-Electron-ID-SF"}
    assert {electrons["JSONfiles"][year]["name"] for year in RUN_3} == {"Electron-ID-SF"}
    assert [electrons["era_mapping"][year]["reco"] for year in UL] == ["2016preVFP", "2016postVFP", "2017", "2018"]
    muons = params["lepton_scale_factors"]["muon_sf"]
    assert all(set(eras.values()) == {CAMPAIGNS[year]} for year, eras in muons["era_mapping"].items())
    assert muons["sf_name"]["2018"] == {
        "id": "NUM_TightID_DEN_TrackerMuons",
        "iso": "NUM_LooseRelIso_DEN_TightIDandIPCut",
        "reco": "NUM_TrackerMuons_DEN_genTracks",
        "trigger": "NUM_IsoMu24_DEN_CutBasedIdTight_and_PFIsoTight",
    }
    assert params["jet_scale_factors"]["btagSF"]["2018"]["name"] == "deepJet_shape"


def test_jet_energy_corrections(params: dict[str, Any]) -> None:
    types = params["jets_calibration"]["jet_types"]
    found = {year: (types["AK4PFchs"][year]["jec_mc"], types["AK4PFchs"][year]["jer"]) for year in UL}
    assert found == {
        "2016_PreVFP": ("Summer19UL16APV_V7_MC", "Summer20UL16APV_JRV3_MC"),
        "2016_PostVFP": ("Summer19UL16_V7_MC", "Summer20UL16_JRV3_MC"),
        "2017": ("Summer19UL17_V5_MC", "Summer19UL17_JRV2_MC"),
        "2018": ("Summer19UL18_V5_MC", "Summer19UL18_JRV2_MC"),
    }
    for year in UL:
        eras = set(params["lumi"]["picobarns"][year]) - {"tot"}
        version = types["AK4PFchs"][year]["jec_mc"].removesuffix("_MC")
        campaign, number = version.rsplit("_", 1)
        assert set(types["AK4PFchs"][year]["jec_data"]) == eras
        for era, name in types["AK4PFchs"][year]["jec_data"].items():
            # of the same version as for simulation, for a range of runs that holds the era
            match = re.fullmatch(rf"{campaign}_Run([A-H]+)_{number}_DATA", name)
            assert match
            assert era in match[1]
        differing = {key for key, value in types["AK8PFPuppi"][year].items() if value != types["AK4PFchs"][year][key]}
        assert differing == {"json_path"}


def test_jet_energy_uncertainties(params: dict[str, Any]) -> None:
    choices = params["default_jets_calibration"]["variations"]
    assert params["jets_calibration"]["variations"] == choices["total_variation"]
    for year in UL:
        assert choices["total_variation"]["AK4PFchs"][year] == ["JES_Total", "JER"]
        reduced = choices["full_variations"]["AK4PFchs"][year]
        # JECUncertaintySources: eleven, five of which are of the year alone
        assert len(set(reduced)) == len(reduced) == 12
        assert sum(name.endswith(f"_{year[:4]}") for name in reduced) == 5
        assert len(set(choices["all_sources"]["AK4PFchs"][year])) == 27 + 1


def test_sources_are_those_of_real_corrections(params: dict[str, Any]) -> None:
    jet_corrections = set(correctionlib.CorrectionSet.from_file(str(real_file("jet_jerc_Summer22_V3.json.gz"))))
    # of 2022, where the sources have the same names but for the year
    choices = params["default_jets_calibration"]["variations"]
    for choice in choices.values():
        for name in {*choice["AK4PFchs"]["2018"], *choice["AK4PFPuppi"]["2022_preEE"]}:
            if name != "JER":
                source = name.removeprefix("JES_").replace("2018", "2022")
                assert f"Summer22_22Sep2023_V3_MC_{source}_AK4PFPuppi" in jet_corrections


@needs_files
@check_each("year", DATA[:-2])
def test_files_of_the_groups_are_there(year: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # tests/pocket/test_every_era.py loads all that is named in them
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    params, metadata = get_default_parameters(), {"year": year, "isMC": True, "sample": "TT"}
    weights = [weight for weight in OF_GROUPS if year in UL or weight not in (JetPileupId, MuonReco)]
    readers = [weight(params, metadata) for weight in weights] + [JetsCalibrator(params, metadata)]
    named = [pair for reader in readers for pair in reader.corrections()]
    assert [file for file, _ in named if not Path(local_path(file)).is_file()] == []
    # one for each weight; levels, total uncertainty, resolution and its scale factor of two types of jets
    assert len(named) == len(weights) + 2 * 4


@needs_files
def test_the_public_file_of_fat_jets_of_2017_has_the_scale_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    jets = JetsCalibrator(get_default_parameters(), {"year": "2017", "isMC": True, "sample": "TT"})
    missing = []
    for file, name in jets.corrections():
        try:
            check_corrections([(file, name)])
        except UnknownNameError:
            missing.append(name)
    assert missing == [f"Summer19UL17_JRV2_MC_{kind}_AK8PFPuppi" for kind in ("PtResolution", "ScaleFactor")]


@needs_files
def test_corrections_of_taus_are_in_the_file_of_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(ROOT))
    params, metadata = get_default_parameters(), {"year": "2018", "isMC": True, "sample": "TT"}
    readers = [of(params, metadata) for of in (TauVsJet, TauVsElectron, TauVsMuon, TauEnergyScaleCalibrator)]
    named = [pair for reader in readers for pair in reader.corrections()]
    assert {Path(local_path(file)) for file, _ in named} == {ROOT / "POG" / "TAU" / "2018_UL" / "tau.json.gz"}
    check_corrections(named)
    assert len(named) == 4


# where corrections are looked for


def test_every_file_is_named_without_a_machine(params: dict[str, Any]) -> None:
    named = 0
    for path, value in leaves(params):
        if isinstance(value, str) and re.search(r"[/\\]", value) and path[0] not in ("toys", "plotting_style"):
            assert value.partition("://")[0] in (*PUBLIC, "toys"), path
            assert not re.search(r":///|/\.\.?/|//.*//", value), path
            named += value.startswith("corrections://")
    # pileup by two names, b tagging, electrons, muons, taus, photons, jets by two names
    of_all = len(DATA) * (2 + 1 + 2 + 1 + 1 + 1 + 2 * 2)
    # scale of electrons and photons
    of_all += len(DATA) * 2
    # other taggers, and c tagging
    of_all += 2 * 4 + len(UL) + 4
    # pileup jets; veto maps, identification of jets, triggers of electrons, scale of muons
    named_by_years = len(UL) + len(RUN_3) * 4 - 1
    # veto maps and MET-xy of Run 2, MET-xy of 2022 and 2023, and the smearing of jets
    named_by_years += 2 * len(UL) + 4 + 1
    # Rochester corrections; prompt leptons
    assert named == of_all + named_by_years + len(UL) + 3


def test_every_year_reads_its_own_files(params: dict[str, Any]) -> None:
    for path, value in leaves(params):
        if isinstance(value, str) and value.startswith("corrections://") and path[-2] != "JERSmear":
            (year,) = set(path) & set(DATA)
            if value.startswith("corrections://roccor/"):
                assert value == f"corrections://roccor/RoccoR{ROCCOR[year]}UL.txt"
                continue
            # The tau group has no corrections for 2025 yet.
            year = "2024" if (path[0], year) == ("tau_scale_factors", "2025") else year
            assert re.fullmatch(rf"corrections://POG/[A-Z]{{3}}/{CAMPAIGNS[year]}/\w+\.json\.gz", value), path
            assert CAMPAIGNS[year] in periods()


def test_parameters_load_where_there_are_no_corrections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    content = to_plain(get_default_parameters())["pileup"]["2018"]
    with pytest.raises(ConfigError, match=r"puWeights\.json\.gz is not in .* set POCKET_CORRECTIONS"):
        load_correction(content["file"], content["name"])


def test_a_mirror_does_not_change_the_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for root in ("/one", "/other"):
        monkeypatch.setenv("POCKET_CORRECTIONS", root)
        found.append(to_plain(get_default_parameters()))
    assert found[0] == found[1]


# the toys


def test_luminosity_of_the_toys(params: dict[str, Any]) -> None:
    assert params["lumi"]["picobarns"]["toys"]["tot"] == params["toys"]["luminosity"] * params["toys"]["scale"]


def test_the_toys_working_point_is_the_one_they_are_made_with(params: dict[str, Any]) -> None:
    thresholds = params["btagging"]["working_point"]["toys"]["btagging_WP"]
    assert thresholds == {"M": params["toys"]["truth"]["tagger"]["working_point"]}


def test_an_analysis_imports_neither_coffea_nor_plots() -> None:
    heavy = ["coffea", "numba", "hist", "matplotlib", "mplhep", "uproot", "scipy", "iminuit", "correctionlib", "vector"]
    modules = "pocket.cuts.library, pocket.objects, pocket.cuts.certification, pocket.histograms.factories"
    code = f"import sys, {modules}; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"

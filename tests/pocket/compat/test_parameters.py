from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pocket.compat import parameters as upstream
from pocket.compat.parameters import (
    compose_parameters_from_files,
    get_default_run_options,
    get_defaults_and_compose,
    merge_parameters,
    merge_parameters_from_files,
    merge_parameters_from_string,
    register_configuration_dir,
)
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain

PERIOD = "Run3-22CDSep23-Summer22-NanoAODv12"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_defaults_are_the_shipped_ones_with_upstream_values() -> None:
    found, shipped = to_plain(upstream.get_default_parameters()), to_plain(get_default_parameters())
    assert found["event_flags_data"]["2018"] == ["eeBadScFilter"]
    assert "cferr1" in found["systematic_variations"]["weight_variations"]["sf_btag"]["2018"]
    # What isn't PocketCoffea's own stays.
    assert found["lumi"]["uncertainties"] == shipped["lumi"]["uncertainties"]
    eras = found["lumi"]["picobarns"]
    assert (eras["2018"]["tot"], shipped["lumi"]["picobarns"]["2018"]["tot"]) == (59832.47534, 59560)
    for year in ("2016_PreVFP", "2016_PostVFP", "2017", "2018"):
        of_eras = sum(value for era, value in eras[year].items() if era != "tot")
        assert of_eras == pytest.approx(eras[year]["tot"], rel=1e-6)
    # Its jets are all smeared.
    regions = [each["jets_calibration"]["jet_types"]["AK4PFPuppi"] for each in (found, shipped)]
    assert [of["2023_preBPix"]["jer_matched_only"] for of in regions] == [None, [2.5, 3.0]]


def test_jets_of_2026_as_in_their_head() -> None:
    found = to_plain(upstream.get_default_parameters())
    folder = "/cvmfs/cms-griddata.cern.ch/cat/metadata/JME/Run3-26Prompt-Summer24-NanoAODv15/2026-07-15"
    calibration, factors = found["jets_calibration"], found["jet_scale_factors"]
    for jets, file in (("AK4PFPuppi", "jet_jerc"), ("AK4CorrT1METJetPuppi", "jet_jerc"), ("AK8PFPuppi", "fatJet_jerc")):
        assert calibration["jet_types"][jets]["2026"] == {
            "json_path": f"{folder}/{file}.json.gz",
            "jec_mc": "Summer24Prompt26_V1_MC",
            "jec_data": "Summer24Prompt26_V1_DATA",
            "jer": "Summer24Prompt26_JRV1_MC",
            "level": "L1L2L3Res",
        }
    maps = {"file": f"{folder}/jetvetomaps.json.gz", "name": "Summer24Prompt26_RunBCD_V1"}
    assert factors["vetomaps"]["2026"] == maps
    assert factors["jet_id"]["2026"] == f"{folder}/jetid.json.gz"
    tables = {key: table for key, table in calibration.items() if isinstance(table, dict) and "2025" in table}
    assert len(tables) == 9
    for key, table in tables.items():
        assert table["2026"] == table["2025"], key
    for sources in (calibration["variations"], *found["default_jets_calibration"]["variations"].values()):
        for jets in {"AK4PFPuppi", "AK8PFPuppi"} & set(sources):
            if "2026" in sources[jets]:  # Their head has no single sources.
                expected = [name.replace("2025", "2026") for name in sources[jets]["2025"]]
                assert sorted(sources[jets]["2026"]) == sorted(expected)
    assert calibration["variations"]["AK8PFPuppi"]["2026"] == ["JES_Total", "JER"]


def test_selections_are_those_of_the_analysis_alone(tmp_path: Path) -> None:
    # An isolation or triggers of others in addition would select other events than in PocketCoffea.
    path = write(
        tmp_path,
        'HLT_triggers: {"2022_preEE": {JetMET: [HLT_PFHT1050]}}\n'
        "object_preselection: {Electron: {pt: 20, eta: 2.5, id: mvaIso_WP80}}",
    )
    composed = to_plain(get_defaults_and_compose(path))
    assert composed["HLT_triggers"] == {"2022_preEE": {"JetMET": ["HLT_PFHT1050"]}}
    assert composed["object_preselection"] == {"Electron": {"pt": 20, "eta": 2.5, "id": "mvaIso_WP80"}}
    changed = get_default_parameters().object_preselection.Electron
    assert "iso" in changed, "the shipped parameters keep theirs"


def test_files_change_values_without_being_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "photon_scale_factors: {photon_sf: {collection: Mine}}\nmine: {a: 1}")
    composed = get_defaults_and_compose(path)
    assert composed.photon_scale_factors.photon_sf.collection == "Mine"
    assert "JSONfiles" in composed.photon_scale_factors.photon_sf
    replaced = merge_parameters_from_files(upstream.get_default_parameters(), path, update=False)
    assert replaced.photon_scale_factors == {"photon_sf": {"collection": "Mine"}}
    assert composed.lumi == replaced.lumi
    assert to_plain(compose_parameters_from_files(path)) == {
        "photon_scale_factors": {"photon_sf": {"collection": "Mine"}},
        "mine": {"a": 1},
    }


def test_values_of_jets_that_refer_to_defaults_don_t_follow_changes_of_these(tmp_path: Path) -> None:
    default = "default_jets_calibration: {variations: {full_variations: {AK4PFPuppi: {2022_preEE: [JER]}}}"
    path = write(tmp_path, f"{default}, factory_config_clib: {{AK4PFPuppi: {{2022_preEE: {{jec_mc: mine}}}}}}}}")
    shipped, changed = (to_plain(get_defaults_and_compose(*files)) for files in ((), (path,)))
    assert changed["jets_calibration"] == shipped["jets_calibration"]
    assert changed["default_jets_calibration"]["factory_config_clib"]["AK4PFPuppi"]["2022_preEE"]["jec_mc"] == "mine"
    named = write(
        tmp_path,
        path.read_text()
        + """
jets_calibration:
  variations: ${default_jets_calibration.variations.full_variations}
  jet_types: {AK4PFPuppi: "${default_jets_calibration.factory_config_clib.AK4PFPuppi}"}
""",
    )
    composed = to_plain(get_defaults_and_compose(named))["jets_calibration"]
    assert composed["jet_types"]["AK4PFPuppi"]["2022_preEE"]["jec_mc"] == "mine"
    assert composed["variations"]["AK4PFPuppi"]["2022_preEE"] == ["JER"]
    # those of large jets were resolved when they were those of small ones
    assert len(composed["variations"]["AK8PFPuppi"]["2022_preEE"]) > 2


def test_strings() -> None:
    base = OmegaConf.create({"mine": {"a": 1, "b": [1, 2]}})
    assert merge_parameters_from_string(base, "mine: {a: 2}", ["mine.b=[3]"]) == {"mine": {"a": 2, "b": [3]}}
    assert merge_parameters(base, {"mine": {"c": 3}}, update=False) == {"mine": {"c": 3}}
    assert base == {"mine": {"a": 1, "b": [1, 2]}}
    with pytest.raises(ConfigError, match="must be a table of sections"):
        merge_parameters_from_string(base, "[1]")
    with pytest.raises(UnknownNameError, match="did you mean"):
        merge_parameters(base, {"lumi": {"picobarn": {}}})


def test_folders_are_paths_of_their_analysis(tmp_path: Path) -> None:
    path = write(tmp_path, 'mine: {a: "${config_dir:}/sf.json", b: ["${config_dir:sf.json}"], c: "${config_dir:}"}')
    composed = []
    for name in ("one", "other"):
        register_configuration_dir("config_dir", tmp_path / name)
        composed.append(compose_parameters_from_files(path).mine)
    for name, mine in zip(("one", "other"), composed, strict=True):
        assert mine == {
            "a": f"{tmp_path}/{name}/sf.json",
            "b": [f"{tmp_path}/{name}/sf.json"],
            "c": f"{tmp_path}/{name}",
        }


def test_tags_of_groups() -> None:
    try:
        parameters = upstream.get_default_parameters({"JME": {PERIOD: "2025-01-01"}})
        text = f"mine: '${{cvmfs:{PERIOD},JME,a.json}}'"
        first = to_plain(merge_parameters_from_string(parameters, text))["mine"]
    finally:
        parameters = upstream.get_default_parameters()
    assert "/2025-01-01/" in first
    assert to_plain(merge_parameters_from_string(parameters, text))["mine"] == first.replace("2025-01-01", "latest")


def test_a_dump_overwrites_nothing(tmp_path: Path) -> None:
    parameters = OmegaConf.create({"mine": {"a": 1}})
    upstream.dump_parameters(parameters, tmp_path / "dump.yaml")
    assert OmegaConf.load(tmp_path / "dump.yaml") == parameters
    with pytest.raises(ConfigError, match="pass overwrite=True"):
        upstream.dump_parameters(parameters, tmp_path / "dump.yaml")
    upstream.dump_parameters(OmegaConf.create({}), tmp_path / "dump.yaml", overwrite=True)
    assert OmegaConf.load(tmp_path / "dump.yaml") == {}


def test_run_options() -> None:
    options = get_default_run_options()
    options.general.chunksize = 1
    assert get_default_run_options().general.chunksize == 150000

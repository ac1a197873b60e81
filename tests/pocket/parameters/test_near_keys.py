from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pocket.parameters.checking import check_keys, line_of, near_key
from pocket.parameters.defaults import get_default_parameters, merge_parameters, merge_parameters_from_files
from tests.entries import check_each


@check_each(
    ("key", "known", "meant"),
    [
        ("izo", ["pt", "iso", "id"], "iso"),
        ("ios", ["pt", "iso", "id"], "iso"),
        ("sio", ["pt", "iso", "id"], "iso"),
        ("ISO", ["pt", "iso", "id"], "iso"),
        ("Jett", ["Jet", "FatJet"], "Jet"),
        ("Elecron", ["Electron", "Muon"], "Electron"),
        ("sf_mu_ido", ["sf_mu_id", "sf_mu_iso"], "sf_mu_iso"),
        ("SingleMoun", ["SingleMuon", "SingleElectron"], "SingleMuon"),
        ("2016_preVFP", ["2016_PreVFP", "2017"], "2016_PreVFP"),
        ("AK8PFchs", ["AK4PFchs"], ""),
        ("2019", ["2018"], ""),
        ("BJet", ["Jet"], ""),
        ("Muon_loose", ["Muon"], ""),
        ("MuonLoose", ["Muon"], ""),
        ("DoubleMuon", ["SingleMuon"], ""),
        ("SinglePhoton", ["SingleMuon", "SingleElectron"], ""),
        ("sf_mu_iso", ["sf_mu_id"], ""),
        ("dxy", ["pt", "eta", "iso", "id"], ""),
        ("ip", ["id"], ""),
        (2018, ["2018"], ""),
    ],
)
def test_near_keys(key: object, known: list[str], meant: str) -> None:
    assert near_key(key, known) == meant


def test_a_misspelt_key_of_an_open_table_is_a_warning_with_its_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "selection.yaml"
    text = "object_preselection:\n  Muon:\n    pt: 26.0\n    izo: 0.15\n  Jett: {pt: 25.0}\nown: {izo: 1}\n"
    file.write_text(text, encoding="utf-8")
    for _ in range(2):
        merged = merge_parameters_from_files(get_default_parameters(), file, update=True)
    assert (merged.object_preselection.Muon.izo, merged.object_preselection.Muon.iso) == (0.15, 0.25)
    taken = "is taken as one of your own, did you mean"
    assert caplog.messages == [
        f"key 'object_preselection.Muon.izo' in {file}:4 {taken} 'iso'?",
        f"key 'object_preselection.Jett' in {file}:5 {taken} 'Jet'?",
    ]


def test_a_table_whose_lines_are_comments_is_a_warning_with_its_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "selection.yaml"
    file.write_text("own:\nobject_preselection:\n  Muon:\n#    pt: 26.0\n  Jet: {}\n  mine:\nlumi:\n", encoding="utf-8")
    merged = merge_parameters_from_files(get_default_parameters(), file, update=True)
    assert merged.object_preselection.Muon is None
    assert merged.object_preselection.Jet.pt > 0
    removes = "is null, which removes all of its keys: leave out the line unless that is meant"
    assert caplog.messages == [f"object_preselection.Muon in {file}:3 {removes}", f"lumi in {file}:7 {removes}"]


def test_tables_with_both_keys_and_other_tables_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    main = OmegaConf.create({"object_preselection": {"Muon": {"pt": 1.0}}, "mine": {"one": 1}, "plotting_style": {}})
    parts = {"object_preselection": {"Muon": {"pt": 2.0}, "Muons": {"pt": 3.0}}, "mine": {"onee": 2}}
    merge_parameters(main, parts, update=True)
    assert not caplog.messages


def test_the_line_of_a_section(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "plotting.yaml"
    file.write_text("# Colours.\n\nplotting_stile: {}\n", encoding="utf-8")
    check_keys({"plotting_stile": {}}, str(file))
    assert [text.partition(" is taken")[0] for text in caplog.messages] == [f"section 'plotting_stile' in {file}:3"]
    assert line_of(str(file), ["plotting_stile", "other"]) == str(file)
    assert line_of("merged parameters", ["any"]) == "merged parameters"

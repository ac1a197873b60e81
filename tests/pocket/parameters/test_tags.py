from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pocket.compat import parameters as upstream
from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.locations import project_path
from pocket.parameters.overrides import parameter_overrides
from pocket.parameters.plain import to_plain
from pocket.parameters.tags import assignments, describe, groups, label_of, read_tags, rename, tags_of, with_tags
from tests.entries import check_each

JETS = "corrections://POG/JME/2022_Summer22/jet_jerc.json.gz"
PERIOD = "Run3-22CDSep23-Summer22-NanoAODv12"
PINNED = f"/cvmfs/cms-griddata.cern.ch/cat/metadata/JME/{PERIOD}/2026-06-05/jet_jerc.json.gz"


@check_each(
    ("name", "tags", "renamed"),
    [
        (JETS, {}, JETS),
        (JETS, {"MUO": "latest"}, JETS),
        (JETS, {"all": "latest"}, f"corrections://JME/{PERIOD}/latest/jet_jerc.json.gz"),
        (JETS, {"all": "latest", "JME": "2025-09-23"}, f"corrections://JME/{PERIOD}/2025-09-23/jet_jerc.json.gz"),
        (JETS, {"JME": "/new/"}, "corrections:///new/POG/JME/2022_Summer22/jet_jerc.json.gz"),
        # a root with the current layout has the same tags
        (PINNED, {"all": "/new"}, f"corrections:///new/JME/{PERIOD}/2026-06-05/jet_jerc.json.gz"),
        (PINNED, {"all": "latest"}, f"corrections://JME/{PERIOD}/latest/jet_jerc.json.gz"),
        ("corrections://mine.json", {"all": "/new"}, "corrections:///new/mine.json"),
        ("corrections://mine.json", {"all": "latest"}, "corrections://mine.json"),
        ("toys://muon_Z.json.gz", {"all": "/new"}, "toys://muon_Z.json.gz"),
        ("/my/POG/JME/2018_UL/a.json", {"all": "/new"}, "/my/POG/JME/2018_UL/a.json"),
    ],
)
def test_names_of_files(name: str, tags: dict[str, str], renamed: str) -> None:
    assert rename(name, tags) == renamed
    assert rename(renamed, tags) == renamed


def test_a_relative_root_is_one_of_the_project() -> None:
    assert (
        rename(JETS, {"all": "./new"}) == f"corrections://{project_path('new')}/{JETS.removeprefix('corrections://')}"
    )


def test_parameters_with_tags() -> None:
    plain = get_default_parameters()
    assert with_tags(plain) is plain
    with parameter_overrides(["correction_tags.JME=2025-09-23", "correction_tags.all=/new"]):
        parameters = get_default_parameters()
    assert tags_of(parameters) == {"all": "/new", "JME": "2025-09-23"}
    before, after = to_plain(parameters), to_plain(with_tags(parameters))
    jets = after["jets_calibration"]["jet_types"]["AK4PFPuppi"]["2022_preEE"]["json_path"]
    assert jets == f"corrections://JME/{PERIOD}/2025-09-23/jet_jerc.json.gz"
    assert after["pileup"]["2018"]["file"] == "corrections:///new/POG/LUM/2018_UL/puWeights.json.gz"
    # nothing but names of files is another
    assert after["jets_calibration"]["variations"] == before["jets_calibration"]["variations"]
    assert after["lumi"] == before["lumi"]


def test_names_in_the_form_of_pocketcoffea() -> None:
    tagged = OmegaConf.create(
        {"correction_tags": {"JME": "latest"}, "file": f"${{cvmfs:{PERIOD},JME,a.json,2026-06-05}}"}
    )
    assert with_tags(tagged).file == f"corrections://JME/{PERIOD}/latest/a.json"
    with parameter_overrides(["correction_tags.all=latest"]):
        parameters = upstream.get_default_parameters()
    assert "/latest/" in str(to_plain(with_tags(parameters))["pileup"])


def test_options() -> None:
    tags = read_tags(["JME=2025-09-23", "~/new"], "--right")
    assert tags == {"all": "~/new", "JME": "2025-09-23"}
    assert assignments(tags) == (f"correction_tags.all={Path.home()}/new", "correction_tags.JME=2025-09-23")
    assert label_of(["toys.scale=1", *assignments(tags)]) == describe(tags) == "new,JME=2025-09-23"
    assert (label_of(["toys.scale=1"]), read_tags([], "--left")) == ("", {})
    assert {"JME", "MUO", "LUM"} <= set(groups())
    assert "all" not in groups()


def test_mistakes_in_options() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown group 'JEM' in --right, did you mean 'JME'"):
        read_tags(["JEM=latest"], "--right")
    with pytest.raises(ConfigError, match=r"--right has two tags for JME: latest and 2025-01-01"):
        read_tags(["JME=latest", "JME=2025-01-01"], "--right")
    with pytest.raises(ConfigError, match=r"--right: the tag 'newest' is neither a folder such as 2025-09-23"):
        read_tags(["newest"], "--right")
    with pytest.raises(ConfigError, match=r"correction_tags\.JME: the tag 'newest' is neither"):
        tags_of(OmegaConf.create({"correction_tags": {"JME": "newest"}}))

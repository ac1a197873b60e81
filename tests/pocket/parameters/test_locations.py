from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from pocket.base.fingerprint import digest
from pocket.errors import ConfigError
from pocket.parameters import defaults
from pocket.parameters.locations import (
    PUBLIC,
    expand_directories,
    local_path,
    project_path,
    project_root,
    public_roots,
    register_configuration_dir,
)
from pocket.parameters.used_files import recording_files

NAME = "corrections://POG/LUM/2018_UL/puWeights.json.gz"


def put(root: Path) -> Path:
    path = root / "POG/LUM/2018_UL/puWeights.json.gz"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, where neither the experiment's folders nor a chosen one exist."""
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path / "project"))
    for files in PUBLIC.values():
        monkeypatch.delenv(files.variable, raising=False)
    mounted = {
        scheme: type(files)(files.variable, (str(tmp_path / "mount" / scheme),), files.origin)
        for scheme, files in PUBLIC.items()
    }
    monkeypatch.setattr("pocket.parameters.locations.PUBLIC", mounted)
    return tmp_path / "project"


def test_project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    assert (project_root() / "pocket" / "parameters" / "locations.py").is_file()
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert project_path("params/x.yaml") == tmp_path / "params" / "x.yaml"
    assert project_path("/absolute") == Path("/absolute")


def test_the_first_copy_is_taken(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = put(project / "data/corrections")
    assert local_path(NAME) == str(mirror)
    mounted = put(tmp_path / "mount/corrections")
    assert local_path(NAME) == str(mounted)
    chosen = put(tmp_path / "chosen")
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path / "chosen"))
    assert local_path(NAME) == str(chosen)
    # a chosen folder is the only one: results must not depend on what else is mounted
    chosen.unlink()
    with pytest.raises(ConfigError, match=r"is not in \S*/chosen, as "):
        local_path(NAME)


def test_no_copy(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        local_path(NAME)
    assert str(caught.value) == (
        f"{NAME} is not in {tmp_path}/mount/corrections or {project}/data/corrections or "
        "/cvmfs/cms-griddata.cern.ch/cat/metadata, as POG/LUM/2018_UL/puWeights.json.gz or "
        "LUM/Run2-2018-UL-NanoAODv9/latest/puWeights.json.gz: mount CVMFS or EOS, "
        "or set POCKET_CORRECTIONS to a copy of https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration"
    )


def test_a_root_has_either_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "JME/Run3-22CDSep23-Summer22-NanoAODv12"
    for tag in ("2025-09-23", "latest"):
        (folder / tag).mkdir(parents=True)
        (folder / tag / "jet_jerc.json.gz").touch()
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    latest = folder / "latest/jet_jerc.json.gz"
    assert local_path("corrections://POG/JME/2022_Summer22/jet_jerc.json.gz") == str(latest)
    dated = "corrections://JME/Run3-22CDSep23-Summer22-NanoAODv12/2025-09-23/jet_jerc.json.gz"
    assert local_path(dated) == str(folder / "2025-09-23/jet_jerc.json.gz")
    # another tag is never taken for the one that is asked for
    with pytest.raises(ConfigError, match=r"/2024-01-01/\S* is not in \S*: mount CVMFS"):
        local_path(dated.replace("2025-09-23", "2024-01-01"))
    monkeypatch.setenv("POCKET_CORRECTIONS", "/nowhere")
    assert local_path(f"corrections://{tmp_path}/POG/JME/2022_Summer22/jet_jerc.json.gz") == str(latest)
    with pytest.raises(ConfigError, match=rf"is not in {tmp_path}, as .*latest/b.json: name a root that has it"):
        local_path(f"corrections://{tmp_path}/POG/JME/2022_Summer22/b.json")


@pytest.mark.usefixtures("project")
def test_an_unreadable_mount_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "mount").write_text("not a folder")
    mirror = put(project_path("data/corrections"))
    assert local_path(NAME) == str(mirror)


def test_each_collection_has_its_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_CORRECTIONS", raising=False)
    monkeypatch.setenv("POCKET_CERTIFICATION", "/copy")
    assert public_roots("certification") == (Path("/copy"),)
    cvmfs = Path("/cvmfs/cms.cern.ch/rsync/cms-nanoAOD/jsonpog-integration")
    assert public_roots("corrections") == (cvmfs, project_path("data/corrections"))
    monkeypatch.setenv("POCKET_CORRECTIONS", "")
    assert public_roots("corrections")[0] == cvmfs


@pytest.mark.parametrize("path", ["/a/b.json", "a/b.json", "toys://a.json", "root://host//a.root", "corrections", ""])
def test_other_paths_stay(path: str) -> None:
    assert local_path(path) == expand_directories(path) == path


def test_registered_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_configuration_dir("my_params", tmp_path / "here")
    parameters = OmegaConf.create(
        {"short": "${my_params:sf/muon.json}", "long": "${my_params:}/sf/muon.json", "folder": "${my_params:}"}
    )
    # what enters fingerprints and dumps doesn't say where the directory lies
    assert parameters.short == "my_params://sf/muon.json"
    assert str(tmp_path) not in OmegaConf.to_yaml(parameters, resolve=True)
    for name in (parameters.short, parameters.long):
        assert expand_directories(name) == local_path(name) == str(tmp_path / "here/sf/muon.json")
    assert expand_directories(parameters.folder) == str(tmp_path / "here")
    assert expand_directories(NAME) == NAME
    register_configuration_dir("my_params", tmp_path / "there")
    assert expand_directories("my_params://a") == str(tmp_path / "there/a")
    monkeypatch.setenv("POCKET_ROOT", "/project")
    register_configuration_dir("my_params", "analysis/mine")
    assert expand_directories("my_params://a") == "/project/analysis/mine/a"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("corrections", "is taken"),
        ("toys", "is taken"),
        ("product", "is taken"),
        ("root", "is taken"),
        ("my-params", "must consist of letters"),
        ("", "must consist of letters"),
    ],
)
def test_names_that_cannot_be_registered(name: str, reason: str) -> None:
    assert defaults.OmegaConf.has_resolver("product")
    with pytest.raises(ConfigError, match=f"configuration directory '{name}': the name {reason}"):
        register_configuration_dir(name, "/somewhere")


def test_files_in_use_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("{}")
    monkeypatch.setenv("POCKET_CORRECTIONS", str(tmp_path))
    with recording_files() as used:
        local_path("corrections://a.json")
        local_path("/somewhere/b.json")
        with pytest.raises(ConfigError):
            local_path("corrections://missing.json")
    local_path("/somewhere/c.json")
    assert used == {"corrections://a.json": str(tmp_path / "a.json"), "/somewhere/b.json": "/somewhere/b.json"}


def test_the_place_of_a_directory_is_no_part_of_a_fingerprint(tmp_path: Path) -> None:
    def opens_file() -> str:
        return local_path("moving://classifier.onnx")

    digests = []
    for place in ("here", "there"):
        register_configuration_dir("moving", tmp_path / place)
        digests.append(digest(opens_file))
    assert digests[0] == digests[1]

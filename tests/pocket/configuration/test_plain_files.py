from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket.base.fingerprint import digest
from pocket.base.runtime.remarks import remark
from pocket.compat.refused_names import remark_refused_names
from pocket.configuration import plain_files
from pocket.configuration.loading import _load, load_analysis
from pocket.errors import ConfigError

CONFIG = """
import os
import workflow
from pocket_coffea.lib.cut_functions import get_nObj_min
from pocket_coffea.parameters import defaults
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.parameters.histograms import *
from pocket_coffea.utils.configurator import Configurator

localdir = os.path.dirname(os.path.abspath(__file__))
cfg = Configurator(
    parameters=defaults.merge_parameters_from_files(
        defaults.get_default_parameters(), f"{localdir}/pt.yaml", update=True
    ),
    datasets={"jsons": ["datasets/own.json"], "filter": {"samples": ["DY"], "year": ["2018"]}},
    workflow=workflow.Muons,
    skim=[get_nObj_min(workflow.NUMBER, coll="Muon")],
    preselections=[passthrough],
    categories={"baseline": [passthrough]},
    weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
    variations={},
    calibrators=[],
    variables={**muon_hists()},
)
"""
WORKFLOW = """
from pocket_coffea.workflows.base import BaseProcessorABC
from shared.numbers import NUMBER

class Muons(BaseProcessorABC):
    def apply_object_preselection(self, variation):
        from helpers import select
        self.events["MuonGood"] = select(self.events)

    def count_objects(self, variation):
        pass
"""
HELPERS = "def select(events):\n    return events.Muon\n"


def repository(folder: Path, number: int = 1, names: tuple[str, ...] = ("config.py",)) -> Path:
    """Return the folder of configuration files in a repository with a package that they share."""
    configs = folder / "configs"
    (configs / "datasets").mkdir(parents=True)
    (folder / "setup.py").touch()
    (folder / "shared").mkdir()
    (folder / "shared" / "__init__.py").touch()
    (folder / "shared" / "numbers.py").write_text(f"NUMBER = {number}\n")
    for name in names:
        (configs / name).write_text(CONFIG)
    (configs / "workflow.py").write_text(WORKFLOW)
    (configs / "helpers.py").write_text(HELPERS)
    (configs / "pt.yaml").write_text("own_section: {pt: 20}\n")
    files = [{"das_names": ["/DY/x/NANOAODSIM"], "metadata": {"year": "2018", "isMC": True, "xsec": 1.0}}]
    (configs / "datasets" / "own.json").write_text(json.dumps({"DY": {"sample": "DY", "files": files}}))
    return configs


@pytest.fixture(autouse=True)
def separate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the modules of this process as they were."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(plain_files, "_on_path", [])
    monkeypatch.setattr(plain_files, "_entered", {})
    before = {*sys.modules}
    _load.cache_clear()
    yield
    _load.cache_clear()
    for name in {*sys.modules} - before:
        if name.partition(".")[0] in ("config", "workflow", "helpers", "shared", "other"):
            del sys.modules[name]


def spec(path: Path) -> str:
    analysis = load_analysis(str(path))
    return digest(analysis.config(analysis.default_config).plan().spec())


def test_an_analysis_of_one_configuration(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    analysis = load_analysis(str(folder / "config.py"))
    assert (analysis.name, list(analysis.configs), analysis.default_config) == ("configs", ["config"], "config")
    config = analysis.config("config")
    assert config.skim[0].params["N"] == 1
    assert config.definition_files == (str(folder / "datasets" / "own.json"),)
    assert config.parameters.own_section.pt == 20
    assert load_analysis(str(folder / "config.py")) is analysis


def test_run_options_in_the_file_have_no_effect(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = repository(tmp_path) / "config.py"
    path.write_text(f'{CONFIG}\nrun_options = {{"executor": "dask/lxplus", "limit": 1}}\n')
    load_analysis(str(path))
    assert f"{path}: run_options has no effect, as in PocketCoffea: pass them by --custom-run-options" in caplog.text


def test_a_path_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path)
    monkeypatch.chdir(folder)
    assert load_analysis("config.py") is load_analysis(str(folder / "config.py"))


def test_names_that_a_store_can_have(tmp_path: Path) -> None:
    folder = repository(tmp_path / "2 tests", names=("config_fit_tt+LF (new).py",))
    analysis = load_analysis(str(folder / "config_fit_tt+LF (new).py"))
    assert analysis.default_config == "config_fit_tt+LF__new_"
    assert plain_files.names_of(Path("/a/.hidden/x.py")) == ("hidden", "x")


@pytest.mark.parametrize("name", ["tasks.py", "statistics.py", "numpy.py"])
def test_a_file_with_the_name_of_a_library(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path, names=(name,))
    assert load_analysis(str(folder / name)).default_config == name.removesuffix(".py")


def test_edits_of_siblings_change_the_fingerprint(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    found = {spec(folder / "config.py")}
    edits = {"helpers.py": ("Muon", "Electron"), "../shared/numbers.py": ("1", "2"), "config.py": ("MuonGood", "Muon")}
    edits["config.py"] = ("**muon_hists()", '**muon_hists(coll="Muon")')
    for file, (old, new) in edits.items():
        path = folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        os.utime(path, ns=(10**18, 10**18 + len(found)))
        _load.cache_clear()
        found.add(spec(folder / "config.py"))
    assert len(found) == 1 + len(edits)


def test_two_files_with_siblings_of_the_same_names(tmp_path: Path) -> None:
    first, second = (repository(tmp_path / str(number), number) / "config.py" for number in (1, 2))
    digests = spec(first), spec(second)
    assert digests[0] != digests[1]
    for path, number, known in ((first, 1, digests[0]), (second, 2, digests[1])):
        assert spec(path) == known
        config = load_analysis(str(path)).config("config")
        assert config.skim[0].params["N"] == number
        assert Path(str(sys.modules["workflow"].__file__)) == path.parent / "workflow.py"
        assert Path(str(sys.modules["shared.numbers"].__file__)) == path.parents[1] / "shared" / "numbers.py"
        assert sys.path[0] == str(path.parent)
        assert sys.path[-1] == str(path.parents[1])


def test_two_files_of_other_names_share_no_siblings(tmp_path: Path) -> None:
    first = repository(tmp_path / "1", 1) / "config.py"
    second = repository(tmp_path / "2", 2, ("other.py",)) / "other.py"
    known = spec(first), spec(second)
    assert (spec(first), spec(second)) == known
    load_analysis(str(first))
    assert Path(str(sys.modules["workflow"].__file__)).parent == first.parent


def test_a_file_with_an_analysis(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    text = "from pocket import Analysis\nanalysis = Analysis(name='mine', configs={'a': cfg}, default_config='a')\n"
    (folder / "config.py").write_text(CONFIG + text)
    assert load_analysis(str(folder / "config.py")).name == "mine"


def test_refused_names_that_are_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = load_analysis(str(repository(tmp_path / "plain") / "config.py")).config("config").plan().spec()
    folder = repository(tmp_path / "more")
    imports = (
        "import pocket_coffea.utils.rucio as ask\n"
        "from pocket_coffea.lib.jets import load_jet_factory, jet_selection\n"
        "from pocket_coffea.utils.plot_utils import PlotManager\nimport pocket_coffea.utils.stat.combine\n"
    )
    path = folder / "workflow.py"
    path.write_text(f"{imports}{path.read_text()}")
    path = folder / "config.py"
    path.write_text(f"{imports}{path.read_text()}")
    # An earlier test may have imported others.
    remark_refused_names()
    remark.cache_clear()
    caplog.clear()
    spec = load_analysis(str(path)).config("config").plan().spec()
    assert [record.message for record in caplog.records if "not here" in record.message] == [
        "not here, so that using them is an error: load_jet_factory, PlotManager (`law run Migrate` says more)"
    ]
    # What is only imported changes nothing.
    assert digest({**spec, "datasets": 0}) == digest({**plain, "datasets": 0})


def test_mistakes(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    path = folder / "config.py"
    with pytest.raises(ConfigError, match=r"--analysis .*/confg.py: there is no such file"):
        load_analysis(str(folder / "confg.py"))
    path.write_text(CONFIG.replace("cfg =", "config ="))
    with pytest.raises(ConfigError, match=r"config.py defines no 'cfg = Configurator\(…\)' and no 'analysis"):
        load_analysis(str(path))
    path.write_text("from pocket_coffea.utils.rucio import query_dataset\nquery_dataset()\n")
    with pytest.raises(ConfigError, match=r"rucio.query_dataset of PocketCoffea isn't here: .* \(in .*config.py:2\)"):
        load_analysis(str(path))
    path.write_text("from pocket_coffea.lib.cut_functions import get_nObj_mim\n")
    with pytest.raises(ConfigError, match=r"config.py:1: ImportError: .* did you mean .*'get_nObj_min'"):
        load_analysis(str(path))
    path.write_text("import workflw\n")
    with pytest.raises(ConfigError, match=r"config.py:1: ModuleNotFoundError: .*did you mean workflow\?"):
        load_analysis(str(path))


def test_names_are_those_of_the_original_of_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain_files.names_of(Path("/home/me/dimuon/config.py")) == ("dimuon", "config")
    monkeypatch.setattr(plain_files, "original", lambda path: f"/home/me/dimuon/{path.name}")
    assert plain_files.names_of(Path("/home/me/.snapshots/dc1b0899900f/config.py")) == ("dimuon", "config")

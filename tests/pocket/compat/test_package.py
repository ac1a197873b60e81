from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pocket.compat.package import default_folder, load_noting_files, write_package
from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError, PocketError
from tests.tasks.test_plain_files import PLAIN


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copytree(PLAIN, tmp_path / "repository", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "repository"


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_package_has_all_that_is_used(repository: Path, tmp_path: Path) -> None:
    path = repository / "configs" / "dimuon" / "config.py"
    (repository / "configs" / "dimuon" / "unused.py").write_text("")
    analysis, opened = load_noting_files(path)
    folder = tmp_path / "packages" / "my_dimuon"
    written = write_package(path, analysis, opened, folder)
    # The root of the package is the folder of all that is used, so that paths between the files stay.
    assert (
        files_in(folder)
        == set(map(str, written.files))
        == {
            "__init__.py",
            "common/__init__.py",
            "common/masses.py",
            "dimuon/config.py",
            "dimuon/custom_cuts.py",
            "dimuon/workflow.py",
            "dimuon/datasets/toys.json",
            "dimuon/params/object_preselection.yaml",
            "dimuon/params/toys.yaml",
        }
    )
    assert [path.name for path in folder.parent.iterdir()] == ["my_dimuon"]
    assert "pocket_coffea" not in (folder / "dimuon" / "config.py").read_text()
    # A path that was found beside the file only is made one.
    assert (
        '[os.path.join(os.path.dirname(__file__), "datasets/toys.json")]'
        in (folder / "dimuon" / "config.py").read_text()
    )
    shutil.rmtree(repository)
    loaded = load_analysis(str(folder))
    assert (loaded.name, list(loaded.configs)) == ("dimuon", ["config"])
    (before,), (after,) = analysis.configs.values(), loaded.configs.values()
    # NaN is an error in a package, see docs/reference/pocketcoffea.md.
    assert after.variables == {name: replace(conf, nan="error") for name, conf in before.variables.items()}
    assert set(after.definitions) == set(before.definitions)
    with pytest.raises(ConfigError, match=r"my_dimuon exists: name another folder by --to, or remove it"):
        write_package(path, analysis, opened, folder)


@pytest.mark.slow
def test_nothing_is_written_of_a_package_that_doesnt_load(repository: Path, tmp_path: Path) -> None:
    path = repository / "configs" / "dimuon" / "config.py"
    path.write_text(f"{path.read_text()}\nassert __name__ == 'config', 'alone only'\n")
    analysis, opened = load_noting_files(path)
    with pytest.raises(ConfigError, match=r"can't become a package as it is, nothing is written: .*alone only"):
        write_package(path, analysis, opened, tmp_path / "packages" / "mine")
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_file_with_an_analysis_is_one_already(repository: Path, tmp_path: Path) -> None:
    path = repository / "configs" / "dimuon" / "config.py"
    text = "from pocket import Analysis\nanalysis = Analysis(name='a', configs={'b': cfg}, default_config='b')\n"
    path.write_text(f"{path.read_text()}\n{text}")
    with pytest.raises(ConfigError, match="defines an analysis already"):
        write_package(path, *load_noting_files(path), tmp_path / "mine")


@pytest.mark.parametrize("name", ["my-analysis", "numpy", "pocket"])
def test_names_that_no_package_may_have(repository: Path, tmp_path: Path, name: str) -> None:
    path = repository / "configs" / "dimuon" / "config.py"
    with pytest.raises(PocketError, match=r"can't be the name of a package|there is a package"):
        write_package(path, *load_noting_files(path), tmp_path / name)


def test_names_of_files_and_folders(repository: Path, tmp_path: Path) -> None:
    folder = repository / "configs" / "dimuon"
    path = folder / "config_2l+jets.py"
    (folder / "config.py").rename(path)
    assert default_folder(path).parts[-2:] == ("analysis", "dimuon")
    written = write_package(path, *load_noting_files(path), tmp_path / "mine")
    assert Path("dimuon/config_2l_jets.py") in written.files
    assert list(load_analysis(str(tmp_path / "mine")).configs) == ["config_2l+jets"]


@pytest.mark.slow
def test_a_definition_of_the_working_directory(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository / "configs" / "dimuon"
    elsewhere = tmp_path / "elsewhere" / "datasets"
    elsewhere.mkdir(parents=True)
    (folder / "datasets" / "toys.json").rename(elsewhere / "my_toys.json")
    text = (folder / "config.py").read_text().replace("datasets/toys.json", "datasets/my_toys.json")
    (folder / "config.py").write_text(text)
    monkeypatch.chdir(elsewhere.parent)
    written = write_package(folder / "config.py", *load_noting_files(folder / "config.py"), tmp_path / "mine")
    # It is outside of the repository, so it stays where it is.
    assert f"['{elsewhere / 'my_toys.json'}']" in (written.folder / "dimuon" / "config.py").read_text()
    assert json.loads((elsewhere / "my_toys.json").read_text())

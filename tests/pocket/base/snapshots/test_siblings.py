from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pocket.base.snapshots import siblings
from pocket.base.snapshots.siblings import analysis_files, repository_of


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return write(
        tmp_path / "repository",
        {
            "setup.py": "",
            "configs/__init__.py": "",
            "configs/common/cuts.py": "import deeper\n",
            "configs/dimuon/config.py": "import workflow\nfrom configs.common.cuts import near\nimport numpy\n",
            "configs/dimuon/workflow.py": "def f():\n    import late\n",
            "configs/dimuon/params/muons.yaml": "pt: 20\n",
            "configs/dimuon/events.root": "",
            "configs/dimuon/plot.png": "",
            "deeper.py": "",
            "unused.py": "",
        },
    )


def test_a_configuration_file_has_its_folder_and_what_it_imports(repository: Path) -> None:
    config = repository / "configs/dimuon/config.py"
    assert repository_of(config) == repository
    assert sorted(file.relative_to(repository).as_posix() for file in analysis_files(config)) == [
        "configs/__init__.py",
        "configs/common/cuts.py",
        "configs/dimuon/config.py",
        "configs/dimuon/params/muons.yaml",
        "configs/dimuon/workflow.py",
        "deeper.py",
    ]


def test_events_and_figures_are_no_code(tmp_path: Path) -> None:
    folder = write(
        tmp_path, {"config.py": "import workflow\n", "workflow.py": "", "out.root": "", "a.pdf": "", "b.json": ""}
    )
    assert {file.name for file in analysis_files(folder / "config.py")} == {"config.py", "workflow.py", "b.json"}


def test_a_home_directory_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "_MOST_FILES", 3)
    many = {f"data/{number}.txt": "" for number in range(5)}
    folder = write(tmp_path, {"config.py": "import tools\n", "tools/a.py": "", "pt.yaml": "", **many})
    names = {file.relative_to(folder).as_posix() for file in analysis_files(folder / "config.py")}
    assert names == {"config.py", "pt.yaml", "tools/a.py"}


def test_what_git_ignores_stays_out(repository: Path) -> None:
    (repository / ".gitignore").write_text("secret.yaml\n")
    (repository / "configs/dimuon/secret.yaml").touch()
    subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    names = {file.name for file in analysis_files(repository / "configs/dimuon/config.py")}
    assert "secret.yaml" not in names
    assert "muons.yaml" in names


def test_without_a_repository_the_path_says_where_packages_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write(tmp_path, {"outside/configs/dimuon/config.py": ""}) / "outside/configs/dimuon/config.py"
    assert repository_of(config) == config.parent
    # That is how a job finds what was unpacked.
    monkeypatch.setenv("PYTHONPATH", f"/elsewhere:{tmp_path / 'outside'}")
    assert repository_of(config) == tmp_path / "outside"


def test_a_package_has_the_folder_beside_it(tmp_path: Path) -> None:
    package = write(tmp_path, {"mine/__init__.py": "import beside\n", "beside.py": "", "unused.py": ""}) / "mine"
    assert repository_of(package) == tmp_path
    assert {file.name for file in analysis_files(package)} == {"__init__.py", "beside.py"}

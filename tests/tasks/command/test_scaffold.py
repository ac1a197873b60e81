from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from pocket.errors import ConfigError
from tasks.command import scaffold
from tasks.command.scaffold import PARTS, SHIPPED, chosen_parts, new_package, new_repository, requirement
from tests.law_runner import ROOT

SELECTIONS = [parts for count in range(len(PARTS) + 1) for parts in itertools.combinations(PARTS, count)]


def run(folder: Path, *command: str, **environment: str) -> str:
    """Run a command of the environment of these tests in a folder, and return its output."""
    variables = {**os.environ, "RUFF_NO_CACHE": "true", **environment}
    scripts = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])
    result = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def of_project(folder: Path) -> Mapping[str, str]:
    """Return what setup.sh would set for a repository."""
    return {"POCKET_ROOT": str(folder), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}


def test_repository(tmp_path: Path) -> None:
    folder = new_repository("muons", tmp_path)
    assert folder == tmp_path / "muons"
    assert list(tmp_path.iterdir()) == [folder]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", ".gitignore", ".gitlab-ci.yml", "law.cfg", "datasets/toys.json", "muons/config.py"} <= files
    assert not {name for name in files if "scale_factors" in name or "calibrators" in name or name.endswith(".in")}
    for name in SHIPPED:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()
    assert "{{" not in "".join((folder / name).read_text() for name in files - {"setup.sh"})
    assert "default_analysis: muons" in (folder / "law.cfg").read_text()
    # in a checkout, the source is the checkout
    assert f"pocketlaw @ {ROOT.as_uri()}\n" in (folder / "requirements.txt").read_text()


def test_every_choice_of_parts_is_clean_code(tmp_path: Path) -> None:
    for number, parts in enumerate(SELECTIONS):
        new_repository(f"muons{number}", tmp_path, parts)
        new_package(f"muons{number}", checkout(tmp_path / f"checkout{number}"), parts)
        run(tmp_path / f"muons{number}", "ruff", "check", ".")
        run(tmp_path / f"muons{number}", "ruff", "format", "--check", ".")
    # the rules of this repository hold for an analysis in it
    config = str(ROOT / "pyproject.toml")
    folders = [str(tmp_path / f"checkout{number}" / "analysis") for number in range(len(SELECTIONS))]
    own = ("--config", 'lint.isort.known-first-party=["analysis", "pocket"]')
    run(tmp_path, "ruff", "check", "--config", config, *own, *folders)
    run(tmp_path, "ruff", "format", "--check", "--config", config, *folders)


def checkout(folder: Path) -> Path:
    (folder / "analysis").mkdir(parents=True)
    (folder / "analysis" / "__init__.py").touch()
    return folder


def test_own_tests_of_a_repository(tmp_path: Path) -> None:
    folder = new_repository("muons", tmp_path, PARTS)
    output = run(folder, "pytest", "-q", "-p", "no:cacheprovider", **of_project(folder))
    assert "4 passed" in output


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_continuous_integration(tmp_path: Path, kind: str) -> None:
    folder = new_repository("muons", tmp_path, ci=kind)
    (file,) = [path for path in folder.rglob("*.yml") if path.is_file()]
    content = yaml.safe_load(file.read_text())
    jobs = content["jobs"].values() if kind == "github" else [content["check"], content["toys"]]
    steps = [step for job in jobs for step in job.get("steps", job.get("script"))]
    commands = [str(step.get("run", "") if isinstance(step, dict) else step) for step in steps]
    assert any("source setup.sh" in command for command in commands)
    assert any("law run PlotTemplates" in command for command in commands)
    assert not list(new_repository("others", tmp_path, ci="none").rglob("*.yml"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "this is a keyword of Python"),
        ("match", "this is a keyword of Python"),
        ("json", "this is a module of Python"),
        ("tasks", "has a folder of this name"),
        ("pocket", "has a folder of this name"),
        ("analysis", "has a folder of this name"),
        ("tests", "has a folder of this name"),
        ("numpy", r"a module of this name is there already, /.+/numpy/__init__\.py$"),
        ("my-analysis", "a name has letters, digits and underscores"),
        ("2muons", "begins with a letter"),
        ("", "a name has letters"),
        ("../muons", "a name has letters"),
        ("müons", "a name has letters"),
    ],
)
def test_names_that_cannot_be(name: str, reason: str, tmp_path: Path) -> None:
    sentence = f"^the analysis can't be named '.*': .*{reason}"
    with pytest.raises(ConfigError, match=sentence):
        new_repository(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
    root = checkout(tmp_path / "checkout")
    with pytest.raises(ConfigError, match=sentence):
        new_package(name, root)
    assert [path.name for path in root.rglob("*")] == ["analysis", "__init__.py"]


def test_nothing_is_replaced_or_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "muons").mkdir()
    with pytest.raises(ConfigError, match=r"/muons exists already: choose another name, or remove it"):
        new_repository("muons", tmp_path)
    assert list((tmp_path / "muons").iterdir()) == []
    with pytest.raises(ConfigError, match=r"unknown part 'scale_factor' in --with, did you mean 'scale-factor'\?"):
        new_repository("others", tmp_path, ["scale_factor"])
    with pytest.raises(ConfigError, match=r"unknown kind 'gitlub' in --ci, did you mean 'gitlab'"):
        new_repository("others", tmp_path, ci="gitlub")
    with pytest.raises(ConfigError, match=r"no/where/others can't be made: No such file or directory"):
        new_repository("others", tmp_path / "no" / "where")
    with pytest.raises(ConfigError, match="is no checkout of Pocketlaw: leave out --here"):
        new_package("others", tmp_path)

    def fails(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device", "law.cfg")

    monkeypatch.setattr(Path, "write_text", fails)
    with pytest.raises(ConfigError, match=r"others can't be made: No space left on device \(law.cfg\)"):
        new_repository("others", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["muons"]


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "a folder" / "pocketlaw-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    assert requirement(str(wheel)) == f"pocketlaw @ file://{tmp_path}/a%20folder/pocketlaw-1-py3-none-any.whl"
    assert requirement("https://example.org/p.whl") == "pocketlaw @ https://example.org/p.whl"
    assert requirement("git+https://example.org/p@v1") == "pocketlaw @ git+https://example.org/p@v1"
    for line in ("pocketlaw==1.2", "pocketlaw[dask]>=1", "pocketlaw @ https://example.org/p.whl"):
        assert requirement(line) == line
    for wrong in ("no/file.whl", "numpy==2", "pocketlaw=1"):
        with pytest.raises(ConfigError, match=f"^--source {wrong} is no file, folder, URL or requirement such as"):
            requirement(wrong)

    class Installed:
        origin = ""

        def read_text(self, name: str) -> str:
            return self.origin

    monkeypatch.setattr(scaffold.metadata, "distribution", lambda name: Installed())
    assert requirement().startswith("pocketlaw==")
    Installed.origin = '{"url": "file:///wheels/p.whl", "archive_info": {}}'
    assert requirement() == "pocketlaw @ file:///wheels/p.whl"
    Installed.origin = '{"url": "https://example.org/p", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    assert requirement() == "pocketlaw @ git+https://example.org/p@abc"


def test_update(tmp_path: Path) -> None:
    folder = new_repository("muons", tmp_path)
    assert scaffold.update(folder) == []
    (folder / "setup.sh").write_text("# of an earlier release\n")
    (folder / "law.cfg").write_text("# mine\n")
    assert scaffold.update(folder) == ["setup.sh"]
    assert (folder / "setup.sh").read_bytes() == (ROOT / "setup.sh").read_bytes()
    assert (folder / "law.cfg").read_text() == "# mine\n"
    with pytest.raises(ConfigError, match=r"isn't the repository of an analysis: source its setup.sh first"):
        scaffold.update(ROOT)


def test_chosen_parts() -> None:
    assert chosen_parts([]) == []
    assert chosen_parts(["skim, columns", "skim", ","]) == ["skim", "columns"]

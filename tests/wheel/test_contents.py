"""The contents of the wheel, and fingerprints of an analysis that uses it."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pocket import __version__
from tasks.command.scaffold import PARTS, new_repository
from tests.law_runner import ROOT

#: what a checkout has at its top, and a wheel in pocket/data
SHIPPED = ("CHANGELOG.md", "law.cfg", "requirements.lock", "setup.sh")
DIGESTS = """
import json, sys
import pocket
from pocket.base.fingerprint import code_closure, digest
from pocket.configuration.loading import load_analysis
from tasks.core.loaded import PARTS

analysis = load_analysis(sys.argv[1])
configs = {f"{task} {name}": digest(PARTS[task](analysis, name)) for name in analysis.configs
           for task in ("RunProcessor", "PlotTemplates")}
configs["SkimEvents main"] = digest(PARTS["SkimEvents"](analysis, "main"))
print(json.dumps([pocket.__file__, configs]))
"""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the packages of the wheel, as an installation unpacks them."""
    folder = tmp_path_factory.mktemp("environment") / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files_in(folder: Path) -> set[str]:
    """Return the names of the files that git has below a folder of this checkout, without those that nobody ships."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=folder, capture_output=True, text=True
    )
    return {name for name in listed.stdout.splitlines() if (folder / name).exists()}


def test_wheel_has_all_files(installed: Path) -> None:
    assert {path.name for path in installed.iterdir()} == {"pocket", "tasks", f"pocketlaw-{__version__}.dist-info"}
    for package in ("pocket", "tasks"):
        found = {path.relative_to(installed / package) for path in (installed / package).rglob("*") if path.is_file()}
        code = {path.as_posix() for path in found if path.parts[0] != "data"}
        assert code == files_in(ROOT / package)
        assert (installed / package / "py.typed").is_file()
    data = installed / "pocket" / "data"
    for folder in ("params", "datasets"):
        found = {path.relative_to(data / folder) for path in (data / folder).rglob("*") if path.is_file()}
        assert {path.as_posix() for path in found} == files_in(ROOT / folder)
    for name in SHIPPED:
        assert (data / name).read_bytes() == (ROOT / name).read_bytes()


def test_metadata(installed: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    metadata = email.message_from_string((info / "METADATA").read_text(encoding="utf-8"))
    assert (metadata["Name"], metadata["Version"]) == ("pocketlaw", __version__)
    assert {"dask", "htcondor", "ml", "xrootd"} <= set(metadata.get_all("Provides-Extra") or ())
    assert "Typing :: Typed" in (metadata.get_all("Classifier") or ())
    assert "pocketlaw = tasks.command.main:main" in (info / "entry_points.txt").read_text()
    assert (info / "licenses" / "LICENSE").is_file()


def digests(engine: Path, project: Path, reference: str) -> tuple[str, dict[str, str]]:
    """Return the file of the engine, and the digests of what tasks of an analysis run."""
    environment = {
        **os.environ,
        "POCKET_ROOT": str(project),
        "PYTHONPATH": f"{engine}{os.pathsep}{project}",
        "POCKET_STORE": str(project / "store"),
    }
    run = subprocess.run(
        [sys.executable, "-P", "-c", DIGESTS, reference], env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    file, found = json.loads(run.stdout)
    return file, found


@pytest.mark.slow
def test_fingerprints_are_those_of_a_checkout(installed: Path, tmp_path: Path) -> None:
    project = new_repository("muons", tmp_path, PARTS)
    file, of_wheel = digests(installed, project, "muons")
    assert file == str(installed / "pocket" / "__init__.py")
    assert set(of_wheel) == {
        f"{task} {name}" for task in ("RunProcessor", "PlotTemplates") for name in ("main", "peak")
    } | {"SkimEvents main"}
    file, of_checkout = digests(ROOT, ROOT, str(project / "muons"))
    assert file == str(ROOT / "pocket" / "__init__.py")
    assert of_wheel == of_checkout


@pytest.mark.slow
def test_code_of_the_installed_engine_counts(installed: Path, tmp_path: Path) -> None:
    project = new_repository("muons", tmp_path, PARTS)
    _, before = digests(installed, project, "muons")
    path = installed / "pocket" / "objects" / "leptons.py"
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(
            text + "\n\n_former = lepton_selection\n\n\ndef lepton_selection(*a, **k):\n    return _former(*a, **k)\n"
        )
        _, after = digests(installed, project, "muons")
    finally:
        path.write_text(text, encoding="utf-8")
    assert {name for name in before if before[name] != after[name]} >= {"RunProcessor main", "RunProcessor peak"}


def test_default_parameters_of_an_installation_without_a_project(installed: Path, tmp_path: Path) -> None:
    code = "from pocket.parameters import get_default_parameters as g; print(len(g()), g().toys.scale)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POCKET_")}
    command = [sys.executable, "-P", "-c", code]
    run = subprocess.run(
        command, cwd=tmp_path, env={**environment, "PYTHONPATH": str(installed)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    sections, scale = run.stdout.split()
    assert int(sections) >= 10
    assert float(scale) == 1.0

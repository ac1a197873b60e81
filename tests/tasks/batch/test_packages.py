from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from tasks.batch import packages
from tasks.batch.packages import package_files, site_packages, with_requirements


@pytest.mark.slow
def test_what_jobs_need() -> None:
    files = package_files()
    tops = {path.parts[0] for path in files}
    assert {"awkward", "coffea", "law", "luigi", "numba", "numpy", "uproot"} <= tops
    # that only other extras ask for
    assert not {"mypy", "pytest", "bokeh", "distributed", "mkdocs", "onnx"} & tops
    # with their data and what tells their version, but nothing that Python makes by itself
    assert {"METADATA"} <= {path.name for path in files if path.parts[0].startswith("coffea-")}
    assert not [path for path in files if path.suffix == ".pyc"]
    assert all((site_packages() / path).is_file() for path in files)


def test_with_requirements() -> None:
    found = with_requirements(["hist[plot]>=2", "no-such-package", "pytest; python_version < '3'"])
    # matplotlib by way of an extra
    assert {"hist", "boost-histogram", "numpy", "matplotlib"} <= found
    assert not {"no-such-package", "pytest"} & found
    assert "matplotlib" not in with_requirements(["hist"])
    assert with_requirements([]) == set()


def make(folder: Path, name: str, **files: str) -> None:
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text("")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "RECORD").write_text(f"{name}.py,,\n")
    for file, content in files.items():
        (info / file.replace("_json", ".json")).write_text(content)


def test_packages_that_nobody_names_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "site_packages", lambda: tmp_path)
    make(tmp_path, "mine")
    make(tmp_path, "pytest")
    names = {path.name for path in package_files()}
    assert "mine.py" in names
    assert "pytest.py" not in names


def test_what_jobs_need_of_an_installed_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.batch.packages.engine_root", lambda: tmp_path)
    monkeypatch.setattr(packages, "site_packages", lambda: tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("pocketlaw", "base", "models", "tools", "mine"):
        make(tmp_path, name)
    extras = "Provides-Extra: ml\nProvides-Extra: dev\n"
    required = "Requires-Dist: base\nRequires-Dist: models; extra == 'ml'\nRequires-Dist: tools; extra == 'dev'\n"
    with (tmp_path / "pocketlaw-1.dist-info" / "METADATA").open("a") as file:
        file.write(required + extras)
    names = {path.name for path in package_files() if path.suffix == ".py"}
    assert names == {"pocketlaw.py", "base.py", "models.py", "mine.py"}


def test_what_cannot_be_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "site_packages", lambda: tmp_path)
    make(tmp_path, "mine", direct_url_json=json.dumps({"url": "file:///mine", "dir_info": {"editable": True}}))
    with pytest.raises(ConfigError, match="package mine is installed as a link to its code"):
        package_files()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    with pytest.raises(ConfigError, match=r"a bundle is made of the environment of setup.sh, but .* is in none"):
        package_files()

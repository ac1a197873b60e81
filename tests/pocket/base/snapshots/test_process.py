from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket.base.snapshots import process
from pocket.base.snapshots.process import current_snapshot, located, original, shown, snapshots_of
from pocket.executors.code import code_folders

#: prints where modules come from, and which path a person sees
SCRIPT = """
import importlib, sys
from pathlib import Path
import pocket
from pocket.base.snapshots.process import run_from_snapshot
pocket.errors

snapshot = run_from_snapshot(Path(sys.argv[1]))
for name in sys.argv[2:]:
    importlib.import_module(name)
from pocket.base.snapshots.process import current_snapshot, shown
assert current_snapshot() == snapshot, current_snapshot()
for name in sys.argv[2:]:
    print(Path(sys.modules[name].__file__).relative_to(snapshot))
print(Path(pocket.__file__).relative_to(snapshot), Path(pocket.__spec__.origin).relative_to(snapshot))
print(Path(sys.modules[pocket.errors.ConfigError.__module__].__file__).relative_to(snapshot))
print(shown(f"error in {snapshot}/pocket/cuts/cut.py"))
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout of which this process believes that it runs from a snapshot."""
    folder = tmp_path / "checkout"
    (folder / "analysis" / "mine").mkdir(parents=True)
    (folder / "analysis" / "mine" / "__init__.py").touch()
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(process, "_known", {})
    place = snapshots_of(folder)
    tree = process.read_tree(folder, place / "index.json")
    monkeypatch.setenv("POCKET_ROOT", str(process.make_snapshot(tree, place)))
    monkeypatch.setattr(sys, "path", [*sys.path])
    process.origin_of.cache_clear()
    process._outside.cache_clear()
    yield folder
    process.origin_of.cache_clear()
    process._outside.cache_clear()


def outside(tmp_path: Path) -> Path:
    """An analysis outside of the checkout, which imports what is beside it."""
    for name, text in {
        "ntuples/__init__.py": "import tools.io\nfrom plain import PT\nfrom . import cuts\nimport numpy\n",
        "ntuples/cuts.py": "from pathlib import Path\n\n\ndef f():\n    import late\n",
        "tools/__init__.py": "",
        "tools/io.py": "import further\n",
        "plain.py": "PT = 1\n",
        "late.py": "",
        "further.py": "",
        "unused/__init__.py": "",
        "numbers.txt": "1 2",
    }.items():
        (tmp_path / "elsewhere" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "elsewhere" / name).write_text(text)
    return tmp_path / "elsewhere" / "ntuples"


def test_modules_are_loaded_from_the_snapshot(tmp_path: Path) -> None:
    root = Path(__file__).absolute().parents[4]
    checkout = tmp_path / "check out"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "pocket", "tasks", ".gitignore"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    for name in names:
        if (root / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((root / name).read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(checkout), "POCKET_STORE": str(tmp_path / "store")}
    modules = ("pocket.cuts.cut", "pocket.base.snapshots.process", "tasks.batch.causes")
    command = [sys.executable, "-P", "-c", SCRIPT, str(checkout), *modules]
    run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    *loaded, package, public, sentence = run.stdout.splitlines()
    assert loaded == [f"{name.replace('.', '/')}.py" for name in modules]
    assert (package, public) == ("pocket/__init__.py pocket/__init__.py", "pocket/errors.py")
    assert sentence == f"error in {checkout}/pocket/cuts/cut.py"


def test_without_a_snapshot_nothing_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert current_snapshot() is None
    assert located(str(outside(tmp_path))) == str(tmp_path / "elsewhere" / "ntuples")
    assert original(tmp_path) == str(tmp_path)


def test_an_analysis_of_the_checkout(checkout: Path) -> None:
    root = current_snapshot()
    assert root is not None
    assert located("mine") == "mine"
    place = located(str(checkout / "analysis" / "mine"))
    assert place == str(root / "analysis" / "mine")
    assert located(place) == place
    assert original(place) == str(checkout / "analysis" / "mine")
    assert shown(f"in {place}/cuts.py") == f"in {checkout}/analysis/mine/cuts.py"


def test_an_analysis_elsewhere_comes_with_what_it_imports(checkout: Path, tmp_path: Path) -> None:
    folder = outside(tmp_path)
    place = Path(located(str(folder)))
    assert place != folder
    for name in ("tools/io.py", "plain.py", "late.py", "further.py", "ntuples/cuts.py"):
        copy = place.parent / name
        assert copy.read_text() == (folder.parent / name).read_text()
        assert copy.resolve().is_relative_to(place.parent.resolve())
    for name in ("unused", "numbers.txt"):
        assert (place.parent / name).resolve() == (folder.parent / name).resolve()
    assert original(place / "cuts.py") == str(folder / "cuts.py")
    (folder / "cuts.py").write_text("")
    assert (place / "cuts.py").read_text() != ""


def test_data_at_the_top_of_a_repository_are_found(checkout: Path, tmp_path: Path) -> None:
    folder = outside(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "weights.json").write_text("{}")
    place = Path(located(str(folder)))
    assert (place.parents[1] / "weights.json").read_text() == "{}"


def test_a_package_by_its_name(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = outside(tmp_path)
    sys.path.append(str(folder.parent))
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    assert located("ntuples.first") == "ntuples.first"
    first, second = os.environ["PYTHONPATH"].split(os.pathsep)
    assert sys.path[0] == first
    assert original(first) == str(folder.parent)
    assert second == "/somewhere"
    # of installed ones, and those that don't exist, nothing is copied
    for name in ("law.contrib", "no_such_package.at_all"):
        assert located(name) == name
    assert os.environ["PYTHONPATH"].count(os.pathsep) == 1


def test_no_analysis_there(checkout: Path, tmp_path: Path) -> None:
    assert located(str(tmp_path / "nothing")) == str(tmp_path / "nothing")


def test_the_place_of_snapshots_belongs_to_the_user(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = snapshots_of(checkout)
    assert place.is_relative_to(checkout / ".law")
    place.chmod(0o777)
    assert snapshots_of(checkout) == place
    assert not place.stat().st_mode & 0o077
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    (checkout / ".law" / f"running-{place.stat().st_uid + 1}").mkdir()
    (Path(os.environ["POCKET_STORE"]) / ".records" / f"running-{place.stat().st_uid + 1}").mkdir(parents=True)
    with pytest.raises(PermissionError):
        snapshots_of(checkout)


def test_of_a_checkout_that_can_not_be_written(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / ".law").rename(checkout / "away")
    (checkout / ".law").touch()
    assert snapshots_of(checkout).is_relative_to(Path(os.environ["POCKET_STORE"]) / ".records")


def test_what_an_analysis_imports_is_sent_to_workers(checkout: Path, tmp_path: Path) -> None:
    place = Path(located(str(outside(tmp_path))))
    sent = {folder.parent: folder.names for folder in code_folders(str(place))}
    assert sent[str(place.parent)] == ("further.py", "late.py", "ntuples", "plain.py", "tools")
    (found,) = (folder for folder in code_folders(str(place)) if folder.parent == str(place.parent))
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        assert {"plain.py", "ntuples/cuts.py", "tools/io.py"} <= set(archive.namelist())

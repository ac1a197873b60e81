from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pocket.executors.code import CodeFolder, code_folders
from pocket.executors.dask_jobs import prepare_workers, run_on_dask
from pocket.executors.remote import (
    FAILED,
    PLACES,
    RUN,
    PrepareWorker,
    ProxyOnWorker,
    content_digest,
    moved,
    run_job,
    source_files,
)
from tests.facility import Facility
from tests.law_runner import ROOT


def test_source_files(tmp_path: Path) -> None:
    for name in ("b/x.py", "a/z.py", "a/sub/y.yaml", "a/.git/config", "a/__pycache__/z.py", "a/e.root", "c/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert source_files(tmp_path, ["b", "a"]) == ["a/sub/y.yaml", "a/z.py", "b/x.py"]
    assert source_files(tmp_path, ["none"]) == []
    before = content_digest(tmp_path, ["a"])
    assert content_digest(tmp_path, ["a"]) == before
    (tmp_path / "a" / "e.root").write_text("more events")
    assert content_digest(tmp_path, ["a"]) == before
    (tmp_path / "a" / "z.py").write_text("changed")
    changed = content_digest(tmp_path, ["a"])
    (tmp_path / "a" / "z.py").rename(tmp_path / "a" / "y.py")
    assert len({before, changed, content_digest(tmp_path, ["a"])}) == 3


def test_moved() -> None:
    places = {"/home/me": "/scratch/0", "/home/me/project": "/scratch/1"}
    assert moved("/home/me/project", places) == "/scratch/1"
    assert moved("/home/me/project/analysis/x", places) == "/scratch/1/analysis/x"
    assert moved("/home/me/projects", places) == "/scratch/0/projects"
    assert moved("/home/you", places) == "/home/you"
    assert moved("zmumu", places) == "zmumu"


def test_proxy_is_not_shown() -> None:
    plugin = ProxyOnWorker(b"secret")
    assert "secret" not in f"{plugin!r} {plugin}"


@dataclasses.dataclass(frozen=True)
class Report:
    """Writes where the code is; ``analysis`` is that of a job of the tasks."""

    analysis: str
    path: Path
    size: int = 1

    def run(self, progress: Any) -> None:
        """Do it."""
        import pocket
        from pocket.configuration.loading import load_analysis
        from pocket.parameters.locations import project_root

        name = load_analysis(self.analysis).name
        self.path.write_text("\n".join([str(pocket.__file__), str(project_root()), self.analysis, name]))
        progress(self.size)


def report(client: Any, run: str, folders: list[CodeFolder], analysis: Path, path: Path) -> list[str]:
    prepare_workers(client, run, folders, {"POCKET_ROOT": str(ROOT)}, new=False)
    jobs = {"branch": Report(str(analysis), path)}
    run_on_dask(jobs, lambda amount: None, client=client, run=run, worker_timeout=60.0, logs="the logs")
    return path.read_text().split("\n")


@pytest.mark.slow
def test_code_is_used_in_place_or_unpacked(facility: Facility, tmp_path: Path) -> None:
    from distributed import Client

    analysis = tmp_path / "elsewhere" / "small"
    shutil.copytree(ROOT / "tests" / "tasks" / "small", analysis)
    folders = code_folders(str(analysis))
    project = next(folder for folder in folders if folder.parent == str(ROOT))
    # the class of the job, too
    packages = CodeFolder.read(ROOT, (*project.names, "tests"))
    shared = [packages if folder is project else folder for folder in folders]
    with Client(facility.address, timeout=30) as client:
        in_place = report(client, "run-1", shared, analysis, tmp_path / "1")
        assert in_place == [str(ROOT / "pocket" / "__init__.py"), str(ROOT), str(analysis), "small"]

        # a worker that sees another version of the analysis takes what was sent
        (analysis / "__init__.py").write_text("raise RuntimeError('older version')")
        _, root, place, name = report(client, "run-2", shared, analysis, tmp_path / "2")
        assert root == str(ROOT)
        assert place.endswith("/small")
        assert place != str(analysis)
        assert name == "small"

        # and so does one that sees nothing of it
        shutil.rmtree(analysis.parent)
        hidden = [dataclasses.replace(folder, digest="that of no folder") for folder in shared]
        pocket, root, place, name = report(client, "run-3", hidden, analysis, tmp_path / "3")
        assert os.path.commonpath([pocket, root]) == root
        assert "pocketlaw-run-3" in root
        assert "pocketlaw-run-3" in place
        assert name == "small"


def test_code_that_a_worker_cannot_read_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "code" / "mine").mkdir(parents=True)
    (tmp_path / "code" / "mine" / "__init__.py").write_text("")
    folder = CodeFolder.read(tmp_path / "code", ["mine"])
    given = [(folder.parent, folder.names, folder.digest, folder.content)]
    worker = SimpleNamespace(local_directory=str(tmp_path / "worker"), memory_manager=SimpleNamespace())
    monkeypatch.setattr("pocket.executors.openssl.keep_errors_apart", lambda: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(sys, "path", list(sys.path))

    def refuse(parent: Path, names: Any) -> str:
        raise PermissionError(13, "Permission denied", str(parent))

    monkeypatch.setattr("pocket.executors.remote.content_digest", refuse)
    PrepareWorker("run", given, {}, new=True).setup(cast(Any, worker))
    assert vars(worker)[RUN] == "run"
    assert Path(getattr(worker, PLACES)[folder.parent], "mine", "__init__.py").is_file()


def test_a_failed_set_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(local_directory=str(tmp_path / "file"), address="tcp://a:1")
    (tmp_path / "file").touch()
    PrepareWorker("run", [("/nowhere", ("mine",), "digest", b"no archive")], {}, new=True).setup(cast(Any, worker))
    assert vars(worker)[RUN].startswith(f"{FAILED}: BadZipFile: ")
    monkeypatch.setattr("pocket.executors.remote.get_worker", lambda: worker)
    with pytest.raises(
        RuntimeError, match=r"^worker tcp://a:1 can't be set up for jobs: BadZipFile: File is not a zip"
    ):
        run_job(b"", "run", (), {})
    vars(worker)[RUN] = "another"
    with pytest.raises(RuntimeError, match="was taken over by another run"):
        run_job(b"", "run", (), {})


def test_an_installed_package_is_loaded_from_the_own_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others may have been compiled for another Python, and must not come before the modules of this one."""
    installed = tmp_path / "site-packages"
    (installed / "mine").mkdir(parents=True)
    (installed / "mine" / "__init__.py").write_text("")
    folder = CodeFolder.read(installed, ["mine"])
    worker = SimpleNamespace(local_directory=str(tmp_path / "worker"), memory_manager=SimpleNamespace())
    monkeypatch.setattr("pocket.executors.openssl.keep_errors_apart", lambda: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def places(path: list[str]) -> tuple[str, list[str]]:
        """Return where a worker with this search path has the package, and its search path afterwards."""
        monkeypatch.setattr(sys, "path", list(path))
        vars(worker).pop(RUN, None)
        given = [(folder.parent, folder.names, folder.digest, folder.content)]
        PrepareWorker("run", given, {}, new=True).setup(cast(Any, worker))
        return getattr(worker, PLACES)[str(installed)], list(sys.path)

    others = list(sys.path)
    own = [*others, str(installed)]
    assert places(own) == (str(installed), own)
    unpacked = f"{worker.local_directory}/pocketlaw-run/0"
    assert places(others) == (unpacked, [unpacked, *others])

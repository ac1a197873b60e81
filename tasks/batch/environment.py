"""Environments of jobs: the checkout and packages of the user who submits them, or a bundle of both that is sent along.

law's own bundle of a repository (law.contrib.git) has no packages, isn't reproducible and isn't verified by jobs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pocket.base.snapshots.process import (
    analysis_snapshot,
    current_snapshot,
    import_root,
    original,
    package_folder,
    snapshot_of,
)
from pocket.base.snapshots.siblings import analysis_files
from pocket.base.snapshots.sources import is_secret, source_files
from pocket.base.snapshots.trees import BY_JOBS, read_mark
from pocket.errors import ConfigError
from pocket.io.store import store_root
from pocket.io.store.publishing import replacing_file
from pocket.parameters.locations import project_root
from pocket.parameters.shipped import analysis_package
from tasks.batch.archive import Archive, make_archive, plan_archive
from tasks.batch.packages import package_files, site_packages
from tasks.settings.own_modules import indexed_files
from tasks.settings.remote_store import remote_store

#: folder below the working directory where a job unpacks the bundle
UNPACKED = "bundle"
#: folders in the bundle of the code: the checkout, and the folder of an analysis outside of it
_CHECKOUT, _OUTSIDE = "checkout", "outside"
#: variables about the task that a job runs, such as its fingerprint and records, with the names of the script
NOTHING_KNOWN = dict.fromkeys(("expected", "records", "host_kind", "container", "site_setup", "proxy", "own_store"), "")
#: largest size of the code before compression, in bytes; anything larger isn't only code
MAX_CODE = 200_000_000
#: scratch space that a job needs in addition to the bundle, in bytes
_SCRATCH = 2_000_000_000


@dataclass(frozen=True)
class JobEnvironment:
    """Everything that a job needs before its task can run.

    The script ``bootstrap`` in this folder sets the variables, and the files are transferred to the job's working
    directory. ``disk`` is scratch space in bytes, 0 for the batch system's default.
    """

    bootstrap: str
    analysis: str
    variables: Mapping[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)
    disk: int = 0

    @property
    def bootstrap_file(self) -> Path:
        return Path(__file__).with_name(self.bootstrap)


def job_environment(kind: str, folder: Path, analysis: str, make: bool = True) -> JobEnvironment:
    """Return the environment of jobs; unless ``make``, missing archives of a bundle are only named."""
    from pocket.configuration.loading import absolute_reference

    store = {"pocket_store": str(store_root().absolute()), "pocket_remote_store": remote_store() or "", **NOTHING_KNOWN}
    if kind == "shared":
        root = os.environ["POCKET_ROOT"]
        if make and (snapshot := current_snapshot()) is not None:
            _keep_for_jobs(snapshot, analysis_snapshot(absolute_reference(analysis)))
        config, usual = os.environ.get("LAW_CONFIG_FILE", ""), Path(original(root), "law.cfg")
        # Jobs have the file with law's settings of the checkout anyway.
        is_own = bool(config) and Path(config).resolve() != usual.resolve()
        own = {
            "pocket_environment": os.environ.get("POCKET_ENVIRONMENT", ""),
            "law_config": str(Path(config).absolute()) if is_own else "",
        }
        return JobEnvironment("bootstrap.sh", absolute_reference(analysis), {**store, "pocket_root": root, **own})
    code, environment, reference = _bundle(folder, absolute_reference(analysis), make)
    variables = {
        **store,
        "code_sha256": code.sha256,
        "packages_sha256": environment.sha256,
        "python": str(Path(sys.base_prefix, "bin", f"python{_python_version()}")),
        "python_version": _python_version(),
        "python_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    }
    files = {"code_archive": code.path, "packages_archive": environment.path}
    disk = sum(archive.size + archive.unpacked for archive in (code, environment)) + _SCRATCH
    return JobEnvironment("bootstrap_bundle.sh", reference, variables, files, disk)


def _keep_for_jobs(root: Path, analysis: Path | None) -> None:
    """Keep snapshots for as long as jobs may wait, and give them the index of tasks so that jobs needn't make it."""
    with contextlib.suppress(OSError):
        for snapshot in {root, analysis or root}:
            (snapshot / BY_JOBS).touch()
        newest = max(file.stat().st_mtime for file in indexed_files(root))
        index, place = Path(os.environ["LAW_HOME"], "index"), root / ".law" / "index"
        if not place.exists() and index.stat().st_mtime > newest:
            place.parent.mkdir(exist_ok=True)
            with replacing_file(place) as file:
                file.write(index.read_bytes())


# The result is cached per process: retried jobs run with what earlier jobs had, and with the code that is loaded here.
@functools.cache
def _bundle(folder: Path, analysis: str, make: bool) -> tuple[Archive, Archive, str]:
    """Return the archive of the code, the archive of the packages, and the reference of the analysis in a job."""
    root = project_root().absolute()
    code, reference = code_members(root, analysis)
    library = f".venv/lib/python{_python_version()}/site-packages"
    installed = site_packages()
    packages = {f"{library}/{path.as_posix()}": installed / path for path in package_files()}
    archive = make_archive if make else plan_archive
    return archive(folder, "code", code), archive(folder, "packages", packages), reference


def code_members(root: Path, analysis: str) -> tuple[dict[str, Path], str]:
    """Return the code that jobs of an analysis need as name in the bundle → file, and the analysis' reference there."""
    store = store_root().absolute()
    members = {
        f"{_CHECKOUT}/{file.as_posix()}": root / file
        for file in _code_files(root)
        if not (root / file).is_relative_to(store)
    }
    is_path = analysis.startswith("/")
    package = "" if is_path else analysis_package(analysis).partition(".")[0]
    folder = Path(analysis).resolve() if is_path else package_folder(package)
    reference, place = analysis, ""
    if folder is None:
        raise ConfigError(f"package {package!r} of --analysis {analysis} has no folder to be put into a bundle")
    if folder.is_relative_to(root.resolve()) and not folder.is_relative_to(sys.prefix):
        place = f"{_CHECKOUT}/{folder.relative_to(root.resolve()).as_posix()}"
    elif not folder.is_relative_to(site_packages()):
        base = snapshot_of(folder) or (import_root(folder) if folder.is_file() else folder.parent)
        place = f"{_OUTSIDE}/{folder.relative_to(base).as_posix()}"
        members |= {f"{_OUTSIDE}/{file.as_posix()}": base / file for file in _outside_files(folder, base)}
    if is_path:
        inner = "" if folder.is_file() else "/__init__.py"
        if f"{place}{inner}" not in members:
            raise ConfigError(f"{folder}{inner} wouldn't be in the bundle: a .gitignore excludes it")
        reference = f"./{UNPACKED}/{place}"
    sizes = {file: file.stat().st_size for file in members.values()}
    if sum(sizes.values()) > MAX_CODE:
        largest = max(sizes, key=lambda file: sizes[file])
        raise ConfigError(
            f"the code for a bundle has {sum(sizes.values()) / 1e6:.0f} MB, more than {MAX_CODE / 1e6:.0f} MB; the "
            f"largest file is {largest}: name in .gitignore what isn't code"
        )
    return members, reference


def _outside_files(analysis: Path, base: Path) -> list[Path]:
    """Return the files of an analysis outside of the checkout, relative to a folder."""
    if snapshot_of(analysis):
        # A snapshot has the modules beside the analysis that it imports.
        return _code_files(base)
    if analysis.is_file():
        return [file.relative_to(base) for file in analysis_files(analysis) if not is_secret(file)]
    return [Path(analysis.name, file) for file in source_files(analysis)]


def _code_files(folder: Path) -> list[Path]:
    """Return the files of a checkout's code, or those that were copied into a snapshot."""
    mark = read_mark(folder)
    if mark is None:
        return source_files(folder)
    files = mark["files"]
    assert isinstance(files, dict)
    return [Path(name) for name in files]


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"

"""Code that runs on Dask workers. It is sent by value, so it imports only the standard library and Dask.

A worker that has the folders of the code with the same content, on a shared file system, uses them. Any other unpacks
what was sent. A worker that can't write to the store has a folder of its own in its place. Either way a job runs only
in a process that belongs to its run: one that has been used before may have older code, or older corrections, in
memory.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import secrets
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dask.utils import SerializableLock
from distributed import Worker, WorkerPlugin, get_worker

#: attribute of a worker: the run that its process belongs to
RUN = "pocketlaw_run"
#: attribute of a worker: folder of code, or of the store, where the run was started → folder here
PLACES = "pocketlaw_places"
#: attribute of a worker: sentences about its packages, see :func:`compared_packages`
PACKAGES = "pocketlaw_packages"
#: several threads of a worker would hinder each other
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
#: where the certificates of the grid's authorities are, unless the worker's site says otherwise
CERTIFICATES = "/cvmfs/grid.cern.ch/etc/grid-security/certificates/"
_DATA = (".root", ".parquet", ".pyc")


def source_files(parent: Path, names: Iterable[str]) -> list[str]:
    """Return files, also those in folders, relative to their parent, sorted; no hidden ones, bytecode or events."""
    found = []
    for name in names:
        if (parent / name).is_file():
            found.append(name)
        for folder, subfolders, files in os.walk(parent / name):
            subfolders[:] = [sub for sub in subfolders if not sub.startswith(".") and sub != "__pycache__"]
            kept = [file for file in files if not file.startswith(".") and not file.endswith(_DATA)]
            found += [(Path(folder) / file).relative_to(parent).as_posix() for file in kept]
    return sorted(found)


def content_digest(parent: Path, names: Iterable[str]) -> str:
    """Return a hash of the names and contents of these files."""
    digest = hashlib.sha256()
    for name in source_files(parent, names):
        digest.update(f"{name}\0{hashlib.sha256((parent / name).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def moved(path: str, places: Mapping[str, str]) -> str:
    """Return where a path lies on this worker, the longest folder that holds it first."""
    for old in sorted(places, key=len, reverse=True):
        if path == old or path.startswith(f"{old}/"):
            return places[old] + path[len(old) :]
    return path


@dataclass(frozen=True)
class SharedStore:
    """The store, and a file in it by which a worker knows whether it is the same there.

    Args:
        root: folder of the store.
        probe: the file; workers that see the store can write beside it.
        token: its content.
    """

    root: str
    probe: str
    token: str

    def is_writable(self) -> bool:
        """Whether this process sees the store and can write there."""
        probe = Path(self.probe)
        try:
            if probe.read_text(encoding="utf-8") != self.token:
                return False
            written = probe.with_name(f"{probe.name}-{secrets.token_hex(8)}")
            written.touch(exist_ok=False)
            written.unlink()
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Differences:
    """Packages of a worker that aren't those of the run.

    Args:
        missing: their names.
        others: name and version of each that has another version.
    """

    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def compared_packages(versions: Mapping[str, str]) -> Differences:
    """Return which packages are missing here, or have another version than the given one."""
    missing, others = [], []
    for name, version in versions.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
        else:
            if found != version:
                others.append(f"{name} {found}")
    return Differences(tuple(missing), tuple(others))


class PrepareWorker(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Makes the code of the jobs known to each worker, those included that join later.

    Args:
        run: identity of the run.
        folders: parent, names, digest and ZIP file of each folder of code.
        variables: environment variables to set; those that are paths below a parent follow it.
        new: the worker's process was started for this run.
        store: the store, ``None`` if the worker sees it for certain.
        versions: package → version that decides what outputs are.
    """

    name = "pocketlaw-code"

    def __init__(
        self,
        run: str,
        folders: list[tuple[str, tuple[str, ...], str, bytes]],
        variables: Mapping[str, str],
        *,
        new: bool,
        store: SharedStore | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.folders = folders
        self.variables = dict(variables)
        self.new = new
        self.store = store
        self.versions = dict(versions or {})

    def setup(self, worker: Worker) -> None:
        """Find or unpack the code, unless the process has been used before."""
        if getattr(worker, RUN, None) is not None or ("pocket" in sys.modules and not self.new):
            setattr(worker, RUN, getattr(worker, RUN, None) or "another")
            return
        unpacked = Path(worker.local_directory) / f"pocketlaw-{self.run}"
        places = {}
        for number, (parent, names, digest, content) in enumerate(self.folders):
            places[parent] = parent
            if content_digest(Path(parent), names) != digest:
                places[parent] = str(unpacked / str(number))
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    archive.extractall(places[parent])
        if self.store is not None and not self.store.is_writable():
            places[self.store.root] = str(unpacked / "store")
        # caches of the engine are no results that Dask could write to disk; paused, the worker would wait for ever
        for limit in ("memory_pause_fraction", "memory_spill_fraction", "memory_target_fraction"):
            setattr(worker.memory_manager, limit, False)
        os.environ.update(ONE_THREAD)
        os.environ["POCKET_HOST_KIND"] = "dask"
        os.environ.update({name: moved(value, places) for name, value in self.variables.items()})
        # outputs are filled here, and copied to the store once
        os.environ["POCKET_SCRATCH"] = worker.local_directory
        sys.path[:] = [*places.values(), *(path for path in sys.path if path not in places.values())]
        # only now it can be found
        from pocket.executors.openssl import keep_errors_apart

        keep_errors_apart()
        setattr(worker, PACKAGES, compared_packages(self.versions))
        setattr(worker, PLACES, places)
        setattr(worker, RUN, self.run)


class ProxyOnWorker(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Gives each worker the user's X509 proxy, readable by them only, until the run is over.

    Args:
        content: the proxy.
        certificates: folder of the authorities' certificates on the workers; by default what the worker has set.
    """

    name = "pocketlaw-proxy"

    def __init__(self, content: bytes, certificates: str | None = None) -> None:
        self.content = content
        self.certificates = certificates

    def __repr__(self) -> str:
        """Say nothing of the content, which would end in a log."""
        return "ProxyOnWorker()"

    @staticmethod
    def path(worker: Worker) -> Path:
        """Return the place of the proxy, in the folder that the worker removes at its end."""
        return Path(worker.local_directory) / "pocketlaw-x509-proxy"

    def setup(self, worker: Worker) -> None:
        """Write the proxy and set X509_USER_PROXY and X509_CERT_DIR."""
        path = self.path(worker)
        path.unlink(missing_ok=True)
        # readable by the user only from its first moment
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(self.content)
        os.environ["X509_USER_PROXY"] = str(path)
        if self.certificates is not None:
            os.environ["X509_CERT_DIR"] = self.certificates
        else:
            os.environ.setdefault("X509_CERT_DIR", CERTIFICATES)

    def teardown(self, worker: Worker) -> None:
        """Remove the proxy."""
        path = self.path(worker)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        if os.environ.get("X509_USER_PROXY") == str(path):
            del os.environ["X509_USER_PROXY"]


def run_of_worker(dask_worker: Worker) -> str | None:
    """Return the run that a worker's process belongs to."""
    return getattr(dask_worker, RUN, None)


def state_of_worker(dask_worker: Worker) -> tuple[dict[str, str], Differences]:
    """Return the places of a worker that was prepared, and the packages that differ there."""
    return getattr(dask_worker, PLACES, {}), getattr(dask_worker, PACKAGES, Differences())


def run_job(payload: bytes, run: str, inputs: tuple[str, ...], contents: Mapping[str, bytes]) -> Any:
    """Run a job.

    Args:
        payload: the pickled job.
        run: the run that it belongs to.
        inputs: paths of the files that it reads, where the run was started.
        contents: path → content of those that the worker may not see.

    Returns:
        The :class:`pocket.executors.travel.Outcome`. An error of the job is part of it: Dask would write one that is
        raised into its logs, with all that was sent.

    Raises:
        RuntimeError: if the worker belongs to another run.
    """
    worker = get_worker()
    if getattr(worker, RUN, None) != run:
        raise RuntimeError(f"worker {worker.address} was taken over by another run, whose code may differ")
    # the engine isn't made for threads; a worker should have just one
    with SerializableLock("pocketlaw"):
        # only now it can be found
        travel = importlib.import_module("pocket.executors.travel")
        places, differences = state_of_worker(worker)
        return travel.run_here(payload, places, inputs, contents, worker.address, differences.missing)


class Call:
    """A call that takes place where it is unpickled.

    The scheduler unpickles the arguments of tasks, but not what is in their bytes, so it needs none of this code.
    """

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Be a call of :func:`run_job`."""
        return run_job, self.arguments

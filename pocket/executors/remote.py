"""Code that runs on Dask workers. It is sent by value, so it imports only the standard library and Dask.

A worker uses the folders of the code on a shared file system if their content is the same; otherwise it unpacks the
code that was sent. A worker that can't write to the store uses a folder of its own instead. A job only runs in a
process that belongs to its run, because a used process may have older code or corrections in memory.
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
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

from dask.utils import SerializableLock
from distributed import Worker, WorkerPlugin, get_worker

#: attribute of a worker: the run that its process belongs to
RUN = "pocketlaw_run"
#: attribute of a worker: folder of code, or of the store, where the run was started → folder here
PLACES = "pocketlaw_places"
#: attribute of a worker: differences of its packages, see :func:`compared_packages`
PACKAGES = "pocketlaw_packages"
#: beginning of what stands for the run of a worker that can't be set up
FAILED = "can't be set up for jobs"
#: environment variables for one thread per worker, since several threads would compete
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
#: folder of the grid authorities' certificates, unless the worker's environment names another one
CERTIFICATES = "/cvmfs/grid.cern.ch/etc/grid-security/certificates/"
_DATA = (".root", ".parquet", ".pyc")


def source_files(parent: Path, names: Iterable[str]) -> list[str]:
    """Return the sorted files in folders, relative to their parent, without hidden files, bytecode or events."""
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
    """Return a hash of the names and contents of the source files in folders."""
    digest = hashlib.sha256()
    for name in source_files(parent, names):
        digest.update(f"{name}\0{hashlib.sha256((parent / name).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def moved(path: str, places: Mapping[str, str]) -> str:
    """Return a path on this worker; of several folders that contain it, the longest one counts."""
    for old in sorted(places, key=len, reverse=True):
        if path == old or path.startswith(f"{old}/"):
            return places[old] + path[len(old) :]
    return path


@dataclass(frozen=True)
class SharedStore:
    """The store, with a file and its content, by which workers recognise it, and beside which they can write."""

    root: str
    probe: str
    token: str

    def is_writable(self) -> bool:
        """Whether this process sees the store and can write to it."""
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
    """Packages of a worker that differ from those of the run: missing ones, and others with their versions."""

    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def compared_packages(versions: Mapping[str, str]) -> Differences:
    """Return the packages that are missing here or have another version than the given one."""
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


@dataclass(eq=False, repr=False)
class PrepareWorker(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Provides the code of the jobs to each worker, including those that join later."""

    name: ClassVar[str] = "pocketlaw-code"

    run: str
    folders: list[tuple[str, tuple[str, ...], str, bytes]]  # Parent, names, digest and ZIP file of each folder of code.
    variables: Mapping[str, str]  # Environment variables to set; paths below a parent are adapted to the worker.
    new: bool
    store: SharedStore | None = None  # There is none if the worker is known to see the store.
    versions: Mapping[str, str] = field(default_factory=dict)

    def setup(self, worker: Worker) -> None:
        """Find or unpack the code, unless the process has been used before; a failure is noted as the worker's run."""
        try:
            self._prepare(worker)
        except Exception as error:
            setattr(worker, RUN, f"{FAILED}: {type(error).__name__}: {error}")

    def _prepare(self, worker: Worker) -> None:
        if getattr(worker, RUN, None) is not None or ("pocket" in sys.modules and not self.new):
            setattr(worker, RUN, getattr(worker, RUN, None) or "another")
            return
        unpacked = Path(worker.local_directory) / f"pocketlaw-{self.run}"
        places = {}
        for number, (parent, names, digest, content) in enumerate(self.folders):
            places[parent] = parent
            # Packages of another environment may not fit this Python, so only those of this process count.
            is_same = False
            # Those of another account may not be readable.
            with suppress(OSError):
                is_here = not _has_packages(parent) or parent in sys.path
                is_same = is_here and content_digest(Path(parent), names) == digest
            if not is_same:
                places[parent] = str(unpacked / str(number))
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    archive.extractall(places[parent])
        if self.store is not None and not self.store.is_writable():
            places[self.store.root] = str(unpacked / "store")
        # Dask can't write the engine's caches to disk, so a worker that it paused would wait for ever.
        for limit in ("memory_pause_fraction", "memory_spill_fraction", "memory_target_fraction"):
            setattr(worker.memory_manager, limit, False)
        os.environ.update(ONE_THREAD)
        os.environ["POCKET_HOST_KIND"] = "dask"
        os.environ.update({name: moved(value, places) for name, value in self.variables.items()})
        # Outputs are filled in this folder, and then copied to the store once.
        os.environ["POCKET_SCRATCH"] = worker.local_directory
        # A folder of packages stays where it is, behind the modules of Python.
        first = [place for place in places.values() if not _has_packages(place)]
        sys.path[:] = [*first, *(path for path in sys.path if path not in first)]
        # There, a configuration file finds the packages of its repository.
        others = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join([*first, others]).rstrip(os.pathsep)
        # The package can be found only now.
        from pocket.executors.openssl import keep_errors_apart

        keep_errors_apart()
        setattr(worker, PACKAGES, compared_packages(self.versions))
        setattr(worker, PLACES, places)
        setattr(worker, RUN, self.run)


def _has_packages(folder: str) -> bool:
    """Whether a folder has all packages of an environment."""
    return Path(folder).name in ("site-packages", "dist-packages")


@dataclass(eq=False, repr=False)
class ProxyOnWorker(WorkerPlugin):  # type: ignore[misc, unused-ignore]
    """Gives each worker the user's X.509 proxy, readable for the user only, until the run is over."""

    name: ClassVar[str] = "pocketlaw-proxy"

    content: bytes
    certificates: str | None = None
    before: dict[str, str | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return a representation without the content, since it may end up in a log."""
        return "ProxyOnWorker()"

    @staticmethod
    def path(worker: Worker) -> Path:
        """Return the path of the proxy, in the folder that the worker removes at its end."""
        return Path(worker.local_directory) / "pocketlaw-x509-proxy"

    def setup(self, worker: Worker) -> None:
        """Write the proxy and set X509_USER_PROXY and X509_CERT_DIR."""
        path = self.path(worker)
        self.before = {name: os.environ.get(name) for name in ("X509_USER_PROXY", "X509_CERT_DIR")}
        path.unlink(missing_ok=True)
        # The file is readable for the user only from its creation on.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(self.content)
        os.environ["X509_USER_PROXY"] = str(path)
        if self.certificates is not None:
            os.environ["X509_CERT_DIR"] = self.certificates
        else:
            os.environ.setdefault("X509_CERT_DIR", CERTIFICATES)

    def teardown(self, worker: Worker) -> None:
        """Remove the proxy, and set the variables as they were."""
        with suppress(OSError):
            self.path(worker).unlink(missing_ok=True)
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_of_worker(dask_worker: Worker) -> str | None:
    """Return the run of a worker's process."""
    return getattr(dask_worker, RUN, None)


def state_of_worker(dask_worker: Worker) -> tuple[dict[str, str], Differences]:
    """Return the places of a prepared worker, and the packages that differ there."""
    return getattr(dask_worker, PLACES, {}), getattr(dask_worker, PACKAGES, Differences())


def run_job(payload: bytes, run: str, inputs: tuple[str, ...], contents: Mapping[str, bytes]) -> Any:
    """Run a job of a run, whose inputs or their contents a worker may not see, and return its outcome.

    The outcome includes an error of the job, because Dask would log a raised error with all data that were sent.
    """
    worker = get_worker()
    found = getattr(worker, RUN, None)
    if found is None or found.startswith(FAILED):
        raise RuntimeError(f"worker {worker.address} {found or FAILED}")
    if found != run:
        raise RuntimeError(f"worker {worker.address} was taken over by another run, whose code may differ")
    # The engine isn't thread-safe, although a worker should have only one thread.
    with SerializableLock("pocketlaw"):
        # The module can be found only now.
        travel = importlib.import_module("pocket.executors.travel")
        places, differences = state_of_worker(worker)
        return travel.run_here(payload, places, inputs, contents, worker.address, differences.missing)


class Call:
    """A call that is executed where it is unpickled.

    The scheduler unpickles the arguments of tasks, but not the bytes among them, so it needs none of this code.
    """

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle as a call of :func:`run_job`."""
        return run_job, self.arguments

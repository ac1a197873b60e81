"""Checks of credentials, packages, folders and batch systems, each with its result. No result contains a secret."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

from pocket.errors import ConfigError
from pocket.executors.proxy import MAKE_PROXY, check_proxy, in_words, proxy_ends, proxy_path
from pocket.io.remote.client import client_is_installed
from tasks.batch.control import BatchControl
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem
from tasks.settings.own_modules import indexed_files


class Status(Enum):
    """Severity of a result."""

    OK = "ok"
    #: jobs may work nevertheless
    WARNING = "warning"
    #: jobs would fail
    PROBLEM = "problem"


@dataclass(frozen=True)
class Result:
    """The result of a check."""

    name: str
    status: Status
    found: str
    advice: str = ""

    @property
    def line(self) -> str:
        return f"{self.status.value:<8} {self.name:<12} {self.found}{f' → {self.advice}' if self.advice else ''}"


def of_text(name: str, text: str, status: Status = Status.PROBLEM) -> Result:
    """Return the result for a sentence that ends with the remedy, after a colon or semicolon."""
    cut = max(text.rfind(": "), text.rfind("; "))
    return Result(name, status, text[:cut], text[cut + 2 :])


#: age in days from which lists of revoked certificates count as old; authorities renew them more often
OLD_LISTS = 7
CVMFS_AUTHORITIES = "/cvmfs/grid.cern.ch/etc/grid-security/certificates"


def grid_proxy(options: BatchControl) -> Result:
    """Return whether there is a private X.509 proxy that lives as long as jobs may run."""
    wanted = options.site_inst.proxy
    place = wanted or "auto"
    path = proxy_path(place)
    if not wanted and not path.exists():
        return Result("proxy", Status.OK, f"none at {path}; only files on the grid and DBS need one")
    try:
        if wanted:
            options.job_proxy(options.needs.runtime)
        else:
            check_proxy(place, 0)
        ends, attributes = proxy_ends(place)
    except ConfigError as error:
        return of_text("proxy", str(error), Status.PROBLEM if wanted else Status.WARNING)
    left = min(ends, attributes or ends) - datetime.now(UTC)
    found = f"{path} lives for {in_words(left.total_seconds())}"
    if attributes is None:
        return Result("proxy", Status.WARNING, f"{found}, without attributes of VOMS", MAKE_PROXY)
    if options.workflow != "local" and not wanted:
        found += "; jobs don't get it without --proxy auto"
    return Result("proxy", Status.OK, found)


def authorities() -> Result:
    """Return whether the certificates of grid authorities are available, with recent revocation lists."""
    from pocket.datasets.catalogues.web import authorities as chosen

    folder = chosen()
    if not isinstance(folder, str):
        advice = f"export X509_CERT_DIR={CVMFS_AUTHORITIES}"
        return Result("authorities", Status.WARNING, "no certificates of the grid's authorities are here", advice)
    number = len(list(Path(folder).glob("*.0")))
    if not number:
        advice = "set X509_CERT_DIR to a folder with certificates of authorities"
        return Result("authorities", Status.WARNING, f"no certificates are in {folder}", advice)
    lists = [path.stat().st_mtime for path in Path(folder).glob("*.r0")]
    found = f"{number} in {folder}"
    if lists and time.time() - max(lists) > OLD_LISTS * 86400:
        days = (time.time() - max(lists)) / 86400
        return Result("authorities", Status.WARNING, f"{found}, with revocation lists {days:.0f} days old", "fetch-crl")
    return Result("authorities", Status.OK, found)


def token() -> Result | None:
    """Return whether the bearer token is valid and private, ``None`` if WLCG's discovery finds no token."""
    text, where = os.environ.get("BEARER_TOKEN", ""), "in BEARER_TOKEN"
    if not text:
        path = next(filter(Path.is_file, _token_files()), None)
        if path is None:
            return None
        where = f"in {path}"
        try:
            mode, text = path.stat().st_mode, path.read_text()
        except (OSError, ValueError):
            return Result("token", Status.WARNING, f"the one {where} can't be read", "get a new one")
        if mode & 0o077:
            return Result("token", Status.PROBLEM, f"others can use the one {where}", f"chmod 600 {path}")
    ends = _token_ends(text.strip())
    if ends is None:
        return Result("token", Status.OK, f"one is {where}; it doesn't say how long it lives")
    left = ends - time.time()
    if left <= 0:
        return Result("token", Status.WARNING, f"the one {where} expired {in_words(-left)} ago", "get a new one")
    return Result("token", Status.OK, f"the one {where} lives for {in_words(left)}")


def _token_files() -> list[Path]:
    if given := os.environ.get("BEARER_TOKEN_FILE"):
        return [Path(given)]
    folders = [os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp"]
    return [Path(folder, f"bt_u{os.getuid()}") for folder in folders if folder]


def _token_ends(text: str) -> float | None:
    """Return the expiry time of a JSON web token (RFC 7519), in seconds since 1970."""
    try:
        claims = text.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


#: packages that affect numbers, or without which nothing runs
LOOKED_AT = (
    "awkward", "boost-histogram", "coffea", "correctionlib", "h5py", "hist", "law", "luigi", "numba", "numpy",
    "omegaconf", "scipy", "uproot", "vector",
)  # fmt: skip
_LOCKED = re.compile(r"^([\w.-]+)==([^\s;]+)(?:\s*;\s*([^\\\n]+))?", re.MULTILINE)


def decompression() -> Result:
    """Return the library that unpacks files compressed by LZMA."""
    from pocket.io.nanoaod.baskets import liblzma_version, xz_library

    system = f"liblzma {liblzma_version() or 'of Python'}"
    if xz_library() == "lzma":
        return Result("LZMA", Status.OK, f"unpacked by {system}")
    return Result("LZMA", Status.OK, f"unpacked by cramjam, since {system} takes longer")


def packages(lock: Path) -> Result:
    """Return whether the imported packages are those of the lock."""
    is_system = os.environ.get("POCKET_ENVIRONMENT") == "system"
    # A container image has the lock of its packages beside them.
    if is_system and not Path(sys.prefix, lock.name).is_file():
        return Result("packages", Status.OK, f"those of {sys.executable}, as POCKET_ENVIRONMENT says")
    locked = {
        name: version
        for name, version, marker in _LOCKED.findall(lock.read_text(encoding="utf-8"))
        if not marker or Marker(marker).evaluate()
    }
    for name in LOOKED_AT:
        spec = importlib.util.find_spec(name.replace("-", "_"))
        place = Path(spec.origin).parent if spec is not None and spec.origin else None
        if place is None or not place.is_relative_to(sys.prefix):
            found = f"{name} is imported from {place or 'nowhere'}, not from {sys.prefix}"
            return Result(
                "packages", Status.PROBLEM, found, "leave PYTHONPATH empty and source setup.sh in a new shell"
            )
        if (version := metadata.version(name)) != locked.get(name, version):
            found = f"{name} is {version}, but {locked[name]} in {lock.name}"
            remedy = "build the image anew" if is_system else "source setup.sh"
            return Result("packages", Status.WARNING, found, remedy)
    return Result("packages", Status.OK, f"those of {lock.name}, in {sys.prefix}")


GB = 1e9
#: free space in GB below which there is a problem or a warning
TOO_LITTLE, LITTLE = 1.0, 10.0


def placement(problems: Sequence[str], site: str) -> list[Result]:
    """Return one result for each folder that is in a wrong place, or one if there is none."""
    if not problems:
        return [Result("placement", Status.OK, f"site {site!r} takes the checkout, the store, and the logs")]
    return [of_text("placement", problem) for problem in problems]


def writable(name: str, folder: Path, variable: str) -> Result:
    """Return whether a folder, which needn't exist yet, can be written and has free space."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    advice = f"set {variable} to a folder with space that you can write"
    if there == Path(there.anchor) and len(folder.absolute().parts) > 2:
        # A file system such as AFS isn't mounted, so the free space of the root means nothing.
        top = Path(*folder.absolute().parts[:2])
        return Result(name, Status.PROBLEM, f"{folder} doesn't exist here, because this machine has no {top}", advice)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(there).free / GB
    except OSError as error:
        return Result(name, Status.PROBLEM, f"{there} can't be written: {error.strerror}", advice)
    where = f"{folder} has" if there == folder else f"{folder} doesn't exist yet; {there} has"
    found = f"{where} {free:.1f} GB left"
    if free < TOO_LITTLE:
        return Result(name, Status.PROBLEM, found, advice)
    if free < LITTLE:
        return Result(name, Status.WARNING, found, advice)
    return Result(name, Status.OK, found)


def index(file: Path, checkout: Path) -> Result:
    """Return whether law's index of the tasks is newer than they are."""
    if not file.is_file():
        return Result("index", Status.WARNING, f"law has no index {file}", "source setup.sh")
    indexed = file.stat().st_mtime
    for path in indexed_files(checkout):
        if path.stat().st_mtime > indexed:
            return Result("index", Status.WARNING, f"{path} is newer than law's index", "source setup.sh")
    return Result("index", Status.OK, f"{file} is newer than all tasks")


SECONDS = 60
#: length of the part of a command's error message that is shown
MOST_CHARACTERS = 300


def batch_system(system: BatchSystem) -> Result:
    """Return whether a batch system is installed, its queue answers and it has machines."""
    missing = [command for command in system.commands if not shutil.which(command)]
    if missing:
        advice = "log in to a machine of the site that takes submissions"
        return Result(system.name, Status.PROBLEM, f"{missing[0]} isn't on PATH", advice)
    for question in (system.queue, system.machines):
        try:
            answer = subprocess.run(question, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            found = f"{question[0]} doesn't answer within {SECONDS} s"
            return Result(system.name, Status.PROBLEM, found, "try another submit machine, or later")
        if answer.returncode:
            reason = textwrap.shorten(answer.stderr or answer.stdout, MOST_CHARACTERS, placeholder=" …")
            found = f"{question[0]} fails: {reason}"
            return Result(system.name, Status.PROBLEM, found, "try another submit machine, or later")
    if not answer.stdout.strip():
        advice = "ask those who run it, or wait"
        return Result(system.name, Status.WARNING, "the queue answers, but no machine is there", advice)
    return Result(system.name, Status.OK, "the queue answers, and there are machines")


def systems_here() -> Result:
    """Return which batch systems this machine has, for runs that need none."""
    here = {kind: system.name for kind, system in BATCH_SYSTEMS.items() if all(map(shutil.which, system.commands))}
    found = "; ".join(f"{name} is here (--workflow {kind} checks it)" for kind, name in here.items())
    return Result("batch system", Status.OK, found or "none is here, and local runs need none")


def xrootd_client() -> Result:
    """Return whether the packages for root:// files are installed."""
    if client_is_installed():
        return Result("XRootD", Status.OK, "the packages for root:// files are here")
    advice = "source setup.sh, or pip install 'pocketlaw[xrootd]'"
    return Result(
        "XRootD", Status.WARNING, "fsspec-xrootd and xrootd aren't installed, which root:// files need", advice
    )

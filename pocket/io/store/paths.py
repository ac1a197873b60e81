"""Paths in the store, which are readable and consist of names only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocket.base.file_names import check_store_name
from pocket.errors import ConfigError, PocketError

#: What stands for the store in names of paths.
STORE = "<store>"


def store_root() -> Path:
    """Return the folder of all outputs: ``$POCKET_STORE``, by default ``$POCKET_ROOT/store``."""
    if store := os.environ.get("POCKET_STORE") or os.environ.get("POCKET_ROOT"):
        if "$" in store:
            raise ConfigError(f"outputs can't go to {store}: set POCKET_STORE to a folder without '$' in its path")
        return Path(store) if os.environ.get("POCKET_STORE") else Path(store) / "store"
    raise ConfigError("POCKET_STORE is not set: source setup.sh, or set it to the folder that outputs go to")


def store_path(analysis: str, task: str, config: str, version: str, fingerprint: str) -> Path:
    """Return the folder of one output, ``$POCKET_STORE/<analysis>/<task>/<config>/<version>/<fingerprint>``."""
    names = {"analysis": analysis, "task": task, "config": config, "version": version, "fingerprint": fingerprint}
    for kind, name in names.items():
        check_store_name(kind, name)
    return store_root().joinpath(*names.values())


def store_name(path: str) -> str:
    """Return the name of a path that holds wherever the store is: ``<store>/…`` for one in the store."""
    root = f"{store_root()}/"
    return f"{STORE}/{path.removeprefix(root)}" if path.startswith(root) else path


def store_file(name: str) -> str:
    """Return the path that a name from :func:`store_name` has in the store as it is now."""
    return f"{store_root()}{name.removeprefix(STORE)}" if name.startswith(f"{STORE}/") else name


def own_folder(folder: Path) -> Path:
    """Return a folder for data that only one user can use, such as jobs in a queue and their logs."""
    # In a store shared by several users, only the first one has this folder; the others have folders beside it.
    try:
        owner = folder.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return folder
    user = os.geteuid()
    is_own = owner == user or owner == _owner_of_new(folder.parent)
    return folder if is_own else folder.with_name(f"{folder.name}-{user}")


def private_folder(folder: Path) -> Path:
    """Return a folder, which is made if needed, that only this user can enter: jobs run what is in it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        with opened(folder):
            return folder
    except OSError as error:
        raise PocketError(f"{folder} can't be made: {error.strerror}") from error


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Path]:
    """Yield a path that leads to a private folder itself, whatever others put in its place meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        owner, place = os.fstat(descriptor).st_uid, Path(f"/proc/{os.getpid()}/fd/{descriptor}")
        if owner != os.geteuid() and owner != _owner_of_new(place):
            raise PocketError(f"{folder} belongs to somebody else, who could change what your jobs run: remove it")
        # An earlier version made it for the group; not every file system has modes.
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o700)
        if os.fstat(descriptor).st_mode & 0o022:
            raise PocketError(f"others may write to {folder}, and so change what your jobs run: chmod 700 {folder}")
        yield place
    finally:
        os.close(descriptor)


def _owner_of_new(folder: Path) -> int | None:
    """Return the owner of a new file in a folder: a file server may know its users by other numbers."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_uid
    except OSError:
        return None

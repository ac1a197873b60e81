"""Snapshots that this process runs from, and the original locations of files in them."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import site
import sys
import sysconfig
from pathlib import Path

from pocket.base.snapshots.siblings import analysis_files, repository_of
from pocket.base.snapshots.trees import make_snapshot, read_mark, read_tree, use

#: Packages of the checkout that may be loaded when a command begins, and are loaded again from the snapshot.
_OWN = ("analysis", "pocket", "tasks")

#: Snapshot → original, of all snapshots that this process knows.
_known: dict[str, str] = {}


def run_from_snapshot(root: Path) -> Path:
    """Take a snapshot of a checkout, make this process and its children load all from it, and return it."""
    root = Path(os.path.abspath(root))  # noqa: PTH100  Links stay.
    # The default store is below the checkout, so it is set before the checkout is replaced by the snapshot.
    os.environ.setdefault("POCKET_STORE", str(root / "store"))
    place = snapshots_of(root)
    snapshot = make_snapshot(read_tree(root, place / f"index-{root.name}.json"), place)
    use(snapshot)
    os.environ["POCKET_ROOT"] = str(snapshot)
    sys.path[:] = _replaced(sys.path, root, snapshot)
    paths = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(_replaced(paths.split(os.pathsep) if paths else [], root, snapshot))
    _load_anew(root, snapshot)
    return snapshot


def snapshots_of(root: Path) -> Path:
    """Return the folder of the user's snapshots, which nobody else can enter; it is made if needed."""
    # Jobs can read the checkout. If it can't be written, the folder is in the store, unless others may write there.
    name = f"running-{os.geteuid()}"
    places = [root / ".law", Path(os.environ.get("POCKET_STORE") or root / "store") / ".records"]
    for place in places:
        folder = place / name
        try:
            place.mkdir(parents=True, exist_ok=True)
            if place is places[-1] and (place.stat().st_mode | place.parent.stat().st_mode) & 0o022:
                raise PermissionError(f"others may write to {place}, and so change the code that runs")
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        except OSError:
            if place is places[-1]:
                raise
            continue
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            folder.chmod(0o700)
            found = folder.lstat()
        if found.st_uid == os.geteuid() and not found.st_mode & 0o077 and os.access(folder, os.W_OK):
            return folder
    raise PermissionError(f"{folder} can be written by others, or not at all")


def _replaced(paths: list[str], root: Path, snapshot: Path) -> list[str]:
    """Return a search path with the snapshot instead of the checkout; without a checkout, the snapshot comes first."""
    real = os.path.realpath(root)
    found = [str(snapshot) if path and os.path.realpath(path) == real else path for path in paths]
    return found if str(snapshot) in found else [str(snapshot), *found]


def _load_anew(root: Path, snapshot: Path) -> None:
    # An analysis with a repository of its own has none of the engine's packages, which are installed then.
    copied = {name for name in _OWN if (snapshot / name).is_dir()}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in copied:
            continue
        path = getattr(module, "__path__", None)
        if name in _OWN and path is not None:
            # The package itself is loaded already; its modules will come from the snapshot.
            file = str(snapshot / name / "__init__.py")
            module.__path__, module.__file__ = [str(snapshot / name)], file
            if module.__spec__ is not None:
                module.__spec__.submodule_search_locations, module.__spec__.origin = module.__path__, file
            loaded = {inner.rpartition(".")[2] for inner in sys.modules if inner.rpartition(".")[0] == name}
            # Public names that were used are kept in the package, too.
            for inner in loaded | {*getattr(module, "__all__", ())}:
                vars(module).pop(inner, None)
        else:
            del sys.modules[name]
    importlib.invalidate_caches()


def current_snapshot() -> Path | None:
    """Return the snapshot of the checkout that this process runs from, ``None`` if it runs from the checkout."""
    root = os.environ.get("POCKET_ROOT")
    return Path(root) if root and origin_of(root) else None


@functools.cache
def origin_of(folder: str) -> str | None:
    """Return the original of a snapshot, ``None`` for any other folder."""
    mark = read_mark(Path(folder))
    if mark is None:
        return None
    _known[folder] = str(mark["origin"])
    return _known[folder]


def snapshot_of(path: Path) -> Path | None:
    """Return the snapshot that a path lies in, ``None`` if there is none."""
    return next((folder for folder in (path, *path.parents) if origin_of(str(folder))), None)


def import_root(path: Path) -> Path:
    """Return the root of the repository, or the snapshot, that a file lies in, where it may import packages from."""
    return snapshot_of(path) or repository_of(path)


def analysis_snapshot(reference: str) -> Path | None:
    """Return the snapshot that contains an analysis, given its reference as :func:`located` returns it."""
    if reference.startswith("/"):
        return snapshot_of(Path(reference))
    if "." not in reference:
        return current_snapshot()
    folder = package_folder(reference.partition(".")[0])
    return snapshot_of(folder) if folder else None


def package_folder(name: str) -> Path | None:
    """Return the folder of a top-level package, ``None`` if there is no such folder."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # The module was loaded by hand, without a spec.
        return None
    found = list(spec.submodule_search_locations or ()) if spec else []
    return Path(found[0]).absolute() if found else None


def original(path: str | Path) -> str:
    """Return the original location of a path in a snapshot; any other path stays as it is."""
    snapshot = snapshot_of(Path(path))
    if snapshot is None:
        return str(path)
    return str(Path(_known[str(snapshot)]) / Path(path).relative_to(snapshot))


def shown(text: str) -> str:
    """Return a message with original paths instead of those of snapshots, for users."""
    if current_snapshot() is not None or _known:
        for snapshot, origin in _known.items():
            text = text.replace(snapshot, origin)
    return text


def located(reference: str) -> str:
    """Return the reference of an analysis in a snapshot if this process runs from one, else the reference itself.

    The reference is a name, dotted package, or absolute path of a package's folder or a configuration file. For an
    analysis outside of the checkout, a snapshot is taken, including the modules beside it that it imports.
    """
    root = current_snapshot()
    if root is None:
        return reference
    if not reference.startswith("/"):
        if "." in reference:
            _find_package(reference.partition(".")[0], root)
        return reference
    place = Path(reference).resolve()
    if snapshot_of(place) is not None or not ((place / "__init__.py").is_file() or place.is_file()):
        return reference
    checkout = Path(_known[str(root)]).resolve()
    if place.is_relative_to(checkout):
        inside = root / place.relative_to(checkout)
        return str(inside if inside.exists() else place)
    return str(_outside(place, root))


def _find_package(name: str, root: Path) -> None:
    """Load a package outside of the checkout from a snapshot, unless it is installed."""
    if name in _OWN:
        return
    folder = package_folder(name)
    installed = [sys.prefix, sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), site.getusersitepackages()]
    if folder is None or any(folder.is_relative_to(place) for place in installed):
        return
    if snapshot_of(folder) is None:
        parent = str(_outside(folder, root).parent)
        sys.path[:] = [parent, *(path for path in sys.path if path != parent)]
        os.environ["PYTHONPATH"] = os.pathsep.join([parent, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


@functools.cache
def _outside(analysis: Path, root: Path) -> Path:
    """Take a snapshot of an analysis outside of the checkout, and return its place in the snapshot."""
    place = snapshots_of(Path(_known[str(root)]))
    # Code may use data anywhere in its repository.
    base = repository_of(analysis)
    names = [str(path.relative_to(base)) for path in analysis_files(analysis)]
    tree = read_tree(base, place / f"index-{analysis.name}.json", names)
    snapshot = make_snapshot(tree, place)
    use(snapshot)
    origin_of(str(snapshot))
    return snapshot / analysis.relative_to(base)

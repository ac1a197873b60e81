"""The code of jobs, which workers on other machines find or unpack."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pocket.base.snapshots.process import current_snapshot, import_root, package_folder, snapshot_of
from pocket.base.snapshots.siblings import analysis_files
from pocket.base.snapshots.trees import read_mark
from pocket.errors import ConfigError
from pocket.executors.remote import content_digest, source_files
from pocket.parameters.locations import project_root
from pocket.parameters.shipped import analysis_package

#: folders of a checkout with packages and the files that they read
PROJECT_FOLDERS = ("pocket", "tasks", "analysis", "params", "datasets")
#: largest size of the code that is sent, in bytes before compression
MAX_SIZE = 50_000_000


@dataclass(frozen=True)
class CodeFolder:
    """Packages and data in the same parent folder: a hash of all files in them, and a ZIP archive with them."""

    parent: str
    names: tuple[str, ...]
    digest: str
    content: bytes

    @classmethod
    def read(cls, parent: Path, names: Iterable[str]) -> CodeFolder:
        """Return the content of folders, without hidden files, ROOT and parquet files."""
        chosen = tuple(sorted(names))
        files = source_files(parent, chosen)
        sizes = {name: (parent / name).stat().st_size for name in files}
        if sum(sizes.values()) > MAX_SIZE:
            largest = max(sizes, key=lambda name: sizes[name])
            raise ConfigError(
                f"the code in {parent} ({', '.join(chosen)}) has {sum(sizes.values()) / 1e6:.0f} MB, too much to send "
                f"to workers; the largest file is {largest}"
            )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in files:
                archive.write(parent / name, name)
        return cls(str(parent), chosen, content_digest(parent, chosen), buffer.getvalue())


def code_folders(analysis: str) -> list[CodeFolder]:
    """Return the code and its files for jobs of an analysis, which may be outside of the project."""
    root = project_root().absolute()
    places = {root: {name for name in PROJECT_FOLDERS if (root / name).is_dir()}}
    packages = {"pocket", "tasks"}
    if analysis.endswith(".py"):
        file = Path(analysis).expanduser().absolute()
        base = import_root(file)
        places.setdefault(base, set()).update(path.relative_to(base).parts[0] for path in analysis_files(file))
    elif "/" in analysis or analysis.startswith("."):
        folder = Path(analysis).expanduser().absolute()
        places.setdefault(folder.parent, set()).update({folder.name, *_beside(folder)})
    else:
        packages.add(analysis_package(analysis).partition(".")[0])
    for name in packages:
        if (package := package_folder(name)) is not None:
            places.setdefault(package.parent, set()).update({name, *_beside(package)})
    return [CodeFolder.read(parent, names) for parent, names in places.items() if names]


def _beside(package: Path) -> set[str]:
    """Return the modules beside an analysis outside of the checkout that its snapshot has, since it imports them."""
    snapshot = snapshot_of(package)
    mark = read_mark(snapshot) if snapshot is not None and snapshot != current_snapshot() else None
    if snapshot is None or mark is None:
        return set()
    files = mark["files"]
    assert isinstance(files, dict)
    parent = package.parent.relative_to(snapshot)
    inside = [Path(name).relative_to(parent) for name in files if Path(name).is_relative_to(parent)]
    return {path.parts[0] for path in inside}

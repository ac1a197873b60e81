"""Reading of other people's dataset definitions, filesets, parameter files and plotting styles, with refusals by cause.

python -m benchmarks.foreign_files FOLDER...
"""

from __future__ import annotations

import json
import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pocket.compat.parameters import get_defaults_and_compose
from pocket.datasets.definition_files import read_definitions
from pocket.errors import PocketError
from pocket.parameters.plain import to_plain
from pocket.plots.style import PlotStyle

#: Folders that hold no analysis.
_PASSED_OVER = (".git", ".github", "build")


@dataclass
class Tally:
    """What became of files of one kind.

    Args:
        accepted: number of files that were read.
        refused: cause → files.
    """

    accepted: int = 0
    refused: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total(self) -> int:
        """Number of all files."""
        return self.accepted + sum(map(len, self.refused.values()))

    def count(self, path: Path, read: Callable[[Path], object]) -> None:
        """Read a file, and count it."""
        try:
            read(path)
        except PocketError as error:
            self.refused[str(error).replace(str(path), "FILE")].append(path)
        else:
            self.accepted += 1


def tallies(folders: Iterable[Path]) -> dict[str, Tally]:
    """Return kind of file → what became of the files in some folders."""
    found: dict[str, Tally] = defaultdict(Tally)
    for path in _files(folders):
        content = _content(path)
        if path.suffix == ".json" and _are_datasets(content):
            built = all("metadata" in dataset for dataset in content.values())
            found["filesets" if built else "definitions"].count(path, lambda file: read_definitions([file]))
        elif path.suffix != ".json" and isinstance(content, Mapping):
            found["parameters"].count(path, get_defaults_and_compose)
            if "plotting_style" in content:
                found["styles"].count(path, _read_style)
    return dict(found)


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder).parts
            if path.suffix in (".json", ".yaml", ".yml") and not set(inside) & set(_PASSED_OVER) and path.is_file():
                yield path


def _content(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (UnicodeDecodeError, ValueError, yaml.YAMLError):
        return None


def _are_datasets(content: Any) -> bool:
    if not isinstance(content, Mapping) or not content:
        return False
    return all(
        isinstance(dataset, Mapping) and "files" in dataset and ("sample" in dataset or "metadata" in dataset)
        for dataset in content.values()
    )


def _read_style(path: Path) -> PlotStyle:
    return PlotStyle.from_parameters(to_plain(get_defaults_and_compose(path))["plotting_style"])


def main(folders: list[str]) -> None:
    """Print how many files of each kind are accepted, and why others aren't."""
    for kind, tally in tallies(map(Path, folders)).items():
        print(f"{kind}: {tally.accepted} of {tally.total}")
        for cause, paths in sorted(tally.refused.items(), key=lambda item: -len(item[1])):
            print(f"  {len(paths)} × {cause}\n      {paths[0]}")


if __name__ == "__main__":
    # Remarks about each file would hide the counts.
    logging.disable(logging.WARNING)
    main(sys.argv[1:])

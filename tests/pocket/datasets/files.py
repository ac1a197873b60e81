"""Small ROOT files and definitions of datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import uproot

from pocket.datasets.definitions import DatasetDefinition


def write_root(path: Path, entries: int, tree: str = "Events") -> Path:
    path.parent.mkdir(exist_ok=True)
    with uproot.recreate(path) as file:
        file.mktree(tree, {"x": np.float32})
        if entries:
            file[tree].extend({"x": np.zeros(entries, np.float32)})
    return path


def definition(folder: Path, source: str, *values: str, key: str = "DY") -> DatasetDefinition:
    return DatasetDefinition(key, key, "2018", True, source, values, folder / "x.json", xsec=2.0)

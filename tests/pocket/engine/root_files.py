"""Small NanoAOD files, whole and damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from pocket.datasets.branches import Branch, Segment, split
from pocket.datasets.build import inspect_file
from pocket.datasets.fileset import DatasetInfo

MUON_FIELDS = ("pt", "eta", "phi", "mass", "charge")


def write_nano(path: Path, size: int = 100, seed: int = 1, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Write events with genWeight, x and muons, without event numbers.

    Args:
        path: the file.
        size: number of events.
        seed: seed of the values.
        without: fields of the muons to leave out.

    Returns:
        The columns.
    """
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, size)
    fields = {field: rng.uniform(0, 3, counts.sum()).astype(np.float32) for field in MUON_FIELDS}
    fields["charge"] = np.sign(fields["charge"] - 1.5).astype(np.int32)
    muons = ak.zip({field: values for field, values in fields.items() if field not in without})
    columns = {
        # of few values, so that it is compressed: what isn't has no checksum
        "genWeight": rng.choice(np.array([-0.1, 1.0, 2.5], dtype=np.float32), size),
        "x": rng.uniform(0, 2, size).astype(np.float32),
        "Muon": ak.unflatten(muons, counts),
    }
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        file.mktree("Events", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
        file["Events"].extend(columns)
    return columns


def damage(path: Path, branch: str) -> None:
    """Flip bytes in the middle of a branch's basket; the file still opens."""
    with uproot.open(path) as file:
        tree = file["Events"][branch]
        middle = int(tree.member("fBasketSeek")[0]) + int(tree.member("fBasketBytes")[0]) // 2
    content = bytearray(path.read_bytes())
    content[middle : middle + 30] = bytes(byte ^ 0xFF for byte in content[middle : middle + 30])
    path.write_bytes(content)


def segment(path: Path) -> Segment:
    """Return the whole of a file."""
    info, _ = inspect_file(path)
    return Segment(str(path), info["uuid"], "Events", 0, info["num_entries"])


def branches(dataset: str, paths: list[Path], events_per_branch: int = 10**6) -> list[Branch]:
    """Return the branches of a dataset made of files."""
    files = {str(path): inspect_file(path)[0] for path in paths}
    return split({dataset: DatasetInfo(metadata={}, files=files)}, events_per_branch)

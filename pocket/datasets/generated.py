"""Numbers of generated events in files of simulation, by which files are told that are skims without saying so.

NanoAOD has them in the tree ``Runs``, with the sum of the generator weights, and tools that skim NanoAOD keep that
tree. A skim that is read as a whole dataset is normalised by the events that are left, so its yields are too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pocket.datasets.skim_sums import SUMS

TREE = "Runs"
#: Branches of the tree; in NanoAOD before version 7, their names end in an underscore.
COUNT, SUM = "genEventCount", "genEventSumw"
_NEVENTS, _SUM_WEIGHTS, _ = SUMS


def read_generated(file: Any, entries: int) -> list[float] | None:
    """Return the number of generated events and the sum of their weights; ``None`` if all are there, or if unknown."""
    if TREE not in file.keys(cycle=False):
        return None
    runs = file[TREE]
    names = {name.removesuffix("_"): name for name in runs.keys()}  # noqa: SIM118  uproot's tree
    if COUNT not in names or SUM not in names:
        return None
    count, sum_weights = (runs[names[name]].array(library="np").sum() for name in (COUNT, SUM))
    return [int(count), float(sum_weights)] if count > entries else None


def generated_notes(fileset: Mapping[str, Any]) -> Iterator[str]:
    """Yield a warning for each dataset whose files are a skim, but which isn't normalised as one."""
    for name, dataset in fileset.items():
        files, metadata = dataset["files"].values(), dataset["metadata"]
        skims = [info for info in files if info.get("generated")]
        if not skims or not metadata["isMC"] or _SUM_WEIGHTS in metadata:
            continue
        left = sum(info["num_entries"] for info in skims)
        count, sum_weights = (sum(info["generated"][which] for info in skims) for which in (0, 1))
        # The sum of weights of other files isn't known.
        is_whole = len(skims) == len(files)
        sums = f', "{_NEVENTS}": {count}, "{_SUM_WEIGHTS}": {sum_weights}' if is_whole else " and the sums before it"
        have = "has" if len(skims) == 1 else "have"
        yield (
            f"dataset {name}: {len(skims)} of {len(files)} files {have} fewer events than were generated, {left:,} of "
            f'{count:,}, so it is a skim, but normalised by the events that are left; its metadata need "isSkim": true'
            f"{sums}"
        )

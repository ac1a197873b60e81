"""Selection of certified data by run and luminosity section.

coffea's ``LumiMask`` does the same, but compiling ``coffea.lumi_tools`` takes three seconds in each process.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.errors import ConfigError
from pocket.parameters.checksums import content_of


def certified(runs: Any, luminosity_blocks: Any, path: str) -> npt.NDArray[np.bool_]:
    """Return the mask of the events that a golden JSON certifies.

    Args:
        runs: run numbers, shape (n events,).
        luminosity_blocks: luminosity sections, shape (n events,).
        path: JSON of run → list of [first, last] luminosity section, both inclusive; also by portable name, such as
            ``certification://…`` (:mod:`pocket.parameters.locations`).

    Returns:
        Boolean mask, shape (n events,).

    Raises:
        ConfigError: if the file is missing or isn't such a JSON.
    """
    try:
        golden = json.loads(content_of(path).read())
        ranges = [(int(run), first, last) for run, of_run in golden.items() for first, last in of_run]
        run, first, last = np.array(ranges, dtype=np.uint32).reshape(-1, 3).T
    except FileNotFoundError:
        raise ConfigError(f"golden JSON {path} does not exist") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a golden JSON of run → [[first, last], …]: {error}") from None
    begins, ends, sections = _numbers(run, first), _numbers(run, last), _numbers(runs, luminosity_blocks)
    order = np.argsort(begins)
    # The range that contains a section may begin earlier than the last one before it, so ends are accumulated.
    before = np.searchsorted(begins[order], sections, side="right")
    ends = np.maximum.accumulate(np.concatenate([[np.uint64(0)], ends[order]]))
    return (before > 0) & (sections <= ends[before])


def _numbers(runs: Any, luminosity_blocks: Any) -> npt.NDArray[np.uint64]:
    """Return a number for each luminosity section that increases with the run and within it."""
    run, block = (np.asarray(values, dtype=np.uint64) for values in (runs, luminosity_blocks))
    return (run << np.uint64(32)) + block

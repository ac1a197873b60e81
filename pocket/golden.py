"""Selection of certified data by run and luminosity section."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.errors import ConfigError
from pocket.parameters.locations import local_path


def certified(runs: Any, luminosity_blocks: Any, path: str) -> npt.NDArray[np.bool_]:
    """Tell which events a golden JSON certifies.

    Args:
        runs: run numbers, shape (n events,).
        luminosity_blocks: luminosity sections, shape (n events,).
        path: JSON of run → list of [first, last] luminosity section, both inclusive; also by name, such as
            ``certification://…`` (:mod:`pocket.parameters.locations`).

    Returns:
        Boolean mask, shape (n events,).

    Raises:
        ConfigError: if the file is missing or isn't such a JSON.
    """
    from coffea.lumi_tools import LumiMask

    try:
        mask = LumiMask(local_path(path))
    except FileNotFoundError:
        raise ConfigError(f"golden JSON {path} does not exist") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a golden JSON of run → [[first, last], …]: {error}") from None
    runs, luminosity_blocks = (np.asarray(values, dtype=np.uint32) for values in (runs, luminosity_blocks))
    return np.asarray(mask(runs, luminosity_blocks), dtype=np.bool_)

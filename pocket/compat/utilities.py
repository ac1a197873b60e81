"""PocketCoffea's small functions for notebooks and workflows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pocket.configuration.configurator import Configurator
from pocket.configuration.loading import load_analysis

#: The release of PocketCoffea whose names are here; those of its development version that came after it are, too.
__version__ = "0.9.13"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


def load_config(cfg: str, do_load: bool = True, save_config: bool = True, outputdir: Any = None) -> Configurator:
    """Return the configuration in a file that ends in ``cfg = Configurator(...)``; the rest is only accepted."""
    analysis = load_analysis(str(Path(cfg).absolute()))
    return analysis.config(analysis.default_config)


def get_random_seed(metadata: Mapping[str, Any], salt: str = "") -> int:
    """Return a seed for a chunk of events, from its file and range."""
    key = "-".join(str(part) for part in (*(metadata[name] for name in ("fileuuid", "entrystart", "entrystop")), salt))
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)


def get_nano_version(events: Any, params: Any, year: str) -> int:
    """Return the version of NanoAOD of events, from their metadata or their content."""
    from pocket.io.nanoaod.version import nano_version

    given = getattr(events, "metadata", {}).get("nano_version")
    return int(given) if given else nano_version(events)


def to_bool(value: Any, default: bool = False) -> bool:
    """Return a flag of metadata, which may be a string."""
    if value is None:
        return default
    if isinstance(value, bool | int):
        return bool(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is neither true nor false")
    text = value.strip().lower()
    if text not in (*_TRUE, *_FALSE):
        raise ValueError(f"{value!r} is neither true nor false")
    return text in _TRUE


def replace_at_indices(a: Any, indices: Any, a_corrected: Any, array_builder: Any) -> Any:
    """Append lists to a builder in which some elements are replaced."""
    for values, positions, corrected in zip(a, indices, a_corrected, strict=True):
        changed = np.array(values)
        changed[np.asarray(positions, dtype=np.int64)] = np.asarray(corrected)
        array_builder.begin_list()
        for value in changed.tolist():
            array_builder.append(value)
        array_builder.end_list()
    return array_builder

"""Loading of correctionlib files, once per process."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.locations import local_path

_GZIP = b"\x1f\x8b"


def read_corrections(path: str) -> list[dict[str, Any]]:
    """Return the corrections of a correctionlib file as plain JSON, without the compound ones.

    Args:
        path: JSON or gzipped JSON; a path, not a name.
    """
    content = Path(path).read_bytes()
    text = gzip.decompress(content) if content.startswith(_GZIP) else content
    corrections: list[dict[str, Any]] = json.loads(text)["corrections"]
    return corrections


def load_correction(path: str, name: str) -> Any:
    """Return one correction of a correctionlib file.

    Args:
        path: JSON or gzipped JSON in correctionlib's schema version 2; also by name, such as
            ``corrections://POG/LUM/2018_UL/puWeights.json.gz`` (:mod:`pocket.parameters.locations`).
        name: name of the correction (or compound correction) in the file.

    Raises:
        ConfigError: if the file isn't found or isn't a correctionlib file.
        UnknownNameError: if the correction isn't in it.
    """
    corrections = _load_file(local_path(str(path)))
    if name in corrections.compound:
        return corrections.compound[name]
    # "in corrections" itself raises an IndexError
    if name not in list(corrections):
        raise UnknownNameError("correction", name, [*corrections, *corrections.compound], Path(path).name)
    return corrections[name]


@functools.lru_cache(maxsize=64)
def _load_file(path: str) -> Any:
    import correctionlib

    if not Path(path).is_file():
        raise ConfigError(f"correction file {path} does not exist")
    try:
        return correctionlib.CorrectionSet.from_file(path)
    except Exception as error:  # correctionlib raises plain RuntimeError and friends
        raise ConfigError(f"{path} is not a correctionlib file: {error}") from None

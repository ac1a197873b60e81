"""Loading of correctionlib files, cached by content in each process."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError, PocketError, UnknownNameError
from pocket.parameters.checksums import FileContent, content_of
from pocket.parameters.locations import local_path

_GZIP = b"\x1f\x8b"


def read_corrections(content: FileContent) -> list[dict[str, Any]]:
    """Return the simple corrections of a correctionlib file as plain JSON, without compound ones."""
    corrections: list[dict[str, Any]] = read_set(content)["corrections"]
    return corrections


def read_set(content: FileContent) -> dict[str, Any]:
    """Return a correctionlib file as plain JSON, with compound corrections."""
    found: dict[str, Any] = json.loads(_text(content))
    return found


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
    return _correction(find_corrections(path), name)


@functools.lru_cache(maxsize=1024)
def _correction(content: FileContent, name: str) -> Any:
    corrections = load_set(content)
    known = {**corrections, **corrections.compound}
    if name not in known:
        raise UnknownNameError("correction", name, known, Path(content.path).name)
    return known[name]


def names_of(content: FileContent) -> tuple[str, ...]:
    """Return the names of the corrections of a file, and of the compound ones."""
    corrections = load_set(content)
    return (*corrections, *corrections.compound)


def inputs_of(correction: Any) -> str:
    """Return a description of a correction's inputs, e.g. ``"the inputs pt (real), systematic (string)"``."""
    return f"the inputs {', '.join(f'{variable.name} ({variable.type})' for variable in correction.inputs)}"


def find_corrections(path: str) -> FileContent:
    """Return a correctionlib file and its content, by path or portable name."""
    try:
        return content_of(str(path))
    except FileNotFoundError:
        if str(path).startswith("toys://"):
            raise ConfigError(f"{path} is a name of the parameters: take the path from params in your code") from None
        raise ConfigError(f"correction file {local_path(str(path))} does not exist") from None
    except OSError as error:
        raise ConfigError(f"correction file {local_path(str(path))} can't be read: {error.strerror}") from None


@functools.lru_cache(maxsize=64)
def load_set(content: FileContent) -> Any:
    """Return all corrections of a correctionlib file."""
    import correctionlib

    try:
        return correctionlib.CorrectionSet.from_string(_text(content).decode())
    except PocketError:
        raise
    except Exception as error:  # correctionlib raises plain RuntimeErrors and other types.
        raise ConfigError(f"{content.path} is not a correctionlib file: {error}") from None


def _text(content: FileContent) -> bytes:
    found = content.read()
    return gzip.decompress(found) if found.startswith(_GZIP) else found

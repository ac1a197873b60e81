"""Files of figures: each in some formats, and its numbers as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.errors import ConfigError
from pocket.io.store.publishing import sync

if TYPE_CHECKING:
    from pocket.plots.templates.figures import Plot


def save_plots(plots: Iterable[Plot], folder: Path, formats: Sequence[str]) -> None:
    """Write figures in some formats, and their numbers as JSON, into a folder that is made if needed."""
    from pocket.plots.canvas import save_figure

    folder.mkdir(parents=True, exist_ok=True)
    for stem, figure, numbers in plots:
        content = json.dumps(_as_json(numbers, f"plot {stem}: numbers"), indent=1, allow_nan=False)
        file = folder / f"{stem}.json"
        file.write_text(content, encoding="utf-8")
        # The output flushes all of its files at its end, which waits for nothing then.
        for path in (*save_figure(figure, folder / stem, formats), file):
            sync(path)


def _as_json(value: Any, where: str) -> Any:
    """Return what a plot shows as JSON has it: arrays become lists, what isn't finite becomes null."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str | int | float | None):
                raise ConfigError(f"{where}: the key {key!r} is of type {type(key).__name__}, expected a string")
        return {key: _as_json(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item, f"{where}[{position}]") for position, item in enumerate(value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | int | None):
        return value
    if callable(tolist := getattr(value, "tolist", None)):
        # Arrays and numbers of NumPy and Awkward Array.
        return _as_json(tolist(), where)
    raise ConfigError(
        f"{where} is of type {type(value).__name__}, expected numbers, strings, arrays, lists or dictionaries of them"
    )

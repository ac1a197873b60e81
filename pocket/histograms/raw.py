"""Raw output of a branch in one file: all numbers as two arrays, with a layout that tells what each of them is.

A merge adds thousands of branches, most of which have the same layout. So it adds their arrays, and makes histograms of
the sum only.
"""

from __future__ import annotations

import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RAW = "raw.h5"

_INTEGER, _FLOAT = "integers", "floats"
#: Kind of number → its type.
_TYPES = {_INTEGER: np.dtype(np.int64), _FLOAT: np.dtype(np.float64)}
#: Kind of number → all numbers of an output, in the order of the layout.
Numbers = dict[str, npt.NDArray[Any]]


def write_raw(directory: Path, output: Mapping[str, Any]) -> None:
    """Write sums and histograms of an output, without the labels of axes.

    Columns are written by :func:`pocket.columns.parquet.write_columns`.

    Args:
        directory: an existing folder.
        output: see :func:`pocket.engine.chunk.empty_output`.
    """
    import h5py
    import uhi.io.json

    found: dict[str, list[npt.NDArray[Any]]] = {kind: [] for kind in _TYPES}
    layout = {
        "sums": _take_sums({key: value for key, value in output.items() if key not in ("variables", "columns")}, found),
        "variables": {
            variable: {
                sample: {dataset: _take_histogram(histogram, found) for dataset, histogram in sorted(datasets.items())}
                for sample, datasets in sorted(samples.items())
            }
            for variable, samples in sorted(output["variables"].items())
        },
    }
    # The file is written to memory first, since HDF5 crashes on a full disk.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        text = zlib.compress(json.dumps(layout, allow_nan=False, default=uhi.io.json.default).encode())
        file["layout"] = np.frombuffer(text, dtype=np.uint8)
        for kind, parts in found.items():
            file[kind] = np.concatenate([np.zeros(0, _TYPES[kind]), *parts])
    (directory / RAW).write_bytes(content.getbuffer())


def read_raw(directory: str | Path) -> dict[str, Any]:
    """Return the output that :func:`write_raw` wrote.

    Examples:
        >>> import tempfile
        >>> import hist
        >>> mll = hist.new.Reg(4, 60, 120, name="mll").Weight().fill([88.0, 91.0, 93.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_raw(Path(folder), {"cutflow": {"initial": 3}, "variables": {"mll": {"DY": {"DY_2018": mll}}}})
        ...     output = read_raw(folder)
        >>> output["cutflow"], output["variables"]["mll"]["DY"]["DY_2018"].values()
        ({'initial': 3}, array([0., 1., 2., 0.]))
    """
    return _output(*_read(directory))


def add_raw(directories: Iterable[str | Path]) -> Iterator[dict[str, Any]]:
    """Yield the sum of all outputs with the same layout, for each layout.

    Args:
        directories: folders that :func:`write_raw` wrote to; the numbers are added in their order.
    """
    totals: dict[bytes, Numbers] = {}
    for directory in directories:
        layout, numbers = _read(directory)
        if layout in totals:
            for kind, total in totals[layout].items():
                total += numbers[kind]
        else:
            totals[layout] = numbers
    while totals:
        first = next(iter(totals))
        yield _output(first, totals.pop(first))


def _read(directory: str | Path) -> tuple[bytes, Numbers]:
    import h5py

    with h5py.File(Path(directory) / RAW) as file:
        return file["layout"][()].tobytes(), {kind: file[kind][()] for kind in _TYPES}


def _take_sums(node: Any, found: dict[str, list[npt.NDArray[Any]]]) -> Any:
    """Return nested dictionaries with the kind of each number instead of the number, which is added to ``found``."""
    if isinstance(node, Mapping):
        return {key: _take_sums(value, found) for key, value in node.items()}
    kind = _INTEGER if isinstance(node, int) else _FLOAT
    found[kind].append(np.array([node], dtype=_TYPES[kind]))
    return kind


def _take_histogram(histogram: Any, found: dict[str, list[npt.NDArray[Any]]]) -> dict[str, Any]:
    """Return a histogram in the UHI form, with kind and shape instead of its arrays, which are added to ``found``."""
    import uhi.io.json

    form = uhi.io.json.default(histogram)
    arrays = {}
    for name, values in form["storage"].items():
        if isinstance(values, np.ndarray):
            kind = _INTEGER if values.dtype.kind in "iu" else _FLOAT
            found[kind].append(values.astype(_TYPES[kind]).ravel())
            arrays[name] = [kind, values.shape]
    # The order of the keys is that of HDF5, so that merged templates have the same bytes as with that form.
    axes = [{**axis, "metadata": {"label": "", "name": axis["metadata"]["name"]}} for axis in form["axes"]]
    return {"axes": axes, "type": form["storage"]["type"], "arrays": arrays}


def _output(layout: bytes, numbers: Numbers) -> dict[str, Any]:
    import hist
    import uhi.io.json

    parts: Any = json.loads(zlib.decompress(layout))
    used = dict.fromkeys(_TYPES, 0)

    def take(kind: str, shape: Sequence[int]) -> npt.NDArray[Any]:
        size = math.prod(shape)
        start, used[kind] = used[kind], used[kind] + size
        return numbers[kind][start : start + size].reshape(shape)

    def sums(node: Any) -> Any:
        return {key: sums(value) for key, value in node.items()} if isinstance(node, dict) else take(node, (1,)).item()

    def histogram(form: Mapping[str, Any]) -> Any:
        arrays = {name: take(*array) for name, array in form["arrays"].items()}
        axes = [uhi.io.json.object_hook(axis) for axis in form["axes"]]
        return hist.Hist({"uhi_schema": 1, "axes": axes, "storage": {"type": form["type"], **arrays}})

    # The numbers of the sums come first.
    output = sums(parts["sums"])
    return {
        **output,
        "variables": {
            variable: {
                sample: {dataset: histogram(form) for dataset, form in datasets.items()}
                for sample, datasets in samples.items()
            }
            for variable, samples in parts["variables"].items()
        },
    }

"""Templates by name, of a result in memory or of an output in the store."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.base.containers import is_container
from pocket.errors import ConfigError, DamagedOutputError, HistogramError, UnknownKeyError
from pocket.histograms.files import HISTOGRAMS, SUMS, list_variables, read_sums
from pocket.histograms.files import read_templates as read_samples
from pocket.histograms.raw import RAW
from pocket.histograms.sample_axis import join_samples

if TYPE_CHECKING:
    from hist import Hist


class Templates(Mapping[str, "Hist[Any]"]):
    """Histogram's name → histogram with axes ``samples``, ``cat``, ``variation`` and its own.

    A histogram is read when it is asked for the first time. A sample without a variation that another one has, such as
    data, has its nominal content there.

    Args:
        where: the place of the templates, for errors.
        names: names of the histograms.
        read: returns sample → histogram for a name.

    Example:
        >>> import hist
        >>> x = hist.Hist(hist.axis.StrCategory(["baseline"], name="cat"), hist.axis.Regular(2, 0, 2, name="x"))
        >>> templates = Templates("an example", ("x",), lambda name: {"DATA": x, "DY": x})
        >>> templates
        Templates of an example: x
        >>> templates["x"].axes.name
        ('samples', 'cat', 'x')
    """

    def __init__(self, where: str, names: tuple[str, ...], read: Callable[[str], Mapping[str, Hist[Any]]]) -> None:
        self.where = where
        self._names = names
        self._read = read
        self._samples: dict[str, dict[str, Hist[Any]]] = {}
        self._joined: dict[str, Hist[Any]] = {}

    def per_sample(self, name: str) -> dict[str, Hist[Any]]:
        """Return sample → histogram, with the axes that each sample has.

        Raises:
            UnknownKeyError: if there is no such histogram.
        """
        if name not in self._names:
            raise UnknownKeyError("histogram", name, self._names, self.where)
        if name not in self._samples:
            self._samples[name] = dict(self._read(name))
        return self._samples[name]

    def __getitem__(self, name: str) -> Hist[Any]:
        """Return a histogram."""
        if name not in self._joined:
            self._joined[name] = join_samples(self.per_sample(name))
        return self._joined[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of histograms."""
        return len(self._names)

    def __repr__(self) -> str:
        """Return the names and the place."""
        return f"Templates of {self.where}: {', '.join(self._names)}"


def read_templates(output: str | os.PathLike[str]) -> Templates:
    """Return the templates of an output of ``MergeOutputs``.

    Args:
        output: its folder, or the file ``histograms.h5`` in it; also the folder that :func:`pocket.process` wrote.

    Raises:
        ConfigError: if there is no such folder.
        HistogramError: if there are no histograms, or they are raw sums of a branch.
        DamagedOutputError: if a file was changed since it was written.

    Example:
        >>> from pocket import load_analysis, process
        >>> config = load_analysis("zmumu").config("real_samples")
        >>> _ = process(config, {"DYJetsToLL_2018": "nano_dy.root"}, output="zmumu_output")
        >>> templates = read_templates("zmumu_output")
        >>> mll = templates["mll"][{"samples": "DYJetsToLL", "cat": "baseline", "variation": "nominal"}]
        >>> mll.axes[0].size
        60
    """
    path = Path(output).expanduser()
    folder = path.parent if path.name == HISTOGRAMS else path
    refuse_absent(output, folder)
    raw = HistogramError(f"{folder} holds the raw sums of a branch: give an output of MergeOutputs")
    if is_container(folder) or (folder / RAW).is_file():
        raise raw
    if not (folder / HISTOGRAMS).is_file():
        inside = sorted(folder.glob(f"*/{HISTOGRAMS}"))
        hint = f": give one of the folders in it, such as {inside[-1].parent.name}" if inside else ""
        raise HistogramError(f"{folder} has no {HISTOGRAMS}, so it is no output of MergeOutputs{hint}")
    refuse_changed(folder)
    # Branches of earlier versions have the same files. Sums that are normalised come with what they were divided by.
    sums = read_sums(folder) if (folder / SUMS).is_file() else {}
    if "cutflow" in sums and "divided_by" not in sums:
        raise raw
    return Templates(str(folder), tuple(list_variables(folder)), partial(read_samples, folder))


def refuse_absent(output: str | os.PathLike[str], path: Path) -> None:
    """Check that an output is there; one of :func:`tasks.find` knows the command that makes it."""
    if path.exists():
        return
    if command := getattr(output, "command", ""):
        raise ConfigError(f"the output of {getattr(output, 'task', path)} is absent: {command} makes it")
    raise ConfigError(f"{path} doesn't exist")


def refuse_changed(folder: Path) -> None:
    """Check an output in the store, by the sizes and times of its files."""
    # The import is by name, because the check isn't part of the code that outputs of a user's own tasks depend on.
    store = importlib.import_module("pocket.io.store")
    if store.read_manifest(folder) is not None and (reason := store.why_incomplete(folder)):
        raise DamagedOutputError(reason)

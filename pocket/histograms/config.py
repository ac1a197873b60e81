"""Declaration of histograms, whose axes name the values that fill them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.arguments import Declarative
from pocket.base.file_names import check_file_name
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.errors import ConfigError, UnknownNameError

AXIS_TYPES = ("regular", "variable", "integer", "intcat", "strcat")
TRANSFORMS = ("log", "sqrt")
STORAGES = ("weight", "double", "int64")
NAN_MODES = ("error", "overflow")
COLLAPSE_MODES = ("OR", "AND")
#: Names of the axes that the engine and its readers add, and keywords of hist.fill.
TAKEN_NAMES = ("cat", "variation", "samples", "weight", "sample", "threads")


@dataclass(frozen=True)
class Axis(metaclass=Declarative):
    """One dimension of a histogram, and the source of its values.

    Args:
        field: field of the collection.
        label: label on plots; not part of the fingerprint.
        bins: number of bins (regular), edges (variable), or categories (intcat, strcat); also as arrays.
        start: lower edge (regular, integer).
        stop: upper edge (regular), one past the last value (integer).
        coll: ``"events"``, a collection, ``"metadata"`` (a string of the dataset's metadata) or ``"custom"``
            (an array in the workflow's ``custom_histogram_fields``).
        name: name of the axis; default ``{coll}_{field}``, ``{field}`` for events, followed by ``_{pos}``.
        pos: position in the collection; ``None`` takes all objects. Events without that object aren't filled.
        type: one of ``regular``, ``variable``, ``integer`` (or ``int``), ``intcat``, ``strcat``.
        transform: ``log`` or ``sqrt`` spacing of a regular axis.
        lim: range shown on plots; not part of the fingerprint.
        underflow: keep entries below the range.
        overflow: keep entries above the range.
        growth: option of PocketCoffea; ``True`` is refused, because outputs with different bins can't be added.

    Raises:
        ConfigError: if the binning doesn't fit the type.

    Examples:
        >>> mass = Axis(coll="ll", field="mass", bins=60, start=60, stop=120, label="m(ll) [GeV]")
        >>> mass.name
        'll_mass'
    """

    field: str
    label: str | None = dataclasses.field(default=None, metadata={"fingerprint": False})
    bins: int | Sequence[float] | Sequence[str] | Any = None
    start: float | None = None
    stop: float | None = None
    coll: str = "events"
    name: str = ""
    pos: int | None = None
    type: str = "regular"
    transform: str | None = None
    lim: tuple[float, float] | None = dataclasses.field(default=None, metadata={"fingerprint": False})
    underflow: bool = True
    overflow: bool = True
    growth: dataclasses.InitVar[bool] = False

    def __post_init__(self, growth: bool) -> None:
        if not self.name:
            base = self.field if self.coll in ("events", "custom", "metadata") else f"{self.coll}_{self.field}"
            object.__setattr__(self, "name", base if self.pos is None else f"{base}_{self.pos}")
        where = f"axis {self.name!r}"
        if growth:
            raise ConfigError(f"{where}: axes don't grow (growth=True), because outputs of the same bins are added")
        if self.type == "int":
            object.__setattr__(self, "type", "integer")
        if self.type not in AXIS_TYPES:
            raise UnknownNameError("axis type", self.type, AXIS_TYPES, where)
        if self.name in TAKEN_NAMES:
            raise ConfigError(f"{where}: the name is taken, choose another by name=")
        if hasattr(self.bins, "tolist"):
            object.__setattr__(self, "bins", self.bins.tolist())
        if isinstance(self.bins, Sequence) and not isinstance(self.bins, str):
            object.__setattr__(self, "bins", tuple(self.bins))
            if self.type == "regular" and self.start is None and self.stop is None:
                object.__setattr__(self, "type", "variable")
        if self.transform is not None and self.transform not in TRANSFORMS:
            raise UnknownNameError("transform", self.transform, TRANSFORMS, where)
        for key in ("start", "stop"):
            if not isinstance(getattr(self, key), Real | None):
                raise ConfigError(f"{where}: {key} must be a number, not {getattr(self, key)!r}")
        if self.pos is not None and self.pos < 0:
            raise ConfigError(f"{where}: pos must be 0 or more, not {self.pos}")
        if self.coll == "metadata" and self.type != "strcat":
            raise ConfigError(f"{where}: metadata are strings, use type='strcat'")
        getattr(self, f"_check_{self.type}")(where)

    def _check_regular(self, where: str) -> None:
        if not isinstance(self.bins, int) or self.bins < 1:
            raise ConfigError(f"{where}: bins must be a positive number, not {self.bins!r}")
        if self.start is None or self.stop is None or not -math.inf < self.start < self.stop < math.inf:
            raise ConfigError(f"{where}: needs finite start < stop, not {self.start!r} and {self.stop!r}")
        if (self.transform == "log" and self.start <= 0) or (self.transform == "sqrt" and self.start < 0):
            raise ConfigError(f"{where}: an axis with transform {self.transform!r} can't start at {self.start!r}")
        if self.transform is not None and not (self.underflow and self.overflow):
            raise ConfigError(f"{where}: an axis with a transform always has underflow and overflow")

    def _check_variable(self, where: str) -> None:
        edges = self.bins
        if not isinstance(edges, tuple) or len(edges) < 2:
            raise ConfigError(f"{where}: bins must be a list of at least two edges, not {edges!r}")
        if not all(isinstance(edge, Real) for edge in edges):
            raise ConfigError(f"{where}: edges must be numbers, not {list(edges)}")
        numbers = [float(edge) for edge in edges]
        if any(math.isnan(edge) for edge in numbers) or sorted(set(numbers)) != numbers:
            raise ConfigError(f"{where}: edges must rise, not {list(edges)}")

    def _check_integer(self, where: str) -> None:
        if self.start is None or self.stop is None or not -math.inf < self.start < self.stop < math.inf:
            raise ConfigError(f"{where}: needs finite start < stop, not {self.start!r} and {self.stop!r}")
        if self.start != int(self.start) or self.stop != int(self.stop):
            raise ConfigError(f"{where}: start and stop must be integers, not {self.start!r} and {self.stop!r}")

    def _check_intcat(self, where: str) -> None:
        _check_categories(self.bins, int, where)

    def _check_strcat(self, where: str) -> None:
        _check_categories(self.bins, str, where)


@dataclass(frozen=True)
class HistConf(metaclass=Declarative):
    """Histogram: its axes, and the categories, samples and variations for which it is filled.

    Args:
        axes: one or more :class:`Axis`.
        storage: ``weight`` (sum of weights and of their squares), ``double`` or ``int64`` (counts).
        only_categories: fill these categories only.
        exclude_categories: fill all categories except these.
        only_samples: fill these samples only.
        exclude_samples: fill all samples except these.
        variations: fill the variations as well as nominal.
        only_variations: fill only these variations (by full name, e.g. ``pileupUp``).
        no_weights: count entries, without weights.
        autofill: option of PocketCoffea; ``False`` is refused, because the engine fills all histograms.
        metadata_hist: option of PocketCoffea; ``True`` is refused, because histograms contain events.
        collapse_2D_masks: in categories that select objects, fill values per event if any or all of the event's objects
            are selected; otherwise this is an error.
        collapse_2D_masks_mode: ``OR`` (any) or ``AND`` (all, at least one).
        nan: ``error``, or ``overflow`` to count NaN as a value above the last bin, as PocketCoffea does.

    Raises:
        ConfigError: if axes are missing or have the same name, or options contradict each other.

    Examples:
        >>> mll = HistConf([Axis(coll="ll", field="mass", bins=60, start=60, stop=120)], only_categories=["signal"])
        >>> mll.storage
        'weight'
    """

    axes: Sequence[Axis]
    storage: str = "weight"
    autofill: dataclasses.InitVar[bool] = True
    variations: bool = True
    only_variations: Sequence[str] | None = None
    exclude_samples: Sequence[str] | None = None
    only_samples: Sequence[str] | None = None
    exclude_categories: Sequence[str] | None = None
    only_categories: Sequence[str] | None = None
    no_weights: bool = False
    metadata_hist: dataclasses.InitVar[bool] = False
    collapse_2D_masks: bool = False  # noqa: N815  PocketCoffea's spelling
    collapse_2D_masks_mode: str = "OR"  # noqa: N815
    nan: str = "error"

    def __post_init__(self, autofill: bool, metadata_hist: bool) -> None:
        axes = tuple(self.axes) if isinstance(self.axes, Iterable) else ()
        if not axes or not all(isinstance(axis, Axis) for axis in axes):
            raise ConfigError(f"a histogram's axes must be a list of one or more Axis objects, not {self.axes!r}")
        object.__setattr__(self, "axes", axes)
        names = [axis.name for axis in axes]
        # Files of figures with several axes are named by them.
        for name in names[1:] and names:
            check_file_name("axis", name, f"histogram of {', '.join(map(repr, names))}")
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"two axes of one histogram are named {name!r}, give one of them another name=")
        if not autofill or metadata_hist:
            option = "metadata_hist=True" if metadata_hist else "autofill=False"
            raise ConfigError(f"histogram of {', '.join(names)}: {option}, but the engine fills all from events")
        if self.storage not in STORAGES:
            raise UnknownNameError("storage", self.storage, STORAGES, f"histogram of {', '.join(names)}")
        if self.storage == "int64" and not self.no_weights:
            raise ConfigError(f"histogram of {', '.join(names)}: storage 'int64' counts entries, set no_weights=True")
        for what in ("categories", "samples"):
            if getattr(self, f"only_{what}") is not None and getattr(self, f"exclude_{what}") is not None:
                raise ConfigError(f"histogram of {', '.join(names)}: give only_{what} or exclude_{what}, not both")
        if self.only_variations is not None and not self.variations:
            raise ConfigError(f"histogram of {', '.join(names)}: only_variations needs variations=True")
        if self.collapse_2D_masks_mode not in COLLAPSE_MODES:
            mode = self.collapse_2D_masks_mode
            raise UnknownNameError("collapse_2D_masks_mode", mode, COLLAPSE_MODES, f"histogram of {', '.join(names)}")
        if self.nan not in NAN_MODES:
            raise UnknownNameError("nan", self.nan, NAN_MODES, f"histogram of {', '.join(names)}")

    def fills_sample(self, sample: str) -> bool:
        """Tell whether the histogram is filled for a sample, or for a subsample ``{sample}__{subsample}``."""
        names = (sample, sample.partition(SUBSAMPLE)[0])
        if self.only_samples is not None:
            return any(name in self.only_samples for name in names)
        return not any(name in (self.exclude_samples or ()) for name in names)

    def fills_category(self, category: str) -> bool:
        """Tell whether the histogram is filled for a category."""
        if self.only_categories is not None:
            return category in self.only_categories
        return category not in (self.exclude_categories or ())

    def fills_variation(self, variation: str) -> bool:
        """Tell whether the histogram is filled for a variation; it always is for nominal."""
        if variation == "nominal":
            return True
        return self.variations and (self.only_variations is None or variation in self.only_variations)


def _check_categories(categories: object, kind: type, where: str) -> None:
    if not isinstance(categories, tuple) or not categories:
        raise ConfigError(f"{where}: bins must be a list of categories, not {categories!r}")
    if len(set(categories)) < len(categories) or not all(isinstance(item, kind) for item in categories):
        raise ConfigError(f"{where}: bins must be different values of type {kind.__name__}, not {categories!r}")


def finite_edges(bounds: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return edges with finite ends: an infinite bin gets the width of its neighbour, or 1 if there is none."""
    edges = np.array(bounds, dtype=np.float64)
    inner = edges[np.isfinite(edges)]
    if not inner.size:
        return np.array([0.0, 1.0])
    widths = np.diff(inner) if inner.size > 1 else np.ones(1)
    if np.isinf(edges[0]):
        edges[0] = inner[0] - widths[0]
    if np.isinf(edges[-1]):
        edges[-1] = inner[-1] + widths[-1]
    return edges

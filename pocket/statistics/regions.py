"""Templates of a region: merged histograms in one category, summed over samples for each process and year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import StatisticsError, check_known
from pocket.histograms.files import HISTOGRAMS
from pocket.histograms.one_sided import NOMINAL, stem_of
from pocket.statistics.declarations import Region, StatisticalModel

#: numbers of an array that is read at once, for all categories
LARGEST_KEPT = 2_000_000


@dataclass(frozen=True, eq=False)
class Contents:
    """Sums of weights of one process in one year, with under- and overflow.

    Args:
        values, variances: nominal, shape (bins + 2,).
        varied: variation without its side → sums (up, down), of which one may be missing.
    """

    values: Floats
    variances: Floats
    varied: Mapping[str, tuple[Floats | None, Floats | None]] = field(default_factory=dict)

    def __add__(self, other: Contents) -> Contents:
        """Return the sum, in which what one of both doesn't vary is nominal."""
        sums: dict[str, tuple[Floats | None, Floats | None]] = {}
        for name in dict.fromkeys((*self.varied, *other.varied)):
            up, down = (
                None if one is None and two is None else self.side(name, number) + other.side(name, number)
                for number, (one, two) in enumerate(zip(self.sides(name), other.sides(name), strict=True))
            )
            sums[name] = up, down
        return Contents(self.values + other.values, self.variances + other.variances, sums)

    def sides(self, variation: str) -> tuple[Floats | None, Floats | None]:
        """Return the sums (up, down) of a variation; both are missing if it isn't there."""
        return self.varied.get(variation, (None, None))

    def side(self, variation: str, number: int) -> Floats:
        """Return the sums up (0) or down (1); a missing one is the mirror image of the other, if there is one."""
        side, other = self.sides(variation)[number], self.sides(variation)[1 - number]
        if side is not None:
            return side
        return self.values if other is None else 2 * self.values - other


@dataclass(frozen=True, eq=False)
class RegionTemplates:
    """Templates of a region, before any treatment.

    Args:
        edges: edges of the bins, shape (bins + 1,), or ``None`` for a region that is only counted.
        contents: process → year → sums of weights.
        data: observed events with under- and overflow, shape (bins + 2,), or ``None``.

    >>> one = Contents(np.array([0.0, 2, 3, 0]), np.array([0.0, 1, 1, 0]))
    >>> region = RegionTemplates(np.array([0.0, 1, 2]), {"signal": {"2018": one}})
    >>> region.years
    ('2018',)
    """

    edges: Floats | None
    contents: Mapping[str, Mapping[str, Contents]]
    data: Floats | None = None

    @property
    def years(self) -> tuple[str, ...]:
        """Years of all processes."""
        return tuple(dict.fromkeys(year for by_year in self.contents.values() for year in by_year))


@dataclass(frozen=True)
class MergedTemplates(Mapping[str, RegionTemplates]):
    """Templates of a model's regions, each read from merged outputs when it is asked for.

    Args:
        model: the declaration.
        folders: configuration → folder of its merged templates.
        years: configuration → dataset → year.
    """

    model: StatisticalModel
    folders: Mapping[str, Path]
    years: Mapping[str, Mapping[str, str]]
    _known: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, name: str) -> RegionTemplates:
        region = self.model.regions[name]
        samples = {process: declared.samples for process, declared in self.model.processes.items()}
        folder, years = self.folders[region.config], self.years[region.config]
        if self._known.get("of") != (region.config, region.variable):
            self._known.clear()
            self._known["of"] = region.config, region.variable
        return read_region(folder, region, samples, self.model.data, years, self._known)

    def __contains__(self, name: object) -> bool:
        # Without this, the region would be read.
        return name in self.model.regions

    def __iter__(self) -> Iterator[str]:
        return iter(self.model.regions)

    def __len__(self) -> int:
        return len(self.model.regions)


def read_region(
    folder: Path,
    region: Region,
    processes: Mapping[str, Sequence[str]],
    data: Sequence[str],
    years: Mapping[str, str],
    known: dict[Any, Any] | None = None,
) -> RegionTemplates:
    """Return the templates of a region, of which only its category is read.

    Args:
        processes: process → samples.
        years: dataset → year.
        known: small arrays of this histogram that were read before, to which others are added.
    """
    import h5py

    path = Path(folder) / HISTOGRAMS
    with h5py.File(path) as file:
        check_known("variable", [region.variable], file, str(path))
        samples = file[region.variable]
        wanted = [*(sample for names in processes.values() for sample in names), *data]
        check_known("sample", wanted, samples, f"histogram {region.variable!r} of {path}")
        reader = _Reader(region, str(path), {} if known is None else known)
        contents = {
            process: reader.sum_by_year(samples, names, years, f"process {process!r}")
            for process, names in processes.items()
        }
        observed = reader.sum_by_year(samples, data, years, "data")
    counts = [one.values for one in observed.values()]
    return RegionTemplates(reader.edges, contents, np.sum(counts, axis=0) if counts else None)


class _Reader:
    """Reader of one category of the histograms of a region, which must all have the same bins."""

    def __init__(self, region: Region, path: str, known: dict[Any, Any]) -> None:
        self.known = known
        self.region = region
        self.where = f"histogram {region.variable!r} of {path}"
        self.edges: Floats | None = None
        self._axis: list[Any] | None = None

    def sum_by_year(
        self, samples: Any, names: Sequence[str], years: Mapping[str, str], what: str
    ) -> dict[str, Contents]:
        """Return year → sum of all datasets of some samples."""
        found: dict[str, Contents] = {}
        for sample in names:
            for dataset, group in samples[sample].items():
                check_known("dataset", [dataset], years, self.where)
                year = years[dataset]
                if self.region.years and year not in self.region.years:
                    continue
                contents = self.read(group, f"{what}, dataset {dataset!r} of {self.where}")
                found[year] = found[year] + contents if year in found else contents
        return found

    def read(self, group: Any, where: str) -> Contents:
        """Return the contents of one histogram."""
        storage = group["storage"]
        if "variances" not in storage:
            raise StatisticsError(f"{where} has no sums of squared weights, fill it with storage='weight'")
        axes = [group["ref_axes"][reference] for reference in group["axes"]]
        names = [_text(axis["metadata"].attrs["name"]) for axis in axes]
        check_known("axis", ["cat"], names, where)
        categories = _categories(axes[names.index("cat")])
        check_known("category", [self.region.category], categories, where)
        variations = _categories(axes[names.index("variation")]) if "variation" in names else [NOMINAL]
        check_known("variation", [NOMINAL], variations, where)
        others = [axis for axis, name in zip(axes, names, strict=True) if name not in ("cat", "variation")]
        self._check_bins([_description(axis) for axis in others], where)
        chosen: list[Any] = [slice(None)] * len(axes)
        chosen[names.index("cat")] = categories.index(self.region.category)
        values = self._array(storage["values"])[tuple(chosen)]
        if "variation" in names:
            chosen[names.index("variation")] = variations.index(NOMINAL)
            # The category's axis is gone from the values.
            place = names.index("variation") - (names.index("cat") < names.index("variation"))
            values = np.moveaxis(values, place, 0)
        else:
            values = values[None]
        variances = self._array(storage["variances"])[tuple(chosen)][None]
        sums, (squares,) = (self._with_flow(each, others) for each in (values, variances))
        for number, row in enumerate([*sums, squares]):
            if not np.isfinite(row).all():
                name = variations[number] if number < len(variations) else "the squared weights"
                raise StatisticsError(f"{where} isn't finite in {name}")
        rows = dict(zip(variations, sums, strict=False))
        stems = dict.fromkeys(stem_of(name) for name in variations if name != NOMINAL)
        varied = {stem: (rows.get(f"{stem}Up"), rows.get(f"{stem}Down")) for stem in stems}
        return Contents(rows[NOMINAL], squares, varied)

    def _array(self, dataset: Any) -> Any:
        """Return something to take a category from: an array that is kept for other categories, if it is small."""
        if dataset.size > LARGEST_KEPT:
            return dataset
        if dataset.name not in self.known:
            self.known[dataset.name] = dataset[()]
        return self.known[dataset.name]

    def _with_flow(self, values: Floats, axes: Sequence[Any]) -> Floats:
        """Return contents with under- and overflow, of shape (variations, bins + 2), summed if they are counted."""
        flows = [_flows(axis) for axis in axes]
        padding = [(0, 0), *((int(not under), int(not over)) for under, over in flows)]
        padded = np.pad(values.astype(float), padding)
        if not self.region.is_counting:
            return padded
        inside = padded[(slice(None), *(slice(1, -1) for _ in axes))].reshape(len(padded), -1).sum(axis=1)
        total = padded.reshape(len(padded), -1).sum(axis=1)
        return np.stack([np.zeros(len(padded)), inside, total - inside], axis=1)

    def _check_bins(self, axis: list[Any], where: str) -> None:
        if self._axis is None:
            self._axis = axis
            if not self.region.is_counting:
                if len(axis) != 1:
                    raise StatisticsError(f"{where} has {len(axis)} axes, but a region has one")
                # A category is a bin of width 1.
                is_categories = axis[0][:1] == ["categories"]
                self.edges = np.arange(float(len(axis[0]))) if is_categories else np.array(axis[0])
        elif self._axis != axis:
            raise StatisticsError(f"{where} has other bins than the other samples")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _categories(axis: Any) -> list[str]:
    return [_text(name) for name in axis["categories"][()]]


def _flows(axis: Any) -> tuple[bool, bool]:
    """Return whether an axis has underflow and overflow; categories have overflow at most."""
    attributes = axis.attrs
    if "flow" in attributes:
        return False, bool(attributes["flow"])
    return bool(attributes["underflow"]), bool(attributes["overflow"])


def _description(axis: Any) -> list[Any]:
    """Return the edges of an axis, or its categories."""
    attributes = axis.attrs
    if "categories" in axis:
        return ["categories", *axis["categories"][()].tolist()]
    if "edges" in axis:
        return list(map(float, axis["edges"][()]))
    edges: list[float] = np.linspace(attributes["lower"], attributes["upper"], int(attributes["bins"]) + 1).tolist()
    return edges

"""Stitching of samples that cover overlapping regions of generated quantities.

An inclusive sample and samples of single bins, such as of the scalar sum of the partons' transverse momenta (LHE_HT),
of the number of partons (LHE_Njets) or of the boson's transverse momentum (LHE_Vpt), are used together: in each region
every sample that covers it measures the same cross section, and counts by its equivalent luminosity L_s = N_s / σ_s,
where N_s is its sum of generator weights, or its number of events, and σ_s its cross section. After the usual
normalisation, σ_s / N_s, an event has the weight L_s / Σ L_s', with the sum over all samples that cover it. Events that
only one sample covers keep weight 1.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pocket.base.arguments import Declarative
from pocket.base.arrays.fields import field as field_of
from pocket.base.typing import Floats, Mask
from pocket.errors import ConfigError, UnknownNameError
from pocket.weights.base import WeightWrapper
from pocket.weights.objects import flat

#: Lower edge, included, and upper edge, excluded; ``None`` for none.
Range = tuple[float | None, float | None]
_ALL_YEARS = "*"
#: Relative difference up to which a cross section equals that of the dataset.
_SAME = 1e-6


@dataclass(frozen=True)
class StitchedSample(metaclass=Declarative):
    """Sample of a stitching.

    Args:
        sample: name of the sample, or of a dataset of it.
        xsec: its cross section in pb.
        events: its sum of generator weights over all events before any cut (or number of events, if the dataset is
            normalised to that); a mapping by year, if there are several years.
        region: path of a generated quantity, such as ``"LHE.HT"`` → lowest value and the value from which on it isn't
            covered any more, ``None`` for no limit. An empty region is that of an inclusive sample.

    Raises:
        ConfigError: if a number isn't positive, or a range is empty.

    Example:
        >>> StitchedSample("WJets_HT100to200", 1346.0, {"2018": 4.1e7}, {"LHE.HT": (100, 200)}).luminosity("2018")
        30460.624071322436
    """

    sample: str
    xsec: float
    events: float | Mapping[str, float]
    region: Mapping[str, Range] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_year = self.events if isinstance(self.events, Mapping) else {_ALL_YEARS: self.events}
        for what, number in (("xsec", self.xsec), *((f"events of {year}", n) for year, n in by_year.items())):
            if not (isinstance(number, int | float) and math.isfinite(number) and number > 0):
                raise ConfigError(f"stitched sample {self.sample!r}: {what} must be a positive number, not {number!r}")
        for quantity, limits in self.region.items():
            if len(limits) != 2 or operator.ge(*ends_of(limits)):
                raise ConfigError(
                    f"stitched sample {self.sample!r}: the range of {quantity} is {limits}, expected its lower and "
                    "upper edge"
                )

    def luminosity(self, year: str) -> float:
        """Return the equivalent luminosity of the sample in 1/pb.

        Raises:
            UnknownNameError: for a year without a number of events.
        """
        if not isinstance(self.events, Mapping):
            return self.events / self.xsec
        if year not in self.events:
            raise UnknownNameError("year", year, self.events, f"events of the stitched sample {self.sample!r}")
        return self.events[year] / self.xsec

    def covers(self, quantities: Mapping[str, npt.NDArray[Any]], size: int) -> Mask:
        """Return the mask of events in the region, shape (size,)."""
        inside = np.ones(size, dtype=np.bool_)
        for quantity, limits in self.region.items():
            low, high = ends_of(limits)
            inside &= (quantities[quantity] >= low) & (quantities[quantity] < high)
        return inside


def ends_of(limits: Range) -> tuple[float, float]:
    """Return the ends of a range, infinite where it has none."""
    low, high = limits
    return -math.inf if low is None else low, math.inf if high is None else high


@dataclass(frozen=True)
class Stitching(metaclass=Declarative):
    """Samples that are used together, each for the region that it was generated in.

    Args:
        name: name of the weight.
        samples: the samples; all that exist for a region, of which each may be one.

    Raises:
        ConfigError: if there are fewer than two samples, or a sample occurs twice.

    Examples:
        >>> import awkward as ak
        >>> stitching = Stitching(
        ...     "stitch_wjets",
        ...     [
        ...         StitchedSample("WJets", xsec=60000.0, events=6e6),
        ...         StitchedSample("WJets_HT100", xsec=1500.0, events=4.5e5, region={"LHE.HT": (100, None)}),
        ...     ],
        ... )
        >>> events = ak.Array([{"LHE": {"HT": 20.0}}, {"LHE": {"HT": 150.0}}])
        >>> [stitching.weights(events, 2, sample, "2018").tolist() for sample in ("WJets", "WJets_HT100")]
        [[1.0, 0.25], [0.0, 0.75]]
    """

    name: str
    samples: Sequence[StitchedSample]

    def __post_init__(self) -> None:
        object.__setattr__(self, "samples", tuple(self.samples))
        names = [each.sample for each in self.samples]
        if len(names) < 2:
            raise ConfigError(f"stitching {self.name!r} needs at least two samples")
        if double := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"stitching {self.name!r}: sample {double[0]!r} occurs twice")

    @property
    def quantities(self) -> tuple[str, ...]:
        """Generated quantities of all regions."""
        return tuple(dict.fromkeys(quantity for each in self.samples for quantity in each.region))

    def of(self, metadata: Mapping[str, Any]) -> StitchedSample:
        """Return the sample of a dataset, found by the name of the dataset or of its sample.

        Raises:
            UnknownNameError: if it isn't one of them.
        """
        by_name = {each.sample: each for each in self.samples}
        for key in ("dataset", "sample"):
            if (name := str(metadata.get(key, ""))) in by_name:
                return by_name[name]
        raise UnknownNameError("sample", metadata.get("sample"), by_name, f"stitching {self.name!r}")

    def weights(self, events: Any, size: int, sample: str, year: str) -> Floats:
        """Return the weights of events of a sample, shape (size,); 0 for events outside of its own region.

        The latter are few, such as from rounding at an edge, and belong to the other samples.

        Args:
            events: the events.
            size: number of events.
            sample: name of the sample as it is declared.
            year: data-taking period.

        Raises:
            MissingBranchError: if the events lack a quantity.
        """
        values = {
            quantity: flat(field_of(events, quantity, "events"), f"stitching {self.name!r}, {quantity}", "event")
            for quantity in self.quantities
        }
        own = self.of({"sample": sample})
        total = np.zeros(size)
        for each in self.samples:
            total += each.luminosity(year) * each.covers(values, size)
        inside = own.covers(values, size)
        return np.where(inside, own.luminosity(year), 0.0) / np.where(inside, total, 1.0)

    def weight(self) -> type[StitchingWeight]:
        """Return the weight class; name it in ``bysample`` of each of the samples."""
        return type(self.name, (StitchingWeight,), {"name": self.name, "stitching": self})


class StitchingWeight(WeightWrapper):
    """Weight of a stitching, see :meth:`Stitching.weight`."""

    stitching: ClassVar[Stitching]
    differs_by_dataset = True

    def check_parameters(self) -> None:
        """Check that the dataset's sample is declared, for its year and with its cross section."""
        declared = self.stitching.of(self.metadata)
        declared.luminosity(str(self.metadata["year"]))
        xsec = self.metadata.get("xsec")
        if xsec is not None and not math.isclose(float(xsec), declared.xsec, rel_tol=_SAME):
            raise ConfigError(
                f"stitching {self.name!r}: sample {declared.sample!r} has the cross section {declared.xsec:g} pb, its "
                f"dataset {self.metadata.get('dataset', '')!r} has {float(xsec):g} pb"
            )

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight of each event."""
        declared = self.stitching.of(self.metadata)
        return self.stitching.weights(events, size, declared.sample, str(self.metadata["year"]))

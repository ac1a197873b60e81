"""A small generator of tagged jets, with efficiencies that change within the bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from pocket.scale_factors import EfficiencyMap
from pocket.scale_factors.measurement.result import Measurement

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FLAVOURS = (0, 4, 5)
PT = (30.0, 50.0, 80.0, 150.0)
#: Mean of pt above 30 GeV, and by how much the efficiencies differ from those in tt, per sample.
SAMPLES = {"tt": (50.0, 1.0), "wjets": (30.0, 0.95)}
TAGGED = EfficiencyMap(
    input="toys",
    variable="jets",
    category="baseline",
    axes=("flavor", "pt"),
    mc=tuple(SAMPLES),
    groups={"top": ("tt",), "other": ("wjets",)},
    pass_axis="tagged",
)


@dataclass(frozen=True)
class Jets:
    """Jets of one sample, all of shape (events, jets per event) but the weights, shape (events,)."""

    flavour: Integers
    pt: Array
    tagged: npt.NDArray[np.bool_]
    weight: Array


def efficiency(flavour: Any, pt: Any, sample: str) -> Array:
    """True efficiency to be tagged."""
    of_b, of_light = 0.75 - 0.10 * np.exp(-pt / 60), 0.015 + 2e-5 * pt
    return SAMPLES[sample][1] * np.select([flavour == 5, flavour == 4], [of_b, 0.16], of_light)


def scale_factor(flavour: Any, pt: Any) -> Array:
    """True scale factor of the efficiency."""
    return np.asarray(np.select([flavour == 5, flavour == 4], [0.94 - 2e-4 * (pt - 30), 1.05], 1.25))


def jets(seed: int, sample: str, events: int = 10_000) -> Jets:
    """Generate events of two b jets, a c jet or none, and light jets; a tenth of them with negative weight."""
    rng = np.random.default_rng([seed, list(SAMPLES).index(sample)])
    flavour = np.stack([np.full(events, 5), np.full(events, 5), rng.choice([0, 4], events), np.zeros(events)], axis=1)
    pt = 30 + rng.exponential(SAMPLES[sample][0], flavour.shape)
    tagged = rng.random(flavour.shape) < efficiency(flavour, pt, sample)
    return Jets(flavour.astype(int), pt, tagged, np.where(rng.random(events) < 0.1, -1.0, 1.0))


def templates(seed: int, events: int = 10_000) -> dict[str, hist.Hist[Any]]:
    """Templates of tagged and untagged jets per sample."""
    found = {}
    for sample in SAMPLES:
        histogram = hist.Hist(
            hist.axis.StrCategory(["baseline"], name="cat"),
            hist.axis.StrCategory(["nominal"], name="variation"),
            hist.axis.IntCategory(FLAVOURS, name="flavor"),
            hist.axis.Variable(PT, name="pt"),
            hist.axis.Integer(0, 2, name="tagged"),
            storage=hist.storage.Weight(),
        )
        of = jets(seed, sample, events)
        histogram.fill(
            cat="baseline",
            variation="nominal",
            flavor=of.flavour.ravel(),
            pt=of.pt.ravel(),
            tagged=of.tagged.ravel(),
            weight=np.repeat(of.weight, of.pt.shape[1]),
        )
        found[sample] = histogram
    return found


def truth() -> Array:
    """Efficiencies averaged over the jets of each bin, all above in the last; shape (samples, flavours, bins of pt)."""
    fine = np.linspace(0, 1, 2001)[:-1] + 1 / 4000
    averages = np.empty((len(SAMPLES), len(FLAVOURS), len(PT) - 1))
    for index in np.ndindex(averages.shape):
        (sample, (mean, _)), flavour = list(SAMPLES.items())[index[0]], FLAVOURS[index[1]]
        low, high = (np.exp(-(edge - 30) / mean) for edge in (PT[index[2]], (*PT[:-1], np.inf)[index[2] + 1]))
        # quantiles of the exponential distribution between the edges
        pt = 30 - mean * np.log(low + fine * (high - low))
        averages[index] = efficiency(flavour, pt, sample).mean()
    return averages


def mean_weights(efficiencies: Array, of: Jets, parts: int) -> Measurement:
    """Mean of the event weight Π SF · Π (1 − SF ε) / (1 − ε) over tagged and untagged jets, with its error.

    Args:
        efficiencies: the map that gives ε, shape (flavours, bins of pt).
        of: the events; those of one sample.
        parts: number of equal parts of the events, each of which has its mean.
    """
    column = np.minimum(np.digitize(of.pt, PT) - 1, len(PT) - 2)
    mapped = efficiencies[np.searchsorted(FLAVOURS, of.flavour), column]
    # within a bin it must not change with the efficiency, or the mean isn't exactly 1
    factor = scale_factor(of.flavour, np.array(PT)[column])
    weight = np.where(of.tagged, factor, (1 - factor * mapped) / (1 - mapped)).prod(axis=1)
    weight, signed = weight.reshape(parts, -1), of.weight.reshape(parts, -1)
    mean = np.sum(signed * weight, axis=1) / signed.sum(axis=1)
    error = np.sqrt(np.sum((signed * (weight - mean[:, np.newaxis])) ** 2, axis=1)) / signed.sum(axis=1)
    return Measurement(mean, error, error)

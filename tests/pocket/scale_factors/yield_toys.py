"""Small generators of yields: a weight that changes them, and data that simulation doesn't describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hist
import numpy as np
import numpy.typing as npt

from pocket.scale_factors import DataMCRatio, NormRatio

Array = npt.NDArray[np.float64]

NJET = (2, 3, 4, 7)
HT = (100.0, 200.0, 400.0)
#: Mean of the weight whose effect on the yields is taken back, per bin of (njet, ht).
MEAN_WEIGHT = np.array([[0.97, 0.93], [0.92, 0.88], [0.87, 0.80]])
NORM = NormRatio(
    input="toys",
    variable="njet_ht",
    category="without",
    weighted="with",
    covariance="root",
    weight="sf_btag",
    axes=("njet", "ht"),
    mc=("tt",),
    together=True,
)
#: Factor of the weight up in the variation ``hf``, per number of jets beyond two.
HF_UP = 1.02

NPV = (0.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0)
#: Expected simulation in the bins, the last of which has a third of its entries in the overflow.
SIMULATED = np.array([1500.0, 2500.0, 3000.0, 2500.0, 1500.0, 900.0])
RATIO = np.array([0.80, 0.90, 1.00, 1.05, 1.15, 1.25])
BACKGROUND = np.array([200.0, 300.0, 500.0, 600.0, 500.0, 300.0])
VERTICES = DataMCRatio(
    input="toys", variable="npv", category="baseline", axes=("npv",), data=("data",), mc=("dy",), background=("wjets",)
)


@dataclass(frozen=True)
class Events:
    """Events with a weight w, a tenth of them negative, and another weight s; all of shape (events,)."""

    njet: npt.NDArray[np.int64]
    ht: Array
    w: Array
    s: Array

    @property
    def hf(self) -> Array:
        """Factor of the weight s in its variation ``hf`` up."""
        return np.asarray(HF_UP ** (self.njet - 2))


def events(seed: int, mean: float = 2000.0) -> Events:
    """Generate events.

    Args:
        seed: of the generator.
        mean: mean number of events in a bin; there are as many above the last edges, together.
    """
    rng = np.random.default_rng(seed)
    size = rng.poisson(mean * 7)
    place = rng.integers(0, 7, size)
    # beyond the axes it is as in the last bins
    first, second = np.divmod(np.minimum(place, 5), 2)
    outside = place == 6
    njet = np.where(outside, 9, np.array(NJET)[first])
    ht = np.where(outside, 1000.0, np.array(HT)[second])
    spread = 0.15
    s = MEAN_WEIGHT[first, second] * rng.lognormal(-(spread**2) / 2, spread, size)
    return Events(njet, ht, np.where(rng.random(size) < 0.1, -0.5, 0.5), s)


def norm_templates(of: Events) -> dict[str, hist.Hist[Any]]:
    """Templates without the weight s, with it and with its square root, in variations of it and of another one."""
    pileup = np.where(of.ht > 150, 1.1, 0.95)
    weights = {
        "nominal": (of.w, of.w * of.s, of.w * np.sqrt(of.s)),
        "sf_btag_hfUp": (of.w, of.w * of.s * of.hf, of.w * np.sqrt(of.s)),
        "sf_btag_hfDown": (of.w, of.w * of.s / of.hf, of.w * np.sqrt(of.s)),
        "sf_btag_root_hfUp": (of.w, of.w * of.s, of.w * np.sqrt(of.s * of.hf)),
        "sf_btag_root_hfDown": (of.w, of.w * of.s, of.w * np.sqrt(of.s / of.hf)),
        "pileupUp": (of.w * pileup, of.w * of.s * pileup, of.w * np.sqrt(of.s) * pileup),
        "pileupDown": (of.w / pileup, of.w * of.s / pileup, of.w * np.sqrt(of.s) / pileup),
    }
    histogram = hist.Hist(
        hist.axis.StrCategory(["without", "with", "root"], name="cat"),
        hist.axis.StrCategory(list(weights), name="variation"),
        hist.axis.Variable(NJET, name="njet"),
        hist.axis.Variable(HT, name="ht"),
        storage=hist.storage.Weight(),
    )
    for variation, triple in weights.items():
        for category, weight in zip(("without", "with", "root"), triple, strict=True):
            histogram.fill(cat=category, variation=variation, njet=of.njet, ht=of.ht, weight=weight)
    return {"tt": histogram}


def vertices(seed: int) -> dict[str, hist.Hist[Any]]:
    """Templates of data, of the simulation that is corrected, and of the background, a tenth of weights negative."""
    rng = np.random.default_rng(seed)
    expected = {"data": RATIO * SIMULATED + BACKGROUND, "dy": SIMULATED / 0.4, "wjets": BACKGROUND / 0.4}
    found = {}
    for sample, mean in expected.items():
        is_mc = sample != "data"
        axes: list[Any] = [hist.axis.StrCategory(["baseline"], name="cat")]
        if is_mc:
            axes.append(hist.axis.StrCategory(["nominal", "pileupUp", "pileupDown"], name="variation"))
        histogram = hist.Hist(*axes, hist.axis.Variable(NPV, name="npv"), storage=hist.storage.Weight())
        npv = np.repeat(NPV[:-1], rng.poisson(mean)) + 1
        npv[(npv > NPV[-2]) & (rng.random(npv.size) < 1 / 3)] = 50
        # the mean is 0.4
        weight = np.where(rng.random(npv.size) < 0.1, -0.5, 0.5)
        if is_mc:
            for variation, slope in (("nominal", 0.0), ("pileupUp", 0.01), ("pileupDown", -0.01)):
                weights = weight * (1 + slope * (npv - 20))
                histogram.fill(cat="baseline", variation=variation, npv=npv, weight=weights)
        else:
            histogram.fill(cat="baseline", npv=npv)
        found[sample] = histogram
    return found

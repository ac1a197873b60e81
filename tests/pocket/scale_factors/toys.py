"""A small generator of tag-and-probe and counting templates with known efficiencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hist
import numpy as np
import numpy.typing as npt
from scipy import special

from pocket.scale_factors.methods.tag_and_probe.cms_shape import STEEPNESS_WIDTH, TURN_ON_WIDTH, CMSShape
from pocket.scale_factors.methods.tag_and_probe.mass_shapes import SLOPE_WIDTH

PT = (20.0, 30.0, 50.0, 100.0)
ABSETA = (0.0, 1.2, 2.4)
SHAPE = (3, 2)
#: What the declarations in the tests share.
DECLARED: dict[str, Any] = {
    "input": "toys",
    "variable": "probes",
    "category": "baseline",
    "axes": ("pt", "abseta"),
    "data": ("data",),
    "mc": ("dy",),
}
EFFICIENCY_MC = np.array([[0.90, 0.86], [0.95, 0.92], [0.97, 0.94]])
#: Share of failing pairs that radiate, in :func:`with_tails`.
RADIATING = 0.5
SCALE_FACTOR = np.array([[0.98, 0.96], [0.98, 0.96], [0.99, 0.97]])


def template(is_mc: bool, mass_axis: bool = True, masses: int = 60) -> hist.Hist[Any]:
    """An empty histogram, with a mass axis if asked."""
    axes: list[Any] = [hist.axis.StrCategory(["baseline"], name="cat")]
    if is_mc:
        axes.append(hist.axis.StrCategory(["nominal", "pileupUp"], name="variation"))
    if mass_axis:
        axes.append(hist.axis.Regular(masses, 60, 120, name="mass"))
    axes += [
        hist.axis.Integer(0, 2, name="passing"),
        hist.axis.Variable(PT, name="pt"),
        hist.axis.Variable(ABSETA, name="abseta"),
    ]
    return hist.Hist(*axes, storage=hist.storage.Weight())


def z_mass(rng: np.random.Generator, size: int, resolution: float) -> npt.NDArray[np.float64]:
    """Breit-Wigner masses between 50 and 150 GeV with a Gaussian resolution."""
    low, high = (np.arctan((edge - 91.188) / (2.4955 / 2)) for edge in (50.0, 150.0))
    return 91.188 + 2.4955 / 2 * np.tan(rng.uniform(low, high, size)) + rng.normal(0, resolution, size)


def linear_mass(rng: np.random.Generator, size: int, slope: float) -> npt.NDArray[np.float64]:
    """Masses between 60 and 120 GeV whose density falls by slope per GeV, relative to that at 60 GeV."""
    return 60 + (1 - np.sqrt(1 - rng.random(size) * (1 - (1 - slope * 60) ** 2))) / slope


def exponential_mass(rng: np.random.Generator, size: int, slope: float) -> npt.NDArray[np.float64]:
    """Masses that fall like exp(-slope * mass) between 60 and 120 GeV."""
    return 60 - np.log1p(-rng.random(size) * -np.expm1(-slope * 60)) / slope


def cms_mass(
    rng: np.random.Generator, size: int, slope: float, turn_on: tuple[float, float] = (66.0, 0.07)
) -> npt.NDArray[np.float64]:
    """Masses between 60 and 120 GeV with a density of erfc((a - mass) b) exp(-slope * mass), turn_on being (a, b)."""
    drawn: list[float] = []
    while len(drawn) < size:
        mass = exponential_mass(rng, size, slope)
        drawn += mass[rng.random(size) * 2 < special.erfc((turn_on[0] - mass) * turn_on[1])].tolist()
    return np.array(drawn[:size])


def any_cms_mass(rng: np.random.Generator, size: int, _slope: float) -> npt.NDArray[np.float64]:
    """Masses with a density as in :func:`cms_mass`, with parameters as likely as the fit assumes."""
    background = CMSShape(np.linspace(60, 120, 61))
    widths = TURN_ON_WIDTH, STEEPNESS_WIDTH, SLOPE_WIDTH
    while True:
        values = dict(zip(background.names[1:], rng.normal(background.start(0.0, 0.0)[1:], widths), strict=True))
        if all(low < values[name] < high for name, (low, high) in background.limits.items()):
            return cms_mass(rng, size, values["gamma"], (values["alpha"], values["beta"]))


def fill(histogram: hist.Hist[Any], i: int, j: int, passing: Any, weight: Any = 1.0, **axes: Any) -> None:
    """Fill entries into bin (i, j) of (pt, abseta)."""
    if "variation" in histogram.axes.name:
        axes["variation"] = "nominal"
    histogram.fill(cat="baseline", passing=passing, pt=PT[i], abseta=ABSETA[j], weight=weight, **axes)


def tag_and_probe(
    seed: int,
    pairs: int = 20_000,
    simulated: int = 40_000,
    background: tuple[float, float] = (0.03, 0.5),
    slope: tuple[float, float] = (0.02, 0.03),
    resolution: tuple[float, float] = (1.6, 1.4),
    shape: Callable[..., npt.NDArray[np.float64]] = exponential_mass,
    radiation: float = 0.0,
    losses: tuple[float, float] = (0.0, 0.0),
) -> dict[str, hist.Hist[Any]]:
    """Templates of data and simulation.

    Args:
        pairs: mean signal pairs per bin in data.
        simulated: mean simulated pairs per bin, a tenth of them with weight -1.
        background: mean background per signal pair, in passing and failing pairs.
        slope: of the background, for passing and failing pairs [1/GeV].
        shape: masses of the background, from a generator, their number and the slope.
        radiation: share of the failing pairs that lose mass, see :func:`radiated`.
        resolution: of the mass in data and simulation [GeV].
        losses: share of all pairs that lose 8 GeV on average, in data and simulation.
    """
    rng = np.random.default_rng(seed)
    data, mc = template(is_mc=False), template(is_mc=True)
    for i, j in np.ndindex(SHAPE):
        efficiency = EFFICIENCY_MC[i, j] * SCALE_FACTOR[i, j]
        size = rng.poisson(pairs)
        passing, mass = rng.random(size) < efficiency, lossy(rng, z_mass(rng, size, resolution[0]), losses[0])
        fill(data, i, j, passing, mass=radiated(rng, passing, mass, radiation))
        for flag, of_signal in enumerate((1 - efficiency, efficiency)):
            size = rng.poisson(pairs * of_signal * background[1 - flag])
            fill(data, i, j, np.full(size, flag), mass=shape(rng, size, slope[1 - flag]))
        size = rng.poisson(simulated)
        passing, weight = rng.random(size) < EFFICIENCY_MC[i, j], np.where(rng.random(size) < 0.1, -0.5, 0.5)
        mass = lossy(rng, z_mass(rng, size, resolution[1]), losses[1])
        fill(mc, i, j, passing, weight, mass=radiated(rng, passing, mass, radiation))
    return {"data": data, "dy": mc}


def radiated(rng: np.random.Generator, passing: Any, mass: Any, share: float) -> Any:
    """Masses of pairs, of which a share of the failing ones loses 15 GeV on average."""
    return (
        mass - np.where(~passing & (rng.random(mass.size) < share), rng.exponential(15, mass.size), 0)
        if share
        else mass
    )


def lossy(rng: np.random.Generator, mass: Any, share: float) -> Any:
    """Masses of pairs, of which a share loses 8 GeV on average."""
    return mass - np.where(rng.random(mass.size) < share, rng.exponential(8, mass.size), 0) if share else mass


def electrons(
    seed: int,
    pairs: int = 6000,
    losses: tuple[float, float] = (0.33, 0.30),
    shape: Callable[..., npt.NDArray[np.float64]] = cms_mass,
) -> dict[str, hist.Hist[Any]]:
    """Templates of electrons: a background with a turn-on; resolution and radiation are worse in data."""
    return tag_and_probe(
        seed,
        pairs=pairs,
        simulated=3 * pairs,
        background=(0.03, 1.0),
        slope=(0.03, 0.04),
        resolution=(1.9, 1.5),
        shape=shape,
        losses=losses,
    )


def with_tails(seed: int) -> dict[str, hist.Hist[Any]]:
    """Templates for sidebands: the background falls as a straight line, half of the failing pairs radiates."""
    return tag_and_probe(seed, slope=(0.008, 0.012), resolution=(1.5, 1.5), shape=linear_mass, radiation=RADIATING)


def scale_factor_in(low: float, high: float) -> npt.NDArray[np.float64]:
    """True scale factor of the pairs of :func:`with_tails` whose mass is in a range."""
    rng = np.random.default_rng(0)
    mass = z_mass(rng, 2_000_000, 1.5)
    of_failing = radiated(rng, np.zeros(mass.size, dtype=bool), mass, RADIATING)
    fail, success = (np.mean((low <= each) & (each < high)) for each in (of_failing, mass))

    def of(efficiency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(efficiency * success / (efficiency * success + (1 - efficiency) * fail))

    return of(EFFICIENCY_MC * SCALE_FACTOR) / of(EFFICIENCY_MC)


def counting(
    seed: int, objects: int = 5000, simulated: int = 20_000, factor: npt.NDArray[np.float64] = SCALE_FACTOR
) -> dict[str, hist.Hist[Any]]:
    """Templates of data and simulation without mass axis, a tenth of the simulated weights negative.

    Args:
        objects: in data, per bin.
        simulated: in simulation, per bin.
        factor: the true scale factors.
    """
    rng = np.random.default_rng(seed)
    data, mc = template(is_mc=False, mass_axis=False), template(is_mc=True, mass_axis=False)
    for i, j in np.ndindex(SHAPE):
        fill(data, i, j, rng.random(objects) < EFFICIENCY_MC[i, j] * factor[i, j])
        weight = np.where(rng.random(simulated) < 0.1, -0.5, 0.5)
        fill(mc, i, j, rng.random(simulated) < EFFICIENCY_MC[i, j], weight=weight)
    return {"data": data, "dy": mc}

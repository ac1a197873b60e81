"""A small generator of discriminant templates in pass and fail, with known scale factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs

Array = npt.NDArray[np.float64]

EFFICIENCY = {"b": 0.7, "c": 0.16, "light": 0.016}
SCALE_FACTOR = {"b": 0.93, "c": 1.05, "light": 1.0}
#: Jets in data per flavour.
JETS = {"b": 6000, "c": 3000, "light": 6000}
#: Parameters of the Beta distribution of the discriminant per flavour, in pass and fail.
DISCRIMINANT = {"b": ((7, 1.2), (6, 1.2)), "c": ((4, 4), (3.5, 4)), "light": ((1.3, 8), (1.1, 9))}
#: lnN per rate, and of the scale factor of the light flavour.
RATES = {"b": 1.1, "c": 1.2, "light": 1.2}
LIGHT = 1.25


def expected(bins: int = 20, tilt: float = 0.0) -> dict[str, Array]:
    """Yields per flavour, region and bin of simulation without fluctuations.

    Args:
        tilt: slope by which the discriminant's distribution is distorted; a uniform one gets 1 ± tilt at the ends.
    """
    edges = np.linspace(0, 1, bins + 1)
    slope = 1 + tilt * (edges[:-1] + edges[1:] - 1)
    return {
        flavour: JETS[flavour]
        * np.array([[efficiency], [1 - efficiency]])
        * np.array([np.diff(beta(*shape).cdf(edges)) for shape in DISCRIMINANT[flavour]])
        * slope
        for flavour, efficiency in EFFICIENCY.items()
    }


def templates(seed: int, simulated: float = 1.0, bins: int = 20, shapes: int = 1, **changes: Any) -> TemplateInputs:
    """Fluctuated data and simulation.

    The true value of each nuisance is drawn, as its constraint stays at 0; so pulls have width 1.

    Args:
        simulated: simulated per expected jet.
        shapes: number of shape nuisances; they tilt the discriminants of all flavours by 5 % to 2 %.
        changes: other arguments of :class:`TemplateInputs`.
    """
    rng = np.random.default_rng(seed)
    truth = expected(bins)
    nominal = {flavour: rng.poisson(values * simulated) / simulated for flavour, values in truth.items()}
    tilts = np.linspace(0.05, 0.02, shapes)
    nuisances = {f"rate_{flavour}": Nuisance(rate={flavour: kappa}) for flavour, kappa in RATES.items()}
    nuisances["sf_light"] = Nuisance(scale={"light": LIGHT})
    # Variations reweight the simulated jets, so they fluctuate along with the nominal ones.
    ratios = [{f: np.stack([expected(bins, s * t)[f] / truth[f] for s in (1, -1)]) for f in truth} for t in tilts]
    for i, ratio in enumerate(ratios):
        shape = {flavour: (nominal[flavour] * up, nominal[flavour] * down) for flavour, (up, down) in ratio.items()}
        nuisances[f"tilt_{i}"] = Nuisance(shape=shape)

    data = np.zeros((2, bins))
    light = LIGHT ** rng.normal()
    values = rng.normal(size=shapes)
    for flavour, yields in truth.items():
        passing, failing = yields.sum(axis=1)
        factor = SCALE_FACTOR[flavour] * (light if flavour == "light" else 1)
        rate = RATES[flavour] ** rng.normal()
        distorted = yields * (1 + sum(v * (r[flavour][0] - 1) for v, r in zip(values, ratios, strict=True)))
        data += distorted * rate * np.array([[factor], [1 + (1 - factor) * passing / failing]])
    inputs: dict[str, Any] = {
        "label": "pt [30, 50)",
        "data": rng.poisson(data).astype(float),
        "nominal": nominal,
        "sumw2": {flavour: values / simulated for flavour, values in nominal.items()},
        "flavours": {"b": None, "c": None, "light": 1.0},
        "nuisances": nuisances,
    }
    return TemplateInputs(**{**inputs, **changes})

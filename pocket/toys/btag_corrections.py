"""Shape corrections of the toys' b-tagging score, in the file layout of the b-tagging group.

The central ones are the truth: in bins of pt and score, the probability in data over the one in simulation, so that
they preserve the total yield of each flavour. The uncertainties are invented, smooth functions of the score:
contamination by the other flavour (hf, lf), a linear and a quadratic one for the statistics, and two larger ones for c
jets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from correctionlib import schemav2
from scipy.special import expit, logit

from pocket.base.typing import Floats
from pocket.toys.config import Truth
from pocket.toys.correction_nodes import binning, category, centres, correction
from pocket.toys.truth import tag_efficiency

SHAPE = "deepJet_shape"

_PT = (20.0, 30.0, 50.0, 70.0, 100.0, 140.0, 200.0, 300.0, np.inf)
_ABSETA = (0.0, 2.5)
_B, _C, _LIGHT = 5, 4, 0


def _linear(score: Floats) -> Floats:
    return 1 - 2 * score


def _quadratic(score: Floats) -> Floats:
    return 1 - 6 * score * (1 - score)


#: uncertainty → flavour that it exists for → its relative size as a function of the score
_SIZES: dict[str, dict[int, Callable[[Floats], Floats]]] = {
    "lf": {_B: lambda score: 0.04 * (1 - score), _LIGHT: np.zeros_like},
    "hf": {_B: np.zeros_like, _LIGHT: lambda score: 0.08 * score},
    "hfstats1": {_B: lambda score: 0.015 * _linear(score), _LIGHT: np.zeros_like},
    "hfstats2": {_B: lambda score: 0.010 * _quadratic(score), _LIGHT: np.zeros_like},
    "lfstats1": {_B: np.zeros_like, _LIGHT: lambda score: 0.020 * _linear(score)},
    "lfstats2": {_B: np.zeros_like, _LIGHT: lambda score: 0.015 * _quadratic(score)},
    "cferr1": {_C: lambda score: 0.10 * _linear(score)},
    "cferr2": {_C: lambda score: 0.06 * _quadratic(score)},
}


def btag_shape(truth: Truth) -> schemav2.Correction:
    """Return the correction with inputs systematic, flavor, abseta, pt and discriminant.

    As in the group's files, uncertainties like ``up_cferr1`` exist for c jets only, the others for b and light jets.
    """
    edges = _score_edges(truth)
    score = centres(edges)
    # A score may be rounded to 1, which a bin with the upper edge 1 would exclude.
    axes = {"abseta": _ABSETA, "pt": _PT, "discriminant": [*edges[:-1], np.inf]}

    def flavours(relative: dict[int, Floats]) -> schemav2.Category:
        content = {}
        for flavour, size in relative.items():
            factors = shape_scale_factors(flavour, centres(_PT), np.asarray(edges), truth) * (1 + size)
            content[flavour] = binning(axes, factors)
        return category("flavor", content)

    kinds = {"central": flavours(dict.fromkeys((_B, _C, _LIGHT), np.zeros_like(score)))}
    for name, sizes in _SIZES.items():
        for side, sign in (("up", 1), ("down", -1)):
            kinds[f"{side}_{name}"] = flavours({flavour: sign * size(score) for flavour, size in sizes.items()})
    inputs = [
        schemav2.Variable(name="systematic", type="string", description=", ".join(kinds)),
        schemav2.Variable(name="flavor", type="int", description="hadron flavour: 5, 4 or 0"),
        schemav2.Variable(name="abseta", type="real", description="|eta| of the jet"),
        schemav2.Variable(name="pt", type="real", description="pt of the jet in GeV"),
        schemav2.Variable(name="discriminant", type="real", description="score of the tagger"),
    ]
    description = "Data over simulation, of the distribution of the score."
    return correction(SHAPE, description, inputs, category("systematic", kinds))


def shape_scale_factors(flavour: int, pt: Floats, edges: Floats, truth: Truth) -> Floats:
    """Return the probabilities of bins of the score in data over those in simulation, shape (n jets, n bins)."""
    tagger = truth.tagger
    spread = {_B: tagger.b, _C: tagger.c, _LIGHT: tagger.light}[flavour].spread

    def probabilities(is_data: bool) -> Floats:
        # This is pocket.toys.truth.tagger_score, solved for the quantile.
        failing = 1 - tag_efficiency(flavour, pt, truth, is_data)[:, None]
        below = expit((logit(edges) - logit(float(tagger.working_point))) / spread + logit(failing))
        return np.asarray(np.diff(below, axis=1))

    return probabilities(True) / probabilities(False)


def _score_edges(truth: Truth) -> list[float]:
    """Return the edges of 18 bins, which include the working point."""
    working_point = float(truth.tagger.working_point)
    return [*np.linspace(0, working_point, 7).tolist(), *np.linspace(working_point, 1, 13)[1:].tolist()]

"""Variations of the generator's scales: weights of 1, with up and down from NanoAOD's branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pocket.base.arguments import declarative
from pocket.base.typing import Floats
from pocket.histograms.combined import ENVELOPE, Combination
from pocket.histograms.one_sided import NONE
from pocket.weights.base import WeightData, WeightDataMultiVariation
from pocket.weights.generator_branches import GeneratorBranch, title_of
from pocket.weights.shower_variations import entries_of, entry

#: Factors on the renormalisation and factorisation scales, in the order of LHEScaleWeight.
SCALES = tuple((renormalisation, factorisation) for renormalisation in (0.5, 1, 2) for factorisation in (0.5, 1, 2))
_NOMINAL = (1, 1)


class _PartonShower(GeneratorBranch):
    """Entry ``up`` of PSWeight, and the second one after it.

    NanoAOD (from version 9) has the initial state's entries at 0 and 2, the final state's at 1 and 3. Those with more
    radiation come first (half the scale; NanoAOD's documentation quotes the inverse factor, 2), unless the title of the
    branch names the variations (:mod:`pocket.weights.shower_variations`).
    """

    up: int
    shower: str

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it."""
        places = entries_of(title_of(events, "PSWeight")) if size else {}
        if places:
            weights = self.entries(events, "PSWeight")
            up, down = (entry(self, weights, places, (self.shower, "", "mur", factor)) for factor in (0.5, 2.0))
            return WeightData(self.name, np.ones(size), up, down)
        weights = self.entries(events, "PSWeight", (4,))
        return WeightData(self.name, np.ones(size), weights[:, self.up], weights[:, self.up + 2])


class PartonShowerISR(_PartonShower):
    """Scale of the parton shower in the initial state; up means more radiation.

    PSWeight[0] is up, PSWeight[2] down. Source: documentation of the branch, "[0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2;
    [2] is ISR=0.5 FSR=1; [3] is ISR=1 FSR=0.5", filled from the generator's isrDefHi (muRfac = 0.5), fsrDefHi, isrDefLo
    and fsrDefLo (CMSSW, GenWeightsTableProducer and Configuration/Generator, Pythia 8 shower weights).
    """

    name = "sf_partonshower_isr"
    up = 0
    shower = "isr"


class PartonShowerFSR(_PartonShower):
    """Scale of the parton shower in the final state: PSWeight[1] is up, PSWeight[3] down (:class:`PartonShowerISR`)."""

    name = "sf_partonshower_fsr"
    up = 1
    shower = "fsr"


class _QCDScales(GeneratorBranch):
    def scales(self, events: Any) -> dict[tuple[float, float], Floats]:
        """Return (factor on the renormalisation scale, on the factorisation scale) → weight, shape (n events,)."""
        weights = self.entries(events, "LHEScaleWeight", (9, 8))
        # Branches with eight entries lack the nominal one.
        order = SCALES if weights.shape[1] == len(SCALES) else [scale for scale in SCALES if scale != _NOMINAL]
        return {scale: weights[:, number] for number, scale in enumerate(order)}


class _OneScale(_QCDScales):
    #: factors on both scales for up and for down
    sides: tuple[tuple[float, float], tuple[float, float]]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it."""
        scales = self.scales(events)
        return WeightData(self.name, np.ones(size), *(scales[side] for side in self.sides))


class RenormalisationScale(_OneScale):
    """Renormalisation scale of the matrix element; up means twice the scale.

    LHEScaleWeight has the renormalisation scale as the outer index and the factorisation scale as the inner one, each
    with 0.5, 1 and 2; if it has eight entries, the nominal one is missing (documentation of the branch; CMSSW,
    GenWeightsTableProducer, which sorts them in this way).
    """

    name = "sf_qcd_renorm_scale"
    sides = (2, 1), (0.5, 1)


class FactorisationScale(_OneScale):
    """Factorisation scale of the matrix element; up means twice the scale (:class:`RenormalisationScale`)."""

    name = "sf_qcd_factor_scale"
    sides = (1, 2), (1, 0.5)


class QCDScale(_QCDScales):
    """Envelope of both scales: the largest and the smallest weight of the seven points in each event.

    The seven points are all except (0.5, 2) and (2, 0.5) (LHC Higgs Cross Section Working Group, arXiv:1610.07922). An
    envelope per event is never smaller than that of the templates, which is :class:`QCDScalePoints`.
    """

    name = "sf_qcd_scale"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the envelope relative to it."""
        points = [weights for (mu_r, mu_f), weights in self.scales(events).items() if mu_r / mu_f in (0.5, 1, 2)]
        points.append(np.ones(size))
        return WeightData(self.name, np.ones(size), np.max(points, axis=0), np.min(points, axis=0))


#: The points of the envelope beside the nominal one: all except for (0.5, 2) and (2, 0.5).
POINTS = tuple(scale for scale in SCALES if scale != _NOMINAL and scale[0] / scale[1] in (0.5, 1, 2))


def point_name(scale: tuple[float, float]) -> str:
    """Return the name of a point, such as muR0p5_muF1."""
    return "_".join(f"{axis}{value:g}".replace(".", "p") for axis, value in zip(("muR", "muF"), scale, strict=True))


class QCDScalePoints(_QCDScales):
    """The six varied points of the renormalisation and factorisation scales, combined by the templates' envelope.

    ``sf_qcd_scale_points`` stores ``sf_qcd_scale_points_muR0p5_muF1`` and the others; plots combine them to their
    envelope (:mod:`pocket.histograms.combined`). The seven points are those of :class:`QCDScale`. Each is relative to
    the entry (1, 1), if the branch has it. They have no other side, so :class:`RenormalisationScale` and
    :class:`FactorisationScale` are better as parameters of a fit.
    """

    name = "sf_qcd_scale_points"
    combination: ClassVar[Combination | None] = Combination("sf_qcd_scale_points", ENVELOPE, r"muR[\dp]+_muF[\dp]+")
    renormalised: ClassVar[bool] = False
    differs_by_dataset = True
    _variations = tuple(map(point_name, POINTS))
    symmetrise: ClassVar[str | Mapping[str, str]] = dict.fromkeys(_variations, NONE)

    @classmethod
    @declarative
    def wrap(cls, name: str, envelope: bool = True, renormalised: bool = False) -> type[QCDScalePoints]:
        """Return a weight class with another treatment of the points.

        Args:
            name: name of the weight.
            envelope: whether plots combine the points to their envelope; otherwise each is a source.
            renormalised: whether each point keeps the sum of weights of the dataset, so that it changes the shape
                alone, with ``LHEScaleSumw`` of its metadata (:func:`pocket.weights.generator_means`).

        Example:
            >>> Shape = QCDScalePoints.wrap("sf_qcd_scale_shape", renormalised=True)
            >>> Shape.combination.name
            'sf_qcd_scale_shape'
        """
        combination = Combination(name, ENVELOPE, r"muR[\dp]+_muF[\dp]+") if envelope else None
        return type(name, (cls,), {"name": name, "combination": combination, "renormalised": renormalised})

    def check_parameters(self) -> None:
        """Check that the means are there if they are needed.

        Raises:
            ConfigError: if the metadata of the dataset lack them.
        """
        if self.renormalised:
            self.mean_weights("LHEScaleWeight")

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the points relative to it.

        Raises:
            ConfigError: if the sample has no such weights, or their sums aren't known.
        """
        nominal = np.ones(size)
        if not self.needs_variations(shape_variation):
            return nominal
        scales = self.scales(events)
        if self.renormalised:
            means = self.mean_weights("LHEScaleWeight", len(scales))
            scales = {scale: values / mean for (scale, values), mean in zip(scales.items(), means, strict=True)}
        central = scales.get(_NOMINAL, nominal)
        up = [scales[point] / central for point in POINTS]
        return WeightDataMultiVariation(self.name, nominal, self.variations, up, [None] * len(up))

"""Variations of the generator's scales: weights of 1, with up and down from NanoAOD's branches."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.errors import ConfigError
from pocket.weights.base import WeightData, WeightWrapper

#: Factors on the renormalisation and factorisation scales, in the order of LHEScaleWeight.
SCALES = tuple((renormalisation, factorisation) for renormalisation in (0.5, 1, 2) for factorisation in (0.5, 1, 2))
_NOMINAL = (1, 1)


class _Variations(WeightWrapper):
    has_variations = True

    def entries(self, events: Any, source: str, expected: tuple[int, ...]) -> Floats:
        """Return a branch with an expected number of entries per event, shape (n events, n entries).

        Raises:
            ConfigError: if it has another number of entries, e.g. because the sample was generated without variations.
        """
        values = events[source]
        counts = sorted(set(ak.to_list(ak.num(values, axis=1))))
        if not counts:
            return np.ones((0, expected[0]))
        if len(counts) > 1 or counts[0] not in expected:
            raise ConfigError(
                f"weight {self.name!r} needs {' or '.join(map(str, expected))} entries per event in {source}, sample "
                f"{self.metadata.get('sample')!r} has {' and '.join(map(str, counts))}"
            )
        return np.asarray(ak.to_numpy(values), dtype=np.float64)


class _PartonShower(_Variations):
    """Entry ``up`` of PSWeight, and the second one after it.

    NanoAOD (from version 9) has the initial state's entries at 0 and 2, the final state's at 1 and 3. Those with more
    radiation come first (half the scale; NanoAOD's documentation quotes the inverse factor, 2).
    """

    up: int

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it."""
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


class PartonShowerFSR(_PartonShower):
    """Scale of the parton shower in the final state: PSWeight[1] is up, PSWeight[3] down (:class:`PartonShowerISR`)."""

    name = "sf_partonshower_fsr"
    up = 1


class _QCDScales(_Variations):
    def scales(self, events: Any) -> dict[tuple[float, float], Floats]:
        """Return (factor on the renormalisation scale, on the factorisation scale) → weight, shape (n events,)."""
        weights = self.entries(events, "LHEScaleWeight", (9, 8))
        # Branches with eight entries lack the nominal one.
        order = SCALES if weights.shape[1] == len(SCALES) else [scale for scale in SCALES if scale != _NOMINAL]
        return {scale: weights[:, number] for number, scale in enumerate(order)}


class RenormalisationScale(_QCDScales):
    """Renormalisation scale of the matrix element; up means twice the scale.

    LHEScaleWeight has the renormalisation scale as the outer index and the factorisation scale as the inner one, each
    with 0.5, 1 and 2; if it has eight entries, the nominal one is missing (documentation of the branch; CMSSW,
    GenWeightsTableProducer, which sorts them in this way).
    """

    name = "sf_qcd_renorm_scale"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it."""
        scales = self.scales(events)
        return WeightData(self.name, np.ones(size), scales[2, 1], scales[0.5, 1])


class FactorisationScale(_QCDScales):
    """Factorisation scale of the matrix element; up means twice the scale (:class:`RenormalisationScale`)."""

    name = "sf_qcd_factor_scale"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the variations relative to it."""
        scales = self.scales(events)
        return WeightData(self.name, np.ones(size), scales[1, 2], scales[1, 0.5])


class QCDScale(_QCDScales):
    """Envelope of both scales: the largest and the smallest weight of the seven points in each event.

    The seven points are all except (0.5, 2) and (2, 0.5) (LHC Higgs Cross Section Working Group, arXiv:1610.07922). An
    envelope per event is never smaller than that of the templates; use the two scales separately
    (:class:`RenormalisationScale`, :class:`FactorisationScale`) if this matters.
    """

    name = "sf_qcd_scale"

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return 1, and the envelope relative to it."""
        points = [weights for (mu_r, mu_f), weights in self.scales(events).items() if mu_r / mu_f in (0.5, 1, 2)]
        points.append(np.ones(size))
        return WeightData(self.name, np.ones(size), np.max(points, axis=0), np.min(points, axis=0))

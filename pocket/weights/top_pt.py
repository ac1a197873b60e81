"""Reweighting of the transverse momentum of top quarks in simulated top quark pairs.

Source: TOP PAG, https://twiki.cern.ch/twiki/bin/view/CMS/TopPtReweighting. The weight of an event is the square root of
the product of both top quarks' factors, at their transverse momenta after radiation and before the decay: the last
copies in the record of generated particles. The factors are for POWHEG + Pythia 8 (CP5) at 13 TeV:

- data-driven, data over NLO simulation: exp(0.0615 − 0.0005 pt), constant from 500 GeV on;
- theory, NNLO QCD + NLO electroweak over NLO simulation: 0.103 exp(−0.0118 pt) − 0.000134 pt + 0.973.

The first must not be used where top quarks are measured or searched for in the same distributions.
"""

from __future__ import annotations

from typing import Any, ClassVar

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.weights.base import WeightData, WeightWrapper

_TOP = 6
#: Bit of GenPart_statusFlags for the last copy of a particle, before it decays.
_IS_LAST_COPY = 1 << 13
#: Transverse momentum in GeV above which the data-driven factor is constant, as there are no data.
_DATA_END = 500.0


def data_over_nlo(pt: Floats) -> Floats:
    """Return the data-driven factor of top quarks, at transverse momenta in GeV.

    Example:
        >>> data_over_nlo(np.array([0.0, 500.0, 900.0])).round(4).tolist()
        [1.0634, 0.8282, 0.8282]
    """
    return np.asarray(np.exp(0.0615 - 0.0005 * np.minimum(pt, _DATA_END)))


def nnlo_over_nlo(pt: Floats) -> Floats:
    """Return the factor of top quarks from theory, at transverse momenta in GeV.

    Example:
        >>> nnlo_over_nlo(np.array([0.0, 500.0])).round(4).tolist()
        [1.076, 0.9063]
    """
    return np.asarray(0.103 * np.exp(-0.0118 * pt) - 0.000134 * pt + 0.973)


def top_pts(events: Any) -> tuple[Floats, Floats]:
    """Return the pt in GeV of the first last copies of top quark and antiquark of each event, NaN without one."""
    particles = collection(events, "GenPart")
    flags, pt = branch(particles, "statusFlags", "GenPart"), branch(particles, "pt", "GenPart")
    is_last = (flags & _IS_LAST_COPY) != 0

    def first(code: int) -> Floats:
        chosen = ak.firsts(pt[is_last & (particles.pdgId == code)])
        return np.asarray(ak.to_numpy(ak.fill_none(chosen, np.nan)), dtype=np.float64)

    return first(_TOP), first(-_TOP)


class _TopPt(WeightWrapper):
    """Base class of both weights. An event without a top quark and antiquark has weight 1."""

    has_variations = True

    #: function of pt in GeV that returns the factor of top quarks
    factor: ClassVar[staticmethod[[Floats], Floats]]

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight; up applies it twice, down not at all."""
        tops, antitops = top_pts(events)
        is_pair = np.isfinite(tops) & np.isfinite(antitops)
        weight = np.ones(size)
        weight[is_pair] = np.sqrt(self.factor(tops[is_pair]) * self.factor(antitops[is_pair]))
        return WeightData(self.name, weight, weight**2, np.ones(size))


class TopPtNNLO(_TopPt):
    """Weight from the prediction at NNLO QCD + NLO electroweak; name it in ``bysample`` of samples of top quark pairs.

    Up applies it twice and down not at all, so that half of the difference is the size of the correction.
    """

    name = "sf_top_pt_nnlo"
    factor = staticmethod(nnlo_over_nlo)


class TopPtData(_TopPt):
    """Weight from data; see :class:`TopPtNNLO` for its variations, and the module for when it may be used."""

    name = "sf_top_pt_data"
    factor = staticmethod(data_over_nlo)

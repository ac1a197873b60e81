"""The true efficiencies of the toys as functions of reconstructed quantities.

A scale factor measured on the toys must agree with the ratio of data's efficiency to simulation's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import erf, expit, logit

from pocket.base.typing import Floats
from pocket.errors import UnknownNameError
from pocket.toys.config import ElectronIdTruth, FlavourTruth, TaggerTruth, Truth


def muon_id_efficiency(pt: npt.ArrayLike, eta: npt.ArrayLike, truth: Truth, is_data: bool) -> Floats:
    """Return the probability that a prompt muon passes ``tightId``, in the shape that pt and eta broadcast to."""
    abs_eta = np.abs(np.asarray(eta, dtype=np.float64)) + np.zeros_like(np.asarray(pt, dtype=np.float64))
    muon_id = truth.muon_id
    efficiency = muon_id.plateau - muon_id.edge_loss * abs_eta / muon_id.eta_max
    if is_data:
        efficiency = efficiency * (muon_id.sf - muon_id.sf_endcap_loss * (abs_eta > muon_id.sf_boundary))
    return np.asarray(efficiency, dtype=np.float64)


def electron_id_efficiency(pt: npt.ArrayLike, eta: npt.ArrayLike, truth: ElectronIdTruth, is_data: bool) -> Floats:
    """Return the probability that a prompt electron passes the MVA's WP90 with isolation, at the supercluster's eta."""
    pt, eta = np.broadcast_arrays(np.asarray(pt, dtype=np.float64), np.asarray(eta, dtype=np.float64))
    efficiency = (
        truth.plateau - truth.turn_on * np.exp(-pt / truth.turn_on_scale) - truth.edge_loss * (eta / truth.eta_max) ** 2
    )
    if is_data:
        efficiency = efficiency * (
            truth.sf
            - truth.sf_turn_on * np.exp(-pt / truth.turn_on_scale)
            - truth.sf_endcap_loss * (np.abs(eta) > truth.sf_boundary)
            + truth.sf_slope * eta / truth.eta_max
        )
    return np.asarray(efficiency, dtype=np.float64)


def trigger_efficiency(pt: npt.ArrayLike, eta: npt.ArrayLike, truth: Truth, is_data: bool) -> Floats:
    """Return the probability that a prompt muon fires HLT_IsoMu24, whether or not it passes the ID."""
    turn_on = truth.trigger.data if is_data else truth.trigger.mc
    pt = np.asarray(pt, dtype=np.float64) + np.zeros_like(np.asarray(eta, dtype=np.float64))
    rise = erf((pt - turn_on.threshold) / (np.sqrt(2) * truth.trigger.resolution))
    return np.asarray(turn_on.plateau / 2 * (1 + rise), dtype=np.float64)


def tag_efficiency(flavour: int, pt: npt.ArrayLike, truth: Truth, is_data: bool) -> Floats:
    """Return the probability that a jet of hadron flavour 5, 4 or 0 has btagDeepFlavB above the working point."""
    parameters = _flavour(flavour, truth.tagger)
    pt = np.asarray(pt, dtype=np.float64)
    efficiency = (
        parameters.plateau - parameters.turn_on * np.exp(-pt / parameters.turn_on_scale) + parameters.slope * pt
    )
    if is_data:
        efficiency = efficiency * (parameters.sf + parameters.sf_slope * (pt - truth.tagger.sf_reference_pt))
    return np.asarray(efficiency, dtype=np.float64)


def tagger_score(quantile: Floats, flavour: int, pt: npt.ArrayLike, truth: Truth, is_data: bool) -> Floats:
    """Return scores in [0, 1] whose distribution has exactly :func:`tag_efficiency` above the working point.

    The logit of the score follows a logistic distribution, whose location follows from the efficiency. Each jet's
    quantile in it, in (0, 1), is given.
    """
    spread = _flavour(flavour, truth.tagger).spread
    failing = 1 - tag_efficiency(flavour, pt, truth, is_data)
    working_point = logit(float(truth.tagger.working_point))
    return np.asarray(expit(working_point + spread * (logit(quantile) - logit(failing))), dtype=np.float64)


def _flavour(flavour: int, tagger: TaggerTruth) -> FlavourTruth:
    by_flavour = {5: tagger.b, 4: tagger.c, 0: tagger.light}
    if flavour not in by_flavour:
        raise UnknownNameError("hadron flavour", flavour, by_flavour, "the tagger's truth")
    return by_flavour[flavour]

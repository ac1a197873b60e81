"""Partons of the hard process: their provenance, and their matches to jets."""

from __future__ import annotations

from enum import IntEnum

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch
from pocket.objects.gen_objects import nearest_ancestor, value_at
from pocket.objects.object_matching import object_matching

BOTTOM, TOP, GLUON, W, HIGGS = 5, 6, 21, 24, 25
#: Bit of GenPart_statusFlags for particles of the hard process.
IS_HARD_PROCESS = 1 << 7
#: Pythia 8's status of particles that leave the hard process or a decay of a resonance in it.
OUTGOING = 23


class Provenance(IntEnum):
    """Provenance of a parton, with PocketCoffea's codes."""

    UNKNOWN = -1
    #: It comes from the decay of a Higgs boson.
    HIGGS = 1
    #: It is the b quark of a top whose W decays into quarks.
    HADRONIC_TOP = 2
    #: It is the b quark of a top whose W decays into leptons.
    LEPTONIC_TOP = 3
    #: It was radiated.
    RADIATION = 4
    #: It comes from the W of a hadronic top.
    HADRONIC_W = 5


def hard_process_partons(particles: ak.Array) -> ak.Array:
    """Return the quarks and gluons that leave the hard process or a decay in it, before they shower.

    Args:
        particles: NanoAOD's GenPart, of a sample showered by Pythia 8.

    Returns:
        The partons with their ``provenance``, a code of :class:`Provenance`, shape (n events, n partons). It is
        ``UNKNOWN`` for a parton from a W that doesn't come from a top.

    Raises:
        MissingBranchError: if the particles lack a branch.
    """
    code = abs(particles.pdgId)
    hard = (branch(particles, "statusFlags", "GenPart") & IS_HARD_PROCESS) != 0
    is_parton = hard & (particles.status == OUTGOING) & ((code <= BOTTOM) | (code == GLUON))
    position = ak.local_index(code, axis=1)[is_parton]
    is_origin = (code == TOP) | (code == HIGGS)
    nearest = nearest_ancestor(particles, position, is_origin | (code == W))
    origin = nearest_ancestor(particles, position, is_origin)
    origin_code = value_at(code, origin, 0)
    is_quark = code[is_parton] != GLUON
    from_w = value_at(code, nearest, 0) == W
    from_hadronic_w = is_quark & from_w & (origin_code == TOP)
    # The last copy of a top identifies it, and distinguishes its decay products from those of other tops.
    hadronic_tops = origin[from_hadronic_w]
    is_hadronic = ak.any(origin[:, :, np.newaxis] == hadronic_tops[:, np.newaxis, :], axis=2)
    provenance = ak.where(from_w, Provenance.UNKNOWN, Provenance.RADIATION)
    for chosen, value in (
        (is_quark & (origin_code == TOP) & ~is_hadronic, Provenance.LEPTONIC_TOP),
        (is_quark & (origin_code == TOP) & is_hadronic, Provenance.HADRONIC_TOP),
        (from_hadronic_w, Provenance.HADRONIC_W),
        (origin_code == HIGGS, Provenance.HIGGS),
    ):
        provenance = ak.where(chosen, value, provenance)
    return ak.with_field(particles[is_parton], provenance, "provenance")


def match_partons(partons: ak.Array, jets: ak.Array, dr_min: float) -> tuple[ak.Array, ak.Array]:
    """Return one-to-one matches of partons and jets, the closest pairs first.

    Args:
        partons: jagged records with eta and phi, reconstructed or generated.
        jets: the same, shape (n events, n jets).
        dr_min: distance from which a parton and a jet don't match.

    Returns:
        The matched partons and the matched jets, both of shape (n events, n jets), ``None`` where a jet isn't matched,
        and with the distance between them as ``dRMatchedJet``.
    """
    matched, matched_jets, distance = object_matching(partons, jets, dr_min)
    return ak.with_field(matched, distance, "dRMatchedJet"), ak.with_field(matched_jets, distance, "dRMatchedJet")

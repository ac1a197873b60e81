"""Prompt isolated photons in the generator's record, as samples with a photon in the hard process have them.

Simulation of a process and of the same process with a photon overlap: the shower radiates photons in the first. Events
with a photon in the phase space of the second are removed from the first. The photons are chosen as in CMS'
measurements of tt̄γ (TOP-18-010, arXiv:2107.01508): stable, prompt, and isolated from all other stable particles but
neutrinos. Prompt means that no ancestor is a hadron: all have PDG codes of at most 37.
"""

from __future__ import annotations

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import counts_of, flat_values, starts_of, to_lists
from pocket.objects.gen_objects import FINAL_STATE
from pocket.objects.matching import distance_to_nearest

PHOTON = 22
#: Largest PDG code of quarks, leptons and bosons, up to the charged Higgs boson.
_FUNDAMENTAL = 37
_NEUTRINOS = (12, 14, 16)
#: Pythia 8's status of partons before they turn into hadrons, which the pruned record has instead of many hadrons.
_BEFORE_HADRONS = 71
#: Smallest transverse momentum in GeV of particles that a photon has to be isolated from.
_SOFT = 0.01


def largest_ancestor(particles: ak.Array) -> ak.Array:
    """Return the largest absolute PDG code among the ancestors of each particle of GenPart, 0 without any."""
    mothers = branch(particles, "genPartIdxMother", "GenPart")
    counts = counts_of(mothers)
    first = np.repeat(starts_of(counts), counts)
    mother = flat_values(mothers).astype(np.int64)
    code = np.abs(flat_values(branch(particles, "pdgId", "GenPart")).astype(np.int64))
    largest = np.zeros(len(code), dtype=np.int64)
    above = np.where(mother >= 0, mother + first, -1)
    climbing = np.flatnonzero(above >= 0)
    position = above[climbing]
    # A line of ancestors isn't longer than the record, so this ends even for a corrupt record.
    for _ in range(int(counts.max(initial=0))):
        largest[climbing] = np.maximum(largest[climbing], code[position])
        position = above[position]
        going_on = position >= 0
        climbing, position = climbing[going_on], position[going_on]
    return to_lists(largest, counts)


def prompt_photons(particles: ak.Array, minpt: float, maxeta: float, isolation: float) -> ak.Array:
    """Return prompt isolated photons of the generator's record.

    Args:
        particles: NanoAOD's GenPart, shape (n events, n particles).
        minpt: lowest transverse momentum in GeV.
        maxeta: |η| that isn't reached.
        isolation: distance ΔR within which there is no other stable particle, except for neutrinos, other such photons
            and particles below 0.01 GeV.

    Returns:
        The photons, shape (n events, n photons).

    Raises:
        MissingBranchError: if the particles lack a branch.
    """
    code, status = abs(branch(particles, "pdgId", "GenPart")), branch(particles, "status", "GenPart")
    chosen = (
        (code == PHOTON)
        & (status == FINAL_STATE)
        & (branch(particles, "pt", "GenPart") >= minpt)
        & (abs(branch(particles, "eta", "GenPart")) < maxeta)
        & (largest_ancestor(particles) <= _FUNDAMENTAL)
    )
    is_neutrino = ak.any([code == each for each in _NEUTRINOS], axis=0)
    is_stable = (status == FINAL_STATE) | (status == _BEFORE_HADRONS)
    others = particles[is_stable & ~is_neutrino & ~chosen & (particles["pt"] > _SOFT)]
    photons = particles[chosen]
    return photons[distance_to_nearest(photons, others) > isolation]

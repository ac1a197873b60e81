"""Pairs of jets."""

from __future__ import annotations

import awkward as ak

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import padded
from pocket.objects.momenta import leading_pair


def get_dijet(jets: ak.Array, taggerVars: bool = True) -> ak.Array:
    """Combine the first two jets of each event.

    Args:
        jets: jagged records with pt, eta, phi and mass, reconstructed or generated, in the order that is meant.
        taggerVars: also give the scores that :func:`~pocket.objects.jets.jet_selection` adds with ``jet_tagger=``.

    Returns:
        One record per event, ``None`` where there are fewer than two jets: pt, eta, phi and mass of the pair, the
        absolute deltaR, deltaPhi and deltaEta between its jets, pt, eta, phi and mass of the jets (``j1pt``, …,
        ``j2pt``, …), and their scores as ``j1CvsL``, ``j1CvsB``, ``j2CvsL`` and ``j2CvsB``.

    Raises:
        MissingBranchError: if the jets don't have the scores.
    """
    pair = leading_pair(jets, "j")
    if taggerVars:
        scores = {name: padded(branch(jets, score, "Jet"), 2) for name, score in _SCORES.items()}
        for number in (1, 2):
            for name, score in scores.items():
                values = ak.mask(score[:, number - 1], ~ak.is_none(pair.mass))
                pair = ak.with_field(pair, values, f"j{number}{name}")
    return pair


_SCORES = {"CvsL": "btagCvL", "CvsB": "btagCvB"}

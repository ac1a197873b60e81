"""Selection and sorting of jets by flavour tags."""

# ruff: noqa: N802  PocketCoffea's names

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from pocket.base.arrays.fields import branch
from pocket.base.arrays.jagged import select_objects
from pocket.errors import MissingBranchError
from pocket.parameters.access import limit, parameter


def is_tagged(jets: ak.Array, btag_params: Mapping[str, Any], wp: str) -> ak.Array:
    """Return the mask of jets above a working point of a b tagger.

    Args:
        jets: jagged records with the tagger's score.
        btag_params: ``btagging.working_point.{year}``: ``btagging_algorithm`` names the score, ``btagging_WP`` maps
            working points to thresholds.
        wp: name of the working point, e.g. ``"M"``.

    Returns:
        Boolean per jet, shape (n events, n jets).

    Raises:
        UnknownNameError: if the working point isn't defined.
        ConfigError: if its threshold isn't a number.
        MissingBranchError: if the jets don't have the score.
    """
    try:
        score = branch(jets, parameter(btag_params, "btagging_algorithm"), "Jet")
    except MissingBranchError as error:
        raise MissingBranchError(
            f"{error}: it is the tagger of the dataset's year, so take files of a version of NanoAOD that has it, or "
            "set another tagger with its thresholds in btagging.working_point"
        ) from None
    return score > limit(btag_params, "btagging_WP", wp)


def btagging(Jet: ak.Array, btag: Mapping[str, Any], wp: str, veto: bool = False) -> ak.Array:
    """Return the jets above a working point of a b tagger.

    Args:
        Jet: jets as in :func:`is_tagged`.
        btag: parameters as in :func:`is_tagged`.
        wp: name of the working point, e.g. ``"M"``.
        veto: return the jets that fail instead.

    Returns:
        The selected jets; each jet is selected either without or with ``veto``.

    Raises:
        UnknownNameError, MissingBranchError: as :func:`is_tagged`.
    """
    tagged = is_tagged(Jet, btag, wp)
    return select_objects(Jet, ~tagged if veto else tagged)


def ProbBsorted(jets: ak.Array) -> ak.Array:
    """Return jets in descending order of the b-tag score; they need ``jet_selection(…, jet_tagger=…)``."""
    return _by_score(jets, "btagB")


def CvsLsorted(jets: ak.Array) -> ak.Array:
    """Return jets in descending order of charm against light score; they need ``jet_selection(…, jet_tagger=…)``."""
    return _by_score(jets, "btagCvL")


def CCsorted(fatjets: ak.Array) -> ak.Array:
    """Return fat jets in descending order of the two-charm score; they need ``jet_selection(…, jet_tagger=…)``."""
    return _by_score(fatjets, "btagCC")


def _by_score(jets: ak.Array, score: str) -> ak.Array:
    return jets[ak.argsort(branch(jets, score, "Jet"), axis=1, ascending=False, stable=True)]

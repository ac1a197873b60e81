"""Selection of b-tagged jets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak

from pocket.lookup import branch, parameter


def btagging(jets: ak.Array, btag_params: Mapping[str, Any], wp: str, veto: bool = False) -> ak.Array:
    """Select the jets above a working point of a b tagger.

    Args:
        jets: jagged records with the tagger's score.
        btag_params: ``btagging.working_point.{year}``: ``btagging_algorithm`` names the score, ``btagging_WP`` maps
            working points to thresholds.
        wp: name of the working point, e.g. ``"M"``.
        veto: select the jets that fail instead.

    Returns:
        The selected jets. Each jet is either in the selection or in its veto.

    Raises:
        UnknownNameError: if the working point isn't defined.
        MissingBranchError: if the jets don't have the score.
    """
    score = branch(jets, parameter(btag_params, "btagging_algorithm"), "Jet")
    tagged = score > parameter(btag_params, "btagging_WP", wp)
    return jets[~tagged] if veto else jets[tagged]

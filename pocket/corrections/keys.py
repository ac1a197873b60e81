"""Keys of variations in the files of derived scale factors."""

from __future__ import annotations

#: input of the correction of a calibration, and its values
PARAMETER, SCALE, SMEARING = "parameter", "scale", "smearing"


def systematic_key(variation: str, weight: str = "") -> str:
    """Return the name of a variation in the file of a derived scale factor.

    Examples:
        >>> systematic_key("AK4PFchs_JES_TotalUp")
        'AK4PFchs_JES_Total_up'
        >>> systematic_key("sf_btag_hfDown", "sf_btag")
        'hf_down'
        >>> systematic_key("pileupUp", "pileup")
        'pileup_up'
    """
    for side in ("Up", "Down"):
        if variation.endswith(side):
            source = variation.removesuffix(side)
            return f"{source.removeprefix(f'{weight}_') if weight else source}_{side.lower()}"
    return variation

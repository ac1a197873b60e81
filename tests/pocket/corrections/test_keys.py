from __future__ import annotations

from pocket.corrections.keys import systematic_key


def test_keys_of_variations() -> None:
    assert systematic_key("AK4PFchs_JES_TotalUp") == "AK4PFchs_JES_Total_up"
    assert systematic_key("sf_btag_hfstats1Down", "sf_btag") == "hfstats1_down"
    # a weight with one pair is named: up and down alone are the total uncertainty of the other
    assert systematic_key("pileupUp", "pileup") == "pileup_up"
    assert systematic_key("nominal") == "nominal"

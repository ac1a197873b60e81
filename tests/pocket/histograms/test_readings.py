from __future__ import annotations

from pocket.histograms.readings import Reading, joined, of_config
from tests.entries import check_each

READING = Reading("tnp", "mass", ("pairs",), ("DY",), ("pileup", "sf_btag"))


@check_each(
    ("name", "read"),
    [
        ("nominal", True),
        ("pileupUp", True),
        ("pileupDown", True),
        ("sf_btag_lfUp", True),
        ("pile_upUp", False),
        ("pileup", True),
        ("sf_btagnormUp", False),
        ("JESUp", False),
    ],
)
def test_variations_by_name(name: str, read: bool) -> None:
    assert READING.reads_variation(name) is read


def test_weights_by_name() -> None:
    one_of_several = Reading("tnp", "mass", ("pairs",), ("DY",), ("sf_btag_lf",))
    assert [READING.reads_weight(name) for name in ("pileup", "sf_btag", "sf_btag_norm", "sf_mu")] == [
        True,
        True,
        True,
        False,
    ]
    assert one_of_several.reads_weight("sf_btag")
    assert not one_of_several.reads_weight("sf_btag_hf")


def test_one_reading_for_each_histogram() -> None:
    other = Reading("tnp", "mass", ("tight", "pairs"), ("data",))
    elsewhere = Reading("jets", "mass", ("pairs",), ("DY",))
    both, second = joined([READING, elsewhere, other])
    assert both == Reading("tnp", "mass", ("pairs", "tight"), ("DY", "data"), ("pileup", "sf_btag"))
    assert second == elsewhere
    assert of_config([both, second], "jets") == (elsewhere,)

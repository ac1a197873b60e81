from __future__ import annotations

from pocket.calibrators import Calibrator
from pocket.plan.shapes import ShapePlan, shape_variations


class Jets(Calibrator):
    name = "jets"


class Muons(Calibrator):
    name = "muons"


PLAN = ShapePlan(
    (Jets, Muons),
    {
        "TT": {"SR": ("muons",), "CR": ()},
        "TT__bb": {"SR": ("muons", "jets"), "CR": ("jets",)},
        "DATA": {"SR": (), "CR": ()},
    },
)


def test_requested_calibrators_keep_the_order_they_are_applied_in() -> None:
    assert PLAN.requested(["TT"]) == ("muons",)
    assert PLAN.requested(["TT", "TT__bb"]) == ("jets", "muons")
    assert PLAN.requested(["DATA"]) == ()


def test_variations_of_the_calibrators_in_each_category() -> None:
    available = {"jets": ("jesUp", "jesDown"), "muons": ("scaleUp",)}
    assert shape_variations(PLAN, "TT__bb", available) == {
        "SR": ("scaleUp", "jesUp", "jesDown"),
        "CR": ("jesUp", "jesDown"),
    }
    # a calibrator that has none for this dataset
    assert shape_variations(PLAN, "TT__bb", {"jets": ("jesUp",)}) == {"SR": ("jesUp",), "CR": ("jesUp",)}

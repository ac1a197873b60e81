from __future__ import annotations

import numpy as np

from benchmarks.foreign.differences import Explanations
from benchmarks.peer.comparison import Quantity
from tests.benchmarks.peer.sides import DATA, MC, side


def why(kind: str, place: tuple[str, ...], ours: list[float], theirs: list[float] | None) -> str | None:
    """Return the explanation of a difference, with twice the luminosity on PocketCoffea's side."""
    quantity = Quantity(kind, place, np.array(ours), None if theirs is None else np.array(theirs))
    return Explanations({MC: 2.0}).explanation(quantity, side())


def test_another_luminosity_is_explained_by_its_power() -> None:
    place = ("x", "DY", MC, "a", "nominal")
    assert "luminosity" in str(why("sumw", place, [1.0, 2.0], [2.0, 4.0]))
    assert "luminosity" in str(why("sumw2", place, [1.0, 2.0], [4.0, 8.0]))
    assert why("sumw", place, [1.0, 2.0], [2.0, 4.1]) is None
    assert why("sumw", ("x", "DATA", DATA, "a", "nominal"), [1.0], [2.0]) is None
    assert why("cutflow", ("a", MC, "DY", "nominal"), [1.0], [2.0]) is None


def test_rounding_of_the_missing_momentum_is_absolute() -> None:
    place = ("DY", MC, "a", "nominal")
    columns = {"/".join((*place, "MET_pt")): np.array([1.0, 50.0])}

    def why_rounded(name: str, ours: list[float], theirs: list[float]) -> str | None:
        quantity = Quantity("column", (*place, name), np.array(ours), np.array(theirs))
        return Explanations({}).explanation(quantity, side(columns=columns))

    assert "single precision" in str(why_rounded("MET_pt", [1.00005, 50.0], [1.0, 50.0]))
    assert why_rounded("MET_pt", [1.0, 50.001], [1.0, 50.0]) is None
    assert "single precision" in str(why_rounded("MET_phi", [0.00005, 1.0], [0.0, 1.0]))
    assert why_rounded("MET_phi", [0.0, 1.00005], [0.0, 1.0]) is None
    assert why_rounded("Jet_pt", [1.00005, 50.0], [1.0, 50.0]) is None


def test_it_is_explained_together_with_other_rules() -> None:
    place = ("DY", MC, "a", "nominal")
    assert "unnormalised" in str(why("column", (*place, "weight"), [0.25, -0.5], [2.0, -4.0]))
    assert why("column", (*place, "x"), [0.25, -0.5], [2.0, -4.0]) is None

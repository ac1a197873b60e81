from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import hist
import numpy as np
import pytest

from pocket.outputs.odd_results import hidden_data, odd_results

#: sample → is it simulated, number of events after each step and in SR and CR, and weight of an event
WORLD: dict[str, tuple[bool, list[int], float]] = {
    "TT": (True, [10000, 5000, 2000, 1000, 800], 1.0),
    "DY": (True, [10000, 4000, 400, 200, 100], 2.0),
    "DATA": (False, [9000, 6000, 3000, 1400, 1000], 1.0),
}
CUTS = {"skim": ["two_leptons"], "presel": ["trigger", "opposite_charge"], "SR": ["b_jet"], "CR": ["no_b_jet"]}
CATEGORIES = ("SR", "CR")


def odd(
    changes: Mapping[str, tuple[bool, list[int], float]] | None = None,
    years: Mapping[str, str] | None = None,
    blind: tuple[str, ...] = (),
    ranges: Mapping[str, Any] | None = None,
    no_weights: bool = False,
    weights: tuple[str, ...] = ("genWeight", "XS", "lumi"),
) -> list[str]:
    """Return what is odd in a small world of three samples, one dataset each, with some of them changed."""
    world = {**WORLD, **(changes or {})}
    plan: Any = SimpleNamespace(
        datasets={
            f"{name}_set": {"sample": name, "isMC": is_mc, "year": (years or {}).get(name, "2018")}
            for name, (is_mc, *_) in world.items()
        },
        categories=CATEGORIES,
        variables={"mll": SimpleNamespace(no_weights=no_weights)},
        stored_samples=lambda sample: (sample,),
        counted_samples=lambda sample: (sample,),
        weights={name: dict.fromkeys(CATEGORIES, weights if name != "DY" else ("XS", "lumi")) for name in world},
        factors={"XS": None, "lumi": None},
    )
    cutflow: dict[str, Any] = {step: {} for step in ("initial", "skim", "presel", *CATEGORIES)}
    merged: dict[str, Any] = {"cutflow": cutflow, **{key: {one: {} for one in CATEGORIES} for key in ("sumw", "sumw2")}}
    merged["variables"] = {"mll": {}}
    for name, (is_mc, events, weight) in world.items():
        dataset, (initial, skim, presel, *within) = f"{name}_set", events
        cutflow["initial"][dataset], cutflow["skim"][dataset] = initial, skim
        cutflow["presel"][dataset] = {"nominal": presel, "JES_Up": 0}
        axes = [hist.axis.StrCategory(CATEGORIES, name="cat")]
        axes += [hist.axis.StrCategory(["nominal", "JES_Up"], name="variation")] if is_mc else []
        filled = hist.Hist(*axes, hist.axis.Regular(4, 0, 4, name="mll"), storage=hist.storage.Weight())
        for category, number in zip(CATEGORIES, within, strict=True):
            cutflow[category][dataset] = {name: {"nominal": number}}
            merged["sumw"][category][dataset] = {name: {"nominal": number * weight}}
            merged["sumw2"][category][dataset] = {name: {"nominal": number * weight**2}}
            values = {"cat": category, "mll": np.arange(number) % 4 + 0.5, "weight": weight}
            filled.fill(**values, **({"variation": "nominal"} if is_mc else {}))
        merged["variables"]["mll"][name] = {dataset: filled}
    return list(odd_results(plan, merged, CUTS, hidden_data(blind, ranges or {})))


def test_nothing_is_odd() -> None:
    assert odd() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"DY": (True, [0] * 5, 2.0)}, ["no event of DY is in the files"]),
        # A selection may well leave nothing of a background.
        ({"DY": (True, [10000, 4000, 0, 0, 0], 2.0)}, []),
        (
            {name: (is_mc, [*events[:2], 0, 0, 0], weight) for name, (is_mc, events, weight) in WORLD.items()},
            ["no event of any sample passes the preselection (trigger, opposite_charge): 15,000 are left before"],
        ),
        (
            {name: (is_mc, [*events[:4], 0], weight) for name, (is_mc, events, weight) in WORLD.items()},
            ["no event of any sample is in category 'CR' (no_b_jet)"],
        ),
        (
            {name: (is_mc, [*events[:3], 0, 0], weight) for name, (is_mc, events, weight) in WORLD.items()},
            ["no event of any sample is in a category: 5,400 are left before"],
        ),
        # All are lost, but not at one step.
        (
            {
                "TT": (True, [10000, 5000, 2000, 0, 0], 1.0),
                "DY": (True, [10000, 4000, 0, 0, 0], 2.0),
                "DATA": (False, [9000, 0, 0, 0, 0], 1.0),
            },
            ["no event of any sample is in a category: 2,000 are left before"],
        ),
        (
            {"DY": (True, [10000, 4000, 400, 5, 100], 80.0), "DATA": (False, [9000, 6000, 3000, 1400, 8000], 1.0)},
            ["DY is 29 % of the simulation in category 'SR', by 5 effective events"],
        ),
        # As few events of a small part of the simulation are usual.
        ({"DY": (True, [10000, 4000, 400, 5, 100], 2.0)}, []),
        (
            {"DATA": (False, [9000, 6000, 3000, 400, 1000], 1.0)},
            [
                "data and simulation differ by more than a factor of 2 in most bins of mll in category 'SR' "
                "(data/simulation 0.29)"
            ],
        ),
        (
            {"TT": (True, WORLD["TT"][1], 1e-3), "DY": (True, WORLD["DY"][1], 2e-3)},
            [
                "data and simulation differ by more than a factor of 2 in most bins of mll in category "
                f"{category!r} (data/simulation 1e+03): the luminosity (pb⁻¹) or all cross sections (pb) look 1000 "
                "times too small"
                for category in CATEGORIES
            ],
        ),
        (
            {"TT": (True, WORLD["TT"][1], 1e3)},
            [
                f"data and simulation differ by more than a factor of 2 in most bins of mll in category {category!r} "
                f"(data/simulation {ratio}): the cross section (pb) of TT looks 1000 times too large"
                for category, ratio in (("SR", "0.0014"), ("CR", "0.0012"))
            ],
        ),
        # Two generators of one process are usual where efficiencies are measured.
        ({"TT": (True, WORLD["TT"][1], 1.4), "DY": (True, [10000, 5000, 2000, 700, 500], 2.4)}, []),
    ],
)
def test_odd_results(changes: dict[str, tuple[bool, list[int], float]], expected: list[str]) -> None:
    assert odd(changes) == expected


def test_years_without_data_and_without_simulation() -> None:
    assert odd(years={"DY": "2017"}) == ["there is simulation of 2017, but no data of this year"]
    assert odd(years={"DATA": "2017"}) == [
        "there is simulation of 2018, but no data of this year",
        "there is data of 2017, but no simulation of this year",
    ]


def test_hidden_data_are_not_used() -> None:
    few = {"DATA": (False, [9000, 6000, 3000, 200, 1000], 1.0)}
    assert len(odd(few)) == 1
    assert odd(few, blind=("SR",)) == []
    assert odd(few, ranges={"categories": ["SR"], "histograms": {"mll": [1, 2]}}) == []
    assert odd(few, ranges={"categories": ["SR"], "histograms": {"mll_mll": [1, 2]}}) == []
    assert len(odd(few, ranges={"categories": ["CR"], "histograms": {"mll": [1, 2]}})) == 1
    none = {"DATA": (False, [9000, 6000, 0, 0, 0], 1.0)}
    assert odd(none, blind=("SR",)) == []


def test_numbers_of_entries_are_not_compared() -> None:
    assert odd({"DATA": (False, [9000, 6000, 3000, 400, 1000], 1.0)}, no_weights=True) == []


@pytest.mark.parametrize("weights", [("genWeight", "XS"), ("genWeight", "lumi"), ("XS",), ("XS", "lumi")])
def test_data_are_only_compared_with_simulation_for_their_luminosity(weights: tuple[str, ...]) -> None:
    # The note of weights that simulation lacks says why the yields differ.
    far = {"DATA": (False, [9000, 6000, 3000, 100_000, 80_000], 1.0)}
    assert len(odd(far)) == 2
    assert bool(odd(far, weights=weights)) == ("lumi" in weights and "XS" in weights)

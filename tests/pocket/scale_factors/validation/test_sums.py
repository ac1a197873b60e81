from __future__ import annotations

import copy
import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from pocket.scale_factors import PreservedYield
from pocket.scale_factors.validation.checks import Check
from pocket.scale_factors.validation.sums import check_events, check_preserved_yields
from tests.pocket.scale_factors.validation import events

PRESERVED = PreservedYield(config="after", unweighted="all", category="closed", covariance="root")
WEIGHT = np.where(np.random.default_rng(3).random(events.SIZE) < 0.1, -0.7, 0.7)
FACTOR = np.random.default_rng(4).normal(1, 0.05, events.SIZE)


def outputs(*samples: str) -> dict[str, Any]:
    weights = {"all": {"nominal": WEIGHT}}
    content: dict[str, Any] = events.sums(dict.fromkeys(samples, weights))
    return content


def compared(before: Any, after: Any, *samples: str, years: tuple[str, ...] = (), skimmed: bool = True) -> Check:
    return check_events(("before", before), ("after", after), samples, years, skimmed=skimmed)


def test_the_same_events() -> None:
    check = compared(outputs("tt", "data"), outputs("dy", "data", "tt"), "tt", "data")
    assert check.passed is True
    assert [number.label for number in check.numbers] == [
        "tt_2018 (initial)",
        "tt_2018 (skim)",
        "tt_2018 (sum_genweights)",
        "data_2018 (initial)",
        "data_2018 (skim)",
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("cutflow", "initial"), "19999 instead of 20000 in tt_2018 (initial)"),
        (("cutflow", "skim"), "19999 instead of 20000 in tt_2018 (skim)"),
        (("sum_genweights",), "15999 instead of 16000 in tt_2018 (sum_genweights)"),
    ],
)
def test_events_are_missing(path: tuple[str, ...], text: str) -> None:
    after = outputs("tt")
    place = after
    for key in path:
        place = place[key]
    place["tt_2018"] -= 1
    check = compared(outputs("tt"), after, "tt")
    assert check.passed is False
    assert text in check.outcome


def test_another_skim_has_other_events() -> None:
    after = outputs("tt")
    after["cutflow"]["skim"]["tt_2018"] = 5
    assert compared(outputs("tt"), after, "tt", skimmed=False).passed is True


@pytest.mark.parametrize("swapped", [False, True])
def test_a_dataset_is_missing(swapped: bool) -> None:
    sides = [outputs("tt", "dy"), outputs("tt")]
    check = compared(*(reversed(sides) if swapped else sides), "tt", "dy")
    assert check.passed is False
    assert check.outcome == ("dy_2018 of after isn't in before" if swapped else "dy_2018 of before isn't in after")
    assert compared(*sides, "tt").passed is True
    check = compared(outputs("tt"), outputs("tt"), "tt", "dy")
    assert (check.passed, check.outcome) == (False, "no dataset of sample dy is in before")


def test_subsamples_have_the_datasets_of_their_sample() -> None:
    assert compared(outputs("tt"), outputs("tt"), "tt__b", "tt__light").passed is True


def test_other_years_do_not_matter() -> None:
    after = outputs("tt")
    after["datasets_metadata"]["tt_2017"] = {"sample": "tt", "year": "2017"}
    assert compared(outputs("tt"), after, "tt", years=("2018",)).passed is True
    assert compared(outputs("tt"), after, "tt").outcome == "tt_2017 of after isn't in before"


def mean_weight(factor: Any, covariance: str = "root", **changes: Any) -> Check:
    weights = {"all": WEIGHT, "closed": WEIGHT * factor, "root": WEIGHT * np.sqrt(np.abs(factor))}
    sums = events.sums({"tt": {name: {"nominal": values} for name, values in weights.items()}})
    return check_preserved_yields(
        dataclasses.replace(events.TAGGING, **changes), dataclasses.replace(PRESERVED, covariance=covariance), sums
    )


def test_mean_weight_with_the_error_of_the_same_events() -> None:
    check = mean_weight(FACTOR)
    assert check.passed is True
    (number,) = check.numbers
    mean = (WEIGHT * FACTOR).sum() / WEIGHT.sum()
    assert number.found == pytest.approx(mean)
    # Σ w² (s − r)², event by event
    assert number.error == pytest.approx(math.sqrt((WEIGHT**2 * (FACTOR - mean) ** 2).sum()) / WEIGHT.sum())
    assert "correlated by the category root" in check.compared


def test_mean_weight_that_is_off() -> None:
    check = mean_weight(1.003 * FACTOR)
    assert check.passed is False
    assert "instead of 1 in sample tt, a pull of" in check.outcome
    # without the correlation nobody sees it
    independent = mean_weight(1.003 * FACTOR, covariance="")
    assert independent.passed is True
    assert "an upper limit" in independent.compared
    assert independent.numbers[0].error == pytest.approx(
        math.sqrt(((WEIGHT * FACTOR) ** 2).sum() + (WEIGHT**2).sum()) / WEIGHT.sum(), rel=0.01
    )


def test_mean_weight_of_each_year() -> None:
    assert [number.label for number in mean_weight(FACTOR, years=("2018",)).numbers] == ["year 2018, sample tt"]
    check = mean_weight(FACTOR, years=("2018", "2017"))
    assert (check.passed, check.outcome) == (
        False,
        "the yield without the weight is 0 in year 2017, sample tt, there is no mean weight",
    )


def test_only_named_samples_have_to_keep_their_yield() -> None:
    weights = {name: {"nominal": WEIGHT} for name in ("all", "closed", "root")}
    sums = copy.deepcopy(events.sums({"tt": weights, "dy": weights}))
    check = check_preserved_yields(events.TAGGING, dataclasses.replace(PRESERVED, samples=("dy",)), sums)
    assert [number.label for number in check.numbers] == ["sample dy"]

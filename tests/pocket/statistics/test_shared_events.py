from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from pocket.histograms.files import write_sums
from pocket.statistics import Region
from pocket.statistics.checks import Finding
from pocket.statistics.shared_events import find_shared_events
from tests.pocket.statistics.declared import declaration

SAMPLES = {"sig_17": "signal", "sig_18": "signal", "bkg_18": "background", "other_18": "other", "DATA_18": "DATA"}
CATEGORIES = ("low", "jets", "boosted")
NUMBERS = range(100)


def members(dataset: str) -> dict[str, set[int]]:
    """Return the events of each category: ``low`` has the first third, and the others some of the rest."""
    chosen = random.Random(dataset)
    return {
        "low": set(NUMBERS[:33]),
        "jets": {number for number in NUMBERS[33:] if chosen.random() < 0.6},
        "boosted": {number for number in NUMBERS[33:] if chosen.random() < 0.2},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sums of a merged output, counted from sets of events."""
    events = {dataset: members(dataset) for dataset in SAMPLES}
    sums: dict[str, Any] = {
        "cutflow": {
            category: {
                dataset: {sample: {"nominal": len(events[dataset][category])}, f"{sample}__part": {"nominal": 7}}
                for dataset, sample in SAMPLES.items()
            }
            for category in CATEGORIES
        },
        "shared": {dataset: {"jets": {"boosted": len(of["jets"] & of["boosted"])}} for dataset, of in events.items()},
        "datasets_metadata": {
            dataset: {"sample": sample, "year": f"20{dataset[-2:]}"} for dataset, sample in SAMPLES.items()
        },
    }
    write_sums(tmp_path, sums)
    return tmp_path


def findings(folder: Path, unblind: bool = False, **regions: Region | str) -> list[Finding]:
    blind = str(regions.pop("blind", ""))
    model = declaration(regions=regions, **({"blind": blind} if blind else {}))
    return list(find_shared_events([model], {"main": folder}, unblind=unblind))


def counted(*datasets: str) -> tuple[int, int]:
    """Return the events of datasets in both categories, and in the one that has fewer."""
    chosen = [members(dataset) for dataset in datasets]
    fewer = min(sum(len(of[name]) for of in chosen) for name in ("jets", "boosted"))
    return sum(len(of["jets"] & of["boosted"]) for of in chosen), fewer


@pytest.mark.parametrize("order", [("jets", "boosted"), ("boosted", "jets")])
def test_events_of_two_regions(folder: Path, order: tuple[str, str]) -> None:
    one, other = order
    (found,) = findings(folder, sr=Region("main", one, "mass"), cr=Region("main", other, "mass"))
    both, fewer = counted("sig_17", "sig_18", "bkg_18")
    of_data, fewer_of_data = counted("DATA_18")
    assert found.text == (
        f"regions 'sr' and 'cr' have {both} of {fewer} events of simulation and {of_data} of {fewer_of_data} events of "
        "data in common, which count twice"
    )
    assert (found.check, found.region) == ("shared_events", "cr")
    assert found.value == max(both / fewer, of_data / fewer_of_data)


def test_years_of_regions(folder: Path) -> None:
    both, fewer = counted("sig_17")
    years = ("2017",)
    (found,) = findings(folder, sr=Region("main", "jets", "mass", years=years), cr=Region("main", "boosted", "mass"))
    assert f"have {both} of {fewer} events of simulation in common" in found.text
    assert not findings(
        folder, sr=Region("main", "jets", "mass", years=years), cr=Region("main", "boosted", "mass", years=("2018",))
    )


def test_data_of_blind_regions_are_counted_if_they_are_shown(folder: Path) -> None:
    regions: dict[str, Any] = {"sr": Region("main", "jets", "mass"), "cr": Region("main", "boosted", "mass")}
    (found,) = findings(folder, blind="sr", **regions)
    assert "of simulation in common" in found.text
    assert "data" not in found.text
    (found,) = findings(folder, blind="sr", unblind=True, **regions)
    assert "events of data in common" in found.text


def test_regions_without_common_events(folder: Path) -> None:
    assert not findings(folder, sr=Region("main", "low", "mass"), cr=Region("main", "boosted", "mass"))
    assert not findings(folder, sr=Region("main", "jets", "mass"), cr=Region("elsewhere", "boosted", "mass"))
    assert not findings(folder, sr=Region("elsewhere", "jets", "mass"), cr=Region("elsewhere", "boosted", "mass"))


def test_regions_of_different_models(folder: Path) -> None:
    """Each model is looked at by itself, so only regions of different ones are."""
    one = declaration(regions={"sr": Region("main", "jets", "mass"), "other": Region("main", "boosted", "mass")})
    other = declaration(regions={"cr": Region("main", "boosted", "mass"), "low": Region("main", "low", "mass")})
    found = list(find_shared_events([one, other], {"main": folder}))
    assert [finding.text.split(" have ")[0] for finding in found] == ["regions 'sr' and 'cr'"]

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pocket.statistics import Drop, LogNormal, Prune, Region, RegionTemplates, Stored, build_model
from pocket.statistics.shifts import Shift, find_shifts
from tests.pocket.statistics.declared import EDGES, contents, declaration, templates

JES = ([12, 10, 8, 8], [4, 7, 8, 8])


def shifts(*nuisances: Any, bkg: Any = None, sig: Any = None, only: Any = (), **others: Any) -> dict[str, Shift]:
    declared, stored = declaration(*nuisances, **others), templates(sig, bkg)
    return find_shifts(declared, build_model(declared, {"sr": stored}), "sr", stored, only)


def rows(varied: Any) -> list[list[float]]:
    return [getattr(varied, name).tolist() for name in ("nominal", "up", "down")]


def test_templates_before_are_those_stored_and_after_those_of_the_model() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], jes=JES)}
    found = shifts(Stored("jes", symmetrise="mirror"), LogNormal("lumi", 1.02), bkg=bkg)
    # A factor has no templates.
    assert list(found) == ["jes"]
    shift = found["jes"]
    assert shift.processes == ("bkg",)
    assert rows(shift.before) == [[8, 8, 8, 8], *JES]
    assert rows(shift.after) == [[8, 8, 8, 8], [12, 10, 8, 8], [4, 6, 8, 8]]
    assert shift.steps == ("flow fold", "symmetrise (mirror)")
    assert shift.before.edges is not None
    assert shift.before.edges.tolist() == list(EDGES)


def test_processes_are_added_or_alone() -> None:
    both: dict[str, Any] = {
        "sig": {"2018": contents([1, 2, 3, 4], jes=([2, 2, 3, 4], [0.5, 2, 3, 4]))},
        "bkg": {"2018": contents([8, 8, 8, 8], jes=JES)},
    }
    total = shifts(Stored("jes"), **both)["jes"]
    parts = [shifts(Stored("jes"), **both, only=(process,))["jes"] for process in ("sig", "bkg")]
    assert total.processes == ("sig", "bkg")
    for stage in ("before", "after"):
        expected = np.sum([rows(getattr(part, stage)) for part in parts], axis=0)
        np.testing.assert_allclose(rows(getattr(total, stage)), expected)
        variances = np.sum([getattr(part, stage).variances for part in parts], axis=0)
        np.testing.assert_allclose(getattr(total, stage).variances, variances)


def test_a_factor_of_another_process_is_there_before_too() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], scale=JES)}
    sig = {"2018": contents([1, 2, 3, 4])}
    shift = shifts(Stored("scale"), LogNormal("scale", 1.5, processes="sig"), sig=sig, bkg=bkg)["scale"]
    assert rows(shift.before)[1] == pytest.approx([12 + 1.5, 10 + 3, 8 + 4.5, 8 + 6])
    assert rows(shift.after)[1] == pytest.approx(rows(shift.before)[1])


def test_years_apart_vary_one_year_each() -> None:
    bkg = {year: contents([4, 4, 4, 4], jes=([6, 5, 4, 4], [2, 3, 4, 4])) for year in ("2017", "2018")}
    found = shifts(Stored("jes", years="apart"), bkg=bkg)
    assert list(found) == ["jes_2017", "jes_2018"]
    assert rows(found["jes_2017"].before) == [[8, 8, 8, 8], [10, 9, 8, 8], [6, 7, 8, 8]]


def test_a_missing_side_is_nominal_before() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], jes=([12, 10, 8, 8], None))}
    shift = shifts(Stored("jes"), bkg=bkg)["jes"]
    assert rows(shift.before)[2] == [8, 8, 8, 8]
    assert rows(shift.after)[2] == [4, 6, 8, 8]
    assert "one-sided" in shift.steps


def test_what_is_pruned_changes_nothing_after() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], jes=([8.001, 8, 8, 8], [7.999, 8, 8, 8]))}
    shift = shifts(Stored("jes"), LogNormal("lumi", 1.1), bkg=bkg, prune=Prune(rate=1e-2, shape=1e-2))["jes"]
    assert rows(shift.after) == [[8, 8, 8, 8]] * 3
    assert rows(shift.before)[1] == [8.001, 8, 8, 8]
    assert any(step.startswith("prune (") for step in shift.steps)


def test_dropped_variations_have_no_shift() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], jes=JES)}
    assert shifts(Drop("jes"), LogNormal("lumi", 1.1), bkg=bkg) == {}


def test_stored_bins_are_those_of_the_histogram_and_treated_ones_those_of_the_region() -> None:
    bkg = {"2018": contents([8, 8, 8, 8], jes=JES)}
    bkg["2018"].values[0] = bkg["2018"].varied["jes"][0][0] = bkg["2018"].varied["jes"][1][0] = 3  # type: ignore[index]
    regions = {"sr": Region("main", "signal", "mass", edges=(0, 2, 4))}
    shift = shifts(Stored("jes"), bkg=bkg, regions=regions)["jes"]
    assert rows(shift.before) == [[8, 8, 8, 8], *JES]
    # Events below the first edge are added to the first bin.
    assert rows(shift.after) == [[19, 16], [25, 16], [14, 16]]
    assert shift.steps == ("rebin", "flow fold")


def test_counted_regions_have_one_bin() -> None:
    declared = declaration(Stored("jes"), regions={"sr": Region("main", "signal", "mass", bins="counting")})
    sums = {"sig": {"2018": contents([1])}, "bkg": {"2018": contents([30], jes=([33], [28]))}}
    stored = RegionTemplates(None, sums, None)
    shift = find_shifts(declared, build_model(declared, {"sr": stored}), "sr", stored)["jes"]
    assert rows(shift.before) == rows(shift.after) == [[30], [33], [28]]
    assert shift.after.edges is None

"""Every method on templates that something is wrong with: a clear error or a joined bin, never an invented number."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import correctionlib
import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors import EfficiencyRatio, PassFail, ScaleFactor, Shape, TagAndProbeCount, TagAndProbeFit
from pocket.scale_factors.files.writer import dumps, variations
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tests.entries import check_each
from tests.pocket.scale_factors import map_toys, toys, yield_toys

Histograms = dict[str, hist.Hist[Any]]


@dataclasses.dataclass(frozen=True)
class Case:
    """A method with the toys it is measured in; the bin that is spoilt, and the samples of data and of simulation."""

    declaration: ScaleFactor
    generate: Callable[[], Histograms]
    place: dict[str, int]
    data: str
    mc: str


VERTICES = dataclasses.replace(yield_toys.VERTICES, background=())
MAP = dataclasses.replace(map_toys.TAGGED, groups={}, mc=("tt",), min_n_eff=0)
RATIO = EfficiencyRatio(**toys.DECLARED)
FIT = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120), alternative_fits=())
COUNT = TagAndProbeCount(**toys.DECLARED, peak=(76, 106), sidebands=((60, 70), (110, 120)))
BIN = {"pt": 1, "abseta": 1}
METHODS = {
    "efficiency_ratio": Case(RATIO, lambda: toys.counting(1, 2000, 4000), BIN, "data", "dy"),
    "tnp_count": Case(COUNT, lambda: toys.tag_and_probe(1, 2000, 4000), BIN, "data", "dy"),
    "tnp_fit": Case(FIT, lambda: toys.tag_and_probe(1, 2000, 4000), BIN, "data", "dy"),
    "efficiency_map": Case(MAP, lambda: map_toys.templates(1, 3000), {"flavor": 1, "pt": 1}, "", "tt"),
    "data_mc_ratio": Case(VERTICES, lambda: yield_toys.vertices(1), {"npv": 1}, "data", "dy"),
    "data_mc_ratio, keep_yield": Case(
        dataclasses.replace(VERTICES, keep_yield=True), lambda: yield_toys.vertices(1), {"npv": 1}, "data", "dy"
    ),
    "norm_ratio": Case(
        yield_toys.NORM,
        lambda: yield_toys.norm_templates(yield_toys.events(1, 500)),
        {"njet": 1, "ht": 0},
        "",
        "tt",
    ),
}


def contents(histogram: hist.Hist[Any], place: dict[str, int]) -> list[Any]:
    """Sums of weights and of squares in a bin, which may be written to."""
    view: Any = histogram.view()
    index = tuple(place.get(axis, slice(None)) for axis in histogram.axes.name)
    # an index less than there are axes is a view, not a copy
    return [view["value"][index], view["variance"][index]]


def empty(histogram: hist.Hist[Any], case: Case) -> None:
    for part in contents(histogram, case.place):
        part[...] = 0


def negative(histogram: hist.Hist[Any], case: Case) -> None:
    contents(histogram, case.place)[0][...] *= -1


def everywhere(histogram: hist.Hist[Any], case: Case) -> None:
    for part in contents(histogram, {}):
        part[...] = 0
    view: Any = histogram.view(flow=True)
    view["value"] = view["variance"] = 0


def passing(flag: int) -> Callable[[hist.Hist[Any], Case], None]:
    """Leave out what passes, or what fails."""

    def change(histogram: hist.Hist[Any], case: Case) -> None:
        assert isinstance(case.declaration, PassFail)
        for part in contents(histogram, {**case.place, case.declaration.pass_axis: flag}):
            part[...] = 0

    return change


#: What is done to data or to simulation.
PATHOLOGIES = {
    "empty bin": empty,
    "negative weights": negative,
    "nothing at all": everywhere,
    "nothing passes": passing(1),
    "nothing fails": passing(0),
}
#: What is measured all the same, with an interval that allows for it.
MEASURED = {
    ("efficiency_ratio", "data", "nothing fails"),
    ("efficiency_ratio", "mc", "nothing fails"),
    ("tnp_fit", "data", "nothing fails"),
    ("efficiency_map", "mc", "nothing passes"),
    ("efficiency_map", "mc", "nothing fails"),
}


def spoilt(case: Case, role: str, pathology: str) -> Histograms:
    histograms = case.generate()
    PATHOLOGIES[pathology](histograms[getattr(case, role)], case)
    return histograms


ROLES = [(method, role) for method, case in METHODS.items() for role in ("data", "mc") if getattr(case, role)]
SPOILT = [
    (method, role, pathology)
    for method, role in ROLES
    for pathology in PATHOLOGIES
    if isinstance(METHODS[method].declaration, PassFail) or pathology not in ("nothing passes", "nothing fails")
]


def require_sound(result: ScaleFactorResult) -> None:
    """Check that everything is finite, positive if it is written, and nothing certain or set to a limit."""
    for content in variations(result).values():
        assert np.isfinite(content).all()
    value = result.scale_factor.value
    assert ((value != 1) | (result.quantity == "efficiency")).all()
    assert (value < 10).all()
    assert (result.scale_factor.up + result.scale_factor.down > 0).all()
    corrections = correctionlib.CorrectionSet.from_string(dumps(result))
    assert result.name in corrections


@check_each(("method", "role", "pathology"), SPOILT)
def test_error_names_the_bin(method: str, role: str, pathology: str) -> None:
    case = METHODS[method]
    histograms = spoilt(case, role, pathology)
    if (method, role, pathology) in MEASURED:
        require_sound(measure("sf", case.declaration, histograms))
        return
    with pytest.raises(ScaleFactorError) as error:
        measure("sf", case.declaration, histograms)
    if (role, pathology) == ("data", "negative weights"):
        assert "data (data) have weights other than 1" in str(error.value)
        return
    whole = measure("sf", case.declaration, case.generate())
    assert whole.binning.labels[whole.groups[tuple(case.place.values())]] in str(error.value)


@pytest.mark.parametrize(("method", "role"), ROLES)
def test_empty_bin_is_joined(method: str, role: str) -> None:
    case = METHODS[method]
    result = measure("sf", dataclasses.replace(case.declaration, min_n_eff=30), spoilt(case, role, "empty bin"))
    require_sound(result)
    spot = tuple(case.place.values())
    status = np.array(result.status).reshape(result.groups.shape)
    assert status[spot] == "joined"
    assert np.count_nonzero(result.groups == result.groups[spot]) == 2


@pytest.mark.parametrize("method", METHODS)
def test_nothing_can_be_joined(method: str) -> None:
    case = METHODS[method]
    with pytest.raises(ScaleFactorError, match=r"^sf: fewer than 30 effective entries in"):
        measure("sf", dataclasses.replace(case.declaration, min_n_eff=30), spoilt(case, "mc", "nothing at all"))


@pytest.mark.parametrize("method", METHODS)
def test_one_bin(method: str) -> None:
    case = METHODS[method]
    whole = measure("sf", case.declaration, case.generate())
    ends = {axis: (edges[0], edges[-1]) for axis, edges in whole.axes.items() if isinstance(edges, tuple)}
    declaration = dataclasses.replace(case.declaration, bins=ends)
    if "keep_yield" in method:
        with pytest.raises(ScaleFactorError, match="keep_yield needs two bins, one alone is 1"):
            measure("sf", declaration, case.generate())
        return
    result = measure("sf", declaration, case.generate())
    require_sound(result)
    assert (result.scale_factor.value > whole.scale_factor.value.min()).all()
    assert (result.scale_factor.value < whole.scale_factor.value.max()).all()


@pytest.mark.parametrize("method", METHODS)
def test_variation_that_changes_nothing(method: str) -> None:
    case = METHODS[method]
    histograms = case.generate()
    old = histograms[case.mc]
    variation = hist.axis.StrCategory(["nominal", "sameUp", "sameDown"], name="variation")
    new = hist.Hist(old.axes[0], variation, *old.axes[2:], storage=hist.storage.Weight())
    view: Any = new.view(flow=True)
    for index in range(3):
        view[:, index] = old.view(flow=True)[:, 0]
    histograms[case.mc] = new
    result = measure("sf", dataclasses.replace(case.declaration, systematics=(Shape("same"),)), histograms)
    with pytest.raises(ScaleFactorError, match=r"^sf: systematic 'same' changes nothing in any bin: remove it"):
        dumps(result)

"""Every shipped weight and calibrator with the parameters of every era, whatever the chunks and the order of events."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket import calibrators
from pocket.calibrators.base import Calibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import PocketError
from pocket.parameters.defaults import get_default_parameters
from pocket.weights import common_weights
from pocket.weights.base import NormalisationWeight, WeightWrapper
from tests.group_files import CAMPAIGNS, LATER, RUN_3, UL, needs_files
from tests.pocket.every_era import DATA, events_of, parameters, regressed, write_files

pytestmark = needs_files
N_EVENTS = 1500
WEIGHTS = {weight.name: weight for weight in common_weights}
#: those of the public names that are calibrators
CALIBRATORS: dict[str, type[Calibrator]] = {
    found.name: found
    for found in (getattr(calibrators, name) for name in calibrators.__all__)
    if isinstance(found, type) and found is not Calibrator
}
#: weights and calibrators that an era has no corrections for
MISSING: dict[str, tuple[str, ...]] = {
    "sf_ele_trigger": (*UL, "2025"),
    "sf_jet_puId": (*RUN_3, *LATER),
    **dict.fromkeys(("sf_ctag", "sf_ctag_calib", "met_xy_calibration"), tuple(LATER)),
}
#: weights and calibrators → eras in which they change nothing
IDLE: dict[str, tuple[str, ...]] = {
    "sf_mu_reco": (*RUN_3, *LATER),
    "muons_rochester": (*RUN_3, *LATER),
    "muons_scale_and_resolution": tuple(UL),
    "hem_2018": tuple(year for year in CAMPAIGNS if year != "2018"),
}
#: calibrators that need others before them
BEFORE = {"met_calibration": ("jet_calibration",)}
#: variations of the objects in which weights differ from the nominal ones, in some eras
SHAPES = ("AK4PFchs_JES_TotalUp", "AK4PFPuppi_JERDown")


#: The large files of jets take long to read, so all other eras are slow.
ERAS = [year if year == "2018" else pytest.param(year, marks=pytest.mark.slow) for year in CAMPAIGNS]


@pytest.fixture(scope="module", params=ERAS)
def era(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """An era with its parameters; names of corrections stand for its files."""
    folder = tmp_path_factory.mktemp(request.param)
    write_files(folder / "corrections", request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_CORRECTIONS", str(folder / "corrections"))
        yield request.param, parameters(folder, request.param)


@functools.lru_cache(maxsize=2)
def simulated(year: str) -> ak.Array:
    return events_of(year, n=N_EVENTS)


def metadata_of(year: str, is_mc: bool = True) -> dict[str, Any]:
    common = {"year": year, "isMC": is_mc, "sample": "TT", "dataset": f"TT_{year}"}
    return {**common, "xsec": 830.0} if is_mc else {**common, "era": DATA[year][0]}


def parts(n: int) -> list[slice]:
    return [slice(*edges) for edges in itertools.pairwise((0, 1, n // 3, n))]


def weights_of(cls: type[WeightWrapper], params: Any, year: str, events: ak.Array) -> dict[str, Any]:
    """Return a weight with its variations, inside variations of the objects, and where it follows another one."""
    weight, size = cls(params, metadata_of(year)), len(events)
    nominal, varied = weight.evaluate(events, size, "nominal")
    found = {"nominal": nominal, **varied}
    found |= {shape: weight.evaluate(events, size, shape)[0] for shape in SHAPES}
    if cls.follows:
        followed = WEIGHTS[cls.follows](params, metadata_of(year)).variation_names()
        found |= weight.evaluate_following(events, size, followed)
    return found


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(name: str, era: tuple[str, Any]) -> None:
    year, params = era
    cls = WEIGHTS[name]
    if year in MISSING.get(name, ()):
        with pytest.raises(PocketError, match=f"'{year}'") as raised:
            cls(params, metadata_of(year)).corrections()
        assert "\n" not in str(raised.value)
        return
    cls(params, metadata_of(year)).check_parameters()
    events, compute = simulated(year), functools.partial(weights_of, cls, params, year)
    whole = compute(events)
    chunks = [compute(events[part]) for part in parts(N_EVENTS)]
    order = np.random.default_rng(2).permutation(N_EVENTS)
    mixed = compute(events[order])
    for variation, values in whole.items():
        assert np.isfinite(values).all()
        assert np.array_equal(np.concatenate([chunk[variation] for chunk in chunks]), values)
        assert np.array_equal(mixed[variation], values[order])
        total = sum(float(np.sum(chunk[variation])) for chunk in chunks)
        assert math.isclose(total, math.fsum(values), rel_tol=1e-12, abs_tol=1e-12 * math.fsum(np.abs(values)))
    assert len(whole) == 1 + len(SHAPES) + len(cls(params, metadata_of(year)).variation_names()) + (
        16 if cls.follows else 0
    )
    is_idle = issubclass(cls, NormalisationWeight) or year in IDLE.get(name, ())
    assert all((values == 1).all() for values in whole.values()) == is_idle
    if cls.has_variations and not is_idle:
        ups = [variation for variation in whole if variation.endswith("Up") and variation not in SHAPES]
        assert all((whole[up] != whole["nominal"]).any() for up in ups)


def calibrated(cls: type[Calibrator], params: Any, metadata: dict[str, Any], events: ak.Array) -> dict[str, ak.Array]:
    """Return the calibrated columns by name and variation; those of whole collections are pt, mass and rawFactor."""
    classes = [*(CALIBRATORS[name] for name in BEFORE.get(cls.name, ())), cls]
    requested = [cls.name] if cls.has_variations and metadata["isMC"] else []
    chain = CalibratorSequence(classes, params, metadata, requested)
    chain.initialize(events)
    found = {}
    calibrator = next((each for each in chain.calibrators if each.name == cls.name), None)
    if calibrator is None:
        return {}
    for variation in ("nominal", *chain.variations_of(cls.name)):
        result = chain.calibrate(events, variation).events
        for key in calibrator.calibrated_collections:
            collection, _, field = key.partition(".")
            for each in (field,) if field else ("pt", "mass", "rawFactor"):
                found[f"{variation} {collection}.{each}"] = result[collection][each]
    return found


def same(first: ak.Array, second: ak.Array) -> bool:
    counts = [() if values.ndim == 1 else ak.num(values).tolist() for values in map(ak.Array, (first, second))]
    return counts[0] == counts[1] and np.array_equal(ak.flatten(first, axis=None), ak.flatten(second, axis=None))


@pytest.mark.parametrize("kind", ["simulation", "data"])
@pytest.mark.parametrize("name", CALIBRATORS)
def test_calibrators(name: str, kind: str, era: tuple[str, Any]) -> None:
    year, params = era
    cls, is_mc = CALIBRATORS[name], kind == "simulation"
    metadata = metadata_of(year, is_mc)
    if year in MISSING.get(name, ()):
        with pytest.raises(PocketError, match=f"'{year}'") as raised:
            cls(params, metadata)
        assert "\n" not in str(raised.value)
        return
    if name == "jet_regression":
        params = regressed(params, year)
    events = simulated(year) if is_mc else ak.with_field(simulated(year), np.uint32(DATA[year][1]), "run")
    compute = functools.partial(calibrated, cls, params, metadata)
    whole = compute(events)
    chunks = [compute(events[part]) for part in parts(N_EVENTS)]
    order = np.random.default_rng(2).permutation(N_EVENTS)
    mixed = compute(events[order])
    for column, values in whole.items():
        assert np.isfinite(ak.to_numpy(ak.flatten(values, axis=None))).all()
        assert same(ak.concatenate([chunk[column] for chunk in chunks]), values)
        assert same(mixed[column], values[order])
    changed = {column.partition(" ")[0] for column, values in whole.items() if not same(values, before(events, column))}
    if year in IDLE.get(name, ()):
        assert not changed
    elif is_mc:
        variations = cls(params, metadata).variations if cls.has_variations else ()
        assert changed >= {*variations}
        assert changed


def before(events: ak.Array, column: str) -> ak.Array:
    collection, _, field = column.partition(" ")[2].partition(".")
    return events[collection][field] if field in events[collection].fields else ak.Array([])


def test_all_eras_are_there() -> None:
    assert set(get_default_parameters().lumi.picobarns) == {*CAMPAIGNS, "toys"}
    assert len(CALIBRATORS) == 12
    assert {*MISSING, *IDLE} <= {*WEIGHTS, *CALIBRATORS}


def test_all_eras_are_documented() -> None:
    params = get_default_parameters()
    page = (Path(__file__).absolute().parents[2] / "docs" / "reference" / "parameters.md").read_text()
    table = page[page.index("| Era |") :].partition("\n\n")[0]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [row[:2] for row in rows] == [[year, folder] for year, folder in CAMPAIGNS.items()]
    for year, _, version, luminosity, certified, missing in rows:
        assert int(version) == params.default_nano_version[year]
        assert luminosity == f"{params.lumi.picobarns[year].tot / 1000:.2f}"
        assert params.lumi.goldenJSON[year].endswith(f"/{certified}")
        assert set(re.findall(r"\w+", missing)) == {name for name, years in MISSING.items() if year in years}

"""Every shipped weight and calibrator with the parameters of every era, and in any chunks and order of events."""

from __future__ import annotations

import functools
import importlib
import itertools
import math
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import pocket.weights
from pocket import calibrators
from pocket.calibrators.base import Calibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.corrections.files import inputs_of, load_correction
from pocket.errors import PocketError
from pocket.parameters.defaults import get_default_parameters
from pocket.weights import common_weights
from pocket.weights.base import NormalisationWeight, WeightWrapper
from tests.entries import check_each
from tests.group_files import CAMPAIGNS, LATER, RUN_3, UL, needs_files
from tests.pocket.every_era import DATA, events_of, parameters, regressed, write_files

pytestmark = needs_files
N_EVENTS = 600
WEIGHTS = {weight.name: weight for weight in common_weights}
#: those of the public names that are calibrators; those with a file of the chain have the name that wrap gives them
CALIBRATORS: dict[str, type[Calibrator]] = {
    found.name: found
    for found in (getattr(calibrators, name) for name in calibrators.__all__)
    if isinstance(found, type) and issubclass(found, Calibrator) and found.name
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
KINDS = {"simulation": True, "data": False}
#: Chunks and the order of events are code, which is the same for eras whose files have the same inputs. Any file has
#: those that one of these eras has: 2018 those of Run 2, 2022 the jets and momenta of Run 3, 2023 phi of electrons and
#: the newer names of their scale, 2024 phi of jets; the pileup of 2024 and of 2025 has inputs of its own.
LAYOUTS = ("2018", "2022_preEE", "2023_preBPix", "2024", "2025")

#: The large files of jets take long to read, so all other eras are slow.
ERAS = [year if year == "2018" else pytest.param(year, marks=pytest.mark.slow) for year in CAMPAIGNS]
Found = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for the files that names of corrections stand for."""
    folder = tmp_path_factory.mktemp("eras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POCKET_CORRECTIONS", str(folder / "corrections"))
        yield folder


@pytest.fixture(scope="module")
def params_of(folder: Path) -> dict[str, Any]:
    """Return the parameters of all eras for each weight and calibrator."""
    common = parameters(folder)
    return {**dict.fromkeys((*WEIGHTS, *CALIBRATORS), common), "jet_regression": regressed(common)}


@pytest.fixture(scope="module")
def write(folder: Path) -> Callable[[str], None]:
    """Return what writes the files of an era, once."""
    return functools.cache(functools.partial(write_files, folder / "corrections"))


@pytest.fixture(scope="module")
def layouts_of(params_of: dict[str, Any], write: Callable[[str], None]) -> Callable[[str], dict[str, list[str]]]:
    """Return what tells the inputs of all corrections of an era, for each weight and calibrator that reads them."""

    @functools.cache
    def find(year: str) -> dict[str, list[str]]:
        write(year)
        makers: dict[str, Any] = {**WEIGHTS, **CALIBRATORS}
        made = {
            f"{name} of {kind}": makers[name](params_of[name], metadata_of(year, is_mc))
            for name, (kind, is_mc) in itertools.product(makers, KINDS.items())
            if year not in MISSING.get(name, ()) and (is_mc or name in CALIBRATORS)
        }
        return {
            name: [inputs_of(load_correction(*pair)) for pair in reader.corrections()] for name, reader in made.items()
        }

    return find


@functools.lru_cache(maxsize=2)
def simulated(year: str) -> ak.Array:
    return events_of(year, n=N_EVENTS)


def metadata_of(year: str, is_mc: bool = True) -> dict[str, Any]:
    common = {"year": year, "isMC": is_mc, "sample": "TT", "dataset": f"TT_{year}"}
    return {**common, "xsec": 830.0} if is_mc else {**common, "era": DATA[year][0]}


def check_missing(make: Callable[[], Any], year: str) -> None:
    """Check that what an era has no corrections for is refused in a line with the era."""
    with pytest.raises(PocketError, match=f"'{year}'") as raised:
        make()
    assert "\n" not in str(raised.value)


def in_parts(compute: Callable[[ak.Array], Found], events: ak.Array) -> tuple[list[Found], Any]:
    """Return what is computed for chunks of the events in another order, and the order."""
    order = np.random.default_rng(2).permutation(len(events))
    mixed = events[order]
    edges = (0, 1, len(events) // 3, len(events))
    return [compute(mixed[begin:end]) for begin, end in itertools.pairwise(edges)], order


def weights_of(cls: type[WeightWrapper], params: Any, year: str, events: ak.Array) -> Found:
    """Return a weight with its variations, inside variations of the objects, and where it follows another one."""
    weight, size = cls(params, metadata_of(year)), len(events)
    nominal, varied = weight.evaluate(events, size, "nominal")
    found = {"nominal": nominal, **varied}
    found |= {shape: weight.evaluate(events, size, shape)[0] for shape in SHAPES}
    if cls.follows:
        found |= weight.evaluate_following(events, size, followed(cls, params, year))
    return found


def followed(cls: type[WeightWrapper], params: Any, year: str) -> list[str]:
    """Return the variations of the weight that another one follows."""
    return WEIGHTS[cls.follows](params, metadata_of(year)).variation_names() if cls.follows else []


@pytest.mark.parametrize("year", ERAS)
@check_each("name", WEIGHTS)
def test_weights(name: str, year: str, params_of: dict[str, Any], write: Callable[[str], None]) -> None:
    write(year)
    cls, params = WEIGHTS[name], params_of[name]
    weight = cls(params, metadata_of(year))
    if year in MISSING.get(name, ()):
        check_missing(weight.corrections, year)
        return
    weight.check_parameters()
    compute = functools.partial(weights_of, cls, params, year)
    whole = compute(simulated(year))
    assert all(np.isfinite(values).all() for values in whole.values())
    assert set(whole) == {"nominal", *SHAPES, *weight.variation_names(), *followed(cls, params, year)}
    assert len(whole) == 1 + len(SHAPES) + len(weight.variation_names()) + (16 if cls.follows else 0)
    is_idle = issubclass(cls, NormalisationWeight) or year in IDLE.get(name, ())
    assert all((values == 1).all() for values in whole.values()) == is_idle
    if cls.has_variations and not is_idle:
        ups = [variation for variation in whole if variation.endswith("Up") and variation not in SHAPES]
        assert [up for up in ups if (whole[up] == whole["nominal"]).all()] == []
    if year not in LAYOUTS:
        return
    chunks, order = in_parts(compute, simulated(year))
    for variation, values in whole.items():
        assert np.array_equal(np.concatenate([chunk[variation] for chunk in chunks]), values[order])
        total = sum(float(np.sum(chunk[variation])) for chunk in chunks)
        assert math.isclose(total, math.fsum(values), rel_tol=1e-12, abs_tol=1e-12 * math.fsum(np.abs(values)))


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


@pytest.mark.parametrize("year", ERAS)
@check_each("name, kind", list(itertools.product(CALIBRATORS, KINDS)))
def test_calibrators(name: str, kind: str, year: str, params_of: dict[str, Any], write: Callable[[str], None]) -> None:
    write(year)
    cls, params, is_mc = CALIBRATORS[name], params_of[name], KINDS[kind]
    metadata = metadata_of(year, is_mc)
    if year in MISSING.get(name, ()):
        check_missing(lambda: cls(params, metadata), year)
        return
    events = simulated(year) if is_mc else ak.with_field(simulated(year), np.uint32(DATA[year][1]), "run")
    compute = functools.partial(calibrated, cls, params, metadata)
    whole = compute(events)
    assert all(np.isfinite(ak.to_numpy(ak.flatten(values, axis=None))).all() for values in whole.values())
    changed = {column.partition(" ")[0] for column, values in whole.items() if not same(values, before(events, column))}
    if year in IDLE.get(name, ()):
        assert not changed
    elif is_mc:
        variations = cls(params, metadata).variations if cls.has_variations else ()
        assert changed >= {*variations}
        assert changed
    if year not in LAYOUTS:
        return
    chunks, order = in_parts(compute, events)
    for column, values in whole.items():
        assert same(ak.concatenate([chunk[column] for chunk in chunks]), values[order])


def before(events: ak.Array, column: str) -> ak.Array:
    collection, _, field = column.partition(" ")[2].partition(".")
    return events[collection][field] if field in events[collection].fields else ak.Array([])


@pytest.mark.slow
def test_layouts_of_all_eras(layouts_of: Callable[[str], dict[str, list[str]]]) -> None:
    checked = [layouts_of(year) for year in LAYOUTS]
    unlike = {
        f"{name} in {year}": layout
        for year in CAMPAIGNS
        for name, layout in layouts_of(year).items()
        if layout not in [of_era.get(name) for of_era in checked]
    }
    assert unlike == {}


def test_all_eras_are_there(params_of: dict[str, Any]) -> None:
    # An era that is lost from a section is refused by what reads it, even where there are no files.
    assert set(params_of["pileup"].lumi.picobarns) == {*CAMPAIGNS, "toys"}
    readers: dict[str, Any] = {**WEIGHTS, **CALIBRATORS}
    refused: dict[str, dict[str, str]] = {}
    for year, name, is_mc in itertools.product(CAMPAIGNS, params_of, KINDS.values()):
        if name in CALIBRATORS or is_mc:
            try:
                found = readers[name](params_of[name], metadata_of(year, is_mc))
                if isinstance(found, WeightWrapper):
                    found.check_parameters()
                found.corrections()
            except PocketError as error:
                refused.setdefault(name, {})[year] = str(error)
    unexpected = {
        f"{name} in {year}": error
        for name, errors in refused.items()
        for year, error in errors.items()
        if year not in MISSING.get(name, ())
    }
    assert unexpected == {}
    assert {name: {*errors} for name, errors in refused.items()} == {name: {*years} for name, years in MISSING.items()}
    assert {*IDLE} <= {*WEIGHTS, *CALIBRATORS}


@check_each(
    ("package", "base", "names"),
    [(pocket.weights, WeightWrapper, WEIGHTS), (calibrators, Calibrator, CALIBRATORS)],
    ids=["weights", "calibrators"],
)
def test_all_that_is_shipped_is_there(package: Any, base: type[Any], names: dict[str, Any]) -> None:
    defined = set()
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        classes = vars(importlib.import_module(module.name)).values()
        defined |= {each.name for each in classes if isinstance(each, type) and issubclass(each, base)}
    assert defined - {""} == {*names}


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

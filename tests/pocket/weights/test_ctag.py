"""Weights of c tagging, with files in the group's schema."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.toys.correction_nodes import category
from pocket.weights.ctag import SHAPE_VARIATIONS, CTagCalibration, CTagShape
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import nested, random_binning, with_inputs

N_JETS = 10_000
ENERGY = ("jer", "jesTotal")
#: The inputs of BTV's ctagging.json.gz.
INPUTS = {"systematic": "string", "flavor": "int", "CvL": "real", "CvB": "real"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with all uncertainties of the group."""
    kinds = ["central", *(f"{side}_{name}" for name in (*SHAPE_VARIATIONS, *ENERGY) for side in ("up", "down"))]

    def scores(kind: str, flavour: int) -> Any:
        table = random_binning(7 * kinds.index(kind) + flavour, CvL=[0, 0.2, 0.5, 1], CvB=[0, 0.3, 1])
        table.flow = "clamp"
        return table

    data = nested({"systematic": kinds, "flavor": [0, 4, 5]}, scores)
    path = tmp_path_factory.mktemp("btv") / "ctagging.json"
    return write_corrections(path, with_inputs("deepJet_shape", data, **INPUTS))


@pytest.fixture(scope="module")
def events() -> ak.Array:
    """Jets of all flavours, with scores at the edges and without any (-1)."""
    rng = np.random.default_rng(3)
    scores = {name: rng.uniform(0, 1, N_JETS) for name in ("btagDeepFlavCvL", "btagDeepFlavCvB")}
    for values in scores.values():
        for edge in (-1, 0, 0.2, 0.3, 0.5, 1):
            values[rng.integers(0, N_JETS, 50)] = edge
    columns = {name: values.astype(np.float32) for name, values in scores.items()}
    columns["hadronFlavour"] = rng.choice(np.array([0, 4, 5], dtype=np.uint8), N_JETS)
    columns["pt"] = rng.uniform(20, 300, N_JETS).astype(np.float32)
    columns["eta"] = rng.uniform(-3, 3, N_JETS).astype(np.float32)
    counts = rng.multinomial(N_JETS, np.full(3000, 1 / 3000))
    return ak.Array({"JetGood": ak.unflatten(ak.zip(columns), counts)})


def expected(file: str, events: ak.Array, kind: str) -> list[float]:
    """Return the product over the jets of each event with |η| below 2.5, in a loop."""
    names = ("hadronFlavour", "btagDeepFlavCvL", "btagDeepFlavCvB")
    flavour, *scores = (ak.flatten(events.JetGood[name]).to_numpy() for name in names)
    correction = correctionlib.CorrectionSet.from_file(file)["deepJet_shape"]
    factors = correction.evaluate(kind, flavour.astype(int), *(each.astype(float) for each in scores)).tolist()
    eta = ak.flatten(events.JetGood.eta).tolist()
    factors = [factor if abs(own) < 2.5 else 1.0 for factor, own in zip(factors, eta, strict=True)]
    ends = np.cumsum(ak.num(events.JetGood)).tolist()
    return [math.prod(factors[begin:end]) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def parameters(file: str, year: str, **chosen: list[str]) -> Any:
    """Return the shipped parameters with a file, and variations of weights."""
    variations = {name: {year: names} for name, names in chosen.items()}
    changes: dict[str, Any] = {"jet_scale_factors": {"ctagSF": {year: {"SF_file": file}}}}
    if chosen:
        changes["systematic_variations"] = {"weight_variations": variations}
    return OmegaConf.merge(get_default_parameters(), changes)


@pytest.mark.parametrize("year", list(to_plain(get_default_parameters())["ctagging"]["scores"]))
def test_shape(file: str, events: ak.Array, year: str) -> None:
    assert year < "2024"
    params = parameters(file, year)
    weight = CTagShape(params, {"year": year})
    assert weight.corrections() == [(file, "deepJet_shape")]
    nominal, varied = weight.evaluate(events, len(events), "nominal")
    # One year is compared in all variations, the others have the same code and file.
    names = SHAPE_VARIATIONS if year == "2018" else SHAPE_VARIATIONS[:1]
    np.testing.assert_allclose(nominal, expected(file, events, "central"), rtol=1e-14)
    assert list(varied) == [f"sf_ctag_{name}{side}" for name in SHAPE_VARIATIONS for side in ("Up", "Down")]
    for name in names:
        for side in ("up", "down"):
            found = varied[f"sf_ctag_{name}{side.title()}"]
            np.testing.assert_allclose(found, expected(file, events, f"{side}_{name}"), rtol=1e-14)


@pytest.mark.parametrize(
    ("variation", "kind"),
    [
        ("AK4PFchs_JES_TotalUp", "up_jesTotal"),
        ("JES_TotalDown", "down_jesTotal"),
        ("AK4PFchs_JERDown", "down_jer"),
        ("AK8PFPuppi_JES_TotalUp", "central"),
        ("JES_FlavorQCDUp", "central"),
        ("muon_scaleUp", "central"),
    ],
)
def test_inside_a_variation_of_the_jets_energy(file: str, events: ak.Array, variation: str, kind: str) -> None:
    some = events[:500]
    found, varied = CTagShape(parameters(file, "2018"), {"year": "2018"}).evaluate(some, 500, variation)
    assert varied == {}
    np.testing.assert_allclose(found, expected(file, some, kind), rtol=1e-14)
    # Uncertainties of the energy that vary on their own don't count twice.
    own = CTagShape(parameters(file, "2018", sf_ctag=["Stat", "jesTotal", "jer"]), {"year": "2018"})
    assert own.evaluate(some, 500, variation)[0].tolist() == own.evaluate(some, 500, "nominal")[0].tolist()
    assert list(own.variations) == ["Stat", "jesTotal", "jer"]


@pytest.mark.slow
def test_normalisation(tmp_path: Path, events: ak.Array) -> None:
    table = random_binning(2, nJet=[0, 3, 5, 99], Jet_Ht=[0, 200, 1e5])
    by_dataset = category("dataset", {"TT_2018": table})
    by_sample = category("sample", {"TT": random_binning(3, nJet=[0, 3, 99])})
    file = write_corrections(
        tmp_path / "norm.json",
        with_inputs("ctagSF_norm_correction", by_dataset, dataset="string", nJet="int", Jet_Ht="real"),
        with_inputs("mine", by_sample, sample="string", nJet="real"),
        with_inputs("three", random_binning(1, n=[0, 9], ht=[0, 1], met=[0, 1]), n="real", ht="real", met="real"),
    )
    corrections = correctionlib.CorrectionSet.from_file(file)
    metadata = {"year": "2018", "sample": "TT", "dataset": "TT_2018"}

    def values(**settings: str) -> Any:
        params = OmegaConf.merge(
            get_default_parameters(), {"jet_scale_factors": {"ctagSF": {"2018": {"Calib_file": file, **settings}}}}
        )
        return CTagCalibration(params, metadata).evaluate(events, len(events), "nominal")

    lists = events.JetGood.pt.to_list()
    found, varied = values()
    assert varied == {}
    assert found.tolist() == [
        corrections["ctagSF_norm_correction"].evaluate("TT_2018", len(pt), math.fsum(pt)) for pt in lists
    ]
    assert values(Calib_name="mine")[0].tolist() == [corrections["mine"].evaluate("TT", float(len(pt))) for pt in lists]
    with pytest.raises(ConfigError, match="weight 'sf_ctag_calib': 'three' needs more than n jets and HT"):
        values(Calib_name="three")


def test_years_without_scale_factors() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2024' in jet_scale_factors\.ctagSF"):
        CTagShape(get_default_parameters(), {"year": "2024"}).corrections()

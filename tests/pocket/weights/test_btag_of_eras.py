"""Weights of b tagging with the group's files of all years, against correctionlib itself."""

from __future__ import annotations

import functools
import gzip
import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import numpy.typing as npt
import pytest
from omegaconf import OmegaConf

from pocket.errors import UnknownNameError
from pocket.parameters.defaults import get_default_parameters, merge_parameters
from pocket.toys.correction_nodes import category
from pocket.weights.btag import SHAPE_VARIATIONS, TAGGERS, BTagFixedWorkingPoint, BTagShape
from tests.group_files import CAMPAIGNS, ROOT, UL, needs_files
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import with_inputs

pytestmark = needs_files
YEARS = [year for year in CAMPAIGNS if year < "2024"]
EFFICIENCIES = {0: 0.02, 4: 0.2, 5: 0.8}
N_JETS = 10_000


@functools.lru_cache(maxsize=1)
def contents(year: str) -> list[dict[str, Any]]:
    """Return the corrections of a year as JSON."""
    with gzip.open(ROOT / "POG" / "BTV" / CAMPAIGNS[year] / "btagging.json.gz", "rt") as file:
        return list(json.load(file)["corrections"])


def of_tagger(year: str, tagger: str, folder: Path) -> str:
    """Write the corrections of one tagger to a file of their own, which is faster to read."""
    chosen = [correction for correction in contents(year) if correction["name"].startswith(f"{tagger}_")]
    path = folder / f"{tagger}.json"
    path.write_text(json.dumps({"schema_version": 2, "corrections": chosen}))
    return str(path)


def jets_of(year: str, score: str) -> ak.Array:
    """Return jets with edges, and values beyond them."""
    rng = np.random.default_rng(sum(map(ord, year + score)))
    pt = rng.exponential(80, N_JETS) + 15
    eta = rng.uniform(-3, 3, N_JETS)
    scores = rng.uniform(0, 1, N_JETS)
    for column, edges in (
        (pt, [15, 20, 30, 50, 200, 1000, 20_000]),
        (eta, [-2.5, 0, 0.8, 1.6, 2.5]),
        (scores, [-1, 0, 1]),
    ):
        places = rng.integers(0, N_JETS, (len(edges), 40))
        for place, edge in zip(places, edges, strict=True):
            column[place] = edge
    columns = {"pt": pt, "eta": eta, score: scores}
    jets = {name: values.astype(np.float32) for name, values in columns.items()}
    counts = rng.multinomial(N_JETS, np.full(3000, 1 / 3000))
    flavour = rng.choice(np.array([0, 4, 5], dtype=np.uint8), N_JETS)
    return ak.Array({"JetGood": ak.unflatten(ak.zip({**jets, "hadronFlavour": flavour}), counts)})


def beyond(jets: ak.Array) -> npt.NDArray[np.bool_]:
    """Return the mask of jets that have no scale factors."""
    return np.asarray(abs(ak.flatten(jets.eta)) >= 2.5)


def products(values: npt.NDArray[Any], jets: ak.Array) -> list[float]:
    """Return the product over the jets of each event."""
    ends = np.cumsum(ak.num(jets)).tolist()
    numbers = values.tolist()
    return [math.prod(numbers[begin:end]) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def parameters(year: str, tagger: str, folder: Path) -> Any:
    """Return the shipped parameters with another tagger and the files of a folder."""
    params = get_default_parameters()
    if tagger != "DeepJet":
        chosen = {
            "btagging": {"working_point": f"${{default_btagging.working_point.{tagger}}}"},
            "jet_scale_factors": {"btagSF": f"${{default_btagging.btagSF.{tagger}}}"},
        }
        params = merge_parameters(params, chosen, update=True)
    prefix = TAGGERS[params.btagging.working_point[year].btagging_algorithm]
    efficiency = with_inputs("eff", category("flavor", dict(EFFICIENCIES)), flavor="int")
    files = {
        "jet_scale_factors": {
            "btagSF": {year: {"file": of_tagger(year, prefix, folder)}},
            "btag_efficiency": {year: {"file": write_corrections(folder / "eff.json", efficiency), "name": "eff"}},
        }
    }
    return OmegaConf.merge(params, files)


def inputs_of(year: str, jets: ak.Array, score: str) -> dict[str, npt.NDArray[Any]]:
    """Return the inputs of correctionlib; below the scores of Run 3, the last bins hold.

    Beyond |η| of 2.5, correctionlib has no value, and results for what is given here must be replaced by 1.
    """
    found = {name: ak.flatten(jets[name]).to_numpy().astype(np.float64) for name in ("pt", "eta", score)}
    scores = found[score] if year in UL else np.maximum(found[score], 0)
    return {
        "flavor": ak.flatten(jets.hadronFlavour).to_numpy().astype(np.int64),
        "abseta": np.minimum(abs(found["eta"]), np.nextafter(2.5, 0)),
        "pt": found["pt"],
        "discriminant": scores,
    }


@pytest.mark.slow
@pytest.mark.parametrize("year", YEARS)
def test_weights_of_all_taggers(year: str, tmp_path: Path) -> None:
    taggers = ["DeepJet"] if year in UL else ["DeepJet", "ParticleNet", "RobustParTAK4"]
    for tagger in taggers:
        params = parameters(year, tagger, tmp_path)
        score = params.btagging.working_point[year].btagging_algorithm
        events = jets_of(year, score)
        corrections = correctionlib.CorrectionSet.from_file(params.jet_scale_factors.btagSF[year].file)
        inputs = inputs_of(year, events.JetGood, score)
        check_shape(params, year, events, corrections[f"{TAGGERS[score]}_shape"], inputs, sources=tagger == "DeepJet")
        if tagger == "ParticleNet" and year.startswith("2023"):
            with pytest.raises(UnknownNameError, match="unknown parameter 'bc' in jet_scale_factors"):
                BTagFixedWorkingPoint(params, {"year": year, "sample": "TT"}).corrections()
            continue
        check_working_point(params, year, events, corrections, inputs)


def check_shape(params: Any, year: str, events: ak.Array, correction: Any, inputs: Any, sources: bool) -> None:
    """Compare the reweighting of the shape in all its variations, and in those of the jets' energy."""
    weight = BTagShape(params, {"year": year, "sample": "TT"})
    weight.check_parameters()
    central = correction.evaluate("central", *inputs.values())
    central[beyond(events.JetGood)] = 1

    def expected(kind: str, charm: bool = False) -> list[float]:
        mask = (inputs["flavor"] == 4) == charm
        factors = central.copy()
        factors[mask] = correction.evaluate(kind, *(column[mask] for column in inputs.values()))
        factors[beyond(events.JetGood)] = 1
        return products(factors, events.JetGood)

    nominal, varied = weight.evaluate(events, len(events), "nominal")
    np.testing.assert_allclose(nominal, products(central, events.JetGood), rtol=1e-14)
    assert len(varied) == 2 * len(SHAPE_VARIATIONS)
    for variation in SHAPE_VARIATIONS:
        for side in ("up", "down"):
            found = varied[f"sf_btag_{variation}{side.title()}"]
            wanted = expected(f"{side}_{variation}", charm=variation.startswith("cferr"))
            np.testing.assert_allclose(found, wanted, rtol=1e-14, err_msg=f"{side}_{variation}")
    if not sources:
        return
    named = {"AK4_JES_TotalUp": "up_jes", "JES_FlavorQCDDown": "down_jesFlavorQCD"}
    if year in UL:
        named |= {f"AK4PFchs_JES_Regrouped_Absolute_{year[:4]}Up": f"up_jesAbsolute_{year[:4]}"}
        named |= {"AK4PFchs_JES_Regrouped_HFDown": "down_jesHF"}
    else:
        named |= {f"AK4PFPuppi_JES_Regrouped_RelativeSample_{year[:4]}Up": "up_jesRelativeSample"}
    for variation, kind in named.items():
        found, nothing = weight.evaluate(events, len(events), variation)
        np.testing.assert_allclose(found, expected(kind), rtol=1e-14, err_msg=variation)
        assert nothing == {}
    for variation in ("AK8PFPuppi_JES_TotalUp", "AK4PFPuppi_JERUp"):
        assert weight.evaluate(events, len(events), variation)[0].tolist() == nominal.tolist()


def check_working_point(params: Any, year: str, events: ak.Array, corrections: Any, inputs: Any) -> None:
    """Compare the weight of the medium working point with the total uncertainty, its parts, and single sources."""
    point = params.btagging.working_point[year]
    jets = events.JetGood
    tagged = ak.flatten(jets[point.btagging_algorithm] > point.btagging_WP.M).to_numpy()
    prefix = TAGGERS[point.btagging_algorithm]
    light = inputs["flavor"] == 0
    efficiency = np.vectorize(EFFICIENCIES.get)(inputs["flavor"])

    def expected(bc: str = "central", of_light: str = "central") -> list[float]:
        factors = np.empty(N_JETS)
        for mask, kind, name in (
            (~light, bc, f"{prefix}_comb"),
            (light, of_light, f"{prefix}_{'incl' if year in UL else 'light'}"),
        ):
            values = (inputs[axis][mask] for axis in ("flavor", "abseta", "pt"))
            factors[mask] = corrections[name].evaluate(kind, "M", *values)
        factors[beyond(jets)] = 1
        in_data = np.minimum(factors * efficiency, 1)
        data = np.where(tagged, in_data, 1 - in_data)
        return products(data / np.where(tagged, efficiency, 1 - efficiency), jets)

    def evaluated(names: list[str], variation: str = "nominal") -> Any:
        chosen = {"systematic_variations": {"weight_variations": {"sf_btag_fixed_wp": {year: names}}}}
        weight = BTagFixedWorkingPoint(OmegaConf.merge(params, chosen), {"year": year, "sample": "TT"})
        weight.check_parameters()
        return weight.evaluate(events, len(events), variation)

    nominal, varied = BTagFixedWorkingPoint(params, {"year": year, "sample": "TT"}).evaluate(
        events, len(events), "nominal"
    )
    np.testing.assert_allclose(nominal, expected(), rtol=1e-13, atol=1e-15)
    assert list(varied) == [f"sf_btag_fixed_wp_{name}{side}" for name in ("heavy", "light") for side in ("Up", "Down")]
    parts = ["heavy_correlated", "heavy_uncorrelated"]
    # The light scale factors of 2022 have a total uncertainty only.
    parts += ["light"] if year.startswith("2022") else ["light_correlated", "light_uncorrelated"]
    _, of_parts = evaluated(parts)
    _, of_sources = evaluated(["heavy_statistic", "heavy_type3", "light"])
    for name, values in {**varied, **of_parts, **of_sources}.items():
        stem = name.removeprefix("sf_btag_fixed_wp_").replace("Up", "_up").replace("Down", "_down")
        group, _, rest = stem.partition("_")
        source, _, side = rest.rpartition("_")
        key = f"{side}_{source}" if source else side
        wanted = expected(key) if group == "heavy" else expected(of_light=key)
        np.testing.assert_allclose(values, wanted, rtol=1e-13, atol=1e-15, err_msg=name)
    # The total uncertainty holds that of the energy; single sources go with its variation.
    assert evaluated(["heavy", "light"], "AK4PFchs_JES_TotalUp")[0].tolist() == nominal.tolist()
    for variation, kind in (
        ("AK4PFchs_JES_TotalUp", "up_jes"),
        ("JERDown", "down_jer"),
        ("JES_FlavorQCDUp", "central"),
    ):
        found, _ = evaluated(["heavy_statistic", "heavy_type3", "light"], variation)
        np.testing.assert_allclose(found, expected(kind), rtol=1e-13, atol=1e-15, err_msg=variation)
    found, _ = evaluated(["heavy_statistic", "heavy_jes", "light"], "JES_TotalUp")
    assert found.tolist() == nominal.tolist()
    with pytest.raises(UnknownNameError, match=r"unknown uncertainty 'up_statistics' .*did you mean 'up_statistic'"):
        evaluated(["heavy_statistics"])

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.weights.working_point import FixedWorkingPointWeight
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import events_of, lists_of, nested, numbers, present, random_binning, with_inputs

METADATA = {"sample": "TT", "year": "2018"}
KEYS = ["nominal", "up", "down", "stat_up", "stat_down", "light_up", "light_down"]
MEAN = {5: 0.8, 4: 0.2, 0: 0.02}

jets = lists_of(
    st.fixed_dictionaries(
        {
            "pt": numbers(20, 399),
            "eta": numbers(-2.4, 2.4),
            "hadronFlavour": st.sampled_from([0, 4, 5]),
            "btagged": st.booleans(),
        }
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An efficiency map per sample, with a key for a shape variation, and a scale factor."""
    folder = tmp_path_factory.mktemp("wp")

    def efficiency(sample: str, systematic: str, flavor: int) -> Any:
        table = random_binning(flavor + sum(map(ord, sample + systematic)), pt=[20, 50, 400], abseta=[0, 1.2, 2.5])
        table.content = [MEAN[flavor] * value for value in table.content]
        return table

    keys = {"sample": ["TT", "DY"], "systematic": ["nominal", "up", "down", "JES_up"], "flavor": [5, 4, 0]}
    types = {"sample": "string", "flavor": "int", "pt": "real", "abseta": "real", "systematic": "string"}
    write_corrections(folder / "eff.json", with_inputs("eff", nested(keys, efficiency), **types))

    def factors(systematic: str, flavor: int) -> Any:
        return random_binning(100 * flavor + KEYS.index(systematic), pt=[20, 100, 400])

    types = {"flavor": "int", "pt": "real", "systematic": "string"}
    data = nested({"systematic": KEYS, "flavor": [5, 4, 0]}, factors)
    write_corrections(folder / "sf.json", with_inputs("sf", data, **types))
    return folder


def weight(folder: Path, metadata: dict[str, Any] = METADATA, **options: Any) -> FixedWorkingPointWeight:
    settings = {"efficiency": "eff", "scale_factor": "sf", "collection": "JetGood", "tagged": "btagged", **options}
    files = {name: f"{folder}/{name}.json" for name in ("eff", "sf")}
    return FixedWorkingPointWeight.wrap("sf_btag_wp", **settings)(OmegaConf.create({"scale_factors": files}), metadata)


def method_1a(folder: Path, objects: Any, systematic: str, of_efficiency: str = "nominal") -> float:
    """P(data) / P(simulation), from the definition: products of efficiencies over tagged and untagged jets."""
    maps, factors = (correctionlib.CorrectionSet.from_file(f"{folder}/{name}.json")[name] for name in ("eff", "sf"))
    simulation, data = [1.0], [1.0]
    for jet in present(objects):
        flavour, pt = jet["hadronFlavour"], jet["pt"]
        efficiency = maps.evaluate("TT", flavour, pt, abs(jet["eta"]), of_efficiency)
        in_data = min(factors.evaluate(flavour, pt, systematic) * efficiency, 1.0)
        simulation.append(efficiency if jet["btagged"] else 1 - efficiency)
        data.append(in_data if jet["btagged"] else 1 - in_data)
    return math.prod(data) / math.prod(simulation)


@settings(max_examples=20)
@given(lists=jets)
def test_method_1a(folder: Path, lists: list[Any]) -> None:
    events = events_of(lists, "JetGood")

    def check(found: Any, *kinds: str) -> None:
        expected = [method_1a(folder, objects, *kinds) for objects in lists]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)

    nominal, varied = weight(folder).evaluate(events, len(lists), "nominal")
    check(nominal, "nominal")
    assert set(varied) == {"sf_btag_wpUp", "sf_btag_wpDown"}
    check(varied["sf_btag_wpUp"], "up")
    check(varied["sf_btag_wpDown"], "down")
    _, varied = weight(folder, variations=("stat", "light")).evaluate(events, len(lists), "nominal")
    assert list(varied) == [f"sf_btag_wp_{side}" for side in ("statUp", "statDown", "lightUp", "lightDown")]
    check(varied["sf_btag_wp_lightDown"], "light_down")
    inside, varied = weight(folder).evaluate(events, len(lists), "JESUp")
    assert varied == {}
    check(inside, "nominal", "JES_up")


def test_the_mean_weight_is_one_with_the_efficiency_of_the_sample(folder: Path) -> None:
    # over all ways to tag the jets of an event, by their probabilities in simulation
    maps = correctionlib.CorrectionSet.from_file(f"{folder}/eff.json")["eff"]
    kinds = [(30.0, 0.5, 5), (70.0, -2.0, 4), (200.0, 1.0, 0)]
    lists, chances = [], []
    for pattern in np.ndindex(2, 2, 2):
        efficiencies = [maps.evaluate("TT", flavour, pt, abs(eta), "nominal") for pt, eta, flavour in kinds]
        chances.append(math.prod(e if tag else 1 - e for e, tag in zip(efficiencies, pattern, strict=True)))
        lists.append(
            [
                {"pt": pt, "eta": eta, "hadronFlavour": flavour, "btagged": bool(tag)}
                for (pt, eta, flavour), tag in zip(kinds, pattern, strict=True)
            ]
        )
    events = events_of(lists, "JetGood")
    right, _ = weight(folder).evaluate(events, 8, "nominal")
    assert math.fsum(right * chances) == pytest.approx(1.0, rel=1e-12)
    other, _ = weight(folder, {**METADATA, "sample": "DY"}).evaluate(events, 8, "nominal")
    assert abs(math.fsum(other * chances) - 1) > 1e-6


def test_scale_factors_that_it_needs() -> None:
    assert FixedWorkingPointWeight.wrap("w", "eff", "sf", "JetGood", "btagged").scale_factors() == ("eff", "sf")


def test_refused(folder: Path) -> None:
    jet = {"pt": 30.0, "eta": 0.1, "hadronFlavour": 5, "partonFlavour": 21, "btagged": True, "score": 0.9}
    events = events_of([[jet]], "JetGood")
    with pytest.raises(ConfigError, match=r"weight 'sf_btag_wp': JetGood\.score is not true or false"):
        weight(folder, tagged="score").evaluate(events, 1, "nominal")
    with pytest.raises(ConfigError, match=r"correction 'eff' of eff\.json: .* input 'flavor' val: 21"):
        weight(folder, inputs={"flavor": "partonFlavour"}).evaluate(events, 1, "nominal")
    with pytest.raises(ConfigError, match=r"correction 'eff' of eff\.json knows no sample 'ST'; known: DY, TT"):
        weight(folder, {"sample": "ST"}).evaluate(events, 1, "nominal")

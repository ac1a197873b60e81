from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.corrections.derived import DerivedCorrection
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.correction_files import write_corrections
from tests.pocket.scale_factors.correction_trees import binning, category, published
from tests.pocket.weights.objects import nested, random_binning, with_inputs

KEYS = ("nominal", "up", "down", "hf_up", "AK4PFchs_JES_Total_up")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    def bins(*path: Any) -> Any:
        return random_binning(sum(map(ord, "".join(map(str, path)))), pt=[20, 50, 100])

    keys = {"sample": ["TT", "DY"], "flavor": [5, 0], "systematic": KEYS}
    types = {"sample": "string", "flavor": "int", "pt": "real", "systematic": "string"}
    texts = nested({"sample": ["TT", "DY"], "systematic": ["nominal", "up"]}, lambda sample, key: len(sample + key))
    return write_corrections(
        tmp_path_factory.mktemp("sf") / "btag.json",
        with_inputs("btag", nested(keys, bins), **types),
        with_inputs("plain", random_binning(1, pt=[20, 100]), pt="real"),
        with_inputs("texts", texts, sample="string", systematic="string"),
    )


def inputs(flavor: list[float], pt: list[float], sample: str = "TT") -> dict[str, Any]:
    return {"sample": sample, "flavor": np.array(flavor), "pt": np.array(pt, dtype=np.float32)}


def test_axes_and_systematics(file: str) -> None:
    correction = DerivedCorrection(file, "btag")
    assert correction.axes == {"sample": "string", "flavor": "int", "pt": "real"}
    assert correction.systematics == set(KEYS)
    assert DerivedCorrection(file, "plain").systematics == set()


@pytest.mark.parametrize("systematic", KEYS)
def test_one_value_for_each(file: str, systematic: str) -> None:
    values = DerivedCorrection(file, "btag").evaluate(inputs([5.0, 0.0, 5.0], [20, 49, 99], "DY"), systematic, 3)
    reference = correctionlib.CorrectionSet.from_file(file)["btag"]
    expected = [reference.evaluate("DY", flavor, pt, systematic) for flavor, pt in ((5, 20.0), (0, 49.0), (5, 99.0))]
    assert values.tolist() == expected


def test_texts_alone_give_one_value_for_all(file: str) -> None:
    correction = DerivedCorrection(file, "texts")
    assert correction.evaluate({"sample": "DY"}, "up", 3).tolist() == [4.0] * 3
    assert correction.evaluate({"sample": "DY"}, "nominal", 0).shape == (0,)


def test_what_counts_in_a_shape_variation(file: str) -> None:
    correction = DerivedCorrection(file, "btag")
    assert correction.nominal_in("AK4PFchs_JES_TotalUp") == "AK4PFchs_JES_Total_up"
    for other in ("AK4PFchs_JES_TotalDown", "JES_TotalUp", "nominal", "Up"):
        assert correction.nominal_in(other) == "nominal"


@pytest.mark.parametrize(
    ("flavor", "pt", "text"),
    [
        (5.0, float("nan"), "input 'pt' has NaN"),
        (5.5, 30.0, "input 'flavor' has numbers that are no integers"),
        (4.0, 30.0, "Index not available in Category for input 'flavor' val: 4"),
        (5.0, 100.0, "Index above bounds in MultiBinning for input 'pt' value: 100"),
        (5.0, 19.0, "Index below bounds in MultiBinning for input 'pt' value: 19"),
    ],
)
def test_refused(file: str, flavor: float, pt: float, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"correction 'btag' of btag\.json: {text}"):
        DerivedCorrection(file, "btag").evaluate(inputs([flavor], [pt]), "nominal", 1)


def test_unknown_texts(file: str) -> None:
    correction, given = DerivedCorrection(file, "btag"), inputs([5.0], [30.0])
    with pytest.raises(
        UnknownNameError, match=r"systematic 'hf_upp' in correction 'btag' of btag\.json, did you mean 'hf_up'"
    ):
        correction.evaluate(given, "hf_upp", 1)
    with pytest.raises(ConfigError, match=r"^correction 'btag' of btag\.json knows no sample 'TTT'; known: DY, TT$"):
        correction.evaluate({**given, "sample": "TTT"}, "nominal", 1)
    with pytest.raises(ConfigError, match=r"needs the input 'pt'; given: flavor, sample, systematic"):
        correction.evaluate({"sample": "TT", "flavor": given["flavor"]}, "nominal", 1)
    with pytest.raises(
        ConfigError, match=r"correction 'plain' of btag\.json has no systematic 'up', nor any other one"
    ):
        DerivedCorrection(file, "plain").evaluate({"pt": given["pt"]}, "up", 1)
    with pytest.raises(UnknownNameError, match=r"unknown correction 'btga' in btag\.json, did you mean 'btag'"):
        _ = DerivedCorrection(file, "btga").systematics


def test_texts_that_only_matter_below_a_transformation(tmp_path: Path) -> None:
    years = category("year", {"2018": binning("pt", [20.0, 100.0], [1.1])})
    data = {"nodetype": "transform", "input": "pt", "rule": 50.0, "content": years}
    tree = category("systematic", {"nominal": data})
    inputs = {"pt": "real", "year": "string", "unused": "string", "systematic": "string"}
    path = tmp_path / "id.json"
    path.write_text(json.dumps({"schema_version": 2, "corrections": [published(tree, inputs)]}))
    correction = DerivedCorrection(str(path), "id")
    texts = {"year": "2018", "unused": "any"}
    assert correction.evaluate({"pt": np.array([5.0]), **texts}, "nominal", 1).tolist() == [1.1]
    with pytest.raises(ConfigError, match=r"correction 'id' of id\.json knows no year '2017'; known: 2018"):
        correction.evaluate({"pt": np.array([5.0]), **texts, "year": "2017"}, "nominal", 1)

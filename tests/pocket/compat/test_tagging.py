from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.compat import tagging
from pocket.compat.common_weights import common_weights
from pocket.weights import btag
from tests.pocket.correction_files import write_corrections

JETS = ak.zip(
    {
        "pt": [[40.0, 60.0], [], [50.0]],
        "eta": [[0.5, -0.5], [], [1.0]],
        "hadronFlavour": [[5, 4], [], [0]],
        "btagDeepFlavB": [[0.9, 0.3], [], [0.1]],
        "btagDeepCvL": [[0.9, 0.3], [], [0.1]],
        "btagDeepCvB": [[0.9, 0.3], [], [0.1]],
    }
)
EVENTS = ak.Array({"JetGood": JETS})


def correction(name: str, key: str, values: Mapping[str, float], **inputs: str) -> cs.Correction:
    """Return a correction with a value for each key of one input, whatever the others are."""
    return cs.Correction(
        name=name,
        version=1,
        inputs=[cs.Variable(name=each, type=kind) for each, kind in {key: "string", **inputs}.items()],
        output=cs.Variable(name="sf", type="real"),
        data=cs.Category(
            nodetype="category",
            input=key,
            content=[cs.CategoryItem(key=each, value=value) for each, value in values.items()],
        ),
    )


@pytest.fixture
def params(tmp_path: Path) -> Any:
    b_values = {"central": 2.0, "up_hf": 3.0, "down_hf": 1.0, "up_cferr1": 5.0, "down_cferr1": 1.0, "up_jes": 7.0}
    c_values = {"central": 2.0, "up_Stat": 3.0, "down_Stat": 1.0}
    scores = {"abseta": "real", "pt": "real", "discriminant": "real"}
    b_tag = write_corrections(tmp_path / "b.json", correction("shape", "systematic", b_values, flavor="int", **scores))
    c_tag = write_corrections(
        tmp_path / "c.json", correction("shape", "systematic", c_values, flavor="int", CvL="real", CvB="real")
    )
    norm = write_corrections(
        tmp_path / "norm.json",
        correction("norm", "sample", {"TT": 0.5}, nJet="real", Jet_Ht="real"),
        correction("ctagSF_norm_correction", "dataset", {"TT_2018": 0.25}, nJet="int", Jet_Ht="real"),
    )
    return OmegaConf.create(
        {
            "btagging": {"working_point": {"2018": {"btagging_algorithm": "btagDeepFlavB"}}},
            "btagSF_calibration": {"2018": {"file": norm, "name": "norm"}},
            "jet_scale_factors": {
                "jet_collection": {"btag": "JetGood", "ctag": "JetGood"},
                "btagSF": {"2018": {"file": b_tag, "name": "shape"}},
                "ctagSF": {"2018": {"SF_file": c_tag, "Calib_file": norm, "name": "shape"}},
            },
            "systematic_variations": {
                "weight_variations": {"sf_btag": {"2018": ["hf", "cferr1"]}, "sf_ctag": {"2018": ["Stat"]}}
            },
        }
    )


METADATA = {"year": "2018", "isMC": True, "sample": "TT", "dataset": "TT_2018"}


def test_the_b_tag_weight_is_central_in_variations_of_jets(params: Any) -> None:
    variation = "AK4PFchs_JES_TotalUp"
    central = tagging.BTagShape(params, METADATA).evaluate(EVENTS, 3, variation)[0]
    assert central.tolist() == [4, 1, 2]
    # Ours takes the scale factors of the variation for all jets but c jets.
    assert btag.BTagShape(params, METADATA).evaluate(EVENTS, 3, variation)[0].tolist() == [14, 1, 7]
    nominal, varied = tagging.BTagShape(params, METADATA).evaluate(EVENTS, 3, "nominal")
    assert nominal.tolist() == central.tolist()
    assert varied["sf_btag_hfUp"].tolist() == [6, 1, 3]
    assert varied["sf_btag_cferr1Up"].tolist() == [10, 1, 2]


def test_functions_of_tagging(params: Any) -> None:
    found = tagging.sf_btag(params, JETS, "2018", njets=ak.num(JETS), variations=["central", "hf"])
    assert {name: [np.asarray(side).tolist() for side in sides] for name, sides in found.items()} == {
        "central": [[4, 1, 2]],
        "hf": [[1, 1, 1], [6, 1, 3], [2, 1, 1]],
    }
    found = tagging.sf_ctag(params, JETS, "2018", ak.num(JETS), ["central", "Stat"])
    assert [np.asarray(side).tolist() for side in found["Stat"]] == [[1, 1, 1], [9, 1, 3], [1, 1, 1]]
    numbers, ht = ak.num(JETS), ak.sum(JETS.pt, axis=1)
    assert tagging.sf_btag_calib(params, "TT", "2018", numbers, ht).tolist() == [0.5] * 3
    assert tagging.sf_ctag_calib(params, "TT_2018", "2018", numbers, ht).tolist() == [0.25] * 3


def test_weights_of_c_tagging(params: Any) -> None:
    nominal, varied = tagging.CTagShape(params, METADATA).evaluate(EVENTS, 3, "nominal")
    assert nominal.tolist() == [4, 1, 2]
    assert {name: values.tolist() for name, values in varied.items()} == {
        "sf_ctag_StatUp": [9, 1, 3],
        "sf_ctag_StatDown": [1, 1, 1],
    }
    assert tagging.CTagShape(params, METADATA).evaluate(EVENTS, 3, "JERUp")[1] == {}
    assert tagging.CTagCalibration(params, METADATA).evaluate(EVENTS, 3, "nominal")[0].tolist() == [0.25] * 3
    ((file, name),) = tagging.CTagCalibration(params, METADATA).corrections()
    assert file.endswith("norm.json")
    assert name == "ctagSF_norm_correction"


def test_weights_that_may_be_named() -> None:
    by_name = {weight.name: weight for weight in common_weights}
    assert len(by_name) == len(common_weights)
    assert by_name["sf_btag"] is tagging.BTagShape
    assert {"genWeight", "sf_ctag", "sf_ctag_calib", "sf_pho_id", "sf_pho_pxseed"} <= set(by_name)

from __future__ import annotations

from typing import Any

import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import UnknownNameError
from pocket.weights.jets import JetPileupId
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import events_of, lists_of, nested, numbers, product, random_binning, with_inputs

jets = lists_of(
    st.fixed_dictionaries(
        {
            "pt": numbers(10, 80),
            "eta": numbers(-4.7, 4.7),
            "puId": st.sampled_from([0, 4, 6, 7]),
            "genJetIdx": st.integers(-1, 2),
        }
    )
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    points = {"systematic": ["nom", "up", "down"], "workingpoint": ["L", "M"]}
    data = nested(
        points,
        lambda *path: random_binning(sum(map(ord, "".join(path))), eta=[-5, 0, 5], pt=[12.5, 30, 57.5]),
    )
    types = {"eta": "real", "pt": "real", "systematic": "string", "workingpoint": "string"}
    path = tmp_path_factory.mktemp("jme") / "jmar.json"
    return write_corrections(path, with_inputs("PUJetID_eff", data, **types))


def parameters(file: str) -> Any:
    content = {"file": file, "name": "PUJetID_eff", "working_point": {"L": 4, "M": 6}}
    return OmegaConf.create(
        {
            "object_preselection": {"Jet": {"puId": {"wp": "M", "maxpt": 50.0}}},
            "jet_scale_factors": {"jet_collection": {"puId": "JetGood"}, "jet_puId": {"2018": content}},
        }
    )


@settings(max_examples=30)
@given(lists=jets)
def test_only_low_jets_that_pass_and_are_matched_count(file: str, lists: list[Any]) -> None:
    correction = correctionlib.CorrectionSet.from_file(file)["PUJetID_eff"]

    def factor(kind: str) -> Any:
        def of_jet(jet: dict[str, Any]) -> float:
            if jet["pt"] >= 50 or jet["puId"] < 6 or jet["genJetIdx"] < 0:
                return 1.0
            return correction.evaluate(jet["eta"], max(jet["pt"], 12.5), kind, "M")

        return of_jet

    weight = JetPileupId(parameters(file), {"year": "2018"})
    nominal, varied = weight.evaluate(events_of(lists, "JetGood"), len(lists), "nominal")
    for kind, values in (("nom", nominal), ("up", varied["sf_jet_puIdUp"]), ("down", varied["sf_jet_puIdDown"])):
        np.testing.assert_allclose(values, [product(objects, factor(kind)) for objects in lists], rtol=1e-12)
    assert weight.evaluate(events_of(lists, "JetGood"), len(lists), "JERUp")[0].tolist() == nominal.tolist()


def test_unknown_working_point(file: str) -> None:
    params = parameters(file)
    params.object_preselection.Jet.puId.wp = "X"
    events = events_of([[{"pt": 1.0, "eta": 0.0, "puId": 0, "genJetIdx": 0}]], "JetGood")
    with pytest.raises(
        UnknownNameError, match=r"unknown parameter 'X' in .*jet_puId\.2018\.working_point; known: L, M"
    ):
        JetPileupId(params, {"year": "2018"}).evaluate(events, 1, "nominal")

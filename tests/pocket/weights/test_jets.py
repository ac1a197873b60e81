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
from tests.group_files import ROOT, needs_files
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


@needs_files
@pytest.mark.parametrize("era", ["2016preVFP_UL", "2016postVFP_UL", "2017_UL", "2018_UL"])
def test_jets_without_a_scale_factor_of_the_group(era: str) -> None:
    """The files have 0 below 20 GeV and beyond |eta| = 5, where they have no scale factor."""
    path = str(ROOT / "POG" / "JME" / era / "jmar.json.gz")
    correction = correctionlib.CorrectionSet.from_file(path)["PUJetID_eff"]
    places = [(pt, eta) for pt in (8.0, 15.0, 19.9, 20.0, 30.0, 49.9) for eta in (-5.9, -5.4, -4.9, 0.0, 2.7, 5.0)]
    objects = [[{"pt": pt, "eta": eta, "puId": 7, "genJetIdx": 0}] for pt, eta in places]
    weight = JetPileupId(parameters(path), {"year": "2018"})
    nominal, varied = weight.evaluate(events_of(objects, "JetGood"), len(objects), "nominal")
    inside = [pt >= 20 and abs(eta) < 5 for pt, eta in places]
    for kind, values in (("nom", nominal), ("up", varied["sf_jet_puIdUp"]), ("down", varied["sf_jet_puIdDown"])):
        of_file = [correction.evaluate(eta, max(pt, 12.5), kind, "M") if abs(eta) < 5.8 else 0 for pt, eta in places]
        assert [value > 0 for value in of_file] == inside
        assert values.tolist() == [value if known else 1.0 for value, known in zip(of_file, inside, strict=True)]


def test_unknown_working_point(file: str) -> None:
    params = parameters(file)
    params.object_preselection.Jet.puId.wp = "X"
    events = events_of([[{"pt": 1.0, "eta": 0.0, "puId": 0, "genJetIdx": 0}]], "JetGood")
    with pytest.raises(
        UnknownNameError, match=r"unknown parameter 'X' in .*jet_puId\.2018\.working_point; known: L, M"
    ):
        JetPileupId(params, {"year": "2018"}).evaluate(events, 1, "nominal")

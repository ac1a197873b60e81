from __future__ import annotations

import gzip
from pathlib import Path

import awkward as ak
import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.corrections.evaluation import coverage, evaluate, kind_input, kinds, named_correction
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.parameters.checksums import content_of
from pocket.toys.correction_nodes import category
from pocket.weights.objects import FlatObjects, flat
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import events_of, nested, random_binning, with_inputs


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Two working points whose bins differ, and a correction with a rule of its own beyond its bins."""
    loose = random_binning(1, eta=[-2.5, 0, 2.5], pt=[10, 20, 50])
    tight = random_binning(2, eta=[-2.4, 0, 2.4], pt=[30, 40, np.inf])
    by_point = category("WorkingPoint", {"loose": loose, "tight": tight})
    data = nested({"ValType": ["sf", "sfup"]}, lambda kind: by_point)
    first = with_inputs("id", data, ValType="string", WorkingPoint="string", eta="real", pt="real")
    inner = cs.Binning(nodetype="binning", input="pt", edges=[0.0, 10.0, 20.0], content=[1.1, 1.2], flow=1.0)
    second = with_inputs(
        "flow", cs.Category(nodetype="category", input="flavor", content=[], default=inner), flavor="int", pt="real"
    )
    return write_corrections(tmp_path / "sf.json", first, second)


def inputs(point: str, eta: list[float], pt: list[float]) -> dict:
    return {"workingpoint": point, **kind_input("sf"), "eta": np.array(eta), "pt": np.array(pt), "unused": "x"}


def test_inputs_by_name_in_any_order_and_spelling(file: str) -> None:
    correction = correctionlib.CorrectionSet.from_file(file)["id"]
    values = evaluate(file, "id", inputs("loose", [-1.0, 1.5], [15.0, 49.0]))
    assert values.tolist() == [correction.evaluate("sf", "loose", *pair) for pair in ((-1.0, 15.0), (1.5, 49.0))]
    assert evaluate(file, "id", inputs("loose", [], [])).shape == (0,)


def test_values_beyond_the_bins_take_the_outermost_bin_of_their_working_point(file: str) -> None:
    correction = correctionlib.CorrectionSet.from_file(file)["id"]
    values = evaluate(file, "id", inputs("loose", [-3.0, 2.5, 9.0, 1.0], [5.0, 50.0, 1e4, 15.0]))
    at = [(-2.4, 11.0), (2.4, 49.0), (2.4, 49.0), (1.0, 15.0)]
    assert values.tolist() == [correction.evaluate("sf", "loose", *pair) for pair in at]
    values = evaluate(file, "id", inputs("tight", [-2.45, 2.4], [5.0, 1e6]))
    assert values.tolist() == [correction.evaluate("sf", "tight", *pair) for pair in ((-2.3, 31.0), (2.3, 99.0))]


def test_a_rule_of_the_correction_stays(file: str) -> None:
    values = evaluate(file, "flow", {"flavor": np.array([5, 0, 4], dtype=np.uint8), "pt": np.array([5.0, 15.0, 25.0])})
    assert values.tolist() == [1.1, 1.2, 1.0]


def test_uniform_bins_and_compressed_files(tmp_path: Path) -> None:
    edges = cs.UniformBinning(n=2, low=0, high=2)
    data = cs.Binning(nodetype="binning", input="pt", edges=edges, content=[1.5, 2.5], flow="error")
    path = write_corrections(tmp_path / "sf.json", with_inputs("u", data, pt="real"))
    compressed = tmp_path / "sf.json.gz"
    compressed.write_bytes(gzip.compress(Path(path).read_bytes()))
    assert evaluate(str(compressed), "u", {"pt": np.array([-1.0, 0.5, 2.0])}).tolist() == [1.5, 1.5, 2.5]


def test_files_by_name(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_CORRECTIONS", str(Path(file).parent))
    by_name = f"corrections://{Path(file).name}"
    wanted = inputs("loose", [-3.0], [5.0])
    assert evaluate(by_name, "id", wanted).tolist() == evaluate(file, "id", wanted).tolist()
    assert kinds(by_name, "id") == kinds(file, "id")


def test_nothing_is_known_below_a_transform(tmp_path: Path) -> None:
    inner = cs.Binning(nodetype="binning", input="pt", edges=[0.0, 1.0, 2.0], content=[1.5, 2.5], flow="error")
    rule = cs.Formula(nodetype="formula", expression="x/100", parser="TFormula", variables=["pt"])
    data = cs.Transform(nodetype="transform", input="pt", rule=rule, content=inner)
    path = write_corrections(tmp_path / "sf.json", with_inputs("t", data, pt="real"))
    assert coverage(content_of(path), "t").ranges == {}
    assert evaluate(path, "t", {"pt": np.array([50.0, 150.0])}).tolist() == [1.5, 2.5]


def test_errors_name_correction_and_input(file: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown WorkingPoint 'lose' in correction 'id' of sf.json, did you"):
        evaluate(file, "id", inputs("lose", [0.0], [15.0]))
    with pytest.raises(ConfigError, match=r"'id' of sf.json needs the input 'WorkingPoint'; given: eta, pt, valtype"):
        evaluate(file, "id", {"eta": np.zeros(1), "pt": np.zeros(1), "valtype": "sf"})
    with pytest.raises(ConfigError, match=r"'id' of sf.json: input 'pt' has NaN"):
        evaluate(file, "id", inputs("loose", [0.0], [np.nan]))
    with pytest.raises(UnknownNameError, match=r"unknown correction 'idd' in sf.json, did you mean 'id'"):
        evaluate(file, "idd", {})


def test_value_that_is_not_covered(tmp_path: Path) -> None:
    data = cs.Category(nodetype="category", input="flavor", content=[cs.CategoryItem(key=5, value=1.5)])
    path = write_corrections(tmp_path / "sf.json", with_inputs("b", data, flavor="int"))
    with pytest.raises(ConfigError, match=r"correction 'b' of sf.json: Index not available .* input 'flavor' val: 4"):
        evaluate(path, "b", {"flavor": np.array([4])})


def test_integers(file: str) -> None:
    values = {"flavor": np.array([5.0, 0.0], dtype=np.float32), "pt": np.array([5.0, 15.0])}
    assert evaluate(file, "flow", values).tolist() == [1.1, 1.2]
    for wrong in (0.5, np.inf):
        with pytest.raises(ConfigError, match=r"'flow' of sf.json: input 'flavor' has numbers that are no integers"):
            evaluate(file, "flow", {"flavor": np.array([5.0, wrong]), "pt": np.array([5.0, 15.0])})
    with pytest.raises(ConfigError, match=r"'flow' of sf.json: input 'flavor' has NaN"):
        evaluate(file, "flow", {"flavor": np.array([5.0, np.nan]), "pt": np.array([5.0, 15.0])})


def test_values_beyond_the_bins_may_be_refused(file: str) -> None:
    inside = inputs("loose", [-1.0, 1.5], [15.0, 49.0])
    assert evaluate(file, "id", inside, clamped=False).tolist() == evaluate(file, "id", inside).tolist()
    with pytest.raises(ConfigError, match=r"'id' of sf.json: Index above bounds in MultiBinning for input 'pt' val"):
        evaluate(file, "id", inputs("loose", [0.0], [50.0]), clamped=False)


def test_inputs_as_they_are_written_come_first(file: str) -> None:
    both = {**inputs("tight", [0.0], [35.0]), "WorkingPoint": "loose"}
    assert evaluate(file, "id", both).tolist() == evaluate(file, "id", inputs("loose", [0.0], [35.0])).tolist()


def test_kinds(file: str) -> None:
    assert kinds(file, "id") == {"sf", "sfup"}
    assert kinds(file, "flow") == set()
    with pytest.raises(UnknownNameError, match=r"unknown correction 'flo' in sf.json"):
        kinds(file, "flo")


def test_kinds_and_ranges_below_a_transformation(tmp_path: Path) -> None:
    by_pt = cs.Binning(nodetype="binning", input="pt", edges=[10.0, 20.0, 50.0], content=[1.1, 1.2], flow="error")
    by_kind = category("scale_factors", {"nominal": by_pt, "systup": by_pt})
    by_eta = cs.Binning(nodetype="binning", input="eta", edges=[0.0, 2.4], content=[by_kind], flow="error")
    absolute = cs.Formula(nodetype="formula", expression="abs(x)", parser="TFormula", variables=["eta"])
    data = cs.Transform(nodetype="transform", input="eta", rule=absolute, content=by_eta)
    written = with_inputs("id", data, scale_factors="string", eta="real", pt="real")
    file = write_corrections(tmp_path / "muon.json", written)
    assert kinds(file, "id") == {"nominal", "systup"}
    values = {"eta": np.array([-1.0, 2.0]), "pt": np.array([15.0, 60.0]), **kind_input("nominal")}
    assert evaluate(file, "id", values).tolist() == [1.1, 1.2]
    # beyond the bins of the magnitude, and at their end, on both sides
    eta = np.array([-9.0, -2.4, 2.4, np.inf])
    assert evaluate(file, "id", {**values, "eta": eta, "pt": np.full(4, 15.0)}).tolist() == [1.1] * 4
    with pytest.raises(ConfigError, match="Index above bounds"):
        evaluate(file, "id", {**values, "eta": eta, "pt": np.full(4, 15.0)}, clamped=False)


def test_named_correction() -> None:
    params = {"sf": {"2018": {"file": "f", "name": "n"}, "2017": {"file": "f"}}}
    assert named_correction(params, "sf", "2018") == ("f", "n")
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2016' in sf"):
        named_correction(params, "sf", "2016")
    with pytest.raises(UnknownNameError, match=r"unknown parameter 'name' in sf.2017"):
        named_correction(params, "sf", "2017")


def test_objects_that_are_none_are_left_out() -> None:
    lists = [[{"pt": 2.0}, None, {"pt": 3.0}], None, [], [None], [{"pt": 5.0}]]
    objects = FlatObjects(events_of(lists, "Jet"), "Jet")
    assert objects.per_event.tolist() == [2, 0, 0, 0, 1]
    assert objects["pt"].tolist() == [2.0, 3.0, 5.0]
    assert objects.product(objects["pt"]).tolist() == [6.0, 1.0, 1.0, 1.0, 5.0]
    assert objects.sum(objects["pt"]).tolist() == [5.0, 0.0, 0.0, 0.0, 5.0]
    assert "pt" in objects
    assert "eta" not in objects


def test_objects_of_no_events() -> None:
    objects = FlatObjects(ak.Array([{"Jet": [{"pt": 2.0}]}])[:0], "Jet")
    assert objects["pt"].shape == objects.product(objects["pt"]).shape == objects.sum(objects["pt"]).shape == (0,)


def test_objects_without_pt() -> None:
    objects = FlatObjects(events_of([[{"mass": 90.0}, None], []], "pairs"), "pairs")
    assert (objects.per_event.tolist(), objects.size, objects["mass"].tolist()) == ([1, 0], 1, [90.0])


@pytest.mark.parametrize(
    "values", [[1.0, None], [[1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]], ["a", "b"], [{"pt": 1.0}, {"pt": 2.0}]]
)
def test_only_numbers_are_flat(values: list) -> None:
    assert flat(ak.Array([True, False]), "JetGood.tagged", "object").tolist() == [True, False]
    with pytest.raises(ConfigError, match=r"^ll\.mass is not one number per event$"):
        flat(ak.Array(values), "ll.mass", "event")


def test_unknown_names() -> None:
    events = events_of([[{"pt": 2.0}]], "JetGood")
    with pytest.raises(UnknownNameError, match="unknown collection 'JetGod' in the events, did you mean 'JetGood'"):
        FlatObjects(events, "JetGod")
    with pytest.raises(MissingBranchError, match="branch 'JetGood_ptt' does not exist; nearest: JetGood_pt"):
        FlatObjects(events, "JetGood")["ptt"]


def test_a_bin_that_is_divided_again_is_no_range(tmp_path: Path) -> None:
    # BTV's files of 2022 divide some bins of the score in two, where a formula changes its sign.
    within = cs.Binning(nodetype="binning", input="score", edges=[0.2, 0.3, 0.5], content=[2.0, 3.0], flow="error")
    data = cs.Binning(
        nodetype="binning", input="score", edges=[0, 0.2, 0.5, 1], content=[1.0, within, 4.0], flow="error"
    )
    file = write_corrections(tmp_path / "c.json", with_inputs("c", data, score="real"))
    scores = np.array([-1.0, 0.1, 0.25, 0.3, 0.9, 1.0])
    assert evaluate(file, "c", {"score": scores}).tolist() == [1, 1, 2, 3, 4, 4]

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocket.corrections.bin_cache import Bins, Inputs, binned
from pocket.corrections.evaluation import evaluate, kind_input
from pocket.errors import ConfigError
from pocket.parameters.checksums import content_of
from pocket.toys.correction_nodes import category
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import nested, random_binning, with_inputs

KINDS = ("central", "up", "down", "up_light")
PT, ETA = [20.0, 30.0, 50.0, 100.0], [-2.5, 0.0, 2.5]


def shape() -> cs.Correction:
    """Three flavours, of which one variation lacks one, and another one has a rule beyond its bins."""

    def of_kind(kind: str) -> Any:
        flavours = (0, 5) if kind == "up_light" else (0, 4, 5)
        seed = KINDS.index(kind) * 10
        return category("flavor", {flavour: random_binning(seed + flavour, pt=PT, eta=ETA) for flavour in flavours})

    return with_inputs("shape", category("kind", {kind: of_kind(kind) for kind in KINDS}), kind="string", **AXES)


AXES = {"flavor": "int", "pt": "real", "eta": "real"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Corrections of bins, with another number of bins in each variation, and with a formula."""
    other = {kind: random_binning(seed, pt=PT[: seed + 2]) for seed, kind in enumerate(("a", "b"))}
    formula = cs.Formula(nodetype="formula", expression="x/100", parser="TFormula", variables=["pt"])
    flow = cs.Binning(nodetype="binning", input="pt", edges=PT, content=[1.0, 0.1, 0.30000000000000004], flow=formula)
    clamped = cs.Binning(nodetype="binning", input="pt", edges=PT, content=[1.1, 1.2, 1.3], flow="clamp")
    wrapped = cs.Category(
        nodetype="category", input="flavor", content=[cs.CategoryItem(key=5, value=2.5)], default=clamped
    )
    return write_corrections(
        tmp_path_factory.mktemp("bins") / "sf.json",
        shape(),
        with_inputs("other", category("kind", other), kind="string", pt="real"),
        with_inputs("formula", category("kind", {"a": flow, "b": 2.0}), kind="string", pt="real"),
        with_inputs("default", wrapped, flavor="int", pt="real"),
        with_inputs("texts", nested({"kind": ["a"]}, lambda kind: 1.5), kind="string"),
    )


JETS = st.lists(st.tuples(st.sampled_from([0, 5]), st.floats(20, 99), st.floats(-2.5, 2.4)), min_size=1, max_size=20)


@given(JETS, st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_variations_against_correctionlib(
    file: str, jets: list[tuple[int, float, float]], data: st.DataObject
) -> None:
    flavour, pt, eta = (np.array(column) for column in zip(*jets, strict=True))
    correction = correctionlib.CorrectionSet.from_file(file)["shape"]
    inputs = Inputs({"flavor": flavour, "pt": pt, "eta": eta})
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(jets), max_size=len(jets))))
    some = inputs.chosen(mask)
    for kind in data.draw(st.permutations(KINDS)):
        expected = np.array([correction.evaluate(kind, *jet) for jet in jets])
        assert evaluate(file, "shape", inputs.with_texts({"kind": kind})).tolist() == expected.tolist()
        assert evaluate(file, "shape", some.with_texts({"kind": kind})).tolist() == expected[mask].tolist()


def test_bins_are_found_once(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, original = [], Bins.evaluate

    def counting(self: Bins, *columns: Any) -> Any:
        sizes.append(len(columns[0]))
        return original(self, *columns)

    inputs = Inputs({"flavor": np.array([0, 4, 5]), "pt": np.array([25.0, 35.0, 99.0]), "eta": np.zeros(3)})
    monkeypatch.setattr(Bins, "evaluate", counting)
    for kind in ("central", "up", "down"):
        evaluate(file, "shape", inputs.with_texts({"kind": kind}))
    light = inputs.chosen(np.array([True, False, True]))
    evaluate(file, "shape", light.with_texts({"kind": "up_light"}))
    assert sizes == [3]
    # of a flavour that the variation lacks
    with pytest.raises(ConfigError, match="Index not available"):
        evaluate(file, "shape", inputs.with_texts({"kind": "up_light"}))


def test_another_number_of_bins(file: str) -> None:
    pt = np.array([25.0, 29.0])
    correction = correctionlib.CorrectionSet.from_file(file)["other"]
    inputs = Inputs({"pt": pt})
    for kind in "abab":
        assert evaluate(file, "other", inputs.with_texts({"kind": kind})).tolist() == [
            correction.evaluate(kind, value) for value in pt
        ]
    # the clamped value is that of the variation's own bins
    beyond = Inputs({"pt": np.array([45.0])})
    found = [evaluate(file, "other", beyond.with_texts({"kind": kind}))[0] for kind in "ab"]
    assert found == [correction.evaluate("a", 29.0), correction.evaluate("b", 45.0)]


def test_bins_of_clamped_values_are_not_those_of_the_values(file: str) -> None:
    inputs = Inputs({"flavor": np.array([5]), "pt": np.array([150.0]), "eta": np.array([0.5]), "kind": "central"})
    correction = correctionlib.CorrectionSet.from_file(file)["shape"]
    assert evaluate(file, "shape", inputs).tolist() == [correction.evaluate("central", 5, 99.0, 0.5)]
    with pytest.raises(ConfigError, match="pt"):
        evaluate(file, "shape", inputs, clamped=False)


@pytest.mark.parametrize("kind", ["a", "b"])
def test_formulas(file: str, kind: str) -> None:
    assert binned(content_of(file), "formula", frozenset({("kind", kind)})) is None
    pt = np.array([5.0, 25.0, 99.0])
    correction = correctionlib.CorrectionSet.from_file(file)["formula"]
    found = evaluate(file, "formula", Inputs({"pt": pt}).with_texts({"kind": kind}))
    assert found.tolist() == [correction.evaluate(kind, value) for value in pt]


def test_defaults_and_clamps(file: str) -> None:
    flavour, pt = (np.array(column) for column in zip(*itertools.product((0, 5, 21), (5.0, 25.0, 1e3)), strict=True))
    correction = correctionlib.CorrectionSet.from_file(file)["default"]
    found = evaluate(file, "default", {"flavor": flavour, "pt": pt})
    assert found.tolist() == [correction.evaluate(int(*one[:1]), one[1]) for one in zip(flavour, pt, strict=True)]


def test_a_number_for_some_texts(tmp_path: Path) -> None:
    data = category("kind", {"a": random_binning(1, pt=PT), "b": 2.5})
    path = write_corrections(tmp_path / "sf.json", with_inputs("some", data, kind="string", pt="real"))
    pt = np.array([25.0, 99.0])
    assert evaluate(path, "some", {"kind": "b", "pt": pt}).tolist() == [2.5, 2.5]
    expected = correctionlib.CorrectionSet.from_file(path)["some"].evaluate("a", pt)
    assert evaluate(path, "some", {"kind": "a", "pt": pt}).tolist() == expected.tolist()


def test_texts_alone(file: str) -> None:
    assert evaluate(file, "texts", {"kind": "a"}).tolist() == 1.5


def test_numbers_as_correctionlib_reads_them(tmp_path: Path) -> None:
    values = np.random.default_rng(3).uniform(0, 2, 200)
    edges = [float(edge) for edge in range(201)]
    data = category(
        "kind",
        {
            kind: cs.Binning(
                nodetype="binning", input="x", edges=edges, content=(values * factor).tolist(), flow="error"
            )
            for kind, factor in (("a", 1.0), ("b", 1 / 3))
        },
    )
    path = write_corrections(tmp_path / "sf.json", with_inputs("many", data, kind="string", x="real"))
    correction = correctionlib.CorrectionSet.from_file(path)["many"]
    x = np.arange(200) + 0.5
    for kind in "ab":
        assert np.array_equal(evaluate(path, "many", {"x": x, "kind": kind}), correction.evaluate(kind, x))


def test_inputs() -> None:
    inputs = Inputs({"pt": np.array([1.0, 2.0]), "year": "2018"})
    some = inputs.chosen(np.array([False, True])).with_texts(kind_input("up"))
    assert (some["pt"].tolist(), some["year"], some["systematic"]) == ([2.0], "2018", "up")
    assert some.texts == {"year": "2018", **kind_input("up")}
    assert set(some) == {"pt", "year", *kind_input("up")}
    assert len(inputs) == 2
    assert some.chosen(np.array([True]))["pt"].tolist() == [2.0]
    assert Inputs.of(inputs) is inputs
    assert Inputs.of({"pt": np.zeros(1)})["pt"].tolist() == [0.0]
    found = inputs.places("key", lambda: np.array([3.0, 4.0]))
    assert found.tolist() == [3, 4]
    assert inputs.places("key", lambda: np.zeros(2)) is found
    # those of some of the objects are known then
    assert inputs.chosen(np.array([False, True])).places("key", lambda: np.zeros(1)).tolist() == [4]

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from pocket.base.arguments import refused_call
from pocket.base.runtime.remarks import former_names, remark
from pocket.columns import ColOut
from pocket.configuration.comparison import Comparison
from pocket.configuration.configurator import Configurator
from pocket.cuts import library as cut_functions
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_min, passthrough_f
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.scale_factors import Closure, EfficiencyRatio, NormRatio, PreservedYield
from pocket.weights.base import WeightLambda
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.entries import check_each

X = Axis(field="x", bins=4, start=0, stop=2)


@check_each(
    ("make", "argument", "name", "nearest"),
    [
        (lambda: Axis(field="x", bin=60), "bin", "Axis", "bins"),
        (lambda: HistConf(axis=[X]), "axis", "HistConf", "axes"),
        (lambda: Cut("a", {}, functoin=passthrough_f), "functoin", "Cut", "function"),
        (lambda: ColOut("Jet", ["pt"], flaten=True), "flaten", "ColOut", "flatten"),
        (lambda: EfficiencyRatio(inputs="x"), "inputs", "EfficiencyRatio", "input"),
        (lambda: Configurator(weight={}), "weight", "Configurator", "weights"),
        (
            lambda: ScaleFactorWeight.wrap("a", scale_factors="b"),
            "scale_factors",
            r"ScaleFactorWeight\.wrap",
            "scale_factor",
        ),
        (
            lambda: WeightLambda.wrap_func("a", passthrough_f, has_variation=True),
            "has_variation",
            r"WeightLambda\.wrap_func",
            "has_variations",
        ),
    ],
)
def test_unknown_argument(make: Callable[[], Any], argument: str, name: str, nearest: str) -> None:
    sentence = rf"^unknown argument '{argument}' in {name}\(\), did you mean '{nearest}'"
    with pytest.raises(UnknownNameError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Closure(exact={"input": "main"}), "Closure(): exact is called same_events now"),
        (lambda: Closure(split=(), kept=()), "Closure(): kept is called preserved now"),
        (lambda: PreservedYield(config="main", without="a"), "PreservedYield(): without is called unweighted now"),
        (lambda: NormRatio(root="a"), "NormRatio(): root is called covariance now"),
        (lambda: Comparison("main", root="a"), "Comparison(): root is called covariance_config now"),
    ],
)
def test_former_name_of_an_argument(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


def test_names_now_are_arguments() -> None:
    for declaration in (Closure, PreservedYield, NormRatio, Comparison):
        arguments = {field.name for field in dataclasses.fields(declaration)}
        assert arguments >= set(declaration.renamed.values())
        assert not arguments & declaration.renamed.keys()


def test_signature_is_that_of_the_class() -> None:
    assert list(inspect.signature(Axis).parameters)[:3] == ["field", "label", "bins"]
    assert "before" in inspect.signature(Comparison).parameters


def test_former_name_of_a_class(caplog: pytest.LogCaptureFixture) -> None:
    sentence = "pocket.scale_factors.Kept is called PreservedYield now: the former name goes with the next release"
    remark.cache_clear()
    for _ in range(2):
        with pytest.warns(DeprecationWarning, match=f"^{sentence}$"):
            from pocket.scale_factors import Kept
        assert Kept is PreservedYield
    # The user is told once.
    assert caplog.messages == [sentence]
    with pytest.raises(ImportError, match="cannot import name 'Closur'"):
        from pocket.scale_factors import Closur  # noqa: F401
    assert former_names("here", {"old": "new"}, "{} of today".format)("other") == "other of today"


def test_missing_argument_and_one_too_many() -> None:
    with pytest.raises(ConfigError, match=r"^Axis\(\): missing a required .*'field'"):
        Axis(bins=4)
    with pytest.raises(ConfigError, match=r"^Cut\(\): too many positional arguments"):
        Cut("a", {}, passthrough_f, "events", 3)


def test_errors_of_other_code_stay() -> None:
    class Strange:
        def __iter__(self) -> Any:
            raise TypeError("of the user's")

    with pytest.raises(TypeError, match=r"^of the user's$"):
        HistConf(Strange())


def test_instances_are_what_they_were() -> None:
    for other in (copy.deepcopy(X), pickle.loads(pickle.dumps(X)), dataclasses.replace(X)):
        assert other == X
        assert type(other) is Axis


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(TypeError) as caught:
        call()
    return str(refused_call(caught.value))


def test_calls_of_functions() -> None:
    unknown = r"unknown argument 'minpts' in get_nObj_min() (test_arguments.py, line "
    assert refused(lambda: get_nObj_min(2, minpts=3)).startswith(unknown)
    of_module = refused(lambda: cut_functions.get_nObj_min(2, minpts=3))
    assert of_module.endswith("did you mean 'minpt'?")
    lacking = refused(lambda: get_nObj_min())
    assert lacking.startswith("get_nObj_min() (test_arguments.py, line ")
    assert lacking.endswith("): missing 1 required positional argument: 'N'")
    assert refused(lambda: "a" + 1) == "None"


def test_calls_of_what_is_not_found() -> None:
    def call() -> None:
        (lambda value: value)(valeu=3)

    assert "unknown argument 'valeu'" in refused(call)

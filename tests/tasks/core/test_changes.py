from __future__ import annotations

import dataclasses
import functools
import re

import pytest

from pocket.base.fingerprint import Specification, specification
from pocket.statistics import Process, Region, StatisticalModel
from tasks.core.changes import changes
from tests.pocket.base.fingerprint.sources import loaded

SOURCE = """\
import numpy as np

from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nPVgood, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.weights import WeightWrapper
from tests.pocket.configs import PARAMETERS, PlainWorkflow, configure

LEAST = 3


def hard(events, params, **kwargs):
    return events.x > params["x"] + helper() + LEAST


def helper(more=1):
    return more


def soft(events, params, **kwargs):
    return events.x < 1


class Own(WeightWrapper):
    name = "own"
    sizes = [1, 2]

    def compute(self, events, size, shape_variation):
        return np.full(size, self.params.limits.x)


class Mine(PlainWorkflow):
    def count_objects(self, variation):
        self.events["n"] = 1


config = configure(
    parameters=PARAMETERS,
    workflow=Mine,
    workflow_options={"loose": True},
    skim=[get_nPVgood(1)],
    preselections=[Cut("hard", {"x": 1.0}, hard)],
    categories={"all": [passthrough], "soft": [Cut("soft", {}, soft)]},
    weights={"common": {"inclusive": ["genWeight", Own]}},
    variables={"x": HistConf([Axis(field="x", bins=4, start=0, stop=2)])},
)
"""

FIGURES = {("all", "x"): {"a": 1}, ("peak", "x"): {"a": 1}}


@functools.cache
def spec_of(source: str) -> Specification:
    with loaded(source) as lib:
        return specification({"config": lib.config.plan().spec()})


def changes_by(old: str, new: str) -> list[str]:
    """Return the changes by replacing a text of the source, with the module's file as ``lib.py``."""
    assert old in SOURCE
    found = changes(spec_of(SOURCE), spec_of(SOURCE.replace(old, new)))
    return [re.sub(r"[^\s(]*/lib\.py", "lib.py", each) for each in found]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('> params["x"]', '>= params["x"]', ["cut hard: lib.py:12 has changed"]),
        ("return more", "return 2 * more", ["cut hard: lib.py:16 has changed"]),
        ("more=1", "more=2", ["cut hard: lib.py:16 has changed"]),
        ("LEAST = 3", "LEAST = 4", ["cut hard: LEAST 3 → 4 (used in lib.py:12)"]),
        ('"x": 1.0}, hard', '"x": 2.0}, hard', ["cut hard: x 1.0 → 2.0"]),
        ("get_nPVgood(1)", "get_nPVgood(2)", ["cut nPVgood_2 of the skim: N 1 → 2"]),
        ("[get_nPVgood(1)]", "[]", ["cut nPVgood_1 of the skim is gone"]),
        ('Cut("soft", {}, soft)', 'Cut("hard", {"x": 1.0}, hard)', ["cut hard of category soft instead of soft"]),
        ("events.x < 1", "events.x < 2", ["cut soft: lib.py:20 has changed"]),
        ('"all": [passthrough], ', "", ["category all is gone"]),
        ('"genWeight", Own', "Own", ["weight genWeight is gone"]),
        ("np.full(size, ", "np.full(size, 1 + ", ["weight own: lib.py:28 has changed"]),
        ("sizes = [1, 2]", "sizes = [1, 2, 3]", ["weight own: sizes (1, 2) → (1, 2, 3)"]),
        ('["n"] = 1', '["n"] = 2', ["workflow: lib.py:33 has changed"]),
        ('"loose": True', '"loose": False', ["workflow option loose: True → False"]),
        ("bins=4", "bins=8", ["histogram x, axis x: bins 4 → 8"]),
        ('variables={"x"', 'variables={"y": HistConf([Axis(field="x", bins=(0, 1))]), "x"', ["histogram y is new"]),
        ("PARAMETERS,\n", 'PARAMETERS | {"limits": {"x": 2.0}},\n', ["parameter limits.x: 1.0 → 2.0"]),
        ("import numpy as np\n", "import numpy as np\n# no change\n", []),
    ],
)
def test_edits_of_a_configuration(old: str, new: str, expected: list[str]) -> None:
    assert changes_by(old, new) == expected


def test_places_and_values_that_others_tell_about_are_left_out() -> None:
    one, other = (
        specification({"processor": processor, "toys": processor, "declaration": {"bins": bins}})
        for processor, bins in (("a" * 12, 1), ("b" * 12, 2))
    )
    assert changes(one, other) == ["scale factor: bins 1 → 2"]
    assert changes(one, other, without="^declaration") == []
    assert changes(one, other, skip=["bins"]) == []


@pytest.mark.parametrize(
    ("before", "after", "clause"),
    [
        ({"style": {"colors_mc": {"DY": "red"}}}, {"style": {"colors_mc": {"DY": "blue"}}},
         "parameter plotting_style.colors_mc.DY: red → blue"),
        ({"labels": [("x", "m")]}, {"labels": [("x", "m [GeV]")]},
         "axis x: label 'm' → 'm [GeV]'"),
        ({"figures": {}}, {"figures": {("all", "x"): {"axes": []}}}, "1 figure instead of 0"),
        ({"figures": FIGURES}, {"figures": {("all", "x"): {"a": 1}}}, "1 figure instead of 2"),
        ({"histograms": {("all", "x"): {"a": 1}}}, {"histograms": FIGURES}, "2 histograms instead of 1"),
        (
            {"histograms": {("all", "x"): {"style": {"order_mc": ["a"]}}}},
            {"histograms": {("all", "x"): {"style": {"order_mc": ["b"]}}}},
            "parameter plotting_style.order_mc: (a) → (b)",
        ),
        (
            {"figures": FIGURES},
            {"figures": {("all", "x"): {"a": 1}, ("all", "y"): {"a": 1}}},
            "1 of 2 figures new",
        ),
        (
            {"figures": FIGURES},
            {"figures": {figure: {**spec, "blind": True} for figure, spec in FIGURES.items()}},
            "data of all, peak are hidden now",
        ),
        (
            {"figures": {("all", "x"): {"a": 1, "blind": True}}},
            {"figures": {("all", "x"): {"a": 1}}},
            "data of all are shown now",
        ),
        ({"a": 1}, {"a": 1, "blind": ("all",)}, "data of all are hidden now"),
        ({"a": 1, "blind": ("all",)}, {"a": 1}, "data of all are shown now"),
        ({"blind": True}, {"blind": False}, "blind True → False"),
        ({"drawing": {"total": "pairs"}}, {"drawing": {"total": ""}}, "total pairs → none"),
        ({"compare": "NO_STR"}, {"compare": "nominal"}, "compare none → nominal"),
        ({"normalisation": {"DY": (1.0, None)}}, {"normalisation": {"DY": (2.0, None)}}, "dataset DY: xsec 1.0 → 2.0"),
    ],
)  # fmt: skip
def test_parts_of_other_tasks(before: object, after: object, clause: str) -> None:
    assert changes(specification(before), specification(after)) == [clause]


def test_modules_of_the_engine_come_last() -> None:
    one, other = (
        Specification("", {"config.preselections[0].name": f"str '{name}'"}, {"engine": {"pocket.engine.run": name}})
        for name in ("a", "b")
    )
    assert changes(one, other)[-1] == "module pocket.engine.run has changed"


def test_parameters_of_a_year_that_is_no_name_in_python() -> None:
    one, other = (
        specification({"parameters": {"2018": {"scale": scale}, **more}})
        for scale, more in ((1, {}), (2, {"2022": {}}))
    )
    assert changes(one, other) == ["year 2018: scale 1 → 2", "year 2022 is new"]


def test_a_model_is_no_scale_factor() -> None:
    region = Region("main", "sr", "mll", edges=(60, 90, 120))
    model = StatisticalModel({"sr": region}, {"s": Process("s", signal=True)}, data=("d",))
    other = dataclasses.replace(model, regions={"sr": dataclasses.replace(region, edges=(60, 120))})
    before, after = (specification({"model": each}) for each in (model, other))
    assert changes(before, after) == ["model: regions.sr.edges (60.0, 90.0, 120.0) → (60.0, 120.0)"]
    # Of tasks that follow, the fingerprint of the model is told about there.
    assert changes(*(specification({"model": digit * 12}) for digit in "ab")) == []


@pytest.mark.parametrize(
    ("kind", "value", "clause"),
    [
        ("set", 26, "settings.LEAST set by the analysis: 25 → 26"),
        ("replaced", 26, "settings.LEAST, which the analysis replaces: 25 → 26"),
    ],
)
def test_changes_of_other_modules_by_the_analysis(kind: str, value: int, clause: str) -> None:
    specs = [specification({"config": {"patches": {kind: {"settings.LEAST": each}}}}) for each in (25, value)]
    assert changes(*specs) == [clause]

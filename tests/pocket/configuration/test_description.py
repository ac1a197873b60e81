from __future__ import annotations

import dataclasses
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pocket.calibrators.base import Calibrator
from pocket.columns import ColOut
from pocket.configuration.configurator import Configurator
from pocket.configuration.description import describe_config, dump_config
from pocket.cuts.categories import CartesianSelection, MultiCut, StandardSelection
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.models.delayed_columns import DelayedColumn
from pocket.weights import WeightLambda, WeightWrapper
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.pocket.configs import DATA, DY, DY_LOW, TT, configure

ROOT = Path(__file__).absolute().parents[3]
DUMP = """
import sys
from pocket.configuration.loading import load_analysis
from pocket.configuration.description import dump_config
for place in sys.argv[1:]:
    analysis, name = place.split(".")
    print(dump_config(load_analysis(analysis).configs[name], name))
"""


def large_x(events: Any, params: Any, **kwargs: Any) -> Any:
    """Keep events with a large x."""
    return events.x > params["min"]


def unity(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    """Do nothing (nobody 2020)."""
    return 1.0, 1.0, 1.0


def of_jets(events: Any, params: Any) -> Any:
    """Return what the model reads."""
    return events.x


class Slope(WeightWrapper):
    """Slope of the spectrum (arXiv:0000.00000).

    More about it.
    """

    name = "slope"
    has_variations = True
    variations = ("a", "b")


class Scale(Calibrator):
    """Scale of the jets."""

    name = "scale"
    has_variations = True
    isMC_only = True  # noqa: N815
    calibrated_collections = ("Jet.pt",)
    inputs = ("Jet.eta",)

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        # names that differ from dataset to dataset
        self._variations = [f"scale_{metadata.get('part', 'all')}{side}" for side in ("Up", "Down")]


class Order(Calibrator):
    """Order of the jets."""

    name = "order"
    calibrated_collections = ("Jet",)


X = Axis(field="x", bins=4, start=0, stop=2, label="$x$ [GeV]", lim=(0, 1))
X_CUT = Cut("large_x", {"min": 1.0}, large_x)
JET_CUT = Cut("central", {"max": 2.4}, large_x, collection="Jet")
UNITY = WeightLambda.wrap_func("unity", unity, has_variations=True)
SF_ID = ScaleFactorWeight.wrap("sf_id", scale_factor="muon_id", collection="Muon")


def full(**changes: Any) -> Configurator:
    """Return a configuration that says something everywhere."""
    settings: dict[str, Any] = {
        "workflow_options": {"cut": 1.0, "of": large_x},
        "skim": [X_CUT],
        "preselections": [passthrough],
        "categories": CartesianSelection(
            [
                MultiCut("x", [X_CUT, passthrough], ["high", "all"]),
                MultiCut("jets", [JET_CUT, passthrough], ["central", "any"]),
            ],
            common_cats={"baseline": [passthrough]},
        ),
        "subsamples": {"TT": {"bb": [X_CUT], "light": [passthrough]}},
        "weights": {
            "common": {"inclusive": ["genWeight", UNITY], "bycategory": {"baseline": [Slope]}},
            "bysample": {"TT__bb": {"inclusive": [SF_ID]}},
        },
        "variations": {
            "weights": {"common": {"inclusive": ["unity"], "bycategory": {"baseline": ["slope"]}}},
            "shape": {"common": {"bycategory": {"baseline": ["scale"]}}},
        },
        "calibrators": [Scale, Order],
        "variables": {"x": HistConf([X], only_categories=["baseline"])},
        "columns": {"bysample": {"TT__bb": {"bycategory": {"baseline": [ColOut("events", ["x"])]}}}},
        "delayed_columns": [DelayedColumn("score", of_jets, of_jets)],
    }
    return configure(**settings | changes)


def names(cuts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [cut["name"] for cut in cuts]


def test_datasets() -> None:
    described = describe_config(full(), "full")
    assert described["name"] == "full"
    assert described["datasets"]["definition_files"] == ["tests/pocket/definitions.json"]
    datasets = described["datasets"]["datasets"]
    assert list(datasets) == [DY, DY_LOW, TT, DATA]
    assert datasets[DY_LOW] == {
        "definition": "tests/pocket/definitions.json",
        "paths": ["dy_low.root"],
        "metadata": {"sample": "DY", "year": "2018", "isMC": True, "xsec": 18000.0, "part": "M10"},
    }
    chosen = full(datasets={"jsons": full().definition_files, "filter": {"samples": ["TT"]}})
    assert describe_config(chosen, "tt")["datasets"]["filter"] == {"samples": ["TT"]}


def test_cuts_are_there_with_their_functions() -> None:
    described = describe_config(full(), "full")
    (cut,) = described["skim"]
    function = cut.pop("function")
    assert cut == {"name": "large_x", "params": {"min": 1.0}, "collection": "events"}
    assert function.pop("hash")
    assert function == {
        "name": "large_x",
        "module": __name__,
        "source": f"tests/pocket/configuration/test_description.py:{inspect.getsourcelines(large_x)[1]}",
        "doc": "Keep events with a large x.",
    }
    assert names(described["preselections"]) == ["passthrough"]
    assert described["workflow"]["name"] == "PlainWorkflow"
    assert described["workflow_options"]["of"]["module"] == __name__


def test_cartesian_categories_and_subsamples() -> None:
    described = describe_config(full(), "full")
    categories = described["categories"]
    assert categories["type"] == "CartesianSelection"
    assert categories["collection"] == "Jet"
    assert {name: names(cuts) for name, cuts in categories["categories"].items()} == {
        "baseline": ["passthrough"],
        "high_central": ["large_x", "central"],
        "high_any": ["large_x", "passthrough"],
        "all_central": ["passthrough", "central"],
        "all_any": ["passthrough", "passthrough"],
    }
    assert categories["multicuts"] == {
        "x": {"high": "large_x", "all": "passthrough"},
        "jets": {"central": "central", "any": "passthrough"},
    }
    bb = described["subsamples"]["TT"]["categories"]["bb"]
    assert names(bb) == ["large_x"]
    plain_categories = describe_config(full(categories=StandardSelection({"baseline": []})), "x")["categories"]
    assert plain_categories == {"type": "StandardSelection", "collection": None, "categories": {"baseline": []}}


def test_weights_in_order_with_their_provenance() -> None:
    weights = describe_config(full(), "full")["weights"]
    assert list(weights["classes"]) == ["genWeight", "unity", "slope", "sf_id"]
    slope = weights["classes"]["slope"]
    assert slope["doc"] == "Slope of the spectrum (arXiv:0000.00000)."
    expected = {
        "differs_by_dataset": False,
        "follows": None,
        "has_variations": True,
        "isMC_only": True,
        "name": "slope",
        "symmetrise": "",
        "variations": ["a", "b"],
    }
    assert {name: slope["settings"][name] for name in expected} == expected
    assert weights["classes"]["unity"]["function"]["doc"] == "Do nothing (nobody 2020)."
    settings = weights["classes"]["sf_id"]["settings"]
    assert (settings["scale_factor"], settings["collection"], settings["combine"]) == ("muon_id", "Muon", "product")
    assert weights["derived_scale_factors"] == ["muon_id"]
    applied = weights["applied"]
    assert applied["TT__bb"]["baseline"] == ["genWeight", "unity", "slope", "sf_id"]
    assert applied["TT"]["baseline"] == ["genWeight", "unity", "slope"]
    assert applied["DY"]["all_any"] == ["genWeight", "unity"]
    assert applied["DATA"]["baseline"] == []


def test_variations_of_all_datasets_of_a_sample() -> None:
    variations = describe_config(full(), "full")["variations"]
    assert variations["weights"]["DY"]["all_any"] == {"unity": ["unityUp", "unityDown"]}
    assert variations["weights"]["TT__bb"]["baseline"]["slope"] == [
        "slope_aUp",
        "slope_aDown",
        "slope_bUp",
        "slope_bDown",
    ]
    assert variations["weights"]["DATA"]["baseline"] == {}
    both = ["scale_M50Up", "scale_M50Down", "scale_M10Up", "scale_M10Down"]
    assert variations["shape"]["DY"] == {
        "baseline": {"scale": both},
        **{category: {} for category in ("high_central", "high_any", "all_central", "all_any")},
    }
    assert variations["shape"]["TT__light"]["baseline"] == {"scale": ["scale_allUp", "scale_allDown"]}
    assert variations["shape"]["DATA"]["baseline"] == {}


def test_calibrators_in_order_with_their_own_class() -> None:
    calibrators = describe_config(full(), "full")["calibrators"]
    assert list(calibrators["classes"]) == ["scale", "order"]
    assert calibrators["classes"]["scale"]["name"] == "Scale"
    assert calibrators["classes"]["scale"]["module"] == __name__
    assert calibrators["applied"][TT] == {
        "scale": {"calibrated_collections": ["Jet.pt"], "inputs": ["Jet.eta"]},
        "order": {"calibrated_collections": ["Jet"], "inputs": None},
    }
    assert list(calibrators["applied"][DATA]) == ["order"]


def test_every_option_of_histograms_axes_and_columns() -> None:
    described = describe_config(full(), "full")
    histogram = described["variables"]["x"]
    assert set(histogram) == {field.name for field in dataclasses.fields(HistConf)}
    assert histogram["only_categories"] == ["baseline"]
    (axis,) = histogram["axes"]
    assert set(axis) == {field.name for field in dataclasses.fields(Axis)}
    assert (axis["bins"], axis["label"], axis["lim"]) == (4, "$x$ [GeV]", [0, 1])
    (column,) = described["columns"]["TT__bb"]["baseline"]
    assert set(column) == {field.name for field in dataclasses.fields(ColOut)}
    assert described["columns"]["DY"] == {}
    (delayed,) = described["delayed_columns"]
    assert delayed["inputs"]["name"] == "of_jets"


def test_only_the_hash_of_a_changed_function_changes() -> None:
    def other(events: Any, params: Any, **kwargs: Any) -> Any:
        return events.x > 2 * params["min"]

    def hashes(function: Any) -> list[str]:
        cuts = [Cut("cut", {"min": 1.0}, function), passthrough]
        described = describe_config(full(skim=cuts), "full")
        return [cut["function"]["hash"] for cut in [*described["skim"], *described["preselections"]]]

    before, after = hashes(large_x), hashes(other)
    assert before[0] != after[0]
    assert before[1:] == after[1:]


@pytest.mark.slow
def test_dumps_of_different_processes_are_the_same_bytes() -> None:
    places = ["ttbar.shapes", "ttbar.columns", "ttbar.differential", "zmumu.calibrated"]
    dumps = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = subprocess.run([sys.executable, "-c", DUMP, *places], env=environment, cwd=ROOT, capture_output=True)
        assert run.returncode == 0, run.stderr.decode()
        dumps.append(run.stdout)
    assert dumps[0] == dumps[1]
    # no addresses
    assert b"0x" not in dumps[0]


def test_dump_is_json() -> None:
    config = full()
    assert json.loads(dump_config(config, "full")) == describe_config(config, "full")

"""Variations from dedicated samples in merged outputs, against a plain loop over events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.base.fingerprint import fingerprint
from pocket.calibrators import Calibrator
from pocket.columns.config import ColOut
from pocket.columns.parquet import column_files, read_columns
from pocket.compat.coffea_output import read_all_columns, to_coffea_layout
from pocket.configuration.configurator import Configurator
from pocket.configuration.parts import part_of
from pocket.cuts.cut import Cut
from pocket.engine.chunk import process_chunk
from pocket.errors import ConfigError, DatasetError, UnknownNameError
from pocket.histograms.config import Axis, HistConf
from pocket.histograms.files import add, read_output
from pocket.histograms.raw_sums import add_raw
from pocket.histograms.readings import Reading
from pocket.interactive.datasets import define_datasets
from pocket.outputs.folders import write_branch, write_merged
from pocket.outputs.merging import merge_outputs
from pocket.plots.statistics import Prediction
from pocket.weights import WeightLambda
from tests.pocket.configs import LUMI, PARAMETERS, PlainWorkflow, configure, metadata, planned

XSEC = {"TT_low_2018": 60.0, "TT_high_2018": 30.0, "TT_up_a_2018": 50.0, "TT_up_b_2018": 45.0, "TT_tune_low_2018": 66.0}
#: datasets that vary TT → datasets that they vary
TARGETS = {"TT_up_a_2018": "all", "TT_up_b_2018": "all", "TT_tune_low_2018": "low"}
EDGES = np.linspace(0, 2, 5)
SUBSAMPLES = ("even", "odd")


class Shift(Calibrator):
    name = "shift"
    has_variations = True
    calibrated_collections = ("x",)
    _variations = ("shiftUp", "shiftDown")

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        return {"x": events.x + {"shiftUp": 0.1, "shiftDown": -0.1}.get(variation, 0.0)}


def varied(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
    return np.full(size, 1.1), np.full(size, 1.3), np.full(size, 0.8)


def definitions(folder: Path, **changes: Any) -> Path:
    def files(**varies: Any) -> Any:
        return {"year": "2018", "isMC": True, **({"varies": {"sample": "TT", **varies}} if varies else {})}

    def sample(name: str, *parts: str, **varies: str) -> dict[str, Any]:
        return {
            "sample": name,
            "files": [
                {"paths": [f"{name}{part}.root"], "metadata": {**files(**varies), "part": part, "xsec": XSEC[dataset]}}
                for part in parts
                for dataset in [f"{name}_{part}_2018"]
            ],
        }

    content = {
        "TT": sample("TT", "low", "high"),
        "TT_up": sample("TT_up", "a", "b", variation="hdampUp", symmetrise="mirror"),
        "TT_tune": sample("TT_tune", "low", variation="tuneDown", symmetrise="none"),
        "DATA": {"sample": "DATA", "files": [{"paths": ["data.root"], "metadata": {"year": "2018", "isMC": False}}]},
    }
    path = folder / "definitions.json"
    path.write_text(json.dumps(content | changes))
    return path


def parity(value: int) -> Any:
    def is_of(events: Any, params: Any, **kwargs: Any) -> Any:
        return events.event % 2 == value

    return Cut(name=f"parity_{value}", params={}, function=is_of)


def build(path: Path, **changes: Any) -> Configurator:
    x = Axis(field="x", bins=4, start=0, stop=2)
    settings: dict[str, Any] = {
        "datasets": {"jsons": [path]},
        "categories": {"baseline": [], "even": [parity(0)]},
        "variables": {
            "x": HistConf([x]),
            "counts": HistConf([x], no_weights=True),
            "nominal_only": HistConf([x], variations=False),
        },
        "calibrators": [Shift],
        "weights": {
            "common": {
                "inclusive": ["genWeight", "lumi", "XS", WeightLambda.wrap_func("sf", varied, has_variations=True)]
            }
        },
        "variations": {
            "weights": {"common": {"inclusive": ["sf"]}},
            "shape": {"common": {"inclusive": ["shift"]}},
        },
    }
    return configure(**settings | changes)


def generate(config: Configurator, size: int = 2500) -> dict[str, ak.Array]:
    rng = np.random.default_rng(5)
    # some entries are in the underflow and overflow, and some weights are negative
    return {
        name: ak.Array(
            {
                "x": rng.uniform(-0.3, 2.4, size + 300 * number),
                "genWeight": rng.choice(np.array([-0.5, 1.0, 2.5], dtype=np.float32), size + 300 * number),
                "event": np.arange(size + 300 * number),
                "run": np.ones(size + 300 * number, dtype=np.int64),
                "luminosityBlock": np.ones(size + 300 * number, dtype=np.int64),
            }
        )
        for number, name in enumerate(config.definitions)
    }


def process(config: Configurator, events: Mapping[str, ak.Array], chunk: int = 1100) -> list[dict[str, Any]]:
    return [
        process_chunk(PlainWorkflow(planned(config)), array[first : first + chunk], metadata(config, dataset))
        for dataset, array in events.items()
        for first in range(0, len(array), chunk)
    ]


def merge(config: Configurator, events: Mapping[str, ak.Array]) -> dict[str, Any]:
    known = {dataset: metadata(config, dataset) for dataset in config.definitions}
    return merge_outputs(config.merging_plan(), process(config, events), known)


def loop(
    events: Mapping[str, list[dict[str, Any]]], datasets: Sequence[str], category: str = "baseline", subsample: str = ""
) -> tuple[np.ndarray, np.ndarray, float, int]:
    """Return the bins, their variances, the yield and the number of events, event by event."""
    bins, variances, total, count = np.zeros(6), np.zeros(6), 0.0, 0
    for dataset in datasets:
        factor = 1.1 * LUMI * XSEC[dataset] / sum(row["genWeight"] for row in events[dataset])
        for row in events[dataset]:
            if (category == "even" and row["event"] % 2) or (subsample and subsample != SUBSAMPLES[row["event"] % 2]):
                continue
            number = int(np.searchsorted(EDGES, row["x"], side="right"))
            bins[number] += factor * row["genWeight"]
            variances[number] += (factor * row["genWeight"]) ** 2
            total += factor * row["genWeight"]
            count += 1
    return bins, variances, total, count


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dedicated")


@pytest.mark.parametrize("split", [False, True])
def test_templates_equal_a_loop_over_events(folder: Path, split: bool) -> None:
    subsamples = {"TT": {name: [parity(value)] for value, name in enumerate(SUBSAMPLES)}} if split else {}
    config = build(definitions(folder), subsamples=subsamples)
    events = generate(config)
    assert sum(map(len, events.values())) > 10_000
    merged = merge(config, events)
    rows = {name: array.to_list() for name, array in events.items()}
    stored = [f"TT__{name}" for name in SUBSAMPLES] if split else ["TT"]
    assert list(merged["variables"]["x"]) == [*stored, "DATA"]
    for sample in stored:
        histogram = add(merged["variables"]["x"][sample].values())
        assert list(histogram.axes["variation"]) == [
            *("nominal", "sfUp", "sfDown", "shiftUp", "shiftDown"),
            *("hdampUp", "hdampDown", "tuneDown", "tuneUp"),
        ]
        for category in ("baseline", "even"):

            def of(*datasets: str, name: str = category, part: str = sample.partition("__")[2]) -> Any:
                return loop(rows, datasets, name, part)

            nominal = of("TT_low_2018", "TT_high_2018")
            up, down = of("TT_up_a_2018", "TT_up_b_2018"), of("TT_tune_low_2018", "TT_high_2018")
            expected = {
                "nominal": nominal[:2],
                "hdampUp": up[:2],
                "hdampDown": (2 * nominal[0] - up[0], up[1]),
                "tuneDown": down[:2],
                "tuneUp": nominal[:2],
                "sfUp": (nominal[0] / 1.1 * 1.3, nominal[1] / 1.1**2 * 1.3**2),
            }
            for variation, (values, variances) in expected.items():
                view = histogram[category, variation, :].view(flow=True)
                assert view["value"] == pytest.approx(values, rel=1e-12, abs=1e-9), variation
                assert view["variance"] == pytest.approx(variances, rel=1e-12, abs=1e-9), variation
            by_dataset = merged["sumw"][category], merged["sumw2"][category], merged["cutflow"][category]
            for variation, one in (("nominal", nominal), ("hdampUp", up), ("tuneDown", down)):
                sums = [
                    # a dataset without the variation has its nominal sums in it
                    sum(
                        each[sample].get(variation, each[sample]["nominal"]) for each in part.values() if sample in each
                    )
                    for part in by_dataset
                ]
                assert sums[0] == pytest.approx(one[2], rel=1e-12)
                assert sums[1] == pytest.approx(one[1].sum(), rel=1e-12)
                assert sums[2] == one[3]


def test_it_is_no_sample_of_its_own(folder: Path) -> None:
    config = build(definitions(folder))
    events = generate(config)
    merged = merge(config, events)
    assert config.samples == {"TT": True, "DATA": False}
    usual = ["TT_low_2018", "TT_high_2018", "DATA_2018"]
    for part in (merged["datasets_metadata"], merged["cutflow"]["initial"], merged["cutflow"]["baseline"]):
        assert list(part) == usual
    assert set(merged["sum_genweights"]) == {*usual} - {"DATA_2018"}
    # what they were divided by stays known
    kept = merged["dedicated_samples"]
    assert set(kept["datasets_metadata"]) == set(TARGETS)
    for dataset in TARGETS:
        total = float(sum(events[dataset].genWeight.to_list()))
        assert merged["divided_by"][dataset] == {"TT": {"*": {"sum_genweights": pytest.approx(total)}}}
        assert kept["sum_genweights"][dataset] == pytest.approx(total)
        assert kept["cutflow"]["initial"][dataset] == len(events[dataset])
    # numbers of events of two samples can't be compared
    for name in ("counts", "nominal_only"):
        (first, *_) = merged["variables"][name]["TT"].values()
        assert not any(variation.startswith("hdamp") for variation in first.axes["variation"])
    prediction = Prediction.from_hist(add(merged["variables"]["x"]["TT"].values())["baseline", ...])
    assert set(prediction.shifts) == {"sf", "shift", "hdamp", "tune"}


def test_branches_process_it_without_variations(folder: Path) -> None:
    config = build(definitions(folder))
    for output in process(config, {"TT_up_a_2018": generate(config)["TT_up_a_2018"]}):
        assert list(output["variables"]["x"]["TT"]["TT_up_a_2018"].axes["variation"]) == ["nominal"]
        assert list(output["cutflow"]["presel"]["TT_up_a_2018"]) == ["nominal"]


def test_without_such_datasets_nothing_changes(folder: Path) -> None:
    with_them = build(definitions(folder))
    bare = build(
        definitions(folder),
        datasets={"jsons": [definitions(folder)], "filter": {"samples_exclude": ["TT_up", "TT_tune"]}},
    )
    assert set(with_them.definitions) - set(bare.definitions) == set(TARGETS)
    assert fingerprint(with_them.declared().spec()) == fingerprint(bare.declared().spec())
    events = generate(with_them)
    varied, usual = merge(with_them, events), merge(bare, {name: events[name] for name in bare.definitions})
    assert "dedicated_samples" not in usual
    for dataset, histogram in usual["variables"]["x"]["TT"].items():
        names = list(histogram.axes["variation"])
        other = varied["variables"]["x"]["TT"][dataset]
        for name in names:
            assert other[:, name, :].view(flow=True).tobytes() == histogram[:, name, :].view(flow=True).tobytes()


def test_columns_are_a_variation(folder: Path, tmp_path: Path) -> None:
    columns = {"common": {"inclusive": [ColOut("events", ["x"], flatten=False)]}}
    config = build(definitions(folder), columns=columns)
    events = generate(config, 200)
    folders = []
    for number, output in enumerate(process(config, events)):
        folders.append(tmp_path / f"{number}")
        folders[-1].mkdir()
        write_branch(folders[-1], output)
    known = {dataset: metadata(config, dataset) for dataset in config.definitions}
    merged = merge_outputs(config.merging_plan(), [add_raw(folders)], known)
    whole = tmp_path / "merged"
    whole.mkdir()
    write_merged(whole, config.merging_plan(), merged, folders, {"config.json": "{}"})
    files = {key: [path.stem for path in paths] for key, paths in column_files(whole).items()}
    assert files["TT", "baseline", "nominal"] == ["TT_high_2018", "TT_low_2018"]
    assert files["TT", "baseline", "hdampUp"] == ["TT_up_a_2018", "TT_up_b_2018"]
    assert files["TT", "baseline", "tuneDown"] == ["TT_tune_low_2018"]
    for variation, datasets in (("hdampUp", ("TT_up_a_2018", "TT_up_b_2018")), ("tuneDown", ("TT_tune_low_2018",))):
        read = read_columns(whole, "TT", "baseline", variation)
        expected = loop({name: events[name].to_list() for name in datasets}, datasets)
        assert (len(read), ak.sum(read.weight)) == (expected[3], pytest.approx(expected[2], rel=1e-12))
    assert read_output(whole)["dedicated_samples"]["sum_genweights"].keys() == set(TARGETS)
    exported = to_coffea_layout(config, merged, read_all_columns(whole))
    assert exported["datasets_metadata"]["by_datataking_period"]["2018"]["TT"] == {"TT_low_2018", "TT_high_2018"}
    assert list(exported["columns"]["TT"]["TT_up_a_2018"]["baseline"]) == ["hdampUp"]
    assert "hdampUp" in exported["variables"]["x"]["TT"]["TT_low_2018"].axes["variation"]


def test_a_step_depends_on_what_it_reads(folder: Path) -> None:
    config = build(definitions(folder))
    usual = {"TT_low_2018", "TT_high_2018"}
    nominal = part_of(config, [Reading("main", "x", ("baseline",), ("TT",))])
    assert (set(nominal.definitions), nominal.merging_plan().dedicated, nominal.one_sided) == (usual, (), {})
    varied = part_of(config, [Reading("main", "x", ("baseline",), ("TT",), ("hdamp",))])
    assert set(varied.definitions) == {*usual, "TT_up_a_2018", "TT_up_b_2018"}
    spec = varied.merging_plan().spec(varied.definitions)
    assert set(spec["dedicated_samples"]) == {"TT_up_a_2018", "TT_up_b_2018"}
    assert spec["one_sided"] == {"hdampUp": "mirror"}
    assert fingerprint(varied.declared().spec()["datasets"]) == fingerprint(nominal.declared().spec()["datasets"])


@pytest.mark.parametrize(
    ("variation", "message"),
    [
        ("sfUp", "'TT_up_a_2018' in .* fills variation 'sfUp' of sample 'TT', but weight 'sf' has the variation 'sf'"),
        ("shiftDown", "fills variation 'shiftDown' of sample 'TT', but calibrator 'shift' has the variation 'shift'"),
    ],
)
def test_the_name_is_taken(folder: Path, tmp_path: Path, variation: str, message: str) -> None:
    content = json.loads(definitions(folder).read_text())["TT_up"]
    for file in content["files"]:
        file["metadata"]["varies"]["variation"] = variation
    with pytest.raises(ConfigError, match=message):
        build(definitions(tmp_path, TT_up=content))


def test_the_other_side_must_be_said(folder: Path, tmp_path: Path) -> None:
    content = json.loads(definitions(folder).read_text())["TT_up"]
    for file in content["files"]:
        del file["metadata"]["varies"]["symmetrise"]
    config = build(definitions(tmp_path, TT_up=content))
    with pytest.raises(ConfigError, match="fills variation 'hdampUp', but none fills 'hdampDown': 'symmetrise'"):
        _ = config.one_sided
    down = json.loads(json.dumps(content).replace("Up", "Down").replace("TT_up", "TT_down"))
    both = build(definitions(tmp_path, TT_up=content, TT_down={**down, "sample": "TT_down"}))
    assert both.one_sided == {"tuneDown": "none"}
    assert both.samples == {"TT": True, "DATA": False}


def test_histograms_may_choose_the_variation(folder: Path) -> None:
    x = Axis(field="x", bins=4, start=0, stop=2)
    config = build(definitions(folder), variables={"x": HistConf([x], only_variations=["hdampUp"])})
    merged = merge(config, generate(config, 50))
    (first, *_) = merged["variables"]["x"]["TT"].values()
    assert list(first.axes["variation"]) == ["nominal", "hdampUp", "hdampDown"]
    with pytest.raises(UnknownNameError, match=r"unknown variation 'hdumpUp'.*hdampUp"):
        build(definitions(folder), variables={"x": HistConf([x], only_variations=["hdumpUp"])})


def test_files_that_are_given(folder: Path, tmp_path: Path) -> None:
    config = build(definitions(folder))
    (tmp_path / "a.root").touch()
    with pytest.raises(DatasetError, match="'TT_up_a_2018' fills variation 'hdampUp' of sample 'TT', which also needs"):
        define_datasets(config, {"TT_up_a_2018": tmp_path / "a.root"})
    names = ["TT_low_2018", "TT_high_2018", "TT_tune_low_2018"]
    defined = define_datasets(config, dict.fromkeys(names, tmp_path / "a.root"))
    assert defined["TT_tune_low_2018"].dedicated == "TT_tune"
    changed = {"files": tmp_path / "a.root", "metadata": {"xsec": 3.0}}
    defined = define_datasets(config, dict.fromkeys(names, changed))
    assert (defined["TT_tune_low_2018"].dedicated, defined["TT_tune_low_2018"].sample) == ("TT_tune", "TT")
    assert PARAMETERS.lumi.picobarns["2018"].tot == LUMI

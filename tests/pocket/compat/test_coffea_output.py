from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import coffea.util
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.columns import ColOut
from pocket.columns.merging import merge_columns
from pocket.columns.parquet import write_columns
from pocket.compat.coffea_output import plotting_parameters, read_all_columns, to_coffea_layout, write_coffea
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import passthrough
from pocket.engine.chunk import process_chunk
from pocket.errors import ColumnError
from pocket.outputs.merging import merge_outputs
from pocket.parameters.defaults import dump_parameters
from tests.pocket.configs import DATA, DY, DY_LOW, TT, PlainWorkflow, configure, metadata, planned

NOTHING: dict[str, Any] = {
    **{part: {} for part in ("sum_genweights", "sum_signOf_genweights", "sumw", "sumw2", "cutflow")},
    "variables": {},
    "datasets_metadata": {},
}
JETS = [[50.0, 40.0], [], [30.0]]


def records(**columns: Any) -> ak.Array:
    return ak.zip({"weight": ak.Array([1.0, 2.0, 3.0]), **columns}, depth_limit=1)


def exported_columns(columns: ak.Array, *outs: ColOut) -> dict[str, Any]:
    """Return the exported columns of one dataset, as arrays."""
    config = configure(columns={"common": {"inclusive": list(outs)}})
    layout = to_coffea_layout(config, NOTHING, {"DY": {DY: {"baseline": {"nominal": columns}}}})
    accumulators = layout["columns"]["DY"][DY]["baseline"]["nominal"]
    return {name: accumulator.value for name, accumulator in accumulators.items()}


def merged_output(config: Configurator) -> dict[str, Any]:
    """Return the merged output of three events per dataset."""
    events = ak.Array({"x": [0.1, 0.7, 1.9], "genWeight": [1.0, -0.5, 2.0]})
    outputs = [
        process_chunk(PlainWorkflow(planned(config)), events, metadata(config, dataset))
        for dataset in config.definitions
    ]
    return merge_outputs(config.merging_plan(), outputs, {name: metadata(config, name) for name in config.definitions})


@pytest.fixture
def config() -> Configurator:
    return configure(
        subsamples={"TT": {"bb": [passthrough], "light": [passthrough]}},
        weights={"common": {"inclusive": ["genWeight"]}},
    )


def test_sums_and_histograms_stay_as_they_are(config: Configurator, tmp_path: Path) -> None:
    merged = merged_output(config)
    write_coffea(tmp_path / "output_all.coffea", to_coffea_layout(config, merged, {}))
    read = coffea.util.load(str(tmp_path / "output_all.coffea"))
    assert set(read) == {
        *("sum_genweights", "sum_signOf_genweights", "sumw", "sumw2", "cutflow"),
        *("variables", "columns", "processing_metadata", "datasets_metadata"),
    }
    for part in ("sum_genweights", "sum_signOf_genweights", "sumw", "sumw2", "cutflow"):
        assert read[part] == merged[part]
    assert read["cutflow"]["initial"][DY] == 3
    assert {sample: set(datasets) for sample, datasets in read["variables"]["x"].items()} == {
        "DY": {DY, DY_LOW},
        "TT__bb": {TT},
        "TT__light": {TT},
        "DATA": {DATA},
    }
    for sample, datasets in merged["variables"]["x"].items():
        for dataset, histogram in datasets.items():
            found = read["variables"]["x"][sample][dataset]
            assert found == histogram
            assert found.axes.name == histogram.axes.name
            # three events of weights 1, -0.5 and 2, in bins of 0.5
            values = found["baseline", ...] if dataset == DATA else found["baseline", "nominal", :]
            expected = [1.0, 1.0, 0.0, 1.0] if dataset == DATA else np.array([1.0, -0.5, 0.0, 2.0]) / 2.5
            np.testing.assert_allclose(values.values(), expected)


def test_metadata_are_texts_and_datasets_are_found_by_period(config: Configurator) -> None:
    layout = to_coffea_layout(config, merged_output(config), {})
    by_dataset = layout["datasets_metadata"]["by_dataset"]
    assert {dataset: values["isMC"] for dataset, values in by_dataset.items()} == {
        DY: "True",
        DY_LOW: "True",
        TT: "True",
        DATA: "False",
    }
    assert by_dataset[DY_LOW]["sample"] == "DY"
    assert by_dataset[DY_LOW]["xsec"] == "18000.0"
    assert layout["datasets_metadata"]["by_datataking_period"] == {
        "2018": {"DY": {DY, DY_LOW}, "TT__bb": {TT}, "TT__light": {TT}, "DATA": {DATA}}
    }


def test_flat_columns_with_the_numbers_of_objects() -> None:
    columns = records(
        JetGood_pt=ak.Array(JETS), JetGood_N=ak.num(ak.Array(JETS)), events_x=[1, 2, 3], events_name=["a", "bc", ""]
    )
    arrays = exported_columns(columns, ColOut("JetGood", ["pt"]), ColOut("events", ["x", "name"]))
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "weight": [1.0, 2.0, 3.0],
        "JetGood_pt": [50.0, 40.0, 30.0],
        "JetGood_N": [2, 0, 1],
        "events_x": [1, 2, 3],
        "events_name": ["a", "bc", ""],
    }
    # the two of them give the events back
    assert ak.unflatten(arrays["JetGood_pt"], arrays["JetGood_N"]).to_list() == JETS


def test_columns_that_are_not_flattened_have_one_entry_per_event() -> None:
    nested = [[[1.0], [2.0, 3.0]], [], [[]]]
    columns = records(JetGood_pt=ak.Array(JETS), JetGood_sub=ak.Array(nested), JetGood_names=[["a"], [], ["b", "cd"]])
    arrays = exported_columns(columns, ColOut("JetGood", ["pt", "sub", "names"], flatten=False))
    assert [entry.tolist() for entry in arrays["JetGood_pt"]] == JETS
    assert [[inner.tolist() for inner in entry] for entry in arrays["JetGood_sub"]] == nested
    assert [entry.tolist() for entry in arrays["JetGood_names"]] == [["a"], [], ["b", "cd"]]


def test_lists_of_equal_length_are_objects_too() -> None:
    arrays = exported_columns(
        records(JetGood_pt=ak.Array([[1.0], [2.0], [3.0]])), ColOut("JetGood", ["pt"], flatten=False)
    )
    assert arrays["JetGood_pt"].shape == (3,)


def test_columns_without_events() -> None:
    columns = records(JetGood_pt=ak.Array(JETS))[:0]
    for flatten in (True, False):
        assert exported_columns(columns, ColOut("JetGood", ["pt"], flatten=flatten))["JetGood_pt"].shape == (0,)


@pytest.mark.parametrize("values", [[1.0, None, 3.0], [[1.0], [None], []]])
def test_missing_values_are_refused(values: list[Any]) -> None:
    message = "column 'JetGood_pt' of 'DY' in category 'baseline' has missing values"
    with pytest.raises(ColumnError, match=message):
        exported_columns(records(JetGood_pt=ak.Array(values)), ColOut("JetGood", ["pt"], fill_none=False))


def test_columns_are_read_by_dataset(tmp_path: Path) -> None:
    tables = {dataset: records(events_x=[number] * 3) for number, dataset in enumerate((DY, DY_LOW))}
    branch, merged = tmp_path / "branch", tmp_path / "merged"
    branch.mkdir()
    merged.mkdir()
    write_columns(branch, {"DY": {name: {"baseline": {"jesUp": [table]}} for name, table in tables.items()}})
    merge_columns([branch], merged, {})
    columns = read_all_columns(merged)
    assert set(columns) == {"DY"}
    for name, table in tables.items():
        assert set(columns["DY"][name]) == {"baseline"}
        assert columns["DY"][name]["baseline"]["jesUp"].to_list() == table.to_list()


def test_style_is_one_that_draws() -> None:
    style = {"label": "Internal", "only_samples": [], "samples_groups": {}, "order_mc": ["DY"], "dpi": 100}
    parameters = OmegaConf.create(
        {"plotting_style": style, "lumi": {"picobarns": {"2018": {"tot": 59830.0}, "2017": {"tot": 41480.0}}}}
    )
    exported = plotting_parameters(configure(parameters=parameters))
    assert exported.plotting_style == {
        "cms_label": "Internal",
        "order_mc": ["DY"],
        "dpi": 100,
        "plot_upper_label": {"by_year": {"2018": 59.83}},
    }
    assert exported.lumi == parameters.lumi
    assert OmegaConf.create(dump_parameters(exported)) == exported
    assert parameters.plotting_style == style


def test_style_without_luminosity() -> None:
    exported = plotting_parameters(configure(parameters=OmegaConf.create({"limit": 1})))
    assert exported == {"limit": 1, "plotting_style": {"plot_upper_label": {"by_year": {}}}}

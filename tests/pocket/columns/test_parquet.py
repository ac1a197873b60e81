from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.columns import ColOut, merging
from pocket.columns.merging import merge_columns
from pocket.columns.parquet import column_files, read_columns, write_columns
from pocket.engine.columns import collect_columns
from pocket.errors import ColumnError, UnknownNameError
from tests.pocket.columns.chunks import CATEGORIES, EVENTS, OBJECTS, Chunk, chunks

DATASETS = ("TT_2017", "TT_2018")
FACTORS = {
    "TT_2017": {"TT": {"events": 2.0, "objects": 6.0}},
    "TT_2018": {"TT": {"events": 0.5, "objects": 1.5}},
}


def records(**columns: Any) -> ak.Array:
    """Return records, by default of two events."""
    return ak.zip({"event": np.arange(2), "weight": np.array([1.0, -2.0])} | columns, depth_limit=1)


def write(directory: Path, *parts: ak.Array, dataset: str = "TT_2018", variation: str = "nominal") -> Path:
    """Write chunks of one branch."""
    directory.mkdir()
    write_columns(directory, {"TT": {dataset: {"SR": {variation: parts}}}})
    return directory


def merged(target: Path, *branches: Path, factor: float = 1.0) -> Path:
    """Merge branches into a new folder."""
    target.mkdir()
    merge_columns(branches, target, {dataset: {"TT": {"SR": factor}} for dataset in DATASETS})
    return target


@pytest.mark.slow
@settings(max_examples=15)
@given(
    branches=st.lists(
        st.tuples(st.sampled_from(DATASETS), st.lists(chunks(), min_size=1, max_size=2)), min_size=1, max_size=4
    ),
    of_objects=OBJECTS,
    of_events=EVENTS,
)
def test_merged_rows_are_those_of_the_events(
    branches: list[tuple[str, list[Chunk]]], of_objects: ColOut, of_events: ColOut
) -> None:
    # a boolean is widened in the chunks where a value is missing, and doesn't fit the others
    names = [name for name in of_events.columns if name != "maybe_flag"] or ["x"]
    outputs = [of_objects, replace(of_events, columns=names)]
    with TemporaryDirectory() as temporary:
        folders = []
        for number, (dataset, parts) in enumerate(branches):
            collected = [
                collect_columns(
                    dict.fromkeys(CATEGORIES, outputs), chunk.events(), chunk.masks(), chunk.chunk_weights()
                )
                for chunk in parts
            ]
            columns = {category: {"nominal": [part[category] for part in collected]} for category in CATEGORIES}
            folders.append(Path(temporary, str(number)))
            folders[-1].mkdir()
            write_columns(folders[-1], {"TT": {dataset: columns}})
        target = Path(temporary, "merged")
        target.mkdir()
        merge_columns(folders, target, FACTORS)
        for category in CATEGORIES:
            expected = []
            for dataset in DATASETS:
                rows = [
                    row
                    for name, parts in branches
                    for part in parts
                    for row in part.expected(outputs, category)
                    if name == dataset
                ]
                factor = FACTORS[dataset]["TT"][category]
                expected += [
                    {name: value * factor if name.startswith("weight") else value for name, value in row.items()}
                    for row in rows
                ]
            assert read_columns(target, "TT", category).to_list() == expected


def test_every_reader_takes_a_folder_as_one_table(tmp_path: Path) -> None:
    jagged = ak.Array([[1.0, 2.0], []])
    branches = [
        write(tmp_path / dataset, records(Jet_pt=jagged), dataset=dataset) for dataset in ("TT_2017", "TT_2018")
    ]
    folder = merged(tmp_path / "merged", *branches) / "columns" / "TT" / "SR" / "nominal"
    assert ak.from_parquet(folder).Jet_pt.to_list() == [[1.0, 2.0], []] * 2
    assert pyarrow.dataset.dataset(folder).to_table()["weight"].to_pylist() == [1.0, -2.0] * 2
    assert [list(values) for values in pd.read_parquet(folder)["Jet_pt"]] == [[1.0, 2.0], []] * 2
    # plain types and no missing values
    schema = pq.read_schema(folder / "TT_2018.parquet")
    assert schema.field("Jet_pt").type.value_type == pa.float64()
    assert not any(schema.field(name).nullable for name in schema.names)
    assert not schema.field("Jet_pt").type.value_field.nullable


def test_few_rows_are_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 100)
    values = np.arange(1000)
    large = write(tmp_path / "large", records(event=values, weight=np.ones(1000)))
    small = [
        write(tmp_path / str(n), records(event=np.arange(30) + n, weight=np.ones(30))) for n in range(1000, 1210, 30)
    ]
    folder = merged(tmp_path / "merged", large, *small, factor=4.0)
    metadata = pq.read_metadata(folder / "columns" / "TT" / "SR" / "nominal" / "TT_2018.parquet")
    rows = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert rows == [100] * 10 + [120, 90]
    columns = read_columns(str(folder), "TT", "SR")
    assert columns.event.to_list() == list(range(1210))
    assert set(columns.weight.to_list()) == {4.0}


def test_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    files = []
    for number in range(2):
        branch = write(tmp_path / f"branch {number}", records(x=[[1.5], []]), records(x=[[], [2.5]]))
        target = merged(tmp_path / f"merged {number}", branch, factor=2.0)
        files.append([path.read_bytes() for folder in (branch, target) for path in folder.rglob("*.parquet")])
    assert files[0] == files[1]
    assert len(files[0]) == 2


def test_data_are_left_as_they_are(tmp_path: Path) -> None:
    branch = write(tmp_path / "0", records(), dataset="DATA_2018")
    columns = read_columns(merged(tmp_path / "merged", branch, factor=0.5), "TT", "SR")
    assert columns.weight.to_list() == [1.0, -2.0]


def test_only_weights_are_normalised(tmp_path: Path) -> None:
    branch = write(tmp_path / "0", records(weight_variation_sfUp=[3.0, 4.0], events_weight=[1.0, 1.0]))
    columns = read_columns(merged(tmp_path / "merged", branch, factor=0.5), "TT", "SR")
    assert columns.weight.to_list() == [0.5, -1.0]
    assert columns.weight_variation_sfUp.to_list() == [1.5, 2.0]
    assert columns.events_weight.to_list() == [1.0, 1.0]
    assert columns.event.to_list() == [0, 1]


@pytest.mark.parametrize(
    ("narrow", "wide", "kind"),
    [("i2", "i4", "int32"), ("u1", "i4", "int32"), ("f4", "f8", "double"), ("u4", "i4", "int64")],
)
def test_numbers_get_the_widest_type(tmp_path: Path, narrow: str, wide: str, kind: str) -> None:
    parts = [records(x=np.array([1, 2], dtype=dtype)) for dtype in (narrow, wide)]
    branches = [
        write(tmp_path / "0", parts[0], dataset="TT_2017"),
        write(tmp_path / "1", *parts, dataset="TT_2018"),
    ]
    folder = merged(tmp_path / "merged", *branches)
    assert read_columns(folder, "TT", "SR").x.to_list() == [1, 2] * 3
    for file in column_files(folder)["TT", "SR", "nominal"]:
        assert str(pq.read_schema(file).field("x").type) == kind


def test_a_chunk_in_which_nothing_tells_the_type(tmp_path: Path) -> None:
    unknown = records(x=ak.Array([[], []]))
    known = records(x=ak.Array([[1.5], []]))
    branches = [write(tmp_path / "0", unknown), write(tmp_path / "1", unknown, known), write(tmp_path / "2", known)]
    found = read_columns(merged(tmp_path / "merged", *branches), "TT", "SR")
    assert found.x.to_list() == [[], [], [], [], [1.5], [], [1.5], []]


def test_the_order_of_columns_is_that_of_the_first(tmp_path: Path) -> None:
    part = records(x=[1, 2])
    branch = write(tmp_path / "0", part, part[["x", "weight", "event"]])
    assert read_columns(merged(tmp_path / "merged", branch), "TT", "SR").fields == ["event", "weight", "x"]


def test_lists_that_are_read_can_be_sorted(tmp_path: Path) -> None:
    # awkward can't sort lists with 32-bit offsets
    folder = write(tmp_path / "0", records(x=[[1.5, 3.0, 2.0], []]))
    (file,) = column_files(folder)["TT", "SR", "nominal"]
    for found in (read_columns(folder, "TT", "SR"), ak.from_parquet(str(file))):
        assert ak.sort(found.x, ascending=False).tolist() == [[3.0, 2.0, 1.5], []]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (records(y=[1, 2]), "datasets 'TT_2017' and 'TT_2018': x, y is only in one of them"),
        (records(x=[True, False]), "datasets 'TT_2017' and 'TT_2018': column 'x' is of type int64 and bool"),
        (records(x=[[1], []]), "'x' is of type int64 and large_list<element: int64 not null>"),
    ],
)
def test_columns_that_differ(tmp_path: Path, other: ak.Array, message: str) -> None:
    branches = [
        write(tmp_path / "0", records(x=[1, 2]), dataset="TT_2017"),
        write(tmp_path / "1", other, dataset="TT_2018"),
    ]
    with pytest.raises(ColumnError, match=f"^columns of TT/SR/nominal in .*{message}"):
        merged(tmp_path / "merged", *branches)
    with pytest.raises(ColumnError, match=r"^columns of TT/SR/nominal in datasets 'TT_2018' and 'TT_2018'"):
        write(tmp_path / "2", records(x=[1, 2]), other)


def test_what_there_is(tmp_path: Path) -> None:
    assert column_files(tmp_path) == {}
    branches = [
        write(tmp_path / "0", records(), variation="jesUp"),
        write(tmp_path / "1", records()),
        write(tmp_path / "2", records()[:0], dataset="TT_2017"),
    ]
    folder = merged(tmp_path / "merged", *branches)
    nominal, varied = (folder / "columns" / "TT" / "SR" / variation for variation in ("nominal", "jesUp"))
    assert column_files(folder) == {
        ("TT", "SR", "jesUp"): [varied / "TT_2018.parquet"],
        ("TT", "SR", "nominal"): [nominal / "TT_2017.parquet", nominal / "TT_2018.parquet"],
    }
    assert len(read_columns(folder, "TT", "SR")) == 2
    with pytest.raises(UnknownNameError, match=r"unknown columns 'TT/SR/jesUpp' in .*, did you mean 'TT/SR/jesUp'"):
        read_columns(folder, "TT", "SR", "jesUpp")

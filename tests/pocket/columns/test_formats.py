"""Formats of columns: wrong ones are refused, and a new one makes merged outputs again, but no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.base.fingerprint import digest
from pocket.columns import ColOut, ColumnFormat
from pocket.columns import merging as merging_module
from pocket.columns.formats import check_formats
from pocket.columns.merging import merge_columns
from pocket.columns.parquet import write_columns
from pocket.configuration.configurator import Configurator
from pocket.configuration.parts import part_of
from pocket.errors import ConfigError
from pocket.histograms.readings import Reading
from tests.pocket.columns.test_parquet import records
from tests.pocket.configs import configure


class Sums(ColumnFormat):
    """Writes the number of events and the sum of weights of each table."""

    suffix = ".txt"

    def write(self, path: Path, tables: Iterator[ak.Array]) -> None:
        """Write one line per table."""
        path.write_text("".join(f"{len(table)} {ak.sum(table.weight):g}\n" for table in tables))


class Nameless(ColumnFormat):
    """A format without a suffix."""

    write = Sums.write


class Same(Sums):
    """Another format with the same suffix."""


def test_it_gets_tables_with_normalised_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging_module, "ROWS_AT_ONCE", 4)
    parts = [records(event=np.arange(3), weight=np.array([1.0, -2.0, 4.0])) for _ in range(3)]
    write_columns(tmp_path, {"TT": {"TT_2018": {"SR": {"nominal": parts}}}})
    merge_columns([tmp_path], tmp_path / "merged", {"TT_2018": {"TT": {"SR": 0.5}}}, None, [Sums])
    (file,) = (tmp_path / "merged").rglob("*.txt")
    sizes, sums = np.loadtxt(file).T
    assert sizes.sum() == 9
    assert len(sizes) > 1
    assert sums.sum() == pytest.approx(0.5 * 3 * 3.0)


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (["root"], "column_formats: expected classes derived from ColumnFormat, not 'root'"),
        ([Nameless], "column_formats: suffix of Nameless must be like '.root', not None"),
        ([Sums, Same], "column_formats: Same has the suffix '.txt' of Sums"),
        (
            [type("P", (Sums,), {"suffix": ".parquet"})],
            "P has the suffix '.parquet' of parquet, which is always written",
        ),
    ],
)
def test_wrong_formats(formats: Any, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_formats(formats)
    assert message in str(error.value)


def merging_digest(config: Configurator) -> str:
    return digest(config.merging_plan().spec(config.definitions))


def test_only_merged_outputs_depend_on_it() -> None:
    columns = {"common": {"inclusive": [ColOut("events", ["nMuonGood"])]}}
    without, with_it = (configure(columns=columns, column_formats=formats) for formats in ((), [Sums]))
    assert digest(without.plan().spec()) == digest(with_it.plan().spec())
    assert merging_digest(without) != merging_digest(with_it)
    # Templates that a later task reads don't depend on it.
    reading = Reading("config", next(iter(with_it.variables)), with_it.categories.names, tuple(with_it.samples))
    assert merging_digest(part_of(without, [reading])) == merging_digest(part_of(with_it, [reading]))

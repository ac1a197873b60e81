from __future__ import annotations

import json
import tempfile
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.cuts.certification import certified
from pocket.errors import ConfigError
from tests.real_files import real_file


def loop(golden: dict[str, list[list[int]]], runs: list[int], blocks: list[int]) -> list[bool]:
    return [
        any(first <= block <= last for first, last in golden.get(str(run), []))
        for run, block in zip(runs, blocks, strict=True)
    ]


@given(st.lists(st.tuples(st.integers(297040, 297070), st.integers(1, 800)), min_size=1, max_size=50))
@settings(max_examples=20)
def test_real_golden_json_against_a_loop(events: list[tuple[int, int]]) -> None:
    path = real_file("golden_2017.json")
    runs, blocks = (list(column) for column in zip(*events, strict=True))
    expected = loop(json.loads(path.read_text()), runs, blocks)
    assert certified(np.array(runs), np.array(blocks), str(path)).tolist() == expected


def test_first_and_last_section_of_every_range() -> None:
    path = real_file("golden_2017.json")
    golden = json.loads(path.read_text())
    around = [
        (int(run), block)
        for run, ranges in golden.items()
        for first, last in ranges
        for block in (first - 1, first, last, last + 1)
    ]
    runs, blocks = (list(column) for column in zip(*around, strict=True))
    mask = certified(ak.Array(runs), ak.Array(blocks), str(path))
    assert mask.tolist() == loop(golden, runs, blocks)
    assert 0 < mask.sum() < len(mask)


@given(
    st.dictionaries(
        st.integers(1, 4), st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)).map(sorted), max_size=4), max_size=3
    ),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10)), max_size=30),
)
def test_any_ranges_against_a_loop(golden: dict[int, list[list[int]]], events: list[tuple[int, int]]) -> None:
    # also such that overlap, and in any order
    by_run = {str(run): ranges for run, ranges in golden.items()}
    runs, blocks = ([event[part] for event in events] for part in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "golden.json")
        path.write_text(json.dumps(by_run))
        assert certified(runs, blocks, str(path)).tolist() == loop(by_run, runs, blocks)


@pytest.mark.slow
def test_real_golden_json_against_coffea() -> None:
    # compiles for three seconds
    from coffea.lumi_tools import LumiMask

    path = real_file("golden_2017.json")
    rng = np.random.default_rng(1)
    known = [int(run) for run in json.loads(path.read_text())]
    runs, blocks = rng.choice(known, 20_000).astype(np.uint32), rng.integers(0, 2000, 20_000).astype(np.uint32)
    assert np.array_equal(certified(runs, blocks, str(path)), LumiMask(str(path))(runs, blocks))


def test_file_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    path = real_file("golden_2017.json")
    monkeypatch.setenv("POCKET_CERTIFICATION", str(path.parent))
    run, ranges = next(iter(json.loads(path.read_text()).items()))
    runs, blocks = np.array([int(run), 1]), np.array([ranges[0][0], 1])
    assert certified(runs, blocks, f"certification://{path.name}").tolist() == [True, False]
    with pytest.raises(ConfigError, match=r"certification://none\.json is not in .* POCKET_CERTIFICATION"):
        certified(runs, blocks, "certification://none.json")


def test_bad_files(tmp_path: Path) -> None:
    run = np.array([1])
    with pytest.raises(ConfigError, match=r"golden JSON .*missing.json does not exist"):
        certified(run, run, str(tmp_path / "missing.json"))
    for name, content in (("truncated", '{"1": [[1, '), ("list", "[1, 2]"), ("text", '{"1": "all"}')):
        path = tmp_path / f"{name}.json"
        path.write_text(content)
        with pytest.raises(ConfigError, match=rf"{name}.json is not a golden JSON"):
            certified(run, run, str(path))

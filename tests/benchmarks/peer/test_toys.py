from __future__ import annotations

from pathlib import Path

import uproot

from benchmarks.peer import toys as module
from benchmarks.peer.toys import Toys, make_toys
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain


def few(folder: Path, events: int) -> Toys:
    """Make a few events of one process."""
    return make_toys(folder, to_plain(get_default_parameters())["toys"], {"dy": events})


def test_toys_are_divided_into_files_and_kept(tmp_path: Path) -> None:
    toys = few(tmp_path, 5)
    assert [path.name for path in toys.files["dy"]] == ["dy_0.root"]
    with uproot.open(toys.files["dy"][0]) as file:
        assert file["Events"].num_entries == 5
    assert {"golden.json", "puWeights.json.gz"} < {path.name for path in toys.corrections.iterdir()}
    written = toys.files["dy"][0].stat().st_mtime_ns
    assert few(tmp_path, 5) == toys
    assert toys.files["dy"][0].stat().st_mtime_ns == written
    few(tmp_path, 6)
    assert toys.files["dy"][0].stat().st_mtime_ns != written


def test_large_processes_have_several_files() -> None:
    plan = module._plan("data", 2 * module.EVENTS_PER_FILE + 1)
    assert plan == [("data_0.root", 50_000), ("data_1.root", 50_000), ("data_2.root", 1)]

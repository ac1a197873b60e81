from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents.mapping import UprootSourceMapping
from coffea.nanoevents.methods.nanoaod import behavior

from pocket.io.nanoaod.events import NanoTree
from pocket.io.nanoaod.schema import base_form, find_schema
from pocket.io.nanoaod.ttree import read_tree
from pocket.io.remote.client import open_root
from tests.pocket.io.nanoaod.test_ttree import TYPES
from tests.real_files import LARGEST, real_file


def found(file: Any) -> dict[str, Any] | None:
    read = read_tree(file, "Events")
    assert read is not None
    return base_form(read[0].title, read[1])


@pytest.mark.parametrize("name", ["nano_dy.root", "nano_dimuon.root", "nano_tt_v12.root", LARGEST])
def test_form_of_real_files_against_coffea(name: str) -> None:
    with open_root(str(real_file(name))) as file:
        assert found(file) == UprootSourceMapping._extract_base_form(file["Events"])


def test_form_of_any_type_against_coffea(tmp_path: Path) -> None:
    kinds = {name: name for name in TYPES} | {f"lists_{name}": f"var * {name}" for name in TYPES}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", kinds, title="a tree")
    with open_root(str(tmp_path / "a.root")) as file:
        form = found(file)
        assert form == UprootSourceMapping._extract_base_form(file["Events"])
        assert form["parameters"] == {"__doc__": "a tree"}


@pytest.mark.parametrize("branches", [{"fixed": "3 * float64"}, {"x,y": "int32"}])
def test_what_only_coffea_knows(tmp_path: Path, branches: dict[str, str]) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", branches)
    with open_root(str(tmp_path / "a.root")) as file:
        assert found(file) is None


def test_fixed_arrays_are_read_all_the_same(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(4, 3)
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"fixed": "3 * float64", "x": "int32"})
        file["Events"].extend({"fixed": values, "x": np.arange(4, dtype=np.int32)})
    with open_root(str(tmp_path / "a.root")) as file:
        events = NanoTree(file, "Events", {"dataset": "d"}).events(1, 4)
        assert ak.to_numpy(events.fixed).tolist() == values[1:].tolist()
        assert events.x.to_list() == [1, 2, 3]
        assert events.metadata["dataset"] == "d"


def test_uproots_tree_is_needed_once_at_most(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"x": "int32"})
    asked = []

    def whole() -> Any:
        asked.append(1)
        return file["Events"]

    with open_root(str(tmp_path / "a.root")) as file:
        read = read_tree(file, "Events")
        assert read is not None
        first = find_schema(*read, whole, {"dataset": "unread"})
        assert find_schema(*read, whole, {"dataset": "unread"}) is first
        assert asked == []
        by_uproot = find_schema(read[0], None, whole, {"dataset": "unread"})
        assert by_uproot is not first
        assert by_uproot.form == first.form


def test_titles_of_weights_belong_to_their_files() -> None:
    def title(leaves: Any) -> str:
        schema = find_schema(tree, leaves, lambda: None, {"dataset": "titles"})
        return str(schema.form.content("LHEPdfWeight").content.parameters["__doc__"])

    with open_root(str(real_file("nano_dy.root"))) as file:
        tree, leaves = read_tree(file, "Events")  # type: ignore[misc]
        other = {**leaves, "LHEPdfWeight": replace(leaves["LHEPdfWeight"], title="LHA IDs 306000 - 306102")}
        assert title(leaves).endswith("LHA IDs 91400 - 91432")
        assert title(other) == "LHA IDs 306000 - 306102"
        # titles that no weight reads don't make another schema
        third = {**leaves, "LHE_HT": replace(leaves["LHE_HT"], title="HT")}
        assert find_schema(tree, third, lambda: None, {}) is find_schema(tree, leaves, lambda: None, {})


@pytest.mark.parametrize("first", ["Jet", "Muon", "Candidate"])
@pytest.mark.parametrize("second", ["Muon", "Electron", "PtEtaPhiMCandidate"])
def test_differences_of_candidates(first: str, second: str) -> None:
    momenta = {"x": np.array([30.0, -5.0]), "y": np.array([1.0, 2.0]), "z": np.array([-40.0, 8.0]), "t": [60.0, 20.0]}
    one, other = (
        ak.Array(
            [{name: part[row] for name, part in momenta.items()} | {"charge": 1}], with_name=kind, behavior=behavior
        )
        for row, kind in enumerate((first, second))
    )
    difference = one - other
    for name, part in momenta.items():
        assert getattr(difference, name).to_list() == [pytest.approx(part[0] - part[1])]

from __future__ import annotations

import itertools
import subprocess
import sys

import awkward as ak
import pytest

from pocket.compat.awkward_names import SLOTS, add_names
from tests.law_runner import ROOT


def test_fields_of_tuples_against_a_loop() -> None:
    add_names()
    jets = [[1.0, 2.0, 3.0], [], [4.0], [5.0, 6.0]]
    pairs = ak.combinations(ak.Array(jets), 2)
    loop = [list(itertools.combinations(event, 2)) for event in jets]
    for slot, number in (("slot0", 0), ("slot1", 1)):
        assert getattr(pairs, slot).to_list() == [[pair[number] for pair in event] for event in loop]
    assert pairs[0, 2].slot1 == 3.0
    triples = ak.cartesian([ak.Array([[1]]), ak.Array([[2]]), ak.Array([[3]])])
    assert [getattr(triples, slot).to_list() for slot in list(SLOTS)[:3]] == [[[1]], [[2]], [[3]]]
    assert [int(field) for field in SLOTS.values()] == [*range(10)]


def test_brackets_are_as_before() -> None:
    add_names()
    assert ak.Array([{"slot0": 7, "0": 8}])["slot0"].to_list() == [7]
    with pytest.raises((AttributeError, IndexError, ak.errors.FieldNotFoundError)):
        _ = ak.Array([1, 2]).slot0


def test_they_come_with_pocketcoffeas_names() -> None:
    code = """
import awkward as ak
from pocket.base.runtime.import_names import install_import_names
pairs = ak.Array([(1, 2)])
assert not hasattr(pairs, "slot0")
install_import_names()
from pocket_coffea.lib.cut_functions import get_nObj_min
assert pairs.slot1.to_list() == [2]
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

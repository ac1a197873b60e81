from __future__ import annotations

from typing import Any

import pytest

from pocket.datasets.skim_sums import BeforeSkim, needs_all_files
from pocket.errors import BadFileError, DatasetError


def test_metadata_and_back() -> None:
    before = BeforeSkim(100, 12.5, -3.0)
    assert before.metadata() == {"nevents_before_skim": 100, "sum_genweights": 12.5, "sum_signOf_genweights": -3.0}
    assert BeforeSkim.of({"isSkim": True, "xsec": 1.0, **before.metadata()}) == before
    assert before.is_known
    assert BeforeSkim(sum_genweights=0.0).is_known


def test_what_nobody_noted() -> None:
    assert BeforeSkim.of({"isSkim": True}) == BeforeSkim()
    assert not BeforeSkim().is_known
    assert BeforeSkim().metadata() == {}


@pytest.mark.parametrize("metadata", [{}, {"isSkim": False}, {"sum_genweights": 3.0}])
def test_no_skim(metadata: dict[str, Any]) -> None:
    assert BeforeSkim.of(metadata) is None


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ((-1,), "'nevents_before_skim' of a skim can't be -1"),
        ((1, float("nan")), "'sum_genweights' of a skim can't be nan"),
        ((1, 1.0, float("inf")), "'sum_signOf_genweights' of a skim can't be inf"),
    ],
)
def test_impossible_sums(before: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        BeforeSkim(*before)


def test_file_that_is_needed() -> None:
    error = needs_all_files("DY", BadFileError("a.root is gone"))
    assert str(error).startswith("dataset 'DY': a.root is gone; it is a skim")

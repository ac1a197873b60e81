from __future__ import annotations

from typing import Any

import pytest

from benchmarks import datacards
from benchmarks.datacards import Bar, FallingTemplates, Size, declaration
from pocket.errors import UnknownNameError
from pocket.statistics import build_model

SMALL = Size(regions=2, bins=5, processes=2, shapes=3, norms=1)


def test_models_have_the_size_that_is_asked_for() -> None:
    model = build_model(declaration(SMALL), FallingTemplates(SMALL)).model
    assert [region.nominal.shape for region in model.regions] == [(2, 5), (2, 5)]
    assert len(model.nuisances) == 4


@pytest.mark.slow
@pytest.mark.parametrize(("bar", "code"), [(Bar(60.0, 1.0), 0), (Bar(60.0, 0.01), 1)])
def test_costs_are_those_of_a_process(capsys: Any, monkeypatch: pytest.MonkeyPatch, bar: Bar, code: int) -> None:
    monkeypatch.setattr(datacards, "CHECKS", {"small": (SMALL, bar)})
    assert datacards.main([]) == code
    assert " s of CPU time, " in capsys.readouterr().out


def test_unknown_check() -> None:
    with pytest.raises(UnknownNameError, match="unknown check 'region' in the arguments, did you mean 'regions'"):
        datacards.main(["region"])

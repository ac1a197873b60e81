from __future__ import annotations

from typing import Any

import pytest

from benchmarks import statistics
from pocket.errors import UnknownNameError


def test_times_are_printed(capsys: Any) -> None:
    statistics.large(regions=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["NLL", "gradient", "Hessian", "model", "impacts", "limits"]


def test_pyhf_finds_the_same_and_takes_longer(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "PYHF_BAR", 2.0)
    assert statistics.against_pyhf(regions=1, shapes=2, norms=1)
    assert "times as long, r = " in capsys.readouterr().out


def test_toys_are_counted(capsys: Any) -> None:
    statistics.many_toys(10)
    assert capsys.readouterr().out.startswith("10 toys: ")


@pytest.mark.parametrize(("passes", "code"), [(True, 0), (False, 1)])
def test_exit_code(monkeypatch: pytest.MonkeyPatch, passes: bool, code: int) -> None:
    monkeypatch.setattr(statistics, "CHECKS", {"large": lambda: True, "toys": lambda: passes})
    assert statistics.main([]) == code
    assert statistics.main(["large"]) == 0


def test_unknown_check() -> None:
    with pytest.raises(UnknownNameError, match="unknown check 'toy' in the arguments, did you mean 'toys'"):
        statistics.main(["toy"])

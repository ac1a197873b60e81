from __future__ import annotations

from typing import Any

import pytest

from benchmarks import fit_times
from benchmarks.fit_times import BAR, FITS, main, processor_time
from pocket.errors import UnknownNameError


@pytest.mark.parametrize("name", FITS)
def test_there_are_ten_alternatives(name: str) -> None:
    declaration, _ = FITS[name]
    assert len(declaration.systematics) + len(getattr(declaration, "alternative_fits", ())) == 10


@pytest.mark.parametrize("name", FITS)
def test_fits_take_less_than_the_bar(name: str) -> None:
    # of an otherwise idle core; this one may be shared by other tests
    assert 0 < processor_time(*FITS[name], bins=1) < 2 * BAR


@pytest.mark.parametrize(("bar", "code"), [(1e6, 0), (0.0, 1)])
def test_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: Any, bar: float, code: int) -> None:
    monkeypatch.setattr(fit_times, "BAR", bar)
    monkeypatch.setattr(fit_times, "processor_time", lambda *arguments: 50.0)
    assert main(["tnp_fit"]) == code
    assert capsys.readouterr().out.startswith("tnp_fit: 50 s for 100 bins with 10 alternatives; the bar is")


def test_unknown_method() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'tnp' in the arguments, did you mean 'tnp_fit'"):
        main(["tnp"])

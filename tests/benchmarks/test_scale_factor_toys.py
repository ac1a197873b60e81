from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import scale_factor_toys
from benchmarks.pulls import WIDE, Closure, Pulls
from benchmarks.scale_factor_toys import CONTROLS, METHODS, main
from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors.measurement.result import Measurement

pytestmark = pytest.mark.slow

#: Toys that are enough to see what is wrong on purpose.
FEW = 20
#: The fits take longest; one kind of toys is enough here.
QUICK = [name for name in METHODS if not name.startswith("tnp_fit,")]


@pytest.mark.parametrize("name", QUICK)
def test_method_finds_the_truth(name: str) -> None:
    pulls = METHODS[name].pulls(range(20))
    assert pulls.failures(WIDE) == set(), str(pulls)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if "electrons" in name else name for name in CONTROLS]
)
def test_control_fails_for_its_reason(name: str) -> None:
    closure, reason = CONTROLS[name]
    pulls = closure.pulls(range(FEW))
    assert reason in pulls.failures(WIDE), str(pulls)


def toy(mean: float, width: float, fails: float = 0.0) -> Closure:
    """Measurements of zeros in four bins, with a bias and an error that is wrong by a factor."""

    def measure(seed: int) -> Measurement:
        rng = np.random.default_rng(seed)
        if rng.random() < fails:
            raise ScaleFactorError("no minimum found")
        errors = np.full(4, 0.1)
        return Measurement(rng.normal(mean, width * 0.1, 4), errors, errors)

    return Closure(measure, np.zeros(4))


@pytest.mark.parametrize(
    ("closure", "code"),
    [(toy(0, 1), 0), (toy(0.02, 1), 1), (toy(0, 1.2), 1), (toy(0, 0.8), 1), (toy(0, 1, fails=0.05), 1)],
)
def test_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: Any, closure: Closure, code: int) -> None:
    monkeypatch.setattr(scale_factor_toys, "METHODS", {"mine": closure})
    assert main(["400", "mine"]) == code
    assert ("not as it must be: mine" in capsys.readouterr().out) == code


@pytest.mark.parametrize(("width", "code"), [(1.0, 1), (1.3, 0)])
def test_control_that_passes_is_an_error(monkeypatch: pytest.MonkeyPatch, width: float, code: int) -> None:
    monkeypatch.setattr(scale_factor_toys, "CONTROLS", {"mine": (toy(0, width), "width")})
    assert main(["400", "mine"]) == code


def test_error_towards_the_truth() -> None:
    asymmetric = Closure(
        lambda seed: Measurement(np.array([0.4, -0.4]), np.array([0.1, 0.1]), np.array([0.2, 0.2])), np.zeros(2)
    )
    assert asymmetric.pulls([1]).values == pytest.approx(np.array([[2.0, -4.0]]))


def test_one_wrong_bin_is_seen() -> None:
    values = np.random.default_rng(1).normal(size=(400, 20))
    assert Pulls(values, 400).failures(scale_factor_toys.Bars()) == set()
    shifted, wide = values.copy(), values.copy()
    shifted[:, 3] += 0.5
    wide[:, 3] *= 1.4
    assert Pulls(shifted, 400).failures(scale_factor_toys.Bars()) == {"bin_mean"}
    assert Pulls(wide, 400).failures(scale_factor_toys.Bars()) == {"bin_width"}


def test_unknown_method() -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'norm'"):
        main(["1", "norm"])

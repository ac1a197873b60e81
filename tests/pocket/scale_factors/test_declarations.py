from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import EfficiencyRatio, ScaleFactor, TagAndProbe, measure
from tests.pocket.scale_factors.toys import DECLARED


def probe(**changes: Any) -> TagAndProbe:
    return TagAndProbe(**{**DECLARED, "mass_range": (60, 120), **changes})


def test_flow_of_every_axis() -> None:
    assert EfficiencyRatio(**DECLARED).flows() == {"pt": "clamp", "abseta": "clamp"}
    assert EfficiencyRatio(**DECLARED, flow="error").flows() == {"pt": "error", "abseta": "error"}
    assert EfficiencyRatio(**DECLARED, flow={"abseta": "error"}).flows() == {"pt": "clamp", "abseta": "error"}


def test_lists_become_tuples() -> None:
    assert probe(axes=["pt"], data=["a", "b"]).data == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"category": ""}, "category is empty"),
        ({"axes": ()}, "axes needs at least one name"),
        ({"mc": ("",)}, "mc needs at least one name"),
        ({"data": "DATA"}, "data must be a list of names"),
        ({"axes": ("pt", "pt")}, "axes names something twice"),
        ({"axes": ("pt", "systematic")}, "added by the engine"),
        ({"axes": ("pt", "mass")}, "separates signal from background"),
        ({"axes": ("passing",)}, "separates signal from background"),
        ({"mass_range": (120, 60)}, "mass_range must rise"),
        ({"mass_range": (60, float("inf"))}, "mass_range must rise"),
    ],
)
def test_wrong_declaration(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        probe(**changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"flow": "clmp"}, "did you mean 'clamp'"),
        ({"flow": {"pt": "wrap"}}, "unknown flow 'wrap' in axis 'pt'"),
        ({"flow": {"abs_eta": "error"}}, "unknown axis 'abs_eta'.*did you mean 'abseta'"),
        ({"systematics": ("signal", "back")}, "unknown systematic 'back'"),
    ],
)
def test_unknown_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        probe(**changes)


def test_pass_axis_of_a_ratio_cannot_bin_it() -> None:
    with pytest.raises(ConfigError, match="separates passing from failing"):
        EfficiencyRatio(**{**DECLARED, "axes": ("pt", "passing")})


def test_own_method() -> None:
    class Own(ScaleFactor):
        method = f"{__name__}:own_method"

    declaration = Own(**DECLARED)
    assert measure("mine", declaration, {}) == ("mine", declaration, {})  # type: ignore[comparison-overlap]


def own_method(*arguments: Any) -> tuple[Any, ...]:
    return arguments


def test_declaring_imports_nothing_heavy() -> None:
    heavy = {"numpy", "awkward", "hist", "scipy", "iminuit", "correctionlib"}
    code = f"import sys, pocket.scale_factors; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"

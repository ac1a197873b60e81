from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import (
    Alternative,
    DataScaleFactor,
    EfficiencyRatio,
    Flat,
    LogNormal,
    Shape,
    Spread,
    TagAndProbeFit,
)
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Templates
from tests.entries import check_each
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.toys import DECLARED


def probe(**changes: Any) -> TagAndProbeFit:
    return TagAndProbeFit(**{**DECLARED, "mass_range": (60, 120), **changes})


def test_flow_of_every_axis() -> None:
    assert EfficiencyRatio(**DECLARED).flows() == {"pt": "clamp", "abseta": "clamp"}
    assert EfficiencyRatio(**DECLARED, flow="error").flows() == {"pt": "error", "abseta": "error"}
    assert EfficiencyRatio(**DECLARED, flow={"abseta": "error"}).flows() == {"pt": "clamp", "abseta": "error"}


def test_lists_become_tuples() -> None:
    assert probe(axes=["pt"], data=["a", "b"]).data == ("a", "b")


@check_each(
    ("changes", "text"),
    [
        ({"category": ""}, "category is empty"),
        ({"axes": ()}, "axes needs at least one name"),
        ({"mc": ("",)}, "mc needs at least one name"),
        ({"data": "DATA"}, "data must be a list of names"),
        ({"axes": ("pt", "pt")}, "axes names something twice"),
        ({"axes": ("pt", "systematic")}, "added by the engine"),
        ({"axes": ("pt", "mass")}, "separates signal from background"),
        ({"axes": ("passing",)}, "separates passing from failing"),
        ({"mass_range": (120, 60)}, "mass_range must rise"),
        ({"mass_range": (60, float("inf"))}, "mass_range must rise"),
        ({"bins": {"pt": (20,)}}, "the edges of axis 'pt' must rise"),
        ({"bins": {"pt": (20, 20)}}, "the edges of axis 'pt' must rise"),
        ({"bins": {"pt": (20, float("nan"), 50)}}, "the edges of axis 'pt' must rise"),
        ({"min_n_eff": -1}, "min_n_eff must not be negative"),
        ({"min_n_eff": float("nan")}, "min_n_eff must not be negative"),
        ({"years": ("2018", "2018")}, "years names something twice"),
        ({"upstream": "muon_id"}, "upstream must be a list of names"),
        ({"systematics": (Flat("a", 0.1), Shape("a"))}, "two systematics are named 'a'"),
        ({"systematics": (Alternative("a", {"mass_range": (120, 60)}),)}, "mass_range must rise"),
    ],
)
def test_wrong_declaration(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        probe(**changes)


@check_each(
    ("changes", "text"),
    [
        ({"flow": "clmp"}, "did you mean 'clamp'"),
        ({"flow": {"pt": "wrap"}}, "unknown flow 'wrap' in axis 'pt'"),
        ({"flow": {"abs_eta": "error"}}, "unknown axis 'abs_eta'.*did you mean 'abseta'"),
        ({"alternative_fits": ("signal", "back")}, "unknown alternative fit 'back'"),
        ({"bins": {"eta": (0, 1)}}, "unknown axis 'eta' in bins of"),
        ({"merge_axis": "ptt"}, "unknown axis 'ptt' in merge_axis of.*did you mean 'pt'"),
        ({"systematics": (LogNormal("a", 1.1, ("dyy",)),)}, "unknown simulated sample 'dyy' in systematic 'a'"),
        ({"systematics": (Alternative("a", {"categry": "x"}),)}, "unknown argument 'categry'.*did you mean 'category'"),
        ({"systematics": (Alternative("a", {"bins": {}}),)}, "unknown argument 'bins' in systematic 'a'"),
    ],
)
def test_unknown_name(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        probe(**changes)


def test_pass_axis_of_a_ratio_cannot_bin_it() -> None:
    with pytest.raises(ConfigError, match="separates passing from failing"):
        EfficiencyRatio(**{**DECLARED, "axes": ("pt", "passing")})


def test_what_is_read() -> None:
    systematics = (
        Shape("pileup"),
        Alternative("generator", {"input": "other", "mc": ("dy_other",)}),
        Spread("ht", {"variable": "low_ht"}, {"variable": "high_ht"}),
    )
    declaration = EfficiencyRatio(**DECLARED, systematics=systematics)
    assert declaration.sources() == (("toys", "probes"), ("other", "probes"), ("toys", "low_ht"), ("toys", "high_ht"))
    assert declaration.configs() == ("toys", "other")
    assert [(owner.name, each.input, each.variable, each.mc) for owner, each in declaration.changed()] == [
        ("generator", "other", "probes", ("dy_other",)),
        ("ht", "toys", "low_ht", ("dy",)),
        ("ht", "toys", "high_ht", ("dy",)),
    ]
    assert all(each.systematics == () for _, each in declaration.changed())
    assert declaration.bare() == EfficiencyRatio(**DECLARED)


class Own(DataScaleFactor):
    method = f"{__name__}:ratio"


def ratio(declaration: Own, templates: Templates) -> Measured:
    data, mc = templates.read(declaration.data), templates.read(declaration.mc)
    values = data.values / mc.values
    return Measured(Measurement(values, 0.1 * values, 0.1 * values))


def test_own_method() -> None:
    templates = toys.counting(1)
    result = measure("mine", Own(**DECLARED), templates)
    data = templates["data"].project("pt", "abseta").values()
    mc = templates["dy"][{"variation": "nominal"}].project("pt", "abseta").values()
    assert result.scale_factor.value == pytest.approx(data / mc)
    assert result.method == "Own"


def test_declaring_imports_nothing_heavy() -> None:
    heavy = {"numpy", "awkward", "hist", "scipy", "iminuit", "correctionlib"}
    code = f"import sys, pocket.scale_factors; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "set()"

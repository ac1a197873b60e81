from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import (
    Alternative,
    EfficiencyMap,
    EfficiencyRatio,
    LogNormal,
    TagAndProbeCount,
    TagAndProbeFit,
)
from tests.entries import check_each
from tests.pocket.scale_factors.toys import DECLARED

SIMULATED: dict[str, Any] = {key: value for key, value in DECLARED.items() if key != "data"}
TT_AND_MORE = {**SIMULATED, "mc": ("tt", "st", "dy"), "groups": {"top": ("tt", "st"), "other": ("dy",)}}


def count(**changes: Any) -> TagAndProbeCount:
    return TagAndProbeCount(**{**DECLARED, "peak": (76, 106), "sidebands": ((60, 70), (110, 120)), **changes})


def test_axes_and_categories_that_tell_passing_from_failing() -> None:
    ratio = EfficiencyRatio(**DECLARED)
    assert ratio.histogram_axes() == ("pt", "abseta", "passing")
    assert ratio.categories() == ratio.entry_categories() == ("baseline",)
    failing = EfficiencyRatio(**DECLARED, fail_category="fail")
    assert failing.histogram_axes() == ("pt", "abseta")
    assert failing.categories() == failing.entry_categories() == ("baseline", "fail")
    among = EfficiencyRatio(**DECLARED, denominator="all")
    assert among.histogram_axes() == ("pt", "abseta")
    assert among.categories() == ("baseline", "all")
    assert among.entry_categories() == ("all",)
    assert count(fail_category="fail").histogram_axes() == ("pt", "abseta", "mass")


@check_each(
    ("changes", "text"),
    [
        ({"fail_category": "fail", "denominator": "all"}, "give fail_category or denominator, not both"),
        ({"fail_category": "baseline"}, "category 'baseline' can't pass and fail"),
        ({"denominator": "baseline"}, "category 'baseline' can't pass and fail"),
        ({"sidebands": ()}, "sidebands needs at least one range"),
        ({"peak": (106, 76)}, r"peak must rise, not \(106, 76\)"),
        ({"sidebands": ((60, 60),)}, "a sideband must rise"),
        ({"sidebands": ((60, 80),)}, "peak and sidebands overlap at 76"),
        ({"sidebands": ((60, 70), (65, 75))}, "peak and sidebands overlap at 65"),
        ({"axes": ("mass",)}, "axis 'mass' separates signal from background"),
    ],
)
def test_wrong_declaration(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        count(**changes)


def test_sidebands_may_touch_the_peak() -> None:
    assert count(sidebands=((60, 76), (106, 120))).peak == (76, 106)


def test_groups_share_a_measurement() -> None:
    parts = EfficiencyMap(**TT_AND_MORE).per_sample()
    assert {sample: part.mc for sample, part in parts.items()} == {
        "tt": ("tt", "st"),
        "st": ("tt", "st"),
        "dy": ("dy",),
    }
    assert all(part.per_sample() == {} for part in parts.values())
    assert EfficiencyMap(**SIMULATED).per_sample() == {}


@pytest.mark.parametrize(
    "groups", [{"top": ("tt", "st")}, {"a": ("tt", "st", "dy"), "b": ("tt",)}, {"a": ("tt", "st", "d")}]
)
def test_groups_have_each_sample_once(groups: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ConfigError, match="groups must have each sample of mc once, not"):
        EfficiencyMap(**{**TT_AND_MORE, "groups": groups})


def test_rates_go_to_the_groups_that_have_them() -> None:
    rates = (LogNormal("top", 1.1, ("tt", "st", "dy")), LogNormal("dy", 1.3, ("dy",)))
    parts = EfficiencyMap(**TT_AND_MORE, systematics=rates).per_sample()
    assert parts["tt"].systematics == (LogNormal("top", 1.1, ("tt", "st")),)
    assert parts["dy"].systematics == (LogNormal("top", 1.1, ("dy",)), LogNormal("dy", 1.3, ("dy",)))


@pytest.mark.parametrize("key", ["mc", "groups", "axes", "min_n_eff"])
def test_what_no_systematic_changes(key: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown argument '{key}' in systematic 'other' of EfficiencyMap"):
        EfficiencyMap(**TT_AND_MORE, systematics=(Alternative("other", {key: ("tt",)}),))


def test_other_samples_for_all_together() -> None:
    other = Alternative("generator", {"mc": ("tt_other",)})
    ((_, changed),) = EfficiencyMap(**SIMULATED, systematics=(other,)).changed()
    assert changed.mc == ("tt_other",)


def test_bare_fit_has_no_alternatives() -> None:
    fit = TagAndProbeFit(**DECLARED, mass_range=(60, 120))
    assert fit.alternative_fits == ("signal", "background", "mass_range")
    assert fit.bare().alternative_fits == ()

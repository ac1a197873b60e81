from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import Flat, LogNormal, Shape
from tests.entries import check_each
from tests.pocket.scale_factors.tagging_toys import declaration


def test_axes_and_sources() -> None:
    systematics = (Shape("tilt"), LogNormal("xsec", kappa=1.1, samples=("tt",)), Flat("method", size=0.01))
    declared = declaration(systematics=systematics)
    assert declared.histogram_axes() == ("pt", "passing", "flavor", "sv_mass")
    assert [source.name for source in declared.fitted()] == ["tilt", "xsec"]
    assert [source.name for source in declared.remeasured_systematics()] == ["method"]


@check_each(
    ("changes", "text"),
    [
        ({"axes": ("pt", "sv_mass")}, "axis 'sv_mass' tells the flavours apart"),
        ({"axes": ("flavor", "pt")}, "axis 'flavor' tells the flavours apart"),
        ({"floating": ()}, "floating needs at least one name"),
        ({"frozen": {}}, "flavour 'light' must be either in floating or in frozen"),
        ({"floating": ("b", "c", "light")}, "flavour 'light' must be either"),
        ({"flavours": {"b": (5,), "c": (4, 5), "light": (0,)}}, "flavours share values: 5, 4, 5, 0"),
        ({"fractions": {"b": 0.0}}, "the uncertainty of 'b' must be above 0"),
        ({"frozen": {"light": (1.0, float("nan"))}}, "the uncertainty of 'light' must be above 0"),
    ],
)
def test_wrong_declaration(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        declaration(**changes)


@pytest.mark.parametrize("key", ["floating", "frozen", "fractions"])
def test_unknown_flavour(key: str) -> None:
    values = {"floating": ("b", "charm"), "frozen": {"charm": (1.0, 0.1)}, "fractions": {"charm": 0.1}}
    with pytest.raises(UnknownNameError, match=f"unknown flavour 'charm' in {key}"):
        declaration(**{key: values[key]})

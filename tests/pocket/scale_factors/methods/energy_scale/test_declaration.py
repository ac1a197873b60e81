from __future__ import annotations

from typing import Any

import pytest

from pocket import Axis
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.scale_factors.energy_toys import declared


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partner_axes": ("one", "other")}, "partner_axes names one, other, but axes abseta: each axis needs"),
        ({"partner_axes": ("abseta",)}, "axis 'abseta' is that of the other lepton"),
        ({"mass_range": (100, 80)}, r"mass_range must be two rising masses, not \(100, 80\)"),
        ({"background": ("dy",)}, "'dy' can't be in mc and in background"),
        ({"min_n_eff": 10.0}, "both leptons have the bins of the histogram, so bins= and min_n_eff= aren't possible"),
        ({"axes": ("mass",)}, "axis 'mass' has another meaning"),
    ],
)
def test_wrong_declarations(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        declared(**arguments)


def test_an_unknown_smearing_function() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'gaussian'"):
        declared(smearing_function="gausian")


def test_both_leptons_need_the_same_bins() -> None:
    axes = [
        Axis(coll="ll", field="mass", name="mass", bins=40, start=70, stop=110),
        Axis(coll="ll", field="eta", name="abseta", bins=(0, 1.5, 2.5)),
    ]
    same = Axis(coll="ll", field="other", name="other_abseta", bins=(0, 1.5, 2.5))
    declared().check_axes([*axes, same], "energy")
    other = Axis(coll="ll", field="other", name="other_abseta", bins=(0, 1.4, 2.5))
    with pytest.raises(ConfigError, match="axes 'abseta' and 'other_abseta' of histogram 'mass_by_eta' must have the"):
        declared().check_axes([*axes, other], "energy")

from __future__ import annotations

import dataclasses

import pytest

from pocket.scale_factors import EfficiencyRatio, Imported, ScaleFactor, ScaleFactorBase
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors import toys

MEASURED = EfficiencyRatio(**toys.DECLARED)
IMPORTED = Imported(file="id.json", correction="id")


def test_what_is_measured_reads_templates() -> None:
    assert isinstance(MEASURED, ScaleFactor)
    assert MEASURED.measured() == (MEASURED,)
    assert MEASURED.configs() == (MEASURED.input,)
    assert MEASURED.sources() == ((MEASURED.input, MEASURED.variable),)
    assert (MEASURED.files(), MEASURED.systematics_written()) == ((), None)


def test_what_is_imported_reads_none() -> None:
    assert isinstance(IMPORTED, ScaleFactorBase)
    assert not isinstance(IMPORTED, ScaleFactor)
    assert (IMPORTED.measured(), IMPORTED.sources(), IMPORTED.configs()) == ((), (), ())
    assert IMPORTED.files() == ("id.json",)


@pytest.mark.parametrize("declaration", [MEASURED, IMPORTED])
def test_functions_that_declarations_name(declaration: ScaleFactorBase) -> None:
    for reference in (declaration.maker, declaration.validator, declaration.checker, declaration.method):
        assert not reference or callable(find_function(reference))
    assert dataclasses.replace(declaration, description="Tight").description == "Tight"


def test_function_by_name() -> None:
    assert find_function("pocket.scale_factors.measurement.measure:measure") is measure

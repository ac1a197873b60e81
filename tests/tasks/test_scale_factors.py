from __future__ import annotations

import correctionlib
import pytest

from pocket.errors import UnknownNameError
from pocket.scale_factors.result import ScaleFactorResult
from tasks.scale_factors import RESULT, ComputeScaleFactors
from tests.tasks.chain import Chain


def test_file_says_what_was_measured(chain: Chain) -> None:
    task = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    result = ScaleFactorResult.from_json((task.directory / RESULT).read_text())
    correction = correctionlib.CorrectionSet.from_file(str(task.correction_file))["tight_id"]
    for pt, value, up in zip((20.0, 50.0), result.scale_factor.value, result.total_up, strict=True):
        assert correction.evaluate(pt, "nominal") == pytest.approx(value, rel=1e-12)
        assert correction.evaluate(pt, "up") == pytest.approx(value + up, rel=1e-12)


def test_it_is_measured_in_the_configuration_that_it_names(chain: Chain) -> None:
    task = chain.task(ComputeScaleFactors, scale_factor="tight_id")
    assert task.requires().config == "probes"
    assert task.config_part == "tight_id"


def test_declaration_is_part_of_the_path(chain: Chain) -> None:
    before = chain.task(ComputeScaleFactors, scale_factor="tight_id").fingerprint
    chain.edit("__init__.py", 'axes=("pt",),', 'axes=("pt",),\n    flow="error",')
    assert chain.task(ComputeScaleFactors, scale_factor="tight_id").fingerprint != before


def test_unknown_name(chain: Chain) -> None:
    with pytest.raises(
        UnknownNameError, match="unknown scale factor 'tight' in analysis 'small', did you mean 'tight_id'"
    ):
        chain.task(ComputeScaleFactors, scale_factor="tight")

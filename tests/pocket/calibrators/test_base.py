"""The base class, and what is refused about the calibrators of a configuration."""

from __future__ import annotations

from typing import Any

import pytest

from pocket.calibrators import Calibrator
from pocket.calibrators.base import check_calibrators, requested_variations
from pocket.errors import ConfigError, UnknownNameError


class Scale(Calibrator):
    name = "scale"
    has_variations = True


class Correction(Calibrator):
    name = "correction"


def test_what_a_calibrator_knows() -> None:
    calibrator = Scale({"a": 1}, {"year": 2018, "isMC": True}, do_variations=False)
    assert (calibrator.params, calibrator.year, calibrator.isMC, calibrator.do_variations) == (
        {"a": 1},
        "2018",
        True,
        False,
    )
    assert calibrator.variations == ()
    calibrator._variations = ["scaleUp", "scaleDown"]
    assert calibrator.variations == ("scaleUp", "scaleDown")


def test_variations_must_be_known_after_init() -> None:
    class Late(Scale):
        """As calibrators of PocketCoffea are written."""

        def __init__(self, params: Any, metadata: Any, do_variations: bool, **kwargs: Any) -> None:
            super().__init__(params, metadata, do_variations, **kwargs)
            if params["early"]:
                self._variations = [f"scale{side}" for side in metadata["sides"]]

    metadata = {"year": "2018", "isMC": True, "sides": ["Up", "Down"]}
    assert requested_variations(Late({"early": True}, metadata, True)) == ("scaleUp", "scaleDown")
    # a year may have none
    assert requested_variations(Late({"early": True}, {**metadata, "sides": []}, True)) == ()
    assert requested_variations(Late({"early": False}, metadata, False)) == ()
    with pytest.raises(ConfigError, match="'scale' is asked for its variations, but has none after __init__"):
        requested_variations(Late({"early": False}, metadata, True))


def test_calibrate_must_be_written() -> None:
    with pytest.raises(NotImplementedError, match=r"calibrator 'scale' has no calibrate\(\)"):
        Scale({}, {"year": "2018", "isMC": True}).calibrate(None, {}, "nominal", [])


def test_good_calibrators_pass() -> None:
    check_calibrators([Scale, Correction], ["scale"], "here")


@pytest.mark.parametrize(
    ("classes", "requested", "error", "text"),
    [
        (
            [Scale, type("Other", (Scale,), {})],
            [],
            ConfigError,
            "two calibrators have the name 'scale': Scale, Other",
        ),
        ([Calibrator], [], ConfigError, "calibrator Calibrator has no name: set name in the class"),
        ([Scale], ["scales"], UnknownNameError, "unknown calibrator 'scales' in variations, did you mean 'scale'?"),
        (
            [Correction],
            ["correction"],
            ConfigError,
            "calibrator 'correction' in variations has no variations: leave it out, or set has_variations",
        ),
    ],
)
def test_refused(classes: list[type[Calibrator]], requested: list[str], error: type[ConfigError], text: str) -> None:
    with pytest.raises(error) as raised:
        check_calibrators(classes, requested, "variations")
    assert str(raised.value) == text

from __future__ import annotations

import re
from typing import Any

import awkward as ak
import pytest
import uproot

from pocket.errors import ConfigError
from pocket.weights.theory import (
    SCALES,
    FactorisationScale,
    PartonShowerFSR,
    PartonShowerISR,
    QCDScale,
    RenormalisationScale,
)
from tests.real_files import real_file

#: as NanoAOD documents LHEScaleWeight: (renormalisation, factorisation), entry
NINE = {
    (0.5, 0.5): 1.30,
    (0.5, 1): 1.20,
    (0.5, 2): 9.00,
    (1, 0.5): 1.10,
    (1, 1): 1.00,
    (1, 2): 0.95,
    (2, 0.5): 0.01,
    (2, 1): 0.85,
    (2, 2): 0.80,
}
EIGHT = {scales: value for scales, value in NINE.items() if scales != (1, 1)}


def variations(weight: Any, events: ak.Array) -> tuple[list[float], list[float]]:
    nominal, varied = weight({}, {"sample": "TT"}).evaluate(events, len(events), "nominal")
    assert nominal.tolist() == [1.0] * len(events)
    name = weight.name
    assert set(varied) == {f"{name}Up", f"{name}Down"}
    return varied[f"{name}Up"].tolist(), varied[f"{name}Down"].tolist()


@pytest.mark.parametrize("entries", [NINE, EIGHT], ids=["nine", "without the nominal one"])
def test_scales(entries: dict[tuple[float, float], float]) -> None:
    events = ak.Array({"LHEScaleWeight": [list(entries.values()), [1.0] * len(entries)]})
    assert variations(RenormalisationScale, events) == ([0.85, 1.0], [1.20, 1.0])
    assert variations(FactorisationScale, events) == ([0.95, 1.0], [1.10, 1.0])
    assert variations(QCDScale, events) == ([1.30, 1.0], [0.80, 1.0])


def test_envelope_contains_the_nominal_weight() -> None:
    events = ak.Array({"LHEScaleWeight": [[1.5] * 8, [0.5] * 8]})
    assert variations(QCDScale, events) == ([1.5, 1.0], [1.0, 0.5])


def test_parton_shower() -> None:
    events = ak.Array({"PSWeight": [[1.1, 1.2, 0.9, 0.8], [1.0, 1.5, 1.0, 0.5]]})
    assert variations(PartonShowerISR, events) == ([1.1, 1.0], [0.9, 1.0])
    assert variations(PartonShowerFSR, events) == ([1.2, 1.5], [0.8, 0.5])


def test_no_events() -> None:
    events = ak.Array({"PSWeight": [[1.0] * 4], "LHEScaleWeight": [[1.0] * 9]})[:0]
    for weight in (PartonShowerISR, PartonShowerFSR, QCDScale, RenormalisationScale, FactorisationScale):
        assert variations(weight, events) == ([], [])


def test_inside_a_shape_variation_there_is_only_the_nominal_weight() -> None:
    events = ak.Array({"PSWeight": [[1.1, 1.2, 0.9, 0.8]]})
    nominal, varied = PartonShowerISR({}, {}).evaluate(events, 1, "JES_TotalUp")
    assert (nominal.tolist(), varied) == ([1.0], {})


def test_samples_without_variations_are_refused() -> None:
    metadata = {"sample": "QCD"}
    alone = ak.Array({"PSWeight": [[1.0], [1.0]], "LHEScaleWeight": [[], []]})
    with pytest.raises(
        ConfigError,
        match="weight 'sf_partonshower_isr' needs 4 entries per event in PSWeight, sample 'QCD' has 1",
    ):
        PartonShowerISR({}, metadata).evaluate(alone, 2, "nominal")
    with pytest.raises(ConfigError, match=r"'sf_qcd_scale' needs 9 or 8 entries per event in LHEScaleWeight.* has 0"):
        QCDScale({}, metadata).evaluate(alone, 2, "nominal")
    mixed = ak.Array({"LHEScaleWeight": [[1.0] * 9, [1.0] * 8]})
    with pytest.raises(ConfigError, match="sample 'QCD' has 8 and 9"):
        QCDScale({}, metadata).evaluate(mixed, 2, "nominal")


def test_documentation_of_a_real_file_agrees() -> None:
    with uproot.open(real_file("nano_dy.root")) as file:
        title = file["Events"]["LHEScaleWeight"].title
    documented = re.findall(r"muR=(\S+) muF=(\S+)", title)
    assert [(float(mu_r), float(mu_f)) for mu_r, mu_f in documented] == list(NINE) == list(SCALES)

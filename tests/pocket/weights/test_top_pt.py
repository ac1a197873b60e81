from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.weights.top_pt import TopPtData, TopPtNNLO

LAST = 1 << 13


def records(n: int = 10_000) -> list[list[dict[str, float]]]:
    """Return generated particles: top quarks in several copies, in any order, and in some events one or none."""
    rng = np.random.default_rng(2)
    found = []
    for number in range(n):
        particles = [{"pdgId": 21, "pt": float(rng.exponential(50)), "statusFlags": LAST}]
        for code in (6, -6):
            if (number % 10 == 1 and code == -6) or number % 10 == 2:
                continue
            pt = float(np.float32(rng.exponential(250)))
            particles.append({"pdgId": code, "pt": pt * 2, "statusFlags": 1})
            particles.append({"pdgId": code, "pt": pt, "statusFlags": LAST | 1})
        rng.shuffle(particles)  # type: ignore[arg-type]
        found.append(particles)
    return found


@pytest.mark.parametrize(
    ("weight", "factor"),
    [
        (TopPtData, lambda pt: math.exp(0.0615 - 0.0005 * min(pt, 500))),
        (TopPtNNLO, lambda pt: 0.103 * math.exp(-0.0118 * pt) - 0.000134 * pt + 0.973),
    ],
)
def test_against_a_loop_over_events(weight: type, factor: object) -> None:
    events = records()
    expected = []
    for particles in events:
        pts = {p["pdgId"]: p["pt"] for p in particles if abs(p["pdgId"]) == 6 and p["statusFlags"] & LAST}
        expected.append(math.sqrt(factor(pts[6]) * factor(pts[-6])) if len(pts) == 2 else 1.0)  # type: ignore[operator]
    nominal, varied = weight({}, {}).evaluate(ak.Array({"GenPart": events}), len(events), "nominal")
    assert np.allclose(nominal, expected, rtol=1e-14, atol=0)
    assert np.allclose(varied[f"{weight.name}Up"], [each**2 for each in expected], rtol=1e-14, atol=0)  # type: ignore[attr-defined]
    assert varied[f"{weight.name}Down"].tolist() == [1.0] * len(events)  # type: ignore[attr-defined]
    assert sum(each == 1.0 for each in expected) == 2000


def test_events_without_generated_particles_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="GenPart"):
        TopPtNNLO({}, {}).evaluate(ak.Array({"Muon": [[1]]}), 1, "nominal")

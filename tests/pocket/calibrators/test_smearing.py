"""Smearing against its definition, and the random numbers."""

from __future__ import annotations

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from pocket.calibrators.smearing import flat, matched_gen_pt, normal_numbers, smear_factor


def test_stochastic_smearing_gives_the_resolution_of_data() -> None:
    """Jets of one true pt with 10% resolution get 13% if data have 1.3 times the resolution."""
    rng = np.random.default_rng(1)
    n, resolution, ratio = 200_000, 0.10, 1.3
    pt = 100 * rng.normal(1, resolution, n)
    factor = smear_factor(pt, np.zeros(n), np.full(n, resolution), np.full(n, ratio), rng.normal(size=n))
    assert np.mean(pt * factor) == pytest.approx(100, abs=0.15)
    # the width of the factor is relative to pt, which adds the product of both resolutions
    expected = 100 * math.hypot(0.13, 0.1 * 0.1 * math.sqrt(0.69))
    assert np.std(pt * factor) == pytest.approx(expected, rel=0.01)


def test_scaling_gives_the_resolution_of_data() -> None:
    rng = np.random.default_rng(2)
    n = 100_000
    pt = 100 * rng.normal(1, 0.10, n)
    factor = smear_factor(pt, np.full(n, 100.0), np.full(n, 0.1), np.full(n, 1.3), rng.normal(size=n))
    np.testing.assert_allclose(pt * factor - 100, 1.3 * (pt - 100), atol=1e-9)


@settings(max_examples=50)
@given(
    pt=st.floats(1, 1000),
    gen_pt=st.just(0.0) | st.floats(1, 1000),
    resolution=st.floats(0, 1),
    ratio=st.floats(0.5, 2),
    normal=st.floats(-5, 5),
)
def test_smear_factor(pt: float, gen_pt: float, resolution: float, ratio: float, normal: float) -> None:
    if gen_pt > 0:
        expected = 1 + (ratio - 1) * (pt - gen_pt) / pt
    else:
        expected = 1 + normal * resolution * math.sqrt(max(ratio**2 - 1, 0))
    found = smear_factor(*(np.array([value]) for value in (pt, gen_pt, resolution, ratio, normal)))
    assert found[0] * pt == pytest.approx(max(expected * pt, 0.01))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(2.9, 3.14), st.integers(-1, 3)), max_size=4),
            st.lists(st.tuples(st.floats(20, 60), st.floats(-0.3, 0.3), st.floats(-3.14, 3.14)), max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_matching_against_a_loop(content: list[tuple[list[tuple[float, ...]], list[tuple[float, ...]]]]) -> None:
    jet_events, gen_events = zip(*content, strict=True)
    expected = []
    for event_jets, event_gen in content:
        for eta, phi, index in event_jets:
            match = 0.0
            if 0 <= index < len(event_gen):
                gen_pt, gen_eta, gen_phi = event_gen[int(index)]
                delta_phi = math.atan2(math.sin(phi - gen_phi), math.cos(phi - gen_phi))
                if math.hypot(eta - gen_eta, delta_phi) < 0.2 and abs(40 - gen_pt) < 3 * 0.1 * 40:
                    match = gen_pt
            expected.append(match)

    def records(events: tuple[list[tuple[float, ...]], ...], names: tuple[str, ...]) -> ak.Array:
        values = np.array([row for rows in events for row in rows], dtype=np.float64).reshape(-1, len(names))
        counts = [len(rows) for rows in events]
        return ak.zip({name: ak.unflatten(values[:, i], counts) for i, name in enumerate(names)})

    jets, gen = records(jet_events, ("eta", "phi", "link")), records(gen_events, ("pt", "eta", "phi"))
    n = len(expected)
    found = matched_gen_pt(jets, gen, "link", np.full(n, 40.0), np.full(n, 0.1), 0.4)
    np.testing.assert_array_equal(found, expected)


def toy_jets(n: int) -> tuple[ak.Array, ak.Array]:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 5, n)
    jets = {name: ak.unflatten(rng.uniform(-2, 2, counts.sum()).astype(np.float32), counts) for name in ("eta", "phi")}
    # beyond 32 bits
    events = {"run": np.full(n, 1), "luminosityBlock": np.arange(n) // 100, "event": 2**33 + np.arange(n)}
    return ak.Array(events), ak.zip(jets)


def test_random_numbers_are_normal_and_independent() -> None:
    events, jets = toy_jets(20_000)
    numbers = normal_numbers(0, events, jets)
    assert kstest(numbers, "norm").pvalue > 0.01
    assert len(np.unique(numbers)) == len(numbers)
    others = [
        normal_numbers(1, events, jets),
        normal_numbers(0, ak.with_field(events, events.event + 1, "event"), jets),
    ]
    for other in others:
        assert abs(np.corrcoef(numbers, other)[0, 1]) < 4 / math.sqrt(len(numbers))


def test_random_numbers_do_not_depend_on_the_other_events() -> None:
    events, jets = toy_jets(500)
    numbers = ak.unflatten(normal_numbers(0, events, jets), ak.num(jets))
    order = np.random.default_rng(4).permutation(500)[:200]
    np.testing.assert_array_equal(normal_numbers(0, events[order], jets[order]), flat(numbers[order]))
    # nor on the order of the jets of an event
    np.testing.assert_array_equal(normal_numbers(0, events, jets[:, ::-1]), flat(numbers[:, ::-1]))


def test_no_jets() -> None:
    events, jets = toy_jets(3)
    assert normal_numbers(0, events, jets[:, :0]).shape == (0,)
    assert flat(jets[:0].eta).shape == (0,)

from __future__ import annotations

import numpy as np
import pytest

from pocket.toys.precision import round_direction, round_mantissa, stored
from pocket.toys.tables import Table


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_rounding_is_to_the_nearest(bits):
    values = np.random.default_rng(1).normal(0, 30, 1000)
    rounded = round_mantissa(values, bits)
    assert rounded.dtype == np.float32
    assert np.all(np.abs(rounded / values - 1) <= 2.0 ** -(bits + 1) * (1 + 1e-4))
    assert abs(np.mean(rounded / values - 1)) < 2.0**-bits / 20
    assert np.array_equal(round_mantissa(rounded, bits), rounded)


def test_directions_are_stored_as_they_are():
    phi = np.array([np.pi, -np.pi, 3.5, -3.5, 0.1])
    table = round_direction(Table(np.zeros(5, dtype=int), {"eta": np.linspace(-2, 2, 5), "phi": phi}))
    assert np.all(np.abs(table["phi"]) <= np.float32(np.pi))
    np.testing.assert_allclose(np.cos(table["phi"]), np.cos(phi), atol=1e-3)
    np.testing.assert_allclose(np.sin(table["phi"]), np.sin(phi), atol=1e-3)
    for name in ("eta", "phi"):
        assert np.array_equal(stored(f"Muon_{name}", table[name]), table[name])


def test_types():
    assert stored("Muon_pdgId", np.array([13])).dtype == np.int32
    assert stored("run", np.array([1], dtype=np.uint32)).dtype == np.uint32
    assert stored("Muon_tightId", np.array([True])).dtype == bool
    assert stored("PV_z", np.array([0.1])).dtype == np.float32


def test_lepton_pt_keeps_single_precision():
    pt = np.array([25.123456])
    assert stored("Muon_pt", pt)[0] == np.float32(pt[0])
    assert stored("Jet_pt", pt)[0] != np.float32(pt[0])

from __future__ import annotations

import numpy as np
import pytest

from pocket.errors import ConfigError, ScaleFactorError
from pocket.scale_factors import TagAndProbeFit
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.methods.tag_and_probe.mass_windows import mass_edges, mass_window
from tests.pocket.scale_factors import toys

FIT = TagAndProbeFit(**toys.DECLARED, mass_range=(60, 120))
EDGES = np.linspace(60, 120, 31)


def templates(masses: int) -> Templates:
    histograms = {"data": toys.template(is_mc=False), "dy": toys.template(is_mc=True, masses=masses)}
    return Templates("id", FIT, histograms, find_bins("id", FIT, histograms))


def test_edges() -> None:
    assert mass_edges(FIT, templates(60)).tolist() == np.linspace(60, 120, 61).tolist()


def test_data_and_simulation_have_the_same_edges() -> None:
    with pytest.raises(ScaleFactorError, match="'probes': data and simulation have different bins on axis 'mass'"):
        mass_edges(FIT, templates(30))


@pytest.mark.parametrize("bounds", [(60.0, 120.0), (70.0, 72.0), (80.0, 110.0)])
def test_window_has_the_bins_of_the_range(bounds: tuple[float, float]) -> None:
    window = mass_window(FIT, EDGES, "peak", bounds)
    assert EDGES[:-1][window].tolist() == [edge for edge in EDGES[:-1].tolist() if bounds[0] <= edge < bounds[1]]


def test_off_the_edges() -> None:
    with pytest.raises(ConfigError, match=r"'mass': peak \(71.5, 120\) isn't on bin edges, nearest: \(72, 120\)"):
        mass_window(FIT, EDGES, "peak", (71.5, 120))

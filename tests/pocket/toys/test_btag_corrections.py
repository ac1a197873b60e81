from __future__ import annotations

import numpy as np
import pytest

from pocket.toys.btag_corrections import SHAPE, btag_shape, shape_scale_factors
from pocket.toys.truth import tag_efficiency, tagger_score

#: the centre of a bin of pt, where the correction is the truth
PT = 60.0
QUANTILES = (np.arange(200_000) + 0.5) / 200_000
VARIATIONS = ("hf", "lf", "hfstats1", "hfstats2", "lfstats1", "lfstats2")


@pytest.fixture(scope="module")
def shape(config):
    made = btag_shape(config.truth)
    assert made.name == SHAPE
    return made.to_evaluator()


def scores(flavour, config, is_data):
    return tagger_score(QUANTILES, flavour, np.full(len(QUANTILES), PT), config.truth, is_data)


def test_layout_of_the_b_tagging_group(shape):
    inputs = [(variable.name, variable.type) for variable in shape.inputs]
    assert inputs == [
        ("systematic", "string"),
        ("flavor", "int"),
        ("abseta", "real"),
        ("pt", "real"),
        ("discriminant", "real"),
    ]


@pytest.mark.parametrize("flavour", [5, 4, 0])
def test_scale_factors_are_the_ratio_of_the_distributions(flavour, config):
    edges = np.linspace(0, 1, 11)
    simulation, data = (np.histogram(scores(flavour, config, is_data), edges)[0] for is_data in (False, True))
    (factors,) = shape_scale_factors(flavour, np.array([PT]), edges, config.truth)
    np.testing.assert_allclose(factors, data / simulation, rtol=5e-3)


@pytest.mark.parametrize("flavour", [5, 4, 0])
def test_simulation_gets_the_efficiency_of_data_and_keeps_its_normalisation(flavour, shape, config):
    score = scores(flavour, config, False)
    weight = shape.evaluate("central", flavour, 1.0, PT, score)
    assert weight.mean() == pytest.approx(1, abs=1e-3)
    tagged = score > config.truth.tagger.working_point
    in_data, in_simulation = (float(tag_efficiency(flavour, PT, config.truth, is_data)) for is_data in (True, False))
    assert (weight * tagged).mean() == pytest.approx(in_data, rel=2e-3)
    assert in_data != pytest.approx(in_simulation, rel=0.02)


def test_variations_exist_for_their_flavours_only(shape):
    for variation in VARIATIONS:
        for flavour in (5, 0):
            central, up, down = (
                shape.evaluate(kind, flavour, 1.0, 40.0, 0.9)
                for kind in ("central", f"up_{variation}", f"down_{variation}")
            )
            assert up - central == pytest.approx(central - down)
        with pytest.raises((IndexError, RuntimeError)):
            shape.evaluate(f"up_{variation}", 4, 1.0, 40.0, 0.9)
    for variation in ("cferr1", "cferr2"):
        assert shape.evaluate(f"up_{variation}", 4, 1.0, 40.0, 0.9) != shape.evaluate("central", 4, 1.0, 40.0, 0.9)
        with pytest.raises((IndexError, RuntimeError)):
            shape.evaluate(f"up_{variation}", 5, 1.0, 40.0, 0.9)


def test_every_variation_changes_something(shape):
    for variation in VARIATIONS:
        changes = [
            shape.evaluate(f"up_{variation}", flavour, 1.0, 40.0, score)
            - shape.evaluate("central", flavour, 1.0, 40.0, score)
            for flavour in (5, 0)
            for score in (0.05, 0.95)
        ]
        assert any(abs(change) > 1e-3 for change in changes)


def test_all_scores_and_momenta_are_covered(shape):
    for score in (0.0, 0.2783, 1.0):
        for pt in (20.0, 599.0, 5000.0):
            assert 0 < shape.evaluate("central", 0, 2.4, pt, score) < 5

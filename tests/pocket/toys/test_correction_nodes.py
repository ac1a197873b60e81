from __future__ import annotations

import correctionlib
import numpy as np
import pytest
from correctionlib import schemav2

from pocket.toys.correction_nodes import binning, category, centres, correction


def test_centres():
    assert centres([0.0, 1.0, 3.0]).tolist() == [0.5, 2.0]
    assert centres([10.0, 20.0, np.inf]).tolist() == [15.0, 30.0]


def test_corrections_evaluate_to_the_values_of_their_bins():
    inputs = [schemav2.Variable(name="kind", type="string")]
    inputs += [schemav2.Variable(name=name, type="real") for name in ("x", "y")]
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    edges = {"x": [0.0, 1.0, 2.0], "y": [0.0, 10.0, 20.0, np.inf]}
    content = {"plain": binning(edges, values), "double": binning(edges, 2 * values)}
    made = correction("sf", "about it", inputs, category("kind", content))
    evaluator = made.to_evaluator()
    for row, x in enumerate((0.5, 1.5)):
        for column, y in enumerate((5.0, 15.0, 1e6)):
            assert evaluator.evaluate("plain", x, y) == values[row, column]
            assert evaluator.evaluate("double", x, y) == 2 * values[row, column]
    assert (made.name, made.description, made.output.name) == ("sf", "about it", "weight")
    for x, y in ((-0.1, 5.0), (2.0, 5.0), (0.5, -1.0)):
        with pytest.raises((IndexError, RuntimeError)):
            evaluator.evaluate("plain", x, y)
    assert isinstance(evaluator, correctionlib.highlevel.Correction)

"""Scale factors in files, in bins and evaluated."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as schema
import numpy as np
import pytest

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.interactive import ScaleFactorFile, read_scale_factor
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import VALID, Measurement, ScaleFactorResult

VALUES = np.array([[0.9, 0.95, 1.0], [1.1, 1.05, 0.99]])
UP, DOWN = np.full((2, 3), 0.03), np.full((2, 3), 0.02)
SHIFT = np.full((2, 3), 0.04)


def measured() -> ScaleFactorResult:
    """Return a scale factor for two years, in three bins of pt."""
    return ScaleFactorResult(
        name="id",
        method="EfficiencyRatio",
        description="",
        quantity="weight",
        axes={"year": Categories(("2017", "2018")), "pt": (20.0, 30.0, 50.0, 200.0)},
        flow={"pt": "clamp"},
        scale_factor=Measurement(VALUES, UP, DOWN),
        systematics={"shape": (-SHIFT, SHIFT)},
        groups=np.arange(6).reshape(2, 3),
        status=(VALID,) * 6,
        efficiencies={"data": Measurement(VALUES * 0.8, UP, DOWN), "mc": Measurement(np.full((2, 3), 0.8), UP, DOWN)},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "id.json").write_text(dumps(measured()))
    (tmp_path / "result.json").write_text(measured().to_json())
    return tmp_path


@pytest.fixture
def sf(folder: Path) -> ScaleFactorFile:
    return read_scale_factor(folder)


def test_bins_and_uncertainties(sf: ScaleFactorFile) -> None:
    assert sf.bins == {"year": ("2017", "2018"), "pt": (20.0, 30.0, 50.0, 200.0)}
    np.testing.assert_allclose(sf.values, VALUES, rtol=1e-14)
    assert list(sf.uncertainties) == ["total", "shape", "stat"]
    up, down = sf.uncertainties["total"]
    np.testing.assert_allclose(up, measured().total_up, rtol=1e-12)
    np.testing.assert_allclose(down, measured().total_down, rtol=1e-12)
    # a source that goes down when it is varied up has distances on both sides
    np.testing.assert_allclose(sf.uncertainties["shape"], (SHIFT, SHIFT), rtol=1e-12)
    table = sf.table()
    assert len(table) == 6
    assert table["year 2018, pt [20, 30)"]["value"] == "1.1000"
    assert table["year 2018, pt [20, 30)"]["stat"] == "+0.0300 −0.0200"
    assert "year 2018" in sf._repr_html_()


def test_evaluation(sf: ScaleFactorFile) -> None:
    assert sf.inputs == {"year": "string", "pt": "real"}
    assert sf.evaluate(year="2018", pt=25.0) == pytest.approx(1.1)
    assert isinstance(sf.evaluate(year="2018", pt=25), float)
    assert sf.evaluate("stat_up", year="2017", pt=1000.0) == pytest.approx(1.03)
    assert sf.evaluate(year="2017", pt=[25.0, 40.0]) == pytest.approx([0.9, 0.95])
    grid = sf.evaluate("down", year="2017", pt=np.array([[25.0, 40.0], [60.0, 25.0]]))
    assert grid.shape == (2, 2)
    assert grid[1, 1] == grid[0, 0] == pytest.approx(0.9 - np.hypot(0.02, 0.04))
    jagged = sf.evaluate(year="2018", pt=ak.Array([[25.0], [], [40.0, 300.0]]))
    assert ak.num(jagged).tolist() == [1, 0, 2]
    assert ak.flatten(jagged).tolist() == pytest.approx([1.1, 1.05, 0.99])
    # what an input misses keeps its place
    leading = ak.firsts(ak.Array([[25.0], [], [40.0, 300.0]]))
    assert sf.evaluate(year="2018", pt=leading).tolist() == [pytest.approx(1.1), None, pytest.approx(1.05)]
    gaps = sf.evaluate(year="2018", pt=ak.Array([[None, 25.0], None, [], [40.0, None]]))
    assert gaps.tolist() == [[None, pytest.approx(1.1)], None, [], [pytest.approx(1.05), None]]
    assert sf.evaluate(year="2018", pt=ak.Array([[None], []])[:, :1]).tolist() == [[None], []]


def test_other_corrections_of_the_file(folder: Path, sf: ScaleFactorFile) -> None:
    assert sf.corrections == ("id", "id_efficiency_data", "id_efficiency_mc")
    efficiency = read_scale_factor(folder / "id.json", "id_efficiency_mc")
    assert efficiency.systematics == ("nominal",)
    assert efficiency.uncertainties == {}
    np.testing.assert_allclose(efficiency.values, 0.8)
    with pytest.raises(UnknownNameError, match=r"unknown correction 'id_efficiency' in id\.json, did you mean"):
        read_scale_factor(folder, "id_efficiency")


def test_formula_has_no_bins(tmp_path: Path) -> None:
    formula = schema.Formula(nodetype="formula", expression="1+0.001*x", parser="TFormula", variables=["pt"])
    correction = schema.Correction(
        name="f",
        version=1,
        inputs=[schema.Variable(name="pt", type="real")],
        output=schema.Variable(name="weight", type="real"),
        data=formula,
    )
    content = schema.CorrectionSet(schema_version=2, corrections=[correction])
    (tmp_path / "f.json").write_text(content.model_dump_json(exclude_unset=True))
    sf = read_scale_factor(tmp_path)
    assert sf.bins == {}
    assert sf.evaluate(pt=[100.0, 200.0]) == pytest.approx([1.1, 1.2])
    with pytest.raises(ScaleFactorError, match=r"correction 'f' of f\.json has no bins: evaluate it instead"):
        _ = sf.values
    assert "f.json" in sf._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"year": "2018"}, "correction 'id' of id.json needs pt"),
        ({"year": "2018", "pT": 25.0}, "unknown input 'pT' in correction 'id' of id.json, did you mean 'pt'"),
        ({"year": "2016", "pt": 25.0}, "knows no year '2016'; known: 2017, 2018"),
        ({"systematic": "shape", "year": "2018", "pt": 25.0}, "unknown systematic 'shape'"),
        ({"year": "2018", "pt": np.nan}, "NaN"),
        ({"year": "2018", "pt": ak.Array([[[1.0]]])}, "inputs have 3 dimensions"),
    ],
)
def test_wrong_inputs(arguments: dict[str, Any], error: str, sf: ScaleFactorFile) -> None:
    with pytest.raises((ConfigError, UnknownNameError)) as raised:
        sf.evaluate(**arguments)
    assert error in str(raised.value)


def test_an_absolute_value_is_not_negative(tmp_path: Path) -> None:
    result = dataclasses.replace(measured(), axes={"year": measured().axes["year"], "abseta": (0.0, 0.9, 1.2, 2.4)})
    result = dataclasses.replace(result, flow={"abseta": "clamp"})
    (tmp_path / "id.json").write_text(dumps(result))
    sf = read_scale_factor(tmp_path)
    assert sf.evaluate(year="2018", abseta=[0.0, 2.0]) == pytest.approx([1.1, 0.99])
    for eta in (-2.0, [0.5, -2.0], ak.Array([[0.5], [], [-2.0]])):
        with pytest.raises(ConfigError, match=r"'id' of id\.json takes absolute values as abseta, and one is negative"):
            sf.evaluate(year="2018", abseta=eta)


def test_what_is_shown(sf: ScaleFactorFile) -> None:
    assert repr(sf) == f"ScaleFactorFile of 'id' in {sf.path}: year ['2017', '2018'], pt [20.0, 30.0, 50.0, 200.0]"


def test_wrong_places(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="is no output of ComputeScaleFactors: it needs one file of a correction, and has none"
    ):
        read_scale_factor(tmp_path)
    with pytest.raises(ConfigError, match=r"/sf\.json doesn't exist"):
        read_scale_factor(tmp_path / "sf.json")
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps({}))
    with pytest.raises(ConfigError, match=r"has a\.json, b\.json"):
        read_scale_factor(tmp_path)

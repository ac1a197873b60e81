from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import correctionlib.schemav2 as cs
import pytest

from pocket.corrections.comparison import UsedCorrection, compare_corrections, compare_names
from tests.pocket.correction_files import binned, write_corrections
from tests.pocket.corrections.test_cells import POG

EDGES = {"eta": [0.0, 1.0, 2.0], "pt": [20.0, 50.0, 100.0]}


def value(factor: float = 1.0) -> Any:
    """Return a function of the bins that has a factor in one of them."""

    def of(kind: str, eta: int, pt: int) -> float:
        plain = 0.9 + 0.1 * eta + 0.01 * pt + {"nominal": 0.0, "up": 0.5, "down": -0.5}[kind]
        return plain * (factor if (kind, eta, pt) == ("up", 1, 0) else 1.0)

    return of


def used(left: str, right: str, name: str = "id") -> UsedCorrection:
    return UsedCorrection("corrections://a.json", name, ("weight sf, 2018",), left, right)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    left = write_corrections(
        tmp_path / "a.json", binned("id", EDGES, value(), "kind"), binned("old", EDGES, value(), "k")
    )
    right = write_corrections(
        tmp_path / "b.json", binned("id", EDGES, value(1.5), "kind"), binned("new_V2", EDGES, value(), "k")
    )
    return left, right


def test_one_bin(files: tuple[str, str]) -> None:
    (compared,) = compare_corrections([used(*files)])
    assert (compared.outcome, compared.bins, len(compared.differing)) == ("different", 12, 1)
    (row,) = compared.bin_rows()
    assert row["bin"] == "kind up, eta 1 to 2 and above, pt 20 to 50 and below"
    assert (row["left"], row["right"]) == (1.5, 2.25)
    assert (row["difference"], row["ratio"]) == (0.75, 1.5)
    summary = compared.row()
    assert (summary["at"], summary["ratio"], summary["used by"]) == (row["bin"], 1.5, "weight sf, 2018")


def test_the_largest_difference_may_be_downward(files: tuple[str, str], tmp_path: Path) -> None:
    def changed(kind: str, eta: int, pt: int) -> float:
        shifts = {("nominal", 0, 1): 0.25, ("down", 1, 1): -0.5, ("up", 0, 0): 0.125}
        return float(value()(kind, eta, pt)) + shifts.get((kind, eta, pt), 0.0)

    other = write_corrections(tmp_path / "c.json", binned("id", EDGES, changed, "kind"))
    (compared,) = compare_corrections([used(files[0], other)])
    row = compared.row()
    assert row["differing"] == 3
    assert row["at"] == "kind down, eta 1 to 2 and above, pt 50 to 100 and above"
    assert row["difference"] == pytest.approx(-0.5)


def test_what_one_side_lacks(files: tuple[str, str], tmp_path: Path) -> None:
    left, right = files
    pairs = {"id": (left, left), "old": (left, right), "new_V2": (left, right), "none": (left, right)}
    outcomes = {
        one.name: (one.outcome, one.note)
        for one in compare_corrections(used(*files, name) for name, files in pairs.items())
    }
    assert outcomes["id"] == ("same file", "")
    assert [outcomes[name][0] for name in ("old", "new_V2", "none")] == ["only left", "only right", "neither"]
    # the nearest name is said, because a new version often has a new one
    (renamed,) = compare_corrections(
        [used(right, write_corrections(tmp_path / "c.json", binned("new_V3", EDGES, value(), "k")), "new_V2")]
    )
    assert (renamed.outcome, renamed.note) == ("only left", "there is new_V3")
    missing = str(tmp_path / "missing.json")
    (absent,) = compare_corrections([used(left, missing)])
    assert (absent.outcome, absent.note) == ("only left", f"no file {missing}")
    assert compare_names([used(left, right), used(left, missing)]) == [
        {"file": left, "correction": "old", "outcome": "only left"},
        {"file": right, "correction": "new_V2", "outcome": "only right"},
    ]


def test_another_text_of_the_same_numbers(files: tuple[str, str], tmp_path: Path) -> None:
    content = json.loads(Path(files[0]).read_text())
    copy = tmp_path / "copy.json.gz"
    copy.write_bytes(gzip.compress(json.dumps({**content, "description": "newer"}, indent=1).encode()))
    (compared,) = compare_corrections([used(files[0], str(copy))])
    assert (compared.outcome, compared.differing) == ("identical", [])


def test_another_formula_that_bins_refer_to(tmp_path: Path) -> None:
    def write(name: str, slope: float) -> str:
        formula = cs.Formula(nodetype="formula", expression=f"1+{slope}*x", parser="TFormula", variables=["pt"])
        correction = cs.Correction(
            name="id",
            version=1,
            inputs=[cs.Variable(name="pt", type="real")],
            output=cs.Variable(name="weight", type="real"),
            generic_formulas=[formula],
            data=cs.FormulaRef(nodetype="formularef", index=0, parameters=[]),
        )
        return write_corrections(tmp_path / name, correction)

    first, same, other = write("a.json", 0.1), write("b.json", 0.1), write("c.json", 0.2)
    Path(same).write_text(Path(same).read_text() + "\n")
    outcomes = [one.outcome for one in compare_corrections([used(first, same), used(first, other)])]
    assert outcomes[0] == "identical"
    assert outcomes[1] != "identical"


def write_compound(path: Path, scale: float, stack: list[str]) -> str:
    parts = [
        cs.Correction.model_validate(
            {
                "name": name,
                "version": 1,
                "inputs": [{"name": "JetPt", "type": "real"}],
                "output": {"name": "factor", "type": "real"},
                "data": {
                    "nodetype": "formula",
                    "expression": "[0]+x*[1]",
                    "parser": "TFormula",
                    "variables": ["JetPt"],
                    "parameters": [1.0, number * scale],
                },
            }
        )
        for number, name in enumerate(("L1", "L2"))
    ]
    inputs, output = parts[0].inputs, parts[0].output
    compound = cs.CompoundCorrection(
        name="all", inputs=inputs, output=output, inputs_update=["JetPt"], input_op="*", output_op="*", stack=stack
    )
    corrections = cs.CorrectionSet(schema_version=2, corrections=parts, compound_corrections=[compound])
    path.write_text(corrections.model_dump_json())
    return str(path)


def test_parts_of_a_compound_correction(tmp_path: Path) -> None:
    left = write_compound(tmp_path / "a.json", 1e-4, ["L1", "L2"])
    right = write_compound(tmp_path / "b.json", 2e-4, ["L1", "L2"])
    whole, first, second = compare_corrections([used(left, right, "all")])
    assert (whole.name, whole.outcome, whole.note) == ("all", "different", "of its parts, L2 differ")
    assert (first.name, first.outcome) == ("L1", "identical")
    assert second.largest is not None
    # no bins restrict pt, so the largest of the typical values has the largest difference
    assert second.largest.point == {"JetPt": 1000.0}
    assert second.row()["at"] == "everywhere (at JetPt = 1000)"
    assert (second.largest.left, second.largest.right) == pytest.approx((1.1, 1.2))
    other = write_compound(tmp_path / "c.json", 1e-4, ["L2", "L1"])
    assert compare_corrections([used(left, other, "all")])[0].note == "other stack"


def test_a_real_file_with_one_changed_bin(tmp_path: Path) -> None:
    file = POG / "MUO/2018_UL/muon_Z.json.gz"
    if not file.exists():
        pytest.skip("the groups' files aren't beside the checkout")
    content = json.loads(gzip.decompress(file.read_bytes()))
    name = "NUM_TightID_DEN_TrackerMuons"
    (changed,) = (one for one in content["corrections"] if one["name"] == name)
    eta = changed["data"]["content"]
    pt = eta["content"][1]
    (nominal,) = (item for item in pt["content"][3]["content"] if item["key"] == "nominal")
    before = nominal["value"]
    nominal["value"] = before * 1.02
    copy = tmp_path / "muon_Z.json"
    copy.write_text(json.dumps(content))
    every = [one["name"] for one in content["corrections"]]
    compared = compare_corrections(used(str(file), str(copy), one) for one in every)
    assert len(compared) == len(every)
    (different,) = (one for one in compared if one.outcome != "identical")
    (row,) = different.bin_rows()
    assert different.name == name
    assert row["inputs"] == {
        "|eta|": f"{eta['edges'][1]:g} to {eta['edges'][2]:g}",
        "pt": f"{pt['edges'][3]:g} to {pt['edges'][4]:g}",
        "scale_factors": "nominal",
    }
    assert (row["left"], row["right"]) == (before, before * 1.02)
    assert math.isclose(row["ratio"], 1.02, rel_tol=1e-15)

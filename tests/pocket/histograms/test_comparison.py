from __future__ import annotations

from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from pocket.histograms.comparison import BinNames, compare_templates, largest, of_variations
from pocket.histograms.files import write_sums_and_histograms


def filled(weights: dict[str, float], pt: list[float], categories: tuple[str, ...] = ("all", "none")) -> Any:
    """Return a histogram of pt in the first category, with one weight per variation."""
    histogram = hist.Hist(
        hist.axis.StrCategory(list(categories), name="cat", overflow=False),
        hist.axis.StrCategory(list(weights), name="variation", overflow=False),
        hist.axis.Variable([0, 20, 50], name="pt", label="$p_T$", underflow=False),
        storage=hist.storage.Weight(),
    )
    for name, weight in weights.items():
        histogram.fill(cat=categories[0], variation=name, pt=pt, weight=weight)
    return histogram


def write(folder: Path, histograms: dict[str, dict[str, Any]]) -> Path:
    folder.mkdir()
    variables = {
        variable: {sample: {f"{sample}_2018": one} for sample, one in samples.items()}
        for variable, samples in histograms.items()
    }
    write_sums_and_histograms(folder, {"variables": variables})
    return folder


def test_yields_and_bins(tmp_path: Path) -> None:
    pt = [10.0, 30.0, 40.0, 60.0]
    left = write(tmp_path / "a", {"pt": {"DY": filled({"nominal": 1.0, "sfUp": 1.5}, pt)}})
    moved = filled({"nominal": 1.0, "sfUp": 1.75}, [10.0, 30.0, 60.0, 60.0])
    right = write(tmp_path / "b", {"pt": {"DY": moved}})
    compared = {(one.category, one.variation): one for one in compare_templates(left, right)}
    assert list(compared) == [("all", "nominal"), ("all", "sfUp"), ("none", "nominal"), ("none", "sfUp")]
    nominal = compared["all", "nominal"]
    row = nominal.row()
    assert (row["left"], row["right"], row["difference"], row["ratio"]) == (4.0, 4.0, 0.0, 1.0)
    # an equal yield hides an event that moved: 2 of 4 entries differ
    assert (row["change"], row["bins"], row["differing"]) == (0.5, 3, 2)
    assert (row["largest at"], row["largest difference"]) == ("pt 20 to 50", -1.0)
    bins = [(one["bin"], one["left"], one["right"], one["statistical error"]) for one in nominal.bin_rows()]
    assert bins == [("pt 20 to 50", 2.0, 1.0, pytest.approx(np.sqrt(2))), ("pt from 50", 1.0, 2.0, 1.0)]
    assert not compared["none", "nominal"].differs
    assert largest(list(compared.values()), 5) == [nominal]
    (varied,) = (one for one in of_variations(list(compared.values())) if one.differs)
    assert varied.yields == (6.0, 7.0)


def test_what_one_side_lacks(tmp_path: Path) -> None:
    left = write(tmp_path / "a", {"pt": {"DY": filled({"nominal": 1.0, "old": 2.0}, [10.0])}})
    both = {"nominal": 1.0, "new": 2.0}
    right = write(tmp_path / "b", {"pt": {"DY": filled(both, [10.0]), "TT": filled({"nominal": 1.0}, [10.0])}})
    found = {(one.sample, one.variation): one.yields for one in compare_templates(left, right) if one.category == "all"}
    assert found["DY", "nominal"] == (1.0, 1.0)
    assert [np.isnan(found["DY", name]).tolist() for name in ("old", "new")] == [[False, True], [True, False]]
    assert np.isnan(found["TT", "nominal"][0])


def test_variations_that_a_side_lacks_or_that_are_no_numbers_aren_t_hidden_by_equal_templates(tmp_path: Path) -> None:
    whole, part = (filled(dict.fromkeys(names, 1.0), [10.0]) for names in (("nominal", "sfUp", "idUp"), ("nominal",)))
    broken = filled({"nominal": 1.0, "sfUp": np.nan, "idUp": 1.0}, [10.0])
    left = write(tmp_path / "a", {"eta": {"DY": whole, "TT": whole}, "pt": {"DY": whole, "TT": whole}})
    right = write(tmp_path / "b", {"eta": {"DY": whole, "TT": whole}, "pt": {"DY": part, "TT": broken}})
    shown = {
        (one.sample, one.variation): one.variable
        for one in of_variations(list(compare_templates(left, right)))
        if one.category == "all" and one.differs
    }
    assert shown == {("DY", "sfUp"): "pt", ("DY", "idUp"): "pt", ("TT", "sfUp"): "pt"}


def test_names_of_bins() -> None:
    assert BinNames.of(hist.axis.Integer(0, 3, name="n", underflow=False)).texts == ("0", "1", "2", "other")
    assert BinNames.of(hist.axis.StrCategory(["a", "b"], name="kind", overflow=False)).texts == ("a", "b")
    regular = BinNames.of(hist.axis.Regular(2, 0, 10, name="x"))
    assert regular.texts == ("below 0", "0 to 5", "5 to 10", "from 10")
    assert (regular.edges, regular.label) == ((0.0, 5.0, 10.0), "x")

from __future__ import annotations

from typing import Any

from pocket.histograms.readings import Reading
from pocket.histograms.sums import datasets_of, read_part

#: dataset → sample and year
DATASETS = {"DY_2017": ("DY", "2017"), "DY_2018": ("DY", "2018"), "TT_2018": ("TT", "2018")}
#: sample → what it is counted as
COUNTED = {"DY": ("DY", "DY__light"), "TT": ("TT",)}


def sums() -> dict[str, Any]:
    """Return sums in which each number is another one."""
    numbers = iter(range(1000))

    def of_category() -> dict[str, Any]:
        return {
            dataset: {name: {"nominal": next(numbers), "pileupUp": next(numbers)} for name in COUNTED[sample]}
            for dataset, (sample, _) in DATASETS.items()
        }

    return {
        "cutflow": {
            **{stage: {dataset: next(numbers) for dataset in DATASETS} for stage in ("initial", "skim")},
            **{category: of_category() for category in ("signal", "control")},
        },
        **{key: {category: of_category() for category in ("signal", "control")} for key in ("sumw", "sumw2")},
        "sum_genweights": {dataset: next(numbers) for dataset in DATASETS},
        "datasets_metadata": {
            dataset: {"sample": sample, "year": year, "xsec": next(numbers)}
            for dataset, (sample, year) in DATASETS.items()
        },
    }


def test_datasets_of_samples_and_years() -> None:
    assert list(datasets_of(sums(), ("DY",), ())) == ["DY_2017", "DY_2018"]
    assert list(datasets_of(sums(), ("DY__light", "TT"), ("2018",))) == ["DY_2018", "TT_2018"]


def test_all_sums_are_read_if_the_readings_are_unknown() -> None:
    assert read_part(sums(), "main", None) == sums()


def test_yields_of_the_categories_that_are_read() -> None:
    whole = sums()
    readings = [Reading("main", "", ("signal",), ("DY__light",)), Reading("other", "", ("control",), ("TT",))]
    part = read_part(whole, "main", readings)
    datasets = ("DY_2017", "DY_2018")
    assert part["cutflow"] == {
        stage: {dataset: whole["cutflow"][stage][dataset] for dataset in datasets} for stage in ("initial", "skim")
    }
    assert part["sum_genweights"] == {dataset: whole["sum_genweights"][dataset] for dataset in datasets}
    assert "sum_signOf_genweights" not in part
    for key in ("sumw", "sumw2"):
        assert set(part[key]) == {"signal"}
        assert part[key]["signal"]["DY_2018"] == {
            name: {"nominal": whole[key]["signal"]["DY_2018"][name]["nominal"]} for name in ("DY", "DY__light")
        }
    assert part["datasets_metadata"] == {
        "DY_2017": {"sample": "DY", "year": "2017"},
        "DY_2018": {"sample": "DY", "year": "2018"},
    }


def test_a_histogram_that_is_read_reads_no_yields() -> None:
    part = read_part(sums(), "main", [Reading("main", "mll", ("signal",), ("TT",))])
    assert part["sumw"] == {}
    assert set(part["cutflow"]["initial"]) == {"TT_2018"}

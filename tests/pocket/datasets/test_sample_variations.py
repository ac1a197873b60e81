from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.datasets.definition_files import read_definitions
from pocket.datasets.restriction import Restriction
from pocket.datasets.sample_variations import check_whole, names_of, varied_datasets
from pocket.errors import DatasetError, PocketError, UnknownNameError
from pocket.skims.datasets import skim_definitions
from tests.entries import check_each

UP = {"sample": "TT", "variation": "hdampUp"}
DOWN = {"sample": "TT", "variation": "hdampDown"}


def entry(year: str = "2018", **metadata: Any) -> dict[str, Any]:
    part = metadata.get("part", "")
    return {"paths": [f"{year}{part}.root"], "metadata": {"year": year, "isMC": True, "xsec": 2.0, **metadata}}


def content(*entries: dict[str, Any], **samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return definitions of the sample TT, and of others."""
    return {name: {"sample": name, "files": files} for name, files in {"TT": list(entries), **samples}.items()}


def read(folder: Path, definitions: dict[str, Any]) -> Any:
    path = folder / "datasets.json"
    path.write_text(json.dumps(definitions))
    return read_definitions([path])


def test_a_dataset_is_one_of_the_sample_that_it_varies(tmp_path: Path) -> None:
    definitions = read(tmp_path, content(entry(), TT_hdampUp=[entry(varies=UP)]))
    varied = definitions["TT_hdampUp_2018"]
    assert (varied.sample, varied.dedicated) == ("TT", "TT_hdampUp")
    assert varied.metadata() == {"sample": "TT", "year": "2018", "isMC": True, "xsec": 2.0, "varies": UP}
    assert names_of(varied) == ("TT", "TT_hdampUp")
    assert names_of(definitions["TT_2018"]) == ("TT",)
    assert "varies" not in definitions["TT_2018"].metadata()
    assert varied_datasets(definitions) == {"TT_hdampUp_2018": ("TT_2018",)}


def test_a_skim_of_it_varies_the_same_sample(tmp_path: Path) -> None:
    definitions = read(tmp_path, content(entry(), TT_hdampUp=[entry(varies=UP)]))
    sums = {"isSkim": True, "nevents_before_skim": 9, "sum_genweights": 3.0}
    fileset: Any = {
        name: {"metadata": {**one.metadata(), **sums, "nevents": 2}, "files": {f"{name}.root": {}}}
        for name, one in definitions.items()
    }
    again = read(tmp_path, skim_definitions(fileset, definitions))
    for name, one in definitions.items():
        assert (again[name].sample, again[name].dedicated, again[name].varies) == (
            one.sample,
            one.dedicated,
            one.varies,
        )


def test_it_varies_datasets_of_its_year_and_part(tmp_path: Path) -> None:
    parts = [entry(year, part=part) for year in ("2017", "2018") for part in ("low", "high")]
    definitions = read(
        tmp_path,
        content(
            *parts,
            # the same parts: each varies its own, and what has no variation stays nominal
            TT_up=[entry("2017", part="low", varies=UP), entry("2018", part="low", varies=UP)],
            # other parts, or none: they stand for all
            TT_down=[entry("2017", varies=DOWN)],
            TT_split=[entry("2018", part=part, varies=DOWN) for part in ("a", "b")],
        ),
    )
    assert varied_datasets(definitions) == {
        "TT_up_low_2017": ("TT_low_2017",),
        "TT_up_low_2018": ("TT_low_2018",),
        "TT_down_2017": ("TT_low_2017", "TT_high_2017"),
        "TT_split_a_2018": ("TT_low_2018", "TT_high_2018"),
        "TT_split_b_2018": ("TT_low_2018", "TT_high_2018"),
    }


@check_each(
    ("definitions", "message"),
    [
        (
            content(entry(), TT_up=[entry(varies={"sample": "TTT", "variation": "hdampUp"})]),
            r"unknown sample 'TTT' in 'varies' of dataset 'TT_up_2018' in .*did you mean 'TT'",
        ),
        (
            content(entry(), TT_up=[entry(varies={"sample": "TT_up", "variation": "hdampUp"})]),
            "unknown sample 'TT_up' in 'varies'",
        ),
        (
            content(entry("2017"), TT_up=[entry(varies=UP)]),
            "dataset 'TT_up_2018' in .* varies sample 'TT' in 2018, but the configuration has it in 2017 only",
        ),
        (
            content({"paths": ["a.root"], "metadata": {"year": "2018", "isMC": False}}, TT_up=[entry(varies=UP)]),
            "dataset 'TT_up_2018' in .* varies sample 'TT', which is data",
        ),
        (
            content(entry(), TT_up=[entry(varies=UP)], TT_mtop=[entry(varies=UP)]),
            "'TT_mtop_2018' in .* and dataset 'TT_up_2018' in .* both fill variation 'hdampUp' of sample 'TT' in 2018, "
            "but are of the samples 'TT_mtop' and 'TT_up'",
        ),
        (
            content(
                entry(part="low"), entry(part="high"), TT_up=[entry(part=part, varies=UP) for part in ("low", "hihg")]
            ),
            "'TT_up_hihg_2018' in .* has part 'hihg', but others that fill variation 'hdampUp' have parts of sample "
            "'TT': high, low",
        ),
        (
            content(entry(), TT_up=[entry(varies={"sample": "TT", "variation": "hdamp"})]),
            r"dataset 'TT_up', files\[0\] in .*: 'varies': variation 'hdamp' ends in neither 'Up' nor 'Down'",
        ),
        (
            content(entry(), TT_up=[entry(varies={"sample": "TT", "variation": "Up"})]),
            "variation 'Up' needs a name of letters, digits",
        ),
        (
            content(entry(), TT_up=[entry(varies={"sample": "TT__bb", "variation": "hdampUp"})]),
            "'varies' names the subsample 'TT__bb': name its sample 'TT', whose subsamples are varied with it",
        ),
        (
            content(entry(), TT_up=[entry(varies=UP, isMC=False, xsec="")]),
            "data can't vary sample 'TT', only simulation can",
        ),
        (content(entry(), TT_up=[entry(varies="TT")]), "'varies' is 'TT', expected"),
        (content(entry(), TT_up=[entry(varies={"sample": "TT"})]), "'varies' has 'variation' None, expected a name"),
        (content(entry(), TT_up=[entry(varies={**UP, "simmetrise": "none"})]), "unknown key 'simmetrise' in 'varies'"),
        (content(entry(), TT_up=[entry(varies={**UP, "symmetrise": "miror"})]), "unknown mode 'miror'.*mirror"),
        (content(entry(), TT_up=[entry(variess=UP)]), "unknown metadata key 'variess'.*varies"),
    ],
)
def test_mistakes(tmp_path: Path, definitions: dict[str, Any], message: str) -> None:
    with pytest.raises(PocketError, match=message):
        varied_datasets(read(tmp_path, definitions))


def test_filters_choose_all_or_none_of_a_variation(tmp_path: Path) -> None:
    up = [entry(part=part, varies=UP) for part in ("a", "b")]
    definitions = read(tmp_path, content(entry(), entry("2017"), WW=[entry()], TT_up=up))

    def chosen(**restriction: Any) -> list[str]:
        one = Restriction(**restriction)
        one.check(definitions.values())
        selected = one.select(definitions)
        check_whole(definitions, selected, "the options")
        return list(selected)

    assert chosen(samples=("TT",)) == ["TT_2018", "TT_2017", "TT_up_a_2018", "TT_up_b_2018"]
    assert chosen(samples=("WW",)) == ["WW_2018"]
    assert chosen(years=("2017",)) == ["TT_2017"]
    assert chosen(datasets=("TT_2018",)) == ["TT_2018"]
    with pytest.raises(DatasetError, match="'TT_up_a_2018' fills variation 'hdampUp' of sample 'TT', which also needs"):
        chosen(samples=("TT_up",))
    with pytest.raises(DatasetError, match="also needs TT_up_b_2018: the options must choose all or none of them"):
        chosen(datasets=("TT_2018", "TT_up_a_2018"))
    with pytest.raises(UnknownNameError, match="'TT_upp'"):
        chosen(samples=("TT_upp",))

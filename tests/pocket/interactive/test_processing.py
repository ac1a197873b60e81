"""Processing of files given by path, and of entries of filesets."""

from __future__ import annotations

import gc
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pocket.columns import ColOut
from pocket.configuration.analysis import Analysis
from pocket.cuts.cut import Cut
from pocket.errors import BadFileError, ConfigError, DatasetError, UnknownNameError, UserCodeError
from pocket.histograms.files import read_output
from pocket.interactive import process
from pocket.weights.base import WeightLambda
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.entries import check_each
from tests.pocket.configs import DATA, DY, DY_LOW, LUMI, TT, configure
from tests.pocket.engine.root_files import damage, write_nano

WEIGHTS = {"common": {"inclusive": ["genWeight", "lumi", "XS"]}}


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # relative paths begin here, and nothing may be left in the other folder
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def write_events(path: Path, size: int) -> None:
    """Write events with their ids, as exported columns need them."""
    ids = {name: np.arange(size, dtype=np.uint32) for name in ("run", "luminosityBlock", "event")}
    with uproot.recreate(path) as file:
        file["Events"] = {**ids, "genWeight": np.ones(size, np.float32), "x": np.ones(size, np.float32)}


def total(result: Any, sample: str) -> float:
    """Return the yield of a sample."""
    return float(result.yields()[sample]["baseline"][0])


def test_data_with_weights_have_a_yield_with_an_error() -> None:
    write_events(Path("data.root"), 3)
    half = WeightLambda.wrap_func(
        "half", lambda params, metadata, events, size, shape: np.full(size, 0.5), isMC_only=False
    )
    weighted = configure(weights={"common": {"inclusive": ["half"]}}, weights_classes=[half])
    assert process(weighted, {DATA: "data.root"}).yields()["DATA"]["baseline"] == pytest.approx((1.5, 0.75**0.5))
    assert process(configure(), {DATA: "data.root"}).yields()["DATA"]["baseline"] == 3


def test_normalisation_is_that_of_the_given_files(tmp_path: Path) -> None:
    weights = [write_nano(Path(f"tt_{i}.root"), 60 + i, i)["genWeight"].astype(np.float64) for i in range(2)]
    write_nano(Path("data.root"), 30, 7)
    files = {DATA: "data.root", TT: [Path("tt_0.root"), str(Path("tt_1.root").absolute())]}
    result = process(configure(weights=WEIGHTS), files, chunk_size=50)
    # in the order of the configuration, whatever that of the files
    assert list(result.config.definitions) == [TT, DATA]
    assert list(result.config.samples) == ["TT", "DATA"]
    assert dict(result.cutflow["initial"]) == {TT: 121, DATA: 30}
    assert total(result, "TT") == pytest.approx(LUMI * 88.0)
    assert result.yields()["DATA"]["baseline"] == 30
    assert result.notes[-1].endswith("the given files of data may hold less")
    assert not any("hold less" in note for note in process(configure(weights=WEIGHTS), {TT: files[TT]}).notes)
    error = np.sqrt(sum((part**2).sum() for part in weights)) / sum(part.sum() for part in weights) * LUMI * 88.0
    assert result.yields()["TT"]["baseline"].error == pytest.approx(error)
    assert list(tmp_path.joinpath("temporary").iterdir()) == []
    assert gc.get_freeze_count() == 0


def test_max_events_are_of_each_dataset() -> None:
    for i in range(3):
        write_nano(Path(f"tt_{i}.root"), 20, i)
    write_nano(Path("data.root"), 30, 7)
    result = process(
        configure(weights=WEIGHTS), {TT: [f"tt_{i}.root" for i in range(3)], DATA: "data.root"}, max_events=25
    )
    assert dict(result.cutflow["initial"]) == {TT: 25, DATA: 25}
    assert total(result, "TT") == pytest.approx(LUMI * 88.0)
    assert f"{TT}: the first 25 of 60 events" in result.notes
    assert process(configure(), {DATA: "data.root"}, max_events=1000).cutflow["initial"][DATA] == 30
    with pytest.raises(ConfigError, match="max_events is 0, expected at least 1"):
        process(configure(), {DATA: "data.root"}, max_events=0)


def test_metadata_that_are_given() -> None:
    write_nano(Path("tt.root"), 40)
    config = configure(weights=WEIGHTS)
    entry = {"files": "tt.root", "metadata": {"xsec": 100.0, "tune": "CP5"}}
    result = process(config, {TT: entry})
    assert total(result, "TT") == pytest.approx(LUMI * 100.0)
    assert result.output["datasets_metadata"][TT]["tune"] == "CP5"
    assert result.output["datasets_metadata"][TT]["year"] == "2018"
    # a dataset that the configuration doesn't know, as an entry of coffea's
    metadata = {"sample": "TT", "year": "2018", "isMC": True, "xsec": 50.0}
    other = {"files": {"tt.root": "Events"}, "metadata": metadata}
    assert total(process(config, {"TT_mine": other}), "TT") == pytest.approx(LUMI * 50.0)
    assert config.definitions[TT].xsec == 88.0


def test_skim_that_its_metadata_normalise_needs_all_events() -> None:
    write_nano(Path("tt.root"), 40)
    metadata = {"isSkim": True, "nevents_before_skim": 100, "sum_genweights": 200.0, "sum_signOf_genweights": 90.0}
    entry = {"files": ["tt.root"], "metadata": metadata}
    config = configure(weights=WEIGHTS)
    assert process(config, {TT: entry}, max_events=40).cutflow["initial"][TT] == 100
    with pytest.raises(DatasetError, match=f"max_events can't leave out events of dataset '{TT}': it is a skim"):
        process(config, {TT: entry}, max_events=39)


def test_no_columns_are_exported(tmp_path: Path) -> None:
    write_events(Path("tt.root"), 40)
    result = process(configure(), {TT: "tt.root"})
    assert not result.columns
    with pytest.raises(ConfigError, match=r"^the result has no columns: the configuration exports none"):
        result.columns["TT"]


def test_output_in_a_folder(tmp_path: Path) -> None:
    write_events(Path("tt.root"), 40)
    config = configure(weights=WEIGHTS, columns={"common": {"inclusive": [ColOut("events", ["x"])]}})
    result = process(config, {TT: "tt.root"}, output="new/folder")
    content = {path.name for path in Path("new/folder").iterdir()}
    assert content == {"histograms.h5", "sums.json", "contents.json", "columns", "config.json", "parameters.yaml"}
    assert [path.name for path in Path("new").iterdir()] == ["folder"]
    assert read_output("new/folder")["cutflow"] == result.output["cutflow"]
    columns = result.columns["TT"]["baseline"]["nominal"]
    assert len(columns) == 40
    with pytest.raises(UnknownNameError, match="unknown sample 'TTT' in columns of the result, did you mean 'TT'"):
        result.columns["TTT"]
    assert np.sum(columns.weight) == pytest.approx(LUMI * 88.0, rel=1e-5)
    with pytest.raises(ConfigError, match=r"output .*/new/folder exists already: give a new folder"):
        process(config, {TT: "tt.root"}, output="new/folder")
    # what fails leaves nothing
    with pytest.raises(UserCodeError):
        process(
            configure(skim=[Cut("bad", {}, lambda events, params, **kwargs: 1 / 0)]), {TT: "tt.root"}, output="other"
        )
    assert not list(Path().glob("*other*"))
    assert list(tmp_path.joinpath("temporary").iterdir()) == []


def test_bad_files_are_left_out_if_wanted() -> None:
    for i in range(2):
        write_nano(Path(f"tt_{i}.root"), 2000, i)
    damage(Path("tt_1.root"), "x")
    files = {TT: ["tt_0.root", "tt_1.root", "tt_2.root"]}
    with pytest.raises(BadFileError, match=f"dataset '{TT}': file .*tt_2.root doesn't exist"):
        process(configure(), files)
    result = process(configure(weights=WEIGHTS), files, skip_bad_files=True)
    assert [Path(file).name for file in result.skipped] == ["tt_2.root", "tt_1.root"]
    assert result.cutflow["initial"][TT] == 2000
    assert total(result, "TT") == pytest.approx(LUMI * 88.0)
    assert "tt_1.root is left out: " in repr(result)


def test_scale_factors_that_are_missing() -> None:
    write_nano(Path("tt.root"), 40)
    weight = ScaleFactorWeight.wrap("sf_tight", scale_factor="tight_id", collection="Muon")
    config = configure(weights={"common": {"inclusive": ["genWeight", weight]}})
    with pytest.raises(ConfigError, match=r"applies scale factor 'tight_id': give scale_factors=\{'tight_id': …\}"):
        process(config, {TT: "tt.root"})
    with pytest.raises(
        UnknownNameError, match="unknown scale factor 'tight' in scale_factors, did you mean 'tight_id'"
    ):
        process(config, {TT: "tt.root"}, scale_factors={"tight": "sf.json"})
    with pytest.raises(ConfigError, match=r"sf.json doesn't exist"):
        process(config, {TT: "tt.root"}, scale_factors={"tight_id": "sf.json"})
    assert process(config, {TT: "tt.root"}, scale_factors={"tight_id": None}).cutflow["initial"][TT] == 40


@check_each(
    ("files", "error"),
    [
        ({}, "files is {}, expected dataset → files"),
        ({"TT_2081": "tt.root"}, "unknown dataset 'TT_2081' in files without metadata, did you mean 'TT_2018'"),
        ({TT: {"file": "tt.root"}}, "unknown key 'file' in dataset 'TT_2018' in files, did you mean 'files'"),
        ({TT: {"metadata": {}}}, "dataset 'TT_2018' in files lacks 'files'"),
        ({TT: "."}, "dataset 'TT_2018' in files: . is a folder: give the files in it"),
        ({TT: "*.root"}, "*.root doesn't exist, and patterns aren't expanded: give glob.glob('*.root')"),
        ({TT: f"{__file__}:Events"}, f"{__file__} does: leave out ':Events'"),
        ({TT: "file:///tmp/tt.root"}, "file:///tmp/tt.root is the URL of a local file: give its path"),
        ({TT: []}, "dataset 'TT_2018' in {definitions}: 'paths' is empty"),
        ({TT: {"files": {"tt.root": "Runs"}}}, "unknown tree 'Runs' in files of dataset 'TT_2018' in files"),
        ({TT: {"files": {"tt.root": {"steps": []}}}}, "unknown key 'steps' in files of dataset 'TT_2018' in files"),
        ({"mine": {"files": "a", "metadata": {"year": "2018", "isMC": True, "xsec": 1.0}}}, "metadata lacks 'sample'"),
        (
            {"mine": {"files": "a", "metadata": {"sample": "TTT", "year": "2018", "isMC": True, "xsec": 1.0}}},
            "unknown sample 'TTT' in metadata of dataset 'mine' in files, did you mean 'TT'",
        ),
        (
            {"mine": {"files": "a", "metadata": {"sample": "TT", "year": "2018", "isMC": False}}},
            "sample 'TT' of the configuration is simulation, so 'isMC' is wrong",
        ),
        ({TT: "root://host//a.root?authz=Bearer%20secret"}, "files: root://host//a.root?authz=… holds an access token"),
        ({TT: {"files": "a", "metadata": {"xsce": 1.0}}}, "unknown metadata key 'xsce'"),
        ({"mine": {"files": "a", "metadata": {"sample": "TT", "year": "2018", "isMC": True}}}, "lacks 'xsec'"),
    ],
)
def test_wrong_files(files: dict[str, Any], error: str) -> None:
    config = configure()
    with pytest.raises((ConfigError, DatasetError)) as raised:
        process(config, files)
    assert error.replace("{definitions}", str(config.definitions[TT].origin)) in str(raised.value)


def test_wrong_configuration() -> None:
    with pytest.raises(ConfigError, match="config is 'zmumu', expected a Configurator"):
        process("zmumu", {TT: "tt.root"})  # type: ignore[arg-type]
    analysis = Analysis(name="mine", configs={"first": configure()}, default_config="first")
    with pytest.raises(ConfigError, match="config is Analysis 'mine' with configurations first, expected a Config"):
        process(analysis, {TT: "tt.root"})  # type: ignore[arg-type]


def test_simulation_that_is_given_as_data() -> None:
    write_nano(Path("tt.root"), 20)
    with uproot.recreate("data.root") as file:
        file["Events"] = {"x": np.ones(20, np.float32)}
    note = f"{DATA}: is it simulation? It is given as data, and has genWeight"
    assert note in process(configure(), {DATA: "tt.root"}).notes
    assert note not in process(configure(), {DATA: "data.root"}).notes


def test_skim_of_another_tool() -> None:
    ids = {name: np.ones(40, np.uint32) for name in ("run", "luminosityBlock", "event")}
    with uproot.recreate("tt.root") as file:
        file["Events"] = {**ids, "genWeight": np.full(40, 2.0, np.float32), "x": np.ones(40, np.float32)}
        file["Runs"] = {"genEventCount": np.array([600, 400]), "genEventSumw": np.array([1000.0, 600.0])}
    result = process(configure(weights=WEIGHTS), {TT: "tt.root"})
    # The events that are left would be all of the cross section.
    assert total(result, "TT") == pytest.approx(LUMI * 88.0)
    (note,) = (note for note in result.notes if "generated" in note)
    metadata = json.loads(f"{{{note.partition(' metadata need ')[2]}}}")
    right = process(configure(weights=WEIGHTS), {TT: {"files": ["tt.root"], "metadata": metadata}})
    assert total(right, "TT") == pytest.approx(LUMI * 88.0 * 80 / 1600)
    assert right.cutflow["initial"][TT] == 1000
    assert not any("generated" in note for note in right.notes)


def test_datasets_of_one_sample() -> None:
    for name, size in (("dy.root", 30), ("dy_low.root", 50)):
        write_nano(Path(name), size, size)
    result = process(configure(weights=WEIGHTS), {DY: "dy.root", DY_LOW: "dy_low.root"})
    assert list(result.yields()) == ["DY"]
    assert total(result, "DY") == pytest.approx(LUMI * 24000.0)
    assert result.histograms["x"][{"samples": "DY", "cat": "baseline"}].sum(flow=True).value == pytest.approx(
        LUMI * 24000.0
    )

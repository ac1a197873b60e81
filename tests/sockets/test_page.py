"""The examples of docs/how-to/extending.md: each does what the page says."""

from __future__ import annotations

import dataclasses
import importlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest

from pocket.base.fingerprint import code_closure
from pocket.columns import read_columns
from pocket.columns.formats import check_formats
from pocket.columns.merging import merge_columns
from pocket.columns.parquet import write_columns
from pocket.datasets.definition_files import read_definitions
from pocket.datasets.listing import expand
from pocket.executors.base import find_factory
from pocket.histograms.files import write_sums_and_histograms
from pocket.scale_factors.measurement.templates import Sums
from tasks.framework.base import ConfigTask, StoreTask
from tasks.settings.sites import Site
from tests.pages import read_blocks

HERE = Path(__file__).parent
HOW_TO = HERE.parents[1] / "docs" / "how-to"
PAGE = (HOW_TO / "extending.md").read_text(encoding="utf-8")
#: the page that "A task" sends to
TASK = HOW_TO / "write_a_task.md"


def blocks(section: str, language: str = "python") -> list[str]:
    """Return the blocks of code of a section of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, section
    return found


def run(section: str) -> dict[str, Any]:
    """Run the blocks of a section and return the names that they define."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks(section):
        exec(compile(block, "docs/how-to/extending.md", "exec"), names)
    return names


def histogram(**names: dict[str, float]) -> hist.Hist[Any]:
    """Return a histogram with axes of names, the yield of each, and an axis of numbers where half of it overflows."""
    axes = [hist.axis.StrCategory(list(yields), name=axis) for axis, yields in names.items()]
    filled = hist.Hist(*axes, hist.axis.Regular(1, 0.0, 1.0, name="x"), storage=hist.storage.Weight())
    for name, total in list(names.values())[-1].items():
        first = {axis: next(iter(yields)) for axis, yields in names.items()}
        filled.fill(**{**first, list(names)[-1]: name}, x=[0.5, 1.5], weight=total / 2)
    return filled


def test_format_of_columns(tmp_path: Path) -> None:
    feather = run("A format of columns")["Feather"]
    records = ak.zip({"weight": np.ones(3), "JetGood_pt": ak.Array([[1.0, 2.0], [], [3.0]])}, depth_limit=1)
    write_columns(tmp_path, {"TT": {"TT_2018": {"SR": {"nominal": [records, records]}}}})
    merged = tmp_path / "merged"
    merge_columns([tmp_path], merged, {"TT_2018": {"TT": {"SR": 0.5}}}, None, check_formats([feather]))
    (file,) = merged.rglob("*.feather")
    assert file == merged / "columns" / "TT" / "SR" / "nominal" / "TT_2018.feather"
    written = ak.from_feather(str(file))
    assert written.tolist() == read_columns(merged, "TT", "SR").tolist()
    assert written.weight.tolist() == [0.5] * 6
    assert written.JetGood_pt.tolist() == records.JetGood_pt.tolist() * 2


def test_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,), (entry,) = blocks("A catalogue"), blocks("A catalogue", "json")
    (package := tmp_path / "our_group").mkdir()
    (package / "__init__.py").touch()
    listed = tmp_path / "files.json"
    (package / "catalogue.py").write_text(code.replace("/eos/our_group/files.json", str(listed)))
    file = {"url": "root://our.site//a.root", "bytes": 120, "adler32": "1a", "events": 7}
    listed.write_text(json.dumps({"DY_2018": [file]}))
    (tmp_path / "datasets.json").write_text(json.dumps({"DY": {"sample": "DY", "files": [json.loads(entry)]}}))
    monkeypatch.syspath_prepend(tmp_path)
    (dataset,) = read_definitions([tmp_path / "datasets.json"]).values()
    (found,) = expand(dataset, toy_files={}, cache=tmp_path)
    assert (found.url, found.entries, found.identity) == (file["url"], 7, "root://our.site//a.root 120 bytes 1a")


def test_plot() -> None:
    names = run("A plot")
    context = SimpleNamespace(
        mc={"tt": histogram(variation={"nominal": 4.0, "pileupUp": 9.0}), "dy": histogram(variation={"nominal": 6.0})},
        histogram="mll",
        category="SR",
    )
    figure, yields = names["composition"](context)
    assert yields == {"tt": 4.0, "dy": 6.0}
    assert [bar.get_height() for bar in figure.axes[0].patches] == [4.0, 6.0]
    assert names["composition"](SimpleNamespace(mc={})) is None
    assert names["ratio"].stem("mll", "nominal") == "mll_over_nominal"


def test_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = (block.text for block in read_blocks(TASK) if block.title == "muons_tasks.py")
    (tmp_path / "muons_tasks.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("muons_tasks")
    assert issubclass(module.WriteYields, ConfigTask)
    data = histogram(cat={"SR": 1.0, "CR": 2.0})
    simulation = histogram(cat={"SR": 0.0}, variation={"nominal": 4.0, "pileupUp": 9.0})
    write_sums_and_histograms(tmp_path, {"variables": {"mll": {"data": {"run": data}, "tt": {"tt": simulation}}}})
    assert module.yields_of(tmp_path, "mll") == {"data": {"SR": 1.0, "CR": 2.0}, "tt": {"SR": 4.0}}
    closure = code_closure("muons_tasks:yields_of")
    assert {"muons_tasks", "pocket.histograms.files"} <= set(closure.modules)
    assert not [name for name in closure.modules if name.startswith("pocket.io.store")]


def test_descriptions_of_a_task_have_a_row() -> None:
    described = {name for name in vars(StoreTask) if name.startswith("describe_")}
    assert set(re.findall(r"^\| `(describe_\w+)` \|", PAGE, re.MULTILINE)) == described


def test_batch_system() -> None:
    complete = (HERE / "lsf_batch.py").read_text(encoding="utf-8")
    (block,) = blocks("A batch system")
    assert block == complete


def test_method() -> None:
    names = run("A method of scale factors")
    declaration = names["YieldRatio"](
        input="main", variable="mll", category="SR", axes=("x",), mc=("tt",), data=("data",)
    )
    sums = {("data",): Sums(np.array([110.0]), np.array([110.0])), ("tt",): Sums(np.array([100.0]), np.array([1.0]))}
    measured = names["measure"](declaration, SimpleNamespace(read=sums.__getitem__))
    assert measured.values.value == pytest.approx([1.1])
    assert measured.values.up == pytest.approx(1.1 * np.sqrt(1 / 110 + 1e-4))


def test_calibrator() -> None:
    calibrator = run("A calibrator")["PhotonScale"]({}, {"isMC": True, "year": "2018"})
    events = ak.Array([{"Photon": [{"pt": 100.0}]}, {"Photon": []}])
    found = {
        variation: calibrator.calibrate(events, {}, variation, ())["Photon.pt"].to_list()
        for variation in ("nominal", *calibrator.variations)
    }
    assert found == {
        "nominal": [[100.0], []],
        "photon_scaleUp": [[pytest.approx(100.5)], []],
        "photon_scaleDown": [[pytest.approx(99.5)], []],
    }


def test_weight() -> None:
    weight = run("A weight")["VertexWeight"]({}, {"isMC": True})
    events = ak.Array([{"PV": {"npvsGood": 20}}, {"PV": {"npvsGood": 30}}])
    nominal, up, down = weight.compute(events, 2, "nominal")
    assert (nominal.tolist(), up.tolist(), down.tolist()) == ([1.0, 1.1], [1.0, 1.2], [1.0, 1.0])


def test_executor(capsys: pytest.CaptureFixture[str]) -> None:
    factory = find_factory("naming", {"naming": run("An executor")["NamingExecutorFactory"]})
    done: list[int] = []
    factory({}).get()({"first": SimpleNamespace(run=lambda progress: progress(3))}, done.append)
    assert capsys.readouterr().out == "first\n"
    assert done == [3]


def test_site() -> None:
    (block,) = blocks("A site", "")
    words = re.findall(r"^(\w+):", block, re.MULTILINE)
    assert words
    assert set(words) <= {field.name for field in dataclasses.fields(Site)}

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import law
import pytest

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.histograms.files import read_sums, read_templates
from pocket.io.store import Manifest, read_manifest
from tasks.chain import plotting
from tasks.chain.plotting import PlotCutflow, PlotScaleFactors, Published, read_published
from tests.tasks.damage import rot
from tests.tasks.small_chain import Chain


def manifest_of(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def stems(folder: Path) -> set[str]:
    return {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.png")}


def test_every_variable_is_drawn_alone_and_beside_the_one_before(chain: Chain) -> None:
    plots = chain.output("PlotTemplates", "corrected")
    names = {"baseline/muon_pt", "baseline/npvs"}
    assert stems(plots) == names | {f"{name}_vs_main" for name in names}
    for path in plots.rglob("*.png"):
        assert path.stat().st_size > 1000
        assert json.loads(path.with_suffix(".json").read_text())


@pytest.mark.slow
def test_maps_and_shapes(chain: Chain) -> None:
    assert chain.build(config="probes", variables=("probes",), formats=("png",)) == ["PlotTemplates probes"]
    folder = chain.output("PlotTemplates", "probes")
    drawn = {f"baseline/probes_{name}" for name in ("passing", "pt", "map")}
    assert stems(folder) == drawn
    numbers = json.loads((folder / "baseline" / "probes_map.json").read_text())
    template = read_templates(chain.output("MergeOutputs", "probes"), "probes")["DATA_SingleMuon"][{"cat": "baseline"}]
    assert sum(numbers["data"]) == template.sum(flow=True).value > 0
    # Shapes are added to what is there, and stay.
    assert chain.build(config="probes", density=True, formats=("png",)) == ["PlotTemplates probes"]
    assert stems(folder) == drawn | {"baseline/probes_passing_density", "baseline/probes_pt_density"}
    assert chain.build(config="probes", formats=("png",)) == []


@pytest.mark.slow
def test_cutflow_is_drawn_for_each_sample(chain: Chain) -> None:
    assert chain.build(PlotCutflow, config="main") == ["PlotCutflow main"]
    folder = chain.output("PlotCutflow", "main")
    assert stems(folder) == {"DYJetsToMuMu", "DATA_SingleMuon"}
    cutflow = read_sums(chain.output("MergeOutputs", "main"))["cutflow"]
    for sample in stems(folder):
        numbers = json.loads((folder / f"{sample}.json").read_text())
        assert numbers["steps"] == ["initial", "skim", "presel", "baseline"]
        initial, *_, baseline = numbers["events"]
        assert initial == cutflow["initial"][f"{sample}_toys"] > baseline
        assert baseline == cutflow["baseline"][f"{sample}_toys"][sample]["nominal"] > 0
    assert chain.build(PlotCutflow, config="main") == []
    with pytest.raises(UnknownNameError, match="unknown category 'basline' in configuration 'main', did you mean"):
        chain.task(PlotCutflow, config="main", categories=("basline",))


def test_only_what_is_asked_for_is_drawn(chain: Chain) -> None:
    options = {"config": "main", "variables": ("npvs",), "categories": ("baseline",)}
    assert chain.build(**options) == ["PlotTemplates main"]
    assert stems(chain.task(**options).directory) == {"baseline/npvs"}
    assert chain.task(**options).describe_output() == "1 figure"
    # Figures of other commands, which stay in the output, aren't counted.
    assert chain.task().describe_output() == "4 figures"
    assert chain.task(variables=("npvs",)).describe_output() == "2 figures"
    assert chain.task(variables=("npvs",), formats=("svg",)).describe_output() == ""
    assert chain.task(config="corrected").compare == "main"
    assert chain.task(config="main").compare == "none"
    assert list(chain.task(compare="probes").requires()["templates"]) == ["corrected", "probes"]


@pytest.mark.slow
def test_comparison_has_an_error_if_the_analysis_has_a_root(chain: Chain) -> None:
    chain.edit(
        "__init__.py",
        '"corrected": configure(spectra, sf_tight_id),',
        '"corrected": (corrected := configure(spectra, sf_tight_id)),\n'
        '        "root": square_roots(configure(spectra), corrected),',
    )
    chain.edit("__init__.py", '{"corrected": "main"}', '{"corrected": Comparison("main", covariance_config="root")}')
    chain.edit(
        "__init__.py",
        "from pocket.columns",
        "from pocket.configuration.comparison import Comparison, square_roots\nfrom pocket.columns",
    )
    assert chain.build() == ["RunProcessor root", "MergeOutputs root", "PlotTemplates corrected"]
    numbers = json.loads((chain.task().directory / "baseline" / "npvs_vs_main.json").read_text())
    change = numbers["after_over_before"]
    number = max(range(20), key=lambda number: numbers["before"]["values"][number])
    value, error, *sides = (
        *(change[key][number] for key in ("values", "error")),
        *(numbers[side]["stat"][number] / numbers[side]["values"][number] for side in ("before", "after")),
    )
    assert 0 < error < 0.1 * value * math.hypot(*sides)
    # another one than the covariance is of
    assert list(chain.task(compare="probes").requires()["templates"]) == ["corrected", "probes"]


@pytest.mark.slow
def test_changed_colour_and_label_run_the_plots_again(chain: Chain) -> None:
    before, old = chain.ids(""), chain.output("PlotTemplates", "corrected")
    chain.edit("parameters.yaml", "#f89c20", "#e42536")
    chain.edit("__init__.py", "Good vertices", "Vertices")
    assert chain.build() == ["PlotTemplates corrected"]
    (new,) = set(chain.outputs("PlotTemplates", "corrected")) - {old}
    for name in ("baseline/muon_pt.png", "baseline/npvs.png"):
        assert (new / name).read_bytes() != (old / name).read_bytes()
    assert {path: identifier for path, identifier in chain.ids("").items() if path in before} == before
    chain.edit("parameters.yaml", "#e42536", "#f89c20")
    chain.edit("__init__.py", "Vertices", "Good vertices")
    assert chain.build() == []


@pytest.mark.slow
def test_figures_that_stay_as_they_are_are_not_drawn_again(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    run = plotting.run_jobs

    def note(jobs: dict[str, Any], *args: Any, **options: Any) -> None:
        drawn.extend(f"{job.category}/{job.variable}" for job in jobs.values())
        run(jobs, *args, **options)

    monkeypatch.setattr(plotting, "run_jobs", note)
    first = chain.output("PlotTemplates", "corrected")
    recorded = manifest_of(first).info["figures"]
    stems_of = {
        f"baseline/{variable}/{plot}": f"{variable}{suffix}"
        for variable in ("muon_pt", "npvs")
        for plot, suffix in (("data_mc", ""), ("before_after", "_vs_main"))
    }
    assert set(recorded) == set(stems_of)
    for name, figure in recorded.items():
        assert set(figure["files"]) == {f"{stems_of[name]}.png", f"{stems_of[name]}.json"}
    chain.edit("__init__.py", "Good vertices", "Vertices")
    second = chain.task().directory
    assert chain.build() == ["PlotTemplates corrected"]
    assert drawn == ["baseline/npvs"]
    for file in (first / "baseline").glob("muon_pt*"):
        assert (second / "baseline" / file.name).read_bytes() == file.read_bytes()
    assert (second / "baseline" / "npvs.png").read_bytes() != (first / "baseline" / "npvs.png").read_bytes()
    # what has been damaged isn't taken
    for output in (first, second):
        (output / "baseline" / "muon_pt.png").write_bytes(b"")
    chain.edit("__init__.py", "Vertices", "Vertices that are good")
    drawn.clear()
    chain.build()
    assert sorted(drawn) == ["baseline/muon_pt", "baseline/npvs"]


def files(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern)}


def note_jobs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list to which the variable, plots and formats of each job that draws are added."""
    noted: list[dict[str, Any]] = []
    run = plotting.run_jobs

    def note(jobs: dict[str, Any], *args: Any, **options: Any) -> None:
        noted.extend({job.variable: dict.fromkeys(job.plots, job.formats)} for job in jobs.values())
        run(jobs, *args, **options)

    monkeypatch.setattr(plotting, "run_jobs", note)
    return noted


def test_figures_and_formats_are_added_to_the_output(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = note_jobs(monkeypatch)
    assert chain.build(config="main", variables=("npvs",)) == ["PlotTemplates main"]
    folder = chain.output("PlotTemplates", "main")
    pixels = (folder / "baseline" / "npvs.png").read_bytes()
    assert files(folder, "*.png") == {"baseline/npvs.png"}
    # all at once: what is there in a format isn't drawn in it
    assert chain.build(config="main", formats=("svg", "png")) == ["PlotTemplates main"]
    assert chain.output("PlotTemplates", "main") == folder
    assert files(folder, "*.*g") == {f"baseline/{name}.{end}" for name in ("npvs", "muon_pt") for end in ("png", "svg")}
    assert (folder / "baseline" / "npvs.png").read_bytes() == pixels
    assert noted == [
        {"npvs": {"data_mc": ("png",)}},
        {"muon_pt": {"data_mc": ("svg", "png")}},
        {"npvs": {"data_mc": ("svg",)}},
    ]
    for options in ({}, {"formats": ("png",)}, {"formats": ("svg",), "variables": ("npvs",)}):
        assert chain.build(config="main", **options) == []
    assert (
        "the output has no pdf of baseline/npvs/data_mc"
        in chain.task(config="main", variables=("npvs",), formats=("png", "pdf")).output().state().text
    )


def test_formats_that_are_unknown_are_refused(chain: Chain) -> None:
    for task, options in (
        (plotting.PlotTemplates, {}),
        (PlotCutflow, {}),
        (PlotScaleFactors, {"scale_factor": "tight_id"}),
    ):
        with pytest.raises(UnknownNameError, match=r"^unknown format 'tiff' in --formats; known: pdf, png, svg$"):
            chain.task(task, formats=("png", "tiff"), **options)


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("changed", [False, True])
def test_figures_of_other_templates_are_not_kept(chain: Chain, changed: bool) -> None:
    folder = chain.output("PlotTemplates", "corrected")
    manifest = json.loads((folder / "manifest.json").read_text())
    figures = manifest["info"]["figures"]
    if changed:
        # as if one variable had had other contents in the templates that were there before
        figures["baseline/muon_pt/data_mc"]["id"] = "0" * 64
    change_manifest(folder, inputs={"templates corrected": "0" * 20}, info={**manifest["info"], "figures": figures})
    assert chain.build(variables=("npvs",)) == ["PlotTemplates corrected"]
    names = {"baseline/npvs", "baseline/npvs_vs_main", "baseline/muon_pt_vs_main", "baseline/muon_pt"}
    assert stems(folder) == (names - {"baseline/muon_pt"} if changed else names)
    assert chain.build() == (["PlotTemplates corrected"] if changed else [])
    assert stems(folder) == names


def test_figures_of_another_library_are_drawn_again(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = note_jobs(monkeypatch)
    monkeypatch.setattr(plotting, "version", lambda name: f"another {name}")
    # the output stays what it is
    assert chain.build() == []
    chain.edit("__init__.py", "Good vertices", "Vertices")
    assert chain.build() == ["PlotTemplates corrected"]
    assert {variable for job in noted for variable in job} == {"muon_pt", "npvs"}


def test_figures_that_others_add_meanwhile_are_kept(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    run = plotting.run_jobs

    def interrupted(jobs: list[Any], *args: Any, **options: Any) -> None:
        monkeypatch.setattr(plotting, "run_jobs", run)
        chain.task(config="main", variables=("muon_pt",)).make()
        run(jobs, *args, **options)

    assert chain.build(config="main", variables=("npvs",), formats=("svg",)) == ["PlotTemplates main"]
    monkeypatch.setattr(plotting, "run_jobs", interrupted)
    assert chain.build(config="main", variables=("npvs",)) == ["PlotTemplates main"]
    folder = chain.output("PlotTemplates", "main")
    assert files(folder, "*.*g") == {"baseline/npvs.png", "baseline/npvs.svg", "baseline/muon_pt.png"}
    assert chain.build(config="main") == []


def test_damaged_figures_are_drawn_again_beside_the_others(chain: Chain) -> None:
    folder = chain.output("PlotTemplates", "corrected")
    rot(folder / "baseline" / "npvs.png")
    rot(folder / "baseline" / "muon_pt.png")
    assert chain.build(variables=("npvs",), formats=("png", "svg")) == ["PlotTemplates corrected"]
    there = {"npvs.png", "npvs_vs_main.png", "muon_pt_vs_main.png", "npvs.svg", "npvs_vs_main.svg"}
    assert files(folder, "*.*g") == {f"baseline/{name}" for name in there}
    assert chain.build() == ["PlotTemplates corrected"]
    assert files(folder, "*.*g") == {f"baseline/{name}" for name in (*there, "muon_pt.png")}


def test_formats_of_all_plots_of_an_output(chain: Chain) -> None:
    options = {"scale_factor": "tight_id"}
    assert chain.build(PlotScaleFactors, formats=("svg",), **options) == ["PlotScaleFactors tight_id"]
    folder = chain.output("PlotScaleFactors", "tight_id")
    assert files(folder, "*.*g") == {"tight_id.svg", "tight_id_correlation.svg"}
    assert chain.build(PlotScaleFactors, **options) == ["PlotScaleFactors tight_id"]
    assert chain.output("PlotScaleFactors", "tight_id") == folder
    assert files(folder, "*.*g") == {f"tight_id{name}.{end}" for name in ("", "_correlation") for end in ("png", "svg")}
    for formats in ("png",), ("svg",), ("svg", "png"):
        assert chain.build(PlotScaleFactors, formats=formats, **options) == []


def test_scale_factor_is_drawn(chain: Chain) -> None:
    assert chain.build(PlotScaleFactors, scale_factor="tight_id") == ["PlotScaleFactors tight_id"]
    assert stems(chain.output("PlotScaleFactors", "tight_id")) == {"tight_id", "tight_id_correlation"}
    chain.edit("__init__.py", "Muon $p_T$ [GeV]", "Probe $p_T$ [GeV]")
    task: PlotScaleFactors = chain.task(PlotScaleFactors, scale_factor="tight_id")
    assert not task.complete()
    assert all(required.complete() for required in task.requires().values())


@pytest.mark.slow
def test_scale_factor_is_compared_with_a_published_one(chain: Chain, tmp_path: Path) -> None:
    written = chain.output("ComputeScaleFactors", "tight_id") / "tight_id.json"
    file = Path(shutil.copy(written, tmp_path / "official.json"))
    options = {
        "scale_factor": "tight_id",
        "published": f"{file}:tight_id",
        "published_inputs": ("systematic=nominal:up:down",),
    }
    assert chain.build(PlotScaleFactors, **options) == ["PlotScaleFactors tight_id"]
    numbers = chain.output("PlotScaleFactors", "tight_id") / "tight_id_published.json"
    assert json.loads(numbers.read_text())["p_value"] == pytest.approx(1)
    assert not chain.task(PlotScaleFactors, scale_factor="tight_id").complete()
    assert chain.task(PlotScaleFactors, **options).complete()
    file.write_text(file.read_text().replace('"version":1', '"version":2'))
    assert not chain.task(PlotScaleFactors, **options).complete()


def test_published_scale_factor_that_cannot_be_read_is_refused(chain: Chain, tmp_path: Path) -> None:
    written = chain.output("ComputeScaleFactors", "tight_id") / "tight_id.json"
    with pytest.raises(UnknownNameError, match=r"unknown correction 'tight_ids' in tight_id\.json, did you mean"):
        chain.task(PlotScaleFactors, scale_factor="tight_id", published=f"{written}:tight_ids")
    with pytest.raises(ConfigError, match=r"correction file .*missing\.json does not exist"):
        chain.task(PlotScaleFactors, scale_factor="tight_id", published=f"{tmp_path}/missing.json:tight_id")
    options = {"published": f"{written}:tight_id", "published_inputs": ("systematic=nominal:up",)}
    with pytest.raises(ScaleFactorError, match="input 'systematic' is 'nominal:up'"):
        chain.task(PlotScaleFactors, scale_factor="tight_id", **options)


def test_options_of_a_published_scale_factor() -> None:
    published = read_published("corrections://a/b.json.gz:name", ("year=2018", "ValType=sf:sfup:sfdown"))
    inputs = {"year": "2018", "ValType": "sf:sfup:sfdown"}
    assert published == Published("corrections://a/b.json.gz", "name", inputs)
    assert read_published(law.NO_STR, ()) is None


@pytest.mark.parametrize(
    ("published", "inputs", "message"),
    [
        ("file.json", (), "--published: expected file:correction, not 'file.json'"),
        ("corrections://file.json", (), "--published: expected file:correction"),
        ("file.json:", (), "--published: expected file:correction"),
        (law.NO_STR, ("year=2018",), "--published-inputs needs --published"),
        ("file.json:name", ("year",), "expected name=value with commas in between, not 'year'"),
        ("file.json:name", ("year=1", "year=2"), "--published-inputs names an input twice: year=1, year=2"),
    ],
)
def test_wrong_options_of_a_published_scale_factor(published: str, inputs: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_published(published, inputs)

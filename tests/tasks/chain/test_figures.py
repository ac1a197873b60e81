from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pocket.io.store import Manifest, is_complete, read_manifest, write_output
from tasks.chain.figures import Drawn, figures_of, find_figures, intact_figures, lacking_figures, outputs_beside
from tests.tasks.damage import rot


def write(output: Path, figures: dict[str, tuple[str, list[str]]]) -> Path:
    """Write an output with figures in category SR, name → id and formats; a format begins files of its own content."""
    entries: dict[str, Any] = {}
    with write_output(output, task="PlotTemplates", inputs={}, figures=entries) as folder:
        (folder / "SR").mkdir()
        for name, (identity, formats) in figures.items():
            files = [f"{name}.{extension}" for extension in ("json", *formats)]
            for file in files:
                (folder / "SR" / file).write_text(f"{file} in {output.name}: {'0' * 100}")
            entries[f"SR/{name}/data_mc"] = {"id": identity, "formats": formats, "files": files}
    return output


def names(figures: dict[str, Drawn], root: Path) -> dict[str, dict[str, list[str]]]:
    return {
        identity: {
            extension: [str(path.relative_to(root)) for path in paths] for extension, paths in drawn.files.items()
        }
        for identity, drawn in figures.items()
    }


def manifest_of(output: Path) -> Manifest:
    manifest = read_manifest(output)
    assert manifest is not None
    return manifest


def test_figures_are_found_by_hash_in_all_formats(tmp_path: Path) -> None:
    first = write(tmp_path / "0", {"pt": ("a", ["png"]), "eta": ("b", ["png"])})
    second = write(tmp_path / "1", {"pt": ("a", ["pdf", "png"]), "phi": ("c", ["png"])})
    found = names(find_figures([first, second], {"a", "c", "d"}), tmp_path)
    assert found == {
        "a": {"json": ["1/SR/pt.json"], "png": ["0/SR/pt.png"], "pdf": ["1/SR/pt.pdf"]},
        "c": {"json": ["1/SR/phi.json"], "png": ["1/SR/phi.png"]},
    }
    assert find_figures([], {"a"}) == {}


def test_figures_that_were_damaged_are_not_found(tmp_path: Path) -> None:
    outputs = [write(tmp_path / str(number), {"pt": (str(number), ["png"])}) for number in range(3)]
    rot(outputs[0] / "SR" / "pt.png")
    (outputs[2] / "SR" / "pt.json").unlink()
    assert list(find_figures(outputs, {"0", "1", "2"})) == ["1"]
    assert [is_complete(output) for output in outputs] == [False, True, False]


def test_what_is_intact_is_kept(tmp_path: Path) -> None:
    output = write(tmp_path / "0", {name: (name, ["pdf", "png"]) for name in ("pt", "eta", "phi")})
    rot(output / "SR" / "pt.png")
    rot(output / "SR" / "eta.json")
    (output / "SR" / "phi.pdf").unlink()
    kept = dict(intact_figures(output, manifest_of(output)))
    assert {name: figure.formats for name, figure in kept.items()} == {
        "SR/pt/data_mc": ["pdf"],
        "SR/phi/data_mc": ["png"],
    }
    assert list(intact_figures(output, None)) == []


def test_files_that_are_no_part_of_the_output_are_not_kept(tmp_path: Path) -> None:
    output = write(tmp_path / "0", {"pt": ("a", ["png"])})
    (output / "SR" / "pt.pdf").write_text("put here by somebody")
    manifest = json.loads((output / "manifest.json").read_text())
    manifest["info"]["figures"]["SR/pt/data_mc"] = {"id": "a", "formats": ["pdf"], "files": ["pt.json", "pt.pdf"]}
    (output / "manifest.json").write_text(json.dumps(manifest))
    ((_, figure),) = intact_figures(output, manifest_of(output))
    assert figure.formats == []


def test_figures_of_before_are_no_figures(tmp_path: Path) -> None:
    old = {"figures": {"SR/pt/data_mc": {"id": "a", "files": ["pt.json", "pt.png"]}}}
    with write_output(tmp_path / "0", task="PlotTemplates", inputs={}, **old) as folder:
        (folder / "SR").mkdir()
        for name in ("pt.json", "pt.png"):
            (folder / "SR" / name).write_text("drawn before formats were recorded")
    assert find_figures([tmp_path / "0"], {"a"}) == {}
    assert lacking_figures(manifest_of(tmp_path / "0"), ["SR/pt/data_mc"], ["png"])


@pytest.mark.parametrize(
    ("wanted", "formats", "reason"),
    [
        (["SR/pt/data_mc"], ["png"], ""),
        (["SR/pt/data_mc", "SR/eta/data_mc"], ["png"], ""),
        ([], ["svg"], ""),
        (["SR/pt/data_mc"], ["png", "pdf"], "the output has no pdf of SR/pt/data_mc"),
        (["SR/eta/data_mc", "SR/phi/data_mc"], ["png", "svg"], "the output has no svg of SR/eta/data_mc"),
        (["SR/phi/data_mc"], ["pdf", "png"], "the output has no pdf or png of SR/phi/data_mc"),
    ],
)
def test_what_an_output_lacks(tmp_path: Path, wanted: list[str], formats: list[str], reason: str) -> None:
    output = write(tmp_path / "0", {"pt": ("a", ["png"]), "eta": ("b", ["pdf", "png"])})
    assert lacking_figures(manifest_of(output), wanted, formats) == reason


def test_a_plot_that_draws_nothing_is_drawn(tmp_path: Path) -> None:
    figure = Drawn("a")
    figure.add([], ["pdf"])
    assert figure.copied(tmp_path / "SR") == {"id": "a", "formats": ["pdf"], "files": []}


def test_figures_are_copied_with_their_numbers(tmp_path: Path) -> None:
    output = write(tmp_path / "0", {"pt": ("a", ["pdf", "png"])})
    ((name, figure),) = figures_of(output, manifest_of(output))
    assert name == "SR/pt/data_mc"
    entry = figure.copied(tmp_path / "copy")
    assert entry == {"id": "a", "formats": ["pdf", "png"], "files": ["pt.json", "pt.pdf", "pt.png"]}
    for file in entry["files"]:
        copy, original = tmp_path / "copy" / file, output / "SR" / file
        assert copy.read_bytes() == original.read_bytes()
        assert not copy.samefile(original)


def test_outputs_of_a_version(tmp_path: Path) -> None:
    for name in ("b", "a", "c", ".b.tmp-host-1-2"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert [path.name for path in outputs_beside(tmp_path / "b")] == ["b", "a", "c"]
    assert [path.name for path in outputs_beside(tmp_path / "new")] == ["new", "a", "b", "c"]

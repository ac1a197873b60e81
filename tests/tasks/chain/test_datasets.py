from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pocket.datasets import build as filesets
from pocket.datasets.catalogues.lookup import Catalogues
from pocket.datasets.catalogues.settings import Settings
from pocket.errors import ChangedFileError, DatasetError, OtherFileError
from pocket.io.nanoaod.writing import make_tree
from pocket.io.store import manifest_of, read_manifest
from tasks.chain.datasets import FILESET, STEP, BuildDatasets, read_fileset, write_fileset
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tests.catalogue_server import catalogue_server
from tests.law_runner import Run
from tests.tasks.conftest import enter
from tests.tasks.damage import delete, overwrite, truncate
from tests.tasks.in_process import Here
from tests.tasks.small_chain import Chain, unfinished

pytestmark = pytest.mark.slow


def build_datasets(chain: Chain, **params: Any) -> BuildDatasets:
    task: BuildDatasets = chain.task(BuildDatasets, definition=str(chain.analysis / "datasets.json"), **params)
    return task


def error(chain: Chain, **params: Any) -> str:
    return chain.error(BuildDatasets, definition=str(chain.analysis / "datasets.json"), **params)


def test_fileset_of_toys(chain: Chain) -> None:
    task = build_datasets(chain)
    assert task.complete()
    assert task.directory.parts[-3:-1] == ("datasets", "v1")
    fileset = task.fileset()
    files = task.toys.files()
    for dataset, process in {"DYJetsToMuMu_toys": "dy", "DATA_SingleMuon_toys": "data"}.items():
        assert list(fileset[dataset]["files"]) == [str(path) for path in files[process]]
    # the toys' parameters know the cross section, the definition doesn't
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["xsec"] == task.toys.toy_config("toys").process("dy").xsec
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["nevents"] == 1800


def test_cross_section_of_a_definition_goes_before_that_of_the_toys(chain: Chain) -> None:
    file = chain.analysis / "datasets.json"
    content = json.loads(file.read_text())
    content["DYJetsToMuMu"]["files"][0]["metadata"]["xsec"] = 1900.0
    file.write_text(json.dumps(content))
    assert build_datasets(chain).definitions["DYJetsToMuMu_toys"].xsec == 1900.0


def test_fileset_of_files(on_files: Chain) -> None:
    task = build_datasets(on_files)
    assert task.requires() == {}
    assert not task.has_toys
    task.run()
    fileset = task.fileset()
    assert {Path(path).name: info["num_entries"] for path, info in fileset["DYJetsToMuMu_toys"]["files"].items()} == {
        "dy_0.root": 1000,
        "dy_1.root": 800,
    }
    assert fileset["DYJetsToMuMu_toys"]["metadata"]["xsec"] == 2000.0


def test_catalogue_of_ones_own(on_files: Chain) -> None:
    """Its files are read, its code counts, and a function that isn't there is said before anything runs."""
    module = on_files.analysis / "catalogue.py"
    listing = "def list_files(name):\n    return [{files}]\n"
    files = [f"{str(on_files.analysis / name)!r}" for name in ("dy_0.root", "dy_1.root")]
    module.write_text(listing.format(files=files[0]))
    on_files.define({"small.catalogue:list_files": ["dy"]})
    task = build_datasets(on_files)
    task.run()
    assert [Path(path).name for path in task.fileset()["DYJetsToMuMu_toys"]["files"]] == ["dy_0.root"]
    assert build_datasets(on_files).complete()
    module.write_text(listing.format(files=", ".join(files)))
    task = build_datasets(on_files)
    assert not task.complete()
    task.run()
    assert [Path(path).name for path in task.fileset()["DYJetsToMuMu_toys"]["files"]] == ["dy_0.root", "dy_1.root"]
    on_files.define({"small.catalogue:list_file": ["dy"]})
    assert "dataset 'DYJetsToMuMu_toys' in " in (sentence := error(on_files))
    assert "'list_file'" in sentence
    assert "list_files" in sentence


def test_changed_file_is_noticed(on_files: Chain) -> None:
    """A file that changes on its place, or that a pattern matches now, makes what it is in run again, and no more."""
    on_files.define({"globs": ["dy_?.root"]})
    on_files.build(RunProcessor, config="main", events_per_branch=800)
    before = on_files.ids("RunProcessor")
    assert len(before) == 5
    os.utime(on_files.analysis / "dy_0.root")
    assert not build_datasets(on_files).complete()
    on_files.build(RunProcessor, config="main", events_per_branch=800)
    assert on_files.ids("RunProcessor") == before

    with uproot.open(on_files.analysis / "dy_1.root") as file:
        columns = file["Events"].arrays(["genWeight", "PV_npvsGood"], library="np")
    replacement = on_files.analysis / "dy_2.root"
    with uproot.recreate(replacement) as file:
        file.mktree("Events", {name: column.dtype for name, column in columns.items()})
        file["Events"].extend(columns)
    task = build_datasets(on_files)
    assert not task.complete()
    task.run()
    assert Path(list(task.fileset()["DYJetsToMuMu_toys"]["files"])[-1]) == replacement


def update(path: Path, branch: str, factor: float) -> None:
    """Change the values of a branch in place, as uproot and ROOT do: the UUID stays."""
    with uproot.open(path) as file:
        uuid, tree = file.file.uuid, file["Events"]
        counters = {each.name: each.count_branch.name for each in tree.branches if each.count_branch is not None}
        columns = {each.name: each.array() for each in tree.branches if each.name not in counters.values()}
    columns[branch] = columns[branch] * factor
    with uproot.update(path) as file:
        types = {name: ak.type(values).content for name, values in columns.items()}
        make_tree(file, "Events", types, 1, counter_name=counters.get).extend(columns)
    with uproot.open(path) as file:
        assert file.file.uuid == uuid


def test_file_that_is_changed_in_place(on_files: Chain, tmp_path: Path) -> None:
    main = {"cls": MergeOutputs, "config": "main"}
    on_files.build(**main)
    branches, before = on_files.ids("RunProcessor"), on_files.templates()
    assert len(branches) == 3
    update(on_files.analysis / "dy_1.root", "Muon_pt", 0.5)
    # another time than when it was looked at; those of before are not served
    on_files.build(**main)
    after = on_files.ids("RunProcessor")
    assert set(after) == set(branches)
    (made,) = (path for path, writing in after.items() if branches[path] != writing)
    manifest = manifest_of(made)
    assert manifest is not None
    events = manifest.info["reading"]["events"]
    assert events == {"expected": 800, "processed": 800}
    templates = on_files.templates()
    assert templates["DYJetsToMuMu"] != before["DYJetsToMuMu"]
    assert templates["DATA_SingleMuon"] == before["DATA_SingleMuon"]
    # the same as if nothing had been there before
    shutil.rmtree(on_files.store)
    on_files.build(**main)
    assert on_files.templates() == templates


def test_file_that_is_changed_between_the_fileset_and_the_branch(on_files: Chain) -> None:
    build_datasets(on_files).run()
    task = on_files.task(RunProcessor, config="main")
    jobs = [branch.job() for branch in task.get_branch_tasks().values()]
    update(on_files.analysis / "dy_1.root", "Muon_pt", 0.5)
    (job,) = (job for job in jobs if any(part.path.endswith("dy_1.root") for part in job.branch.segments))
    with pytest.raises(OtherFileError, match=r"dy_1\.root was changed since the fileset was built: it has \d+ bytes, "):
        job.run(lambda events: None)
    job = replace(
        job, branch=replace(job.branch, segments=tuple(replace(part, size=0) for part in job.branch.segments))
    )
    with pytest.raises(
        OtherFileError, match=r"dy_1\.root was changed in place since the fileset was built: its objects"
    ):
        job.run(lambda events: None)


def test_copy_of_a_file_makes_nothing_again(on_files: Chain) -> None:
    on_files.build(MergeOutputs, config="main")
    before = on_files.ids("")
    path = on_files.analysis / "dy_0.root"
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)
    assert not build_datasets(on_files).complete()
    on_files.build(MergeOutputs, config="main")
    again = {path for path, writing in on_files.ids("").items() if before[path] != writing}
    assert {path.relative_to(on_files.store).parts[1] for path in again} == {"BuildDatasets"}


@pytest.mark.parametrize("name", ["dy_-.root", "dy_00.root", "dy_9.root"])
def test_new_file_keeps_the_branches_of_the_others(on_files: Chain, finished: tuple[Chain, Path], name: str) -> None:
    on_files.define({"globs": ["dy_*.root"]})
    params = {"cls": MergeOutputs, "config": "main"}
    on_files.build(**params)
    before = on_files.ids("RunProcessor")
    (new,) = (finished[1] / "store").rglob("ttsemi_000/events.root")
    shutil.copy(new, on_files.analysis / name)
    on_files.build(**params)
    after = on_files.ids("RunProcessor")
    assert {path: after[path] for path in before} == before
    # the group that the file falls into
    assert len(after) == len(before) + 1


def test_file_that_was_just_written_is_looked_at_later(on_files: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time may be that of two contents, where times are coarse."""
    path = on_files.analysis / "dy_0.root"
    now, waited = path.stat().st_ctime + 0.5, list[float]()
    monkeypatch.setattr("tasks.chain.datasets.time.time", lambda: now + sum(waited))
    monkeypatch.setattr("tasks.chain.datasets.time.sleep", waited.append)
    build_datasets(on_files).run()
    assert sum(waited) == pytest.approx(STEP - 0.5, abs=1)
    # a clock that is ahead isn't waited for
    waited.clear()
    os.utime(path, (now + 100, now + 100))
    build_datasets(on_files).run()
    assert not waited


def test_file_that_changes_while_it_is_looked_at(on_files: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    path, built = on_files.analysis / "dy_0.root", filesets.build_fileset

    def change_meanwhile(*args: Any, **options: Any) -> filesets.FilesetResult:
        result = built(*args, **options)
        os.utime(path, (1, 1))
        return result

    monkeypatch.setattr(filesets, "build_fileset", change_meanwhile)
    task = build_datasets(on_files)
    with pytest.raises(ChangedFileError, match=r"was changed while it ran: .*dy_0\.root has changed; run this again"):
        task.run()
    assert not build_datasets(on_files).complete()
    monkeypatch.undo()
    enter(on_files, monkeypatch)
    build_datasets(on_files).run()
    assert build_datasets(on_files).complete()


def test_files_of_the_store_are_found_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fileset(*paths: str) -> Any:
        return {"DY": {"metadata": {}, "files": {path: {"num_entries": 5} for path in paths}}}

    others = ["/home/me/store-2/x.root", "root://host//home/me/store/x.root", "/data/x.root"]
    monkeypatch.setenv("POCKET_STORE", "/home/me/store")
    write_fileset(fileset("/home/me/store/a/x.root", *others), tmp_path)
    assert json.loads((tmp_path / FILESET).read_text()) == fileset("<store>/a/x.root", *others)
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    assert read_fileset(tmp_path) == fileset(f"{tmp_path}/a/x.root", *others)


def test_store_that_was_moved(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    branches = list(chain.contents("RunProcessor", "main").values())
    moved = tmp_path / "store"
    chain.store.rename(moved)
    monkeypatch.setenv("POCKET_STORE", str(moved))
    assert chain.build(MergeOutputs, config="main") == []
    (path, *_) = build_datasets(chain).fileset()["DYJetsToMuMu_toys"]["files"]
    assert path.startswith(str(moved))
    # the same files, so what was made from them still is
    task = chain.task(RunProcessor, config="main")
    ids = [branch.output().id for branch in task.get_branch_tasks().values()]
    assert sorted(ids) == sorted(branches)


def test_servers_are_not_asked_for_completeness(on_files: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    local = str(on_files.analysis / "dy_0.root")
    remote = "root://nobody.invalid//store/dy_1.root"
    pattern = "root://nobody.invalid//store/data_*.root"
    on_files.define({"paths": ["dy_0.root", remote]})
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    content["DATA_SingleMuon"]["files"][0] = {
        "globs": [pattern],
        "metadata": content["DATA_SingleMuon"]["files"][0]["metadata"],
    }
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    monkeypatch.setattr("pocket.io.remote.client.file_system", None)
    task = build_datasets(on_files)
    ids = task.input_ids()
    assert ids is not None
    assert list(ids) == [local, remote, pattern]
    assert not task.complete()


def corrupt_start(path: Path) -> None:
    overwrite(path, 50, 200)


def replace_by_no_events(path: Path) -> None:
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": np.float32})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(truncate, "truncated"), (corrupt_start, "truncated or corrupt"), (delete, "doesn't exist")],
)
def test_bad_file(
    on_files: Chain, damage: Callable[[Path], None], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = on_files.analysis / "dy_1.root"
    damage(bad)
    sentence = error(on_files)
    assert sentence.startswith(f"dataset 'DYJetsToMuMu_toys': file {bad}")
    assert reason in sentence
    assert unfinished(on_files.store) == []
    assert on_files.outputs("") == []

    task = build_datasets(on_files, skip_bad_files=True)
    task.run()
    assert list(task.fileset()["DYJetsToMuMu_toys"]["files"]) == [str(on_files.analysis / "dy_0.root")]
    manifest = read_manifest(task.directory)
    assert manifest is not None
    ((path, why),) = manifest.info["skipped"].items()
    assert path == str(bad)
    assert reason in why
    said = f"note: BuildDatasets datasets: without the events of an input file, because {why}\n"
    assert said in capsys.readouterr().err
    assert task.complete()
    assert not build_datasets(on_files).complete()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"globs": ["none_*.root"]}, "'DYJetsToMuMu_toys' in {origin}: no file matches 'none_*.root' (folder "),
        ({"globs": ["empty.root"]}, "'DYJetsToMuMu_toys' in {origin} has no events; files read: 1"),
        ({"toys": "dyy"}, "unknown toy process 'dyy' in dataset 'DYJetsToMuMu_toys' in {origin}, did you mean 'dy'"),
        ({"coffea_samples": ["nano_dyy.root"]}, "sample file of coffea 'nano_dyy.root', did you mean 'nano_dy.root'"),
    ],
)
def test_definition_without_events(on_files: Chain, source: dict[str, Any], sentence: str) -> None:
    replace_by_no_events(on_files.analysis / "empty.root")
    on_files.define(source)
    assert sentence.format(origin=on_files.analysis / "datasets.json") in error(on_files)
    assert on_files.outputs("BuildDatasets") == []
    assert unfinished(on_files.store) == []


def test_toys_that_are_not_made(chain: Chain) -> None:
    file = chain.analysis / "datasets.json"
    # Without a cross section, that of the process would be looked for in the toys' parameters.
    file.write_text(file.read_text().replace('"toys": "dy"', '"toys": "dyy"'))
    assert f"unknown toy process 'dyy' in dataset 'DYJetsToMuMu_toys' in {file}, did you mean 'dy'?" in error(chain)


@pytest.mark.parametrize("name", ["datasets.jsn", "cuts.py"])
def test_definition_that_cannot_be_read(on_files: Chain, name: str) -> None:
    sentence = on_files.error(BuildDatasets, definition=str(on_files.analysis / name))
    assert sentence.startswith(f"dataset definition {on_files.analysis / name} ")
    assert not on_files.store.exists()


def test_key_in_the_definition(on_files: Chain) -> None:
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    del content["DATA_SingleMuon"]["files"][0]["metadata"]["year"]
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    assert "metadata lacks 'year'" in error(on_files)


def test_files_are_looked_for_beside_the_definition(on_files: Chain, tmp_path: Path) -> None:
    first = build_datasets(on_files)
    first.run()
    (tmp_path / "other").mkdir()
    shutil.copytree(on_files.analysis, tmp_path / "other" / "small")
    other = on_files.task(BuildDatasets, definition=str(tmp_path / "other" / "small" / "datasets.json"))
    # the definition is the same, so is its place in the store, but not the files that are meant
    assert other.directory == first.directory
    assert not other.complete()


def test_definition_files_of_an_analysis_without_toys(on_files: Chain) -> None:
    def options(**given: str) -> list[dict[str, Any]]:
        return BuildDatasets.each({"version": "v1", **given})

    analysis = {"analysis": str(on_files.analysis)}
    given = {"version": "v1", **analysis}
    definition = str(on_files.analysis / "datasets.json")
    assert [Path(each["definition"]) for each in options(**analysis)] == [Path(definition)]
    named = {"definition": "other.json"}
    assert options(**analysis, **named) == [{**given, **named}]
    assert options() == [{"version": "v1"}]
    # it reads the default, and other files as well
    assert options(analysis="zmumu") == [{"version": "v1", "analysis": "zmumu"}]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_check(on_files: Chain) -> None:
    definition = str(on_files.analysis / "datasets.json")

    def check(*options: str) -> Run:
        arguments = ["--version", "v1", "--analysis", str(on_files.analysis), "--definition", definition, *options]
        return Here(on_files.folder).run("BuildDatasets", *arguments)

    nothing = check("--check", "True")
    assert nothing.code != 0
    assert nothing.errors[0].startswith(f"no fileset of {definition} to check in {on_files.store}")

    on_files.define({"globs": ["dy_?.root"]})
    built = check()
    assert built.code == 0, built.text
    assert re.search(r"^✓ BuildDatasets .* 2 datasets ", built.text, re.MULTILINE)
    before = snapshot(on_files.store)
    good = check("--check", "True")
    assert good.code == 0, good.text
    assert "files checked: 3 files in " in good.text

    shutil.copy(on_files.analysis / "data.root", on_files.analysis / "dy_1.root")
    replace_by_no_events(on_files.analysis / "dy_2.root")
    delete(on_files.analysis / "data.root")
    bad = check("--check", "True")
    assert bad.code != 0
    (sentence,) = bad.errors
    assert sentence.startswith(f"files of {definition} differ from the fileset in {on_files.store}")
    assert sentence.endswith(": 1 changed, 1 new, 1 vanished")
    for kind, name in {"changed": "dy_1.root", "new": "dy_2.root", "vanished": "data.root"}.items():
        assert re.search(rf"{kind} .* {on_files.analysis / name} ", bad.text)
    # nothing of all that changed a thing
    assert snapshot(on_files.store) == before


def write_data(path: Path, first: int, sections: range) -> None:
    """Write data of one run with ten events from a number on, all in the first of some luminosity sections."""
    numbers = np.array(sections, dtype=np.uint32)
    with uproot.recreate(path) as file:
        file["LuminosityBlocks"] = {"run": np.full(len(numbers), 315257, dtype=np.uint32), "luminosityBlock": numbers}
        file["Events"] = {
            "run": np.full(10, 315257, dtype=np.uint32),
            "luminosityBlock": np.full(10, numbers[0], dtype=np.uint32),
            "event": np.arange(first, first + 10, dtype=np.uint64),
        }


def test_events_that_are_there_twice(on_files: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (on_files.analysis / f"data_{part}.root" for part in ("a", "b"))
    write_data(one, 0, range(7, 9))
    write_data(other, 10, range(7, 8))
    paths = {"source": "paths", "files": [str(one), str(other)]}
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    content["DATA_SingleMuon"]["files"][0]["paths"] = paths["files"]
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    build_datasets(on_files).run()
    overlap = f"1 luminosity section in more than one file, such as 7 of run 315257 in {one} and {other}"
    assert (
        f"note: primary dataset DATA_SingleMuon: {overlap}; BuildDatasets --check-duplicates tells whether"
        in capsys.readouterr().err
    )
    # a section may be in two files, but no event
    task = build_datasets(on_files, check_duplicates=True)
    assert not task.complete()
    task.run()
    assert task.complete()
    write_data(other, 5, range(7, 8))
    build_datasets(on_files).run()
    with pytest.raises(DatasetError, match=r"have 5 events twice, the first in DATA_SingleMuon"):
        build_datasets(on_files, check_duplicates=True).run()
    assert f"5 events too many, such as 315257:7:5 in {one} and {other}" in capsys.readouterr().out


def test_sections_in_files_of_two_definition_files(on_files: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (on_files.analysis / f"data_{part}.root" for part in ("a", "b"))
    write_data(one, 0, range(7, 9))
    write_data(other, 10, range(7, 8))
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    data = content["DATA_SingleMuon"]
    data["files"][0] = {**data["files"][0], "paths": [str(one)]}
    data["files"][0]["metadata"]["primaryDataset"] = "SingleMuon"
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    data["files"][0]["paths"] = [str(other)]
    (on_files.analysis / "more.json").write_text(json.dumps({"DATA_more": {**data, "sample": "DATA_more"}}))
    on_files.edit("__init__.py", 'FOLDER / "datasets.json"]', 'FOLDER / "datasets.json", FOLDER / "more.json"]')
    for definition in ("datasets.json", "more.json"):
        on_files.task(BuildDatasets, definition=str(on_files.analysis / definition)).run()
    assert "luminosity section" not in capsys.readouterr().err
    on_files.task(RunProcessor, config="main").prepare_branches()
    assert (
        "note: primary dataset SingleMuon: 1 luminosity section in more than one file, such as 7 of run 315257 in "
        f"{one} and {other}: events in both are counted twice\n"
    ) in capsys.readouterr().err


def test_a_file_of_two_definition_files_is_refused(on_files: Chain) -> None:
    on_files.define({"paths": ["dy_0.root"]})
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    more = {"DY_more": {**content["DYJetsToMuMu"], "sample": "DY_more"}}
    (on_files.analysis / "more.json").write_text(json.dumps(more))
    on_files.edit("__init__.py", 'FOLDER / "datasets.json"]', 'FOLDER / "datasets.json", FOLDER / "more.json"]')
    sentence = on_files.error(RunProcessor, config="main")
    path = on_files.analysis / "dy_0.root"
    assert sentence.startswith(f"{path} of dataset 'DY_more_toys' is the same file as {path} of dataset 'DYJetsToMuMu")
    assert sentence.endswith("count twice; name it once, or read one of the datasets only (--filter-datasets)")
    assert on_files.outputs("RunProcessor") == []


def test_check_makes_no_toys(chain: Chain) -> None:
    task = build_datasets(chain, check=True)
    assert task.requires() == {}
    assert not task.complete()
    task.run()
    assert task.complete()
    (path, *_) = task.toys.files()["dy"]
    path.unlink()
    with pytest.raises(DatasetError, match=r"differ from the fileset in .*: 1 vanished"):
        build_datasets(chain, check=True).run()


def test_dataset_of_a_catalogue(on_files: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "/DY/private-v1/USER"
    settings = Settings(retries=0)
    monkeypatch.setattr("tasks.chain.datasets.catalogue_settings", lambda: settings)
    monkeypatch.setattr(
        "tasks.chain.datasets.catalogues",
        lambda fresh=False: Catalogues(settings, on_files.store / "cache" / "catalogues", fresh),
    )
    content = json.loads((on_files.analysis / "datasets.json").read_text())
    (entry,) = content["DYJetsToMuMu"]["files"]
    del entry["paths"]
    entry |= {"das_names": [name], "dbs_instance": "prod/phys03"}
    content["DYJetsToMuMu"]["storage_prefix"] = str(on_files.analysis)
    (on_files.analysis / "datasets.json").write_text(json.dumps(content))
    with catalogue_server() as server:
        settings = replace(settings, dbs_url=server.url)
        for number, events in enumerate((1000, 800)):
            server.add_file(name, f"/dy_{number}.root", events)
        task = build_datasets(on_files)
        task.run()
        assert [Path(path).name for path in task.fileset()["DYJetsToMuMu_toys"]["files"]] == ["dy_0.root", "dy_1.root"]
        assert task.complete()
        requests = len(server.requests)

        # asked for again only by a check
        server.add_file(name, "/dy_2.root", 10)
        assert build_datasets(on_files).complete()
        assert len(server.requests) == requests
        with pytest.raises(DatasetError, match=": 1 new"):
            build_datasets(on_files, check=True).run()

        # other places make the fileset again, at the same path
        settings = replace(settings, redirector="root://other.example//")
        again = build_datasets(on_files)
        assert not again.complete()
        assert again.directory == task.directory

"""Rows of the mutation table: edits of dataset definitions, and of the files of datasets."""

from __future__ import annotations

import json
import os
import shutil

import uproot

from tests.tasks.mutations.row import (
    DATASETS,
    EVERYTHING,
    MAIN,
    MEASURED,
    MERGED,
    Row,
    all_of,
    edit,
    insert,
)
from tests.tasks.mutations.world import World


def touch(world: World) -> None:
    """Give a file another time."""
    os.utime(world.files / "dy_1.root")


def copy(world: World) -> None:
    """Replace a file by a copy of it."""
    path = world.files / "dy_1.root"
    shutil.copy(path, world.files / "copy.root")
    (world.files / "copy.root").replace(path)


def halve_momenta(world: World) -> None:
    """Change a column in place, with as many entries as before; the file keeps its UUID."""
    path = world.files / "dy_1.root"
    with uproot.open(path) as file:
        columns = file["Events"].arrays()
        muons = {name: columns[f"Muon_{name}"] for name in ("eta", "phi", "mass", "charge", "looseId", "tightId")}
        others = {name: columns[name] for name in columns.fields if not name.startswith(("Muon_", "nMuon"))}
        uuid = file.file.uuid
    import awkward as ak

    content = {**others, "Muon": ak.zip({"pt": columns["Muon_pt"] / 2, **muons})}
    with uproot.update(path) as file:
        del file["Events"]
        file.mktree("Events", {name: ak.type(ak.Array(values)).content for name, values in content.items()})
        file["Events"].extend(content)
    with uproot.open(path) as file:
        assert file.file.uuid == uuid
        assert file["Events"].num_entries == len(columns)


def replace_events(world: World) -> None:
    """Write other events into a file."""
    world.write_events("dy_1", 20)


def rename(world: World) -> None:
    """Give a file another name, with its content."""
    (world.files / "dy_1.root").rename(world.files / "dy_3.root")
    world.write_definitions("dy_3", "dy_2")


def reformat(world: World) -> None:
    """Write the definitions in another format."""
    path = world.analysis / "datasets.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))


def reverse_datasets(world: World) -> None:
    """Write the definitions in the opposite order."""
    path = world.analysis / "datasets.json"
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))


def add_file(name: str, *files: str) -> object:
    """Return the edit that adds a file to simulation."""

    def make(world: World) -> None:
        world.write_events(name, 10)
        world.write_definitions(*files)

    return make


def change_data(world: World) -> None:
    """Write other events into the file of data."""
    world.write_events("data_1", 30)


def use_pattern(world: World) -> None:
    """Define the files of simulation by a pattern."""
    path = world.analysis / "datasets.json"
    content = json.loads(path.read_text())
    (entry,) = content["DY"]["files"]
    del entry["paths"]
    path.write_text(
        json.dumps({**content, "DY": {**content["DY"], "files": [{"globs": ["../files/dy_*.root"], **entry}]}})
    )


DEFINITIONS = [
    Row("another format of the definitions", reformat),
    Row(
        "other metadata, which a weight reads",
        lambda world: world.write_definitions(generator="bb"),
        MAIN | DATASETS,
        tolerated=EVERYTHING,
    ),
    Row("new metadata", lambda world: world.write_definitions(note="new"), DATASETS, tolerated=EVERYTHING),
    Row("the cross section", lambda world: world.write_definitions(xsec=1999.0), MERGED | DATASETS, tolerated=MEASURED),
    Row(
        "a filter of the datasets",
        edit("main", "datasets=datasets", 'datasets={**datasets, "filter": {"samples": ["DY"]}}'),
        MAIN,
    ),
    Row("the order of the definitions", reverse_datasets, tolerated=EVERYTHING),
    Row(
        "the same definitions in another file",
        all_of(
            lambda world: shutil.copy(world.analysis / "datasets.json", world.analysis / "other.json"),
            insert("main", 'other = {"jsons": [FOLDER / "other.json"]}\n'),
            edit("main", "datasets=datasets", "datasets=other"),
        ),
        frozenset({"BuildDatasets other"}),
    ),
]

FILES = [
    # first, since those after it leave files with other times than the fileset has
    Row("a file beside the datasets", lambda world: world.write_events("other", 11)),
    Row(
        "a new file, first",
        add_file("dy_0", "dy_0", "dy_1", "dy_2"),
        EVERYTHING,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
    Row(
        "a new file, in between",
        add_file("dy_0", "dy_1", "dy_0", "dy_2"),
        EVERYTHING,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
    Row(
        "a new file, last",
        add_file("dy_9", "dy_1", "dy_2", "dy_9"),
        EVERYTHING,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
    Row(
        "a file less",
        lambda world: world.write_definitions("dy_2"),
        (MERGED | MEASURED | DATASETS),
        branches={"RunProcessor main": 0, "RunProcessor probes": 0},
    ),
    Row("the order of files", lambda world: world.write_definitions("dy_2", "dy_1"), DATASETS, tolerated=frozenset()),
    Row("a touched file", touch, tolerated=DATASETS),
    Row("a copied file", copy, tolerated=DATASETS),
    Row("a renamed file", rename, DATASETS),
    Row(
        "a file that was changed in place",
        halve_momenta,
        EVERYTHING,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
    Row(
        "other events in a file",
        replace_events,
        EVERYTHING,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
    Row("other events of data", change_data, EVERYTHING, branches={"RunProcessor main": 1, "RunProcessor probes": 1}),
    Row("the same files by a pattern", use_pattern, DATASETS),
    Row(
        "one more file that a pattern matches",
        lambda world: world.write_events("dy_3", 10),
        EVERYTHING,
        before=use_pattern,
        branches={"RunProcessor main": 1, "RunProcessor probes": 1},
    ),
]

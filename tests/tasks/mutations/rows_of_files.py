"""Rows of the mutation table: edits of YAML, and of files and variables that code reads."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import numpy as np

from tests.tasks.mutations.row import (
    CORRECTED,
    DATASETS,
    FROM_PROBES,
    MAIN,
    MEASURED,
    MERGED,
    PLOT,
    PLOT_OF_SCALE_FACTOR,
    Row,
    all_of,
    append,
    edit,
    nothing,
    parameter,
    write,
)
from tests.tasks.mutations.world import World, write_correction


def copy_back(*names: str) -> object:
    """Return the edit that replaces files by copies of them, as a checkout or ``cp -r`` does."""

    def make(world: World) -> None:
        for name in names:
            path = world.analysis / name
            shutil.copy(path, path.with_suffix(".copy"))
            path.with_suffix(".copy").replace(path)
            # as if it were older
            os.utime(path, (1_600_000_000, 1_600_000_000))

    return make


def reverse_keys(world: World) -> None:
    """Write the parameters with their keys in the opposite order."""
    import yaml

    def reversed_keys(content: object) -> object:
        if not isinstance(content, dict):
            return content
        return {key: reversed_keys(content[key]) for key in reversed(content)}

    path = world.analysis / "parameters.yaml"
    path.write_text(yaml.safe_dump(reversed_keys(yaml.safe_load(path.read_text())), sort_keys=False))


def comment(world: World) -> None:
    """Write a comment into the parameters."""
    path = world.analysis / "parameters.yaml"
    path.write_text(f"# why\n{path.read_text()}")


def move_folder(world: World) -> None:
    """Give the analysis' folder another place: what is left is a link."""
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    world.analysis.rename(elsewhere / "study")
    (elsewhere / "files").symlink_to("../files")
    world.analysis.symlink_to("elsewhere/study")


PARAMETERS = [
    Row("a comment in YAML", comment),
    Row("the order of keys in YAML", reverse_keys),
    Row("a section that nothing reads", parameter("read_by_nothing.first", 3)),
    Row("a new section", parameter("new_section", {"a": 1})),
    Row("a section that a weight reads", parameter("slope.size", 0.002), CORRECTED),
    Row("a section that a cut reads", parameter("read_by_a_cut.least", 4), MAIN),
    Row("a parameter beside the one that a cut reads", parameter("read_by_a_cut.most", 71), tolerated=MAIN),
    Row("a parameter of the measurement", parameter("probe.pt", 16.0), FROM_PROBES),
    Row("a shipped section that nothing reads", parameter("event_flags.2018", ["goodVertices"])),
    Row("a shipped section for another year", parameter("lumi.goldenJSON.2017", "other.json")),
    Row("the luminosity of another year", parameter("lumi.picobarns.2017.tot", 1.0)),
    # a ratio needn't change, but is measured again
    Row("the luminosity", parameter("lumi.picobarns.2018.tot", 59000.0), MERGED, tolerated=MEASURED),
    Row(
        "the golden JSON's name",
        parameter("lumi.goldenJSON.2018", "${study:other_golden.json}"),
        MAIN,
        before=lambda world: shutil.copy(world.analysis / "golden.json", world.analysis / "other_golden.json"),
    ),
    Row("a colour", parameter("plotting_style.colors_mc.DY", "#000000"), PLOT),
    Row("the style of all plots", parameter("plotting_style.dpi", 60), PLOT | PLOT_OF_SCALE_FACTOR),
    Row("the toys", parameter("toys.scale", 0.5)),
]

#: the branches, of which one process has made several
ALL_OF_MAIN = {"RunProcessor main": 3}

READ = [
    Row("a file below __file__ as a string", write("model.json", json.dumps({"least": 4})), MAIN),
    Row("a file below __file__ as a path", write("table.json", json.dumps({"least": 4})), MAIN),
    Row("a file by open", write("number.txt", "4"), MAIN),
    Row("a file by pickle", write("number.pickle", pickle.dumps(4)), MAIN),
    Row("a file by YAML", write("number.yaml", "least: 4\n"), MAIN),
    Row("a file by NumPy", lambda world: np.save(world.analysis / "number.npy", np.array([4])), MAIN),
    Row("a file by correctionlib", lambda world: write_correction(world.analysis / "thresholds.json", 4.0), MAIN),
    Row("a file that isn't read by Python", write("network.bin", b"\x04"), MAIN),
    Row("a file by its name in parameters", write("numbers.json", json.dumps({"least": 4})), MAIN),
    Row("a file that a link leads to", write("linked.txt", "4"), MAIN),
    Row("where a link leads to", lambda world: write_link(world, "4"), MAIN),
    Row(
        "a correction of a weight", lambda world: write_correction(world.analysis / "corrections.json", 1.2), CORRECTED
    ),
    Row("the golden JSON", write("golden.json", json.dumps({"1": [[1, 10]]})), MAIN),
    Row("a file that is kept in a cache", write("kept.txt", "40"), MAIN, waiting=ALL_OF_MAIN),
    Row(
        "a correction that is kept in a cache",
        lambda world: write_correction(world.analysis / "kept.json", 40.0),
        MAIN,
        waiting=ALL_OF_MAIN,
    ),
    Row("a variable that is kept in a cache", nothing, MAIN, environment={"STUDY_KEPT": "40"}, waiting=ALL_OF_MAIN),
    Row("a file that nothing reads", write("other.json", "{}")),
    Row("copies of all files", copy_back("model.json", "number.txt", "corrections.json", "golden.json", "network.bin")),
    Row("copies of the code", copy_back("__init__.py", "cuts.py", "idioms.py", "reading.py", "parameters.yaml")),
    Row(
        "a removed file",
        lambda world: (world.analysis / "number.txt").unlink(),
        MAIN,
        must_refuse=True,
    ),
    # filesets hold paths
    Row("the folder of the analysis, behind a link", move_folder, tolerated=DATASETS),
    Row(
        "the text of a constant path",
        all_of(edit("reading:TABLE", "table.json", "other_table.json"), write("other_table.json", '{"least": 4}')),
        MAIN,
    ),
    Row("os.environ", nothing, MAIN, environment={"STUDY_ENVIRON": "4"}),
    Row("os.environ.get", nothing, MAIN, environment={"STUDY_ENVIRON_GET": "4"}),
    Row("os.getenv", nothing, MAIN, environment={"STUDY_GETENV": "4"}),
    Row("a variable that wasn't there", nothing, MAIN, environment={"STUDY_PRESENCE": "1"}),
    Row("a variable that is gone", nothing, MAIN, environment={"STUDY_GETENV": None}),
    Row("a variable that nothing reads", nothing, environment={"STUDY_OTHER": "1"}),
]


def write_link(world: World, content: str) -> None:
    """Let a link lead to another file."""
    (world.analysis / "other.txt").write_text(content)
    (world.analysis / "link.txt").unlink()
    (world.analysis / "link.txt").symlink_to("other.txt")


def cut_with(body: str) -> str:
    """Return the code of one more cut of the study, which reads with this body."""
    return f"def reads(events, params, **kwargs):\n{body}\n\n\ncuts.append(Cut('reads', {{}}, reads))\n"


URL = """    from urllib.request import urlopen
    try:
        urlopen("http://localhost:9/least", timeout=1)
    except OSError:
        pass
    return events.PV.npvsGood > 3"""
SOCKET = """    import socket
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", 9))
    return events.PV.npvsGood > 3"""
SQLITE = """    import sqlite3
    with sqlite3.connect(f"{localdir}/least.sqlite") as database:
        database.execute("create table if not exists least (value integer)")
    return events.PV.npvsGood > 3"""
PROCESS = """    import subprocess
    least = int(subprocess.run(["cat", f"{localdir}/number.txt"], capture_output=True, check=True).stdout)
    return events.PV.npvsGood > least"""

REFUSED = [
    Row(
        f"{what} in a cut",
        nothing,
        before=append("read_model", cut_with(body)),
        refused="load_correction|local_path",
        must_refuse=True,
    )
    for what, body in {"a URL": URL, "a socket": SOCKET, "a database": SQLITE, "a program": PROCESS}.items()
]

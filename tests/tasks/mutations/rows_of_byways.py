"""Rows of the mutation table: what code reads on byways, which is recorded, or refused with a sentence."""

from __future__ import annotations

import os
from pathlib import Path

from tests.tasks.mutations.row import MAIN, PROCESSED, Edit, Row, append, edit, nothing, write
from tests.tasks.mutations.rows_of_files import cut_with
from tests.tasks.mutations.world import World


def remove(name: str) -> Edit:
    """Return the edit that removes a file of the analysis."""
    return lambda world: (world.analysis / name).unlink()


def share(world: World) -> None:
    """Write another number into the shared memory."""
    Path(os.environ["STUDY_SHARED"]).write_text("4")


def change_library(world: World) -> None:
    """Change a library in C without changing what it does."""
    with (world.analysis / "library.so").open("ab") as file:
        file.write(b"\0")


CUT_BY_SOURCE = """
import inspect


def with_source():
    # 3
    pass


def by_source(events, params, **kwargs):
    return events.PV.npvsGood > int(inspect.getsource(with_source).splitlines()[1].strip()[2:])


cuts.append(Cut("by_source", {}, by_source))
"""

RECORDED = [
    Row("a file by a thread", write("by_thread.txt", "4"), MAIN),
    Row("a file by a library's function in a pool of threads", write("by_pool.txt", "4"), MAIN),
    Row("data that are named like a module", write("number.py", "4"), MAIN),
    Row("data that are named like a library", write("number.so", "4"), MAIN),
    Row("a file in the shared memory", share, MAIN),
    Row("a table by pyarrow.csv", write("least.csv", "least\n4\n"), MAIN),
    Row("lines by pyarrow.json", write("least.jsonl", '{"least": 4}\n'), MAIN),
    Row("a file by pyarrow.memory_map", write("mapped.bin", b"\x04"), MAIN),
    Row("a library in C", change_library, MAIN),
    Row("a file's size", write("sized.bin", b"four"), MAIN),
    Row("a file's size by a path", write("stated.bin", b"four"), MAIN),
    Row("a file whose content isn't read", write("stated.bin", b"abc")),
    Row("a file that was missing", write("exists.txt", ""), MAIN),
    Row("a file that is no longer there", remove("sized.bin"), MAIN, must_refuse=True),
    Row("the default of a context variable", edit("LEAST_IN_CONTEXT", "default=3", "default=4"), MAIN),
    Row("a set context variable", append("LEAST_IN_CONTEXT", "LEAST_IN_CONTEXT.set(4)"), MAIN),
    Row("os.environb", nothing, MAIN, environment={"STUDY_BYTES": "4"}),
    Row("a template of variables", nothing, MAIN, environment={"STUDY_TEMPLATE": "4"}),
    Row("a variable by OmegaConf", nothing, MAIN, environment={"STUDY_OMEGACONF": "4"}),
    Row("a resolver of OmegaConf", edit("least_of_resolver", "return 3", "return 4"), PROCESSED),
    Row("a subclass that its base class finds", edit("FirstPlugin", "least = 3", "least = 4"), MAIN),
    Row("another subclass", append("FirstPlugin", "class Second(Plugin):\n    least = 3\n"), MAIN),
    Row("an annotation that is read", edit("annotated", "Literal[3]", "Literal[4]"), MAIN),
    Row("a source that is read", edit("with_source", "# 3", "# 4"), MAIN, before=append("annotated", CUT_BY_SOURCE)),
    Row("a property of a library's class", edit("least_of_hardness", "> 30", "> 31"), PROCESSED),
    Row("a property that setattr sets", edit("least_of_softness", "< 30", "< 29"), PROCESSED),
    Row("a library's function that is replaced", edit("least_of_colours", "return 3", "return 4"), PROCESSED),
    Row("a library's value that is replaced", edit("colorsys.ONE_SIXTH", "3", "4"), PROCESSED),
]

BODIES = {
    "a module by its path": (
        "    import importlib.util\n"
        "    spec = importlib.util.spec_from_file_location('by_path', f'{localdir}/late.py')\n"
        "    module = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    return events.PV.npvsGood > module.LEAST",
        "runs the file .*late.py",
    ),
    "a module by runpy": (
        "    import runpy\n    return events.PV.npvsGood > runpy.run_path(f'{localdir}/late.py')['LEAST']",
        "runs the file .*late.py",
    ),
    "a module from a folder that a function adds": (
        "    import sys\n    sys.path.insert(0, localdir)\n    import late\n    return events.PV.npvsGood > late.LEAST",
        "imports .*late.py from a folder that .* sys.path",
    ),
    "a URL by fsspec": (
        "    import fsspec\n"
        "    with fsspec.open('http://localhost:9/least') as file:\n"
        "        return events.PV.npvsGood > int(file.read())",
        "reads the URL http",
    ),
    "a fork": (
        "    child = os.fork()\n"
        "    if not child:\n"
        "        os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    return events.PV.npvsGood > 3",
        "starts a process",
    ),
    **{
        f"a process by multiprocessing, {method}": (
            "    import multiprocessing\n"
            f"    process = multiprocessing.get_context({method!r}).Process(target=print)\n"
            "    process.start()\n"
            "    process.join()\n"
            "    return events.PV.npvsGood > 3",
            "starts a process",
        )
        for method in ("fork", "spawn", "forkserver")
    },
    "a pool of processes": (
        "    from concurrent.futures import ProcessPoolExecutor\n"
        "    with ProcessPoolExecutor(1) as pool:\n"
        "        return events.PV.npvsGood > pool.submit(int, '3').result()",
        "starts a process",
    ),
    "a copy of the environment": (
        "    return events.PV.npvsGood > int(dict(os.environ)['STUDY_ENVIRON'])",
        "all variables of the environment",
    ),
    "the environment's own copy": (
        "    return events.PV.npvsGood > int(os.environ.copy()['STUDY_ENVIRON'])",
        "all variables of the environment",
    ),
    "the environment's items": (
        "    found = [int(value) for name, value in os.environ.items() if name == 'STUDY_ENVIRON']\n"
        "    return events.PV.npvsGood > found[0]",
        "all variables of the environment",
    ),
    "the globals of a function": (
        "    return events.PV.npvsGood > len(read_model.__globals__['localdir'])",
        "__globals__",
    ),
    "subclasses of a computed class": (
        "    return events.PV.npvsGood > len(type(params).__subclasses__())",
        "__subclasses__",
    ),
    "the docstring of a computed function": ("    return events.PV.npvsGood > len(params.__doc__)", "__doc__"),
    "the time of a file": (
        "    return events.PV.npvsGood > os.stat(f'{localdir}/number.txt').st_mtime",
        "st_mtime",
    ),
}

REFUSED_BYWAYS = [
    Row(f"{what} in a cut", nothing, before=append("read_model", cut_with(body)), refused=refused, must_refuse=True)
    for what, (body, refused) in BODIES.items()
]

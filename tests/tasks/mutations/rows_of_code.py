"""Rows of the mutation table: edits of Python code."""

from __future__ import annotations

from pathlib import Path

from tests.tasks.mutations.row import (
    CORRECTED,
    EVERYTHING,
    FROM_PROBES,
    MAIN,
    Edit,
    Row,
    all_of,
    append,
    edit,
    insert,
    write,
)
from tests.tasks.mutations.world import World


def modules(world: World) -> list[Path]:
    """Return the modules of the analysis: all but a file of data that is named like one."""
    return [file for file in world.analysis.rglob("*.py") if file.name != "number.py"]


def reformat(world: World) -> None:
    """Write the whole analysis in another format, as ``ast.unparse`` does."""
    import ast

    for file in modules(world):
        file.write_text(ast.unparse(ast.parse(file.read_text())) + "\n")


def move(world: World) -> None:
    """Move the cuts to other lines."""
    for file in modules(world):
        docstring, separator, rest = file.read_text().partition('"""\n')
        file.write_text(f"{docstring}{separator}{'#' * 3}\n\n\n{rest}")


def relocated(old: str, new: str, user: str) -> Edit:
    """Return the edit that moves a module's code to another module, from which the user's module takes it."""

    def make(world: World) -> None:
        (world.analysis / old).rename(world.analysis / new)
        file = world.analysis / user
        before = f"from .{Path(old).stem} import"
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, f"from .{Path(new).stem} import"))

    return make


UNCHANGED = [
    Row("a comment", edit("leading", "    return", "    # why\n    return")),
    Row("a docstring", edit("leading", "Require a muon above a threshold.", "Require a hard muon.")),
    Row("no docstring", edit("probe", '    """Require a probe above a threshold."""\n', "")),
    Row("annotations of arguments", edit("by_default", "least: int = 3", "least: float = 3")),
    Row("no annotation of what is returned", edit("leading", "**kwargs: Any) -> Any:", "**kwargs: Any):")),
    Row("an annotated constant", edit("idioms:LEAST", "LEAST = 3", "LEAST: int = 3")),
    Row("another format of everything", reformat),
    Row("other lines of everything", move),
    Row("a class in another module", relocated("calibrators.py", "scales.py", "__init__.py")),
    Row("a constant in another module", relocated("later.py", "latest.py", "idioms.py")),
    Row("parentheses", edit("heavy", "params={}", "params=({})")),
    Row("a function that nothing uses", append("leading", "def unused():\n    return 3\n")),
    Row("a constant that nothing uses", append("idioms:LEAST", "UNUSED = 3\n")),
    Row("an import that nothing uses", insert("leading", "import math\n")),
    Row("a changed function that nothing uses", edit("used_by_nothing", "return 1", "return 2")),
    Row("a changed weight that nothing uses", edit("Unused.compute", "np.ones(size)", "2 * np.ones(size)")),
    Row("a changed module that only its package loads", edit("used_by_no_cut", "return 1", "return 2")),
    Row("a name that a package hands on", write("far/__init__.py", "from .neighbour import used_by_no_cut as other\n")),
    Row("a new module", write("new.py", "LEAST = 3\n")),
    Row("a test beside the analysis", write("test_study.py", "def test():\n    assert True\n")),
]

IDIOMS = [
    Row("a constant", edit("idioms:LEAST", "3", "4"), MAIN),
    Row("a constant of another type", edit("idioms:LEAST", "3", "3.5"), MAIN),
    Row("a default value", edit("by_default", "least: int = 3", "least: int = 4"), MAIN),
    Row("a closure", edit("idioms:by_closure", "at_least(3)", "at_least(4)"), MAIN),
    Row("the function around a closure", edit("at_least", "> least", ">= least"), MAIN),
    Row("a helper two modules away", edit("far_threshold", "return 3", "return 4"), MAIN),
    Row("a helper that another module replaces", edit("threshold_from_afar", "far_threshold()", "4"), MAIN),
    Row("a method of a base class", edit("Thresholds.least", "return 3", "return 4"), MAIN),
    Row("an overridden method", append("Tight", "Tight.least = lambda self: 4"), MAIN),
    Row(
        "another base class",
        all_of(
            insert("Tight", "class Mixin:\n    def least(self):\n        return 4\n\n"),
            edit("Tight", "class Tight(Thresholds)", "class Tight(Mixin, Thresholds)"),
        ),
        MAIN,
    ),
    Row("a decorator", edit("scaled", "> 6", "> 7"), MAIN),
    Row("a decorator twice", edit("by_decorator", "@scaled\n", "@scaled\n@scaled\n"), MAIN),
    Row("a lambda", edit("by_lambda", "> 3", "> 4"), MAIN),
    Row("an argument of a partial", edit("by_partial", "least=3", "least=4"), MAIN),
    Row("the function of a partial", edit("_at_least", "> least", ">= least"), MAIN),
    Row("a constant of a comprehension", edit("by_comprehension", "(1, 2, 3)", "(1, 2, 4)"), MAIN),
    Row("an attribute of a function", edit("by_attribute.least", "3", "4"), MAIN),
    Row("a global by its name", edit("LEAST_BY_NAME", "3", "4"), MAIN),
    Row("an attribute by its name", edit("least_by_getattr", "3", "4"), MAIN),
    Row("a name inside eval", edit("LEAST_BY_EVAL", "2", "3"), MAIN),
    Row("the text of eval", edit("by_eval", "LEAST_BY_EVAL + 1", "LEAST_BY_EVAL + 2"), MAIN),
    Row("a module by its name", edit("late:LEAST", "3", "4"), MAIN),
    Row("an import inside a function", edit("later:LEAST", "3", "4"), MAIN),
    Row("a point of an interpolation", edit("LEAST_BY_POINTS", "[3.0, 3.0]", "[3.0, 4.0]"), MAIN),
    Row("a constant of compiled code", edit("LEAST_COMPILED", "3", "4"), MAIN),
    Row("compiled code", edit("exceeds", "> LEAST", ">= LEAST"), MAIN),
    Row("a behaviour of awkward", edit("MuonOfTheStudy.energetic", "> 30", "> 31"), MAIN),
    Row("a property of a metaclass", edit("Meta.least", "return 3", "return 4"), MAIN),
    Row("what is no member of an enumeration", edit("Kind", "nonmember(3)", "nonmember(4)"), MAIN),
    Row("an attribute among the fields of a class", edit("Fields", "least = 3", "least = 4"), MAIN),
    Row(
        "the order of a dict",
        edit("THRESHOLDS", '{"first": 3, "second": 5}', '{"second": 5, "first": 3}'),
        MAIN,
    ),
    Row("a value of a dict", edit("THRESHOLDS", '"first": 3', '"first": 4'), MAIN),
    Row("a slot", edit("slotted", "3", "4"), MAIN),
    Row("an attribute of an instance that is called", edit("by_instance", "3", "4"), MAIN),
    Row("how an instance is called", edit("Called.__call__", "> self", ">= self"), MAIN),
    Row("an attribute of a base class", edit("Thresholds", "LEAST = 3", "LEAST = 4"), MAIN),
    Row("a read-only table", edit("READ_ONLY", "3", "4"), MAIN),
    Row("a getter", edit("second", "itemgetter(1)", "itemgetter(2)"), MAIN),
    Row("a string", edit("LEAST_IN_STRINGS", "3", "4"), MAIN),
    Row("bytes", edit("LEAST_IN_BYTES", "03", "04"), MAIN),
    Row("a set", edit("LEAST_IN_SET", "{1, 2, 3}", "{1, 2, 3, 4}"), MAIN),
    Row("the order of a set", edit("LEAST_IN_SET", "{1, 2, 3}", "{3, 2, 1}")),
    Row("a list", edit("LIST_OF_LEAST", "[3]", "[4]"), MAIN),
    Row("a cached function", edit("cached_least", "return 3", "return 4"), MAIN),
    Row("a pattern", edit("by_match", "> 3", "> 4"), MAIN),
    Row("a global of an inner function", edit("LEAST_OF_INNER", "3", "4"), MAIN),
    Row(
        "a global that is set elsewhere",
        append("analysis", "idioms.LEAST = 4"),
        MAIN,
    ),
]

CUT_BY_COMPUTED_IMPORT = """
def by_computed_import(events, params, **kwargs):
    return events.PV.npvsGood > importlib.import_module("study." + "etal"[::-1]).LEAST


cuts.append(named(by_computed_import))
"""
CUT_BY_FOUND_IMPORT = """
def by_found_import(events, params, year, **kwargs):
    return events.PV.npvsGood > importlib.import_module(f"study.of{year}").LEAST


cuts.append(named(by_found_import))
"""
CUT_BY_NAMES = """
def by_computed_name(events, params, year, **kwargs):
    return events.PV.npvsGood > globals()[f"LEAST_OF_{year}"]


LEAST_OF_2018 = 3
cuts.append(named(by_computed_name))
"""
CUT_BY_EXEC = """
def by_exec(events, params, year, **kwargs):
    found = {}
    exec(f"least = LEAST_OF_{year}", globals(), found)
    return events.PV.npvsGood > found["least"]


LEAST_OF_2018 = 3
cuts.append(named(by_exec))
"""
CUT_BY_GETATTR = """
def by_computed_attribute(events, params, year, **kwargs):
    return events.PV.npvsGood > getattr(tables, f"least_of_{year}")


tables.least_of_2018 = 3
cuts.append(named(by_computed_attribute))
"""

#: what of the engine the analysis replaces in some rows
REPLACEABLE = (
    "pocket.cuts.library._number_of_objects",
    "pocket.cuts.library.certified",
    "pocket.cuts.cut.Cut.get_mask",
)
REPLACED = all_of(
    append(
        "leading",
        "import pocket.cuts.library\nimport numpy as np\n\n\n"
        "def own_number_of_objects(events, params):\n"
        '    return ak.num(events[params["coll"]]) + 0\n\n\n'
        "def own_certified(runs, luminosity_blocks, path):\n"
        "    mask = np.ones(len(runs), dtype=bool)\n    mask[::2] = False\n    return mask\n\n\n"
        "# loaded again, it finds its own method in the engine's place\n"
        'mask_of_the_engine = getattr(Cut.get_mask, "replaced", Cut.get_mask)\n\n\n'
        "def own_mask(self, *args, **kwargs):\n"
        "    mask = mask_of_the_engine(self, *args, **kwargs).copy()\n    mask[::2] = False\n    return mask\n\n\n"
        "pocket.cuts.library._number_of_objects = own_number_of_objects\n"
        "pocket.cuts.library.certified = own_certified\n"
        "own_mask.replaced = mask_of_the_engine\n"
        "Cut.get_mask = own_mask\n",
    ),
    edit("main", "[get_nPVgood(2), goldenJson]", '[get_nPVgood(2), goldenJson, get_nObj_min(1, coll="Muon")]'),
    insert("probes", "from pocket.cuts.library import get_nObj_min"),
)

#: what can't be followed is refused
DYNAMIC = [
    Row(
        "a module by a computed name",
        edit("late:LEAST", "3", "4"),
        MAIN,
        before=append("named", CUT_BY_COMPUTED_IMPORT),
        refused="import_module",
    ),
    Row(
        "a module by a name that is known at run time",
        write("of2018.py", "LEAST = 4\n"),
        MAIN,
        before=all_of(append("named", CUT_BY_FOUND_IMPORT), write("of2018.py", "LEAST = 3\n")),
        refused="import_module",
    ),
    Row(
        "a global by a computed name",
        edit("LEAST_OF_2018", "3", "4"),
        MAIN,
        before=append("named", CUT_BY_NAMES),
        refused="globals",
    ),
    Row(
        "a name inside exec",
        edit("LEAST_OF_2018", "3", "4"),
        MAIN,
        before=append("named", CUT_BY_EXEC),
        refused="exec",
    ),
    Row(
        "an attribute by a computed name",
        edit("tables.least_of_2018", "3", "4"),
        MAIN,
        before=append("named", CUT_BY_GETATTR),
        refused="getattr",
    ),
    Row(
        "an engine function that the analysis replaces",
        edit("own_number_of_objects", "+ 0", "+ 1"),
        MAIN,
        before=REPLACED,
        tolerated=EVERYTHING,
        refused="_number_of_objects",
        patched=REPLACEABLE,
    ),
    Row(
        "an engine function, called by the engine alone, that the analysis replaces",
        edit("own_certified", "[::2]", "[::3]"),
        MAIN,
        before=REPLACED,
        tolerated=EVERYTHING,
        refused="certified",
        patched=REPLACEABLE,
    ),
    Row(
        "a method of the engine that the analysis replaces",
        edit("own_mask", "[::2]", "[::3]"),
        CORRECTED | FROM_PROBES | MAIN,
        before=REPLACED,
        refused="get_mask",
        patched=REPLACEABLE,
    ),
]

"""Rows of the mutation table: edits of messages, log lines and names, which decide no number unless code reads them."""

from __future__ import annotations

from tests.tasks.mutations import sources
from tests.tasks.mutations.row import MAIN, Edit, Row, all_of, append, edit, write
from tests.tasks.mutations.world import World


def renamed(name: str, old: str, new: str) -> Edit:
    """Return the edit that renames a variable in the definition of an object."""
    return lambda world: sources.rename(world.analysis, name, old, new)


def imported(old: str, new: str) -> Edit:
    """Return the edit that changes an import of the module with texts."""

    def make(world: World) -> None:
        file = world.analysis / "texts.py"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")

    return make


TEXTS = [
    Row("the text of an error", edit("checked", "there are no vertices", "no vertex is there")),
    Row("the text of an error of Pocketlaw", edit("checked", "events have", "events of them have")),
    Row("a value in the text of an error", edit("checked", ": {vertices!r}", "")),
    Row(
        "a word in the text of an error that is a parameter",
        edit("checked", "too few vertices", "no luminosity, slope"),
    ),
    Row("the text of an assertion", edit("checked", "no events", "there are none")),
    Row("the text of a log line", edit("by_texts", '"a cut of %d events"', '"%d events are cut"')),
    Row("another level of a log line", edit("by_texts", "_log.debug", "_log.info")),
    Row("a printed text", edit("by_texts", 'print("a cut of"', 'print("this cut of"')),
    Row("a new printed text", edit("by_names", "    total = 0\n", '    total = 0\n    print("begun")\n')),
    Row("the docstring of a class", edit("Counter", "Counts vertices.", "Counts them.")),
    Row("the docstring of a method", edit("Counter.count", "Return their number.", "Return how many.")),
    Row("the name of a variable", renamed("by_texts", "numbers", "vertices")),
    Row("the name of a sum", renamed("by_names", "total", "result")),
    Row("the name of a loop's variable", renamed("by_names", "position", "index")),
    Row("the name of a variable in a comprehension", renamed("by_names", "each", "one")),
    Row("the name of a caught error", renamed("by_names", "error", "problem")),
    Row("the text of an error with a caught one", edit("by_names", "nothing is largest", "there is no largest")),
    Row("the name of a module inside a function", renamed("by_names", "op", "operators")),
    Row(
        "the name of an imported module",
        all_of(imported("numpy as np", "numpy as xp"), renamed("by_names", "np", "xp")),
    ),
    Row(
        "the name of an imported class",
        all_of(imported("as Levels", "as Bounds"), renamed("by_texts", "Levels", "Bounds")),
    ),
    Row("the name of a variable of a weight", renamed("Slope.compute", "correction", "table")),
    Row(
        "the name of a variable of a workflow",
        renamed("StudyProcessor.apply_object_preselection", "muons", "all_muons"),
    ),
    Row(
        "a printed text of a calibrator",
        edit("Scale.calibrate", "        return", '        print("scaled")\n        return'),
    ),
    Row("a method that nothing uses", edit("Counter.not_used", "return 1", "return 2")),
    Row("another file in a folder that is read", write("lists/notes.md", "notes")),
]

#: code that reads texts: of an exception and of a docstring
READERS = """
class Sentence:
    "Describes a threshold of 3"


def refused(vertices):
    raise ValueError("more than 3")


def outcome(vertices):
    try:
        refused(vertices)
    except ValueError as error:
        return int(str(error).split()[-1])


def by_reading(events, params, **kwargs):
    least = outcome(events) + int(Sentence.__doc__.split()[-1])
    return events.PV.npvsGood > least


cuts.append(Cut(name="by_reading", params={}, function=by_reading))
"""
WITH_READERS = append("checked", READERS)

READ_TEXTS = [
    Row("the class of an error", edit("checked", "raise ValueError", "raise TypeError"), MAIN),
    Row("the condition of an error", edit("checked", "vertices < 0", "vertices < 1"), MAIN),
    Row("the condition of an assertion", edit("checked", ">= 0", ">= 1"), MAIN),
    Row("what a log line changes", edit("noted", "append(4)", "append(5)"), MAIN),
    Row("a log line that changes something", edit("by_log", '    _log.debug("%d", noted(least))\n', ""), MAIN),
    Row("variables that are looked up by name", edit("by_own_names", "low, high = 3, 5", "high, low = 3, 5"), MAIN),
    Row("a variable whose name is in a text", renamed("by_name_in_text", "low", "lowest"), MAIN),
    Row("variables that change places", edit("by_names", "position, step in", "step, position in"), MAIN),
    Row("the number of files in a folder", write("lists/more.txt", ""), MAIN),
    Row("what an imported name is", imported("Thresholds as Levels", "Lower as Levels"), MAIN,
        before=append("tables:Thresholds", "class Lower(Thresholds):\n    def least(self):\n        return 2\n")),
    Row("the text of an error that is read", edit("refused", "more than 3", "more than 4"), MAIN, before=WITH_READERS),
    Row("a docstring that is read", edit("Sentence", "of 3", "of 4"), MAIN, before=WITH_READERS),
]  # fmt: skip

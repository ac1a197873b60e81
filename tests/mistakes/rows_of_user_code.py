"""Mistakes in code of an analysis that raise while events are processed, or while the analysis is imported."""

from __future__ import annotations

from dataclasses import dataclass

#: a function of a cut with a body of its own, in place of the shipped one
CUT = "    return ak.firsts(events.MuonGood.pt) > params["
#: an end of the sentence of what fails with events
EVENTS = r", on \w+, entries \d+:\d+ of file \S+\.root; the traceback is in (?P<log>\S+\.txt)$"


@dataclass(frozen=True)
class Row:
    """A mistake, and the sentence that a user sees.

    Args:
        mistake: what is wrong, in words.
        file: file of the small analysis that is changed.
        old: text that is there once.
        new: text in its place.
        sentence: pattern that the sentence of the error matches from its begin, without ``error:``.
        code: exit code of the command.
    """

    mistake: str
    file: str
    old: str
    new: str
    sentence: str
    code: int = 30


def cut(mistake: str, body: str, sentence: str) -> Row:
    """Return the row of a cut that begins with other code."""
    return Row(mistake, "cuts.py", CUT, f"    {body}\n{CUT}", sentence)


def weight(mistake: str, result: str, sentence: str) -> Row:
    """Return the row of a weight ``mine`` that returns something."""
    function = f"lambda params, metadata, events, size, variation: {result}"
    wrapper = '__import__("pocket.weights.base").weights.base.WeightLambda'
    wrapped = f'{wrapper}.wrap_func("mine", {function})'
    return Row(mistake, "__init__.py", '"lumi", "XS"', f'"lumi", "XS", {wrapped}', sentence)


ROWS = (
    cut(
        "a key of a cut's parameters that isn't there",
        'params["ptt"]',
        r"cut 'leading_muon' failed in \S*small/cuts\.py:15 \(leading_muon\): KeyError: 'ptt' \(params has no 'ptt', "
        rf"did you mean 'pt'\?\){EVENTS}",
    ),
    cut(
        "a misspelt function in a cut",
        "ak.frists(events.MuonGood.pt)",
        r"cut 'leading_muon' failed in \S*small/cuts\.py:15 \(leading_muon\): AttributeError: module 'awkward' has no "
        rf"attribute 'frists' \(did you mean 'firsts'\?\){EVENTS}",
    ),
    cut(
        "a cut that opens a bad file of its own",
        "import uproot; return uproot.open(__file__)",
        r"cut 'leading_muon' failed in \S*small/cuts\.py:\d+ \(\w+\): .*" + EVENTS,
    ),
    cut(
        "a cut that ends the program",
        "import sys; sys.exit(3)",
        r"cut 'leading_muon' failed in \S*small/cuts\.py:15 \(leading_muon\): ProgramEndedError: it ended the program "
        rf"with exit code 3{EVENTS}",
    ),
    Row(
        "a cut on selected objects in the skim",
        "__init__.py",
        "skim=[get_nPVgood(1)]",
        "skim=[get_leading_muon(parameters.leading_muon.pt)]",
        r"skim cut 'leading_muon' at \S*small/cuts\.py:15 in \S+: no branch for field 'MuonGood' in \S+\.root \(",
    ),
    cut(
        "a cut that returns None",
        "return None",
        r"cut 'leading_muon' must return one boolean per event \(\d+\), not None \(\S*small/cuts\.py:12, \w+, ",
    ),
    cut(
        "a cut that returns too few booleans",
        "return (events.run > 0)[:3]",
        r"cut 'leading_muon' must return one boolean per event \(\d+\), not 3 of type bool \(\S*small/cuts\.py:12, ",
    ),
    cut(
        "a cut that returns numbers",
        "return ak.num(events.Muon)",
        r"cut 'leading_muon' must return one boolean per event \(\d+\), not \d+ of type int64 \(\S*small/cuts\.py:12",
    ),
    Row(
        "a method of the workflow that raises",
        "__init__.py",
        'self.events["nMuonGood"] =',
        'self.events["nMuonGood"] = 1 / 0 +',
        r"workflow 'MuonProcessor' failed in \S*small/__init__\.py:\d+ \(MuonProcessor\.count_objects\): "
        rf"ZeroDivisionError: division by zero{EVENTS}",
    ),
    weight(
        "a weight that raises",
        "events.Pileup.nTrueInt / {}['no_such_key']",
        r"weight 'mine' failed in \S*small/__init__\.py:\d+ \(configure\.<lambda>\): \w+: .*no_such_key.*" + EVENTS,
    ),
    weight(
        "a weight that misspells a parameter",
        "events.Pileup.nTrueInt / params.leading_muons",
        r"unknown parameter 'leading_muons' in the parameters \(.*, line \d+\), did you mean 'leading_muon'.*mine.*",
    ),
    weight(
        "a weight that returns None",
        "None",
        r"weight 'mine' \(nominal\) is None, expected one number per event \(\d+\) \(\S*small/__init__\.py:60, \w+, ",
    ),
    weight(
        "a weight of another length",
        "[1.0, 2.0]",
        r"weight 'mine' \(nominal\) has shape \(2,\), expected \(\d+,\) \(\S*small/__init__\.py:60, \w+, entries ",
    ),
    weight(
        "a weight that isn't finite",
        "events.genWeight * float('nan')",
        r"weight 'mine' \(nominal\) is not finite for \d+ of \d+ events \(\S*small/__init__\.py:60, \w+, ",
    ),
    Row(
        "a module that isn't there",
        "__init__.py",
        "from .cuts import",
        "from .cutz import",
        r"analysis '\S+small' can't be imported, because of an error in \S*/__init__\.py:\d+: ModuleNotFoundError: "
        r"No module named 'small\.cutz'; there is no such module in small, did you mean small\.cuts\? ?$",
        40,
    ),
    Row(
        "a syntax error",
        "cuts.py",
        "-> Cut:",
        "-> Cut",
        r"analysis '\S+small' can't be imported, because of an error in \S*/cuts\.py:18: SyntaxError: expected ':'",
        40,
    ),
    Row(
        "an unknown weight in a block",
        "__init__.py",
        '"lumi", "XS"',
        '"lumi", "XSS"',
        r"unknown weight 'XSS' in weights\.common\.inclusive, did you mean 'XS'\? \(in \S*/__init__\.py:\d+, called in "
        r"\S*small/__init__\.py:\d+\)$",
        40,
    ),
)

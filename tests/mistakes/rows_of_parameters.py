"""Mistakes in parameter files, in overrides, and in code that reads parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from pocket.cuts.cut import Cut
from pocket.parameters.defaults import get_default_parameters, merge_parameters, merge_parameters_from_files
from pocket.parameters.overrides import check_overrides, parameter_overrides
from pocket.parameters.plain import to_plain
from tests.mistakes.table import EVENTS, PLAN, Row
from tests.pocket.configs import PARAMETERS, configure, only


def file(text: str, update: bool = False) -> Callable[[Path], Any]:
    """Return what composes parameters with a file."""

    def make(folder: Path) -> Any:
        path = folder / "mine.yaml"
        path.write_text(text)
        return merge_parameters_from_files(get_default_parameters(), path, update=update)

    return make


def override(assignment: str) -> Callable[[Path], Any]:
    """Return what composes parameters with a value of the command line."""

    def make(folder: Path) -> Any:
        with parameter_overrides([assignment]):
            parameters = get_default_parameters()
        check_overrides(parameters, [assignment])

    return make


def reading(function: Callable[..., Any], **parameters: Any) -> Callable[[Path], Any]:
    """Return what makes a configuration whose cut reads parameters."""
    composed = OmegaConf.merge(PARAMETERS, parameters)
    cut = Cut("mine", {}, function)
    return lambda folder: configure(parameters=composed, preselections=[cut], datasets=only("TT"))


def style(**options: Any) -> Callable[[Path], Any]:
    """Return what makes a configuration with a style of plots."""
    composed = OmegaConf.merge(PARAMETERS, {"plotting_style": options})
    assert isinstance(composed, DictConfig)
    return lambda folder: configure(parameters=composed)


def misspelt(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Read a threshold by a name that it hasn't."""
    return np.asarray(events.x) > processor_params.my_cut.lwo


def misspelt_item(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Read a threshold by a name that it hasn't."""
    return np.asarray(events.x) > processor_params["my_cut"]["by_year"]["2081"]


def right(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Read a threshold."""
    return np.asarray(events.x) > processor_params.my_cut.low


def whole(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Go through all sections."""
    return np.asarray(events.x) > len(list(processor_params))


def put_together(events: Any, params: Any, processor_params: Any, **kwargs: Any) -> Any:
    """Read a section by a name that stands nowhere."""
    return np.asarray(events.x) > processor_params["".join(["my", "_", "cu", "t"])].low


def total(value: str) -> Callable[[Path], Any]:
    """Return what composes parameters with a luminosity as it is written."""
    return file(f"lumi:\n  picobarns:\n    mine: {{tot: {value}}}\n")


TOTAL = r"lumi\.picobarns\.mine\.tot in .*mine\.yaml is"

ROWS = [
    Row(
        "a misspelt key",
        r"unknown key 'object_preselection\.Muon\.ptt' in .*mine\.yaml, did you mean '.*\.Muon\.pt' .*",
        file("object_preselection: {Muon: {ptt: 3}}"),
    ),
    Row(
        "a change that isn't meant",
        r".*mine\.yaml changes object_preselection\.Muon\.pt: pass update=True if that is meant",
        file("object_preselection: {Muon: {pt: 99}}"),
    ),
    Row(
        "a file that there isn't",
        "parameter file /no/such.yaml does not exist: there is no folder /no",
        lambda folder: merge_parameters_from_files(get_default_parameters(), "/no/such.yaml"),
    ),
    Row("no YAML", r"parameter file .*mine\.yaml:2: .*, while parsing .*", file("a: [")),
    Row("no mapping", r"parameter file .*mine\.yaml must hold a mapping of sections", file("- a")),
    Row(
        "a reference to nothing",
        r"parameter mine\.pt: Interpolation key 'muon\.ptt' not found",
        lambda folder: to_plain(merge_parameters(PARAMETERS, {"mine": {"pt": "${muon.ptt}"}})),
    ),
    Row("a number: letters", rf"{TOTAL} 'abc', expected a number", total("abc")),
    Row("a number: null", rf"{TOTAL} null, expected a number", total("null")),
    Row("a number: a list", rf"{TOTAL} \[1\], expected a number", total("[1]")),
    Row("a number: a switch", rf"{TOTAL} true, expected a number", total("true")),
    Row("a number: a comma", rf"{TOTAL} '59,8', expected a number", total("'59,8'")),
    Row("a number: octal", rf"{TOTAL} written 010, which YAML reads as 8: write 8 if that is meant", total("010")),
    Row("a number: sexagesimal", rf"{TOTAL} written 1:30, which YAML reads as 90: write 90 if .*", total("1:30")),
    Row(
        "a year without quotes",
        r"lumi\.picobarns in .*mine\.yaml has the number 2022 as a key, write the year in quotes: '2022'",
        file("lumi: {picobarns: {2022: {tot: 1.0}}}"),
    ),
    Row(
        "a number instead of a table",
        r"lumi\.picobarns\.mine in .*mine\.yaml is 1\.0, expected a table of keys such as 'tot'",
        file("lumi: {picobarns: {mine: 1.0}}"),
    ),
    Row(
        "a text instead of a list",
        r"event_flags_data\.mine in .*mine\.yaml is 'eeBadScFilter', expected a list",
        file("event_flags_data: {mine: eeBadScFilter}"),
    ),
    Row(
        "a number instead of a switch",
        r"jets_calibration\.sort_by_pt\.mine\.AK4PFchs in .*mine\.yaml is 1, expected true or false",
        file("jets_calibration: {sort_by_pt: {mine: {AK4PFchs: 1}}}"),
    ),
    Row(
        "an override of what there isn't",
        r"unknown parameter 'ptt' in object_preselection\.Muon \(--params object_preselection\.Muon\.ptt\), .*'pt'.",
        override("object_preselection.Muon.ptt=25"),
    ),
    Row(
        "an override with a text instead of a number",
        r"--params object_preselection\.Muon\.pt=high: object_preselection\.Muon\.pt is a number, not a string",
        override("object_preselection.Muon.pt=high"),
    ),
    Row(
        "an override with an octal number",
        r"object_preselection\.Muon\.pt in --params .* is written 010, which YAML reads as 8: .*",
        override("object_preselection.Muon.pt=010"),
    ),
    Row(
        "an override without a value",
        "--params takes key=value, e.g. .*, not 'object_preselection.Muon.pt'",
        override("object_preselection.Muon.pt"),
    ),
    Row(
        "style: a misspelt option in a file",
        r"unknown key 'plotting_style\.color_mc' in .*mine\.yaml, did you mean 'plotting_style\.colors_mc' .*",
        file("plotting_style: {color_mc: {}}"),
    ),
    Row(
        "style: a misspelt option",
        "unknown option 'label_mc' in plotting_style, did you mean 'labels_mc'.*",
        style(label_mc={}),
        PLAN,
    ),
    Row(
        "style: a size of text that there isn't",
        "plotting_style.fontsize must be a positive number, not 0",
        style(fontsize=0),
        PLAN,
    ),
    Row(
        "style: a colour that there isn't",
        r"plotting_style\.colors_mc\.DY: 'ornage' is not a colour, did you mean 'orange'\? Or write it like '#5790fc'",
        style(colors_mc={"DY": "ornage"}),
        PLAN,
    ),
    Row(
        "style: a colour with a digit too few",
        r"plotting_style\.colors_mc\.DY: '#5790f' is not a colour, .*",
        style(colors_mc={"DY": "#5790f"}),
        PLAN,
    ),
    Row(
        "style: a text that is missing",
        r"parameter plotting_style\.labels_mc\.DY is still '\?\?\?', give it a value",
        style(labels_mc={"DY": "???"}),
        PLAN,
    ),
    Row(
        "style: a format that there isn't",
        r"unknown format 'pgn' in plotting_style\.formats, did you mean 'png'.",
        style(formats=["pgn"]),
        PLAN,
    ),
    Row(
        "style: a range to blind of one number",
        r"plotting_style\.blind_hists\.histograms\.mll must be \[low, high\], not \[3\]",
        style(blind_hists={"histograms": {"mll": [3]}}),
        PLAN,
    ),
    Row(
        "code: a misspelt key of an own section",
        r"unknown parameter 'lwo' in my_cut \(misspelt\(\) in rows_of_parameters\.py, line \d+\), did you mean 'low'.",
        reading(misspelt, my_cut={"low": 1.0}),
        EVENTS,
    ),
    Row(
        "code: a misspelt key deep in an own section",
        r"unknown parameter '2081' in my_cut\.by_year \(misspelt_item\(\) in .*, line \d+\), did you mean '2018'.",
        reading(misspelt_item, my_cut={"by_year": {"2018": 1.0}}),
        EVENTS,
    ),
    Row(
        "code: a section that isn't there",
        r"unknown parameter 'my_cut' in the parameters \(right\(\) in rows_of_parameters\.py, line \d+\).*",
        reading(right),
        EVENTS,
    ),
    Row(
        "code: a value that is missing",
        r"parameter my_cut\.low is still '\?\?\?': right\(\) in rows_of_parameters\.py, line \d+, reads it, so .*",
        reading(right, my_cut={"low": "???"}),
        EVENTS,
    ),
    Row(
        "code: all sections",
        r"whole\(\) in rows_of_parameters\.py, line \d+, loops over all sections in the parameters, .*",
        reading(whole),
        EVENTS,
    ),
    Row(
        "code: a section by a name that stands nowhere",
        r"put_together\(\) in .*, line \d+, reads section 'my_cut' of the parameters, which no code .* names: .*",
        reading(put_together, my_cut={"low": 1.0}),
        EVENTS,
    ),
]

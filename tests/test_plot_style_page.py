"""The page of the plot style: it has each key that the code knows, its default, and an example that has an effect."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from docs.hooks.plot_style_pictures import (
    OTHERS,
    PAGE,
    WITHOUT_PICTURE,
    draw,
    merged,
    on_page_markdown,
    read_examples,
    shipped_style,
    with_pictures,
)
from pocket.compat.plot_style import IGNORED, OTHER_NAMES
from pocket.histograms.config import Axis
from pocket.plots.canvas import cms_style
from pocket.plots.honoured_options import HONOURED
from pocket.plots.style import FORMATS, BlindHists, PlotStyle
from pocket.plots.templates.panels import TOTAL_BAND
from tests.entries import check_each

TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = read_examples(TEXT)
OPTIONS = {item.name: item for item in dataclasses.fields(PlotStyle)}
#: arguments of axes that only change plots
OF_AXES = {f"Axis.{item.name}" for item in dataclasses.fields(Axis) if item.metadata.get("fingerprint") is False}


def leaves(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of honoured options."""
    for name, inner in options.items():
        if isinstance(inner, Mapping):
            yield from leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def rows() -> dict[str, list[str]]:
    """Return the key of each row of the tables → its other cells."""
    found = {}
    for line in TEXT.splitlines():
        if match := re.match(r"\| \[?`([\w.]+)`(?:\(#\w+\)|\]\(#\w+\))? \| (.*) \|$", line):
            found[match[1]] = [cell.strip() for cell in match[2].split(" | ")]
    return found


def test_the_page_has_all_keys_and_no_others() -> None:
    inner = {f"blind_hists.{item.name}" for item in dataclasses.fields(BlindHists)} | set(leaves(HONOURED))
    assert set(rows()) == set(OPTIONS) | inner
    headings = re.findall(r"^### `([\w.]+)`$", TEXT, re.M)
    assert len(headings) == len(set(headings))
    assert set(headings) == set(OPTIONS) | OF_AXES
    assert [example.key for example in EXAMPLES] == ["shipped", *headings]


def test_the_page_names_what_is_ignored_and_other_names() -> None:
    section = TEXT.partition("## Other names")[2]
    listed = set(re.findall(r"`(\w+)`", section))
    assert listed - {"opts_…"} == set(IGNORED) | set(OTHER_NAMES) | set(OTHER_NAMES.values())
    named_beside_keys = TEXT.partition("## Text")[2].partition("## Other names")[0]
    for other in OTHER_NAMES:
        assert f"`{other}`" in named_beside_keys


def test_defaults() -> None:
    shipped = PlotStyle.from_parameters(shipped_style())
    for name, cells in rows().items():
        default = cells[-1]
        if name in ("labels_mc", "colors_mc"):
            for sample in getattr(shipped, name):
                assert f"`{sample}`" in default
        elif name in OPTIONS:
            value = getattr(shipped, name)
            expected = dataclasses.asdict(value) if isinstance(value, BlindHists) else value
            found = yaml.safe_load(default.strip("`"))
            assert found == (list(expected) if isinstance(expected, tuple) else expected), name
    assert f"list of {', '.join(f'`{each}`' for each in FORMATS)}" in rows()["formats"]
    assert rows()["opts_unc.total.color"][-1] == f"`{TOTAL_BAND['edgecolor']}`"
    assert rows()["opts_unc.total.hatch"][-1] == f"`{TOTAL_BAND['hatch']}`"
    assert (
        rows()["opts_figure.datamc_ratio.figsize"][-1] == f"`[{shipped.figure_size[0]:g}, {shipped.figure_size[1]:g}]`"
    )
    ratios = "opts_figure.datamc_ratio.gridspec_kw.height_ratios"
    assert rows()[ratios][-1] == f"`[{shipped.height_ratios[0]:g}, {shipped.height_ratios[1]:g}]`"


@check_each("example", EXAMPLES[1:], ids=lambda example: example.key)
def test_examples_set_their_key(example: Any, caplog: pytest.LogCaptureFixture) -> None:
    if example.kind == "python":
        assert example.key.partition(".")[2] + "=" in example.axis
        return
    assert example.key in example.style
    with caplog.at_level(logging.WARNING):
        PlotStyle.from_parameters(merged(shipped_style(), example.style))
    # An option without an effect would be named.
    assert not caplog.records


def test_examples_of_options_set_all_that_is_honoured() -> None:
    # Either option of the stack draws the same lines.
    alternatives = {"opts_mc.histtype"}
    styles = {example.key: example.style for example in EXAMPLES}
    for name in HONOURED:
        found = set(leaves({name: styles[name][name]}))
        assert found == set(leaves({name: HONOURED[name]})) - alternatives


def test_every_example_changes_the_picture() -> None:
    drawn = {}
    for example in EXAMPLES:
        canvas: Any = draw(example).canvas
        with cms_style():
            canvas.draw()
        drawn[example.key] = bytes(canvas.buffer_rgba())
    shipped = drawn.pop("shipped")
    assert {key for key, picture in drawn.items() if picture == shipped} == set(WITHOUT_PICTURE)
    # No two keys have the same picture, but for those that don't change it.
    assert len({*drawn.values()}) == len(drawn)


@pytest.mark.parametrize("page", OTHERS)
def test_other_pictures_have_a_place(page: str) -> None:
    text = (PAGE.parents[1] / page).read_text(encoding="utf-8")
    assert re.findall(r"<!-- picture: (\w+) -->", text) == list(OTHERS[page])
    shown = on_page_markdown(text, SimpleNamespace(file=SimpleNamespace(src_uri=page)))
    for name, (_, draw_it) in OTHERS[page].items():
        assert f"](../plots/{name}.png)" in shown
        canvas: Any = draw_it().canvas
        with cms_style():
            canvas.draw()


def test_pictures_stand_below_their_examples() -> None:
    page = with_pictures(TEXT)
    for example in EXAMPLES:
        picture = f"](plot_style/{example.key}.png)"
        assert page.count(picture) == (example.key not in WITHOUT_PICTURE)
    assert (
        page.index("](plot_style/label.png)")
        < page.index("### `labels_mc`")
        < page.index("](plot_style/labels_mc.png)")
    )
    assert "```yaml\n{}\n```" not in page
    assert not list(Path(PAGE).parent.rglob("*.png"))

"""Pictures of the page of the plot style: each example of the page is drawn when the documentation is built.

They are kept in ``docs/.pictures``, which is in no repository, until the example or the code that draws changes.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "reference" / "plot_style.md"
PICTURES = DOCS / ".pictures"
#: pixels per inch, for pictures of 400 pixels
DPI = 40
#: samples of the pictures → events, where they peak in GeV (``None`` for a flat spectrum), and width of the peak
SAMPLES: dict[str, tuple[float, float | None, float]] = {
    "DYJetsToMuMu": (4000, 91, 6),
    "TTToSemiLeptonic": (5000, None, 0),
    "WJetsToLNu": (3000, None, 0),
    "ZPrime": (700, 115, 6),
}
#: the axis of pictures whose example has none
AXIS = 'axis = Axis(coll="ll", field="mass", bins=45, start=60, stop=150, label=r"$m_{\\mu\\mu}$ [GeV]")'
#: keys that don't change the picture
WITHOUT_PICTURE = ("formats",)
_EXAMPLE = re.compile(
    r"^### `(?P<key>[\w.]+)`\n(?:(?!^#).*\n)*?^```(?P<kind>yaml|python)\n(?P<code>[\s\S]*?)^```\n", re.M
)
_FIRST = re.compile(r"^```yaml\n\{\}\n```\n", re.M)


class Example(NamedTuple):
    """Example of the page: the key that it is about, its language, and what it sets."""

    key: str
    kind: str
    code: str

    @property
    def style(self) -> dict[str, Any]:
        """The keys that it sets."""
        return yaml.safe_load(self.code) if self.kind == "yaml" else {}

    @property
    def axis(self) -> str:
        """The statement that declares the axis."""
        return self.code if self.kind == "python" else AXIS


def read_examples(text: str) -> list[Example]:
    """Return the examples of a page, and first one without any key, which is the shipped style."""
    found = [Example(match["key"], match["kind"], match["code"]) for match in _EXAMPLE.finditer(text)]
    return [Example("shipped", "yaml", "{}"), *found]


def shipped_style() -> dict[str, Any]:
    """Return the style that Pocketlaw ships."""
    content = yaml.safe_load((DOCS.parent / "params" / "plotting.yaml").read_text(encoding="utf-8"))
    return dict(content["plotting_style"])


def merged(style: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a style with the keys of another one, which parameters merge in the same way."""
    result = dict(style)
    for key, value in other.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def draw(example: Example) -> Any:
    """Return the figure of an example."""
    import hist
    import numpy as np

    from pocket import Axis
    from pocket.plots.canvas import Period
    from pocket.plots.style import PlotStyle
    from pocket.plots.templates.stack import data_mc

    names: dict[str, Any] = {"Axis": Axis}
    exec(example.axis, names)
    axis = names["axis"]
    style = PlotStyle.from_parameters(merged({**shipped_style(), "dpi": DPI}, example.style))
    mass = hist.axis.Regular(axis.bins, axis.start, axis.stop, name=axis.name, label=axis.label)
    variations = hist.axis.StrCategory(["nominal", "pileupUp", "pileupDown"], name="variation")
    rng = np.random.default_rng(7)
    data, mc = hist.Hist(mass, storage=hist.storage.Weight()), {}
    for sample, (events, peak, width) in SAMPLES.items():
        mc[sample] = hist.Hist(variations, mass, storage=hist.storage.Weight())

        def spectrum(size: int, peak: float | None = peak, width: float = width) -> Any:
            return rng.uniform(50, 160, size) if peak is None else rng.normal(peak, width, size)

        simulated = spectrum(int(4 * events))
        for name, factor in (("nominal", 1.0), ("pileupUp", 1.04), ("pileupDown", 0.96)):
            mc[sample].fill(name, simulated, weight=factor / 4)
        data.fill(spectrum(int(events)))
    figure, _ = data_mc(
        data,
        mc,
        style=style,
        period=Period(lumi=59830.0, year="2018", com=13.0),
        histogram="mll",
        category="baseline",
        xlim=axis.lim,
    )
    return figure


def picture_of(example: Example) -> Path:
    """Return the file with the picture of an example, which is drawn if it isn't there."""
    from importlib.metadata import version

    from pocket.base.fingerprint import code_closure, digest
    from pocket.plots.canvas import save_figure

    decisive = {
        "example": tuple(example),
        "style": shipped_style(),
        "script": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "code": code_closure("pocket.plots.templates.stack"),
        "versions": [version(name) for name in ("matplotlib", "mplhep")],
    }
    path = PICTURES / f"{example.key}-{digest(decisive)[:12]}.png"
    if not path.exists():
        PICTURES.mkdir(exist_ok=True)
        for old in PICTURES.glob(f"{example.key}-*.png"):
            old.unlink()
        save_figure(draw(example), path.with_suffix(""), ["png"])
    return path


def with_pictures(markdown: str) -> str:
    """Return the page with a picture below each example."""

    def below(match: re.Match[str]) -> str:
        key = match["key"]
        return match[0] if key in WITHOUT_PICTURE else f"{match[0]}\n![Plot with {key}](plot_style/{key}.png)\n"

    return _FIRST.sub("![Plot in the shipped style](plot_style/shipped.png)\n", _EXAMPLE.sub(below, markdown))


def on_files(files: Any, config: Any) -> Any:
    """Add the pictures; mkdocs calls this."""
    from mkdocs.structure.files import File

    for example in read_examples(PAGE.read_text(encoding="utf-8")):
        if example.key in WITHOUT_PICTURE:
            continue
        name = f"reference/plot_style/{example.key}.png"
        files.append(File.generated(config, name, abs_src_path=str(picture_of(example))))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Show the pictures on the page; mkdocs calls this."""
    return with_pictures(markdown) if page.file.src_uri == "reference/plot_style.md" else markdown

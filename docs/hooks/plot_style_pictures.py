"""Pictures of plots, drawn when the documentation is built: the examples of the page of the plot style, and others.

They are kept in ``docs/.pictures``, which is in no repository, until the example or the code that draws changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
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
    from types import SimpleNamespace

    import hist
    import numpy as np

    from pocket import Axis
    from pocket.plots.canvas import Period
    from pocket.plots.style import PlotStyle
    from pocket.plots.templates.stack import draw as draw_stack

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
    given = {"histogram": "mll", "category": "baseline", "xlim": axis.lim, "data": data, "mc": mc, "blind": False}
    drawn = draw_stack(SimpleNamespace(**given, style=style, period=Period(lumi=59830.0, year="2018", com=13.0)))
    assert drawn is not None
    return drawn[0]


def draw_map() -> Any:
    """Return a map of two axes."""
    from types import SimpleNamespace

    import hist

    from pocket.plots.canvas import Period
    from pocket.plots.style import PlotStyle
    from pocket.plots.templates.maps import draw

    axes = (
        hist.axis.Variable([20, 30, 40, 50, 60, 80, 120], name="pt", label="Muon $p_T$ [GeV]"),
        hist.axis.Variable([0, 0.9, 1.2, 2.1, 2.4], name="abseta", label=r"Muon $|\eta|$", overflow=False),
    )
    _, data, _, mc = _muons(*axes)
    given = {"histogram": "muon", "category": "baseline", "xlim": None, "ylim": None, "data": data, "mc": {"DY": mc}}
    style = PlotStyle(dpi=DPI)
    drawn = draw(SimpleNamespace(**given, blind=False, style=style, period=Period(lumi=59830.0, year="2018", com=13.0)))
    assert drawn is not None
    return drawn[0]


def draw_efficiency_curve() -> Any:
    """Return an efficiency along an axis."""
    import hist
    import numpy as np

    from pocket.plots.canvas import Period
    from pocket.plots.style import PlotStyle
    from pocket.plots.templates.efficiencies import Selected, draw_efficiency

    axis = hist.axis.Regular(30, 20, 80, name="pt", label="Probe $p_T$ [GeV]")
    passing, data, passing_mc, mc = _muons(axis)
    figure, _ = draw_efficiency(
        Selected((passing, data), ({"DY": passing_mc}, {"DY": mc})),
        style=PlotStyle(dpi=DPI),
        period=Period(lumi=59830.0, year="2018", com=13.0),
        histogram="probes_pt",
        title="pairs: passing",
        hidden=np.zeros(axis.size, dtype=bool),
    )
    return figure


def _muons(*axes: Any) -> list[Any]:
    """Return passing data, data, passing simulation and simulation of muons, with one or both of pT and |η|."""
    import hist
    import numpy as np

    variations = hist.axis.StrCategory(["nominal", "pileupUp", "pileupDown"], name="variation")
    rng = np.random.default_rng(7)
    found: list[Any] = []
    for size, plateau, weight in ((8000, 0.9, None), (20000, 0.93, 0.41)):
        values = 20 + rng.gamma(2.0, 14.0, size), np.abs(rng.normal(0, 1.1, size)).clip(max=2.35)
        passes = rng.random(size) < plateau / (1 + np.exp(-(values[0] - 27) / 2))
        for chosen in (passes, np.ones(size, dtype=bool)):
            filled = [each[chosen] for each in values[: len(axes)]]
            one = hist.Hist(*([] if weight is None else [variations]), *axes, storage=hist.storage.Weight())
            if weight is None:
                one.fill(*filled)
            else:
                for name, slope in (("nominal", 0.0), ("pileupUp", 0.002), ("pileupDown", -0.002)):
                    one.fill(name, *filled, weight=weight * (1 + slope * (filled[0] - 40)))
            found.append(one)
    return found


#: page → marker ``<!-- picture: NAME -->`` on it → text for those who don't see the picture, and what draws it
OTHERS: dict[str, dict[str, tuple[str, Callable[[], Any]]]] = {
    "explanation/chain.md": {
        "map": ("Map of a histogram with two axes", draw_map),
        "efficiency": ("Efficiency along an axis", draw_efficiency_curve),
    }
}


def picture_of(example: Example, draw_it: Callable[[], Any] | None = None) -> Path:
    """Return the file with the picture of an example, or of a function, which is drawn if it isn't there."""
    from importlib.metadata import version

    from pocket.base.fingerprint import code_closure, digest
    from pocket.plots.canvas import save_figure

    modules = ("stack", "maps", "efficiencies")
    decisive = {
        "example": tuple(example),
        "style": shipped_style(),
        "script": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "code": [code_closure(f"pocket.plots.templates.{name}") for name in modules],
        "versions": [version(name) for name in ("matplotlib", "mplhep")],
    }
    path = PICTURES / f"{example.key}-{digest(decisive)[:12]}.png"
    if not path.exists():
        PICTURES.mkdir(exist_ok=True)
        for old in PICTURES.glob(f"{example.key}-*.png"):
            old.unlink()
        save_figure(draw_it() if draw_it else draw(example), path.with_suffix(""), ["png"])
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
    for pictures in OTHERS.values():
        for name, (_, draw_it) in pictures.items():
            path = picture_of(Example(name, "function", ""), draw_it)
            files.append(File.generated(config, f"plots/{name}.png", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Show the pictures on the page; mkdocs calls this."""
    if page.file.src_uri == "reference/plot_style.md":
        return with_pictures(markdown)
    for name, (text, _) in OTHERS.get(page.file.src_uri, {}).items():
        markdown = markdown.replace(f"<!-- picture: {name} -->", f"![{text}](../plots/{name}.png)")
    return markdown

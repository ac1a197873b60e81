"""Pictures of explanations, drawn at the build from the functions that the engine uses."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any

#: style of all pictures; grey lines and text can be read on white and on black pages
STYLE = {
    "figure.figsize": (6.4, 3.2),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.edgecolor": "#808080",
    "axes.labelcolor": "#808080",
    "text.color": "#808080",
    "xtick.color": "#808080",
    "ytick.color": "#808080",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.transparent": True,
    "svg.hashsalt": "pocketlaw",
}
#: first colours of the six that CMS recommends (arXiv:2107.02270)
BLUE, ORANGE, RED = "#5790fc", "#f89c20", "#e42536"


def tag_and_probe(figure: Any) -> None:
    """Draw spectra of passing and failing pairs, with a background that has a turn-on."""
    import numpy as np
    from scipy.special import erfc

    mass = np.linspace(60, 120, 400)
    signal = (2.5 / 2) ** 2 / ((mass - 91.2) ** 2 + (2.5 / 2 + 1) ** 2)
    background = erfc((68 - mass) * 0.08) * np.exp(-0.03 * (mass - 60))
    for axis, title, share, level in zip(
        figure.subplots(1, 2), ("passing pairs", "failing pairs"), (0.95, 0.05), (0.01, 0.01), strict=True
    ):
        peak, below = share * signal, level * background
        axis.fill_between(mass, below, color=ORANGE, alpha=0.6, label="background b(m)", linewidth=0)
        axis.fill_between(mass, below, below + peak, color=BLUE, alpha=0.6, label="signal s(m)", linewidth=0)
        axis.plot(mass, below + peak, color="#808080")
        axis.set(title=title, xlabel="pair mass [GeV]", yticks=[], xlim=(60, 120), ylim=(0, None))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def ratio_error(figure: Any) -> None:
    """Draw the relative error of after / before, with and without the correlation, against the spread of the weight."""
    import numpy as np

    spread = np.linspace(0, 0.2, 50)
    events, mean = 1000, 0.95
    # Sums of unit weights, and of scale factors with a mean and a relative spread.
    first, second = mean, mean**2 * (1 + spread**2)
    correlated = np.sqrt((second - 2 * mean * first + mean**2) / events) / mean
    apart = np.sqrt((second + mean**2) / events) / mean
    axis = figure.subplots()
    axis.plot(100 * spread, 100 * apart, color=RED, linestyle="--", label="errors taken as independent")
    axis.plot(100 * spread, 100 * correlated, color=BLUE, label="with the correlation")
    axis.set(xlabel="spread of the scale factor in the bin [%]", ylabel="error of R [%]", xlim=(0, 20), ylim=(0, None))
    axis.set_title("a bin with 1,000 events")
    axis.legend(loc="center left")


DRAWN: dict[str, Callable[[Any], None]] = {"tag_and_probe": tag_and_probe, "ratio_error": ratio_error}


@functools.cache
def draw(name: str) -> str:
    """Return a picture as SVG."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure()
        DRAWN[name](figure)
        target = io.StringIO()
        figure.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue()


def on_files(files: Any, config: Any) -> Any:
    """Add the pictures; mkdocs calls this."""
    from mkdocs.structure.files import File

    for name in DRAWN:
        files.append(File.generated(config, f"pictures/{name}.svg", content=draw(name)))
    return files

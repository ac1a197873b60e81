"""Processes of a plot, made from templates by sample: chosen, rescaled, grouped, ordered and coloured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocket.errors import HistogramError
from pocket.plots.palettes import complete_colors
from pocket.plots.statistics import Prediction
from pocket.plots.style import PlotStyle

if TYPE_CHECKING:
    from hist import Hist


@dataclass(frozen=True)
class Process:
    """A process, a sample or a group of samples, as it is drawn."""

    name: str
    label: str
    color: str
    prediction: Prediction


def drawn_processes(mc: Mapping[str, Hist[Any]], style: PlotStyle) -> list[Process]:
    """Return the processes of the MC samples, with the style applied, from the top of the stack down."""
    group_of = {sample: group for group, samples in style.samples_groups.items() for sample in samples}
    summed: dict[str, Prediction] = {}
    for sample, h in mc.items():
        name = group_of.get(sample, sample)
        both = {sample, name}
        if both.intersection(style.exclude_samples) or (style.only_samples and both.isdisjoint(style.only_samples)):
            continue
        prediction = Prediction.from_hist(h, sample)
        for rescaled in dict.fromkeys((sample, name)):
            prediction = prediction.scaled(style.rescale_samples.get(rescaled, 1.0))
        summed[name] = summed[name] + prediction if name in summed else prediction
    if not summed:
        raise HistogramError(f"no MC sample is left to draw of {', '.join(mc) or 'none'}")
    rank = {name: position for position, name in enumerate(style.order_mc)}
    names = sorted(summed, key=lambda name: (rank.get(name, len(rank)), -summed[name].values.sum(), name))
    return [
        Process(name, style.label_of(name), color, summed[name])
        for name, color in zip(names, colors_of(names, style), strict=True)
    ]


def colors_of(names: Sequence[str], style: PlotStyle) -> list[str]:
    """Return the colours of processes: those of the style, others from the palette."""
    return complete_colors([style.color_of(name) for name in names])

"""Plots of the benchmark's results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from benchmarks.throughput.engines import LABELS

matplotlib.use("agg")
import matplotlib.pyplot as plt

Data = Mapping[str, Any]


def plot_throughput(data: Data, path: Path) -> None:
    """Draw the rates of all engines, flow by flow, with their ranges."""
    flows = list(data["flows"].values())
    names = [name for name in LABELS if any(name in flow["engines"] for flow in flows)]
    figure, axes = plt.subplots(figsize=(max(6.0, 1.5 + 1.6 * len(flows)), 4), layout="constrained")
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        places = [place for place, flow in enumerate(flows) if name in flow["engines"]]
        rates = [flows[place]["engines"][name]["rate"] for place in places]
        medians = np.array([rate["median"] for rate in rates])
        errors = np.array([[rate["median"] - rate["low"], rate["high"] - rate["median"]] for rate in rates]).T
        offset = (number - (len(names) - 1) / 2) * width
        axes.bar(np.array(places) + offset, medians, width, yerr=errors, capsize=2, label=LABELS[name])
    axes.set_yscale("log")
    axes.set_xticks(range(len(flows)), [flow["label"] for flow in flows])
    axes.set_ylabel("events / s / core")
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def plot_growth(data: Data, path: Path) -> None:
    """Draw the time over each quantity, relative to the smallest, with a line for proportionality."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    largest = 1.0
    for what, points in data["seconds"].items():
        numbers = np.array([int(number) for number in points], dtype=np.float64)
        seconds = np.array([point["median"] for point in points.values()])
        axes.plot(numbers / numbers[0], seconds / seconds[0], marker="o", label=what)
        largest = max(largest, numbers[-1] / numbers[0])
    axes.plot([1, largest], [1, largest], color="gray", linestyle="--", label="linear")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("number, relative to the smallest")
    axes.set_ylabel("time, relative to that of the smallest")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


#: part → function that draws it
PLOTS = {"throughput": plot_throughput, "growth": plot_growth}

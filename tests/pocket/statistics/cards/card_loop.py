"""Expectations of a card from a plain loop over its lines, that shares nothing with the reader or the likelihood."""

from __future__ import annotations

import math
import re
from pathlib import Path

import uproot


def kappa(low: float, high: float, theta: float) -> float:
    """Return the factor of an asymmetric log-normal."""
    x = min(1.0, max(-1.0, 2 * theta))
    even = x * (x * x * (3 * x * x - 10) + 15) / 8
    odd, mean = (math.log(high) - math.log(low)) / 2, (math.log(high) + math.log(low)) / 2
    return math.exp(theta * (odd + even * mean))


def morphed(nominal: list[float], up: list[float], down: list[float], theta: float) -> list[float]:
    """Return a template at fixed yield."""
    x = min(1.0, max(-1.0, theta))
    even = x * (x * x * (3 * x * x - 10) + 15) / 8
    total, sum_up, sum_down = sum(nominal), sum(up), sum(down)
    found = []
    for n, u, d in zip(nominal, up, down, strict=True):
        u, d = u * total / sum_up, d * total / sum_down
        found.append(theta * ((u - d) / 2 + even * (u + d - 2 * n) / 2))
    return found


def expectation(
    path: Path, values: dict[str, float], scales: dict[tuple[str, str], float], smallest_norm: float = 1e-3
) -> dict[str, list[float]]:
    """Return the expected events of each region.

    Args:
        path: the card.
        values: values of nuisances and of the parameters of rates.
        scales: region and process → factor of the parameters of interest.
        smallest_norm: changes of yields by templates that are smaller are dropped.
    """
    lines = [line.split("#")[0].split() for line in path.read_text().splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("--")]
    shapes = [line[1:] for line in lines if line[0] == "shapes"]
    bins = [line[1:] for line in lines if line[0] == "bin"][-1]
    processes = next(line[1:] for line in lines if line[0] == "process")
    rates = next(line[1:] for line in lines if line[0] == "rate")
    after = lines[[line[0] for line in lines].index("rate") + 1 :]
    found: dict[str, list[float]] = {}
    for column, (region, process) in enumerate(zip(bins, processes, strict=True)):
        where = next((s for s in shapes if s[1] in (region, "*") and s[0] in (process, "*")), None)
        nominal = [float(rates[column])]
        if where:
            nominal = read(path, where[2], where[3], region, process, "")
        scale = scales.get((region, process), 1.0)
        template = list(nominal)
        for name, kind, *words in after:
            if kind == "lnN" and words[column].strip("-"):
                parts = [float(part) for part in words[column].split("/")]
                low, high = parts if len(parts) == 2 else (1 / parts[0], parts[0])
                scale *= kappa(low, high, values[name])
            elif kind in ("shape", "shapeU") and words[column].strip("-") and where:
                up = read(path, where[2], where[4], region, process, name + "Up")
                down = read(path, where[2], where[4], region, process, name + "Down")
                ratios = sum(up) / sum(nominal), sum(down) / sum(nominal)
                if max(abs(ratio - 1) for ratio in ratios) >= smallest_norm:
                    scale *= kappa(ratios[1], ratios[0], values[name])
                change = morphed(nominal, up, down, values[name])
                template = [n + c for n, c in zip(template, change, strict=True)]
            elif kind == "rateParam" and words[0] == region and words[1] == process:
                scale *= rate(name, words[2:], values)
        template = [scale * max(0.0, n) for n in template]
        total = found.setdefault(region, [0.0] * len(template))
        found[region] = [one + other for one, other in zip(total, template, strict=True)]
    return found


def rate(name: str, words: list[str], values: dict[str, float]) -> float:
    """Return the value of a rateParam."""
    if len(words) == 1 or words[1].startswith("["):
        return values[name]
    arguments = words[1].split(",")
    text = re.sub(r"@(\d+)", lambda m: f"({values[arguments[int(m[1])]]!r})", words[0]).replace("^", "**")
    return float(eval(text, {"exp": math.exp}))


def read(path: Path, file: str, name: str, region: str, process: str, systematic: str) -> list[float]:
    """Return the contents of a histogram."""
    for word, value in (("$CHANNEL", region), ("$PROCESS", process), ("$SYSTEMATIC", systematic)):
        name = name.replace(word, value)
    with uproot.open(path.parent / file) as opened:
        return [float(value) for value in opened[name].values()]

"""Agreement of merged templates of simulation with those of data, and of fits with the truth of their toys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from pocket.histograms.files import read_templates

DATA = "DATA_SingleMuon"


def p_value(folder: Path, variable: str, category: str, only_yield: bool = False, of_data: str = DATA) -> float:
    """Probability of data given simulation, with statistical errors and fully correlated systematic sources.

    Args:
        folder: output of ``MergeOutputs``.
        variable: name of the histogram, of one dimension.
        category: the category.
        only_yield: compare the sums of all bins only.
        of_data: sample of the data.
    """
    templates = read_templates(folder, variable)
    data = templates.pop(of_data)[category, :]
    mc = [histogram[category, ...] for histogram in templates.values()]
    names = dict.fromkeys(name for each in mc for name in each.axes["variation"])

    def predicted(variation: str) -> Any:
        """A sample without the weight doesn't vary with it."""
        chosen = [each[variation if variation in each.axes["variation"] else "nominal", :] for each in mc]
        return sum(each.view(flow=True) for each in chosen)

    nominal = predicted("nominal")
    observed, values = data.values(flow=True), nominal.value
    variances = data.variances(flow=True) + nominal.variance
    shifts = [
        (predicted(up).value - predicted(f"{up.removesuffix('Up')}Down").value) / 2 for up in names if up[-2:] == "Up"
    ]
    if only_yield:
        observed, values, variances, *shifts = (
            np.array([part.sum()]) for part in (observed, values, variances, *shifts)
        )
    keep = observed + values > 10
    covariance = np.diag(variances[keep])
    for shift in shifts:
        covariance += np.outer(shift[keep], shift[keep])
    residual = (observed - values)[keep]
    chi2 = residual @ np.linalg.solve(covariance, residual)
    return float(chi2_distribution.sf(chi2, keep.sum()))


def check_toys(printed: str) -> None:
    """Check pulls and coverage of 200 toys, by the line of the parameter of interest that ``FitModel`` prints."""
    (line,) = re.findall(r"^r = .*$", printed, re.MULTILINE)
    numbers = re.search(r"pull ([+−][\d.]+) ± [\d.]+, width ([\d.]+), coverage (\d+) %", line)
    assert numbers is not None, line
    # of 200 toys: 0.07 and 0.05 of statistical errors, and 3.3 %
    assert abs(float(numbers[1].replace("−", "-"))) < 0.25
    assert 0.85 < float(numbers[2]) < 1.15
    assert 58 < float(numbers[3]) < 79

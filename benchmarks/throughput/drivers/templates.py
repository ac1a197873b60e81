"""The format of all engines' templates: the same arrays under the same names.

``variable/sample/category/variation`` has the sums of weights and of their squares in all bins, including under- and
overflow, shape (2, n bins + 2), normalised to the luminosity. ``entries/sample/category`` has the number of selected
events. This is plain NumPy, since the engines have their own environments.
"""

import numpy as np


def from_output(output):
    """Return the templates of an output in PocketCoffea's layout, for any number of datasets with different samples."""
    found = {}
    for variable, samples in output["variables"].items():
        for sample, datasets in samples.items():
            for histogram in datasets.values():
                of_histogram(found, variable, sample, histogram)
    stored = {sample for samples in output["variables"].values() for sample in samples}
    for category, datasets in output["cutflow"].items():
        if category in ("initial", "skim", "presel"):
            continue
        for samples in datasets.values():
            for sample in stored & samples.keys():
                found[f"entries/{sample}/{category}"] = np.array([samples[sample]["nominal"]])
    return found


def of_histogram(found, variable, sample, histogram):
    """Add the templates of a histogram with the axes ``cat``, ``variation`` and one of numbers."""
    values, variances = histogram.values(flow=True), histogram.variances(flow=True)
    for row, category in enumerate(histogram.axes["cat"]):
        for column, variation in enumerate(histogram.axes["variation"]):
            place = f"{variable}/{sample}/{category}/{variation}"
            found[place] = np.stack([values[row, column], variances[row, column]])


def write_templates(path, found):
    """Write templates to an .npz file."""
    np.savez(path, **found)

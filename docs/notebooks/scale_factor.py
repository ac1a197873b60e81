# %% [markdown]
# # A scale factor, looked at and evaluated
#
# `law run ComputeScaleFactors --scale-factor muon_id --version v1` measures a scale factor and writes it for
# correctionlib. Python is started in a shell that has sourced `setup.sh`.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt

from pocket import read_scale_factor
from tasks import find

# %% tags=["parameters"]
analysis, name, version = "zmumu", "muon_id", "v1"
inputs = {"pt": [25.0, 45.0], "abseta": [0.3, 2.0]}
options = {}  # other than the default on the command line, e.g. {"events_per_branch": 50_000}

# %%
output = find("ComputeScaleFactors", analysis=analysis, scale_factor=name, version=version, **options)
output

# %%
sf = read_scale_factor(output)
sf

# %% [markdown]
# Its axes, and what may be varied:

# %%
sf.bins

# %%
sf.systematics

# %% [markdown]
# Values and uncertainties are arrays, one dimension per axis.

# %%
up, down = sf.uncertainties["total"]
(sf.values - down).min(), (sf.values + up).max()

# %% [markdown]
# The values for muons, nominal and with all uncertainties up. Arrays may be jagged, as events have them.

# %%
sf.evaluate(**inputs)

# %%
sf.evaluate("up", **inputs)

# %% [markdown]
# Along the first axis, in the first bins of all others, with the total uncertainty:

# %%
axis, edges = next(iter(sf.bins.items()))
first = tuple([slice(None)] + [0] * (sf.values.ndim - 1))
figure, ax = plt.subplots()
ax.errorbar(range(len(edges) - 1), sf.values[first], yerr=(down[first], up[first]), fmt="o")
ax.set_xticks(range(len(edges) - 1), [f"{low:g} to {high:g}" for low, high in pairwise(edges)])
_ = ax.set(xlabel=axis, ylabel=sf.name)

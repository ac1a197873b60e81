# %% [markdown]
# # Templates of the store
#
# `law run PlotTemplates --version v1` has merged templates and drawn them. Here they are drawn with other bins. Python
# is started in a shell that has sourced `setup.sh`.

# %%
import hist

from pocket import load_analysis, plot, read_templates
from tasks import find

# %% tags=["parameters"]
analysis, name, version = "zmumu", "calibrated", "v1"
histogram, category, sample = "mll", "baseline", "DYJetsToMuMu"
options = {}  # other than the default on the command line, e.g. {"events_per_branch": 50_000}

# %%
output = find("MergeOutputs", analysis=analysis, config=name, version=version, **options)
output

# %% [markdown]
# It is the folder that `law run` would use now. Nothing runs here: if it isn't complete, `law run` has to make it.

# %%
assert output.is_complete
output.manifest.created

# %%
templates = read_templates(output)
templates

# %%
template = templates[histogram]
template[{"samples": sample, "cat": category, "variation": "nominal"}].project(template.axes[-1].name)

# %% [markdown]
# As it is on disk:

# %%
config = load_analysis(analysis).config(name)
plot(templates, histogram, category, config=config)

# %% [markdown]
# With bins of twice the width. hist does the rebinning; the axes stay, so the plot knows data and simulation.

# %%
rebinned = template[{template.axes[-1].name: hist.rebin(2)}]
plot({histogram: rebinned}, histogram, category, config=config)

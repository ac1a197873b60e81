# %% [markdown]
# # From a file to a plot
#
# A configuration says what is selected and filled. `process` runs it on files, without law: the same engine, in this
# process.
#
# `nano_dy.root` and `nano_dimuon.root` are small files of CMS in coffea's source distribution. [In a notebook or a
# script](../how-to/interactive.md) says how to get them into the working folder; other NanoAOD will do as well.

# %%
from pocket import load_analysis, plot, process

config = load_analysis("zmumu").config("real_samples")
list(config.definitions)

# %% [markdown]
# The configuration knows these datasets, with their cross sections, years and eras. Their files may be anywhere: paths
# or URLs, one or a list. `max_events=10_000` would be enough for a first look at large ones.

# %%
files = {"DYJetsToLL_2018": "nano_dy.root", "DATA_DoubleMuon_2018_EraA": ["nano_dimuon.root"]}
result = process(config, files)
result

# %% [markdown]
# How many events pass which cuts, unweighted:

# %%
result.cutflow

# %% [markdown]
# Yields are normalised to the luminosity, here with the sum of generator weights of the file that was read. Tables read
# like dictionaries.

# %%
result.yields()["DYJetsToLL"]["baseline"]

# %% [markdown]
# Histograms are those of [hist](https://hist.readthedocs.io), with an axis of samples, of categories and of variations:

# %%
mll = result.histograms["mll"][{"cat": "baseline", "variation": "nominal"}]
mll

# %% [markdown]
# The plot is the one of `PlotTemplates`, in the style of the parameters.

# %%
drawing = plot(result, "mll", "baseline")
drawing

# %%
drawing.save("mll.pdf")

# %% [markdown]
# A dataset that the configuration doesn't know needs metadata, with a sample that it knows. An entry of a fileset has
# them.

# %%
other = {"files": ["nano_dy.root"], "metadata": {"sample": "DYJetsToLL", "year": "2018", "isMC": True, "xsec": 5765.4}}
process(config, {"DYJetsToLL_again": other}).yields()

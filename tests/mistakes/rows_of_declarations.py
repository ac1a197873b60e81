"""Mistakes in what configurations are declared with: axes, histograms, cuts, weights, scale factors, columns."""

from __future__ import annotations

from pocket.columns import ColOut
from pocket.configuration.skim import Skim
from pocket.cuts.categories import CartesianSelection, MultiCut
from pocket.cuts.cut import Cut
from pocket.cuts.library import get_nObj_min, passthrough, passthrough_f
from pocket.histograms import factories
from pocket.histograms.config import Axis, HistConf
from pocket.models.delayed_columns import DelayedColumn
from pocket.scale_factors import Closure, Coupled, DataMCRatio, EfficiencyRatio, Flat, Imported, TagAndProbeFit
from pocket.weights.base import WeightLambda
from pocket.weights.scale_factor import ScaleFactorWeight
from tests.mistakes.table import Row

X = Axis(field="x", bins=4, start=0, stop=2)
RATIO = {"input": "main", "variable": "pt", "category": "a", "axes": ("pt",), "data": ("DATA",), "mc": ("DY",)}

ROWS = [
    Row(
        "axis: a misspelt argument",
        r"unknown argument 'bin' in Axis\(\), did you mean 'bins'\?",
        lambda folder: Axis(field="x", bin=60, start=0, stop=1),
    ),
    Row(
        "axis: no field",
        r"Axis\(\): missing a required argument: 'field'",
        lambda folder: Axis(bins=60, start=0, stop=1),
    ),
    Row(
        "axis: another type",
        "unknown axis type 'regulr' in axis 'x', did you mean 'regular'.",
        lambda folder: Axis(field="x", type="regulr"),
    ),
    Row(
        "axis: no bins", "axis 'x': bins must be a positive number, not None", lambda folder: Axis("x", start=0, stop=1)
    ),
    Row(
        "axis: a range that falls",
        "axis 'x': needs finite start < stop, not 2 and 1",
        lambda folder: Axis("x", bins=3, start=2, stop=1),
    ),
    Row(
        "axis: text instead of a number",
        "axis 'x': start must be a number, not '0'",
        lambda folder: Axis("x", bins=3, start="0", stop=1),
    ),
    Row(
        "axis: edges that fall", r"axis 'x': edges must rise, not \[0, 2, 1\]", lambda folder: Axis("x", bins=[0, 2, 1])
    ),
    Row(
        "axis: edges that are texts",
        r"axis 'x': edges must be numbers, not \['0', '60'\]",
        lambda folder: Axis("x", bins=["0", "60"]),
    ),
    Row(
        "axis: a number of bins that is a text",
        "axis 'x': bins must be a positive number, not '60'",
        lambda folder: Axis("x", bins="60", start=0, stop=1),
    ),
    Row(
        "axis: a name that is taken",
        "axis 'weight': the name is taken, choose .*",
        lambda folder: Axis("weight", bins=3),
    ),
    Row(
        "axis: one that grows",
        r"axis 'x': axes don't grow \(growth=True\), because .*",
        lambda folder: Axis("x", bins=3, start=0, stop=1, growth=True),
    ),
    Row(
        "histogram: a misspelt argument",
        r"unknown argument 'only_categorys' in HistConf\(\), did you mean 'only_categories' .*",
        lambda folder: HistConf([X], only_categorys=["a"]),
    ),
    Row(
        "histogram: two axes of one name",
        "two axes of one histogram are named 'x', give one of them another name=",
        lambda folder: HistConf([X, X]),
    ),
    Row(
        "histogram: another storage",
        "unknown storage 'weights' in histogram of x, did you mean 'weight'.",
        lambda folder: HistConf([X], storage="weights"),
    ),
    Row(
        "histogram: two options that exclude each other",
        "histogram of x: give only_samples or exclude_samples, not both",
        lambda folder: HistConf([X], only_samples=["DY"], exclude_samples=["TT"]),
    ),
    Row(
        "histograms of a factory: a misspelt field",
        "unknown field 'ptt' in histograms of 'MuonGood', did you mean 'pt'.*",
        lambda folder: factories.muon_hists(fields=["ptt"]),
    ),
    Row(
        "histograms of a factory: a misspelt argument of the axis",
        r"unknown argument 'bin' in Axis\(\), did you mean 'bins'.",
        lambda folder: factories.muon_hists(axis_settings={"muon_pt": {"bin": 3}}),
    ),
    Row(
        "cut: no function",
        r"Cut\(\): missing a required argument: 'function'",
        lambda folder: Cut(name="a", params={}),
    ),
    Row(
        "cut: a function that can't be called",
        "cut 'a': function must be callable, not 'passthrough'",
        lambda folder: Cut(name="a", params={}, function="passthrough"),
    ),
    Row(
        "cut: no name",
        r"Cut\(\): the name is empty, give the cut a name",
        lambda folder: Cut(name="", params={}, function=passthrough_f),
    ),
    Row(
        "cut: one argument too many",
        r"Cut\(\): too many positional arguments",
        lambda folder: Cut("a", {}, passthrough_f, "events", get_nObj_min),
    ),
    Row(
        "binning of categories: names that don't fit",
        "MultiCut 'jets': 2 cuts_names for 1 cuts, give one each",
        lambda folder: MultiCut("jets", [passthrough], ["a", "b"]),
    ),
    Row(
        "binning of categories: a misspelt argument",
        r"unknown argument 'multicut' in CartesianSelection\(\), did you mean 'multicuts'.",
        lambda folder: CartesianSelection(multicut=[]),
    ),
    Row(
        "columns: a misspelt argument",
        r"unknown argument 'flaten' in ColOut\(\), did you mean 'flatten'.",
        lambda folder: ColOut("Muon", ["pt"], flaten=True),
    ),
    Row(
        "columns: a text instead of a list",
        ".*columns must be a list of names, not 'pt'",
        lambda folder: ColOut("Muon", "pt"),
    ),
    Row(
        "delayed column: a misspelt argument",
        r"unknown argument 'input' in DelayedColumn\(\), did you mean 'inputs'.",
        lambda folder: DelayedColumn("score", input=passthrough_f, evaluate=passthrough_f),
    ),
    Row(
        "weight: a misspelt argument",
        r"unknown argument 'has_variation' in WeightLambda\.wrap_func\(\), did you mean 'has_variations' .*",
        lambda folder: WeightLambda.wrap_func("a", passthrough_f, has_variation=True),
    ),
    Row(
        "weight: a function of other arguments",
        r"weight 'a': function must take \(params, metadata, events, size, shape_variation\): too many .*",
        lambda folder: WeightLambda.wrap_func("a", passthrough_f),
    ),
    Row(
        "weight of a scale factor: a misspelt argument",
        r"unknown argument 'scale_factors' in ScaleFactorWeight\.wrap\(\), did you mean 'scale_factor'.",
        lambda folder: ScaleFactorWeight.wrap("a", scale_factors="b"),
    ),
    Row(
        "weight of a scale factor: another way to combine",
        "unknown way to combine 'all' in weight 'a'; known: any, product",
        lambda folder: ScaleFactorWeight.wrap("a", "b", "Muon", combine="all"),
    ),
    Row(
        "weight of a scale factor: variations of a weight without",
        "weight 'a' has the variations stat, set has_variations=True",
        lambda folder: ScaleFactorWeight.wrap("a", "b", variations=["stat"], has_variations=False),
    ),
    Row(
        "weight of a scale factor: a text instead of a list",
        "weight 'a': variations must be a list of different names, not 'stat'",
        lambda folder: ScaleFactorWeight.wrap("a", "b", variations="stat"),
    ),
    Row(
        "scale factor: a misspelt argument",
        r"unknown argument 'categories' in DataMCRatio\(\), did you mean 'category'.*",
        lambda folder: DataMCRatio(**{**RATIO, "categories": "a"}),
    ),
    Row(
        "scale factor: a missing argument",
        r"EfficiencyRatio\(\): missing a required argument: '\w+'",
        lambda folder: EfficiencyRatio(input="main", variable="pt"),
    ),
    Row(
        "scale factor: a text instead of a list",
        "DataMCRatio of variable 'pt': axes must be a list of names, not the string 'pt'",
        lambda folder: DataMCRatio(**{**RATIO, "axes": "pt"}),
    ),
    Row(
        "scale factor: a flow of an axis that it hasn't",
        "unknown axis 'eta' in flow of DataMCRatio of variable 'pt'.*",
        lambda folder: DataMCRatio(**{**RATIO, "flow": {"eta": "clamp"}}),
    ),
    Row(
        "scale factor: a misspelt argument of a method",
        r"unknown argument 'mass_axs' in TagAndProbeFit\(\), did you mean 'mass_axis'.*",
        lambda folder: TagAndProbeFit(**{**RATIO, "mass_axs": "mass"}),
    ),
    Row(
        "uncertainty: a misspelt argument",
        r"unknown argument 'uncertaint' in Flat\(\).*",
        lambda folder: Flat("syst", uncertaint=0.1),
    ),
    Row(
        "closure: a misspelt argument",
        r"unknown argument 'remeasurd' in Closure\(\), did you mean 'remeasured'.",
        lambda folder: Closure(remeasurd=()),
    ),
    Row(
        "coupled scale factors: a tolerance of zero",
        "coupled scale factors a, b: tolerance must be above 0, not 0",
        lambda folder: Coupled(("a", "b"), tolerance=0),
    ),
    Row(
        "imported scale factor: no file",
        r"Imported\(\): missing a required argument: 'file'",
        lambda folder: Imported(correction="a"),
    ),
    Row(
        "skim: a misspelt argument",
        r"unknown argument 'kep' in Skim\(\), did you mean 'keep'.",
        lambda folder: Skim(config="main", kep=["Muon_*"]),
    ),
]

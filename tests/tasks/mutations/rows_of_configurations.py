"""Rows of the mutation table: edits of configurations and of scale factors."""

from __future__ import annotations

from tests.tasks.mutations.row import (
    CORRECTED,
    FROM_PROBES,
    MAIN,
    MEASURED,
    PLOT,
    PLOT_OF_SCALE_FACTOR,
    PROBES,
    Row,
    all_of,
    append,
    edit,
    insert,
)

SELECTIONS = [
    Row("a parameter of a cut", edit("main", "get_leading(12.0)", "get_leading(20.0)"), MAIN),
    # it is written into the dump of the configuration, and no number depends on it
    Row("the name of a cut", edit("heavy", '"heavy"', '"two_muons"'), frozenset({"MergeOutputs main"}), tolerated=MAIN),
    Row("the function of a cut", edit("leading", "> params", ">= params"), MAIN | CORRECTED),
    Row("the function of a cut of the measurement", edit("probe", ">= params", "> params"), FROM_PROBES),
    Row("a cut of the skim", edit("main", "get_nPVgood(2)", "get_nPVgood(4)"), MAIN),
    Row("a cut of the measurement's skim", edit("probes", "get_nPVgood(1)", "get_nPVgood(2)"), FROM_PROBES),
    Row(
        "one more cut of the skim",
        edit("corrected", "preselections=", "skim=[get_nPVgood(1)], preselections="),
        CORRECTED,
    ),
    Row("a cut less", edit("main", ", goldenJson]", "]"), MAIN),
    Row(
        "a cut of a category",
        edit("heavy", "two_muons", "lambda events, params, **kwargs: events.nMuonGood >= 1"),
        MAIN,
    ),
    Row("one more category", edit("main", '"heavy": [heavy],', '"heavy": [heavy], "not_heavy": [passthrough],'), MAIN),
    Row(
        "one more category beside the one that a scale factor is measured in",
        edit("probes", '"all": [passthrough]', '"all": [passthrough], "heavy": [heavy]'),
        PROBES,
    ),
    Row("the workflow's constant", edit("SOFTEST", "10.0", "12.0"), FROM_PROBES | MAIN),
    Row("an option of the workflow", edit("main", "skim=", 'workflow_options={"loose": True}, skim='), MAIN),
    Row(
        "a subsample",
        edit("corrected", "preselections=", 'subsamples={"DY": {"any": [passthrough]}}, preselections='),
        CORRECTED,
    ),
    Row("one more configuration", append("analysis", 'analysis.configs["more"] = main')),
]

FILLED = [
    Row("one more histogram", edit("corrected", "variables={", 'variables={"pt": HistConf([muon_pt]), '), CORRECTED),
    Row(
        "one more histogram beside the one that a scale factor is measured in",
        edit("probes", "variables={", 'variables={"npvs": HistConf([vertices]), '),
        PROBES,
    ),
    Row("the bins of an axis", edit("vertices", "bins=8", "bins=16"), MAIN | CORRECTED),
    Row("the bins of the measurement", edit("muon_pt", "(10, 30, 200)", "(10, 35, 200)"), FROM_PROBES),
    Row("the label of an axis", edit("vertices", "Good vertices", "Vertices"), PLOT),
    Row("the label of the measurement's axis", edit("muon_pt", "Muon $p_T$", "Probe $p_T$"), PLOT_OF_SCALE_FACTOR),
    Row("the limits of an axis", edit("vertices", "bins=8", "lim=(0, 60), bins=8"), PLOT),
    Row("the categories of a histogram", edit("main", '["all", "heavy"]', '["all"]'), MAIN),
    Row("one more column", edit("corrected", '["pt"]', '["pt", "eta"]'), CORRECTED),
    Row("a weight", edit("corrected", "sf_tight, Slope]", "sf_tight]"), CORRECTED),
    Row("one more weight", edit("main", '"XS", Generator]', '"XS", Generator, Slope]'), MAIN),
    Row(
        "one more weight of the measurement",
        all_of(insert("probes", "from .weights import Unused"), edit("probes", '"XS"]', '"XS", Unused]')),
        FROM_PROBES,
    ),
    Row("a method of a weight", edit("Slope.compute", '"nominal"', '"up"'), CORRECTED),
    Row("a variation", edit("corrected", '{"inclusive": [sf_tight]}', '{"inclusive": []}'), CORRECTED),
    Row("the code of a calibrator", edit("Scale.calibrate", "1.01", "1.02"), CORRECTED),
    Row("no calibrator", edit("corrected", "calibrators=[Scale]", "calibrators=[]"), CORRECTED),
    Row("an attribute of a calibrator", edit("Scale", "isMC_only = True", "isMC_only = False"), CORRECTED),
]

SCALE_FACTORS = [
    Row("an option of the method", edit("tight_ratio", 'data=("DATA",)', 'data=("DATA",), min_n_eff=2.0'), MEASURED),
    Row(
        "a systematic uncertainty",
        all_of(
            insert("tight_ratio", "from pocket.scale_factors.declarations.systematics import Flat\n"),
            edit("tight_ratio", 'mc=("DY",)', 'mc=("DY",), systematics=(Flat(name="flat", size=0.1),)'),
        ),
        MEASURED,
    ),
    Row("another description", edit("tight_ratio", 'mc=("DY",)', 'mc=("DY",), description="tight muons"'), MEASURED),
    Row(
        "other bins than those of the histogram",
        edit("tight_ratio", 'mc=("DY",)', 'mc=("DY",), bins={"pt": (10, 200)}'),
        MEASURED,
    ),
    Row(
        "the closure of a scale factor",
        all_of(
            insert("tight_ratio", "from pocket.scale_factors.declarations.closure import Closure\n"),
            edit("tight_ratio", 'mc=("DY",)', 'mc=("DY",), closure=Closure(split=({"category": "all"},) * 2)'),
        ),
        frozenset({"ValidateScaleFactors tight"}) | PLOT_OF_SCALE_FACTOR,
        # they wait for the closure, whose report isn't in the plots of templates
        tolerated=PLOT,
    ),
    Row(
        "the systematics that a weight varies",
        edit("sf_tight", 'collection="MuonGood"', 'collection="MuonGood", variations=("stat",)'),
        CORRECTED,
    ),
    Row("another comparison", edit("analysis", '{"corrected": "main"}', '{"corrected": "probes"}'), PLOT),
]

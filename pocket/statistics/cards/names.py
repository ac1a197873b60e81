"""Names that combine and RooFit can't take, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pocket.errors import StatisticsError
from pocket.statistics.model import Model

_OF_THE_WORKSPACE = {
    **dict.fromkeys(
        ("CMS_channel", "CMS_th1x", "CMS_fakeObs", "CMS_fakeObsSet", "CMS_fakeWeight", "ONE", "ZERO", "MH"),
        "combine's workspace has a variable of that name",
    ),
    **dict.fromkeys(
        ("POI", "nuisances", "observables", "globalObservables"), "combine's workspace has a set of that name"
    ),
    **dict.fromkeys(
        ("ModelConfig", "ModelConfig_bonly", "model_s", "model_b", "nuisancePdf"),
        "combine's workspace has an object of that name",
    ),
    "data_obs": "combine calls the data so",
}
_OF_FORMULAS = dict.fromkeys(
    ("e", "pi", "x", "y", "z", "t", "exp", "log", "sqrt", "pow", "min", "max", "abs", "sin", "cos", "tan"),
    "RooFit's formulas have a function or a constant of that name",
)
_OF_THE_FACTORY = dict.fromkeys(
    ("expr", "cexpr", "prod", "sum", "PROD", "SUM", "SIMUL", "EDIT", "PROJ", "set", "dataset"),
    "RooFit's factory has a command of that name",
)
_OF_FITS = dict.fromkeys(
    ("total", "total_signal", "total_background", "total_covar", "data"),
    "combine's FitDiagnostics writes a histogram of that name",
)
#: beginnings and ends of the names that combine makes itself
_STARTS = ("n_exp_bin", "n_exp_final_bin", "pdf_bin", "pdfbins_bin", "prop_bin", "shapeSig_", "shapeBkg_", "group_")
_ENDS = ("_In", "_Pdf", "__norm")

#: kind of name → name → reason why it can't be taken
RESERVED: Mapping[str, Mapping[str, str]] = {
    "region": {**_OF_THE_WORKSPACE, **_OF_THE_FACTORY},
    "process": {**_OF_THE_WORKSPACE, **_OF_THE_FACTORY, **_OF_FITS},
    "parameter": {**_OF_THE_WORKSPACE, **_OF_FORMULAS, **_OF_THE_FACTORY},
    "group": {"autoMCStats": "combine makes a group of that name"},
}


def check_name(kind: str, name: str) -> None:
    """Check that combine can take a name of a ``"region"``, ``"process"``, ``"parameter"`` or ``"group"``.

    >>> check_name("process", "data_obs")
    Traceback (most recent call last):
        ...
    pocket.errors.StatisticsError: a process can't be named 'data_obs' in a datacard: combine calls the data so
    """
    reason = RESERVED[kind].get(name)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        better = re.sub(r"[^A-Za-z0-9_]+", "_", name)
        better = better if re.match("[A-Za-z]", better) else f"{kind}_{better}".replace("__", "_")
        reason = f"it may have letters, digits and _ and starts with a letter, such as {better!r}"
    elif reason is None and name.startswith(_STARTS):
        reason = "combine makes names that begin so itself"
    elif reason is None and name.endswith(_ENDS):
        reason = "combine makes names that end so itself"
    if reason is not None:
        raise StatisticsError(f"a {kind} can't be named {name!r} in a datacard: {reason}")


def check_names(model: Model) -> None:
    """Check that combine can take all names of a model."""
    kinds: Mapping[str, Iterable[str]] = {
        "region": (region.name for region in model.regions),
        "process": model.processes,
        "parameter": (*model.parameters, *model.formulas),
        "group": model.groups,
    }
    for kind, names in kinds.items():
        for name in names:
            check_name(kind, name)
    if "r" in (*model.free, *model.formulas, *model.nuisances):
        raise StatisticsError(
            "the parameter 'r' can't be in a datacard: combine's parameter of interest is named so by default"
        )

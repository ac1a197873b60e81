"""Energy scale and resolution of the toys' jets, in the layout of JME's ``jet_jerc.json.gz``.

The scale corrects the mean response of :mod:`pocket.toys.jets`, the resolution is the detector's. Data and simulation
have the same resolution, so the nominal ratio is 1; the uncertainties are invented.
"""

from __future__ import annotations

from pathlib import Path

from correctionlib import schemav2

from pocket.toys.config import JetDetector, ToyConfig
from pocket.toys.correction_nodes import category, write
from pocket.toys.jets import RAW_CONSTANT, RAW_OFFSET

SCALE, RESOLUTION, JET_TYPE = "Toys_V1_MC", "Toys_JRV1_MC", "AK4PFchs"
#: levels of the energy scale as factors on the raw pt x (GeV), which invert the response 1 - constant - offset / pt
LEVELS = {"L1FastJet": "1", "L2Relative": f"(1+{RAW_OFFSET}/x)/{1 - RAW_CONSTANT}", "L3Absolute": "1"}
#: relative uncertainties of the energy scale at pt x (GeV): two sources and their quadratic sum
UNCERTAINTIES = {
    "Regrouped_Absolute": "0.01",
    "Regrouped_FlavorQCD": "0.005+0.4/x",
    "Total": "sqrt(0.01*0.01+(0.005+0.4/x)*(0.005+0.4/x))",
}
#: ratio of the resolutions in data and simulation
RATIOS = {"nom": 1.0, "up": 1.1, "down": 0.9}

_DESCRIPTIONS = {"JetPt": "pt of the jet in GeV", "JetEta": "pseudorapidity of the jet", "JetA": "area of the jet"} | {
    "Rho": "energy density in GeV",
    "systematic": "nom, up or down",
}


def write_jet_corrections(path: str | Path, config: ToyConfig) -> None:
    """Write scale, resolution and their uncertainties as gzipped correctionlib JSON.

    The bytes are always the same for the same configuration.
    """
    corrections = [
        *(_formula(f"{SCALE}_{name}", formula, ("JetEta", "JetPt")) for name, formula in LEVELS.items()),
        *(_formula(f"{SCALE}_{name}", formula, ("JetEta", "JetPt")) for name, formula in UNCERTAINTIES.items()),
        _formula(f"{RESOLUTION}_PtResolution", resolution_formula(config.detector.jet), ("JetEta", "JetPt", "Rho")),
        _correction(f"{RESOLUTION}_ScaleFactor", ("JetEta", "JetPt", "systematic"), category("systematic", RATIOS)),
    ]
    compound = schemav2.CompoundCorrection(
        name=f"{SCALE}_L1L2L3Res_{JET_TYPE}",
        inputs=_variables(("JetA", "JetEta", "JetPt", "Rho")),
        output=schemav2.Variable(name="correction", type="real"),
        inputs_update=["JetPt"],
        input_op="*",
        output_op="*",
        stack=[f"{SCALE}_{level}_{JET_TYPE}" for level in LEVELS],
    )
    write(path, schemav2.CorrectionSet(schema_version=2, corrections=corrections, compound_corrections=[compound]))


def resolution_formula(detector: JetDetector) -> str:
    """Return the relative resolution of jets at pt x (GeV) as a ROOT formula."""
    noise, stochastic, constant = detector.noise, detector.stochastic, detector.constant
    return f"sqrt({noise}*{noise}/(x*x)+{stochastic}*{stochastic}/x+{constant}*{constant})"


def _formula(name: str, expression: str, inputs: tuple[str, ...]) -> schemav2.Correction:
    formula = schemav2.Formula(nodetype="formula", expression=expression, parser="TFormula", variables=["JetPt"])
    return _correction(name, inputs, formula)


def _correction(name: str, inputs: tuple[str, ...], data: schemav2.Content) -> schemav2.Correction:
    return schemav2.Correction(
        name=f"{name}_{JET_TYPE}",
        version=1,
        inputs=_variables(inputs),
        output=schemav2.Variable(name="correction", type="real"),
        data=data,
    )


def _variables(names: tuple[str, ...]) -> list[schemav2.Variable]:
    return [
        schemav2.Variable(name=name, type="string" if name == "systematic" else "real", description=_DESCRIPTIONS[name])
        for name in names
    ]

"""Models for tests: large ones of exponential backgrounds under a peak, and small random ones."""

from __future__ import annotations

import numpy as np

from pocket.statistics.formulas import Formula
from pocket.statistics.model import FreeParameter, McStat, Model, RegionModel


def large(
    regions: int = 40, bins: int = 20, processes: int = 8, shapes: int = 40, norms: int = 20, seed: int = 1
) -> Model:
    """Return a model with a signal on falling backgrounds, and data thrown at its expectation."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, bins)
    names = tuple(f"p{number}" for number in range(processes))
    # MC errors of each process: squared weight over weight
    weights = rng.uniform(0.02, 0.5, size=processes)
    made = []
    for number in range(regions):
        nominal = np.empty((processes, bins))
        for row in range(processes):
            peak = np.exp(-0.5 * ((x - rng.uniform(0.3, 0.7)) / 0.12) ** 2)
            template = np.exp(-rng.uniform(0, 3) * x) if row else peak
            events = rng.uniform(50, 3000) / row if row else rng.uniform(20, 60)
            nominal[row] = template / template.sum() * events
        varied = {}
        for shape in range(shapes):
            effects = {}
            for row, name in enumerate(names):
                slope = rng.normal(0, 0.04) + rng.normal(0, 0.06) * (x - 0.5)
                effects[name] = (nominal[row] * (1 + slope), nominal[row] * (1 - rng.uniform(0.7, 1.2) * slope))
            varied[f"shape{shape}"] = effects
        made.append((f"region{number}", nominal, varied))
    factors = np.abs(rng.normal(0, 0.08, size=(norms, processes))) * (rng.random((norms, processes)) < 0.4)
    factors[:, -1] = np.maximum(factors[:, -1], 0.01)
    log_normals = {
        f"norm{number}": {
            name: (float(1 / (1 + factors[number, row])), float(1 + factors[number, row]))
            for row, name in enumerate(names)
            if factors[number, row]
        }
        for number in range(norms)
    }
    return Model(
        regions=tuple(
            RegionModel(
                name=name,
                processes=names,
                nominal=nominal,
                sumw2=nominal * weights[:, None],
                data=rng.poisson(nominal.sum(axis=0)),
                edges=np.linspace(0, 1, bins + 1),
                shapes=varied,
                log_normals=log_normals,
                factors={names[0]: ("r",)},
                mc_stat=McStat(threshold=0, include_signal=True),
            )
            for name, nominal, varied in made
        ),
        pois={"r": FreeParameter(-10, 20)},
        nuisances=(*varied, *log_normals),
        groups={"shapes": tuple(varied), "norms": tuple(log_normals)},
    )


def random(seed: int, mc_stat: bool = True) -> Model:
    """Return a small model with all kinds of effects, drawn at random."""
    rng = np.random.default_rng(seed)
    names = ("signal", "second", "wjets", "other")
    made = []
    for number in range(int(rng.integers(1, 4))):
        bins = int(rng.integers(1, 6))
        has = [name for name in names if name in ("signal", "wjets") or rng.random() < 0.7]
        nominal = rng.uniform(0.5, 30, size=(len(has), bins))
        events = rng.choice([2.0, 7.0, 40.0, 3000.0], size=(len(has), bins)) * rng.uniform(0.8, 1.2, (len(has), bins))
        sumw2 = nominal**2 / events
        sumw2[rng.random(sumw2.shape) < 0.15] = 0
        shapes: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
        for name in ("jes", "pileup"):
            for row, process in enumerate(has):
                if rng.random() < 0.7 or process == "wjets":
                    up, down = (nominal[row] * rng.uniform(0.8, 1.25, bins) for _ in range(2))
                    shapes.setdefault(name, {})[process] = (up, down)
        log_normals = {
            "lumi": dict.fromkeys(has, (0.97, 1.02)),
            "pileup": {"wjets": (1.1, 0.8)},
            "rate": {"wjets": (0.7, 1.5)},
        }
        factors = {"signal": ("r",), "wjets": ("norm", "transfer"), "second": ("r", "s")}
        made.append(
            RegionModel(
                name=f"region{number}",
                processes=tuple(has),
                nominal=nominal,
                sumw2=sumw2,
                data=rng.poisson(nominal.sum(axis=0) * rng.uniform(0.7, 1.3, bins)),
                edges=None if bins == 1 else np.arange(bins + 1.0),
                shapes=shapes,
                log_normals=log_normals,
                factors={process: names for process, names in factors.items() if process in has},
                mc_stat=McStat(10, include_signal=bool(rng.random() < 0.5)) if mc_stat else None,
            )
        )
    free = {"norm": FreeParameter(0, 5), "c": FreeParameter(0.2, 5)}
    pois = {"r": FreeParameter(-1, 10)}
    if any("second" in region.processes for region in made):
        pois["s"] = FreeParameter(0, 10)
    return Model(
        regions=tuple(made),
        pois=pois,
        nuisances=("jes", "lumi", "pileup", "rate"),
        free=free,
        formulas={"transfer": Formula("@0^2/(1+0.1*@1)", ("c", "lumi"))},
        groups={"experimental": ("jes", "pileup"), "theory": ("rate",)},
        smallest_norm=0.0,
    )


def simple(seed: int, mc_errors: float = 0.05, bins: int = 4) -> Model:
    """Return a model of a signal and two backgrounds in two regions, with the same relative effect up and down."""
    rng = np.random.default_rng(seed)
    names = ("signal", "wjets", "other")
    made = []
    for name, signal in (("sr", rng.uniform(5, 25)), ("cr", rng.uniform(0.1, 1))):
        nominal = (
            rng.uniform(0.5, 1.5, (3, bins)) * np.array([signal, rng.uniform(20, 80), rng.uniform(5, 40)])[:, None]
        )
        nominal[0] *= np.linspace(0.2, 1.8, bins)
        slope = 1 + rng.uniform(-0.2, 0.2) * np.linspace(-1, 1, bins)
        kappa = rng.uniform(1.02, 1.15)
        tilted = nominal[1] * slope / (nominal[1] * slope).sum() * nominal[1].sum()
        shapes = {"tilt": {"wjets": (tilted * kappa, (2 * nominal[1] - tilted) / kappa)}}
        made.append(
            RegionModel(
                name=name,
                processes=names,
                nominal=nominal,
                sumw2=(mc_errors * nominal) ** 2,
                data=rng.poisson(nominal[0] * rng.uniform(0, 1.5) + nominal[1:].sum(axis=0)),
                edges=np.arange(bins + 1.0),
                shapes=shapes,
                log_normals={
                    "lumi": dict.fromkeys(names, (1 / 1.03, 1.03)),
                    "rate": {"other": (1 / 1.3, 1.3)},
                },
                factors={"signal": ("r",)},
                mc_stat=McStat(10, include_signal=True) if mc_errors else None,
            )
        )
    return Model(
        regions=tuple(made),
        pois={"r": FreeParameter(0, 30)},
        nuisances=("lumi", "rate", "tilt"),
        groups={"experimental": ("lumi", "tilt"), "theory": ("rate",)},
        smallest_norm=0.0,
    )


def realistic() -> Model:
    """Return a model of three regions with shapes, factors, a free norm, and few simulated events in the tails."""
    rng = np.random.default_rng(42)
    x = np.linspace(0, 1, 8)
    names = ("signal", "ttbar", "wjets", "other")
    made = []
    for name, scale in (("sr1", (60, 200, 90, 30)), ("sr2", (25, 60, 70, 10)), ("cr", (2, 80, 600, 25))):
        falling = np.stack([np.exp(-0.5 * ((x - 0.6) / 0.2) ** 2), *(np.exp(-slope * x) for slope in (1.5, 3, 2))])
        nominal = falling / falling.sum(axis=1, keepdims=True) * np.array(scale)[:, None]
        weights = np.array([0.02, 0.4, 3.0, 4.0])
        shapes: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
        for nuisance, size in (("jes", 0.06), ("tune", 0.04), ("btag", 0.05)):
            for row, process in enumerate(names):
                tilt = size * (rng.normal() + rng.normal() * (x - 0.5))
                shapes.setdefault(nuisance, {})[process] = (nominal[row] * (1 + tilt), nominal[row] * (1 - 0.9 * tilt))
        made.append(
            RegionModel(
                name=name,
                processes=names,
                nominal=nominal,
                sumw2=nominal * weights[:, None],
                data=rng.poisson(nominal.sum(axis=0)),
                edges=np.linspace(0, 1, 9),
                shapes=shapes,
                log_normals={
                    "lumi": dict.fromkeys(("signal", "ttbar", "other"), (1 / 1.02, 1.02)),
                    "ttbar_rate": {"ttbar": (0.94, 1.05)},
                    "other_rate": {"other": (0.7, 1.3)},
                },
                factors={"signal": ("r",), "wjets": ("norm_wjets",)},
                mc_stat=McStat(10),
            )
        )
    return Model(
        regions=tuple(made),
        pois={"r": FreeParameter(-5, 20)},
        nuisances=("jes", "tune", "btag", "lumi", "ttbar_rate", "other_rate"),
        free={"norm_wjets": FreeParameter(0, 5)},
        groups={"experimental": ("jes", "btag", "lumi"), "theory": ("tune", "ttbar_rate", "other_rate")},
    )


def few_events() -> Model:
    """Return a model of two bins with three signal events over 3.4 others, and few simulated events."""
    region = RegionModel(
        "sr",
        ("signal", "other"),
        np.array([[1.0, 2.0], [2.4, 1.0]]),
        np.array([[0.02, 0.04], [0.8, 0.34]]),
        edges=np.arange(3.0),
        factors={"signal": ("r",)},
        log_normals={"lumi": {"signal": (1 / 1.02, 1.02)}, "rate": {"other": (1 / 1.2, 1.2)}},
        mc_stat=McStat(10),
    )
    return Model((region,), {"r": FreeParameter(0, 20)}, ("lumi", "rate"))


def two_minima() -> Model:
    """Return a model whose deviance has a minimum near r = 1, where it starts, and one near −1 that is lower by 0.3."""
    region = RegionModel(
        "sr",
        ("square", "linear", "other"),
        np.array([[10.0, 0.0], [0.0, 1.0], [100.0, 50.0]]),
        np.zeros((3, 2)),
        edges=np.array([0.0, 1.0, 2.0]),
        data=np.array([110.0, 46.0]),
        factors={"square": ("r", "r"), "linear": ("r",)},
    )
    return Model((region,), {"r": FreeParameter(-5, 5)})


def kinked(seed: int, bins: int = 4, backgrounds: int = 2, shapes: int = 3) -> Model:
    """Return a model whose varied templates become empty, so that its deviance has kinks."""
    rng = np.random.default_rng(seed)
    names = ("signal", *(f"background{number}" for number in range(backgrounds)))
    nominal = rng.uniform(0.5, 6, (len(names), bins))

    def varied(row: int) -> np.ndarray:
        return np.maximum(nominal[row] * (1 + rng.normal(0, 1.2, bins)), 0.01)

    nuisances = tuple(f"shape{number}" for number in range(shapes))
    region = RegionModel(
        "sr",
        names,
        nominal,
        0 * nominal,
        edges=np.arange(bins + 1.0),
        factors={"signal": ("r",)},
        shapes={name: {process: (varied(row), varied(row)) for row, process in enumerate(names)} for name in nuisances},
        log_normals={"rate": {"background0": (0.8, 1.2)}},
    )
    return Model((region,), {"r": FreeParameter(-2, 10)}, (*nuisances, "rate"))

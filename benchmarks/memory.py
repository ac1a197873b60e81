"""Peak memory of a large configuration: ``python -m benchmarks.memory [events]``.

It has 60 histograms × 20 categories × 61 variations (nominal, 25 weights and 5 shape shifts up and down) of tt̄ toys in
one chunk, then their merging and the plot of one variable. Each step runs in its own process.

``python -m benchmarks.memory empty`` merges 8 branches of 200 histograms × 100 categories × 300 shifts, 20 bins each,
90 % of which are empty, and draws one variable in one category.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.calibrators.base import Calibrator
from pocket.configuration.configurator import Configurator
from pocket.cuts.library import get_nObj_min, passthrough
from pocket.histograms.config import Axis, HistConf
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.plain import to_plain
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights import WeightLambda, WeightWrapper

EVENTS, CATEGORIES, HISTOGRAMS, WEIGHTS, SHIFTS = 150_000, 20, 60, 25, 5
STEPS = ("generate", "process", "merge", "plot")
#: the same where most bins are empty
BRANCHES, MANY_CATEGORIES, MANY_HISTOGRAMS, MANY_WEIGHTS, BINS, FILLED = 8, 100, 200, 150, 20, 0.1
STEPS_OF_EMPTY = ("branches", "merge_empty", "plot_empty")


class JetWorkflow(BaseProcessorABC):
    """Workflow that selects jets above 20 GeV."""

    def apply_object_preselection(self, variation: str) -> None:
        """Select jets."""
        self.events["JetGood"] = self.events.Jet[self.events.Jet.pt > 20]

    def count_objects(self, variation: str) -> None:
        """Count the jets."""
        self.events["nJetGood"] = ak.num(self.events.JetGood)


class Shift(Calibrator):
    """Calibrator that scales jets by some percent."""

    name = "shift"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Jet.pt",)
    inputs = ()
    _variations = tuple(f"shift{number}{side}" for number in range(1, SHIFTS + 1) for side in ("Up", "Down"))

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> dict[str, Any]:
        """Return the scaled momenta."""
        if variation not in self._variations:
            return {"Jet.pt": events.Jet.pt}
        percent = int(variation.removeprefix("shift").rstrip("UpDown"))
        return {"Jet.pt": events.Jet.pt * (1 + (percent if variation.endswith("Up") else -percent) / 100)}


def _weight(number: int) -> type[WeightWrapper]:
    def function(params: Any, metadata: Any, events: Any, size: int, shape_variation: str) -> Any:
        nominal = np.ones(size)
        return nominal, nominal * (1 + 0.01 * number), nominal * (1 - 0.01 * number)

    return WeightLambda.wrap_func(f"w{number}", function, has_variations=True)


def configuration(definitions: Path) -> Configurator:
    """Return the large configuration.

    Args:
        definitions: dataset definition file.
    """
    weights = [_weight(number) for number in range(WEIGHTS)]
    names = [weight.name for weight in weights]
    fields = (("pt", 50, 0, 500), ("eta", 50, -2.5, 2.5), ("phi", 64, -np.pi, np.pi))
    variables = {
        f"jet{pos}_{field}_{number}": HistConf(
            [Axis(coll="JetGood", field=field, pos=pos, bins=bins, start=start, stop=stop)]
        )
        for number in range(HISTOGRAMS // (4 * len(fields)))
        for pos in (0, 1, 2, None)
        for field, bins, start, stop in fields
    }
    categories = {
        f"cat{number}": [get_nObj_min(1 + number % 4, 20.0 + number, "JetGood")] for number in range(CATEGORIES)
    }
    return Configurator(
        parameters=get_default_parameters(),
        datasets={"jsons": [str(definitions)]},
        workflow=JetWorkflow,
        preselections=[passthrough],
        categories=categories,
        calibrators=[Shift],
        weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *names]}},
        weights_classes=weights,
        variations={"weights": {"common": {"inclusive": names}}, "shape": {"common": {"inclusive": ["shift"]}}},
        variables=variables,
    )


def generate(folder: Path, events: int) -> None:
    """Write the toys, and their definition file."""
    import uuid

    from pocket.toys.config import ToyConfig
    from pocket.toys.generator import generate as generate_toys
    from pocket.toys.nanoaod import write_nanoaod

    config = ToyConfig.from_params(to_plain(get_default_parameters())["toys"])
    write_nanoaod(folder / "tt.root", generate_toys("ttsemi", events, config, part=0), file_uuid=uuid.uuid4())
    metadata = {"year": "toys", "isMC": True, "xsec": config.process("ttsemi").xsec}
    entry = {"paths": [str(folder / "tt.root")], "metadata": metadata}
    (folder / "tt.json").write_text(json.dumps({"TT": {"sample": "TT", "files": [entry]}}), encoding="utf-8")


def process(folder: Path, events: int) -> None:
    """Process all events in one chunk and write the output."""
    from pocket.datasets.branches import split
    from pocket.datasets.build import build_fileset
    from pocket.engine.resources import Resources
    from pocket.engine.run import run_branch
    from pocket.histograms.raw import write_raw

    config = configuration(folder / "tt.json")
    fileset = build_fileset(config.definitions, toy_files={}, cache=folder).fileset
    (branch,) = split(fileset, events)
    result = run_branch(config.plan(), branch, fileset[branch.dataset]["metadata"], Resources(), chunk_size=events)
    (folder / "raw").mkdir()
    write_raw(folder / "raw", result.output)
    (folder / "fileset.json").write_text(json.dumps(fileset), encoding="utf-8")


def merge(folder: Path, events: int) -> None:
    """Merge the output with itself four times."""
    from pocket.histograms.files import write_sums_and_histograms
    from pocket.histograms.raw_sums import add_raw
    from pocket.outputs.merging import merge_outputs

    fileset = json.loads((folder / "fileset.json").read_text(encoding="utf-8"))
    # Each event is there four times, so the dataset must have four times as many.
    metadata = {
        name: {**part["metadata"], "nevents": 4 * part["metadata"]["nevents"]} for name, part in fileset.items()
    }
    parts = [add_raw([folder / "raw"] * 4)]
    (folder / "merged").mkdir()
    write_sums_and_histograms(
        folder / "merged", merge_outputs(configuration(folder / "tt.json").merging_plan(), parts, metadata)
    )


def plot(folder: Path, events: int) -> None:
    """Draw one variable in every category."""
    from pocket.histograms.files import read_templates
    from pocket.plots.templates.figures import draw_templates

    config = configuration(folder / "tt.json")
    variable = next(iter(config.variables))
    templates = read_templates(folder / "merged", variable)
    for category in config.categories:
        for _, figure, _ in draw_templates(config.figure_plan(), variable, category, templates):
            figure.savefig(folder / f"{category}.png")


def configuration_of_empty(folder: Path) -> Configurator:
    """Return the configuration with mostly empty bins."""
    metadata = {"year": "2018", "isMC": True, "xsec": 1.0}
    (folder / "tt.json").write_text(
        json.dumps({"TT": {"sample": "TT", "files": [{"paths": ["tt.root"], "metadata": metadata}]}}), encoding="utf-8"
    )
    weights = [_weight(number) for number in range(MANY_WEIGHTS)]
    names = [weight.name for weight in weights]
    axis = Axis(coll="JetGood", field="pt", pos=0, bins=BINS, start=0, stop=500)
    return Configurator(
        parameters=get_default_parameters(),
        datasets={"jsons": [str(folder / "tt.json")]},
        workflow=JetWorkflow,
        preselections=[passthrough],
        categories={f"cat{number}": [passthrough] for number in range(MANY_CATEGORIES)},
        weights={"common": {"inclusive": ["lumi", "XS", *names]}},
        weights_classes=weights,
        variations={"weights": {"common": {"inclusive": names}}},
        variables={f"pt_{number}": HistConf([axis]) for number in range(MANY_HISTOGRAMS)},
    )


def branches(folder: Path, events: int) -> None:
    """Write the branches with mostly empty bins, each with other numbers."""
    from pocket.engine.chunk import empty_output
    from pocket.histograms.raw import write_raw

    config = configuration_of_empty(folder)
    (dataset,) = config.definitions
    metadata = {**config.definitions[dataset].metadata(), "dataset": dataset}
    output = empty_output(config.plan(), config.parameters, metadata)
    output["cutflow"]["initial"][dataset] = 1
    random = np.random.default_rng(1)
    for number in range(BRANCHES):
        for samples in output["variables"].values():
            for datasets in samples.values():
                for histogram in datasets.values():
                    view = histogram.view(flow=True)
                    view["value"] = np.where(random.random(view.shape) < FILLED, random.random(view.shape), 0)
                    view["variance"] = view["value"] ** 2
        (folder / f"raw{number}").mkdir()
        write_raw(folder / f"raw{number}", output)


def merge_empty(folder: Path, events: int) -> None:
    """Merge the branches with mostly empty bins."""
    from pocket.histograms.raw_sums import add_raw
    from pocket.outputs.folders import write_merged
    from pocket.outputs.merging import merge_outputs

    config = configuration_of_empty(folder)
    plan = config.merging_plan()
    folders = [folder / f"raw{number}" for number in range(BRANCHES)]
    known = {name: {**one.metadata(), "nevents": BRANCHES} for name, one in config.definitions.items()}
    (folder / "merged").mkdir()
    write_merged(folder / "merged", plan, merge_outputs(plan, [add_raw(folders)], known), folders, {})


def plot_empty(folder: Path, events: int) -> None:
    """Draw one variable in one category."""
    from pocket.histograms.files import read_templates
    from pocket.plots.templates.figures import draw_templates

    config = configuration_of_empty(folder)
    variable, category = next(iter(config.variables)), next(iter(config.categories))
    for _, figure, _ in draw_templates(
        config.figure_plan(), variable, category, read_templates(folder / "merged", variable)
    ):
        figure.savefig(folder / "plot.png")


def main(events: int, steps: Sequence[str]) -> None:
    """Run each step in its own process, and print its time and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        for step in steps:
            command = [sys.executable, "-m", "benchmarks.memory", str(events), step, folder]
            print(step, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else str(EVENTS)
    if len(sys.argv) > 2:
        start = time.perf_counter()
        globals()[sys.argv[2]](Path(sys.argv[3]), int(given))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{time.perf_counter() - start:.1f} s, at most {peak:.0f} MB")
    elif given == "empty":
        main(0, STEPS_OF_EMPTY)
    else:
        main(int(given), STEPS)

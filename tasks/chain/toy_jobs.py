"""Jobs that make toys, in a form that travels to worker processes: data that import no law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.executors import Progress
from pocket.io.store import write_output

TOY_FILE = "events.root"
PILEUP_FILE = "puWeights.json.gz"
JET_FILE = "jet_jerc.json.gz"
GOLDEN_FILE = "golden.json"


@dataclass(frozen=True)
class ToyJob:
    """Generates one file of toy NanoAOD from the section ``toys`` of the parameters."""

    process: str
    part: int
    size: int
    parameters: Mapping[str, Any]
    output: Mapping[str, Any]

    def run(self, progress: Progress) -> None:
        from pocket.toys.config import ToyConfig
        from pocket.toys.generator import generate
        from pocket.toys.nanoaod import write_nanoaod
        from pocket.toys.plan import file_uuid

        config = ToyConfig.from_params(self.parameters)
        with write_output(**self.output) as folder:
            events = generate(self.process, self.size, config, part=self.part)
            write_nanoaod(folder / TOY_FILE, events, file_uuid=file_uuid(self.process, self.part, config))
        progress(self.size)


@dataclass(frozen=True)
class ToyCorrectionsJob:
    """Writes the files that belong to the toys, in a folder for each era: luminosity sections, weights, corrections."""

    parameters: Mapping[str, Mapping[str, Any]]
    output: Mapping[str, Any]
    size: int = 0

    def run(self, progress: Progress) -> None:
        from pocket.toys.config import ToyConfig
        from pocket.toys.jerc import write_jet_corrections
        from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors

        with write_output(**self.output) as folder:
            for name, parameters in self.parameters.items():
                config, of_era = ToyConfig.from_params(parameters), folder / name
                of_era.mkdir(exist_ok=True)
                write_pileup_weights(of_era / PILEUP_FILE, config)
                write_scale_factors(of_era, config)
                write_jet_corrections(of_era / JET_FILE, config)
                write_golden_json(of_era / GOLDEN_FILE, config)

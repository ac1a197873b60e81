"""Toy NanoAOD, one branch per file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pocket.base.fingerprint import code_closure
from pocket.datasets.definitions import toys_prefix
from pocket.executors import Job
from pocket.parameters.plain import plain_section
from pocket.toys.config import YEAR, ToyConfig, era_parameters
from tasks.chain.branch_jobs import TOY_FILE, ToyCorrectionsJob, ToyJob
from tasks.core.targets import StoreTarget
from tasks.framework.restrictions import Unrestricted
from tasks.framework.workflow import PoolWorkflow


# All toys are made at once, whatever a run reads of them.
class MakeToySamples(Unrestricted, PoolWorkflow):
    """Generates toy NanoAOD with a known truth, and the corrections that belong to it."""

    # Toys are quick to make, so they don't take over the batch system of the tasks that need them.
    # Its branches are others than those of the tasks that need all of them.
    exclude_params_req_get: ClassVar = {"workflow", "branches"}

    # Toys of one definition are made once for all analyses and configurations.
    analysis_part = "shared"
    config_part = "toys"

    @cached_property
    def toy_parameters(self) -> dict[str, Any]:
        """The section ``toys`` of the parameters."""
        analysis = self.analysis_inst
        toys = plain_section(analysis.config(analysis.default_config).parameters, "toys")
        assert isinstance(toys, dict)
        return toys

    @cached_property
    def years(self) -> tuple[str, ...]:
        """The years of the toys: those that configurations of the analysis read."""
        configs = self.analysis_inst.configs.values()
        found = {one.year for config in configs for one in config.definitions.values() if one.source == "toys"}
        return tuple(sorted(found)) or (YEAR,)

    @cached_property
    def parameters_of_years(self) -> dict[str, dict[str, Any]]:
        """Year → parameters of its toys."""
        return {year: era_parameters(self.toy_parameters, year) for year in self.years}

    def toy_config(self, year: str) -> ToyConfig:
        return ToyConfig.from_params(self.parameters_of_years[year])

    def fingerprint_spec(self) -> Any:
        modules = tuple(f"pocket.toys.{name}" for name in ("generator", "nanoaod", "resources", "jerc", "plan"))
        return {"parameters": self.parameters_of_years, "code": [code_closure(module) for module in modules]}

    def input_ids(self) -> dict[str, str]:
        """Return no inputs: toys are made from their parameters alone."""
        return {}

    def create_branch_map(self) -> list[tuple[str, int, int]]:
        """Return process, with its year in front, part and number of events of each file; the corrections come last."""
        from pocket.toys.plan import file_plan

        files = []
        for year in self.years:
            config = self.toy_config(year)
            for process in config.made:
                files += [(f"{toys_prefix(year)}{process}", *part) for part in file_plan(process, config)]
        return [*files, ("corrections", 0, 0)]

    def output(self) -> StoreTarget:
        process, part, _ = self.branch_data
        name = process if process == "corrections" else f"{process}_{part:03d}"
        return self.target(self.directory / name)

    def branch_size(self, branch: int) -> int:
        return int(self.get_branch_map()[branch][2])

    def job(self) -> Job:
        process, part, n_events = self.branch_data
        output = self.write_info()
        if process == "corrections":
            parameters = {toys_prefix(year): of_year for year, of_year in self.parameters_of_years.items()}
            return ToyCorrectionsJob(parameters, output)
        year, _, name = process.rpartition("/")
        return ToyJob(name, part, n_events, self.parameters_of_years[year or YEAR], output)

    @property
    def corrections(self) -> Path:
        """Folder of the corrections that belong to the toys, with a folder for each era."""
        return self.directory / "corrections"

    def files(self) -> dict[str, list[Path]]:
        """Return process → files, with processes as in :meth:`create_branch_map`."""
        files: dict[str, list[Path]] = {}
        for branch in self.get_branch_tasks().values():
            process = branch.branch_data[0]
            if process != "corrections":
                files.setdefault(process, []).append(branch.output().directory / TOY_FILE)
        return files

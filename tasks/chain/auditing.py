"""The audit: some outputs made again from nothing, and single events alone, compared with what is in the store."""

from __future__ import annotations

import json
import math
import os
import random
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import law

from pocket.base.fingerprint.places import located
from pocket.base.runtime.system_calls import can_trace, unrecorded
from pocket.base.snapshots.process import shown
from pocket.errors import ConfigError, PocketError
from pocket.io.remote.client import is_remote
from pocket.io.store import manifest_of, store_root, write_output
from pocket.parameters.locations import local_path
from tasks.chain.merging import MergeBranches, MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.core.console import counted, short_path
from tasks.core.graph import requirements
from tasks.core.names import choose, split_names
from tasks.core.targets import fetch
from tasks.framework.audits import FILE
from tasks.framework.base import StoreTask, TemplateTask
from tasks.framework.fresh import Made, make_fresh
from tasks.settings.options import dial, option

AUDITED = (RunProcessor, MergeBranches, MergeOutputs, ComputeScaleFactors)
#: number of files of an output for which the function that opens them is found, since each takes another run
READERS = 3


class AuditError(PocketError):
    """An audit found a difference, or a read that nothing recorded."""


@dataclass(frozen=True)
class Audited:
    """Result for one output; the note is no finding."""

    label: str
    place: str
    events: int
    note: str
    findings: tuple[str, ...]


class Audit(TemplateTask):
    """Makes some outputs again from nothing, computes single events alone, and compares both with the store.

    Examples:
        law run Audit --version v1
        law run Audit --version v1 --config "cal*" --share 1 --events 1000
    """

    config = option("configuration, or several: a,b or cal*", law.NO_STR, "all of the analysis")
    share = option("share of the branches and other outputs to make again, at least one", 0.02)
    events = option("number of events to compute alone", 200, least=0)
    seed = dial("seed of the choice, -1 for another one each time", -1)

    #: what the audit found, once it was made in this process
    _result: dict[str, Any] | None = None

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        if not 0 < params.get("share", 1) <= 1:
            raise ConfigError(f"--share is {params['share']}, expected a share above 0 and up to 1")
        return params

    @cached_property
    def configs(self) -> list[str]:
        analysis = self.analysis_inst
        known = [name for name in analysis.configs if not analysis.only_skims(name)]
        names = split_names(self.config)
        return list(choose("configuration", names, known, f"analysis {analysis.name!r}")) if names else known

    @property
    def config_part(self) -> str:
        """The configurations, by name if it is only one."""
        return self.configs[0] if len(self.configs) == 1 else "all" if self.config == law.NO_STR else "several"

    @cached_property
    def audited(self) -> list[StoreTask]:
        """The tasks whose outputs are audited: all that the templates of the configurations depend on."""
        templates = [MergeOutputs.req(self, config=name) for name in self.configs]
        measured = [] if self.config != law.NO_STR else list(self.analysis_inst.scale_factors)
        scale_factors = [ComputeScaleFactors.req(self, scale_factor=name) for name in measured]
        found = dict.fromkeys(each for task in (*templates, *scale_factors) for each in requirements(task))
        return [task for task in found if isinstance(task, AUDITED)]

    def requires(self) -> dict[str, Any]:
        """Return nothing: what isn't there isn't audited, instead of being made."""
        return {}

    def fingerprint_spec(self) -> Any:
        return {
            "audited": sorted((task.task_family, task.fingerprint) for task in self.audited),
            "share": self.share,
            "events": self.events,
        }

    def input_ids(self) -> dict[str, str]:
        """Return nothing: an audit doesn't go out of date, its outputs do."""
        return {}

    def complete(self) -> bool:
        """Whether the audit was made in this process; it is never reused."""
        return self._result is not None

    def make(self) -> None:
        seed = secrets.randbelow(2**31) if self.seed < 0 else self.seed
        chosen, all_of, incomplete = self._choose(random.Random(seed))
        if not chosen:
            raise ConfigError(f"{self.progress_label}: no output is complete, so there is nothing to audit")
        print(
            f"seed: {seed}"
            + ("" if can_trace() else "; what is read isn't observed, since strace isn't here or allowed")
        )
        processed = sum(isinstance(task, RunProcessor) for task in chosen)
        results = []
        with tempfile.TemporaryDirectory(prefix="pocketlaw-audit-") as folder:

            def audit(number: int) -> Audited:
                events = math.ceil(self.events / processed) if isinstance(chosen[number], RunProcessor) else 0
                return audit_output(chosen[number], Path(folder, f"{number}"), events, seed + number)

            # The first process compiles what the others use.
            results.append(audit(0))
            with ThreadPoolExecutor(self.cores or os.cpu_count()) as pool:
                results += pool.map(audit, range(1, len(chosen)))
        for each in results:
            for sentence in filter(None, (*each.findings, each.note)):
                print(shown(f"{each.label}: {sentence}"), flush=True)
        self._result = result = self._summary(seed, results, all_of, incomplete)
        with write_output(**self.write_info()) as output:
            (output / FILE).write_text(json.dumps(result, indent=1), encoding="utf-8")
        for sentence in incomplete:
            print(sentence, flush=True)
        if findings := sum(len(each.findings) for each in results):
            raise AuditError(
                f"the audit has {counted(findings, 'finding')}, see above and {short_path(self.directory / FILE)}"
            )

    def _choose(self, chance: random.Random) -> tuple[list[Any], dict[str, int], list[str]]:
        """Return the outputs to audit, family → number of complete ones, and a sentence for those that aren't there."""
        complete: dict[str, list[Any]] = {}
        incomplete = []
        for task in sorted(self.audited, key=lambda task: task.progress_label):
            is_workflow = isinstance(task, law.BaseWorkflow)
            if is_workflow and not task.branches_are_known:
                incomplete.append(f"{task.progress_label} isn't audited, because its branches aren't known yet")
                continue
            parts = list(task.get_branch_tasks().values()) if is_workflow else [task]
            there = [part for part in parts if part.output().exists()]
            complete.setdefault(task.task_family, []).extend(there)
            if len(there) < len(parts):
                missing = f"{len(parts) - len(there)} of {counted(len(parts), 'output')}"
                incomplete.append(f"{missing} of {task.progress_label} not audited, because they aren't complete")
        sizes = {family: len(tasks) for family, tasks in complete.items() if tasks}
        chosen = [
            task
            for family, number in sizes.items()
            for task in chance.sample(complete[family], math.ceil(self.share * number))
        ]
        return chosen, sizes, incomplete

    def _summary(
        self, seed: int, results: list[Audited], all_of: Mapping[str, int], incomplete: list[str]
    ) -> dict[str, Any]:
        findings = sum(len(result.findings) for result in results)
        events = sum(result.events for result in results)
        there = sum(all_of.values())
        share = len(results) / there
        audited = f"{100 * share:.3g} % of {counted(there, 'complete output')}"
        what = counted(findings, "finding") if findings else "no difference"
        traced = "" if can_trace() else ", reads not observed"
        time = datetime.now(UTC)
        return {
            "time": time.isoformat(timespec="seconds"),
            "summary": f"{time:%Y-%m-%d}: {audited}, {events} events, {what}{traced}",
            "seed": seed,
            "share": share,
            "events": events,
            "traced": can_trace(),
            "outputs": [vars(result) for result in results],
            "complete": dict(all_of),
            "not audited": incomplete,
            "fingerprints": sorted({task.fingerprint for task in self.audited}),
        }

    def refuse_incomplete(self) -> None:
        """Do nothing: the result is there."""

    def describe_results(self) -> list[tuple[str, str]]:
        return [("audited", self._result["summary"])] if self._result else []


def audit_output(task: Any, folder: Path, events: int, seed: int) -> Audited:
    """Make one output again, and compare."""
    from pocket.outputs.agreement import compare_outputs

    label = getattr(task, "branch_label", None) if getattr(task, "is_branch", bool)() else None
    output = task.output()
    fetch([output, *task.needed()])
    made = make_fresh(task, folder, trace=can_trace(), events=events, seed=seed)
    findings, note = [], ""
    if made.failure:
        findings.append(f"can't be made again: {made.failure}")
    else:
        for each in compare_outputs(output.place, made.place):
            sentence = f"{each.file} in {output.place} {each.place} when it is made again"
            has_chunks = isinstance(task, RunProcessor) and 4 * task.branch_size(task.branch) > task.chunk_size
            if each.is_rounding and has_chunks:
                note = f"{each.file} differs by rounding only, since chunks may have had other sizes"
            elif each.is_rounding:
                findings.append(
                    f"{sentence}, which is rounding: give the options --chunk-size, --chunk-memory and "
                    "--branches-per-merge of the first time, or remove the output (--remove-output)"
                )
            else:
                findings.append(f"{sentence}: something stale or damaged was used; remove the output (--remove-output)")
    findings += made.findings
    findings += unrecorded_reads(task, made)
    return Audited(label or task.progress_label, str(output.place), made.events, note, tuple(findings))


def unrecorded_reads(task: Any, made: Made) -> Iterator[str]:
    """Yield a sentence for each input that a fresh process read, but that the manifest in the store doesn't have."""
    stored = task.output().manifest
    known = {**stored.info.get("parameter_files", {}), **stored.info.get("reads", {}).get("files", {})}
    again = manifest_of(made.place)
    info = again.info if again else {}
    remedy = "open it by pocket.parameters.locations.local_path(path), and make the output again"
    for name in {**info.get("parameter_files", {}), **info.get("reads", {}).get("files", {})}:
        if name not in known:
            yield f"reads {located(name)}, which the manifest in the store doesn't have: {remedy}"
            known[name] = ""
    segments = task.branch_data.segments if isinstance(task, RunProcessor) else ()
    paths = [path for segment in segments for path in segment.locations]
    # Portable names of paths are made with the names in these folders.
    listed = [f"{os.environ[name]}/" for name in ("HOME", "POCKET_ROOT") if name in os.environ]
    recorded = [*listed, *(_path(name) for name in known), *(path for path in paths if not is_remote(path))]
    folders = [str(store_root()), str(made.place.parent.parent)]
    found = unrecorded(made.accesses or (), recorded, folders, servers=any(map(is_remote, paths)))
    for number, access in enumerate(found):
        where = made.reader(access.name) if access.kind == "file" and number < READERS else ""
        by = f", in {where}" if where else ""
        yield f"uses the {access.kind} {access.name}{by}, which nothing records: {remedy}"


def _path(name: str) -> str:
    """Return the path of a recorded file, or of a folder with a slash at its end."""
    try:
        return local_path(located(name)) + ("/" if name.endswith("/") else "")
    except ConfigError:
        return located(name)

from __future__ import annotations

import bisect
import contextlib
import io
import json
import math
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uproot

from pocket.errors import ConfigError
from pocket.io.store import read_manifest
from pocket.scale_factors.measurement.result import ScaleFactorResult
from tasks.chain.coupling import REPORT, IterateScaleFactors
from tasks.chain.plotting import PlotScaleFactors
from tasks.chain.scale_factors import ComputeScaleFactors
from tasks.chain.validation import ValidateScaleFactors
from tests.tasks.conftest import enter, make_on_files
from tests.tasks.in_process import run_here
from tests.tasks.small_chain import Chain, name
from tests.tasks.vertices import declare_vertices

pytestmark = pytest.mark.slow

GROUP = 'Coupled(("tight_id", "vertices"), tolerance=0.05)'
NAMES = ("tight_id", "vertices")
TIGHT, NPVS = (10, 40, 200), (0, 28, 36, 80)


def couple(chain: Chain) -> None:
    """Measure the scale factor of muons with one of vertices applied, and the other way round."""
    declare_vertices(
        chain,
        "corrected",
        'keep_yield=True, closure=Closure(remeasured={"input": "both"})',
        names="Coupled, ",
        applied='"both": configure(spectra, sf_tight_id, sf_vertices)',
    )
    chain.edit("__init__.py", "    scale_factors={", f"    coupled=[{GROUP}],\n    scale_factors={{")
    chain.edit("__init__.py", "HistConf([tight, muon_pt])}", "HistConf([tight, muon_pt])}, sf_vertices")


def kill_in_iteration_2(chain: Chain) -> None:
    """Let law begin, and kill it when it has begun with the processor in iteration 2."""
    options = ("--cores", "1", "--scale-factor", "vertices", "--log-level", "DEBUG")
    process = chain.law.start(*chain.arguments("ComputeScaleFactors", *options))
    assert process.stdout is not None
    for line in process.stdout:
        if "running   RunProcessor" in line and "iteration=2" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


@dataclass(frozen=True)
class Resumed:
    """The coupled analysis on files, killed in iteration 2 and then run to its end.

    Args:
        chain: the chain.
        before: outputs when it was killed, with their ids.
        ran: what ran afterwards.
        text: what was printed then.
    """

    chain: Chain
    before: dict[Path, str | None]
    ran: list[str]
    text: str


@pytest.fixture(scope="module")
def resumed(finished: tuple[Chain, Path], tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    """The finished chain, which tests share because it takes long."""
    chain = make_on_files(finished[1], tmp_path_factory.mktemp("coupled"))
    couple(chain)
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(chain, monkeypatch)
        kill_in_iteration_2(chain)
        before = chain.ids("")
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            ran = chain.build(config="both")
    return Resumed(chain, before, ran, printed.getvalue())


@pytest.fixture
def chain(resumed: Resumed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """The finished chain, whose analysis is put back after the test."""
    enter(resumed.chain, monkeypatch)
    file = resumed.chain.analysis / "__init__.py"
    text = file.read_text()
    yield resumed.chain
    file.write_text(text)


def histories(chain: Chain) -> dict[str, list[list[float]]]:
    """Return the values of each scale factor in all iterations."""
    tasks = {name: chain.task(ComputeScaleFactors, scale_factor=name) for name in NAMES}
    results = {
        name: [ScaleFactorResult.from_json(path.read_text()) for path in task.history()] for name, task in tasks.items()
    }
    return {name: [one.scale_factor.value.tolist() for one in history] for name, history in results.items()}


@dataclass(frozen=True)
class Event:
    """A selected event: weight of the generator, vertices, pt and tightness of the muons."""

    weight: float
    vertices: int
    muons: list[tuple[float, bool]]


def read_events(*files: Path) -> Iterator[Event]:
    for file in files:
        with uproot.open(file) as root:
            names = ["PV_npvsGood", "Muon_pt", "Muon_looseId", "Muon_tightId"]
            simulated = "genWeight" in root["Events"]
            for event in root["Events"].arrays([*names, *(["genWeight"] if simulated else [])]).to_list():
                loose = zip(event["Muon_pt"], event["Muon_looseId"], event["Muon_tightId"], strict=True)
                muons = [(pt, tight) for pt, is_loose, tight in loose if is_loose and pt > 10]
                if event["PV_npvsGood"] >= 1 and muons and muons[0][0] > 20:
                    yield Event(event.get("genWeight", 1.0), event["PV_npvsGood"], muons)


def find_bin(edges: tuple[int, ...], value: float) -> int:
    return min(max(bisect.bisect_right(edges, value) - 1, 0), len(edges) - 2)


def tight_id(data: list[Event], simulation: list[Event], vertices: list[float] | None) -> list[float]:
    """Efficiency in data over that in simulation, in which the scale factor of vertices is applied."""

    def efficiency(events: list[Event], factors: list[float]) -> list[float]:
        passing, total = [0.0, 0.0], [0.0, 0.0]
        for event in events:
            for pt, tight in event.muons:
                if pt < 200:
                    weight = event.weight * factors[find_bin(NPVS, event.vertices)]
                    total[find_bin(TIGHT, pt)] += weight
                    passing[find_bin(TIGHT, pt)] += weight * tight
        return [one / other for one, other in zip(passing, total, strict=True)]

    of_data, of_simulation = efficiency(data, [1, 1, 1]), efficiency(simulation, vertices or [1, 1, 1])
    return [one / other for one, other in zip(of_data, of_simulation, strict=True)]


def of_vertices(data: list[Event], simulation: list[Event], tight: list[float] | None) -> list[float]:
    """Shape of data over that of simulation, in which the scale factor of muons is applied."""

    def shares(events: list[Event], factors: list[float]) -> list[float]:
        counts = [0.0, 0.0, 0.0]
        for event in events:
            factor = math.prod(factors[find_bin(TIGHT, pt)] for pt, _ in event.muons)
            counts[find_bin(NPVS, event.vertices)] += event.weight * factor
        return [count / sum(counts) for count in counts]

    shapes = zip(shares(data, [1, 1]), shares(simulation, tight or [1, 1]), strict=True)
    return [one / other for one, other in shapes]


def test_values_are_those_of_a_plain_loop_over_the_events(chain: Chain) -> None:
    data = list(read_events(chain.analysis / "data.root"))
    simulation = list(read_events(chain.analysis / "dy_0.root", chain.analysis / "dy_1.root"))
    found = histories(chain)
    assert {name: len(history) for name, history in found.items()} == dict.fromkeys(NAMES, 3)
    tight, vertices = None, None
    for number in range(3):
        tight, vertices = tight_id(data, simulation, vertices), of_vertices(data, simulation, tight)
        assert found["tight_id"][number] == pytest.approx(tight, rel=1e-9)
        assert found["vertices"][number] == pytest.approx(vertices, rel=1e-9)
    assert found["tight_id"][0] != pytest.approx(found["tight_id"][2], rel=1e-4)
    # the fixed point: measured once more, neither moves by more than the tolerance, which is far below a permille here
    assert tight_id(data, simulation, vertices) == pytest.approx(tight, rel=1e-3)


def test_killed_in_between_goes_on_where_it_was(resumed: Resumed) -> None:
    done = {
        f"{path.relative_to(resumed.chain.store).parts[1]} {path.relative_to(resumed.chain.store).parts[2]}"
        for path in resumed.before
    }
    for number in (0, 1):
        assert {f"ComputeScaleFactors {name}.iteration{number}" for name in NAMES} <= done
        assert not [task for task in resumed.ran if f"iteration{number}" in task]
    after = resumed.chain.ids("")
    assert {path: after[path] for path in resumed.before} == resumed.before
    assert "ComputeScaleFactors vertices.iteration2" in resumed.ran
    assert not [task for task in resumed.ran if "iteration3" in task]


def test_each_iteration_is_told_once(resumed: Resumed) -> None:
    lines = [
        line for line in resumed.text.splitlines() if line.startswith("coupled scale factors tight_id, vertices, ")
    ]
    assert len(lines) == 3
    assert lines[0].endswith("iteration 0: measured without each other")
    assert "iteration 2: the largest change is 0.0" in lines[2]
    assert " σ of 'tight_id' in pt [" in lines[2]


def test_all_else_has_the_scale_factors_that_have_converged(chain: Chain) -> None:
    assert chain.build(config="both") == []
    loop = chain.task(IterateScaleFactors, scale_factor="vertices")
    assert loop.scale_factor == "tight_id"
    assert loop.output().manifest.info["iterations"] == 3
    report = json.loads((loop.directory / REPORT).read_text())
    assert report["converged"] is True
    assert [change["size"] < 0.05 for change in report["iterations"]] == [False, True]
    files = {name: loop.output().manifest.files[f"{name}/{name}.json"].sha256 for name in NAMES}
    last = {name: task.output().manifest.files[f"{name}.json"].sha256 for name, task in loop.measurements(2).items()}
    assert files == last
    templates = read_manifest(chain.output("MergeOutputs", "both"))
    assert templates is not None
    assert templates.info["scale_factors"] == files
    validation = chain.task(ValidateScaleFactors, scale_factor="vertices").requires()["templates"]
    assert {config: task.iteration for config, task in validation.items()} == {"corrected": 2, "both": -1}


def needed(chain: Chain) -> set[str]:
    """Return the measurements behind the templates with both scale factors, as far as they are known."""
    found = {name(task) for task, *_ in chain.task(config="both").walk_deps()}
    return {task.removeprefix("ComputeScaleFactors ") for task in found if task.startswith("ComputeScaleFactors ")}


def test_dependencies_go_through_the_iterations_there_are(chain: Chain) -> None:
    iterations = {f"{measured}.iteration{number}" for measured in NAMES for number in range(3)}
    assert needed(chain) == {*NAMES, *iterations}


def test_dependencies_before_anything_ran(on_files: Chain) -> None:
    couple(on_files)
    assert needed(on_files) == {*NAMES, *(f"{measured}.iteration0" for measured in NAMES)}


def test_plot_of_the_iterations(chain: Chain) -> None:
    chain.build(PlotScaleFactors, scale_factor="vertices")
    folder = chain.output("PlotScaleFactors", "vertices")
    numbers = json.loads((folder / "vertices_convergence.json").read_text())
    assert numbers["small"] == 0.05
    assert len(numbers["changes"]) == 2
    assert (folder / "vertices_convergence.png").exists()


def test_fewer_iterations_leave_nothing_behind(chain: Chain) -> None:
    three = histories(chain)
    chain.edit("__init__.py", "tolerance=0.05", "tolerance=0.5")
    ran = chain.build(ComputeScaleFactors, scale_factor="vertices")
    assert ran == ["IterateScaleFactors tight_id+vertices", "ComputeScaleFactors vertices"]
    assert histories(chain)["vertices"] == three["vertices"][:2]
    assert (
        chain.task(ComputeScaleFactors, scale_factor="vertices").result().scale_factor.value.tolist()
        == three["vertices"][1]
    )
    chain.edit("__init__.py", "tolerance=0.5", "tolerance=0.05")
    assert chain.build(config="both") == []


def test_too_few_iterations(chain: Chain) -> None:
    chain.edit("__init__.py", "tolerance=0.05", "tolerance=0.05, max_iterations=2")
    sentence = chain.error(ComputeScaleFactors, scale_factor="vertices")
    assert sentence.startswith("coupled scale factors tight_id, vertices haven't converged after 2 iterations: ")
    assert not chain.task(ComputeScaleFactors, scale_factor="vertices").complete()
    chain.edit("__init__.py", ", max_iterations=2", "")
    assert chain.build(ComputeScaleFactors, scale_factor="vertices") == []


def test_as_a_user_sees_it(chain: Chain) -> None:
    chain.edit("__init__.py", "tolerance=0.05", "tolerance=1e-12, max_iterations=3")
    run = run_here(chain, "ComputeScaleFactors", "--scale-factor", "vertices")
    assert run.code == 30
    assert run.executed == ["IterateScaleFactors"]
    failed = chain.task(IterateScaleFactors, scale_factor="vertices").failed_directory / REPORT
    report = json.loads(failed.read_text())
    assert report["converged"] is False
    assert [change["iteration"] for change in report["iterations"]] == [1, 2]
    last = report["iterations"][-1]
    assert run.errors == [
        "coupled scale factors tight_id, vertices haven't converged after 3 iterations: the last change is "
        f"{last['size']:.3g} σ of {last['scale_factor']!r} in {last['bin']}, expected below 1e-12 σ; "
        f"the numbers are in {failed}"
    ]


def test_scale_factor_that_is_not_coupled(on_files: Chain) -> None:
    with pytest.raises(
        ConfigError, match="scale factor 'tight_id' isn't coupled with others: measure it by ComputeScaleFactors"
    ):
        on_files.task(IterateScaleFactors, scale_factor="tight_id")

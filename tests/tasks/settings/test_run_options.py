from __future__ import annotations

from pathlib import Path
from typing import Any

import law
import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.executors.dask_executor import DaskExecutorFactory
from tasks.settings.batch_systems import load_batch_systems
from tasks.settings.run_options import Translation, find_executor, known_run_options, read_run_options, translate
from tests.law_runner import ROOT

load_batch_systems()

LOCAL = {"executor": "futures", "workflow": "local", "site": "local", "cluster": law.NO_STR}
#: all of PocketCoffea's default run options, of all sites
UPSTREAM = (
    *("adaptive", "cores-per-worker", "custom-setup-commands", "conda-env", "death-timeout", "disk-per-worker"),
    *(
        "eos-prefix",
        "chunksize",
        "gateway-address",
        "gateway-proxy-address",
        "group-samples",
        "ignore-grid-certificate",
    ),
    *("limit-chunks", "limit-files", "local-virtualenv", "logs-dir", "max-retries", "max-run-time"),
    *("mem-per-worker", "notify-user", "performance-report", "queue", "retries", "scaleout"),
    *("sched-url", "skip-bad-files", "slurm", "split-by-category", "starting-time", "tree-reduction"),
    *("voms-proxy", "walltime", "worker-debug", "worker-image"),
)
GIVEN = {
    "scaleout": 300, "chunksize": 200000, "limit-files": 3, "limit-chunks": None, "skip-bad-files": True, "retries": 10,
    "mem-per-worker": "6GB", "disk-per-worker": "20GB", "queue": "longlunch", "walltime": "6:00:00",
    "voms-proxy": "/tmp/proxy", "max-retries": 4, "adaptive": False, "tree-reduction": 20,
}  # fmt: skip
EVERYWHERE = {"chunk_size": "200000", "limit_files": "3", "skip_bad_files": "True"}


def of(given: dict[str, Any], **params: str) -> Translation:
    return translate(given, "run.yaml", {**LOCAL, **params})


def test_every_run_option_is_known() -> None:
    assert set(UPSTREAM) <= known_run_options()


def test_on_this_machine() -> None:
    found = of(GIVEN)
    assert found.options == EVERYWHERE
    assert not found.executor_options
    # an option without a value isn't there
    assert set(GIVEN) - {"chunksize", "limit-files", "limit-chunks", "skip-bad-files"} == set(found.ignored)


def test_on_dask() -> None:
    found = of(GIVEN, executor="dask", site="t3-psi")
    assert found.options == {**EVERYWHERE, "max_workers": "300", "worker_memory": "6GB"}
    assert found.executor_options == {
        "retries": "10", "proxy": "/tmp/proxy", "queue": "longlunch", "walltime": "6:00:00",
    }  # fmt: skip
    assert found.ignored == ("disk-per-worker", "max-retries", "adaptive", "tree-reduction")
    lxplus = of(GIVEN, executor="dask", site="lxplus").executor_options
    assert lxplus == {
        "retries": "10", "proxy": "/tmp/proxy", "disk": "20GB", "directive.+JobFlavour": '"longlunch"',
    }  # fmt: skip
    assert of(GIVEN, executor="dask", cluster="slurm").executor_options["walltime"] == "6:00:00"
    gateway = {"gateway-address": "https://a", "mem-per-worker": 4, "death-timeout": 60}
    found = of(gateway, executor="dask", cluster="gateway")
    assert (found.options, found.executor_options) == ({}, {"gateway": "https://a"})
    assert found.ignored == ("mem-per-worker", "death-timeout")
    assert of({"mem-per-worker": 4}, executor="dask").options == {"worker_memory": "4GB"}


def test_on_a_scheduler_that_is_there() -> None:
    found = of({**GIVEN, "sched-url": "tls://a:1"}, executor="dask", site="lxplus")
    assert found.options == {**EVERYWHERE, "scheduler": "tls://a:1"}
    assert found.executor_options == {"proxy": "/tmp/proxy"}
    ignored = ("scaleout", "retries", "mem-per-worker", "disk-per-worker", "queue", "walltime", "max-retries")
    assert found.ignored == (*ignored, "adaptive", "tree-reduction")
    DaskExecutorFactory.check({"scheduler": found.options["scheduler"], **found.executor_options})


def test_on_batch_systems() -> None:
    found = of(GIVEN, workflow="htcondor", site="lxplus")
    expected = {"memory": "6GB", "runtime": "6:00:00", "flavour": "longlunch", "proxy": "/tmp/proxy", "retries": "4"}
    assert found.options == {**EVERYWHERE, **expected}
    assert found.ignored == ("scaleout", "retries", "disk-per-worker", "adaptive", "tree-reduction")
    assert "queue" in of(GIVEN, workflow="slurm", site="t3-psi").ignored
    assert of({"max-run-time": 21600}, workflow="htcondor").options == {"runtime": "21600s"}


def test_names_that_are_not_known() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown run option 'chunk-size' in run.yaml, did you mean 'chunksize'"
    ):
        of({"chunk-size": 3})
    with pytest.raises(UnknownNameError, match="did you mean 'mem-per-worker'"):
        of({"mem_per_worker": 3})
    # executors of one's own have options of their own
    assert of({"spanet_model": "a.onnx"}).ignored == ("spanet_model",)
    with pytest.raises(ConfigError, match=r"run.yaml: starting-time '24-10-2024' has no counterpart, use `at` or cron"):
        of({"starting-time": "24-10-2024"})
    assert not of({"starting-time": None}).ignored


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    with pytest.raises(ConfigError, match=f"--custom-run-options {file}: there is no such file"):
        read_run_options(str(file))
    file.write_text("chunksize: 3\nsize: ${chunksize}\n")
    assert read_run_options(str(file)) == {"chunksize": 3, "size": 3}
    for text, message in (("- a\n", "has no options"), ("a: [\n", "expected"), ("a: ${b}\n", "b")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_run_options(str(file))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iterative", {}),
        ("my.module:Factory", {}),
        ("futures@lxplus", {"executor": "futures"}),
        ("dask@T3_CH_PSI", {"executor": "dask", "site": "t3-psi"}),
        ("dask@purdue-af", {"executor": "dask", "site": "purdue"}),
        ("dask@swan", {"executor": "dask", "site": "swan"}),
        ("condor@lxplus", {"executor": "futures", "workflow": "htcondor", "site": "lxplus"}),
    ],
)
def test_executors(name: str, expected: dict[str, str]) -> None:
    assert find_executor(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("parsl@DESY", "there is no executor 'parsl', use .* with --site naf, see docs/how-to/sites.md"),
        ("parsl", "use --executor dask or --workflow htcondor or slurm with --site …, see docs/how-to/executors.md"),
        ("condor", "use --workflow htcondor --site …"),
        ("dask@lxplu", "unknown site 'lxplu' in --executor dask@lxplu, did you mean 'lxplus'"),
        ("dask@RWTH", r"law.cfg has no section \[site_RWTH\], write one as docs/how-to/sites.md says"),
    ],
)
def test_executors_without_counterpart(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_executor(name)


def test_documentation_has_all_run_options() -> None:
    page = (ROOT / "docs" / "reference" / "pocketcoffea.md").read_text()
    missing = [name for name in known_run_options() if f"`{name}`" not in page]
    assert not missing

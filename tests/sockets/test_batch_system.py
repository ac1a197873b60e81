from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pocket.errors import ConfigError
from pocket.io.store import manifest_of
from tasks.settings.batch_systems import BATCH_SYSTEMS, BatchSystem, register
from tests.checkout import PYTHON
from tests.law_runner import ROOT, Law
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.fixture
def lsf(chain: Chain, tmp_path: Path) -> Law:
    """law, with LSF in a folder of its own: a module, the line of law.cfg that names it, and its commands."""
    for folder in ("modules", "bin", "jobs"):
        (tmp_path / folder).mkdir()
    shutil.copy(HERE / "lsf_batch.py", tmp_path / "modules" / "my_lsf.py")
    for command in ("bsub", "bjobs", "bkill"):
        script = tmp_path / "bin" / command
        script.write_text(f"#!{PYTHON} -IS\n" + (HERE / "lsf_commands.py").read_text())
        script.chmod(0o755)
    config = (ROOT / "law.cfg").read_text()
    assert "[pocketlaw]\n" in config
    (tmp_path / "law.cfg").write_text(config.replace("[pocketlaw]\n", "[pocketlaw]\nbatch_systems: my_lsf\n"))
    environment = chain.law.environment
    extra = {
        "PYTHONPATH": f"{tmp_path / 'modules'}:{environment['PYTHONPATH']}",
        "PATH": f"{tmp_path / 'bin'}:{environment['PATH']}",
        "LAW_CONFIG_FILE": str(tmp_path / "law.cfg"),
        "FAKE_LSF": str(tmp_path / "jobs"),
        # Jobs take the packages that the tests run with.
        "POCKET_ENVIRONMENT": "system",
    }
    return Law(chain.folder, extra)


def test_a_module_adds_a_batch_system(chain: Chain, lsf: Law, tmp_path: Path) -> None:
    options = ("--workflow", "lsf", "--poll-interval", "1s", "--retries", "0")
    dry = lsf.run(*chain.arguments("RunProcessor", "--version", "v2", "--config", "main", *options, "--dry-run"))
    # what comes first is made here, and the branches aren't known before
    assert dry.code == 0, dry.text
    run = lsf.run(*chain.arguments("RunProcessor", "--version", "v2", "--config", "main", *options))
    assert run.code == 0, run.text
    jobs = [json.loads(path.read_text()) for path in (tmp_path / "jobs").glob("*.json")]
    assert jobs
    assert all("#BSUB -M 2000MB" in job["script"] for job in jobs)
    made = [path for path in lsf.outputs("RunProcessor", "small") if "/main/v2/" in str(path)]
    assert len(made) == len(jobs)
    for path in made:
        manifest = manifest_of(path)
        assert manifest is not None
        assert manifest.info["usage"]["host_kind"] == "lsf"


def test_its_options_are_known(chain: Chain, lsf: Law) -> None:
    assert "local, htcondor, slurm, lsf" in lsf.run("RunProcessor", "--help").text
    run = lsf.run(*chain.arguments("RunProcessor", "--workflow", "slurm", "--lsf-queue", "short"))
    assert run.errors == ["--lsf-queue short is for --workflow lsf, not slurm"]
    run = lsf.run(*chain.arguments("RunProcessor", "--workflow", "lsf", "--container", "image"))
    assert run.errors == ["--container image is for --workflow htcondor, not lsf"]


def test_a_module_that_is_not_there(chain: Chain, tmp_path: Path) -> None:
    config = (ROOT / "law.cfg").read_text()
    (tmp_path / "law.cfg").write_text(config.replace("[pocketlaw]\n", "[pocketlaw]\nbatch_systems: no_such\n"))
    run = Law(chain.folder, {"LAW_CONFIG_FILE": str(tmp_path / "law.cfg")}).run("RunProcessor", "--version", "v1")
    assert run.code != 0
    assert run.errors == ["batch_systems in [pocketlaw] of law.cfg: no_such: No module named 'no_such'"]
    assert "Traceback" not in run.text


def test_two_of_one_name() -> None:
    known = dict(BATCH_SYSTEMS)
    with pytest.raises(ConfigError, match=r"^batch system 'slurm': there is another one of that name$"):
        register(BatchSystem("slurm", "Other", (), (), (), ""))
    assert known == BATCH_SYSTEMS

"""Jobs with a bundle, on a real HTCondor pool that hides the checkout from them."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.batch.htcondor import CONTROL
from tests.services.checkout import (
    Analysis,
    Checkout,
    copy_analysis,
    copy_project,
    own,
    remove_outputs,
    same,
    submitted,
)
from tests.services.conftest import User

pytestmark = [pytest.mark.htcondor, pytest.mark.usefixtures("htcondor_pool")]

BUNDLE = ("--workflow", "htcondor", "--environment", "bundle", "--poll-interval", "0.2s", "--retry-delay", "0.5")
SECRETS = ("x509up_u1000", "data/corrections.txt", "token.txt", ".env")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
Templates = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def hidden(user: User, checkout: Checkout) -> Iterator[Checkout]:
    """Another checkout, below /tmp, where a job has a folder of its own; the store is one that jobs see."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, user.uid, user.gid)
        made = copy_project(user, Path(folder, "project"), like=checkout)
        for name in SECRETS:
            (made.folder / name).parent.mkdir(exist_ok=True)
            (made.folder / name).write_text(TOKEN)
        own(made.folder, user)
        assert made.store == checkout.store
        yield made


@pytest.fixture
def bundled(hidden: Checkout, expected: Templates) -> Iterator[Analysis]:
    """The small analysis, outside of the hidden checkout and as hidden."""
    remove_outputs(hidden)
    analysis = copy_analysis(hidden, hidden.folder.parent)
    (analysis.folder / "key.pem").write_text("no key")
    own(analysis.folder, hidden.user)
    yield analysis
    remove_outputs(hidden)


def archives(analysis: Analysis, kind: str) -> set[Path]:
    """Return the archives that there are."""
    return set((analysis.checkout.store / ".bundles").glob(f"{kind}-*.tar.gz"))


def names(archive: Path) -> list[str]:
    """Return the names of the files in an archive."""
    with tarfile.open(archive) as opened:
        return opened.getnames()


def record_places(analysis: Analysis) -> Path:
    """Let the cut write down from where it and the engine are, and whether it sees the checkout; return the record."""
    record = analysis.checkout.store.parent / "places.jsonl"
    record.unlink(missing_ok=True)
    path = analysis.folder / "cuts.py"
    call = f"""
import json, sys, pocket
from pathlib import Path
places = [__file__, pocket.__file__, sys.prefix, Path({str(analysis.checkout.folder)!r}).exists()]
with Path({str(record)!r}).open("a") as file:
    file.write(json.dumps(places) + "\\n")
"""
    path.write_text(path.read_text() + call)
    return record


def make_bundle(analysis: Analysis) -> None:
    """Make the bundle of what is there now."""
    arguments = f'"bundle", Path("{analysis.checkout.store}/.bundles"), "{analysis.folder}"'
    imports = "from pathlib import Path; from tasks.batch.environment import job_environment"
    run = analysis.checkout.run(f"python -c '{imports}; job_environment({arguments})'")
    assert run.code == 0, run.text


@pytest.mark.slow
def test_jobs_run_from_the_bundle_of_a_changed_cut(bundled: Analysis, expected: Templates) -> None:
    make_bundle(bundled)
    before = archives(bundled, "code")
    record = record_places(bundled)
    parameters = bundled.folder / "parameters.yaml"
    text = parameters.read_text()
    parameters.write_text(text.replace("pt: 20.0", "pt: 33.0"))
    assert parameters.read_text() != text
    # unpacking takes most of the time, so one job has all branches
    run = bundled.run("RunProcessor", *BUNDLE, "--tasks-per-job", "2")
    assert run.code == 0, run.text
    assert submitted(run.text) == [1]
    # with space for what is sent, what comes out of it and what the task writes
    ours = f'{CONTROL} == "{bundled.control("htcondor")}"'
    assert int(bundled.checkout.user.run("condor_history", "-constraint", ours, "-af", "RequestDisk")) > 3_000_000

    # the process that submits loads the analysis, too
    in_jobs = [places for places in map(json.loads, record.read_text().splitlines()) if not places[-1]]
    assert in_jobs
    for cuts, engine, prefix, _ in in_jobs:
        scratch = Path(prefix).parent
        assert cuts == str(scratch / "outside" / "analysis" / "cuts.py")
        assert engine == str(scratch / "checkout" / "pocket" / "__init__.py")

    (code,), (packages,) = archives(bundled, "code") - before, archives(bundled, "packages")
    with tarfile.open(code) as archive:
        member = archive.extractfile("outside/analysis/parameters.yaml")
        assert member
        assert member.read() == parameters.read_bytes()
    content = {*names(code), *names(packages)}
    assert {"checkout/law.cfg", "checkout/tasks/chain/processing.py", "outside/analysis/cuts.py"} <= content
    assert not [name for name in content if Path(name).name in (*SECRETS, "corrections.txt", "key.pem")]
    assert not [name for name in content if name.startswith(("checkout/.venv", "checkout/.law")) or "/.git/" in name]

    # the outputs are where those of the changed cut belong, and the same
    assert bundled.run("MergeOutputs").executed == ["MergeOutputs"]
    found = bundled.templates()
    assert not same(found, expected)
    remove_outputs(bundled.checkout)
    assert bundled.run("MergeOutputs").code == 0
    assert same(found, bundled.templates())


@pytest.mark.slow
def test_damaged_bundle_is_refused(bundled: Analysis) -> None:
    # as if the transfer went wrong: after all is checked, and just before HTCondor takes the file
    commands = bundled.folder.parent / "commands"
    commands.mkdir()
    submit = commands / "condor_submit"
    damage = f"truncate --size=-100 {bundled.checkout.store}/.bundles/code-*.tar.gz"
    submit.write_text(f'#!/bin/sh\n{damage}\nexec /usr/bin/condor_submit "$@"\n')
    submit.chmod(0o755)
    run = bundled.checkout.run(f"PATH={commands}:$PATH {bundled.law('RunProcessor', *BUNDLE, '--branches 0')}")
    assert run.code != 0
    (sentence,) = run.errors
    assert "RunProcessor main: 1 of 1 jobs failed for good" in sentence
    assert "the bundle of code that came with the job isn't the one that was sent" in sentence
    # the same error a second time is enough
    assert submitted(run.text) == [1, 1]
    log = Path(sentence.rpartition("(log: ")[2].rstrip(")")).read_text()
    assert "job exit code : 20" in log
    # no task has run
    assert "luigi" not in log

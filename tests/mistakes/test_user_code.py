from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.chain.merging import MergeOutputs
from tests.mistakes.rows_of_user_code import ROWS, Row
from tests.tasks.conftest import enter, make_on_files
from tests.tasks.small_chain import Chain, unfinished

pytestmark = pytest.mark.slow

#: beginning of errors in what belongs to a configuration
IN_CONFIGURATION = "(configuration '(main|probes)': )?"


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small analysis whose toys are made, and nothing else."""
    chain = Chain.make(tmp_path_factory.mktemp("toys"))
    run = chain.law.run("MakeToySamples", "--version", "v1", "--analysis", str(chain.analysis), "--cores", "1")
    assert run.code == 0, run.text
    return chain.folder


@pytest.fixture
def on_files(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """The small analysis on files of its own, with nothing run."""
    chain = make_on_files(toys, tmp_path)
    enter(chain, monkeypatch)
    return chain


def logs(chain: Chain) -> list[Path]:
    """Return the files with tracebacks in the store."""
    return sorted(chain.store.rglob(".*.traceback.txt"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mistake)
def test_sentence(on_files: Chain, row: Row) -> None:
    on_files.edit(row.file, row.old, row.new)
    sentence = on_files.error(MergeOutputs, config="main")
    match = re.match(IN_CONFIGURATION + row.sentence, sentence)
    assert match is not None, sentence
    if log := match.groupdict().get("log"):
        text = Path(log).read_text()
        assert text.startswith(re.sub(IN_CONFIGURATION, "", sentence, count=1).partition("; the traceback")[0])
        assert "Traceback (most recent call last)" in text
        assert "small" in text
    # the traceback is the only thing that stays
    assert set(unfinished(on_files.store)) == ({Path(log)} if log else set())


def test_as_a_user_sees_it(on_files: Chain) -> None:
    row = ROWS[0]
    on_files.edit(row.file, row.old, row.new)
    run = on_files.run("RunProcessor", "--config", "main", "--cores", "2")
    assert run.code == row.code
    (error,) = run.errors
    assert re.match(IN_CONFIGURATION + row.sentence, error)
    assert "Traceback" not in run.text
    assert on_files.outputs("RunProcessor") == []
    assert logs(on_files)


def test_the_traceback_goes_when_the_branch_succeeds(on_files: Chain) -> None:
    flag = on_files.folder / "flag"
    body = f'    if __import__("os").path.exists({str(flag)!r}):\n        raise ValueError("flag")\n'
    on_files.edit("cuts.py", "    return ak.firsts", f"{body}    return ak.firsts")
    flag.touch()
    assert "ValueError: flag, on " in on_files.error(MergeOutputs, config="main")
    assert len(logs(on_files)) == 1
    flag.unlink()
    on_files.build(MergeOutputs, config="main")
    assert logs(on_files) == []

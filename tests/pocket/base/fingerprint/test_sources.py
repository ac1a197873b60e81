from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pocket.base.fingerprint import sources
from pocket.base.fingerprint.normal_form import Form
from pocket.base.fingerprint.sources import Binding, Import, Source, read_source

TEXT = "import os\nfrom ..cuts import pt, eta\nBINS = 30\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "lib.py"
    path.write_text(TEXT)
    return path


def read(file: Path, text: str | None = None) -> Source:
    """Return what a new process finds."""
    if text is not None:
        file.write_text(text)
    read_source.cache_clear()
    stat = file.stat()
    return read_source(str(file), stat.st_mtime_ns, stat.st_size)


def test_imports_bind_names(file: Path) -> None:
    assert read(file).bindings == (
        Binding("os", Import(0, "os")),
        Binding("pt", Import(2, "cuts", ("pt",))),
        Binding("eta", Import(2, "cuts", ("eta",))),
    )
    assert Import(2, "cuts").base("analysis.it") == "analysis.cuts"
    assert Import(1, "").base("analysis.it") == "analysis.it"
    whole = read(file, "import a.b as c\n").bindings
    assert whole == (Binding("c", Import(0, "a.b"), whole=True),)


def test_statements_say_what_they_bind_and_use(file: Path) -> None:
    text = """
    import numpy as np
    LIMIT, OTHER = 30, 25
    TABLE = {}
    TABLE["a"] = LIMIT
    def cut(events: Events, *, low=LIMIT) -> Mask:
        from .helpers import mask
        return mask(np.linalg.norm(events.Muon.pt)) > low
    """
    limits, table, item, cut = read(file, "\n".join(line[4:] for line in text.splitlines())).statements
    assert limits.binds == ("LIMIT", "OTHER")
    assert table.binds == item.binds == ("TABLE",)
    assert set(item.uses) == {"TABLE", "LIMIT"}
    assert cut.binds == ("cut",)
    # annotations name the classes of what the code is given
    assert set(cut.uses) == {"Events", "LIMIT", "Mask", "mask", "np.linalg.norm", "events.Muon.pt", "low"}
    assert cut.imports == (Import(1, "helpers", ("mask",)),)
    assert not any(statement.acts for statement in (limits, table, item, cut))


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("register(1)", [True]),
        ("if LIMIT:\n    OTHER = 1", [True]),
        ("@functools.cache\ndef f(): pass", [False]),
        ("@dataclass(frozen=True)\nclass A: pass", [False]),
        ("@registry.add\nclass A: pass", [True]),
        ('if __name__ == "__main__":\n    main()', []),
        ('if __name__ == "__main__":\n    main()\nelse:\n    act()', [True]),
        ('if __name__ != "__main__":\n    act()', [True]),
        ("if TYPE_CHECKING:\n    import typed\nelse:\n    act()", [True]),
        ('"""Text."""', []),
    ],
)
def test_statements_that_act_when_a_module_is_run(file: Path, text: str, acts: list[bool]) -> None:
    assert [statement.acts for statement in read(file, text).statements] == acts


def test_comments_and_annotations_leave_the_digest(file: Path) -> None:
    one = read(file, "def f(x: int):\n    return x\n").statements[0]
    other = read(file, 'def f(x: float):  # any\n    """Text."""\n    return x\n').statements[0]
    assert one.digest == other.digest


def test_the_next_process_does_not_parse(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(file)
    with monkeypatch.context() as patch:
        patch.setattr(sources, "normalise", None)
        assert read(file) == found
    assert read(file, TEXT.replace("30", "25")).statements != found.statements


def test_another_method_finds_it_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(file)
    monkeypatch.setattr(sources, "normalise", lambda tree, module: Form("another", "exact", False, "", ""))
    assert read(file) == found
    monkeypatch.setattr(sources, "_method", lambda: b"another way")
    assert [statement.digest for statement in read(file).statements] == ["another"]

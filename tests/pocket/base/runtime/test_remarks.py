from __future__ import annotations

import multiprocessing

import pytest

from pocket.base.runtime.remarks import remark


def test_a_remark_is_made_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        remark("x.yaml: 'a' of tests is ignored")
    assert caplog.messages == ["x.yaml: 'a' of tests is ignored"]


def test_workers_make_no_remarks(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", object)
    remark("x.yaml: 'b' of tests is ignored")
    assert not caplog.messages

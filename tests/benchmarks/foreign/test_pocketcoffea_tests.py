from __future__ import annotations

from benchmarks.foreign.pocketcoffea_tests import NOT_RUN, reason


def test_tests_of_behaviour_are_run() -> None:
    assert reason("tests/test_cut_functions.py::test_HLTsel") == ""


def test_others_have_a_reason() -> None:
    assert reason("tests/test_job_script.py::test_anything") == NOT_RUN["test_job_script"]
    assert "both sides" in reason("tests/test_full_configs/test_columns.py::test_parquet")

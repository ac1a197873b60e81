from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.throughput.command import main, store, write_report
from benchmarks.throughput.report import rate, report, speedup, spread, table
from benchmarks.throughput.results import Measured

ONE = {"median": 1.0, "low": 1.0, "high": 1.0}


def engine(median: float, ratio: float) -> dict[str, object]:
    """Return the results of an engine."""
    measured = {"median": median, "low": median / 2, "high": median * 2}
    return {"rate": measured, "wall_rate": measured, "speedup": {**ONE, "median": ratio}, "peak": 400.4}


def command(seconds: float, ratio: float) -> dict[str, object]:
    """Return the results of a whole command."""
    times = {name: {**ONE, "median": value} for name, value in (("cpu", seconds), ("wall", seconds + 0.5))}
    ratios = {f"{name}_ratio": {**ONE, "median": ratio} for name in times}
    return {**{size: {**times, **ratios, "peak": 400.4} for size in ("many", "few")}, "cold": 9.9}


RESULTS = {
    "throughput": {
        "events": 400_000,
        "reference": "ours",
        "missing": {"rdataframe": "no network"},
        "flows": {
            "zmumu": {
                "label": "Z→μμ",
                "engines": {
                    "ours": engine(612_345, 1.0),
                    "coffea": engine(204_115, 3.0),
                    "bare": engine(1_224_690, 0.5),
                },
                "agreement": {"coffea": {"compared": 31, "moved": 2}},
            },
            "ttbar_large": {"label": "tt̄ large", "engines": {"ours": engine(98_765, 1.0)}, "agreement": {}},
        },
    },
    "growth": {
        "events": 400_000,
        "seconds": {"variations": {"15": {**ONE, "peak": 300.0}, "121": {**ONE, "median": 2.5, "peak": 350.0}}},
    },
    "workers": {
        "events": 400_000,
        "flows": {"zmumu": {"label": "Z→μμ", "gain": {**ONE, "median": 1.9}, "wall_rate": ONE}},
    },
    "stages": {
        "events": 400_000,
        "flows": {
            "zmumu": {
                "label": "Z→μμ",
                "seconds": {
                    name: {**ONE, "median": value}
                    for name, value in (
                        ("read", 2.0),
                        ("skim", 0.5),
                        ("objects", 0.5),
                        ("weights", 0.5),
                        ("fill", 0.5),
                        ("rest", 0.0),
                    )
                },
            }
        },
    },
    "commands": {
        "events": 1_600_000,
        "few": 1000,
        "missing": {"pocketcoffea": "no network"},
        "flows": {
            "zmumu": {
                "label": "Z→μμ",
                "commands": {"ours": command(2.0, 1.0), "pocketcoffea-default": command(13.0, 6.5)},
                "agreement": {"pocketcoffea-default": 31},
            }
        },
    },
    "skim": {
        "events": 400_000,
        "flows": {
            "ttbar_large": {
                "label": "tt̄ large",
                "kept": 0.181,
                "engines": {"original": engine(100_000, 4.4), "skim": engine(440_000, 1.0)},
            }
        },
    },
}


def test_numbers_for_people() -> None:
    assert [rate(value) for value in (612_345, 98_765, 4321, 1_234_567)] == ["612k", "98.8k", "4.32k", "1,235k"]
    assert [speedup(value, "coffea") for value in (2.04, 31.4)] == ["2.0×", "31×"]
    assert speedup(0.614, "bare") == "61 %"
    assert spread(Measured(10.0, 9.0, 11.0)) == "±10 %"


def test_table_is_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


def test_report_has_every_part() -> None:
    text = report(RESULTS)
    assert "| Z→μμ | 612k | 204k (3.0×) | 1,225k (50 %) |" in text
    assert "| tt̄ large | 98.8k | – | – |" in text
    assert "RDataFrame could not be run: no network" in text
    assert "31 arrays agree, 2 of them in their sums." in text
    assert "| 121 | 2.50 | ±0 % | ×8.07 | ×2.50 | 350 |" in text
    assert "| Z→μμ | 0.001k | 1.90× |" in text
    assert "| Z→μμ | 2.00 s (50 %) |" in text
    assert "| tt̄ large | 18.1 % | 100k | 440k | 4.4× |" in text
    assert "|  | 1,600,000 events | CPU [s] |" in text
    assert "| Z→μμ | `pocket-coffea run` | 13.0 | 6.5× | 1.00–1.00 | 13.5 | 6.5× | 1.00–1.00 | 400 |" in text
    assert "| Z→μμ | `law run MergeOutputs` | 2.0 | 1.0× | 1.00–1.00 | 2.5 | 1.0× | 1.00–1.00 | 9.9 |" in text
    assert "`pocket-coffea run`, large chunks could not be run: no network" in text
    assert "- Z→μμ, `pocket-coffea run`: 31 arrays agree." in text
    assert "Growth" not in report({"skim": RESULTS["skim"]})


def test_report_is_made_of_what_is_there(tmp_path: Path) -> None:
    for part in ("throughput", "growth"):
        (tmp_path / f"{part}.json").write_text(json.dumps(RESULTS[part]))
    assert write_report(tmp_path) == (tmp_path / "report.md").read_text()
    assert {path.name for path in tmp_path.glob("*.png")} == {"throughput.png", "growth.png"}


def test_flows_are_measured_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "skim.json"
    store(path, {"events": 10, "flows": {"zmumu": 1, "ttbar_small": 2}})
    store(path, {"events": 10, "flows": {"zmumu": 3, "ttbar_large": 4}})
    flows = json.loads(path.read_text())["flows"]
    assert list(flows.items()) == [("ttbar_large", 4), ("ttbar_small", 2), ("zmumu", 3)]
    # with other events, nothing is comparable
    store(path, {"events": 20, "flows": {"zmumu": 5}})
    assert json.loads(path.read_text())["flows"] == {"zmumu": 5}


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [(["thruput"], "throughput"), (["--flows", "zmum"], "zmumu"), (["--engines", "pocketcofea"], "pocketcoffea")],
)
def test_unknown_names_are_messages(arguments: list[str], nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert nearest in capsys.readouterr().err

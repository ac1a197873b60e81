from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.datasets.branches import Branch, split
from pocket.datasets.division import divide
from pocket.datasets.fileset import DatasetInfo, Fileset
from pocket.errors import ConfigError

#: of files by their number; what a hash makes of them is as good as random
FILES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 60)), max_size=30, unique_by=lambda file: file[0])
MOST = st.integers(1, 100)


def dataset(files: list[tuple[int, int]]) -> DatasetInfo:
    return {
        "metadata": {},
        "files": {
            f"{number}.root": {"object_path": "Events", "num_entries": entries, "uuid": f"uuid {number}"}
            for number, entries in files
        },
    }


def of(files: list[tuple[int, int]], most: int) -> list[Branch]:
    return divide({"DY": dataset(files)}, most)


@settings(max_examples=300)
@given(FILES, MOST)
def test_every_entry_is_in_exactly_one_branch(files: list[tuple[int, int]], most: int) -> None:
    branches = of(files, most)
    covered = sorted(
        (part.path, entry) for branch in branches for part in branch.segments for entry in range(part.start, part.stop)
    )
    assert covered == sorted((f"{number}.root", entry) for number, entries in files for entry in range(entries))
    sizes = [branch.stop - branch.start for branch in branches]
    assert sizes == [sum(part.stop - part.start for part in branch.segments) for branch in branches]
    assert all(0 < size <= most for size in sizes) or sizes == [0]
    assert len({branch.folder for branch in branches}) == len(branches)
    # files in a branch, and branches by their first files, are in the order of the dataset
    order = {f"{number}.root": position for position, (number, _) in enumerate(files)}
    positions = [[order[part.path] for part in branch.segments] for branch in branches]
    assert all(each == sorted(each) for each in positions)
    assert [each[:1] for each in positions] == sorted(each[:1] for each in positions)


@settings(max_examples=300)
@given(FILES.filter(bool), MOST, st.integers(0, 30), st.integers(1, 60))
def test_a_new_file_changes_one_branch_at_most(
    files: list[tuple[int, int]], most: int, place: int, entries: int
) -> None:
    """Wherever it sorts; also where one goes, which is the same backwards."""
    new = (10**6 + 1, entries)
    before = {branch.folder: branch for branch in of(files, most)}
    after = {branch.folder: branch for branch in of([*files[:place], new, *files[place:]], most)}
    gone = [branch for folder, branch in before.items() if after.get(folder) != branch and branch.segments]
    assert len(gone) <= 1
    came = [branch for folder, branch in after.items() if before.get(folder) != branch]
    events = sum(branch.stop - branch.start for branch in came)
    assert events == entries + sum(branch.stop - branch.start for branch in gone)


@settings(max_examples=100)
@given(FILES.filter(bool), MOST, st.randoms())
def test_the_order_of_files_matters_to_none(files: list[tuple[int, int]], most: int, random: object) -> None:
    def parts(branches: list[Branch]) -> set[frozenset[object]]:
        return {frozenset(branch.segments) for branch in branches}

    shuffled = files.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert parts(of(shuffled, most)) == parts(of(files, most))


@given(st.lists(st.integers(0, 60), max_size=10), MOST)
def test_a_dataset_that_fits_is_one_branch_as_before(sizes: list[int], most: int) -> None:
    files = list(enumerate(sizes))
    if sum(sizes) <= most:
        (found,), (before,) = of(files, most), split({"DY": dataset(files)}, most)
        assert (found.segments, found.start, found.stop) == (before.segments, before.start, before.stop)


def test_branches_are_filled() -> None:
    """Groups of many small files have ln 2 of what they may have on average, which is what halving gives."""
    branches = of([(number, 10) for number in range(3000)], 1000)
    mean = sum(branch.stop - branch.start for branch in branches) / len(branches)
    assert 600 < mean < 850


def test_files_of_the_size_of_a_branch_stay_apart() -> None:
    files = [(number, 60 + number) for number in range(40)]
    assert len(of(files, 100)) == 40
    large = of([(1, 250), (2, 30), (3, 20)], 100)
    assert [[(part.path, part.start, part.stop) for part in branch.segments] for branch in large] == [
        [("1.root", 0, 83)],
        [("1.root", 83, 166)],
        [("1.root", 166, 250)],
        [("2.root", 0, 30), ("3.root", 0, 20)],
    ]


def test_same_uuid() -> None:
    fileset: Fileset = {"DY": dataset([(1, 5), (2, 5), (3, 5)])}
    for info in fileset["DY"]["files"].values():
        info["uuid"] = "the same"
    assert [[part.path for part in branch.segments] for branch in divide(fileset, 5)] == [
        ["1.root"],
        ["2.root"],
        ["3.root"],
    ]


def test_what_is_made_at_once_has_equal_ranges() -> None:
    fileset: Fileset = {"DY": dataset([(1, 5), (2, 5), (3, 2)]), "TT": dataset([(4, 5), (5, 5)])}
    branches = divide(fileset, 7, made_at_once=["DY"])
    assert branches[:2] == split({"DY": fileset["DY"]}, 7)
    assert [branch.folder for branch in branches[:2]] == ["0000000000-0000000006", "0000000006-0000000012"]
    assert [branch.dataset for branch in branches[2:]] == ["TT", "TT"]


def test_labels() -> None:
    branches = of([(1, 250), (2, 30), (3, 20)], 100)
    assert branches[1].label == "DY, events 83 to 166 of 1.root"
    assert branches[3].label == "DY, 2.root and 1 more files"
    assert of([], 5)[0].label == "DY, no events"
    assert split({"DY": dataset([(1, 5)])}, 3)[1].label == "DY, events 2 to 5"


def test_not_positive() -> None:
    with pytest.raises(ConfigError, match="events per branch is 0, expected at least 1"):
        divide({}, 0)

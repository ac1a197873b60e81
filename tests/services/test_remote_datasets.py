"""Lists of files on real XRootD servers, and filesets of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from coffea import processor

from pocket.datasets.branches import split
from pocket.datasets.build import build_fileset, inspect_file
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.listing import DatasetFile, expand
from pocket.errors import BadFileError, DatasetError
from tests.services.xrootd_servers import ControlledServer

pytestmark = [pytest.mark.xrootd, pytest.mark.usefixtures("short_timeout")]

Make = Callable[[], ControlledServer]


def definition(source: str, *values: str) -> DatasetDefinition:
    return DatasetDefinition("DY", "DY", "2018", True, source, values, Path("x.json"), xsec=2.0)


def listed(source: str, *values: str) -> list[str]:
    return [file.url for file in expand(definition(source, *values), toy_files={}, cache=Path("none"))]


def test_listing(make_xrootd_server: Make, file: Path) -> None:
    server = make_xrootd_server()
    names = ("x/f1.root", "x/f2.root", "x/sub/f3.root", "x/notes.txt")
    f1, f2, f3, notes = (server.add(file, name) for name in names)
    url = server.url
    assert listed("globs", f"{url}/x/*.root") == [f1, f2]
    assert listed("globs", f"{url}/x/f?.root", f"{url}/x/*/f3.root") == [f1, f2, f3]
    assert listed("globs", f"{url}/x/**/f[13].root") == [f1, f3]
    assert listed("globs", f"{url}/x/n*") == [notes]
    assert listed("paths", f"{url}/x", f2) == [f1, f2, f3, f2]
    assert listed("paths", f"{url}/x/sub/") == [f3]
    # what was added since is seen
    f4 = server.add(file, "x/f4.root")
    assert listed("globs", f"{url}/x/*.root") == [f1, f2, f4]
    (server.store / "x" / "sub" / "f3.root").unlink()

    for source, value, message in (
        ("globs", f"{url}/x/*.rot", r"no file matches 'root://.*/x/\*\.rot'"),
        ("globs", f"{url}/none/*.root", r"root://.*/none/\*\.root can't be listed: .*\[3011\]"),
        ("paths", f"{url}/none", r"root://.*/none can't be listed: .*\[3011\]"),
        ("paths", f"{url}/x/sub", r"no \.root file is in root://.*/x/sub"),
    ):
        with pytest.raises(DatasetError, match=rf"^dataset 'DY_2018' in x\.json: {message}"):
            listed(source, value)


@pytest.mark.slow
def test_listing_of_a_server_that_is_down_or_frozen(make_xrootd_server: Make, file: Path) -> None:
    server, frozen = make_xrootd_server(), make_xrootd_server()
    server.kill()
    frozen.freeze()
    for url in (server.url, frozen.url):
        with pytest.raises(DatasetError, match=rf"dataset 'DY_2018' in x\.json: {url}/\*\.root can't be listed: \["):
            listed("globs", f"{url}/*.root")
    # a file isn't looked for before it is read
    assert listed("paths", f"{server.url}/a.root") == [f"{server.url}/a.root"]


def test_fileset_over_the_network(make_xrootd_server: Make, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, dead = make_xrootd_server(), make_xrootd_server()
    url = server.add(file)
    replica = dead.add(file)
    dead.kill()
    remote = DatasetFile(replica, (url,))
    monkeypatch.setattr("pocket.datasets.listing.expand", lambda *args, **kwargs: [remote])
    dataset = definition("paths", replica)
    fileset = build_fileset({dataset.name: dataset}, toy_files={}, cache=Path("none")).fileset
    info, size = inspect_file(file)
    assert fileset["DY_2018"]["files"] == {replica: {**info, "replicas": [url]}}
    assert fileset["DY_2018"]["metadata"]["size"] == size == file.stat().st_size
    (branch,) = split(fileset, 10**6)
    assert branch.segments[0].locations == (replica, url)

    # coffea leaves the key alone
    fileset["DY_2018"]["files"] = {url: {**info, "replicas": [replica]}}
    runner = processor.Runner(processor.IterativeExecutor(status=False), chunksize=30)
    items = list(runner.preprocess(fileset, treename="Events"))
    assert {item.filename for item in items} == {url}
    assert sum(item.entrystop - item.entrystart for item in items) == info["num_entries"]


def test_bad_files_over_the_network(make_xrootd_server: Make, file: Path, tmp_path: Path) -> None:
    server = make_xrootd_server()
    content = file.read_bytes()
    for name, data, message in (
        ("short", content[:-50], rf"is truncated: it has {len(content) - 50} of {len(content)} bytes"),
        ("garbage", b"x" * 5000, "can't be read, it is truncated or corrupt: ValueError: not a ROOT file"),
        ("empty", b"", "can't be read, it is truncated or corrupt"),
    ):
        (tmp_path / name).write_bytes(data)
        url = server.add(tmp_path / name, f"{name}.root")
        with pytest.raises(BadFileError, match=rf"^file {url} {message}"):
            inspect_file(url)
    with pytest.raises(BadFileError, match=r"^file root://.*none\.root can't be read: \[ERROR\] .*\[3011\]"):
        inspect_file(f"{server.url}/none.root")

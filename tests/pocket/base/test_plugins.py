from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket.base.plugins import plugin_folders, plugin_settings
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.eras import eras
from pocket.parameters.shipped import find_file, find_files, shipped_root
from tests.installed import install

SITE = '[site_somewhere]\nmemory: 2500\nrequirements: OpSys == "LINUX" && Memory > 100\n'


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, whose plugins aren't known yet, and an empty repository."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    (tmp_path / "repository").mkdir()
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path / "repository"))
    forget()
    yield folder
    forget()


def forget() -> None:
    plugin_folders.cache_clear()
    plugin_settings.cache_clear()


def test_no_package_is_a_plugin_unless_it_says_so(packages: Path) -> None:
    install(packages, "plain_package", {"law.cfg": SITE})
    assert plugin_folders() == {}
    assert plugin_settings() == {}


def test_settings_are_those_of_all_plugins(packages: Path) -> None:
    first = {"law.cfg": f"[modules]\nfirst_group.tasks\n\n[pocketlaw]\nbatch_systems: first_group.lsf\n\n{SITE}"}
    folder = install(packages, "first_group", first, "first")
    install(packages, "other_group", {"law.cfg": "[pocketlaw]\nbatch_systems: other_group.pbs\n"}, "other")
    install(packages, "third_group", {}, "third")
    assert plugin_folders()["first"] == folder
    assert plugin_settings() == {
        "modules": {"first_group.tasks": None},
        "pocketlaw": {"batch_systems": "first_group.lsf,other_group.pbs"},
        "site_somewhere": {"memory": "2500", "requirements": 'OpSys == "LINUX" && Memory > 100'},
    }


def test_files_go_before_shipped_ones_and_after_those_of_the_project(packages: Path, tmp_path: Path) -> None:
    names = ("params/pileup.yaml", "params/ours.yaml", "datasets/ours.json")
    folder = install(packages, "first_group", dict.fromkeys(names, "{}"), "first")
    assert [find_file(name) for name in names] == [folder / name for name in names]
    assert find_file("params/toys.yaml") == shipped_root() / "params" / "toys.yaml"
    found = find_files("params", "*.yaml")
    assert {folder / "params" / "pileup.yaml", folder / "params" / "ours.yaml"} <= {*found}
    assert len({path.name for path in found}) == len(found)
    own = tmp_path / "repository" / "params" / "pileup.yaml"
    own.parent.mkdir()
    own.write_text("{}")
    assert find_file("params/pileup.yaml") == own
    assert own in find_files("params", "*.yaml")
    assert folder / "params" / "pileup.yaml" not in find_files("params", "*.yaml")


def test_an_era_is_added(packages: Path) -> None:
    text = (shipped_root() / "params" / "eras" / "2024.yaml").read_text(encoding="utf-8")
    install(packages, "first_group", {"params/eras/2030.yaml": text.replace("2024", "2030")}, "first")
    assert "2030" in eras()
    picobarns = get_default_parameters().lumi.picobarns
    assert picobarns["2030"].tot == picobarns["2024"].tot


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"law.cfg": "[core]\nindex_file: here\n"},
            r"'first': .*law\.cfg has \[core\] with index_file, expected",
        ),
        (
            {"law.cfg": "[pocketlaw]\ndefault_analysis: x\n"},
            r"has \[pocketlaw\] with default_analysis, expected",
        ),
        ({"law.cfg": "memory: 3\n"}, r"plugin 'first': .*law\.cfg can't be read: .*no section headers"),
    ],
)
def test_settings_that_are_refused(packages: Path, files: dict[str, str], expected: str) -> None:
    install(packages, "first_group", files, "first")
    with pytest.raises(ConfigError, match=expected):
        plugin_settings()


def test_two_that_add_the_same(packages: Path) -> None:
    files = {"law.cfg": SITE, "params/ours.yaml": "{}"}
    for name in ("first", "other"):
        install(packages, f"{name}_group", files, name)
    with pytest.raises(ConfigError, match="two plugins have the site 'somewhere', one is 'other'"):
        plugin_settings()
    with pytest.raises(ConfigError, match=r"two plugins have params/ours\.yaml, .*first_group.*other_group"):
        find_files("params", "*.yaml")


def test_two_of_one_name(packages: Path) -> None:
    for package in ("first_group", "other_group"):
        install(packages, package, {}, "same")
    with pytest.raises(ConfigError, match=r"two plugins are called 'same', .*_group and .*_group: remove"):
        plugin_folders()


def test_a_package_that_is_not_there(packages: Path) -> None:
    (install(packages, "first_group", {}, "first") / "__init__.py").unlink()
    (packages / "first_group").rmdir()
    with pytest.raises(ConfigError, match="'first': there is no package first_group, which its entry"):
        plugin_folders()

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters import defaults
from pocket.parameters.defaults import (
    dump_parameters,
    get_default_parameters,
    merge_parameters,
    merge_parameters_from_files,
    register_configuration_dir,
)
from pocket.parameters.plain import to_plain

BASE = OmegaConf.create({"muon": {"pt": 15.0, "flags": ["a", "b"]}, "low": "${muon.pt}"})


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def without_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, with which nothing is shipped."""
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    for module in ("shipped", "defaults"):
        monkeypatch.setattr(f"pocket.parameters.{module}.shipped_root", lambda: tmp_path / "nothing")
    return tmp_path


def test_defaults_are_all_files_of_the_folder(without_shipped: Path, tmp_path: Path) -> None:
    write(tmp_path, "params/a.yaml", "first: {x: 1}\n")
    write(tmp_path, "params/b.yaml", "second: ${first.x}\n")
    write(tmp_path, "params/c.txt", "third: 1\n")
    assert to_plain(get_default_parameters()) == {"first": {"x": 1}, "second": 1}
    write(tmp_path, "params/d.yaml", "fourth: 4\nfirst: {y: 2}\n")
    with pytest.raises(ConfigError, match=r"section 'first' is in params/d\.yaml and in params/a\.yaml"):
        get_default_parameters()


def test_defaults_are_never_nothing(without_shipped: Path) -> None:
    sentence = f"no default parameters are in {without_shipped}/nothing/params: install Pocketlaw again"
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_default_parameters()


def test_files_of_the_project_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = get_default_parameters()
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert get_default_parameters() == shipped
    write(tmp_path, "params/muon_scale.yaml", "muon_scale: {toys: {uncertainty: 0.5}}\n")
    write(tmp_path, "params/mine.yaml", "mine: 1\n")
    changed = get_default_parameters()
    assert (changed.muon_scale.toys.uncertainty, changed.mine) == (0.5, 1)
    assert changed.lumi == shipped.lumi


def test_defaults_are_not_shared() -> None:
    first = get_default_parameters()
    first.object_preselection.Muon.pt = 1000.0
    assert get_default_parameters().object_preselection.Muon.pt != 1000.0


def test_later_files_are_on_top(tmp_path: Path) -> None:
    one = write(tmp_path, "one.yaml", "muon: {pt: 20.0, eta: 2.4}\n")
    two = write(tmp_path, "two.yaml", "muon: {pt: 30.0, flags: [c]}\n")
    merged = merge_parameters_from_files(BASE, one, two, update=True)
    # lists are replaced, sections merged, and interpolations follow
    assert to_plain(merged) == {"muon": {"pt": 30.0, "flags": ["c"], "eta": 2.4}, "low": 30.0}
    assert to_plain(BASE) == {"muon": {"pt": 15.0, "flags": ["a", "b"]}, "low": 15.0}
    assert merge_parameters_from_files(BASE, two, one, update=True).muon.pt == 20.0


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("muon: {pt: 20.0}", r"muon\.pt"),
        ("muon: {flags: [a]}", r"muon\.flags"),
        ("muon: 3", "muon"),
        ("low: 15.0", "low"),
        ("low: {x: 1}", "low"),
    ],
)
def test_a_change_must_be_meant(tmp_path: Path, text: str, changed: str) -> None:
    path = write(tmp_path, "change.yaml", text)
    with pytest.raises(ConfigError, match=rf"change\.yaml changes {changed}: pass update=True if that is meant"):
        merge_parameters_from_files(BASE, path)
    merge_parameters_from_files(BASE, path, update=True)


def test_additions_and_equal_values_are_no_change(tmp_path: Path) -> None:
    path = write(tmp_path, "more.yaml", "muon: {pt: 15.0, eta: 2.4}\nlow: ${muon.pt}\nnew: {x: 1}\n")
    assert merge_parameters_from_files(BASE, path).muon.eta == 2.4


def test_merge_parameters() -> None:
    merged = merge_parameters(BASE, {"muon": {"eta": 2.4}}, OmegaConf.create({"new": 1}))
    assert (merged.muon.pt, merged.muon.eta, merged.new) == (15.0, 2.4, 1)
    with pytest.raises(ConfigError, match=r"merged parameters changes muon\.pt"):
        merge_parameters(BASE, {"muon": {"pt": 20.0}})
    assert merge_parameters(BASE, {"muon": {"pt": 20.0}}, update=True).muon.pt == 20.0
    with pytest.raises(UnknownNameError, match=r"key 'lumi\.picobarn' in merged parameters"):
        merge_parameters(BASE, {"lumi": {"picobarn": 1}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n- [1\n", r"parameter file .*bad\.yaml:3: did not find expected .*, while parsing .* begins in line 2$"),
        ("a:\n\tb: 1\n", r"parameter file .*bad\.yaml:2: found character .*: indent with spaces instead of tabs, "),
        (
            "a: b: c\n",
            r"parameter file .*bad\.yaml:1: mapping values are not allowed .*: put .* with ': ' in quotes",
        ),
        ("a: ${b", r"parameter file .*bad\.yaml: .*\$\{b"),
        ("- a\n- b\n", r"parameter file .*bad\.yaml must hold a mapping of sections"),
        ("a: 1\na: 2\n", r"parameter file .*bad\.yaml:2: found duplicate key a"),
        ("lumi: {picobarn: {}}", r"unknown key 'lumi\.picobarn' in .*bad\.yaml, did you mean 'lumi\.picobarns'"),
    ],
)
def test_bad_file(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, "bad.yaml", text)
    with pytest.raises(ConfigError, match=message) as caught:
        merge_parameters_from_files(BASE, path)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"parameter file .*none\.yaml does not exist$"):
        merge_parameters_from_files(BASE, tmp_path / "none.yaml")
    write(tmp_path, "selection.yaml", "new: 1\n")
    with pytest.raises(ConfigError, match=r"selecton\.yaml does not exist, did you mean .*/selection\.yaml\?$"):
        merge_parameters_from_files(BASE, tmp_path / "selecton.yaml")
    with pytest.raises(ConfigError, match=r"does not exist: there is no folder .*/params$"):
        merge_parameters_from_files(BASE, tmp_path / "params" / "selection.yaml")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "one.yaml", "new: 1\n")
    assert merge_parameters_from_files(BASE, path).new == 1
    write(tmp_path, "one.yaml", "new: 22\n")
    assert merge_parameters_from_files(BASE, path).new == 22


def test_an_empty_file_adds_nothing(tmp_path: Path) -> None:
    assert merge_parameters_from_files(BASE, write(tmp_path, "empty.yaml", "# nothing yet\n")) == BASE


def test_resolvers(tmp_path: Path) -> None:
    register_configuration_dir("test_folder", tmp_path)
    path = write(tmp_path, "files.yaml", "sf: ${test_folder:sf/muon.json}\narea: ${product:2,${side},4}\nside: 3\n")
    plain = to_plain(merge_parameters_from_files(OmegaConf.create({}), path))
    assert plain == {"sf": "test_folder://sf/muon.json", "area": 24, "side": 3}


def test_relative_files_lie_in_the_working_directory_or_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder, value in ((project, 1), (elsewhere, 22)):
        folder.mkdir()
        write(folder, "mine.yaml", f"mine: {{x: {value}}}\n")
    monkeypatch.setenv("POCKET_ROOT", str(project))
    empty = OmegaConf.create({})
    for folder, value in ((elsewhere, 22), (project, 1), (tmp_path, 1)):
        monkeypatch.chdir(folder)
        assert merge_parameters_from_files(empty, "mine.yaml") == {"mine": {"x": value}}
    with pytest.raises(ConfigError, match=r"parameter file yours\.yaml does not exist"):
        merge_parameters_from_files(empty, "yours.yaml")


@pytest.mark.parametrize(
    ("factor", "named"), [("a", "'a'"), ("null", "None"), ("[1,2]", r"\[1, 2\]"), ("${name}", "'x'")]
)
def test_products_are_of_numbers(factor: str, named: str) -> None:
    params = OmegaConf.create({"limits": {"area": f"${{product:3,{factor}}}"}, "name": "x"})
    with pytest.raises(ConfigError, match=f"^parameter limits.area: a product is made of numbers, not of {named}$"):
        to_plain(params)


def test_what_was_resolved_before_is_never_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_TEST_VALUE", "first")
    params = OmegaConf.create({"a": {"x": 1}, "b": "${a.x}", "c": [{"d": "${product:${a.x},2}"}], "left": "${no}"})
    for value in (1, 2, 2.5):
        params.a.x = value
        plain = to_plain(params, without=("left",))
        assert plain == {"a": {"x": value}, "b": value, "c": [{"d": value * 2}]}
        # which nobody else has
        plain["a"]["x"] = plain["c"][0]["d"] = None
    with pytest.raises(ConfigError, match="parameter left"):
        to_plain(params)
    params = OmegaConf.create({"b": "${oc.env:POCKET_TEST_VALUE}"})
    assert to_plain(params) == {"b": "first"}
    monkeypatch.setenv("POCKET_TEST_VALUE", "second")
    assert to_plain(params) == {"b": "second"}


@pytest.mark.slow
def test_dump_of_the_defaults(tmp_path: Path) -> None:
    text = dump_parameters(get_default_parameters())
    path = write(tmp_path, "dump.yaml", text)
    loaded = merge_parameters_from_files(OmegaConf.create({}), path)
    assert to_plain(loaded) == to_plain(get_default_parameters())
    assert dump_parameters(loaded) == text
    # a value stands where it is used
    assert "${" not in text
    assert merge_parameters_from_files(get_default_parameters(), path, update=True) == loaded


def test_dump_has_one_order(tmp_path: Path) -> None:
    one = write(tmp_path, "one.yaml", "b: {k: 1, j: [3, 1]}\na: ${b.k}\n")
    two = write(tmp_path, "two.yaml", "a: 1\nb: {j: [3, 1], k: 1}\n")
    first, second = (dump_parameters(merge_parameters_from_files(OmegaConf.create({}), file)) for file in (one, two))
    assert first == second == "a: 1\nb:\n  j:\n  - 3\n  - 1\n  k: 1\n"
    with pytest.raises(ConfigError, match=r"parameter a: Interpolation key 'b' not found"):
        dump_parameters(OmegaConf.create({"a": "${b}"}))


KEYS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters=".$[]"), min_size=1, max_size=8
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False),
    st.sampled_from(["1e5", "2018", "0.3", "null", "on", "2018_UL", "corrections://a/b.json", "x: y", "a\nb", "", "é"]),
)


@settings(max_examples=25)
@given(
    st.dictionaries(
        KEYS, st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8)
    )
)
def test_a_dump_loads_back(plain: dict[str, Any]) -> None:
    parameters = OmegaConf.create(plain)
    loaded = OmegaConf.create(dump_parameters(parameters))
    assert OmegaConf.to_container(loaded) == plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {b: '${muon.ptt}'}", r"parameter a\.b: Interpolation key 'muon\.ptt' not found"),
        ("a: ['${nothing}']", r"parameter a\[0\]: Interpolation key 'nothing' not found"),
        ("a: '${no_resolver:x}'", "parameter a: Unsupported interpolation type no_resolver"),
        ("a: '${b}'\nb: '${a}'", "parameter a: Recursive interpolation detected"),
    ],
)
def test_what_cannot_be_resolved(tmp_path: Path, text: str, message: str) -> None:
    merged = merge_parameters_from_files(BASE, write(tmp_path, "a.yaml", text))
    with pytest.raises(ConfigError, match=message) as caught:
        to_plain(merged)
    assert "\n" not in str(caught.value)
    # what isn't asked for needn't resolve
    assert set(to_plain(merged, without=("a", "b"))) == {"muon", "low"}


def test_list_and_table_replace_each_other(tmp_path: Path) -> None:
    table = merge_parameters(BASE, {"own": {"a": {"b": 1}, "c": 2}})
    listed = write(tmp_path, "list.yaml", "own: {a: [1, 2]}")
    merged = merge_parameters_from_files(table, listed, update=True)
    assert to_plain(merged)["own"] == {"a": [1, 2], "c": 2}
    back = merge_parameters_from_files(merged, write(tmp_path, "table.yaml", "own: {a: {d: 3}}"), update=True)
    assert to_plain(back)["own"] == {"a": {"d": 3}, "c": 2}
    with pytest.raises(ConfigError, match=r"own\.a"):
        merge_parameters_from_files(table, listed)


def test_what_is_missing_stays_missing(tmp_path: Path) -> None:
    text = "a: {b: '???', c: '${a.b}', d: ['???', 1, '${a.b}']}\ne: '???'\nf: '${a}'"
    merged = merge_parameters_from_files(BASE, write(tmp_path, "a.yaml", text))
    a = {"b": "???", "c": "???", "d": ["???", 1, "???"]}
    assert to_plain(merged) == {**to_plain(BASE), "a": a, "e": "???", "f": a}
    assert to_plain(OmegaConf.create(dump_parameters(merged))) == to_plain(merged)


def test_only_the_shipped_file_that_changed_is_read_again(
    without_shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    paths = [write(tmp_path / "params", f"{name}.yaml", f"{name}: {{value: 1}}\n") for name in ("one", "two")]
    late = write(tmp_path / "params" / "late", "two.yaml", "two: {value: 5}\n")
    parsed: list[str] = []
    parse = defaults._parsed.__wrapped__

    def note(path: Path, mtime_ns: int, size: int) -> Any:
        parsed.append(path.parent.name + "/" + path.name)
        return parse(path, mtime_ns, size)

    monkeypatch.setattr(defaults, "_parsed", note)
    assert to_plain(get_default_parameters()) == {"one": {"value": 1}, "two": {"value": 1}}
    assert to_plain(get_default_parameters(late)) == {"one": {"value": 1}, "two": {"value": 5}}
    assert sorted(parsed) == ["late/two.yaml", "params/one.yaml", "params/two.yaml"]
    parsed.clear()
    paths[0].write_text("one: {value: 2}\n")
    for _ in range(2):
        assert to_plain(get_default_parameters()) == {"one": {"value": 2}, "two": {"value": 1}}
    late.write_text("two: {value: 6}\n")
    assert to_plain(get_default_parameters(late)) == {"one": {"value": 2}, "two": {"value": 6}}
    assert parsed == ["params/one.yaml", "late/two.yaml"]


def test_shipped_files_are_read_once_for_all_processes(
    without_shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = write(tmp_path / "params", "new.yaml", "new: {value: 1, twice: '${product:${.value},2}'}\n")
    expected = {"new": {"value": 1, "twice": 2}}
    read = defaults._parsed

    def found() -> dict[str, Any]:
        """What another process finds."""
        read.cache_clear()
        return to_plain(get_default_parameters())

    assert found() == expected
    with monkeypatch.context() as patch:
        patch.setattr(defaults, "_parsed", None)
        assert found() == expected
        # as others are not
        with pytest.raises(TypeError):
            merge_parameters_from_files(BASE, path)
    path.write_text("new: {value: 3, twice: '${product:${.value},2}'}\n")
    assert found() == {"new": {"value": 3, "twice": 6}}
    path.write_text("lumi: {picobarn: {}}\n")
    for _ in range(2):
        with pytest.raises(UnknownNameError, match=r"lumi\.picobarn"):
            found()

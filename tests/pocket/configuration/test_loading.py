from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pocket.base.fingerprint import digest, fingerprint
from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import (
    _load,
    absolute_reference,
    available_analyses,
    load_analysis,
    restrict,
    restrict_analysis,
)
from pocket.datasets.restriction import Restriction
from pocket.errors import BrokenConfigError, ConfigError, UnknownNameError
from pocket.parameters.plain import to_plain
from pocket.plots.style import PlotStyle

SOURCE = """
    from pathlib import Path
    from pocket.configuration.analysis import Analysis
    from pocket.parameters.defaults import get_default_parameters, merge_parameters
    from tests.pocket.configs import configure
    parameters = merge_parameters(get_default_parameters(), {"mine": {"pt": 20.0}})
    analysis = Analysis(name="other", configs={"main": configure(parameters=parameters)}, default_config="main")
"""


@pytest.fixture
def package(outside: Path) -> Iterator[Path]:
    """A package outside of the project."""
    (outside / "__init__.py").write_text(textwrap.dedent(SOURCE))
    yield outside
    _load.cache_clear()


def test_analysis_outside_the_project(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_analysis(str(package)).name == "other"
    monkeypatch.chdir(package.parent)
    assert load_analysis("./outside_analysis").name == "other"
    (package.parent / "outside").mkdir()
    (package.parent / "outside" / "__init__.py").touch()
    package.rename(package.parent / "outside" / "inner")
    assert load_analysis("outside.inner").name == "other"


def test_overrides(package: Path) -> None:
    def pt(*overrides: str) -> float:
        value: float = load_analysis(str(package), overrides).configs["main"].parameters.mine.pt
        return value

    assert pt() == 20.0
    assert pt("mine.pt=25.0") == 25.0
    assert pt() == 20.0
    with pytest.raises(UnknownNameError, match=r"parameter 'ptt' in mine \(--params mine\.ptt\), did you mean 'pt'"):
        pt("mine.ptt=25.0")
    assert pt() == 20.0


def test_overrides_that_code_undoes(package: Path) -> None:
    source = SOURCE.replace("    analysis = ", "    parameters.mine.pt = 30.0\n    analysis = ")
    (package / "__init__.py").write_text(textwrap.dedent(source))
    with pytest.raises(ConfigError, match=r"^configuration 'main': --params mine\.pt=25\.0 has no effect, .* to 30\.0"):
        load_analysis(str(package), ("mine.pt=25.0",))
    assert load_analysis(str(package), ("mine.pt=30.0",)).configs["main"].parameters.mine.pt == 30


def test_loaded_once(package: Path) -> None:
    assert load_analysis(str(package)) is load_analysis(str(package))


CUTS = """
    def cut(events):
        from .values import pt
        return events.pt > pt
"""


@pytest.fixture
def namesakes(package: Path) -> list[Path]:
    """Two packages of one name in different folders, which differ in a module that is imported in a function."""
    folders = [package, package.parent / "elsewhere" / package.name]
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True, exist_ok=True)
        source = textwrap.dedent(SOURCE).replace('"other"', f'"other{number}"')
        (folder / "__init__.py").write_text(f"{source}\nfrom .cuts import cut\n")
        (folder / "cuts.py").write_text(textwrap.dedent(CUTS))
        (folder / "values.py").write_text(f"pt = {number}\n")
    return folders


def test_analyses_with_one_name_in_different_folders(namesakes: list[Path]) -> None:
    events = SimpleNamespace(pt=0.5)
    digests = set()
    for overrides in ((), ("mine.pt=25.0",), ()):
        for number, folder in enumerate(namesakes):
            found = load_analysis(str(folder), overrides)
            assert found.name == f"other{number}"
            assert load_analysis(str(folder), overrides) is found
            cut = sys.modules[folder.name].cut
            assert Path(cut.__code__.co_filename).parent == folder
            assert cut(events) == (number == 0)
            digests.add((number, digest(cut)))
    assert len(digests) == len({value for _, value in digests}) == 2


def test_absolute_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_reference("./mine") == str(tmp_path / "mine")
    assert absolute_reference("/some/where") == "/some/where"
    assert absolute_reference("zmumu") == "zmumu"
    assert absolute_reference("my.package") == "my.package"


def test_relative_path_from_another_folder(namesakes: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for number, folder in enumerate(namesakes):
        monkeypatch.chdir(folder.parent)
        assert load_analysis(f"./{folder.name}").name == f"other{number}"


def test_what_is_no_analysis(tmp_path: Path, package: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown analysis 'zmumuu', did you mean 'zmumu'"):
        load_analysis("zmumuu")
    with pytest.raises(UnknownNameError, match=r"unknown analysis 'no\.such\.package'"):
        load_analysis("no.such.package")
    with pytest.raises(ConfigError, match=r"analysis '.*nothing' is no folder of a Python package"):
        load_analysis(str(tmp_path / "nothing"))
    (package / "__init__.py").write_text("x = 1\n")
    with pytest.raises(ConfigError, match="outside_analysis defines no 'analysis = Analysis"):
        load_analysis(str(package))


def test_a_misspelt_argument_in_the_code_of_an_analysis(package: Path) -> None:
    call = "from pocket.cuts.library import get_nObj_min\nget_nObj_min(1, colls='Jet')\n"
    (package / "__init__.py").write_text(f"{textwrap.dedent(SOURCE)}{call}")
    sentence = r"^unknown argument 'colls' in get_nObj_min\(\) \(__init__\.py, line \d+\), did you mean 'coll'"
    with pytest.raises(ConfigError, match=sentence):
        load_analysis(str(package))
    (package / "__init__.py").write_text(f"{textwrap.dedent(SOURCE)}'a' + 1\n")
    with pytest.raises(ConfigError, match=r"can't be imported.*TypeError: can only concatenate"):
        load_analysis(str(package))


def test_available_analyses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zmumu" in available_analyses()
    for name in ("b", "a", "no"):
        (tmp_path / "analysis" / name).mkdir(parents=True)
    for name in ("b", "a"):
        (tmp_path / "analysis" / name / "__init__.py").touch()
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    assert available_analyses() == ["a", "b"]


def test_a_value_set_elsewhere_counts_where_it_is_imported_in_a_function(outside: Path) -> None:
    (outside / "settings.py").write_text("LEAST = 20\n")
    (outside / "cuts.py").write_text(
        "def hard(events, params, **kwargs):\n    from .settings import LEAST\n    return events.x > LEAST\n"
    )
    (outside / "__init__.py").write_text(
        "from pocket import Analysis\nfrom pocket.cuts.cut import Cut\nfrom tests.pocket.configs import configure\n"
        "from . import cuts, values\n"
        "main = configure(preselections=[Cut('hard', {}, cuts.hard)])\n"
        "analysis = Analysis(name='outside', configs={'main': main}, default_config='main')\n"
    )
    digests = []
    for least in (25, 25, 300):
        (outside / "values.py").write_text(f"from . import settings\n\nsettings.LEAST = {least}\n")
        _load.cache_clear()
        digests.append(digest(load_analysis(str(outside)).config("main").plan().spec()))
    assert digests[0] == digests[1] != digests[2]


DATA, DY = "DATA_SingleMuon", "DYJetsToMuMu"


@pytest.fixture(scope="module")
def zmumu() -> Analysis:
    return load_analysis("zmumu")


def style(parameters: Any) -> PlotStyle:
    return PlotStyle.from_parameters(to_plain(parameters)["plotting_style"])


def test_datasets_that_are_left(zmumu: Analysis) -> None:
    whole = zmumu.config("calibrated")
    part = restrict(whole, Restriction(samples=(DATA,)))
    assert list(part.samples) == list(part.weights.samples) == list(part.shapes.samples) == [DATA]
    assert whole.samples.keys() > {DATA, DY}
    # data have no weights, so nothing has to be measured for them
    assert whole.scale_factors
    assert part.scale_factors == ()
    assert fingerprint(part.declared().spec()) != fingerprint(whole.declared().spec())


def test_limits_change_the_labels_of_plots_only(zmumu: Analysis) -> None:
    whole = zmumu.config("nominal")
    part = restrict(whole, Restriction(files=1))
    assert list(part.samples) == list(whole.samples)
    assert fingerprint(part.plan().spec()) == fingerprint(whole.plan().spec())
    assert style(part.parameters).label == f"{style(whole.parameters).label}, limited: 1 file per dataset"
    assert style(whole.parameters).label == "Private work"


def test_label_in_the_words_of_pocketcoffea(zmumu: Analysis) -> None:
    whole = zmumu.config("nominal").with_parameters(zmumu.config("nominal").parameters.copy())
    whole.parameters.plotting_style.cms_label = "Preliminary"
    part = restrict(whole, Restriction(chunks=1))
    assert style(part.parameters).label == "Preliminary, limited: 1 chunk per dataset"


def test_configurations_without_datasets(zmumu: Analysis) -> None:
    (only,) = (name for name in zmumu.configs if name == "real_samples")
    dataset = next(iter(zmumu.config(only).definitions))
    part = restrict_analysis(zmumu, Restriction(datasets=(dataset,)))
    assert list(part.config(only).definitions) == [dataset]
    with pytest.raises(
        BrokenConfigError, match=rf"'nominal': --filter-datasets {dataset} leaves no dataset, there are"
    ):
        part.config("nominal")
    assert zmumu.config("nominal")
    with pytest.raises(UnknownNameError, match="unknown sample 'DYJetsToMuMuu' in --filter-samples, did you mean"):
        restrict_analysis(zmumu, Restriction(samples=("DYJetsToMuMuu",)))


def test_analysis_is_loaded_with_a_restriction(zmumu: Analysis) -> None:
    restriction = Restriction(samples=(DATA, DY))
    part = load_analysis("zmumu", (), restriction)
    assert part is load_analysis("zmumu", (), dataclasses.replace(restriction))
    assert list(part.config("nominal").samples) == [DY, DATA]
    assert load_analysis("zmumu", (), Restriction()) is load_analysis("zmumu") is zmumu

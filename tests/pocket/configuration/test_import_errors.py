from __future__ import annotations

import re
from pathlib import Path

import pytest

from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "import no_such_module",
            r"ModuleNotFoundError: No module named 'no_such_module'; it is no module of the analysis, and no "
            r"package of that name is installed in \S+",
        ),
        ("import awkwrd", r"__init__\.py:1: ModuleNotFoundError: .*, or did you mean awkward.*\?"),
        ("import awkward.no.such", r"ModuleNotFoundError: .*; the package awkward has no such module"),
        ("import tasks.mine", r"tasks is a package of Pocketlaw, which has no such module: give a package of yours an"),
        ("import pocket.configurator", r"No module named 'pocket\.configurator'; it is pocket\.configuration\.config"),
        (
            "from pocket.datasets.fileset import x",
            r"'; build_fileset, inspect_file and the like are in pocket\.datasets",
        ),
        ("import pocket.engine.tree", r"; it is pocket\.io\.nanoaod\.ttree now$"),
        (
            "from pocket.outputs import x",
            r"; what pocket\.outputs had is pocket\.histograms\.files now$",
        ),
        ("from pocket import Kept", r"cannot import name 'Kept' from 'pocket'; Kept is PreservedYield now$"),
        (
            "\nimport cuts",
            r"__init__\.py:2: .*; it is a module of the analysis, .* outside_analysis\.cuts, or from \. in",
        ),
        ("from .cutz import a", r"there is no such module in outside_analysis, did you mean outside_analysis\.cuts\?"),
        ("from .cuts import dimun", r"ImportError: cannot import name 'dimun' from '\S+cuts', did you mean 'dimuon'\?"),
        ("from pocket.cuts import get_HLTSel", r"from 'pocket\.cuts', did you mean 'get_HLTsel' or .*\?$"),
        ("import pocket.cutss", r"which has no such module, did you mean pocket\.cuts\?$"),
        (
            "regions = {'signal': 1}\nregions['sginal']",
            r"__init__\.py:2: .* \(regions has no 'sginal', did you mean 'signal'",
        ),
        (
            "from omegaconf import OmegaConf\nOmegaConf.create({'muon': {'pt': 1}}).muon.ptt",
            r"__init__\.py:2: ConfigAttributeError: unknown parameter 'ptt' in muon, did you mean 'pt'\?$",
        ),
        ("from .circle import a", r"other\.py:1: .*, which isn't complete yet: the two modules import each other"),
        ("from .cuts import dimuon\ndimoun", r"__init__\.py:2: NameError: .* not defined \(did you mean 'dimuon'\?\)"),
        ("from .wrong import a", r"outside_analysis/wrong\.py:3: SyntaxError: expected ':': def a\(\)"),
        ("from .cuts import dimuon\ndimuon.nme", r"AttributeError: .*no attribute 'nme' \(did you mean 'name'\?\)"),
        ("\nimport sys\nsys.exit()", r"__init__\.py:3: it ends the program with exit code 0$"),
        ("from .cuts import divide\ndivide()", r"outside_analysis/cuts\.py:7: ZeroDivisionError: division by zero"),
    ],
)
def test_an_import_that_fails_is_one_sentence(outside: Path, source: str, sentence: str) -> None:
    (outside / "__init__.py").write_text(f"{source}\n")
    (outside / "cuts.py").write_text(
        "from pocket.cuts.cut import Cut\n\ndimuon = Cut('dimuon', {}, len)\n\n\ndef divide():\n    1 / 0\n"
    )
    (outside / "circle.py").write_text("from . import other\n")
    (outside / "other.py").write_text("from .circle import a\n")
    (outside / "wrong.py").write_text("\n\ndef a()\n    pass\n")
    begin = rf"^analysis '{outside}' can't be imported, because of an error in {outside}/"
    with pytest.raises(ConfigError, match=begin) as caught:
        load_analysis(str(outside))
    assert re.search(sentence, str(caught.value))
    assert "\n" not in str(caught.value)


def test_an_error_names_the_line_of_the_configuration(outside: Path) -> None:
    source = "from pocket.cuts.cut import Cut\n\n\ndef make():\n    return Cut('', {}, len)\n\n\nmake()\n"
    (outside / "__init__.py").write_text(source)
    with pytest.raises(ConfigError) as caught:
        load_analysis(str(outside))
    file = outside / "__init__.py"
    assert str(caught.value) == f"Cut(): the name is empty, give the cut a name (in {file}:5, called in {file}:8)"

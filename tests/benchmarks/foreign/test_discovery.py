from __future__ import annotations

from pathlib import Path

from benchmarks.foreign.discovery import find_configurations

CONFIGURATION = "from pocket_coffea.utils.configurator import Configurator\ncfg = Configurator()\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_configurations_are_modules_that_make_a_configurator(tmp_path: Path) -> None:
    write(
        tmp_path / "repository",
        {
            "a/config.py": CONFIGURATION,
            "a/attribute.py": "import configurator\ncfg: object = configurator.Configurator()\n",
            "a/workflow.py": "from pocket_coffea.utils.configurator import Configurator\n",
            "a/other.py": "config = Configurator()\n",
            "a/broken.py": "cfg = Configurator(\n",
            "a/.ipynb_checkpoints/config.py": CONFIGURATION,
        },
    )
    names = [found.name for found in find_configurations([tmp_path / "repository"])]
    assert names == ["repository/a/attribute.py", "repository/a/config.py"]


def test_the_repository_of_a_configuration(tmp_path: Path) -> None:
    write(tmp_path, {"mine/pyproject.toml": "", "mine/a/config.py": CONFIGURATION, "loose/config.py": CONFIGURATION})
    loose, mine = find_configurations([tmp_path])
    assert (mine.repository, loose.repository) == (tmp_path / "mine", tmp_path)

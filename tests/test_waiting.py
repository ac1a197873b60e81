from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.waiting import Moment, wait_for


def test_a_program_is_held_at_its_moment(tmp_path: Path) -> None:
    moment = Moment.of(tmp_path / "moment", "os.rename", "second$")
    code = "import os; [os.rename(*pair) for pair in (('first', 'second'), ('second', 'third'))]"
    (tmp_path / "first").touch()
    environment = {**os.environ, **moment.environment(os.environ)}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment) as process:
        wait_for(lambda: moment.process)
        assert moment.process == process.pid
        assert (tmp_path / "second").exists()
        moment.go_on()
        assert process.wait() == 0
    assert (tmp_path / "third").exists()

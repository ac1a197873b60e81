"""A copy of what setup.sh needs, to be sourced in real shells.

A stand-in for uv links the packages of the running Python.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).absolute().parents[1]
PYTHON = Path(sys.executable).resolve()

LAW_CONFIG = """
[modules]
tasks

[luigi_core]
local_scheduler: True
"""

TASKS = """
import law
import luigi


class Hello(law.Task):
    version = luigi.Parameter()

    def output(self):
        return law.LocalFileTarget(f"$POCKET_STORE/hello_{self.version}.txt")

    def run(self):
        self.output().dump("hello", formatter="text")
"""

UV = f"""#!/bin/sh
echo "$*" >>"$UV_CALLS"
case "$1" in
    venv)
        mkdir -p .venv/bin
        cp {shlex.quote(sys.prefix)}/pyvenv.cfg .venv
        ln -s "$3" .venv/bin/python
        ;;
    pip)
        sleep "${{UV_SLEEP:-0}}"
        while [ -n "${{UV_WAITS:-}}" ] && ! grep -q "another shell" "$UV_WAITS"; do sleep 0.1; done
        if [ -n "${{UV_FAILS:-}}" ]; then
            printf 'error: no such package\\n  cause: out of stock\\n' >&2
            exit 1
        fi
        mkdir .venv/lib
        ln -s {shlex.quote(sys.prefix)}/lib/python* .venv/lib
        mkdir -p .venv/lib/own/tests
        touch .venv/lib/own/module.py .venv/lib/own/tests/test_module.py
        cp "${{0%/*}}/law_command" .venv/bin/law
        ;;
esac
"""

# the command that law's installation makes
LAW = """#!/bin/sh
exec "$VIRTUAL_ENV/bin/python" -c 'import sys; from law.cli import run; sys.exit(run())' "$@"
"""

SOURCE_AND_GO_ON = 'source "$SETUP"; echo "returned $?, POCKET_ROOT ${POCKET_ROOT-unset}"'

NO_UV = "#!/bin/sh\nexit 127\n"


def changed_python(statements: str) -> str:
    """Return a script that runs the real Python after the given statements."""
    run_code = f"import sys; {statements}; code = sys.argv[1]; del sys.argv[1]; exec(code)"
    return f"""#!/bin/sh
while [ "$1" != -c ]; do shift; done
shift
exec {shlex.quote(str(PYTHON))} -c {shlex.quote(run_code)} "$@"
"""


def _heed_interrupts() -> None:
    # a job in the background, as a test run may be, ignores them, and so would all its children
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Checkout:
    """A checkout, with a folder of commands that come first on PATH, as one kind of shell sees it."""

    root: Path
    commands: Path
    shell: str

    def make(self) -> None:
        (self.root / "tasks").mkdir(parents=True)
        self.commands.mkdir()
        for name in ("setup.sh", "requirements.lock"):
            shutil.copy(REPOSITORY / name, self.root)
        (self.root / "law.cfg").write_text(LAW_CONFIG)
        (self.root / "tasks" / "__init__.py").write_text(TASKS)
        (self.commands / "python3").symlink_to(PYTHON)
        self.add_command("law_command", LAW)
        self.add_command("uv", UV)

    def add_command(self, name: str, text: str) -> None:
        path = self.commands / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            "HOME": str(self.commands),
            "PATH": f"{self.commands}:/usr/bin:/bin",
            "SETUP": str(self.root / "setup.sh"),
            "UV_CALLS": str(self.commands / "uv.calls"),
            **extra,
        }

    def start(self, script: str, *options: str, **extra: str) -> subprocess.Popen[str]:
        """Start a script, in a process group of its own; ``extra`` are environment variables."""
        return subprocess.Popen(
            [self.shell, *options, "-c", script],
            cwd=self.commands,
            env=self.environment(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )

    def run(self, script: str, *options: str, **extra: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *options, **extra)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(script, process.returncode, out, err)

    def set_up(self, **extra: str) -> str:
        """Source setup.sh, which must succeed, and return the line that it prints."""
        result = self.run('source "$SETUP"', **extra)
        assert result.returncode == 0, result.stderr
        (line,) = result.stdout.splitlines()
        return line

    def error(self, script: str = SOURCE_AND_GO_ON, **extra: str) -> str:
        """Source setup.sh, which must fail and leave the shell as it was, and return its one sentence."""
        result = self.run(script, **extra)
        assert result.stdout == "returned 1, POCKET_ROOT unset\n"
        *progress, sentence = result.stderr.splitlines()
        assert all("installing the packages" in line for line in progress)
        assert sentence.startswith("setup.sh: ")
        return sentence.removeprefix("setup.sh: ")

    def installations(self) -> int:
        """Return how often the stand-in for uv was asked to install the packages."""
        calls = self.commands / "uv.calls"
        return calls.read_text().count("pip sync") if calls.exists() else 0

    def set_writable(self, writable: bool) -> None:
        for folder, _, _ in os.walk(self.root):
            Path(folder).chmod(0o755 if writable else 0o555)


def runs(command: str, session: int) -> bool:
    """Whether a command runs among the processes of a session."""
    for path in Path("/proc").glob("[0-9]*/comm"):
        # processes come and go
        with contextlib.suppress(OSError):
            if os.getsid(int(path.parent.name)) == session and path.read_text().strip() == command:
                return True
    return False


def without_root_rights(script: str) -> str:
    """Return a script such that root, too, is bound by the permissions of files."""
    if os.geteuid() != 0:
        return script
    drop = "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all"
    return f"{drop} $0 -c {shlex.quote(script)}"

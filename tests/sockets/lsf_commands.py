"""LSF's commands ``bsub``, ``bjobs`` and ``bkill``, as far as law needs them: jobs are processes of this machine.

Called by their name; the folder ``$FAKE_LSF`` has a file per job.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_LSF"])


def submit() -> None:
    script = sys.stdin.read()
    number = str(len(list(FOLDER.glob("*.json"))) + 1)
    name = re.search(r"^#BSUB -J (\S+)$", script, re.MULTILINE)
    # Each job has a folder of its own, with the files that it asks for.
    place = FOLDER / number
    place.mkdir()
    for source, name in re.findall(r'^#BSUB -f "(\S+) > (\S+)"$', script, re.MULTILINE):
        shutil.copy(source, place / name)
    (FOLDER / f"{number}.sh").write_text(script)
    done = FOLDER / f"{number}.code"
    command = f"bash {FOLDER / number}.sh; echo $? > {done}.part; mv {done}.part {done}"
    with (FOLDER / f"{number}.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    job = {"name": name[1].strip("\"'") if name else "none", "pid": process.pid, "script": script}
    (FOLDER / f"{number}.json").write_text(json.dumps(job))
    print(f"Job <{number}> is submitted to default queue <normal>.")


def list_jobs() -> None:
    for path in sorted(FOLDER.glob("*.json")):
        code = path.with_suffix(".code")
        state = "RUN" if not code.exists() else "DONE" if code.read_text().strip() == "0" else "EXIT"
        print(path.stem, state, json.loads(path.read_text())["name"])


def kill() -> None:
    for number in sys.argv[1:]:
        os.killpg(json.loads((FOLDER / f"{number}.json").read_text())["pid"], 9)


if __name__ == "__main__":
    {"bsub": submit, "bjobs": list_jobs, "bkill": kill}[Path(sys.argv[0]).name]()

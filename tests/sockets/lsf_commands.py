"""LSF's commands ``bsub``, ``bjobs`` and ``bkill``, as far as law needs them: jobs are processes of this machine.

Called by their name; the folder ``$FAKE_LSF`` has a file per job.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_LSF"])


def new_folder() -> Path:
    for number in itertools.count(1):
        folder = FOLDER / str(number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError


def submit() -> None:
    script = sys.stdin.read()
    title = re.search(r"^#BSUB -J (\S+)$", script, re.MULTILINE)
    place = new_folder()
    # Each job has a folder of its own, with the files that it asks for.
    for source, name in re.findall(r'^#BSUB -f "(\S+) > (\S+)"$', script, re.MULTILINE):
        shutil.copy(source, place / name)
    (FOLDER / f"{place.name}.sh").write_text(script)
    done = FOLDER / f"{place.name}.code"
    command = f"bash {place}.sh; echo $? > {done}.part; mv {done}.part {done}"
    with (FOLDER / f"{place.name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=place, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    job = {"name": title[1].strip("\"'") if title else "none", "pid": process.pid, "script": script}
    record = FOLDER / f"{place.name}.new"
    record.write_text(json.dumps(job))
    record.rename(record.with_suffix(".json"))
    print(f"Job <{place.name}> is submitted to default queue <normal>.")


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

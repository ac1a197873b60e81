# Makes the environment of Pocketlaw and enters it. To be sourced, in bash or zsh, from any folder:
#
#     source setup.sh
#
# POCKET_PYTHON       the Python (>= 3.11) that .venv is built with; default: the first suitable one on PATH
# POCKET_ENVIRONMENT  "system" to run with the packages of the Python on PATH, of an LCG view or a container, without .venv;
#                     the image of the Containerfile sets it
# POCKET_DEV          "yes" to add, in a checkout, what Pocketlaw is developed with; .venv has it from then on
# POCKET_INSTALL      "never" to end with an error instead of installing anything, as jobs do
# POCKET_STORE        the folder that all outputs go to; default: store/ beside this file
#
# The sourced part only runs this file again in a bash process of its own, which installs what is missing and prints
# the variables to set. So none of that work's options, functions or folders reach the caller, and a failure changes
# nothing there. The caller gets the variables, a command law that knows the names of tasks, and completion if it is
# interactive.

if [ -z "${POCKETLAW_SETUP_PROCESS:-}" ]; then
    if ! (return 0 2>/dev/null); then
        echo "setup.sh: source this file instead of running it: source setup.sh" >&2
        exit 1
    fi
    _pocketlaw_setup() {
        unset -f _pocketlaw_setup
        local this_file environment nounset=""
        if [ -n "${ZSH_VERSION:-}" ]; then
            eval 'this_file="${(%):-%x}"' # in eval because bash can't parse it
        else
            this_file="${BASH_SOURCE[0]}"
        fi
        environment="$(POCKETLAW_SETUP_PROCESS=1 command bash "$this_file" </dev/null)" || return 1
        eval "$environment"

        case "$-" in *i*) ;; *) return 0 ;; esac
        case "$-" in *u*) nounset=yes && set +u ;; esac # law's completion reads variables that are unset
        # shellcheck disable=SC1090
        [ -z "${VIRTUAL_ENV:-}" ] || source "$VIRTUAL_ENV"/lib/python*/site-packages/law/cli/completion.sh "" >/dev/null 2>&1 || true
        # shellcheck disable=SC1091
        [ ! -f "$POCKET_ENGINE/tasks/command/completion.sh" ] || source "$POCKET_ENGINE/tasks/command/completion.sh"
        [ -z "$nounset" ] || set -u
    }
    _pocketlaw_setup
    return
fi

unset POCKETLAW_SETUP_PROCESS CDPATH
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")"
root=$PWD
stamp=.venv/.pocketlaw # written last, so that an interrupted installation doesn't count
before=.law/venv.before
log=.law/setup.log
did=""
locked=""
fetched="" # uv, where it wasn't there

say() { printf 'setup.sh: %s\n' "$1" >&2; }
fail() { say "$1"; exit 1; }
last_line() { sed -n '$ s/^ *//p' "$log"; }

# What .venv is a complete installation of: the locked packages, for this Python, at this place (a venv can't be moved).
identity() {
    "$1" -I -S -c '
import hashlib, pathlib, sys
*files, venv = map(pathlib.Path, sys.argv[1:])
content = b"".join(file.read_bytes() for file in files if file.exists())
print(files[0], hashlib.sha256(content).hexdigest(), "python%d.%d" % sys.version_info[:2], venv.resolve())
' "$locked_packages" requirements.txt .venv
}

venv_is_current() {
    [ -x .venv/bin/python ] && [ -f "$stamp" ] &&
        [ "$(cat "$stamp")" = "$(identity "${POCKET_PYTHON:-.venv/bin/python}" 2>/dev/null)" ]
}

index_is_current() {
    local folder watched=(law.cfg)
    # A package that was installed by hand may be a plugin.
    for folder in .venv/lib/python*/site-packages/*.dist-info; do
        [ ! "$folder" -nt .law/index ] || return 1
    done
    [ ! -d tasks ] || watched+=(tasks)
    [ "$engine" = "$root" ] || [ ! -f "$stamp" ] || watched+=("$stamp")
    [ -f .law/index ] && [ -z "$(find "${watched[@]}" -name __pycache__ -prune -o -newer .law/index -print)" ] &&
        [ -z "$(newer_modules)" ]
}

# Prints the files that are newer than the index, of modules that law.cfg names beside those in tasks.
newer_modules() {
    local name folder folders file
    IFS=: read -r -a folders <<<"$PYTHONPATH"
    sed -n '/^\[modules\]/,/^\[[^m]/ s/^\([A-Za-z_][A-Za-z0-9_.]*\).*/\1/p' law.cfg | tr . / | while read -r name; do
        for folder in "${folders[@]}"; do
            for file in "$folder/$name.py" "$folder/$name/__init__.py"; do
                if [ "$file" -nt .law/index ]; then echo "$file"; fi
            done
        done
    done
}

# Prints the path of the Python to use. It is resolved, lest it be the one of a .venv that is about to be replaced.
find_python() {
    local candidate path candidates=(python3 python3.14 python3.13 python3.12 python3.11)
    [ -z "${POCKET_PYTHON:-}" ] || candidates=("$POCKET_PYTHON")
    for candidate in "${candidates[@]}"; do
        path=$("$candidate" -I -S -c '
import os, sys
print(os.path.realpath(sys.executable) if sys.version_info >= (3, 11) else "")
' 2>/dev/null) || continue
        [ -z "$path" ] || { echo "$path" && return; }
    done
    fail "Pocketlaw needs Python 3.11 or newer, but none of ${candidates[*]} is: install one or name it in POCKET_PYTHON"
}

# Waits for any other shell that is at this point in the same checkout; the lock ends with this process, however it ends.
lock() {
    [ -z "$locked" ] || return 0
    if ! mkdir -p .law 2>/dev/null || [ ! -w . ] || [ ! -w .law ]; then
        fail "$root is read-only and its environment isn't complete: source setup.sh once where it can be written"
    fi
    exec 9>>.law/setup.lock
    "$1" -I -S -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null || {
        say "another shell is setting up $root, waiting for it"
        "$1" -I -S -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    }
    locked=yes
}

restore_venv() {
    rm -rf .venv
    [ ! -e "$before" ] || mv "$before" .venv
}

# Installs the uv of the lock into a folder of its own. It makes .venv in seconds, for which pip takes minutes. Its cache is
# there, too, since it would fill the home folder, which often has a quota.
fetch_uv() {
    rm -rf .law/uv
    mkdir -p .law/uv
    sed -n '/^uv[= ]/,/^[^ ]/ { /^uv[= ]/p; /^ /p; }' requirements.lock >.law/uv/requirements
    [ -s .law/uv/requirements ] || return 1
    local with=(-I -m pip install --no-compile --require-hashes -r .law/uv/requirements) place=.law/uv/own
    # The Python's own pip takes half of the time of one that is installed for this first, but not all have one.
    "$1" "${with[@]}" --target $place || {
        place=.law/uv/venv
        "$1" -I -m venv $place && $place/bin/python "${with[@]}" || return 1
    }
    fetched=$root/$place/bin/uv
    "$fetched" --version || return 1
    # pip trusts the system's certificates, too: an index may be behind a proxy that has its own.
    uv() { UV_SYSTEM_CERTS=true UV_CACHE_DIR=$root/.law/uv/cache "$fetched" "$@"; }
}

install_with_uv() {
    UV_PYTHON_DOWNLOADS=never uv venv --python "$1" .venv &&
        uv pip sync --python .venv/bin/python --require-hashes "$locked_packages" &&
        { [ ! -f requirements.txt ] || uv pip install --python .venv/bin/python \
            --refresh-package pocketlaw -r requirements.txt; }
}

install_with_pip() {
    "$1" -I -m venv .venv && .venv/bin/python -I -m pip install --no-compile --require-hashes -r "$locked_packages" &&
        { [ ! -f requirements.txt ] || .venv/bin/python -I -m pip install --no-compile -r requirements.txt; } &&
        repair_scripts
}

# Bytecode is made here, once: jobs on other machines, and whoever may not write here, would compile at every start. Tests of
# packages, tools of developers, and parts such as code for GPUs are a third of all, and are compiled when they are used.
compile_bytecode() {
    local later='tests?|mypy|mypyc|hypothesis|_pytest|onnx|setuptools|pip|docutils|material|pymdownx|babel'
    later="/($later|cuda|lexers|transformers|quantization)/"
    .venv/bin/python -I -m compileall -q -j 0 -x "$later" .venv/lib >/dev/null 2>&1 || true
}

# The kernel takes no interpreter whose path has a space or is long. pip heeds that in the scripts that it makes itself, but
# not in those that come with a package, such as law's.
repair_scripts() {
    .venv/bin/python -I -S - "$root/.venv/bin/python" <<'PYTHON'
import pathlib, sys
python = sys.argv[1]
for path in pathlib.Path(".venv/bin").iterdir():
    if path.is_symlink() or not path.is_file() or (" " not in python and len(python) < 120):
        continue
    first, _, rest = path.read_bytes().partition(b"\n")
    if first.startswith(f"#!{python}".encode()):
        path.write_bytes(f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n".encode() + rest)
PYTHON
}

# Ends with what is missing: a job that installs something would change the environment of all others.
refuse_to_install() {
    local python=.venv/bin/python
    if [ -L "$python" ] && ! "$python" -I -S -c "" 2>/dev/null; then
        echo "error: $(hostname) can't run the Python of $root/.venv, $(readlink -m "$python"): choose nodes or a container" \
            "that have it, or set up with one that they see (POCKET_PYTHON=/cvmfs/… source setup.sh)" >&2
    else
        echo "error: the environment of $root isn't complete, seen from $(hostname): source setup.sh where you submit" >&2
    fi
    exit 1
}

install() {
    local python=$1 installers=uv installer
    if ! uv --version >/dev/null 2>&1; then
        "$python" -I -c 'import ensurepip' 2>/dev/null ||
            fail "$python can't make virtual environments: install python3-venv (Debian, Ubuntu) or uv"
        # A uv that reads other settings than pip may not reach the index that pip does.
        if fetch_uv "$python" >"$log" 2>&1; then installers="uv pip"; else installers=pip; fi
    fi
    [ ! -e "$before" ] || restore_venv # left by an installation that was killed
    trap restore_venv EXIT
    [ ! -e .venv ] || mv .venv "$before"
    for installer in $installers; do
        say "installing the packages of $required into .venv with $installer"
        rm -rf .venv
        "install_with_$installer" "$python" >"$log" 2>&1 && break
        [ "$installer" != "${installers##* }" ] ||
            fail "$installer could not install $required, is there a network? Last of $root/$log: $(last_line)"
        say "$installer could not install them, trying pip: $(last_line)"
    done
    compile_bytecode
    identity .venv/bin/python >"$stamp"
    trap - EXIT
    rm -rf "$before" .law/uv
    did="made .venv with $installer in $SECONDS s"
}

index_tasks() {
    law index -q >"$log" 2>&1 || {
        rm -f .law/index
        fail "the tasks can't be indexed. Last of $root/$log: $(last_line)"
    }
    did="${did:+$did, }indexed the tasks"
}

# The list without the entry, and the entry before it.
prepend() {
    local rest=":$2:"
    rest=${rest//":$1:"/:}
    rest=${rest#:}
    rest=${rest%:}
    printf '%s' "$1${rest:+:$rest}"
}

# Prints a search path for modules without the folders whose packages would replace those of an environment, and says which.
without_replacements() {
    "$1/bin/python" -I -S -c '
import os, sys
library = os.path.join(sys.argv[1], "lib")
root, *paths = sys.argv[2].split(os.pathsep)
installed = next(os.path.join(library, name, "site-packages") for name in os.listdir(library) if name.startswith("python"))

def modules(folder):
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return set()
    # a folder without code of its own replaces no package
    found = [entry for entry in entries if entry.name.endswith((".py", ".so"))
             or os.path.isfile(os.path.join(entry.path, "__init__.py"))]
    return {entry.name.partition(".")[0] for entry in found}

kept, own = [root], modules(installed) - {"", "__pycache__", "bin", "tests"}
for path in filter(None, paths):
    replaced = sorted(modules(path) & own)
    if replaced:
        more = f" and {len(replaced) - 3} more" if len(replaced) > 3 else ""
        listed = ", ".join(replaced[:3])
        print(f"setup.sh: left {path} out of PYTHONPATH: its {listed}{more} would be taken for those "
              "of requirements.lock (POCKET_ENVIRONMENT=system runs with them on purpose)", file=sys.stderr)
    else:
        kept.append(path)
print(os.pathsep.join(kept))
' "$1" "$2"
}

# Ends unless the Python on PATH has what is needed, for who runs with the packages of a view or a container on purpose.
check_system() {
    local python=$1 missing
    missing=$("$python" -c '
import importlib.util, sys
if sys.version_info < (3, 11):
    sys.exit(1)
names = "law luigi coffea awkward uproot hist correctionlib numba h5py omegaconf yaml matplotlib mplhep scipy iminuit"
print(" ".join(name for name in names.split() if importlib.util.find_spec(name) is None))
') || fail "POCKET_ENVIRONMENT=system: $python isn't a Python of version 3.11 or newer"
    [ -z "$missing" ] || fail "POCKET_ENVIRONMENT=system: $python lacks ${missing// /, }: install them there, or leave \
POCKET_ENVIRONMENT unset, which makes .venv"
    [ -n "$(type -P law)" ] || fail "POCKET_ENVIRONMENT=system: the command law isn't on PATH"
}

# Prints the folder with Pocketlaw's packages. An analysis' repository names them in requirements.txt, a checkout has them.
find_engine() {
    local name taken engine
    if [ ! -f requirements.txt ]; then
        echo "$root"
        return
    fi
    for name in pocket tasks; do
        for taken in "$name" "$name.py"; do
            [ ! -e "$taken" ] || fail "$root/$taken would be taken for Pocketlaw's package $name: give it another name"
        done
    done
    engine=$("$1" -P -c '
import importlib.util, os
spec = importlib.util.find_spec("pocket")
print(os.path.dirname(next(iter(spec.submodule_search_locations))) if spec else "")
')
    [ -n "$engine" ] || fail "$1 has no Pocketlaw: install it there, or name it in $root/requirements.txt"
    echo "$engine"
}

# An installed Pocketlaw has the command; a checkout's .venv has the packages of the lock alone.
add_command() {
    local command=.venv/bin/pocketlaw
    [ ! -e "$command" ] && [ -w .venv/bin ] || return 0
    cat >"$command.$$" <<'COMMAND'
#!/bin/sh
# Runs in any shell, also in one that hasn't sourced setup.sh.
bin=$(cd -P -- "$(dirname -- "$0")" && pwd)
PYTHONPATH=${bin%/*/*}${PYTHONPATH:+:$PYTHONPATH} exec "$bin/python" -P -m tasks.command "$@"
COMMAND
    chmod 755 "$command.$$"
    mv -f "$command.$$" "$command"
}

# Prints the environment of a Python if it was made from a lock that is beside it, as in the image of the Containerfile.
environment_with_lock() {
    "$1" -c '
import pathlib, sys
lock = pathlib.Path(sys.prefix, "requirements.lock")
if lock.is_file():
    print(sys.prefix)
    if lock.read_bytes() != pathlib.Path("requirements.lock").read_bytes():
        print(f"setup.sh: {sys.prefix} has the packages of another requirements.lock than this checkout: build the image "
              "anew, or use the one of this requirements.lock", file=sys.stderr)
'
}

locked_packages=requirements.lock
# An environment with the packages of developers keeps them when it is made again. An analysis' repository has none.
if [ -f requirements-dev.lock ] &&
    { [ -n "${POCKET_DEV:-}" ] || grep -q "^requirements-dev.lock " "$stamp" 2>/dev/null; }; then
    locked_packages=requirements-dev.lock
fi
required=$locked_packages
[ ! -f requirements.txt ] || required="$locked_packages and requirements.txt"
packages=.venv
if [ "${POCKET_ENVIRONMENT:-}" = system ]; then
    # not resolved: that of a view or a virtual environment finds its packages by its own path
    python=${POCKET_PYTHON:-$(type -P python3 || true)}
    check_system "${python:-python3}"
    packages=$(environment_with_lock "$python")
elif [ -n "${POCKET_ENVIRONMENT:-}" ]; then
    fail "POCKET_ENVIRONMENT is $POCKET_ENVIRONMENT, expected system or nothing"
elif ! venv_is_current; then
    [ "${POCKET_INSTALL:-}" != never ] || refuse_to_install
    python=$(find_python)
    lock "$python"
    venv_is_current || install "$python"
fi

# A store that another checkout's setup.sh chose isn't the user's choice.
[ -z "${POCKET_ROOT:-}" ] || [ "${POCKET_STORE:-}" != "$POCKET_ROOT/store" ] || POCKET_STORE=
export POCKET_STORE=${POCKET_STORE:-$root/store}
export POCKET_ROOT=$root
export LAW_HOME=$root/.law
export LAW_CONFIG_FILE=$root/law.cfg
export PATH PYTHONPATH
PYTHONPATH=$(prepend "$root" "${PYTHONPATH:-}")
names="POCKET_ROOT POCKET_ENGINE POCKET_STORE LAW_HOME LAW_CONFIG_FILE PATH PYTHONPATH"
if [ "${POCKET_ENVIRONMENT:-}" != system ]; then
    python=.venv/bin/python
    export VIRTUAL_ENV=$root/.venv
    PATH=$(prepend "$root/.venv/bin" "$PATH")
    unset PYTHONHOME
    names="$names VIRTUAL_ENV"
fi
if [ -n "$packages" ] && [ "$PYTHONPATH" != "$root" ]; then
    PYTHONPATH=$(without_replacements "$packages" "$PYTHONPATH")
fi
engine=$(find_engine "$python")
export POCKET_ENGINE=$engine

[ -f requirements.txt ] || [ "${POCKET_ENVIRONMENT:-}" = system ] || add_command
if ! index_is_current; then
    lock "$python"
    index_is_current || index_tasks
fi

PATH=$(prepend "$engine/tasks/command/bin" "$PATH")
for name in $names; do
    printf 'export %s=%q\n' "$name" "${!name}"
done
[ "${POCKET_ENVIRONMENT:-}" = system ] || echo 'unset PYTHONHOME'
printf 'echo %q\n' "Pocketlaw: ${did:-nothing to do}; outputs go to $POCKET_STORE"

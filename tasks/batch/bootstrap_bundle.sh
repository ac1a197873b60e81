# Sourced by a job before its task runs: unpacks the bundle of code and packages that came with the job, and enters it.

# nodes that know no Singularity ignore the image
if [ -n {{container}} ] && [ -z "${APPTAINER_CONTAINER:-}${SINGULARITY_CONTAINER:-}" ]; then
    echo "error: $(hostname) didn't start the job in the container" {{container}}": choose nodes that have Apptainer" \
        "(requirements = TARGET.HasSingularity in the site's section of law.cfg)" >&2
    return 1
fi

# what the site's section of law.cfg has for jobs, such as the set-up of a view
eval {{site_setup}} || { echo "error: the set-up commands of the site failed on $(hostname)" >&2; return 1; }

export POCKET_STORE={{pocket_store}}
export POCKET_REMOTE_STORE={{pocket_remote_store}}
# the code is the one that was submitted: that is checked, and no snapshot is taken of it
export POCKET_EXPECTED={{expected}}
export POCKET_RECORDS={{records}}
export POCKET_HOST_KIND={{host_kind}}
export POCKET_SNAPSHOT=0
# outputs are filled on the local disk, and copied to the store once; the set-up commands may name another folder, or none
export POCKET_SCRATCH=${POCKET_SCRATCH-$LAW_JOB_TMP}
if [ -n {{own_store}} ]; then
    # the job doesn't see that store: it has one of its own, in which is what it reads of the remote store
    export POCKET_SUBMITTED_STORE=$POCKET_STORE
    export POCKET_STORE=$PWD/store
    mkdir -p "$POCKET_STORE"
fi

_pocketlaw_bundle() {
    local root=$PWD/bundle archive expected found python="" candidate
    for archive in "{{code_archive}} {{code_sha256}}" "{{packages_archive}} {{packages_sha256}}"; do
        expected=${archive##* }
        archive=${archive% *}
        found=$(sha256sum <"$archive" | cut -d " " -f 1)
        if [ "$found" != "$expected" ]; then
            echo "SHA-256 of $archive: $found, expected $expected"
            # without what differs from job to job: the same error again is final
            echo "error: the bundle of ${archive%%-*} that came with the job isn't the one that was sent: its checksum differs" >&2
            return 1
        fi
    done

    # packages are compiled for one version of Python, and for one kind of machine
    for candidate in {{python}} python{{python_version}} python3; do
        if [ "$("$candidate" -I -S -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))' 2>/dev/null)" = \
            {{python_suffix}} ]; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "error: the bundle needs a Python" {{python_version}} "("{{python_suffix}}") and $(hostname) has none, neither" \
            {{python}} "nor on PATH: choose a container or nodes that have it, or set up with another POCKET_PYTHON" >&2
        return 1
    fi

    mkdir -p "$root" &&
        "$python" -I -m venv --without-pip "$root/.venv" &&
        tar -xzf "{{code_archive}}" -C "$root" &&
        tar -xzf "{{packages_archive}}" -C "$root" &&
        printf '#!/bin/sh\nexec "%s/.venv/bin/python" -P "%s"/.venv/lib/python*/site-packages/law/cli/law "$@"\n' \
            "$root" "$root" >"$root/.venv/bin/law" &&
        chmod +x "$root/.venv/bin/law" || {
        echo "error: the bundle can't be unpacked in $root of $(hostname), which has" \
            "$(df -hP . | awk 'END {print $4}') left" >&2
        return 1
    }

    export POCKET_ROOT=$root/checkout
    # a checkout has the tasks, the repository of an analysis has them among the packages
    export POCKET_ENGINE=$POCKET_ROOT
    [ -d "$POCKET_ROOT/tasks" ] || POCKET_ENGINE=$(echo "$root"/.venv/lib/python*/site-packages)
    export LAW_HOME=$root/.law
    export LAW_CONFIG_FILE=$POCKET_ROOT/law.cfg
    export VIRTUAL_ENV=$root/.venv
    export PATH=$VIRTUAL_ENV/bin:$PATH
    export PYTHONPATH=$POCKET_ROOT:$root/outside
    unset PYTHONHOME
    mkdir -p "$LAW_HOME"
}
_pocketlaw_bundle && source "$POCKET_ENGINE/tasks/batch/one_start.sh"

# Sourced by a job before its task runs: the environment and the store of who submitted it.

export POCKET_STORE={{pocket_store}}
export POCKET_REMOTE_STORE={{pocket_remote_store}}
# the code is the one that was submitted: that is checked, and no snapshot is taken of it
export POCKET_EXPECTED={{expected}}
export POCKET_RECORDS={{records}}
export POCKET_HOST_KIND={{host_kind}}
export POCKET_SNAPSHOT=0
# the environment is the one that was there at the submission
export POCKET_INSTALL=never
unset POCKET_PYTHON
source {{pocket_root}}/setup.sh && source "$POCKET_ROOT/tasks/batch/one_start.sh" || return 1

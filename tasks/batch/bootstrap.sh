# Sourced by a job before its task runs: the environment and the store of who submitted it.

export POCKET_STORE="{{pocket_store}}"
export POCKET_REMOTE_STORE="{{pocket_remote_store}}"
source "{{pocket_root}}/setup.sh" && source "$POCKET_ROOT/tasks/batch/one_start.sh" || return 1

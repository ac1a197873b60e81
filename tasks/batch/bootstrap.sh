# Sourced by a job before its task runs: the environment and the store of who submitted it.

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
# the environment is the one that was there at the submission
export POCKET_INSTALL=never
# an image, or the set-up of the site, may say that its packages are to be used
export POCKET_ENVIRONMENT=${POCKET_ENVIRONMENT:-{{pocket_environment}}}
unset POCKET_PYTHON
[ -z {{proxy}} ] || export X509_USER_PROXY={{proxy}}
source {{pocket_root}}/setup.sh && source "$POCKET_ENGINE/tasks/batch/one_start.sh" || return 1
# settings of law that aren't those of the checkout
[ -z {{law_config}} ] || export LAW_CONFIG_FILE={{law_config}}

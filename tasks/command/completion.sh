# Completion of names of an analysis, besides what law completes, for bash and zsh. setup.sh sources it in interactive shells.
#
# The names are in files that commands write, see tasks/core/completion.py, so nothing is imported here.

_pocketlaw_complete() {
    if [ -n "${ZSH_VERSION:-}" ]; then
        emulate -L bash
    fi
    local word="${COMP_WORDS[COMP_CWORD]}" option="" analysis="" index i line names name begin
    [ "$COMP_CWORD" -lt 1 ] || option="${COMP_WORDS[COMP_CWORD - 1]}"
    # bash takes --option=value for three words.
    if [ "$word" = "=" ]; then
        word=""
    elif [ "$option" = "=" ] && [ "$COMP_CWORD" -ge 2 ]; then
        option="${COMP_WORDS[COMP_CWORD - 2]}"
    elif [ "${word#--*=}" != "$word" ]; then
        # zsh doesn't, so that the option stays part of each word.
        option="${word%%=*}"
    fi
    case "$option" in
        --analysis | --config | --compare | --scale-factor | --model | --variables | --variable | --categories | \
            --filter-samples | --filter-datasets | --executor | --resources) ;;
        *)
            type _law_complete >/dev/null 2>&1 || return
            # law splits the path of its index at spaces, so it reads the file by a descriptor.
            index="${LAW_INDEX_FILE:-${LAW_HOME:-$HOME/.law}/index}"
            if [ -f "$index" ]; then LAW_INDEX_FILE=/dev/fd/9 _law_complete 9<"$index"; else _law_complete; fi
            return
            ;;
    esac
    COMPREPLY=()
    names=""
    if [ "$option" = --analysis ]; then
        for line in "${LAW_HOME:-$HOME/.law}"/names/*; do
            line="${line##*/}"
            [ "$line" = "*" ] || names="$names ${line//\%//}"
        done
    else
        analysis="$(_pocketlaw_default_analysis)"
        for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
            case "${COMP_WORDS[i]}" in
                --analysis)
                    analysis="${COMP_WORDS[i + 1]}"
                    [ "$analysis" != "=" ] || analysis="${COMP_WORDS[i + 2]}"
                    ;;
                --analysis=*) analysis="${COMP_WORDS[i]#*=}" ;;
            esac
        done
        analysis="${LAW_HOME:-$HOME/.law}/names/${analysis//\//%}"
        [ -f "$analysis" ] || return 0
        while read -r line; do
            [ "${line%% *}" != "$option" ] || names="${line#* }"
        done <"$analysis"
        [ "$names" != "$option" ] || names=""
    fi
    # In a list, the last name is completed.
    begin=""
    case "$word" in
        --*=*) begin="${word%%=*}=" && word="${word#*=}" ;;
    esac
    case "$word" in
        *,*) begin="$begin${word%,*}," && word="${word##*,}" ;;
    esac
    # compgen of zsh doesn't choose.
    for name in $names; do
        case "$name" in
            "$word"*) COMPREPLY+=("$begin$name") ;;
        esac
    done
}

# Prints the default analysis of law.cfg.
_pocketlaw_default_analysis() {
    local key value
    while IFS="=: " read -r key value; do
        [ "$key" != default_analysis ] || { printf '%s' "$value" && return; }
    done <"${LAW_CONFIG_FILE:-/dev/null}"
}

if [ -n "${ZSH_VERSION:-}" ] && ! type complete >/dev/null 2>&1; then
    autoload -Uz +X compinit && compinit
    autoload -Uz +X bashcompinit && bashcompinit
fi
complete -o bashdefault -o default -F _pocketlaw_complete law
complete -W "new update doctor --version --help" pocketlaw

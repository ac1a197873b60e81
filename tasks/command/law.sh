# The command law in shells and scripts that source setup.sh, for bash and zsh.

# A mistyped task, and none, would be answered by law, which doesn't know the nearest name, and lists no tasks.
law() {
    if [ "${1:-}" = run ] && [ -f "${LAW_HOME:-}/index" ]; then
        case "${2:-}" in
            "" | -h | --help)
                command "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}python3" -P -m tasks.command tasks
                return
                ;;
            -* | *.* | *[!A-Za-z0-9_]*) ;;
            *)
                if ! command grep -q "^[^:]*:$2:" "$LAW_HOME/index"; then
                    command "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}python3" -P -m tasks.command unknown-task "$2"
                    return
                fi
                ;;
        esac
    fi
    command law "$@"
}

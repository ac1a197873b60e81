# Sourced by a job when its environment is there. Before a branch runs, law's script prints what the branch depends on, for
# which law starts once more: a second and a half of each branch, for what running it looks at anyway.

law() {
    case " $* " in
        *" --print-deps=2 "*) echo "left out: law would start twice" ;;
        *) command law "$@" ;;
    esac
}

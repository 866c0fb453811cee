# bash completion for git-deploy, for git's own completion to load.
# Written by `make docs` from the commands themselves.

# What can be reverted to and begins with what is typed, newest first: releases that were live, or
# rollout tags where there are none.
__git_deploy_tags ()
{
    local prefix pattern="$cur*" order=-refname
    __git deploy show --names --count 500 2>/dev/null | command grep -F -- "$cur" && return
    if [ -z "$cur" ]; then
        prefix="$(__git config deploy.tag-prefix)"
        pattern="${prefix:+$prefix-}*"
        [ -n "$prefix" ] || order=-creatordate
    fi
    __git for-each-ref --sort="$order" --count=500 --format='%(refname:strip=2)' \
        "refs/tags/$pattern" | command grep -v '_reverted$'
}

_git_deploy ()
{
    local actions="@ACTIONS@"
    local other_names="@OTHER_NAMES@"
    local options="@OPTIONS@"
    local questions="@QUESTIONS@"
    local with_value="@WITH_VALUE@"
    local i action=""

    for ((i = ${__git_cmd_idx:-0} + 1; i < cword; i++)); do
        case " $with_value " in *" ${words[i]} "*) ((i++)); continue ;; esac
        case " $actions $other_names " in *" ${words[i]} "*) action="${words[i]}"; break ;; esac
    done

    case "$action" in
        log) _git_log; return ;;
        diff) _git_diff; return ;;
    esac
    case "$prev" in
        --remote-site) __gitcomp_nl "$(__git_remotes)"; return ;;
        --remote-branch) __gitcomp_nl "$(__git_heads)"; return ;;
    esac
    case " $with_value " in *" $prev "*) return ;; esac
    if [[ "$cur" == -* ]]; then
        case "$action" in
            "") options="$options $questions --version --help" ;;
@OWN_OPTIONS@
        esac
        __gitcomp "$options"
        return
    fi
    case "$action" in
        "") __gitcomp "$actions" ;;
        help) __gitcomp "$actions @TOPICS@" ;;
        revert)
            compopt -o nosort 2>/dev/null
            __gitcomp_nl "$(__git_deploy_tags)" ;;
        shared) __gitcomp "status adopt $(__git config --get-all deploy.shared)" ;;
        service)
            case " ${words[*]} " in
                *" restart "* | *" reload "* | *" status "*) __gitcomp_nl "$(__git config --get-all deploy.target | command sed 's/=.*//')" ;;
                *) __gitcomp "restart reload status" ;;
            esac ;;
        converge | away | back) __gitcomp_nl "$(__git config --get-all deploy.target | command sed 's/=.*//')" ;;
        # A prefix, and no file: git's own completion would offer those.
        *) compopt +o default +o bashdefault 2>/dev/null; COMPREPLY=() ;;
    esac
}

# For the executable by its own name, once git's completion is there.
if type __git_complete >/dev/null 2>&1; then
    __git_complete git-deploy _git_deploy
fi

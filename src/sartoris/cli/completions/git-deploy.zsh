#compdef git-deploy
#description deploy what is checked out to a fleet of servers
# Written by `make docs` from the commands themselves.

# What can be reverted to, newest first: releases that were live, or rollout tags where there are
# none.
__git-deploy_tags () {
  local prefix order=-refname
  local -a tags
  tags=(${(f)"$(git deploy show --names --count 500 2>/dev/null)"})
  (( $#tags )) && compadd -V rollout-tags -a tags && return
  prefix=$(git config deploy.tag-prefix 2>/dev/null)
  [[ -n $prefix ]] || order=-creatordate
  tags=(${(f)"$(git for-each-ref --sort=$order --count=500 --format='%(refname:strip=2)' \
    "refs/tags/${prefix:+$prefix-}*" 2>/dev/null)"})
  tags=(${tags:#*_reverted})
  compadd -V rollout-tags -a tags
}

_git-deploy () {
  local -a actions other_names options questions with_value targets
  local action= i
  actions=(
@ACTIONS@
  )
  other_names=(@OTHER_NAMES@)
  options=(@OPTIONS@)
  questions=(@QUESTIONS@)
  with_value=(@WITH_VALUE@)

  for (( i = 2; i < CURRENT; i++ )); do
    if (( $with_value[(Ie)$words[i]] )); then
      (( i++ ))
    elif (( $actions[(I)$words[i]:*] || $other_names[(Ie)$words[i]] )); then
      action=$words[i]
      break
    fi
  done

  case $words[CURRENT-1] in
    --remote-site) compadd -- ${(f)"$(git remote 2>/dev/null)"}; return ;;
    --remote-branch)
      compadd -- ${(f)"$(git for-each-ref --format='%(refname:strip=2)' refs/heads 2>/dev/null)"}
      return ;;
  esac
  (( $with_value[(Ie)$words[CURRENT-1]] )) && return
  if [[ $words[CURRENT] == -* ]]; then
    case $action in
      '') options+=($questions --version --help) ;;
@OWN_OPTIONS@
    esac
    compadd -a -- options
    return
  fi
  case $action in
    '') _describe action actions ;;
    help) compadd -- @TOPICS@; _describe action actions ;;
    revert) __git-deploy_tags ;;
    shared) compadd -- status adopt ${(f)"$(git config --get-all deploy.shared 2>/dev/null)"} ;;
    service)
      if (( $words[(I)(restart|reload|status)] )); then
        targets=(${${(f)"$(git config --get-all deploy.target 2>/dev/null)"}%%=*})
        compadd -a targets
      else
        compadd -- restart reload status
      fi ;;
    converge|away|back)
      targets=(${${(f)"$(git config --get-all deploy.target 2>/dev/null)"}%%=*})
      compadd -a targets ;;
  esac
}

_git-deploy "$@"

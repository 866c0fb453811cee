"""What is different from git-deploy on purpose: each is a line of docs/git-deploy.md."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """The difference in the words of the page for users of git-deploy."""

    UNDONE = "A `start` that fails undoes itself: no lock, no tag, the old commit."
    REFUSED_FIRST = "A `start` that is refused runs no hooks."
    REVERT_FIRST = "`revert` checks what was chosen before it locks, tags or runs hooks."
    OUT_OF_RANGE = "A `revert` to what is not in the list exits with 1."
    CHANGES_KEPT = "`abort` does not mind uncommitted changes: it keeps them, and tells where."
    FINISH_LOOKS_AWAY = "`finish` does not mind uncommitted changes."
    FINISH_HEARD = "`log` hooks hear of a `finish` only when there was one."
    DETACHED = "A detached head is refused, by `start` and by `sync`, whatever git calls it."
    TAKEN_OVER = "A rollout that was taken over with `--force` is yours from then on."
    BLOCKED_SYNC = "A block stops a `sync` as well."
    UMASK = "Questions are answered whatever the umask; only deploying needs the right one."
    SYNC_UNDONE = "A `sync` that cannot push its tag takes the tag back, and may be repeated."
    PUSH_HOTFIX = "`push-hotfix` is a command."
    CHECK = "`check` and `none` are commands that work."
    MAKE_TAG = "`--make-tag` makes a tag, as the manual says."
    SHOW_TAG = "`--show-tag` prints the tag of what is checked out, as the manual says."
    SAME_PREFIX = "After `==` there are tags of the same prefix only."
    BRANCHES = "`--include-branches` lists branches."
    ABSOLUTE = "`--show-hook-dir` prints an absolute path."
    SPACES = "`modified` prints names of files whole, spaces too."
    ONWARDS = "`log` and `diff` after the `sync` show what was shipped, not its opposite."
    OTHER_REPOSITORY = "In a repository that shares its lock, `status` exits with 3, blocked."
    SECONDS = "A date in tags that does not tell seconds apart is refused."
    OWN_START_TAG = "A start tag is of the rollout's own prefix, and made here."
    POST_SYNC = "A `sync` whose `post-sync` hook fails exits with 72: the release is live."
    NO_WAY_BACK = "A hook of `post-abort` or `post-finish` that fails stops nothing."
    MANUAL_ABORT = "An `abort` of a `manual-sync` does not run the sync hook."

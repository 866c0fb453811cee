"""The parts of the manual pages that are not about one command.

Paragraphs are separated by empty lines. One that is indented is shown as it is; one that begins
with `= TERM` is an entry of a list. What stands between backticks is shown in bold.
"""

from __future__ import annotations

from typing import NamedTuple

from sartoris.cli.exit_codes import exit_codes


class Section(NamedTuple):
    heading: str
    text: str


DESCRIPTION = """
`git deploy` brings what is checked out in a working repository to a fleet of servers, and keeps
two people from doing so at once.

A deployer stands in the working repository on the deployment server and starts a rollout, which
takes a lock. Then anything may be done with git: commit, merge, push, look at it, test it. A sync
gives what is checked out an annotated tag and brings it to every target in two stages. First all
of them fetch the release and stage it, complete, beside what is live. If too many fail, the sync
stops, and nothing live has changed. Then all switch, each by one atomic rename. A complete sync
finishes the rollout; until then it can be repeated (`resync`) or given up (`abort`).

    git deploy start
    git commit -a -m 'Fix the login'
    git push
    git deploy sync

A `PREFIX` stands in front of the tags and chooses the slot on the targets, and the hooks. It may be
typed after the action; otherwise it is `deploy.tag-prefix`, or that of the rollout in progress.

Where no targets are configured, and the site has no sync hook, a sync tags, pushes, and leaves the
synchronisation to you; when it is done, type `git deploy finish`.
"""

GIT_DEPLOY = (
    Section(
        "EXIT STATUS",
        "\n\n".join(f"= `{one.code}`\n{one.sentence}" for one in exit_codes())
        + """

Some commands answer a question with their exit status. If they fail instead, it is one of those
above, and there is no answer on standard output.

`git deploy status`: `0` no rollout is in progress, `1` one has started, `2` it is tagged and not
finished, `3` deploys are blocked.

`git deploy service status`: `0` the service is active on all targets, `1` it is not.

`git deploy doctor`: `0` nothing is wrong, `1` something is.
""",
    ),
    Section(
        "CONFIGURATION",
        """
The section `deploy` of git's configuration, and of the file that `deploy.config-file` names.
`[deploy "repository NAME"]` overrides `[deploy]`. These are what most sites set;
`git deploy help configuration` has them all, with their defaults.

= `deploy.tag-prefix`
The prefix, for example slot0.

= `deploy.target` (many)
`NAME=ROOT`: a target, and the directory that stands for its `/`.

= `deploy.path`
Where the release lives on a target. `{prefix}` and `{repo}` are filled in.

= `deploy.max-failed`
How many targets may fail before a sync stops, `N` or `N%`. None, unless it is set.

= `deploy.canary` (many), `deploy.batch`
Which targets switch first, and how many at once after them.

= `deploy.hook-dir`
Where the site's hooks are.

= `deploy.block-file`
While this file exists, nobody can start or sync.

= `deploy.announce-mail`, `deploy.send-mail-on-ACTION`
Who gets a mail, and at which actions.
""",
    ),
    Section(
        "HOOKS",
        """
Executables in `HOOK-DIR/apps/common/PHASE.*` and then `HOOK-DIR/apps/PREFIX/PHASE.*` run at each
phase of a rollout: `pre-start`, `pre-pull`, `post-pull`, `post-tree-update`, `post-start`,
`pre-sync`, `post-tag`, `post-sync`, `post-finish`, `post-abort`, `post-reset` and `log`. One that
fails stops the rollout, except on a way back. `HOOK-DIR/sync/PREFIX.sync` replaces publishing,
fetching and switching.

A release can bring programs for the targets along: `deploy/target/prepare.*` build in it before
it is live, `deploy/target/live.*` run where it has gone live. A target on which one fails has
failed.

`git deploy help hooks` tells what all of them find in their environment, and
`git deploy help sync-scripts` how to write a sync of your own.
""",
    ),
    Section(
        "FILES",
        """
= `.deploy`
In the working repository and in each release: which commit and tag it is, and who deployed it,
when, from where and why.

= `.git/deploy/lock`
Who has the rollout in progress. With `deploy.lock-dir-root` it is `git-deploy/lock` in that
directory.

= `.git/deploy/rollout.json`, `.git/deploy/desired.json`
How far the rollout is, and which release each slot should have.

= `.git/deploy/journal.sqlite`
Every step of every rollout, and what each target answered last.

= `.git/deploy/publish.git`
The repository from which targets fetch.
""",
    ),
    Section(
        "EXAMPLES",
        """
Set a repository up, once, with two targets:

    git config deploy.tag-prefix slot0
    git config deploy.path '/usr/local/apache/common/php-{prefix}'
    git config --add deploy.target web1=/srv/web1
    git config --add deploy.target web2=/srv/web2

Roll out the newest commit, looking first at what it would do:

    git deploy start
    git deploy sync --dry-run
    git deploy sync

The release is bad; go back to the one before it:

    git deploy rollback

Go back to any release that was live, by its number in the list:

    git deploy show
    git deploy revert 3

The sync stopped because web2 was down. It is up again:

    git deploy resync

Put a fix on top of what is live, and nothing else:

    git deploy hotfix
    git cherry-pick 1f3870b
    git deploy push-hotfix
    git deploy sync

The remote is gone and the site is burning:

    git deploy --no-remote start
    git commit -a -m 'Turn it off'
    git deploy --no-remote sync

In a script:

    git deploy status >/dev/null || exit    # a rollout is in progress, or deploys are blocked
""",
    ),
    Section(
        "COMING FROM GIT-DEPLOY",
        """
The actions, options, hooks, configuration and exit codes are those of Booking.com's git-deploy;
`git deploy help git-deploy` tells what is different.
""",
    ),
    Section(
        "SEE ALSO", "`sartoris`(1), `git`(1), `git-config`(1), `git-tag`(1), `git-submodule`(1)"
    ),
)

SARTORIS = (
    Section(
        "DESCRIPTION",
        """
Sartoris deploys a git repository to a fleet of servers. Deployers type `git deploy`, which has a
manual of its own; `sartoris` is for whoever sets a site up, or wants to try it first.
""",
    ),
)

SARTORIS_END = (
    Section(
        "EXAMPLES",
        """
See it work, in a temporary directory, in a minute:

    sartoris demo

Put the Salt formula where the master serves files from; `git deploy help salt` tells what is next:

    sartoris formula /srv/salt
""",
    ),
    Section("SEE ALSO", "`git-deploy`(1)"),
)

"""Every key of the section `deploy`: the one table that validates, loads and documents them."""

from __future__ import annotations

from sartoris.config import caches, values
from sartoris.config.fleet_keys import FLEET, RELEASE
from sartoris.config.key import Key
from sartoris.config.values import Kind, choice, number

SECTION = "deploy"

# The actions that can announce themselves by mail.
ACTIONS = (
    "start", "hotfix", "sync", "manual-sync", "resync", "finish", "abort", "revert", "release",
    "tag", "push-hotfix", "converge",
)  # fmt: skip


_ROLLOUT = (
    Key(
        name="tag-prefix",
        kind=values.PREFIX,
        unset="the prefix has to be on the command line",
        meaning="The prefix of rollout tags, in front of their date; it also chooses the hooks.",
        example="slot0",
    ),
    Key(
        name="branch",
        kind=values.LINE,
        unset="the branch of the last release",
        meaning="The branch of the remote that is deployed. A `start` on another one asks first, "
        "or needs `--yes`; where there is no fleet it only says which branch it is.",
        example="main",
    ),
    Key(
        name="date-fmt",
        kind=values.DATE_FORMAT,
        default="%Y%m%d-%H%M%S",
        meaning="The date in a rollout tag, in local time, down to the second. Changing it is "
        "probably unwise: other tools read dates in tags too.",
        example="%Y%m%d-%H%M%S",
    ),
    Key(
        name="deploy-file",
        kind=values.PATH_INSIDE,
        default=".deploy",
        meaning="The file that says what was deployed, when and by whom; written into the release "
        "and into the working repository.",
        example="lib/.deploy",
    ),
    Key(
        name="restrict-umask",
        kind=values.UMASK,
        unset="any umask will do",
        meaning="The umask that a user must have to deploy.",
        example="0002",
    ),
    Key(
        name="can-make-tags",
        kind=values.BOOLEAN,
        default="false",
        meaning="Whether `git deploy tag` and `git deploy release` may make tags here.",
        example="true",
    ),
    Key(
        name="block-file",
        kind=values.LOCAL_PATH,
        unset="no file blocks",
        meaning="While this file exists, nobody can deploy, and its text is what they are told.",
        example="/etc/ROLLOUTS_BLOCKED",
    ),
    Key(
        name="block-reason",
        kind=values.TEXT,
        unset="not blocked",
        meaning="While this is set, nobody can deploy from here, and this is what they are told.",
        example="The database is being moved, ask Ann",
    ),
    Key(
        name="lock-dir-root",
        kind=values.LOCAL_PATH,
        where="repository",
        unset="the repository's own `.git`",
        meaning="The directory that holds the lock and the state of a rollout. Repositories that "
        "share one cannot be deployed at the same time.",
        example="/var/lib/deploy/interlock",
    ),
    Key(
        name="git-timeout",
        kind=number(0, "seconds"),
        default="600",
        meaning="How long one git command may take that talks to a remote (a fetch, a push, an "
        "update of submodules) before it is stopped: one that hangs would hold the lock. "
        "0: as long as it likes.",
        example="1800",
    ),
)

_SYNC = (
    Key(
        name="max-failed",
        kind=values.SHARE,
        default="0",
        meaning="How many targets may fail a stage before the sync stops. A percentage of the "
        "fleet is rounded down.",
        example="5%",
    ),
    Key(
        name="canary",
        kind=values.TARGET_NAME,
        many=True,
        unset="no target goes first",
        meaning="A target that switches before the others do.",
        example="web1",
    ),
    Key(
        name="batch",
        kind=values.BATCH,
        default="100%",
        meaning="How many targets switch at once after the canaries. A percentage of the fleet is "
        "rounded down, but never to nothing.",
        example="25%",
    ),
)

_CACHES = (
    Key(
        name="varnish",
        kind=caches.CACHE,
        many=True,
        unset="no cache is purged",
        meaning="A Varnish whose pages are banned once the last target has switched, also in a "
        "revert and on the way back of an abort: the address of its management interface, as for "
        "`varnishadm -T`.",
        example="cache1:6082",
    ),
    Key(
        name="varnish-secret",
        kind=values.LOCAL_PATH,
        default="/etc/varnish/secret",
        meaning="The file with the secret that all these caches share, as for `varnishadm -S`. "
        "Whoever deploys must be able to read it.",
        example="/etc/deploy/varnish-secret",
    ),
    Key(
        name="varnish-ban",
        kind=caches.BAN,
        default="req.url ~ .",
        meaning="Which pages are banned, as it is typed after `ban` in varnishadm (a backslash is "
        "two). The default is all of them; caches that serve other sites too want this narrowed, "
        "by `req.http.host` for example. `{release}` is the release that is live now, `none` if "
        "nothing is.",
        example="req.http.host == www.example.com && obj.http.x-release != {release}",
    ),
)

_HOOKS = (
    Key(
        name="hook-dir",
        kind=values.LOCAL_PATH,
        unset="no hooks run",
        meaning="The directory of the hooks. A relative path starts at the top of the working "
        "repository.",
        example="/etc/deploy/hooks/mediawiki",
    ),
    Key(
        name="hook-timeout",
        kind=number(0, "seconds"),
        default="3600",
        meaning="How long one hook may take, the sync hook too, before it is stopped. "
        "0: as long as it likes.",
        example="900",
    ),
    Key(
        name="message-on-sync-hook-fail-whale",
        kind=values.TEXT,
        unset="a message of our own",
        meaning="What the user is told when the sync hook fails. `{SYNC_HOOK}` and "
        "`{SUPPORT_EMAIL}` are filled in.",
        example="Run {SYNC_HOOK} again, or write to {SUPPORT_EMAIL}.",
    ),
    Key(
        name="support-email",
        kind=values.LINE,
        unset="none: the message names nobody",
        meaning="Whom the user should write to when the sync hook fails.",
        example="admins@example.com",
    ),
)

_MAIL_AND_LOGS = (
    Key(
        name="announce-mail",
        kind=values.ADDRESS,
        unset="no mail is sent",
        meaning="Where announcements by mail go.",
        example="announce@example.com",
    ),
    Key(
        name="send-mail-on-ACTION",
        kind=values.BOOLEAN,
        family=tuple(f"send-mail-on-{action}" for action in ACTIONS),
        unset="no action sends mail",
        meaning="Whether this action is announced by mail. ACTION is one of: "
        + ", ".join(f"`{action}`" for action in ACTIONS)
        + ".",
        example="true",
    ),
    Key(
        name="mail-tool",
        kind=values.LINE,
        default="/usr/sbin/sendmail -f",
        meaning="The program that sends mail; it gets the sender's and the receiver's address.",
        example="/usr/sbin/sendmail -f",
    ),
    Key(
        name="log-directory",
        kind=values.LOCAL_PATH,
        unset="no log file is written; the journal has it all",
        meaning="The directory in which `git-deploy.log` is written.",
        example="/var/log/deploy",
    ),
    Key(
        name="log-timing-data",
        kind=values.BOOLEAN,
        default="false",
        meaning="Whether the log directory also gets a file with the time that each step took.",
        example="true",
    ),
)

CONFIG_FILE = Key(
    name="config-file",
    kind=values.LOCAL_PATH,
    where="git",
    unset="only git's own files are read",
    meaning="A file in git's format that is read before git's own.",
    example="/etc/git-deploy.conf",
)

_FILES = (
    CONFIG_FILE,
    Key(
        name="repo-name-detection",
        kind=choice("dot-git-parent-dir"),
        where="plain",
        default="dot-git-parent-dir",
        meaning="How the repository's name is found. `dot-git-parent-dir`: it is the name of the "
        "directory that holds `.git`; of a bare repository, its own name without `.git`; in a "
        "linked work tree, the name of the repository that it belongs to.",
        example="dot-git-parent-dir",
    ),
)


def _planned(name: str, kind: Kind, meaning: str, example: str, *, many: bool = False) -> Key:
    return Key(
        name=name,
        kind=kind,
        meaning=meaning,
        example=example,
        many=many,
        status="planned",
    )


_PLANNED = (
    _planned(
        "check-url",
        values.URL,
        "A URL that a target must answer after its switch.",
        "http://localhost/health",
    ),
    _planned(
        "check-command",
        values.LINE,
        "A command that must succeed on a target after its switch.",
        "/usr/local/bin/check-site",
    ),
    _planned("pool", values.LINE, "The load balancer: `haproxy` or `command`.", "haproxy"),
    _planned("pool-*", values.LINE, "The settings of the pool.", "/run/haproxy.sock"),
    _planned(
        "notify",
        values.URL,
        "An Apprise URL that is told about rollouts.",
        "slack://token/channel",
        many=True,
    ),
)

# The headings of the reference, and the keys below each.
TABLE = {
    "The rollout": _ROLLOUT,
    "The fleet": FLEET,
    "The release on the targets": RELEASE,
    "The sync": _SYNC,
    "Caches": _CACHES,
    "Hooks": _HOOKS,
    "Mail and logs": _MAIL_AND_LOGS,
    "Where configuration comes from": _FILES,
    "Not in this version": _PLANNED,
}
KEYS = tuple(key for keys in TABLE.values() for key in keys)
_BY_NAME = {name: key for key in KEYS for name in key.names if not name.endswith("-*")}


def find_key(name: str) -> Key | None:
    """The key called `name` (in lower case, without its section), if there is one."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    for key in KEYS:
        if key.name.endswith("-*") and name.startswith(key.name[:-1]):
            return key
    return None


def known_names() -> list[str]:
    return list(_BY_NAME)

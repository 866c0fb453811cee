"""The keys about targets, and about a release on them: a part of the table in `keys`."""

from __future__ import annotations

from sartoris.config import targets, values, zones
from sartoris.config.key import Key
from sartoris.config.values import choice, number

FLEET = (
    Key(
        name="transport",
        kind=choice("local", "ssh", "salt"),
        default="local",
        meaning="How orders reach the targets. `local`: directories on this machine. `ssh`: "
        "servers, by the system's own ssh (see [ssh.md](ssh.md)). `salt`: SaltStack's minions.",
        example="ssh",
    ),
    Key(
        name="target",
        kind=targets.TARGET,
        many=True,
        targets_of={"local": targets.Target, "ssh": targets.Host},
        unset="a fleet without targets",
        meaning="A target. With `transport = local`: its name, and the directory on this machine "
        "that stands for its `/`. With `transport = ssh`: what ssh connects to, which is its name "
        "as well where none is given.",
        example="web1=/srv/fleet/web1",
    ),
    Key(
        name="targets-command",
        kind=values.PROGRAM,
        unset="targets are those of `deploy.target`",
        meaning="With `transport = ssh`, a program that names more targets: it prints a JSON "
        "object a line, with `name`, `address`, `zone` and `ready`. It is asked once a rollout. "
        "See [ssh.md](ssh.md).",
        example="/usr/local/bin/our-servers --role web",
    ),
    Key(
        name="ssh",
        kind=values.PROGRAM,
        default="ssh",
        meaning="With `transport = ssh`, the command that reaches a target, without its address. "
        "Any that carries two pipes to a shell will do: `ssh -F FILE`, `tsh ssh`, "
        "`docker exec -i`. With ssh, options given here win over Sartoris's own.",
        example="ssh -F /etc/deploy/ssh_config",
    ),
    Key(
        name="target-user",
        kind=values.USER,
        unset="who logs in",
        meaning="With `transport = ssh`, the user who the agent is on the targets, by `sudo -n`.",
        example="www-deploy",
    ),
    Key(
        name="targets",
        kind=values.LINE,
        unset="a fleet without targets",
        meaning="With `transport = salt`, the minions, as a compound target expression.",
        example="G@deployment_target:mediawiki",
    ),
    Key(
        name="salt-config",
        kind=values.LOCAL_PATH,
        default="/etc/salt",
        meaning="Salt's configuration directory: of the master where the deployment server is one, "
        "otherwise of the minion that it is.",
        example="/etc/salt",
    ),
    Key(
        name="path",
        kind=values.TARGET_PATH,
        unset="needed before the first sync",
        meaning="Where the live release is on a target: the slot. With `{prefix}` in it, each "
        "prefix has a slot of its own.",
        example="/usr/local/apache/common/php-{prefix}",
    ),
    Key(
        name="publish-dir",
        kind=values.LOCAL_PATH,
        where="repository",
        unset="`deploy/publish.git` inside `.git`",
        meaning="The publish repository, from which targets fetch releases.",
        example="/srv/publish/mediawiki.git",
    ),
    Key(
        name="url",
        kind=values.URL,
        unset="the path of the publish repository; needed with `transport = salt`",
        meaning="How the targets reach the publish repository. It has no password in it and, "
        "over HTTP, no user, who may be a token: these belong into a `~/.netrc` or a credential "
        "helper of who fetches, on each target.",
        example="https://deploy.example.com/mediawiki.git",
    ),
    Key(
        name="pack-url",
        kind=zones.PACK_URL,
        unset="beside `deploy.url`, where that begins with http: `X.packs` for `X.git`",
        meaning="With `transport = salt`, below which URL targets find the packs, files that are "
        "made once for all of them. `none`: targets ask git, each for itself. See "
        "[packs.md](packs.md).",
        example="https://cdn.example.com/mediawiki.packs",
    ),
    Key(
        name="relay",
        kind=zones.RELAY,
        many=True,
        unset="targets ask at `deploy.pack-url`",
        meaning="Where the targets of a zone ask first for packs, with `transport = salt`: any web "
        "server that has the files of `deploy.pack-url`, or gets and keeps them. It need not be "
        "trusted.",
        example="rack1=http://relay1:8080/mediawiki.packs",
    ),
    Key(
        name="zone",
        kind=zones.ZONE,
        many=True,
        unset="no target is in a zone",
        meaning="What fails together, such as a rack: its name, and its targets. For relays.",
        example="rack1=web1,web2",
    ),
    Key(
        name="forks",
        kind=number(1),
        default="50",
        meaning="How many targets are spoken to at once.",
        example="20",
    ),
    Key(
        name="timeout",
        kind=number(1, "seconds", most=7 * 24 * 3600),
        default="600",
        meaning="How long one order may take on one target.",
        example="1200",
    ),
)


RELEASE = (
    Key(
        name="switch",
        kind=choice("atomic", "in-place"),
        default="atomic",
        meaning="How a release goes live. `atomic`: a complete tree is staged beside the live one, "
        "and a symbolic link moves to it. `in-place`: one work tree, brought to the new release "
        "by `git checkout`.",
        example="in-place",
    ),
    Key(
        name="submodules",
        kind=choice("compose", "update", "none"),
        default="compose",
        meaning="What happens to submodules. `compose`: their files become part of the published "
        "release. `update`: targets have them as `git submodule update --init --recursive` leaves "
        "them, fetched from the publish repository or from where `.gitmodules_internal` says. "
        "`none`: their directories stay empty.",
        example="none",
    ),
    Key(
        name="filters",
        kind=choice("refuse", "raw"),
        default="refuse",
        meaning="What happens to files that a filter of git makes in a work tree (Git LFS, "
        "git-crypt, any `filter=` in `.gitattributes`). Targets run no filters and get what is "
        "committed: a pointer, or what is encrypted. `refuse`: a sync is refused and names them. "
        "`raw`: what is committed is what is wanted.",
        example="raw",
    ),
    Key(
        name="keep-releases",
        kind=number(1, most=10_000),
        default="5",
        meaning="How many releases a target keeps beside the live one, to go back to.",
        example="10",
    ),
    Key(
        name="shared",
        kind=values.SHARED,
        many=True,
        unset="nothing is shared",
        meaning="A path inside the release that lives on across releases, such as uploads or a "
        "file of secrets. Where neither the target nor the release has it yet, an empty directory "
        "is made, if the name ends in `/` or its last part has no dot. What else is missing, like "
        "`.env`, has to be put there first: the `fetch` says where, and nothing switches. See "
        "[shared.md](shared.md).",
        example="images/uploads/",
    ),
    Key(
        name="link-out",
        kind=values.LINE,
        many=True,
        unset="none",
        meaning="Which symbolic links may lead out of the release by a relative path, as patterns "
        "of their names (`*` for all). With `deploy.switch = atomic` such a link is broken on the "
        "targets, so a release with any other one is refused before it is tagged.",
        example="tests/fixtures/*",
    ),
    Key(
        name="service",
        kind=values.SERVICE,
        unset="no service belongs to the release",
        meaning="The service that runs the release, for `git deploy service`: systemd's, or an "
        "init script. Of a target of the transport `local` whose root is not `/`, it is the init "
        "script below that root: a fleet of directories never acts on this machine's services.",
        example="php8.2-fpm",
    ),
    Key(
        name="service-action",
        kind=choice("reload", "restart"),
        unset="a switch leaves the service alone",
        meaning="What each target does with its service right after its switch, and before the "
        "release's `live` hooks. If it fails, the target has failed to switch.",
        example="reload",
    ),
)

"""The demo's site: a wiki with one extension as a submodule, and three web servers."""

from __future__ import annotations

from sartoris.demo.stage import Stage

WORKING = "deploy/wiki"
TARGETS = ("demo-web1", "demo-web2", "demo-web3")
PATH = "/usr/local/apache/common/php-{prefix}"

_CONFIG = """\
[user]
\tname = Demo Deployer
\temail = deployer@example.org
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[advice]
\tdetachedHead = false
"""


def build(stage: Stage) -> None:
    """Origins, a working repository that is configured to deploy, and targets."""
    stage.write("gitconfig", _CONFIG)
    _origin(stage, "Cite", {"Cite.php": "<?php // Cite 1.0\n"})
    _origin(stage, "wiki", {"index.php": "<?php echo 'wiki 1.20wmf1';\n", "README": "A wiki.\n"})
    _add_submodule(stage)
    stage.quietly(
        "git", "clone", "--recurse-submodules", "../origin/wiki.git", "../" + WORKING, at="seed"
    )
    _configure(stage)
    for target in TARGETS:
        (stage.directory / "targets" / target).mkdir(parents=True)


def _origin(stage: Stage, name: str, files: dict[str, str]) -> None:
    for file, text in files.items():
        stage.write(f"seed/{name}/{file}", text)
    stage.quietly("git", "init", "--quiet", at=f"seed/{name}")
    stage.quietly("git", "add", ".", at=f"seed/{name}")
    stage.quietly("git", "commit", "--quiet", "-m", f"{name}: first commit", at=f"seed/{name}")
    stage.quietly("git", "clone", "--quiet", "--bare", f"seed/{name}", f"origin/{name}.git")
    stage.quietly("git", "remote", "add", "origin", f"../../origin/{name}.git", at=f"seed/{name}")


def _add_submodule(stage: Stage) -> None:
    at = "seed/wiki"
    stage.quietly("git", "submodule", "add", "../Cite.git", "extensions/Cite", at=at)
    stage.quietly("git", "commit", "--quiet", "-m", "Add the Cite extension", at=at)
    stage.quietly("git", "push", "--quiet", "origin", "main", at=at)


def _configure(stage: Stage) -> None:
    """The set-up that a new user types, and an identity so that the place works later too."""
    settings = [
        ("deploy.tag-prefix", "slot0"),
        ("deploy.path", PATH),
        *(("deploy.target", f"{name}={stage.directory / 'targets' / name}") for name in TARGETS),
        ("user.name", "Demo Deployer"),
        ("user.email", "deployer@example.org"),
    ]
    for key, value in settings:
        stage.quietly("git", "config", "--add", key, value, at=WORKING)

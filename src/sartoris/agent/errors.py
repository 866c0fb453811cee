"""What can go wrong, in words that are the same on every target."""

from __future__ import annotations

from typing import Any, NamedTuple


class ErrorWord(NamedTuple):
    """What a word in `error` means, and whether the outcome still tells what is live.

    `by` says who answers with it: the agent, the transport for a target that gave no outcome, or
    the deployment server, which judged an outcome.
    """

    meaning: str
    tells_live: bool = True
    by: str = "agent"


ERRORS: dict[str, ErrorWord] = {
    "bad-order": ErrorWord(
        "the order is malformed: unknown action, missing field, unsafe name or path",
        tells_live=False,
    ),
    "unknown-version": ErrorWord(
        "the order is of a version that this agent does not know", tells_live=False
    ),
    "agent-too-old": ErrorWord(
        "the order needs an agent of a higher level than this one", tells_live=False
    ),
    "busy": ErrorWord("another order held the lock of this slot until the time was up"),
    "timeout": ErrorWord(
        "the order took longer than its timeout and was ended, or no answer came in time",
        tells_live=False,
    ),
    "git-missing": ErrorWord("git is not installed on the target, or not in PATH"),
    "no-space": ErrorWord("the file system (or the user's quota) is full"),
    "read-only": ErrorWord("the file system is mounted read-only"),
    "permission": ErrorWord("the user that the agent runs as may not write there"),
    "io-error": ErrorWord("the operating system refused a file operation for another reason"),
    "fetch-failed": ErrorWord("the publish repository could not be reached, or lacks the release"),
    "wrong-commit": ErrorWord(
        "the release that was fetched is not the commit that the order names"
    ),
    "corrupt-store": ErrorWord(
        "the object store is damaged and fetching it anew did not repair it"
    ),
    "git-failed": ErrorWord(
        "git refused a step for a reason that is not the store's; the message has git's own words"
    ),
    "conflict": ErrorWord("the release is already held, with another commit, slot or repository"),
    "submodule-failed": ErrorWord("a submodule could not be fetched, or not be checked out"),
    "release-refused": ErrorWord(
        "the deploy file or a shared path has no safe place in this release's tree"
    ),
    "shared-missing": ErrorWord(
        "a shared path is no directory, and neither the target nor the release has it yet"
    ),
    "shared-left": ErrorWord(
        "files of the live tree at a shared path, not in git and not copied, would leave the site"
    ),
    "prepare-failed": ErrorWord(
        "a deploy/target/prepare.* program of the release failed; nothing went live"
    ),
    "live-failed": ErrorWord(
        "a deploy/target/live.* program failed after the switch; the release is live"
    ),
    "superseded": ErrorWord(
        "the order is to catch up, and another release was ordered later for the target"
    ),
    "not-held": ErrorWord(
        "the release to switch to is not complete on this target; fetch it first"
    ),
    "path-is-directory": ErrorWord(
        "a directory stands where the live release belongs; adopt not ordered"
    ),
    "path-is-file": ErrorWord("a file stands where the live release belongs"),
    "path-is-foreign-link": ErrorWord(
        "a link that is not the agent's stands at the path; adopt not ordered"
    ),
    "path-is-link": ErrorWord(
        "the slot switches in place, but its path is a symbolic link; adopt not ordered"
    ),
    "path-holds-source": ErrorWord(
        "the repository that is deployed from is at the path, or below it"
    ),
    "service-failed": ErrorWord(
        "the service could not be acted on; after a switch, the release is live"
    ),
    "bad-policy": ErrorWord(
        "the target's list of what may be deployed to it is damaged; all is refused",
        tells_live=False,
    ),
    "not-allowed": ErrorWord(
        "the target has such a list, and what the order says is not in it", tells_live=False
    ),
    "directory-not-ready": ErrorWord(
        "the directory of the path is missing, or is not the listed user's", tells_live=False
    ),
    "path-leads-out": ErrorWord(
        "a directory of the listed path, or one of the agent's, is a symbolic link",
        tells_live=False,
    ),
    "killed": ErrorWord(
        "the process that carried the order out was killed on the target", tells_live=False
    ),
    "crashed": ErrorWord(
        "the agent itself failed, a bug; or the target answered with what is no outcome",
        tells_live=False,
    ),
    "unreachable": ErrorWord("the target could not be reached", tells_live=False, by="transport"),
    "host-key": ErrorWord(
        "ssh does not know the target's host key, or it is another one than it knows",
        tells_live=False,
        by="transport",
    ),
    "login-refused": ErrorWord(
        "the target did not let ssh in, or not as the user that the agent is to run as",
        tells_live=False,
        by="transport",
    ),
    "python-missing": ErrorWord(
        "the target has no Python that the agent can run with", tells_live=False, by="transport"
    ),
    "agent-missing": ErrorWord(
        "the target has no agent where its transport looks for one, or one without this action",
        tells_live=False,
        by="transport",
    ),
    "not-signed": ErrorWord(
        "what came in the target's name was not signed with its key, and is not believed",
        tells_live=False,
        by="transport",
    ),
    "unknown-before": ErrorWord(
        "another release was live before, which this server did not put there; it stays",
        by="server",
    ),
}


class Failure(Exception):
    """The order cannot be carried out. `error` is a word from ERRORS; `output` a program's end."""

    def __init__(self, error: str, message: str, output: str = "") -> None:
        super().__init__(message)
        self.error, self.message, self.output = error, message, output

    def fields(self) -> dict[str, Any]:
        """The fields of an outcome."""
        return {"ok": False, "error": self.error, "message": self.message, "output": self.output}


class GitFailed(Exception):
    """git exited with another code than 0; not yet known why."""

    def __init__(self, command: str, code: int, output: str) -> None:
        super().__init__(f"git {command} exited with {code}")
        self.command, self.code, self.output = command, code, output

    def in_words(self) -> str:
        """One line for a person: what git complained of first. Nothing is decided by it."""
        lines = [line.strip() for line in self.output.split("\n") if line.strip()]
        complaints = [line for line in lines if line.startswith(("error: ", "fatal: "))]
        said = (complaints or lines[-1:] or [str(self)])[0]
        return f"git {self.command} failed: {said}"


class SubmoduleFailed(GitFailed):
    """git could not bring the submodule at `path` to its commit."""

    def __init__(self, path: str, failure: GitFailed) -> None:
        Exception.__init__(self, str(failure))
        self.path, self.output = path, failure.output
        self.command, self.code = failure.command, failure.code

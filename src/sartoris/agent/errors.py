"""What can go wrong, in words that are the same on every target."""

from __future__ import annotations

from typing import Any

ERRORS: dict[str, str] = {
    "bad-order": "the order is malformed: unknown action, missing field, unsafe name or path",
    "unknown-version": "the order is of a version that this agent does not know",
    "agent-too-old": "the order needs an agent of a higher level than this one",
    "busy": "another order held the lock of this slot until the time was up",
    "timeout": "the order took longer than its timeout; what it had started was killed",
    "git-missing": "git is not installed on the target, or not in PATH",
    "no-space": "the file system (or the user's quota) is full",
    "read-only": "the file system is mounted read-only",
    "permission": "the user that the agent runs as may not write there",
    "io-error": "the operating system refused a file operation for another reason",
    "fetch-failed": "the publish repository could not be reached, or lacks the release",
    "wrong-commit": "the release that was fetched is not the commit that the order names",
    "corrupt-store": "the object store is damaged and fetching it anew did not repair it",
    "conflict": "the release is already held, with another commit, slot or repository",
    "release-refused": "the deploy file or a shared path has no safe place in this release's tree",
    "submodule-failed": "a submodule could not be fetched, or not be checked out",
    "prepare-failed": "a deploy/target/prepare.* program of the release failed; nothing went live",
    "live-failed": "a deploy/target/live.* program failed after the switch; the release is live",
    "superseded": "the order is to catch up, and the target was told later to have another release",
    "not-held": "the release to switch to is not complete on this target; fetch it first",
    "path-is-directory": "a directory stands where the live release belongs; adopt not ordered",
    "path-is-file": "a file stands where the live release belongs",
    "path-is-foreign-link": "a link that is not the agent's stands at the path; adopt not ordered",
    "path-is-link": "the slot switches in place, but its path is a symbolic link",
    "service-failed": "the service could not be acted on; after a switch, the release is live",
    "bad-policy": "the target's list of what may be deployed to it is damaged; all is refused",
    "not-allowed": "the target has such a list, and what the order says is not in it",
    "directory-not-ready": "the directory of the path is missing, or is not the listed user's",
    "path-leads-out": "a directory of the listed path, or one of the agent's, is a symbolic link",
    "killed": "the process that carried the order out was killed on the target",
    "crashed": "the agent itself failed; a bug",
}


class Failure(Exception):
    """The order cannot be carried out. `error` is a word from ERRORS; `output` a program's end."""

    def __init__(self, error: str, message: str, output: str = "") -> None:
        super().__init__(message)
        self.error, self.message, self.output = error, message, output

    def told(self) -> dict[str, Any]:
        """The fields of an outcome."""
        return {"ok": False, "error": self.error, "message": self.message, "output": self.output}


class GitFailed(Exception):
    """git exited with another code than 0; not yet known why."""

    def __init__(self, command: str, code: int, output: str) -> None:
        super().__init__(f"git {command} exited with {code}")
        self.output = output


class SubmoduleFailed(GitFailed):
    """git could not bring the submodule at `path` to its commit."""

    def __init__(self, path: str, failure: GitFailed) -> None:
        Exception.__init__(self, str(failure))
        self.path, self.output = path, failure.output

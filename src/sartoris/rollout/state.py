"""Where a rollout stands, on disk, so that the next command (or the one after a crash) knows.

A rollout only goes forward. Each step writes what it is about to do before it does it, and every
step may be repeated. The two ways back say what was undone: `untagged` and `rolled_back`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sartoris import documents
from sartoris.errors import Refused
from sartoris.rollout.delivery import DELIVERIES, Delivery, Way

if TYPE_CHECKING:
    from sartoris.fleet.desired import Desired


class StateLost(Refused):
    """The state of the rollout in progress cannot be read, and nothing else knows it."""


class Progress(StrEnum):
    """How far a rollout has come, in order."""

    STARTING = "starting"  # the lock is taken, `start` has not ended
    STARTED = "started"  # `start` has ended
    TAGGED = "tagged"  # the rollout tag is chosen, and made or about to be
    PUBLISHED = "published"  # the release is in the publish repository
    SWITCHING = "switching"  # the desired state names the release; targets may have switched
    SYNCED = "synced"  # every target that was not left behind has switched

    def __lt__(self, other: object) -> bool:
        order = list(Progress)
        return isinstance(other, Progress) and order.index(self) < order.index(other)

    def __gt__(self, other: object) -> bool:
        return isinstance(other, Progress) and other < self

    def __le__(self, other: object) -> bool:
        return not self > other

    def __ge__(self, other: object) -> bool:
        return not self < other


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """One rollout. `branch` "" means a detached head at the start.

    `start_tag_is_new`: this rollout has made its start tag. `remote_site` and `remote_branch` are
    what was typed at its start, for the commands that follow; "" where nothing was. `tag_is_made`:
    its own tag stands, and at the remote where it should, so servers may have it. `source` is the
    commit that ships,
    `commit` what it was composed to, `release` the name under which targets hold it (the rollout
    tag, or in a revert the tag reverted to). `before` is what the slot's desired state named before
    this rollout, chosen once for the whole fleet: the one answer to "go back to what?". `tagged_at`
    is in seconds since the epoch. `aborting`: an abort has begun, and only going on with it makes
    sense. `rollback_tag` is then what the site's sync hook goes back to. `way` is how the release
    gets to the servers, chosen with the tag: by us to the fleet, by the site's sync hook, or by
    hand. `work_tree` is where it was started: a repository may have several. `stale` are the caches
    that may still serve what was live before, and why. `reverted_tag` is what a revert without a
    fleet marks what it leaves with; with one, the rollout tag says it. `is_after_half`: this
    rollout ended another one that had begun to switch, so targets may have that one's release live,
    or what was before it. `is_rolled_back`: targets were told to switch, and each of them has
    answered that it went back. `rebuilt` says why the state is from the journal, "" if it is from
    its file. `ended` is its result where the journal says that it is over, and only its lock was
    not freed. `unknown` are the fields of a later version.
    """

    session: str
    action: str
    prefix: str
    slot: str
    progress: Progress = Progress.STARTING
    branch: str = ""
    start_tag: str = ""
    start_tag_is_new: bool = False
    start_commit: str = ""
    remote: bool = True
    remote_site: str = ""
    remote_branch: str = ""
    rollout_tag: str = ""
    tag_is_made: bool = False
    source: str = ""
    release: str = ""
    commit: str = ""
    message: str = ""
    tagged_at: float = 0.0
    before: Desired | None = None
    left_behind: tuple[str, ...] = ()
    aborting: bool = False
    rollback_tag: str = ""
    way: Way = "fleet"
    returning: str = ""
    work_tree: str = ""
    stale: Mapping[str, str] = field(default_factory=dict)
    reverted_tag: str = ""
    is_after_half: bool = False
    is_rolled_back: bool = False
    rebuilt: str = ""
    ended: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        before = self.before.to_json() if self.before else None
        return {**documents.fields_of(asdict(self)), "before": before}

    @classmethod
    def from_json(cls, document: object) -> RolloutState:
        """Raises ValueError."""
        readers = {"progress": Progress, "way": _way, "before": _before}
        return cls(**documents.values_of(cls, document, **readers))

    def reach(self, progress: Progress, **changes: Any) -> RolloutState:
        """The state after a step; a step that is repeated leaves the progress where it is."""
        return replace(self, progress=max(self.progress, progress), **changes)

    def untagged(self) -> RolloutState:
        """The state when the rollout tag could not be made or pushed, and is gone again."""
        return replace(
            self,
            progress=Progress.STARTED,
            rollout_tag="",
            tag_is_made=False,
            source="",
            release="",
            message="",
        )

    def switching(self) -> RolloutState:
        """The state before a switch, also of one that is repeated after all had switched: its way
        back may not come to its end, and then the release is not live any more.
        """
        return replace(
            self, progress=Progress.SWITCHING, left_behind=(), stale={}, is_rolled_back=False
        )

    def rolled_back(self) -> RolloutState:
        """The state after every target that had switched was rolled back."""
        return replace(self, progress=Progress.PUBLISHED, is_after_half=False, is_rolled_back=True)

    @property
    def delivery(self) -> Delivery:
        """How the release gets to the servers; until it is tagged, that is not decided."""
        return DELIVERIES[self.way]

    @property
    def release_before(self) -> str:
        """What the slot had before this rollout; "" for nothing."""
        return self.before.release if self.before else ""

    @property
    def may_be_live(self) -> bool:
        """Whether any target may have something else live than what was before."""
        return self.progress >= Progress.SWITCHING or self.is_after_half

    @property
    def has_told_targets(self) -> bool:
        """Whether any target was told to switch, also if all have gone back since."""
        return self.may_be_live or self.is_rolled_back

    @property
    def is_half_switched(self) -> bool:
        """Whether some targets may have the release live, and others what was before."""
        return self.may_be_live and (self.aborting or self.progress is not Progress.SYNCED)


class StateFile:
    """The state of the open rollout; no file, no rollout.

    `recover` gives the state when the file is damaged (it gets the reason then) or is not there
    (""): it may have been lost. `written` is called with the document before it is written.
    Reading raises `NewerVersion`, and `StateLost` where nothing else knows it.
    """

    def __init__(
        self,
        path: Path,
        *,
        recover: Callable[[str], RolloutState | None],
        written: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.path = path
        self._recover = recover
        self._written = written

    def read(self) -> RolloutState | None:
        """The state of the rollout that is in progress; None for none, or one that only begins."""
        try:
            found = read_state(self.path)
        except documents.Unreadable as error:
            return self._recover(error.why)
        return self._recover("") if found is None else found

    def write(self, state: RolloutState) -> None:
        document = state.to_json()
        self._written(document)
        documents.write(self.path, document)

    def remove(self) -> None:
        documents.remove(self.path)


def read_state(path: Path) -> RolloutState | None:
    """The state in a file, None if there is none. Raises `NewerVersion`, `Unreadable`."""
    return documents.read(path, "the state of the rollout", RolloutState.from_json)


def _way(value: Any) -> Way:
    if value not in get_args(Way):
        raise documents.Malformed(f"{value!r} is no way to the servers")
    way: Way = value
    return way


def _before(value: Any) -> Desired | None:
    if value is None:
        return None
    from sartoris.fleet.desired import Desired

    return Desired.from_json(value)

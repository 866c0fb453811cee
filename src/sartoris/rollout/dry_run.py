"""The dry run: the same story, with effects that only say what they would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sartoris.hooks import HookContext, HookReport, Hooks, Phase
from sartoris.hooks.run import BEFORE_THE_TAG
from sartoris.rollout.effects import Effects, caches, publish_repository, refuse_links_out
from sartoris.rollout.lock import Holder

if TYPE_CHECKING:
    from sartoris.events import EventStream
    from sartoris.fleet.desired import Desired
    from sartoris.integrations.varnish import Answer
    from sartoris.releases.publish import PublishRepository, Release
    from sartoris.rollout.away import Away
    from sartoris.rollout.records import Records
    from sartoris.rollout.site import Site
    from sartoris.rollout.state import RolloutState


class DryRun(Effects):
    """Names what would change, invents nothing, and leaves nothing behind but objects that no ref
    names, where there is a publish repository already.
    """

    def __init__(self, site: Site, records: Records, hooks: Hooks, events: EventStream) -> None:
        self._site = site
        self._records = records
        self._hooks = hooks
        self._events = events
        self._is_released = False
        self._taken: Holder | None = None

    def exclusively(self, user: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def take_lock(self, holder: Holder) -> None:
        if not self._is_released:
            self._records.lock.require_free(holder)
        self._taken = holder

    def claim_lock(self, me: Holder, *, force: bool, session: str = "") -> Holder:
        self._taken = self._records.lock.examine(me, force=force, session=session)
        return self._taken

    def release_lock(self, holder: Holder) -> None:  # noqa: ARG002
        """The rollout goes on after a dry run; in it, the lock is free from here on."""
        self._is_released = True

    def lock_holder(self) -> Holder | None:
        return self._taken or self._records.lock.written()

    def write_state(self, state: RolloutState) -> None:
        """The session knows it."""

    def forget_state(self) -> None:
        """The rollout goes on after a dry run."""

    def set_desired(self, slot: str, desired: Desired | None) -> None:
        """An event of its own says it."""

    def set_away(self, away: Mapping[str, Away]) -> None:
        """An event of its own says it."""

    def make_tag(self, tag: str, commit: str, message: str) -> None:
        self._note(f"would make the annotated tag {tag} on {commit[:12]}: {message}")

    def delete_tag(self, tag: str) -> None:
        """No tag was made."""

    def push_tags(self, remote: str, tags: Sequence[str]) -> None:
        self._note(f"would push to {remote}: {' '.join(tags)}")

    def write_deploy_file(self, name: str, text: str) -> bool:
        self._note(f"would write {name} here and in the release ({len(text)} bytes)")
        return True

    def pull(self, branch: str) -> str:
        self._note(f"would fetch and fast-forward {branch}")
        return self._site.repository.head()

    def go_to(self, branch: str, commit: str) -> list[str]:
        if self._site.repository.head() != commit or self._site.changes():
            where = f"{branch} " if branch else ""
            self._note(f"would reset {where}to {commit[:12]}, and keep what is not committed")
        return []

    def step_back(self, commit: str) -> None:
        self._note(f"would return to {commit[:12]}")

    def merge_upstream(self, branch: str) -> None:
        self._note(f"would merge {branch} of the remote")

    def push_head(self, remote: str, branch: str) -> None:
        self._note(f"would push HEAD to {branch} of {remote}")

    def abort_merge(self) -> None:
        self._note("would leave the merge that was interrupted")

    def forget_checkouts(self) -> None:
        """What is known of the work tree stays."""

    def run_hooks(self, phase: Phase, context: HookContext) -> None:
        if phase in BEFORE_THE_TAG:
            self._hooks.require(context, phase)
        self._name_hooks(phase, context, ", which may stop the rollout")

    def run_all_hooks(self, phase: Phase, context: HookContext) -> None:
        if phase is not Phase.LOG:
            self._name_hooks(phase, context, "")

    def _name_hooks(self, phase: Phase, context: HookContext, may: str) -> None:
        """What a hook would decide is not known."""
        for found in self._hooks.found(phase, context):
            self._note(f"would run the {phase} hook {found.path}{may}")

    def run_sync_hook(
        self,
        hook: Path,
        context: HookContext,  # noqa: ARG002
        variables: Mapping[str, str],  # noqa: ARG002
        meanwhile: Callable[[], None],  # noqa: ARG002
    ) -> HookReport:
        self._note(f"would run the sync hook {hook}, which may stop the rollout")
        return HookReport(hook, "sync", exit_code=0)

    def compose(self, source: str) -> None:
        with self._composing() as publish:
            refuse_links_out(self._site, publish, publish.compose(source))

    def mend_publishing(self) -> bool:
        return False

    def publish(self, tag: str, source: str) -> Release:
        from sartoris.releases.publish import Release

        published = publish_repository(self._site).find(tag)
        if published is not None:
            return published
        with self._composing() as publish:
            return Release(tag=tag, source=source, commit=publish.compose(source), size=0)

    @contextmanager
    def _composing(self) -> Iterator[PublishRepository]:
        """Composing is how it is known that a commit can be composed; where nothing was published
        yet, in a place that is thrown away.
        """
        if (self._site.publish_path / "HEAD").is_file():
            publish = publish_repository(self._site)
            publish.prepare()
            yield publish
            return
        with TemporaryDirectory(prefix="sartoris-dry-run-") as place:
            publish = publish_repository(self._site, Path(place) / "publish.git")
            publish.prepare()
            yield publish

    def ban(self, expression: str) -> Iterator[Answer]:
        for server in caches(self._site).servers:
            self._note(f"would ban on {server}: {expression}")
        yield from ()

    def _note(self, message: str) -> None:
        self._events.note(message)

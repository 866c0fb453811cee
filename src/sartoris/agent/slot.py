"""The actions, and how they recover from a damaged store."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional

from sartoris.agent.actions import ACTIONS
from sartoris.agent.adopting import Adopted, WayBack, adopted_in, refuse_source
from sartoris.agent.diagnosis import damage, damaged_file
from sartoris.agent.errors import Failure, GitFailed, SubmoduleFailed
from sartoris.agent.files import MEBIBYTE, lexists, remove_if_possible, reserve, write_json
from sartoris.agent.lacking import lacking
from sartoris.agent.locks import locked
from sartoris.agent.order import Order
from sartoris.agent.orphans import claim, end_orphans
from sartoris.agent.over_http import OverHttp
from sartoris.agent.packs import Bring
from sartoris.agent.parsing import without_password
from sartoris.agent.place import Place
from sartoris.agent.programs import Programs
from sartoris.agent.real_tree import remove_unused_git_directories, tree_to_read
from sartoris.agent.records import FILE_VERSION, Records, Release
from sartoris.agent.release_hooks import hooks_in, run_hooks
from sartoris.agent.shared import Shared
from sartoris.agent.store import Store
from sartoris.agent.submodules import Submodules
from sartoris.agent.tree import Tree

_CHANGED_AT_MOST = 100
_NETWORKED = ("fetch", "ls-remote")  # the commands of git that talk to the url


def _refused(failure: GitFailed) -> Failure:
    """Why git failed with a store that is sound."""
    if isinstance(failure, SubmoduleFailed):
        message = f"the submodule {failure.path} cannot be brought to its commit"
        return Failure("submodule-failed", message, failure.output)
    return Failure("git-failed", failure.in_words(), failure.output)


class Slot(ABC):
    """One slot on this target, and what an order may ask of it. The modes are its subclasses.

    `act` does the order's action on its service, `packs` brings objects where something does.
    """

    def __init__(
        self,
        order: Order,
        raw: Mapping[str, Any],
        root: str,
        act: Callable[[], object],
        packs: Optional[Bring] = None,
    ) -> None:
        self.order, self.raw, self._act = order, raw, act
        self.place = Place(order, root)
        self.records = Records(self.place, order)
        self.programs = Programs(order.timeout)
        if packs is None and order.packs:
            packs = OverHttp(order, self.place, self.programs)
        self.store = Store(self.place, order, self.programs, packs)
        self.submodules = Submodules(self.store)
        self.way_back = WayBack(self.place, self.store)
        self.shared = Shared(self.records, self.store)

    def carry_out(self) -> dict[str, Any]:
        """Do what the order says; more fields for the outcome. Raises Failure, OSError."""
        step = getattr(self, self.order.action)
        return (self._alone(step) if ACTIONS[self.order.action].locks else step()) or {}

    def _alone(self, step: Callable[[], Optional[dict[str, Any]]]) -> Optional[dict[str, Any]]:
        """Take the step with the slot's lock."""
        begins = self.order.action == "fetch" or self.order.share
        if self.order.action == "share" and not begins and not self.place.own.is_dir():
            return step()
        if not begins and not self.place.own.is_dir():
            return self._without_anything()
        self.place.make()
        lock, seconds = self.place.lock, self.programs.timeout
        with locked(lock, fcntl.LOCK_EX, seconds, lambda: end_orphans(lock)) as held:
            if held is None:
                message = f"another order holds slot {self.order.slot}"
                raise Failure("busy", f"{message}; waited {self.order.timeout} s")
            self.programs.lock, self.programs.mark = held, claim(held)
            if self.order.catch_up:
                self._refuse_superseded()
            return step()

    def _refuse_superseded(self) -> None:
        """Whoever tells a target what it missed may have missed something, too."""
        state = self.records.state()
        decided = state.get("order", {}).get("decided", 0)
        if decided > self.order.decided and state.get("release") != self.order.release:
            message = f"{state['release']} was ordered later than {self.order.release}"
            raise Failure("superseded", message)

    def _without_anything(self) -> dict[str, Any]:
        if ACTIONS[self.order.action].needs:
            raise self.not_held()
        return {}

    def fetch(self) -> None:
        """Have the release complete on disk, beside the live one."""
        self.check_path()
        if self.records.holds(self.order.release, self.order.commit):
            return
        self._refuse_conflict()
        try:
            self.repairing(self.obtain)
        except (Failure, OSError) as failure:
            self.clean_up(failure)
            raise
        with contextlib.suppress(OSError):
            self._prune()

    def repairing(self, step: Callable[[], None]) -> None:
        """Take a step that uses the store; once more if it fails, with a new store if need be."""
        try:
            self.store.make()
            with self.store.in_use():
                step()
            return
        except OSError as failure:
            what = damaged_file(self.store)
            if not what:
                raise
            self.clean_up(failure)
            self._replace_store(what)
        except GitFailed as failure:
            self._require_space()
            if failure.command in _NETWORKED:
                self._require_published(failure)
            self.store.unlock()
            what = damage(self.store)
            self.clean_up(failure)
            if what:
                self._replace_store(what)
        try:
            with self.store.in_use():
                step()
        except GitFailed as again:
            self._require_space()
            raise _refused(again) from again

    def _require_space(self) -> None:
        """Raise the OSError that git ran into, if it was the file system that refused."""
        reserve(self.place.own / f".probe-{self.order.slot}", max(self.order.size, MEBIBYTE))

    def _require_published(self, failure: GitFailed) -> None:
        """Raise Failure when it is the url, and not what is here, that lacks the release."""
        if not self.order.url:
            return
        try:
            published = self.store.published([self.store.ref])
        except GitFailed as unreachable:
            message = f"{without_password(self.order.url)} does not answer"
            raise Failure("fetch-failed", message, unreachable.output) from failure
        if not published:
            url = without_password(self.order.url)
            message = f"{url} does not have {self.order.release}"
            raise Failure("fetch-failed", message, failure.output) from failure

    def _replace_store(self, what: str) -> None:
        """Fetch a store anew of which `what` is damaged."""
        damaged = f"the object store of {self.order.repository} is damaged"
        if not self.store.has_a_way:
            raise Failure("corrupt-store", f"{damaged}, and the order has no url", what)
        stored = [one for one in self.records.releases() if one.repository == self.order.repository]
        try:
            self.store.rebuild(record.release for record in stored)
        except GitFailed as failure:
            self._require_space()
            self._require_published(failure)
            message = f"{damaged}, and cannot be fetched anew: {failure.in_words()}"
            raise Failure("corrupt-store", message, f"{what}\n{failure.output}") from failure
        self.submodules = Submodules(self.store)
        for record in stored:
            if record.submodules == "update":
                with contextlib.suppress(GitFailed, Failure):
                    self.submodules.bring(record.commit, record.release)

    def bring(self) -> None:
        """Have the release in the store, with its submodules where they are real."""
        self.store.bring()
        if self.order.submodules == "update":
            self.submodules.bring(self.order.commit, self.order.release)

    def _refuse_conflict(self) -> None:
        order, record = self.order, self.records.release(self.order.release)
        if record is None or not self.records.is_present(record):
            return
        same = (order.slot, order.repository, order.commit)
        if (record.slot, record.repository, record.commit) != same:
            message = f"{order.release} is held already: {record.commit} of {record.repository}"
            raise Failure("conflict", f"{message} in {record.slot}")

    def clean_up(self, failure: Exception) -> None:
        """After a failed fetch: give space back, leave the live release as it is."""
        del failure

    def _prune(self) -> None:
        """Remove the slot's releases beyond keep, and what deaths of the agent have left."""
        remove_if_possible(*self.place.trash.iterdir())
        gone = self.records.prunable() + self.records.orphaned(self.order.slot)
        for record in gone:
            tree = self.place.releases / record.release
            if record.mode == "atomic" and lexists(tree):
                # First of all out of releases/: what stands there is complete.
                self.place.throw_away(tree)
            remove_if_possible(self.place.index / record.release)
            (self.place.meta / f"{record.release}.json").unlink(missing_ok=True)
        self.store.tidy({record.release for record in self.records.releases()})
        remove_unused_git_directories(self.place)

    def record_switch(self, was: str, **more: object) -> None:
        """Write down what is about to be live, and what was."""
        previous = self.records.previous(was)
        again = was == self.order.release
        state = {
            "version": FILE_VERSION,
            "mode": self.order.switch,
            "release": self.order.release,
            "previous": previous if again else was,
            "earlier": previous,
            "when": time.time(),
            "order": dict(self.raw),
            "service": "due" if self.order.service else "",
            **more,
        }
        durable = self.order.switch == "in-place" or bool(more.get("adopted"))
        write_json(self.place.state, state, durable=durable)

    def after_switch(self, tree: Path) -> None:
        """Act on the service and run the release's live hooks, each once; keep the store small."""
        state = self.records.state()
        if state.get("service") == "due":
            # First of all: until then the service may still run what was live before.
            if self.order.service:  # a site may have taken it out since, to get on without
                self._act()
            state["service"] = "done"
            write_json(self.place.state, state)
        with contextlib.suppress(OSError, Failure):
            self.store.maintain()
        if state.get("hooks") == "done":
            return
        if run_hooks("live", tree, self.order, self.place, self.programs):
            write_json(self.place.state, {**state, "hooks": "done"})

    def due(self, live: str) -> list[str]:
        """What a switch to the `live` release would run: `service`, `hooks`."""
        if not live:
            return []
        state = self.records.state()
        if state.get("release") != live:
            # The record of its switch is lost (a power cut), and with it what was done.
            state = {"service": "due" if self.order.service else ""}
        due = ["service"] if state.get("service") == "due" else []
        # A release without live hooks leaves "due" in its record, for nothing.
        if state.get("hooks") != "done" and hooks_in(self.place.path, "live"):
            due.append("hooks")
        return due

    def not_held(self) -> Failure:
        message = f"{self.order.release} with commit {self.order.commit} is not held here"
        return Failure("not-held", message)

    def status(self) -> dict[str, Any]:
        """What every outcome tells: what is live and held. If asked, what a fetch would lack."""
        return lacking(self.order, self.place, self.programs) if self.order.examine else {}

    def verify(self) -> dict[str, Any]:
        """Compare the live tree with its commit, by content."""
        live = self.records.live()
        if not live:
            return {}
        record = self.records.release(live)
        if record is None:
            raise Failure("not-held", f"{live} is live, but there is no record of its commit")
        tree = self.as_it_is(record)
        if not tree.path.is_dir():
            return {"complete": False}
        try:
            found = tree.differences(record)
        except GitFailed as failure:
            raise self._unverified(failure) from failure
        changed = sorted(path for letter, path in found if letter != "A")[:_CHANGED_AT_MOST]
        added = sorted(path for letter, path in found if letter == "A")[:_CHANGED_AT_MOST]
        complete = all(letter != "D" for letter, _ in found)
        return {"complete": complete, "changed": changed, "added": added}

    def share(self) -> dict[str, Any]:
        """Copy what is live at the paths of `share`, and tell what is at all shared paths."""
        copied = sum(self.shared.adopt(path) for path in self.order.share)
        said = {"message": f"copied {copied}"} if self.order.share else {}
        return {**said, "shared": self.shared.describe()}

    def as_it_is(self, record: Release) -> Tree:
        """The live tree of the record, to be compared with its commit."""
        tree = self.tree_of(record)
        if record.submodules == "update":
            return tree_to_read(tree.path, record, self.submodules)
        return tree

    def _unverified(self, failure: GitFailed) -> Failure:
        what = damage(self.store)
        if not what:
            return _refused(failure)
        message = f"the object store of {self.order.repository} is damaged"
        return Failure("corrupt-store", f"{message}; the next release has it fetched anew", what)

    def check_path(self) -> None:
        """Raise Failure when what stands at the path is not ours to replace."""
        found = self.in_the_way()
        if found is None:
            return
        if found.error == "path-is-file" or not self.order.adopt:
            raise found
        refuse_source(self.place, self.order)

    def adopted(self) -> Optional[Adopted]:
        """What the release that was switched to last has taken the place of."""
        return adopted_in(self.records.state())

    def adopting(self, directory: bool) -> dict[str, Any]:
        """For the state: what a switch to the order's release takes the place of, {} for nothing.

        `directory`: whether it is a directory. A switch that is repeated has written it down.
        """
        state, path = self.records.state(), self.place.path
        known = adopted_in({**state, "release": self.order.release})
        link = ""
        is_ours = self.order.switch == "atomic" and self.place.linked_release()
        if path.is_symlink() and not is_ours:
            link = os.fspath(path.readlink())
        if not link and not directory:
            return known.to_json() if known else {}
        before = {key: value for key, value in state.items() if key != "adopted"}
        name = "" if link else self.place.name_in_adopted(path)
        if known and state.get("release") == self.order.release:
            before = dict(known.before)
        return Adopted(self.order.release, name, link, before).to_json()

    def went_back(self) -> bool:
        """Whether what the release that the order leaves took the place of is live again.

        It has to be the order's release; another one is switched to.
        """
        adopted, order = self.adopted(), self.order
        if adopted and (order.left, order.release) == (adopted.release, adopted.live_before):
            if not self._put_back(adopted):
                return False
            service = "due" if order.service else ""
            state = {**self.records.state(), "service": service, "hooks": "due"}
            write_json(self.place.state, state)
        elif not self._is_back():
            return False
        self.after_switch(self.place.path)
        return True

    def _is_back(self) -> bool:
        """Whether an order before this one did that. A switch would change its mode once more."""
        state, order = self.records.state(), self.order
        changes_mode = state.get("mode") != order.switch
        return bool(order.left) and changes_mode and self.records.live() == order.release

    def withdraw(self) -> None:
        """Make nothing live where the order's release is, or any, when it names none."""
        adopted = self.adopted()
        named = adopted is not None and self.order.release in ("", adopted.release)
        if adopted is None or not named or not self._put_back(adopted):
            self.take_away()

    def _put_back(self, adopted: Adopted) -> bool:
        """By the mode in which the release was switched, whatever the order's is."""
        if self.records.state().get("mode") == "atomic":
            return self.way_back.of_link(adopted)
        back = []
        record = self.records.release(adopted.release)
        self.repairing(lambda: back.append(self.way_back.of_work_tree(adopted, record)))
        return back[-1]

    @abstractmethod
    def in_the_way(self) -> Optional[Failure]:
        """What stands at the path and is not ours to replace, unless it is adopted."""

    @abstractmethod
    def obtain(self) -> None:
        """Have the release here, complete and recorded. Raises Failure, GitFailed."""

    @abstractmethod
    def switch(self) -> None:
        """Make the release live, and do what is due after it."""

    @abstractmethod
    def take_away(self) -> None:
        """Make nothing live where the release is, with nothing to be put back there."""

    @abstractmethod
    def tree_of(self, record: Release) -> Tree:
        """The tree in which the release of the record is live."""

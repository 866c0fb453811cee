"""Slots that switch by renaming a link."""

from __future__ import annotations

import contextlib
import time
from typing import Optional

from sartoris.agent.errors import Failure, GitFailed
from sartoris.agent.files import (
    is_real_directory,
    lexists,
    remove,
    sync_directory,
    sync_file_system,
    write_json,
)
from sartoris.agent.real_tree import remove_unused_git_directories, tree_for
from sartoris.agent.records import FILE_VERSION, TREE_RULES, Release
from sartoris.agent.release_hooks import run_hooks
from sartoris.agent.slot import Slot
from sartoris.agent.tree import Tree


class AtomicSlot(Slot):
    """The path is a link to the live release; switching is one rename(2)."""

    def in_the_way(self) -> Optional[Failure]:
        path, name = self.place.path, self.order.path
        if not lexists(path) or self.place.linked_release():
            return None
        if path.is_symlink():
            return Failure("path-is-foreign-link", f"{name} is a link that is not Sartoris's")
        if not path.is_dir():
            return Failure("path-is-file", f"{name} is a file")
        return Failure("path-is-directory", f"{name} is a directory, and was not adopted")

    def obtain(self) -> None:
        """Stage the release; the last rename says that it is complete."""
        place, order = self.place, self.order
        self.bring()
        if self._is_recorded_again():
            return
        self.shared.require_nothing_left()
        Tree(place.staged, place.staged_index, self.store).require_shared()
        tree = self._exact_tree()
        tree.save_stat_cache()
        tree.add_extras()
        made: list[str] = []
        if run_hooks("prepare", tree.path, order, place, self.programs):
            made = tree.others_than_indexed()
        self.records.write(made)
        sync_file_system(place.own)
        remove(place.index / order.release)
        with contextlib.suppress(FileNotFoundError):  # it is in the tree's git directory
            place.staged_index.replace(place.index / order.release)
        self._note_that_it_stands_again()
        place.staged.rename(place.releases / order.release)

    def _is_recorded_again(self) -> bool:
        """Whether only the record of the live release was lost, and stands again.

        A live tree is never replaced but by a switch, so one that differs from its commit stays
        unrecorded. What was added to it is nobody's: `verify` names it from now on.
        """
        records, live = self.records, self.records.live()
        if live != self.order.release or records.release(live) is not None:
            return False
        record = records.ordered()
        wrong = [
            path for letter, path in self.as_it_is(record).differences(record) if letter != "A"
        ]
        if wrong:
            message = f"{live} is live, its record is lost, and {wrong[0]} is not as released"
            raise Failure("conflict", f"{message}; the next release replaces it")
        records.write()
        return True

    def _note_that_it_stands_again(self) -> None:
        """Where the live link names the release, whose tree was lost, it is live again at once.

        What belongs to a switch is due again: what runs there has seen nothing for a while.
        """
        state = self.records.state()
        again = self.place.linked_release() == self.order.release == state.get("release")
        if again and not self.records.live():
            service = "due" if self.order.service else ""
            write_json(self.place.state, {**state, "service": service, "hooks": "due"})

    def _exact_tree(self) -> Tree:
        """The staged tree with the release's files and no others, from a base if that can be had.

        An old release may have files in it that are not ours to remove: then it is no base.
        """
        self._clear_the_way()
        try:
            return _made_exact(self._base())
        except (Failure, GitFailed, OSError) as failure:
            if _is_out_of_time(failure) or not lexists(self.place.staged):
                raise
        self._throw_staged_away()
        return _made_exact(tree_for(self.place.staged, self.place.staged_index, self.submodules))

    def _throw_staged_away(self) -> None:
        if lexists(self.place.staged):
            self.place.throw_away(self.place.staged)
        remove(self.place.staged_index)

    def _base(self) -> Tree:
        """The tree to start from: what a dead agent left, the release to be pruned next, or none.

        A release differs little from the next one, so bringing an old tree there costs what a
        checkout in place costs. Any content will do: `Tree.fill` looks at every file.
        """
        place = self.place
        spare = [] if lexists(place.staged) else self.records.prunable(extra=1)
        if spare:
            self._take_over(spare[0])
            Tree(place.staged, place.staged_index, self.store).remove_extras(spare[0])
        elif not lexists(place.staged):
            remove(place.staged_index)
        return tree_for(place.staged, place.staged_index, self.submodules)

    def _clear_the_way(self) -> None:
        """Somebody removed the record of a release with this name; then it counts for nothing."""
        unrecorded = self.place.releases / self.order.release
        if not lexists(unrecorded):
            return
        self.place.throw_away(unrecorded)

    def _take_over(self, record: Release) -> None:
        place = self.place
        (place.releases / record.release).rename(place.staged)
        remove(place.staged_index)
        # Without its index every file is written; of an older agent's tree nobody knows by what.
        if record.tree_rules >= TREE_RULES:
            with contextlib.suppress(FileNotFoundError):
                (place.index / record.release).replace(place.staged_index)
        (place.meta / f"{record.release}.json").unlink(missing_ok=True)

    def clean_up(self, failure: Exception) -> None:
        """What was staged goes, except where it is a good start for the next attempt."""
        if isinstance(failure, Failure) and failure.error in ("prepare-failed", "timeout"):
            return
        place = self.place
        with contextlib.suppress(OSError):
            self._throw_staged_away()
            remove_unused_git_directories(place)
            self.store.tidy({record.release for record in self.records.releases()})

    def switch(self) -> None:
        order, place = self.order, self.place
        if self.went_back():
            return
        if not self.records.holds(order.release, order.commit):
            raise self.not_held()
        self.check_path()
        live = self.records.live()
        state = self.records.state()
        again = live == order.release == state.get("release") and state.get("mode") == "atomic"
        if not again:
            adopted = self.adopting(directory=is_real_directory(place.path))
            self.record_switch(live, hooks="due", adopted=adopted)
            self._point_link(adopted.get("name", ""))
        self.after_switch(place.releases / order.release)

    def _point_link(self, name: str) -> None:
        place = self.place
        if is_real_directory(place.path):
            place.set_aside(place.path, name)
        place.point(f".sartoris/releases/{self.order.release}")
        # The switch has happened; what is answered must also be true after a power cut.
        sync_directory(place.directory)

    def take_away(self) -> None:
        """Take the live link away, when it is the order's release or the order names none."""
        live = self.place.linked_release()
        if not live or self.order.release not in ("", live):
            return
        write_json(
            self.place.state, {"version": FILE_VERSION, "mode": "atomic", "when": time.time()}
        )
        self.place.path.unlink()

    def tree_of(self, record: Release) -> Tree:
        return Tree(self.place.releases / record.release, self.place.index, self.store)


def _made_exact(tree: Tree) -> Tree:
    tree.fill()
    tree.remove_untracked()
    return tree


def _is_out_of_time(failure: Exception) -> bool:
    return isinstance(failure, Failure) and failure.error == "timeout"

"""Slots that switch by a checkout in one work tree."""

from __future__ import annotations

import time
from typing import Optional

from sartoris.agent.errors import Failure
from sartoris.agent.files import (
    lexists,
    remove,
    sync_directory,
    sync_file_system,
    write_json,
)
from sartoris.agent.real_tree import tree_for
from sartoris.agent.records import FILE_VERSION, TREE_RULES, Release
from sartoris.agent.slot import Slot
from sartoris.agent.tree import Tree


class InPlaceSlot(Slot):
    """The path is one work tree; switching is a checkout there. Prepare hooks never run."""

    def in_the_way(self) -> Optional[Failure]:
        path, name = self.place.path, self.order.path
        if path.is_symlink():
            return Failure("path-is-link", f"{name} is a link; in-place needs a directory")
        if not lexists(path):
            return None
        if not path.is_dir():
            return Failure("path-is-file", f"{name} is a file")
        if self.records.state().get("mode") == "in-place" or not any(path.iterdir()):
            return None
        return Failure("path-is-directory", f"{name} is a directory, and was not adopted")

    def obtain(self) -> None:
        self.bring()
        self.shared.require_nothing_left()
        Tree(self.place.path, self.place.in_place_index, self.store).require_shared()
        self.records.write()

    def switch(self) -> None:
        order, place = self.order, self.place
        if self.went_back():
            return
        if not self.records.holds(order.release, order.commit):
            raise self.not_held()
        self.check_path()
        live, is_link = self.records.live(), place.path.is_symlink()
        adopted = self.adopting(directory=not is_link and self.in_the_way() is not None)
        self.record_switch(live, live="" if is_link else live, hooks="due", adopted=adopted)
        self.records.write_deploy_file()  # which is written anew at each switch
        self._keep_overwritten()
        if is_link:
            self.repairing(self._take_place_of_link)
        if not is_link or order.submodules == "update":
            self.repairing(self._check_out)
        state = {**self.records.state(), "live": order.release}
        write_json(place.state, state, durable=True)
        self.after_switch(place.path)

    def _check_out(self) -> None:
        live = self.records.release(self.records.live())
        if live is None or live.tree_rules < TREE_RULES:
            # Without an index every file is written; of an older agent's nobody knows by what.
            remove(self.place.in_place_index)
        tree = tree_for(self.place.path, self.place.in_place_index, self.submodules)
        if live is not None:
            tree.recall(live.commit)
        tree.fill()
        tree.save_stat_cache()
        tree.add_extras()

    def _keep_overwritten(self) -> None:
        """Have what the release writes over in a directory that is adopted, to put it back."""
        adopted = self.adopted()
        if adopted is None or not adopted.name or adopted.is_kept:
            return
        self.repairing(lambda: self.way_back.keep_overwritten(self.order, adopted))
        state = {**self.records.state(), "adopted": {**adopted.to_json(), "is_kept": True}}
        write_json(self.place.state, state, durable=True)

    def _take_place_of_link(self) -> None:
        """The tree is made beside the link, which then is gone for no longer than a rename."""
        place = self.place
        if lexists(place.staged):
            place.throw_away(place.staged)
        remove(place.in_place_index)
        tree = tree_for(place.staged, place.in_place_index, self.submodules)
        tree.stands_at = place.path
        tree.fill()
        tree.save_stat_cache()
        tree.add_extras()
        sync_file_system(place.own)
        place.path.unlink(missing_ok=True)
        place.staged.rename(place.path)
        sync_directory(place.directory)

    def take_away(self) -> None:
        """Take the release's files away, when it is the order's or the order names none."""
        live, state = self.records.live(), self.records.state()
        if not live or self.order.release not in ("", live):
            return
        if self.records.previous(live):
            message = "there was a release before, which withdraw cannot bring back"
            raise Failure("bad-order", f"{message} in-place; switch to it")
        record = self.records.release(live)
        if record is None:
            raise Failure("not-held", f"{live} is live, but there is no record of its commit")
        self.repairing(lambda: self.way_back.take_out(record, self.place.path))
        remove(self.place.in_place_index)
        gone = {"version": FILE_VERSION, "mode": state["mode"], "when": time.time()}
        write_json(self.place.state, gone, durable=True)

    def tree_of(self, record: Release) -> Tree:
        del record
        return Tree(self.place.path, self.place.in_place_index, self.store)

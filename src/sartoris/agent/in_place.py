"""Slots that switch by a checkout in one work tree."""

from __future__ import annotations

from sartoris.agent.errors import Failure
from sartoris.agent.files import lexists, remove, write_json
from sartoris.agent.real_tree import tree_for
from sartoris.agent.records import TREE_RULES, Release
from sartoris.agent.slot import Slot
from sartoris.agent.tree import Tree


class InPlaceSlot(Slot):
    """The path is one work tree; switching is a checkout there. Prepare hooks never run."""

    def check_path(self) -> None:
        path, order = self.place.path, self.order
        if path.is_symlink():
            raise Failure("path-is-link", f"{order.path} is a link; in-place needs a directory")
        if not lexists(path):
            return
        if not path.is_dir():
            raise Failure("path-is-file", f"{order.path} is a file")
        ours = self.records.state().get("mode") == "in-place" or not any(path.iterdir())
        if not ours and not order.adopt:
            raise Failure("path-is-directory", f"{order.path} is a directory, and was not adopted")

    def obtain(self) -> None:
        self.bring()
        Tree(self.place.path, self.place.in_place_index, self.store).require_shared()
        self.records.write()

    def switch(self) -> None:
        order, place = self.order, self.place
        if not self.records.holds(order.release, order.commit):
            raise self.not_held()
        self.check_path()
        live = self.records.live()
        self.record_switch(live, live=live, hooks="due")
        self.records.write_deploy_file()  # which is written anew at each switch
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

    def withdraw(self) -> None:
        message = "withdraw makes no sense in-place: there is no earlier state to go back to"
        raise Failure("bad-order", message)

    def tree_of(self, record: Release) -> Tree:
        del record
        return Tree(self.place.path, self.place.in_place_index, self.store)

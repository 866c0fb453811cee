"""Carry out one order on one target, and answer with one outcome (docs/orders.md).

It travels as one file (`sartoris.agent.joined`): standard library only, Python 3.9 or newer.
`outcome.perform` is called in this process (local), `python3 agent.py < order.json` on a target
does the same, `python3 agent.py --serve` for one order after another (`serve`).

For `path` = D/php-slot0 everything the agent owns stands in D/.sartoris:

    REPOSITORY.git      the object store, shared by all slots of the repository
    releases/TAG        complete trees, and nothing else
    staging/SLOT        the tree that is being made; renaming it to releases/TAG says it is complete
    index/TAG           git's index of each tree, so that the next one costs only the difference
    git/SLOT/N          the git directory of a tree with real submodules, which stays with the tree
    meta/TAG.json       which slot, repository and commit a release is
    state/SLOT.json     what was switched to last, and what was live before
    shared/SLOT, adopted, trash/SLOT, lock
"""

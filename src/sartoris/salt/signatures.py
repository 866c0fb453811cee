"""Whose outcome it is: a minion signs it with its own key, the one by which the master knows it.

Salt does not tell who has answered. What a minion fires as an event has the tag and the name that
it writes, and the master takes a return in another's name as well (`resource_id`, a syndic's
returns), into its job cache too. So the name, the job and the outcome are signed together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SIGNATURE = "signature"  # the field of an outcome
_WHAT = "sartoris outcome 1"


def signed_text(outcome: Mapping[str, Any], jid: str, minion: str) -> bytes:
    """What is signed: an outcome of one job can be shown again for no other, and by nobody else."""
    said = {name: value for name, value in outcome.items() if name != SIGNATURE}
    return json.dumps([_WHAT, jid, minion, said], sort_keys=True).encode()

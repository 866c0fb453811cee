"""A minion that answers for others: `python forger.py MINION_DIRECTORY`.

It reads lines of JSON, `{"jid": JOB, "fun": FUNCTION, "minions": [NAME, ...], "value": ...}`, and
says to each that these minions have returned that, in every way that a master takes from a minion
with an accepted key; or, with `tag`, fires the value as an event. It prints a line for each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import salt.channel.client
import salt.config


def main() -> None:
    opts = salt.config.minion_config(f"{sys.argv[1]}/minion")
    opts["master_uri"] = f"tcp://127.0.0.1:{opts['master_port']}"
    with salt.channel.client.ReqChannel.factory(opts) as channel:
        for line in sys.stdin:
            for load in loads(json.loads(line), opts["id"]):
                channel.send(load, timeout=10)
            print("done", flush=True)  # noqa: T201


def loads(asked: dict[str, Any], me: str) -> Iterator[dict[str, Any]]:
    value = asked["value"]
    if "tag" in asked:
        events = [{"tag": asked["tag"], "data": value}]
        yield {"cmd": "_minion_event", "id": me, "events": events}
        return
    jid, fun = asked["jid"], asked["fun"]
    for name in asked["minions"]:
        said = {"jid": jid, "fun": fun, "fun_args": [], "return": value, "retcode": 0}
        said["success"] = True
        events = [{"tag": f"salt/job/{jid}/ret/{name}", "data": {**said, "id": name}}]
        yield {"cmd": "_minion_event", "id": me, "events": events}
        yield {"cmd": "_return", "id": me, "resource_id": name, **said}
        of_one = {"return": value, "retcode": 0, "success": True, "fun": fun}
        yield {"cmd": "_syndic_return", "id": me, "jid": jid, "fun": fun, "return": {name: of_one}}


if __name__ == "__main__":
    main()

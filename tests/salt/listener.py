"""Print the events of a Salt master as lines of JSON: `python listener.py MASTER_CONFIGURATION`.

The first line is `null`, printed once events are received. A program of its own, because Salt's
event bus in the process of the tests would bring Salt's loops and signal handlers there.
"""

from __future__ import annotations

import json
import sys

import salt.config
import salt.utils.event


def main() -> None:
    opts = salt.config.client_config(sys.argv[1])
    with salt.utils.event.get_event("master", opts=opts, listen=True) as bus:
        while not bus.connect_pub(timeout=1):
            pass
        print("null", flush=True)  # noqa: T201
        while True:
            event = bus.get_event(wait=60, full=True, auto_reconnect=True)
            if event is not None:
                print(json.dumps(event, default=repr), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

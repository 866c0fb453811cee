"""The service of a target, and orders that need a newer agent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sartoris.agent.actions import LEVEL
from sartoris.agent.outcome import perform
from sartoris.orders import Order
from tests.agent.conftest import Target, program

# `service` of Debian runs what is here; there is no other place for it to look.
INIT_SCRIPTS = Path("/etc/init.d")


@pytest.fixture
def real_script(tmp_path: Path) -> Iterator[Path]:
    """A service of this machine while the test runs; it writes what it is told to a file."""
    systemd = Path("/run/systemd/system").is_dir()
    if systemd or shutil.which("service") is None or not os.access(INIT_SCRIPTS, os.W_OK):
        assert os.environ.get("CI") != "true", "the tests need Debian's `service`, and no systemd"
        pytest.skip("needs Debian's `service` where systemd does not run, and to be root")
    script = INIT_SCRIPTS / f"sartoris-test-{os.getpid()}"
    state = 'test "$1" != status || { echo out of order; exit 3; }'
    script.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/said\n{state}\n')
    script.chmod(0o755)
    yield script
    script.unlink()


def of_this_machine(unit: str, action: str, tmp_path: Path) -> dict[str, Any]:
    order = Order(
        action="service",
        repository="site",
        slot="slot0",
        path=f"{tmp_path}/php-slot0",
        service=unit,
        service_action="status" if action == "status" else "reload",
    )
    return perform(order.to_json())


def test_a_service_of_the_machine_is_acted_on_by_debians_service(
    real_script: Path, tmp_path: Path
) -> None:
    for unit in (real_script.name, f"{real_script.name}.service"):
        assert of_this_machine(unit, "reload", tmp_path)["ok"]
    state = of_this_machine(real_script.name, "status", tmp_path)
    assert (state["ok"], state["message"], state["output"]) == (True, "inactive", "out of order")
    assert (tmp_path / "said").read_text().split() == ["reload", "reload", "status"]
    assert not (tmp_path / ".sartoris").exists()


def test_a_service_that_this_machine_does_not_have_is_told(tmp_path: Path) -> None:
    for action in ("reload", "status"):
        failed = of_this_machine("sartoris-has-no-such-service", action, tmp_path)
        assert failed["error"] == "service-failed"


def test_a_script_that_hangs_is_ended_with_its_order(target: Target) -> None:
    script = target.root / "etc" / "init.d" / "web"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    outcome = target.ask("service", service="web", service_action="restart", timeout=1)
    assert outcome["error"] == "timeout"


@pytest.mark.parametrize(
    "name",
    ["--now", "a/b", "..", "a b", "a\nb", ".hidden", "reboot.target", "tmp.mount", "x" * 300],
)
def test_what_is_no_service_is_refused(target: Target, name: str) -> None:
    for action in ("fetch", "switch", "status", "service"):
        more = {"service": name, "service_action": "restart"}
        assert target.ask(action, "t1", "a" * 40, **more)["error"] == "bad-order"
    assert list(target.root.iterdir()) == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("service", {}),
        ("service", {"service": "web"}),
        ("service", {"service_action": "restart"}),
        ("service", {"service": "web", "service_action": "stop"}),
        ("switch", {"service": "web"}),
        ("switch", {"service": "web", "service_action": "status"}),
    ],
)
def test_an_order_that_does_not_say_what_to_do_with_which_service_is_refused(
    target: Target, action: str, fields: dict[str, str]
) -> None:
    assert target.ask(action, "t1", "a" * 40, **fields)["error"] == "bad-order"


def test_an_order_for_a_newer_agent_is_refused_whatever_else_is_in_it(target: Target) -> None:
    newer = {**target.order("status"), "action": "teleport", "level": LEVEL + 1}
    refused = perform(newer, str(target.root))
    assert refused["error"] == "agent-too-old"
    message = f"this target's agent is of level {LEVEL}, the order needs {LEVEL + 1}"
    assert refused["message"] == message


@pytest.mark.parametrize("level", ["2", True, None, 1.5])
def test_a_level_that_is_no_number_is_a_bad_order(target: Target, level: object) -> None:
    order = {**target.order("status"), "level": level}
    assert perform(order, str(target.root))["error"] == "bad-order"


def test_orders_name_a_level_only_where_an_old_agent_would_do_something_else(
    target: Target,
) -> None:
    serving = {"service": "web", "service_action": "reload"}
    assert "level" not in target.order("switch", "t1", "a" * 40)
    assert "level" not in target.order("status", **serving)
    for action in ("fetch", "switch", "service"):
        assert target.order(action, "t1", "a" * 40, **serving)["level"] == 2
    assert target.order("fetch", "t1", "a" * 40, submodules="update")["level"] == 2


def give_service(target: Target) -> Path:
    """A service that cannot be acted on until `fixed` is there; the file that tells how often."""
    script = target.root / "etc" / "init.d" / "web"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\ntest -e {target.root}/fixed && echo $1 >> {target.root}/said\n")
    script.chmod(0o755)
    return target.root / "said"


SERVING = {"service": "web", "service_action": "reload"}


def test_a_service_that_failed_is_due_until_a_repeated_switch_has_acted_on_it(
    target: Target,
) -> None:
    said = give_service(target)
    hook = program("echo live >> ../../../../../said")
    commit = target.publisher.release("t1", {"deploy/target/live.x": hook})
    target.ask("fetch", "t1", commit, **SERVING)
    failed = target.ask("switch", "t1", commit, **SERVING)
    assert (failed["error"], failed["due"]) == ("service-failed", ["service", "hooks"])
    assert target.ask("status")["due"] == ["service", "hooks"]

    (target.root / "fixed").touch()

    for _ in range(2):
        assert target.ask("switch", "t1", commit, **SERVING)["due"] == []
    assert said.read_text().split() == ["reload", "live"]


def test_a_service_that_is_no_longer_ordered_is_no_longer_due(target: Target) -> None:
    said = give_service(target)
    commit = target.publisher.release("t1", {"a": "1"})
    target.ask("fetch", "t1", commit, **SERVING)
    assert target.ask("switch", "t1", commit, **SERVING)["due"] == ["service"]

    outcome = target.ask("switch", "t1", commit)

    assert (outcome["ok"], outcome["due"]) == (True, [])
    assert not said.exists()


def test_where_the_record_of_the_switch_is_lost_the_service_is_due(target: Target) -> None:
    said = give_service(target)
    (target.root / "fixed").touch()
    commit = target.release("t1", {"a": "1"}, **SERVING)
    (target.own / "state/slot0.json").unlink()
    assert target.ask("status", **SERVING)["due"] == ["service"]
    assert target.ask("status")["due"] == []

    assert target.ask("switch", "t1", commit, **SERVING)["due"] == []
    assert said.read_text().split() == ["reload", "reload"]


def test_where_nothing_is_live_nothing_is_due(target: Target) -> None:
    give_service(target)
    assert target.ask("status", **SERVING)["due"] == []
    commit = target.publisher.release("t1", {"deploy/target/live.x": program("true")})
    target.ask("fetch", "t1", commit, **SERVING)
    assert target.ask("switch", "t1", commit, **SERVING)["due"] == ["service", "hooks"]

    assert target.ask("withdraw", "t1", **SERVING)["due"] == []
    assert target.ask("status", **SERVING)["due"] == []

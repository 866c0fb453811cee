"""Whoever held a rollout hears of it when somebody else takes it over."""

from __future__ import annotations

from sartoris.events import CommandStarted, MailOffered
from sartoris.queries.taken_over import taken_over
from tests.unit.actions.typing_commands import enter, follow
from tests.unit.actions.world import World

ME = "Some Deployer <deployer@example.org>"
OTHER = "Another One <another@example.org>"


def told(world: World, who: str) -> list[str]:
    world.repository.who = who
    return taken_over(world.site())


def taken_by_another(world: World, name: str, why: str = "") -> None:
    enter(world, "start")
    world.repository.who = OTHER
    assert enter(world, name, force=True, message=why).succeeded


def test_who_took_it_when_how_and_why_is_told_to_the_one_who_had_it(world: World) -> None:
    taken_by_another(world, "abort", "the site is down")
    (line,) = told(world, ME)
    assert "your rollout of slot0 was taken over by Another One <another@example.org>" in line
    assert "with git deploy abort: the site is down" in line
    assert line.endswith("it is aborted now")
    assert told(world, OTHER) == []


def test_a_rollout_that_goes_on_in_other_hands_is_named_by_its_tag(world: World) -> None:
    taken_by_another(world, "sync")
    (line,) = told(world, ME)
    assert next(iter(world.published)) in line
    assert line.endswith("it is finished now")


def test_once_the_person_has_typed_a_command_it_was_told(world: World) -> None:
    taken_by_another(world, "abort")
    with world.command("start") as command:
        command.events.emit(CommandStarted(argv=("git deploy",), by=ME, host="tin", process=1))
    assert told(world, ME) == []


def test_a_mail_is_for_the_one_who_had_it(world: World) -> None:
    taken_by_another(world, "abort", "the site is down")
    (mail,) = [one for one in world.events if isinstance(one, MailOffered) and one.to]
    assert mail.to == ME
    assert "start of slot0" in mail.text
    assert "the site is down" in mail.text


def test_going_on_with_ones_own_is_no_news(world: World) -> None:
    enter(world, "start")
    enter(world, "abort", force=True)
    assert told(world, ME) == []


def test_the_lock_names_the_rollout_and_not_the_last_command(world: World) -> None:
    enter(world, "start", message="the train")
    assert enter(world, "finish").error is not None
    holder = world.records.lock.holder()
    assert holder is not None
    assert holder.describe().endswith("start of slot0: the train")


def test_the_status_of_somebody_elses_rollout_says_whom_to_ask_before_what_needs_force(
    world: World,
) -> None:
    enter(world, "start")
    assert world.status().next_steps == ("git deploy sync", "git deploy abort")
    world.repository.who = OTHER
    status = world.status()
    assert status.whom_to_ask.startswith(f"Ask {ME} first")
    assert [step.partition("   #")[0] for step in status.next_steps] == [
        "git deploy --force sync",
        "git deploy --force abort",
    ]
    assert follow(world, status.next_steps[0]).succeeded, "what it says works when typed"

"""Plans are run wave by wave, with a decision after each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartoris.config.values import CountOrPercent
from sartoris.events import Event, EventStream, GateDecided
from sartoris.fleet.fleet import StageResult
from sartoris.fleet.plan import Planner
from sartoris.fleet.runner import Ran, Runner
from sartoris.orders import Outcome

NAMES = tuple(f"web{number}" for number in range(1, 7))


def run(
    failing: set[str], *, allowed: int, batch: int, behind: tuple[str, ...] = ()
) -> tuple[Ran, list[Event], list[tuple[str, ...]]]:
    events: list[Event] = []
    waves: list[tuple[str, ...]] = []
    stream = EventStream()
    stream.subscribe(events.append)

    def act(names: tuple[str, ...]) -> StageResult:
        waves.append(names)
        return StageResult(
            "switch",
            {n: Outcome(action="switch", target=n, ok=n not in failing) for n in names},
        )

    planner = Planner(
        targets=NAMES, canary=(), batch=CountOrPercent(batch), max_failed=CountOrPercent(allowed)
    )
    plan = planner.in_waves("switch", [n for n in NAMES if n not in behind], behind=behind)
    return Runner(stream).run(plan, act), events, waves


def test_a_decision_has_its_numbers_and_the_wave_after_which_it_was_made() -> None:
    _, events, _ = run({"web2"}, allowed=1, batch=3)
    decided = [event for event in events if isinstance(event, GateDecided)]
    assert [(d.wave, d.passed, d.failed, d.allowed, d.total) for d in decided] == [
        ("batch 1 of 2", True, ("web2",), 1, 6),
        ("batch 2 of 2", True, ("web2",), 1, 6),
    ]


@given(st.sets(st.sampled_from(NAMES)), st.integers(0, 6), st.integers(1, 6))
def test_what_failed_in_a_wave_stops_the_next(failing: set[str], allowed: int, batch: int) -> None:
    ran, _, waves = run(failing, allowed=allowed, batch=batch)
    for wave in waves[:-1]:
        done = {name for earlier in waves[: waves.index(wave) + 1] for name in earlier}
        assert len(done & failing) <= allowed
    assert ran.passed is (len(failing) <= allowed and len(failing) < 6)
    assert {*ran.result.outcomes, *ran.untouched} == set(NAMES)


@given(st.sets(st.sampled_from(NAMES)), st.integers(0, 6))
def test_who_was_left_behind_counts_as_failed(behind: set[str], allowed: int) -> None:
    ran, _, _ = run(set(), allowed=allowed, batch=6, behind=tuple(sorted(behind)))
    assert ran.passed is (len(behind) <= allowed) or len(behind) == len(NAMES)

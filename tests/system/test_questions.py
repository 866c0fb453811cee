"""Questions are answered in place of an action that stands beside them."""

from __future__ import annotations

import pytest

from sartoris.cli.main import actions
from sartoris.cli.options import QUESTIONS
from tests.system.site import Site


def test_every_question_is_known_by_the_name_under_which_its_option_is_kept() -> None:
    assert set(QUESTIONS) <= {parameter.name for parameter in actions.params}


@pytest.mark.parametrize("question", ["--list-all", "-a", "--show-all", "--list", "--show-prefix"])
def test_a_question_beside_an_action_is_answered_and_the_action_not_taken(
    site: Site, question: str
) -> None:
    site.ok(question, "start")
    assert site.holder is None

from __future__ import annotations

from pathlib import Path

import pytest

from sartoris.workspace.checkout_log import CheckoutLog


@pytest.fixture
def moves(tmp_path: Path) -> CheckoutLog:
    return CheckoutLog(tmp_path / "moves")


def test_a_move_that_ends_leaves_no_doubt(moves: CheckoutLog) -> None:
    with moves.to("1" * 40):
        assert moves.interrupted == ["1" * 40]
    assert moves.interrupted == []


def test_moves_that_do_not_end_are_remembered_until_one_does(moves: CheckoutLog) -> None:
    for commit in ("1" * 40, "2" * 40, "1" * 40):
        with pytest.raises(KeyboardInterrupt), moves.to(commit):
            raise KeyboardInterrupt
    assert moves.interrupted == ["1" * 40, "2" * 40]
    with moves.to("3" * 40):
        pass
    assert moves.interrupted == []

"""The one place where an error becomes text and an exit code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from sartoris import errors
from sartoris.cli import boundary


def ends(body: Callable[[], int | None]) -> int:
    return boundary.guarded("git-deploy", body)


def raising(error: BaseException) -> Callable[[], int | None]:
    def body() -> int | None:
        raise error

    return body


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (2, 2)])
def test_a_command_s_end_is_the_exit_code(returned: int | None, code: int) -> None:
    assert ends(lambda: returned) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.Refused, 1),
        (errors.WrongUsage, 2),
        (errors.WrongSetup, 17),
        (errors.NoPrefix, 19),
        (errors.ServiceIncomplete, 69),
        (errors.SyncIncomplete, 71),
        (errors.NotFinished, 72),
        (errors.CachesStale, 73),
        (errors.MachineTrouble, 74),
    ],
)
def test_an_expected_error_is_its_message_and_the_next_commands(
    kind: type[errors.SartorisError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ends(raising(kind("it is so", next_steps=["git deploy abort", "git status"]))) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "git-deploy: it is so\nNext:\n  git deploy abort\n  git status\n"


def test_each_exit_code_belongs_to_one_class() -> None:
    def classes(of: type[errors.SartorisError]) -> list[type[errors.SartorisError]]:
        return [of, *(one for child in of.__subclasses__() for one in classes(child))]

    owners = [one for one in classes(errors.SartorisError) if "exit_code" in vars(one)]
    codes = [one.exit_code for one in owners if one is not errors.SartorisError]
    assert len(codes) == len(set(codes)), owners


def test_an_error_without_a_way_out_has_no_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    ends(raising(errors.Refused("it is so")))
    assert capsys.readouterr().err == "git-deploy: it is so\n"


def test_wrong_usage_is_click_s_own_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(click.UsageError("no such option"))) == 2
    assert "no such option" in capsys.readouterr().err


def test_an_interrupt_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(KeyboardInterrupt())) == 130
    assert "`git deploy status` tells where it stands" in capsys.readouterr().err


def test_trouble_of_the_machine_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(OSError(28, "No space left on device", "/srv/x"))) == 74
    err = capsys.readouterr().err
    assert "git-deploy: /srv/x: No space left on device" in err
    assert "bug" not in err


def test_a_bug_says_where_its_details_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(ZeroDivisionError("division by zero"))) == 70
    err = capsys.readouterr().err
    assert "this is a bug in Sartoris: ZeroDivisionError: division by zero" in err
    found = re.search(r"The details are in (.*)", err)
    assert found is not None
    log = Path(found[1])
    assert "Traceback" in log.read_text()
    log.unlink()


def test_an_exit_that_click_asks_for_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(click.exceptions.Exit(3))) == 3
    assert capsys.readouterr().err == ""


def test_a_program_ends_with_that_code() -> None:
    with pytest.raises(SystemExit) as caught:
        boundary.run("git-deploy", lambda: 3)
    assert caught.value.code == 3

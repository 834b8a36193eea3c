from dataclasses import replace

from rich.console import Console

from evaluation.audit.access_verdict import access_sentence
from evaluation.audit.result import Caveat
from recipes.auditing.audit_summary import print_summary
from tests.support.made_audit import make_audit


def test_a_verdict_that_points_to_warnings_is_followed_by_them(capsys):
    caveats = [
        Caveat("phi has collapsed [bold]", "phi", "emotion"),
        Caveat("x is below chance", "x", "emotion"),
        Caveat("few subjects in all"),
        Caveat("Short: a third of the samples is missing", "phi"),
        Caveat("Short: a tenth of the samples is missing", "x"),
    ]
    print_summary(replace(make_audit(), caveats=caveats), Console(width=1000))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    (place,) = (i for i, line in enumerate(lines) if "2 warnings of the checks below limit" in line)
    assert lines[place + 1 :] == [
        "  warning: phi has collapsed [bold]",
        "  warning: Short: a third of the samples is missing",
        f"  {access_sentence(make_audit(), 'emotion', 'phi')}",
        "warning: few subjects in all",
        "warning (x): Short: a tenth of the samples is missing",
    ]


def test_without_warnings_nothing_follows(capsys):
    print_summary(replace(make_audit(), caveats=[]), Console(width=1000))
    assert "warning" not in capsys.readouterr().out


def test_an_audit_of_verification_alone_prints_its_warnings(capsys):
    alone = replace(make_audit(), attributes=(), caveats=[Caveat("few subjects in all")])
    print_summary(alone, Console(width=1000))
    sentence, warning = capsys.readouterr().out.splitlines()
    assert "phi tells subjects apart with AUC .9900" in sentence
    assert warning == "warning: few subjects in all"

"""`hotline eval`: the measures of screening and answering on a labelled file, each beside its plain baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

import knowledge.measure
import server
import triage.measure
from command import answering
from knowledge.index import IndexRefused
from knowledge.questions_file import read_questions
from settings import load_settings
from triage.loading import load_rulebook
from triage.screen import Screener

app = typer.Typer(help="Measure screening or answers on a labelled file.", no_args_is_help=True)
out = Console()
_ZONE = ZoneInfo("Asia/Shanghai")
Labelled = Annotated[Path, typer.Argument(help="labelled JSON lines", exists=True, dir_okay=False)]


@app.command()
def screening(file: Labelled) -> None:
    """Recall, false alarms, kappa, by category and form, beside a plain keyword list."""
    try:
        examples = triage.measure.parse_examples(file.read_text(encoding="utf-8").splitlines())
    except (KeyError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"{file}: not labelled messages ({error!r}); needs id, text and level") from error
    screener = Screener(load_rulebook())
    reports = {
        f"frames {screener.version}": triage.measure.measure(examples, lambda text: screener.judge(text).level),
        f"{len(triage.measure.KEYWORDS)} keywords": triage.measure.measure(examples, triage.measure.by_keywords),
    }
    for table in triage.measure.tables(reports):
        out.print(table)


@app.command()
def answers(file: Labelled) -> None:
    """Recall@1, recall@3, MRR, answered and wrong shares of the index this deployment serves, beside BM25."""
    try:
        asked = read_questions(file)
    except (KeyError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"{file}: not labelled questions ({error!r}); needs id, text and topics") from error
    settings = load_settings()
    answering.ensure_index(settings)
    served = server.load_answering(settings)
    if served.answerer is None:
        raise IndexRefused("there is no index; run `hotline index`")
    known = served.library.articles.keys()
    questions = [question for question in asked if not question.topics or question.topics & known]
    today = server.utc_now().astimezone(_ZONE).date()
    out.print(knowledge.measure.report(served.library, served.answerer, questions, today))

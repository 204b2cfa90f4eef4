"""`hotline eval`: the measures of screening and answering on a labelled file, each beside its plain baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

import knowledge.measure
import knowledge.rephrase_measure
import triage.measure
import wiring
from command import answering, screening_report
from knowledge.articles import load_library
from knowledge.calibrate import LIBRARY
from knowledge.index import IndexRefused
from knowledge.questions_file import read_questions
from knowledge.rephrase import load_rules
from knowledge.rephrasings_file import FOLDER, read_rephrasings
from settings import load_settings
from triage.classifier import ModelError
from triage.loading import RulebookError
from triage.release import SHIPPED

app = typer.Typer(help="Measure screening or answers on a labelled file.", no_args_is_help=True)
out = Console()
_ZONE = ZoneInfo("Asia/Shanghai")
Labelled = Annotated[Path, typer.Argument(help="labelled JSON lines", exists=True, dir_okay=False)]


Release = Annotated[Path, typer.Option(help="folder with rulebook/, lexicon/, model/", exists=True, file_okay=False)]


@app.command()
def screening(
    files: Annotated[
        list[Path], typer.Argument(help="labelled messages or conversations", exists=True, dir_okay=False)
    ],
    release: Release = SHIPPED,
    against: Annotated[Path | None, typer.Option(help="an older release to compare with, message by message")] = None,
) -> None:
    """Recall, false alarms, kappa, by category and form: together, rules alone, classifier alone, keywords."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        examples = triage.measure.parse_examples(line for line in lines if '"turns"' not in line)
        turns = [line for line in lines if '"turns"' in line]
        made = list(screening_report.report(examples, turns, release, against))
    except (RulebookError, ModelError) as error:
        raise typer.BadParameter(f"not a screening release that works: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"not labelled messages ({error!r}); needs id, text and level") from error
    for table in made:
        out.print(table)


@app.command()
def false_alarms(
    files: Annotated[list[Path], typer.Argument(help="lines with a text, .gz or plain", exists=True, dir_okay=False)],
    release: Release = SHIPPED,
) -> None:
    """How many ordinary, unlabelled messages would alarm: together, rules alone, classifier alone, keywords."""
    out.print(screening_report.ordinary(list(screening_report.texts(files)), release))


@app.command()
def answers(file: Labelled) -> None:
    """Recall@1, recall@3, MRR, answered and wrong shares of the index this deployment serves, beside BM25."""
    try:
        asked = read_questions(file)
    except (KeyError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"{file}: not labelled questions ({error!r}); needs id, text and topics") from error
    settings = load_settings()
    answering.ensure_index(settings)
    served = answering.load_answering(settings).knowledge
    if served.answerer is None:
        raise IndexRefused("there is no index; run `hotline index`")
    known = served.library.articles.keys()
    questions = [question for question in asked if not question.topics or question.topics & known]
    today = wiring.utc_now().astimezone(_ZONE).date()
    out.print(knowledge.measure.report(served.library, served.answerer, questions, today))


@app.command()
def generation(
    file: Annotated[Path, typer.Argument(help="labelled rephrasings", exists=True, dir_okay=False)] = FOLDER
    / "test.jsonl",
    fit: Annotated[bool, typer.Option(help="also find the thresholds that this file suggests")] = False,
) -> None:
    """How many harmed rephrasings are caught and how many good ones kept, by kind of harm; needs no model."""
    rules, library = load_rules(), load_library(LIBRARY)
    try:
        texts = read_rephrasings(file)
        shares = knowledge.rephrase_measure.measure(rules, library, texts)
    except (KeyError, TypeError, ValueError) as error:
        raise typer.BadParameter(
            f"{file}: not labelled rephrasings ({error!r}); needs id, article, good and bad"
        ) from error
    table = Table("figure", "value  [95 % interval]  counts")
    for name, share in shares.items():
        table.add_row(name, str(share))
    out.print(table)
    if fit:
        out.print(str(knowledge.rephrase_measure.fit(rules, library, texts)))

"""Which articles are in force: the shipped ones, over which those of this deployment win."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from knowledge.answers import Answerer
from knowledge.articles import ArticleError, Library, parse_article
from knowledge.encoder import Encoder


@dataclass(frozen=True)
class Knowledge:
    """What the service answers from now; replaced as a whole. Without an answerer it only knows titles."""

    library: Library
    answerer: Answerer | None = None
    encoder: Encoder | None = None
    release: int = 0  # the newest change of this deployment's articles that is in it
    unusable: Mapping[str, str] = field(default_factory=dict)  # article -> why its own text was passed over


def overlay(library: Library, files: Mapping[str, str]) -> tuple[Library, dict[str, str]]:
    """The library with this deployment's files; one that cannot be read any more is passed over and named.

    An update of the program may take a source away that an article cites: then the shipped text speaks, and the
    rest of the library goes on.
    """
    articles, unusable = dict(library.articles), {}
    for key, text in files.items():
        try:
            article = parse_article(text, f"{key}.md")
            cited = {*article.sources, *(fact.source for fact in article.facts)}
            if unknown := sorted(cited - library.sources.keys()):
                raise ArticleError(f"{key}.md: sources: unknown {', '.join(unknown)}")
        except ArticleError as error:
            unusable[key] = str(error)
        else:
            articles[key] = article
    return replace(library, articles=articles), unusable

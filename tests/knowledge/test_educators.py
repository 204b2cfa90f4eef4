"""The articles for health educators: targets by place and year, each number kept, and nobody in distress led there."""

from __future__ import annotations

import re

import pytest
from knowledge_samples import TODAY
from test_library import CATALOGUE, LAST

from knowledge.answers import Answerer
from knowledge.articles import Article, Library
from knowledge.calibrate import LIBRARY
from knowledge.questions_file import read_dev
from knowledge.trial import control_questions, read_limits

GROUP = "政策目标与指标"
DOCUMENTS = {"S0", "S1", "S2", "S3", "S4"}
IDS = sorted(path.stem for path in LIBRARY.glob("E*.md") if f'group = "{GROUP}"' in path.read_text(encoding="utf-8"))
# By another voice, after the articles; no model has learnt them.
ASKED = (
    ("我们街道发折页，想在封底印一句‘知晓率目标’，城区居民这头是八成吗，依据哪年哪份通知", "E218"),
    ("村医培训测验，问农村人口应知应会的比例线，五十、六十、七十三个数我都见过，各是谁家的", "E218"),
    ("中学生这块的核心知识，滕州跟济源一个85一个80，我没记反吧", "E218"),
    ("渝中那张目标表，第五行居民素养，起点和终点各是几个百分点", "E219"),
    ("报告里有人写全国素养要到25%，我怎么记得那只是某个市自己定的", "E219"),
    ("健教所新人求教，一个叫知晓、一个叫素养，报表里两栏能合成一栏不", "E220"),
    ("收了两百张卷子，每张十题，是按题算还是按人头算，公式给我捋捋", "E220"),
    ("线上有奖竞答九成都答对了，科长说当居民知晓率报，这样行吗", "E220"),
    ("疾控月报要填规范管理率，渝中那份计划卡的是95还是90", "E221"),
    ("按时吃药那个率，有的写七十五有的写八十五，差别在哪儿呀", "E221"),
    ("报告患病率千分之四点六是哪个市的要求来着", "E221"),
    ("在管除以在册，还是在册除以全人口？算管理率老弄混", "E222"),
    ("随访信息填了一半的人能不能进管理率的分子", "E222"),
    ("人大代表提案要用：每十万人该有几位精神科执业医师，各地写法列一下", "E223"),
    ("床位3.7张这个数，分母是万人还是十万人", "E223"),
    ("社区一个专干管八十个在册的，这比例是谁规定的", "E223"),
    ("卫健局打算设本地热线，想找每县必须有一条全天候线路的原始出处", "E224"),
    ("组危机干预队，护士社工算不算规定人员，哪份通知有讲", "E224"),
    ("一比三百配专职心理老师，这话我校领导不信，原文出在哪儿", "E225"),
    ("教委写总结，‘健康教育、监测预警、咨询服务、干预处置’这套叫啥，哪个区提的", "E225"),
    ("社工站迎检，辅导室百分百覆盖的说法是指社区还是指街道", "E226"),
    ("妇联管的家长学校那类站点，六成要讲心理，这指标咋来的", "E226"),
    ("中西部乡镇有康复机构的要占三成，東部六成，這是幾年的要求", "E227"),
    ("年底检查宣传台账，文件有没有说一年至少几场、重点对哪些人讲", "E228"),
    ("坐席一年两训、一月一督，这句是国家层面写的还是咱自己定的", "E229"),
)
_AMOUNT = re.compile(r"\d+(?:\.\d+)?[%‰]|\d+:\d+|\d+(?:\.\d+)?(?=[名张次])")


@pytest.fixture(params=IDS)
def article(request: pytest.FixtureRequest, library: Library) -> Article:
    return library.articles[request.param]


def test_they_follow_the_catalogue() -> None:
    assert [f"E{n}" for n in range(CATALOGUE + 1, LAST + 1)] == IDS


def test_it_is_policy_for_educators_and_nobody_has_reviewed_it(article: Article) -> None:
    assert (article.kind, article.review) == ("policy", "pending")
    assert "健康教育人员" in article.audiences


def test_it_rests_on_the_documents(article: Article) -> None:
    verified = {fact.source for fact in article.facts if fact.status == "verified"}
    assert verified & DOCUMENTS
    assert {fact.source for fact in article.facts} <= set(article.sources)


def test_every_number_of_a_fact_stands_in_the_answer(article: Article) -> None:
    answer = article.short + article.long
    assert [n for fact in article.facts for n in _AMOUNT.findall(fact.claim) if n not in answer] == []


def test_a_target_says_by_when(article: Article) -> None:
    """A share that somebody must reach names its year, or the year of the document that sets it."""
    targets = [fact.claim for fact in article.facts if fact.status == "verified" and _AMOUNT.search(fact.claim)]
    assert [claim for claim in targets if not re.search(r"20[12]\d年|“十四五”|100%$|管理率＝", claim)] == []


def test_whoever_needs_help_now_is_told_where(article: Article) -> None:
    assert "{{num:help}}" in article.long or "{{num:ambulance}}" in article.long


def test_another_voice_finds_them(answerer: Answerer) -> None:
    found = [topic in answerer.choose(text, TODAY).articles[:3] for text, topic in ASKED]
    assert sum(found) >= 20


def test_nobody_else_is_answered_with_targets(answerer: Answerer) -> None:
    asked = control_questions(read_dev(), read_limits())
    assert [q.text for q in asked if answerer.choose(q.text, TODAY).article in IDS] == []


@pytest.mark.parametrize(
    "text", ["我不想活了", "心理援助热线", "半夜想找人说话", "孩子在学校被欺负了", "家里人不肯吃药"]
)
def test_a_person_in_distress_is_led_to_help(answerer: Answerer, text: str) -> None:
    assert answerer.choose(text, TODAY).articles[0] not in IDS

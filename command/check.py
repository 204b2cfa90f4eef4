"""What is not fit for production, in words that say what to do."""

from __future__ import annotations

from datetime import datetime

import httpx
from rich.console import Console

import desk_rules
import outside
import wiring
from command import answering
from escalation.calling import outside_of, ways_of
from escalation.routing import RUNG_WORDS
from knowledge.encoder import EncoderError
from knowledge.index import IndexRefused
from knowledge.ranking import CalibrationError
from records.staff import first_broken
from settings import Settings
from triage import release
from triage.loading import RulebookError
from triage.risk import Level

_ONCALL_ROLES = frozenset({"duty_lead", "supervisor"})
_CARRIER_WORDS = {"push": "浏览器通知", "sms": "短信", "mail": "邮件", "robot": "企业微信群"}
_TWO_FACTORS = ("supervisor", "duty_lead", "admin", "privacy_officer")  # they see everybody, or decide who does


def faults(settings: Settings) -> list[str]:
    """Everything that must be mended before real people write to this deployment."""
    found = []
    if not settings.local_24h:
        found.append("没有本地24小时热线号码：请设置 HOTLINE_LOCAL_24H（只有全国号码，夜间可能无人接听）")
    if not (settings.oncall_name and settings.oncall_phone):
        found.append("没有外部值守人：请设置 HOTLINE_ONCALL_NAME 和 HOTLINE_ONCALL_PHONE")
    if not settings.is_https:
        found.append("没有加密的访问地址：请设置 HOTLINE_PUBLIC_URL=https://…（放在支持TLS的代理后面）")
    if settings.key_file is None and not settings.database_url:
        found.append("密钥和数据库放在同一个文件夹：请用 HOTLINE_KEY_FILE 把密钥放到别处，并另行备份")
    if not settings.second_factor_roles.issuperset(_TWO_FACTORS):
        found.append(f"看得最多的角色没有要求两步验证：请设置 HOTLINE_SECOND_FACTOR={','.join(_TWO_FACTORS)}")
    return found + _faults_in_screening(settings) + _faults_in_store(settings)


def _faults_in_screening(settings: Settings) -> list[str]:
    folder = release.in_force(settings.screening_dir)
    try:
        screener = release.open_screener(folder)
    except RulebookError as error:
        return [f"启用的筛查规则读不了，只能退回自带的规则：{error}"]
    return [f"筛查的文字模型用不了，只剩规则在判断：{screener.fault}"] if screener.fault else []


def _faults_in_store(settings: Settings) -> list[str]:
    store = wiring.open_store(settings)
    try:
        with store.engine.connect() as connection:
            staff = [who for who in store.staff.all(connection) if who.is_active]
    finally:
        store.engine.dispose()
    found = []
    if store.vault.is_sample:
        found.append("正在使用公开的示例密钥：删除它，重新启动会生成新的密钥")
    ready = [who for who in staff if not who.must_change]
    if not any("counsellor" in who.roles for who in ready):
        found.append("没有可以值班的接线员：用 hotline user add 添加，并完成首次登录改密")
    if not any(_ONCALL_ROLES & set(who.roles) for who in ready):
        found.append("没有值班长或督导：用 hotline user add --role duty_lead / supervisor 添加")
    if sum("counsellor" in who.roles or bool(_ONCALL_ROLES & set(who.roles)) for who in ready) < 2:
        found.append("调低橙色、红色等级需要第二人：至少要有两位老师，其中一位是值班长或督导")
    return found


def faults_in_audit(settings: Settings) -> list[str]:
    """Where the audit was changed afterwards. Not among `faults`: it cannot be mended, and the hotline must start."""
    store = wiring.open_store(settings)
    try:
        with store.engine.connect() as connection:
            broken = first_broken(store.staff.audit_rows(connection))
    finally:
        store.engine.dispose()
    if broken is None:
        return []
    return [f"审计链从第{broken}条起对不上：有记录被改过或删掉。请先备份数据库，查谁能直接打开它，并报告负责人"]


def faults_in_knowledge(settings: Settings) -> list[str]:
    """Why the bot can answer no question. Not among `faults`: screening and people go on, the hotline must start."""
    if not settings.encoder and not settings.database_url:
        return []  # `hotline serve` builds what is missing
    try:
        answering.load_answering(settings)
    except (IndexRefused, EncoderError, CalibrationError, OSError) as error:
        return [f"机器人现在答不了知识问题，只能请人转给老师；请运行 hotline index。原因：{error}"]
    return []


def ways_out(settings: Settings) -> dict[str, list[str]]:
    """Rung -> how the people on it are called when nobody looks at a screen, in an emergency."""
    store = wiring.open_store(settings)
    try:
        calls = wiring.make_calls(settings, store, outside.open_ways(settings, httpx.AsyncClient(), wiring.utc_now))
        with store.engine.connect() as connection:
            ways = [way for way in store.addresses.staff_ways(connection) if way.carrier in calls.carriers]
    finally:
        store.engine.dispose()
    found = {}
    for name, rule in calls.rungs.items():
        called = ways_of(rule, Level.EMERGENCY, ways) + outside_of(rule, Level.EMERGENCY, calls.own)
        carriers = [way.carrier for way in called]
        counts = {carrier: carriers.count(carrier) for carrier in _CARRIER_WORDS if carrier in carriers}
        found[RUNG_WORDS[name]] = [f"{_CARRIER_WORDS[carrier]} {count}" for carrier, count in counts.items()]
    return found


def show_ways_out(found: dict[str, list[str]]) -> None:
    """Print which rungs can be called outside the screens; loudly when none can."""
    out = Console()
    if not any(found.values()):
        out.print(
            "[yellow]注意[/yellow] 没有人看屏幕时，警报叫不到任何人：请开通短信、邮件、浏览器通知或企业微信群"
            "（docs/calling.md），并让值班长、督导在“我的通知”里填好、试发",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return
    for rung, ways in found.items():
        words = "、".join(ways) if ways else "[yellow]只在屏幕上[/yellow]"
        out.print(f"屏幕外通知 {rung}：{words}", highlight=False)


def show_missing_years(settings: Settings, now: datetime) -> None:
    """Print for which years clocks in working days know weekends alone."""
    for year in desk_rules.make_workdays(settings).missing(now):
        Console().print(
            f"[yellow]注意[/yellow] 没有 {year} 年的节假日：按工作日算的期限只认周末。国务院办公厅公布后，照"
            " escalation/workdays.toml 的写法放进一个文件，用 HOTLINE_HOLIDAYS_FILE 指给它",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def show(found: list[str]) -> None:
    """Print the faults, or that there are none."""
    out = Console()
    if not found:
        out.print("可以投入使用：没有发现问题。")
    for fault in found:
        out.print(f"[red]✗[/red] {fault}", highlight=False)

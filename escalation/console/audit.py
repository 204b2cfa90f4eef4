"""The privacy officer's page: who saw or changed what, when and why. Ids and names of staff, no content of people."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from escalation.console.access import Console
from escalation.record.timeline import load_words
from escalation.sharing_desk import REVEAL_WORDS
from records.audit_search import Entry, Wanted

_ZONE = ZoneInfo("Asia/Shanghai")
_ON_PAGE = 300
_IN_FILE = 50_000
_LOOKS = ("case_view", "file_view", "undelivered_view", "contact_revealed", "screening_texts_read")
ACTION_WORDS = {action: words for action, words in load_words().items() if words} | {
    "shift_begun": "上班", "shift_ended": "下班", "went_away": "暂离", "came_back": "回来", "took_break": "休息",
    "roster_added": "排班", "roster_copied": "复制排班", "roster_removed": "取消排班", "handover_view": "看交接班",
    "notice_address_added": "添加通知方式", "notice_address_removed": "删除通知方式",
    "notice_address_switched": "开关通知方式", "institutions_imported": "导入机构名录",
    "institutions_exported": "导出机构名录", "referrals_view": "看转介",
    "account_added": "添加账号", "account_disabled": "停用账号", "account_factor_reset": "重置两步验证",
    "account_renamed": "改名字", "account_reset": "重置密码", "account_roles": "改角色", "audit_exported": "导出审计",
    "minor_log_export": "导出未成年人个案查阅记录", "retention_done": "到期记录处理完一夜",
    "retention_approved": "确认删除到期的记录", "case_held": "依法保留一个个案",
    "case_released": "结束依法保留一个个案", "deletion_carried_out": "执行了删除申请",
    "law_answered": "答复来访者对自己记录的申请",
    "case_share_ended": "结束共享", "case_shared": "共享个案", "case_view": "看个案", "claimed": "接手",
    "closed": "结案", "closing_view": "看待签结案", "closing_submitted": "提交结案", "closing_signed": "签字结案",
    "closing_returned": "退回结案", "missed_exported": "导出漏报例句", "review_remarked": "批注一条消息",
    "supervision_added": "记督导", "training_added": "记培训", "training_removed": "删掉培训记录",
    "trainings_imported": "导入培训记录",
    "drill_planned": "安排演练", "drill_cancelled": "取消演练", "drill_begun": "演练开始", "drill_done": "演练完成",
    "drill_stopped": "停止演练", "drill_broken": "演练中断", "drill_concluded": "写演练发现的问题",
    "contact_blocked": "屏蔽", "contact_revealed": "查看姓名和联系方式", "contact_unblocked": "解除屏蔽",
    "factor_added": "开启两步验证", "factor_ended": "关闭两步验证", "file_view": "看文件", "handed_back": "交还机器人",
    "level_confirmed": "同意调低", "level_proposed": "申请调低", "level_refused": "不同意调低", "level_set": "调整等级",
    "locked": "账号锁定", "noted": "写备注", "opinion_given": "写意见", "password_changed": "改密码",
    "plan_ended": "结束常客方案", "plan_set": "写常客方案", "recovery_codes_made": "换恢复码", "released": "放回队列",
    "safeguarding_view": "看保护页", "safeguarding_notification_make": "提出3级及以上通报",
    "safeguarding_notification_agree": "同意通报", "safeguarding_notification_refuse": "不同意通报",
    "safeguarding_notification_send": "作了通报", "safeguarding_notification_acknowledge": "记下通报的回执",
    "safeguarding_notification_withdraw": "撤回通报",
    "report_exported": "导出报表", "report_frozen": "冻结报表",
    "screening_adopted": "启用筛查规则", "screening_texts_read": "看筛查重放的文字", "sign_in_refused": "拒绝登录",
    "sign_in_wrong": "密码或验证码不对", "signed_in": "登录", "signed_out": "退出",
    "signed_out_elsewhere": "退出其他登录", "undelivered_retried": "重试未送达的话",
    "undelivered_settled": "用其他方式联系上", "rise_seen": "看过升为橙红的抄送",
    "undelivered_view": "看未送达的话",
}  # fmt: skip
_COLUMNS = ("序号", "时间", "用户名", "名字", "做了什么", "个案", "原因", "对象账号")


@dataclass(frozen=True)
class Asked:
    """The filter as it was typed; what cannot be read is left out."""

    case_no: str
    person: str  # a login
    day: str
    kind: str  # looks | all

    def wanted(self, people: dict[str, str]) -> Wanted:
        """`people`: login -> id; a login that is nobody's finds nothing."""
        since = _start_of(self.day)
        return Wanted(
            self.case_no,
            people.get(self.person, "nobody") if self.person else "",
            since,
            since + timedelta(days=1) if since else None,
            _LOOKS if self.kind != "all" else (),
        )


def router(console: Console) -> APIRouter:
    """Routes of the page."""
    routes = APIRouter(prefix="/console/audit")

    @routes.get("")
    async def show(request: Request) -> Any:
        visitor = await console.visitor(request, "audit_view")
        asked = _asked(request)
        lines, total = await asyncio.to_thread(_read, console, asked, _ON_PAGE)
        return console.page(
            request, "audit.html", visitor, columns=_COLUMNS, lines=lines, total=total, asked=asked, most=_ON_PAGE
        )

    @routes.get("/chain.json")
    async def chain(request: Request) -> Any:
        await console.visitor(request, "audit_view")
        return {"words": await asyncio.to_thread(_chain_words, console)}

    @routes.post("/export")
    async def export(request: Request) -> Response:
        visitor = await console.writing_visitor(request, "audit_export")
        asked, now, staff = _asked(request), console.now(), console.accounts.staff
        lines, _ = await asyncio.to_thread(_read, console, asked, _IN_FILE)
        await console.writer.write(
            lambda c: staff.audit(c, "audit_exported", now, actor_id=visitor.id, rows=len(lines))
        )
        name = f"audit-{visitor.counsellor.login}-{now.astimezone(_ZONE):%Y%m%d-%H%M%S}.csv"
        return Response(
            _csv(lines), media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    return routes


def _asked(request: Request) -> Asked:
    """The same query for page and file: the file holds what the page shows."""
    query = request.query_params
    return Asked(*(query.get(name, "").strip()[:80] for name in ("case_no", "person", "day", "kind")))


def _read(console: Console, asked: Asked, limit: int) -> tuple[list[tuple[str, ...]], int]:
    with console.engine.connect() as connection:
        staff = {who.id: who for who in console.accounts.staff.all(connection)}
        people = {who.login: who.id for who in staff.values()}
        names = {who.id: (who.login, who.display_name) for who in staff.values()}
        found = console.audit.find(connection, asked.wanted(people), limit)
        return [_line(entry, names) for entry in found], console.audit.count(connection)


def _line(entry: Entry, names: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    login, name = names.get(entry.actor_id or "", ("", "系统" if entry.actor_id is None else "（没有这个账号）"))
    return (
        str(entry.seq),
        f"{entry.at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}",
        login,
        name,
        ACTION_WORDS.get(entry.action, entry.action),
        entry.case_no,
        "受邀" if entry.action == "case_view" and "share" in entry.detail else _why(entry),
        names.get(entry.object_id or "", ("", ""))[0],
    )


def _why(entry: Entry) -> str:
    return REVEAL_WORDS.get(str(entry.detail.get("why", "")), "")


def _chain_words(console: Console) -> str:
    with console.engine.connect() as connection:
        broken, total = console.audit.broken_at(connection), console.audit.count(connection)
    return f"完整，共 {total} 行" if broken is None else f"第 {broken} 行对不上：这一行或它前面的记录被改过，请马上报告"


def _csv(lines: list[tuple[str, ...]]) -> bytes:
    """With a byte order mark, so that office programs read Chinese."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows([_harmless(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    """No cell is a formula when an office program opens the file."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _start_of(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), time(), _ZONE)
    except ValueError:
        return None

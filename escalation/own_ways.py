"""Where a counsellor wants to be called when not looking at a screen, and a trial call of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from escalation.cases import NotAllowed
from records.addresses import MAIL, PUSH, SMS, STAFF, Address, Addresses, mail_of, phone_of
from records.notices import TRIAL, NewNotice, Notice, Notices
from records.staff import Counsellor, Staff

_MOST = 10
_TRIAL_AGAIN = timedelta(seconds=60)
_READ: Mapping[str, Callable[[str], str]] = {MAIL: mail_of, SMS: phone_of, PUSH: str}
_WRONG = {MAIL: "这不像邮箱地址，请检查", SMS: "这不像手机号，请只填数字", PUSH: "这个浏览器的通知服务不在允许的名单里"}
_NOT_HERE = {MAIL: "还没有开通邮件", SMS: "还没有开通短信", PUSH: "还没有开通浏览器通知"}


@dataclass(frozen=True)
class OwnWays:
    """The actions of somebody on the own addresses. Each method runs inside one transaction."""

    addresses: Addresses
    notices: Notices
    staff: Staff
    carriers: frozenset[str]
    takes_browser: Callable[[str], bool]  # whether a push address is at a service that we call

    def all(self, connection: sa.Connection, who: Counsellor) -> list[tuple[Address, Notice | None]]:
        """Every address with its last trial call."""
        return [
            (address, self.notices.newest(connection, address.id, TRIAL))
            for address in self.addresses.of(connection, who.id)
        ]

    def add(self, connection: sa.Connection, who: Counsellor, carrier: str, text: str, now: datetime) -> None:
        """One more address; the same one again is only switched on."""
        if carrier not in self.carriers or carrier not in _READ:
            raise NotAllowed(_NOT_HERE.get(carrier, "没有这种通知方式"))
        address = _READ[carrier](text)
        if not address or (carrier == PUSH and not self.takes_browser(address)):
            raise NotAllowed(_WRONG[carrier])
        if len(self.addresses.of(connection, who.id)) >= _MOST:
            raise NotAllowed(f"最多{_MOST}个，请先删掉不用的")
        self.addresses.add(connection, STAFF, who.id, carrier, address, now)
        self.staff.audit(connection, "notice_address_added", now, actor_id=who.id, carrier=carrier)

    def switch(self, connection: sa.Connection, who: Counsellor, address_id: str, is_on: bool, now: datetime) -> None:
        """Call there, or not for a while."""
        self._own(connection, who, address_id)
        self.addresses.change(connection, address_id, is_on=is_on)
        self.staff.audit(connection, "notice_address_switched", now, actor_id=who.id, object_id=address_id, on=is_on)

    def remove(self, connection: sa.Connection, who: Counsellor, address_id: str, now: datetime) -> None:
        """Forget the address."""
        self._own(connection, who, address_id)
        self.addresses.remove(connection, [address_id])
        self.staff.audit(connection, "notice_address_removed", now, actor_id=who.id, object_id=address_id)

    def try_out(self, connection: sa.Connection, who: Counsellor, address_id: str, now: datetime) -> None:
        """Call there once, in words that say that nothing has happened."""
        address = self._own(connection, who, address_id)
        if address.carrier not in self.carriers:
            raise NotAllowed(_NOT_HERE[address.carrier])
        last = self.notices.newest(connection, address_id, TRIAL)
        if last is not None and now - last.made_at < _TRIAL_AGAIN:
            raise NotAllowed("刚刚试过，请等一分钟再试")
        trial = NewNotice(TRIAL, "trial.sent", address.carrier, address_id, now, counsellor_id=who.id)
        self.notices.add(connection, [trial], now)

    def _own(self, connection: sa.Connection, who: Counsellor, address_id: str) -> Address:
        address = self.addresses.get(connection, address_id)
        if address is None or address.owner_id != who.id:
            raise NotAllowed("这一条已经不在了，请刷新")
        return address

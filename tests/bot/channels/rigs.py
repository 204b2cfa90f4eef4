"""Every platform that the contract test and the mixed load run: name -> our service with the platform beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bot.channels.partner_platform import partner_rig
from tests.bot.channels.rig import Rig
from tests.bot.channels.telegram_rig import telegram_rig
from tests.bot.channels.web_rig import web_rig
from tests.bot.channels.wechat_rig import wechat_rig
from tests.bot.channels.wecom_rig import open_rig as wecom_rig

RIGS: dict[str, Callable[[Path], contextlib.AbstractAsyncContextManager[Rig]]] = {
    "http": partner_rig,
    "telegram": partial(telegram_rig, polls=False),
    "telegram (asking)": partial(telegram_rig, polls=True),
    "web": web_rig,
    "wechat": wechat_rig,
    "wecom": wecom_rig,
}

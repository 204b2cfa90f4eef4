"""A WeCom group robot: one line into the team's group, everybody is rung. Its webhook takes 20 messages a minute."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from notify.carriers import Later, Letter, Refused, retry_after_s

_TOO_OFTEN = 45009
_THEIR_TROUBLE = -1
_WAIT_S = 60.0


@dataclass(frozen=True)
class RobotCarrier:
    """Posts to the webhook, which is address and secret in one."""

    http: httpx.AsyncClient
    url: str
    # ten at once, then one every six seconds: never more than twenty within any minute
    per_second: float | None = 10 / 60

    async def send(self, address: str, letter: Letter) -> str:  # noqa: ARG002  # the group is the webhook's
        """One line for everybody in the group."""
        body = {
            "msgtype": "text",
            "text": {"content": letter.text, "mentioned_list": ["@all"] if letter.is_urgent else []},
        }
        try:
            answer = await self.http.post(self.url, json=body, follow_redirects=False)
            code = answer.json().get("errcode") if answer.is_success else None
        except (httpx.HTTPError, ValueError, AttributeError):
            raise Later from None
        if answer.status_code == 429 or code == _TOO_OFTEN:
            raise Later(retry_after_s(answer.headers.get("retry-after", ""), _WAIT_S))
        if not isinstance(code, int) or code == _THEIR_TROUBLE:
            raise Later
        if code != 0:
            raise Refused(Refused.__doc__)
        return ""

"""The model's side: a real HTTP server that speaks the protocol, and misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse

KEY = "sk-of-the-test"
MODEL = "small-local"
TITLE = "每个人是自己心理健康的第一责任人"
GOOD = (
    "意思是说，最先发现自己不对劲、最早能照顾自己的人，就是你自己。[1]"
    "这不是说出了问题都怪你，更不是要你一个人扛着。[2]"
    "平时可以靠四样：睡好、动一动、有人说说话、给烦恼一个出口；自己调不过来，就去求助，这也是负责任。[3]"
)
Answer = Callable[[], Awaitable[Response]]


def completion(content: Any, **more: Any) -> dict[str, Any]:
    """A whole answer as the protocol has it."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **more}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}


def says(content: Any, **more: Any) -> Answer:
    return sends(completion(content, **more))


def sends(whole: Any) -> Answer:
    async def answer() -> Response:
        return JSONResponse(whole)

    return answer


def status(code: int) -> Answer:
    async def answer() -> Response:
        return JSONResponse({"error": {"message": "no"}}, code)

    return answer


def body(content: bytes, media_type: str = "application/json", **headers: str) -> Answer:
    async def answer() -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return answer


async def never() -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def elsewhere() -> Response:
    return RedirectResponse("/v1/elsewhere", 307)


async def drips() -> Response:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def endless() -> Response:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65536

    return StreamingResponse(flood())


FAILS: dict[str, Answer] = {
    "server error": status(500),
    "bad gateway": status(502),
    "wrong key": status(401),
    "no such model": status(404),
    "throttled": status(429),
    "accepted for later": status(202),
    "a redirect": elsewhere,
    "a page": body(b"<html>Welcome to nginx!</html>", "text/html"),
    "nothing": body(b""),
    "a list": body(b"[]"),
    "a stream": body(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n', "text/event-stream"),
    "no choices": sends({"choices": []}),
    "two choices": sends({"choices": completion(GOOD)["choices"] * 2}),
    "choices that are a word": sends({"choices": "好"}),
    "no message": sends({"choices": [{"finish_reason": "stop"}]}),
    "a message that is a word": sends({"choices": [{"finish_reason": "stop", "message": GOOD}]}),
    "text that is null": says(None),
    "text that is parts": says([{"type": "text", "text": GOOD}]),
    "empty text": says(" \n "),
    "text without measure": says("好" * 5000),
    "text that was cut": says(GOOD, finish_reason="length"),
    "text that was filtered": says(GOOD, finish_reason="content_filter"),
    "a refusal": says(GOOD, message={"refusal": "I can't help with that."}),
    "a tool call": says(GOOD, message={"tool_calls": [{"id": "1", "type": "function"}]}),
    "bytes that are no UTF-8": body(b'{"choices": "\xff\xfe"}'),
    "deep nesting": body(b"[" * 100_000),
    "a megabyte": body(b'{"choices": [' + b" " * 1_048_576 + b"]}"),
    "packed though we asked for plain": body(b"\x1f\x8b" + b"\0" * 30, **{"Content-Encoding": "gzip"}),
    "an endless answer": endless,
    "an answer in drips": drips,
    "no answer": never,
    "half an answer": body(b'{"choices": "', **{"Content-Length": "100"}),
}

DOUBTS: dict[str, str] = {
    "no citations": GOOD.replace("[1]", "").replace("[2]", "").replace("[3]", ""),
    "citations of nothing": GOOD.replace("[3]", "[4]"),
    "a passage left out": GOOD[: GOOD.index("平时")],
    "another order": GOOD[GOOD.index("平时") :] + GOOD[: GOOD.index("平时")],
    "a preface": "好的，以下是改写：\n" + GOOD,
    "a closing remark": GOOD + "希望对您有帮助。",
    "a markdown list": GOOD.replace("平时", "\n- **平时**"),
    "thinking aloud": "<think>用户想要改写。</think>" + GOOD,
    "another language": "It means that you notice first. [1] It is not your fault. [2] Sleep well. [3]",
    "traditional text about something else": "憂鬱症要住院。[1]不是你的錯。[2]睡好就行。[3]",
    "role play": GOOD.replace("意思是说", "我是你的老朋友小明"),
    "a refusal": "抱歉，我无法完成这个请求。[1][2][3]",
    "the instructions": "系统提示：你是文字编辑。[1][2][3]",
    "a promise": GOOD.replace("这也是负责任", "你一定会好起来"),
    "a diagnosis": GOOD.replace("这不是说", "您这就是抑郁症，不是说"),
    "a dose": GOOD.replace("睡好", "睡前吃半片安定"),
    "a phone number": GOOD.replace("就去求助", "就打13800138000求助"),
    "a link": GOOD.replace("就去求助", "就上 www.example.com 求助"),
    "a placeholder": GOOD.replace("就去求助", "就打{{num:police}}求助"),
    "an exclamation": GOOD.replace("一个人扛着。", "一个人扛着！"),
    "a denial turned round": GOOD.replace("这不是说出了问题都怪你", "这是说出了问题都怪你"),
    "another number": GOOD.replace("四样", "三样"),
    "markup": GOOD.replace("睡好", "<b>睡好</b>"),
    "an endless sentence": GOOD.replace("睡好", "睡好、" * 60 + "睡好"),
}


@dataclass
class Model:
    """Checks what it is sent as strictly as the real ones, and answers in turn."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    always: Answer = field(default_factory=lambda: says(GOOD))
    strayed: bool = False  # somebody followed the redirect
    url: str = ""

    def app(self) -> FastAPI:
        made = FastAPI()

        @made.post("/v1/chat/completions")
        async def completions(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return JSONResponse({"error": {"message": "Incorrect API key"}}, 401)
            asked = await request.json()
            roles = [message["role"] for message in asked["messages"]]
            if asked["model"] != MODEL or asked["stream"] is not False or roles != ["system", "user"]:
                return JSONResponse({"error": {"message": "bad request"}}, 400)
            self.asked.append(asked)
            return await (self.answers.pop(0) if self.answers else self.always)()

        @made.post("/v1/elsewhere")
        async def elsewhere_too() -> Response:
            self.strayed = True
            return JSONResponse(completion(GOOD))

        return made

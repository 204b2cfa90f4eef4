"""The whole path of one message on one screen: receive (screen, store, only then acknowledge) and handle (answer)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from bot.answering import Answering
from bot.asides import Asides
from bot.dialogue import COMPLAINT, Reply, Turn, next_turn, remark
from bot.first_words import ASKS, SAFETY_WORDS, Moment, first_words, situation, unread_words
from bot.judgement import Judgement, judge
from bot.linking import Linking, Wish, wish_of
from bot.marking import tell_of_message
from bot.messages import Inbound, MessageTooLarge, Receipt, ReusedMessageId, UnknownConversation
from bot.own_plan import INTENT
from bot.rephrasing import Held, Rephrasing
from bot.replies import Intents
from bot.restraint import Hold, Restraint
from bot.rights import OwnRecords
from escalation.alarm import Alarm, Danger
from escalation.cases import RESTING
from records.answer_marks import AnswerMarks
from records.cases import Case
from records.conversations import Conversation, Conversations, Message, NewMessage, body_hash
from records.outbox_rows import PLAIN, Lane, OutboxRows, Pending
from records.transcripts import Transcripts
from records.writer import Writer
from triage.protocol import Disposition
from triage.risk import Level, Screening, Signal
from triage.screen import Screener

log = structlog.get_logger()
LONGEST_BYTES = 65536
_NEAR = 8  # messages back in which an answered topic still counts as the one spoken of


@dataclass
class Pipeline:
    """Takes messages in and answers them. `now` is the clock; time is read here, at the edge."""

    engine: sa.Engine
    writer: Writer
    screener: Screener
    intents: Intents
    answering: Answering
    conversations: Conversations
    transcripts: Transcripts
    answer_marks: AnswerMarks
    outbox: OutboxRows
    alarm: Alarm
    linking: Linking
    asides: Asides
    restraint: Restraint
    own_records: OwnRecords
    now: Callable[[], datetime]
    crisis_repeat: timedelta
    handling_lease: timedelta
    hears_voices: bool = False  # a machine turns them into text
    rephrasing: Rephrasing | None = None  # where a model may say articles in other words

    def __post_init__(self) -> None:
        self._last: dict[str, asyncio.Task[None]] = {}  # conversation -> its newest answerer
        self._running: set[asyncio.Task[None]] = set()

    async def receive(self, inbound: Inbound) -> Receipt:
        """Screen, store on disk, and only then return. What needs an answer is answered afterwards."""
        if len(inbound.text.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
            raise MessageTooLarge(MessageTooLarge.__doc__)
        screening = self.screen(inbound.text)
        now = self.now()
        receipt = await self.writer.write(lambda connection: self.store(connection, inbound, screening, now))
        self.answer_later(inbound.conversation_id, receipt)
        return receipt

    def screen(self, text: str) -> Screening:
        """How urgent a message is alone; the emergency button counts as high whatever the rules say."""
        screening = self.screener.judge(text)
        if self.intents.of(text) == "emergency" and screening.level < Level.HIGH:
            button = Signal("button.emergency", 0, len(text), Level.HIGH)
            return replace(screening, level=Level.HIGH, signals=(button, *screening.signals))
        return screening

    def store(self, connection: sa.Connection, inbound: Inbound, screening: Screening, now: datetime) -> Receipt:
        """Keep a message with its assessment, and call people when it is urgent: one transaction."""
        conversation = self.conversations.get(connection, inbound.conversation_id, lock=True)
        if conversation is None:
            raise UnknownConversation(UnknownConversation.__doc__)
        if repeat := self._repeat(connection, inbound):
            return repeat
        has_owner = conversation.owner_id is not None
        judgement = judge(conversation.memory, screening, inbound.text, now, person_owns=has_owner)
        hold = self.restraint.of(connection, conversation, now)
        speaks = judgement.disposition.may_answer and hold is Hold.NONE
        wish = self._link_wish(inbound) if speaks else None
        needs_answer = hold is Hold.NONE and wish is None and self.wants_answer(inbound, judgement.disposition)
        seq = conversation.last_seq + 1
        message_id = self._add(connection, conversation, inbound, seq, needs_answer, now)
        self.conversations.change(connection, conversation.id, last_seq=seq, last_message_at=now)
        case = self.heed(connection, conversation, inbound, message_id, judgement, hold, now)
        if wish is not None:
            self.linking.answer(connection, conversation, wish, now)
        self.own_records.heed(connection, conversation, inbound, message_id, now, speaks=speaks)
        tell_of_message(connection, self.conversations.district, conversation.id, case, message_id, seq, now)
        if case is not None and inbound.is_unread:
            self.alarm.flag_unread(connection, case, judgement.level, message_id, now)
        return Receipt(message_id, seq, is_repeat=False, needs_answer=needs_answer)

    def heed(
        self, connection: sa.Connection, conversation: Conversation, inbound: Inbound, message_id: str,
        judgement: Judgement, hold: Hold, now: datetime,
    ) -> Case | None:  # fmt: skip
        """Keep why a message has its level, remember it, call people and speak as it demands."""
        screening, level = judgement.screening, judgement.level
        if self.rephrasing is not None:  # whoever writes on waits for nothing
            self.outbox.release(connection, conversation.id, now)
        self.conversations.add_assessment(connection, conversation.id, message_id, screening, level, now)
        self.conversations.remember(connection, conversation.id, judgement.memory.to_dict(), level)
        case = self._escalate(connection, conversation, inbound, message_id, judgement, hold, now)
        self.asides.serve(connection, conversation, self.intents.of(inbound.text), case, message_id, now)
        return case

    def _repeat(self, connection: sa.Connection, inbound: Inbound) -> Receipt | None:
        found = self.conversations.find_external(connection, inbound.channel, inbound.external_id)
        if found is None:
            return None
        message_id, seq, stored = found
        if stored != body_hash(inbound.kind, inbound.text):
            raise ReusedMessageId(ReusedMessageId.__doc__)
        return Receipt(message_id, seq, is_repeat=True, needs_answer=False)

    def _add(
        self, connection: sa.Connection, conversation: Conversation, inbound: Inbound, seq: int,
        needs_answer: bool, now: datetime,
    ) -> str:  # fmt: skip
        until = now + self.handling_lease if needs_answer else None
        new = NewMessage(
            conversation.id, "visitor", inbound.kind, inbound.channel, inbound.external_id, inbound.text, now,
            sent_at=inbound.sent_at, to_handle_until=until, extra=inbound.extra,
        )  # fmt: skip
        return self.conversations.add(connection, new, seq)

    def wants_answer(self, inbound: Inbound, disposition: Disposition) -> bool:
        """Whether the bot looks for something to say to these words."""
        is_question = inbound.kind == "text" or (inbound.kind == "voice" and bool(inbound.text))
        is_served = self.intents.of(inbound.text) in ("person", INTENT) or self.own_records.wish(inbound) != ""
        return disposition.may_answer and inbound.is_answered and is_question and not is_served

    def _link_wish(self, inbound: Inbound) -> Wish | None:
        """What they want of their links; people handle it where the bot does not answer."""
        is_asked = inbound.is_answered and inbound.kind == "text"
        return wish_of(inbound.text, self.intents.of(inbound.text)) if is_asked else None

    def _escalate(
        self, connection: sa.Connection, conversation: Conversation, inbound: Inbound, message_id: str,
        judgement: Judgement, hold: Hold, now: datetime,
    ) -> Case | None:  # fmt: skip
        level, disposition = judgement.level, judgement.disposition
        wants_person = self.intents.of(inbound.text) in ("person", COMPLAINT)
        case = had_case = self.alarm.cases.open_case_of(connection, conversation.id)
        is_called = had_case is not None and had_case.state not in RESTING  # nobody comes
        if disposition.opens_case or wants_person:
            rules = tuple(signal.rule for signal in judgement.screening.signals[:10])
            wish = "asked_for_person" if wants_person and not disposition.opens_case else "risk"
            danger = Danger(max(level, Level.LOW), wish, message_id, rules)
            case = self.alarm.raise_case(connection, conversation, danger, now)
        if conversation.owner_id is not None:
            return case
        moment = Moment(
            self.intents.of(inbound.text),
            unread_words(inbound, has_case=had_case is not None, hears_voices=self.hears_voices), level,
            conversation.level, disposition.safety_reply if disposition.opens_case else None,
            conversation.crisis_reply_at, is_called, hold, inbound.remark, situation(judgement.screening),
        )  # fmt: skip
        if key := first_words(moment, now, self.crisis_repeat):
            self._speak(connection, conversation, key, level, now)
        return case

    def _speak(
        self, connection: sa.Connection, conversation: Conversation, key: str, level: Level, now: datetime
    ) -> None:
        lane = Lane.CRISIS if level >= Level.MEDIUM else Lane.REPLY
        self.outbox.add(
            connection,
            Pending(conversation.id, conversation.channel, lane, "bot", conversation.epoch, key),
            now,
        )
        if key.startswith(SAFETY_WORDS):
            self.conversations.change(connection, conversation.id, crisis_reply_at=now)

    def answer_later(self, conversation_id: str, receipt: Receipt) -> None:
        """Answer a stored message after those before it; the caller does not wait."""
        if not receipt.needs_answer:
            return
        task = asyncio.create_task(self._handle_in_turn(receipt.message_id, self._last.get(conversation_id)))
        self._running.add(task)
        self._last[conversation_id] = task
        task.add_done_callback(lambda done: self._ended(conversation_id, done))

    async def _handle_in_turn(self, message_id: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait((before,))
        await self.handle(message_id)

    def _ended(self, conversation_id: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._last.get(conversation_id) is task:
            del self._last[conversation_id]

    async def handle(self, message_id: str) -> None:
        """Answer one stored message. Whatever goes wrong, the person gets an honest line, never silence."""
        now = self.now()
        try:
            turn = await self._turn(message_id, now)
        except Exception as error:  # one of the three broad excepts: no answer, but an honest line and a person
            log.error("handle.failed", message=message_id, error=type(error).__name__)
            turn = Turn((Reply("answer.unavailable"),))
        if turn is not None:
            held = await self.writer.write(lambda connection: self._save(connection, message_id, turn, now))
            if self.rephrasing is not None and held is not None:
                self.rephrasing.begin(held)

    async def _turn(self, message_id: str, now: datetime) -> Turn | None:
        loaded = await asyncio.to_thread(self._load, message_id)
        if loaded is None:
            return None
        message, conversation, before = loaded
        intent = self.intents.of(message.body)
        found = await asyncio.to_thread(self.answering.find, message.body, now, before)
        turn = next_turn(
            level=conversation.level, intent=intent, found=found, now=now,
            safety_asked_at=conversation.crisis_reply_at, disclosed_at=conversation.disclosed_at,
        )  # fmt: skip
        return replace(turn, remark=remark(intent, found, before, conversation.level))

    def _load(self, message_id: str) -> tuple[Message, Conversation, str] | None:
        """The message, its conversation, and the article the bot gave last, if that was just now."""
        with self.engine.connect() as connection:
            message = self.conversations.message(connection, message_id)
            conversation = self.conversations.get(connection, message.conversation_id) if message else None
            if message is None or conversation is None:
                return None
            words = message.body or self.transcripts.texts(connection, [message_id]).get(message_id, "")
            near = self.conversations.messages(connection, conversation.id, after=message.seq - _NEAR, limit=_NEAR)
        given = [str(m.extra["article"]) for m in near if m.seq < message.seq and m.extra.get("article")]
        return replace(message, body=words), conversation, given[-1] if given else ""

    def _save(self, connection: sa.Connection, message_id: str, turn: Turn, now: datetime) -> Held | None:
        """Queue the answer; the article in it may wait a moment for other words."""
        message = self.conversations.message(connection, message_id)
        if message is None or not self.conversations.set_handled(connection, message_id):
            return None
        conversation = self.conversations.get(connection, message.conversation_id, lock=True)
        if conversation is None or conversation.owner_id is not None or conversation.level > Level.LOW:
            return None
        if conversation.is_blocked:  # since the message came
            return None
        if turn.remark is not None:
            self.answer_marks.keep(connection, message, turn.remark.article, now, helped=turn.remark.helped)
        held = None
        for reply in turn.replies:
            row_id = self.outbox.add(
                connection,
                Pending(
                    conversation.id, conversation.channel, Lane.REPLY, "bot", conversation.epoch, reply.key,
                    text=reply.text if reply.key == PLAIN else "", extra=reply.extra,
                ),
                now,
            )  # fmt: skip
            if self.rephrasing is not None:
                held = self.rephrasing.hold(connection, conversation, message, reply, row_id, now) or held
        changes = {"disclosed_at": now} if turn.disclosed else {}
        if any(reply.key == ASKS for reply in turn.replies):
            changes["crisis_reply_at"] = now
        if changes:
            self.conversations.change(connection, conversation.id, **changes)
        return held

    async def resume(self) -> int:
        """Take up messages whose answerer died; returns how many."""
        now = self.now()
        ids = await self.writer.write(
            lambda connection: self.conversations.take_unhandled(connection, now, now + self.handling_lease),
            rings=False,
        )
        for message_id in ids:
            await self.handle(message_id)
        return len(ids)

    async def drain(self) -> None:
        """Wait for answers under way (shutdown)."""
        if self._running:
            await asyncio.wait(self._running, timeout=10)
        if self.rephrasing is not None:
            await self.rephrasing.hands.drain()

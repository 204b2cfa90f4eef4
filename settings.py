"""Everything that can be set, from HOTLINE_* in the environment: one frozen object, checked at start."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "HOTLINE_"
_ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", re.IGNORECASE)  # goes into a header
_URL = r"^(https?://\S+)?$"
_FACTOR = r"^(off|optional|[a-z_]+(,[a-z_]+)*)$"
_HOST = re.compile(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")


class BadSettings(Exception):
    """A setting is wrong; the service does not start."""


def _rising(value: object) -> object:
    numbers = value if isinstance(value, tuple) else tuple(int(part) for part in str(value).split(",") if part.strip())
    if not numbers or list(numbers) != sorted(set(numbers)) or numbers[0] <= 0:
        raise ValueError("needs rising numbers such as 60,120,180")
    return numbers


Rising = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_rising)]


class Settings(BaseSettings):
    """One deployment. Clinical clocks have the defaults of our domain specification and can be changed here."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # where
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    public_url: str = Field("", description="https address that people use; empty = http://host:port")
    data_dir: Path = Field(Path("var"), description="database, index and keys of the embedded default")
    database_url: str = Field("", description="postgresql+psycopg://...; empty = SQLite in data_dir")
    key_file: Path | None = Field(None, description="sealing keys; empty = data_dir/keys.json, made once")
    district: str = Field("local", pattern=r"^[a-z0-9]{1,16}$", description="id of the district on every record")

    # who
    hotline_name: str = Field("心理援助热线", description="name in the greeting")
    outward_name: str = Field("服务中心", description="who calls back, in words that do not say what about")
    quick_leave_url: str = Field("https://www.baidu.com/", description="where the quick-leave button goes")
    region_file: Path | None = Field(None, description="TOML of local facts for articles (key = text)")
    holidays_file: Path | None = Field(None, description="TOML of holidays by year, beside the shipped years")
    oncall_name: str = Field("", description="outside on-call person named on the ladder's last rung")
    callback_phone: str = Field("", description="where 110 and 120 call the duty desk back")
    oncall_phone: str = Field("", description="how the outside on-call person is reached: by the duty lead, and by SMS")
    oncall_mail: str = Field("", description="mail address of the outside on-call person")

    # numbers shown to the public: nowhere else in the code
    national_hotline: str = "12356"
    local_24h: str = Field("", description="local 24-hour number; required in production")
    police: str = "110"
    ambulance: str = "120"
    fire: str = "119"
    youth: str = "12355"
    women: str = "12338"
    legal: str = "12348"
    antifraud: str = "96110"
    disability: str = "12385"
    health: str = "12320"
    gov: str = "12345"
    labour: str = "12333"
    union: str = "12351"
    netreport: str = "12377"
    civil: str = "12349"
    prosecutor: str = "12309"

    # clocks, in seconds
    ladder_emergency_s: Rising = Field((60, 120, 180), description="duty lead, supervisor, outside on-call")
    ladder_high_s: Rising = Field((120, 300, 600), description="duty lead, supervisor, outside on-call")
    ladder_medium_s: Rising = Field((600, 1200), description="duty lead, supervisor")
    ladder_low_s: Rising = Field((1800,), description="duty lead")
    waiting_note_s: int = Field(60, ge=5, description="how often a person in danger hears from us while waiting")
    silence_s: int = Field(600, ge=60, description="no answer to our question about danger for so long: high")
    crisis_repeat_s: int = Field(60, ge=5, description="a safety reply of the same level at most this often")
    handling_lease_s: int = Field(10, ge=1, description="another worker answers a message after this long")
    outbox_lease_s: int = Field(10, ge=1, le=10, description="a send that does not end is tried again")
    late_s: int = Field(900, ge=60, description="a message that a platform brings later gets no cheerful answer")
    reopen_days: int = Field(30, ge=1, description="who comes back so soon after the end continues the same case")
    rescue_decision_s: int = Field(300, ge=30, description="a red case needs a decision about rescue by then")
    rescue_second_s: int = Field(600, ge=60, description="a second person confirms a rescue against the will by then")
    closing_sign_h: int = Field(24, ge=1, description="an orange or red closing is signed within so many hours")
    debrief_h: int = Field(24, ge=1, description="the team talks a rescue over within so many hours")
    incident_review_h: int = Field(72, ge=1, description="a death or serious event is reviewed within so many hours")
    follow_up_tries: int = Field(3, ge=1, le=3, description="tries at different times of day before somebody is lost")
    follow_up_late_s: Rising = Field((7200, 86400), description="an overdue follow-up reaches duty lead, supervisor")
    follow_up_year: bool = Field(False, description="a last follow-up after a year for orange and red")
    referral_ack_now_s: int = Field(1800, ge=60, description="a partner confirms a referral of urgency 立即 by then")
    referral_ack_day_s: int = Field(14400, ge=60, description="the same for urgency 24小时内")
    referral_ack_workdays: int = Field(2, ge=1, le=30, description="the same for all others, in working days")
    referral_visit_days: int = Field(7, ge=1, le=365, description="then we ask whether the person arrived")
    referral_link_days: int = Field(30, ge=1, le=365, description="how long a partner's link opens")
    harm_report_min: int = Field(60, ge=5, le=1440, description="then the supervisor is called for a report of harm")
    institution_checked_days: int = Field(90, ge=1, description="an older check is not relied on in danger")
    sweep_s: float = Field(1.0, gt=0, description="how often due alerts are looked for")

    # the shift
    presence_gone_s: int = Field(60, ge=45, description="a console not heard of for so long counts as gone")
    claim_limit_emergency: int = Field(1, ge=1, description="conversations at once with a red one among them")
    claim_limit_high: int = Field(2, ge=1, description="the same with an orange one at most")
    claim_limit_other: int = Field(3, ge=1, description="the same below orange")
    owner_silence_emergency_s: int = Field(120, ge=30, description="a red case rings again when left unanswered")
    owner_silence_high_s: int = Field(300, ge=30, description="the same for orange")
    owner_gone_s: int = Field(900, ge=60, description="below orange: rings again when its owner's console is gone")
    owner_warning_s: int = Field(30, ge=5, description="how long before that its owner is warned")
    first_word_s: Rising = Field((30, 60, 120), min_length=3, max_length=3, description="after a claim, red to yellow")
    assessment_min: Rising = Field((30, 60), min_length=2, max_length=2, description="after a claim, orange and yellow")
    transfer_urgent_s: int = Field(60, ge=15, description="time to answer a transfer of orange or red")
    transfer_s: int = Field(180, ge=15, description="time to answer any other transfer")
    break_minutes: int = Field(15, ge=1, description="break offered after an orange or red case")
    shift_longest_hours: int = Field(8, ge=1, description="more planned hours in a row are a warning")
    seats_least: int = Field(2, ge=1, description="fewer planned seats at any time are a warning")
    shift_rest_hours: int = Field(10, ge=1, le=48, description="less between two planned shifts is a warning")
    shift_week_hours: int = Field(40, ge=1, le=168, description="more planned hours a week are a warning")
    shift_nights: int = Field(3, ge=1, le=31, description="more planned nights in a row are a warning")
    handover_ahead_hours: int = Field(12, ge=1, le=72, description="what falls due so soon is in the hand-over")

    trainings_a_year: int = Field(2, ge=0, le=50, description="trainings that every counsellor owes")
    supervisions_a_month: int = Field(1, ge=0, le=31, description="supervisions that every counsellor owes")
    staff_support: str = Field("", description="whom counsellors can talk to about themselves: name and number")

    # the console
    session_idle_s: int = Field(1800, ge=60, description="a console left alone signs out")
    session_longest_s: int = Field(43200, ge=300, description="a console signs out after a shift")
    lock_failures: int = Field(5, ge=1, description="wrong passwords before an account is locked")
    lock_s: int = Field(900, ge=1, description="how long it is locked")
    second_factor: str = Field("optional", pattern=_FACTOR, description="off, optional, or roles: supervisor,admin")

    # what answers are found with
    encoder: str = Field(
        "",
        pattern=r"^(sentence-transformers:\S.*)?$",
        description="sentence-transformers:<name or folder>; empty = the encoder that comes with the project",
    )

    # channels: each is on when its secrets are there
    telegram_token: str = Field("", description="token of the bot; empty = no Telegram")
    telegram_secret: str = Field("", description="secret header of the webhook; empty = we ask for updates ourselves")
    telegram_api_url: str = Field("https://api.telegram.org", description="where Telegram's Bot API is")
    wechat_app_id: str = Field("", description="app id of the Official Account; empty = no WeChat")
    wechat_app_secret: str = Field("", description="its app secret; empty = only replies within the call")
    wechat_token: str = Field("", description="token of the server configuration")
    wechat_aes_key: str = Field("", description="EncodingAESKey (43 characters); empty = plain mode")
    wechat_template_id: str = Field("", description="template that asks people back after 48 hours; empty = none")
    wechat_template_field: str = Field("thing1", description="its field that takes our line (at most 20 characters)")
    wechat_api_url: str = Field("https://api.weixin.qq.com", description="where WeChat's API is")
    wecom_corp_id: str = Field("", description="corporation id of WeCom; empty = no 微信客服")
    wecom_secret: str = Field("", description="secret of 微信客服")
    wecom_token: str = Field("", description="token of the callback")
    wecom_aes_key: str = Field("", description="EncodingAESKey of the callback (43 characters)")
    wecom_api_url: str = Field("https://qyapi.weixin.qq.com", description="where WeCom's API is")
    http_channels_file: Path | None = Field(None, description="TOML of partner systems that join by signed HTTP")
    widget_origins: Annotated[tuple[str, ...], NoDecode] = Field((), description="sites that may embed the web chat")
    media_longest_bytes: int = Field(10_000_000, ge=1000, description="larger files are not kept")
    recogniser_url: str = Field("", pattern=_URL, description="speech-to-text (OpenAI-compatible); empty = people")
    recogniser_key: str = Field("", description="its key, if it wants one")
    recogniser_model: str = Field("whisper-1", description="its model")
    recogniser_timeout_s: int = Field(60, ge=1, le=300, description="a longer try is given up and made again")
    generation_url: str = Field(
        "",
        pattern=r"^(https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?)?$",
        description="model that may rephrase articles (OpenAI-compatible), https or on this machine; empty = off",
    )
    generation_model: str = Field("", description="its model")
    generation_key: str = Field("", description="its key, if it wants one")
    generation_tone: str = Field("平实", description="a tone of knowledge/rephrase.toml: 平实, 温和, 亲切")
    generation_timeout_s: float = Field(3.0, ge=1, le=3, description="an article waits so long: WeChat allows five")
    generation_sends_question: bool = Field(False, description="the person's words go along, masked; else only ours")
    link_code_s: int = Field(600, ge=60, description="how long a code that links two channels is good")
    answers_per_minute: int = Field(10, ge=1, description="more of one person's messages are kept, not answered")

    # ways to people who are not looking at a screen: each is on when its settings are there
    smtp_url: str = Field("", description="smtps://user:password@host:465; empty = no mail")
    mail_from: str = Field("", description="sender of our mails")
    sms_url: str = Field("", pattern=_URL, description="gateway for text messages; empty = none")
    sms_secret: str = Field("", description="what our calls of the gateway are signed with, at least 32 characters")
    wecom_robot_url: str = Field("", pattern=_URL, description="webhook of the WeCom group robot")
    push_contact: str = Field(
        "", pattern=r"^(mailto:\S+@\S+)?$", description="mailto: address for push services; empty = no web push"
    )
    push_key_file: Path | None = Field(None, description="key towards push services; empty = data_dir/push_key.pem")
    push_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        ("fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"),
        description="push services that browsers may name",
    )

    @field_validator("push_hosts", mode="before")
    @classmethod
    def _read_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("push_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_HOST.fullmatch(host) for host in value):
            raise ValueError("needs hosts such as fcm.googleapis.com,*.push.apple.com, without https:// or path")
        return value

    @field_validator("widget_origins", mode="before")
    @classmethod
    def _read_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("widget_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("needs origins such as https://www.school.cn,https://www.hospital.cn, without path or *")
        return value

    @property
    def engine_url(self) -> str:
        """The SQLAlchemy address of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hotline.db'}"

    @property
    def keys(self) -> Path:
        """The key file."""
        return self.key_file or self.data_dir / "keys.json"

    @property
    def push_key(self) -> Path:
        """The key that browsers' subscriptions are bound to."""
        return self.push_key_file or self.data_dir / "push_key.pem"

    @property
    def base_url(self) -> str:
        """What people type."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def is_https(self) -> bool:
        """Whether cookies may insist on TLS."""
        return self.public_url.startswith("https://")

    @property
    def second_factor_roles(self) -> frozenset[str]:
        """The roles for which a second factor is a duty."""
        return frozenset(self.second_factor.split(",")) - {"off", "optional"}

    @property
    def screening_dir(self) -> Path:
        """Where screening releases that were switched on are kept."""
        return self.data_dir / "screening"

    def numbers(self) -> dict[str, str]:
        """Every number that a text may show. Without a local line its place is taken by the national one."""
        named = (
            "national_hotline local_24h police ambulance fire youth women legal antifraud disability health gov "
            "labour union netreport civil prosecutor"
        )
        numbers = {name: str(getattr(self, name)) for name in named.split()}
        numbers["local_24h"] = self.local_24h or self.national_hotline
        numbers["help"] = self.national_hotline + (f"、本地24小时热线{self.local_24h}" if self.local_24h else "")
        return numbers


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings; raise BadSettings in words that say what to do."""
    source = os.environ if environment is None else environment
    known = set(Settings.model_fields)
    for name in sorted(source):
        field = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and field not in known:
            near = difflib.get_close_matches(field, known, 1)
            hint = f"; did you mean {PREFIX}{near[0].upper()}?" if near else ""
            raise BadSettings(f"unknown setting {name}{hint}")
    given = {name.removeprefix(PREFIX).lower(): value for name, value in source.items() if name.startswith(PREFIX)}
    try:
        settings = Settings.model_validate(given)
    except ValueError as error:
        raise BadSettings(str(error)) from error
    if settings.recogniser_key and not settings.recogniser_url:
        raise BadSettings(f"{PREFIX}RECOGNISER_KEY is set: {PREFIX}RECOGNISER_URL must say where the recogniser is")
    if settings.generation_url and not settings.generation_model:
        raise BadSettings(f"{PREFIX}GENERATION_URL is set: {PREFIX}GENERATION_MODEL must say which model")
    if (settings.generation_key or settings.generation_model) and not settings.generation_url:
        raise BadSettings(f"{PREFIX}GENERATION_URL must say where the model is: its name or key alone does nothing")
    return settings

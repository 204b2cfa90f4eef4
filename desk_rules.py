"""The numbers that desks and ladder decide by: the reviewed data with what this deployment set."""

from __future__ import annotations

from datetime import timedelta

from escalation.care.plan import load_rules
from escalation.care.rescue import RescueClocks, load_rescue
from escalation.closing_desk import ClosingClocks
from escalation.desks import LawRules, Rules
from escalation.law.minors import load_gate
from escalation.law.own_copy import PATH as OWN_COPY
from escalation.law.retention import load_schedule
from escalation.law.rights import load_rights
from escalation.practice.scripts import load_playbook
from escalation.record.form import load_form
from escalation.referral.clocks import Promises
from escalation.referral.office import ReferralRules
from escalation.reports.house_counts import HouseRules
from escalation.routing import Clocks
from escalation.safeguarding.terms import Terms, load_terms
from escalation.shift.after_claim import Promised
from escalation.shift.rules import ShiftRules
from escalation.shift.silence import Patience
from escalation.shift.strain import Strain
from escalation.shift.transfer import AnswerTimes
from escalation.supervision.duty import Duties
from escalation.supervision.office import GrowthRules
from escalation.workdays import Workdays, load_workdays
from settings import PREFIX, BadSettings, Settings
from triage.risk import Level

_SIGN_AGAIN = timedelta(hours=4)  # supervisors are called again


def make_clocks(settings: Settings) -> Clocks:
    """The ladder with this deployment's seconds."""
    ladder = {
        Level.LOW: settings.ladder_low_s,
        Level.MEDIUM: settings.ladder_medium_s,
        Level.HIGH: settings.ladder_high_s,
        Level.EMERGENCY: settings.ladder_emergency_s,
    }
    return Clocks(ladder, settings.waiting_note_s, settings.silence_s, timedelta(days=settings.reopen_days))


def make_rules(settings: Settings) -> Rules:
    """The reviewed data of the desks with this deployment's numbers, checked at start."""
    care = load_rules(
        settings.follow_up_tries, settings.follow_up_late_s, settings.outward_name, with_year=settings.follow_up_year
    )
    clocks = RescueClocks(
        settings.rescue_decision_s, settings.rescue_second_s, settings.debrief_h, settings.incident_review_h
    )  # fmt: skip
    rescue = load_rescue(settings.numbers(), settings.hotline_name, settings.callback_phone, clocks)
    growth = GrowthRules(make_duties(settings), settings.staff_support)
    return Rules(
        care, rescue, make_referral_rules(settings), make_safeguarding_terms(settings), make_shift_rules(settings),
        make_law_rules(settings), growth, ClosingClocks(timedelta(hours=settings.closing_sign_h), _SIGN_AGAIN),
    )  # fmt: skip


def make_duties(settings: Settings) -> Duties:
    """How many trainings and supervisions this deployment asks for."""
    return Duties(settings.trainings_a_year, settings.supervisions_a_month)


def make_house_rules(settings: Settings) -> HouseRules:
    """What reports are counted by, without any desk."""
    return HouseRules(
        load_form(), make_clocks(settings).claim_by, make_duties(settings), load_playbook().rules,
        make_promised(settings),
    )  # fmt: skip


def make_law_rules(settings: Settings) -> LawRules:
    """The schedule, the clocks and where a person fetches their copy."""
    address = f"{settings.base_url.rstrip('/')}{OWN_COPY}"
    rights = load_rights(make_workdays(settings))
    return LawRules(load_schedule(), rights, load_gate(), lambda token: f"{address}/{token}")


def make_referral_rules(settings: Settings) -> ReferralRules:
    """Referrals with this deployment's clocks."""
    promises = Promises(
        timedelta(seconds=settings.referral_ack_now_s), timedelta(seconds=settings.referral_ack_day_s),
        settings.referral_ack_workdays, timedelta(days=settings.referral_visit_days),
        make_workdays(settings),
    )  # fmt: skip
    return ReferralRules(
        promises, timedelta(days=settings.institution_checked_days), timedelta(days=settings.referral_link_days),
        settings.hotline_name, f"{settings.hotline_name} {settings.numbers()['help']}",
    )  # fmt: skip


def make_workdays(settings: Settings) -> Workdays:
    """The shipped years with this deployment's own; raise BadSettings when its file cannot be used."""
    try:
        return load_workdays(settings.holidays_file)
    except (OSError, ValueError) as error:
        raise BadSettings(f"{PREFIX}HOLIDAYS_FILE: {error}") from None


def make_safeguarding_terms(settings: Settings) -> Terms:
    """Safeguarding with this deployment's numbers and the clock of reports."""
    return load_terms(settings.numbers(), timedelta(minutes=settings.harm_report_min))


def make_promised(settings: Settings) -> Promised:
    """What is promised after a claim. Red has no time of its own for the assessment: it is held to that of orange."""
    red, orange, yellow = (timedelta(seconds=seconds) for seconds in settings.first_word_s)
    assessed, assessed_yellow = (timedelta(minutes=minutes) for minutes in settings.assessment_min)
    return Promised(
        {Level.MEDIUM: yellow, Level.HIGH: orange, Level.EMERGENCY: red},
        {Level.MEDIUM: assessed_yellow, Level.HIGH: assessed, Level.EMERGENCY: assessed},
    )


def make_shift_rules(settings: Settings) -> ShiftRules:
    """The shift with this deployment's clocks and limits."""
    limits = dict.fromkeys(Level, settings.claim_limit_other)
    limits |= {Level.HIGH: settings.claim_limit_high, Level.EMERGENCY: settings.claim_limit_emergency}
    unanswered = {
        Level.HIGH: timedelta(seconds=settings.owner_silence_high_s),
        Level.EMERGENCY: timedelta(seconds=settings.owner_silence_emergency_s),
    }
    promised = make_promised(settings)
    return ShiftRules(
        limits=limits,
        promised=promised,
        patience=Patience(
            unanswered, timedelta(seconds=settings.presence_gone_s), timedelta(seconds=settings.owner_gone_s),
            timedelta(seconds=settings.owner_warning_s), promised,
        ),
        answer_times=AnswerTimes(
            timedelta(seconds=settings.transfer_urgent_s), timedelta(seconds=settings.transfer_s)
        ),
        rest=timedelta(minutes=settings.break_minutes),
        longest_run=timedelta(hours=settings.shift_longest_hours),
        least_seats=settings.seats_least,
        strain=Strain(
            timedelta(hours=settings.shift_longest_hours), timedelta(hours=settings.shift_rest_hours),
            timedelta(hours=settings.shift_week_hours), settings.shift_nights,
        ),
        has_outside=bool(settings.oncall_name and settings.oncall_phone),
        ahead=timedelta(hours=settings.handover_ahead_hours),
    )  # fmt: skip

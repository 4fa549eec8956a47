"""Quiet hours: when messages that nobody waits for are not sent, and when that ends."""

from datetime import UTC, datetime, time, timedelta, tzinfo

from zhike.conduct.bank import Bank


def quiet_until(now: datetime, bank: Bank) -> datetime | None:
    """When the quiet hours end that stand at a moment, by the settings of each day; None outside of them.

    The first minute is quiet, the last is not; from and to the same: there are none.
    """
    moment = now
    while _is_quiet(moment, bank):
        those = bank.at(moment)
        moment, before = _next(those.quiet_to, those.zone, moment), moment
        if bank.at(moment) is not those:
            # Other settings begin at a midnight of the bank's, another zone at one of UTC (`Settings.zone`).
            moment = min(moment, *(_next(time(0), zone, before) for zone in (those.zone, UTC)))
    return None if moment is now else moment.astimezone(bank.at(moment).zone)


def _next(clock: time, zone: tzinfo, after: datetime) -> datetime:
    """The next time that a clock of the zone shows it."""
    day = after.astimezone(zone).date()
    moment = datetime.combine(day, clock, zone).astimezone(UTC)
    return moment if moment > after else datetime.combine(day + timedelta(1), clock, zone).astimezone(UTC)


def _is_quiet(moment: datetime, bank: Bank) -> bool:
    those = bank.at(moment)
    clock, start, end = moment.astimezone(those.zone).time(), those.quiet_from, those.quiet_to
    return start <= clock < end if start <= end else clock >= start or clock < end

"""/metrics, for whoever draws curves of it: what became of today's reminders, how late, whether a worker lives; how the gateways stand. No
persons.

Closed unless ZHIKE_METRICS_TOKEN is set, and then open to whoever bears it.
"""

from __future__ import annotations

import hmac
import os
from datetime import datetime, time, timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from zhike import clock
from zhike.notices.books import SLOTS
from zhike.people import bank
from zhike.people.permissions import PUBLIC, policy
from zhike.sms import gateways
from zhike.sms.figures import figures
from zhike.sms.models import Lane


@policy(PUBLIC)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Today's sums, by the bank's day. 404 where no token is set, 401 for another one."""
    token = os.environ.get("ZHIKE_METRICS_TOKEN", "")
    if not token:
        return HttpResponse(status=404)
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(generate_latest(measured(clock.now())), content_type=CONTENT_TYPE_LATEST)


def measured(now: datetime) -> CollectorRegistry:
    """The gauges as they stand."""
    registry = CollectorRegistry()
    outcomes = Gauge(
        "zhike_reminders_today", "Reminders of today by what became of them", ["channel", "outcome"], registry=registry
    )
    late = Gauge("zhike_reminders_late", "Delivered today within so many seconds", ["channel", "le"], registry=registry)
    left = Gauge("zhike_reminders_unrung", "Alarms that are due and nobody has looked at", registry=registry)
    aside = Gauge("zhike_reminders_aside", "Alarms set aside because they cannot be reckoned", registry=registry)
    seen = Gauge(
        "zhike_worker_seen_seconds", "Seconds since a worker was last seen; infinite: never", registry=registry
    )
    zone = bank.settings().zone(now)
    begins = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    within: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM notices_sums(%s, %s, %s, %s)", [begins, begins + timedelta(days=1), zone.key, now]
        )
        for channel, outcome, slot, number in cursor.fetchall():
            if outcome in {"unrung", "aside"}:
                (left if outcome == "unrung" else aside).set(number)
                continue
            outcomes.labels(channel, outcome).inc(number)
            if slot is not None:
                within.setdefault(channel, [0] * (len(SLOTS) + 1))[slot] += number
        cursor.execute("SELECT extract(epoch FROM %s - max(seen_at))::float8 FROM notices_heartbeat", [now])
        (silent,) = cursor.fetchone()
    seen.set(float("inf") if silent is None else silent)
    for channel, counts in within.items():
        for slot, limit in enumerate([*map(str, SLOTS), "+Inf"]):
            late.labels(channel, limit).set(sum(counts[: slot + 1]))
    _gateways(registry, now)
    return registry


def _gateways(registry: CollectorRegistry, now: datetime) -> None:
    found = figures(now, [gateways.name_of(address) for address in gateways.addresses(os.environ)])
    connected = Gauge(
        "zhike_sms_connected", "Whether somebody is signed in to the gateway", ["gateway"], registry=registry
    )
    since = Gauge(
        "zhike_sms_since_seconds",
        "For how long that has been so; infinite: never connected",
        ["gateway"],
        registry=registry,
    )
    waiting = Gauge("zhike_sms_waiting", "Messages that wait, due now or later", ["lane", "due"], registry=registry)
    oldest = Gauge(
        "zhike_sms_oldest_seconds", "For how long the oldest message has been due", ["lane"], registry=registry
    )
    for stand in found.gateways:
        connected.labels(stand.name).set(stand.connected)
        since.labels(stand.name).set((now - stand.since).total_seconds() if stand.since else float("inf"))
    for queue in found.queues:
        lane = Lane(queue.lane).name.lower()
        waiting.labels(lane, "now").set(queue.due)
        waiting.labels(lane, "later").set(queue.later)
        oldest.labels(lane).set((now - queue.oldest).total_seconds() if queue.oldest else 0)
    Gauge("zhike_sms_unknown", "Messages of the last 30 days of which nobody knows what became", registry=registry).set(
        found.unknown
    )
    Gauge(
        "zhike_sms_aside", "What a gateway brought that was not understood and waits for somebody", registry=registry
    ).set(found.aside)

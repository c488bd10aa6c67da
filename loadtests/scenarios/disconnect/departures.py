"""Who went when and when the server noticed: the arithmetic of the disconnect scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from loadtests.arithmetic.samples import NEVER, quantile, quantiles_ms
from loadtests.arithmetic.usage import Usage, metrics
from loadtests.record.results import Detection, Measurement
from loadtests.scenarios.disconnect.rows import DEPARTURE_METRICS, DepartureRow
from loadtests.scenarios.disconnect.windows import Situation, is_outside, window, window_at

_TIMES = ("detection_min", "detection_p50", "detection_max")
#: What a row tells of its clients: of all of them, or not to be trusted.
_OF_ALL = (*_TIMES, "undetected", "outside", "repeated", "lateness_p99")


@dataclass(frozen=True, slots=True)
class Departure:
    """One client that went.

    Attributes:
        sid: its session id in the namespace.
        row: whose numbers it belongs to.
        due_ns: when it was to go.
        gone_ns: when it went.
        pinged_ns: when it had last answered a heartbeat; None where that is not known.
    """

    sid: str
    row: DepartureRow
    due_ns: int
    gone_ns: int
    pinged_ns: int | None = None

    @property
    def silent_s(self) -> float | None:
        """How long it had been silent when it went."""
        return None if self.pinged_ns is None else (self.gone_ns - self.pinged_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Notice:
    """What the server's journal says of one client's end.

    Attributes:
        at_ns: when its disconnect handler first ran (monotonic).
        reason: what the handler was given.
        calls: how often it ran.
    """

    at_ns: int
    reason: str
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all rows of one trial have in common.

    Attributes:
        start_ns: when the departures began.
        window_ns: how long each client is waited for.
        heartbeats: in the time over which CPU was measured, of all clients.
        own_heartbeats: those of the generator's own clients among them: the others' CPU is not in
            its usage.
        usage: over that time.
        server_mib: resident memory of the server.
        receive_lag_ns: of the heartbeats that reached the generator itself.
    """

    start_ns: int
    window_ns: int
    heartbeats: int
    own_heartbeats: int
    usage: Usage
    server_mib: float | None
    receive_lag_ns: Sequence[int]


def detections(
    departures: Sequence[Departure],
    noticed: Mapping[str, Notice],
    situation: Situation,
    *,
    start_ns: int,
    window_ns: int,
) -> list[Detection]:
    """What became of each departed client; later than its observation window is not detected."""
    result = []
    for each in sorted(departures, key=lambda departure: departure.gone_ns):
        notice = noticed.get(each.sid, Notice(NEVER, "", 0))
        took_ns = notice.at_ns - each.gone_ns
        detected = took_ns <= window_ns
        silent_s = each.silent_s
        result.append(
            Detection(
                gone_s=(each.gone_ns - start_ns) / 1e9,
                detected_s=took_ns / 1e9 if detected else None,
                reason=notice.reason if detected else None,
                silent_s=silent_s,
                expected=window(situation) if silent_s is None else window_at(situation, silent_s),
                calls=notice.calls if detected else 0,
            )
        )
    return result


def summarise(
    row: DepartureRow,
    departures: Sequence[Departure],
    noticed: Mapping[str, Notice],
    situation: Situation,
    around: Surroundings,
    lost: Sequence[str] = (),
) -> Measurement:
    """The metrics of one row (``DEPARTURE_METRICS``).

    The median counts those not detected as later than all others; minimum and maximum are over the
    detected ones. CPU is per heartbeat, from the time before the first departure.

    Args:
        row: which.
        departures: of its clients.
        noticed: session id -> what the journal says.
        situation: for what is expected.
        around: what all rows of the trial have in common.
        lost: why each of its other clients was lost before it was to go; that leaves no number of
            the row's clients to be trusted.
    """
    found = detections(
        departures, noticed, situation, start_ns=around.start_ns, window_ns=around.window_ns
    )
    values, unavailable = _values(found, departures, around)
    if values["receive_lag_p99"] is None:
        unavailable["receive_lag_p99"] = "no heartbeat was received before the departures"
    return Measurement(
        row=str(row),
        metrics=values,
        invalid=_invalid(found, lost, values, around.window_ns),
        unavailable=unavailable,
        samples={"detection": len(found)},
        detections=found,
        expected=window(situation),
    )


def _values(
    found: Sequence[Detection], departures: Sequence[Departure], around: Surroundings
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Every metric of a row, and why some are not available."""
    times_ns = np.asarray(
        [NEVER if d.detected_s is None else round(d.detected_s * 1e9) for d in found],
        dtype=np.int64,
    )
    seen = [d.detected_s for d in found if d.detected_s is not None]
    median = quantile(times_ns, 0.5)
    lateness = np.asarray([each.gone_ns - each.due_ns for each in departures], dtype=np.int64)
    lag = np.asarray(around.receive_lag_ns, dtype=np.int64)
    common, unavailable = metrics(around.usage, around.heartbeats, around.server_mib)
    own, _ = metrics(around.usage, around.own_heartbeats, around.server_mib)
    common["generator_cpu"] = own["generator_cpu"]
    values: dict[str, float | None] = {
        "detection_min": min(seen, default=None),
        "detection_p50": None if median is None else median / 1e9,
        "detection_max": max(seen, default=None),
        "undetected": len(found) - len(seen),
        "outside": sum(_is_outside(d) for d in found),
        "repeated": sum(d.calls > 1 for d in found),
        **quantiles_ms(DEPARTURE_METRICS, "lateness", lateness),
        **quantiles_ms(DEPARTURE_METRICS, "receive_lag", lag),
        **common,
    }
    return values, unavailable


def _is_outside(found: Detection) -> bool:
    """Whether it was noticed, but not as the rules say."""
    if found.detected_s is None or found.expected is None:
        return False
    return is_outside(found.detected_s, found.reason, found.expected)


def _invalid(
    found: Sequence[Detection],
    lost: Sequence[str],
    values: Mapping[str, float | None],
    window_ns: int,
) -> dict[str, str]:
    invalid = {}
    undetected = sum(d.detected_s is None for d in found)
    if undetected:
        reason = (
            f"clients were not noticed within {window_ns / 1e9:g} s ({undetected} of {len(found)})"
        )
        invalid = {name: reason for name in _TIMES if values[name] is None}
        invalid["detection_max"] = reason
    early = sum(d.detected_s is not None and d.detected_s < 0 for d in found)
    if early:
        reason = f"the server gave clients up before they went ({early} of {len(found)})"
        invalid |= dict.fromkeys(_TIMES, reason)
    if lost:
        reason = (
            f"clients were lost before they were to go: {lost[0]} "
            f"({len(lost)} of {len(lost) + len(found)})"
        )
        invalid |= dict.fromkeys(_OF_ALL, reason)
    return invalid

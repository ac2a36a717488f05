"""What a hub tells monitoring beside its web requests: intake, line, broker, register. Read when asked, nothing is kept."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One reading. None: not known, and then not told either."""

    messages: int
    records: int
    repeated: int
    lost: int
    quarantined: dict[str, int]
    line_up: bool
    waiting_messages: int
    broker_dropped: int | None


class HubCollector(Collector):
    """Turns a reading into Prometheus metrics. `read` must not wait for anything."""

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._metrics(self._read())

    def describe(self) -> Iterable[Metric]:
        return []

    def _metrics(self, now: Figures) -> Iterator[Metric]:
        yield CounterMetricFamily("densach_intake_messages", "Messages taken in", value=now.messages)
        yield CounterMetricFamily("densach_intake_records", "Records stored", value=now.records)
        yield CounterMetricFamily("densach_intake_repeated", "Records that had come before", value=now.repeated)
        yield CounterMetricFamily("densach_intake_lost", "Records recorded as lost", value=now.lost)
        kept = CounterMetricFamily("densach_intake_quarantined", "What did not fit and is kept apart", labels=["code"])
        for code, n in sorted(now.quarantined.items()):
            kept.add_metric([code], n)
        yield kept
        yield GaugeMetricFamily("densach_link_up", "Whether the hub is connected to its broker", value=int(now.line_up))
        yield GaugeMetricFamily("densach_link_waiting_messages", "Messages not worked off yet", value=now.waiting_messages)
        if now.broker_dropped is not None:
            yield CounterMetricFamily("densach_broker_dropped", "Messages the broker threw away", value=now.broker_dropped)


def tell(registry: CollectorRegistry, read: Callable[[], Figures]) -> None:
    """Adds the hub's figures to `/metrics`."""
    registry.register(HubCollector(read))

"""What monitoring may ask: Prometheus metrics in a registry of the application's own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The registry and the metrics of the web kit; rooms add theirs with `counter` and `gauge`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "densach_http_requests_total", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        self.streams = Gauge("densach_live_streams", "Pages that are told what changes", registry=self.registry)
        self.seconds = Histogram(
            "densach_http_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=self.registry
        )

    def counter(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def gauge(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, help_text, labels, registry=self.registry)

    def text(self) -> bytes:
        return generate_latest(self.registry)

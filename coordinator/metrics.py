"""What Prometheus reads at `/metrics`; each coordinator has a registry of its own."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How things stand at this moment; `units` by the ledger's account."""

    open_needs: int = 0
    printers_online: int = 0
    printers_waiting: int = 0
    units: Mapping[str, int] = field(default_factory=dict[str, int])


class Metrics:
    """Counts what happens. Every label comes from a fixed set of words, never from what others sent."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._received = self._counter(
            "messages_received", "Messages from agents that were understood", "kind"
        )
        self._sent = self._counter(
            "messages_sent", "Messages for agents, handed to the broker or not", "kind", "sent"
        )
        self._refused = self._counter("messages_refused", "Messages from agents that were refused", "code")
        self._dropped = self._counter("messages_dropped", "Messages from agents that found no room")
        self._flooded = self._counter("messages_flooded", "Messages beyond what one agent may send")
        self._failed = self._counter("messages_failed", "Messages that we failed to handle: our fault")
        self._grants = self._counter("grants", "Attempts granted")
        self._steps = self._counter("steps", "Steps of attempts", "step")
        self._jobs = self._counter("jobs", "Recurring jobs run", "job", "result")
        self._requests = Histogram(
            "muster_http_request_seconds",
            "Time to answer HTTP requests",
            ["method", "route", "status"],
            registry=self._registry,
            buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
        )

    def received(self, kind: str) -> None:
        """A message of an agent was understood."""
        self._received.labels(kind).inc()

    def sent(self, kind: str, *, arrived: bool) -> None:
        """A message was handed to the broker, or dropped for want of a connection."""
        self._sent.labels(kind, "yes" if arrived else "no").inc()

    def refused(self, code: str) -> None:
        """A message broke the protocol; `code` is the wire error's."""
        self._refused.labels(code).inc()

    def dropped(self) -> None:
        """A message came while too many others waited."""
        self._dropped.inc()

    def flooded(self) -> None:
        """A message was more than its agent may send."""
        self._flooded.inc()

    def failed(self) -> None:
        """A message could not be handled through our own fault."""
        self._failed.inc()

    def granted(self) -> None:
        """An attempt was granted."""
        self._grants.inc()

    def stepped(self, step: str) -> None:
        """An attempt took a step of the table."""
        self._steps.labels(step).inc()

    def ran(self, job: str, *, well: bool) -> None:
        """A recurring job ran to its end, or failed."""
        self._jobs.labels(job, "done" if well else "failed").inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered. `route` is the pattern (`/needs/{id}`), not the path: it has no end."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def watch(self, look: Callable[[], Now]) -> None:
        """Have `look` called at each reading; to be called once."""
        self._registry.register(_Standing(look))

    def render(self) -> tuple[bytes, str]:
        """All figures in Prometheus' text format, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"muster_{name}", text, labels, registry=self._registry)


class _Standing(Collector):
    def __init__(self, look: Callable[[], Now]) -> None:
        self._look = look

    def describe(self) -> list[Metric]:
        """Nothing ahead of time, so that to register does not look yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        now = self._look()
        yield GaugeMetricFamily("muster_open_needs", "Needs not yet fulfilled", value=now.open_needs)
        yield GaugeMetricFamily(
            "muster_printers_online", "Printers whose agent is there", now.printers_online
        )
        yield GaugeMetricFamily(
            "muster_printers_waiting", "Printers that wait for work", now.printers_waiting
        )
        units = GaugeMetricFamily("muster_units", "Units by the ledger's account", labels=["account"])
        for account, count in now.units.items():
            units.add_metric([account], count)
        yield units

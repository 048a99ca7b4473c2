"""Counts and times for Prometheus, in a registry of their own."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from index.errors import VerbatimError
from server.archive import Archive

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Labels hold route templates and fixed words only, so that their number stays small."""

    def __init__(self, archive: Archive):
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_IndexCollector(archive))
        self.requests = Counter(
            "verbatim_http_requests", "HTTP requests.", ("method", "route", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "verbatim_http_request_seconds",
            "Time to the end of a response.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.questions = Counter(
            "verbatim_questions", "Questions by outcome: answered, refused, failed.", ("outcome",), registry=registry
        )
        self.stage_seconds = Histogram(
            "verbatim_stage_seconds",
            "Time of each stage of an answer.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.held = Gauge("verbatim_questions_held", "Questions being answered or waiting.", registry=registry)
        self.turned_away = Counter(
            "verbatim_questions_turned_away", "Questions refused as too many.", registry=registry
        )

    def write(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _IndexCollector(Collector):
    """Facts of the index in use, read when they are asked for."""

    def __init__(self, archive: Archive):
        self._archive = archive

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            info = self._archive.info()
        except VerbatimError:
            yield GaugeMetricFamily("verbatim_index_ready", "1 when there is an index to answer from.", 0)
            return
        yield GaugeMetricFamily("verbatim_index_ready", "1 when there is an index to answer from.", 1)
        yield GaugeMetricFamily("verbatim_index_articles", "Articles in the index.", info.articles)
        yield GaugeMetricFamily("verbatim_index_passages", "Passages in the index.", info.passages)
        yield GaugeMetricFamily("verbatim_index_bytes", "Size of the index on disk.", info.size_bytes)
        yield GaugeMetricFamily(
            "verbatim_index_built_timestamp_seconds", "When the index was built.", info.built_at.timestamp()
        )

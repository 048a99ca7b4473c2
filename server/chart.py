"""Articles by date, as bars that a template draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.texts import human_date

WIDE, HIGH = 10, 100  # of a bar with the gap after it, and of the highest one
_MOST_MONTHS = 48  # more are joined to years: a bar must stay wide enough to be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """``when`` is "2024" or "2024-09"; ``x``, ``y`` and ``height`` are in the chart's own units."""

    when: str
    count: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]

    @property
    def width(self) -> int:
        return WIDE * len(self.bars)

    @property
    def highest(self) -> Bar:
        return max(self.bars, key=lambda bar: bar.count)

    @property
    def shown(self) -> list[tuple[str, int]]:
        """The numbers in words, without empty months."""
        return [(human_date(bar.when) or "", bar.count) for bar in self.bars if bar.count]


def draw_chart(months: Sequence[tuple[str, int]]) -> Chart | None:
    """A bar for each month from the first to the last, empty ones too, or for each year; None without months."""
    counts = {month: count for month, count in months if count}
    if not counts:
        return None
    span = _between(min(counts), max(counts))
    if len(span) > _MOST_MONTHS:
        years = {year: 0 for year in dict.fromkeys(month[:4] for month in span)}
        for month, count in counts.items():
            years[month[:4]] += count
        span, counts = list(years), years
    most = max(counts.values())
    bars = []
    for number, when in enumerate(span):
        count = counts.get(when, 0)
        height = max(2.0, round(HIGH * count / most, 2)) if count else 0.0
        bars.append(Bar(when, count, WIDE * number + 1, HIGH - height, height))
    return Chart(tuple(bars))


def _between(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last``."""
    start, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1)]

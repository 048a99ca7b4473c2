"""A small picture of values by date: ``/timeline.svg``, drawn here because no page may run a script for it.

Values that are numbers stand as high as they are, others on a line each. The current one is a filled square, older ones
are rings, so that no colour is needed; beside the picture stands the same as a list.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import APIRouter, Query
from starlette.responses import Response

from qa.values import read_number
from server.messages import AnswerOut, TimelineOut
from server.problems import INVALID, Refusal
from server.texts import TEXTS, human_date

MOST = 24  # values drawn
_WIDE, _HIGH, _LANE = 360, 150, 22
_LEFT, _RIGHT, _TOP, _BOTTOM = 14, 14, 30, 26
_LONGEST = 40  # characters of a value
_INK, _PAPER, _FAINT = "#222222", "#ffffff", "#8a8a8a"
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Mark:
    """A value and the day on which it was published."""

    text: str
    day: date


def timeline_of(answer: AnswerOut) -> TimelineOut | None:
    """Where the picture of an answer's values is, newest first, and the same in words; None without a history."""
    told = [(answer.text, answer.citations[0].published), *((each.text, each.published) for each in answer.earlier)]
    dated = [(_short(text), published[:10]) for text, published in told if published][:MOST]
    if len(dated) < 2 or not answer.earlier:
        return None
    query = urlencode([pair for text, day in dated for pair in (("v", text), ("d", day))])
    return TimelineOut(src=f"/timeline.svg?{query}", text=describe([Mark(v, date.fromisoformat(d)) for v, d in dated]))


def describe(marks: Sequence[Mark]) -> str:
    """All marks in words, in their order."""
    told = (f"{mark.text} ({human_date(mark.day.isoformat())})" for mark in marks)
    return f"{TEXTS.timeline}: {', '.join(told)}"


@router.get(
    "/timeline.svg",
    summary="Values by date, as a picture",
    tags=["pages"],
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def timeline(
    v: Annotated[list[str], Query(description="Values, the current one first.", max_length=MOST)],
    d: Annotated[list[str], Query(description="The day of each, YYYY-MM-DD.", max_length=MOST)],
) -> Response:
    """The picture whose address is an answer's ``timeline.src``."""
    try:
        marks = [Mark(_short(text), date.fromisoformat(day)) for text, day in zip(v, d, strict=True)]
    except ValueError as error:
        raise Refusal(INVALID, "v and d must be as many, and d days such as 2024-09-09; take a reply's src") from error
    svg = tostring(draw(marks), encoding="unicode")
    return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=86400"})


def draw(marks: Sequence[Mark]) -> Element:
    """The picture of ``marks``, the current one first, as an ``svg`` element with a title and a description."""
    lanes, high = _lanes(marks)
    places = _places(marks, lanes, high)
    svg = Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_WIDE} {high}",
        "width": str(_WIDE), "height": str(high),
        "role": "img", "aria-labelledby": "t d", "font-family": "system-ui, sans-serif", "font-size": "12",
    })  # fmt: skip
    SubElement(svg, "title", {"id": "t"}).text = TEXTS.timeline
    SubElement(svg, "desc", {"id": "d"}).text = describe(marks)
    SubElement(svg, "rect", {"width": str(_WIDE), "height": str(high), "rx": "6", "fill": _PAPER})
    _draw_axis(svg, marks, high)
    path = sorted(zip((mark.day for mark in marks), places, strict=True))
    line = " ".join(f"{x:.1f},{y:.1f}" for _, (x, y) in path)
    SubElement(svg, "polyline", {"points": line, "fill": "none", "stroke": _FAINT, "stroke-width": "1.5"})
    for place, (x, y) in reversed(list(enumerate(places))):
        _draw_mark(svg, x, y, current=place == 0)
    halo = {"paint-order": "stroke", "stroke": _PAPER, "stroke-width": "4", "stroke-linejoin": "round"}
    for text, x, y, anchor in _labels(marks, places, lanes):  # the line runs behind them, not through them
        attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "fill": _INK} | halo
        SubElement(svg, "text", attributes | ({"font-weight": "bold"} if text == marks[0].text else {})).text = text
    return svg


def _short(text: str) -> str:
    text = " ".join(_UNPRINTABLE.sub("", text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _lanes(marks: Sequence[Mark]) -> tuple[list[str] | None, int]:
    """The texts that have a line each, the newest lowest, and the height; None where all are numbers."""
    if all(read_number(mark.text, 0, len(mark.text)) for mark in marks):
        return None, _HIGH
    lanes = list(dict.fromkeys(mark.text for mark in sorted(marks, key=lambda mark: mark.day)))
    return lanes, _TOP + _BOTTOM + _LANE * len(lanes)


def _places(marks: Sequence[Mark], lanes: list[str] | None, high: int) -> list[tuple[float, float]]:
    """Where each mark stands: time to the right, numbers upwards."""
    days = [mark.day.toordinal() for mark in marks]
    left = _LEFT + 8
    xs = _scale([float(day) for day in days], left, _WIDE - _RIGHT - 8)
    if lanes is not None:
        return [(x, _TOP + _LANE * (lanes.index(mark.text) + 0.7)) for x, mark in zip(xs, marks, strict=True)]
    numbers = [value.high for mark in marks if (value := read_number(mark.text, 0, len(mark.text)))]
    ys = _scale(numbers, high - _BOTTOM - 14, _TOP + 4)
    return list(zip(xs, ys, strict=True))


def _scale(values: Sequence[float], first: float, last: float) -> list[float]:
    low, high = min(values), max(values)
    if low == high:
        return [(first + last) / 2] * len(values)
    return [first + (value - low) / (high - low) * (last - first) for value in values]


def _draw_axis(svg: Element, marks: Sequence[Mark], high: int) -> None:
    y = high - _BOTTOM
    SubElement(svg, "line", {
        "x1": str(_LEFT), "x2": str(_WIDE - _RIGHT), "y1": str(y), "y2": str(y), "stroke": _FAINT, "stroke-width": "1"
    })  # fmt: skip
    first, last = (pick(mark.day for mark in marks).isoformat() for pick in (min, max))
    ends = [(first, _LEFT, "start"), (last, _WIDE - _RIGHT, "end")]
    for day, x, anchor in ends if first != last else ends[1:]:
        attributes = {"x": str(x), "y": str(y + 17), "text-anchor": anchor, "fill": _INK, "font-size": "11"}
        SubElement(svg, "text", attributes).text = human_date(day)


def _draw_mark(svg: Element, x: float, y: float, *, current: bool) -> None:
    if current:
        SubElement(svg, "rect", {
            "x": f"{x - 5:.1f}", "y": f"{y - 5:.1f}", "width": "10", "height": "10", "fill": _INK
        })  # fmt: skip
    else:
        SubElement(svg, "circle", {
            "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4", "fill": _PAPER, "stroke": _INK, "stroke-width": "1.5"
        })  # fmt: skip


def _labels(
    marks: Sequence[Mark], places: Sequence[tuple[float, float]], lanes: list[str] | None
) -> list[tuple[str, float, float, str]]:
    """(text, x, y, anchor) of what is written beside marks: every line's name, or the first and the last number."""
    if lanes is not None:
        first = {
            mark.text: place for mark, place in sorted(zip(marks, places, strict=True), key=lambda each: -each[1][0])
        }
        return [(text, x, y - 9, "end" if x > _WIDE / 2 else "start") for text, (x, y) in first.items()]
    oldest = min(range(len(marks)), key=lambda place: (marks[place].day, -place))
    labels = []
    for place in dict.fromkeys((0, oldest)):
        x, y = places[place]
        labels.append((marks[place].text, x, y - 11, "end" if x > _WIDE / 2 else "start"))
    return labels

"""The picture of values by date: readable without colour, told in words, safe for any text."""

from datetime import date
from xml.etree import ElementTree
from xml.etree.ElementTree import tostring

from hypothesis import given
from hypothesis import strategies as st

from server.timeline import Mark, draw

SVG = "{http://www.w3.org/2000/svg}"
TOLL = [Mark("156", date(2022, 11, 4)), Mark("154", date(2022, 10, 30)), Mark("at least 151", date(2022, 10, 29))]
LEADERS = [Mark("Liz Truss", date(2022, 9, 5)), Mark("Boris Johnson", date(2022, 7, 7))]


def drawn(marks: list[Mark]) -> ElementTree.Element:
    return ElementTree.fromstring(tostring(draw(marks), encoding="unicode"))


def texts(svg: ElementTree.Element, name: str = "text") -> list[str]:
    return [each.text for each in svg.iter(SVG + name)]


def test_title_and_description_say_it_all():
    svg = drawn(TOLL)
    assert svg.get("role") == "img" and svg.get("aria-labelledby") == "t d"
    assert texts(svg, "title") == ["Values by date"]
    (words,) = texts(svg, "desc")
    assert words == (
        "Values by date: 156 (4 November 2022), 154 (30 October 2022), at least 151 (29 October 2022)"
    )  # fmt: skip


def test_the_current_value_is_a_square_and_older_ones_are_rings():
    svg = drawn(TOLL)
    assert len(svg.findall(f"{SVG}circle")) == 2
    assert len([each for each in svg.findall(f"{SVG}rect") if each.get("width") == "10"]) == 1


def test_later_is_to_the_right_and_more_is_higher():
    svg = drawn(TOLL)
    (square,) = [each for each in svg.findall(f"{SVG}rect") if each.get("width") == "10"]
    rings = svg.findall(f"{SVG}circle")
    assert float(square.get("x")) + 5 > max(float(ring.get("cx")) for ring in rings)
    assert float(square.get("y")) + 5 < min(float(ring.get("cy")) for ring in rings)


def test_names_have_a_line_each():
    assert {"Liz Truss", "Boris Johnson", "7 July 2022", "5 September 2022"} == set(texts(drawn(LEADERS)))


def test_the_line_does_not_run_through_words():
    named = [each for each in drawn(LEADERS).findall(f"{SVG}text") if each.text in ("Liz Truss", "Boris Johnson")]
    assert [(each.get("paint-order"), each.get("stroke")) for each in named] == [("stroke", "#ffffff")] * 2


def test_no_style_and_no_script():
    svg = tostring(draw(TOLL), encoding="unicode")
    assert "style" not in svg and "script" not in svg


@given(st.lists(st.builds(Mark, st.text(max_size=50), st.dates()), min_size=1, max_size=24))
def test_any_marks_lie_within_the_picture(marks):
    svg = draw(marks)
    _, _, wide, high = (float(number) for number in svg.get("viewBox").split())
    for circle in svg.findall("circle"):
        assert 0 <= float(circle.get("cx")) <= wide and 0 <= float(circle.get("cy")) <= high

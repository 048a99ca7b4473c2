"""Words as they are indexed, and searches against counting by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import IndexFault
from index.lexical import LexicalIndex, words, write_lexical

ROWS = [
    ("Fleets meet", "The U.S. fleet met Russia's ships in the Sea of Japan.", "Courier"),
    ("Rent rises", "The average rent rose 3.5% to $1,879 a month.", "Herald"),
    ("North-Joint 2024", "The drill began on Monday.", "Courier"),
    ("Café opens", "Zoë Núñez opened a café in São Paulo; cafés are rare there.", ""),
    ("Rent falls", "Rents fell in Paris.", "Herald"),
    ("", "COVID-19 cases fell; the virus is not gone.", 'L\'Écho "du" matin (AND) OR'),
    ("Plain", "Nothing of note happened.", "Courier"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("lexical") / "lexical"
    write_lexical(folder, ROWS)
    return LexicalIndex(folder)


def rows_of(index: LexicalIndex, question: str, *limits) -> list[int]:
    return index.search(question, 100, *limits)[0].tolist()


class TestWords:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("U.S.", "US"),
            ("the U.S?", "the US"),
            ("U.S.-led", "US-led"),
            ("5 p.m.", "5 pm"),
            ("J.K. Rowling", "JK Rowling"),
            ("$1,879", "1879"),
            ("$1,234,567.50", "1234567.50"),
            ("1,500km", "1500km"),
            ("Biden's", "Biden"),
            ("Biden’s", "biden"),
            ("the countries’ fleets", "the countries fleets"),
            ("ＦＵＬＬ", "full"),
            ("ﬁnancial", "financial"),
            ("cafe\u0301", "caf\u00e9"),
            ("North‑Joint", "North-Joint"),
        ],
    )
    def test_spellings_that_meet(self, one, other):
        assert words(one) == words(other)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("North-Joint", ["north", "joint", "northjoint"]),
            ("COVID-19", ["covid", "19", "covid19"]),
            ("3.5%", ["3.5"]),
            ("1.2.3", ["1.2.3"]),
            ("in 2019. Then", ["in", "2019", "then"]),
            ("2019–2020", ["2019", "2020"]),
            ("1,2,3 and 10,20", ["1", "2", "3", "and", "10", "20"]),
            ("don't", ["don", "t"]),
            ("Zoë", ["zoë"]),
            ("snake_case", ["snake", "case"]),
            ("example.org", ["example", "org"]),
            ("Москва, 東京 𝟙", ["москва", "東京", "1"]),
            ("?!… — “”", []),
            ("", []),
        ],
    )
    def test_what_they_are(self, text, expected):
        assert words(text) == expected

    @given(st.text(max_size=60))
    def test_they_hold_nothing_that_a_query_could_mistake(self, text):
        assert all(word and not set(word) & set(" \t\n\"'()[]{}+-*^~:\\/") for word in words(text))


class TestSearch:
    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            ("What did the US fleet do?", {0}),
            ("rent of 1879", {1, 4}),
            ("rents", {1, 4}),
            ("russia ships", {0}),
            ("northjoint", {2}),
            ("north joint 2024", {2}),
            ("cafe Nunez Sao Zoe", {3}),
            ("CAFÉS", {3}),
            ("covid19", {5}),
            ("3.5 percent", {1}),
            ("Where is Zanzibar?", set()),
        ],
    )
    def test_what_is_found(self, index, question, expected):
        assert set(rows_of(index, question)) == expected

    def test_scores_fall_and_the_rarer_word_counts_more(self, index):
        rows, scores = index.search("rent 1879", 10)
        assert rows.dtype == np.int64 and scores.dtype == np.float32
        assert rows.tolist() == [1, 4]
        assert scores[0] > scores[1] > 0

    @pytest.mark.parametrize(
        "long",
        ["x" * 60 + " " + "y" * 70, f"{'東京都知事選挙' * 4}、{'大阪府知事選挙' * 4}", "é" * 30 + " " + "z" * 60],
    )
    def test_words_too_long_to_be_indexed(self, index, long):
        """tantivy drops them, and a question of nothing else would be an error."""
        assert rows_of(index, long) == []
        assert set(rows_of(index, f"rents {long}")) == {1, 4}

    def test_the_longest_words_are_found(self, tmp_path):
        write_lexical(tmp_path / "lexical", [("", f"{'x' * 59} and {'y' * 60}", "")])
        opened = LexicalIndex(tmp_path / "lexical")
        assert (rows_of(opened, "x" * 59), rows_of(opened, "y" * 60)) == ([0], [])

    def test_no_more_than_k(self, index):
        assert rows_of(index, "rent fell") and len(index.search("rent fell courier", 1)[0]) == 1

    @pytest.mark.parametrize(
        "question",
        [
            "", "   ", "???", "AND OR NOT", "and", "the of in", "what is it", '"', '""', '"unclosed', "(((", ")",
            "a)b(c",
            "+must -not", "field:value title:rent row:[0 TO 5]", "*", "?*", "re*", "~", "fuzzy~2", "boost^3",
            "\\", "/re/", "{a TO b}", "\0", "\n\t", "東京はどこ", "Где Москва?", "أين", "🌉🌉", "́", "x" * 100_000,
            "rent " * 10_000,
            " ".join(f"w{n}" for n in range(10_000)), "İstanbul", "\u200d", "IN [rent fleet]", "rent" + "'" * 1000,
        ],
    )  # fmt: skip
    def test_odd_questions_find_something_or_nothing(self, index, question):
        rows, scores = index.search(question, 10)
        assert len(rows) == len(scores) == len(set(rows.tolist())) <= len(ROWS)
        assert np.isfinite(scores).all()

    @given(question=st.text(max_size=40))
    def test_any_question_may_be_asked(self, index, question):
        index.search(question, 10, (1, 5), ("Courier",))

    def test_a_question_of_little_words_alone_is_searched_by_them(self, index):
        assert 5 in rows_of(index, "is not")


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> tuple[LexicalIndex, list[tuple[str, str, str]]]:
    chance = np.random.default_rng(5)
    stock = [f"word{n}" for n in range(30)]
    sources = ["Courier", "Herald", "the herald", "", 'Écho, "L\'" & Cie', "a b"]
    rows = [("", " ".join(chance.choice(stock, 5)), sources[chance.integers(len(sources))]) for _ in range(500)]
    folder = tmp_path_factory.mktemp("many") / "lexical"
    write_lexical(folder, rows)
    return LexicalIndex(folder), rows


class TestFilters:
    @pytest.mark.parametrize(
        "limits",
        [
            (None, ()),
            ((0, 500), ()),
            ((100, 101), ()),
            ((100, 300), ()),
            ((100, 100), ()),
            ((300, 100), ()),
            ((490, 9999), ()),
            (None, ("Herald",)),
            (None, ("Courier", 'Écho, "L\'" & Cie')),
            (None, ("a b",)),
            (None, ("Heral", "herald", "nobody")),
            (None, ("",)),
            (None, ("", "Herald")),
            ((50, 250), ("Courier", "the herald")),
        ],
    )
    def test_they_are_exact(self, many, limits):
        index, rows = many
        between, sources = limits
        asked = {"word3", "word17"}
        expected = {
            number
            for number, (_, text, source) in enumerate(rows)
            if asked & set(text.split())
            and (between is None or between[0] <= number < between[1])
            and (not sources or (source and source in sources))
        }
        found, scores = index.search("word3 or word17?", 500, between, sources)
        assert set(found.tolist()) == expected
        assert (np.diff(scores) <= 0).all()

    def test_they_do_not_change_the_order(self, many):
        index, _ = many
        everything, scores = index.search("word3 word17", 500)
        inside = (everything >= 100) & (everything < 400)
        found, limited = index.search("word3 word17", 500, (100, 400))
        assert sorted(zip(limited.tolist(), found.tolist(), strict=True)) == sorted(
            zip(scores[inside].tolist(), everything[inside].tolist(), strict=True)
        )


def test_reading_leaves_the_folder_as_it_was(tmp_path):
    folder = tmp_path / "lexical"
    write_lexical(folder, ROWS)
    before = sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir())
    assert set(rows_of(LexicalIndex(folder), "rent")) == {1, 4}
    assert sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir()) == before


def test_an_empty_index_finds_nothing(tmp_path):
    write_lexical(tmp_path / "lexical", [])
    assert rows_of(LexicalIndex(tmp_path / "lexical"), "rent") == []


def test_the_same_rows_make_one_segment(tmp_path: Path):
    write_lexical(tmp_path / "lexical", ROWS)
    assert len(list((tmp_path / "lexical").glob("*.store"))) == 1


def test_a_full_disk_is_one_line(tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 10, hard))
    try:
        with pytest.raises(IndexFault, match="make room or check the disk") as caught:
            write_lexical(tmp_path / "lexical", [("", " ".join(f"w{n}" for n in range(50_000)), "")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)


class TestCover:
    ALL = np.arange(len(ROWS))

    def test_all_words_none_and_some(self, index):
        covered = index.cover("When was the drill of Tuesday?", self.ALL)[:, 0]
        assert 0.0 < covered[2] < 1.0 and covered[6] == 0.0
        assert index.cover("Nothing of note happened", self.ALL)[6, 0] == pytest.approx(1.0)

    def test_a_rare_word_weighs_more_than_a_common_one(self, index):
        rows = index.cover("rent in Paris", self.ALL)[:, 0]
        assert rows[4] == pytest.approx(1.0)
        assert 0.0 < rows[1] < 0.5  # "rent" stands in two passages, "Paris" in one

    def test_titles_count_with_the_text_and_alone(self, index):
        covered = index.cover("cafe opens", self.ALL)
        assert covered[3].tolist() == pytest.approx([1.0, 1.0])
        assert index.cover("São Paulo", self.ALL)[3].tolist() == pytest.approx([1.0, 0.0])

    def test_in_the_order_of_the_rows_asked_for(self, index):
        some = np.array([6, 2, 4])
        asked = "the rent in Paris fell on Monday"
        assert index.cover(asked, some).tolist() == index.cover(asked, self.ALL)[some].tolist()

    @pytest.mark.parametrize("question", ["", "?", "zzzz", "w" * 70, "what is the"])
    def test_words_that_no_passage_has(self, index, question):
        covered = index.cover(question, self.ALL)
        assert covered.shape == (len(ROWS), 2) and np.isfinite(covered).all()

    def test_no_rows(self, index):
        assert index.cover("rent", np.empty(0, np.int64)).shape == (0, 2)

    @given(st.text(max_size=60))
    def test_shares_are_shares(self, index, question):
        covered = index.cover(question, self.ALL)
        assert (covered >= 0).all() and (covered <= 1 + 1e-6).all() and (covered[:, 1] <= covered[:, 0] + 1e-6).all()

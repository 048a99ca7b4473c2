"""Copies are found through light edits, and what merely looks alike is left apart."""

import random
import string
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.articles import Article
from index.copies import are_copies, find_copies, order_copies
from index.signatures import VALUES, signature

FLOOD = """The river Velm burst its banks near the old mill at dawn, and water stood a metre deep in the lower town.

Firefighters carried 214 people out of their houses in boats, the county said. Two of them were taken to hospital in \
Zurawno with mild hypothermia, and both were well enough to go home in the evening.

"We heard a roar, and then the cellar door simply came off," said Marta Kowal, who runs the bakery by the bridge. \
"By the time I had my shoes on, the flour sacks were swimming."

The county's engineers blamed a blocked culvert under the railway, which had been due for repair since spring. \
A contract for the work, worth 1.3 million crowns, was signed in April but the money never arrived.

Governor Piotr Halski promised help to everyone whose home was damaged. He said forms would be handed out at the \
school gym, and that nobody would have to prove what they had lost with a receipt.

Schools will stay shut until the water is gone. Trains between Zurawno and the coast run hourly instead of every \
twenty minutes, and the railway asks travellers to leave their bicycles at home.

Forecasters expect no more rain this week. The last flood of this size came when the mill was still grinding rye, \
and the high-water mark on its wall is now a hand's breadth too low."""

RATES = """Mortgage rates {moved} this week, according to the weekly survey of the lenders' association, which asks \
eighty banks across the country what they charge borrowers with good credit and a fifth of the price in hand.

The average rate on a 30-year fixed loan was {long} percent in the week that ended on {day}, from {before} percent \
a week earlier. The average rate on a 15-year fixed loan was {short} percent.

Rates are averages, and what a borrower is offered depends on income, savings and credit history. The association \
advises everyone to ask at least three lenders, to compare the yearly cost rather than the rate, and to read what \
happens if a payment is late. The survey has been made every week since 1971 and does not cover refinancing."""

CHINESE = "市长周一表示,新的港口大桥将于五月四日开放。这座桥耗资二亿一千二百万欧元,比计划多出四千万。"
THAI = "เทศบาลแจ้งว่าสะพานท่าเรือแห่งใหม่จะเปิดในวันจันทร์หน้า ค่าก่อสร้างสูงกว่าแผนถึง 40 ล้าน"
HINDI = (
    "हार्बर पुल चार मई को खुलेगा, शहर ने सोमवार को कहा। इसकी लागत 212 करोड़ रही। पुराना पुल पैदल लोगों के लिए "
    "खुला रहेगा। ट्राम हर छह मिनट में पुल पार करेगी और कारों को अनुमति नहीं होगी।"
)
ARABIC = (
    "قالت المدينة يوم الاثنين إن جسر الميناء الجديد سيفتح في الرابع من مايو. بلغت تكلفته 212 مليون يورو. "
    "سيبقى الجسر القديم مفتوحا للمشاة فقط ولن يسمح للسيارات بعبور الجسر الجديد أبدا طوال هذا العام كله."
)
RUSSIAN = (
    "Новый мост через гавань откроется 4 мая, сообщили в понедельник в мэрии. Он обошёлся в 212 миллионов. "
    "Старый мост, построенный в 1911 году, останется открытым для пешеходов, а трамваи пойдут каждые шесть минут."
)


def rates(moved: str, long: str, day: str, before: str, short: str) -> str:
    return RATES.format(moved=moved, long=long, day=day, before=before, short=short)


def curl(text: str) -> str:
    return text.replace("'", "’").replace(' "', " “").replace('\n"', "\n“").replace('"', "”")


def find(texts: dict[str, str], **more) -> list[tuple[str, ...]]:
    ids = list(texts)
    signatures = np.stack([signature(texts[each]) for each in ids]) if ids else np.empty((0, VALUES), np.uint32)
    return find_copies(ids, signatures, texts.__getitem__, **more)


def is_found(one: str, other: str) -> bool:
    """By the whole way, which must agree with the comparison of the two texts."""
    found = find({"a": one, "b": other}) == [("a", "b")]
    assert found <= are_copies(one, other)
    assert are_copies(one, other) == are_copies(other, one)
    return found


def write_story(seed: int, words: int = 300) -> str:
    """A text of made-up words that has nothing in common with one of another seed."""
    rng = random.Random(seed)
    made = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(words)]
    sentences = [" ".join(made[i : i + 12]).capitalize() + "." for i in range(0, words, 12)]
    return "\n\n".join(" ".join(sentences[i : i + 3]) for i in range(0, len(sentences), 3))


class TestSignature:
    def test_form(self):
        made = signature(FLOOD)
        assert (made.shape, made.dtype, made.nbytes) == ((VALUES,), np.uint32, 512)

    def test_never_changes(self):
        # Signatures are stored: other values mean that VERSION must go up.
        assert signature("The river burst its banks at dawn.")[:3].tolist() == [1119736621, 69707528, 180605495]

    def test_ignores_case_punctuation_and_spacing(self):
        assert (signature(FLOOD) == signature(curl(FLOOD).upper().replace("\n\n", " \t "))).all()

    def test_estimates_similarity(self):
        rng = random.Random(3)
        errors = []
        for seed in range(40):
            words = write_story(seed).split()
            changed = [f"w{i}" if rng.random() < 0.02 * (seed % 10) else word for i, word in enumerate(words)]
            one, other = (set(zip(side, side[1:], side[2:], strict=False)) for side in (words, changed))
            estimate = (signature(" ".join(words)) == signature(" ".join(changed))).mean()
            errors.append(estimate - len(one & other) / len(one | other))
        assert abs(np.mean(errors)) < 0.02
        assert np.std(errors) < 0.06

    def test_of_nothing(self):
        nothing = np.full(VALUES, 0xFFFFFFFF, np.uint32)
        for text in ("", " \n\t ", "—…!", "“ ”"):
            assert (signature(text) == nothing).all()

    def test_of_one_word_and_two(self):
        assert (signature("Stop") == signature("stop!")).all()
        assert (signature("stop") != signature("stop here")).any()

    def test_longer_than_one_block(self):
        long = " ".join(write_story(seed, 900) for seed in range(5))
        assert (signature(long) == signature(long + " ")).all()
        assert 0.6 < (signature(long) == signature(long + " " + write_story(9, 900))).mean() < 0.98

    @given(st.text())
    def test_any_text(self, text):
        made = signature(text)
        assert made.shape == (VALUES,)
        assert (made == signature(text)).all()

    def test_lone_surrogate(self):
        assert signature("a \ud800 b").shape == (VALUES,)


class TestLightEdits:
    def test_same(self):
        assert is_found(FLOOD, FLOOD)

    @pytest.mark.parametrize(
        "edit",
        [
            curl,
            str.upper,
            lambda text: text.replace("\n\n", "\n"),
            lambda text: "ZURAWNO, Sept. 3 (Wire) — " + text,
            lambda text: "Flood drives hundreds from their homes\n\n" + text,
            lambda text: text.replace("burst its banks", "overflowed its banks").replace("simply ", ""),
            lambda text: text.replace(", the county said", ", according to the county"),
            lambda text: "\n\n".join(text.split("\n\n")[:-1]),
            lambda text: "\n\n".join(text.split("\n\n")[:2] + text.split("\n\n")[3:]),
            lambda text: text + "\n\nRead more: 12 photos of the flood\n\nSign up for our newsletter",
            lambda text: text.replace("\n\n", "\n\nAdvertisement - article continues below\n\n"),
            lambda text: (
                text + "\n\nIn the coastal towns the mood was calmer, and the harbour master let boats out at noon."
            ),
        ],
        ids="quotes case lines dateline headline wording attribution last-cut one-cut teasers adverts added".split(),
    )
    def test_found(self, edit):
        assert edit(FLOOD) != FLOOD
        assert is_found(FLOOD, edit(FLOOD))

    def test_other_teasers_on_either_side(self):
        one = FLOOD.replace("\n\nThe county's", "\n\nMore: 5 things to pack for a flood\n\nThe county's")
        other = FLOOD.replace("\n\nSchools", "\n\nIn pictures: 37 years of high water\n\nSchools")
        assert is_found(one, other)

    def test_wrapped_at_column_72(self):
        import textwrap

        wrapped = "\n\n".join(textwrap.fill(paragraph, 72) for paragraph in FLOOD.split("\n\n"))
        assert is_found(FLOOD, wrapped)

    def test_first_half(self):
        half = "\n\n".join(FLOOD.split("\n\n")[:4])
        assert are_copies(FLOOD, half)


class TestOtherStories:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("214 people", "263 people"),
            ("1.3 million", "1.9 million"),
            ("Two of them", "Nine of them"),
            ("Governor Piotr Halski", "Governor Anna Brzeg"),
            ("until the water is gone", "until Friday"),
            (
                "Firefighters carried 214 people out of their houses in boats",
                "All who had been carried out of their houses in boats are back",
            ),
        ],
    )
    def test_brought_up_to_date(self, old, new):
        assert old in FLOOD
        assert not is_found(FLOOD, FLOOD.replace(old, new))

    def test_form_filled_in_every_week(self):
        june = rates("rose", "6.87", "June 12", "6.81", "6.02")
        july = rates("fell", "6.72", "July 10", "6.79", "5.86")
        assert (signature(june) == signature(july)).mean() > 0.35  # alike enough to be compared
        assert not is_found(june, july)

    def test_figures_in_lines_without_full_stop(self):
        form = FLOOD + "\n\nWinning numbers: {}\n\nPowerball: {}"
        assert not is_found(form.format("4 8 15 16 23", 42), form.format("7 9 21 33 60", 5))

    def test_line_of_figures_alone(self):
        assert not is_found(FLOOD + "\n\n4 - 8 - 15 - 16 - 23", FLOOD + "\n\n7 - 9 - 21 - 33 - 60")

    def test_figures_of_either_text_in_sentences_that_are_no_versions(self):
        old = "The carnival falls on February 13 this year."
        new = "Break out your beads, since 2019 brings it late."
        assert not is_found(f"{old}\n\n{FLOOD}", f"{new}\n\n{FLOOD}")
        assert is_found(f"{old}\n\n{FLOOD}", FLOOD)

    def test_cut_and_rewritten(self):
        added = "\n\nIn the hills herdsmen stayed put."
        half = "\n\n".join(FLOOD.split("\n\n")[:4])
        assert is_found(FLOOD + added, FLOOD)
        assert are_copies(FLOOD, half)
        assert not are_copies(FLOOD, half + added)

    def test_crime_brief(self):
        form = (
            "A man was arrested late on Friday after a shop in {} was robbed, police said. Nobody was hurt. "
            "{}, 34, is to appear in court next week. Anyone who saw something is asked to call the station, "
            "where officers are on duty day and night."
        )
        assert not is_found(form.format("Oldport", "Ray Finch"), form.format("Westham", "Carl Moody"))

    def test_live_blog_of_two_days(self):
        frame = FLOOD + "\n\n" + write_story(1, 200)
        assert not are_copies(write_story(2, 90) + "\n\n" + frame, write_story(3, 90) + "\n\n" + frame)

    def test_gallery_that_dwarfs_its_stories(self):
        gallery = "\n\n".join(write_story(seed, 240) for seed in range(10, 20))
        assert not is_found(write_story(2, 110) + "\n\n" + gallery, write_story(3, 110) + "\n\n" + gallery)

    def test_quoted_in_a_longer_story(self):
        assert not is_found(FLOOD, FLOOD + "\n\n" + write_story(4, 600))
        assert not are_copies(FLOOD, FLOOD + "\n\n" + write_story(4, 600))

    def test_unrelated(self):
        assert find({str(seed): write_story(seed) for seed in range(30)}) == []


class TestOtherTexts:
    def test_empty_texts_are_no_copies(self):
        assert find({"a": "", "b": "", "c": " \n", "d": "…"}) == []
        assert not are_copies("", "")

    def test_short_texts_only_when_equal(self):
        brief = "Trams will not run on Sunday, the city said."
        assert is_found(brief, "TRAMS will not run on Sunday, the city said")
        assert not is_found(brief, "Trams will not run on Monday, the city said.")
        assert not is_found(brief, "Trams will not run on Sunday, the city said. Buses will.")

    @pytest.mark.parametrize(
        ("text", "added", "old", "new"),
        [
            (CHINESE, "(新华社)", "四日", "九日"),
            (THAI, "ด่วน ", "40", "55"),
            (HINDI, "ताज़ा: ", "212", "312"),
            (ARABIC, "عاجل: ", "الاثنين", "الخميس"),
            (RUSSIAN, "Срочно. ", "4 мая", "8 мая"),
        ],
        ids=["Chinese", "Thai", "Hindi", "Arabic", "Russian"],
    )
    def test_other_scripts(self, text, added, old, new):
        assert old in text
        assert is_found(text, added + text)
        assert not is_found(text, text.replace(old, new))

    def test_composed_and_decomposed_letters(self):
        import unicodedata

        text = FLOOD.replace("Zurawno", "Żurawno").replace("Kowal", "Kówał")
        assert is_found(text, unicodedata.normalize("NFD", text))


class TestFindCopies:
    def test_nothing(self):
        assert find({}) == []
        assert find({"a": FLOOD}) == []

    def test_groups_are_sorted(self):
        other = write_story(1)
        texts = {"z": FLOOD, "m": other, "b": curl(FLOOD), "a": other, "n": write_story(2), "k": FLOOD}
        assert find(texts) == [("a", "m"), ("b", "k", "z")]

    def test_order_does_not_matter(self):
        texts = {f"{seed}-{turn}": edit(write_story(seed)) for seed in range(6) for turn, edit in enumerate(EDITS)}
        expected = find(texts)
        assert len(expected) == 6
        for seed in range(5):
            shuffled = random.Random(seed).sample(sorted(texts), len(texts))
            assert find({each: texts[each] for each in shuffled}) == expected

    def test_same_text_a_thousand_times_is_compared_a_thousand_times(self):
        ids = [f"{number:04}" for number in range(1000)]
        read = []
        text = write_story(7)

        def text_of(article_id):
            read.append(article_id)
            return text

        assert find_copies(ids, np.stack([signature(text)] * 1000), text_of) == [tuple(ids)]
        assert len(read) < 2000

    def test_one_signature_for_two_stories(self):
        # One figure in a long text changes so few triples that the signature often stays.
        texts = {"a": FLOOD, "b": FLOOD.replace("214", "263"), "c": curl(FLOOD), "d": curl(FLOOD.replace("214", "263"))}
        same = np.stack([signature(FLOOD)] * 4)
        assert find_copies(list(texts), same, texts.__getitem__) == [("a", "c"), ("b", "d")]

    def test_reads_only_what_is_likely(self):
        texts = {str(seed): write_story(seed) for seed in range(200)}
        read = []
        signatures = np.stack([signature(text) for text in texts.values()])
        assert find_copies(list(texts), signatures, lambda each: read.append(each) or texts[each]) == []
        assert read == []

    def test_signatures_from_a_memory_map(self, tmp_path):
        texts = {"a": FLOOD, "b": curl(FLOOD), "c": write_story(1)}
        np.save(tmp_path / "signatures.npy", np.stack([signature(text) for text in texts.values()]))
        mapped = np.load(tmp_path / "signatures.npy", mmap_mode="r")
        assert find_copies(list(texts), mapped, texts.__getitem__) == [("a", "b")]

    def test_bucket_too_full_to_be_compared_in_whole(self):
        # 90 pages share so much furniture that nearly all fall into the same buckets.
        furniture = write_story(0, 240)
        texts = {f"{seed:03}": write_story(seed, 40) + "\n\n" + furniture for seed in range(1, 91)}
        texts["copy"] = curl(texts["077"]).upper()
        texts["headed"] = "Another headline\n\n" + texts["012"]
        assert find(texts) == [("012", "headed"), ("077", "copy")]

    def test_many_light_edits_of_one_text(self):
        texts = {f"{number:02}": f"By reporter{number}\n\n{FLOOD}" for number in range(30)}
        assert find(texts) == [tuple(texts)]


EDITS = (
    str,
    str.upper,
    lambda text: "Headline here\n\n" + text,
    lambda text: "\n\n".join(text.split("\n\n")[:-1]),
)


class TestIncremental:
    def texts(self) -> dict[str, str]:
        return {f"{seed}-{turn}": edit(write_story(seed)) for seed in range(5) for turn, edit in enumerate(EDITS)}

    def test_nothing_new_reads_nothing(self):
        texts = self.texts()
        ids, signatures = list(texts), np.stack([signature(text) for text in texts.values()])
        groups = find(texts)
        assert find_copies(ids, signatures, {}.__getitem__, known=groups, fresh=()) == groups

    def test_as_a_whole_build(self):
        rng = random.Random(5)
        texts = self.texts()
        groups = find(texts)
        for _ in range(12):
            new = dict(texts)
            for gone in rng.sample(sorted(new), 2):
                del new[gone]
            fresh = {f"n{rng.random()}": rng.choice(EDITS)(write_story(rng.randrange(8))) for _ in range(2)}
            changed = rng.choice(sorted(new))
            fresh[changed] = write_story(rng.randrange(100, 200))
            new |= fresh
            whole = find(new)
            assert find(new, known=groups, fresh=fresh.keys()) == whole
            texts, groups = new, whole

    def test_a_group_without_its_link(self):
        # a and c are linked by b alone; when b goes, they part.
        parts = [write_story(seed, 120) for seed in range(6)]
        texts = {"a": "\n\n".join(parts[:3]), "b": "\n\n".join(parts[:5]), "c": "\n\n".join(parts[1:5])}
        assert not are_copies(texts["a"], texts["c"])
        assert find(texts) == [("a", "b", "c")]
        left = {each: texts[each] for each in "ac"}
        assert find(left, known=[("a", "b", "c")], fresh=()) == []

    def test_fresh_ids_that_are_not_there(self):
        assert find({"a": FLOOD, "b": FLOOD}, known=[], fresh={"a", "x"}) == [("a", "b")]


class TestProperties:
    stories = st.lists(st.integers(0, 3).map(write_story), max_size=8)

    @settings(max_examples=30, deadline=None)
    @given(stories, st.randoms(use_true_random=False))
    def test_equal_texts_and_no_others(self, chosen, rng):
        texts = {str(number): text for number, text in enumerate(chosen)}
        expected = {}
        for each in sorted(texts):
            expected.setdefault(texts[each], []).append(each)
        ids = rng.sample(sorted(texts), len(texts))
        found = find({each: texts[each] for each in ids})
        assert found == sorted(tuple(group) for group in expected.values() if len(group) > 1)

    @settings(max_examples=50, deadline=None)
    @given(st.text(), st.text())
    def test_symmetric(self, one, other):
        assert are_copies(one, other) == are_copies(other, one)

    @settings(max_examples=50, deadline=None)
    @given(st.text())
    def test_a_text_is_its_own_copy_if_it_has_a_word(self, text):
        assert are_copies(text, text) == bool((signature(text) != 0xFFFFFFFF).any())

    @settings(max_examples=25, deadline=None)
    @given(st.sets(st.integers(0, 24), max_size=2), st.booleans())
    def test_sentences_cut(self, cut, upper):
        sentences = write_story(3).replace("\n\n", " ").split(". ")
        kept = ". ".join(sentence for number, sentence in enumerate(sentences) if number not in cut)
        assert are_copies(write_story(3), kept.upper() if upper else kept)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 999), st.integers(0, 999))
    def test_one_figure(self, one, other):
        form = FLOOD.replace("214", "{}")
        assert are_copies(form.format(one), form.format(other)) == (one == other)

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.sampled_from(["", "a", FLOOD, curl(FLOOD), write_story(1), "short text"]), max_size=7))
    def test_groups_are_disjoint_and_linked(self, chosen):
        texts = {str(number): text for number, text in enumerate(chosen)}
        groups = find(texts)
        members = [each for group in groups for each in group]
        assert len(members) == len(set(members))
        for group in groups:
            assert any(are_copies(texts[a], texts[b]) for a, b in combinations(group, 2))


class TestOrder:
    def article(self, article_id: str, published=None, text: str = "text") -> Article:
        return Article(article_id, "title", text, published=published)

    def ids(self, *articles: Article) -> list[str]:
        orders = {tuple(each.id for each in order_copies(order)) for order in (articles, articles[::-1])}
        assert len(orders) == 1
        return list(orders.pop())

    def test_earliest_first_undated_last(self):
        a, b, c = (self.article(x, d) for x, d in (("a", None), ("b", date(2024, 5, 2)), ("c", date(2024, 5, 1))))
        assert self.ids(a, b, c) == ["c", "b", "a"]

    def test_same_day_most_complete_first(self):
        day = date(2024, 5, 1)
        short, long = self.article("a", day), self.article("b", day, "longer text")
        assert self.ids(short, long) == ["b", "a"]
        assert self.ids(self.article("a"), self.article("b", text="longer text")) == ["b", "a"]

    def test_days_times_and_zones_together(self):
        east = timezone(timedelta(hours=9))
        a = self.article("a", datetime(2024, 5, 1, 8, 0))
        b = self.article("b", datetime(2024, 5, 1, 16, 0, tzinfo=east))  # 07:00 UTC
        c = self.article("c", date(2024, 5, 1))
        d = self.article("d", datetime(2024, 5, 1, 7, 30, tzinfo=UTC))
        assert self.ids(a, b, c, d) == ["c", "b", "d", "a"]

    def test_ends_of_time(self):
        ahead, behind = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
        first, last = (
            self.article("a", datetime.min.replace(tzinfo=ahead)),
            self.article("b", datetime.max.replace(tzinfo=behind)),
        )
        assert self.ids(first, last) == ["a", "b"]

    def test_id_decides_last(self):
        assert self.ids(self.article("b"), self.article("a")) == ["a", "b"]

    def test_nothing(self):
        assert order_copies([]) == []

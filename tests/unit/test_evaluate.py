"""Every number of ``verbatim eval`` against one worked out by hand."""

import gzip
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.articles import Article
from index.errors import UsageError
from index.passages import Passage
from qa.assistant import Answer, Citation, Nearest, Reply, Request, Superseded, Turn
from qa.evaluate import Question, article_rank, evaluate, evaluate_reading, read_questions, text_rank, write_predictions
from qa.freshness import Freshness
from qa.questions import same_address
from qa.retriever import Hit
from qa.scoring import (
    Mean,
    Ranking,
    Share,
    best_threshold,
    calibration,
    exact_match,
    f1,
    normalize_answer,
    risk_coverage,
    threshold_keeping,
    words_until,
)

levels = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), max_size=12)
texts = st.text(alphabet="ab teh.’-–\n€é", max_size=40)


class TestMatching:
    @pytest.mark.parametrize(
        ("text", "normalized"),
        [
            ("The “North-Joint 2024”, – a drill!", "northjoint 2024 drill"),
            ("  An   apple\na day ", "apple day"),
            ("It’s $1,879 a month", "its 1879 month"),
            ("theatre anthem area", "theatre anthem area"),
            ("The A an", ""),
            ("", ""),
        ],
    )
    def test_normalization(self, text, normalized):
        assert normalize_answer(text) == normalized

    def test_a_curly_quote_or_dash_equals_a_straight_one(self):
        assert exact_match("Judge’s “15–20” years", ['judge\'s "15-20" years'])

    @pytest.mark.parametrize(
        ("prediction", "answers", "em", "overlap"),
        [
            ("The Sea of Japan.", ["sea of Japan"], 1, 1),
            ("the Sea of Japan", ["Sea of Japan and the Sea of Okhotsk"], 0, 2 * 3 / (3 + 7)),
            ("early Tuesday", ["Monday", "Tuesday", "on Tuesday"], 0, 2 / 3),
            ("red red blue", ["red blue"], 0, 4 / 5),
            ("Paris", ["Rome"], 0, 0),
            ("", ["Rome"], 0, 0),
            ("", [], 1, 1),
            ("Rome", [], 0, 0),
            ("Rome", ["the", "Rome"], 1, 1),
        ],
    )
    def test_em_and_f1_take_the_best_accepted_answer(self, prediction, answers, em, overlap):
        assert exact_match(prediction, answers) == em
        assert f1(prediction, answers) == pytest.approx(overlap)

    @given(texts)
    def test_normalizing_twice_changes_nothing(self, text):
        assert normalize_answer(normalize_answer(text)) == normalize_answer(text)

    @given(texts, texts)
    def test_f1_is_a_symmetric_share_and_one_for_an_exact_match(self, one, two):
        assert 0 <= f1(one, [two]) <= 1
        assert f1(one, [two]) == pytest.approx(f1(two, [one]))
        assert f1(one, [two]) == 1 or not exact_match(one, [two])

    def test_words_until_counts_words_of_the_text_not_of_its_normal_form(self):
        text = "On a day in June, the “Rogers Centre” in Toronto was full."
        assert words_until(text, ["Rogers Centre"]) == 8
        assert words_until(text, ["the Rogers Centre in Toronto", "June"]) == 5
        assert words_until(text, ["Roger", "Centre Rogers", "the"]) is None

    @given(texts, texts)
    def test_words_until_is_the_shortest_start_that_holds_the_answer(self, text, answer):
        words, wanted = text.split(), normalize_answer(answer)
        starts = [n for n in range(1, len(words) + 1) if f" {wanted} " in f" {normalize_answer(' '.join(words[:n]))} "]
        assert words_until(text, [answer]) == (min(starts, default=None) if wanted else None)


class TestIntervals:
    def test_wilson(self):
        assert Share(8, 10).value == 0.8
        assert Share(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
        assert Share(0, 10).interval == pytest.approx((0, 0.2775), abs=1e-4)
        assert Share(0, 0).value is None and Share(0, 0).interval is None

    @given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
    def test_an_interval_holds_its_share(self, counted):
        low, high = Share(*counted).interval
        assert 0 <= low <= Share(*counted).value <= high <= 1

    def test_the_mean_has_the_same_bootstrap_interval_every_time(self):
        values = [0.0] * 50 + [1.0] * 50
        assert Mean.of(values) == Mean.of(values)
        low, high = Mean.of(values).interval
        # The standard error of this mean is .05: the interval must be near .5 -+ .098.
        assert low == pytest.approx(0.402, abs=0.02) and high == pytest.approx(0.598, abs=0.02)
        assert Mean.of([]) == Mean(None, None, 0)


class TestConfidenceMeasures:
    def test_auroc_counts_a_tie_half(self):
        ranking = Ranking.of([0.9, 0.5], [0.5, 0.1])
        assert ranking.value == 3.5 / 4
        assert ranking.interval[0] < 0.875 <= ranking.interval[1] <= 1
        assert Ranking.of([], [0.5]).value is None

    @given(levels.filter(bool), levels.filter(bool))
    def test_auroc_is_the_share_of_pairs_in_order(self, positives, negatives):
        pairs = [(good > bad) + (good == bad) / 2 for good in positives for bad in negatives]
        assert Ranking.of(positives, negatives).value == pytest.approx(sum(pairs) / len(pairs))

    def test_risk_and_coverage(self):
        points, area = risk_coverage([0.7, 0.9, 0.6, 0.8], [1, 1, 1, 0])
        assert [(p.coverage, p.confidence) for p in points] == [(0.25, 0.9), (0.5, 0.8), (0.75, 0.7), (1, 0.6)]
        assert [p.risk for p in points] == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
        assert area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
        assert risk_coverage([], []) == ((), None)

    @given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 1)), min_size=1, max_size=12))
    def test_the_order_of_questions_does_not_matter(self, measured):
        confidence, right = [level for level, _ in measured], [outcome for _, outcome in measured]
        for measure in (risk_coverage, calibration):
            one, two = measure(confidence, right), measure(confidence[::-1], right[::-1])
            assert one[1] == pytest.approx(two[1])

    def test_calibration_error(self):
        bins, error = calibration([0.2, 0.9, 0.3, 0.8], [1, 1, 0, 1], bins=2)
        assert [(each.count, each.confidence, each.right) for each in bins] == [
            (2, pytest.approx(0.85), 1),
            (2, pytest.approx(0.25), 0.5),
        ]
        assert error == pytest.approx((0.15 + 0.25) / 2)
        assert len(calibration([0.5] * 3, [1, 0, 1])[0]) == 3
        assert calibration([], []) == ((), None)

    def test_threshold_keeping_nine_in_ten(self):
        assert threshold_keeping(0.9, [n / 10 for n in range(1, 11)]) == 0.2
        assert threshold_keeping(0.07, list(range(100))) == 93
        assert threshold_keeping(0.9, [0.4]) == 0.4
        assert threshold_keeping(0.9, []) is None

    def test_best_threshold(self):
        assert best_threshold([0.4, 0.9, 0.6], [0.5, 1, 0], [0, 0, 1]) == (0.9, pytest.approx(2 / 3))
        assert best_threshold([0.5, 0.5], [1, 0], [0, 1]) == (None, 0.5)

    @given(levels.filter(bool), st.randoms(use_true_random=False))
    def test_best_threshold_beats_every_other(self, confidence, chance):
        pairs = [chance.choice([(1.0, 0.0), (0.5, 0.0), (0.0, 0.0), (0.0, 1.0)]) for _ in confidence]
        given_, refused = [one for one, _ in pairs], [two for _, two in pairs]

        def score(threshold):
            chosen = zip(confidence, given_, refused, strict=True)
            return sum(one if level >= threshold else two for level, one, two in chosen) / len(confidence)

        threshold, best = best_threshold(confidence, given_, refused)
        assert score(2.0 if threshold is None else threshold) == pytest.approx(best)
        assert best == pytest.approx(max(score(each) for each in [*confidence, 2.0]))


LINES = [
    {"question": "Who?", "answers": ["Ann"], "date": "2024/09/09", "article_id": "x"},
    {"id": "s1", "question": "Where?", "answers": "Rome"},
    {"id": "u1", "question": "Why?", "kind": "absent", "near_article_id": None},
    {"id": "u2", "question": "How?", "answers": []},
    {"id": "d1", "kind": "when", "question": "When?", "answers": ["Tuesday"], "resolved": "2022-11-22"},
    {"id": "d2", "kind": "constraint", "question": "In 2020?", "answers": ["b"], "resolved": "2020",
     "competing_article_ids": ["y", "z"]},
    {"id": "e1", "question": "Rate?", "values": [
        {"answer": "5%", "article_id": "x"}, {"answer": "6%", "article_id": "y"}, {"answer": "5%", "article_id": "z"}]},
    {"id": "f1", "question": "Chief?", "answers": ["Hayes"], "article_ids": ["x", "y"]},
    {"id": "q1", "question": "Quiz?", "answers": ["b"], "choices": ["a", "b"], "retrieved_urls": ["http://n.com/a"],
     "date": "2022/06/10", "source": "CNN"},
]  # fmt: skip


def write_lines(path, records):
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n", encoding="utf-8")
    return path


class TestReadingQuestions:
    def test_what_a_record_is_shows_in_its_fields(self, tmp_path):
        path = write_lines(tmp_path / "some.jsonl", LINES)
        plain, text, absent, empty, when, constraint, changing, copies, quiz = read_questions(path)
        assert plain == Question("some.jsonl:1", "Who?", ("Ann",), date=date(2024, 9, 9), article_ids=("x",))
        assert text == Question("s1", "Where?", ("Rome",))
        assert absent == Question("u1", "Why?", answerable=False, kind="unanswerable")
        assert empty == Question("u2", "How?", answerable=False, kind="unanswerable")
        assert (when.kind, when.resolved, when.answers) == ("when", "2022-11-22", ("Tuesday",))
        assert (constraint.kind, constraint.misleading_ids) == ("constraint", ("y", "z"))
        # The value that holds now is no earlier value, though it was one before.
        assert (changing.kind, changing.answers, changing.earlier, changing.article_ids) == (
            "changing", ("5%",), ("6%",), ("z",),
        )  # fmt: skip
        assert (copies.kind, copies.article_ids) == ("copies", ("x", "y"))
        assert (quiz.kind, quiz.answerable, quiz.urls, quiz.date) == (
            "quiz", None, ("http://n.com/a",), date(2022, 6, 10),
        )  # fmt: skip

    def test_a_conversation_is_asked_with_its_history_and_rewritten(self, tmp_path):
        turns = [
            {"question": "Who is Ann?", "standalone": "Who is Ann?", "answers": ["a vet", "vet"], "article_id": "x"},
            {"question": "Her age?", "standalone": "Age of Ann?", "answers": ["40"], "article_id": "y"},
            {"question": "And then?", "answers": ["50"]},
        ]
        path = write_lines(tmp_path / "talk.jsonl", [{"id": "c1", "turns": turns}])
        questions = read_questions(path)
        assert [(each.id, each.kind) for each in questions] == [
            ("c1#1", "opening"),
            ("c1#1/standalone", "opening, rewritten"),
            ("c1#2", "follow-up"),
            ("c1#2/standalone", "follow-up, rewritten"),
            ("c1#3", "follow-up"),
        ]
        assert questions[2].history == (Turn("Who is Ann?", "a vet", "x"),)
        assert questions[3] == Question(
            "c1#2/standalone", "Age of Ann?", ("40",), article_ids=("y",), kind="follow-up, rewritten"
        )
        assert questions[4].history[1] == Turn("Her age?", "40", "y")

    @pytest.mark.parametrize("name", ["s.json", "s.json.gz"])
    def test_squad(self, tmp_path, name):
        qas = [
            {"id": "1", "question": "Who?", "is_impossible": False, "answers": [{"text": "Ann"}] * 3},
            {"id": "2", "question": "Why?", "is_impossible": True, "answers": [], "plausible_answers": []},
            {"id": "3", "question": "Old?", "answers": [{"text": "sat"}]},
        ]
        document = {"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "Ann sat.", "qas": qas}]}]}
        data = json.dumps(document).encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
        one, two, three = read_questions(tmp_path / name)
        assert one == Question("1", "Who?", ("Ann",), context="Ann sat.", kind="passage")
        assert (two.answerable, two.answers, two.context) == (False, (), "Ann sat.")
        assert (three.answerable, three.answers) == (True, ("sat",))

    def test_a_folder_gives_the_questions_of_its_files(self, tmp_path):
        write_lines(tmp_path / "b.jsonl", LINES[:1])
        write_lines(tmp_path / "a.jsonl", LINES[1:2])
        (tmp_path / "README.md").write_text("not questions")
        assert [each.id for each in read_questions(tmp_path)] == ["s1", "b.jsonl:1"]

    def test_a_line_separator_inside_a_text_does_not_end_the_line(self, tmp_path):
        path = tmp_path / "q.jsonl"
        path.write_text('{"question": "one\u2028two", "answers": ["x"]}\r\n\n', encoding="utf-8")
        assert [each.text for each in read_questions(path)] == ["one\u2028two"]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("q.jsonl", '{"question": "a", "answers": ["b"]}\n{"question": "a"}', "q.jsonl:2 lacks 'answers'"),
            ("q.jsonl", '{"question": " ", "answers": ["b"]}', "`question` is not a text"),
            ("q.jsonl", '{"question": "a", "answers": [1]}', "`answers` is not a list of texts"),
            ("q.jsonl", '{"question": "a", "answers": ["b"], "date": "soon"}', "cannot be understood"),
            ("q.jsonl", '{"question": "a", "values": []}', "`values` is empty"),
            ("q.jsonl", "[1]", "q.jsonl:1 is not a JSON object"),
            ("q.jsonl", "{", "q.jsonl:1 is not JSON"),
            ("q.jsonl", "", "holds no questions"),
            ("q.json", '{"question": "a"}', "not in SQuAD form"),
            ("q.json.gz", "{}", "cannot read"),
            ("q.txt", "{}", "is no question file"),
        ],
    )
    def test_what_is_no_question_is_named(self, tmp_path, name, text, message):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError) as raised:
            read_questions(tmp_path / name)
        assert message in str(raised.value) and "\n" not in str(raised.value)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(UsageError, match="No such file"):
            read_questions(tmp_path / "none.jsonl")

    def test_addresses_of_one_page(self):
        assert same_address("http://www.n.com/a/") == same_address("https://N.com/a#top") == "n.com/a"
        assert same_address("https://n.com/a?id=1") != same_address("https://n.com/a?id=2")
        assert same_address(None) is None


ARTICLES = {
    "x": Article("x", "X", "Ann is 40. Bob sat in Rome on Tuesday. The rate is 5%.", url="https://n.com/a"),
    "y": Article("y", "Y", "Ann is 40. The rate was 6%. " + "word " * 120 + "Cleo sang.", url="https://n.com/b"),
}


def cite(article_id, quote, copies=()):
    article = ARTICLES[article_id]
    start = article.text.index(quote)
    passage = Passage(article_id, 0, len(article.text))
    copied = tuple(ARTICLES[each] for each in copies)
    return Citation(1, article, passage, start, start + len(quote), quote, copied)


def answer(text, confidence, article_id="x", **more):
    copies = more.pop("copies", ())
    return Answer(text, text, confidence, (cite(article_id, text, copies),), **more)


NEWEST = date(2022, 6, 1)


class ScriptedAssistant:
    """Says what it was told to say to each question, and notes what it was asked."""

    threshold = 0.5

    def __init__(self, said):
        self.said, self.requests = said, []

    def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        searched, said = "all of it: " + request.question, tuple(self.said[request.question])
        return Reply(request.question, searched, said, (), "g1", freshness=Freshness(NEWEST, 9))


class ScriptedRetriever:
    def __init__(self, passages):
        self.passages, self.asked = passages, []

    def retrieve(self, question, k, filters, preferences):
        self.asked.append((question, k, preferences[0].before))
        return [Hit(passage, 1.0, "both") for passage in self.passages[:k]]


class ScriptedArchive:
    def article(self, article_id):
        return ARTICLES[article_id]


QUESTIONS = [
    Question("right", "right?", ("Ann",), article_ids=("x",)),
    Question("second", "second?", ("Rome",)),
    Question("unsure", "unsure?", ("Tuesday",)),
    Question("empty", "empty?", ("Rome",)),
    Question("no1", "no1?", answerable=False, kind="unanswerable"),
    Question("no2", "no2?", answerable=False, kind="unanswerable"),
]
SAID = {
    "right?": [answer("Ann", 0.9)],
    "second?": [answer("sat in Rome", 0.8), answer("Rome", 0.2), answer("Bob", 0.1)],
    "unsure?": [answer("Tuesday", 0.4)],
    "empty?": [],
    "no1?": [answer("5%", 0.6)],
    "no2?": [answer("5%", 0.3)],
}


class TestEvaluate:
    def test_each_question_is_asked_once_without_abstention(self):
        turn = Turn("before?", "x", None)
        question = Question("right", "right?", ("Ann",), date=date(2022, 6, 10), history=(turn,))
        assistant, steps = ScriptedAssistant(SAID), []
        evaluate([question], assistant, progress=lambda done, total: steps.append((done, total)))
        assert assistant.requests == [
            Request("right?", history=(turn,), asked_on=date(2022, 6, 10), limit=3, abstain=False)
        ]
        assert steps == [(1, 1)]

    def test_as_answered_and_forced(self):
        scores = evaluate(QUESTIONS, ScriptedAssistant(SAID)).overall
        assert scores.answered == Share(3, 6)  # right, second, no1
        # As answered: right 1; second: F1 of "sat in Rome" and "Rome" is 2*1/(3+1); two refused 0; no1 0; no2 1.
        assert scores.em == Share(2, 6)
        assert scores.f1.value == pytest.approx((1 + 0.5 + 0 + 0 + 0 + 1) / 6)
        assert scores.em_best == Share(3, 6)
        assert scores.f1_best.value == pytest.approx((1 + 1 + 0 + 0 + 0 + 1) / 6)
        # Forced: over the four that have an answer; the empty reply scores nothing.
        assert scores.forced_em == Share(2, 4)
        assert scores.forced_f1.value == pytest.approx((1 + 0.5 + 1 + 0) / 4)
        assert scores.forced_em_best == Share(3, 4)
        assert scores.forced_f1_best.value == pytest.approx((1 + 1 + 1 + 0) / 4)
        assert scores.right_given == Share(1, 3)
        assert scores.right_kept == Share(1, 2)
        assert scores.refused == Share(1, 2)

    def test_an_empty_normal_form_does_not_count_as_a_refusal(self):
        question = Question("no", "no?", answerable=False)
        assert normalize_answer("The") == ""
        assert evaluate([question], ScriptedAssistant({"no?": [answer("The", 0.9)]})).overall.em == Share(0, 1)

    def test_kinds_are_counted_apart(self):
        kinds = evaluate(QUESTIONS, ScriptedAssistant(SAID)).kinds
        assert {kind: scores.questions for kind, scores in kinds.items()} == {"question": 4, "unanswerable": 2}
        assert kinds["unanswerable"].refused == Share(1, 2) and kinds["unanswerable"].forced_em == Share(0, 0)

    def test_confidence(self):
        confidence = evaluate(QUESTIONS, ScriptedAssistant(SAID)).confidence
        # Answerable .9 .8 .4 0 against .6 .3: 2 + 2 + 1 + 0 of 8 pairs in order.
        assert confidence.answerable.value == pytest.approx(5 / 8)
        # Right .9 .4 against wrong .8 .6 .3: 3 + 1 of 6.
        assert confidence.right.value == pytest.approx(4 / 6)
        assert confidence.keeping_nine == 0.4
        assert confidence.refused_then == Share(1, 2)
        # From high to low: right, wrong, wrong, right, wrong.
        assert confidence.risk_area == pytest.approx((0 + 1 / 2 + 2 / 3 + 2 / 4 + 3 / 5) / 5)
        assert confidence.error == pytest.approx((0.1 + 0.8 + 0.6 + 0.6 + 0.3) / 5)

    def test_an_unchecked_question_says_nothing_about_answerability(self):
        quiz = [Question("q", "right?", ("Ann",), answerable=None), QUESTIONS[4]]
        confidence = evaluate(quiz, ScriptedAssistant(SAID)).confidence
        assert confidence.answerable.value is None
        assert confidence.right.value == 1

    def test_predictions(self, tmp_path):
        report = evaluate(QUESTIONS[1:4], ScriptedAssistant(SAID))
        write_predictions(report.predictions, tmp_path / "out.jsonl")
        assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == [
            {"id": "second", "answered": True, "confidence": 0.8, "answers": ["sat in Rome", "Rome", "Bob"]},
            {"id": "unsure", "answered": False, "confidence": 0.4, "answers": ["Tuesday"]},
            {"id": "empty", "answered": False, "confidence": 0.0, "answers": []},
        ]
        with pytest.raises(UsageError, match="--predictions"):
            write_predictions(report.predictions, tmp_path / "no" / "out.jsonl")

    def test_a_confidence_at_the_threshold_is_answered(self):
        report = evaluate([QUESTIONS[0]], ScriptedAssistant({"right?": [answer("Ann", 0.5)]}))
        assert report.overall.answered == Share(1, 1)


class TestCitations:
    QUESTION = [Question("q", "q?", ("5%",))]

    def check(self, *answers, nearest=(), archive=None):
        assistant = ScriptedAssistant({"q?": answers})
        if nearest:
            assistant.ask = lambda request: Reply("q?", "q?", answers, nearest, "g1")
        report = evaluate(self.QUESTION, assistant, archive=archive)
        return report.citations, report.miscited

    def test_all_citations_are_checked(self):
        old = Superseded("6%", (cite("y", "6%"),))
        nearest = (Nearest(cite("x", "Rome"), 0.1),)
        assert self.check(answer("5%", 0.9, earlier=(old,)), nearest=nearest) == (Share(3, 3), ())

    def test_a_quote_that_stands_elsewhere_is_found(self):
        good = cite("x", "5%")
        moved = Citation(1, good.article, good.passage, good.start - 1, good.end - 1, good.quote)
        assert self.check(Answer("5%", "5%", 0.9, (good, moved))) == (Share(1, 2), ("q",))
        assert self.check(nearest=(Nearest(moved, 0.1),)) == (Share(0, 1), ("q",))

    def test_an_answer_that_is_not_its_first_quote_is_found(self):
        assert self.check(Answer("5", "5", 0.9, (cite("x", "5%"), cite("x", "Rome")))) == (Share(1, 2), ("q",))

    def test_the_archive_has_the_last_word(self):
        drifted = Article("x", "X", "Now 5% is elsewhere.")
        citation = Citation(1, drifted, Passage("x", 0, 20), 4, 6, "5%")
        assert self.check(Answer("5%", "5%", 0.9, (citation,))) == (Share(1, 1), ())
        assert self.check(Answer("5%", "5%", 0.9, (citation,)), archive=ScriptedArchive()) == (Share(0, 1), ("q",))


class TestHits:
    fetch = staticmethod(ScriptedArchive().article)

    def hits(self, *passages):
        return [Hit(passage, 1.0, "both") for passage in passages]

    def test_the_text_rank_counts_words_not_passages(self):
        long, short = Passage("y", 0, len(ARTICLES["y"].text)), Passage("x", 11, 38)
        # "Ann is 40. The rate was 6%." are 7 words, 120 more follow: "Cleo" is word 128.
        assert text_rank(self.hits(long), ["Cleo"], self.fetch) == 2
        assert text_rank(self.hits(short, short, short), ["Tuesday"], self.fetch) == 1
        assert text_rank(self.hits(long, short), ["Rome"], self.fetch) == 2
        assert text_rank(self.hits(short), ["5%", "Ann"], self.fetch) is None

    def test_an_answer_does_not_run_from_one_passage_into_the_next(self):
        first, second = Passage("x", 11, 18), Passage("x", 22, 26)
        assert text_rank(self.hits(first, second), ["sat Rome"], self.fetch) is None

    def test_the_article_rank_counts_passages(self):
        hits = self.hits(Passage("x", 0, 10), Passage("x", 11, 38), Passage("y", 0, 10))
        assert article_rank(hits, Question("q", "q", article_ids=("y",)), self.fetch) == 3
        assert article_rank(hits, Question("q", "q", urls=("http://www.n.com/b/",)), self.fetch) == 3
        assert article_rank(hits, Question("q", "q", article_ids=("z",)), self.fetch) is None

    def test_shares_of_the_questions_with_an_answer(self):
        whole = Passage("y", 0, len(ARTICLES["y"].text))
        retriever = ScriptedRetriever([whole, Passage("x", 0, 10), Passage("x", 11, 38)])
        questions = [*QUESTIONS, Question("quiz", "right?", ("Cleo",), None, urls=("https://n.com/c",))]
        report = evaluate(questions, ScriptedAssistant(SAID), retriever, ScriptedArchive())
        # Ann at once; Cleo, Rome (twice) and Tuesday after the first 110 words.
        assert [(hit.k, hit.text, hit.article) for hit in report.overall.hits] == [
            (1, Share(1, 5), Share(0, 2)),
            (5, Share(5, 5), Share(1, 2)),
            (10, Share(5, 5), Share(1, 2)),
            (20, Share(5, 5), Share(1, 2)),
            (50, Share(5, 5), Share(1, 2)),
        ]
        # Passages are searched with the standalone question, "the latest" where the archive ends.
        assert retriever.asked[0][:2] == ("all of it: right?", 100)
        latest = Question("latest", "latest?", ("Ann",), date=date(2022, 6, 10))
        evaluate([latest], ScriptedAssistant({"latest?": []}), retriever, ScriptedArchive())
        assert retriever.asked[-1] == ("all of it: latest?", 100, NEWEST)

    def test_without_a_retriever_there_are_no_hits(self):
        assert evaluate(QUESTIONS, ScriptedAssistant(SAID)).overall.hits == ()


class TestSpecialKinds:
    def special(self, question, *answers):
        return evaluate([question], ScriptedAssistant({question.text: answers})).overall.special

    def test_the_calendar_date(self):
        when = Question("d", "d?", ("Tuesday",), kind="when", resolved="2022-11-22")
        right, wrong = (answer("Tuesday", 0.9, resolved_date=day) for day in ("2022-11-22", "2022-11-15"))
        assert self.special(when, right) == {"resolved_date": Share(1, 1), "resolved_date_best": Share(1, 1)}
        assert self.special(when, wrong, right) == {"resolved_date": Share(0, 1), "resolved_date_best": Share(1, 1)}
        assert self.special(when) == {"resolved_date": Share(0, 1), "resolved_date_best": Share(0, 1)}

    def test_another_period(self):
        question = Question("d", "d?", ("5%",), kind="constraint", resolved="2020", misleading_ids=("y",))
        assert self.special(question, answer("5%", 0.9, "x")) == {"misled": Share(0, 1)}
        assert self.special(question, answer("6%", 0.9, "y")) == {"misled": Share(1, 1)}
        assert self.special(question, answer("Rome", 0.9, "x")) == {"misled": Share(0, 1)}

    def test_a_value_that_changed(self):
        question = Question("e", "e?", ("5%",), kind="changing", earlier=("6%",))
        old = Superseded("6%", (cite("y", "6%"),))
        assert self.special(question, answer("5%", 0.9, earlier=(old,))) == {
            "stale": Share(0, 1), "earlier_listed": Share(1, 1),
        }  # fmt: skip
        assert self.special(question, answer("6%", 0.9, "y")) == {"stale": Share(1, 1), "earlier_listed": Share(0, 1)}

    def test_copies(self):
        question = Question("f", "f?", ("40",), article_ids=("x", "y"), kind="copies")
        assert self.special(question, answer("40", 0.9, copies=("y",))) == {"copies_joined": Share(1, 1)}
        assert self.special(question, answer("40", 0.9), answer("40", 0.8, "y")) == {"copies_joined": Share(0, 1)}


class TestReading:
    QUESTIONS = [
        Question("a", "a", ("Ann",), context="Ann sat."),
        Question("b", "b", ("Ann sat",), context="Ann sat."),
        Question("c", "c", answerable=False, context="Ann sat."),
        Question("d", "d", answerable=False, context="Ann sat."),
        Question("e", "e", answerable=False, context="Ann sat."),
    ]
    SAID = {"a": ("Ann", 0.9), "b": ("Ann", 0.3), "c": ("sat", 0.7), "d": ("Ann", 0.2), "e": ("", 0.95)}

    def test_reading(self):
        contexts = []

        def answer_in(question, context):
            contexts.append(context)
            return self.SAID[question]

        report = evaluate_reading(self.QUESTIONS, answer_in, threshold=0.5)
        assert contexts == ["Ann sat."] * 5
        assert report.scores.answered == Share(2, 5)  # a and c; e found nothing to say
        assert report.scores.em == Share(3, 5) and report.scores.f1.value == pytest.approx(3 / 5)
        assert report.scores.forced_em == Share(1, 2)
        assert report.scores.forced_f1.value == pytest.approx((1 + 2 / 3) / 2)
        assert report.scores.refused == Share(2, 3)
        # Above .7 only `a` is answered: 1 + 0 + 1 + 1 + 1 of 5.
        assert report.best_threshold == 0.9 and report.best_f1 == pytest.approx(4 / 5)
        assert report.confidence.threshold == 0.5
        assert [each.id for each in report.predictions if each.answered] == ["a", "c"]

    def test_a_question_without_a_text_cannot_be_read(self):
        with pytest.raises(UsageError, match="leave out --reading"):
            evaluate_reading([Question("a", "a", ("Ann",))], lambda question, context: ("", 0.0))


class TestReport:
    def test_json_holds_counts_and_intervals(self):
        retriever = ScriptedRetriever([Passage("x", 0, 10)])
        report = evaluate(QUESTIONS, ScriptedAssistant(SAID), retriever, ScriptedArchive())
        read = json.loads(json.dumps(report.to_json(), allow_nan=False))
        em = read["overall"]["as_answered"]["em"]
        assert (em["count"], em["total"], em["value"]) == (2, 6, pytest.approx(1 / 3))
        assert em["interval"] == pytest.approx([0.0968, 0.7000], abs=1e-4)
        assert read["overall"]["hits"][0]["k"] == 1
        assert read["kinds"]["unanswerable"]["forced"]["f1"] == {"value": None, "interval": None, "total": 0}
        assert read["citations"]["valid"]["value"] == 1.0
        assert read["confidence"]["risk_coverage"]["curve"][-1]["coverage"] == 1.0

    def test_the_table_says_the_same(self):
        report = evaluate(QUESTIONS, ScriptedAssistant(SAID))
        lines = report.table().splitlines()
        assert any(line.startswith("as answered: EM ") and "33.3 %" in line and "2 of 6" in line for line in lines)
        assert any(line.startswith("unanswerable ") and line.split()[1:4] == ["2", "50.0", "%"] for line in lines)

    def test_nothing_to_count_is_no_division_by_zero(self):
        report = evaluate([QUESTIONS[3]], ScriptedAssistant(SAID))
        json.dumps(report.to_json(), allow_nan=False)
        assert "of unanswerable" not in report.table()
        reading = evaluate_reading(TestReading.QUESTIONS[2:3], lambda question, context: ("", 0.0))
        json.dumps(reading.to_json(), allow_nan=False)
        assert "F1 at the best threshold" in reading.table()

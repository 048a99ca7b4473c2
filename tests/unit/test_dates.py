"""Dates in articles and periods in questions, on sentences of our own written as news writes them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.dates import resolve_date
from qa.days import HOLIDAYS, holiday, move, one_month, one_week, parse_stretch
from qa.expressions import find_expressions
from qa.periods import Period, find_period, is_time_question, publication_days
from qa.tense import find_tense

TUE = "2022-09-06"  # a Tuesday


def resolve(marked: str, published: str | None) -> str | None:
    """The date of the span between [ and ] in a text that has no other brackets."""
    start, end = marked.index("["), marked.index("]") - 1
    day = date.fromisoformat(published) if published else None
    return resolve_date(marked.replace("[", "").replace("]", ""), start, end, day)


WEEKDAYS = [
    (TUE, "The council approved the plan on [Tuesday].", "2022-09-06"),
    (TUE, "The council approved the plan on [Monday].", "2022-09-05"),
    (TUE, "The council approved the plan [on Monday].", "2022-09-05"),
    (TUE, "The council approved the plan [Wednesday].", "2022-08-31"),
    (TUE, "The council will vote on the plan [Wednesday].", "2022-09-07"),
    (TUE, "The council will vote on the plan on [Tuesday night].", "2022-09-06"),
    (TUE, "A hearing is scheduled for [Thursday morning].", "2022-09-08"),
    (TUE, "The trial was due to begin on [Friday].", "2022-09-09"),
    (TUE, "The trial began [Friday].", "2022-09-02"),
    (TUE, "[Monday]’s announcement surprised investors.", "2022-09-05"),
    (TUE, "Lawmakers were preparing ahead of [Thursday’s] vote.", "2022-09-08"),
    (TUE, "Polls open on [Sunday], and voters are expected to turn out in large numbers.", "2022-09-11"),
    (TUE, "“We are not done,” he told reporters [early Saturday].", "2022-09-03"),
    (TUE, "The storm is expected to make landfall by late Thursday or [early Friday].", "2022-09-09"),
    (TUE, "The company said [Monday] that it will close its plant.", "2022-09-05"),
    (TUE, "The company said that it will close its plant on [Monday].", "2022-09-12"),
    (TUE, "On [Friday], the judge will hear closing arguments.", "2022-09-09"),
    (TUE, "On [Friday], the judge heard closing arguments.", "2022-09-02"),
    (TUE, "He will be buried on [Thursday], his family said.", "2022-09-08"),
    (TUE, "The parade, organizers said [Sunday], will go ahead.", "2022-09-04"),
    (TUE, "A spokesman could not be reached for comment [Monday].", "2022-09-05"),
    (TUE, "The album drops on [Friday].", "2022-09-09"),
    (TUE, "The deadline is [Thursday].", "2022-09-08"),
    (TUE, "The museum closed [last Thursday].", "2022-09-01"),
    (TUE, "The museum closed [last Tuesday].", "2022-08-30"),
    (TUE, "The museum reopens [next Friday].", "2022-09-16"),
    (TUE, "The museum reopens [this Friday].", "2022-09-09"),
    (TUE, "The museum reopened this past [Sunday].", "2022-09-04"),
    (TUE, "They met on [Tuesday of last week].", "2022-08-30"),
    (TUE, "They will meet on [Monday] next week.", "2022-09-12"),
    (TUE, "The strike began on July 11, 2022. It ended [that Friday].", "2022-07-15"),
    (TUE, "She was arrested on Aug. 18 and released [the following Monday].", "2022-08-22"),
    (TUE, "Shops are offering discounts [Friday through Sunday].", "2022-09-09/2022-09-11"),
    (TUE, "Thousands marched on [Saturday and Sunday].", "2022-09-03/2022-09-04"),
    (TUE, "Thousands marched on [Monday and Tuesday].", "2022-09-05/2022-09-06"),
    (TUE, "Thousands marched on [Monday and Wednesday].", None),
    (TUE, "Rain fell from [Thursday to Saturday].", "2022-09-01/2022-09-03"),
    (TUE, "The reservoir overflowed late [Sunday into Monday].", "2022-09-04/2022-09-05"),
    ("2021-01-01", "Crews rescued the climbers [Thursday afternoon].", "2020-12-31"),
    ("2020-03-01", "The senator withdrew from the race [Friday] after a poor showing.", "2020-02-28"),
    (TUE, "PARIS, Monday (Reuters) - The minister resigned [today].", "2022-09-05"),
    (TUE, "The minister might resign [Thursday], two aides said.", "2022-09-08"),
    (TUE, "Police are looking for a man who escaped [Saturday].", "2022-09-03"),
    (TUE, "The bill, which passed the House last year, heads to the Senate [Wednesday].", "2022-09-07"),
    (TUE, "The festival starts [Friday] at 7 p.m.", "2022-09-09"),
    (TUE, "The outage began at [2:30 a.m. Monday].", "2022-09-05"),
    (TUE, "He would have turned 80 on [Sunday].", "2022-09-04"),
    (TUE, "The ferry sank [Sunday]; divers will resume the search on Wednesday.", "2022-09-04"),
    (TUE, "The ferry sank Sunday; divers will resume the search on [Wednesday].", "2022-09-07"),
]
DAYS = [
    (TUE, "The bank raised its rate [today].", "2022-09-06"),
    (TUE, "The bank raised its rate [this morning].", "2022-09-06"),
    (TUE, "The bank raised its rate [yesterday].", "2022-09-05"),
    (TUE, "The band played [last night].", "2022-09-05"),
    (TUE, "The band plays [tonight].", "2022-09-06"),
    (TUE, "The band will play [tomorrow] in Leeds.", "2022-09-07"),
    (TUE, "The band played [the day before yesterday].", "2022-09-04"),
    ("2020-03-01", "It was found [yesterday morning].", "2020-02-29"),
    (TUE, "Two people were hurt [three days ago].", "2022-09-03"),
    (TUE, "Two people were hurt [two days] ago.", "2022-09-04"),
    (TUE, "A tree fell on the house [an hour ago].", "2022-09-06"),
    (TUE, "She was found dead on July 14. [Two days earlier], she had called her sister.", "2022-07-12"),
    (TUE, "She went missing on July 14. She was found [two days later].", "2022-07-16"),
    (TUE, "The pipe burst on Aug. 30. [The next day], schools closed.", "2022-08-31"),
    (TUE, "The pipe burst on Aug. 31 and was mended [the following day].", "2022-09-01"),
    (TUE, "The pipe burst on Aug. 30, and schools closed [that day].", "2022-08-30"),
    (TUE, "The pipe burst on Aug. 30, and schools closed [that same day].", "2022-08-30"),
    (TUE, "The town was evacuated [two days after July 4].", "2022-07-06"),
    (TUE, "The town was evacuated [a day before] Sunday’s eruption.", "2022-09-03"),
    (TUE, "The town was evacuated [the day after Christmas].", "2021-12-26"),
    (TUE, "The ruling came [a day after] the verdict.", None),
    (TUE, "The tax takes effect [in ten days].", "2022-09-16"),
    (TUE, "Shares fell 5% [in two days].", None),
    (TUE, "She resigned on Sept. 1 after he quit [the previous day].", "2022-08-31"),
]
DATES = [
    ("2022-08-10", "He arrived in Singapore on [July 14].", "2022-07-14"),
    ("2022-01-20", "He arrived in Singapore on [Dec. 14].", "2021-12-14"),
    ("2020-12-05", "The firm will notify owners starting [Jan. 27].", "2021-01-27"),
    (TUE, "The film opens on [Oct. 7].", "2022-10-07"),
    (TUE, "The film opened on [Oct. 7].", "2021-10-07"),
    (TUE, "He was born on [July 14], 1961.", "1961-07-14"),
    (TUE, "He was born on [July 14, 1961], in Lyon.", "1961-07-14"),
    (TUE, "He was born on July 14, [1961], in Lyon.", "1961"),
    (TUE, "He was born on [14 July 1961].", "1961-07-14"),
    (TUE, "He was born on the [14th of July, 1961].", "1961-07-14"),
    (TUE, "He was born on [July 14th], 1961.", "1961-07-14"),
    (TUE, "The treaty was signed on [5 July].", "2022-07-05"),
    (TUE, "The treaty was signed on [Sept. 6].", "2022-09-06"),
    (TUE, "The treaty was signed on [5 July] last year.", "2021-07-05"),
    (TUE, "The vote takes place on [Tuesday, Nov. 8].", "2022-11-08"),
    (TUE, "Details: 8 p.m. [Thursday, March 30]. Tickets cost $28.", "2023-03-30"),
    (TUE, "[Thursday], Sept. 1: the mayor resigns.", "2022-09-01"),
    (TUE, "The fair ran [from 3 to 5 June].", "2022-06-03/2022-06-05"),
    (TUE, "The fair ran from [June 3-5, 2019].", "2019-06-03/2019-06-05"),
    (TUE, "The fair ran from [June 3 to July 2].", "2022-06-03/2022-07-02"),
    (TUE, "The fair will run from [Dec. 28 to Jan. 3].", "2022-12-28/2023-01-03"),
    (TUE, "The fair ran from [Dec. 28 to Jan. 3].", "2021-12-28/2022-01-03"),
    (TUE, "The fair ran between [May 30, 2018, and June 2, 2018].", "2018-05-30/2018-06-02"),
    (TUE, "The fair ran from [Nov. 30] to Dec. 4, 2018.", "2018-11-30"),
    (TUE, "They met on [June 3 and 4].", "2022-06-03/2022-06-04"),
    (TUE, "On [June 3] and 10 people died.", "2022-06-03"),
    (TUE, "In [the week of Dec. 22], cases doubled.", "2021-12-20/2021-12-26"),
    (TUE, "Logged at [2021-03-04].", "2021-03-04"),
    (TUE, "Posted on [12/25/2019].", "2019-12-25"),
    (TUE, "Posted on [25/12/2019].", "2019-12-25"),
    (TUE, "Posted on [3.12.2019].", "2019-12-03"),
    (TUE, "He proposed the ban after [9/11].", "2001-09-11"),
    (TUE, "It changed after the [Sept. 11] attacks on the World Trade Center.", "2001-09-11"),
    ("2022-07-12", "He breached the Capitol on [Jan. 6], prosecutors said.", "2021-01-06"),
    (TUE, "In 2014, she moved to Ohio; on [Oct. 3] she vanished.", "2014-10-03"),
    (TUE, "He was shot on Nov. 22, 2014. He died on [Nov. 23].", "2014-11-23"),
    (TUE, "The law passed on Dec. 20, 2019, and she sued on [Jan. 9].", "2020-01-09"),
    (TUE, "Schools stay closed until [Sept. 19].", "2022-09-19"),
    (TUE, "It was extended until [Sept. 19].", "2022-09-19"),
    (TUE, "The hack was discovered on [Feb. 29].", "2020-02-29"),
    (TUE, "It was set for [Feb. 30, 2021].", None),
    (TUE, "Payments were due by [the 15th].", "2022-09-15"),
    (TUE, "She was last seen on Aug. 12 and called home on [the 14th].", "2022-08-14"),
    (None, "He arrived on [July 14].", None),
    (None, "He arrived on [July 14, 2020].", "2020-07-14"),
    (None, "He arrived on [Tuesday].", None),
    (TUE, "The verdict came at [5 p.m. on Aug. 30].", "2022-08-30"),
    (TUE, "Congress established it [on March 3, 1865].", "1865-03-03"),
]
MONTHS = [
    ("2022-10-30", "He sued the city [in July].", "2022-07"),
    ("2022-10-30", "He sued the city in [December].", "2021-12"),
    (TUE, "He sued the city in [September].", "2022-09"),
    (TUE, "A trial is scheduled to begin [in June].", "2023-06"),
    (TUE, "Hall will leave in [mid-January].", "2023-01"),
    (TUE, "Hall left in [mid-January].", "2022-01"),
    (TUE, "He was shot in [November 2014].", "2014-11"),
    (TUE, "He was shot in November [2014].", "2014"),
    (TUE, "He was shot [in early March of 2014].", "2014-03"),
    (TUE, "He was shot in [March] of last year.", "2021-03"),
    (TUE, "Last year, one case was confirmed, but the outbreak was declared over in [September].", "2021-09"),
    (TUE, "She was held in a room [last November].", "2021-11"),
    (TUE, "She won the primary [this March].", "2022-03"),
    (TUE, "She will run [next March].", "2023-03"),
    (TUE, "It was delayed from [March to July] because of the virus.", "2022-03/2022-07"),
    (TUE, "It was delayed from [March to July 2020].", "2020-03/2020-07"),
    (TUE, "It was delayed from [March] to July 2020.", "2020-03"),
    (TUE, "It lasted from [November 2019 to February 2020].", "2019-11/2020-02"),
    (TUE, "Prices rose in [June and July].", "2022-06/2022-07"),
    (TUE, "Prices rose in [April and July].", None),
    (TUE, "Prices fell at the [end of July].", "2022-07"),
    (TUE, "[May] was the hottest month on record.", "2022-05"),
    (TUE, "By [August], 200 had died.", "2022-08"),
    (TUE, "He died in [August 2019] after a long illness.", "2019-08"),
    (TUE, "It opened [last month].", "2022-08"),
    ("2022-01-15", "It opened [last month].", "2021-12"),
    (TUE, "It opens [next month].", "2022-10"),
    ("2024-09-09", "It opens [later this month].", "2024-09"),
    (TUE, "It opened [earlier this month].", "2022-09"),
    (TUE, "It opened [two months ago].", "2022-07"),
    ("2022-02-10", "It opened [three months ago].", "2021-11"),
    (TUE, "It opened in May 2019 and closed [a month later].", "2019-06"),
    (TUE, "It opened in May 2019 and closed [the following month].", "2019-06"),
    (TUE, "It was built in the [first week of June].", "2022-06-01/2022-06-07"),
    (TUE, "The gala was held on the [last Monday in May].", "2022-05-30"),
    (TUE, "The gala was held on [the first Monday of May 2019].", "2019-05-06"),
    (TUE, "It was sold a [year and a half ago].", "2021-03"),
]
WEEKS = [
    ("2022-08-09", "[Last week], 11 golfers sued.", "2022-08-01/2022-08-07"),
    ("2022-08-07", "They sued [last week].", "2022-07-25/2022-07-31"),
    (TUE, "They will meet [next week].", "2022-09-12/2022-09-18"),
    (TUE, "They met [earlier this week].", "2022-09-05/2022-09-11"),
    (TUE, "They met [two weeks ago].", "2022-08-22/2022-08-28"),
    (TUE, "They met [a couple of weeks ago].", "2022-08-22/2022-08-28"),
    (TUE, "They met [the week before last].", "2022-08-22/2022-08-28"),
    (TUE, "They met on Aug. 3 and again [a week later].", "2022-08-10"),
    (TUE, "Two men were shot [over the weekend].", "2022-09-03/2022-09-04"),
    ("2022-09-04", "Two men were shot [over the weekend].", "2022-09-03/2022-09-04"),
    (TUE, "Two men were shot [last weekend].", "2022-09-03/2022-09-04"),
    (TUE, "The band will play [this weekend].", "2022-09-10/2022-09-11"),
    ("2022-09-05", "The band played [this weekend].", "2022-09-03/2022-09-04"),
    (TUE, "The band will play [next weekend].", "2022-09-17/2022-09-18"),
    (TUE, "Cases doubled over [the past week].", "2022-08-30/2022-09-06"),
    (TUE, "Cases doubled in [the last 10 days].", "2022-08-27/2022-09-06"),
    (TUE, "The rally drew crowds on [Labor Day weekend].", "2022-09-03/2022-09-05"),
    (TUE, "They married on [Memorial Day weekend] in 2019.", "2019-05-25/2019-05-27"),
    (TUE, "They married over [Easter weekend].", "2022-04-16/2022-04-17"),
]
YEARS = [
    ("2022-10-05", "The record was set [two years ago].", "2020"),
    ("2022-10-11", "Work is expected to begin [early next year].", "2023"),
    (TUE, "The law was passed [last year].", "2021"),
    (TUE, "The law was passed [earlier this year].", "2022"),
    (TUE, "The law was passed in [2019].", "2019"),
    (TUE, "He has led the party [since 2019].", "2019"),
    (TUE, "The plant will close by [the end of 2024].", "2024"),
    (TUE, "The plant will close by [the end of the year].", "2022"),
    (TUE, "The firm lost money in [2021 and 2022].", "2021/2022"),
    (TUE, "The games were held in [2012 and 2016].", None),
    (TUE, "He served between [2012 and 2016].", "2012/2016"),
    (TUE, "He served [from 2012 to 2016].", "2012/2016"),
    (TUE, "He served [2012-2016].", "2012/2016"),
    (TUE, "He scored ten goals in the [2021-22 season].", "2021/2022"),
    (TUE, "The mill burned down [a decade ago].", "2012"),
    (TUE, "The mill burned down [half a century ago].", "1972"),
    (TUE, "The mill burned down [nearly 20 years ago].", "2002"),
    (TUE, "The mill burned down [several years ago].", None),
    (TUE, "The mill burned down in [the 1990s].", "1990/1999"),
    (TUE, "The mill burned down in [the late 1990s].", "1990/1999"),
    (TUE, "The mill burned down in the [’80s].", "1980/1989"),
    (TUE, "The mill was built in [the 19th century].", "1801/1900"),
    (TUE, "The mill opened in 1911 and burned down [two years later].", "1913"),
    (TUE, "The mill opened in 1911 and burned down [the following year].", "1912"),
    (TUE, "The mill closed in 2011; owners had been warned [the previous year].", "2010"),
    (TUE, "Profit was up 4% from [a year earlier].", "2021"),
    (TUE, "Sales rose over [the past decade].", "2012/2022"),
    (TUE, "Sales fell in the [third quarter of 2020].", "2020-07/2020-09"),
    (TUE, "Sales fell in the [second half] of 2020.", "2020-07/2020-12"),
    (TUE, "Sales fell in [Q1 2022].", "2022-01/2022-03"),
    (TUE, "Sales fell [last quarter].", "2022-04/2022-06"),
    (TUE, "He was stripped of it after the [2020 election].", "2020"),
    (TUE, "He left the firm (founded [1887]) in May.", "1887"),
]
SEASONS = [
    ("2022-05-10", "The bridge opened [this spring].", "2022-03/2022-05"),
    (TUE, "The bridge opened [in the spring].", "2022-03/2022-05"),
    (TUE, "The bridge will open [in the spring].", "2023-03/2023-05"),
    (TUE, "The bridge opened [last summer].", "2021-06/2021-08"),
    (TUE, "The bridge opened in [the summer of 2020].", "2020-06/2020-08"),
    (TUE, "The bridge opened in [fall 2020].", "2020-09/2020-11"),
    ("2022-01-10", "The bridge will open [this winter].", "2021-12/2022-02"),
    ("2022-02-10", "The bridge opened [last fall].", "2021-09/2021-11"),
    ("2022-11-10", "The bridge will open [this winter].", "2022-12/2023-02"),
    ("2022-11-10", "The bridge will open [next summer].", "2023-06/2023-08"),
]
HOLIDAYS_NAMED = [
    ("2022-01-03", "The fire broke out on [Christmas Eve].", "2021-12-24"),
    ("2022-12-20", "The shops will close at noon on [Christmas Eve].", "2022-12-24"),
    (TUE, "The fire broke out on [Christmas Day 2019].", "2019-12-25"),
    (TUE, "The fire broke out on [New Year’s Eve].", "2021-12-31"),
    (TUE, "He proposed to her [last Thanksgiving].", "2021-11-25"),
    (TUE, "He proposed to her on [Valentine's Day].", "2022-02-14"),
    (TUE, "Seven people were killed on [the Fourth of July].", "2022-07-04"),
    (TUE, "The park reopened on [Memorial Day].", "2022-05-30"),
    (TUE, "The park reopened on [Easter Monday].", "2022-04-18"),
    (TUE, "The park reopened on [Good Friday] last year.", "2021-04-02"),
    (TUE, "Voters will decide on [Election Day].", "2022-11-08"),
    ("2022-11-20", "Stores will open at 5 a.m. on [Black Friday].", "2022-11-25"),
]
NO_TIME = [
    (TUE, "The fire killed [75 people].", None),
    (TUE, "A ticket costs [$5].", None),
    (TUE, "She is [34] and lives in Ohio.", None),
    (TUE, "The [45-year-old] was charged.", None),
    (TUE, "He walked [1,500 miles].", None),
    (TUE, "He walked [1500 miles].", None),
    (TUE, "A crowd of [2000 people] gathered.", None),
    (TUE, "It cost [$2019].", None),
    (TUE, "He worked there for [two years].", None),
    (TUE, "The rain lasted [three days].", None),
    (TUE, "He [may] run again.", None),
    (TUE, "Theresa [May] resigned.", None),
    (TUE, "They will [march] on Washington.", None),
    (TUE, "They began to [march] at noon.", None),
    (TUE, "[June Carter] sang.", None),
    (TUE, "He hosted [Saturday Night Live].", None),
    (TUE, "The epic “[1917]” won.", None),
    (TUE, "They won [9-11] in the third set.", None),
    (TUE, "They won [3-2].", None),
    (TUE, "He left the White House on Tuesday with [his wife].", None),
    (TUE, "She is the [second] woman to lead it.", None),
    (TUE, "USA [TODAY] reported it.", None),
    (TUE, "The [fall] of Kabul shocked them.", None),
    (TUE, "It changed [in recent years].", None),
    (TUE, "He wept to [this day].", None),
    (TUE, "The high will be in [the 90s], with heat warnings.", None),
]
ALL = [*WEEKDAYS, *DAYS, *DATES, *MONTHS, *WEEKS, *YEARS, *SEASONS, *HOLIDAYS_NAMED, *NO_TIME]


@pytest.mark.parametrize(("published", "marked", "expected"), ALL)
def test_resolves(published, marked, expected):
    assert resolve(marked, published) == expected


def test_datetimes_and_zones_count_by_their_own_day():
    text = "It happened on Tuesday."
    assert resolve_date(text, 15, 22, datetime(2022, 9, 6, 23, 59, tzinfo=UTC)) == "2022-09-06"


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (5, 2), (0, 99)])
def test_offsets_outside_of_the_text_are_no_time(start, end):
    assert resolve_date("On Tuesday", start, end, date(2022, 9, 6)) is None


def test_a_span_of_a_page_is_no_time():
    text = "On Tuesday " * 100
    assert resolve_date(text, 0, len(text), date(2022, 9, 6)) is None


@pytest.mark.parametrize(
    ("sentence", "tense"),
    [
        ("The judge ruled on @.", "past"),
        ("The judge will rule on @.", "future"),
        ("The judge said @ that she will rule.", "past"),
        ("The judge is expected to rule @.", "future"),
        ("The judge, who was appointed in 2019, will rule @.", "future"),
        ("The court will hear the man arrested on @.", "past"),
        ("He will be tried and sentenced on @.", "future"),
        ("The Planning Board met on @.", "past"),
        ("Will Smith won on @.", "past"),
        ("A storm of rain and wind @", None),
        ("By @, 200 had died.", "past"),
        ("It was postponed from May to @.", "future"),
        ("Crews have been working since @ to restore power.", "past"),
        ("They requested a grand jury to be seated starting @.", "future"),
    ],
)
def test_tense(sentence, tense):
    at = sentence.index("@")
    text = sentence.replace("@", "Monday")
    assert find_tense(text, at, at + len("Monday")) == tense


# Periods in questions

ASKED = date(2022, 9, 6)
PERIODS = [
    ("What was inflation [in March 2022]?", "within", "2022-03-01", "2022-03-31", False),
    ("what was inflation [in may 2022]", "within", "2022-05-01", "2022-05-31", False),
    ("Who died [last week]?", "within", "2022-08-29", "2022-09-04", True),
    ("How many cases were found [this year]?", "within", "2022-01-01", "2022-12-31", True),
    ("How many cases were found [two years ago]?", "within", "2020-01-01", "2020-12-31", True),
    ("What happened [on 5 July 2022]?", "within", "2022-07-05", "2022-07-05", False),
    ("What happened [on July 5]?", "within", "2022-07-05", "2022-07-05", True),
    ("What happened [on Monday]?", "within", "2022-09-05", "2022-09-05", True),
    ("What happened [yesterday]?", "within", "2022-09-05", "2022-09-05", True),
    ("Who resigned [in 2021]?", "within", "2021-01-01", "2021-12-31", False),
    ("Who resigned [in 2020 and 2021]?", "within", "2020-01-01", "2021-12-31", False),
    ("Who resigned [between May and July 2022]?", "within", "2022-05-01", "2022-07-31", False),
    ("Who resigned [from 3 to 5 June 2021]?", "within", "2021-06-03", "2021-06-05", False),
    ("How hot was it [in the summer of 2021]?", "within", "2021-06-01", "2021-08-31", False),
    ("What was the rate [in mid-July 2022]?", "within", "2022-07-08", "2022-07-23", False),
    ("What was revenue [in the first quarter of 2022]?", "within", "2022-01-01", "2022-03-31", False),
    ("What was worn [in the 1990s]?", "within", "1990-01-01", "1999-12-31", False),
    ("What did the groundhog say [on Groundhog Day 2021]?", "within", "2021-02-02", "2021-02-02", False),
    ("Who was killed [on Christmas Eve]?", "within", "2021-12-24", "2021-12-24", True),
    ("Which word was the word of the year [in 2020]?", "within", "2020-01-01", "2020-12-31", False),
    ("Who led the polls [before March 2022]?", "before", None, "2022-02-28", False),
    ("Who led the polls [before the election of 2020]?", "before", None, "2020-12-31", False),
    ("How much will emissions fall [by 2030]?", "before", None, "2030-12-31", False),
    ("Who stayed in office [until 2019]?", "before", None, "2019-12-31", False),
    ("How many people have died [since 2020]?", "after", "2020-01-01", None, False),
    ("Who joined [after May 2021]?", "after", "2021-06-01", None, False),
    ("Who was the richest person [as of March 2018]?", "as_of", "2018-03-01", "2018-03-31", False),
    ("What is the [latest] death toll?", "latest", None, None, True),
    ("Who is [currently] leading the race?", "latest", None, None, True),
    ("Who is the [most recent] winner?", "latest", None, None, True),
    ("[Now] who leads?", "latest", None, None, True),
    ("WHO LEADS [NOW]?", "latest", None, None, True),
    ("[as of 2019] who led the party?", "as_of", "2019-01-01", "2019-12-31", False),
    ("Who won the [2020] election?", "event", "2020-01-01", "2020-12-31", False),
    ("What was the rate after its [August 2022] increase?", "event", "2022-08-01", "2022-08-31", False),
    ("Who won Eurovision [2021]?", "event", "2021-01-01", "2021-12-31", False),
    ("How many died in the [New Year's Day 2022] storm?", "event", "2022-01-01", "2022-01-01", False),
    ("Which film has the most nominations for [this year]’s Oscars?", "event", "2022-01-01", "2022-12-31", True),
    ("Which show will return [next year]?", "event", "2023-01-01", "2023-12-31", True),
    ("What had she found before her death in [January 2018]?", "event", "2018-01-01", "2018-01-31", False),
    ("Who won at the 2022 Oscars [in March 2022]?", "within", "2022-03-01", "2022-03-31", False),
]


@pytest.mark.parametrize(("marked", "kind", "start", "end", "relative"), PERIODS)
def test_finds_the_period(marked, kind, start, end, relative):
    day = {text: date.fromisoformat(text) if text else None for text in (start, end)}
    found = find_period(marked.replace("[", "").replace("]", ""), ASKED)
    assert found == Period(day[start], day[end], marked.index("["), marked.index("]") - 1, kind, relative)


@pytest.mark.parametrize(
    "question",
    [
        "What may the court decide?",
        "What did Theresa May say?",
        "Which film is 1917 based on?",
        "Who directed the film 1917?",
        "Who starred in Halloween?",
        "What is Super Tuesday?",
        "How far did the stock fall in two weeks?",
        "Who was the first woman to do so for the first time in 10 years?",
        "How many people walked 1500 miles?",
        "Who led the March on Washington?",
        "What was named word of the year?",
        "Who is the author of the book 1984?",
        "Until now, who had the record?",
        "Who directed Apocalypse Now?",
        "What is direct current?",
        "What costs $2020?",
        "",
    ],
)
def test_finds_no_period(question):
    assert find_period(question, ASKED) is None


MARCH = Period(date(2022, 3, 1), date(2022, 3, 31), 0, 1, "within")


@pytest.mark.parametrize(
    ("published", "period", "answer"),
    [
        (date(2022, 4, 12), MARCH, True),  # the figures of March
        (date(2022, 3, 1), MARCH, True),
        (date(2022, 2, 28), MARCH, False),
        (date(2022, 7, 1), MARCH, False),
        (date(2022, 7, 1), Period(None, None, 0, 1, "latest"), None),
        (date(2022, 7, 1), Period(None, date(2022, 6, 30), 0, 1, "before"), False),
        (date(2022, 7, 1), Period(date(2020, 1, 1), None, 0, 1, "after"), True),
        (date(2020, 11, 4), Period(date(2020, 1, 1), date(2020, 12, 31), 0, 1, "event"), True),
        (date(2023, 1, 1), Period(date(1, 1, 1), date(2020, 12, 31), 0, 1, "event"), False),
        (date(9999, 12, 31), Period(date(9999, 12, 1), date(9999, 12, 31), 0, 1, "within"), True),
    ],
)
def test_publication_days(published, period, answer):
    days = publication_days(period)
    assert (days and days[0] <= published <= days[1]) is answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [("When did the bridge open?", True), ("What year did the bridge open?", True), ("On which day was it?", True),
     ("How long ago was it?", True), ("What time does it open?", False), ("How long did it last?", False),
     ("Who opened the bridge when he was mayor?", False), ("Where is it?", False)],
)  # fmt: skip
def test_time_questions(question, answer):
    assert is_time_question(question) is answer


# What holds for any text

_WORDS = (
    "on in at by the last next this that past early mid late of and to from through before after since until will "
    "was said Monday Tuesday Sunday May march June Dec. July 1 4 31 30 2019 2021 2021-22 9/11 12/25/2019 1990s week "
    "weekend month year years two a couple ago later earlier Christmas Eve Easter weekend summer fall 19th century "
    "quarter first Labor Day tonight yesterday 5 p.m. , . - – ’s \n people 75 it Capitol"
).split(" ")
_TEXTS = st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join) | st.text(max_size=60)
_PUBLISHED = st.none() | st.dates() | st.datetimes()


@given(text=_TEXTS, start=st.integers(-3, 60), size=st.integers(-3, 60), published=_PUBLISHED)
def test_any_span_gives_a_well_formed_date_or_nothing(text, start, size, published):
    resolved = resolve_date(text, start, start + size, published)
    if resolved is not None:
        stretch = parse_stretch(resolved)
        assert stretch.start <= stretch.end
        assert str(stretch) == resolved


@given(question=_TEXTS, asked_on=st.dates())
def test_any_question_gives_an_ordered_period_or_nothing(question, asked_on):
    period = find_period(question, asked_on)
    if period is not None:
        assert 0 <= period.start_in < period.end_in <= len(question)
        assert period.start is None or period.end is None or period.start <= period.end
        assert (period.start is None and period.end is None) == (period.kind == "latest")
        days = publication_days(period)
        assert days is None or days[0] <= days[1]


_TIMELESS = "the 75 people $5 34 killed he said may to march and that fire a 1,500 4.5 7-2 will 45-year-old".split()


@given(words=st.lists(st.sampled_from(_TIMELESS), min_size=1, max_size=12), published=_PUBLISHED)
def test_no_date_without_a_word_of_time(words, published):
    text = " ".join(words)
    assert resolve_date(text, 0, len(text), published) is None


@given(text=_TEXTS)
def test_expressions_stand_in_order_and_do_not_overlap(text):
    found = find_expressions(text, 0, len(text))
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))
    assert all(0 <= one.start < one.end <= len(text) for one in found)


# Arithmetic on days


@pytest.mark.parametrize("name", HOLIDAYS)
def test_every_holiday_falls_in_its_year(name):
    assert {holiday(name, year).year for year in (2017, 2021, 2025)} == {2017, 2021, 2025}


@pytest.mark.parametrize(
    ("name", "year", "day"),
    [("thanksgiving", 2022, "2022-11-24"), ("election day", 2022, "2022-11-08"), ("labor day", 2025, "2025-09-01"),
     ("memorial day", 2021, "2021-05-31"), ("easter", 2024, "2024-03-31"), ("mother's day", 2023, "2023-05-14"),
     ("election day", 2016, "2016-11-08"), ("inauguration day", 2023, "2021-01-20"),
     ("martin luther king day", 2023, "2023-01-16"), ("good friday", 2022, "2022-04-15")],
)  # fmt: skip
def test_holidays(name, year, day):
    assert holiday(name, year).isoformat() == day


@given(day=st.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_a_week_begins_on_monday_and_holds_its_day(day):
    week = one_week(day)
    assert (week.start.weekday(), week.end.weekday()) == (0, 6)
    assert week.start <= day <= week.end


@given(year=st.integers(2, 9000), month=st.integers(1, 12), count=st.integers(-12, 12))
def test_months_move_there_and_back(year, month, count):
    if 1 < year + count // 12 < 9999:
        assert move(move(one_month(year, month), "month", count), "month", -count) == one_month(year, month)


@pytest.mark.parametrize("written", ["", "2022-1", "2022-13", "2022-02-30", "22", "2022/", "2022-02/2021", "a"])
def test_what_is_no_date_is_refused(written):
    with pytest.raises(ValueError):
        parse_stretch(written)

"""Do all numbers resolve? Answers of a real archive as page, export and article, checked against each other.

    python -m bench.evidence INDEX QUESTIONS [--answered 2000]

QUESTIONS are files as for `verbatim eval`. For every answered question: the numbers after the words, in the list of
sources and in the Markdown and JSON exports are the same, and each leads to an article page on which the marks of the
cited words are exactly the quote.
"""

import argparse
import re
from html import unescape
from pathlib import Path

from fastapi.testclient import TestClient

from qa.questions import read_questions
from server.app import create_app
from server.loading import open_archive, read_settings


def check(client: TestClient, question: str) -> tuple[int, list[str]]:
    """The number of citations of an answer, and what is wrong with them; 0 where there was no answer."""
    reply = client.post("/ask", json={"question": question}).json()
    if not reply.get("answered"):
        return 0, []
    page = client.get(f"/c/{reply['conversation_id']}").text.partition("<template")[0]
    export = client.get(f"/conversations/{reply['conversation_id']}.md").text
    kept = client.get(f"/conversations/{reply['conversation_id']}.json").json()["exchanges"][0]["reply"]
    wrong = [] if kept == reply else ["the JSON export differs"]
    citations = [citation for answer in reply["answers"] for citation in answer["citations"]]
    for citation in citations:
        source = f"s{reply['turn']}-{citation['number']}"
        link = re.search(rf'href="([^"]*)" data-source="{source}"', page)
        if link is None or f'id="{source}"' not in page or f"\n- \\[{citation['number']}\\] " not in export:
            wrong.append(f"number {citation['number']} is not everywhere")
            continue
        article = client.get(unescape(link[1])).text
        marks = re.findall(r'<mark(?: id="w")?>(.*?)</mark>', article, re.S)
        if "".join(map(unescape, marks)) != citation["quote"].replace("\n", ""):
            wrong.append(f"number {citation['number']} marks other words")
    return len(citations), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--answered", type=int, default=2000)
    given = parser.parse_args()
    settings = read_settings(index=given.index, keep=False)
    answered = citations = 0
    failed: list[str] = []
    with TestClient(create_app(open_archive(settings), settings), base_url="http://127.0.0.1") as client:
        client.get("/", headers={"accept": "text/html"})
        for question in read_questions(given.questions):
            if answered == given.answered:
                break
            count, wrong = check(client, question.text)
            answered, citations = answered + bool(count), citations + count
            failed += [f"{question.text}: {each}" for each in wrong]
    print(f"{answered:,} answered questions, {citations:,} citations, {len(failed)} wrong")
    for each in failed[:20]:
        print(" ", each)


if __name__ == "__main__":
    main()

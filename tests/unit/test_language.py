"""Which language a question is in: told where it is plain, and never of English."""

import pytest

from server.language import language_of


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wer hat die Brücke eröffnet?", "German"),
        ("Was ist passiert?", "German"),
        ("Combien a coûté le pont ?", "French"),
        ("Qui est Emmanuel Macron ?", "French"),
        ("¿Cuándo abre el puente?", "Spanish"),
        ("Quando apre il ponte?", "Italian"),
        ("Quem ganhou a copa do mundo?", "Portuguese"),
        ("Hoeveel kostte de brug?", "Dutch"),
        ("Ile kosztował most w Gdańsku?", "Polish"),
        ("Vad kostade bron?", "Swedish"),
        ("Hvor meget kostede broen?", "Danish or Norwegian"),
        ("WANN WURDE DIE BRÜCKE GEBAUT?", "German"),
        ("Когда откроют мост?", "a language in Cyrillic letters"),
        ("متى يفتح الجسر", "a language in Arabic letters"),
        ("いつ橋が開きますか", "Japanese"),
        ("桥什么时候开放", "Chinese"),
        ("다리는 언제 열립니까", "Korean"),
        ("Quanto custou a ponte?", "another language"),  # two have all of these words
    ],
)
def test_other_languages(question, language):
    assert language_of(question) == language


@pytest.mark.parametrize(
    "question",
    [
        "Who directed La Vie en Rose?",
        "El Niño de la Esperanza",
        "Der Spiegel editor",
        "What did Volodymyr Зеленський say?",
        "What is «Die Zeit»?",
        "Kim Jong Un sister",
        "Come to think of it, who won?",
        "Who won La Liga and the Copa del Rey?",
        "Rio de Janeiro carnival date",
        "Was it in Der Spiegel?",
        "cost?",
        "¿",
        "2024",
        "",
    ],
)
def test_english_and_what_may_be_english(question):
    assert language_of(question) is None

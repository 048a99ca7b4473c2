"""Whether a question is written in another language than English, seen by its letters and its little words.

Light on purpose, and careful: a false alarm annoys, a missed one only says nothing. An English question may name
anything foreign, so a language is named only where its own question words or verbs stand and English ones do not.
"""

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")
# Letters' Unicode names begin with their script's.
_SCRIPTS = {
    "CYRILLIC": "a language in Cyrillic letters",
    "GREEK": "Greek",
    "ARABIC": "a language in Arabic letters",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "a language in Devanagari letters",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "TELUGU": "Telugu",
    "THAI": "Thai",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
}
# For each language: words that only ask or tell, then other little words. None of the former is English.
_LANGUAGES = {
    "German": (
        "wer wie wann warum wieso weshalb wohin woher welche welcher welches welchen wieviel ist sind wurde wurden hat "
        "haben wird werden kann können gibt",
        "der die das den dem des ein eine einen einer und für mit von zu zum zur im auf bei nach über nicht wo was "
        "es sich",
    ),
    "French": (
        "qui quand où pourquoi comment combien quel quelle quels quelles est sont était sera sera-t-il ont fait peut "
        "va s'est c'est",
        "le la les un une des du de et pour avec dans sur par au aux ce cette il elle que qu à en a pas l d y t",
    ),
    "Spanish": (
        "quién quien quiénes cuándo cuando cómo cuál cuáles cuánto cuánta cuántos cuántas dónde qué es son fue fueron "
        "está están ha han tiene hay ganó",
        "el la los las un una de del al y en por para con que se su no a lo como",
    ),
    "Italian": (
        "chi quando perché come quanto quanti quale quali dove cosa è sono era stato stata ha hanno sarà può",
        "il lo la i gli le un una uno di del della dei delle al alla nel nella da dal per con e che non si in a l",
    ),
    "Portuguese": (
        "quem quando como qual quais quanto quantos onde quê é são foi foram está estão tem têm será pode",
        "o a os as um uma de do da dos das no na nos nas em por para com e que se não ao",
    ),
    "Dutch": (
        "wie wanneer waarom hoe hoeveel welke waar zijn werd werden heeft hebben wordt kan wat",
        "de het een van en voor met op te bij naar niet in is er dat die door",
    ),
    "Polish": (
        "kto kiedy dlaczego jak ile gdzie jaki jaka jakie który która które czy jest są był była było będzie ma co",
        "i w z na do o od po dla się nie to ze za",
    ),
    "Swedish": (
        "vem när varför hur vilken vilket vilka vad är var blev har finns kan ska",
        "den det de en ett och för med av på till i om som inte",
    ),
    "Danish or Norwegian": (
        "hvem hvornår når hvorfor hvordan hvor hvilken hvilket hvilke hva hvad er var blev ble har kan skal",
        "den det de en et og for med av af på til i om som ikke",
    ),
    "Turkish": (
        "kim ne nerede nasıl neden niçin kaç hangi mi mı mu mü nedir kimdir oldu var",
        "ve bir bu için ile de da en",
    ),
    "Czech": (
        "kdo kdy proč jak kolik kde jaký jaká jaké který která které je jsou byl byla bylo bude má co",
        "a v z na do o od po pro se ne to že s",
    ),
    "Indonesian": (
        "siapa kapan mengapa kenapa bagaimana berapa mana apa adalah",
        "yang di ke dari dan untuk dengan ini itu pada",
    ),
}  # fmt: skip
_ENGLISH = frozenset(
    "who whom whose what when where why how which is are was were be been being am do does did has have had will "
    "would can could should may might must the of and to for with from by at about into this that these those it its "
    "he she they his her their there not on as an or than many much".split()
)
# Telling words that an English question may begin with: English words and names.
_MISLEADING = frozenset(
    "come hat hoe wat mana apa chi var ha co qui ile ma kan kim sono era fun ne va kaz mi pode".split()
)
_TABLE = {
    name: (frozenset(telling.split()), frozenset(little.split())) for name, (telling, little) in _LANGUAGES.items()
}


def language_of(question: str) -> str | None:
    """The language, in English words, that a question seems to be in; None for English and wherever in doubt."""
    return _by_script(question) or _by_words(question)


def _by_script(question: str) -> str | None:
    """Where most letters are of another script. Kana make a text Japanese, though most of it be Chinese characters."""
    letters = [character for character in question if character.isalpha()]
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    foreign = {script: count for script, count in scripts.items() if script in _SCRIPTS}
    if sum(foreign.values()) * 2 <= len(letters):
        return None
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return _SCRIPTS["HIRAGANA"]
    return _SCRIPTS[max(foreign, key=lambda script: foreign[script])]


def _by_words(question: str) -> str | None:
    # Capitalised words may be names, except the first.
    words = [match.group() for match in _WORD.finditer(unicodedata.normalize("NFC", question))]
    plain = [place == 0 or not word[0].isupper() or question.isupper() for place, word in enumerate(words)]
    words = [word.lower() for word, counts in zip(words, plain, strict=True) if counts]
    found: Counter[str] = Counter()
    for name, (telling, little) in _TABLE.items():
        asked = sum(word in telling for word in words)
        hits = asked + sum(word in little for word in words)
        english = sum(word in _ENGLISH - telling - little for word in words)
        if words and words[0] in telling - _MISLEADING and english == 0 and len(words) > 2:
            hits += 1  # nothing English begins like this
        asked += "¿" in question and name == "Spanish"
        if asked and hits >= max(2, 2 * english + 1):
            found[name] = hits
    best = [name for name, hits in found.items() if hits == max(found.values())]
    return best[0] if len(best) == 1 else "another language" if best else None

"""Signatures: a text's word triples in 512 bytes, by which copies are looked for (MinHash, Broder 1997)."""

import re
import unicodedata
import zlib

import numpy as np

VALUES = 128
# Scripts without spaces: Thai, Lao, Burmese, Khmer, Han, kana, Yi. Each letter counts as a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(r"\w+")

# The factors and terms of 128 hash functions. Others would need another VERSION.
_DRAWN = np.frombuffer(np.random.RandomState(20240909).bytes(2 * VALUES * 4), "<u4").astype(np.uint32)
FACTORS, _TERMS = (_DRAWN | np.uint32(1)).reshape(2, VALUES, 1)
NOTHING = np.uint32(0xFFFFFFFF)


def signature(text: str) -> np.ndarray:
    """MinHash of the word triples of ``text``: uint32 (128,), the same on every machine and in every run.

    The share of equal values in two signatures estimates the Jaccard similarity of the texts'
    triples, within .09 in 95 of 100 cases. Case, punctuation and white space do not count. A text
    without a single word gets the largest value 128 times.
    """
    text = unicodedata.normalize("NFKC", text).lower().replace("_", " ")
    if _LETTER.search(text):
        text = _LETTER.sub(r" \g<0> ", text)
    words = " ".join(_WORD.findall(text)).encode("utf-8", "surrogatepass").split()
    least = np.full(VALUES, NOTHING)
    triples = _join_triples(np.fromiter(map(zlib.crc32, words), np.uint64, len(words))) if words else ()
    for first in range(0, len(triples), 1024):  # what fits the processor's cache
        values = triples[first : first + 1024] * FACTORS
        values += _TERMS
        np.minimum(least, values.min(axis=1), out=least)
    return least


def _join_triples(hashes: np.ndarray) -> np.ndarray:
    """A uint32 for each three words in a row; for fewer than three words, one for them all."""
    hashes = np.pad(hashes, (0, max(0, 3 - len(hashes))))
    mixed = (hashes[:-2] * np.uint64(0x9E3779B97F4A7C15) + hashes[1:-1]) * np.uint64(0xC2B2AE3D27D4EB4F) + hashes[2:]
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return (mixed >> np.uint64(32)).astype(np.uint32)

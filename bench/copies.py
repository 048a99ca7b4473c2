"""Copies: how many known pairs are found, how many pairs there are, what it costs, and pairs to read by eye.

    python -m bench.copies ARTICLES [DUPLICATES] [--pairs FILE] [--near FILE]

DUPLICATES is JSON Lines with ``article_ids``, articles of one text. ``--pairs`` writes 200 found pairs of
unequal texts, drawn at random, with what differs; ``--near`` those that came nearest without being found.
"""

import argparse
import difflib
import json
import random
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from index import copies
from index.articles import Article, Found, order_by_id, read_articles

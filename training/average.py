"""The mean of several trained states of one model, weight by weight (Wortsman et al. 2022, "Model soups").

    python -m training.average runs/first/hf runs/second/hf runs/mean

States that descend from one another lie close enough for their mean to be a model again, and often a better one on
text unlike that of training. The result is in the Hugging Face layout, ready for `training.export`.
"""

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


def average(sources: list[Path], target: Path) -> None:
    """Writes the mean of the weights of ``sources`` into ``target``, all else as in the last of them."""
    states = [load_file(source / WEIGHTS) for source in sources]
    shutil.copytree(sources[-1], target, dirs_exist_ok=True)
    mean = {name: sum(state[name].float() for state in states) / len(states) for name in states[-1]}
    save_file(mean, target / WEIGHTS, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sources", type=Path, nargs="+", help="trained states in the Hugging Face layout")
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    average(args.sources, args.target)


if __name__ == "__main__":
    main()

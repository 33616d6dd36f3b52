"""Fit the truth of `known_digits`: for each digit a mixture of factor analysers, by EM, to scikit-learn's digits.

    python benchmarks/known_digits.py

writes datasets/known_digits.safetensors.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits

from genbench.datasets.factor_mixtures import fitted_digits


def main() -> None:
    levels, digits = load_digits(return_X_y=True)
    x = (levels + np.random.default_rng(0).random(levels.shape)) / 17  # 17 levels, dequantised
    save_file(fitted_digits(x, digits, factors=8), Path(__file__).parents[1] / "datasets" / "known_digits.safetensors")


if __name__ == "__main__":
    main()

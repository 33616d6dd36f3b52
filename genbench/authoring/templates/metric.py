"""my_metric: a score of samples, here the distance of margins. Replace what is not yours.

Run it:  genbench run --models cfm,gmm --data moons --metrics my_metric,sliced_w2 --plugin my_metric.py
Test it: python -m pytest test_my_metric.py
"""

import numpy as np

from genbench import Evidence, Score, register_metric

# Where higher is better, say higher_is_better=True; where a quotient by the oracle's score means nothing, ratio=False.
# evidence.samples, .reference (of the truth), .test, .train are [n, d]; .model_log_prob, .true_log_prob [n], in nats,
# of the first test points. What a model or dataset may lack is named: needs=("density", "true_density", "train").


@register_metric("my_metric", label="my metric", unit="data units")
def my_metric(evidence: Evidence) -> Score:
    """Mean distance between the quantiles of samples and truth, over coordinates.

    It is the Wasserstein-1 distance of the margins. It is 0 for equal margins. Samples of the truth itself have a
    higher score, because their number is finite.
    """
    distances = [
        np.abs(np.sort(samples, axis=0) - np.sort(truth, axis=0)).mean()
        for samples, truth in evidence.sets  # pairs of independent samples [m, d]
    ]
    return Score.mean(np.array(distances))  # with its standard error; a float will do as well

"""Worst error of a posterior mean, in standard deviations of the reference.

    compare.py REFERENCE RESULT...     JSON: means by name, {"mean": {"mu": .., ..}}, or a report of
                                       dgmc run; one number for each RESULT, one a line
"""
import json
import sys

import numpy as np


def means(result):
    if "posterior" in result:
        return {k: v["mean"] for k, v in result["posterior"].items()}
    return result["mean"]


reference, *results = [json.load(open(name)) for name in sys.argv[1:]]
for result in map(means, results):
    print(max(np.max(np.abs(np.subtract(result[k], m)) / reference["sd"][k])
              for k, m in reference["mean"].items()))

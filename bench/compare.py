"""``python -m bench.compare {linear,groups,penalties,logistic,svm,…} …``: beside other packages.

Peers run their own threads. If BLAS started more threads inside each of them, they would take cores
that they were not granted. So BLAS is held to one thread, which must be set before NumPy is loaded.
"""

import importlib
import os
import sys

os.environ |= {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "2",
} | os.environ

#: Name of a comparison → the module of its command.
COMMANDS = {"linear": "bench.linear.command", "groups": "bench.groups.command",
            "penalties": "bench.penalties.command",
            "logistic": "bench.logistic.command",
            "multinomial": "bench.multinomial.command",
            "svm": "bench.svm.command",
            "covariance": "bench.covariance.command",
            "mf": "bench.ratings.command",
            "implicit": "bench.ratings.command",
            "netflix": "bench.ratings.large", "lda": "bench.topics.command",
            "medlda": "bench.medlda.command",
            "graphs": "bench.sampling.command",
            "coding": "bench.coding.command"}  # fmt: skip

if __name__ == "__main__":
    from bench.harness.command import command

    name, *words = sys.argv[1:] or [""]
    if name not in COMMANDS:
        sys.exit(f"usage: python -m bench.compare {{{','.join(COMMANDS)}}} [--help]")
    module = COMMANDS[name]
    given = [name, *words] if module == "bench.ratings.command" else words
    command(importlib.import_module(module).main, given)

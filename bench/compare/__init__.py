"""Matrix factorisation beside other solvers: ``python -m bench.compare {mf,implicit,netflix}``.

Peers run their own threads. If BLAS started more threads inside each of them, they would take cores
that they were not granted. So BLAS is held to one thread, which must be set before NumPy is loaded.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OMP_NUM_THREADS", "2")

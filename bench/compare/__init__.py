"""Matrix factorisation beside other solvers: ``python -m bench.compare {mf,implicit,netflix}``.

Peers run their own threads, and a BLAS that started more inside each of them would take cores that
were not granted: it is held to one thread, which has to be said before NumPy is loaded.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("OMP_NUM_THREADS", "2")

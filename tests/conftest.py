"""Settings for every test."""

import os

# Before torch is imported. Matrices as small as here are slower on two threads, by far when
# another test runs beside: OpenMP's threads wait for the one that shares its core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

"""How long scikit-learn takes for the fit of BenchmarkMinimise, on the same numbers, and the loss it reaches.

    FIT_SPEED_DATA=/tmp/fit_speed go test ./models/internal/logistic -run - -bench Minimise -benchtime 3x
    OPENBLAS_NUM_THREADS=2 python3 models/testdata/fit_speed.py /tmp/fit_speed
"""

import resource
import sys
import time

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(path):
    rows, columns = np.fromfile(path, "<i8", 2)
    label = np.fromfile(path, np.uint8, rows, offset=16)
    x = np.fromfile(path, "<f4", rows * columns, offset=16 + rows).reshape(rows, columns)
    print(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, {rows} x {columns}")
    for kind in ("float64", "float32"):
        design = x.astype(kind)
        for tolerance in (1e-4, 1e-6):
            model = LogisticRegression(C=1.0, solver="lbfgs", tol=tolerance, max_iter=1000)
            wall, cpu = time.perf_counter(), cpu_seconds()
            model.fit(design, label)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            total = (x @ model.coef_[0].astype("f8")) + model.intercept_[0]
            loss = np.mean(np.logaddexp(0, np.where(label == 1, -total, total)))
            print(f"{kind} tol {tolerance:g}: {wall:.2f} s, CPU {cpu:.2f} s, {model.n_iter_[0]} iterations, log loss {loss:.10f}")


main(sys.argv[1])

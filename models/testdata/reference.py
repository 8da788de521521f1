"""Makes telco_reference.json: what scikit-learn and statsmodels say of the telco churn table.

python3 reference.py TELCO_CHURN.csv.gz > telco_reference.json
"""
import csv
import gzip
import json
import sys

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

NUMBERS = ["SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges"]
LEFT_OUT = ["customerID", "Churn"]
FEW = ["SeniorCitizen", "tenure", "MonthlyCharges", "Contract", "PaperlessBilling"]

with gzip.open(sys.argv[1], "rt", newline="") as f:
    rows = list(csv.DictReader(f))
y = np.array([r["Churn"] == "Yes" for r in rows], dtype=float)
weight = 1.0 + np.arange(len(rows)) % 3
group = np.arange(len(rows)) // 3


def columns(names, w):
    """Numbers: standardised by the weighted mean and population deviation of those present, missing ones 0, and an
    indicator. Levels: 0 or 1 for each but the most common (the first in order of text among equals)."""
    out = []
    for name in names:
        if name in NUMBERS:
            v = np.array([float(np.float32(r[name])) if r[name].strip() else np.nan for r in rows])
            here = ~np.isnan(v)
            mean = np.average(v[here], weights=w[here])
            scale = np.sqrt(np.average((v[here] - mean) ** 2, weights=w[here]))
            out.append((name + " linear", np.where(here, (v - mean) / scale, 0.0)))
            if not here.all():
                out.append((name + " missing", (~here).astype(float)))
            continue
        levels = sorted({r[name] for r in rows})
        counts = [sum(r[name] == level for r in rows) for level in levels]
        reference = levels[int(np.argmax(counts))]
        for level in levels:
            if level != reference:
                out.append((name + " level " + level, np.array([float(r[name] == level) for r in rows])))
    return [n for n, _ in out], np.column_stack([v for _, v in out])


def fit(names, penalty, w, solver="newton-cholesky"):
    labels, x = columns(names, w)
    model = LogisticRegression(C=1 / penalty, solver=solver, tol=1e-12, max_iter=10000)
    model.fit(x, y, sample_weight=w)
    p = model.predict_proba(x)[:, 1]
    beta = np.concatenate([model.intercept_, model.coef_[0]])
    # Sandwich clustered by group, at the penalised minimum.
    d = np.column_stack([np.ones(len(y)), x])
    ridge = np.diag([0.0] + [penalty] * x.shape[1])
    a = (d * (w * p * (1 - p))[:, None]).T @ d + ridge
    s = d * (w * (y - p))[:, None]
    sums = np.zeros((group.max() + 1, d.shape[1]))
    np.add.at(sums, group, s)
    g = len(sums)
    cov = np.linalg.solve(a, np.linalg.solve(a, sums.T @ sums).T) * g / (g - 1)
    return {
        "penalty": penalty,
        "weighted": bool((w != 1).any()),
        "columns": names,
        "coefficients": dict(zip(["intercept"] + labels, beta)),
        "standard_errors": dict(zip(["intercept"] + labels, np.sqrt(np.diag(cov)))),
        "auc": roc_auc_score(y, p, sample_weight=w),
        "log_loss": log_loss(y, p, sample_weight=w),
        "brier": brier_score_loss(y, p, sample_weight=w),
    }


every = [n for n in rows[0] if n not in LEFT_OUT]
ones = np.ones(len(y))
fits = [fit(every, 1.0, ones), fit(every, 30.0, weight)]

labels, x = columns(FEW, ones)
plain = sm.Logit(y, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-14)
clustered = sm.Logit(
    y, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-14, cov_type="cluster", cov_kwds={"groups": group, "use_correction": False})
g = group.max() + 1
unpenalised = {
    "penalty": 0.0,
    "weighted": False,
    "columns": FEW,
    "coefficients": dict(zip(["intercept"] + labels, plain.params)),
    "standard_errors": dict(zip(["intercept"] + labels, clustered.bse * np.sqrt(g / (g - 1)))),
}
json.dump({
    "made_by": f"Python {sys.version.split()[0]}, scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}",
    "settings": "LogisticRegression(C=1/penalty, solver=newton-cholesky, tol=1e-12); standard errors of penalised fits: numpy sandwich; "
                "penalty 0: statsmodels Logit, newton, cov_type=cluster without its correction, times sqrt(G/(G-1)); group = row // 3; weight = 1 + row % 3",
    "fits": fits + [unpenalised],
}, sys.stdout, indent=1)
print()

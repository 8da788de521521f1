"""How far plain columns can go: what scikit-learn's logistic regression reaches when it is fitted to the test rows themselves.

    python3 reference_ceiling.py DIRECTORY

Each row is predicted by models fitted to nine tenths of the other rows of its own cut-off, so the model knows the season, which no model trained in time
does, and has fewer rows. Columns are the visits of reference_later.py; AUC and log loss are means over five ways to part the rows. C is the best afterwards.
"""

import sys

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import reference_later as later

for name, horizon, test in [("online_retail", 90, "2011-09-01"), ("online_retail", 30, "2011-11-01"), ("completejourney", 14, "2017-11-01")]:
    x, y, _ = later.Data(later.purchases(sys.argv[1], name)).rows(later.day(test), horizon, "visits")
    best = []
    for c in later.GRID:
        figures = []
        for seed in range(5):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=10000))
            p = cross_val_predict(model, x, y, cv=StratifiedKFold(10, shuffle=True, random_state=seed), method="predict_proba")[:, 1]
            figures.append((roc_auc_score(y, p), log_loss(y, p)))
        best.append((*numpy.mean(figures, axis=0), c))
    print(name, horizon, test, len(y), y.sum(), "AUC %.4f with C %g, log loss %.4f with C %g" % (max(best)[0], max(best)[2], *min((b[1], b[2]) for b in best)), flush=True)

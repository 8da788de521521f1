"""What scikit-learn's logistic regression reaches on purchases over several later cut-offs, to compare with.

    python3 reference_later.py DIRECTORY > reference_later.txt

DIRECTORY has online_retail.csv.gz and completejourney_transactions.csv.gz. Each model is trained at one cut-off, or with "pooled" also at
earlier ones whose horizons end by it, a horizon or four weeks apart and at least two horizons or eight weeks after the first day, up to
eight in all. It is asked who buys within the horizon, of everyone who has bought before the cut-off. A column is log(1 + x), standardised. C is that of
scikit-learn; "cv" is the C of least log loss by 5 folds, by customer. The column sets are
    lines   tenure, recency, and lines, days and money in the last 1 3 7 14 30 60 90 180 365 days: 29
    visits  tenure, recency, and lines, days, money and visits (lines of one moment) in the last 7 14 30 60 90 180 365 days: 30
"""

import csv
import datetime
import gzip
import platform
import sys

import numpy
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

TASKS = [
    ("online_retail", 30, "2011-06-01", ["2011-07-01", "2011-08-01", "2011-09-01", "2011-10-01", "2011-11-01"]),
    ("online_retail", 90, "2011-03-01", ["2011-06-01", "2011-07-01", "2011-08-01", "2011-09-01"]),
    ("completejourney", 14, "2017-07-01", ["2017-08-01", "2017-09-01", "2017-10-01", "2017-11-01", "2017-12-01"]),
]
WINDOWS = {"lines": [1, 3, 7, 14, 30, 60, 90, 180, 365], "visits": [7, 14, 30, 60, 90, 180, 365]}
GRID = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]
EPOCH = datetime.datetime(1970, 1, 1)


def day(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH).days


def purchases(directory, name):
    """Customer, second since 1970 and money of each line."""
    files = {"online_retail": "online_retail.csv.gz", "completejourney": "completejourney_transactions.csv.gz"}
    with gzip.open(directory + "/" + files[name], "rt", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            if name == "completejourney":
                who, when, money = row["household_id"], row["transaction_timestamp"], float(row["sales_value"])
            elif float(row["Quantity"]) > 0 and row["CustomerID"]:
                who, when, money = row["CustomerID"], row["InvoiceDate"], float(row["Quantity"]) * float(row["UnitPrice"])
            else:
                continue
            yield who, int((datetime.datetime.fromisoformat(when) - EPOCH).total_seconds()), money


class Data:
    """By customer and day, what happened before that day."""

    def __init__(self, lines):
        who, when, money = (numpy.array(x) for x in zip(*lines))
        _, who = numpy.unique(who, return_inverse=True)
        self.first = int(when.min()) // 86400
        days = int(when.max()) // 86400 - self.first + 1
        self.before = {}
        moments = numpy.unique(numpy.stack([who, when]), axis=1)
        for name, w, t, v in [("lines", who, when, 1), ("money", who, when, money), ("visits", moments[0], moments[1], 1)]:
            table = numpy.zeros((who.max() + 1, days + 1))
            numpy.add.at(table, (w, t // 86400 - self.first + 1), v)
            if name == "lines":
                self.active = table[:, 1:] > 0
                self.before["days"] = numpy.cumsum(table > 0, axis=1)
            self.before[name] = numpy.cumsum(table, axis=1)

    def within(self, what, at, days):
        return self.before[what][:, at] - self.before[what][:, max(0, at - days)]

    def rows(self, cutoff, horizon, columns):
        at = cutoff - self.first
        eligible = self.before["lines"][:, at] > 0
        past = self.active[:, :at]
        x = [at - 1 - past.argmax(axis=1), numpy.minimum(past[:, ::-1].argmax(axis=1), 365)]
        for what in ["lines", "days", "money"] + ["visits"] * (columns == "visits"):
            x += [self.within(what, at, days) for days in WINDOWS[columns]]
        bought = self.before["lines"][:, at + horizon] > self.before["lines"][:, at]
        return numpy.log1p(numpy.stack(x, axis=1)[eligible]), bought[eligible], numpy.nonzero(eligible)[0]


def pooled(data, newest, horizon):
    cutoffs, step = [newest], min(horizon, 28)
    at = newest - horizon
    while len(cutoffs) < 8 and at >= data.first + max(2 * horizon, 56):
        cutoffs.append(at)
        at -= step
    return cutoffs


def fit(x, y, c):
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=c, max_iter=10000, tol=1e-8).fit(scale.transform(x), y)
    return lambda new: model.predict_proba(scale.transform(new))[:, 1]


def chosen(x, y, customer):
    losses = []
    for c in GRID:
        p = numpy.zeros(len(y))
        for train, test in GroupKFold(5).split(x, y, customer):
            p[test] = fit(x[train], y[train], c)(x[test])
        losses.append(log_loss(y, p))
    return GRID[int(numpy.argmin(losses))]


def main(directory):
    print(f"# Python {platform.python_version()}, scikit-learn {sklearn.__version__}, numpy {numpy.__version__}, scipy {scipy.__version__}")
    print("# data horizon_days train test rows positives columns cutoffs C auc log_loss")
    read = {}
    for name, horizon, train, tests in TASKS:
        if name not in read:
            read[name] = Data(purchases(directory, name))
        data = read[name]
        for columns in WINDOWS:
            for cutoffs in ["one", "pooled"]:
                days = pooled(data, day(train), horizon) if cutoffs == "pooled" else [day(train)]
                x, y, customer = (numpy.concatenate(part) for part in zip(*(data.rows(d, horizon, columns) for d in days)))
                for c in ["1", "0.01", "cv"]:
                    predict = fit(x, y, chosen(x, y, customer) if c == "cv" else float(c))
                    for test in tests:
                        new, bought, _ = data.rows(day(test), horizon, columns)
                        p = predict(new)
                        print(name, horizon, train, test, len(bought), bought.sum(), columns, cutoffs, c, f"{roc_auc_score(bought, p):.5f} {log_loss(bought, p):.5f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

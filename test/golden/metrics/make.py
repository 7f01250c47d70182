"""Writes metrics.json: made-up predictions and what scikit-learn and SciPy say of them.

    python3 test/golden/metrics/make.py > test/golden/metrics/metrics.json      (scikit-learn 1.2, SciPy 1.10, NumPy 1.24)
"""

import json

import numpy as np
from scipy.stats import binomtest, norm
from sklearn import metrics as m

rng = np.random.default_rng(7)


def probabilities(labels, classes, strength, digits):
    z = rng.normal(size=(len(labels), classes))
    z[np.arange(len(labels)), labels] += strength
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    if digits:  # equal scores
        p = np.round(p, digits)
        p[:, -1] = 1 - p[:, :-1].sum(1)
    return p


def ece(p, labels, bins=15):
    said, confidence = p.argmax(1), p.max(1)
    place = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1)
    return sum(
        abs((said == labels)[place == b].mean() - confidence[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    )


def case(name, labels, classes, strength, digits=None):
    labels = np.array(labels)
    p = probabilities(labels, classes, strength, digits)
    said = p.argmax(1)
    one = np.eye(classes)[labels]
    if classes == 2:
        auc, pr = m.roc_auc_score(labels, p[:, 1]), m.average_precision_score(labels, p[:, 1])
        brier = m.brier_score_loss(labels, p[:, 1])
    else:
        auc = m.roc_auc_score(labels, p, multi_class="ovr", average="macro")
        pr = m.average_precision_score(one, p, average="macro")
        brier = ((p - one) ** 2).sum(1).mean()
    out = {
        "name": name,
        "classes": classes,
        "labels": labels.tolist(),
        "probabilities": p.ravel().tolist(),
        "expected": {
            "accuracy": m.accuracy_score(labels, said),
            "balancedAccuracy": m.balanced_accuracy_score(labels, said),
            "macroF1": m.f1_score(labels, said, average="macro"),
            "auc": auc,
            "logLoss": m.log_loss(labels, p),
            "prAuc": pr,
            "brier": brier,
            "ece": ece(p, labels),
        },
    }
    if classes == 2:
        fpr, tpr, thresholds = m.roc_curve(labels, p[:, 1], drop_intermediate=False)
        out["roc"] = [[t, a, 1 - f] for f, a, t in zip(fpr[1:], tpr[1:], thresholds[1:])]
        called = p[:, 1] >= 0.3
        tn, fp, fn, tp = m.confusion_matrix(labels, called).ravel()
        out["at"] = {
            "threshold": 0.3,
            "sensitivity": m.recall_score(labels, called),
            "specificity": m.recall_score(1 - labels, ~called),
            "ppv": m.precision_score(labels, called),
            "npv": m.precision_score(1 - labels, ~called),
            "counts": {"tp": int(tp), "fp": int(fp), "fn": int(fn), "tn": int(tn)},
        }
    return out


cases = [
    case("two classes", rng.integers(0, 2, 60), 2, 1.0),
    case("two classes, many equal scores", rng.integers(0, 2, 80), 2, 0.8, 1),
    case("one case in twelve", [1 if i % 12 == 0 else 0 for i in range(96)], 2, 1.5),
    case("four classes", rng.integers(0, 4, 90), 4, 1.2),
]
mcnemar = [{"onlyFirst": a, "onlySecond": b, "p": binomtest(a, a + b).pvalue} for a, b in [(3, 9), (0, 5), (7, 7), (40, 80), (1, 0)]]
tails = [{"z": z, "p": norm.sf(z)} for z in [0, 0.1, 1, 1.96, 2.999, 3.001, 4.5, 8, 20]]
y = rng.normal(size=50)
said = y + rng.normal(size=50)
regression = {
    "truth": y.tolist(),
    "predicted": said.tolist(),
    "expected": {"mse": m.mean_squared_error(y, said), "mae": m.mean_absolute_error(y, said), "r2": m.r2_score(y, said)},
}
print(json.dumps({"cases": cases, "mcnemar": mcnemar, "tails": tails, "regression": regression}))

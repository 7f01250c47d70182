"""The authors' own simulated data, number by number (generator of arXiv 2507.20089, from its description; needs numpy).

python3 authors_data.py SEED FOLDER < experiment.json   writes x1, x2, y as float32 and train, validation, test as int32
"""

import json
import sys

import numpy as np

spec = json.load(sys.stdin)
seed, folder = int(sys.argv[1]), sys.argv[2]
views, shared, rows = spec["modalities"], spec["shared"], spec["rows"]
interaction = spec.get("interaction", {"share": 0, "fraction": 0})
latents = [view["latents"] for view in views]
TRANSFORMS = {"linear": lambda z: z, "quadratic": lambda z: z**2 - z}

# Effects and projections first, then samples from the same numbers again: that is how the authors' code seeds.
random = np.random
random.seed(seed)
effects = [random.uniform(-3, 3, n) for n in latents]
shared_effects = random.uniform(-3, 3, shared["latents"])
products = np.zeros(int(np.prod(latents)), dtype=int)  # whole numbers: an effect is cut to one
chosen = random.choice(products.size, int(products.size * interaction["fraction"]), replace=False)
products[chosen] = random.uniform(-3, 3, chosen.size)
widths = [view["features"] for view in views]
projections = [random.normal(0, 1, (n + shared["latents"], p)) for n, p in zip(latents, widths)]
random.seed(seed)
own = [random.normal(0, 1, (rows, n)) for n in latents]
common = random.normal(0, 1, (rows, shared["latents"]))
outcome = shared["share"] * TRANSFORMS[shared["transform"]](common) @ shared_effects
for m, view in enumerate(views):
    noise = random.normal(0, 1, (rows, view["features"]))
    signal = np.hstack([own[m], common]) @ projections[m]
    signal = (signal - signal.mean(0)) / signal.std(0)
    features = view["noise"] * noise + (1 - view["noise"]) * signal
    features.astype("<f4").tofile(f"{folder}/x{m + 1}")
    outcome = outcome + view["share"] * TRANSFORMS[view["transform"]](own[m]) @ effects[m]
if interaction["share"]:
    outcome = outcome + interaction["share"] * np.einsum("ni,nj->nij", *own).reshape(rows, -1) @ products
outcome.astype("<f4").tofile(f"{folder}/y")


def part(of, size):
    order = np.random.RandomState(seed).permutation(len(of))
    return of[order[size:]], of[order[:size]]


rest, test = part(np.arange(rows), 400)
train, validation = part(rest, 320)
for name, of in (("train", train), ("validation", validation), ("test", test)):
    of.astype("<i4").tofile(f"{folder}/{name}")

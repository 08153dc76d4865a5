# SPDX-License-Identifier: Apache-2.0
"""Merge methods in double precision, one tensor at a time, written for the reader: what `lewin merge`
must compute. A tensor is a list of rows; a vector is one row. Definitions: docs/merging.md."""
import math


def flat(tensor):
    return [x for row in tensor for x in row]


def shaped(values, like):
    rows, at = [], 0
    for row in like:
        rows.append(values[at:at + len(row)])
        at += len(row)
    return rows


def each(function, *tensors):
    """`function` of the elements at each place."""
    return [[function(*xs) for xs in zip(*rows)] for rows in zip(*tensors)]


def dot(x, y):
    return math.fsum(a * b for a, b in zip(flat(x), flat(y)))


def norm(x):
    return math.sqrt(dot(x, x))


def combine(weights, tensors):
    return each(lambda *xs: math.fsum(w * x for w, x in zip(weights, xs)), *tensors)


def minus(x, y):
    return each(lambda a, b: a - b, x, y)


def plus(x, y):
    return each(lambda a, b: a + b, x, y)


def transposed(x):
    return [list(column) for column in zip(*x)]


def linear(models, weights, normalize=True):
    total = sum(weights) if normalize else 1
    return combine([w / total for w in weights], models)


def slerp(base, other, t):
    """By the angle between the whole tensors; a straight line where they nearly have one direction."""
    lengths = [norm(x) if norm(x) > 1e-8 else 1 for x in (base, other)]
    cosine = dot(base, other) / (lengths[0] * lengths[1])
    if abs(cosine) > 0.9995:
        return combine([1 - t, t], [base, other])
    angle = math.acos(cosine)
    return combine([math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)],
                   [base, other])


def nuslerp_line(x, y, t):
    cosine = dot(x, y) / (max(norm(x), 1e-7) * max(norm(y), 1e-7))
    angle = math.acos(max(-1, min(1, cosine)))
    if abs(math.sin(angle)) < 1e-8:
        return combine([1 - t, t], [x, y])
    return combine([math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)],
                   [x, y])


def nuslerp(models, weights, base=None, lines="whole"):
    """`lines`: what has an angle of its own: the whole tensor, each row, or each column."""
    x, y = (minus(model, base) for model in models) if base else models
    total = sum(weights)
    t = weights[1] / total if abs(total) >= 1e-6 else 0.5
    if lines == "whole":
        result = nuslerp_line(x, y, t)
    else:
        turn = transposed if lines == "columns" and len(x) > 1 else lambda tensor: tensor
        result = turn([nuslerp_line([a], [b], t)[0] for a, b in zip(turn(x), turn(y))])
    return plus(base, result) if base else result


def multislerp(models, weights, base=None, normalize=True, eps=1e-8):
    if base:
        models = [minus(model, base) for model in models]
    if normalize:
        weights = [w / sum(weights) for w in weights]
    lengths = [norm(model) for model in models]
    units = [each(lambda x: x / (length + eps), model) for model, length in zip(models, lengths)]
    mean = combine(weights, units)
    mean = each(lambda x: x / norm_of_mean, mean) if (norm_of_mean := norm(mean)) >= eps else None
    tangent = combine(weights, [combine([1, -dot(unit, mean)], [unit, mean]) for unit in units])
    angle = norm(tangent) + eps
    length = sum(w * n for w, n in zip(weights, lengths))
    result = combine([length * math.cos(angle), length * math.sin(angle) / angle], [mean, tangent])
    return plus(base, result) if base else result


def karcher(models, max_iter=10, tol=1e-5):
    lengths = [norm(model) for model in models]
    share = 1 / len(models)
    kept = [(model, length) for model, length in zip(models, lengths) if length > tol]
    if not kept:
        return each(lambda x: 0.0, models[0])
    units = [each(lambda x: x / length, model) for model, length in kept]
    mean = combine([1 / len(units)] * len(units), units)
    mean = each(lambda x: x / length, mean) if (length := norm(mean)) >= tol else units[0]
    for _ in range(max_iter):
        weights, along = [], 0
        for unit in units:
            cosine = max(-1, min(1, dot(mean, unit)))
            angle = math.acos(cosine)
            weight = angle / math.sin(angle) / len(units) if angle >= tol else 0
            weights.append(weight)
            along -= weight * cosine
        tangent = combine(weights + [along], units + [mean])
        angle = norm(tangent)
        if angle < tol:
            break
        mean = combine([math.cos(angle), math.sin(angle) / angle], [mean, tangent])
        mean = each(lambda x: x / length, mean) if (length := norm(mean)) > tol else mean
    return each(lambda x: x * share * sum(lengths), mean)


def model_stock(base, models, filter_wise=False):
    if filter_wise:
        return [model_stock([row], [[model[i]] for model in models])[0] for i, row in enumerate(base)]
    deltas = [minus(model, base) for model in models]
    cosines = [max(-1, min(1, dot(x, y) / max(norm(x) * norm(y), 1e-6)))
               for i, x in enumerate(deltas) for y in deltas[i + 1:]]
    cosine, count = sum(cosines) / len(cosines), len(models)
    t = count * cosine / (1 + (count - 1) * cosine)
    return combine([1 - t] + [t / count] * count, [base] + models)


def largest(values, count):
    """The places of the `count` largest, of equal ones the first."""
    return set(sorted(range(len(values)), key=lambda i: -values[i])[:count])


def drop_small(delta, density, gamma=0):
    """Keeps `density` of the elements: the largest, but for the share `gamma` of the very largest."""
    if density >= 1:
        return delta
    values = flat(delta)
    sizes, count = [abs(x) for x in values], int(density * len(values))
    top = min(int(gamma * len(values)), len(values) - count)
    kept = largest(sizes, count + top) - largest(sizes, top)
    return shaped([x if i in kept else 0.0 for i, x in enumerate(values)], delta)


def task(base, models, weights, drops=None, consensus=False, normalize=False, scale=1):
    """base + scale * the sum of weighted differences, of those that agree in sign with their sum where
    `consensus` is asked for. `drops`: for each model what becomes of its difference first."""
    deltas = [minus(model, base) for model in models]
    if drops:
        deltas = [drop(delta) for drop, delta in zip(drops, deltas)]

    def element(*xs):
        parts = [w * x for w, x in zip(weights, xs)]
        sign = 1 if math.fsum(parts) >= 0 else -1
        agree = [not consensus or part * sign > 0 for part in parts]
        divisor = math.fsum(w for w, a in zip(weights, agree) if a) if normalize else 1
        divisor = 1 if divisor == 0 or (not consensus and abs(divisor) < 1e-8) else divisor
        return scale * math.fsum(p for p, a in zip(parts, agree) if a) / divisor
    return plus(base, each(element, *deltas))


def sce(base, models, select_topk=1):
    deltas = [minus(model, base) for model in models]
    if select_topk < 1:
        def variance(*xs):
            mean = math.fsum(xs) / len(xs)
            return math.fsum((x - mean) ** 2 for x in xs) / len(xs)
        spread = flat(each(variance, *deltas))
        kept = largest(spread, int(select_topk * sum(x != 0 for x in spread)))
        deltas = [shaped([x if i in kept else 0.0 for i, x in enumerate(flat(delta))], delta)
                  for delta in deltas]
    energies = [dot(delta, delta) for delta in deltas]
    total = sum(energies)
    weights = [e / total if total else 1 / len(energies) for e in energies]

    def element(*xs):
        sign = 1 if math.fsum(xs) >= 0 else -1
        agree = [x * sign > 0 for x in xs]
        divisor = math.fsum(w for w, a in zip(weights, agree) if a) or 1
        return math.fsum(w * x for w, x, a in zip(weights, xs, agree) if a) / divisor
    return plus(base, each(element, *deltas))


def softmax(row):
    powers = [math.exp(x - max(row)) for x in row]
    return [p / sum(powers) for p in powers]


def arcee_fusion(base, other):
    importance = []
    for old, new in zip(base, other):
        divergence = math.fsum((p + 1e-8) * math.log((p + 1e-8) / (q + 1e-8))
                               for p, q in zip(softmax(new), softmax(old)))
        importance.append([abs(y - x) * divergence for x, y in zip(old, new)])
    ranked = sorted(flat(importance))
    low, middle, high = (ranked[int(share * (len(ranked) - 1))] for share in (0.25, 0.5, 0.75))
    threshold = middle + 1.5 * (high - low)
    return each(lambda x, y, i: y if i >= threshold else x, base, other, importance)


def nearswap(base, other, t):
    def element(x, y):
        share = 1.0 if x == y else max(0.0, min(1.0, t / abs(x - y)))
        return share * y + (1 - share) * x
    return each(element, base, other)

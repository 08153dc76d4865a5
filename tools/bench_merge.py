#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: bench_merge.py BASE TUNED OUT

The average of two models as LM-Cocktail computes it: all tensors of both in memory, summed in their
own type, saved at once. For tools/bench_merge.sh.
"""
import glob
import os
import resource
import sys

from safetensors.torch import load_file, save_file


def load(folder):
    tensors = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        tensors.update(load_file(path))
    return tensors


def main(base, tuned, out):
    models = [load(base), load(tuned)]
    merged = {}
    for name in models[0]:
        merged[name] = 0.5 * models[0][name]
        merged[name] += 0.5 * models[1][name]
    os.makedirs(out)
    save_file(merged, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    print("peak memory %.2f GB" % (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024e-9))


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: Apache-2.0
"""lewin bench: the tables, the JSON's structure, figures that agree with each other, and what must be
refused. Tiny shapes: no figure is judged by its size."""
import json
import math

from lewin_test import check, check_fails, finish, folder, run

QUICK = ["--tokens", 24, "--seq", 16, "--batch", 4, "--steps", 2, "--seconds", 0.001]


def measure(*flags):
    result = run("bench", *QUICK, *flags, "--json")
    check(result.returncode == 0, "bench %s" % " ".join(map(str, flags)), result)
    return json.loads(result.stdout) if result.returncode == 0 else None


def near(left, right):
    return math.isclose(left, right, rel_tol=1e-9)


def positive(row, names):
    for name in names:
        check(isinstance(row.get(name), (int, float)) and row[name] > 0,
              "%s of %s is above 0: %s" % (name, row.get("kernel", row.get("model")), row.get(name)))


def check_ceilings(report):
    ceilings = report["ceilings"]
    positive(ceilings, ["copy_kernel_bytes_per_second", "vector_flops_per_second", "product_size",
                        "product_flops_per_second"])
    copies = [ceilings["copy_kernel_bytes_per_second"], ceilings.get("memcpy_bytes_per_second", 0)]
    rates = [ceilings["vector_flops_per_second"], ceilings["product_flops_per_second"],
             ceilings.get("cores_flops_per_second", 0)]
    check(ceilings["copy_peak"] == max(copies), "the fastest copy is the ceiling")
    check(ceilings["matrix_peak"] == max(rates), "the fastest arithmetic is the ceiling")


def check_kernels(report):
    ceilings = report["ceilings"]
    for row in report["kernels"]:
        positive(row, ["seconds", "median_seconds", "bytes", "bytes_per_second",
                       "share_of_copy_peak"])
        check(row["seconds"] <= row["median_seconds"], "%s: the best is no median" % row["kernel"])
        check(near(row["bytes_per_second"], row["bytes"] / row["seconds"]), "bytes a second")
        check(near(row["flops_per_second"], row["flops"] / row["seconds"]), "operations a second")
        check(near(row["share_of_copy_peak"], row["bytes_per_second"] / ceilings["copy_peak"])
              and near(row["share_of_matrix_peak"],
                       row["flops_per_second"] / ceilings["matrix_peak"]), "shares")


def check_steps(report, parameters, flops_a_token):
    for row in report["steps"]:
        positive(row, ["seconds", "memory_bytes", "loss", "share_of_matrix_peak"])
        check(row["parameters"] == parameters, "%d parameters, not %d"
              % (parameters, row["parameters"]))
        check(row["tokens"] == row["sequence"] * row["batch"], "tokens of a step")
        check(near(row["tokens_per_second"], row["tokens"] / row["seconds"]), "tokens a second")
        check(near(row["model_flops"], flops_a_token * row["tokens"]), "operations of a step: %g, not %g"
              % (flops_a_token * row["tokens"], row["model_flops"]))
        check(near(row["flops_per_second"], row["model_flops"] / row["seconds"]), "their rate")
        check(near(row["share_of_matrix_peak"],
                   row["flops_per_second"] / report["ceilings"]["matrix_peak"]), "their share")
        # Weights of random numbers guess: the loss is that of 512 equally likely tokens.
        check(abs(row["loss"] - math.log(512)) < 0.2, "the loss is that of guessing: %g" % row["loss"])


# The preset tiny: tied, 2 layers, hidden 64, inner 128, 4/2 heads of 16, 512 tokens.
LAYER = 64 * (8 * 16) + 8 * 16 + 64 * 64 + 3 * 64 * 128 + 2 * 64
PARAMETERS = 512 * 64 + 2 * LAYER + 64
FLOPS = 6 * PARAMETERS + 12 * 2 * 4 * 16 * 16 / 2

report = measure("--preset", "tiny", "--type", "fp32")
if report:
    check(report["device"]["name"] and report["type"] == "fp32", "device and type")
    check_ceilings(report)
    check_kernels(report)
    names = [row["kernel"] for row in report["kernels"]]
    for part in ("qkv", "attention", "gate_up", "down", "head"):
        for layout in ("forward", "dX", "dW"):
            check("product %s %s" % (part, layout) in names, "product %s %s" % (part, layout))
    for name in ("attention forward", "attention backward", "rms_norm", "rms_norm backward", "rope",
                 "swiglu", "swiglu backward", "embedding", "embedding backward", "cross_entropy",
                 "adamw", "gradient norm"):
        check(name in names, name)
    check(len(names) == len(set(names)), "each kernel once")
    product = report["kernels"][names.index("product gate_up dX")]
    check(product["flops"] == 2 * 24 * 256 * 64, "operations of a product")
    check(product["bytes"] == 4 * (24 * 256 + 256 * 64 + 24 * 64), "bytes of a product")
    # 24 tokens in sequences of 16: pairs of a sequence of 16 and one of 8.
    forward = report["kernels"][names.index("attention forward")]
    check(forward["flops"] == 4 * (16 * 17 / 2 + 8 * 9 / 2) * 4 * 16, "operations of attention")
    check(len(report["steps"]) == 1 and report["steps"][0]["batch"] == 4, "one row of steps")
    check_steps(report, PARAMETERS, FLOPS)

with folder() as work:
    # Another shape, from a file: norms of queries and keys, and an untied embedding, which is only
    # looked up.
    made = run("init", "tiny", "-o", work + "/model")
    check(made.returncode == 0, "init tiny", made)
    config = json.load(open(work + "/model/config.json"))
    config.update(architectures=["Qwen3ForCausalLM"], model_type="qwen3", attention_bias=False,
                  tie_word_embeddings=False)
    with open(work + "/other.json", "w") as file:
        json.dump(config, file)
    report = measure("--preset", work + "/other.json", "--preset", "tiny", "--type", "bf16",
                     "--kernel", "norm")
    if report:
        check_kernels(report)
        names = [row["kernel"] for row in report["kernels"]]
        check(names == ["rms_norm", "rms_norm backward", "qk_norm", "qk_norm backward",
                        "gradient norm", "rms_norm", "rms_norm backward", "gradient norm"],
              "--kernel chooses among the kernels of both models: %s" % names)
        check(report["kernels"][0]["model"] == work + "/other.json", "the first model is the first")
        check(not report["steps"], "--kernel leaves the steps out")
    report = measure("--preset", "tiny", "--only", "steps", "--batch", 24, "--micro-batch", 1,
                     "--steps", 4)
    if report:  # lavapipe computes while it takes a submission: only GPUs can fail here
        check(report["steps"][0]["host_waits_per_step"] <= 1,
              "24 micro-batches are under way without a wait: %g a step"
              % report["steps"][0]["host_waits_per_step"])
    layer = LAYER - 8 * 16 + 2 * 16
    report = measure("--preset", work + "/other.json", "--only", "steps", "--micro-batch", 2,
                     "--recompute")
    if report:
        check(not report["kernels"], "--only steps leaves the kernels out")
        check(report["steps"][0]["micro_batch"] == 2 and report["steps"][0]["kept"] == "inputs",
              "--micro-batch and --recompute")
        check_steps(report, 2 * 512 * 64 + 2 * layer + 64,
                    6 * (512 * 64 + 2 * layer + 64) + 12 * 2 * 4 * 16 * 16 / 2)

table = run("bench", *QUICK, "--preset", "tiny", "--profile")
check(table.returncode == 0, "the table", table)
for part in ("copy kernel", "GFLOP/s", "product down dW", "training step", "tokens/s"):
    check(part in table.stdout, "the table tells %s" % part, table)
check("all kernels" in table.stderr, "--profile prints its table", table)

check_fails(run("bench", "--preset", "no-such-preset"), 2, "no-such-preset", "--list")
check_fails(run("bench", "tiny"), 2, "--preset")
check_fails(run("bench", "--type", "int4"), 2, "int4")
check_fails(run("bench", "--only", "some"), 2, "some")
check_fails(run("bench", "--preset", "tiny", "--kernel", "no-such-kernel", *QUICK), 2, "no-such-kernel")
check_fails(run("bench", "--kernel", "rope", "--only", "steps"), 2, "--only steps")
check_fails(run("bench", "--batch", 4, "--micro-batch", 3), 2, "divide")
check_fails(run("bench", "--seconds", 0), 2, "--seconds")
check_fails(run("bench", "--tokens", 1 << 40), 2, "--tokens")
check_fails(run("bench", "--preset", "qwen2.5-7b", "--only", "steps", "--seq", 1 << 20), 4, "GiB")
finish()

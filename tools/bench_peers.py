# SPDX-License-Identifier: Apache-2.0
"""Tokens per second of whole training steps, Lewin beside its peers: see bench_peers.sh.

Every figure comes from a process of its own, so that no program holds memory while another is
timed. A step is forward, backward, clipping by the global norm and AdamW, on random tokens; weights
are random. A peer that is absent or fails is named with the reason and its row stays empty.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WARM_UP = 3  # steps of PyTorch before those that are timed


class Absent(Exception):
    """A peer that cannot be measured here, and why."""


def time_torch(job):
    """Prints {"tokens_per_second", "device", "parameters"} of one PyTorch configuration."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(job["config"])
    config.use_cache = False
    weights = torch.bfloat16 if job["weights"] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_config(config, attn_implementation=job["attention"])
    model = model.to(weights).to(device).train()
    if job["checkpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    forward = torch.compile(model) if job["compile"] else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0, fused=True)
    batch, sequence, steps = job["batch"], job["seq"], job["steps"]
    shape = (steps + WARM_UP, batch, sequence)
    tokens = torch.randint(0, config.vocab_size, shape, device=device)
    seconds = []
    for step in range(steps + WARM_UP):
        begun = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=job["autocast"]):
            loss = forward(input_ids=tokens[step], labels=tokens[step]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(json.dumps({
        "tokens_per_second": batch * sequence / statistics.median(seconds[WARM_UP:]),
        "device": "%s, torch %s" % (name, torch.__version__),
        "parameters": sum(p.numel() for p in model.parameters())}))


def last_line(text):
    return (text.strip().splitlines() or ["it ended without a word"])[-1]


def reason_of(text):
    """The exception of a traceback or lewin's error, which advice may follow; else the last line."""
    raised = [line for line in text.splitlines()
              if re.match(r"lewin: |[\w.]+(Error|Exception)\b", line)]
    return raised[-1] if raised else last_line(text)


def run(command, what):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        raise Absent("%s: %s" % (what, reason_of(result.stderr or result.stdout)))
    return result.stdout


class Lewin:
    def __init__(self, options, name, recompute):
        self.options, self.name, self.recompute = options, name, recompute

    def measure(self):
        options = self.options
        command = [options.lewin, "bench", "--only", "steps", "--json", "--preset",
                   os.path.join(options.folder, "config.json"), "--type", options.precision,
                   "--seq", options.seq, "--batch", options.batch, "--steps", options.steps]
        if options.device:
            command += ["--device", options.device]
        report = json.loads(run(command + ["--recompute"] * self.recompute, "lewin bench"))
        step = report["steps"][0]
        return {"tokens_per_second": step["tokens_per_second"],
                "device": "%s, %s" % (report["device"]["name"], report["device"]["driver"]),
                "parameters": step["parameters"], "idle": step.get("device_idle_share")}


class Torch:
    def __init__(self, options, name, **settings):
        self.name = name
        self.job = {"config": options.folder, "seq": options.seq, "batch": options.batch,
                    "steps": options.steps, "attention": "sdpa", "weights": "fp32",
                    "autocast": False, "checkpointing": False, "compile": False}
        self.job.update(settings)

    def measure(self):
        command = [sys.executable, __file__, "--torch-job", json.dumps(self.job)]
        return json.loads(last_line(run(command, "PyTorch")))


class Missing:
    def __init__(self, name, reason):
        self.name, self.reason = name, reason

    def measure(self):
        raise Absent(self.reason)


def torch_rows(options):
    probe = [sys.executable, "-c", "import torch, transformers"]
    if subprocess.run(probe, capture_output=True, text=True).returncode:
        return [Missing("PyTorch", "%s has no torch and transformers" % sys.executable)]
    kinds = [("PyTorch fp32", {})]
    if options.precision == "bf16":
        kinds = [("PyTorch bf16 autocast", {"autocast": True}),
                 ("PyTorch bf16 weights", {"weights": "bf16"})]
    rows = []
    for name, settings in kinds:
        rows.append(Torch(options, name, **settings))
        rows.append(Torch(options, name + ", checkpointing", checkpointing=True, **settings))
        if options.compile:
            rows.append(Torch(options, name + ", compiled", compile=True, **settings))
            rows.append(Torch(options, name + ", compiled, checkpointing", compile=True,
                              checkpointing=True, **settings))
    if not options.compile:
        rows.append(Missing("PyTorch, compiled", "not asked for: --compile"))
    return rows


def llama_rows():
    name = "llama.cpp (llama-finetune)"
    if not shutil.which("llama-finetune"):
        return [Missing(name, "llama-finetune is not on PATH")]
    return [Missing(name, "found, but not run: it takes GGUF models, and here is no converter")]


def peers(options):
    rows = [Lewin(options, "Lewin", False), Lewin(options, "Lewin, recomputing", True)]
    return rows + torch_rows(options) + llama_rows()


def measure_all(options):
    """Rows with their figures, in rounds: every other round runs backwards, so that a machine that
    grows slower favours nobody."""
    rows = peers(options)
    results = [{"name": row.name, "rates": []} for row in rows]
    for number in range(options.rounds):
        order = range(len(rows)) if number % 2 == 0 else reversed(range(len(rows)))
        for i in order:
            if "absent" in results[i]:
                continue
            try:
                figures = rows[i].measure()
            except Absent as reason:
                results[i]["absent"] = str(reason)
                continue
            results[i]["rates"].append(figures.pop("tokens_per_second"))
            results[i].update(figures)
    for result in results:
        if result["rates"]:
            result["tokens_per_second"] = statistics.median(result["rates"])
    lewin = results[0].get("tokens_per_second")
    for result in results:
        if lewin and "tokens_per_second" in result:
            result["lewin_ratio"] = lewin / result["tokens_per_second"]
    return results


def print_table(options, results):
    print("%s, %s, %d x %d tokens a step, %d rounds of %d steps, medians" % (
        options.title, options.precision, options.batch, options.seq, options.rounds,
        options.steps))
    print("%-44s %10s %13s  %s" % ("", "tokens/s", "Lewin / this", "device"))
    for result in results:
        if "tokens_per_second" in result:
            print("%-44s %10.1f %13.2f  %s" % (
                result["name"], result["tokens_per_second"], result.get("lewin_ratio", 0),
                result["device"]))
        else:
            print("%-44s left out: %s" % (result["name"], result["absent"]))


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("is at least 1, not %s" % text)
    return value


def enough(text):
    if positive(text) < 5:
        raise argparse.ArgumentTypeError("is at least 5: fewer steps have no median to go by")
    return int(text)


def parse():
    parser = argparse.ArgumentParser(prog="tools/bench_peers.sh", description=__doc__)
    parser.add_argument("--lewin", required=True, help=argparse.SUPPRESS)
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--preset", default="8m", help="of lewin init --list (default 8m)")
    model.add_argument("--config", metavar="FOLDER", help="a model folder: its config.json")
    parser.add_argument("--seq", type=positive, default=256, help="tokens of a sequence")
    parser.add_argument("--batch", type=positive, default=1, help="sequences of a step")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--steps", type=enough, default=5, help="timed in each round, at least 5")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", help="of Lewin, as for lewin bench")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--torch-job"]:
        time_torch(json.loads(sys.argv[2]))
        return
    options = parse()
    options.title = options.config or options.preset
    with tempfile.TemporaryDirectory() as folder:
        options.folder = folder
        try:
            if options.config:
                shutil.copy(os.path.join(options.config, "config.json"), folder)
            else:
                text = run([options.lewin, "init", options.preset, "--print"], "lewin init")
                with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
                    file.write(text)
        except (Absent, OSError) as reason:
            sys.exit("bench_peers: error: %s" % reason)
        results = measure_all(options)
    if options.json:
        print(json.dumps({"model": options.title, "precision": options.precision,
                          "sequence": options.seq, "batch": options.batch, "rows": results},
                         indent=2))
    else:
        print_table(options, results)


if __name__ == "__main__":
    main()

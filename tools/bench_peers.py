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
import threading
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


class Llama:
    """llama-finetune. It trains float32 weights only, one sequence a step, and reports each step, by
    which it is timed. A run that the time limit cuts off is not repeated in later rounds."""

    def __init__(self, options, name, device):
        self.options, self.name, self.device = options, name, device

    def measure(self):
        times, late = self.times_of_steps()
        seconds = [after - before for before, after in zip(times, times[1:])]
        if not seconds:
            raise Absent("a step to warm up and one to time took more than %d s (--limit)"
                         % self.options.limit)
        return {"tokens_per_second": self.options.seq / statistics.median(seconds),
                "device": "%s, %d step%s" % (self.device["title"], len(seconds),
                                             "s" * (len(seconds) > 1)),
                "steps": len(seconds), "cut_off": late}

    def times_of_steps(self):
        """When each step ended, the warming one first, and whether the time limit cut them off."""
        options = self.options
        model, text, out = (os.path.join(options.folder, name)
                            for name in ("model.gguf", "text.txt", "out.gguf"))
        command = ["llama-finetune", "-m", model, "-f", text, "-o", out, "-c", options.seq,
                   "-b", options.seq, "-ub", options.seq, "-fa", "off", "-fit", "off",
                   "-t", os.environ.get("OMP_NUM_THREADS", os.cpu_count()), "-epochs", 1,
                   "-val-split", 0] + self.device["flags"]
        environment = dict(os.environ, GGML_NO_BACKTRACE="1", **self.device["environment"])
        process = subprocess.Popen([str(part) for part in command], env=environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        late = threading.Event()
        timer = threading.Timer(options.limit, lambda: (late.set(), process.kill()))
        timer.daemon = True
        timer.start()
        said, times = b"", []
        with process:
            for piece in iter(lambda: os.read(process.stdout.fileno(), 4096), b""):
                said += piece
                new = said.count(b" data=") - len(times)
                times += [time.perf_counter()] * new
        timer.cancel()
        if process.returncode and not late.is_set():
            text = said.decode(errors="replace")
            errors = re.findall(r"GGML_ASSERT.*|(?<= E ).*", text)
            raise Absent("llama-finetune: " + (errors or [last_line(text)])[0])
        return times, late.is_set()


def llama_devices():
    """The CPU, and the first Vulkan device; ggml shows one that is a CPU only when asked for it."""
    def ask(flag, environment, pattern):
        told = subprocess.run(["llama-finetune", flag], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=dict(os.environ, **environment))
        return re.search(pattern, told.stdout, re.MULTILINE)

    version = ask("--version", {}, r"^version: (\S+)")
    program = "llama.cpp " + (version[1] if version else "of unknown version")
    devices = [{"title": "cpu, " + program, "flags": ["-dev", "none"], "environment": {}}]
    for environment in ({}, {"GGML_VK_VISIBLE_DEVICES": "0"}):
        found = ask("--list-devices", environment, r"^ *(Vulkan\d+): (.*?) \(\d+ MiB")
        if found:
            devices.append({"title": "%s, %s" % (found[2], program), "environment": environment,
                            "flags": ["-dev", found[1], "-ngl", "99"]})
            break
    return devices


def llama_rows(options):
    name = "llama.cpp fp32"
    if not shutil.which("llama-finetune"):
        return [Missing(name, "llama-finetune is not on PATH")]
    if subprocess.run([sys.executable, "-c", "import gguf"], capture_output=True).returncode:
        return [Missing(name, "%s has no gguf" % sys.executable)]
    if options.seq % 256:  # to which it rounds the context up
        return [Missing(name, "its sequences are multiples of 256 tokens")]
    with tempfile.TemporaryDirectory() as parent:
        model = os.path.join(parent, "model")
        tokens = options.seq + 1 + (options.steps + 1) * (options.seq // 2)
        try:
            run([options.lewin, "init", os.path.join(options.folder, "config.json"), "-o", model,
                 "--dtype", "float32"], "lewin init")
            run([sys.executable, os.path.join(os.path.dirname(__file__), "bench_gguf.py"), model,
                 os.path.join(options.folder, "model.gguf"),
                 os.path.join(options.folder, "text.txt"), tokens], "bench_gguf.py")
        except Absent as reason:
            return [Missing(name, str(reason))]
    if options.batch > 1:
        name += ", single sequences"
    devices = llama_devices()
    rows = [Llama(options, name + ", " + kind, device)
            for kind, device in zip(("CPU", "Vulkan"), devices)]
    if len(devices) == 1:
        rows.append(Missing(name + ", Vulkan", "llama-finetune lists no Vulkan device"))
    return rows


def peers(options):
    rows = [Lewin(options, "Lewin", False), Lewin(options, "Lewin, recomputing", True)]
    return rows + torch_rows(options) + llama_rows(options)


def measure_all(options):
    """Rows with their figures, in rounds: every other round runs backwards, so that a machine that
    grows slower favours nobody."""
    rows = peers(options)
    results = [{"name": row.name, "rates": []} for row in rows]
    for number in range(options.rounds):
        order = range(len(rows)) if number % 2 == 0 else reversed(range(len(rows)))
        for i in order:
            if "absent" in results[i] or results[i].get("cut_off"):
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
    parser.add_argument("--limit", type=positive, default=120, metavar="SECONDS",
                        help="of a run of llama-finetune; the steps that it did by then count")
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

# SPDX-License-Identifier: Apache-2.0
"""lewin chat: a model taught three answers gives them, also after being merged with itself; the
command line, pipes, seeds, and a context that is too small.
"""
import json
import os

from lewin_test import check, check_fails, finish, folder, run
from training import conversation, make_base, make_recipe, train

LESSONS = (("Who are you?", "I am Lewin."), ("What is B?", "A function of person and environment."),
           ("Grüß dich!", "你好，朋友 🙂"))


def chat(model, *arguments, **options):
    result = run("chat", model, *arguments, **options)
    check(result.returncode == 0, "lewin chat", result)
    return result.stdout


def check_lessons(here, model):
    greedy = ("--temperature", 0, "--system", "Be kind.")
    for question, answer in LESSONS:
        said = chat(model, "--prompt", question, *greedy)
        check(said == answer + "\n", "%r is answered with %r" % (question, said))
    # What it learned was one question at a time; the first line of a pipe is that.
    said = chat(model, *greedy, "--max-tokens", 60, stdin="Who are you?\nWhat is B?\n").splitlines()
    check(len(said) == 2 and said[0] == LESSONS[0][1], "two lines, two answers: %s" % said)
    check(chat(model, *greedy, stdin="Who are you?") == LESSONS[0][1] + "\n", "a line without an end")
    check(chat(model, *greedy, stdin="") == "", "nothing asked, nothing said")
    merged = os.path.join(here, "merged")
    check(run("merge", model, model, "-o", merged).returncode == 0, "merged with itself")
    check(chat(merged, "--prompt", LESSONS[0][0], *greedy) == LESSONS[0][1] + "\n", "as before")


def check_draws(base):
    def draw(*arguments):
        return chat(base, "--prompt", "Hi.", "--max-tokens", 24, *arguments)
    check(draw("--temperature", 0) == draw("--temperature", 0, "--seed", 5), "greedy has no seed")
    check(draw("--seed", 5) == draw("--seed", 5), "the same seed, the same answer")
    check(draw("--seed", 5) != draw("--seed", 6), "another seed, another answer")
    check(draw("--top-p", 1e-6) == draw("--temperature", 0), "a nucleus of one token is greedy")
    check(draw("--temperature", 1e-7) == draw("--temperature", 0), "so is a temperature near zero")


def check_limits(base):
    long = "word " * 300
    check_fails(run("chat", base, "--prompt", long), 3, "512", "shorter prompt")
    check_fails(run("chat", base, "--prompt", long, "--context", 40), 3, "40")
    full = run("chat", base, "--prompt", "Hi.", "--system", "S.", "--context", 40, "--temperature", 0)
    check(full.returncode == 0 and "all 40 tokens of the context" in full.stderr,
          "an answer ends where the context does", full)
    for arguments in (["--temperature", -1], ["--top-p", 0], ["--top-p", 1.5], ["--context", 1],
                      ["--template", "quen"], ["--enable-thinking", "maybe"], ["--temperature", "hot"], ["more"]):
        check_fails(run("chat", base, "--prompt", "Hi.", *arguments), 2)
    check_fails(run("chat"), 2, "MODEL")


with folder() as here:
    base = make_base(os.path.join(here, "base"))
    data = os.path.join(here, "data.json")
    with open(data, "w") as file:
        json.dump([conversation(lesson) for lesson in LESSONS], file)
    recipe = make_recipe(os.path.join(here, "recipe.yaml"), model_name_or_path=base, dataset=data,
                         output_dir=os.path.join(here, "tuned"), global_batch_size=3,
                         num_train_epochs=80, save_strategy="no", logging_steps=20, template=None)
    trained = train(recipe)
    check("template  qwen, recognised from" in trained.stdout, "the template is said", trained)
    with open(os.path.join(here, "tuned", "recipe.yaml")) as file:
        check('template: "qwen"' in file.read(), "and is in the record of the run")
    check_lessons(here, os.path.join(here, "tuned"))
    check_draws(base)
    check_limits(base)
finish()

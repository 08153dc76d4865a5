#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes elements.json beside itself: what LLaMA-Factory (ff6d4d12) hands to the tokenizer for
conversations with tools, calls and thoughts, element by element, for every template. It follows that
program's behaviour (data/template.py, formatter.py, tool_utils.py) with Python's own json and re; it
shares nothing with the C code. `turns` holds pairs of what is read and what is learned, `prompt` what
is read before the last response is generated; {"token": "bos"} stands for a special token.
usage: make_elements.py"""
import copy
import json
import os
import re

DATE = "26 Jul 2024"
BOS, EOS, CONTENT = {"token": "bos"}, {"token": "eos"}, "\0"  # CONTENT: the place of the text
THINK = ("<think>\n", "\n</think>\n\n")


def chatml(**more):
    row = {"system": ["<|im_start|>system\n\0<|im_end|>\n"],
           "user": ["<|im_start|>user\n\0<|im_end|>\n<|im_start|>assistant\n"],
           "assistant": ["\0<|im_end|>\n"]}
    return row | more


def qwen(**more):
    return chatml(tools="qwen", observation=[
        "<|im_start|>user\n<tool_response>\n\0\n</tool_response><|im_end|>\n<|im_start|>assistant\n"]) | more


def llama3(role):
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def mistral(gap):
    return {"prefix": [BOS], "merged": True, "tools": "mistral", "system": ["\0\n\n"],
            "user": [f"[INST]{gap}\0[/INST]"], "assistant": [f"{gap}\0", EOS],
            "function": [f"[TOOL_CALLS]{gap}\0", EOS],
            "observation": [f"[TOOL_RESULTS]{gap}" + '{"content": \0}[/TOOL_RESULTS]']}


ASSISTANT3 = llama3("assistant")
TEMPLATES = {
    "qwen": qwen(default="You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    "qwen3": qwen(reasons=True),
    "qwen3_nothink": qwen(),
    "llama3": {"prefix": [BOS], "tools": "llama3", "system": [llama3("system") + "\0<|eot_id|>"],
               "user": [llama3("user") + "\0<|eot_id|>" + ASSISTANT3],
               "observation": [llama3("ipython") + "\0<|eot_id|>" + ASSISTANT3],
               "assistant": ["\0<|eot_id|>"]},
    "phi": {"system": ["<|system|>\n\0<|end|>\n"], "user": ["<|user|>\n\0<|end|>\n<|assistant|>\n"],
            "assistant": ["\0<|end|>\n"]},
    "phi4": {"system": ["<|im_start|>system<|im_sep|>\0<|im_end|>"],
             "user": ["<|im_start|>user<|im_sep|>\0<|im_end|><|im_start|>assistant<|im_sep|>"],
             "assistant": ["\0<|im_end|>"]},
    "phi4_mini": {"tools": "phi4_mini", "system": ["<|system|>\0<|end|>"],
                  "user": ["<|user|>\0<|end|><|assistant|>"], "assistant": ["\0<|end|>"]},
    "llama2": {"merged": True, "system": ["<<SYS>>\n\0\n<</SYS>>\n\n"],
               "user": [BOS, "[INST] \0 [/INST]"]},
    "mistral": mistral(" "),
    "ministral": mistral(""),
    "smollm": chatml(),
    "smollm2": chatml(default="You are a helpful AI assistant named SmolLM, trained by Hugging Face."),
    "chatml": chatml(observation=["<|im_start|>tool\n\0<|im_end|>\n<|im_start|>assistant\n"]),
    "deepseek": {"prefix": [BOS], "system": ["\0\n\n"], "user": ["User: \0\n\nAssistant:"]},
    "deepseekr1": {"prefix": [BOS], "reasons": True, "user": ["<｜User｜>\0<｜Assistant｜>"]},
    "alpaca": {"user": ["### Instruction:\n\0\n\n### Response:\n"], "assistant": ["\0", EOS, "\n\n"],
               "default": "Below is an instruction that describes a task. Write a response that "
                          "appropriately completes the request.\n\n"},
    "default": {"system": ["System: \0", EOS, "\n"], "user": ["Human: \0", EOS, "\nAssistant:"],
                "assistant": ["\0", EOS, "\n"]},
    "empty": {"assistant": ["\0"]},
}


def dumps(value, **more):
    return json.dumps(value, ensure_ascii=False, **more)


def wrapped(tool):
    return tool if tool.get("type") == "function" else {"type": "function", "function": tool}


def plain_parameter(name, about, required):
    text = f"  - {name} ({about.get('type', '')}{', required' if name in required else ''}): "
    text += str(about.get("description", ""))
    if about.get("enum"):
        text += f", should be one of [{', '.join(about['enum'])}]"
    if about.get("items"):
        text += f", where each item should be {about['items'].get('type', '')}"
    return text + "\n"


def describe(form, text):
    if form == "phi4_mini":
        return f"<|tool|>{text}<|/tool|>"
    tools = json.loads(text)
    if not tools:
        return ""
    if form == "qwen":
        return ("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
                + "".join("\n" + dumps(wrapped(tool)) for tool in tools) +
                "\n</tools>\n\nFor each function call, return a json object with function name and "
                "arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": "
                "<function-name>, \"arguments\": <args-json-object>}\n</tool_call>")
    if form == "mistral":
        return "[AVAILABLE_TOOLS] " + dumps([wrapped(tool) for tool in tools]) + "[/AVAILABLE_TOOLS]"
    if form == "llama3":
        return (f"Cutting Knowledge Date: December 2023\nToday Date: {DATE}\n\nYou have access to the "
                "following functions. To call a function, please respond with JSON for a function "
                "call. Respond in the format {\"name\": function name, \"parameters\": dictionary of "
                "argument name and its value}. Do not use variables.\n\n"
                + "".join(dumps(wrapped(tool), indent=4) + "\n\n" for tool in tools))
    bare = [tool["function"] if tool.get("type") == "function" else tool for tool in tools]
    text = "You have access to the following tools:\n"
    for tool in bare:
        parameters = tool["parameters"]
        text += f"> Tool Name: {tool['name']}\nTool Description: {tool.get('description', '')}\nTool Args:\n"
        text += "".join(plain_parameter(name, about, parameters.get("required", []))
                        for name, about in parameters["properties"].items()) + "\n"
    return (text + "Use the following format if using a tool:\n```\nAction: tool name (one of ["
            + ", ".join(tool["name"] for tool in bare) +
            "])\nAction Input: the input to the tool, in a JSON format representing the kwargs (e.g. "
            "```{\"input\": \"hello world\", \"num_beams\": 5}```)\n```\n")


def write_calls(form, calls):
    if form == "qwen":
        return "\n".join("<tool_call>\n" + dumps({"name": c["name"], "arguments": c["arguments"]}) +
                         "\n</tool_call>" for c in calls)
    if form == "mistral":
        return dumps([{"name": c["name"], "arguments": c["arguments"]} for c in calls])
    if form == "llama3":
        objects = [{"name": c["name"], "parameters": c["arguments"]} for c in calls]
        return dumps(objects[0] if len(objects) == 1 else objects)
    return "\n".join(f"Action: {c['name']}\nAction Input: {dumps(c['arguments'])}" for c in calls)


def call_text(row, text):
    """A function message as the text that its elements hold."""
    form, kept = row.get("tools", "default"), ""
    if not row.get("merged"):  # that kind of template hands over no words to look for
        call = re.search(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL)
        thought = re.search(re.escape(THINK[0]) + "(.*?)" + re.escape(THINK[1]), text, re.DOTALL)
        if call:
            kept, text = text.replace(call[0], ""), call[1]
        elif thought:
            kept, text = thought[0], text.replace(thought[0], "")
    calls = json.loads(text)
    return kept + write_calls(form, calls if isinstance(calls, list) else [calls])


def fill(elements, text):
    return [e if isinstance(e, dict) else e.replace(CONTENT, text, 1) for e in elements]


def encode(row, system, tools, messages):
    system = system or row.get("default", "")
    out = []
    for i, (role, text) in enumerate(messages):
        elements = []
        before = ""
        if i == 0:
            elements += row.get("prefix", [])
            if system or tools:
                block = fill(row.get("system", ["\0"]),
                             system + (describe(row.get("tools", "default"), tools) if tools else ""))
                if row.get("merged"):
                    before = block[0]
                else:
                    elements += block
        assistant = row.get("assistant", ["\0", EOS])
        user = row.get("user", ["\0"])
        if role == "user":
            filled = fill(user, before + text)
            # A second placeholder, the number of the turn, which may come from the text itself.
            elements += filled if row.get("merged") else [
                e if isinstance(e, dict) else e.replace("{{idx}}", str(i // 2), 1) for e in filled]
        elif role == "observation":
            elements += fill(row.get("observation", user), text)
        elif role == "assistant":
            elements += fill(assistant, text)
        else:
            elements += fill(row.get("function", assistant), call_text(row, text))
        out.append([e for e in elements if e != ""])
    return out


def forget(text):
    return re.sub(re.escape(THINK[0]) + "(.*?)" + re.escape(THINK[1]), "", text, flags=re.DOTALL).lstrip("\n")


def thoughtless(text):
    return "<think>" not in text and "</think>" not in text


def multi_turn(row, options, system, tools, messages):
    messages = copy.deepcopy(messages)
    thinking = options.get("enable_thinking", True)
    discards = options.get("mask_history", False) and not options.get("preserve_thinking", False)
    if row.get("reasons"):
        for i in range(1, len(messages), 2):
            if thinking is False or (discards and i < len(messages) - 2):
                messages[i][1] = forget(messages[i][1])
    out = encode(row, system, tools, messages)
    if row.get("reasons"):
        for i in [len(messages) - 1] if discards else range(1, len(messages), 2):
            if thoughtless(messages[i][1]):
                if thinking:
                    out[i] = [THINK[0] + THINK[1]] + out[i]
                else:
                    out[i - 1] = out[i - 1] + [THINK[0] + THINK[1]]
    return [[out[i], out[i + 1]] for i in range(0, len(out), 2)]


def prompt(row, options, system, tools, messages):
    messages = copy.deepcopy(messages[:-1]) + [["assistant", ""]]
    if row.get("reasons") and not options.get("preserve_thinking", False):
        for i in range(1, len(messages) - 2, 2):
            messages[i][1] = forget(messages[i][1])
    elements = [e for message in encode(row, system, tools, messages)[:-1] for e in message]
    if row.get("reasons") and not options.get("enable_thinking", True):
        elements.append(THINK[0] + THINK[1])
    return elements


TOOLS = json.dumps([
    {"name": "find_caf\u00e9", "description": "Finds \"caf\u00e9s\"\nnearby", "parameters": {
        "type": "object", "properties": {
            "city": {"type": "string", "description": "a\ttown \U0001f3d9"},
            "radius": {"type": "number", "description": "in km", "default": 1e5},
            "tags": {"type": "array", "items": {"type": "string"}, "description": "any of them"},
            "order": {"enum": ["near", "cheap"], "type": "string"}},
        "required": ["city", "order"]}},
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {
        "type": "object", "properties": {}, "required": []}}},
])
CALL = ["user", "Coffee in {{idx}} or {{content}}?"], \
    ["function_call", '{"name": "find_caf\\u00e9", "arguments": {"city": "K\\u00f6ln", "radius": 2.50}}'], \
    ["observation", '{"found": ["A", "B"]}'], ["assistant", "There are two.\n"]
SEVERAL = ["user", "And now?"], \
    ["function_call", '[{"name": "now", "arguments": {}}, {"name": "now", "arguments": {"a": [1, true, null]}}]'], \
    ["observation", "[12, 13]"], ["assistant", "Noon."]
THOUGHTS = ["user", "1+1?"], ["assistant", "<think>\nEasy:\n\ntwo.\n</think>\n\n2"], ["user", "2+2?"], \
    ["assistant", "\n4"], ["user", "3+3?"], ["assistant", "<think>\nmore\n</think>\n\n\n6"]
THOUGHTFUL_CALL = ["user", "Time?"], \
    ["function_call", '<think>\nI ask.\n</think>\n\n{"name": "now", "arguments": {"zone": "UTC"}}'], \
    ["observation", "12"], ["assistant", "12."], ["user", "Again?"], \
    ["function_call", '<think>\nOnce more.\n</think>\n\n<tool_call>{"name": "now", "arguments": {}}</tool_call>'], \
    ["observation", "13"], ["assistant", "<think>\n\n</think>\n\n13."]


# name: system, tools, messages
CONVERSATIONS = {
    "call": (None, TOOLS, CALL), "call_alone": (None, None, CALL),
    "several": ("Be brief.", None, SEVERAL), "thoughts": ("", "", THOUGHTS),
    "thoughtful_call": (None, "[]", THOUGHTFUL_CALL),
}
DESCRIBED = ("qwen", "qwen3", "llama3", "mistral", "phi", "phi4_mini", "llama2", "alpaca")


def cases():
    for name, row in TEMPLATES.items():
        yield name, {}, "call" if name in DESCRIBED else "call_alone"
        yield name, {}, "several"
        if not row.get("merged") and row.get("tools") != "qwen":
            yield name, {}, "thoughtful_call"
    for options in ({}, {"enable_thinking": False}, {"enable_thinking": None}, {"mask_history": True},
                    {"mask_history": True, "preserve_thinking": True},
                    {"mask_history": True, "enable_thinking": False},
                    {"preserve_thinking": True, "enable_thinking": None}):
        yield "qwen3", options, "thoughts"
        yield "qwen3", options, "thoughtful_call"
    yield "qwen3_nothink", {"enable_thinking": False, "mask_history": True}, "thoughts"


def listing(items):
    return ",\n".join(json.dumps(item) for item in items)


def main():
    conversations = [{"name": name, "system": system, "tools": tools, "messages": messages}
                     for name, (system, tools, messages) in CONVERSATIONS.items()]
    encoded = []
    for name, options, conversation in cases():
        system, tools, messages = CONVERSATIONS[conversation]
        messages = [list(message) for message in messages]
        arguments = TEMPLATES[name], options, system, tools, messages
        encoded.append({"template": name, "options": options, "conversation": conversation,
                        "turns": multi_turn(*arguments), "prompt": prompt(*arguments)})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "elements.json")
    with open(path, "w", encoding="ascii") as file:
        file.write(f'{{"made_by": "make_elements.py", "tools_date": "{DATE}", "conversations": [\n'
                   f'{listing(conversations)}\n], "cases": [\n{listing(encoded)}\n]}}\n')


if __name__ == "__main__":
    main()

"""Sets that are for measuring only. Nothing of them is trained on, and no threshold is set by them.

Choices of method were made while looking at these figures, so they are a development measure and no final examination.
"""

import json
from collections.abc import Iterator

from training.sources import Data, Text, column


def hard_requests(data: Data) -> Iterator[Text]:
    """Yield what looks like an attack or a harmful request and is none; never trained on, by rule."""
    yield from column("awesome prompts", data.rows("awesome_prompts", "prompts.csv.gz"), "prompt")
    yield from (Text("certified safe prompts", line) for line in data.lines("certified_safe_prompts", "safe_prompts.txt"))
    for entry in data.objects("gpteacher", "roleplay_instruct.jsonl.gz"):
        yield Text("gpteacher role-play", f"{entry['instruction']}\n{entry['input']}" if entry["input"] else str(entry["instruction"]))


def hard_documents(data: Data) -> Iterator[Text]:
    """Yield the answers of role-play."""
    objects = data.objects("gpteacher", "roleplay_instruct.jsonl.gz")
    yield from (Text("gpteacher role-play", str(entry["response"])) for entry in objects)


def everything(data: Data) -> Iterator[Text]:
    """Yield every text that is for measuring only, so that no copy of it is trained on."""
    for reader in (benign_requests, benign_documents, attacks, harmful):
        yield from reader(data)


def benign_requests(data: Data) -> Iterator[Text]:
    """Yield what is asked in benchmarks of maths, code, writing, function calls and customer service."""
    yield from (Text("gsm8k", str(entry["question"])) for entry in data.objects("gsm8k", "test.jsonl.gz"))
    yield from (Text("humaneval", str(entry["prompt"])) for entry in data.objects("humaneval", "HumanEval.jsonl.gz"))
    for name in ("mt_bench", "vicuna_bench"):
        for entry in data.objects("mt_bench", f"{name}_question.jsonl.gz"):
            yield from (Text("mt_bench", turn) for turn in _texts(entry["turns"]))
    for name in ("irrelevance", "live_irrelevance", "live_simple", "multi_turn_base", "multiple", "parallel", "simple_python"):
        for entry in data.objects("bfcl", f"BFCL_v4_{name}.json.gz"):
            messages = json.loads(json.dumps(entry["question"]))
            yield from (Text("bfcl", said["content"]) for turn in messages for said in turn if said["role"] == "user")
    yield from _customer_service(data, ("user: ",))
    yield from hard_requests(data)


def benign_documents(data: Data) -> Iterator[Text]:
    """Yield sales calls and mails, answers and tool results of customer service with its policies, solved maths and code."""
    for name in ("call", "email"):
        objects = data.objects("summedits", f"summedits_sales_{name}.jsonl.gz")
        yield from (Text("summedits", str(entry["doc"])) for entry in objects)
    yield from _customer_service(data, ("assistant: ", "tool: "))
    for name in ("airline", "retail"):
        yield from (Text("tau_bench policies", part) for part in data.raw("tau_bench", f"{name}_policy.md").split("\n\n"))
    yield from (Text("gsm8k", str(entry["answer"])) for entry in data.objects("gsm8k", "test.jsonl.gz"))
    for entry in data.objects("humaneval", "HumanEval.jsonl.gz"):
        yield Text("humaneval", f"{entry['prompt']}{entry['canonical_solution']}")
    yield from hard_documents(data)


def attacks(data: Data) -> Iterator[Text]:
    """Yield adversarial prompts: optimised suffixes, persuasion, abuse of a code interpreter."""
    for name in sorted(path.name for path in (data.root / "jbb_artifacts").glob("*.gz")):
        method = f"jbb {name.partition('__')[0]}"
        found = json.loads(data.raw("jbb_artifacts", name))["jailbreaks"]
        yield from (Text(method, entry["prompt"]) for entry in found if entry["prompt"])
    objects = data.objects("cyberseceval_interpreter", "interpreter.jsonl.gz")
    yield from (Text("cyberseceval interpreter", str(entry["mutated_prompt"])) for entry in objects)


def harmful(data: Data) -> Iterator[Text]:
    """Yield requests for help with harm."""
    yield from column("advbench", data.rows("advbench", "harmful_behaviors.csv.gz"), "goal")
    yield from column("strongreject", data.rows("strongreject", "strongreject_dataset.csv.gz"), "forbidden_prompt")
    yield from column("harmbench", data.rows("harmbench", "harmbench_behaviors_text_val.csv.gz"), "Behavior")


def nothing(data: Data) -> Iterator[Text]:  # noqa: ARG001 - a reader like the others
    """Yield nothing: there is no such set."""
    yield from ()


def _customer_service(data: Data, who: tuple[str, ...]) -> Iterator[Text]:
    for name in ("Airline", "Retail"):
        for entry in data.objects("tau_bench", f"Mock{name}DomainEnv-few_shot.jsonl.gz"):
            lines = str(entry["messages_display"]).split("\n")
            yield from (Text("tau_bench", line.partition(": ")[2]) for line in lines if line.startswith(who))


def _texts(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []

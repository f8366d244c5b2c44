"""Benign texts that may be trained on: what people ask for, and what a model works on.

Sources that copy from each other share a name, as in ``training.sources``.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator

import yaml

from training.own import together, variants
from training.sources import OWN, Data, Text, column

KNOWLEDGE = "knowledge dialogues"
_SOCIAL = "social posts"
_WIKIPEDIA = "wikipedia comments"
_VARIANTS = 12
_HARD = 80
"""Variants of a line whose texts look like attacks."""
_ROLE = re.compile(r"\W*(?:role-?play|you are|you're|pretend|imagine|act as|act like|assume|take on|be an? |play )", re.IGNORECASE)
"""How role-play begins. Some collections hold GPTeacher's, and none of it is trained on."""


def requests(data: Data) -> Iterator[Text]:
    """Yield what people ask for without any harm."""
    yield from (Text("clinc150", text) for text in _clinc(data))
    for part in ("train", "test"):
        yield from column("banking77", data.rows("banking77", f"{part}.csv.gz"), "text")
    for entry in _gpteacher(data):
        joined = f"{entry['instruction']}\n{entry['input']}" if entry["input"] else entry["instruction"]
        yield Text("gpteacher", str(joined))
    for entry in _self_instruct(data):
        yield Text("self-instruct", str(entry["instruction"]))
        yield from (
            Text("self-instruct", f"{entry['instruction']}\n{case['input']}") for case in _list(entry["instances"]) if case["input"]
        )
    yield from (Text("fuzzyai benign", line) for line in data.lines("fuzzyai", "benign_prompts.txt.gz"))
    rows = data.rows("jailbreak_classification", "jailbreak_dataset_train.csv.gz")
    yield from column("llm-warden benign", [row for row in rows if row["type"] == "benign" and not _ROLE.match(row["prompt"])], "prompt")
    objects = data.objects("deepset_injections", "train.jsonl.gz")
    yield from (Text("deepset", str(entry["text"])) for entry in objects if entry["label"] == 0)
    yield from some(_said(data, answers=False), 2000)
    trivia = data.lines("tasktracker", "trivia_pairs.txt.gz")
    yield from (Text("trivia", line.partition("Answer:")[0].removeprefix("Question:").strip()) for line in trivia)
    yield from some(_edos(data), 1500)
    yield from own("requests", _VARIANTS)
    yield from own("security", _HARD // 2)
    yield from own("roleplay", _HARD)
    yield from (Text(f"{OWN}: roleplay", text) for text in together(list(variants("roleplay", _HARD)), 1500))
    yield from own("specs", 3 * _HARD)
    yield from pasted(data)


def pasted(data: Data) -> Iterator[Text]:
    """Yield longer texts that people hand to a model: answers, articles, comments, code."""
    sources = ("gpteacher", "assistant turns", KNOWLEDGE, _WIKIPEDIA, "news summaries", "threat descriptions", "self-instruct")
    for entry in documents(data):
        if entry.source in sources and _digest(entry.text)[1] < 77:
            yield Text(f"pasted {entry.source}", entry.text)


def documents(data: Data) -> Iterator[Text]:
    """Yield texts that a model works on: answers, code, articles, mails, tickets, comments."""
    yield from (Text("gpteacher", str(entry["response"])) for entry in _gpteacher(data))
    for entry in _self_instruct(data):
        for case in _list(entry["instances"]):
            yield from (Text("self-instruct", str(case[key])) for key in ("output", "input"))
    yield from _knowledge(data)
    yield from some(_said(data, answers=True), 4000)
    yield from some(_wikipedia(data), 6000)
    for name in ("generated_large", "synth_dataset_v2"):
        yield from (Text("presidio sentences", str(entry["full_text"])) for entry in data.objects("presidio_research", f"{name}.jsonl.gz"))
    yield from (Text("bipia mails", str(entry["context"])) for entry in data.objects("bipia", "email_train.jsonl.gz"))
    passages = json.loads(data.raw("poisonedrag", "nq.json.gz")).values()
    yield from (Text("poisonedrag passages", str(text)) for entry in passages for text in entry["adv_texts"])
    yield from some(_assistant(data), 4500)
    yield from some(column("banking77", data.rows("banking77", "train.csv.gz"), "text"), 3000)
    yield from some((Text("clinc150", text) for text in _clinc(data)), 3000)
    yield from some(_social(data), 9000)
    summaries = data.rows("xsum_halluc", "factuality_annotations_xsum_summaries.csv.gz")
    yield from column("news summaries", summaries, "summary")
    yield from _threats(data)
    yield from own("documents", _VARIANTS)


def own(name: str, most: int) -> Iterator[Text]:
    """Yield our own texts.

    Args:
        name: Of the file of templates.
        most: Variants of a line at most.
    """
    yield from (Text(f"{OWN}: {name}", text) for text in variants(name, most))


def some(texts: Iterable[Text], most: int) -> list[Text]:
    """Return at most so many different texts, chosen by their hash."""
    return sorted({entry for entry in texts if entry.text.strip()}, key=lambda entry: _digest(entry.text))[:most]


def kept_apart(entry: Text, share: int = 3) -> bool:
    """Tell whether a benign text belongs to the pool that is measured on: one in ``share``, by a hash of the text."""
    return not entry.source.startswith(OWN) and _digest(entry.text)[0] % share == 0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _clinc(data: Data) -> Iterator[str]:
    return (row[0] for part in json.loads(data.raw("clinc150", "data_full.json.gz")).values() for row in part)


def _gpteacher(data: Data) -> Iterator[dict[str, object]]:
    yield from data.objects("gpteacher", "codegen_instruct.jsonl.gz")


def _self_instruct(data: Data) -> Iterator[dict[str, object]]:
    for name in ("seed_tasks", "user_oriented_instructions"):
        yield from data.objects("self_instruct_seeds", f"{name}.jsonl.gz")


def _knowledge(data: Data) -> Iterator[Text]:
    for name in ("wow", "cmu"):
        yield from column(KNOWLEDGE, data.rows("begin", f"begin_dev_{name}.csv.gz"), "knowledge")
    for name in ("wow", "cmu", "topical"):
        yield from column(KNOWLEDGE, data.rows("faithdial_audit", f"gold__{name}.csv.gz"), "evidence")


def _said(data: Data, *, answers: bool) -> Iterator[Text]:
    """Yield turns of conversations about pieces of knowledge."""
    q2 = data.rows("q2", "cross_annotation.csv.gz")
    begin = [row for name in ("wow", "cmu") for row in data.rows("begin", f"begin_dev_{name}.csv.gz")]
    faith = [row for name in ("wow", "cmu", "topical") for row in data.rows("faithdial_audit", f"gold__{name}.csv.gz")]
    for rows, asked, answered in ((q2, "message", "gold"), (begin, "message", "response"), (faith, "history", "response")):
        yield from column(KNOWLEDGE, rows, asked)
        if answers:
            yield from column(KNOWLEDGE, rows, answered)


def _assistant(data: Data) -> Iterator[Text]:
    for entry in data.objects("hh_harmless_test", "test.jsonl.gz"):
        turns = re.split(r"\n\n(Human|Assistant): ?", str(entry["chosen"]))
        yield from (Text("assistant turns", text) for who, text in zip(turns[1::2], turns[2::2], strict=True) if who == "Assistant")


def _wikipedia(data: Data) -> Iterator[Text]:
    rows = data.rows("perspective_wiki2k", "perspective_wikipedia_2k_score_sample_20180829.csv.gz")
    yield from column(_WIKIPEDIA, [row for row in rows if float(row["TOXICITY@6"]) < 0.3], "comment_text")
    rows = data.rows("unintended_bias_templates", "toxicity_nonfuzzed_testset.csv.gz")
    yield from column(_WIKIPEDIA, [row for row in rows if row["toxic"] == "False"], "comment")


def _edos(data: Data) -> Iterator[Text]:
    return column(_SOCIAL, [row for row in data.rows("edos", "edos_train_dev.csv.gz") if row["label_sexist"] == "not sexist"], "text")


def _social(data: Data) -> Iterator[Text]:
    yield from some(_edos(data), 2500)
    yield from some(column(_SOCIAL, data.rows("toxic_spans", "tsd_train.csv.gz"), "text"), 2500)
    tweets = data.rows("davidson", "labeled_data.csv.gz")
    yield from some(column(_SOCIAL, [row for row in tweets if row["class"] == "2"], "tweet"), 2500)
    for name in ("emerging.dev", "wnut17train"):
        for sentence in data.raw("wnut17", f"{name}.conll.gz").split("\n\n"):
            yield Text(_SOCIAL, " ".join(line.partition("\t")[0] for line in sentence.split("\n")))


def _threats(data: Data) -> Iterator[Text]:
    """Yield paragraphs that describe attacks on models: about injections, and none themselves."""
    documents = yaml.load_all(data.raw("mitre_atlas", "ATLAS.yaml.gz"), Loader=yaml.CSafeLoader)
    for text in (text for document in documents for text in _descriptions(document)):
        yield from (Text("threat descriptions", paragraph) for paragraph in text.split("\n\n"))


def _descriptions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "description" and isinstance(inner, str):
                yield inner
            else:
                yield from _descriptions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _descriptions(inner)


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []

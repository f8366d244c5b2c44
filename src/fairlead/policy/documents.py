"""From a parsed file to typed documents, with every problem named by file, line, rule and mend."""

import difflib
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fairlead.core import FairleadError, Problems
from fairlead.policy.errors import PolicyShape
from fairlead.policy.source import Place, Plain, Source, read_source

M = TypeVar("M", bound=BaseModel)


def load_document(path: str, text: str, model: type[M]) -> M:
    """Read a YAML file that a person wrote into a document of any kind.

    Args:
        path: How errors name the file.
        text: What it holds.
        model: A pydantic model that refuses unknown keys.

    Raises:
        Problems: All problems of the file, each with its line.
    """
    source = read_source(path, text)
    document, problems = validate(source, model)
    if document is None:
        raise Problems(f"{path} is refused", tuple(problems))
    return document


def validate(source: Source, model: type[M]) -> tuple[M | None, list[FairleadError]]:
    """Return the document, or every problem that its shape has."""
    if not isinstance(source.value, dict):
        mend = f"start with: {', '.join(list(_fields(model))[:4])}"
        return None, [PolicyShape("the file is not a mapping of keys to values", where=source.where(()), mend=mend)]
    try:
        return model.model_validate(source.value), []
    except ValidationError as error:
        return None, _problems(source, model, error)


def salvage(items: Plain, model: type[M]) -> list[tuple[int, M]]:
    """Return the entries of a list that are valid on their own, with their index, so that the checks between entries can go on."""
    found: list[tuple[int, M]] = []
    for index, item in enumerate(items if isinstance(items, list) else []):
        try:
            found.append((index, model.model_validate(item)))
        except ValidationError:
            continue
    return found


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what to suggest for an unknown word: the closest one, and all that are known when they are few."""
    choices = sorted(set(known))
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    listed = f"known: {', '.join(choices)}" if choices and len(choices) <= 30 else ""
    guess = f"did you mean '{close[0]}'?" if close else ""
    return "; ".join(part for part in (guess, listed) if part) or "nothing of the kind is known here"


def _problems(source: Source, model: type[BaseModel], error: ValidationError) -> list[FairleadError]:
    out: dict[tuple[str, str], FairleadError] = {}
    for entry in error.errors(include_url=False):
        place: Place = tuple(entry["loc"])
        while place and place not in source.lines and entry["type"] != "missing":
            place = place[:-1]
        what, mend = _told(entry["type"], place, model, {**entry.get("ctx", {}), "msg": entry["msg"], "input": entry["input"]})
        problem = PolicyShape(what, where=source.where(place), mend=mend)
        out.setdefault((problem.where, problem.what), problem)
    return sorted(out.values(), key=lambda problem: int(problem.where.rpartition(":")[2]))


def _told(kind: str, place: Place, model: type[BaseModel], context: Mapping[str, Any]) -> tuple[str, str]:
    key = str(place[-1]) if place else "the file"
    dotted = ".".join(str(part) for part in place)
    if kind == "extra_forbidden":
        return f"unknown key '{key}'", did_you_mean(key, _fields(_model_at(model, place[:-1])))
    if kind == "missing":
        within = ".".join(str(part) for part in place[:-1])
        return f"the key '{key}' is missing" + (f" in {within}" if within else ""), f"add '{key}'"
    if kind == "literal_error":
        expected = [word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        given = context["input"]
        return f"{dotted} is not one of the values it can have", did_you_mean(given if isinstance(given, str) else "", expected)
    if "mend" in context:
        return f"{dotted}: {context['msg']}", str(context["mend"])
    message = str(context["msg"])
    return f"{dotted}: {message[:1].lower()}{message[1:]}", "see the reference of the policy file"


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """Return the model of the mapping at a place."""
    here: Any = model
    for part in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = _inner(_annotation(here, str(part)))
        if not isinstance(here, type):
            break
    return here if isinstance(here, type) and issubclass(here, BaseModel) else model


def _annotation(model: type[BaseModel], key: str) -> Any:  # noqa: ANN401 - a type annotation can be anything
    for name, field in model.model_fields.items():
        if key == (field.alias or name):
            return field.annotation
    extra = model.__annotations__.get("__pydantic_extra__")
    return extra if extra is not None else model


def _inner(annotation: Any) -> Any:  # noqa: ANN401 - as above
    """Return the model inside tuples, dicts, options and annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _inner(get_args(annotation)[0])
    if origin in (Union, types.UnionType, tuple, dict):
        for argument in get_args(annotation):
            found = _inner(argument)
            if isinstance(found, type) and issubclass(found, BaseModel):
                return found
    return annotation


def _fields(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]

"""The two sides know the same kinds, under the same names, with the same models."""

import json

import pytest

from gpu_worker.kinds import load_runners
from shared.artifacts import references_in
from shared.kinds import load_kinds

KINDS = load_kinds()


def test_every_kind_has_a_runner_and_every_runner_a_kind():
    assert load_runners().keys() == KINDS.keys()


def test_each_runner_uses_the_shared_kind_itself():
    assert all(runner.kind is KINDS[name] for name, runner in load_runners().items())


def test_a_kinds_name_is_a_group_and_a_word():
    """The import contracts look two levels down, no less and no more."""
    assert all(name.count(".") == 1 for name in KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_kind_says_all_that_is_asked_of_it(kind):
    assert kind.description
    assert kind.stages[0] == "prepare"
    assert kind.stages[-1] == "persist"
    assert set(kind.optional_outputs) <= set(kind.outputs)
    assert 0 < kind.deadline_s <= 6 * 3600
    json.dumps(dict(kind.limits))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_kinds_models_are_documented_to_the_last_field(kind):
    schemas = [kind.input.model_json_schema(), kind.output.model_json_schema()]
    models = [
        model for schema in schemas for model in (schema, *schema.get("$defs", {}).values())
    ]
    assert all(model.get("description") for model in models if model.get("type") == "object")


# What must be asked besides naming the source, which is a video unless said.
ASKED = {"export.framing": {"crop_keyframes": []}, "export.frame": {"frame": 0}}
FAMILIES = {"media.ingest": ("image", "video")}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_the_references_of_an_input_are_found_by_their_type(kind):
    given = {"source": {"asset_id": "a1"}, **ASKED.get(kind.name, {})}
    found = [(named.name, named.families) for named in references_in(kind.parse_input(given))]
    assert found == [("source", FAMILIES.get(kind.name, ("video",)))]

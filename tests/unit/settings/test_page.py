"""The document about settings, and the example, say what the models say."""

import re
from pathlib import Path

from gateway.settings.aliases import ALIASES, AWS_ALIASES, DERIVING, KEY_VARIABLES
from gateway.settings.load import OTHERS
from gateway.settings.page import PAGE, renewed, variables
from gateway.settings.values import TAKEN_PATHS

TEXT = PAGE.read_text(encoding="utf-8")
README = Path("README.md").read_text(encoding="utf-8")
OWN = {each.name: each for each in variables()}
OLDER = {*ALIASES, *AWS_ALIASES, *DERIVING, *KEY_VARIABLES}


def test_the_table_is_as_the_models_have_it():
    assert renewed(TEXT) == TEXT


def test_every_variable_says_what_it_means():
    assert [each.name for each in OWN.values() if not each.meaning] == []


def test_each_older_name_and_each_taken_path_is_in_the_document():
    assert [each for each in (*OLDER, *TAKEN_PATHS) if f"`{each}" not in TEXT] == []


def test_the_document_names_no_variable_of_ours_that_is_none():
    named = set(re.findall(r"CUTROOM_[A-Z0-9_]*[A-Z0-9]", TEXT)) - {"CUTROOM_STORE_BUKET"}
    assert named - {"CUTROOM_STORE", *OTHERS} == set(OWN)


def test_the_example_sets_or_shows_only_what_there_is():
    example = Path(".env.example").read_text(encoding="utf-8")
    shown = re.findall(r"^#? ?([A-Z0-9_]+)=", example, re.MULTILINE)
    assert set(shown) - {*OWN, *OLDER} == set()
    assert {each.name for each in OWN.values() if each.required} <= set(shown)


def test_the_readme_names_what_must_be_set_and_nothing_that_is_none():
    named = set(re.findall(r"`(CUTROOM_[A-Z0-9_]+)`", README))
    ours = {each for each in named if not each.startswith("CUTROOM_WORKER_")}
    assert {each.name for each in OWN.values() if each.required} <= ours
    assert ours - {"CUTROOM_URL", "CUTROOM_API_KEY"} <= set(OWN)

"""What the environment may say, and what keeps the service from starting."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.settings import Settings, load_settings
from shared.errors import OperatorMustAct

EXAMPLE = Path(__file__).parents[2] / ".env.example"
GOOD = {
    "CUTROOM_DATABASE_PATH": "data/cutroom.db",
    "CUTROOM_PUBLIC_BASE_URL": "https://cutroom.test/",
    "CUTROOM_TOKEN_SECRET": "k3" * 20,
    "CUTROOM_API_KEYS": "ck_one_" + "a2" * 26,
    "CUTROOM_STORE_ENDPOINT_URL": "https://store.test",
    "CUTROOM_STORE_BUCKET": "cutroom",
    "CUTROOM_STORE_ACCESS_KEY_ID": "access",
    "CUTROOM_STORE_SECRET_ACCESS_KEY": "s9" * 20,
    "CUTROOM_RUNPOD_API_KEY": "r7" * 20,
    "CUTROOM_RUNPOD_GPU_ENDPOINT": "gpu1",
}


@pytest.fixture
def load(monkeypatch):
    """Load with the good variables and these changes; None takes a variable away."""

    def loaded(**changes: str | None) -> Settings:
        for name, value in {**GOOD, **changes}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        return load_settings()

    return loaded


def test_what_is_set_is_read_and_the_rest_has_its_default(load):
    settings = load()
    assert settings.environment == "production"
    assert settings.database_path == Path("data/cutroom.db")
    assert settings.public_base_url == "https://cutroom.test"
    assert settings.store.region == "auto"
    assert settings.store.presign_url == "https://store.test"
    assert settings.runpod.base_url == "https://api.runpod.ai/v2"
    assert settings.runpod.gpu_rate_usd_per_s == Decimal("0.00031")
    assert settings.limits.model_dump() == {
        "json_body_bytes": 1048576,
        "json_depth": 32,
        "upload_bytes": 5368709120,
        "open_jobs_per_tenant": 1000,
        "watchers_per_job": 100,
        "wait_s_max": 25.0,
    }
    assert (settings.timings.suspect_after_s, settings.timings.lost_after_s) == (15.0, 60.0)
    assert settings.max_retries == 2


def test_groups_are_set_one_variable_at_a_time(load):
    settings = load(CUTROOM_LIMITS_JSON_DEPTH="8", CUTROOM_TIMINGS_LOST_AFTER_S="30")
    assert (settings.limits.json_depth, settings.limits.json_body_bytes) == (8, 1048576)
    assert (settings.timings.lost_after_s, settings.timings.suspect_after_s) == (30.0, 15.0)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "CUTROOM_API_KEYS"])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_missing_variable_is_named(load, name, environment):
    with pytest.raises(OperatorMustAct, match=f"{name}: Field required"):
        load(**{name: None, "CUTROOM_ENVIRONMENT": environment})


def test_every_variable_at_fault_is_named_at_once(load):
    with pytest.raises(OperatorMustAct) as refused:
        load(CUTROOM_STORE_BUCKET=None, CUTROOM_TOKEN_SECRET=None)
    assert "CUTROOM_STORE_BUCKET" in str(refused.value)
    assert "CUTROOM_TOKEN_SECRET" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUTROOM_ENVIRONMENT", "staging"),
        ("CUTROOM_LOG_LEVEL", "LOUD"),
        ("CUTROOM_PUBLIC_BASE_URL", "cutroom.test"),
        ("CUTROOM_PUBLIC_BASE_URL", "ftp://cutroom.test"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://user:secret@cutroom.test"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://cutroom.test?a=b"),
        ("CUTROOM_PUBLIC_BASE_URL", "http://cutroom.test"),
        ("CUTROOM_STORE_PUBLIC_ENDPOINT_URL", "http://store.test"),
        ("CUTROOM_STORE_BUCKET", "Not_A_Bucket"),
        ("CUTROOM_STORE_BUKET", "misspelt"),
        ("CUTROOM_STORE_SECRET_ACCESS_KEY", "  "),
        ("CUTROOM_TOKEN_SECRET", ""),
        ("CUTROOM_TOKEN_SECRET", "too short"),
        ("CUTROOM_TOKEN_SECRET", "change-me-" * 5),
        ("CUTROOM_RUNPOD_API_KEY", "your-runpod-key-goes-here"),
        ("CUTROOM_RUNPOD_GPU_RATE_USD_PER_S", "0"),
        ("CUTROOM_RUNPOD_GPU_SLOTS", "0"),
        ("CUTROOM_RUNPOD_CPU_ENDPOINT", "cpu1"),  # without a rate
        ("CUTROOM_RUNPOD_CPU_ENDPOINT", "gpu1"),
        ("CUTROOM_LIMITS_UPLOAD_BYTES", str(5 * 2**30 + 1)),
        ("CUTROOM_LIMITS_WAIT_S_MAX", "26"),
        ("CUTROOM_TIMINGS_SUSPECT_AFTER_S", "61"),
        ("CUTROOM_TIMINGS_RETRY_BASE_S", "61"),
        ("CUTROOM_TIMINGS_LOST_AFTER_S", "nan"),
        ("CUTROOM_MAX_RETRIES", "-1"),
        ("CUTROOM_API_KEYS", '["unfinished'),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(load, name, value):
    with pytest.raises(OperatorMustAct, match=name):
        load(**{name: value, "CUTROOM_RUNPOD_CPU_RATE_USD_PER_S": None})


def test_a_refusal_does_not_show_what_a_secret_holds(load):
    with pytest.raises(OperatorMustAct) as refused:
        load(CUTROOM_TOKEN_SECRET="hunter2", CUTROOM_STORE_BUCKET="hunter2 hunter2")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("keys", [None, "", " , ", "[]", '[""]'])
def test_d120_production_without_a_key_does_not_start(load, keys):
    with pytest.raises(OperatorMustAct, match="CUTROOM_API_KEYS"):
        load(CUTROOM_API_KEYS=keys)


def test_d120_an_empty_variable_seeds_no_key(load):
    assert load(CUTROOM_API_KEYS="", CUTROOM_ENVIRONMENT="development").api_keys == ()


@pytest.mark.parametrize("key", ["dev-secret-key-change-in-production", "short-one"])
def test_d85_placeholders_and_short_keys_are_refused_in_production(load, key):
    with pytest.raises(OperatorMustAct, match="CUTROOM_API_KEYS"):
        load(CUTROOM_API_KEYS=f"{GOOD['CUTROOM_API_KEYS']},{key}")


def test_d85_two_keys_are_read_for_a_rotation(load):
    old, new = "ck_old_" + "a2" * 26, "ck_new_" + "b3" * 26
    settings = load(CUTROOM_API_KEYS=f"{old}, {new}")
    assert [key.get_secret_value() for key in settings.api_keys] == [old, new]


def test_d86_forgetting_the_environment_is_production(load):
    assert not load(CUTROOM_ENVIRONMENT=None).is_development


@pytest.mark.parametrize("origins", ["*", "https://a.test,*", '["*"]', "https://a.test/path"])
def test_d87_a_wildcard_or_a_path_is_no_origin(load, origins):
    with pytest.raises(OperatorMustAct, match="CUTROOM_CORS_ORIGINS"):
        load(CUTROOM_CORS_ORIGINS=origins)


@pytest.mark.parametrize(
    "origins",
    ["http://localhost:3001,https://a.test", '["http://localhost:3001", "https://a.test"]'],
)
def test_d83_origins_are_read_from_a_comma_list_and_from_json(load, origins):
    settings = load(CUTROOM_CORS_ORIGINS=origins)
    assert settings.cors_origins == ("http://localhost:3001", "https://a.test")


def test_d83_a_file_with_others_keys_in_it_is_read_behind_the_environment(
    load, tmp_path, monkeypatch
):
    file = tmp_path / ".env"
    file.write_text("SOMEBODY_ELSES=1\nCUTROOM_LOG_LEVEL=DEBUG\nCUTROOM_MAX_RETRIES=5\n")
    load()
    monkeypatch.setenv("CUTROOM_MAX_RETRIES", "1")
    settings = load_settings(file)
    assert (settings.log_level, settings.max_retries) == ("DEBUG", 1)


@pytest.fixture
def bare(monkeypatch):
    """An environment without any variable of ours."""
    for name in [name for name in os.environ if name.startswith("CUTROOM_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("bare")
def test_d83_the_shipped_example_starts():
    settings = load_settings(EXAMPLE)
    assert settings.is_development
    assert settings.cors_origins == ("http://localhost:3001",)


@pytest.mark.usefixtures("bare")
def test_d85_the_shipped_example_does_not_start_in_production(monkeypatch):
    monkeypatch.setenv("CUTROOM_ENVIRONMENT", "production")
    with pytest.raises(OperatorMustAct, match="placeholder"):
        load_settings(EXAMPLE)


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_optional_variable_is_named_and_not_taken_for_a_value(load, value):
    with pytest.raises(OperatorMustAct, match="CUTROOM_STORE_PUBLIC_ENDPOINT_URL"):
        load(CUTROOM_STORE_PUBLIC_ENDPOINT_URL=value)


def test_development_may_go_without_keys_and_speak_plain_http(load):
    settings = load(
        CUTROOM_ENVIRONMENT="development",
        CUTROOM_API_KEYS=None,
        CUTROOM_PUBLIC_BASE_URL="http://gateway:8000",
    )
    assert settings.is_development


def test_production_may_speak_plain_http_to_its_own_machine(load):
    settings = load(CUTROOM_PUBLIC_BASE_URL="http://127.0.0.1:8000")
    assert settings.public_base_url == "http://127.0.0.1:8000"


def test_settings_do_not_show_their_secrets(load):
    shown = repr(load())
    secrets = [GOOD[name] for name in GOOD if name.endswith(("SECRET", "KEY", "KEYS"))]
    assert [secret for secret in secrets if secret in shown] == []

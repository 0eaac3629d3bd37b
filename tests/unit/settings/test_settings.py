"""What the environment may say, and what keeps the service from starting."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.settings import load_settings, settings_from
from shared.errors import OperatorMustAct
from tests.support.variables import A_KEY, GOOD, read

EXAMPLE = Path(__file__).parents[3] / ".env.example"
CLOUD = [name for name in GOOD if name.startswith(("CUTROOM_STORE_", "CUTROOM_RUNPOD_"))]
NEEDED = [name for name in GOOD if name not in {*CLOUD, "CUTROOM_API_KEYS"}]


def test_what_is_set_is_read_and_the_rest_has_its_default():
    settings = read()
    assert settings.environment == "production"
    assert settings.database_path == Path("data/cutroom.db")
    assert settings.public_base_url == "https://cutroom.test"
    assert settings.store.region == "auto"
    assert settings.store.presign_url == "https://store.test"
    assert settings.runpod.base_url == "https://api.runpod.ai/v2"
    assert settings.runpod.gpu_rate_usd_per_s == Decimal("0.00031")
    limits = settings.limits
    assert (limits.json_body_bytes, limits.json_depth) == (1048576, 32)
    assert (limits.upload_bytes, limits.watchers_per_job) == (5368709120, 100)
    assert (settings.timings.suspect_after_s, settings.timings.lost_after_s) == (15.0, 60.0)
    assert settings.max_retries == 2


def test_groups_are_set_one_variable_at_a_time():
    settings = read(CUTROOM_LIMITS_JSON_DEPTH="8", CUTROOM_TIMINGS_LOST_AFTER_S="30")
    assert (settings.limits.json_depth, settings.limits.json_body_bytes) == (8, 1048576)
    assert (settings.timings.lost_after_s, settings.timings.suspect_after_s) == (30.0, 15.0)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        *(("production", name) for name in [*NEEDED, *CLOUD]),
        *(("development", name) for name in NEEDED),
    ],
)
def test_a_missing_variable_is_named_with_its_older_names(environment, name):
    with pytest.raises(OperatorMustAct, match=rf"{name}( \(or [A-Z0-9_, ]+\))? is not set"):
        read(**{name: None, "CUTROOM_ENVIRONMENT": environment})


def test_the_older_names_of_what_is_missing_are_all_named():
    with pytest.raises(OperatorMustAct) as refused:
        read(CUTROOM_STORE_BUCKET=None)
    assert str(refused.value) == (
        "CUTROOM_STORE_BUCKET (or GCS_BUCKET_NAME, R2_BUCKET, AWS_BUCKET, R2_BUCKET_NAME) "
        "is not set"
    )


def test_d27_development_needs_no_variable_of_any_cloud():
    settings = read(CUTROOM_ENVIRONMENT="development", **dict.fromkeys(CLOUD))
    assert (settings.store, settings.runpod) == (None, None)


def test_half_a_store_is_no_store_in_development_either():
    half = {name: None for name in CLOUD if name != "CUTROOM_STORE_BUCKET"}
    with pytest.raises(OperatorMustAct, match=r"CUTROOM_STORE_SECRET_ACCESS_KEY .* is not set"):
        read(CUTROOM_ENVIRONMENT="development", **half)


def test_d120_production_needs_a_store():
    with pytest.raises(OperatorMustAct) as refused:
        read(**dict.fromkeys(CLOUD))
    assert [name for name in CLOUD if name not in str(refused.value)] == []


def test_every_variable_at_fault_is_named_at_once():
    with pytest.raises(OperatorMustAct) as refused:
        read(CUTROOM_STORE_BUCKET=None, CUTROOM_TOKEN_SECRET=None)
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
        ("CUTROOM_PUBLIC_BASE_URL", "https://cutroom .test"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://cutroom.test/a\nb"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://cutroom.test:https"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://cutroom.test:65536"),
        ("CUTROOM_PUBLIC_BASE_URL", "https://[::1"),
        ("CUTROOM_DATABASE_PATH", ""),
        ("CUTROOM_DATABASE_PATH", "  "),
        ("CUTROOM_STORE_ACCESS_KEY_ID", " "),
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
        ("CUTROOM_LIMITS_UPLOAD_BYTES", str(5 * 2**40 + 1)),
        ("CUTROOM_LIMITS_WAIT_S_MAX", "26"),
        ("CUTROOM_TIMINGS_SUSPECT_AFTER_S", "61"),
        ("CUTROOM_TIMINGS_RETRY_BASE_S", "61"),
        ("CUTROOM_TIMINGS_LOST_AFTER_S", "nan"),
        ("CUTROOM_MAX_RETRIES", "-1"),
        ("CUTROOM_API_KEYS", '["unfinished'),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(name, value):
    with pytest.raises(OperatorMustAct, match=name):
        read(**{name: value, "CUTROOM_RUNPOD_CPU_RATE_USD_PER_S": None})


def test_a_refusal_does_not_show_what_a_secret_holds():
    with pytest.raises(OperatorMustAct) as refused:
        read(CUTROOM_TOKEN_SECRET="hunter2", CUTROOM_STORE_BUCKET="hunter2 hunter2")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize("keys", [None, "", " , ", "[]", '[""]'])
def test_d120_production_without_a_key_does_not_start(keys):
    with pytest.raises(OperatorMustAct, match="CUTROOM_API_KEYS"):
        read(CUTROOM_API_KEYS=keys)


def test_d120_an_empty_variable_seeds_no_key():
    assert read(CUTROOM_API_KEYS="", CUTROOM_ENVIRONMENT="development").api_keys == ()


@pytest.mark.parametrize("key", ["dev-secret-key-change-in-production", "short-one"])
def test_d85_placeholders_and_short_keys_are_refused_in_production(key):
    with pytest.raises(OperatorMustAct, match="CUTROOM_API_KEYS"):
        read(CUTROOM_API_KEYS=f"{GOOD['CUTROOM_API_KEYS']},{key}")


def test_d85_two_keys_are_read_for_a_rotation():
    old, new = "ck_old_" + "a2" * 26, "ck_new_" + "b3" * 26
    settings = read(CUTROOM_API_KEYS=f"{old}, {new}")
    assert [key.get_secret_value() for key in settings.api_keys] == [old, new]


def test_d86_forgetting_the_environment_is_production():
    assert not read(CUTROOM_ENVIRONMENT=None).is_development


@pytest.mark.parametrize("origins", ["*", "https://a.test,*", '["*"]', "https://a.test/path"])
def test_d87_a_wildcard_or_a_path_is_no_origin(origins):
    with pytest.raises(OperatorMustAct, match="CUTROOM_CORS_ORIGINS"):
        read(CUTROOM_CORS_ORIGINS=origins)


@pytest.mark.parametrize(
    "origins",
    ["http://localhost:3001,https://a.test", '["http://localhost:3001", "https://a.test"]'],
)
def test_d83_origins_are_read_from_a_comma_list_and_from_json(origins):
    settings = read(CUTROOM_CORS_ORIGINS=origins)
    assert settings.cors_origins == ("http://localhost:3001", "https://a.test")


@pytest.mark.parametrize(
    ("given", "sent_by_browsers"),
    [
        ("https://App.Example.com", "https://app.example.com"),
        ("https://a.test:443, http://b.test:80/", "https://a.test,http://b.test"),
        ("http://localhost:3001", "http://localhost:3001"),
        ("http://[::1]:3001", "http://[::1]:3001"),
    ],
)
def test_d87_an_origin_is_spelled_as_browsers_send_it(given, sent_by_browsers):
    settings = read(CUTROOM_CORS_ORIGINS=given)
    assert settings.cors_origins == tuple(sent_by_browsers.split(","))


def test_d87_a_host_that_browsers_spell_in_ascii_is_to_be_spelled_so():
    with pytest.raises(OperatorMustAct, match=r"CUTROOM_CORS_ORIGINS: .*xn--"):
        read(CUTROOM_CORS_ORIGINS="https://münchen.example")


@pytest.mark.parametrize(
    "given", ["hooks.local, 10.1.0.0/16,::1", '["hooks.local","10.1.0.0/16","::1"]']
)
def test_what_may_be_called_is_read_from_a_comma_list_and_from_json(given):
    assert read(CUTROOM_OUTGOING_ALLOW=given).outgoing_allow == (
        "hooks.local",
        "10.1.0.0/16",
        "::1",
    )


@pytest.mark.parametrize(
    "given", ["https://hooks.local", "hooks.local:8080", "10.1.0.0/8", "0.0.0.0/0", "a b", "*"]
)
def test_d16_what_is_no_host_and_no_network_cannot_be_allowed(given):
    with pytest.raises(OperatorMustAct, match=r"CUTROOM_OUTGOING_ALLOW: .*network"):
        read(CUTROOM_OUTGOING_ALLOW=given)


@pytest.mark.parametrize(
    "name", [name for name in GOOD if name not in {"CUTROOM_ENVIRONMENT", "CUTROOM_API_KEYS"}]
)
def test_blanks_around_a_value_count_for_nothing(name):
    """A secret mounted from a file ends in a line feed, which no signature forgives."""
    assert read(**{name: f" {GOOD[name]}\n"}) == read()


def test_a_variable_at_fault_is_named_once():
    with pytest.raises(OperatorMustAct) as refused:
        read(CUTROOM_API_KEYS='["unfinished')
    assert str(refused.value).count("CUTROOM_API_KEYS") == 1


def test_a_file_that_is_no_text_is_said_and_not_shown(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes(b"CUTROOM_TOKEN_SECRET=hunter2\xff")
    with pytest.raises(OperatorMustAct, match="is no text in UTF-8") as refused:
        load_settings(file)
    assert refused.value.__cause__ is None
    assert "hunter2" not in repr(refused.value)


def test_d83_a_file_with_others_keys_in_it_is_read_behind_the_environment(
    tmp_path, monkeypatch
):
    file = tmp_path / ".env"
    own = [f"{name}='{text}'" for name, text in GOOD.items()]
    more = ["SOMEBODY_ELSES=1", "LOG_LEVEL=debug", "CUTROOM_MAX_RETRIES=5", "NO_VALUE"]
    file.write_text("\n".join([*own, *more]))
    monkeypatch.setenv("CUTROOM_MAX_RETRIES", "1")
    settings = load_settings(file)
    assert (settings.log_level, settings.max_retries) == ("DEBUG", 1)


def test_what_stands_in_a_file_is_taken_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "elsewhere")
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}='{text}'\n" for name, text in GOOD.items()))
    with file.open("a") as opened:
        opened.write('CUTROOM_API_KEYS="k${HOME}' + "k" * 40 + '"\n')
    [key] = load_settings(file).api_keys
    assert key.get_secret_value().startswith("k${HOME}k")


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(OperatorMustAct, match="there is no file"):
        load_settings(tmp_path / "absent.env")


def example(**changes: str) -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines) | changes


def test_d83_the_shipped_example_starts():
    settings = settings_from(example())
    assert settings.is_development
    assert settings.cors_origins == ("http://localhost:3001",)


def test_d85_the_shipped_example_does_not_start_in_production():
    with pytest.raises(OperatorMustAct, match="placeholder"):
        settings_from(example(CUTROOM_ENVIRONMENT="production"))


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_optional_variable_is_named_and_not_taken_for_a_value(value):
    with pytest.raises(OperatorMustAct, match="CUTROOM_STORE_PUBLIC_ENDPOINT_URL"):
        read(CUTROOM_STORE_PUBLIC_ENDPOINT_URL=value)


def test_development_may_go_without_keys_and_speak_plain_http():
    settings = read(
        CUTROOM_ENVIRONMENT="development",
        CUTROOM_API_KEYS=None,
        CUTROOM_PUBLIC_BASE_URL="http://gateway:8000",
    )
    assert settings.is_development


def test_production_may_speak_plain_http_to_its_own_machine():
    settings = read(CUTROOM_PUBLIC_BASE_URL="http://127.0.0.1:8000")
    assert settings.public_base_url == "http://127.0.0.1:8000"


def test_d142_neither_repr_nor_dump_of_settings_shows_a_secret():
    settings = read(API_KEY="an-older-systems-key")
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    secrets = [GOOD[name] for name in GOOD if name.endswith(("SECRET", "_KEY", "KEYS"))]
    assert len(secrets) == 4
    assert [secret for secret in [*secrets, "an-older"] if secret in shown] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CUTROOM_API_KEY_S", "CUTROOM_API_KEYS"),
        ("CUTROOM_TOKENSECRET", "CUTROOM_TOKEN_SECRET"),
        ("CUTROOM_LIMIT_JSON_DEPTH", "CUTROOM_LIMITS_JSON_DEPTH"),
        ("CUTROOM_LIMITS", ""),
        ("CUTROOM_", ""),
        ("CUTROOM_SOMETHING_ELSE", ""),
    ],
)
def test_a_variable_of_ours_that_is_none_stops_the_start(name, meant):
    with pytest.raises(OperatorMustAct) as refused:
        read(**{name: "hunter2"})
    said = str(refused.value)
    assert said.startswith(f"{name} is no setting")
    assert meant in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "name", ["CUTROOM_URL", "CUTROOM_API_KEY", "CUTROOM_WORKER_GPU", "OTHER_SETTING"]
)
def test_what_other_programs_read_may_stand_in_the_same_environment(name):
    assert read(**{name: "theirs"}) == read()


@pytest.mark.parametrize(
    "text",
    [
        "changeme-changeme-changeme-changeme",
        "your-key-here-your-key-here-your-key",
        "xxx-xxx-xxx-xxx-xxx-xxx-xxx-xxx-xxx",
        "${TOKEN_SECRET_OF_THE_DEPLOYMENT_1}",
        "{{ token_secret_of_the_deployment }}",
        "TODO: 32 characters or more of this",
        "0" * 40,
    ],
)
@pytest.mark.parametrize("name", ["CUTROOM_TOKEN_SECRET", "CUTROOM_API_KEYS"])
def test_d85_what_nobody_has_chosen_is_no_secret_in_production(name, text):
    with pytest.raises(OperatorMustAct, match=f"{name} still holds a placeholder"):
        read(**{name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CUTROOM_PUBLIC_BASE_URL", "https://your-host.test"),
        ("CUTROOM_STORE_ENDPOINT_URL", "https://your-account-id.r2.cloudflarestorage.com"),
        ("CUTROOM_STORE_BUCKET", "your-bucket"),
        ("CUTROOM_STORE_ACCESS_KEY_ID", "your-access-key-id"),
        ("CUTROOM_STORE_ACCESS_KEY_ID", "changeme"),
        ("CUTROOM_RUNPOD_GPU_ENDPOINT", "<gpu endpoint>"),
    ],
)
def test_a_name_that_nobody_has_filled_in_is_refused_in_production(name, text):
    with pytest.raises(OperatorMustAct, match=f"{name} still holds a placeholder"):
        read(**{name: text})
    bare = {"CUTROOM_ENVIRONMENT": "development"}
    assert read(**{name: text}, **bare).is_development


def test_one_secret_for_two_purposes_is_refused_in_production():
    with pytest.raises(OperatorMustAct) as refused:
        read(CUTROOM_TOKEN_SECRET=A_KEY, CUTROOM_RUNPOD_API_KEY="s9" * 20)
    said = str(refused.value)
    assert "CUTROOM_TOKEN_SECRET and CUTROOM_API_KEYS hold the same secret" in said
    both = "CUTROOM_STORE_SECRET_ACCESS_KEY and CUTROOM_RUNPOD_API_KEY hold the same secret"
    assert both in said
    assert A_KEY not in said


def test_one_key_under_two_names_is_one_key():
    assert len(read(API_KEY=A_KEY).api_keys) == 1

"""Names of older systems: each is read, none may contradict, none shows what it holds."""

import pytest

from gateway.settings.aliases import ALIASES, AWS_ALIASES, DERIVING, KEY_VARIABLES
from shared.errors import OperatorMustAct
from tests.support.variables import A_KEY, GOOD, read, without

OWN_STORE = [name for name in GOOD if name.startswith("CUTROOM_STORE_")]

# older name, what it says, where that is found, what is found there, another value of its own
READ = [
    ("ENVIRONMENT", " Development ", "environment", "development", "production"),
    ("LOG_LEVEL", "warning", "log_level", "WARNING", "ERROR"),
    (
        "CORS_ORIGINS",
        '["https://a.test"]',
        "cors_origins",
        ("https://a.test",),
        "https://b.test",
    ),
    ("CORS_ORIGINS", "https://a.test, ", "cors_origins", ("https://a.test",), "https://b.test"),
    ("MAX_RETRIES", "4", "max_retries", 4, "3"),
    ("EXPORT_ROUTE_PREFIX", "/cut/out/", "export_route_prefix", "/cut/out", "/cut"),
    ("GCS_BUCKET_NAME", "cutroom-a", "store.bucket", "cutroom-a", "cutroom-b"),
    ("R2_BUCKET", "cutroom-a", "store.bucket", "cutroom-a", "cutroom-b"),
    ("AWS_BUCKET", "cutroom-a", "store.bucket", "cutroom-a", "cutroom-b"),
    ("R2_BUCKET_NAME", "cutroom-a", "store.bucket", "cutroom-a", "cutroom-b"),
    (
        "R2_ENDPOINT",
        "https://r2.test/",
        "store.endpoint_url",
        "https://r2.test",
        "https://c.test",
    ),
    ("R2_ACCESS_KEY_ID", "mine", "store.access_key_id", "mine", "other"),
]
TARGETS = {**ALIASES, **AWS_ALIASES}


def found(settings: object, path: str) -> object:
    for part in path.split("."):
        settings = getattr(settings, part)
    return settings


@pytest.mark.parametrize(("name", "text", "path", "value", "_"), READ)
def test_an_older_name_is_read_where_ours_is_not_set(name, text, path, value, _):
    assert found(read(**{TARGETS[name]: None, name: text}), path) == value


@pytest.mark.parametrize(("name", "text", "path", "value", "_"), READ)
def test_an_older_name_may_say_the_same_as_ours(name, text, path, value, _):
    assert found(read(**{TARGETS[name]: text, name: text}), path) == value


@pytest.mark.parametrize(("name", "text", "_path", "_value", "other"), READ)
def test_two_names_that_say_different_things_are_both_named(name, text, _path, _value, other):
    with pytest.raises(OperatorMustAct) as refused:
        read(**{TARGETS[name]: other, name: text})
    assert f"{TARGETS[name]} and {name} contradict each other" in str(refused.value)
    assert text.strip() not in str(refused.value)


def test_one_origin_is_one_however_it_is_spelled():
    settings = read(CUTROOM_CORS_ORIGINS="https://A.test:443", CORS_ORIGINS="https://a.test/")
    assert settings.cors_origins == ("https://a.test",)


@pytest.mark.parametrize("name", [*ALIASES, *AWS_ALIASES, *DERIVING, *KEY_VARIABLES])
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_older_name_that_is_empty_is_not_set(name, blank):
    assert read(**{name: blank}) == read()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENVIRONMENT", "staging-7"),
        ("LOG_LEVEL", "loud-7"),
        ("DEBUG", "maybe-7"),
        ("MAX_RETRIES", "many-7"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.test/path-7"),
        ("CORS_ORIGINS", '["https://a.test-7"'),
        ("R2_ENDPOINT", "ftp://r2.test-7"),
        ("R2_ACCOUNT_ID", "no/account-7"),
        ("R2_BUCKET", "Not_A_Bucket-7"),
        ("STORAGE_PROVIDER", "local"),
        ("STORAGE_PROVIDER", "gcs-7"),
        ("DATABASE_URL", "postgresql://user:password-7@db/cutroom"),
        ("DATABASE_URL", "mysql://db/cutroom-7"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///a.db?mode=ro-7"),
        ("DATABASE_URL", "a.db-7"),
    ],
)
def test_what_an_older_name_may_not_say_is_refused_by_that_name(name, text):
    target = {**TARGETS, **DERIVING}[name]
    with pytest.raises(OperatorMustAct) as refused:
        read(**{name: text}, **without(*[target] if target in GOOD else []))
    assert f"{name}: " in str(refused.value)
    assert "-7" not in str(refused.value)


@pytest.mark.parametrize("name", ["EXPORT_ROUTE_PREFIX", "CUTROOM_EXPORT_ROUTE_PREFIX"])
@pytest.mark.parametrize(
    "prefix",
    [
        *("api/export", "/", "//export", "/api/../v1", "/export{id}", "/a b", "/x?y", "/é"),
        *("/v1", "/v1/export", "/api", "/api/jobs", "/api/jobs/x", "/api/videos", "/ws"),
        *("/ws/export", "/healthz", "/metrics", "/docs", "https://a.test/export"),
    ],
)
def test_a_prefix_that_is_no_path_or_lies_among_our_own_routes_is_refused(name, prefix):
    with pytest.raises(OperatorMustAct, match=f"^{name}: "):
        read(**{name: prefix})


@pytest.mark.parametrize("prefix", ["/api/export", "/v2/export", "/api/jobsheets", "/exports"])
def test_a_prefix_beside_our_own_routes_is_taken(prefix):
    assert read(EXPORT_ROUTE_PREFIX=prefix).export_route_prefix == prefix


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///data/a.db", "data/a.db"), ("sqlite:////srv/a.db", "/srv/a.db")],
)
def test_a_database_url_names_the_file(url, path):
    assert str(read(CUTROOM_DATABASE_PATH=None, DATABASE_URL=url).database_path) == path


@pytest.mark.parametrize("debug", ["true", "1", "YES", "on"])
def test_debug_asks_for_more_lines_where_no_level_is_named(debug):
    assert read(DEBUG=debug).log_level == "DEBUG"
    assert read(DEBUG=debug, LOG_LEVEL="ERROR").log_level == "ERROR"


@pytest.mark.parametrize("debug", ["false", "0", "no", "off"])
def test_debug_may_say_no(debug):
    assert read(DEBUG=debug).log_level == "INFO"


def test_debug_does_not_open_a_production_gateway():
    assert not read(DEBUG="true").is_development


def test_four_buckets_may_be_named_while_they_are_one():
    names = ("GCS_BUCKET_NAME", "R2_BUCKET", "AWS_BUCKET", "R2_BUCKET_NAME")
    settings = read(CUTROOM_STORE_BUCKET=None, **dict.fromkeys(names, "cutroom"))
    assert settings.store.bucket == "cutroom"


@pytest.mark.parametrize("two", [("R2_BUCKET", "AWS_BUCKET"), ("GCS_BUCKET_NAME", "R2_BUCKET")])
def test_two_buckets_are_refused_by_their_names(two):
    with pytest.raises(OperatorMustAct, match="contradict") as refused:
        read(CUTROOM_STORE_BUCKET=None, **{two[0]: "cutroom-7", two[1]: "cutroom-8"})
    assert [name for name in two if name not in str(refused.value)] == []


ACCOUNT = "0123456789abcdef0123456789abcdef"
R2 = {"R2_ACCESS_KEY_ID": "mine", "R2_SECRET_ACCESS_KEY": "s8" * 20, "R2_BUCKET": "sfd"}


def test_an_account_is_enough_to_find_r2():
    store = read(**without(*OWN_STORE), R2_ACCOUNT_ID=ACCOUNT, **R2).store
    assert store.endpoint_url == f"https://{ACCOUNT}.r2.cloudflarestorage.com"
    assert (store.bucket, store.region, store.access_key_id) == ("sfd", "auto", "mine")
    assert store.secret_access_key.get_secret_value() == "s8" * 20


def test_an_account_agrees_with_the_address_of_its_jurisdiction():
    address = f"https://{ACCOUNT}.eu.r2.cloudflarestorage.com"
    settings = read(**without(*OWN_STORE), R2_ACCOUNT_ID=ACCOUNT, R2_ENDPOINT=address, **R2)
    assert settings.store.endpoint_url == address


@pytest.mark.parametrize("name", ["R2_ENDPOINT", "CUTROOM_STORE_ENDPOINT_URL"])
@pytest.mark.parametrize("host", [f"{'9' * 32}.r2.cloudflarestorage.com", "minio.test"])
def test_an_account_and_an_address_elsewhere_contradict_each_other(name, host):
    changes = {**without(*OWN_STORE), **R2, name: f"https://{host}"}
    with pytest.raises(OperatorMustAct, match=f"{name} and R2_ACCOUNT_ID contradict"):
        read(**changes, R2_ACCOUNT_ID=ACCOUNT)


AWS = {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "s7" * 20}


def test_a_bucket_of_s3_brings_its_credentials_and_address():
    store = read(**without(*OWN_STORE), **AWS, AWS_BUCKET="media", AWS_REGION="eu-west-1").store
    assert store.endpoint_url == "https://s3.eu-west-1.amazonaws.com"
    assert (store.bucket, store.region, store.access_key_id) == ("media", "eu-west-1", "theirs")
    assert store.secret_access_key.get_secret_value() == "s7" * 20


def test_s3_without_a_region_is_where_the_older_system_had_it():
    store = read(**without(*OWN_STORE), **AWS, AWS_BUCKET="media").store
    assert store.endpoint_url == "https://s3.us-east-1.amazonaws.com"
    assert store.region == "us-east-1"


def test_the_provider_s3_lets_its_credentials_count_at_any_address():
    own = {name: None for name in OWN_STORE if name.endswith(("KEY", "KEY_ID"))}
    store = read(**own, **AWS, STORAGE_PROVIDER="S3").store
    assert (store.endpoint_url, store.access_key_id) == ("https://store.test", "theirs")


def test_what_lambda_sets_for_its_own_role_does_not_count():
    assert read(**AWS, AWS_REGION="eu-west-1") == read()


def test_a_roles_passing_credentials_do_not_count_for_a_bucket_of_s3_either():
    role = {**AWS, "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "passing"}
    assert read(**role, AWS_BUCKET="cutroom") == read()


def test_credentials_of_two_clouds_contradict_each_other():
    with pytest.raises(OperatorMustAct) as refused:
        read(**without(*OWN_STORE), **AWS, AWS_BUCKET="sfd", R2_ACCOUNT_ID=ACCOUNT, **R2)
    said = str(refused.value)
    assert "R2_ACCESS_KEY_ID and AWS_ACCESS_KEY_ID contradict each other" in said
    assert "R2_SECRET_ACCESS_KEY and AWS_SECRET_ACCESS_KEY contradict each other" in said
    assert "s8s8" not in said


@pytest.mark.parametrize("name", ["PROJECT_NAME", "KIE_KEY", "WORKERS_API_URL", "REDIS_URL"])
def test_variables_of_what_is_not_built_are_not_read(name):
    assert read(**{name: "anything at all"}) == read()


def held(settings) -> list[str]:
    return [key.get_secret_value() for key in settings.api_keys]


@pytest.mark.parametrize("name", KEY_VARIABLES)
@pytest.mark.parametrize("text", ["older key, of any form", "0123456789", A_KEY.upper()])
def test_each_older_key_seeds_one_more(name, text):
    assert held(read(**{name: text})) == [A_KEY, text]
    assert held(read(**{name: text}, CUTROOM_API_KEYS=None)) == [text]


def test_keys_of_all_variables_count_and_the_same_one_once():
    settings = read(API_KEY="first-older-key", WORKERS_API_KEY="second-older-key")
    assert held(settings) == [A_KEY, "first-older-key", "second-older-key"]
    assert held(
        read(API_KEY="the-same-key", WORKERS_API_KEY="the-same-key", CUTROOM_API_KEYS=None)
    ) == ["the-same-key"]


@pytest.mark.parametrize("names", [KEY_VARIABLES, [*KEY_VARIABLES, "CUTROOM_API_KEYS"]])
def test_d120_production_without_any_key_refuses_to_start(names):
    with pytest.raises(OperatorMustAct, match=r"CUTROOM_API_KEYS .or API_KEY, WORKERS_API_KEY"):
        read(**{"CUTROOM_API_KEYS": None, **dict.fromkeys(names, "")})


@pytest.mark.parametrize("name", KEY_VARIABLES)
def test_d120_an_empty_older_variable_seeds_no_key(name):
    changes = {"CUTROOM_API_KEYS": None, "ENVIRONMENT": "development", name: ""}
    assert read(**changes).api_keys == ()


PLACEHOLDER = "dev-secret-key-change-in-production"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        *(("CUTROOM_API_KEYS", "CUTROOM_API_KEYS"), ("API_KEY", "CUTROOM_API_KEYS")),
        *(("WORKERS_API_KEY", "CUTROOM_API_KEYS"), ("CUTROOM_TOKEN_SECRET", None)),
        ("CUTROOM_STORE_SECRET_ACCESS_KEY", None),
        ("R2_SECRET_ACCESS_KEY", "CUTROOM_STORE_SECRET_ACCESS_KEY"),
        ("CUTROOM_RUNPOD_API_KEY", None),
    ],
)
def test_d85_a_placeholder_is_refused_in_production_by_the_name_that_holds_it(name, target):
    changes = {**(without(target) if target else {}), name: PLACEHOLDER}
    with pytest.raises(OperatorMustAct) as refused:
        read(**changes)
    assert str(refused.value) == f"{name} still holds a placeholder"
    assert read(**changes, ENVIRONMENT="development").is_development


@pytest.mark.parametrize("key", ["k" * 513, "schlüssel-des-hauses", "two\nlines-of-a-key"])
def test_a_key_that_no_header_can_carry_is_refused_by_name(key):
    with pytest.raises(OperatorMustAct, match=r"^WORKERS_API_KEY holds a key that no request"):
        read(WORKERS_API_KEY=key)


def test_an_older_key_that_anybody_guesses_is_refused_in_production():
    with pytest.raises(OperatorMustAct, match=r"^API_KEY holds a key of fewer than 8"):
        read(API_KEY="secret")


def test_plain_http_is_refused_by_the_name_that_holds_it():
    with pytest.raises(OperatorMustAct, match=r"^R2_ENDPOINT is plain http"):
        read(CUTROOM_STORE_ENDPOINT_URL=None, R2_ENDPOINT="http://store.test")

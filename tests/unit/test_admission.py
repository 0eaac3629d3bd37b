"""Who is let in: keys that are good, and nobody who guesses at them."""

import os

import pytest

from gateway.adapters.memory.keys import MemoryKeyStore
from gateway.core.rates import Buckets
from gateway.services.admission import Admission, KnownKeys, TooManyRequests, network_of
from gateway.services.api_keys import ApiKeys
from gateway.services.tenants import Tenants
from shared.errors import Forbidden, Unauthenticated
from tests.support.admission import an_admission
from tests.support.jobs import HandClock

HERE, THERE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def keys():
    return ApiKeys(MemoryKeyStore(), HandClock(), os.urandom)


@pytest.fixture
async def key(keys):
    text, _ = await keys.create("acme")
    return text


async def guess(admission, address=HERE):
    with pytest.raises(Unauthenticated):
        await admission.caller(os.urandom(8).hex(), address)


async def test_who_guesses_is_not_told_any_more_whether_a_key_is_right(keys, key):
    admission = an_admission(keys, wrong_keys=3)
    for _ in range(3):
        await guess(admission)
    with pytest.raises(TooManyRequests) as refused:
        await admission.caller(key, HERE)
    assert refused.value.retry_after_s == 20
    assert (await admission.caller(key, THERE)).tenant == "acme"


async def test_whose_key_was_good_before_goes_on_beside_somebody_who_guesses(keys, key):
    admission = an_admission(keys, wrong_keys=3)
    await admission.caller(key, HERE)
    for _ in range(3):
        await guess(admission)
    assert (await admission.caller(key, HERE)).tenant == "acme"
    with pytest.raises(TooManyRequests):
        await admission.caller("one more", HERE)


async def test_a_key_that_was_good_and_is_revoked_is_refused_like_any(keys, key):
    admission = an_admission(keys, wrong_keys=1)
    caller = await admission.caller(key, HERE)
    await keys.revoke(caller.key_id)
    with pytest.raises(Unauthenticated):
        await admission.caller(key, HERE)


async def test_after_a_while_an_address_may_try_again(keys, key):
    now_s = [0.0]
    guesses = Buckets(per_s=1 / 60, burst=1)
    roomy = Buckets(per_s=100, burst=100)
    admission = Admission(keys, roomy, guesses, KnownKeys(b"s"), lambda: now_s[0])
    await guess(admission)
    with pytest.raises(TooManyRequests):
        await admission.caller(key, HERE)
    now_s[0] = 60.0
    assert (await admission.caller(key, HERE)).tenant == "acme"


async def test_good_keys_are_no_guesses_however_many_come(keys, key):
    admission = an_admission(keys, wrong_keys=1)
    for _ in range(20):
        await admission.caller(key, HERE)


async def test_a_ticket_of_a_suspended_tenant_counts_for_nothing(keys, key):
    admission = an_admission(keys)
    await admission.ticket_of("acme")
    await Tenants(keys.store, keys.clock).suspend("acme")
    with pytest.raises(Forbidden):
        await admission.ticket_of("acme")
    with pytest.raises(Forbidden):
        await admission.caller(key, HERE)


def test_no_more_known_keys_are_remembered_than_may_be_and_the_oldest_goes():
    known = KnownKeys(b"s", most=2)
    for credential in ("one", "two", "one", "three"):
        known.add(credential)
    assert ("one" in known, "two" in known, "three" in known) == (True, False, True)
    assert "one" not in repr(known)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_of_one_customer_count_together(address, network):
    assert network_of(address) == network

"""Which addresses may be called for somebody else, spelled in whatever way."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.targets import LONGEST_URL, TargetRefused, TargetRules, is_public, read_url

PUBLIC = TargetRules()

FINE = {
    "https://hooks.example.com": ("hooks.example.com", 443, "/"),
    "https://hooks.example.com/in?x=1&y=%20": ("hooks.example.com", 443, "/in?x=1&y=%20"),
    "https://hooks.example.com?x": ("hooks.example.com", 443, "/?x"),
    "HTTPS://Hooks.Example.COM:8443/In": ("hooks.example.com", 8443, "/In"),
    "https://xn--bcher-kva.example.com/": ("xn--bcher-kva.example.com", 443, "/"),
    "https://8.8.8.8/": ("8.8.8.8", 443, "/"),
    "https://[2606:4700:4700::1111]:443/": ("2606:4700:4700::1111", 443, "/"),
    "https://[64:ff9b::8.8.8.8]/": ("64:ff9b::8.8.8.8", 443, "/"),
    "https://1e100.net/a@b": ("1e100.net", 443, "/a@b"),
}

# Addresses that lead, or would somewhere lead, to what only we can reach.
INSIDE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200"),
    *("192.0.0.192", "198.18.0.1", "192.0.2.1", "198.51.100.7", "203.0.113.9", "192.88.99.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]"),
    *("[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]"),
    *("[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:808:808::]", "[2001::1]", "[2001:2::1]"),
    *("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:db8::1]", "[3fff::1]", "[100::1]"),
    *("[5f00::1]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[4000::1]"),
)
NAMES_INSIDE = (
    *("localhost", "LOCALHOST", "app.localhost", "metadata", "metadata.google.internal"),
    *("printer.local", "db.lan", "router.home", "1.0.0.127.in-addr.arpa", "x.onion", "a.test"),
    *("kubernetes.default.svc.cluster.local", "instance-data", "localhost.localdomain"),
)
# What one parser or resolver takes for a host and another does not.
ODD_HOSTS = (
    *("2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1"),
    *("127.0.0.1.", "8.8.8.8.", "example.com.", "localhost.", "08.8.8.8", "0x8.8.8.8"),
    *("8.8.8.256", "8.8.8", "1.2.3.4.5", "example.0x7f", "a..b", ".example.com", "-a.com"),
    *("[::1", "::1", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[v1.a]", "[]", "[8.8.8.8]"),
    *("example.com%00.evil.com", "ex%61mple.com", "%31%32%37.0.0.1", "a,b.com", "a;b.com"),
    *("127。0。0。1", "①②⑦.⓪.⓪.①", "ｅxample.com", "bücher.example", "ex\u00adample.com"),
    *("exa mple.com", "example.com\t", "\nexample.com", "example.com\x00", "exam\\ple.com"),
    *("", "user@8.8.8.8", "user:pw@8.8.8.8", "8.8.8.8@127.0.0.1", "8.8.8.8:80@127.0.0.1"),
    *("example.com#@127.0.0.1", "example.com\\@127.0.0.1", "x" * 64 + ".com", "a.b" * 90),
    *("example.com:", "example.com:0", "example.com:00443", "example.com:65536"),
    *("example.com:+443", "example.com:443:443", "example.com:４４３", "[2606:4700::1111]443"),
)
ODD_URLS = (
    *("", "//8.8.8.8/", "8.8.8.8/", "https:/8.8.8.8/", "https:8.8.8.8", "https:\\\\8.8.8.8"),
    *("ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "javascript:alert(1)"),
    *(" https://8.8.8.8/", "https://8.8.8.8/ ", "ht\ntps://8.8.8.8/", "https://8.8.8.8/é"),
    *("https://8.8.8.8/#x", "jar:https://8.8.8.8/", "https://8.8.8.8/<x>", "wss://8.8.8.8/"),
    "https://8.8.8.8/" + "x" * LONGEST_URL,
)
OTHER_WAYS = (
    *("http://8.8.8.8/", "http://hooks.example.com/", "https://hooks.example.com:22/"),
    *("https://8.8.8.8:80/", "https://8.8.8.8:6379/", "https://8.8.8.8:25/"),
)


def reason(url, rules=PUBLIC):
    with pytest.raises(TargetRefused) as refused:
        rules.read(url)
    return refused.value.why


@pytest.mark.parametrize("url", FINE)
def test_a_public_address_in_its_plain_spelling_is_taken(url):
    target = PUBLIC.read(url)
    assert (target.host, target.port, target.path) == FINE[url]


@pytest.mark.parametrize("host", INSIDE)
def test_d16_an_address_inside_is_refused_on_every_port_that_is_called(host):
    for port in ("", ":443", ":8443"):
        assert reason(f"https://{host}{port}/latest/meta-data/") == (
            "it leads to an address that is not public"
        )


@pytest.mark.parametrize("name", NAMES_INSIDE)
def test_d16_a_name_that_is_none_outside_is_refused_before_it_is_looked_up(name):
    assert reason(f"https://{name}/") == "the name is no public one"


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_d16_a_host_that_somebody_could_read_otherwise_is_refused(host):
    assert reason(f"https://{host}/")


@pytest.mark.parametrize("url", ODD_URLS)
def test_d16_what_is_no_plain_url_is_refused(url):
    assert reason(url)


@pytest.mark.parametrize("url", OTHER_WAYS)
def test_other_schemes_and_ports_are_refused(url):
    assert reason(url).startswith("only ")


def checked(rules, url, *addresses):
    rules.check(rules.read(url), addresses)


@pytest.mark.parametrize("host", INSIDE)
def test_d16_a_name_with_one_address_inside_is_refused_whatever_its_others_are(host):
    inside = host.strip("[]")
    for addresses in ([inside], ["8.8.8.8", inside], [inside, "2606:4700:4700::1111"]):
        with pytest.raises(TargetRefused):
            checked(PUBLIC, "https://hooks.example.com/", *addresses)


@pytest.mark.parametrize("found", ["fe80::1%eth0", "8.8.8.8%eth0", "x", ""])
def test_an_answer_of_the_resolver_that_is_no_address_is_refused(found):
    with pytest.raises(TargetRefused):
        checked(PUBLIC, "https://hooks.example.com/", found)


def test_a_name_that_leads_outside_alone_is_taken():
    checked(PUBLIC, "https://hooks.example.com/", "8.8.8.8", "2606:4700:4700::1111")


def test_a_name_that_leads_nowhere_is_refused():
    with pytest.raises(TargetRefused, match="nowhere"):
        checked(PUBLIC, "https://hooks.example.com/")


ALLOWING = TargetRules.allowing(["Hooks.Local", "127.0.0.0/8", "[::1]", " fd12::/16 "])


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.local:9000/",
        "http://127.0.0.1:9000/",
        "http://[::1]:1/",
        "https://[fd12::1]/",
    ],
)
def test_what_an_operator_allows_may_be_plain_http_on_any_port(url):
    assert ALLOWING.read(url)


def test_an_allowed_name_may_lead_anywhere_and_any_name_into_an_allowed_network():
    checked(ALLOWING, "http://hooks.local/", "10.0.0.1")
    checked(ALLOWING, "https://hooks.example.com/", "127.0.0.1", "8.8.8.8")
    with pytest.raises(TargetRefused):
        checked(ALLOWING, "https://hooks.example.com/", "127.0.0.1", "10.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        *("http://10.0.0.1/", "http://other.local/", "http://hooks.example.com/"),
        *("https://a.hooks.local/", "http://[::ffff:127.0.0.1]/", "http://2130706433/"),
    ],
)
def test_what_nobody_allowed_stays_refused(url):
    assert reason(url, ALLOWING)


@pytest.mark.parametrize(
    "entry", ["", "a b", "https://x.y", "x.y:80", "10.0.0.1/8", "0.0.0.0/0", "::/0", "0x7f.1"]
)
def test_what_names_no_host_and_no_network_cannot_be_allowed(entry):
    with pytest.raises(ValueError, match="network"):
        TargetRules.allowing([entry])


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_that_the_registries_hold_back_is_public(address):
    assert address.is_global or not is_public(address)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::", "2002::"]))
def test_an_address_that_wraps_another_is_no_more_public_than_that(number, wrapper):
    inner = IPv4Address(number)
    shift = 80 if wrapper == "2002::" else 0
    outer = IPv6Address(int(ip_address(wrapper)) | number << shift)
    assert is_public(inner) or not is_public(outer)


@given(st.text(max_size=60).map(lambda text: f"https://{text}"))
def test_whatever_is_taken_is_what_every_parser_reads(url):
    try:
        target = read_url(url)
    except TargetRefused:
        return
    assert url[8:].lower().startswith((target.host, f"[{target.host}]"))

"""Connection strings (connection.md 1, client-surface.md 7.1)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chronicle.connections.connection_string import AuthenticationMode, ConnectionString, Scheme
from chronicle.connections.server_address import ServerAddress
from chronicle.errors import ConnectionStringError

parse = ConnectionString.parse


@pytest.mark.row("S1", "C1", "C11")
def test_a_bare_host_has_the_default_port_and_no_credentials() -> None:
    connection = parse("chronicle://localhost")
    assert connection.servers == (ServerAddress("localhost", 35000),)
    assert connection.authentication_mode is AuthenticationMode.CLIENT_CREDENTIALS
    assert connection.username is None


@pytest.mark.row("C2")
def test_credentials_stand_before_the_host() -> None:
    connection = parse("chronicle://admin:secret@localhost:35000")
    assert (connection.username, connection.password) == ("admin", "secret")
    assert connection.scheme is Scheme.REMOTE


@pytest.mark.row("S4", "C3", "C18")
def test_several_hosts_keep_their_order_and_survive_a_round_trip() -> None:
    connection = parse("chronicle://host1:35001,host2,host3:35003")
    assert connection.servers == (("host1", 35001), ("host2", 35000), ("host3", 35003))
    assert str(connection) == "chronicle://host1:35001,host2:35000,host3:35003"
    assert parse(str(connection)) == connection


@pytest.mark.row("C4")
def test_credentials_hosts_and_options_are_all_read() -> None:
    connection = parse("chronicle://admin:secret@host1,host2:35002/?skipTlsValidation=true")
    assert connection.password == "secret"
    assert len(connection.servers) == 2
    assert connection.skip_tls_validation


@pytest.mark.row("C5", "C6")
def test_srv_takes_one_host_and_a_name_server() -> None:
    connection = parse("chronicle+srv://cluster.example.com/?srvNameServer=127.0.0.1:5353")
    assert connection.scheme is Scheme.SRV
    assert str(connection) == "chronicle+srv://cluster.example.com:35000?srvNameServer=127.0.0.1%3A5353"


@pytest.mark.row("S5", "C27")
def test_srv_with_two_hosts_is_refused() -> None:
    with pytest.raises(ConnectionStringError, match="one host"):
        parse("chronicle+srv://a,b")


@pytest.mark.row("C7", "C148")
@pytest.mark.parametrize("tail", ["/?apiKey=k", "?apiKey=k", "?APIKEY=k"])
def test_an_api_key_is_read_in_any_case_with_or_without_a_slash(tail: str) -> None:
    connection = parse(f"chronicle://localhost:35000{tail}")
    assert connection.api_key == "k"
    assert connection.authentication_mode is AuthenticationMode.API_KEY


@pytest.mark.row("C8", "C9")
@pytest.mark.parametrize("text", ["chronicle://localhost?auth=none", "chronicle://a:b@localhost?auth=NONE"])
def test_auth_none_beats_credentials(text: str) -> None:
    assert parse(text).authentication_mode is AuthenticationMode.NONE


@pytest.mark.row("S2", "C10", "C153")
def test_credentials_beside_an_api_key_are_ambiguous() -> None:
    connection = parse("chronicle://localhost?apiKey=k").with_credentials("user", "secret")
    with pytest.raises(ConnectionStringError, match=r"credentials.*API key"):
        _ = connection.authentication_mode


@pytest.mark.row("S160", "C12")
@pytest.mark.parametrize("userinfo", ["user", ":secret"])
def test_half_of_the_credentials_is_refused(userinfo: str) -> None:
    with pytest.raises(ConnectionStringError, match="but no"):
        _ = parse(f"chronicle://{userinfo}@localhost").authentication_mode


@pytest.mark.row("C13", "C17")
@pytest.mark.parametrize(("query", "skips"), [("", True), ("?skipTlsValidation=false", False)])
def test_tls_validation_is_skipped_unless_the_string_says_otherwise(query: str, *, skips: bool) -> None:
    connection = parse(f"chronicle://localhost:35000{query}")
    assert connection.skip_tls_validation is skips
    assert str(connection) == f"chronicle://localhost:35000{query}"


@pytest.mark.row("C14")
def test_the_development_value_has_the_credentials_of_the_development_image() -> None:
    text = str(ConnectionString.development())
    assert text == "chronicle://chronicle-dev-client:chronicle-dev-secret@localhost:35000"


@pytest.mark.row("C15", "C16", "C19", "C154")
@pytest.mark.parametrize(
    ("connection", "text"),
    [
        (ConnectionString(servers=(ServerAddress("localhost", 8080),)), "chronicle://localhost:8080"),
        (ConnectionString(api_key="my-api-key"), "chronicle://localhost:35000?apiKey=my-api-key"),
        (
            ConnectionString(api_key="my-api-key", skip_tls_validation=False),
            "chronicle://localhost:35000?apiKey=my-api-key&skipTlsValidation=false",
        ),
        (
            parse("chronicle://host1,host2/?loadBalancer=random"),
            "chronicle://host1:35000,host2:35000?loadBalancer=random",
        ),
        (
            ConnectionString(servers=(ServerAddress("h", 80),), username="user", password="pass"),
            "chronicle://user:pass@h:80",
        ),
    ],
)
def test_rendering_names_port_and_options_in_their_order(connection: ConnectionString, text: str) -> None:
    assert str(connection) == text


@pytest.mark.row("C20")
def test_unknown_options_are_kept_and_rendered_back() -> None:
    text = "chronicle://localhost:35000?auth=ApiKey&key=testkey"
    assert str(parse(text)) == text
    assert parse(text).authentication_mode is AuthenticationMode.CLIENT_CREDENTIALS


@pytest.mark.row("C21")
def test_adding_secrets_makes_a_new_value() -> None:
    connection = parse("chronicle://host:1")
    assert str(connection.with_credentials("u", "p")) == "chronicle://u:p@host:1"
    assert str(connection.with_api_key("k")) == "chronicle://host:1?apiKey=k"
    assert str(connection) == "chronicle://host:1"


@pytest.mark.row("S6", "C23", "C24")
def test_ipv6_has_brackets_in_the_text_and_none_in_the_host() -> None:
    connection = parse("chronicle://[::1]:35001,host2,[::2]")
    assert connection.servers == (("::1", 35001), ("host2", 35000), ("::2", 35000))
    assert str(connection) == "chronicle://[::1]:35001,host2:35000,[::2]:35000"


@pytest.mark.row("S3", "C25")
@pytest.mark.parametrize(
    "entry", [":35000", "host:abc", "[::1", "[::1]x", "h:0", "h:70000", "::1", "h:+1", "h:१", "a b"]
)
def test_a_bad_server_address_is_named(entry: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse(f"chronicle://good,{entry}")
    assert repr(entry) in str(raised.value)


@pytest.mark.row("S3", "C25")
@pytest.mark.parametrize("text", ["chronicle://", "chronicle://,,", "chronicle:///?x=y"])
def test_a_string_without_a_server_is_refused(text: str) -> None:
    with pytest.raises(ConnectionStringError, match="names no server"):
        parse(text)


@pytest.mark.row("S3", "C26")
@pytest.mark.parametrize(
    "text", ["localhost:35000", "http://localhost", "Host=h;Port=1", "chronicle:/localhost"]
)
def test_another_or_no_scheme_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ConnectionStringError, match="chronicle://host:35000"):
        parse(text)


@pytest.mark.row("C28")
def test_user_information_and_values_are_decoded_once_and_a_plus_stays() -> None:
    connection = parse("chronicle://a+b%2540:p%3Aq+@h?apiKey=x%2B+&other=%252F")
    assert (connection.username, connection.password) == ("a+b%40", "p:q+")
    assert connection.api_key == "x++"
    assert connection.other == (("other", "%2F"),)


@pytest.mark.row("C149")
def test_a_pair_without_equals_is_passed_over_and_a_value_keeps_its_own() -> None:
    connection = parse("chronicle://h?flag&&apiKey=YWJj=&x=1")
    assert connection.api_key == "YWJj="
    assert connection.other == (("x", "1"),)


def test_the_last_of_equal_keys_wins_in_any_case() -> None:
    assert parse("chronicle://h?apiKey=a&APIKEY=b").api_key == "b"


@pytest.mark.row("C150")
def test_the_scheme_is_read_in_any_case() -> None:
    assert parse("CHRONICLE://h") == parse("chronicle://h")


@pytest.mark.row("S7", "C151")
def test_an_unknown_load_balancer_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConnectionStringError, match="least-connections, round-robin, random"):
        parse("chronicle://h?loadBalancer=fastest")


@pytest.mark.row("C152")
@pytest.mark.parametrize("key", ["skipTlsValidation", "disableTls"])
def test_an_option_that_is_neither_true_nor_false_is_refused(key: str) -> None:
    with pytest.raises(ConnectionStringError, match=key):
        parse(f"chronicle://h?{key}=maybe")


@pytest.mark.row("C155")
@pytest.mark.parametrize("text", ["", "  \t"])
def test_a_blank_string_is_all_defaults(text: str) -> None:
    assert str(parse(text)) == "chronicle://localhost:35000"


@pytest.mark.row("C29", "C30", "C31", "C32", "C33", "C34", "C156")
@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("chronicle+srv://svc:1b1b@c.example:35000", "chronicle+srv://svc:REDACTED@c.example:35000"),
        ("chronicle://h:1?apiKey=k", "chronicle://h:1?apiKey=REDACTED"),
        (
            "chronicle://h:1?certificatePath=/certs/client.pfx&certificatePassword=p",
            "chronicle://h:1?certificatePath=%2Fcerts%2Fclient.pfx&certificatePassword=REDACTED",
        ),
        ("chronicle://h:1?auth=ApiKey&key=testkey", "chronicle://h:1?auth=ApiKey&key=REDACTED"),
        ("chronicle://h:1?loadBalancer=round-robin", "chronicle://h:1?loadBalancer=round-robin"),
        ("chronicle://name:p@ss:word@localhost:35000", "chronicle://name:REDACTED@localhost:35000"),
    ],
)
def test_redacting_masks_secrets_and_nothing_else(text: str, redacted: str) -> None:
    connection = parse(text)
    assert connection.redacted() == redacted
    assert redacted in repr(connection)
    assert parse(str(connection)) == connection


@pytest.mark.parametrize(
    "text",
    [
        "chronicle://user:hun/ter2@host",
        "chronicle://user:hun?ter2@host",
        "chronicle://user:hun,ter2:x@host:bad",
        "chronicle://user:hunter2@:1",
        "hunter2://user:hunter2@host",
        "chronicle://host?apiKey=hunter2&=hunter2",
        "chronicle://user:hunter2@h?skipTlsValidation=hunter2",
    ],
)
def test_errors_never_repeat_a_secret(text: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse(text)
    assert "hun" not in str(raised.value)
    assert "ter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("chronicle+embedded:///library.db", Path("library.db")),
        ("chronicle+embedded:////data/library.db", Path("/data/library.db")),
        ("chronicle+embedded:///a%20b/c%3Fd.db", Path("a b/c?d.db")),
        ("chronicle+embedded://:memory:", None),
    ],
)
def test_an_embedded_string_names_a_file_or_memory(text: str, path: Path | None) -> None:
    connection = parse(text)
    assert connection.is_embedded
    assert connection.database == path
    assert connection.servers == ()
    assert str(connection) == text


@pytest.mark.parametrize(
    "location", ["", "/", "library.db", "//", "/data/", ":memory", "user@host/library.db"]
)
def test_an_embedded_string_without_a_usable_file_says_what_to_write(location: str) -> None:
    with pytest.raises(ConnectionStringError, match=r"embedded:///library\.db"):
        parse(f"chronicle+embedded://{location}")


@pytest.mark.parametrize(
    ("text", "is_plaintext"),
    [
        ("chronicle://localhost", True),
        ("chronicle://127.0.0.9:1,[::1]:2", True),
        ("chronicle://localhost?disableTls=false", False),
        ("chronicle://user:secret@localhost", False),
        ("chronicle://kernel", False),
        ("chronicle://kernel?disableTls=true", True),
        ("chronicle://localhost,kernel", False),
    ],
)
def test_plain_text_is_for_this_machine_or_for_those_who_ask(text: str, *, is_plaintext: bool) -> None:
    assert parse(text).is_plaintext is is_plaintext


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("chronicle+srv://kernel", "DNS"),
        ("chronicle://user:secret@kernel", "client credentials"),
        ("chronicle://kernel?apiKey=secret&disableTls=true", "an API key"),
        ("chronicle://kernel", "TLS"),
        ("chronicle://kernel?disableTls=false", "TLS"),
    ],
)
def test_what_is_not_supported_yet_is_refused_with_what_to_write(text: str, what: str) -> None:
    with pytest.raises(ConnectionStringError) as raised:
        parse(text).require_supported()
    assert what in str(raised.value)
    assert "kernel:35000?disableTls=true" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "chronicle://localhost",
        "chronicle://kernel?disableTls=true",
        "chronicle://user:secret@localhost?auth=none&disableTls=true",
        "chronicle+embedded://:memory:",
    ],
)
def test_what_is_supported_is_not_refused(text: str) -> None:
    parse(text).require_supported()


_names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(username=_names, password=_names, key=_names, api_key=_names)
def test_whatever_the_secrets_a_rendered_string_reads_back(
    username: str, password: str, key: str, api_key: str
) -> None:
    connection = ConnectionString(
        username=username, password=password, api_key=api_key, other=(("x" + key, password),)
    )
    assert parse(str(connection)) == connection

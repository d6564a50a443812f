//! Tests of the table of scalar types, their normal forms and their words.

use smol_str::SmolStr;

use proptest::prelude::*;

use super::*;
use crate::diag::{Code, codes};

fn of(name: &str) -> &'static ScalarType {
    scalar(name).unwrap_or_else(|| panic!("no scalar type `{name}`"))
}

fn text(name: &str, text: &str) -> Result<Value, Bad> {
    parse(of(name), &Raw::String(text), &Attributes::default())
}

fn normal(name: &str, written: &str) -> String {
    spell(&text(name, written).unwrap_or_else(|bad| panic!("`{written}` as {name}: {bad:?}")))
}

fn bad(name: &str, raw: Raw<'_>) -> Bad {
    let found = parse(of(name), &raw, &Attributes::default());
    found.err().unwrap_or_else(|| panic!("{raw:?} is a {name}"))
}

/// Asserts the code, and that the hint contains something.
#[track_caller]
fn refused(name: &str, written: &str, code: &'static Code, hint: &str) {
    let bad = bad(name, Raw::String(written));
    assert_eq!(bad.code.id, code.id, "{written}: {bad:?}");
    assert!(bad.hint.clone().unwrap_or_default().contains(hint), "{written}: {bad:?}");
}

/// The example of a row as KDL reads it.
fn example(row: &ScalarType) -> Raw<'static> {
    match row.example {
        "#true" => Raw::Bool(true),
        text if text.starts_with('"') => Raw::String(text.trim_matches('"')),
        text if text.contains('.') => Raw::Float(text.parse().expect("an example is a number"), text),
        text => Raw::Integer(text.parse().expect("an example is a number")),
    }
}

#[test]
fn the_table_is_sorted_documented_and_its_examples_are_values() {
    assert!(SCALARS.is_sorted_by(|a, b| a.name < b.name));
    for row in SCALARS {
        assert!(row.about.ends_with('.') && row.about.len() > 10, "{}", row.name);
        let attributes = Attributes { words: vec!["hybrid".into()], ..Attributes::default() };
        let value = parse(row, &example(row), &attributes).unwrap_or_else(|bad| panic!("{}: {bad:?}", row.name));
        // A computed value of the same type fits, and stays what it is.
        assert_eq!(fit(row, value.clone(), &attributes), Ok(value), "{}", row.name);
        assert!(assignable(row, row) && assignable(row, of("tree")), "{}", row.name);
        assert!(std::ptr::eq(of(row.name), row));
    }
    assert!(scalar("no-such-type").is_none());
}

#[test]
fn parts_belong_to_types_and_yield_values_of_their_type() {
    for row in PARTS {
        assert!(row.about.ends_with('.'), "{}.{}", row.of, row.name);
        assert_eq!(PARTS.iter().filter(|other| (other.of, other.name) == (row.of, row.name)).count(), 1);
        let value = parse(of(row.of), &example(of(row.of)), &Attributes::default()).expect("examples parse");
        match (row.get)(&value) {
            Ok(Some(part)) => {
                assert!(fit(of(row.result), part, &Attributes::default()).is_ok(), "{}.{}", row.of, row.name);
            }
            Ok(None) => assert!(matches!(row.name, "digest" | "port" | "build" | "pre-release"), "{}", row.name),
            Err(bad) => assert_eq!(bad.code.id, codes::INEXACT.id, "{}.{}", row.of, row.name),
        }
        // Other kinds of values are refused, not read wrongly.
        assert!((row.get)(&Value::Bool(true)).is_err());
    }
}

fn get(name: &str, written: &str, wanted: &str) -> Result<Option<Value>, Bad> {
    let value = text(name, written).expect("the value is right");
    (part(name, wanted).expect("the part exists").get)(&value)
}

fn got(name: &str, written: &str, wanted: &str) -> String {
    get(name, written, wanted).expect("the part can be said").map_or("-".to_owned(), |value| spell(&value))
}

#[test]
fn yes_and_no_are_keywords() {
    for (written, hint) in
        [("yes", "#true"), ("on", "#true"), ("true", "#true"), ("Off", "#false"), ("maybe", "#true` or")]
    {
        refused("bool", written, &codes::NOT_A_SWITCH, hint);
    }
    assert_eq!(bad("bool", Raw::Integer(0)).hint.as_deref(), Some("write `#false`"));
    assert_eq!(bad("int", Raw::Bool(true)).code.id, codes::WRONG_LITERAL.id);
    assert_eq!(bad("string", Raw::Bool(true)).hint.as_deref(), Some("write `\"true\"` if the word itself is meant"));
}

#[test]
fn numbers_are_whole_finite_and_in_range() {
    refused("int", "3", &codes::NOT_WHOLE, "`3`");
    assert_eq!(bad("int", Raw::Float(3.0, "3.0")).hint.as_deref(), Some("write `3`"));
    assert_eq!(bad("int", Raw::Float(3.5, "3.5")).hint, None);
    for number in [i128::from(i64::MAX) + 1, i128::from(i64::MIN) - 1, i128::MAX, i128::MIN] {
        assert_eq!(bad("int", Raw::Integer(number)).code.id, codes::OUT_OF_RANGE.id);
        assert_eq!(bad("number", Raw::Integer(number)).code.id, codes::OUT_OF_RANGE.id);
    }
    for (name, number) in [("port", 0), ("port", 65_536), ("percent", 0), ("percent", 101), ("seconds", -1)] {
        assert_eq!(bad(name, Raw::Integer(number)).code.id, codes::OUT_OF_RANGE.id, "{name} {number}");
    }
    assert_eq!(parse(of("ratio"), &Raw::Integer(1), &Attributes::default()), Ok(Value::Float(1.0)));
    assert_eq!(bad("ratio", Raw::Integer(70)).hint.as_deref(), Some("write `0.7` for 70 percent"));
    refused("ratio", "10%", &codes::NOT_A_NUMBER, "`0.1`");
    refused("percent", "70%", &codes::NOT_WHOLE, "`70`");
    assert_eq!(bad("number", Raw::Float(-0.0, "-0.0")).code.id, codes::NOT_A_NUMBER.id);
    assert_eq!(bad("number", Raw::Float(f64::INFINITY, "1e400")).code.id, codes::NOT_A_NUMBER.id);
    assert!(fit(of("number"), Value::Float(f64::NAN), &Attributes::default()).is_err());
}

#[test]
fn attributes_bound_values_and_lengths() {
    let bounds = |min, max| Attributes { min: Some(min), max: Some(max), ..Attributes::default() };
    let some = bounds(Value::Int(1), Value::Int(9));
    assert!(parse(of("int"), &Raw::Integer(9), &some).is_ok());
    assert!(fit(of("int"), Value::Int(10), &some).is_err());
    // Bounds of a number may be written without a fraction.
    assert!(parse(of("number"), &Raw::Float(9.5, "9.5"), &some).is_err());
    assert!(parse(of("number"), &Raw::Float(8.5, "8.5"), &some).is_ok());
    let lengths = parse(of("string"), &Raw::String("äöüäöüäöü"), &some);
    assert!(lengths.is_ok(), "characters are counted, not bytes");
    assert_eq!(parse(of("string"), &Raw::String(""), &some).map_err(|bad| bad.code.id), Err(codes::BAD_LENGTH.id));
    let memory = bounds(Value::Memory(1 << 20), Value::Memory(1 << 30));
    let bad = parse(of("memory"), &Raw::String("2Gi"), &memory).expect_err("too much");
    assert_eq!((bad.code.id, bad.message.as_str()), ("TL0205", "`2Gi` is out of range, wanted from 1Mi to 1Gi"));
}

#[test]
fn memory_has_one_normal_form_and_says_what_to_write() {
    for (written, wanted) in
        [("1024Mi", "1Gi"), ("8G", "8G"), ("1000Ki", "1000Ki"), ("1073741824", "1Gi"), ("1025", "1025")]
    {
        assert_eq!(normal("memory", written), wanted, "{written}");
    }
    for (written, hint) in [
        ("8GB", "write `\"8Gi\"` (1024-based) or `\"8G\"` (1000-based)"),
        ("8gb", "write `\"8Gi\"` (1024-based) or `\"8G\"` (1000-based)"),
        ("8 GB", "write `\"8Gi\"` (1024-based) or `\"8G\"` (1000-based)"),
        ("8g", "`\"8Gi\"`"),
        ("8gi", "write `\"8Gi\"`"),
        ("8GiB", "write `\"8Gi\"`"),
        ("8 Gi", "write `\"8Gi\"`"),
        ("1.5GB", "write `\"1536Mi\"` (1024-based) or `\"1500M\"` (1000-based)"),
        ("100m", "`\"100Mi\"`"),
        ("lots", "for example"),
        ("", "for example"),
        ("-1Gi", "for example"),
        ("99999999999999999999GB", "for example"),
    ] {
        refused("memory", written, &codes::BAD_MEMORY, hint);
    }
    refused("memory", "1.5Gi", &codes::FRACTION_OF_MEMORY, "`\"1536Mi\"`");
    refused("memory", "0.1Gi", &codes::FRACTION_OF_MEMORY, "`\"102Mi\"`");
    refused("memory", "1.5G", &codes::FRACTION_OF_MEMORY, "`\"1500M\"`");
    for written in ["0", "0Gi", "9223372036854775808", "8192Pi", "99999999999999999999", "18446744073709551615Pi"] {
        refused("memory", written, &codes::OUT_OF_RANGE, "1 byte");
    }
    let bare = bad("memory", Raw::Integer(512));
    assert_eq!((bad("memory", Raw::Float(1.5, "1.5")).code.id, bare.code.id), ("TL0210", "TL0210"));
    assert_eq!(bare.hint.as_deref(), Some("write `\"512Mi\"`, or `\"512\"` for bytes"));
    assert!(fit(of("memory"), Value::Memory(0), &Attributes::default()).is_err());
}

#[test]
fn quantities_in_the_words_of_targets() {
    let print = |value: Value, words| super::print(&value, words).expect("a scalar");
    let string = |text: &str| Printed::String(text.to_owned());
    assert_eq!(print(Value::Memory(1 << 30), Words::Compose), string("1g"));
    assert_eq!(print(Value::Memory(1536 << 20), Words::Compose), string("1536m"));
    assert_eq!(print(Value::Memory(1025), Words::Compose), string("1025"));
    assert_eq!(print(Value::Cpu(500), Words::Compose), string("0.5"));
    assert_eq!(print(Value::Cpu(2050), Words::Compose), string("2.05"));
    assert_eq!(print(Value::Cpu(2000), Words::Kubernetes), string("2"));
    assert_eq!(print(Value::Duration(129_600_000), Words::Kubernetes), string("36h"));
    assert_eq!(spell(&Value::Duration(129_600_000)), "1d12h");
    assert_eq!(super::print(&Value::List(vec![]), Words::Plain), None);
}

#[test]
fn processor_is_thousandths() {
    for (written, wanted) in
        [("500m", "500m"), ("2", "2"), ("0.5", "500m"), ("2000m", "2"), ("1.50", "1500m"), ("0.0010", "1m")]
    {
        assert_eq!(normal("cpu", written), wanted, "{written}");
    }
    let half = parse(of("cpu"), &Raw::Float(0.5, "5e-1"), &Attributes::default());
    assert_eq!(
        (half, parse(of("cpu"), &Raw::Integer(2), &Attributes::default())),
        (Ok(Value::Cpu(500)), Ok(Value::Cpu(2000)))
    );
    refused("cpu", "2 cores", &codes::BAD_CPU, "`\"2\"`");
    refused("cpu", "500M", &codes::BAD_CPU, "`\"500m\"`");
    refused("cpu", "0.0005", &codes::BAD_CPU, "`\"1m\"`");
    refused("cpu", "-1", &codes::BAD_CPU, "for example");
    for written in ["0", "0m", "0.0", "99999999999999999999", "18446744073709551"] {
        refused("cpu", written, &codes::OUT_OF_RANGE, "1m");
    }
    assert_eq!(bad("cpu", Raw::Float(1e300, "1e300")).code.id, codes::OUT_OF_RANGE.id);
}

#[test]
fn durations_have_units_in_order() {
    for (written, wanted) in
        [("90s", "1m30s"), ("24h", "1d"), ("100ms", "100ms"), ("0s", "0s"), ("1d12h", "1d12h"), ("1m30s", "1m30s")]
    {
        assert_eq!(normal("duration", written), wanted, "{written}");
    }
    for (written, hint) in [
        ("1.5s", "`\"1s500ms\"`"),
        ("30 s", "`\"30s\"`"),
        ("5min", "`\"5m\"`"),
        ("1w", "`\"7d\"`"),
        ("30S", "`\"30s\"`"),
        ("", "example"),
        ("s", "example"),
        ("30s1m", "`\"1m30s\"`"),
        ("1us", "example"),
        ("-5s", "example"),
    ] {
        refused("duration", written, &codes::BAD_DURATION, hint);
    }
    refused("duration", "30", &codes::NO_UNIT, "`\"30s\"`");
    assert_eq!(bad("duration", Raw::Integer(30)).code.id, codes::NO_UNIT.id);
    for written in ["106752d", "99999999999999999999s", "18446744073709551615d18446744073709551615h"] {
        refused("duration", written, &codes::OUT_OF_RANGE, "106751d");
    }
}

#[test]
fn a_part_says_its_unit_exactly_or_not_at_all() {
    assert_eq!(got("duration", "90s", "seconds"), "90");
    let bad = get("duration", "90s", "minutes").expect_err("one and a half");
    assert_eq!((bad.code.id, bad.hint.as_deref()), ("TL0215", Some("write `\"1m\"` or `\"2m\"`")));
    assert_eq!(get("cpu", "500m", "cores").expect_err("half").hint.as_deref(), Some("write `\"1\"`"));
    assert_eq!(got("memory", "8Gi", "mebibytes"), "8192");
    assert_eq!(got("memory", "8191Pi", "bytes"), (8191_u64 << 50).to_string());
    assert!(!assignable(of("seconds"), of("milliseconds")) && assignable(of("seconds"), of("int")));
    assert!(!assignable(of("percent"), of("ratio")) && assignable(of("int"), of("number")));
}

#[test]
fn text_keeps_its_spelling() {
    let bad = bad("string", Raw::Float(1.1, "1.10"));
    assert_eq!((bad.code.id, bad.hint.as_deref()), ("TL0203", Some("write `\"1.10\"`")));
    assert_eq!(self::bad("image", Raw::Integer(3)).code.id, codes::NUMBER_FOR_TEXT.id);
    refused("string", "a\0b", &codes::BAD_TEXT, "remove");
    let env = |raw| parse(of("env-value"), &raw, &Attributes::default());
    assert_eq!(env(Raw::Float(0.5, "0.5")), Ok(Value::Float(0.5)));
    assert!(env(Raw::Float(1.1, "1.10")).is_err() && env(Raw::Integer(i128::MAX)).is_err());
    assert!(fit(of("env-value"), Value::Memory(1), &Attributes::default()).is_err());
    assert!(!assignable(of("tree"), of("env-value")) && !assignable(of("memory"), of("env-value")));
}

#[test]
fn words_are_suggested() {
    let attributes =
        Attributes { words: ["local", "hybrid", "serviceAccount"].map(SmolStr::from).into(), ..Attributes::default() };
    let hint = |word| parse(of("enum"), &Raw::String(word), &attributes).expect_err("not a word").hint;
    assert_eq!(hint("hybird").as_deref(), Some("did you mean `\"hybrid\"`?"));
    assert_eq!(hint("Local").as_deref(), Some("did you mean `\"local\"`?"));
    assert_eq!(hint("service-account").as_deref(), Some("did you mean `\"serviceAccount\"`?"));
    assert_eq!(hint("zzz"), None);
    assert_eq!(parse(of("enum"), &Raw::String("hybrid"), &attributes), Ok(Value::string("hybrid")));
}

#[test]
fn names_are_repaired() {
    refused("name", "My_Name", &codes::BAD_NAME, "`\"my-name\"`");
    refused("name", "", &codes::BAD_NAME, "");
    refused("name", &"a".repeat(64), &codes::BAD_NAME, "");
    refused("identifier", "2-fast", &codes::BAD_NAME, "`\"_2_fast\"`");
    refused("subdomain", "a..b", &codes::BAD_NAME, "");
    assert_eq!(normal("identifier", "my_db-1"), "my_db-1");
    refused("path", "data", &codes::BAD_PATH, "`\"/data\"`");
    refused("path", "/a//b", &codes::BAD_PATH, "`\"/a/b\"`");
    refused("path", "/a/../b", &codes::BAD_PATH, "");
    assert_eq!(normal("path", "/api/"), "/api/");
}

#[test]
fn hosts_and_addresses() {
    for (written, wanted) in
        [("DB.Internal", "db.internal"), ("10.0.0.1", "10.0.0.1"), ("[::1]", "::1"), ("2001:DB8::0:1", "2001:db8::1")]
    {
        assert_eq!(normal("host", written), wanted);
    }
    for (written, hint) in [
        ("https://a.example/x", "`\"a.example\""),
        ("db:5432", "`\"db\"`"),
        ("my_db", "`\"my-db\"`"),
        ("1.2.3", ""),
        ("999.1.1.1", ""),
        ("a..b", ""),
        ("a.", "`\"a\"`"),
        ("", ""),
    ] {
        refused("host", written, &codes::BAD_HOST, hint);
    }
    assert_eq!(normal("hostname", "*.Example.com"), "*.example.com");
    for written in ["*", "*.com.*", "*.com", "10.0.0.1", "a.*.b"] {
        assert_eq!(text("hostname", written).map_err(|bad| bad.code.id), Err(codes::BAD_HOST.id), "{written}");
    }
    assert_eq!(normal("address", "DB.internal:5432"), "db.internal:5432");
    assert_eq!(normal("address", "[::1]:80"), "[::1]:80");
    assert_eq!((got("address", "[::1]:80", "host"), got("address", "a:80", "port")), ("::1".into(), "80".into()));
    for (written, hint) in
        [("db", "db:PORT"), ("db:0", ""), ("db:99999", ""), ("::1", ""), ("http://db:80/x", "`\"db:80\"`")]
    {
        refused("address", written, &codes::BAD_ADDRESS, hint);
    }
}

#[test]
fn urls_have_hosts_and_no_passwords() {
    assert_eq!(normal("url", "HTTPS://Example.COM/"), "https://example.com");
    for kept in [
        "http://a:80/MCP?q=1#f",
        "s3://acme-backup/aeterna",
        "file:///srv/x",
        "mongodb://a:1,b:2/db",
        "ssh://git@github.com/x",
        "http://[::1]:80",
    ] {
        assert_eq!(normal("url", kept), kept);
    }
    for (written, hint) in [
        ("example.com/mcp", "`\"https://example.com/mcp\"`"),
        ("localhost:80", "https://localhost:80"),
        ("http:", ""),
        ("http://", ""),
        ("https://a b", ""),
        ("https://a:0", ""),
        ("https://my_host/", ""),
        ("http://a/{x}", ""),
        ("1a://b", ""),
    ] {
        refused("url", written, &codes::BAD_URL, hint);
    }
    let secret = bad("url", Raw::String("https://user:hunter2@host/x"));
    assert_eq!(secret.code.id, codes::PASSWORD_IN_URL.id);
    assert!(!format!("{secret:?}").contains("hunter2"));
    let https = Attributes { schemes: vec!["https".into()], ..Attributes::default() };
    let bad = parse(of("url"), &Raw::String("http://a.example/x"), &https).expect_err("not allowed");
    assert_eq!((bad.code.id, bad.hint.as_deref()), ("TL0220", Some("write `\"https://a.example/x\"`")));
    assert_eq!((got("url", "redis://c/0", "port"), got("url", "redis://c/0", "path")), ("6379".into(), "/0".into()));
    assert_eq!(got("url", "http://[::1]:80", "host"), "::1");
}

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn images_lose_the_default_registry() {
    for (written, wanted) in [
        ("docker.io/library/redis:7", "redis:7"),
        ("index.docker.io/pgvector/pgvector:pg16", "pgvector/pgvector:pg16"),
        ("library/redis", "redis"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("GHCR.io/acme/api", "ghcr.io/acme/api"),
        ("docker.io/foo.bar/baz", "docker.io/foo.bar/baz"),
        ("foo:5000", "foo:5000"),
    ] {
        assert_eq!(normal("image", written), wanted, "{written}");
    }
    for (written, hint) in [
        ("ghcr.io/Acme/API:V1", "`\"ghcr.io/acme/api:V1\"`"),
        ("a:${TAG}", "the tag itself"),
        ("https://ghcr.io/a/b", "`\"ghcr.io/a/b\"`"),
        ("a:b c", "`\"a\"`"),
        ("a@sha256:1", ""),
        ("", ""),
        ("a//b", ""),
        ("-a", ""),
        ("a___b", ""),
        ("a:", "`\"a\"`"),
        ("a@", ""),
        ("ghcr.io/a/b 1.4.2", "`\"ghcr.io/a/b:1.4.2\"`"),
        ("a b c", ""),
        ("a//b", ""),
    ] {
        refused("image", written, &codes::BAD_IMAGE, hint);
    }
    refused("image-repository", "ghcr.io/a/b:1", &codes::BAD_IMAGE, "`\"ghcr.io/a/b\"`");
    let pinned = format!("ghcr.io/a/b:1@{DIGEST}");
    assert_eq!(got("image", &pinned, "version"), format!("1@{DIGEST}"));
    assert_eq!(
        (got("image", &pinned, "repository"), got("image", &pinned, "path")),
        ("ghcr.io/a/b".into(), "a/b".into())
    );
    assert_eq!(
        (got("image", "redis", "version"), got("image", "redis", "registry")),
        ("latest".into(), "docker.io".into())
    );
    assert_eq!(get("image", &format!("a@{DIGEST}"), "version").map_err(|bad| bad.code.id), Err(codes::INEXACT.id));
}

fn written(of_type: &str, weaker: Option<&str>, parts: &[(&str, Value)]) -> Result<String, Bad> {
    let weaker = weaker.map(|written| text(of_type, written).expect("the weaker value is right"));
    let parts: Vec<_> =
        parts.iter().map(|(name, value)| (part(of_type, name).expect("a part"), value.clone())).collect();
    with_parts(of(of_type), weaker.as_ref(), &parts, &Attributes::default()).map(|value| spell(&value))
}

#[test]
fn parts_are_merged_over_the_weaker_value() {
    let pinned = format!("ghcr.io/a/b:1@{DIGEST}");
    let string = |text: &str| Value::string(text);
    assert_eq!(written("image", Some(&pinned), &[("tag", string("2"))]), Ok("ghcr.io/a/b:2".into()));
    assert_eq!(
        written("image", Some("a:1"), &[("digest", string(DIGEST)), ("tag", string("2"))]),
        Ok(format!("a:2@{DIGEST}"))
    );
    assert_eq!(
        written("image", Some(&pinned), &[("registry", string("mirror.local"))]),
        Ok(format!("mirror.local/a/b:1@{DIGEST}"))
    );
    assert_eq!(
        written("image", Some("redis:7"), &[("repository", string("ghcr.io/x/redis"))]),
        Ok("ghcr.io/x/redis:7".into())
    );
    assert_eq!(written("image", None, &[("tag", string("2"))]).map_err(|bad| bad.code.id), Err(codes::BAD_IMAGE.id));
    assert_eq!(written("image", None, &[("tag", string("2")), ("path", string("x/y"))]), Ok("x/y:2".into()));
    assert_eq!(
        written("url", Some("http://a/x"), &[("port", Value::Int(81)), ("scheme", string("https"))]),
        Ok("https://a:81/x".into())
    );
    assert_eq!(written("address", None, &[("port", Value::Int(81)), ("host", string("::1"))]), Ok("[::1]:81".into()));
    assert_eq!(
        written("address", None, &[("port", Value::Int(81))]).map_err(|bad| bad.code.id),
        Err(codes::BAD_ADDRESS.id)
    );
    assert_eq!(written("secret", Some("a/b"), &[("key", string("c"))]), Ok("a/c".into()));
    assert_eq!(written("secret", None, &[("key", string("c"))]).map_err(|bad| bad.code.id), Err(codes::BAD_SECRET.id));
    assert_eq!(
        written("memory", None, &[("bytes", Value::Int(1))]).map_err(|bad| bad.code.id),
        Err(codes::WRONG_TYPE.id)
    );
}

#[test]
fn secrets_are_references_and_never_shown() {
    assert_eq!(got("secret", "openai-credentials/api-key", "variable"), "OPENAI_CREDENTIALS_API_KEY");
    assert_eq!(got("secret", "1.a/b", "variable"), "_1_A_B");
    for written in
        ["sk-hunter2", "Hunter2/hunter2", "a/..hunter2", "a/.", "a/hunter2/b", "hunter2/", "/hunter2", "a/hunter2 b"]
    {
        let bad = bad("secret", Raw::String(written));
        assert_eq!(bad.code.id, codes::BAD_SECRET.id, "{written}");
        assert!(!format!("{bad:?}").to_lowercase().contains("hunter2"), "{bad:?}");
    }
    assert!(!format!("{:?}", bad("secret", Raw::Integer(12_345))).contains("12345"));
    assert!(!format!("{:?}", bad("secret", Raw::Float(1.5, "1.5"))).contains("1.5"));
}

#[test]
fn schedules_have_one_normal_form_and_come() {
    for (written, wanted) in [
        ("0 2 * * *", "0 2 * * *"),
        ("  05  02 * JAN-mar sun,7 ", "5 2 * 1-3 0"),
        ("*/15 0-6/2 1,15 * mon-fri", "*/15 0-6/2 1,15 * 1-5"),
        ("0 0 * * 5-7", "0 0 * * 5,6,0"),
        ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
        ("0 0 * * 0-7", "0 0 * * 0,1,2,3,4,5,6"),
        ("0 0 * * 2-7/2", "0 0 * * 2-6/2"),
        ("*/1 5/10 * * *", "* 5/10 * * *"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 31 2 mon", "0 0 31 2 1"),
    ] {
        assert_eq!(normal("cron", written), wanted, "{written}");
        assert_eq!(normal("cron", &normal("cron", written)), wanted, "{written}");
    }
    for (written, hint) in [
        ("@daily", "`\"0 0 * * *\"`"),
        ("0 0 2 * * *", "`\"0 2 * * *\"`"),
        ("60 * * * *", ""),
        ("* 24 * * *", ""),
        ("* * 0 * *", ""),
        ("* * * 13 *", ""),
        ("* * * * 8", ""),
        ("* * * foo *", ""),
        ("*/0 * * * *", ""),
        ("*/61 * * * *", ""),
        ("5-1 * * * *", "`5-59,0-1`"),
        ("? * * * *", "`*`"),
        ("", ""),
        ("* * * *", ""),
        (", * * * *", ""),
        ("1- * * * *", ""),
        ("-1 * * * *", ""),
        ("99999999999 * * * *", ""),
    ] {
        refused("cron", written, &codes::BAD_CRON, hint);
    }
    refused("cron", "0 0 31 2 *", &codes::NEVER, "28");
    refused("cron", "0 0 31 feb,apr *", &codes::NEVER, "30");
    assert_eq!(got("cron", "0 2 * * *", "with-seconds"), "0 0 2 * * *");
    refused("cron-with-seconds", "0 2 * * *", &codes::BAD_CRON, "`\"0 0 2 * * *\"`");
    refused("cron-with-seconds", "60 0 2 * * *", &codes::BAD_CRON, "");
}

#[test]
fn versions_are_semantic() {
    for kept in ["1.4.2", "0.8.0-rc.12", "1.0.0-a-b+x.1", "10.20.30"] {
        assert_eq!(normal("semver", kept), kept);
    }
    for (written, hint) in [
        ("v1.2.3", "`\"1.2.3\"`"),
        ("1.2", "`\"1.2.0\"`"),
        ("1.02.3", ""),
        ("1.2.3-", ""),
        ("1.2.3-01", ""),
        ("1.2.3.4", ""),
        ("", ""),
        ("99999999999999999999.0.0", ""),
    ] {
        refused("semver", written, &codes::BAD_SEMVER, hint);
    }
    assert_eq!(
        (got("semver", "0.8.0-rc.12+b", "pre-release"), got("semver", "0.8.0-rc.12+b", "build")),
        ("rc.12".into(), "b".into())
    );
}

#[test]
fn computed_values_fit_their_type() {
    let any = Attributes::default();
    let link = Value::Text(vec![Piece::Link(Link { endpoint: "db".into(), part: LinkPart::Port("http".into()) })]);
    assert_eq!(fit(of("url"), link.clone(), &any), Ok(link.clone()));
    assert_eq!(spell(&link), "{endpoint.db.ports.http}");
    assert_eq!(
        spell(&Value::text([
            Piece::Literal("{".into()),
            Piece::Secret(SecretRef { name: "a".into(), key: "b".into() })
        ])),
        "{{{secret a/b}"
    );
    assert!(fit(of("memory"), link, &any).is_err());
    assert_eq!(fit(of("number"), Value::Int(3), &any), Ok(Value::Float(3.0)));
    assert_eq!(fit(of("secret"), Value::string("a/b"), &any).map(|value| spell(&value)), Ok("a/b".into()));
    assert_eq!(fit(of("image"), Value::string("docker.io/library/a"), &any).map(|value| spell(&value)), Ok("a".into()));
    assert_eq!(fit(of("string"), Value::Int(3), &any).map_err(|bad| bad.code.id), Err(codes::WRONG_TYPE.id));
    assert_eq!(fit(of("int"), Value::Null, &any).map_err(|bad| bad.code.id), Err(codes::WRONG_TYPE.id));
    assert!(fit(of("port"), Value::Int(0), &any).is_err() && fit(of("tree"), Value::Null, &any).is_ok());
    assert!(
        assignable(of("string"), of("image"))
            && !assignable(of("string"), of("int"))
            && !assignable(of("int"), of("string"))
    );
}

#[test]
fn numbers_are_spelled_shortly() {
    for (number, wanted) in [(0.1, "0.1"), (10.0, "10"), (1e300, "1e300"), (1e-9, "1e-9"), (0.0, "0")] {
        assert_eq!(spell(&Value::Float(number)), wanted);
    }
}

/// Reads a quantity as Kubernetes does, for comparison: a decimal number and a suffix, as a multiple of a thousandth.
fn kubernetes_reads(text: &str) -> u128 {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let factor: u128 = match &text[at..] {
        "m" => 1,
        "" => 1000,
        "k" => 1000 * 1000,
        "M" => 1000 * 1000_u128.pow(2),
        "G" => 1000 * 1000_u128.pow(3),
        "T" => 1000 * 1000_u128.pow(4),
        "P" => 1000 * 1000_u128.pow(5),
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        "Pi" => 1000 << 50,
        other => panic!("unknown suffix {other}"),
    };
    text[..at].parse::<u128>().expect("digits") * factor
}

/// Reads an amount as Compose does (`docker/go-units`): every suffix is a power of 1024.
fn compose_reads(text: &str) -> u128 {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let shift = match &text[at..] {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        other => panic!("unknown suffix {other}"),
    };
    text[..at].parse::<u128>().expect("digits") << shift
}

/// Reads decimal cores as thousandths.
fn cores_read(text: &str) -> u128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<3}").parse().expect("digits")
}

fn printed(value: &Value, words: Words) -> String {
    match print(value, words) {
        Some(Printed::String(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Amounts of all sizes, round ones included.
fn amounts() -> impl Strategy<Value = u64> {
    let shifted = (
        1_u64..5000,
        prop::sample::select(vec![1, 1000, 1_000_000, 1_000_000_000, 1 << 10, 1 << 20, 1 << 30, 1 << 40]),
    );
    prop_oneof![1_u64..=i64::MAX as u64, shifted.prop_map(|(number, unit)| number * unit), 1_u64..100_000]
}

fn images() -> impl Strategy<Value = String> {
    let registry = prop::sample::select(vec![
        "",
        "docker.io/",
        "ghcr.io/",
        "localhost:5000/",
        "library/",
        "docker.io/library/",
        "index.docker.io/",
    ]);
    let path = "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4})?(/[a-z0-9]{1,6}){0,2}";
    let tag = prop_oneof![Just(String::new()), "[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}".prop_map(|tag| format!(":{tag}"))];
    let digest = prop_oneof![Just(String::new()), "[0-9a-f]{64}".prop_map(|digits| format!("@sha256:{digits}"))];
    (registry, path, tag, digest).prop_map(|(registry, path, tag, digest)| format!("{registry}{path}{tag}{digest}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_survives(bytes in amounts()) {
        let value = Value::Memory(bytes);
        prop_assert_eq!(text("memory", &spell(&value)), Ok(value.clone()));
        prop_assert_eq!(kubernetes_reads(&printed(&value, Words::Kubernetes)), u128::from(bytes) * 1000);
        prop_assert_eq!(compose_reads(&printed(&value, Words::Compose)), u128::from(bytes));
    }

    #[test]
    fn processor_survives(amount in amounts()) {
        let value = Value::Cpu(amount);
        prop_assert_eq!(text("cpu", &spell(&value)), Ok(value.clone()));
        prop_assert_eq!(kubernetes_reads(&printed(&value, Words::Kubernetes)), u128::from(amount));
        prop_assert_eq!(cores_read(&printed(&value, Words::Compose)), u128::from(amount));
    }

    #[test]
    fn durations_survive(length in 0_u64..=9_223_372_036_854) {
        let value = Value::Duration(length);
        prop_assert_eq!(text("duration", &spell(&value)), Ok(value.clone()));
        prop_assert_eq!(text("duration", &printed(&value, Words::Compose)), Ok(value));
    }

    #[test]
    fn images_survive(written in images()) {
        // A first word with a dot is a registry, and not every such word is a host.
        prop_assume!(!written.split_once('/').is_some_and(|(first, _)| first.contains('.') && !first.contains(".io")));
        let value = text("image", &written).map_err(|bad| TestCaseError::fail(format!("{written}: {bad:?}")))?;
        prop_assert_eq!(text("image", &spell(&value)), Ok(value.clone()));
        prop_assert_eq!(fit(of("image"), value.clone(), &Attributes::default()), Ok(value));
    }

    #[test]
    fn no_text_makes_a_type_panic(written in prop_oneof![".{0,24}", "[-0-9a-zA-Z*/.,:@ +]{0,20}"], number in any::<f64>(), whole in any::<i128>()) {
        for row in SCALARS {
            for raw in [Raw::String(&written), Raw::Float(number, &written), Raw::Integer(whole)] {
                // What is accepted is in normal form: it fits again and does not change.
                if let Ok(value) = parse(row, &raw, &Attributes::default()) {
                    prop_assert_eq!(fit(row, value.clone(), &Attributes::default()), Ok(value.clone()), "{}", row.name);
                    for part in parts(row.name) {
                        let _ = (part.get)(&value);
                    }
                }
            }
        }
    }
}

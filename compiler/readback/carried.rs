//! Values of a chart's keys as values of facts: typed, with links recognised, parts joined.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::{
    facts::{self, Names},
    plan::{FactPath, Kind},
    value::{self, Attributes, LinkPart, Part, Piece, Raw, Value},
};

/// Types whose parts the text of a variable may have.
const TEXT_PARTS: &[&str] = &["url", "address"];

/// A key that was written, or a template, and the fact or part of one that it carries.
#[derive(Clone, Debug)]
pub(super) struct Said<'s> {
    /// The part of the fact; empty for all of it.
    pub part: &'s str,
    /// What stands there, once for each item that has the key.
    pub values: Vec<Value>,
    /// Whether the key stands once in all, not once per item of a list or map.
    pub single: bool,
}

/// A value of a key as a fact, or this part of it, says it: text with hosts of workloads in it becomes links, a number
/// counts from `plus`. The name of a secret is no host, though a workload may be called the same.
pub(super) fn said_of((fact, part): (&FactPath, &str), value: &Value, plus: i64, names: &Names) -> Value {
    if let Value::Int(number) = value {
        return Value::Int(number.saturating_add(plus));
    }
    if !part.is_empty() && value::part("secret", part).is_some() {
        return value.clone();
    }
    // What is no variable is a text whatever it is called.
    normal(value, if fact.kind == Kind::Env { &fact.key } else { "" }, names)
}

/// A value in the normal form of facts; what stands in a map is called by its key.
pub(super) fn normal(value: &Value, name: &str, names: &Names) -> Value {
    match value {
        Value::String(_) | Value::Text(_) => facts::normal(value, name, names),
        Value::List(items) => Value::List(items.iter().map(|item| normal(item, name, names)).collect()),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key.clone(), normal(value, key, names))).collect())
        }
        other => other.clone(),
    }
}

/// Whether what keys say together is this fact's value.
pub(super) fn joins(fact: &Value, of: &str, said: &[&Said<'_>]) -> bool {
    if let [said] = said
        && said.part.is_empty()
    {
        return is_whole(fact, said);
    }
    let (whole, parts): (Vec<&Said<'_>>, Vec<&Said<'_>>) = said.iter().partition(|said| said.part.is_empty());
    if !whole.iter().all(|said| is_whole(fact, said)) {
        return false;
    }
    let Some(written) = parts.iter().map(|said| written_part(fact, of, said)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let agree = |(row, found): &(&Part, &Value)| {
        written.iter().all(|(other, again)| row.name != other.name || same(found, again))
    };
    if !written.iter().all(agree) {
        return false; // what joins keeps the last only
    }
    if whole.is_empty() && written.iter().all(|(row, _)| row.set.is_some()) {
        return joined(fact, &written);
    }
    written.iter().all(|(row, found)| (row.get)(fact).ok().flatten().is_some_and(|wanted| same(found, &wanted)))
}

/// The part that a key says, and what it says.
fn written_part<'s>(fact: &Value, of: &str, said: &'s Said<'_>) -> Option<(&'static Part, &'s Value)> {
    Some((row(fact, of, said.part)?, only(&said.values)?))
}

/// Whether parts make up a value, all of it.
fn joined(fact: &Value, written: &[(&'static Part, &Value)]) -> bool {
    let Some((first, _)) = written.first() else { return true };
    let Some(of) = value::scalar(first.of) else { return false };
    let written: Vec<_> = written.iter().map(|(row, value)| (*row, (*value).clone())).collect();
    value::with_parts(of, None, &written, &Attributes::default()).is_ok_and(|joined| same(&joined, fact))
}

/// The row of a part of a fact's value: a variable may hold a secret, or a text that has parts.
fn row(value: &Value, of: &str, part: &str) -> Option<&'static Part> {
    let of = match value {
        Value::Secret(_) => "secret",
        Value::Image(_) => "image",
        Value::Duration(_) => "duration",
        Value::Memory(_) => "memory",
        Value::Cpu(_) => "cpu",
        Value::String(_) if of == "env-value" => {
            return TEXT_PARTS.iter().find_map(|of| value::part(of, part));
        }
        _ => of,
    };
    value::part(of, part)
}

/// Whether a key says all of a fact. Keys of list items say the items of a list, in any order.
pub(super) fn is_whole(fact: &Value, said: &Said<'_>) -> bool {
    if said.single {
        return only(&said.values).is_some_and(|found| same(found, fact));
    }
    let Value::List(items) = fact else {
        return !said.values.is_empty() && said.values.iter().all(|found| same(found, fact));
    };
    let all = |these: &[Value], those: &[Value]| these.iter().all(|one| those.iter().any(|other| same(one, other)));
    all(items, &said.values) && all(&said.values, items)
}

fn only(values: &[Value]) -> Option<&Value> {
    match values {
        [one] => Some(one),
        _ => None,
    }
}

/// Whether two values are the same to a program. Text may be the form of a number, an amount or an image, and a host
/// that stands alone is text where nothing says that it is a host.
pub(super) fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::List(found), Value::List(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        (Value::Map(found), Value::Map(wanted)) => {
            let is = |(key, value): (&SmolStr, &Value)| wanted.get(key).is_some_and(|wanted| same(value, wanted));
            found.len() == wanted.len() && found.iter().all(is)
        }
        (Value::String(text), Value::Text(pieces)) | (Value::Text(pieces), Value::String(text)) => {
            matches!(pieces.as_slice(), [Piece::Link(link)] if link.part == LinkPart::Host && link.endpoint == *text)
        }
        (Value::String(text), other) | (other, Value::String(text)) => {
            other == &Value::String(text.clone()) || reads_as(text, other)
        }
        _ => found == wanted || spelled(found).is_some_and(|found| Some(found) == spelled(wanted)),
    }
}

/// Whether a text is one way to write a value.
fn reads_as(text: &str, value: &Value) -> bool {
    let of = match value {
        Value::Image(_) => "image",
        Value::Memory(_) => "memory",
        Value::Cpu(_) => "cpu",
        Value::Duration(_) => "duration",
        value => return spelled(value).is_some_and(|spelled| spelled == text),
    };
    let parsed = value::scalar(of).map(|of| value::parse(of, &Raw::String(text), &Attributes::default()));
    parsed.is_some_and(|parsed| parsed.is_ok_and(|parsed| parsed == *value))
}

/// The text of a value that a variable may hold.
fn spelled(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some(Cow::Owned(value::spell(value))),
        _ => None,
    }
}

/// The path of a fact as messages show it.
pub(super) fn shown(fact: &FactPath, part: &str) -> String {
    let dot = if part.is_empty() { "" } else { "." };
    format!("`{fact}{dot}{part}`")
}

/// Whether a value has the part that a key carries: an image without a digest has nothing to say there.
pub(super) fn has_part(value: &Value, of: &str, part: &str) -> bool {
    part.is_empty() || row(value, of, part).is_some_and(|row| (row.get)(value).is_ok_and(|part| part.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Image, Link, SecretRef};

    fn parsed(of: &str, text: &str) -> Value {
        let of = value::scalar(of).expect("a row of the table");
        value::parse(of, &Raw::String(text), &Attributes::default()).expect("it is of the type")
    }

    fn said(part: &str, value: Value) -> Said<'_> {
        Said { part, values: vec![value], single: true }
    }

    fn join(fact: &Value, of: &str, parts: &[(&str, &str)]) -> bool {
        let said: Vec<Said<'_>> = parts.iter().map(|(part, text)| said(part, Value::string(*text))).collect();
        joins(fact, of, &said.iter().collect::<Vec<_>>())
    }

    fn link(endpoint: &str) -> Value {
        Value::text([Piece::Link(Link { endpoint: endpoint.into(), part: LinkPart::Host })])
    }

    #[test]
    fn parts_of_an_image_join_with_its_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = parsed("image", &format!("ghcr.io/acme/api:1.4.0@{digest}"));
        let parts = [("repository", "ghcr.io/acme/api"), ("tag", "1.4.0"), ("digest", digest.as_str())];
        assert!(join(&image, "image", &parts));
        assert!(join(&image, "image", &[parts[2], parts[0], parts[1]]), "in any order");
        let version = format!("1.4.0@{digest}");
        assert!(join(&image, "image", &[("registry", "ghcr.io"), ("path", "acme/api"), ("version", &version)]));
        assert!(!join(&image, "image", &parts[..2]), "without the digest it is another image");
        assert!(!join(&image, "image", &[parts[0], ("tag", "1.5.0"), parts[2]]));
        assert!(
            !join(&image, "image", &[parts[0], ("tag", "1.5.0"), parts[1], parts[2]]),
            "keys contradict each other"
        );
        assert!(join(&parsed("image", "redis:7"), "image", &[("repository", "docker.io/library/redis"), ("tag", "7")]));
    }

    #[test]
    fn a_secret_is_its_name_and_its_key() {
        let secret = Value::Secret(SecretRef { name: "db".into(), key: "password".into() });
        assert!(join(&secret, "env-value", &[("name", "db"), ("key", "password")]));
        assert!(!join(&secret, "env-value", &[("name", "db"), ("key", "admin")]));
        assert!(!join(&secret, "env-value", &[("name", "db")]), "nobody says which key");
        assert!(!join(&secret, "env-value", &[("name", "db"), ("key", "")]));
        assert!(!join(&secret, "env-value", &[("nonsense", "db")]));
    }

    #[test]
    fn quantities_are_compared_in_their_units() {
        let period = Value::Duration(90_000);
        assert!(joins(&period, "duration", &[&said("seconds", Value::Int(90))]));
        assert!(!joins(&period, "duration", &[&said("seconds", Value::Int(91))]));
        assert!(!joins(&Value::Duration(1500), "duration", &[&said("seconds", Value::Int(1))]), "not whole seconds");
        let memory = Value::Memory(512 << 20);
        assert!(joins(&memory, "memory", &[&said("mebibytes", Value::Int(512))]));
        for (wanted, text, alike) in [
            (&memory, "512Mi", true),
            (&memory, "1Gi", false),
            (&memory, "512", false),
            (&Value::Cpu(500), "500m", true),
            (&Value::Cpu(500), "0.5", true),
            (&Value::Int(8080), "8080", true),
            (&Value::Bool(true), "true", true),
            (&Value::Bool(true), "yes", false),
            (&parsed("image", "redis:7"), "docker.io/library/redis:7", true),
            (&parsed("image", "redis:7"), "redis:8", false),
        ] {
            assert_eq!(same(&Value::string(text), wanted), alike, "{text}");
        }
    }

    #[test]
    fn keys_of_items_say_a_list_in_any_order() {
        let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::string(*item)).collect());
        let items = |values: &[&str]| {
            let values = values.iter().map(|value| Value::string(*value)).collect();
            Said { part: "", values, single: false }
        };
        let hosts = list(&["a.example", "b.example"]);
        assert!(joins(&hosts, "list", &[&items(&["b.example", "a.example"])]));
        assert!(!joins(&hosts, "list", &[&items(&["a.example"])]));
        assert!(!joins(&hosts, "list", &[&items(&["a.example", "b.example", "c.example"])]));
        assert!(!joins(&hosts, "list", &[&items(&[])]));
        assert!(joins(&Value::string("x"), "string", &[&items(&["x", "x"])]), "every item says the one value");
        assert!(!joins(&Value::string("x"), "string", &[&items(&[])]));
        assert!(!joins(&hosts, "list", &[&said("", list(&["b.example", "a.example"]))]), "one key keeps the order");
    }

    #[test]
    fn parts_and_the_whole_are_both_compared() {
        let image = Value::Image(
            Image { registry: "".into(), repository: "a".into(), tag: "1".into(), digest: "".into() }.into(),
        );
        let whole = said("", image.clone());
        assert!(joins(&image, "image", &[&whole, &said("tag", Value::string("1"))]));
        assert!(!joins(&image, "image", &[&whole, &said("tag", Value::string("2"))]));
        assert!(has_part(&image, "image", "tag") && !has_part(&image, "image", "digest"));
    }

    #[test]
    fn hosts_are_links_and_numbers_count_from_plus() {
        let mut names = Names::none(facts::View::Kubernetes);
        names.host(&"db".into(), &"demo-db".into());
        let fact = |kind, key: &str| FactPath { workload: "api".into(), kind, key: key.into(), field: "" };
        let of = |kind, key: &str, value: &Value, plus| said_of((&fact(kind, key), ""), value, plus, &names);
        assert_eq!(of(Kind::Env, "DB_HOST", &Value::string("demo-db"), 0), link("db"));
        assert_eq!(of(Kind::Env, "NAME", &Value::string("demo-db"), 0), Value::string("db"));
        assert!(same(&of(Kind::Route, "http", &Value::string("demo-db"), 0), &link("db")));
        let name = |part| said_of((&fact(Kind::Env, "DB_PASSWORD"), part), &Value::string("demo-db"), 0, &names);
        assert_eq!(name("name"), Value::string("demo-db"), "a secret may be called as a workload is");
        assert_ne!(name("host"), Value::string("demo-db"));
        assert_eq!(of(Kind::Replicas, "", &Value::Int(2), 1), Value::Int(3));
        assert_eq!(of(Kind::Replicas, "", &Value::Int(i64::MAX), 1), Value::Int(i64::MAX));
        let tree = Value::Map([("host".into(), Value::string("demo-db"))].into_iter().collect());
        let linked = Value::Map([("host".into(), link("db"))].into_iter().collect());
        assert_eq!(of(Kind::Env, "CONFIG", &tree, 0), linked);
    }

    #[test]
    fn a_url_in_a_variable_has_parts() {
        let url = Value::string("https://db.example:5432/app");
        let keys = [said("host", Value::string("db.example")), said("port", Value::Int(5432))];
        let keys: Vec<&Said<'_>> = keys.iter().collect();
        assert!(!joins(&url, "env-value", &keys), "nobody says the scheme and the path");
        let whole = said("", url.clone());
        assert!(joins(&url, "env-value", &[&whole, keys[0], keys[1]]));
        assert!(has_part(&url, "env-value", "port") && !has_part(&Value::string("x"), "env-value", "nonsense"));
    }
}

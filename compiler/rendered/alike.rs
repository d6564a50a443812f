//! Facts of manifests in the words of the plan: names that a chart chooses freely, and what a chart derives.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::{
    facts::{Delivery, Fact, Facts, State, same},
    plan::{FactPath, Kind},
    value::{Link, LinkPart, Piece, Value, spell},
};

/// Renames what a chart may call as it likes: ports by their number, volumes by their path; takes as one check what is
/// asked twice because it has a time to start; and leaves out the number of a Service's port that is the container's.
pub(super) fn in_words_of(plan: &Facts, found: Facts) -> Facts {
    let ports = renamed(plan, &found, Kind::Port, |fact| spell(&fact.value));
    let volumes = renamed(plan, &found, Kind::Volume, |fact| spell(&fact.value));
    let found = found.into_iter().map(|(path, fact)| rename(path, fact, &ports, &volumes)).collect();
    without_derived(plan, found)
}

/// New keys of facts, by workload and key.
type Renamed = BTreeMap<(SmolStr, SmolStr), SmolStr>;

/// What is called otherwise in the plan: of this kind, and with the same value.
fn renamed(plan: &Facts, found: &Facts, kind: Kind, value: impl Fn(&Fact) -> String) -> Renamed {
    let of = |facts: &Facts, path: &FactPath| facts.contains_key(path);
    let is = |path: &FactPath| path.kind == kind && path.field.is_empty();
    let mut renamed = Renamed::new();
    for (path, fact) in found.iter().filter(|(path, _)| is(path) && !of(plan, path)) {
        let mut same = plan.iter().filter(|(other, wanted)| {
            is(other) && other.workload == path.workload && !of(found, other) && value(wanted) == value(fact)
        });
        if let Some((other, _)) = same.next() {
            renamed.insert((path.workload.clone(), path.key.clone()), other.key.clone());
        }
    }
    renamed
}

fn rename(mut path: FactPath, mut fact: Fact, ports: &Renamed, volumes: &Renamed) -> (FactPath, Fact) {
    let new = |names: &Renamed, workload: &SmolStr, key: &SmolStr| {
        names.get(&(workload.clone(), key.clone())).cloned().unwrap_or_else(|| key.clone())
    };
    match path.kind {
        Kind::Port | Kind::Route => path.key = new(ports, &path.workload, &path.key),
        Kind::Volume => path.key = new(volumes, &path.workload, &path.key),
        Kind::Health if matches!(path.field, "port" | "tcp") => {
            if let Value::String(port) = &fact.value {
                fact.value = Value::String(new(ports, &path.workload, port));
            }
        }
        _ => fact.value = links(fact.value, &|endpoint, port| new(ports, endpoint, port)),
    }
    (path, fact)
}

/// What a port of an endpoint is called in the plan.
type PortName<'n> = &'n dyn Fn(&SmolStr, &SmolStr) -> SmolStr;

/// A value with the ports of its links renamed.
fn links(value: Value, name: PortName<'_>) -> Value {
    match value {
        Value::Text(pieces) => Value::text(pieces.iter().map(|piece| match piece {
            Piece::Link(Link { endpoint, part: LinkPart::Port(port) }) => {
                Piece::Link(Link { endpoint: endpoint.clone(), part: LinkPart::Port(name(endpoint, port)) })
            }
            other => other.clone(),
        })),
        Value::List(items) => Value::List(items.into_iter().map(|item| links(item, name)).collect()),
        Value::Map(entries) => Value::Map(entries.into_iter().map(|(key, value)| (key, links(value, name))).collect()),
        other => other,
    }
}

fn without_derived(plan: &Facts, mut found: Facts) -> Facts {
    let starts: Vec<FactPath> = plan
        .keys()
        .filter(|path| path.kind == Kind::Health && path.field == "start" && !found.contains_key(path))
        .cloned()
        .collect();
    for path in starts {
        start(plan, &path, &mut found);
    }
    let is_service = |path: &FactPath| path.kind == Kind::Port && path.field == "service";
    let same: Vec<FactPath> = found
        .iter()
        .filter(|(path, fact)| {
            let number = FactPath { field: "", ..(*path).clone() };
            is_service(path) && !plan.contains_key(path) && found.get(&number).map(|it| &it.value) == Some(&fact.value)
        })
        .map(|(path, _)| path.clone())
        .collect();
    same.iter().for_each(|path| drop(found.remove(path)));
    found.retain(|path, fact| plan.contains_key(path) || !is_default(path, &fact.value));
    found
}

/// Whether a fact is what Kubernetes takes where nothing is said, so that to say it is to say nothing.
pub(super) fn is_default(path: &FactPath, value: &Value) -> bool {
    match (path.kind, path.field) {
        (Kind::Security, "privileged") => *value == Value::Bool(false),
        (Kind::Security, "drop" | "add") => matches!(value, Value::List(names) if names.is_empty()),
        (Kind::Replicas, "") => *value == Value::Int(1),
        (Kind::Health, "failures") => *value == Value::Int(3),
        (Kind::Health, "period") => *value == Value::Duration(10_000),
        (Kind::Health, "timeout") => *value == Value::Duration(1_000),
        (Kind::Health, "delay") => *value == Value::Duration(0),
        _ => false,
    }
}

/// A time to start is a check of its own in Kubernetes: the same question, asked as often as fits into the time.
fn start(plan: &Facts, path: &FactPath, found: &mut Facts) {
    let of = |key: &str, field| FactPath { key: key.into(), field, ..path.clone() };
    let says_startup =
        |path: &FactPath| path.workload == of("", "").workload && path.kind == Kind::Health && &*path.key == "startup";
    if plan.keys().any(says_startup) {
        return;
    }
    let asks = ["path", "port", "tcp", "exec", "timeout"];
    let value = |path: &FactPath| found.get(path).map(|fact| fact.value.clone());
    if !asks.iter().all(|field| value(&of("startup", field)) == value(&of(&path.key, field))) {
        return;
    }
    let (Some(Value::Duration(period)), Some(Value::Int(failures))) =
        (value(&of("startup", "period")), value(&of("startup", "failures")))
    else {
        return;
    };
    let Some(wanted) = plan.get(path) else { return };
    let given = period.saturating_mul(u64::try_from(failures).unwrap_or(0));
    let fits = matches!(wanted.value, Value::Duration(time) if given >= time && given - time < period.max(1));
    let place = found.get(&of("startup", "period")).map(|fact| fact.place.clone()).unwrap_or_default();
    found.retain(|path, _| !says_startup(path));
    let value = if fits { wanted.value.clone() } else { Value::Duration(given) };
    found.insert(path.clone(), Fact { value, delivery: Delivery::Literal, state: State::Set, place });
}

/// Whether manifests say a fact of the plan: a `ConfigMap` may bring it, and a number may be text.
pub(super) fn agree(path: &FactPath, wanted: &Fact, found: &Fact) -> bool {
    let config = |fact: &Fact| match fact.delivery {
        Delivery::Config => Fact { delivery: Delivery::Literal, ..fact.clone() },
        _ => fact.clone(),
    };
    let (wanted, found) = (config(wanted), config(found));
    if same(&wanted, &found) {
        return true;
    }
    if (wanted.delivery, wanted.state) != (found.delivery, found.state) {
        return false;
    }
    match (&wanted.value, &found.value) {
        (Value::List(wanted), Value::List(found)) if is_set(path) => {
            let sorted = |items: &[Value]| {
                let mut words: Vec<String> = items.iter().map(spell).collect();
                words.sort();
                words
            };
            sorted(wanted) == sorted(found)
        }
        (Value::Map(_) | Value::List(_) | Value::Text(_) | Value::Secret(_), _)
        | (_, Value::Map(_) | Value::List(_) | Value::Text(_) | Value::Secret(_)) => false,
        (wanted, found) => spell(wanted) == spell(found),
    }
}

/// Whether the order of a list means nothing.
fn is_set(path: &FactPath) -> bool {
    matches!((path.kind, path.field), (Kind::Security, "drop" | "add") | (Kind::Route, "hosts"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::Place, value::SecretRef};

    fn path(kind: Kind, key: &str, field: &'static str) -> FactPath {
        FactPath { workload: "api".into(), kind, key: key.into(), field }
    }

    fn fact(value: Value) -> Fact {
        Fact { value, delivery: Delivery::Literal, state: State::Set, place: Place::default() }
    }

    fn facts(entries: &[(Kind, &str, &'static str, Value)]) -> Facts {
        entries.iter().map(|(kind, key, field, value)| (path(*kind, key, field), fact(value.clone()))).collect()
    }

    #[test]
    fn ports_and_volumes_may_have_other_names() {
        let text = Value::string;
        let plan = facts(&[
            (Kind::Port, "http", "", Value::Int(80)),
            (Kind::Health, "readiness", "port", text("http")),
            (Kind::Volume, "data", "", text("/data")),
            (Kind::Volume, "data", "size", Value::Memory(1)),
        ]);
        let found = facts(&[
            (Kind::Port, "80", "", Value::Int(80)),
            (Kind::Health, "readiness", "port", text("80")),
            (Kind::Volume, "state", "", text("/data")),
            (Kind::Volume, "state", "size", Value::Memory(1)),
        ]);
        assert_eq!(in_words_of(&plan, found), plan);
        let other = facts(&[(Kind::Port, "http", "", Value::Int(81)), (Kind::Volume, "data", "", text("/x"))]);
        assert_eq!(in_words_of(&plan, other.clone()), other, "a wrong number is no other name");
    }

    #[test]
    fn a_time_to_start_is_a_check_of_its_own() {
        let check = |key: &'static str| (Kind::Health, key, "path", Value::string("/ready"));
        let plan = facts(&[check("readiness"), (Kind::Health, "readiness", "start", Value::Duration(25_000))]);
        let found = |failures| {
            facts(&[
                check("readiness"),
                check("startup"),
                (Kind::Health, "startup", "period", Value::Duration(10_000)),
                (Kind::Health, "startup", "failures", Value::Int(failures)),
            ])
        };
        assert_eq!(in_words_of(&plan, found(3)), plan);
        let start = path(Kind::Health, "readiness", "start");
        let time = |failures| in_words_of(&plan, found(failures)).get(&start).map(|fact| fact.value.clone());
        assert_eq!(time(30), Some(Value::Duration(300_000)));
        assert_eq!(time(2), Some(Value::Duration(20_000)));
    }

    #[test]
    fn to_say_what_is_so_anyway_is_to_say_nothing() {
        let said = facts(&[
            (Kind::Security, "", "privileged", Value::Bool(false)),
            (Kind::Replicas, "", "", Value::Int(1)),
            (Kind::Health, "readiness", "failures", Value::Int(3)),
        ]);
        assert!(in_words_of(&Facts::new(), said).is_empty());
        let said = facts(&[
            (Kind::Security, "", "privileged", Value::Bool(true)),
            (Kind::Replicas, "", "", Value::Int(2)),
            (Kind::Health, "readiness", "failures", Value::Int(4)),
        ]);
        assert_eq!(in_words_of(&Facts::new(), said.clone()), said);
        let plan = facts(&[(Kind::Replicas, "", "", Value::Int(2))]);
        let one = facts(&[(Kind::Replicas, "", "", Value::Int(1))]);
        assert_eq!(in_words_of(&plan, one.clone()), one, "what the plan says is compared");
    }

    #[test]
    fn a_config_map_may_bring_a_value_and_nothing_may_bring_a_secret_otherwise() {
        let env = path(Kind::Env, "A", "");
        let config = Fact { delivery: Delivery::Config, ..fact(Value::string("1")) };
        assert!(agree(&env, &fact(Value::string("1")), &config));
        assert!(agree(&env, &fact(Value::Int(1)), &config));
        assert!(!agree(&env, &fact(Value::string("2")), &config));
        let secret = Value::Secret(SecretRef { name: "a".into(), key: "b".into() });
        let by_file = Fact { delivery: Delivery::File, ..fact(secret.clone()) };
        let by_variable = Fact { delivery: Delivery::Secret, ..fact(secret) };
        assert!(!agree(&env, &by_variable, &by_file));
        let list = |words: &[&str]| fact(Value::List(words.iter().map(|word| Value::string(*word)).collect()));
        assert!(agree(&path(Kind::Route, "http", "hosts"), &list(&["a", "b"]), &list(&["b", "a"])));
        assert!(!agree(&path(Kind::Args, "", ""), &list(&["a", "b"]), &list(&["b", "a"])));
    }
}

//! Facts of workloads in the values of a chart that takes them as they are (`docs/language.md`, `workloads`).
//!
//! In: the map of workloads as it was read. Out: [`Facts`] in Kubernetes' words.
//! Never: the code that prints such a map.
//! Invariant: what cannot be read as what it should be comes back as text, and so differs from the plan.

use smol_str::SmolStr;

use super::{
    Delivery, Fact, Facts, Names, State,
    file::file_value,
    plan::{arguments, delivery, path_text},
    sink::{Sink, line},
    text::Marked,
    units,
};
use crate::{
    plan::Kind,
    read::{Data, Node},
    value::{SecretRef, Value},
};

/// The facts of a map of workloads.
#[must_use]
pub fn of_values(workloads: &Node<'_>, names: &Names) -> Facts {
    let mut values = Values { names, sink: Sink::default() };
    for (name, workload) in workloads.entries() {
        values.sink.workload = SmolStr::from(&**name);
        values.workload(workload);
    }
    values.sink.finish()
}

struct Values<'a> {
    names: &'a Names,
    sink: Sink,
}

impl Values<'_> {
    fn workload(&mut self, workload: &Node<'_>) {
        for (kind, field, key) in [
            (Kind::Role, "", "role"),
            (Kind::Image, "pull", "pull"),
            (Kind::Replicas, "", "replicas"),
            (Kind::Replicas, "max", "max-replicas"),
            (Kind::Schedule, "", "schedule"),
            (Kind::Beside, "", "beside"),
        ] {
            self.plain(kind, "", field, workload.get(key));
        }
        if let Some(node) = workload.get("image") {
            let value = node.as_str().and_then(units::image).unwrap_or_else(|| scalar(node));
            self.sink.image(value, State::Set, line(node.line));
        }
        for (kind, key) in [(Kind::Command, "command"), (Kind::Args, "args")] {
            if let Some(node) = workload.get(key) {
                self.sink.one(kind, "", self.words(node), line(node.line));
            }
        }
        for (name, variable) in entries(workload, "env") {
            self.variable(name, variable);
        }
        for (name, port) in entries(workload, "ports") {
            for (field, key) in [("", "number"), ("protocol", "protocol"), ("service", "service")] {
                self.plain(Kind::Port, name, field, port.get(key));
            }
        }
        for (name, check) in entries(workload, "health") {
            self.check(name, check);
        }
        for (name, volume) in entries(workload, "volumes") {
            self.path(Kind::Volume, name, volume.get("at"));
            self.amount(Kind::Volume, name, "size", volume.get("size"), |text| {
                units::kubernetes_memory(text).map(Value::Memory)
            });
            self.plain(Kind::Volume, name, "class", volume.get("class"));
            self.plain(Kind::Volume, name, "of", volume.get("of"));
        }
        for node in workload.get("tmpfs").map_or(&[][..], Node::items) {
            let path = path_text(node.as_str().unwrap_or_default());
            self.sink.put(Kind::Tmpfs, &path.into(), "", Value::Bool(true), line(node.line));
        }
        for (path, file) in entries(workload, "files") {
            self.file(path, file);
        }
        for route in workload.get("routes").map_or(&[][..], Node::items) {
            self.route(route);
        }
        for (group, cpu, memory) in
            [("requests", "requests.cpu", "requests.memory"), ("limits", "limits.cpu", "limits.memory")]
        {
            let of = |unit: &str| workload.at(&["resources", group, unit]);
            self.amount(Kind::Resources, "", cpu, of("cpu"), |text| units::cpu(text).map(Value::Cpu));
            self.amount(Kind::Resources, "", memory, of("memory"), |text| {
                units::kubernetes_memory(text).map(Value::Memory)
            });
        }
        for field in ["user", "group", "read-only-root", "drop", "escalation"] {
            self.plain(Kind::Security, "", field, workload.at(&["security", field]));
        }
    }

    /// A value that stands there as it is.
    fn plain(&mut self, kind: Kind, key: &str, field: &'static str, node: Option<&Node<'_>>) {
        let Some(node) = node else { return };
        let value = match &node.data {
            Data::String(text) => super::text_value(text, "", self.names),
            Data::List(items) => Value::List(items.iter().map(scalar).collect()),
            _ => scalar(node),
        };
        self.sink.put(kind, &key.into(), field, value, line(node.line));
    }

    fn path(&mut self, kind: Kind, key: &str, node: Option<&Node<'_>>) {
        let Some(node) = node else { return };
        let path = path_text(node.as_str().unwrap_or_default());
        self.sink.put(kind, &key.into(), "", Value::string(path), line(node.line));
    }

    /// An amount with its unit.
    fn amount(
        &mut self,
        kind: Kind,
        key: &str,
        field: &'static str,
        node: Option<&Node<'_>>,
        read: impl Fn(&str) -> Option<Value>,
    ) {
        let Some(node) = node else { return };
        let value = match scalar(node) {
            Value::String(text) => read(&text).unwrap_or(Value::String(text)),
            Value::Int(number) => read(&number.to_string()).unwrap_or(Value::Int(number)),
            other => other,
        };
        self.sink.put(kind, &key.into(), field, value, line(node.line));
    }

    fn words(&self, node: &Node<'_>) -> Value {
        let marked = |item: &Node<'_>| Marked { text: text(item).into(), ..Marked::default() };
        arguments(&node.items().iter().map(marked).collect::<Vec<_>>(), self.names)
    }

    /// A variable: `value`, a `secret`, or `parts` of both.
    fn variable(&mut self, name: &str, variable: &Node<'_>) {
        let mut marked = Marked::default();
        let parts = variable.get("parts").map_or(std::slice::from_ref(variable), Node::items);
        for part in parts {
            match part.get("secret").map(secret) {
                Some(secret) => marked.push_secret(secret),
                None => marked.text.to_mut().push_str(&part.get("value").map(text).unwrap_or_default()),
            }
        }
        let value = marked.value(name, self.names);
        let file = variable.get("file").is_some_and(|node| node.data == Data::Bool(true));
        let delivery = if file { Delivery::File } else { delivery(&value) };
        let fact = Fact { value, delivery, state: State::Set, place: line(variable.line) };
        self.sink.push(Kind::Env, &name.into(), "", fact);
    }

    fn check(&mut self, name: &str, check: &Node<'_>) {
        self.plain(Kind::Health, name, "path", check.at(&["http", "path"]));
        self.plain(Kind::Health, name, "port", check.at(&["http", "port"]));
        self.plain(Kind::Health, name, "tcp", check.at(&["tcp", "port"]));
        if let Some(node) = check.get("exec") {
            self.sink.put(Kind::Health, &name.into(), "exec", self.words(node), line(node.line));
        }
        for field in ["period", "delay", "timeout", "start"] {
            self.amount(Kind::Health, name, field, check.get(field), |text| units::duration(text).map(Value::Duration));
        }
        self.plain(Kind::Health, name, "failures", check.get("failures"));
    }

    fn file(&mut self, path: &str, file: &Node<'_>) {
        let (value, delivery) = match (file.get("secret"), file.get("text")) {
            (Some(node), _) => (Value::Secret(secret(node)), Delivery::Secret),
            (None, Some(node)) => (file_value(text(node).as_bytes(), path, "", self.names), Delivery::Literal),
            (None, None) => return,
        };
        let fact = Fact { value, delivery, state: State::Set, place: line(file.line) };
        self.sink.push(Kind::File, &path_text(path).into(), "", fact);
    }

    fn route(&mut self, route: &Node<'_>) {
        let port = route.get("port").map(text).unwrap_or_default();
        for field in ["hosts", "path", "tls"] {
            self.plain(Kind::Route, &port, field, route.get(field));
        }
    }
}

fn entries<'a, 't>(node: &'a Node<'t>, key: &str) -> impl Iterator<Item = (&'a str, &'a Node<'t>)> {
    node.get(key).map_or(&[][..], Node::entries).iter().map(|(name, node)| (&**name, node))
}

fn secret(node: &Node<'_>) -> SecretRef {
    let of = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
    SecretRef { name: of("name").into(), key: of("key").into() }
}

fn scalar(node: &Node<'_>) -> Value {
    match &node.data {
        Data::Bool(yes) => Value::Bool(*yes),
        Data::Int(number) => Value::Int(*number),
        Data::Float(number) => Value::Float(*number),
        Data::String(text) => Value::string(&**text),
        Data::Null | Data::List(_) | Data::Map(_) => Value::Null,
    }
}

fn text(node: &Node<'_>) -> String {
    crate::value::spell(&scalar(node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::View, read::foreign};

    fn facts(text: &str) -> Vec<String> {
        let mut names = Names::none(View::Kubernetes);
        names.host(&"db".into(), &"shop-db".into());
        let documents = foreign::documents(text).expect("YAML");
        let facts = of_values(&documents[0], &names);
        facts.iter().map(|(path, fact)| format!("{path} = {:?} {:?}", fact.value, fact.delivery)).collect()
    }

    #[test]
    fn a_workload_says_its_facts() {
        let found = facts(
            "api:\n  role: service\n  image: a:1.2.3\n  replicas: 2\n  args:\n  - --db\n  - \"1\"\n  env:\n    A:\n      value: x\n    \
             B:\n      secret:\n        name: s\n        key: k\n    C:\n      parts:\n      - value: \"http://\"\n      - secret:\n          name: s\n          key: k\n  \
             health:\n    readiness:\n      tcp:\n        port: http\n      period: 1m\n  volumes:\n    data:\n      at: /data/\n      size: 1Gi\n  \
             resources:\n    limits:\n      cpu: 500m\n",
        );
        for wanted in [
            "api args = List([String(\"--db\"), String(\"1\")]) Literal",
            "api env[A] = String(\"x\") Literal",
            "api health[readiness].period = Duration(60000) Literal",
            "api health[readiness].tcp = String(\"http\") Literal",
            "api replicas = Int(2) Literal",
            "api resources.limits.cpu = Cpu(500) Literal",
            "api volume[data] = String(\"/data\") Literal",
            "api volume[data].size = Memory(1073741824) Literal",
        ] {
            assert!(found.iter().any(|fact| fact == wanted), "{wanted}: {found:?}");
        }
        let secrets = found.iter().filter(|fact| fact.contains("SecretRef") && fact.ends_with(" Secret"));
        assert_eq!(secrets.count(), 2, "{found:?}");
    }

    #[test]
    fn what_is_no_amount_stays_text_and_nothing_panics() {
        assert_eq!(
            facts("a:\n  resources:\n    limits:\n      memory: much\n"),
            ["a resources.limits.memory = String(\"much\") Literal"]
        );
        for text in ["a: 5\n", "a:\n- 1\n", "a:\n  env: 3\n  ports:\n  - x\n  health: {}\n", "- a\n"] {
            facts(text);
        }
    }
}

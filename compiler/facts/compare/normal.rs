//! Facts of strangers in one form, so that two ways to say the same thing are equal texts.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Class, Difference, Said, argv, url};
use crate::{
    facts::{Delivery, Fact, Facts, State, View},
    plan::{FactPath, Kind},
    value::{LinkPart, Piece, Value, spell},
};

/// Ends of names of variables that hold secrets.
const CREDENTIALS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASS",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "SECRET_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "CREDENTIALS",
    "SALT",
];

/// Paths that hold nothing that lasts.
const SCRATCH: &[&str] = &["/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm", "/var/cache"];

/// What stands for a secret.
pub(super) const SECRET: &str = "<secret>";

/// A fact in one form.
#[derive(Clone, Debug)]
pub(super) struct Normal<'a> {
    /// Its value as text.
    pub(super) text: String,
    /// The fact; none for what a side says by saying nothing.
    pub(super) fact: Option<&'a Fact>,
    /// For people to read.
    pub(super) said: Said,
    /// Whether its value is known.
    pub(super) state: State,
    /// Whether a difference hardly matters.
    pub(super) minor: bool,
}

/// One side in one form.
#[derive(Debug, Default)]
pub(super) struct Normals<'a> {
    /// Facts by workload and what they are about.
    pub(super) facts: BTreeMap<FactPath, Normal<'a>>,
    /// What the side says badly, whatever the other says.
    pub(super) bad: Vec<(Class, FactPath, Said)>,
    /// The numbers of named ports: workload and name.
    ports: BTreeMap<(SmolStr, SmolStr), i64>,
    /// The ports of containers by workload and the port of the Service.
    behind: BTreeMap<(SmolStr, i64), i64>,
}

/// Whether the name of a variable says that it holds a secret.
pub(super) fn is_credential(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
    CREDENTIALS.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
        || name.contains("PASSWORD")
}

/// Brings the facts of one side into one form.
pub(super) fn normals(facts: &Facts, view: View) -> Normals<'_> {
    let mut normals = Normals::default();
    for (path, fact) in facts.iter().filter(|(path, _)| path.kind == Kind::Port) {
        if let Value::Int(number) = fact.value
            && path.field.is_empty()
        {
            normals.ports.insert((path.workload.clone(), path.key.clone()), number);
        }
    }
    for (path, fact) in facts.iter().filter(|(path, _)| path.kind == Kind::Port && path.field == "service") {
        if let (Value::Int(service), Some(number)) = (&fact.value, normals.number(&path.workload, &path.key)) {
            normals.behind.insert((path.workload.clone(), *service), number);
        }
    }
    for (path, fact) in facts {
        match path.kind {
            Kind::Port | Kind::Health | Kind::Command | Kind::Args => {}
            Kind::Env => normals.variable(path, fact, view),
            Kind::Volume => normals.volume(path, fact, facts),
            Kind::Tmpfs if is_scratch(&path.key) => {}
            Kind::File if matches!(fact.value, Value::Secret(_)) => {}
            _ => normals.plain(path.clone(), fact, false),
        }
    }
    normals.ports(facts);
    normals.commands(facts, view);
    normals.health(facts);
    normals.replicas(facts);
    normals
}

fn is_scratch(path: &str) -> bool {
    SCRATCH
        .iter()
        .any(|scratch| path.strip_prefix(scratch).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        || path.contains("/.cache")
}

impl<'a> Normals<'a> {
    fn number(&self, workload: &SmolStr, port: &SmolStr) -> Option<i64> {
        let known = self.ports.get(&(workload.clone(), port.clone())).copied();
        known.or_else(|| port.split('/').next().and_then(|number| number.parse().ok()))
    }

    fn put(&mut self, path: FactPath, text: String, fact: &'a Fact, minor: bool) {
        let said = Said::of(&path, fact);
        self.facts.insert(path, Normal { text, fact: Some(fact), said, state: fact.state, minor });
    }

    /// A fact that follows from another one, shown as it follows.
    fn derived(&mut self, path: FactPath, text: String, fact: &'a Fact) {
        let said = Said { value: Some(text.clone()), place: fact.place.clone() };
        self.facts.insert(path, Normal { text, fact: Some(fact), said, state: fact.state, minor: false });
    }

    fn plain(&mut self, path: FactPath, fact: &'a Fact, minor: bool) {
        let text = match (path.kind, &fact.value) {
            (Kind::Role, value) => match spell(value).as_str() {
                "init" => "job".to_owned(),
                role => role.to_owned(),
            },
            (Kind::Security, Value::List(items)) => {
                let mut names: Vec<String> = items.iter().map(|item| spell(item).to_ascii_uppercase()).collect();
                names.sort();
                names.join(",").replace("CAP_", "")
            }
            (_, value) => self.text(value),
        };
        let minor = minor || path.field == "pull";
        self.put(path, text, fact, minor);
    }

    /// A value as text: links by their workload and the port of the container, secrets as one word.
    fn text(&self, value: &Value) -> String {
        match value {
            Value::Secret(_) => SECRET.to_owned(),
            Value::Text(pieces) => self.pieces(pieces),
            Value::Null => String::new(),
            Value::List(items) => items.iter().map(|item| self.text(item)).collect::<Vec<_>>().join("\n"),
            Value::Map(entries) => {
                let mut entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{key}={}", self.text(value).replace('\n', "\n ")))
                    .collect();
                entries.sort();
                entries.join("\n")
            }
            value => self.folded(&spell(value)),
        }
    }

    fn pieces(&self, pieces: &[Piece]) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.to_string(),
            Piece::Secret(_) => SECRET.to_owned(),
            Piece::Link(link) => match &link.part {
                LinkPart::Port(name) => {
                    self.number(&link.endpoint, name).map_or_else(|| name.to_string(), |number| number.to_string())
                }
                _ => format!("<{}>", link.endpoint),
            },
        };
        self.folded(&pieces.iter().map(piece).collect::<String>())
    }

    /// A scalar as one spelling.
    fn folded(&self, text: &str) -> String {
        match text {
            "True" | "TRUE" => return "true".to_owned(),
            "False" | "FALSE" => return "false".to_owned(),
            "null" | "~" => return String::new(),
            _ => {}
        }
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(whole) = text.strip_suffix(".0").filter(digits) {
            return whole.to_owned();
        }
        if let Some(number) = mangled(text) {
            return number;
        }
        url::normal(text, &|host, default| {
            let workload = host.strip_prefix('<')?.strip_suffix('>')?;
            self.behind.get(&(workload.into(), default)).copied()
        })
    }

    fn variable(&mut self, path: &FactPath, fact: &'a Fact, view: View) {
        let mut path = path.clone();
        if fact.delivery == Delivery::File
            && let Some(name) = path.key.strip_suffix("_FILE")
        {
            path.key = name.into();
        }
        self.check(&path, fact, view);
        let text = self.text(&fact.value);
        let text = if is_credential(&path.key) && !text.is_empty() { SECRET.to_owned() } else { text };
        self.put(path, text, fact, false);
    }

    /// What a value says badly in Kubernetes.
    fn check(&mut self, path: &FactPath, fact: &Fact, view: View) {
        if view != View::Kubernetes {
            return;
        }
        let literals = match &fact.value {
            Value::String(text) => vec![&**text],
            Value::Text(pieces) => pieces
                .iter()
                .filter_map(|piece| if let Piece::Literal(text) = piece { Some(&**text) } else { None })
                .collect(),
            _ => Vec::new(),
        };
        if literals.iter().any(|text| unexpanded(text)) {
            self.bad.push((Class::Unexpanded, path.clone(), Said::of(path, fact)));
        }
        if literals.iter().any(|text| mangled(text).is_some()) {
            self.bad.push((Class::Mangled, path.clone(), Said::of(path, fact)));
        }
    }

    /// Volumes are called by their path, because each side has its own names.
    fn volume(&mut self, path: &FactPath, fact: &'a Fact, facts: &Facts) {
        let main = FactPath { field: "", ..path.clone() };
        let at = facts.get(&main).map(|fact| spell(&fact.value));
        if path.field.is_empty() {
            let path = FactPath { key: at.unwrap_or_default().into(), ..path.clone() };
            self.put(path, "volume".to_owned(), fact, false);
        } else {
            let path = FactPath { key: at.map_or_else(|| path.key.clone(), Into::into), ..path.clone() };
            self.plain(path, fact, false);
        }
    }

    /// Ports are called by their number.
    fn ports(&mut self, facts: &'a Facts) {
        for (path, fact) in facts.iter().filter(|(path, _)| path.kind == Kind::Port && path.field != "protocol") {
            let protocol = facts.get(&FactPath { field: "protocol", ..path.clone() });
            let protocol = protocol.map_or_else(|| "tcp".to_owned(), |fact| spell(&fact.value));
            let Some(number) = self.number(&path.workload, &path.key) else { continue };
            let key = crate::facts::compose::number_key(number, &protocol);
            self.plain(FactPath { key, ..path.clone() }, fact, false);
        }
    }

    /// Entry point and arguments are one command.
    fn commands(&mut self, facts: &'a Facts, view: View) {
        let argv = facts.iter().filter(|(path, _)| matches!(path.kind, Kind::Command | Kind::Args));
        let mut by_workload: BTreeMap<SmolStr, (Vec<String>, &Fact)> = BTreeMap::new();
        for (path, fact) in argv {
            let Value::List(items) = &fact.value else { continue };
            for item in items {
                let single = Fact { value: item.clone(), ..fact.clone() };
                self.check(path, &single, view);
            }
            let words = items.iter().map(|item| self.text(item));
            let known = by_workload.entry(path.workload.clone()).or_insert((Vec::new(), fact));
            known.0.extend(words);
        }
        for (workload, (words, fact)) in by_workload {
            let path = FactPath { workload, kind: Kind::Args, key: SmolStr::default(), field: "" };
            self.put(path, argv::normal(&words), fact, false);
        }
    }

    /// One check for a workload: that for readiness, or else for liveness, or else for the start.
    fn health(&mut self, facts: &'a Facts) {
        let mut checked: BTreeMap<&SmolStr, Vec<(&FactPath, &'a Fact)>> = BTreeMap::new();
        for (path, fact) in facts.iter().filter(|(path, _)| path.kind == Kind::Health) {
            checked.entry(&path.workload).or_default().push((path, fact));
        }
        for (workload, all) in checked {
            for (path, fact) in &all {
                self.declared(path, fact);
            }
            let is = |kind: &str| all.iter().any(|(path, _)| &*path.key == kind && !is_timing(path.field));
            let Some(kind) = ["readiness", "liveness", "startup"].into_iter().find(|kind| is(kind)) else { continue };
            for (path, fact) in all.iter().filter(|(path, _)| &*path.key == kind) {
                let path = FactPath { key: "readiness".into(), ..(*path).clone() };
                match (path.field, &fact.value) {
                    ("exec", Value::List(items)) => self.command_check(path, fact, items),
                    ("port" | "tcp", value) => {
                        let port: SmolStr = spell(value).into();
                        let number =
                            self.number(workload, &port).map_or_else(|| port.to_string(), |port| port.to_string());
                        self.put(path, number, fact, false);
                    }
                    (field, value) => {
                        let (text, minor) = (self.text(value), is_timing(field));
                        self.put(path, text, fact, minor);
                    }
                }
            }
        }
    }

    /// A check by a command that asks a URL is a check of that URL.
    fn command_check(&mut self, path: FactPath, fact: &'a Fact, items: &[Value]) {
        let words: Vec<String> = items.iter().map(|item| self.text(item)).collect();
        let field = |field| FactPath { field, ..path.clone() };
        match argv::asked(&words) {
            Some((port, Some(asked))) => {
                self.derived(field("path"), asked, fact);
                self.derived(field("port"), port.to_string(), fact);
            }
            Some((port, None)) => self.derived(field("tcp"), port.to_string(), fact),
            None => self.put(path, argv::normal(&words), fact, false),
        }
    }

    /// A check of a port that the workload does not declare, where it declares others.
    fn declared(&mut self, path: &FactPath, fact: &Fact) {
        let port = match (path.field, &fact.value) {
            ("port" | "tcp", value) => spell(value),
            ("exec", Value::List(items)) => {
                let words: Vec<String> = items.iter().map(|item| self.text(item)).collect();
                match argv::asked(&words) {
                    Some((port, _)) => port.to_string(),
                    None => return,
                }
            }
            _ => return,
        };
        let declared: Vec<(&SmolStr, i64)> = self
            .ports
            .iter()
            .filter(|((workload, _), _)| *workload == path.workload)
            .map(|((_, name), number)| (name, *number))
            .collect();
        let known = declared.iter().any(|(name, number)| ***name == *port || number.to_string() == port);
        if !known && !declared.is_empty() {
            let said = Said { value: Some(port), place: fact.place.clone() };
            self.bad.push((Class::UndeclaredPort, path.clone(), said));
        }
    }

    /// Whoever says nothing runs one copy.
    fn replicas(&mut self, facts: &Facts) {
        for (path, fact) in
            facts.iter().filter(|(path, fact)| path.kind == Kind::Role && fact.value == Value::string("service"))
        {
            let path = FactPath { kind: Kind::Replicas, ..path.clone() };
            self.facts.entry(path).or_insert_with(|| Normal {
                text: "1".to_owned(),
                fact: None,
                said: Said { value: Some("1".to_owned()), place: fact.place.clone() },
                state: State::Set,
                minor: false,
            });
        }
    }
}

/// Whether a field of a check says when, not what.
pub(super) fn is_timing(field: &str) -> bool {
    matches!(field, "period" | "delay" | "timeout" | "failures" | "start")
}

/// Whether a text holds `${NAME}`.
fn unexpanded(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        let rest = &text[at + 2..];
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        length > 0 && rest[length..].starts_with(['}', ':', '-'])
    })
}

/// The whole number that a template printed as `1e+06`.
fn mangled(text: &str) -> Option<String> {
    let (digits, power) = text.split_once("e+")?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !number(digits) || !number(power) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| *number < 1e18).map(|number| format!("{number:.0}"))
}

/// A difference about one side.
pub(super) fn bad(class: Class, path: FactPath, said: Said, left: bool) -> Difference {
    let (left, right) = if left { (Some(said), None) } else { (None, Some(said)) };
    Difference { class, path, also: Vec::new(), left, right, minor: false }
}

//! What can be said of a workload: the table of kinds of facts, [`KINDS`], and paths of facts.

use std::{cmp::Ordering, fmt};

use smol_str::SmolStr;

use crate::pack::{Pack, Reader, Writer, pack};

/// What a fact is about: `aeterna env[RUST_LOG]`, `aeterna resources.limits.memory`.
#[derive(Clone, Debug)]
pub struct FactPath {
    /// The workload.
    pub workload: SmolStr,
    /// The kind.
    pub kind: Kind,
    /// Which of several: the name of a variable, of a port; empty where a workload has one.
    pub key: SmolStr,
    /// Which field, by its row in [`KINDS`]; empty for the fact itself.
    pub field: &'static str,
}

/// Its field is written as the number of its row, counted from 1, or 0 for the fact itself.
impl Pack for FactPath {
    fn write(&self, to: &mut Writer) {
        let FactPath { workload, kind, key, field } = self;
        workload.write(to);
        kind.write(to);
        key.write(to);
        let row = kind.row().fields.iter().position(|row| !field.is_empty() && row.name == *field);
        to.number(row.map_or(0, |row| row as u64 + 1));
    }

    fn read(from: &mut Reader) -> FactPath {
        let (workload, kind, key) = (Pack::read(from), Kind::read(from), Pack::read(from));
        let row = from.number().checked_sub(1).and_then(|row| kind.row().fields.get(row as usize));
        FactPath { workload, kind, key, field: row.map_or("", |row| row.name) }
    }
}

/// What [`FactPath::every`] is written as.
const EVERY: &str = "workloads";

impl FactPath {
    /// Every fact of every workload: what a key says that takes workloads as they are.
    #[must_use]
    pub fn every() -> FactPath {
        FactPath { workload: "*".into(), kind: Kind::Setting, key: EVERY.into(), field: "" }
    }

    /// Whether it is [`FactPath::every`], which no single fact is.
    #[must_use]
    pub fn is_every(&self) -> bool {
        self.kind == Kind::Setting && &*self.workload == "*"
    }

    /// The order among facts of one workload.
    #[must_use]
    pub fn cmp_within(&self, other: &FactPath) -> Ordering {
        self.kind.cmp(&other.kind).then_with(|| self.key.cmp(&other.key)).then_with(|| self.field.cmp(other.field))
    }

    /// The row of its field; none where it has no field and the kind has several.
    #[must_use]
    pub fn row(&self) -> Option<&'static FieldRow> {
        self.kind.row().field(self.field)
    }

    /// Whether it is a setting of every item of a map, `setting service.*.grace`: each item has a fact of its own.
    #[must_use]
    pub fn is_of_items(&self) -> bool {
        // Asked of every key of a surface, and a search for a text is dear to begin.
        self.kind == Kind::Setting && self.key.as_bytes().windows(3).any(|at| at == b".*.")
    }
}

/// By workload, kind, key and field.
impl Ord for FactPath {
    fn cmp(&self, other: &FactPath) -> Ordering {
        self.workload.cmp(&other.workload).then_with(|| self.cmp_within(other))
    }
}

impl PartialOrd for FactPath {
    fn partial_cmp(&self, other: &FactPath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FactPath {
    fn eq(&self, other: &FactPath) -> bool {
        self.kind == other.kind && self.cmp(other) == Ordering::Equal
    }
}

impl Eq for FactPath {}

impl fmt::Display for FactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::Setting {
            return write!(f, "{}", self.key);
        }
        write!(f, "{} {}", self.workload, self.kind.row().name)?;
        if !self.key.is_empty() {
            write!(f, "[{}]", self.key)?;
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ".{}", self.field) }
    }
}

/// A kind of fact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the table says what they are")]
pub enum Kind {
    Role,
    Image,
    Replicas,
    Command,
    Args,
    Env,
    Port,
    Needs,
    Health,
    Volume,
    Tmpfs,
    File,
    Resources,
    Security,
    Schedule,
    Profile,
    Route,
    Beside,
    Setting,
}

pack!(enum Kind:
    Role, Image, Replicas, Command, Args, Env, Port, Needs, Health, Volume, Tmpfs, File, Resources, Security,
    Schedule, Profile, Route, Beside, Setting
);

/// A row of the table of kinds.
#[derive(Debug)]
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// What stacks and surfaces call it.
    pub name: &'static str,
    /// What the key in brackets is; none where a workload has one such fact.
    pub key: Option<&'static str>,
    /// Its fields; an empty name is the fact itself.
    pub fields: &'static [FieldRow],
}

/// A field of a kind of fact.
#[derive(Debug)]
pub struct FieldRow {
    /// Its name, with dots; empty for the fact itself.
    pub name: &'static str,
    /// The scalar type of its value, a row of `value::SCALARS`; `list` for a list of texts, `tree` for what a file
    /// holds, `any` for what has a type of its own.
    pub of: &'static str,
    /// Whether Compose has words for it.
    pub compose: bool,
    /// Whether Kubernetes has words for it.
    pub helm: bool,
}

const fn both(name: &'static str, of: &'static str) -> FieldRow {
    FieldRow { name, of, compose: true, helm: true }
}

const fn compose(name: &'static str, of: &'static str) -> FieldRow {
    FieldRow { name, of, compose: true, helm: false }
}

const fn helm(name: &'static str, of: &'static str) -> FieldRow {
    FieldRow { name, of, compose: false, helm: true }
}

const fn row(kind: Kind, name: &'static str, key: Option<&'static str>, fields: &'static [FieldRow]) -> KindRow {
    KindRow { kind, name, key, fields }
}

/// Every kind of fact, in the order of [`Kind`].
pub static KINDS: &[KindRow] = &[
    row(Kind::Role, "role", None, &[both("", "string")]),
    row(Kind::Image, "image", None, &[both("", "image"), both("pull", "string"), compose("build", "string")]),
    row(Kind::Replicas, "replicas", None, &[both("", "int"), helm("max", "int")]),
    row(Kind::Command, "command", None, &[both("", "list")]),
    row(Kind::Args, "args", None, &[both("", "list")]),
    row(Kind::Env, "env", Some("name of a variable"), &[both("", "env-value")]),
    row(
        Kind::Port,
        "port",
        Some("name of a port"),
        &[both("", "port"), both("protocol", "string"), helm("service", "port"), compose("publish", "port")],
    ),
    row(Kind::Needs, "needs", Some("workload"), &[compose("", "string")]),
    row(
        Kind::Health,
        "health",
        Some("`liveness`, `readiness` or `startup`"),
        &[
            both("path", "string"),
            both("port", "string"),
            both("tcp", "string"),
            both("exec", "list"),
            both("period", "duration"),
            both("delay", "duration"),
            both("timeout", "duration"),
            both("failures", "int"),
            both("start", "duration"),
        ],
    ),
    row(
        Kind::Volume,
        "volume",
        Some("name of a volume"),
        &[both("", "path"), both("of", "string"), helm("size", "memory"), helm("class", "string")],
    ),
    row(Kind::Tmpfs, "tmpfs", Some("path"), &[both("", "bool")]),
    row(Kind::File, "file", Some("path"), &[both("", "tree")]),
    row(
        Kind::Resources,
        "resources",
        None,
        &[
            both("requests.cpu", "cpu"),
            both("requests.memory", "memory"),
            both("limits.cpu", "cpu"),
            both("limits.memory", "memory"),
        ],
    ),
    row(
        Kind::Security,
        "security",
        None,
        &[
            both("user", "int"),
            both("group", "int"),
            both("read-only-root", "bool"),
            both("drop", "list"),
            both("escalation", "bool"),
            both("privileged", "bool"),
            both("add", "list"),
        ],
    ),
    row(Kind::Schedule, "schedule", None, &[helm("", "cron")]),
    row(Kind::Profile, "profile", None, &[compose("", "string")]),
    row(
        Kind::Route,
        "route",
        Some("name of a port"),
        &[helm("hosts", "list"), helm("path", "string"), helm("tls", "string")],
    ),
    row(Kind::Beside, "beside", None, &[both("", "string")]),
    // No fact of a workload: what only a cluster is told, such as a budget for disruptions.
    row(Kind::Setting, "setting", Some("path of a setting"), &[helm("", "any")]),
];

impl Kind {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static KindRow {
        &KINDS[self as usize]
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        KINDS.iter().find(|row| row.name == name).map(|row| row.kind)
    }
}

impl KindRow {
    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldRow> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_the_kinds_and_name_scalar_types() {
        for (at, row) in KINDS.iter().enumerate() {
            assert_eq!(row.kind as usize, at, "{}", row.name);
            for field in row.fields {
                let known = crate::value::scalar(field.of).is_some() || ["any", "list", "tree"].contains(&field.of);
                assert!(known, "{}.{}: {}", row.name, field.name, field.of);
                assert!(field.compose || field.helm);
            }
        }
    }
}

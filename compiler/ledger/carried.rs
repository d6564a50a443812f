//! The ledger of facts: for every fact of every workload and every Helm block, the keys that carry it, or why none does.
//!
//! In: a `Stack` with surfaces. Out: [`FactTable`]s, and findings for facts that no key carries and nobody explains.
//! Never: values of an environment; under which values a key is read is for the read-back.
//! Invariant: the names of one variable (`also`) are one fact, and one of them carried is enough.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use smol_str::SmolStr;

use super::{compatible::together, objects};
use crate::{
    diag::{Diags, Finding, codes},
    expr::{self, Expr},
    plan::{FactPath, Kind, Role},
    schema::{self, Carry, Fact, FactKind, Guard, Guarded, Helm, Other, ProbeExpr, Stack, Surface, Workload},
    source::Span,
    value::Value,
};

/// The facts of one Helm block.
#[derive(Clone, PartialEq, Debug)]
pub struct FactTable {
    /// The block, as the columns of the ledger call it.
    pub column: SmolStr,
    /// One row per fact, in the order of the stack.
    pub rows: Vec<FactRow>,
}

/// A fact of a workload, and what the chart does with it.
#[derive(Clone, PartialEq, Debug)]
pub struct FactRow {
    /// The fact; of a variable with several names the first that the chart says, else the first.
    pub fact: FactPath,
    /// The kind that it counts as: variables count as `link` or `secret` where they hold one.
    pub kind: &'static str,
    /// Where the stack says it.
    pub span: Span,
    /// What the chart does with it.
    pub cell: FactCell,
}

/// What a chart does with a fact.
#[derive(Clone, PartialEq, Debug)]
pub enum FactCell {
    /// These keys carry it.
    Carried(Vec<String>),
    /// Its templates state it.
    Fixed,
    /// It does not say it, for this reason.
    Unsaid(SmolStr),
    /// It does not say it, and nobody says why.
    Hole,
}

/// The kinds that facts are counted as, in the order of the table.
pub const COUNTED: &[&str] = &[
    "role", "image", "replicas", "resource", "port", "link", "secret", "env", "mount", "volume", "file", "health",
    "security", "arg", "schedule", "route",
];

/// Checks every Helm block whose charts have surfaces.
pub(super) fn check(stack: &Stack, diags: &mut Diags) {
    stack.surfaces.iter().map(schema::Packed::surface).for_each(|surface| objects::check(&surface, diags));
    if !fixed_names(stack) {
        return;
    }
    for block in &stack.helm {
        let Some(surfaces) = surfaces(stack, block) else { continue };
        let mut holes = rows(stack, block, &surfaces);
        holes.retain(|row| row.cell == FactCell::Hole);
        holes.chunk_by(|one, other| whole(&one.fact) == whole(&other.fact)).for_each(|holes| {
            diags.push(hole(&surfaces[0], holes));
        });
        surfaces.iter().for_each(|surface| impossible(stack, surface, diags));
    }
}

/// The fact that this one is a field of.
fn whole(fact: &FactPath) -> FactPath {
    FactPath { field: "", ..fact.clone() }
}

/// Fields of one fact that a chart does not say.
fn hole(surface: &Surface, fields: &[FactRow]) -> Finding {
    let whole = whole(&fields[0].fact).to_string();
    let mut paths: Vec<String> = fields.iter().map(|row| row.fact.to_string()).collect();
    paths.sort();
    let one = &paths[0];
    let hint = if paths.len() == 1 {
        format!(
            "add `carries=\"{one}\"` to the key that says it, `fixed \"{one}\" …`, or `unsaid \"{one}\" because=\"…\"`"
        )
    } else {
        format!(
            "add `carries=\"{one}\"` to the key that says it, or `fixed \"{one}\" …`, and so on for each; for all of them: \
             `unsaid \"{whole}\" because=\"…\"`"
        )
    };
    let further = paths.iter().skip(1).map(|path| path.strip_prefix(&whole).unwrap_or(path));
    let shown: Vec<String> = std::iter::once(one.as_str()).chain(further).map(|path| format!("`{path}`")).collect();
    let message = format!("no key of chart `{}` {} carries {}", surface.chart, surface.version, shown.join(", "));
    codes::FACT_HOLE.at(fields[0].span, message).label(surface.span, "its surface").hint(hint)
}

/// The facts of each Helm block, by the surfaces of its charts; none of a block that has a chart without one.
pub(super) fn tables(stack: &Stack, columns: &[(SmolStr, SmolStr)]) -> Vec<FactTable> {
    let mut tables = Vec::new();
    for block in stack.helm.iter().filter(|_| fixed_names(stack)) {
        let Some(surfaces) = surfaces(stack, block) else { continue };
        let column = columns
            .iter()
            .find(|(name, _)| *name == block.name)
            .map_or_else(|| block.name.clone(), |(_, column)| column.clone());
        tables.push(FactTable { column, rows: rows(stack, block, &surfaces) });
    }
    tables
}

/// Whether workloads have names that are known before there is an environment.
fn fixed_names(stack: &Stack) -> bool {
    stack.workloads.iter().all(|workload| text_of(&workload.node.name).is_some())
}

fn surfaces(stack: &Stack, block: &Helm) -> Option<Vec<Arc<Surface>>> {
    block.releases.iter().map(|release| stack.surface(release)).collect()
}

/// What the charts of a block do with each fact that there can be while the block is active.
fn rows(stack: &Stack, block: &Helm, surfaces: &[Arc<Surface>]) -> Vec<FactRow> {
    let sayings = sayings(surfaces);
    let mut seen: BTreeSet<FactPath> = BTreeSet::new();
    let mut rows = Vec::new();
    let all = stack.workloads.iter().filter(|workload| active(stack, &block.when, &workload.guards));
    for said in all.flat_map(|workload| facts(stack, &workload.node, &block.when)) {
        let Some(first) = said.names.first() else { continue };
        if !seen.insert(first.clone()) {
            continue;
        }
        let (fact, cell) = cell(&said.names, surfaces, &sayings);
        rows.push(FactRow { fact, kind: said.kind, span: said.span, cell });
    }
    rows
}

/// What says each fact: the part, and the key where it is one.
type Sayings<'s> = BTreeMap<&'s FactPath, Vec<(&'s str, Option<(&'s Surface, u32)>)>>;

fn sayings(surfaces: &[Arc<Surface>]) -> Sayings<'_> {
    let mut all = Sayings::new();
    for surface in surfaces {
        for (number, key) in surface.keys.iter().enumerate() {
            for carry in &key.carries {
                all.entry(&carry.fact).or_default().push((&carry.part, Some((&**surface, number as u32))));
            }
        }
        for fixed in &surface.fixed {
            all.entry(&fixed.fact.fact).or_default().push((&fixed.fact.part, None));
        }
    }
    all
}

/// What charts do with the fact of these names, and the name that they say.
fn cell(names: &[FactPath], surfaces: &[Arc<Surface>], sayings: &Sayings<'_>) -> (FactPath, FactCell) {
    let mut fixed = None;
    for name in names {
        let said = sayings.get(name).map_or(&[][..], Vec::as_slice);
        let parts: Vec<&str> = said.iter().map(|(part, _)| *part).collect();
        let keys: Vec<String> =
            said.iter().filter_map(|(_, key)| key.map(|(surface, number)| surface.path_of(number))).collect();
        if !is_whole(&parts) {
            continue;
        }
        if !keys.is_empty() {
            return (name.clone(), FactCell::Carried(keys));
        }
        fixed = fixed.or_else(|| Some(name.clone()));
    }
    if let Some(name) = fixed {
        return (name, FactCell::Fixed);
    }
    let unsaid =
        |name: &FactPath| surfaces.iter().flat_map(|surface| &surface.unsaid).find(|unsaid| unsaid.covers(name));
    match names.iter().find_map(|name| Some((name, unsaid(name)?))) {
        Some((name, unsaid)) => (name.clone(), FactCell::Unsaid(unsaid.because.clone())),
        None => (names[0].clone(), FactCell::Hole),
    }
}

/// Whether these parts together say a whole fact.
fn is_whole(parts: &[&str]) -> bool {
    const PAIRS: &[&[&str]] =
        &[&["name", "key"], &["repository", "version"], &["repository", "tag"], &["host", "port"]];
    let has = |part: &&str| parts.contains(part);
    match parts {
        [] => false,
        _ if parts.iter().any(|part| !PAIRS.iter().any(|pair| pair.contains(part)) && *part != "registry") => true,
        _ => PAIRS.iter().any(|pair| pair.iter().all(has)),
    }
}

/// Reports facts in a surface that no workload of the stack has.
fn impossible(stack: &Stack, surface: &Surface, diags: &mut Diags) {
    let all: Vec<Said> = stack.workloads.iter().flat_map(|workload| facts(stack, &workload.node, &[])).collect();
    let known: BTreeSet<&FactPath> = all.iter().flat_map(|said| &said.names).collect();
    let open = |fact: &FactPath| {
        let computed = |workload: &&Guarded<Workload>| text_of(&workload.node.name).as_deref() == Some(&fact.workload);
        // A secret in a file adds a mounted file, and names of variables may be computed.
        fact.kind == Kind::Setting
            || fact.kind == Kind::File
            || stack.workloads.iter().filter(computed).any(|workload| has_computed(&workload.node, fact.kind))
    };
    let mut report = |span: Span, fact: &FactPath| {
        diags.push(
            codes::IMPOSSIBLE_FACT
                .at(span, format!("no workload of the stack has `{fact}`"))
                .hint("correct the fact, or say it of the workload too"),
        );
    };
    let has = |carry: &Carry| known.contains(&carry.fact) || open(&carry.fact);
    for key in &surface.keys {
        key.carries.iter().filter(|carry| !has(carry)).for_each(|carry| report(key.span, &carry.fact));
    }
    for fixed in surface.fixed.iter().filter(|fixed| !has(&fixed.fact)) {
        report(fixed.span, &fixed.fact.fact);
    }
    for unsaid in &surface.unsaid {
        for fact in &unsaid.facts {
            let one = schema::Unsaid { facts: vec![fact.clone()], ..unsaid.clone() };
            if !open(fact) && !known.iter().any(|known| one.covers(known)) {
                report(unsaid.span, fact);
            }
        }
    }
}

fn has_computed(workload: &Workload, kind: Kind) -> bool {
    let all = workload.facts.iter().chain(workload.overrides.iter().flat_map(|over| &over.facts));
    all.map(|guarded| &guarded.node.kind).filter(|fact| fact.kind() == kind).any(|fact| match fact {
        FactKind::Env { name, .. } | FactKind::EnvTree { name, .. } => text_of(name).is_none(),
        FactKind::Tmpfs(paths) => paths.iter().any(|path| text_of(path).is_none()),
        _ => false,
    })
}

/// A fact under all its names.
struct Said {
    names: Vec<FactPath>,
    kind: &'static str,
    span: Span,
}

/// Whether the conditions around something can be true while a Helm block is active.
fn active(stack: &Stack, block: &[Expr], guards: &[Guard]) -> bool {
    let around = guards.iter().filter_map(|guard| match guard {
        Guard::When(condition) => Some(condition),
        Guard::Each(_) => None,
    });
    let conditions: Vec<&Expr> = block.iter().chain(around).collect();
    block.is_empty() || together(stack, &conditions)
}

/// The facts that a workload may have in Helm's view, where these conditions hold.
fn facts(stack: &Stack, workload: &Workload, when: &[Expr]) -> Vec<Said> {
    let Some(name) = text_of(&workload.name) else { return Vec::new() };
    let mut list = List { stack, workload: name.into(), facts: Vec::new() };
    if workload.role != Role::Init {
        list.push(Kind::Role, "", "", "role", workload.span);
    }
    let own = workload.overrides.iter().filter(|over| over.targets.iter().any(|target| target.as_str() == "helm"));
    let own: Vec<&Guarded<Fact>> = own.flat_map(|over| &over.facts).collect();
    let key = |fact: &Fact| (fact.kind.kind(), key_of(&fact.kind));
    let replaced = |fact: &Fact| own.iter().any(|over| over.guards.is_empty() && key(&over.node) == key(fact));
    let kept = workload.facts.iter().filter(|guarded| !replaced(&guarded.node));
    for guarded in kept.chain(own.iter().copied()).filter(|guarded| active(stack, when, &guarded.guards)) {
        list.fact(&guarded.node);
    }
    list.facts
}

/// The key of a fact, as far as it is fixed.
fn key_of(fact: &FactKind) -> String {
    match fact {
        FactKind::Env { name, .. } | FactKind::EnvTree { name, .. } => text_of(name).unwrap_or_default(),
        FactKind::Port { name, .. } | FactKind::Volume { name, .. } => text_of(name).unwrap_or_default(),
        FactKind::Route { port, .. } => port.to_string(),
        FactKind::Health(health) => health.kind.word().to_owned(),
        FactKind::File { path, .. } => text_of(path).unwrap_or_default(),
        _ => String::new(),
    }
}

struct List<'a> {
    stack: &'a Stack,
    workload: SmolStr,
    facts: Vec<Said>,
}

impl List<'_> {
    fn path(&self, kind: Kind, key: &str, field: &'static str) -> FactPath {
        FactPath { workload: self.workload.clone(), kind, key: key.into(), field }
    }

    fn push(&mut self, kind: Kind, key: &str, field: &'static str, counted: &'static str, span: Span) {
        let names = vec![self.path(kind, key, field)];
        self.facts.push(Said { names, kind: counted, span });
    }

    /// Fields that are said, of one kind.
    fn some(&mut self, kind: Kind, key: &str, counted: &'static str, span: Span, fields: &[(&'static str, bool)]) {
        for (field, said) in fields {
            if *said && kind.row().field(field).is_some_and(|row| row.helm) {
                self.push(kind, key, field, counted, span);
            }
        }
    }

    fn fact(&mut self, fact: &Fact) {
        let (span, kind) = (fact.span, fact.kind.kind());
        let key = key_of(&fact.kind);
        match &fact.kind {
            FactKind::Image { pull, .. } => self.some(kind, "", "image", span, &[("", true), ("pull", pull.is_some())]),
            FactKind::Replicas { max, .. } => {
                self.some(kind, "", "replicas", span, &[("", true), ("max", max.is_some())])
            }
            FactKind::Command(_) | FactKind::Args(_) => self.push(kind, "", "", "arg", span),
            FactKind::Schedule(_) => self.push(kind, "", "", "schedule", span),
            FactKind::Beside(_) => self.push(kind, "", "", "beside", span),
            FactKind::Env { also, value, .. } => self.variable(&key, also, value, span),
            FactKind::EnvTree { .. } if !key.is_empty() => self.push(kind, &key, "", "env", span),
            FactKind::Resources(found) => {
                let fields = [
                    ("requests.cpu", found.request_cpu.is_some()),
                    ("requests.memory", found.request_memory.is_some()),
                    ("limits.cpu", found.limit_cpu.is_some()),
                    ("limits.memory", found.limit_memory.is_some()),
                ];
                self.some(kind, "", "resource", span, &fields);
            }
            // names that a loop gives are known in an environment only
            FactKind::Port { .. } | FactKind::Volume { .. } if key.is_empty() => {}
            FactKind::Port { service, .. } => {
                self.some(kind, &key, "port", span, &[("", true), ("protocol", true), ("service", service.is_some())]);
            }
            FactKind::Health(health) => {
                let (http, tcp, exec) = match health.probe {
                    ProbeExpr::Http { .. } => (true, false, false),
                    ProbeExpr::Tcp { .. } => (false, true, false),
                    ProbeExpr::Exec { .. } => (false, false, true),
                };
                let fields = [
                    ("path", http),
                    ("port", http),
                    ("tcp", tcp),
                    ("exec", exec),
                    ("period", health.period.is_some()),
                    ("delay", health.delay.is_some()),
                    ("timeout", health.timeout.is_some()),
                    ("failures", health.failures.is_some()),
                    ("start", health.start.is_some()),
                ];
                self.some(kind, &key, "health", span, &fields);
            }
            FactKind::Volume { of, size, class, .. } => {
                self.push(kind, &key, "", "mount", span);
                self.some(kind, &key, "mount", span, &[("of", of.is_some())]);
                self.some(kind, &key, "volume", span, &[("size", size.is_some()), ("class", class.is_some())]);
            }
            FactKind::Tmpfs(paths) => {
                for path in paths.iter().filter_map(text_of) {
                    self.push(kind, &path, "", "mount", span);
                }
            }
            FactKind::File { .. } if !key.is_empty() => self.push(kind, &key, "", "file", span),
            FactKind::Security { user, group, read_only_root, drop, escalation } => {
                let fields = [
                    ("user", user.is_some()),
                    ("group", group.is_some()),
                    ("read-only-root", read_only_root.is_some()),
                    ("drop", drop.is_some()),
                    ("escalation", escalation.is_some()),
                ];
                self.some(kind, "", "security", span, &fields);
            }
            FactKind::Route { path, tls, .. } => {
                self.some(
                    kind,
                    &key,
                    "route",
                    span,
                    &[("hosts", true), ("path", path.is_some()), ("tls", tls.is_some())],
                );
            }
            FactKind::Needs { .. } | FactKind::Profile(_) | FactKind::EnvTree { .. } | FactKind::File { .. } => {}
        }
    }

    fn variable(&mut self, key: &str, also: &[SmolStr], value: &Expr, span: Span) {
        if key.is_empty() {
            return;
        }
        let names = std::iter::once(key).chain(also.iter().map(AsRef::as_ref));
        let names = names.map(|name| self.path(Kind::Env, name, "")).collect();
        self.facts.push(Said { names, kind: counted(self.stack, value), span });
    }
}

/// What a variable counts as.
fn counted(stack: &Stack, value: &Expr) -> &'static str {
    let others = || expr::references(value).filter_map(|found| stack.other_at(found.place));
    if others().any(|other| {
        matches!(
            other,
            Other::Endpoint(_) | Other::EndpointHost(_) | Other::EndpointPort(..) | Other::EndpointField(..)
        )
    }) {
        return "link";
    }
    let secret = |found: &expr::Ref| {
        let of = stack.setting_at(found.place).map(|id| &stack.setting(id).kind);
        matches!(of, Some(schema::Kind::Scalar(name)) if name.as_str() == "secret")
    };
    let literal = matches!(&value.kind, expr::Kind::Literal(Value::Secret(_)));
    if literal || matches!(&value.kind, expr::Kind::Ref(found) if secret(found)) { "secret" } else { "env" }
}

/// The text of an expression that is constant, of its own.
fn text_of(expr: &Expr) -> Option<String> {
    expr::constant_text(expr).map(ToString::to_string)
}

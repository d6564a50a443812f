//! Workloads: which facts each has, under which conditions.
//!
//! In: `workload` nodes. Out: [`Workload`]s with their guards and overrides.
//! Never: what a fact is in a target.
//! Invariants: an unconditional fact of which a workload has one stands once; a port that is named is declared.

use crate::{
    diag::{codes, nearest},
    expr::{Expr, Kind as ExprKind},
    pack::Lazy,
    plan::{HealthKind, Role},
    schema::{
        Fact, FactKind, FactOverride, Guarded, ProbeExpr, Workload,
        body::{Item, guarded},
        build::Builder,
        shape::Shape,
    },
};

impl<'d> Builder<'d> {
    pub(super) fn workload(&self, item: &Item<'d>) -> Option<Guarded<Workload>> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when", "role", "stateful"], children: true });
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        const ROLES: &[(&str, Role)] =
            &[("service", Role::Service), ("job", Role::Job), ("cron", Role::Cron), ("init", Role::Init)];
        let role = node.property("role").map_or(Some(Role::Service), |entry| self.one_of(entry, ROLES))?;
        let stateful = node.property("stateful").is_some_and(|entry| self.flag(entry));
        let items = self.items_of(&node.children, &[], &item.scope);
        let mut workload =
            Workload { name, span: node.name.span, role, stateful, facts: Lazy::default(), overrides: Vec::new() };
        for inner in &items {
            if inner.node.name.text == "override" {
                workload.overrides.extend(self.fact_override(inner));
            } else {
                self.facts(inner, &mut workload.facts);
            }
        }
        self.facts_once(&workload.facts);
        self.scheduled(&workload, &items);
        let has_image =
            |facts: &[Guarded<Fact>]| facts.iter().any(|fact| matches!(fact.node.kind, FactKind::Image { .. }));
        if !has_image(&workload.facts) && !items.iter().any(|inner| inner.node.name.text == "image") {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "a workload needs an `image`")
                    .hint("add `image \"repository:tag\"`"),
            );
        }
        self.declared_ports(&workload);
        Some(guarded(&self.guards(item), workload))
    }

    /// Health checks and routes name ports that the workload declares.
    fn declared_ports(&self, workload: &Workload) {
        let facts = || workload.facts.iter().chain(workload.overrides.iter().flat_map(|over| &over.facts));
        let declared: Vec<String> = facts()
            .filter_map(|fact| if let FactKind::Port { name, .. } = &fact.node.kind { constant(name) } else { None })
            .collect();
        for fact in facts() {
            let constant_of = |port: &Expr| constant(port).unwrap_or_default();
            let port = match &fact.node.kind {
                FactKind::Health(health) => match &health.probe {
                    ProbeExpr::Http { port, .. } | ProbeExpr::Tcp { port } => constant_of(port),
                    ProbeExpr::Exec { .. } => continue,
                },
                FactKind::Route { port, .. } => port.to_string(),
                _ => continue,
            };
            if !port.is_empty() && !declared.contains(&port) {
                let near =
                    nearest(&port, declared.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNDECLARED_PORT
                        .at(
                            fact.node.span,
                            format!("this names the port `{port}`, which the workload does not declare"),
                        )
                        .hint(near.unwrap_or_else(|| format!("add `port \"{port}\" NUMBER`"))),
                );
            }
        }
    }

    /// Reports a fact that is said twice, both times always.
    fn facts_once(&self, facts: &[Guarded<Fact>]) {
        let mut seen: Vec<(String, crate::source::Span)> = Vec::new();
        for fact in facts.iter().filter(|fact| fact.guards.is_empty()) {
            let Some(key) = key_of(&fact.node.kind) else { continue };
            match seen.iter().find(|(other, _)| *other == key) {
                Some((_, first)) => self.declared_twice(fact.node.span, &key, *first),
                None => seen.push((key, fact.node.span)),
            }
        }
    }

    /// A cron job has a schedule, nothing else has one.
    fn scheduled(&self, workload: &Workload, items: &[Item<'d>]) {
        let schedule = items.iter().map(|item| item.node).find(|node| node.name.text == "schedule");
        match (schedule, workload.role == Role::Cron) {
            (None, true) => self.report(
                codes::MISSING_PROPERTY
                    .at(workload.span, "a cron job needs a `schedule`")
                    .hint("add `schedule \"0 2 * * *\"`"),
            ),
            (Some(node), false) => self.report(
                codes::CONTRADICTION
                    .at(node.name.span, "only a cron job has a schedule")
                    .label(workload.span, "this is none")
                    .hint("write `role=\"cron\"` behind the workload's name, or delete the schedule"),
            ),
            _ => {}
        }
    }

    fn fact_override(&self, item: &Item<'d>) -> Option<FactOverride> {
        let node = item.node;
        self.shape(node, Shape { arguments: Shape::MANY, properties: &["because"], children: true });
        let because = self.because(node);
        let targets = self.override_targets(node);
        if node.children.is_empty() {
            self.empty(node.span, "the `override` changes nothing", "write facts in it, or delete it");
        }
        let items = self.items_of(&node.children, &item.guards, &item.scope);
        let mut facts = Vec::new();
        for inner in &items {
            self.facts(inner, &mut facts);
        }
        self.facts_once(&facts);
        Some(FactOverride { targets, because: because?, span: node.name.span, facts })
    }

    /// The facts that one node of a workload says.
    fn facts(&self, item: &Item<'d>, out: &mut Vec<Guarded<Fact>>) {
        let node = item.node;
        self.no_annotation(node);
        let Some(row) = FACTS.iter().find(|row| row.name == node.name.text) else {
            let known: Vec<&str> = FACTS.iter().map(|row| row.name).chain(["override"]).collect();
            return self.unknown_node(node, &known, "a workload");
        };
        if node.annotation.is_some() {
            return;
        }
        if node.name.text == "env" {
            return self.env(item, out);
        }
        self.entries(node, Shape { arguments: row.arguments, properties: row.properties, children: row.children });
        let guards = self.guards(item);
        if row.arguments > 0 && node.arguments().next().is_none() && node.children.is_empty() {
            self.report(
                codes::ONE_VALUE
                    .at(node.span, format!("`{}` is given no value", node.name.text))
                    .hint(format!("write `{}`", row.example)),
            );
            return;
        }
        let kind = match node.name.text.as_str() {
            "args" => Some(FactKind::Args(self.args(item))),
            _ => self.fact(item),
        };
        if let Some(kind) = kind {
            out.push(guarded(&guards, Fact { span: node.name.span, kind }));
        }
    }
}

/// A node of a workload.
struct FactRow {
    name: &'static str,
    arguments: usize,
    properties: &'static [&'static str],
    children: bool,
    example: &'static str,
}

/// Nodes of a workload and what each may have.
const FACTS: &[FactRow] = &[
    row("image", 1, &["build", "pull", "when"], false, "image \"repository:tag\""),
    row("replicas", 1, &["max", "when"], false, "replicas 1"),
    row("command", Shape::MANY, &["when"], false, "command \"program\" \"argument\""),
    row("args", Shape::MANY, &["when"], true, "args \"--flag\""),
    row("schedule", 1, &["when"], false, "schedule \"0 2 * * *\""),
    row("env", 0, &[], true, "env NAME=\"value\""),
    row("resources", 1, &["when"], true, "resources { limits memory=\"256Mi\" }"),
    row("port", 2, &["service", "publish", "protocol", "when"], false, "port \"http\" 8080"),
    row("needs", Shape::MANY, &["until", "when"], false, "needs \"postgres\""),
    row("profile", 1, &["when"], false, "profile \"tools\""),
    row("beside", 1, &["when"], false, "beside \"web\""),
    row("health", 1, &["when"], true, "health \"readiness\" { exec \"program\" }"),
    row("volume", 1, &["at", "of", "size", "class", "when"], false, "volume \"data\" at=\"/data\""),
    row("tmpfs", Shape::MANY, &["when"], false, "tmpfs \"/tmp\""),
    row("file", 1, &["text", "config", "format", "when"], true, "file \"/etc/name\" text=\"…\""),
    row("security", 0, &["user", "group", "read-only-root", "drop", "escalation", "when"], false, "security user=1000"),
    row("route", 0, &["hosts", "path", "port", "tls", "when"], false, "route hosts=(ref)\"hosts\" port=\"http\""),
];

const fn row(
    name: &'static str,
    arguments: usize,
    properties: &'static [&'static str],
    children: bool,
    example: &'static str,
) -> FactRow {
    FactRow { name, arguments, properties, children, example }
}

/// A name or path that is not computed.
fn constant(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(value) => Some(crate::value::spell(value)),
        _ => None,
    }
}

/// What a fact is of which a workload has one; nothing for facts that add up, and for variables, where a later line wins.
fn key_of(kind: &FactKind) -> Option<String> {
    Some(match kind {
        FactKind::Image { .. } => "`image`".to_owned(),
        FactKind::Replicas { .. } => "`replicas`".to_owned(),
        FactKind::Command(_) => "`command`".to_owned(),
        FactKind::Schedule(_) => "`schedule`".to_owned(),
        FactKind::Resources(_) => "`resources`".to_owned(),
        FactKind::Profile(_) => "`profile`".to_owned(),
        FactKind::Beside(_) => "`beside`".to_owned(),
        FactKind::Port { name, .. } => format!("the port `{}`", constant(name)?),
        FactKind::Volume { name, .. } => format!("the volume `{}`", constant(name)?),
        FactKind::Health(health) => match health.kind {
            HealthKind::Liveness => "`health \"liveness\"`".to_owned(),
            HealthKind::Readiness => "`health \"readiness\"`".to_owned(),
            HealthKind::Startup => "`health \"startup\"`".to_owned(),
        },
        FactKind::File { path, .. } => format!("the file `{}`", constant(path)?),
        _ => return None,
    })
}

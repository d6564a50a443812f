//! Facts of a plan's workloads, as one target can say them.

use smol_str::SmolStr;

use super::{
    Delivery, Fact, Facts, Names, Place, State, View,
    sink::{Sink, place},
    text::{Marked, printed, tree},
    units,
};
use crate::{
    plan::{
        Config, File, FileContent, Health, HealthKind, Kind, Leaf, Port, Probe, Resources, Role, Route, Security, Tree,
        Until, Variable, Volume, Workload,
    },
    value::{Piece, Value},
};

/// The facts of workloads, in the words of the target whose names these are.
///
/// In Compose's view they are what a Compose file can say: no cron jobs, one health check (`readiness`), jobs and
/// inits alike, one copy of what keeps data.
#[must_use]
pub fn of_workloads(workloads: &[Workload], configs: &[Config], names: &Names) -> Facts {
    let size = |workload: &&Workload| 24 + workload.env.len() + 4 * workload.ports.len() + 2 * workload.files.len();
    let mut plan = Plan { workloads, configs, names, sink: Sink::default() };
    // In the order of facts, as what follows, so that little is left to sort.
    let mut sorted: Vec<&Workload> = workloads.iter().filter(|one| plan.runs(one)).collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    plan.sink = Sink::with_capacity(sorted.iter().map(size).sum());
    for workload in sorted {
        plan.sink.workload = workload.name.clone();
        plan.workload(workload);
    }
    plan.sink.finish()
}

/// A plan while its facts are collected.
struct Plan<'a> {
    workloads: &'a [Workload],
    configs: &'a [Config],
    names: &'a Names,
    sink: Sink,
}

/// What a needed workload must have reached, as facts say it.
fn until(until: Until) -> &'static str {
    match until {
        Until::Started => "started",
        Until::Healthy => "healthy",
        Until::Completed => "completed",
    }
}

impl Plan<'_> {
    fn compose(&self) -> bool {
        self.names.view == View::Compose
    }

    /// Whether the target runs a workload at all.
    fn runs(&self, workload: &Workload) -> bool {
        !self.compose() || workload.role != Role::Cron
    }

    fn workload(&mut self, workload: &Workload) {
        let at = Place { at: workload.at, ..Place::default() };
        if !self.names.all_end {
            self.sink.one(Kind::Role, "", Value::string(self.role(workload.role)), at);
        }
        self.image(workload);
        self.replicas(workload);
        self.list(Kind::Command, &workload.command);
        self.list(Kind::Args, &workload.args);
        let mut env: Vec<(&SmolStr, &Variable)> = workload.env.iter().collect();
        env.sort_unstable_by_key(|(name, _)| *name);
        for (name, variable) in env {
            self.variable(name, variable);
        }
        for port in &workload.ports {
            self.port(port);
        }
        for need in &workload.needs {
            let there = self.workloads.iter().any(|other| other.name == need.workload && self.runs(other));
            if there || !self.compose() {
                let place = Place { at: need.at, ..Place::default() };
                self.sink.put(Kind::Needs, &need.workload, "", Value::string(until(need.until)), place);
            }
        }
        self.health(&workload.health);
        for volume in &workload.volumes {
            self.volume(volume);
        }
        for leaf in &workload.tmpfs {
            let path = self.text(leaf);
            self.sink.put(Kind::Tmpfs, &path_text(&path).into(), "", Value::Bool(true), place(leaf));
        }
        for file in &workload.files {
            self.file(file);
        }
        self.resources(&workload.resources);
        self.security(&workload.security);
        self.scalar(Kind::Schedule, "", workload.schedule.as_ref());
        self.scalar(Kind::Profile, "", workload.profile.as_ref());
        for route in &workload.routes {
            self.route(route);
        }
        self.scalar(Kind::Beside, "", workload.beside.as_ref());
    }

    fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Service => "service",
            Role::Init if !self.compose() => "init",
            // Compose has one word for both.
            Role::Job | Role::Init => "job",
            Role::Cron => "cron",
        }
    }

    fn image(&mut self, workload: &Workload) {
        let value = match &workload.image.value {
            Value::Image(_) => workload.image.value.clone(),
            value => {
                let text = printed(value, self.names).text.into_owned();
                units::image(&text).unwrap_or_else(|| Value::string(text))
            }
        };
        self.sink.image(value, State::Set, place(&workload.image));
        if let Some(leaf) = &workload.build {
            let folder = build_folder(&self.text(leaf)).to_owned();
            self.sink.one(Kind::Image, "build", Value::string(folder), place(leaf));
        }
        self.scalar(Kind::Image, "pull", workload.pull.as_ref());
    }

    fn replicas(&mut self, workload: &Workload) {
        if let Some(leaf) = &workload.replicas {
            let once = self.compose() && workload.stateful;
            let count = if once { Value::Int(1) } else { leaf.value.clone() };
            self.sink.one(Kind::Replicas, "", count, place(leaf));
        }
        if let Some(leaf) = workload.max_replicas.as_ref().filter(|_| !self.compose()) {
            self.sink.one(Kind::Replicas, "max", leaf.value.clone(), place(leaf));
        }
    }

    /// A list of words, as one fact with the origins of all.
    fn list(&mut self, kind: Kind, words: &[Leaf]) {
        if words.is_empty() {
            return;
        }
        let (list, place) = self.words(words);
        self.sink.one(kind, "", list, place);
    }

    fn words(&self, words: &[Leaf]) -> (Value, Place) {
        let mut place = Place { at: words.first().map(|leaf| leaf.at).unwrap_or_default(), ..Place::default() };
        let marked: Vec<Marked<'_>> = words.iter().map(|leaf| printed(&leaf.value, self.names)).collect();
        for leaf in words {
            for origin in &leaf.origins {
                if !place.origins.contains(origin) {
                    place.origins.push(origin.clone());
                }
            }
        }
        (arguments(&marked, self.names), place)
    }

    fn variable(&mut self, name: &SmolStr, variable: &Variable) {
        let leaf = &variable.leaf;
        let (value, place) = match &variable.tree {
            Some((format, tree)) => {
                (self::tree(tree, *format, name, self.names), Place { origins: origins(tree), at: leaf.at, line: 0 })
            }
            None => (printed(&leaf.value, self.names).value(name, self.names), place(leaf)),
        };
        let delivery = if variable.file { Delivery::File } else { delivery(&value) };
        self.sink.push(Kind::Env, name, "", Fact { value, delivery, state: State::Set, place });
    }

    fn port(&mut self, port: &Port) {
        self.sink.put(Kind::Port, &port.name, "", port.number.value.clone(), place(&port.number));
        let at = Place { at: port.number.at, ..Place::default() };
        self.sink.put(Kind::Port, &port.name, "protocol", Value::String(port.protocol.clone()), at);
        if self.compose() {
            if let Some(leaf) = &port.publish {
                let number =
                    number(&leaf.value).unwrap_or_else(|| printed(&leaf.value, self.names).value("", self.names));
                self.sink.put(Kind::Port, &port.name, "publish", number, place(leaf));
            }
        } else if let Some(leaf) = &port.service {
            self.sink.put(Kind::Port, &port.name, "service", leaf.value.clone(), place(leaf));
        }
    }

    fn health(&mut self, checks: &[Health]) {
        if !self.compose() {
            for check in checks {
                self.check(check.kind, check, check.start.as_ref());
            }
            return;
        }
        // Compose runs one command: that for readiness, or else for liveness, or else for the start.
        let of = |kind| checks.iter().find(move |check| check.kind == kind);
        let is_command = |check: &&Health| matches!(check.probe, Probe::Exec { .. });
        let kinds = [HealthKind::Readiness, HealthKind::Liveness, HealthKind::Startup];
        if let Some(check) = kinds.into_iter().find_map(|kind| of(kind).filter(is_command)) {
            let startup = of(HealthKind::Startup);
            let start = check.start.as_ref().or(startup.and_then(|startup| startup.start.as_ref()));
            let start = start.cloned().or_else(|| startup.and_then(startup_time)).or_else(|| check.delay.clone());
            self.check(HealthKind::Readiness, check, start.as_ref());
        }
    }

    fn check(&mut self, kind: HealthKind, check: &Health, start: Option<&Leaf>) {
        let key: SmolStr = kind.word().into();
        let at = Place { at: check.at, ..Place::default() };
        match &check.probe {
            Probe::Http { path, port } => {
                let value = printed(&path.value, self.names).value("", self.names);
                self.sink.put(Kind::Health, &key, "path", value, place(path));
                self.sink.put(Kind::Health, &key, "port", Value::String(port.clone()), at);
            }
            Probe::Tcp { port } if port.is_empty() => return,
            Probe::Tcp { port } => self.sink.put(Kind::Health, &key, "tcp", Value::String(port.clone()), at),
            Probe::Exec { argv } => {
                let (list, place) = self.words(argv);
                self.sink.put(Kind::Health, &key, "exec", list, Place { at: check.at, ..place });
            }
        }
        let delay = check.delay.as_ref().filter(|_| !self.compose());
        let timings = [("period", check.period.as_ref()), ("delay", delay), ("timeout", check.timeout.as_ref())];
        for (field, leaf) in timings.into_iter().chain([("failures", check.failures.as_ref()), ("start", start)]) {
            if let Some(leaf) = leaf {
                self.sink.put(Kind::Health, &key, field, leaf.value.clone(), place(leaf));
            }
        }
    }

    fn volume(&mut self, volume: &Volume) {
        let path = path_text(&self.text(&volume.at)).to_owned();
        self.sink.put(Kind::Volume, &volume.name, "", Value::string(path), place(&volume.at));
        if let Some(owner) = &volume.of {
            self.sink.put(Kind::Volume, &volume.name, "of", owner.value.clone(), place(owner));
        }
        if self.compose() {
            return;
        }
        for (field, leaf) in [("size", &volume.size), ("class", &volume.class)] {
            if let Some(leaf) = leaf {
                self.sink.put(Kind::Volume, &volume.name, field, leaf.value.clone(), place(leaf));
            }
        }
    }

    fn file(&mut self, file: &File) {
        let mut found = Place { at: file.at, ..Place::default() };
        let mut delivery = Delivery::Literal;
        let value = match &file.content {
            FileContent::Secret(secret) => {
                delivery = Delivery::Secret;
                Value::Secret(secret.clone())
            }
            FileContent::Text(leaf) => {
                found = place(leaf);
                printed(&leaf.value, self.names).value("", self.names)
            }
            FileContent::Tree(format, content) => {
                found.origins = origins(content);
                tree(content, *format, "", self.names)
            }
            FileContent::Config(name) => match self.configs.iter().find(|config| config.name == *name) {
                Some(config) => {
                    found.origins = origins(&config.tree);
                    tree(&config.tree, config.format, "", self.names)
                }
                None => return,
            },
        };
        let fact = Fact { value, delivery, state: State::Set, place: found };
        self.sink.push(Kind::File, &path_text(&file.path).into(), "", fact);
    }

    fn resources(&mut self, resources: &Resources) {
        let Resources { request_cpu, request_memory, limit_cpu, limit_memory } = resources;
        self.scalar(Kind::Resources, "limits.cpu", limit_cpu.as_ref());
        self.scalar(Kind::Resources, "limits.memory", limit_memory.as_ref());
        self.scalar(Kind::Resources, "requests.cpu", request_cpu.as_ref());
        self.scalar(Kind::Resources, "requests.memory", request_memory.as_ref());
    }

    fn security(&mut self, security: &Security) {
        let Security { user, group, read_only_root, drop, escalation } = security;
        if let Some(leaf) = drop {
            self.sink.one(Kind::Security, "drop", listed(&leaf.value), place(leaf));
        }
        // Compose has no word for what is so anyway.
        let escalation = escalation.as_ref().filter(|leaf| !self.compose() || leaf.value == Value::Bool(false));
        self.scalar(Kind::Security, "escalation", escalation);
        self.scalar(Kind::Security, "group", group.as_ref());
        self.scalar(Kind::Security, "read-only-root", read_only_root.as_ref());
        self.scalar(Kind::Security, "user", user.as_ref());
    }

    fn route(&mut self, route: &Route) {
        if self.compose() {
            return;
        }
        self.sink.put(Kind::Route, &route.port, "hosts", listed(&route.hosts.value), place(&route.hosts));
        for (field, leaf) in [("path", &route.path), ("tls", &route.tls)] {
            if let Some(leaf) = leaf {
                self.sink.put(Kind::Route, &route.port, field, leaf.value.clone(), place(leaf));
            }
        }
    }

    /// A fact that holds the value of a leaf; text as the target prints it.
    fn scalar(&mut self, kind: Kind, field: &'static str, leaf: Option<&Leaf>) {
        let Some(leaf) = leaf else { return };
        let value = match &leaf.value {
            value @ (Value::String(_) | Value::Text(_) | Value::Secret(_)) => {
                printed(value, self.names).value("", self.names)
            }
            value => value.clone(),
        };
        self.sink.one(kind, field, value, place(leaf));
    }

    fn text(&self, leaf: &Leaf) -> String {
        printed(&leaf.value, self.names).text.into_owned()
    }
}

/// The words of a command; what follows a flag is called like the flag.
pub(super) fn arguments(words: &[Marked<'_>], names: &Names) -> Value {
    let mut before = "";
    let mut list = Vec::with_capacity(words.len());
    for word in words {
        let name = match word.text.split_once('=') {
            Some((flag, _)) if flag.starts_with('-') => flag,
            _ if before.starts_with('-') => before,
            _ => "",
        };
        // A word is text, also where it holds JSON.
        list.push(word.word(name, names));
        before = &word.text;
    }
    Value::List(list)
}

/// How a value comes to a program, as far as the value tells.
pub(super) fn delivery(value: &Value) -> Delivery {
    let secret = match value {
        Value::Secret(_) => true,
        Value::Text(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Secret(_))),
        _ => false,
    };
    if secret { Delivery::Secret } else { Delivery::Literal }
}

/// A path without the slash at its end.
pub(super) fn path_text(path: &str) -> &str {
    let short = path.trim_end_matches('/');
    if short.is_empty() && !path.is_empty() { "/" } else { short }
}

/// A folder to build from, as seen from the root of the project.
pub(super) fn build_folder(folder: &str) -> &str {
    if folder.starts_with('/') || folder.contains("://") {
        return folder;
    }
    let below = folder.trim_start_matches("./").trim_end_matches('/');
    if below.is_empty() { "." } else { below }
}

/// A list; one value alone is a list of one.
fn listed(value: &Value) -> Value {
    match value {
        Value::List(_) => value.clone(),
        value => Value::List(vec![value.clone()]),
    }
}

fn number(value: &Value) -> Option<Value> {
    matches!(value, Value::Int(_)).then(|| value.clone())
}

/// How long a check for the start goes on.
fn startup_time(startup: &Health) -> Option<Leaf> {
    let (period, failures) = startup.period.as_ref().zip(startup.failures.as_ref())?;
    let (Value::Duration(each), Value::Int(times)) = (&period.value, &failures.value) else { return None };
    let length = each.saturating_mul(u64::try_from(*times).unwrap_or(0));
    let origins = period.origins.iter().chain(&failures.origins).cloned().collect();
    Some(Leaf { value: Value::Duration(length), origins, at: period.at })
}

/// The origins of all leaves of a tree.
fn origins(tree: &Tree) -> Vec<crate::plan::Origin> {
    let mut found = Vec::new();
    gather(tree, &mut found);
    found
}

fn gather(tree: &Tree, found: &mut Vec<crate::plan::Origin>) {
    match tree {
        Tree::Leaf(leaf) => {
            for origin in &leaf.origins {
                if !found.contains(origin) {
                    found.push(origin.clone());
                }
            }
        }
        Tree::Map(entries) => entries.values().for_each(|tree| gather(tree, found)),
        Tree::List(items) => items.iter().for_each(|tree| gather(tree, found)),
        Tree::Embedded(_, tree) => gather(tree, found),
    }
}

//! Where each target's part of a stack reads settings, and under which conditions.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::{
    expr::{self, Expr},
    plan::HealthKind,
    schema::{
        self, Fact, FactKind, FileExpr, FormatExpr, Guard, Guarded, Helm, Other, ProbeExpr, SettingId, Stack, TreeKey,
        TreeNode, TreeValue, Workload, is_named,
    },
    source::Span,
    value::Value,
};

/// A place that reads a setting.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Site {
    /// The setting.
    pub(super) setting: SettingId,
    /// The conditions around it.
    pub(super) guards: Vec<Expr>,
    /// Where.
    pub(super) span: Span,
    /// Whether only a mounted configuration file reads it, which is a target of its own.
    pub(super) mounted: bool,
    /// What of the target it becomes: a path of keys, after the release's name where there are several, or a workload
    /// and its fact; empty where it only decides.
    pub(super) says: SmolStr,
}

/// The sites of an expression, also through endpoints, facts and whole groups.
pub(super) fn of(stack: &Stack, expr: &Expr, guards: &[Expr], target: &str) -> Vec<Site> {
    let mut walk = Walk { guards: guards.to_vec(), ..Walk::new(stack, target) };
    walk.expr(expr);
    walk.sites
}

/// Where Compose reads: the facts that it can say, and the `compose` node.
pub(super) fn compose(stack: &Stack) -> Vec<Site> {
    let mut walk = Walk::new(stack, "compose");
    for guarded in &stack.workloads {
        walk.guarded(&guarded.guards, |walk| walk.workload(&guarded.node));
    }
    let compose = &stack.compose;
    for (key, expr) in [("name", &compose.project), ("ports.host_ip", &compose.bind), ("restart", &compose.restart)] {
        walk.below(key, |walk| walk.some([expr]));
    }
    walk.sites
}

/// Where a Helm block reads.
pub(super) fn helm(stack: &Stack, block: &Helm) -> Vec<Site> {
    let mut walk = Walk::new(stack, "helm");
    block.when.iter().for_each(|condition| walk.condition(condition));
    for required in &block.requires {
        walk.guarded(&required.guards, |_| {});
    }
    for made in &block.makes {
        walk.guarded(&made.guards, |walk| walk.deciding(|walk| walk.expr(&made.node)));
    }
    for release in &block.releases {
        walk.deciding(|walk| walk.tree(&release.names));
        if block.releases.len() > 1 {
            walk.path = format!("{} ", release.name);
        }
        walk.by = stack.surface(release).map(|surface| surface.naming()).unwrap_or_default();
        walk.tree(&release.values);
        walk.by.clear();
        walk.path.clear();
    }
    walk.sites
}

/// Where configuration files read.
pub(super) fn configs(stack: &Stack) -> Vec<Site> {
    let mut walk = Walk::new(stack, "toml");
    for config in &stack.configs {
        let before = walk.guards.len();
        config.when.iter().for_each(|condition| walk.condition(condition));
        walk.tree(&config.tree);
        walk.guards.truncate(before);
    }
    walk.sites
}

/// Where MCP servers read.
pub(super) fn mcp(stack: &Stack) -> Vec<Site> {
    let mut walk = Walk::new(stack, "mcp");
    for mcp in &stack.mcp {
        let before = walk.guards.len();
        mcp.when.iter().for_each(|condition| walk.condition(condition));
        mcp.clients.iter().for_each(|clients| walk.expr(clients));
        for guarded in &mcp.servers {
            walk.guarded(&guarded.guards, |walk| {
                let server = &guarded.node;
                walk.expr(&server.name);
                walk.below("command", |walk| server.command.iter().for_each(|expr| walk.expr(expr)));
                walk.below("url", |walk| walk.some([&server.url]));
                walk.below("headers", |walk| walk.tree(&server.headers));
                walk.below("environment", |walk| walk.tree(&server.environment));
            });
        }
        walk.guards.truncate(before);
    }
    walk.sites
}

/// Where objects beside the releases read.
pub(super) fn flux(stack: &Stack) -> Vec<Site> {
    let mut walk = Walk::new(stack, "helm");
    for guarded in stack.flux.iter().flat_map(|flux| &flux.objects) {
        walk.guarded(&guarded.guards, |walk| walk.tree(&guarded.node.tree));
    }
    walk.sites
}

struct Walk<'a> {
    stack: &'a Stack,
    target: &'a str,
    sites: Vec<Site>,
    guards: Vec<Expr>,
    /// Endpoints on the way, so that fields which lead in a circle end.
    endpoints: Vec<SmolStr>,
    mounted: bool,
    /// Whether the facts of workloads are on the way: a file that one mounts may print them all.
    printing: bool,
    /// What of the target is being said, as in [`Site::says`].
    path: String,
    /// Whether what is read only decides what is said.
    decides: bool,
    /// The keys by whose texts items of lists are known.
    by: BTreeSet<SmolStr>,
}

impl<'a> Walk<'a> {
    fn new(stack: &'a Stack, target: &'a str) -> Walk<'a> {
        Walk {
            stack,
            target,
            sites: Vec::new(),
            guards: Vec::new(),
            endpoints: Vec::new(),
            mounted: false,
            printing: false,
            path: String::new(),
            decides: false,
            by: BTreeSet::new(),
        }
    }

    fn site(&mut self, setting: SettingId, span: Span) {
        let says = if self.decides { "" } else { self.path.as_str() };
        self.sites.push(Site { setting, guards: self.guards.clone(), span, mounted: self.mounted, says: says.into() });
    }

    /// Walks what stands below a key.
    fn below(&mut self, key: &str, inner: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        if !self.path.is_empty() && !self.path.ends_with(' ') {
            self.path.push('.');
        }
        self.path.push_str(key);
        inner(self);
        self.path.truncate(before);
    }

    /// Walks an item of a list, under its name if it has one that is known.
    fn item(&mut self, value: &TreeValue) {
        let before = self.path.len();
        if let Some(name) = self.by.iter().find_map(|by| value.text_of(by)) {
            self.path.push_str(&format!("[{name}]"));
        }
        self.tree_value(value);
        self.path.truncate(before);
    }

    /// Walks what only decides.
    fn deciding(&mut self, inner: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.decides, true);
        inner(self);
        self.decides = outer;
    }

    fn setting(&mut self, id: SettingId, span: Span) {
        for setting in self.stack.read_by(id) {
            self.site(setting, span);
        }
    }

    /// A condition is read where it stands, and holds for what follows. So does each part of `a && b`: what it says of `b`
    /// is of no interest unless `a` holds, as if the two stood in one another.
    fn condition(&mut self, condition: &Expr) {
        for part in expr::conjuncts(condition) {
            self.deciding(|walk| walk.expr(part));
            self.guards.push(part.clone());
        }
    }

    fn guarded(&mut self, guards: &[Guard], inner: impl FnOnce(&mut Self)) {
        let before = self.guards.len();
        for guard in guards {
            match guard {
                Guard::When(condition) => self.condition(condition),
                Guard::Each(source) => self.each(source),
            }
        }
        inner(self);
        self.guards.truncate(before);
    }

    /// A loop reads the keys of a map, or the items of a list of values; over workloads, which of them run.
    fn each(&mut self, source: &expr::Ref) {
        if let Some(Other::Workloads) = self.stack.other_at(source.place) {
            self.each_workload(|walk, workload| walk.expr(&workload.name));
        }
        if let Some(id) = self.stack.setting_at(source.place) {
            self.site(id, source.span);
        }
    }

    fn each_workload(&mut self, read: impl Fn(&mut Self, &Workload)) {
        for guarded in &self.stack.workloads {
            self.guarded(&guarded.guards, |walk| read(walk, &guarded.node));
        }
    }

    /// Reads whole workloads, unless that is what led here.
    fn print(&mut self, read: impl FnOnce(&mut Self)) {
        if !std::mem::replace(&mut self.printing, true) {
            read(self);
            self.printing = false;
        }
    }

    fn expr(&mut self, expr: &Expr) {
        // That there is a value decides, and is not the value. That somebody else runs an endpoint is: who uses it has
        // the address.
        let is_value = |found: &&expr::Ref| {
            !self.decides || !self.is_scalar(found) || !expr::only_asks(expr, found) || self.is_address(found.place)
        };
        for found in expr::references(expr).filter(is_value).collect::<Vec<_>>() {
            // A map is gone through by its keys: what is read of its items stands beside it.
            match self.stack.setting_at(found.place) {
                Some(id) if self.is_map(id) && expr::only_loops(expr, found) => self.site(id, found.span),
                _ => self.reference(found),
            }
        }
    }

    /// Whether a setting is a map of items that have settings of their own.
    fn is_map(&self, id: SettingId) -> bool {
        let stack = self.stack;
        matches!(stack.setting(id).kind, schema::Kind::Map(item) if stack.setting(item).kind == schema::Kind::Group)
    }

    fn is_address(&self, place: expr::Place) -> bool {
        let endpoints = self.stack.endpoints.iter().filter_map(|endpoint| endpoint.node.external.as_ref());
        let mut addresses = endpoints.flat_map(|external| std::iter::once(&external.host).chain(&external.port));
        addresses.any(|address| expr::references(address).any(|found| found.place == place))
    }

    fn is_scalar(&self, found: &expr::Ref) -> bool {
        let id = self.stack.setting_at(found.place);
        id.is_some_and(|id| matches!(self.stack.setting(id).kind, schema::Kind::Scalar(_)))
    }

    fn reference(&mut self, found: &expr::Ref) {
        let stack = self.stack;
        if let Some(id) = stack.setting_at(found.place) {
            return self.setting(id, found.span);
        }
        match stack.other_at(found.place) {
            Some(Other::Endpoint(name) | Other::EndpointHost(name) | Other::EndpointPort(name, _)) => {
                self.endpoint(name, None);
            }
            Some(Other::EndpointField(name, field)) => self.endpoint(name, Some(field)),
            Some(Other::WorkloadFact(name, fact)) => {
                for workload in stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
                    for expr in crate::schema::fact_exprs(&workload.node, fact, self.target) {
                        self.expr(expr);
                    }
                }
            }
            Some(Other::EachWorkloadFact(fact)) => self.each_workload(|walk, workload| {
                for expr in crate::schema::fact_exprs(workload, fact, walk.target) {
                    walk.expr(expr);
                }
            }),
            Some(Other::Workloads | Other::EachWorkload) => self.print(|walk| walk.each_workload(Walk::workload)),
            Some(Other::Workload(name)) => self.print(|walk| {
                for guarded in stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
                    walk.guarded(&guarded.guards, |walk| walk.workload(&guarded.node));
                }
            }),
            _ => {}
        }
    }

    /// The settings behind an endpoint: who answers, and where.
    fn endpoint(&mut self, name: &SmolStr, field: Option<&SmolStr>) {
        if self.endpoints.contains(name) {
            return;
        }
        self.endpoints.push(name.clone());
        for guarded in self.stack.endpoints.iter().filter(|endpoint| is_named(&endpoint.node.name, name)) {
            self.guarded(&guarded.guards, |walk| {
                if let Some(external) = &guarded.node.external {
                    let before = walk.guards.len();
                    external.when.iter().for_each(|when| walk.condition(when));
                    walk.expr(&external.host);
                    external.port.iter().for_each(|port| walk.expr(port));
                    walk.guards.truncate(before);
                }
                if let Some(expr) = field.and_then(|field| guarded.node.fields.get(field)) {
                    walk.expr(expr);
                }
            });
        }
        for guarded in self.stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
            self.guarded(&guarded.guards, |_| {});
        }
        self.endpoints.pop();
    }

    fn tree(&mut self, nodes: &[TreeNode]) {
        for node in nodes {
            match node {
                TreeNode::When(condition, nodes) => {
                    let before = self.guards.len();
                    self.condition(condition);
                    self.tree(nodes);
                    self.guards.truncate(before);
                }
                TreeNode::Each(source, nodes) => {
                    self.each(source);
                    self.tree(nodes);
                }
                TreeNode::Item { value, .. } => self.item(value),
                TreeNode::Key { key: TreeKey::Fixed(key), value, .. } => {
                    self.below(key, |walk| walk.tree_value(value));
                }
                TreeNode::Key { key: TreeKey::Computed(key), value, .. } => self.below("*", |walk| {
                    walk.expr(key);
                    walk.tree_value(value);
                }),
            }
        }
    }

    fn tree_value(&mut self, value: &TreeValue) {
        match value {
            TreeValue::One(expr) => self.expr(expr),
            TreeValue::Many(exprs) => exprs.iter().for_each(|expr| self.expr(expr)),
            TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes) => self.tree(nodes),
        }
    }

    fn workload(&mut self, workload: &Workload) {
        self.expr(&workload.name);
        let target = self.target;
        let own = |targets: &[SmolStr]| targets.iter().any(|name| name.as_str() == target);
        let overrides: Vec<_> = workload.overrides.iter().filter(|over| own(&over.targets)).collect();
        let replaced: Vec<Key> = overrides
            .iter()
            .flat_map(|over| &over.facts)
            .filter(|fact| fact.guards.is_empty())
            .map(|fact| key(&fact.node))
            .collect();
        let kept = workload.facts.iter().filter(|fact| !replaced.contains(&key(&fact.node)));
        let all: Vec<&Guarded<Fact>> = kept.chain(overrides.iter().flat_map(|over| &over.facts)).collect();
        let name = fixed(&workload.name).unwrap_or_else(|| "*".to_owned());
        for fact in all {
            let Key(kind, key) = key(&fact.node);
            let path = key.map_or_else(|| format!("{name} {kind}"), |key| format!("{name} {kind}[{key}]"));
            let outer = std::mem::replace(&mut self.path, path);
            // what keeps data runs once in Compose, whatever is set
            if target == "compose" && workload.stateful && matches!(fact.node.kind, FactKind::Replicas { .. }) {
                self.guarded(&fact.guards, |_| {});
            } else {
                self.fact_guarded(fact);
            }
            self.path = outer;
        }
    }

    fn fact_guarded(&mut self, fact: &Guarded<Fact>) {
        // Conditions around a fact that this target cannot say are not read by it either.
        if self.target == "compose" && matches!(fact.node.kind, FactKind::Route { .. }) {
            return;
        }
        self.guarded(&fact.guards, |walk| walk.fact(&fact.node));
    }

    fn says(&self, what: &str) -> bool {
        crate::schema::says(self.target, what)
    }

    fn some<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Option<Expr>>) {
        exprs.into_iter().flatten().for_each(|expr| self.expr(expr));
    }

    fn fact(&mut self, fact: &Fact) {
        match &fact.kind {
            FactKind::Image { image, build, pull } => {
                self.expr(image);
                self.some([pull]);
                if self.says("image.build") {
                    self.some([build]);
                }
            }
            FactKind::Replicas { count, max } => {
                self.expr(count);
                if self.says("replicas.max") {
                    self.some([max]);
                }
            }
            FactKind::Command(exprs) | FactKind::Tmpfs(exprs) => exprs.iter().for_each(|expr| self.expr(expr)),
            FactKind::Args(args) => {
                for guarded in args {
                    self.guarded(&guarded.guards, |walk| walk.expr(&guarded.node));
                }
            }
            FactKind::Schedule(expr) | FactKind::Beside(expr) => self.expr(expr),
            FactKind::Profile(expr) => {
                if self.says("profile") {
                    self.expr(expr);
                }
            }
            FactKind::Env { name, value, .. } => {
                self.expr(name);
                self.expr(value);
            }
            FactKind::EnvTree { name, tree, .. } => {
                self.expr(name);
                self.tree(tree);
            }
            FactKind::Resources(found) => {
                self.some([&found.request_cpu, &found.request_memory, &found.limit_cpu, &found.limit_memory]);
            }
            FactKind::Port { name, number, service, publish, .. } => {
                self.expr(name);
                self.expr(number);
                if self.says("port.publish") {
                    self.some([publish]);
                }
                if self.says("port.service") {
                    self.some([service]);
                }
            }
            FactKind::Needs { names, .. } => names.iter().for_each(|name| self.need(name)),
            FactKind::Health(health) => {
                // Compose checks by a command, and has one check; the others are replaced or refused.
                let exec = matches!(health.probe, ProbeExpr::Exec { .. });
                if self.target == "compose" && !(exec && health.kind == HealthKind::Readiness) {
                    return;
                }
                match &health.probe {
                    ProbeExpr::Http { path, port } => [path, port].into_iter().for_each(|expr| self.expr(expr)),
                    ProbeExpr::Tcp { port } => self.expr(port),
                    ProbeExpr::Exec { argv } => argv.iter().for_each(|expr| self.expr(expr)),
                }
                self.some([&health.period, &health.delay, &health.timeout, &health.failures, &health.start]);
            }
            FactKind::Volume { name, at, of, size, class } => {
                self.expr(name);
                self.expr(at);
                self.some([of]);
                if self.says("volume.size") {
                    self.some([size, class]);
                }
            }
            FactKind::File { path, content } => {
                self.expr(path);
                match content {
                    FileExpr::Text(expr) => self.expr(expr),
                    FileExpr::Tree(format, tree) => {
                        if let FormatExpr::Computed(expr) = format {
                            self.expr(expr);
                        }
                        self.tree(tree);
                    }
                    FileExpr::Config(name) => {
                        let outer = std::mem::replace(&mut self.mounted, true);
                        for config in self.stack.configs.iter().filter(|config| config.name == *name) {
                            self.tree(&config.tree);
                        }
                        self.mounted = outer;
                    }
                }
            }
            FactKind::Security { user, group, read_only_root, drop, escalation } => {
                self.some([user, group, read_only_root, drop, escalation]);
            }
            FactKind::Route { hosts, path, tls, .. } => {
                self.expr(hosts);
                self.some([path, tls]);
            }
        }
    }

    /// A fixed name that is needed: whether its workload runs is read.
    fn need(&mut self, name: &Expr) {
        self.expr(name);
        if let expr::Kind::Literal(Value::String(name)) = &name.kind {
            for guarded in self.stack.workloads.iter().filter(|workload| is_named(&workload.node.name, name)) {
                self.guarded(&guarded.guards, |_| {});
            }
        }
    }
}

/// Kind and key of a fact, as far as they are fixed.
#[derive(PartialEq)]
struct Key(&'static str, Option<String>);

/// The text that an expression always is.
fn fixed(expr: &Expr) -> Option<String> {
    match &expr.kind {
        expr::Kind::Literal(Value::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

fn key(fact: &Fact) -> Key {
    match &fact.kind {
        FactKind::Image { .. } => Key("image", None),
        FactKind::Replicas { .. } => Key("replicas", None),
        FactKind::Command(_) => Key("command", None),
        FactKind::Args(_) => Key("args", None),
        FactKind::Schedule(_) => Key("schedule", None),
        FactKind::Env { name, .. } | FactKind::EnvTree { name, .. } => Key("env", fixed(name)),
        FactKind::Resources(_) => Key("resources", None),
        FactKind::Port { name, .. } => Key("port", fixed(name)),
        FactKind::Needs { .. } => Key("needs", None),
        FactKind::Profile(_) => Key("profile", None),
        FactKind::Beside(_) => Key("beside", None),
        FactKind::Health(health) => Key("health", Some(format!("{:?}", health.kind))),
        FactKind::Volume { name, .. } => Key("volume", fixed(name)),
        FactKind::Tmpfs(_) => Key("tmpfs", None),
        FactKind::File { path, .. } => Key("file", fixed(path)),
        FactKind::Security { .. } => Key("security", None),
        FactKind::Route { .. } => Key("route", None),
    }
}

//! Facts of workloads: what each node of a workload takes.
//!
//! In: a node whose shape was checked against the table in `workload`. Out: its [`FactKind`], as expressions.
//! Never: other facts of the workload.
//! Invariant: a fact without what it needs is reported, and does not come back.

use smol_str::SmolStr;

use crate::{
    diag::{codes, list_of, nearest},
    expr::{Expr, Form, Kind as ExprKind, Ref, Type},
    plan::{HealthKind, Until},
    schema::{
        Fact, FactKind, FileExpr, FormatExpr, Guarded, HealthExprs, Kind, ProbeExpr, ResourceExprs, SettingId,
        TreeNode, TreeValue,
        body::{Item, guarded},
        build::Builder,
        declare::string_of,
        names::Scope,
        shape::Shape,
        tree::{FORMATS, format_of},
    },
    syntax::{Entry, Node},
    value::Value,
};

/// Nodes of a `health` check.
const HEALTH: &[&str] = &["http", "tcp", "exec", "period", "delay", "timeout", "failures", "start", "timings"];

impl<'d> Builder<'d> {
    /// Texts that a program is started with: a value, or a list of them.
    pub(super) fn texts(&self, node: &Node, scope: &Scope) -> Vec<Expr> {
        node.arguments().filter_map(|entry| self.as_text(entry, scope)).collect()
    }

    /// A value that can be said as text, or a list of such.
    pub(super) fn as_text(&self, entry: &Entry, scope: &Scope) -> Option<Expr> {
        let (expr, of) = self.typed(entry, None, scope)?;
        let what = match &of {
            Type::Record(_) => "a group of settings",
            Type::Map(_) => "a map",
            Type::List(item) if matches!(**item, Type::Record(_) | Type::Map(_) | Type::List(_)) => "a list of groups",
            _ => return Some(expr),
        };
        self.report(
            codes::WRONG_KIND
                .at(entry.span, format!("this is {what}, wanted one value or a list of values"))
                .hint("name a setting in it"),
        );
        None
    }

    /// The name that is a node's first argument: a word, or in a loop the key that it is at.
    fn first_name(&self, node: &Node, scope: &Scope) -> Option<Expr> {
        let entry = node.arguments().next()?;
        if entry.annotation.is_some() {
            return self.value(entry, Some(&Self::scalar("string")), scope);
        }
        let name = self.plain(entry, &format!("the name of a `{}`", node.name.text))?;
        Some(crate::expr::constant(crate::value::Value::string(name), entry.span))
    }

    /// Checks a word that is written as such; a computed one is checked when it has a value.
    fn fixed_word(&self, node: &Node, property: &str, known: &[&str]) {
        let Some(entry) = node.property(property).filter(|entry| entry.annotation.is_none()) else { return };
        if let Some(word) = string_of(entry)
            && !known.contains(&word.as_str())
        {
            let near = nearest(&word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_WORD
                    .at(entry.span, format!("`{word}` is none of {}", known.join(", ")))
                    .maybe_hint(near),
            );
        }
    }

    pub(super) fn fact(&self, item: &Item<'d>) -> Option<FactKind> {
        let (node, scope) = (item.node, &item.scope);
        Some(match node.name.text.as_str() {
            "image" => {
                self.fixed_word(node, "pull", &["Always", "IfNotPresent", "Never"]);
                FactKind::Image {
                    image: self.argument(node, Some(&Self::scalar("image")), scope)?,
                    build: self.property(node, "build", "string", scope),
                    pull: self.property(node, "pull", "string", scope),
                }
            }
            "replicas" => FactKind::Replicas {
                count: self.argument(node, Some(&Self::scalar("int")), scope)?,
                max: self.property(node, "max", "int", scope),
            },
            "command" => FactKind::Command(self.texts(node, scope)),
            "schedule" => FactKind::Schedule(self.argument(node, Some(&Self::scalar("cron")), scope)?),
            "resources" => FactKind::Resources(self.resources(node, scope)?),
            "port" => self.port(node, scope)?,
            "needs" => {
                const UNTIL: &[(&str, Until)] =
                    &[("started", Until::Started), ("healthy", Until::Healthy), ("completed", Until::Completed)];
                FactKind::Needs {
                    names: self.needs(node, scope),
                    until: node.property("until").map_or(Some(Until::Started), |entry| self.one_of(entry, UNTIL))?,
                }
            }
            "profile" => FactKind::Profile(self.argument(node, Some(&Self::scalar("string")), scope)?),
            "beside" => FactKind::Beside(self.argument(node, Some(&Self::scalar("string")), scope)?),
            "health" => FactKind::Health(Box::new(self.health(node, scope)?)),
            "volume" => self.volume(node, scope)?,
            "tmpfs" => FactKind::Tmpfs(self.arguments(node, Some(&Self::scalar("path")), scope)),
            "file" => self.file(node, scope)?,
            "security" => self.security(node, scope),
            "route" => self.route(node, scope)?,
            _ => return None,
        })
    }

    fn port(&self, node: &Node, scope: &Scope) -> Option<FactKind> {
        let Some(entry) = node.arguments().nth(1) else {
            self.report(
                codes::ONE_VALUE.at(node.span, "a port has a name and a number").hint("write `port \"http\" 8080`"),
            );
            return None;
        };
        let name = self.first_name(node, scope);
        let number = self.value(entry, Some(&Self::scalar("port")), scope);
        self.fixed_word(node, "protocol", &["tcp", "udp"]);
        Some(FactKind::Port {
            name: name?,
            number: number?,
            service: self.property(node, "service", "port", scope),
            publish: self.property(node, "publish", "port", scope),
            protocol: self.word(node, "protocol").unwrap_or_else(|| "tcp".into()),
        })
    }

    fn volume(&self, node: &Node, scope: &Scope) -> Option<FactKind> {
        let name = self.first_name(node, scope);
        let size = self.property(node, "size", "memory", scope);
        let class = self.property(node, "class", "string", scope);
        let of = self.property(node, "of", "string", scope);
        let Some(at) = node.property("at") else {
            self.report(codes::MISSING_PROPERTY.at(node.name.span, "a volume needs `at=\"/path\"`"));
            return None;
        };
        let at = self.value(at, Some(&Self::scalar("path")), scope)?;
        Some(FactKind::Volume { name: name?, at, of, size, class })
    }

    fn security(&self, node: &Node, scope: &Scope) -> FactKind {
        if node.entries.is_empty() {
            self.empty(node.span, "`security` says nothing", "write `security user=1000`, or delete it");
        }
        FactKind::Security {
            user: self.property(node, "user", "int", scope),
            group: self.property(node, "group", "int", scope),
            read_only_root: self.property(node, "read-only-root", "bool", scope),
            drop: node.property("drop").and_then(|entry| match entry.annotation {
                Some(_) => self.as_text(entry, scope),
                None => self
                    .value(entry, Some(&Self::scalar("string")), scope)
                    .map(|expr| Expr { span: expr.span, kind: ExprKind::List(vec![expr]) }),
            }),
            escalation: self.property(node, "escalation", "bool", scope),
        }
    }

    fn route(&self, node: &Node, scope: &Scope) -> Option<FactKind> {
        let port = self.required_word(node, "port");
        let path = self.property(node, "path", "string", scope);
        let tls = self.property(node, "tls", "string", scope);
        let Some(hosts) = node.property("hosts") else {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "`route` needs `hosts=`")
                    .hint("write `hosts=(ref)\"…\"`, a list of hosts"),
            );
            return None;
        };
        Some(FactKind::Route { hosts: self.as_text(hosts, scope)?, path, port, tls })
    }

    fn needs(&self, node: &Node, scope: &Scope) -> Vec<Expr> {
        let mut names = Vec::new();
        for entry in node.arguments() {
            if entry.annotation.is_none()
                && let Some(name) = string_of(entry)
                && !self.endpoint_names.contains_key(name.as_str())
            {
                let known: Vec<&str> = self.endpoint_names.keys().map(AsRef::as_ref).collect();
                let hint = match nearest(&name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there is {}", list_of(&known)),
                };
                self.report(
                    codes::UNKNOWN_WORKLOAD
                        .at(entry.span, format!("there is no workload or endpoint `{name}`"))
                        .hint(hint),
                );
                continue;
            }
            names.extend(self.value(entry, None, scope));
        }
        names
    }

    pub(super) fn args(&self, item: &Item<'d>) -> Vec<Guarded<Expr>> {
        let mut args: Vec<Guarded<Expr>> =
            self.texts(item.node, &item.scope).into_iter().map(|expr| guarded(&[], expr)).collect();
        for inner in self.items_of(&item.node.children, &[], &item.scope) {
            if inner.node.name.text != "-" {
                self.unknown_node(inner.node, &["-"], "`args`");
                continue;
            }
            self.shape(inner.node, Shape { arguments: Shape::MANY, properties: &[], children: false });
            if inner.node.arguments().next().is_none() {
                self.report(
                    codes::ONE_VALUE
                        .at(inner.node.span, "this argument is given no value")
                        .hint("write `- \"--flag\"`"),
                );
            }
            args.extend(self.texts(inner.node, &inner.scope).into_iter().map(|expr| guarded(&inner.guards, expr)));
        }
        args
    }

    pub(super) fn env(&self, item: &Item<'d>, out: &mut Vec<Guarded<Fact>>) {
        let node = item.node;
        if let Some(entry) = node.arguments().next() {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, "`env` takes variables")
                    .hint("write `env NAME=\"…\"` or `env { NAME \"…\" }`"),
            );
        }
        for (name, entry) in node.properties() {
            if name.text == "when" {
                self.report(
                    codes::UNKNOWN_ATTRIBUTE
                        .at(name.span, "`env` does not know `when`")
                        .hint("write `(when)\"…\" { NAME \"…\" }` in its braces"),
                );
                continue;
            }
            self.variable_name(&name.text, name.span);
            if let Some(value) = self.as_text(entry, &item.scope) {
                let span = name.span;
                let name = crate::expr::constant(crate::value::Value::string(name.text.as_str()), name.span);
                out.push(guarded(
                    &item.guards,
                    Fact { span, kind: FactKind::Env { name, also: Vec::new(), file: false, value } },
                ));
            }
        }
        for inner in self.items_of(&node.children, &item.guards, &item.scope) {
            if let Some(kind) = self.variable(inner.node, &inner.scope) {
                out.push(guarded(&inner.guards, Fact { span: inner.node.name.span, kind }));
            }
        }
    }

    /// Refuses names that no program can ask for.
    fn variable_name(&self, name: &str, span: crate::source::Span) {
        if crate::value::why_no_variable(name).is_some() {
            self.report(
                codes::BAD_NAME
                    .at(span, format!("`{}` is no name for a variable", name.escape_debug()))
                    .underline("letters, digits and `_`"),
            );
        }
    }

    fn variable(&self, node: &'d Node, scope: &Scope) -> Option<FactKind> {
        let annotation = node.annotation.as_ref().map(|name| name.text.as_str());
        if let Some(format) = annotation.and_then(format_of) {
            let name = crate::expr::constant(crate::value::Value::string(node.name.text.as_str()), node.name.span);
            self.variable_name(&node.name.text, node.name.span);
            return Some(FactKind::EnvTree { name, format, tree: self.tree(node, scope) });
        }
        self.entries(node, Shape { arguments: 1, properties: &["also"], children: false });
        if matches!(annotation, None | Some("file")) {
            self.variable_name(&node.name.text, node.name.span);
        }
        let (name, file) = match annotation {
            None => {
                (crate::expr::constant(crate::value::Value::string(node.name.text.as_str()), node.name.span), false)
            }
            Some("file") => {
                (crate::expr::constant(crate::value::Value::string(node.name.text.as_str()), node.name.span), true)
            }
            Some(word @ ("ref" | "f")) => {
                let form = if word == "ref" { Form::Path } else { Form::Template };
                (self.compiled(&node.name.text, node.name.span, form, None, scope)?.0, false)
            }
            Some(word) => {
                self.report(codes::UNKNOWN_ANNOTATION.at(node.span, format!("`({word})` is no form of a variable")));
                return None;
            }
        };
        let also = self.word(node, "also").unwrap_or_default().split_whitespace().map(SmolStr::from).collect();
        let Some(entry) = node.arguments().next() else {
            self.report(codes::ONE_VALUE.at(node.span, format!("the variable `{}` is given no value", node.name.text)));
            return None;
        };
        let value = self.as_text(entry, scope)?;
        Some(FactKind::Env { name, also, file, value })
    }

    /// The fields of a record, as references, by their paths below it.
    fn record_fields(&self, entry: &Entry, scope: &Scope) -> Option<(SettingId, Ref)> {
        let (expr, of) = self.typed(entry, None, scope)?;
        match (expr.kind, of) {
            (ExprKind::Ref(found), Type::Record(place)) => self.setting_at(place).map(|id| (id, found)),
            _ => {
                self.report(codes::NOT_A_RECORD.at(entry.span, "this is no group of settings"));
                None
            }
        }
    }

    /// The field of a record that a node reads; a field of another type is reported at its declaration.
    fn field(&self, record: &(SettingId, Ref), path: &[&str], scalar: &str) -> Option<Expr> {
        let mut id = record.0;
        for word in path {
            id = *self.settings[id.index()].children.get(word)?;
        }
        let setting = &self.settings[id.index()];
        if setting.kind != Kind::Scalar(scalar.into()) {
            self.report(
                codes::NOT_A_RECORD
                    .at(record.1.span, format!("`{}` is no `{scalar}`", setting.path))
                    .label(setting.declarations[0].span, "declared here"),
            );
        }
        let found = Ref { place: id.place(), keys: record.1.keys.clone(), span: record.1.span };
        Some(Expr { kind: ExprKind::Ref(found), span: record.1.span })
    }

    fn resources(&self, node: &Node, scope: &Scope) -> Option<ResourceExprs> {
        if let Some(entry) = node.arguments().next() {
            let record = self.record_fields(entry, scope)?;
            let mut missing = Vec::new();
            if let Some(child) = node.children.first() {
                self.report(
                    codes::MIXED_TREE
                        .at(child.span, "`resources` names a record and says values of its own")
                        .hint("write either"),
                );
            }
            let mut field = |path: &[&str]| {
                let scalar = path[path.len() - 1];
                let found = self.field(&record, path, scalar);
                if found.is_none() {
                    missing.push(path.join("."));
                }
                found
            };
            let exprs = ResourceExprs {
                request_cpu: field(&["requests", "cpu"]),
                request_memory: field(&["requests", "memory"]),
                limit_cpu: field(&["limits", "cpu"]),
                limit_memory: field(&["limits", "memory"]),
            };
            if !missing.is_empty() {
                self.report(
                    codes::NOT_A_RECORD.at(entry.span, format!("these resources have no {}", missing.join(", "))),
                );
            }
            return Some(exprs);
        }
        let mut exprs = ResourceExprs::default();
        self.children_once(node, &["requests", "limits"]);
        for child in &node.children {
            self.shape(child, Shape { arguments: 0, properties: &["cpu", "memory"], children: false });
            let cpu = self.property(child, "cpu", "cpu", scope);
            let memory = self.property(child, "memory", "memory", scope);
            match child.name.text.as_str() {
                "requests" => (exprs.request_cpu, exprs.request_memory) = (cpu, memory),
                "limits" => (exprs.limit_cpu, exprs.limit_memory) = (cpu, memory),
                _ => self.unknown_node(child, &["requests", "limits"], "`resources`"),
            }
        }
        Some(exprs)
    }

    /// The name of the port that a check asks; in a loop it may be computed, as that of the port itself.
    fn probe_port(&self, node: &Node, scope: &Scope) -> Expr {
        let computed = node.property("port").filter(|entry| entry.annotation.is_some());
        computed.and_then(|entry| self.value(entry, Some(&Self::scalar("string")), scope)).unwrap_or_else(|| Expr {
            kind: ExprKind::Literal(Value::String(self.required_word(node, "port"))),
            span: node.property("port").map_or(node.name.span, |entry| entry.span),
        })
    }

    fn health(&self, node: &Node, scope: &Scope) -> Option<HealthExprs> {
        const KINDS: &[(&str, HealthKind)] = &[
            ("liveness", HealthKind::Liveness),
            ("readiness", HealthKind::Readiness),
            ("startup", HealthKind::Startup),
        ];
        const PROBES: &[&str] = &["http", "tcp", "exec"];
        let Some(first) = node.arguments().next() else {
            self.report(
                codes::ONE_VALUE.at(node.span, "`health` names its kind").hint("write `health \"readiness\" { … }`"),
            );
            return None;
        };
        let kind = self.one_of(first, KINDS)?;
        self.children_once(node, &["period", "delay", "timeout", "failures", "start", "timings"]);
        let mut probes = node.children.iter().filter(|child| PROBES.contains(&child.name.text.as_str()));
        if let (Some(first), Some(second)) = (probes.next(), probes.next()) {
            self.report(
                codes::CONTRADICTION
                    .at(second.name.span, "health is checked in one way")
                    .label(first.name.span, "first here")
                    .hint("delete one of the two"),
            );
        }
        let mut probe = None;
        let [mut period, mut delay, mut timeout, mut failures, mut start] = [None, None, None, None, None];
        let duration = Self::scalar("duration");
        let int = Self::scalar("int");
        for child in &node.children {
            let many = child.name.text == "exec";
            let arguments = if many { Shape::MANY } else { usize::from(child.name.text != "tcp") };
            let properties: &[&str] = if ["http", "tcp"].contains(&child.name.text.as_str()) { &["port"] } else { &[] };
            if HEALTH.contains(&child.name.text.as_str()) {
                self.shape(child, Shape { arguments, properties, children: false });
            }
            match child.name.text.as_str() {
                "http" => {
                    let path = self.argument(child, Some(&Self::scalar("string")), scope)?;
                    probe = Some(ProbeExpr::Http { path, port: self.probe_port(child, scope) });
                }
                "tcp" => probe = Some(ProbeExpr::Tcp { port: self.probe_port(child, scope) }),
                "exec" => {
                    if child.arguments().next().is_none() {
                        self.report(codes::ONE_VALUE.at(child.span, "`exec` names no command"));
                    }
                    probe = Some(ProbeExpr::Exec { argv: self.texts(child, scope) });
                }
                "period" => period = self.argument(child, Some(&duration), scope),
                "delay" => delay = self.argument(child, Some(&duration), scope),
                "timeout" => timeout = self.argument(child, Some(&duration), scope),
                "failures" => failures = self.argument(child, Some(&int), scope),
                "start" => start = self.argument(child, Some(&duration), scope),
                "timings" => {
                    let Some(entry) = child.arguments().next() else {
                        self.report(codes::ONE_VALUE.at(child.span, "`timings` names no record"));
                        continue;
                    };
                    let record = self.record_fields(entry, scope)?;
                    period = self.field(&record, &["period"], "duration").or(period);
                    delay = self.field(&record, &["delay"], "duration").or(delay);
                    timeout = self.field(&record, &["timeout"], "duration").or(timeout);
                    failures = self.field(&record, &["failures"], "int").or(failures);
                    start = self.field(&record, &["start"], "duration").or(start);
                    if period.is_none() {
                        self.report(codes::NOT_A_RECORD.at(child.span, "these timings have no `period`"));
                    }
                }
                _ => self.unknown_node(child, HEALTH, "`health`"),
            }
        }
        let Some(probe) = probe else {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "`health` does not say how it is checked")
                    .hint("add `http`, `tcp` or `exec`"),
            );
            return None;
        };
        Some(HealthExprs { kind, probe, period, delay, timeout, failures, start })
    }

    fn file(&self, node: &'d Node, scope: &Scope) -> Option<FactKind> {
        let path = self.argument(node, Some(&Self::scalar("string")), scope)?;
        if let ExprKind::Literal(crate::value::Value::String(text)) = &path.kind
            && !text.starts_with('/')
        {
            self.report(
                codes::BAD_PATH
                    .at(path.span, format!("`{text}` is not an absolute path"))
                    .hint(format!("write `/{text}`")),
            );
        }
        let mut ways = node.properties().filter(|(name, _)| ["text", "config", "format"].contains(&name.text.as_str()));
        if let (Some((first, _)), Some((second, _))) = (ways.next(), ways.next()) {
            self.report(
                codes::CONTRADICTION
                    .at(second.span, format!("`{}` and `{}` contradict each other", first.text, second.text))
                    .label(first.span, "first here")
                    .hint("a file is written in one way: delete one of the two"),
            );
        }
        if let (None, Some(child)) = (node.property("format"), node.children.first()) {
            self.report(
                codes::MISSING_PROPERTY
                    .at(child.span, "a file that is written as a tree needs `format=`")
                    .hint("write `format=\"toml\"` behind its path"),
            );
            return None;
        }
        let content = if let Some(entry) = node.property("config") {
            let name = self.plain(entry, "the name of a configuration")?;
            if !self.config_names.contains(name.as_str()) {
                let near = nearest(&name, self.config_names.iter().map(AsRef::as_ref));
                self.report(
                    codes::UNKNOWN_WORD
                        .at(entry.span, format!("there is no configuration `{name}`"))
                        .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
                );
            }
            FileExpr::Config(name.into())
        } else if let Some(entry) = node.property("text") {
            FileExpr::Text(self.value(entry, Some(&Self::scalar("string")), scope)?)
        } else {
            let Some(entry) = node.property("format") else {
                self.report(codes::MISSING_PROPERTY.at(node.name.span, "a file needs `text=`, `config=` or `format=`"));
                return None;
            };
            let format = match &entry.annotation {
                None => FormatExpr::Fixed(self.one_of(entry, FORMATS)?),
                Some(_) => FormatExpr::Computed(self.value(entry, Some(&Self::scalar("string")), scope)?),
            };
            if node.children.is_empty() {
                self.empty(node.span, "the file holds nothing", "write its keys in braces");
            }
            let nodes = match node.children.as_slice() {
                [only] if only.name.text == "content" && only.arguments().count() == 1 && only.annotation.is_none() => {
                    let value = self.argument(only, None, scope)?;
                    return Some(FactKind::File {
                        path,
                        content: FileExpr::Tree(
                            format,
                            vec![TreeNode::Item { value: TreeValue::One(value), span: only.span }],
                        ),
                    });
                }
                [only] if only.name.text == "content" && only.annotation.is_none() => {
                    self.tree_nodes(&only.children, scope)
                }
                _ => self.tree_nodes(&node.children, scope),
            };
            FileExpr::Tree(format, nodes)
        };
        Some(FactKind::File { path, content })
    }
}

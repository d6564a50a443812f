//! Endpoints, workloads and projections of a stack, as expressions.

use std::sync::Arc;

use crate::{
    diag::{codes, nearest},
    expr::{Expr, Form, Kind as ExprKind, Ref, Type},
    plan::{Format, HealthKind, Role, Until},
    schema::{
        Config, Endpoint, External, Fact, FactKind, FactOverride, FileExpr, FormatExpr, Guard, Guarded, HealthExprs,
        Helm, Keep, Mcp, ProbeExpr, Release, Requirement, ResourceExprs, Scope as TargetScope, Server, SettingId,
        Stack, TreeKey, TreeNode, TreeValue, Workload,
        build::Builder,
        declare::{Written, string_of},
        load::{Item, guarded},
        names::Scope,
    },
    syntax::{Entry, Literal, Node},
};

impl<'d> Builder<'d> {
    /// Reads everything but settings, presets and rules.
    pub(super) fn project(&self, bodies: &[&'d Node], stack: &mut Stack) {
        let mut items = Vec::new();
        for body in bodies {
            self.flatten(std::slice::from_ref(*body), &[], &Scope::default(), &mut items);
        }
        for item in &items {
            match item.node.name.text.as_str() {
                "endpoint" => stack.endpoints.extend(self.endpoint(item)),
                "workload" => stack.workloads.extend(self.workload(item)),
                "compose" => self.compose(item, stack),
                "config" => stack.configs.extend(self.config(item)),
                "mcp" => stack.mcp.extend(self.mcp(item)),
                "helm" => stack.helm.extend(self.helm(item)),
                _ => {}
            }
        }
    }

    fn scalar(name: &str) -> Type {
        Type::Scalar(name.into())
    }

    /// A property as an expression of a scalar type.
    fn property(&self, node: &Node, name: &str, of: &str, scope: &Scope) -> Option<Expr> {
        node.property(name).and_then(|entry| self.value(entry, Some(&Self::scalar(of)), scope))
    }

    /// The first argument as an expression.
    fn argument(&self, node: &Node, wanted: Option<&Type>, scope: &Scope) -> Option<Expr> {
        match node.arguments().next() {
            Some(entry) => self.value(entry, wanted, scope),
            None => {
                self.report(codes::ONE_VALUE.at(node.span, format!("`{}` is given no value", node.name.text)));
                None
            }
        }
    }

    fn arguments(&self, node: &Node, wanted: Option<&Type>, scope: &Scope) -> Vec<Expr> {
        node.arguments().filter_map(|entry| self.value(entry, wanted, scope)).collect()
    }

    fn word(&self, node: &Node, name: &str) -> Arc<str> {
        node.property(name).and_then(string_of).unwrap_or_default().into()
    }

    fn required_word(&self, node: &Node, name: &str) -> Arc<str> {
        let found = self.word(node, name);
        if found.is_empty() {
            self.report(
                codes::MISSING_PROPERTY.at(node.name.span, format!("`{}` needs `{name}=\"…\"`", node.name.text)),
            );
        }
        found
    }

    fn one_of<T: Copy>(&self, entry: &Entry, table: &[(&str, T)]) -> Option<T> {
        let word = string_of(entry).unwrap_or_default();
        if let Some((_, found)) = table.iter().find(|(name, _)| *name == word) {
            return Some(*found);
        }
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        let near = nearest(&word, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.report(
            codes::UNKNOWN_WORD.at(entry.span, format!("`{word}` is none of {}", names.join(", "))).maybe_hint(near),
        );
        None
    }

    /// Conditions of a node: the guards around it and its own `when=`.
    fn guards(&self, item: &Item<'d>) -> Vec<Guard> {
        let own = item.node.property("when").and_then(|entry| self.condition_text(Written::Entry(entry), &item.scope));
        item.guards.iter().cloned().chain(own.map(Guard::When)).collect()
    }

    fn conditions(&self, item: &Item<'d>) -> Vec<Expr> {
        let mut conditions = Vec::new();
        for guard in self.guards(item) {
            match guard {
                Guard::When(condition) => conditions.push(condition),
                Guard::Each(source) => {
                    self.report(
                        codes::NOT_IN_LOOP.at(source.span, format!("`{}` cannot stand in a loop", item.node.name.text)),
                    );
                }
            }
        }
        conditions
    }

    /// Compose and Helm have no scope: between them, a setting that is left out would be drift.
    fn refuse_scope(&self, node: &Node, target: &str) {
        self.report(
            codes::SCOPE_TARGET
                .at(node.name.span, format!("`scope` cannot stand in `{target}`, which accounts for every setting"))
                .hint(format!("write `absent \"{target}\" because=\"…\"` in the settings that it does not say")),
        );
    }

    fn unknown_node(&self, node: &Node, known: &[&str], place: &str) {
        let near = nearest(&node.name.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.report(
            codes::UNKNOWN_NODE
                .at(node.name.span, format!("`{}` means nothing in {place}", node.name.text))
                .maybe_hint(near),
        );
    }

    fn endpoint(&self, item: &Item<'d>) -> Option<Guarded<Endpoint>> {
        let node = item.node;
        self.only_properties(node, &["when"]);
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        let mut endpoint = Endpoint { name, span: node.name.span, external: None, fields: indexmap::IndexMap::new() };
        let field_scope = Scope { provider: true, ..item.scope.clone() };
        for child in &node.children {
            if child.name.text == "external" {
                self.only_properties(child, &["when", "host", "port"]);
                let when =
                    child.property("when").and_then(|entry| self.condition_text(Written::Entry(entry), &item.scope));
                let Some(host) = self.property(child, "host", "string", &item.scope) else {
                    self.report(codes::MISSING_PROPERTY.at(child.name.span, "`external` needs `host=`"));
                    continue;
                };
                let port = self.property(child, "port", "port", &item.scope);
                endpoint.external = Some(External { when, host, port, span: child.name.span });
            } else if let Some(value) = self.argument(child, None, &field_scope) {
                endpoint.fields.insert(child.name.text.as_str().into(), value);
            }
        }
        Some(guarded(&self.guards(item), endpoint))
    }

    fn workload(&self, item: &Item<'d>) -> Option<Guarded<Workload>> {
        let node = item.node;
        self.only_properties(node, &["when", "role", "stateful"]);
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        const ROLES: &[(&str, Role)] =
            &[("service", Role::Service), ("job", Role::Job), ("cron", Role::Cron), ("init", Role::Init)];
        let role = node.property("role").map_or(Some(Role::Service), |entry| self.one_of(entry, ROLES))?;
        let stateful = node.property("stateful").is_some_and(|entry| entry.value == Literal::Bool(true));
        let mut items = Vec::new();
        self.flatten(&node.children, &[], &item.scope, &mut items);
        let mut workload =
            Workload { name, span: node.name.span, role, stateful, facts: Vec::new(), overrides: Vec::new() };
        for inner in &items {
            if inner.node.name.text == "override" {
                workload.overrides.extend(self.fact_override(inner));
            } else {
                self.facts(inner, &mut workload.facts);
            }
        }
        let has_image =
            |facts: &[Guarded<Fact>]| facts.iter().any(|fact| matches!(fact.node.kind, FactKind::Image { .. }));
        if !has_image(&workload.facts) {
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
        let declared: Vec<&str> = facts()
            .filter_map(
                |fact| if let FactKind::Port { name, .. } = &fact.node.kind { Some(name.as_ref()) } else { None },
            )
            .collect();
        for fact in facts() {
            let port = match &fact.node.kind {
                FactKind::Health(health) => match &health.probe {
                    ProbeExpr::Http { port, .. } | ProbeExpr::Tcp { port } => port,
                    ProbeExpr::Exec { .. } => continue,
                },
                FactKind::Route { port, .. } => port,
                _ => continue,
            };
            if !port.is_empty() && !declared.contains(&port.as_ref()) {
                let near = nearest(port, declared.iter().copied()).map(|near| format!("did you mean `{near}`?"));
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

    fn fact_override(&self, item: &Item<'d>) -> Option<FactOverride> {
        let node = item.node;
        self.only_properties(node, &["because"]);
        let because = self.because(node);
        let targets: Vec<Arc<str>> = self.strings(node).into_iter().map(Into::into).collect();
        if targets.is_empty() {
            self.report(
                codes::NO_TARGET
                    .at(node.span, "`override` names no target")
                    .hint("write `override \"compose\" because=\"…\" { … }`"),
            );
        }
        let mut items = Vec::new();
        self.flatten(&node.children, &item.guards, &item.scope, &mut items);
        let mut facts = Vec::new();
        for inner in &items {
            self.facts(inner, &mut facts);
        }
        Some(FactOverride { targets, because: because?, span: node.name.span, facts })
    }

    /// The facts that one node of a workload says.
    fn facts(&self, item: &Item<'d>, out: &mut Vec<Guarded<Fact>>) {
        let node = item.node;
        let guards = self.guards(item);
        let known: Vec<&str> = FACTS.iter().map(|(name, _)| *name).collect();
        let Some((_, properties)) = FACTS.iter().find(|(name, _)| *name == node.name.text && node.annotation.is_none())
        else {
            return self.unknown_node(node, &known, "a workload");
        };
        if !["env", "resources"].contains(&node.name.text.as_str()) {
            self.only_properties(node, properties);
        }
        if node.name.text == "env" {
            return self.env(item, &guards, out);
        }
        if node.name.text == "args" {
            let kind = FactKind::Args(self.args(item));
            out.push(guarded(&guards, Fact { span: node.name.span, kind }));
            return;
        }
        if let Some(kind) = self.fact(item) {
            out.push(guarded(&guards, Fact { span: node.name.span, kind }));
        }
    }

    fn fact(&self, item: &Item<'d>) -> Option<FactKind> {
        let (node, scope) = (item.node, &item.scope);
        let text = Self::scalar("string");
        Some(match node.name.text.as_str() {
            "image" => FactKind::Image {
                image: self.argument(node, Some(&Self::scalar("image")), scope)?,
                build: self.property(node, "build", "string", scope),
                pull: self.property(node, "pull", "string", scope),
            },
            "replicas" => FactKind::Replicas {
                count: self.argument(node, Some(&Self::scalar("int")), scope)?,
                max: self.property(node, "max", "int", scope),
            },
            "command" => FactKind::Command(self.arguments(node, None, scope)),
            "schedule" => FactKind::Schedule(self.argument(node, Some(&Self::scalar("cron")), scope)?),
            "resources" => FactKind::Resources(self.resources(node, scope)?),
            "port" => FactKind::Port {
                name: node.arguments().next().and_then(string_of)?.into(),
                number: match node.arguments().nth(1) {
                    Some(entry) => self.value(entry, Some(&Self::scalar("port")), scope)?,
                    None => {
                        self.report(
                            codes::ONE_VALUE
                                .at(node.span, "a port has a name and a number")
                                .hint("write `port \"http\" 8080`"),
                        );
                        return None;
                    }
                },
                service: self.property(node, "service", "port", scope),
                publish: self.property(node, "publish", "port", scope),
                protocol: {
                    let word = self.word(node, "protocol");
                    if word.is_empty() { "tcp".into() } else { word }
                },
            },
            "needs" => {
                const UNTIL: &[(&str, Until)] =
                    &[("started", Until::Started), ("healthy", Until::Healthy), ("completed", Until::Completed)];
                FactKind::Needs {
                    names: self.needs(node, scope),
                    until: node.property("until").map_or(Some(Until::Started), |entry| self.one_of(entry, UNTIL))?,
                }
            }
            "profile" => FactKind::Profile(self.argument(node, Some(&text), scope)?),
            "health" => FactKind::Health(Box::new(self.health(node, scope)?)),
            "volume" => FactKind::Volume {
                name: node.arguments().next().and_then(string_of)?.into(),
                at: match node.property("at") {
                    Some(entry) => self.value(entry, Some(&Self::scalar("path")), scope)?,
                    None => {
                        self.report(codes::MISSING_PROPERTY.at(node.name.span, "a volume needs `at=\"/path\"`"));
                        return None;
                    }
                },
                size: self.property(node, "size", "memory", scope),
                class: self.property(node, "class", "string", scope),
            },
            "tmpfs" => FactKind::Tmpfs(self.arguments(node, Some(&Self::scalar("path")), scope)),
            "file" => self.file(node, scope)?,
            "security" => FactKind::Security {
                user: self.property(node, "user", "int", scope),
                group: self.property(node, "group", "int", scope),
                read_only_root: self.property(node, "read-only-root", "bool", scope),
                drop: node.property("drop").and_then(|entry| match entry.annotation {
                    Some(_) => self.value(entry, None, scope),
                    None => self
                        .value(entry, Some(&text), scope)
                        .map(|expr| Expr { span: expr.span, kind: ExprKind::List(vec![expr]) }),
                }),
                escalation: self.property(node, "escalation", "bool", scope),
            },
            "route" => FactKind::Route {
                hosts: node.property("hosts").and_then(|entry| self.value(entry, None, scope))?,
                path: self.property(node, "path", "string", scope),
                port: self.required_word(node, "port"),
                tls: self.property(node, "tls", "string", scope),
            },
            _ => return None,
        })
    }

    fn needs(&self, node: &Node, scope: &Scope) -> Vec<Expr> {
        let mut names = Vec::new();
        for entry in node.arguments() {
            if entry.annotation.is_none()
                && let Some(name) = string_of(entry)
                && !self.endpoint_names.contains_key(name.as_str())
            {
                let near = nearest(&name, self.endpoint_names.keys().map(AsRef::as_ref))
                    .map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_WORKLOAD
                        .at(entry.span, format!("there is no workload or endpoint `{name}`"))
                        .maybe_hint(near),
                );
                continue;
            }
            names.extend(self.value(entry, None, scope));
        }
        names
    }

    fn args(&self, item: &Item<'d>) -> Vec<Guarded<Expr>> {
        let mut args: Vec<Guarded<Expr>> =
            self.arguments(item.node, None, &item.scope).into_iter().map(|expr| guarded(&[], expr)).collect();
        let mut items = Vec::new();
        self.flatten(&item.node.children, &[], &item.scope, &mut items);
        for inner in items {
            if inner.node.name.text != "-" {
                self.unknown_node(inner.node, &["-"], "`args`");
                continue;
            }
            args.extend(
                self.arguments(inner.node, None, &inner.scope).into_iter().map(|expr| guarded(&inner.guards, expr)),
            );
        }
        args
    }

    fn env(&self, item: &Item<'d>, outer: &[Guard], out: &mut Vec<Guarded<Fact>>) {
        for (name, entry) in item.node.properties() {
            if let Some(value) = self.value(entry, None, &item.scope) {
                let name = crate::expr::constant(crate::value::Value::string(name.text.as_str()), name.span);
                let span = name.span;
                out.push(guarded(
                    outer,
                    Fact { span, kind: FactKind::Env { name, also: Vec::new(), file: false, value } },
                ));
            }
        }
        let mut items = Vec::new();
        self.flatten(&item.node.children, outer, &item.scope, &mut items);
        for inner in &items {
            if let Some(kind) = self.variable(inner.node, &inner.scope) {
                out.push(guarded(&inner.guards, Fact { span: inner.node.name.span, kind }));
            }
        }
    }

    fn variable(&self, node: &'d Node, scope: &Scope) -> Option<FactKind> {
        let annotation = node.annotation.as_ref().map(|name| name.text.as_str());
        if let Some(format) = annotation.and_then(format_of) {
            let name = crate::expr::constant(crate::value::Value::string(node.name.text.as_str()), node.name.span);
            return Some(FactKind::EnvTree { name, format, tree: self.tree(node, scope) });
        }
        self.only_properties(node, &["also"]);
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
        let also = self.word(node, "also").split_whitespace().map(Arc::from).collect();
        let value = self.argument(node, None, scope)?;
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

    fn field(&self, record: &(SettingId, Ref), path: &[&str]) -> Option<Expr> {
        let mut id = record.0;
        for word in path {
            id = *self.settings[id.index()].children.get(*word)?;
        }
        let found = Ref { place: id.place(), keys: record.1.keys.clone(), span: record.1.span };
        Some(Expr { kind: ExprKind::Ref(found), span: record.1.span })
    }

    fn resources(&self, node: &Node, scope: &Scope) -> Option<ResourceExprs> {
        if let Some(entry) = node.arguments().next() {
            let record = self.record_fields(entry, scope)?;
            let mut missing = Vec::new();
            let mut field = |path: &[&str]| {
                let found = self.field(&record, path);
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
        for child in &node.children {
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

    fn health(&self, node: &Node, scope: &Scope) -> Option<HealthExprs> {
        const KINDS: &[(&str, HealthKind)] = &[
            ("liveness", HealthKind::Liveness),
            ("readiness", HealthKind::Readiness),
            ("startup", HealthKind::Startup),
        ];
        let Some(first) = node.arguments().next() else {
            self.report(
                codes::ONE_VALUE.at(node.span, "`health` names its kind").hint("write `health \"readiness\" { … }`"),
            );
            return None;
        };
        let kind = self.one_of(first, KINDS)?;
        let mut probe = None;
        let [mut period, mut delay, mut timeout, mut failures, mut start] = [None, None, None, None, None];
        let duration = Self::scalar("duration");
        let int = Self::scalar("int");
        for child in &node.children {
            match child.name.text.as_str() {
                "http" => {
                    let path = self.argument(child, Some(&Self::scalar("string")), scope)?;
                    probe = Some(ProbeExpr::Http { path, port: self.required_word(child, "port") });
                }
                "tcp" => probe = Some(ProbeExpr::Tcp { port: self.required_word(child, "port") }),
                "exec" => probe = Some(ProbeExpr::Exec { argv: self.arguments(child, None, scope) }),
                "period" => period = self.argument(child, Some(&duration), scope),
                "delay" => delay = self.argument(child, Some(&duration), scope),
                "timeout" => timeout = self.argument(child, Some(&duration), scope),
                "failures" => failures = self.argument(child, Some(&int), scope),
                "start" => start = self.argument(child, Some(&duration), scope),
                "timings" => {
                    let record = self.record_fields(child.arguments().next()?, scope)?;
                    period = self.field(&record, &["period"]).or(period);
                    delay = self.field(&record, &["delay"]).or(delay);
                    timeout = self.field(&record, &["timeout"]).or(timeout);
                    failures = self.field(&record, &["failures"]).or(failures);
                    start = self.field(&record, &["start"]).or(start);
                    if period.is_none() {
                        self.report(codes::NOT_A_RECORD.at(child.span, "these timings have no `period`"));
                    }
                }
                _ => self.unknown_node(
                    child,
                    &["http", "tcp", "exec", "period", "delay", "timeout", "failures", "start", "timings"],
                    "`health`",
                ),
            }
        }
        let Some(probe) = probe else {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "`health` says not how it is checked")
                    .hint("add `http`, `tcp` or `exec`"),
            );
            return None;
        };
        Some(HealthExprs { kind, probe, period, delay, timeout, failures, start })
    }

    fn file(&self, node: &'d Node, scope: &Scope) -> Option<FactKind> {
        let path = self.argument(node, Some(&Self::scalar("string")), scope)?;
        let content = if let Some(entry) = node.property("config") {
            FileExpr::Config(string_of(entry)?.into())
        } else if let Some(entry) = node.property("text") {
            FileExpr::Text(self.value(entry, None, scope)?)
        } else {
            let Some(entry) = node.property("format") else {
                self.report(codes::MISSING_PROPERTY.at(node.name.span, "a file needs `text=`, `config=` or `format=`"));
                return None;
            };
            let format = match &entry.annotation {
                None => FormatExpr::Fixed(self.one_of(entry, FORMATS)?),
                Some(_) => FormatExpr::Computed(self.value(entry, None, scope)?),
            };
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

    fn compose(&self, item: &Item<'d>, stack: &mut Stack) {
        for child in &item.node.children {
            match child.name.text.as_str() {
                "project" => stack.compose.project = self.argument(child, Some(&Self::scalar("string")), &item.scope),
                "bind" => stack.compose.bind = self.argument(child, Some(&Self::scalar("string")), &item.scope),
                "restart" => stack.compose.restart = self.argument(child, Some(&Self::scalar("string")), &item.scope),
                "scope" => self.refuse_scope(child, "compose"),
                _ => self.unknown_node(child, &["project", "bind", "restart"], "`compose`"),
            }
        }
    }

    fn target_scope(&self, node: &'d Node) -> (Option<TargetScope>, Vec<&'d Node>) {
        let mut scope = None;
        let mut rest = Vec::new();
        for child in &node.children {
            if child.name.text == "scope" && child.annotation.is_none() && child.property("because").is_some() {
                let mut settings = Vec::new();
                for entry in child.arguments() {
                    let Literal::String(path) = &entry.value else { continue };
                    if let Some((found, _)) = self.path(path, entry.span, &Scope::default()) {
                        settings.extend(self.setting_at(found.place));
                    }
                }
                if let Some(because) = self.because(child) {
                    scope = Some(TargetScope { settings, because, span: child.name.span });
                }
            } else {
                rest.push(child);
            }
        }
        (scope, rest)
    }

    fn config(&self, item: &Item<'d>) -> Option<Config> {
        let node = item.node;
        self.only_properties(node, &["file", "format", "when"]);
        let (scope, rest) = self.target_scope(node);
        Some(Config {
            name: node.arguments().next().and_then(string_of).unwrap_or_default().into(),
            file: self.output_name(node, "file")?,
            format: self.one_of(node.property("format")?, FORMATS)?,
            span: node.name.span,
            when: self.conditions(item),
            scope,
            tree: rest
                .into_iter()
                .flat_map(|child| self.tree_nodes(std::slice::from_ref(child), &item.scope))
                .collect(),
        })
    }

    fn mcp(&self, item: &Item<'d>) -> Option<Mcp> {
        let node = item.node;
        self.only_properties(node, &["when"]);
        let (scope, rest) = self.target_scope(node);
        let mut mcp =
            Mcp { span: node.name.span, when: self.conditions(item), clients: None, scope, servers: Vec::new() };
        for child in rest {
            let mut items = Vec::new();
            self.flatten(std::slice::from_ref(child), &[], &item.scope, &mut items);
            for inner in &items {
                match inner.node.name.text.as_str() {
                    "server" => {
                        if let Some(server) = self.server(inner.node, &inner.scope) {
                            mcp.servers.push(guarded(&inner.guards, server));
                        }
                    }
                    "clients" => mcp.clients = self.argument(inner.node, None, &inner.scope),
                    _ => self.unknown_node(inner.node, &["scope", "server", "clients"], "`mcp`"),
                }
            }
        }
        Some(mcp)
    }

    fn server(&self, node: &'d Node, scope: &Scope) -> Option<Server> {
        let name = self.argument(node, Some(&Self::scalar("string")), scope)?;
        let mut server = Server {
            name,
            span: node.name.span,
            command: Vec::new(),
            url: None,
            headers: Vec::new(),
            environment: Vec::new(),
        };
        for child in &node.children {
            match child.name.text.as_str() {
                "command" => server.command = self.arguments(child, None, scope),
                "url" => server.url = self.argument(child, Some(&Self::scalar("string")), scope),
                "headers" => server.headers = self.variables(child, scope),
                "environment" => server.environment = self.variables(child, scope),
                _ => self.unknown_node(child, &["command", "url", "headers", "environment"], "`server`"),
            }
        }
        Some(server)
    }

    /// Properties and children, or a whole map of the settings as argument.
    fn variables(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
        let whole = node.arguments().filter_map(|entry| {
            let value = TreeValue::One(self.value(entry, None, scope)?);
            Some(TreeNode::Key { key: TreeKey::Fixed("".into()), value, span: entry.span })
        });
        whole.chain(self.tree(node, scope)).collect()
    }

    fn helm(&self, item: &Item<'d>) -> Option<Helm> {
        let node = item.node;
        self.only_properties(node, &["when"]);
        let mut helm = Helm {
            name: node.arguments().next().and_then(string_of).unwrap_or_default().into(),
            span: node.name.span,
            when: self.conditions(item),
            requires: Vec::new(),
            releases: Vec::new(),
        };
        let mut items = Vec::new();
        self.flatten(&node.children, &[], &item.scope, &mut items);
        for inner in &items {
            match inner.node.name.text.as_str() {
                "requires" => {
                    self.only_properties(inner.node, &["crd", "when"]);
                    let name = self.one_string(inner.node)?;
                    let requirement = Requirement {
                        name: name.into(),
                        crd: self.word(inner.node, "crd"),
                        span: inner.node.name.span,
                    };
                    helm.requires.push(guarded(&self.guards(inner), requirement));
                }
                "release" => helm.releases.extend(self.release(inner.node, &inner.scope)),
                "scope" => self.refuse_scope(inner.node, "helm"),
                _ => self.unknown_node(inner.node, &["release", "requires"], "`helm`"),
            }
        }
        Some(helm)
    }

    fn release(&self, node: &'d Node, scope: &Scope) -> Option<Release> {
        self.only_properties(node, &["chart", "version", "surface", "file"]);
        let mut release = Release {
            name: node.arguments().next().and_then(string_of).unwrap_or_default().into(),
            span: node.name.span,
            chart: self.required_word(node, "chart"),
            version: self.required_word(node, "version"),
            surface: self.word(node, "surface"),
            file: self.output_name(node, "file")?,
            names: Vec::new(),
            values: Vec::new(),
        };
        for child in &node.children {
            match child.name.text.as_str() {
                "names" => release.names = self.tree(child, scope),
                "values" => release.values = self.tree(child, scope),
                "scope" => self.refuse_scope(child, "helm"),
                _ => self.unknown_node(child, &["names", "values"], "`release`"),
            }
        }
        Some(release)
    }

    /// A file name that lands in the output folder: one plain name.
    fn output_name(&self, node: &Node, property: &str) -> Option<Arc<str>> {
        let name = self.required_word(node, property);
        let plain = !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c));
        if !plain && !name.is_empty() {
            let span = node.property(property).map_or(node.span, |entry| entry.span);
            self.report(
                codes::BAD_FILE_NAME
                    .at(span, format!("`{name}` is no name for an output file"))
                    .underline("lower-case letters, digits, `.`, `-` and `_`, no folders"),
            );
            return None;
        }
        Some(name)
    }

    /// The properties and children of a node as tree nodes.
    pub(super) fn tree(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
        let mut nodes: Vec<TreeNode> = Vec::new();
        for (name, entry) in node.properties() {
            if let Some(value) = self.value(entry, None, scope) {
                nodes.push(TreeNode::Key {
                    key: TreeKey::Fixed(name.text.as_str().into()),
                    value: TreeValue::One(value),
                    span: name.span,
                });
            }
        }
        nodes.extend(self.tree_nodes(&node.children, scope));
        nodes
    }

    fn tree_nodes(&self, nodes: &'d [Node], scope: &Scope) -> Vec<TreeNode> {
        let mut out = Vec::new();
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        out.push(TreeNode::When(condition, self.tree_nodes(&node.children, scope)));
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    if let Some((source, inner)) = self.each(&node.name, scope) {
                        out.push(TreeNode::Each(source, self.tree_nodes(&node.children, &inner)));
                    }
                }
                Some("use") => {
                    if let Some((fragment, inner)) = self.fragment(node, scope) {
                        out.extend(self.tree_nodes(&fragment.children, &inner));
                    }
                }
                annotation => out.extend(self.tree_key(node, annotation, scope)),
            }
        }
        out
    }

    fn tree_key(&self, node: &'d Node, annotation: Option<&str>, scope: &Scope) -> Option<TreeNode> {
        let span = node.name.span;
        let fixed = || Some(TreeKey::Fixed(node.name.text.as_str().into()));
        let (key, value) = match annotation {
            None if node.name.text == "-" => {
                let value = self.tree_value(node, scope)?;
                return Some(TreeNode::Item { value, span });
            }
            None => (fixed(), self.tree_value(node, scope)?),
            Some("map") => (fixed(), TreeValue::Nodes { nodes: self.tree(node, scope), keep: Some(Keep::Map) }),
            Some("list") => {
                let mut nodes: Vec<TreeNode> = Vec::new();
                for entry in node.arguments() {
                    if let Some(value) = self.value(entry, None, scope) {
                        nodes.push(TreeNode::Item { value: TreeValue::One(value), span: entry.span });
                    }
                }
                nodes.extend(self.tree_nodes(&node.children, scope));
                (fixed(), TreeValue::Nodes { nodes, keep: Some(Keep::List) })
            }
            Some(word @ ("ref" | "f" | "cel")) => {
                let form = match word {
                    "ref" => Form::Path,
                    "f" => Form::Template,
                    _ => Form::Cel,
                };
                let key =
                    self.compiled(&node.name.text, span, form, None, scope).map(|(expr, _)| TreeKey::Computed(expr));
                (key, self.tree_value(node, scope)?)
            }
            Some(word) => match format_of(word) {
                Some(format) => (fixed(), TreeValue::Embedded(format, self.tree(node, scope))),
                None => {
                    self.report(
                        codes::UNKNOWN_ANNOTATION.at(node.span, format!("`({word})` is no form of a key in a tree")),
                    );
                    return None;
                }
            },
        };
        Some(TreeNode::Key { key: key?, value, span })
    }

    fn tree_value(&self, node: &'d Node, scope: &Scope) -> Option<TreeValue> {
        let arguments: Vec<&Entry> = node.arguments().collect();
        let nested = node.properties().next().is_some() || !node.children.is_empty() || node.braces;
        match (arguments.as_slice(), nested) {
            ([], _) => {
                if !nested {
                    self.report(
                        codes::ONE_VALUE.at(node.span, format!("the key `{}` is given no value", node.name.text)),
                    );
                    return None;
                }
                Some(TreeValue::Nodes { nodes: self.tree(node, scope), keep: None })
            }
            ([one], false) => self.value(one, None, scope).map(TreeValue::One),
            (many, false) => {
                Some(TreeValue::Many(many.iter().filter_map(|entry| self.value(entry, None, scope)).collect()))
            }
            _ => {
                self.report(
                    codes::MIXED_TREE
                        .at(node.span, format!("`{}` has values and keys of its own", node.name.text))
                        .hint("write either"),
                );
                None
            }
        }
    }
}

/// Words for formats.
const FORMATS: &[(&str, Format)] =
    &[("yaml", Format::Yaml), ("toml", Format::Toml), ("json", Format::Json), ("ini", Format::Ini)];

/// The format that a word names.
#[must_use]
pub(crate) fn format_of(word: &str) -> Option<Format> {
    FORMATS.iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
}

/// Nodes of a workload and the properties each knows.
const FACTS: &[(&str, &[&str])] = &[
    ("image", &["build", "pull", "when"]),
    ("replicas", &["max", "when"]),
    ("command", &["when"]),
    ("args", &["when"]),
    ("schedule", &["when"]),
    ("env", &[]),
    ("resources", &[]),
    ("port", &["service", "publish", "protocol", "when"]),
    ("needs", &["until", "when"]),
    ("profile", &["when"]),
    ("health", &["when"]),
    ("volume", &["at", "size", "class", "when"]),
    ("tmpfs", &["when"]),
    ("file", &["text", "config", "format", "when"]),
    ("security", &["user", "group", "read-only-root", "drop", "escalation", "when"]),
    ("route", &["hosts", "path", "port", "tls", "when"]),
];

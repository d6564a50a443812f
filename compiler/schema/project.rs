//! Endpoints, workloads and projections of a stack, as expressions.

use std::sync::Arc;

use crate::{
    diag::{codes, nearest},
    expr::{Expr, Form, Kind as ExprKind, Ref, Type},
    plan::{Format, HealthKind, Role, Until},
    schema::{
        Config, Endpoint, External, Fact, FactKind, FactOverride, FileExpr, FormatExpr, Guard, Guarded, HealthExprs,
        Helm, Keep, Kind, Mcp, ProbeExpr, Release, Requirement, ResourceExprs, Scope as TargetScope, Server, SettingId,
        Stack, TreeKey, TreeNode, TreeValue, Workload,
        build::Builder,
        declare::{Written, string_of},
        load::{Item, KNOWN_NODES, guarded},
        names::Scope,
        shape::Shape,
    },
    syntax::{Entry, Node},
};

impl<'d> Builder<'d> {
    /// Reads everything but settings, presets and rules.
    pub(super) fn project(&self, bodies: &[&'d Node], stack: &mut Stack) {
        let mut items = Vec::new();
        for body in bodies {
            self.flatten(std::slice::from_ref(*body), &[], &Scope::default(), &mut items);
        }
        for item in &items {
            if item.node.annotation.is_some() {
                continue; // reported by `collect_names`, or by the next line
            }
            self.not_guarded(item);
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
        self.named_once(stack);
        self.provided(stack);
    }

    /// Reports two things of one name where both always exist, and files of one name.
    fn named_once(&self, stack: &Stack) {
        let mut seen: indexmap::IndexMap<String, crate::source::Span> = indexmap::IndexMap::new();
        let mut once = |what: String, span: crate::source::Span| match seen.get(&what) {
            Some(first) => self.declared_twice(span, &what, *first),
            None => {
                seen.insert(what, span);
            }
        };
        for found in stack.workloads.iter().filter(|found| found.guards.is_empty()) {
            if let ExprKind::Literal(name) = &found.node.name.kind {
                once(format!("the workload `{}`", crate::value::spell(name)), found.node.span);
            }
        }
        for found in stack.endpoints.iter().filter(|found| found.guards.is_empty()) {
            if let ExprKind::Literal(name) = &found.node.name.kind {
                once(format!("the endpoint `{}`", crate::value::spell(name)), found.node.span);
            }
        }
        for found in &stack.helm {
            once(format!("the `helm` block `{}`", found.name), found.span);
        }
        for found in &stack.configs {
            once(format!("the configuration `{}`", found.name), found.span);
            let same = |other: &&Config| other.name == found.name && other.span != found.span;
            if found.when.is_empty() && !stack.configs.iter().any(|other| same(&other)) {
                once(format!("the file `{}`", found.file), found.span);
            }
        }
    }

    /// Reports an endpoint at which nothing ever answers.
    fn provided(&self, stack: &Stack) {
        for found in stack.endpoints.iter().filter(|found| found.node.external.is_none()) {
            let ExprKind::Literal(name) = &found.node.name.kind else { continue };
            let name = crate::value::spell(name);
            let same = |other: &Expr| match &other.kind {
                ExprKind::Literal(other) => crate::value::spell(other) == name,
                _ => true,
            };
            let answered = stack.workloads.iter().any(|other| same(&other.node.name))
                || stack.endpoints.iter().any(|other| other.node.external.is_some() && same(&other.node.name));
            if !answered && !found.node.fields.is_empty() {
                self.report(
                    codes::NO_PROVIDER
                        .at(found.node.span, format!("nothing answers at `{name}`"))
                        .hint("add `external host=… port=…`, or a workload of that name"),
                );
            }
        }
    }

    /// Refuses what cannot depend on anything, under a condition or in a loop.
    fn not_guarded(&self, item: &Item<'d>) {
        let word = item.node.name.text.as_str();
        if (item.guards.is_empty() && item.scope.fragments.is_empty())
            || ["endpoint", "workload", "config", "mcp", "helm"].contains(&word)
        {
            return;
        }
        let known = KNOWN_NODES.contains(&word);
        let finding = if known {
            let hint = match word {
                "defaults" | "rule" => "use its own `when=`",
                "settings" => "put the condition into `settings { … }`",
                _ => "move it out",
            };
            codes::MISPLACED
                .at(item.node.name.span, format!("`{word}` cannot stand under a condition, in a loop or in a fragment"))
                .hint(hint)
        } else {
            codes::UNKNOWN_NODE.at(item.node.name.span, format!("`{word}` means nothing in a stack"))
        };
        self.report(finding);
    }

    /// The nodes of a body, each with what is around it.
    fn items_of(&self, nodes: &'d [Node], guards: &[Guard], scope: &Scope) -> Vec<Item<'d>> {
        let mut items = Vec::new();
        self.flatten(nodes, guards, scope, &mut items);
        items
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

    fn one_of<T: Copy>(&self, entry: &Entry, table: &[(&str, T)]) -> Option<T> {
        let word = self.plain(entry, "this word")?;
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
        self.shape(node, Shape { arguments: 1, properties: &["when"], children: true });
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        let mut endpoint = Endpoint { name, span: node.name.span, external: None, fields: indexmap::IndexMap::new() };
        let field_scope = Scope { provider: true, ..item.scope.clone() };
        self.children_once(node, &["external"]);
        for child in &node.children {
            if let Some(annotation) = &child.annotation {
                self.report(
                    codes::MISPLACED
                        .at(annotation.span, format!("`({})` cannot stand in an endpoint", annotation.text))
                        .hint("write `external when=\"…\"`, or `(when)` around the endpoint"),
                );
            } else if child.name.text == "external" {
                endpoint.external = endpoint.external.or(self.external(child, &item.scope));
            } else {
                self.endpoint_field(child, &field_scope, &mut endpoint);
            }
        }
        if node.children.is_empty() {
            self.empty(
                node.span,
                "the endpoint says nothing",
                "give it `external host=…` or a field such as `url`, or delete it",
            );
        }
        Some(guarded(&self.guards(item), endpoint))
    }

    fn external(&self, node: &'d Node, scope: &Scope) -> Option<External> {
        self.shape(node, Shape { arguments: 0, properties: &["when", "host", "port"], children: false });
        let when = node.property("when").map(|entry| self.condition_text(Written::Entry(entry), scope));
        if node.property("host").is_none() {
            self.report(codes::MISSING_PROPERTY.at(node.name.span, "`external` needs `host=`"));
        }
        let host = self.property(node, "host", "string", scope);
        let port = self.property(node, "port", "port", scope);
        let when = match when {
            Some(when) => Some(when?),
            None => None,
        };
        Some(External { when, host: host?, port, span: node.name.span })
    }

    fn endpoint_field(&self, node: &'d Node, scope: &Scope, endpoint: &mut Endpoint) {
        let name = node.name.text.as_str();
        if ["host", "port", "ports"].contains(&name) {
            self.report(
                codes::RESERVED_NAME
                    .at(node.name.span, format!("no field of an endpoint may be called `{name}`"))
                    .hint(format!("write `external {name}=…`, or choose another name")),
            );
            return;
        }
        self.entries(node, Shape { arguments: 1, properties: &[], children: false });
        let Some(value) = self.argument(node, None, scope) else { return };
        if endpoint.fields.insert(name.into(), value).is_some() {
            self.report(
                codes::DECLARED_TWICE.at(node.name.span, format!("the field `{name}` stands here a second time")),
            );
        }
    }

    fn workload(&self, item: &Item<'d>) -> Option<Guarded<Workload>> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when", "role", "stateful"], children: true });
        let name = self.argument(node, Some(&Self::scalar("string")), &item.scope)?;
        const ROLES: &[(&str, Role)] =
            &[("service", Role::Service), ("job", Role::Job), ("cron", Role::Cron), ("init", Role::Init)];
        let role = node.property("role").map_or(Some(Role::Service), |entry| self.one_of(entry, ROLES))?;
        let stateful = node.property("stateful").is_some_and(|entry| self.flag(entry));
        let items = self.items_of(&node.children, &[], &item.scope);
        let mut workload =
            Workload { name, span: node.name.span, role, stateful, facts: Vec::new(), overrides: Vec::new() };
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

    /// Texts that a program is started with: a value, or a list of them.
    fn texts(&self, node: &Node, scope: &Scope) -> Vec<Expr> {
        node.arguments().filter_map(|entry| self.as_text(entry, scope)).collect()
    }

    /// A value that can be said as text, or a list of such.
    fn as_text(&self, entry: &Entry, scope: &Scope) -> Option<Expr> {
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

    /// The fixed name that is a node's first argument.
    fn first_name(&self, node: &Node) -> Option<Arc<str>> {
        let entry = node.arguments().next()?;
        self.plain(entry, &format!("the name of a `{}`", node.name.text)).map(Arc::from)
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

    fn fact(&self, item: &Item<'d>) -> Option<FactKind> {
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
        let name = self.first_name(node);
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
        let name = self.first_name(node);
        let size = self.property(node, "size", "memory", scope);
        let class = self.property(node, "class", "string", scope);
        let Some(at) = node.property("at") else {
            self.report(codes::MISSING_PROPERTY.at(node.name.span, "a volume needs `at=\"/path\"`"));
            return None;
        };
        let at = self.value(at, Some(&Self::scalar("path")), scope)?;
        Some(FactKind::Volume { name: name?, at, size, class })
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

    fn env(&self, item: &Item<'d>, out: &mut Vec<Guarded<Fact>>) {
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
        if name.is_empty() || name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
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
        let also = self.word(node, "also").unwrap_or_default().split_whitespace().map(Arc::from).collect();
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
            id = *self.settings[id.index()].children.get(*word)?;
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
                    probe = Some(ProbeExpr::Http { path, port: self.required_word(child, "port") });
                }
                "tcp" => probe = Some(ProbeExpr::Tcp { port: self.required_word(child, "port") }),
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

    fn compose(&self, item: &Item<'d>, stack: &mut Stack) {
        const KNOWN: &[&str] = &["project", "bind", "restart"];
        self.shape(item.node, Shape { arguments: 0, properties: &[], children: true });
        for child in &item.node.children {
            let word = child.name.text.as_str();
            if word == "scope" && child.annotation.is_none() {
                self.refuse_scope(child, "compose");
                continue;
            }
            if !KNOWN.contains(&word) || child.annotation.is_some() {
                self.unknown_node(child, KNOWN, "`compose`");
                continue;
            }
            self.shape(child, Shape { arguments: 1, properties: &[], children: false });
            let value = self.argument(child, Some(&Self::scalar("string")), &item.scope);
            if let (true, Some(expr)) = (word == "restart", &value) {
                self.restart(expr);
            }
            let place = match word {
                "project" => &mut stack.compose.project,
                "bind" => &mut stack.compose.bind,
                _ => &mut stack.compose.restart,
            };
            if let (Some(first), Some(_)) = (place.as_ref().map(|first| first.span), &value) {
                self.declared_twice(child.name.span, &format!("`{word}`"), first);
            }
            *place = value;
        }
    }

    fn restart(&self, expr: &Expr) {
        const KNOWN: &[&str] = &["no", "always", "on-failure", "unless-stopped"];
        if let ExprKind::Literal(crate::value::Value::String(word)) = &expr.kind
            && !KNOWN.contains(&word.as_ref())
        {
            let near = nearest(word, KNOWN.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_WORD.at(expr.span, format!("`{word}` is none of {}", KNOWN.join(", "))).maybe_hint(near),
            );
        }
    }

    fn target_scope(&self, node: &'d Node) -> (Option<TargetScope>, Vec<&'d Node>) {
        let mut scope: Option<TargetScope> = None;
        let mut rest = Vec::new();
        for child in &node.children {
            // A key of the file may be called `scope` too: it has keys of its own, or a value that is computed.
            let is_scope = child.name.text == "scope" && child.annotation.is_none() && child.children.is_empty();
            if !is_scope {
                rest.push(child);
                continue;
            }
            self.shape(child, Shape { arguments: Shape::MANY, properties: &["because"], children: false });
            let mut settings = Vec::new();
            for entry in child.arguments() {
                let Some(path) = self.plain(entry, "a path in `scope`") else { continue };
                match self.path(&path, entry.span, &Scope::default()) {
                    Some((found, _)) => match self.setting_at(found.place) {
                        Some(id) => settings.push(id),
                        None => self.report(codes::NOT_A_SETTING.at(entry.span, format!("`{path}` is no setting"))),
                    },
                    None => continue,
                }
            }
            let Some(because) = self.because(child) else { continue };
            match &scope {
                Some(first) => self.declared_twice(child.name.span, "`scope`", first.span),
                None => scope = Some(TargetScope { settings, because, span: child.name.span }),
            }
        }
        (scope, rest)
    }

    fn config(&self, item: &Item<'d>) -> Option<Config> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["file", "format", "when"], children: true });
        let name = self.node_name(node);
        let file = self.output_name(node, "file");
        let format = match node.property("format") {
            Some(entry) => self.one_of(entry, FORMATS),
            None => {
                self.required_word(node, "format");
                None
            }
        };
        let (scope, rest) = self.target_scope(node);
        let tree: Vec<TreeNode> =
            rest.into_iter().flat_map(|child| self.tree_nodes(std::slice::from_ref(child), &item.scope)).collect();
        self.tree_once(&tree);
        if node.children.is_empty() {
            self.empty(node.span, "the configuration holds nothing", "write its keys in braces, or delete it");
        }
        let when = self.conditions(item);
        Some(Config { name, file: file?, format: format?, span: node.name.span, when, scope, tree })
    }

    fn mcp(&self, item: &Item<'d>) -> Option<Mcp> {
        let node = item.node;
        self.shape(node, Shape { arguments: 0, properties: &["when"], children: true });
        if !node.children.iter().any(|child| child.name.text != "scope") {
            self.empty(node.span, "`mcp` names no server", "add `server \"NAME\" { … }`, or delete it");
        }
        self.children_once(node, &["clients"]);
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
                    "clients" => {
                        self.shape(inner.node, Shape { arguments: 1, properties: &[], children: false });
                        mcp.clients = match inner.node.arguments().next() {
                            Some(entry) => self.as_text(entry, &inner.scope),
                            None => self.argument(inner.node, None, &inner.scope),
                        };
                    }
                    _ => self.unknown_node(inner.node, &["scope", "server", "clients"], "`mcp`"),
                }
            }
        }
        Some(mcp)
    }

    fn server(&self, node: &'d Node, scope: &Scope) -> Option<Server> {
        const KNOWN: &[&str] = &["command", "url", "headers", "environment"];
        self.shape(node, Shape { arguments: 1, properties: &[], children: true });
        let name = self.argument(node, Some(&Self::scalar("string")), scope)?;
        let mut server = Server {
            name,
            span: node.name.span,
            command: Vec::new(),
            url: None,
            headers: Vec::new(),
            environment: Vec::new(),
        };
        self.children_once(node, KNOWN);
        for child in &node.children {
            if child.annotation.is_some() {
                self.unknown_node(child, KNOWN, "`server`");
                continue;
            }
            match child.name.text.as_str() {
                "command" => {
                    self.shape(child, Shape { arguments: Shape::MANY, properties: &[], children: false });
                    if child.arguments().next().is_none() {
                        self.report(codes::ONE_VALUE.at(child.span, "`command` is given no value"));
                    }
                    server.command = self.texts(child, scope);
                }
                "url" => {
                    self.shape(child, Shape { arguments: 1, properties: &[], children: false });
                    server.url = self.argument(child, Some(&Self::scalar("string")), scope);
                }
                "headers" => server.headers = self.variables(child, scope),
                "environment" => server.environment = self.variables(child, scope),
                _ => self.unknown_node(child, KNOWN, "`server`"),
            }
        }
        self.one_way_in(node);
        Some(server)
    }

    /// A server is started or connected to: one of `command` and `url`, or both where settings decide.
    fn one_way_in(&self, node: &'d Node) {
        let child =
            |name: &str| node.children.iter().find(|child| child.name.text == name && child.annotation.is_none());
        if child("command").is_none() && child("url").is_none() {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "an MCP server has a `command` or a `url`")
                    .hint("add `url \"…\"`, or `command \"…\"`"),
            );
            return;
        }
        for (word, needed) in [("headers", "url"), ("environment", "command")] {
            if let (Some(found), None) = (child(word), child(needed)) {
                self.report(
                    codes::CONTRADICTION
                        .at(found.name.span, format!("`{word}` means nothing without `{needed}`"))
                        .hint(format!("add `{needed}`, or delete `{word}`")),
                );
            }
        }
    }

    /// Properties and children, or a whole map of the settings as argument.
    fn variables(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
        let whole = node.arguments().filter_map(|entry| {
            let value = TreeValue::One(self.value(entry, None, scope)?);
            Some(TreeNode::Key { key: TreeKey::Fixed("".into()), value, span: entry.span })
        });
        whole.chain(self.tree_keys(node, scope)).collect()
    }

    fn helm(&self, item: &Item<'d>) -> Option<Helm> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when"], children: true });
        let mut helm = Helm {
            name: self.node_name(node),
            span: node.name.span,
            when: self.conditions(item),
            requires: Vec::new(),
            releases: Vec::new(),
        };
        let items = self.items_of(&node.children, &[], &item.scope);
        for inner in &items {
            match inner.node.name.text.as_str() {
                "requires" => {
                    self.shape(inner.node, Shape { arguments: 1, properties: &["crd", "when"], children: false });
                    let requirement = Requirement {
                        name: self.node_name(inner.node),
                        crd: self.word(inner.node, "crd").unwrap_or_default(),
                        span: inner.node.name.span,
                    };
                    helm.requires.push(guarded(&self.guards(inner), requirement));
                }
                "release" => {
                    if !inner.guards.is_empty() {
                        self.report(
                            codes::MISPLACED
                                .at(inner.node.name.span, "a `release` cannot stand under a condition or in a loop")
                                .hint("write a second `helm` block, and `when=` on both"),
                        );
                    }
                    if let Some(release) = self.release(inner.node, &inner.scope) {
                        self.release_once(&release, &helm.releases);
                        helm.releases.push(release);
                    }
                }
                _ => self.unknown_node(inner.node, &["release", "requires"], "`helm`"),
            }
        }
        if !items.iter().any(|inner| inner.node.name.text == "release") {
            self.empty(
                node.span,
                "the `helm` block has no release",
                "add `release \"NAME\" chart=\"…\" version=\"…\" file=\"values.yaml\" { … }`, or delete it",
            );
        }
        Some(helm)
    }

    fn release_once(&self, release: &Release, before: &[Release]) {
        for other in before {
            if other.name == release.name {
                self.declared_twice(release.span, &format!("the release `{}`", release.name), other.span);
            } else if other.file == release.file {
                self.declared_twice(release.span, &format!("the file `{}`", release.file), other.span);
            }
        }
    }

    fn release(&self, node: &'d Node, scope: &Scope) -> Option<Release> {
        self.shape(node, Shape { arguments: 1, properties: &["chart", "version", "surface", "file"], children: true });
        self.children_once(node, &["names", "values"]);
        let mut release = Release {
            name: self.node_name(node),
            span: node.name.span,
            chart: self.required_word(node, "chart"),
            version: self.required_word(node, "version"),
            surface: self.word(node, "surface").unwrap_or_default(),
            file: self.output_name(node, "file")?,
            names: Vec::new(),
            values: Vec::new(),
        };
        for child in &node.children {
            match child.name.text.as_str() {
                "names" => {
                    release.names = self.tree(child, scope);
                    self.known_names(&release.names);
                }
                "values" => release.values = self.tree(child, scope),
                "scope" => self.refuse_scope(child, "helm"),
                _ => self.unknown_node(child, &["names", "values"], "`release`"),
            }
        }
        Some(release)
    }

    /// The keys of `names` are endpoints; in a stack that makes workloads in loops any may be one.
    fn known_names(&self, names: &[TreeNode]) {
        if self.looped_endpoints {
            return;
        }
        for node in names {
            match node {
                TreeNode::Key { key: TreeKey::Fixed(name), span, .. } if !self.endpoint_names.contains_key(name) => {
                    let near = nearest(name, self.endpoint_names.keys().map(AsRef::as_ref));
                    self.report(
                        codes::UNKNOWN_WORKLOAD
                            .at(*span, format!("there is no workload or endpoint `{name}`"))
                            .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
                    );
                }
                TreeNode::When(_, inner) => self.known_names(inner),
                _ => {}
            }
        }
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
        if let Some(entry) = node.arguments().next() {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, format!("`{}` takes keys, no value", node.name.text))
                    .hint(format!("write `{} {{ KEY VALUE }}`", node.name.text)),
            );
        }
        self.tree_keys(node, scope)
    }

    fn tree_keys(&self, node: &'d Node, scope: &Scope) -> Vec<TreeNode> {
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
        self.tree_once(&nodes);
        nodes
    }

    /// Refuses a key that always stands twice, and items beside keys.
    fn tree_once(&self, nodes: &[TreeNode]) {
        let mut seen: indexmap::IndexMap<&str, crate::source::Span> = indexmap::IndexMap::new();
        for node in nodes {
            if let TreeNode::Key { key: TreeKey::Fixed(key), span, .. } = node
                && let Some(first) = seen.insert(key, *span)
            {
                self.report(
                    codes::KEY_TWICE
                        .at(*span, format!("the key `{key}` stands here a second time"))
                        .label(first, "first here"),
                );
            }
        }
        let key = nodes.iter().find_map(|node| match node {
            TreeNode::Key { span, .. } => Some(*span),
            _ => None,
        });
        let item = nodes.iter().find_map(|node| match node {
            TreeNode::Item { span, .. } => Some(*span),
            _ => None,
        });
        if let (Some(key), Some(item)) = (key, item) {
            self.report(
                codes::MIXED_TREE
                    .at(item, "items `-` and keys stand side by side")
                    .label(key, "a key")
                    .hint("write either"),
            );
        }
    }

    fn tree_nodes(&self, nodes: &'d [Node], scope: &Scope) -> Vec<TreeNode> {
        let mut out = Vec::new();
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        out.push(TreeNode::When(condition, self.tree_nodes(&node.children, scope)));
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    self.not_bare(node);
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
                if let Some((name, _)) = node.properties().next() {
                    self.report(
                        codes::MIXED_TREE
                            .at(name.span, "a list has no keys")
                            .hint("write its items as values or as `- …`"),
                    );
                }
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

/// Nodes of a `health` check.
const HEALTH: &[&str] = &["http", "tcp", "exec", "period", "delay", "timeout", "failures", "start", "timings"];

/// A node of a workload.
struct FactRow {
    name: &'static str,
    arguments: usize,
    properties: &'static [&'static str],
    children: bool,
    example: &'static str,
}

const fn row(
    name: &'static str,
    arguments: usize,
    properties: &'static [&'static str],
    children: bool,
    example: &'static str,
) -> FactRow {
    FactRow { name, arguments, properties, children, example }
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
    row("health", 1, &["when"], true, "health \"readiness\" { exec \"program\" }"),
    row("volume", 1, &["at", "size", "class", "when"], false, "volume \"data\" at=\"/data\""),
    row("tmpfs", Shape::MANY, &["when"], false, "tmpfs \"/tmp\""),
    row("file", 1, &["text", "config", "format", "when"], true, "file \"/etc/name\" text=\"…\""),
    row("security", 0, &["user", "group", "read-only-root", "drop", "escalation", "when"], false, "security user=1000"),
    row("route", 0, &["hosts", "path", "port", "tls", "when"], false, "route hosts=(ref)\"hosts\" port=\"http\""),
];

/// What a fact is of which a workload has one; nothing for facts that add up, and for variables, where a later line wins.
fn key_of(kind: &FactKind) -> Option<String> {
    let constant = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(value) => Some(crate::value::spell(value)),
        _ => None,
    };
    Some(match kind {
        FactKind::Image { .. } => "`image`".to_owned(),
        FactKind::Replicas { .. } => "`replicas`".to_owned(),
        FactKind::Command(_) => "`command`".to_owned(),
        FactKind::Schedule(_) => "`schedule`".to_owned(),
        FactKind::Resources(_) => "`resources`".to_owned(),
        FactKind::Profile(_) => "`profile`".to_owned(),
        FactKind::Port { name, .. } => format!("the port `{name}`"),
        FactKind::Volume { name, .. } => format!("the volume `{name}`"),
        FactKind::Health(health) => match health.kind {
            HealthKind::Liveness => "`health \"liveness\"`".to_owned(),
            HealthKind::Readiness => "`health \"readiness\"`".to_owned(),
            HealthKind::Startup => "`health \"startup\"`".to_owned(),
        },
        FactKind::File { path, .. } => format!("the file `{}`", constant(path)?),
        _ => return None,
    })
}

//! Projections: what becomes Compose settings, configuration files, MCP servers and Helm releases.
//!
//! In: `compose`, `config`, `mcp` and `helm` nodes. Out: their parts of a [`Stack`].
//! Never: workloads; Compose gets them all.
//! Invariant: each output file has a plain name.

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{codes, list_of, nearest},
    expr::{Expr, Kind as ExprKind},
    schema::{
        ChartSource, Config, FluxObject, FluxObjects, Guard, Helm, Mcp, PROJECT, Release, Requirement,
        Scope as TargetScope, Server, Stack, TreeKey, TreeNode, TreeValue,
        body::{Item, guarded},
        build::Builder,
        names::Scope,
        shape::Shape,
        tree::FORMATS,
    },
    source::Span,
    syntax::{Literal, Node},
    value::{self, Attributes, Raw},
};

/// The schemes of addresses at which charts of a kind of source lie.
#[must_use]
pub fn schemes(kind: &str) -> Vec<SmolStr> {
    let schemes: &[&str] = match kind {
        "oci" => &["oci"],
        "helm" => &["https", "http"],
        _ => &["https", "http", "ssh"],
    };
    schemes.iter().map(|scheme| (*scheme).into()).collect()
}

/// Whether a file of this name can lie in the output folder.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

impl<'d> Builder<'d> {
    pub(super) fn compose(&self, item: &Item<'d>, stack: &mut Stack) {
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

    /// Compose and Helm have no scope: between them, a setting that is left out would be drift.
    fn refuse_scope(&self, node: &Node, target: &str) {
        self.report(
            codes::SCOPE_TARGET
                .at(node.name.span, format!("`scope` cannot stand in `{target}`, which accounts for every setting"))
                .hint(format!("write `absent \"{target}\" because=\"…\"` in the settings that it does not say")),
        );
    }

    pub(super) fn config(&self, item: &Item<'d>) -> Option<Config> {
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
        Some(Config { name, file: file?, format: format?, span: node.name.span, when, scope, tree: tree.into() })
    }

    pub(super) fn mcp(&self, item: &Item<'d>) -> Option<Mcp> {
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

    pub(super) fn helm(&self, item: &Item<'d>) -> Option<Helm> {
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when"], children: true });
        let mut helm = Helm {
            name: self.node_name(node),
            span: node.name.span,
            when: self.conditions(item),
            requires: Vec::new(),
            makes: Vec::new(),
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
                "makes" => {
                    self.shape(inner.node, Shape { arguments: 1, properties: &["when"], children: false });
                    let made = inner.node.arguments().next();
                    let made = made.and_then(|entry| self.value(entry, None, &inner.scope));
                    helm.makes.extend(made.map(|made| guarded(&self.guards(inner), made)));
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
                        self.release_needs(inner.node, &helm.releases);
                        helm.releases.push(release);
                    }
                }
                _ => self.unknown_node(inner.node, &["makes", "release", "requires"], "`helm`"),
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

    /// Objects that no chart has room for, one in each file.
    pub(super) fn flux(&self, item: &Item<'d>, stack: &mut Stack) {
        let node = item.node;
        self.shape(node, Shape { arguments: 0, properties: &[], children: true });
        let (scope, rest) = self.target_scope(node);
        let mut objects = Vec::new();
        for child in rest {
            for inner in &self.items_of(std::slice::from_ref(child), &[], &item.scope) {
                match inner.node.name.text.as_str() {
                    "object" => {
                        let object = self.object(inner);
                        objects.extend(object.map(|object| guarded(&self.guards(inner), object)));
                    }
                    _ => self.unknown_node(inner.node, &["scope", "object"], "`flux`"),
                }
            }
        }
        if !node.children.iter().any(|child| child.name.text != "scope") {
            self.empty(node.span, "`flux` names no object", "add `object \"FILE.yaml\" { … }`, or delete it");
        }
        let all = stack.flux.iter().flat_map(|flux| &flux.objects).chain(&objects).map(|found| &found.node);
        let all: Vec<(SmolStr, Span)> = all.map(|object| (object.file.clone(), object.span)).collect();
        for (index, (file, span)) in all.iter().enumerate() {
            if let Some((_, first)) = all[..index].iter().find(|(other, _)| other == file) {
                self.declared_twice(*span, &format!("the file `{file}`"), *first);
            }
        }
        stack.flux.push(FluxObjects { span: node.name.span, scope, objects });
    }

    fn object(&self, item: &Item<'d>) -> Option<FluxObject> {
        const OURS: &[&str] = &["namespace", "source-", "release-", "external-secret-"];
        let node = item.node;
        self.shape(node, Shape { arguments: 1, properties: &["when"], children: true });
        if item.guards.iter().any(|guard| matches!(guard, Guard::Each(_))) {
            self.report(
                codes::NOT_IN_LOOP.at(node.name.span, "`object` cannot stand in a loop: its file has one name"),
            );
        }
        let file = self.node_name(node);
        let span = node.arguments().next().map_or(node.name.span, |entry| entry.span);
        let stem = file.strip_suffix(".yaml").unwrap_or_default();
        if !is_plain(&file) || stem.is_empty() || OURS.iter().any(|ours| stem.starts_with(ours)) {
            self.report(
                codes::BAD_FILE_NAME
                    .at(span, format!("`{file}` is no name for an object beside a release"))
                    .underline("lower-case letters, digits, `.`, `-` and `_`, with `.yaml` at the end")
                    .hint(format!("it may not begin with {}", list_of(OURS))),
            );
            return None;
        }
        for key in ["apiVersion", "kind", "metadata"] {
            if node.children_named(key).next().is_none() {
                let message = format!("an object of Kubernetes has `{key}`");
                self.report(codes::MISSING_PROPERTY.at(node.name.span, message).hint(format!("add `{key}`")));
            }
        }
        let tree = self.tree_nodes(&node.children, &item.scope);
        self.tree_once(&tree);
        Some(FluxObject { file, span, tree: tree.into() })
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

    /// A release waits for those that stand before it, so that no two wait for each other.
    fn release_needs(&self, node: &'d Node, before: &[Release]) {
        for entry in node.children_named("needs").flat_map(Node::arguments) {
            if let Literal::String(name) = &entry.value
                && !before.iter().any(|release| release.name.as_str() == name)
            {
                let known: Vec<&str> = before.iter().map(|release| release.name.as_ref()).collect();
                let hint = match known.as_slice() {
                    [] => "move this release behind the one that it needs".to_owned(),
                    known => format!("there is {} before", list_of(known)),
                };
                let message = format!("no release `{name}` stands before this one");
                self.report(codes::UNKNOWN_RELEASE.at(entry.span, message).hint(hint));
            }
        }
    }

    /// `source "oci" url="…"`, in the same words as in an environment's `flux`; or `source "project"`.
    fn source(&self, node: &'d Node) -> Option<ChartSource> {
        const WORDS: &[&str] = &["url", "path", "tag", "commit", "secret"];
        const OF_GIT: &[&str] = &["path", "tag", "commit"];
        self.shape(node, Shape { arguments: 1, properties: WORDS, children: false });
        let kinds = ["oci", "helm", "git", PROJECT];
        let kind = self.node_name(node);
        if !kinds.contains(&kind.as_ref()) {
            let near = nearest(&kind, kinds).map(|near| format!("did you mean `{near}`?"));
            let finding = codes::UNKNOWN_WORD.at(node.span, format!("`{kind}` is none of {}", kinds.join(", ")));
            self.report(finding.maybe_hint(near));
            return None;
        }
        let mut words = IndexMap::new();
        if kind.as_str() == PROJECT {
            for (name, _) in node.properties() {
                let message = format!("`{}` means nothing for a chart that lies in the project", name.text);
                self.report(codes::CONTRADICTION.at(name.span, message).hint("delete it"));
            }
            return Some(ChartSource { span: node.name.span, kind, words });
        }
        self.required_word(node, "url");
        for (name, entry) in node.properties() {
            if OF_GIT.contains(&name.text.as_str()) && kind.as_str() != "git" {
                let message = format!("`{}` means nothing for a `{kind}` source", name.text);
                self.report(codes::CONTRADICTION.at(name.span, message).hint("delete it, or write `source \"git\"`"));
            } else if let Some(text) = self.plain(entry, &format!("`{}`", name.text)) {
                self.source_word(&name.text, &kind, &text, entry.span);
                words.insert(SmolStr::from(name.text.as_str()), SmolStr::from(text));
            }
        }
        if kind.as_str() == "git" && !words.contains_key("tag") && !words.contains_key("commit") {
            let finding =
                codes::MISSING_PROPERTY.at(node.name.span, "a Git source needs `tag=\"…\"` or `commit=\"…\"`");
            self.report(finding.hint("what is taken must not move"));
        }
        Some(ChartSource { span: node.name.span, kind, words })
    }

    /// The texts of a source are of the types that they have in an environment.
    fn source_word(&self, word: &str, kind: &str, text: &str, span: Span) {
        let of = match word {
            "url" => "url",
            "secret" => "subdomain",
            _ => "string",
        };
        let attributes = Attributes { schemes: schemes(kind), ..Attributes::default() };
        if let Some(of) = value::scalar(of)
            && let Err(bad) = value::parse(of, &Raw::String(text), &attributes)
        {
            self.report(bad.at(span));
        }
    }

    fn release(&self, node: &'d Node, scope: &Scope) -> Option<Release> {
        self.shape(node, Shape { arguments: 1, properties: &["chart", "version", "surface", "file"], children: true });
        self.children_once(node, &["names", "values", "needs", "source"]);
        let mut release = Release {
            name: self.node_name(node),
            span: node.name.span,
            chart: self.required_word(node, "chart"),
            version: self.required_word(node, "version"),
            surface: self.word(node, "surface").unwrap_or_default(),
            file: self.output_name(node, "file")?,
            needs: Vec::new(),
            source: None,
            names: Vec::new(),
            values: Vec::new().into(),
        };
        for child in &node.children {
            match child.name.text.as_str() {
                "names" => {
                    release.names = self.tree(child, scope);
                    self.known_names(&release.names);
                }
                "values" => release.values = self.tree(child, scope).into(),
                "needs" => {
                    self.shape(child, Shape { arguments: Shape::MANY, properties: &[], children: false });
                    release.needs = self.strings(child).into_iter().map(SmolStr::from).collect();
                }
                "source" => release.source = self.source(child),
                "scope" => self.refuse_scope(child, "helm"),
                _ => self.unknown_node(child, &["names", "values", "needs", "source"], "`release`"),
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
    fn output_name(&self, node: &Node, property: &str) -> Option<SmolStr> {
        let name = self.required_word(node, property);
        if !is_plain(&name) && !name.is_empty() {
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
}

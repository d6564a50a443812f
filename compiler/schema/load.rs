//! Texts of a stack into a [`Stack`].

use std::{cell::RefCell, sync::Arc};

use indexmap::{IndexMap, IndexSet};

use crate::{
    diag::{Diags, codes, nearest},
    expr::{self, Entity, Expr, Form, Kind as ExprKind, Names, Type},
    schema::{
        Assignment, Change, ComposeSettings, Declaration, Given, Guard, Guarded, Kind, Override, Preset, Rule, Setting,
        SettingId, Stack,
        assign::Reader,
        build::{Builder, EndpointName},
        declare::{FoundRule, Later, Pending, PendingOf, Written, is_annotated, string_of},
        graph,
        names::{Loop, Scope, ScopedNames},
    },
    source::{Source, Span},
    syntax::{self, Doc, Entry, Literal, Name, Node},
    value::{Attributes, Value},
};

/// Most settings that one stack may declare, records expanded.
const MAX_SETTINGS: usize = 20_000;

/// Loads the stack called `name` from its texts and those of its extensions; `None` if there was an error.
pub fn load(name: &str, texts: &[Arc<Source>], extensions: &[Arc<Source>], diags: &mut Diags) -> Option<Stack> {
    let mut own = Diags::default();
    let docs: Vec<Doc> = texts.iter().map(|source| syntax::parse(source, &mut own)).collect();
    let extension_docs: Vec<Doc> = extensions.iter().map(|source| syntax::parse(source, &mut own)).collect();
    if own.has_errors() {
        diags.extend(own);
        return None;
    }
    let sources: Vec<Arc<Source>> = texts.iter().chain(extensions).cloned().collect();
    let stack = build(name, &docs, &extension_docs, &sources, &mut own);
    let failed = own.has_errors();
    diags.extend(own);
    if failed { None } else { stack }
}

/// Which stack an extension's text extends; its first `extend` node.
#[must_use]
pub fn extends(source: &Source) -> Option<String> {
    let doc = syntax::parse(source, &mut Diags::default());
    doc.nodes
        .iter()
        .find(|node| node.name.text == "extend")
        .and_then(|node| node.arguments().next().and_then(string_of))
}

fn build(name: &str, docs: &[Doc], extensions: &[Doc], sources: &[Arc<Source>], diags: &mut Diags) -> Option<Stack> {
    let stacks: Vec<&Node> = top_nodes(docs, "stack", name, diags);
    let extended: Vec<&Node> = top_nodes(extensions, "extend", name, diags);
    let Some(first) = stacks.first() else {
        let span = sources.first().map_or(Span::default(), |source| Span::new(source.id, 0, 0));
        diags.push(codes::NO_STACK.at(span, format!("no file says `stack \"{name}\" {{ … }}`")));
        return None;
    };
    let bodies: Vec<&Node> = stacks.iter().flat_map(|stack| &stack.children).collect();
    let mut builder = Builder {
        sources,
        settings: vec![root_setting(first.span)],
        others: RefCell::new(IndexSet::new()),
        conditions: Vec::new(),
        types: IndexMap::new(),
        fragments: IndexMap::new(),
        used_fragments: RefCell::new(IndexSet::new()),
        endpoint_names: IndexMap::new(),
        workload_names: IndexSet::new(),
        entries: Vec::new(),
        diags: RefCell::new(Diags::default()),
    };
    builder.collect_names(&bodies);
    let mut later = Later::default();
    for node in &bodies {
        match node.name.text.as_str() {
            "settings" => builder.declare_settings(node, &mut later),
            "rule" => later.rules.push(FoundRule { node, record: None }),
            _ => {}
        }
    }
    if builder.settings.len() > MAX_SETTINGS {
        builder
            .report(codes::TOO_LARGE.at(first.span, format!("the stack declares more than {MAX_SETTINGS} settings")));
    }
    let early = builder.diags.borrow().has_errors();
    if early {
        // Further findings would only repeat these.
        diags.extend(builder.diags.into_inner());
        return None;
    }
    builder.check_among();
    builder.compile_pending(&later);
    let mut presets = vec![Preset { when: None, span: first.span, values: std::mem::take(&mut builder.entries) }];
    let mut overrides = Vec::new();
    for node in &bodies {
        match node.name.text.as_str() {
            "defaults" => presets.push(builder.preset(node)),
            "override" => overrides.extend(builder.stack_override(node)),
            _ => {}
        }
    }
    for node in extended.iter().flat_map(|node| &node.children) {
        match node.name.text.as_str() {
            "defaults" => presets.push(builder.preset(node)),
            "rule" => later.rules.push(FoundRule { node, record: None }),
            other => builder.report(
                codes::NOT_IN_EXTENSION
                    .at(node.name.span, format!("an extension cannot say `{other}`"))
                    .hint("an extension has `defaults` and `rule`; anything else belongs into the stack"),
            ),
        }
    }
    let rules = builder.rules(&later);
    let mut stack = Stack {
        name: name.into(),
        version: stacks.iter().find_map(|node| node.property("version").and_then(string_of)).unwrap_or_default().into(),
        digest: digest(&stacks, &extended).into(),
        settings: Vec::new(),
        others: Vec::new(),
        conditions: Vec::new(),
        presets,
        overrides,
        rules,
        endpoints: Vec::new(),
        workloads: Vec::new(),
        compose: ComposeSettings::default(),
        configs: Vec::new(),
        mcp: Vec::new(),
        helm: Vec::new(),
        order: Vec::new(),
        preset_index: Vec::new(),
    };
    builder.project(&bodies, &mut stack);
    builder.unused_fragments();
    let Builder { settings, others, conditions, diags: found, .. } = builder;
    let failed = found.borrow().has_errors();
    diags.extend(found.into_inner());
    if failed {
        return None;
    }
    stack.settings = settings;
    stack.others = others.into_inner().into_iter().collect();
    stack.conditions = conditions.into_iter().collect::<Option<Vec<Expr>>>()?;
    graph::order(&mut stack, diags);
    Some(stack)
}

fn top_nodes<'d>(docs: &'d [Doc], word: &str, name: &str, diags: &mut Diags) -> Vec<&'d Node> {
    let mut found = Vec::new();
    for node in docs.iter().flat_map(|doc| &doc.nodes) {
        if node.name.text != word {
            let near = nearest(&node.name.text, [word]).map(|near| format!("did you mean `{near}`?"));
            let finding = codes::UNKNOWN_TOP_NODE
                .at(node.name.span, format!("`{}` means nothing at the top of this file", node.name.text));
            diags.push(finding.underline(format!("only `{word}` may stand here")).maybe_hint(near));
            continue;
        }
        match node.arguments().next().and_then(string_of) {
            Some(found_name) if found_name == name => found.push(node),
            Some(other) if word == "stack" => {
                diags.push(
                    codes::WRONG_STACK
                        .at(node.name.span, format!("this is the folder of stack `{name}`, not of `{other}`")),
                );
            }
            _ => {}
        }
    }
    found
}

fn root_setting(span: Span) -> Setting {
    Setting {
        name: "".into(),
        path: "".into(),
        parent: None,
        depth: 0,
        below_list: false,
        kind: Kind::Group,
        children: IndexMap::new(),
        of: "".into(),
        declarations: vec![Declaration {
            span,
            about: "".into(),
            available: Vec::new(),
            defaults: Vec::new(),
            derived: false,
            required: false,
            overridable: true,
            attributes: Attributes::default(),
            among: "".into(),
            change: Change::default(),
            absent: Vec::new(),
        }],
    }
}

/// BLAKE3 of what was parsed, so that formatting and comments do not count.
fn digest(stacks: &[&Node], extensions: &[&Node]) -> String {
    let mut hasher = blake3::Hasher::new();
    for node in stacks.iter().chain(extensions) {
        hash_node(&mut hasher, node);
    }
    hasher.finalize().to_hex().to_string()
}

fn hash_node(hasher: &mut blake3::Hasher, node: &Node) {
    let mut word = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    word(node.annotation.as_ref().map_or("", |name| &name.text));
    word(&node.name.text);
    for entry in &node.entries {
        word(entry.name.as_ref().map_or("", |name| &name.text));
        word(entry.annotation.as_ref().map_or("", |name| &name.text));
        word(&format!("{:?}", entry.value));
    }
    word(&node.children.len().to_string());
    for child in &node.children {
        hash_node(hasher, child);
    }
}

/// A node of a body with the conditions and loops around it.
pub(super) struct Item<'d> {
    pub(super) node: &'d Node,
    pub(super) guards: Vec<Guard>,
    pub(super) scope: Scope,
}

impl<'d> Builder<'d> {
    /// Names of types, fragments, endpoints and workloads, before anything is read.
    fn collect_names(&mut self, bodies: &[&'d Node]) {
        for node in bodies {
            let name = node.arguments().next().and_then(string_of);
            match (node.name.text.as_str(), name) {
                ("type", Some(name)) => {
                    if let Some(before) = self.types.insert(name.as_str().into(), node) {
                        self.report(
                            codes::DECLARED_TWICE
                                .at(node.span, format!("the type `{name}` is declared twice"))
                                .label(before.span, "first here"),
                        );
                    }
                }
                ("fragment", Some(name)) => {
                    if let Some(before) = self.fragments.insert(name.as_str().into(), node) {
                        self.report(
                            codes::DECLARED_TWICE
                                .at(node.span, format!("the fragment `{name}` is declared twice"))
                                .label(before.span, "first here"),
                        );
                    }
                }
                ("type" | "fragment", None) => {
                    self.report(codes::ONE_STRING.at(node.span, format!("`{}` has no name", node.name.text)))
                }
                (word, _) if !KNOWN_NODES.contains(&word) && node.annotation.is_none() => {
                    let near = nearest(word, KNOWN_NODES.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                    self.report(
                        codes::UNKNOWN_NODE
                            .at(node.name.span, format!("`{word}` means nothing in a stack"))
                            .maybe_hint(near),
                    );
                }
                _ => {}
            }
        }
        for node in bodies {
            self.collect_endpoints(node);
        }
    }

    fn collect_endpoints(&mut self, node: &'d Node) {
        if node.annotation.is_some() {
            return node.children.iter().for_each(|child| self.collect_endpoints(child));
        }
        let literal = node.arguments().next().filter(|entry| entry.annotation.is_none()).and_then(string_of);
        let Some(name) = literal else { return };
        match node.name.text.as_str() {
            "endpoint" => {
                let known: &mut EndpointName = self.endpoint_names.entry(name.as_str().into()).or_default();
                let fields = node.children.iter().filter(|child| child.name.text != "external");
                known.fields.extend(fields.map(|child| Arc::from(child.name.text.as_str())));
            }
            "workload" => {
                self.workload_names.insert(name.as_str().into());
                let known = self.endpoint_names.entry(name.as_str().into()).or_default();
                known.ports.extend(ports_in(&node.children));
            }
            _ => {}
        }
    }

    /// `in="PATH"` names a map of settings.
    fn check_among(&self) {
        for setting in &self.settings {
            for declaration in setting.declarations.iter().filter(|declaration| !declaration.among.is_empty()) {
                let is_map = |found: &Setting| found.path == declaration.among && matches!(found.kind, Kind::Map(_));
                if !self.settings.iter().any(is_map) {
                    let message = format!("`{}` is no map of settings", declaration.among);
                    self.report(codes::NOT_A_COLLECTION.at(declaration.span, message));
                }
            }
        }
    }

    fn compile_pending(&mut self, later: &Later<'d>) {
        let mut lists: IndexMap<(SettingId, usize), Vec<Expr>> = IndexMap::new();
        for Pending { of, text, record } in &later.expressions {
            let scope = Scope { record: *record, ..Scope::default() };
            match of {
                PendingOf::Condition(index) => {
                    let compiled = self.condition_text(*text, &scope);
                    self.conditions[*index as usize] = compiled;
                }
                PendingOf::Default(id, declaration) => {
                    let Written::Entry(entry) = text else { continue };
                    let setting = &self.settings[id.index()];
                    if let (Kind::List(item), None) = (&setting.kind, &entry.annotation) {
                        let wanted = self.type_of(*item);
                        if let Some(expr) = self.value(entry, Some(&wanted), &scope) {
                            lists.entry((*id, *declaration)).or_default().push(expr);
                        }
                        continue;
                    }
                    let compiled = self.default(*id, *declaration, entry, &scope);
                    self.settings[id.index()].declarations[*declaration].defaults.extend(compiled);
                }
            }
        }
        for ((id, declaration), items) in lists {
            let span = items[0].span.to(items[items.len() - 1].span);
            let list = Expr { kind: ExprKind::List(items), span };
            self.settings[id.index()].declarations[declaration].defaults.push(list);
        }
        for given in &later.defaults {
            self.use_defaults(given);
        }
    }

    fn default(&self, id: SettingId, declaration: usize, entry: &Entry, scope: &Scope) -> Option<Expr> {
        let setting = &self.settings[id.index()];
        let wanted = self.type_of(id);
        let attributes = &setting.declarations[declaration].attributes;
        let (expr, _) = self.typed(entry, Some(&wanted), scope)?;
        if let (ExprKind::Literal(value), Kind::Scalar(scalar)) = (&expr.kind, &setting.kind)
            && let Some(of) = crate::value::scalar(scalar)
            && let Err(bad) = crate::value::fit(of, value.clone(), attributes)
        {
            self.report(super::build::bad_value(bad, entry.span));
            return None;
        }
        Some(expr)
    }

    /// Values that the use of a record gives its fields: they become the fields' defaults.
    fn use_defaults(&mut self, given: &super::declare::UseDefaults<'d>) {
        let scope = Scope { record: given.record, ..Scope::default() };
        let depth = self.settings[given.setting.index()].depth;
        let keys: Vec<Arc<str>> = (0..depth).map(|_| Arc::from("*")).collect();
        let values = {
            let builder = &*self;
            let compile = |entry: &Entry, of: &Type| builder.value(entry, Some(of), &scope);
            let mut reader = Reader::new(&builder.settings, builder.sources, Some(&compile));
            let node = declared_values(given.node);
            match builder.settings[given.setting.index()].kind {
                Kind::Map(_) => reader.nodes(
                    &[Node {
                        name: Name {
                            text: builder.settings[given.setting.index()].name.to_string(),
                            span: node.name.span,
                        },
                        ..node
                    }],
                    builder.settings[given.setting.index()].parent.unwrap_or(SettingId::ROOT),
                    &keys,
                ),
                _ => reader.fields(&node, given.setting, &keys),
            }
            builder.diags.borrow_mut().extend(reader.diags);
            reader.values
        };
        for Assignment { setting, given: value, span, keys, .. } in values {
            if depth == 0 && value == Given::Here {
                continue;
            }
            let Some(expr) = as_expression(value, span) else { continue };
            if keys.iter().any(|key| key.as_ref() != "*") {
                if depth == 0 {
                    let name_span = span;
                    self.entries.push(Assignment { setting, keys, given: Given::Expr(expr), span, name_span });
                    continue;
                }
                self.report(
                    codes::NOT_IN_USE
                        .at(span, "entries of a map cannot be given here")
                        .hint("give them in `defaults { … }`"),
                );
                continue;
            }
            for declaration in &mut self.settings[setting.index()].declarations {
                declaration.defaults = vec![expr.clone()];
            }
        }
    }

    /// Compiles a condition that stands as a value or as the name of a node.
    pub(super) fn condition_text(&self, text: Written<'_>, scope: &Scope) -> Option<Expr> {
        let wanted = Type::Scalar("bool".into());
        match text {
            Written::Entry(entry) => self.expression(entry, Form::Cel, Some(&wanted), scope),
            Written::Name(name) => {
                self.compiled(&name.text, name.span, Form::Cel, Some(&wanted), scope).map(|(expr, _)| expr)
            }
        }
    }

    fn preset(&self, node: &Node) -> Preset {
        let scope = Scope::default();
        let when = node.property("when").and_then(|entry| self.condition_text(Written::Entry(entry), &scope));
        self.only_properties(node, &["when"]);
        Preset { when, span: node.name.span, values: self.assignments(&node.children) }
    }

    fn assignments(&self, nodes: &[Node]) -> Vec<Assignment> {
        let scope = Scope::default();
        let compile = |entry: &Entry, of: &Type| self.value(entry, Some(of), &scope);
        let mut reader = Reader::new(&self.settings, self.sources, Some(&compile));
        reader.nodes(nodes, SettingId::ROOT, &[]);
        self.diags.borrow_mut().extend(reader.diags);
        for assignment in &reader.values {
            self.refuse_derived(assignment);
        }
        reader.values
    }

    fn refuse_derived(&self, assignment: &Assignment) {
        let setting = &self.settings[assignment.setting.index()];
        if setting.declarations.iter().any(|declaration| declaration.derived) {
            self.report(
                codes::DERIVED
                    .at(assignment.name_span, format!("`{}` is derived and cannot be given a value", setting.path))
                    .label(setting.declarations[0].span, "declared here"),
            );
        }
    }

    fn stack_override(&self, node: &Node) -> Option<Override> {
        let because = self.because(node);
        self.only_properties(node, &["because"]);
        let targets: Vec<Arc<str>> = self.strings(node).into_iter().map(Into::into).collect();
        if targets.is_empty() {
            self.report(
                codes::NO_TARGET
                    .at(node.span, "`override` names no target")
                    .hint("write `override \"compose\" because=\"…\" { … }`"),
            );
        }
        Some(Override { targets, because: because?, span: node.name.span, values: self.assignments(&node.children) })
    }

    fn rules(&self, later: &Later<'d>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for found in &later.rules {
            let Some(rule) = self.rule(found) else { continue };
            let twice =
                rules.iter().find(|other| other.id == rule.id && other.record.is_none() && rule.record.is_none());
            if let Some(other) = twice {
                self.report(
                    codes::DECLARED_TWICE
                        .at(rule.span, format!("the rule `{}` is declared twice", rule.id))
                        .label(other.span, "first here"),
                );
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&self, found: &FoundRule<'d>) -> Option<Rule> {
        let node = found.node;
        self.only_properties(node, &["when", "severity", "view"]);
        let id = self.one_string(node)?;
        let scope = Scope { record: found.record, ..Scope::default() };
        let when = node.property("when").map(|entry| self.condition_text(Written::Entry(entry), &scope));
        let mut require = Vec::new();
        let (mut message, mut help) = (None, None);
        for child in &node.children {
            let Some(entry) = child.arguments().next() else {
                self.report(codes::ONE_STRING.at(child.span, format!("`{}` takes a string", child.name.text)));
                continue;
            };
            match child.name.text.as_str() {
                "require" => require.extend(self.condition_text(Written::Entry(entry), &scope)),
                "message" => message = self.expression(entry, Form::Template, None, &scope).map(|expr| (expr, entry)),
                "help" => help = self.expression(entry, Form::Template, None, &scope),
                word => {
                    let near =
                        nearest(word, ["require", "message", "help"]).map(|near| format!("did you mean `{near}`?"));
                    self.report(
                        codes::UNKNOWN_NODE
                            .at(child.name.span, format!("`{word}` means nothing in a rule"))
                            .maybe_hint(near),
                    );
                }
            }
        }
        let (Some((message, message_entry)), false) = (message, require.is_empty()) else {
            if !self.diags.borrow().has_errors() {
                self.report(
                    codes::INCOMPLETE_RULE.at(node.span, format!("the rule `{id}` needs `require` and `message`")),
                );
            }
            return None;
        };
        let named = self.paths_in_backticks(message_entry, &scope);
        let severity = node.property("severity").and_then(string_of).unwrap_or_default();
        Some(Rule {
            id: id.into(),
            span: node.name.span,
            record: found.record,
            warning: severity == "warning",
            view: node.property("view").and_then(string_of).unwrap_or_default().into(),
            when: match when {
                Some(when) => vec![when?],
                None => Vec::new(),
            },
            require,
            message,
            help,
            named,
        })
    }

    /// Words in backticks that begin with a root of the settings must be paths.
    fn paths_in_backticks(&self, entry: &Entry, scope: &Scope) -> Vec<expr::Ref> {
        let Literal::String(text) = &entry.value else { return Vec::new() };
        let names = ScopedNames { builder: self, scope };
        let mut found = Vec::new();
        for word in text.split('`').skip(1).step_by(2) {
            let root = word.split(['.', '[']).next().unwrap_or("");
            let is_path = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_');
            if !is_path || names.root(root).is_none() {
                continue;
            }
            if let Some((Expr { kind: ExprKind::Ref(path), .. }, _)) =
                self.compiled(word, entry.span, Form::Path, None, scope)
            {
                found.push(path);
            }
        }
        found
    }

    /// Refuses properties that a node does not know.
    pub(super) fn only_properties(&self, node: &Node, known: &[&str]) {
        for (name, _) in node.properties() {
            if !known.contains(&name.text.as_str()) {
                let near = nearest(&name.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_ATTRIBUTE
                        .at(name.span, format!("`{}` does not know `{}`", node.name.text, name.text))
                        .maybe_hint(near),
                );
            }
        }
    }

    /// The nodes of a body with the conditions, loops and fragments around them resolved.
    pub(super) fn flatten(&self, nodes: &'d [Node], guards: &[Guard], scope: &Scope, out: &mut Vec<Item<'d>>) {
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        let inner: Vec<Guard> = guards.iter().cloned().chain([Guard::When(condition)]).collect();
                        self.flatten(&node.children, &inner, scope, out);
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    if let Some((source, inner_scope)) = self.each(&node.name, scope) {
                        let inner: Vec<Guard> = guards.iter().cloned().chain([Guard::Each(source)]).collect();
                        self.flatten(&node.children, &inner, &inner_scope, out);
                    }
                }
                Some("use") => {
                    if let Some((fragment, inner)) = self.fragment(node, scope) {
                        self.flatten(&fragment.children, guards, &inner, out);
                    }
                }
                _ => out.push(Item { node, guards: guards.to_vec(), scope: scope.clone() }),
            }
        }
    }

    /// The source and the names of a loop, `(each)"k, v in path"`.
    pub(super) fn each(&self, name: &Name, scope: &Scope) -> Option<(expr::Ref, Scope)> {
        let bad = || {
            self.report(
                codes::BAD_LOOP
                    .at(name.span, "this is no loop")
                    .hint("write `(each)\"item in path\" { … }` or `(each)\"key, item in path\" { … }`"),
            );
        };
        let Some((variables, path)) = name.text.split_once(" in ") else {
            bad();
            return None;
        };
        let variables: Vec<&str> = variables.split(',').map(str::trim).collect();
        let (key, item) = match variables.as_slice() {
            [item] => (None, *item),
            [key, item] => (Some(*key), *item),
            _ => {
                bad();
                return None;
            }
        };
        for variable in key.iter().chain([&item]) {
            if !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') || variable.is_empty() {
                bad();
                return None;
            }
            self.refuse_hiding(variable, name.span);
        }
        let (source, of) = self.path(path.trim(), name.span, scope)?;
        let names = ScopedNames { builder: self, scope };
        let whole = Entity::Place { place: source.place, keys: source.keys.clone(), of };
        let number = scope.next_loop;
        let Some(entity) = names.index(&whole, expr::Key::Loop(number)) else {
            self.report(codes::NOT_A_COLLECTION.at(name.span, format!("`{}` is no list and no map", path.trim())));
            return None;
        };
        let indexes =
            self.setting_at(source.place).is_some_and(|id| matches!(self.settings[id.index()].kind, Kind::List(_)));
        let mut inner = scope.clone();
        inner.loops.push(Loop { key: key.map(Into::into), item: item.into(), entity, number, indexes });
        inner.next_loop += 1;
        Some((source, inner))
    }

    fn refuse_hiding(&self, name: &str, span: Span) {
        if self.settings[0].children.contains_key(name) {
            self.report(
                codes::HIDES_SETTING
                    .at(span, format!("`{name}` would hide the setting of that name"))
                    .hint("choose another name for the variable"),
            );
        }
    }

    /// The body of a fragment and the scope it is read in.
    pub(super) fn fragment(&self, node: &Node, scope: &Scope) -> Option<(&'d Node, Scope)> {
        let name = node.name.text.as_str();
        let Some(fragment) = self.fragments.get(name).copied() else {
            let near =
                nearest(name, self.fragments.keys().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_FRAGMENT.at(node.name.span, format!("there is no fragment `{name}`")).maybe_hint(near),
            );
            return None;
        };
        self.used_fragments.borrow_mut().insert(name.into());
        if scope.fragments.iter().any(|around| around.as_ref() == name) {
            self.report(codes::FRAGMENT_CYCLE.at(node.name.span, format!("the fragment `{name}` uses itself")));
            return None;
        }
        let mut inner = Scope { next_loop: scope.next_loop, fragments: scope.fragments.clone(), ..Scope::default() };
        inner.fragments.push(name.into());
        for (parameter, of) in fragment.properties() {
            self.refuse_hiding(&parameter.text, parameter.span);
            let Some(argument) = node.property(&parameter.text) else {
                self.report(
                    codes::FRAGMENT_ARGUMENT
                        .at(node.name.span, format!("the fragment `{name}` needs `{}`", parameter.text))
                        .label(parameter.span, "declared here"),
                );
                return None;
            };
            let (path, found) = match &argument.value {
                Literal::String(path) => self.path(path, argument.span, scope)?,
                _ => {
                    self.report(
                        codes::NOT_A_SETTING.at(argument.span, "an argument of a fragment is the path of a setting"),
                    );
                    return None;
                }
            };
            self.check_argument(&path, &found, of, argument.span);
            inner.parameters.push((
                parameter.text.as_str().into(),
                Entity::Place { place: path.place, keys: path.keys, of: found },
            ));
        }
        for (name, _) in node.properties().filter(|(name, _)| fragment.property(&name.text).is_none()) {
            self.report(
                codes::FRAGMENT_ARGUMENT.at(name.span, format!("the fragment has no parameter `{}`", name.text)),
            );
        }
        Some((fragment, inner))
    }

    fn check_argument(&self, path: &expr::Ref, found: &Type, wanted: &Entry, span: Span) {
        let Some(wanted_name) = string_of(wanted) else { return };
        let declared = self.setting_at(path.place).map(|id| self.settings[id.index()].of.clone());
        let scalar = match found {
            Type::Scalar(name) => Some(name.as_ref()),
            Type::Enum(_) => Some("enum"),
            _ => None,
        };
        let fits = declared.as_deref() == Some(wanted_name.as_str()) || scalar == Some(wanted_name.as_str());
        if !fits {
            let is = declared.filter(|of| !of.is_empty()).map_or("a group".to_owned(), |of| format!("`{of}`"));
            self.report(
                codes::FRAGMENT_ARGUMENT
                    .at(span, format!("the parameter is a `{wanted_name}`, this is {is}"))
                    .label(wanted.span, "declared here"),
            );
        }
    }

    fn unused_fragments(&self) {
        for (name, node) in &self.fragments {
            if !self.used_fragments.borrow().contains(name) {
                self.report(
                    codes::UNUSED_FRAGMENT
                        .at(node.span, format!("the fragment `{name}` is used nowhere"))
                        .hint("delete it"),
                );
            }
        }
    }
}

/// Nodes that a stack's body may hold.
const KNOWN_NODES: &[&str] = &[
    "settings", "type", "defaults", "override", "rule", "endpoint", "workload", "compose", "config", "mcp", "helm",
    "fragment",
];

fn ports_in(nodes: &[Node]) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for node in nodes {
        if node.annotation.is_some() {
            found.extend(ports_in(&node.children));
        } else if node.name.text == "port" {
            found.extend(node.arguments().next().and_then(string_of).map(Arc::from));
        }
    }
    found
}

/// The values in a use of a record: its attributes and reserved words left out.
fn declared_values(node: &Node) -> Node {
    const WORDS: &[&str] = &["about", "absent", "change", "rule", "carries"];
    let mut values = node.clone();
    if node.name.text != "default" {
        values.entries.retain(|entry| {
            entry.name.as_ref().is_some_and(|name| !["when", "required", "override"].contains(&name.text.as_str()))
        });
    }
    values.children.retain(|child| !WORDS.contains(&child.name.text.as_str()) && !is_annotated(child, "when"));
    values
}

/// What an assignment gives, as an expression.
pub(super) fn as_expression(given: Given, span: Span) -> Option<Expr> {
    match given {
        Given::Value(value) => Some(expr::constant(value, span)),
        Given::Expr(expr) => Some(expr),
        Given::List(items) => {
            let items = items.into_iter().map(|item| as_expression(item, span)).collect::<Option<Vec<_>>>()?;
            Some(Expr { kind: ExprKind::List(items), span })
        }
        Given::Here => Some(expr::constant(Value::Bool(true), span)),
        Given::Part(..) | Given::Null | Given::Wrong => None,
    }
}

/// A thing with its guards.
pub(super) fn guarded<T>(guards: &[Guard], node: T) -> Guarded<T> {
    Guarded { guards: guards.to_vec(), node }
}

//! Texts of a stack into a [`Stack`].

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use crate::{
    diag::{Diags, codes, nearest},
    expr::{self, Entity, Expr, Form, Kind as ExprKind, Names, Type},
    schema::{
        Assignment, Change, ComposeSettings, Declaration, Given, Guard, Guarded, Kind, Override, Preset, Rule, Setting,
        SettingId, Stack,
        assign::Reader,
        build::{Builder, EndpointName},
        declare::{FoundRule, Later, Pending, PendingOf, Written, is_annotated, is_setting_name, string_of},
        graph,
        names::{Loop, RESERVED_ROOTS, Scope, ScopedNames},
        never,
        shape::Shape,
    },
    source::{Source, Span},
    syntax::{self, Doc, Entry, Literal, Name, Node},
    value::{Attributes, Value},
};

/// Most settings that one stack may declare, records expanded.
pub(super) const MAX_SETTINGS: usize = 20_000;

/// Most uses of fragments in one stack, and how deep they may nest.
const MAX_USES: usize = 20_000;
const MAX_USE_DEPTH: usize = 32;

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
    one_version(&stacks, diags);
    let bodies: Vec<&Node> = stacks.iter().flat_map(|stack| &stack.children).collect();
    let mut builder = Builder {
        sources,
        settings: vec![root_setting(first.span)],
        others: RefCell::new(IndexSet::new()),
        conditions: Vec::new(),
        types: IndexMap::new(),
        fragments: IndexMap::new(),
        used_fragments: RefCell::new(IndexSet::new()),
        used_types: RefCell::new(IndexSet::new()),
        uses: Cell::new(0),
        helm_names: Vec::new(),
        config_names: IndexSet::new(),
        looped_endpoints: false,
        endpoint_names: IndexMap::new(),
        workload_names: IndexSet::new(),
        entries: Vec::new(),
        diags: RefCell::new(Diags::default()),
    };
    builder.collect_names(&bodies);
    let mut later = Later::default();
    for node in bodies.iter().filter(|node| node.annotation.is_none()) {
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
    builder.unused_types();
    let early = builder.diags.borrow().has_errors();
    if early {
        // Further findings would only repeat these.
        diags.extend(builder.diags.into_inner());
        return None;
    }
    builder.compile_pending(&later);
    let mut presets = vec![Preset { when: None, span: first.span, values: std::mem::take(&mut builder.entries) }];
    let mut overrides: Vec<Override> = Vec::new();
    for node in bodies.iter().filter(|node| node.annotation.is_none()) {
        match node.name.text.as_str() {
            "defaults" => presets.push(builder.preset(node)),
            "override" => overrides.extend(builder.stack_override(node)),
            _ => {}
        }
    }
    builder.presets_in_one_file(&bodies);
    builder.overridden_once(&overrides);
    for node in extended.iter().flat_map(|node| &node.children) {
        match (node.name.text.as_str(), &node.annotation) {
            ("defaults", None) => presets.push(builder.preset(node)),
            ("rule", None) => later.rules.push(FoundRule { node, record: None }),
            (other, _) => builder.report(
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
    builder.check_fragments();
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
    never::check(&stack, diags);
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
        top_shape(node, word, diags);
        match node.arguments().next().and_then(string_of) {
            Some(found_name) if found_name == name => found.push(node),
            Some(other) if word == "stack" => {
                diags.push(
                    codes::WRONG_STACK
                        .at(node.name.span, format!("this is the folder of stack `{name}`, not of `{other}`")),
                );
            }
            Some(other) => diags.push(
                codes::WRONG_STACK
                    .at(node.name.span, format!("this file extends `{name}`, and here `{other}`"))
                    .hint("give each extended stack its own file"),
            ),
            None => diags.push(
                codes::ONE_STRING
                    .at(node.name.span, format!("`{word}` names no stack"))
                    .hint(format!("write `{word} \"{name}\" {{ … }}`")),
            ),
        }
    }
    found
}

/// Refuses what a top node cannot have.
fn top_shape(node: &Node, word: &str, diags: &mut Diags) {
    if let Some(entry) = node.arguments().nth(1) {
        diags.push(codes::STRAY_ARGUMENT.at(entry.span, format!("`{word}` takes the name of a stack")));
    }
    if let Some(annotation) = &node.annotation {
        diags.push(
            codes::UNKNOWN_ANNOTATION
                .at(annotation.span, format!("`({})` means nothing before `{word}`", annotation.text)),
        );
    }
    for (name, entry) in node.properties() {
        if word != "stack" || name.text != "version" {
            let near = nearest(&name.text, ["version"]).filter(|_| word == "stack");
            diags.push(
                codes::UNKNOWN_ATTRIBUTE
                    .at(name.span, format!("`{word}` does not know `{}`", name.text))
                    .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
            );
        } else if entry.annotation.is_some() || string_of(entry).is_none() {
            diags.push(codes::ONE_STRING.at(entry.span, "a version is a string").hint("write `version=\"1\"`"));
        }
    }
}

/// Reports versions that differ from file to file.
fn one_version(stacks: &[&Node], diags: &mut Diags) {
    let mut versions = stacks.iter().filter_map(|node| node.property("version"));
    let Some(first) = versions.next() else { return };
    for other in versions.filter(|other| other.value != first.value) {
        diags.push(
            codes::CONTRADICTION
                .at(other.span, "two files of the stack say different versions")
                .label(first.span, "first here")
                .hint("say the version once"),
        );
    }
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
            key_of: None,
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
            match (node.name.text.as_str(), &node.annotation) {
                (_, Some(annotation)) if ["when", "each", "use"].contains(&annotation.text.as_str()) => {}
                (_, Some(_)) => self.no_annotation(node),
                ("type", None) => self.collect_type(node),
                ("fragment", None) => self.collect_fragment(node, bodies),
                (word, None) if !KNOWN_NODES.contains(&word) => {
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
            self.collect_target_names(node);
            self.collect_endpoints(node);
        }
    }

    fn collect_type(&mut self, node: &'d Node) {
        const ATTRIBUTES: &[&str] = &["base", "min", "max", "schemes"];
        let name = self.node_name(node);
        if name.is_empty() {
            return;
        }
        let based = node.property("base").is_some();
        // Values of an enum are arguments; `attributes_of` counts them.
        let arguments = if based { Shape::MANY } else { 1 };
        let properties = if based { ATTRIBUTES } else { &["base"] };
        self.shape(node, Shape { arguments, properties, children: true });
        if !is_setting_name(&name) {
            self.report(
                codes::BAD_SETTING_NAME
                    .at(node.name.span, format!("`{name}` is no name for a type"))
                    .underline("lower-case letters, digits and dashes, beginning with a letter"),
            );
        }
        if crate::value::scalar(&name).is_some() || TYPE_WORDS.contains(&name.as_ref()) {
            self.report(
                codes::RESERVED_NAME
                    .at(node.name.span, format!("no type may be called `{name}`"))
                    .underline("means something else already"),
            );
        }
        let words = ["about", "absent", "change"];
        let stray =
            node.children.iter().find(|child| child.annotation.is_some() || !words.contains(&child.name.text.as_str()));
        match (based, stray) {
            (true, Some(stray)) => self.report(
                codes::UNKNOWN_NODE
                    .at(stray.name.span, format!("`{}` means nothing in a type with a `base`", stray.name.text))
                    .hint("delete it, or delete `base` to declare a record"),
            ),
            (false, None) => {
                self.used_types.borrow_mut().insert(name.clone()); // one finding is enough
                self.empty(
                    node.span,
                    format!("the type `{name}` holds no setting"),
                    "declare a field in it, or say `base=\"…\"`",
                );
            }
            _ => {}
        }
        if let Some(before) = self.types.insert(name.clone(), node) {
            self.declared_twice(node.name.span, &format!("the type `{name}`"), before.name.span);
        }
    }

    fn collect_fragment(&mut self, node: &'d Node, bodies: &[&'d Node]) {
        let name = self.node_name(node);
        if name.is_empty() {
            return;
        }
        if let Some(entry) = node.arguments().nth(1) {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, "a fragment takes its name, and parameters as properties")
                    .hint("write `fragment \"NAME\" parameter=\"TYPE\" { … }`"),
            );
        }
        for (_, of) in node.properties() {
            let Some(word) = self.plain(of, "the type of a parameter") else { continue };
            if crate::value::scalar(&word).is_none() && !is_type(bodies, &word) {
                self.report(
                    codes::UNKNOWN_TYPE
                        .at(of.span, format!("there is no type `{word}`"))
                        .hint("a parameter is of a scalar type or a record of this stack"),
                );
            }
        }
        if let Some(before) = self.fragments.insert(name.clone(), node) {
            self.declared_twice(node.name.span, &format!("the fragment `{name}`"), before.name.span);
        }
    }

    fn unused_types(&self) {
        if self.diags.borrow().has_errors() {
            return; // what uses a type may not have been read
        }
        for (name, node) in &self.types {
            if !self.used_types.borrow().contains(name) {
                self.report(
                    codes::UNUSED_TYPE
                        .at(node.name.span, format!("the type `{name}` is used nowhere"))
                        .hint("delete it, or declare a setting of it"),
                );
            }
        }
    }

    /// All presets of a stack stand in one file, so that the order in which they win can be seen.
    fn presets_in_one_file(&self, bodies: &[&'d Node]) {
        let mut presets = bodies.iter().filter(|node| node.name.text == "defaults" && node.annotation.is_none());
        let Some(first) = presets.next() else { return };
        if let Some(other) = presets.find(|node| node.span.source != first.span.source) {
            self.report(
                codes::DEFAULTS_APART
                    .at(other.name.span, "`defaults` stand in a second file: which of them wins cannot be seen")
                    .label(first.name.span, "the first ones are here")
                    .hint("move them into one file, weakest first"),
            );
        }
    }

    /// Two overrides of one target must not give the same setting.
    fn overridden_once(&self, overrides: &[Override]) {
        for (index, found) in overrides.iter().enumerate() {
            for before in &overrides[..index] {
                if !found.targets.iter().any(|target| before.targets.contains(target)) {
                    continue;
                }
                for value in found.values.iter().filter(|value| value.given != Given::Here) {
                    let same = |other: &&Assignment| other.setting == value.setting && other.keys == value.keys;
                    if let Some(first) = before.values.iter().find(same) {
                        let path = &self.settings[value.setting.index()].path;
                        self.declared_twice(value.name_span, &format!("an override of `{path}`"), first.name_span);
                    }
                }
            }
        }
    }

    fn collect_target_names(&mut self, node: &'d Node) {
        if node.annotation.is_some() {
            return node.children.iter().for_each(|child| self.collect_target_names(child));
        }
        let name = node.arguments().next();
        match (node.name.text.as_str(), name.and_then(string_of)) {
            ("helm", Some(name)) => self.helm_names.push(name.into()),
            ("config", Some(name)) => {
                self.config_names.insert(name.into());
            }
            ("workload" | "endpoint", _) if name.is_some_and(|entry| entry.annotation.is_some()) => {
                self.looped_endpoints = true;
            }
            _ => {}
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

    fn compile_pending(&mut self, later: &Later<'d>) {
        let mut lists: IndexMap<(SettingId, usize), Vec<Expr>> = IndexMap::new();
        for Pending { of, text, record } in &later.expressions {
            let scope = Scope { record: *record, ..Scope::default() };
            match of {
                PendingOf::Condition(index) => {
                    let compiled = self.condition_text(*text, &scope);
                    self.conditions[*index as usize] = compiled;
                }
                PendingOf::KeyOf(id, declaration) => {
                    let Written::Entry(entry) = text else { continue };
                    let found = self.key_of(entry, &scope);
                    self.settings[id.index()].declarations[*declaration].key_of = found;
                }
                PendingOf::Default(id, declaration) => {
                    let Written::Entry(entry) = text else { continue };
                    let setting = &self.settings[id.index()];
                    if matches!(setting.kind, Kind::Map(_)) {
                        continue; // reported
                    }
                    if let (Kind::List(item), None) = (&setting.kind, &entry.annotation) {
                        if matches!(self.settings[item.index()].kind, Kind::Group) {
                            continue; // reported
                        }
                        if let Some(expr) = self.default(*item, 0, entry, &scope) {
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

    /// The map that `in="…"` names.
    fn key_of(&self, entry: &Entry, scope: &Scope) -> Option<expr::Ref> {
        let path = self.plain(entry, "`in`")?;
        let (found, _) = self.path(&path, entry.span, scope)?;
        let is_map =
            self.setting_at(found.place).is_some_and(|id| matches!(self.settings[id.index()].kind, Kind::Map(_)));
        if !is_map {
            self.report(
                codes::NOT_A_COLLECTION.at(entry.span, format!("`{path}` is no map")).hint("name a `(map)` setting"),
            );
            return None;
        }
        Some(found)
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
        self.no_conditions(given.node);
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
        for assignment in values {
            let Assignment { setting, span, .. } = assignment;
            self.refuse_derived(&assignment);
            if assignment.keys.iter().any(|key| key.as_ref() != "*") {
                if depth == 0 {
                    self.entries.push(assignment);
                    continue;
                }
                self.report(
                    codes::NOT_IN_USE
                        .at(span, "entries of a map cannot be given here")
                        .hint("give them in `defaults { … }`"),
                );
                continue;
            }
            let defaults = match assignment.given {
                // A choice or a switch that is written for what it holds keeps its own default.
                Given::Here | Given::Wrong => continue,
                Given::Null => Vec::new(),
                Given::Part(part, _) => {
                    self.report(
                        codes::NOT_IN_USE
                            .at(span, format!("the part `{part}` alone cannot be given here"))
                            .hint("write the whole value"),
                    );
                    continue;
                }
                value => as_expression(value, span).into_iter().collect(),
            };
            for declaration in &mut self.settings[setting.index()].declarations {
                declaration.defaults.clone_from(&defaults);
            }
        }
    }

    /// Refuses `(when)` and the like around the values that a use gives its fields.
    fn no_conditions(&self, node: &Node) {
        for child in &node.children {
            if let Some(annotation) = child.annotation.as_ref().filter(|name| name.text == "when") {
                self.report(
                    codes::NOT_IN_USE
                        .at(annotation.span, "values at a declaration hold always")
                        .hint("give them in `defaults when=\"…\" { … }`"),
                );
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
        self.shape(node, Shape { arguments: 0, properties: &["when"], children: true });
        if node.children.is_empty() {
            self.empty(node.span, "`defaults` gives no value", "write settings in it, or delete it");
        }
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
        self.shape(node, Shape { arguments: Shape::MANY, properties: &["because"], children: true });
        let targets = self.override_targets(node);
        if node.children.is_empty() {
            self.empty(node.span, "the `override` changes nothing", "write settings in it, or delete it");
        }
        Some(Override { targets, because: because?, span: node.name.span, values: self.assignments(&node.children) })
    }

    fn rules(&self, later: &Later<'d>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for found in &later.rules {
            let Some(rule) = self.rule(found) else { continue };
            // A rule of a record is found once per use, always at the same place.
            if let Some(other) = rules.iter().find(|other| other.id == rule.id && other.span != rule.span) {
                self.declared_twice(rule.span, &format!("the rule `{}`", rule.id), other.span);
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&self, found: &FoundRule<'d>) -> Option<Rule> {
        let node = found.node;
        self.shape(node, Shape { arguments: 1, properties: &["when", "severity", "view"], children: true });
        let id = self.node_name(node);
        let scope = Scope { record: found.record, ..Scope::default() };
        let when = node.property("when").map(|entry| self.condition_text(Written::Entry(entry), &scope));
        let mut require = Vec::new();
        let (mut message, mut help) = (None, None);
        self.children_once(node, &["message", "help"]);
        for child in &node.children {
            self.rule_shape(child);
            for entry in child.arguments() {
                match child.name.text.as_str() {
                    "require" => require.push(self.condition_text(Written::Entry(entry), &scope)),
                    "message" => {
                        message = Some(self.expression(entry, Form::Template, None, &scope).map(|expr| (expr, entry)));
                    }
                    "help" => help = self.expression(entry, Form::Template, None, &scope),
                    _ => {}
                }
            }
        }
        let warning = self.rule_word(node, "severity", &["error", "warning"]).as_ref() == "warning";
        let view = self.rule_word(node, "view", RULE_VIEWS);
        if node.children_named("require").next().is_none() || node.children_named("message").next().is_none() {
            self.report(
                codes::INCOMPLETE_RULE
                    .at(node.name.span, format!("the rule `{id}` needs `require` and `message`"))
                    .hint("write `require \"…\"; message \"…\"`"),
            );
        }
        let (message, message_entry) = message??;
        let named = self.paths_in_backticks(message_entry, &scope);
        let require = require.into_iter().collect::<Option<Vec<Expr>>>().filter(|all| !all.is_empty())?;
        Some(Rule {
            id,
            span: node.name.span,
            record: found.record,
            warning,
            view,
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

    fn rule_shape(&self, child: &Node) {
        let known = ["require", "message", "help"];
        let word = child.name.text.as_str();
        if !known.contains(&word) {
            let near = nearest(word, known).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_NODE.at(child.name.span, format!("`{word}` means nothing in a rule")).maybe_hint(near),
            );
            return;
        }
        let arguments = if word == "require" { Shape::MANY } else { 1 };
        self.shape(child, Shape { arguments, properties: &[], children: false });
        if child.arguments().next().is_none() {
            self.report(
                codes::ONE_VALUE
                    .at(child.name.span, format!("`{word}` says nothing"))
                    .hint(format!("write `{word} \"…\"`")),
            );
        }
    }

    /// A property of a rule that is one of a few words; empty where it does not stand.
    fn rule_word(&self, node: &Node, property: &str, known: &[&str]) -> Arc<str> {
        let word = self.word(node, property).unwrap_or_default();
        if !word.is_empty() && !known.contains(&word.as_ref()) {
            let near = nearest(&word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let span = node.property(property).map_or(node.span, |entry| entry.span);
            self.report(
                codes::UNKNOWN_WORD.at(span, format!("`{word}` is none of {}", known.join(", "))).maybe_hint(near),
            );
        }
        word
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

    /// The nodes of a body with the conditions, loops and fragments around them resolved.
    pub(super) fn flatten(&self, nodes: &'d [Node], guards: &[Guard], scope: &Scope, out: &mut Vec<Item<'d>>) {
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        let inner: Vec<Guard> = guards.iter().cloned().chain([Guard::When(condition)]).collect();
                        self.flatten(&node.children, &inner, scope, out);
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    self.not_bare(node);
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
            self.refuse_hiding(variable, name.span, scope);
        }
        if key == Some(item) {
            self.report(codes::HIDES_SETTING.at(name.span, format!("both variables are called `{item}`")));
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

    fn refuse_hiding(&self, name: &str, span: Span, scope: &Scope) {
        let setting = self.settings[0].children.contains_key(name) || RESERVED_ROOTS.contains(&name);
        let around = scope.loops.iter().any(|outer| outer.item.as_ref() == name || outer.key.as_deref() == Some(name))
            || scope.parameters.iter().any(|(parameter, _)| parameter.as_ref() == name);
        if setting || around {
            let what = if setting { "the setting" } else { "the variable around it" };
            self.report(
                codes::HIDES_SETTING
                    .at(span, format!("`{name}` would hide {what} of that name"))
                    .hint("choose another name for the variable"),
            );
        }
    }

    /// Refuses a condition or a loop around nothing.
    pub(super) fn not_bare(&self, node: &Node) {
        if node.children.is_empty() {
            let word = node.annotation.as_ref().map_or("", |name| &name.text);
            self.empty(node.span, format!("`({word})` holds nothing"), "put nodes into it, or delete it");
        }
    }

    /// The body of a fragment and the scope it is read in.
    pub(super) fn fragment(&self, node: &Node, scope: &Scope) -> Option<(&'d Node, Scope)> {
        let name = node.name.text.as_str();
        if let Some(entry) = node.arguments().next() {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, "arguments of a fragment have names")
                    .hint(format!("write `(use)\"{name}\" PARAMETER=\"PATH\"`")),
            );
        }
        if let Some(child) = node.children.first() {
            self.report(codes::UNKNOWN_NODE.at(child.span, "the use of a fragment holds no nodes"));
        }
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
        self.uses.set(self.uses.get() + 1);
        if self.uses.get() > MAX_USES || scope.fragments.len() >= MAX_USE_DEPTH {
            if !self.diags.borrow().has_errors() {
                self.report(codes::TOO_LARGE.at(
                    node.name.span,
                    format!("fragments are used more than {MAX_USES} times, or more than {MAX_USE_DEPTH} deep"),
                ));
            }
            return None;
        }
        let mut inner = Scope { next_loop: scope.next_loop, fragments: scope.fragments.clone(), ..Scope::default() };
        inner.fragments.push(name.into());
        for (parameter, of) in fragment.properties() {
            let Some(argument) = node.property(&parameter.text) else {
                self.report(
                    codes::FRAGMENT_ARGUMENT
                        .at(node.name.span, format!("the fragment `{name}` needs `{}`", parameter.text))
                        .label(parameter.span, "declared here"),
                );
                return None;
            };
            let (path, found) = match &argument.value {
                Literal::String(path) if argument.annotation.as_ref().is_none_or(|name| name.text == "ref") => {
                    self.path(path, argument.span, scope)?
                }
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
                codes::FRAGMENT_ARGUMENT
                    .at(name.span, format!("the fragment has no parameter `{}`", name.text))
                    .label(fragment.name.span, "declared here"),
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

    fn check_fragments(&self) {
        // After an error a use may not have been read.
        let failed = self.diags.borrow().has_errors();
        for (name, node) in &self.fragments {
            for (parameter, _) in node.properties() {
                self.refuse_hiding(&parameter.text, parameter.span, &Scope::default());
            }
            if !failed && !self.used_fragments.borrow().contains(name) {
                self.report(
                    codes::UNUSED_FRAGMENT
                        .at(node.span, format!("the fragment `{name}` is used nowhere"))
                        .hint("delete it"),
                );
            }
        }
    }
}

/// Views that a rule may be limited to.
const RULE_VIEWS: &[&str] = &["base", "helm", "compose", "toml", "mcp"];

/// Words that stand where types do.
const TYPE_WORDS: &[&str] = &["choice", "switch", "list", "map", "variant", "when", "each", "use", "ref", "f", "cel"];

/// Nodes that a stack's body may hold.
pub(super) const KNOWN_NODES: &[&str] = &[
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

/// Whether the stack declares a type of this name.
fn is_type(bodies: &[&Node], name: &str) -> bool {
    let mut types = bodies.iter().filter(|node| node.name.text == "type");
    types.any(|node| node.arguments().next().and_then(string_of).as_deref() == Some(name))
}

//! Texts of a stack into a [`Stack`]: the order in which everything is read.
//!
//! In: sources of a stack and of its extensions. Out: a [`Stack`], or nothing where there was an error.
//! Never: folders; who finds the files is `stdlib`.
//! Invariant: names are collected before declarations, declarations before expressions.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use crate::{
    diag::{Diags, codes, nearest},
    expr::Expr,
    schema::{
        Children, ComposeSettings, Declaration, Kind, Override, Preset, Setting, Stack,
        build::Builder,
        declare::{FoundRule, Later, string_of},
        graph, never,
    },
    source::{Source, Span},
    syntax::{self, Doc, Node},
};

/// Most settings that one stack may declare, records expanded.
pub(super) const MAX_SETTINGS: usize = 20_000;

/// Nodes that a stack's body may hold.
pub(super) const KNOWN_NODES: &[&str] = &[
    "settings",
    "type",
    "defaults",
    "override",
    "rule",
    "endpoint",
    "workload",
    "compose",
    "config",
    "mcp",
    "helm",
    "flux",
    "fragment",
    "questions",
];

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
        flux: Vec::new(),
        surfaces: Vec::new(),
        questions: builder.questions(&bodies).into(),
        order: Vec::new(),
        preset_index: Vec::new(),
    };
    builder.project(&bodies, &mut stack);
    builder.check_fragments();
    let surfaces: Vec<&Node> = docs.iter().flat_map(|doc| &doc.nodes).filter(|node| is_surface(node)).collect();
    builder.surfaces(&surfaces, &mut stack);
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
        if word == "stack" && is_surface(node) {
            continue;
        }
        if node.name.text != word {
            let known: &[&str] = if word == "stack" { &["stack", "surface"] } else { &[word] };
            let near = nearest(&node.name.text, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let finding = codes::UNKNOWN_TOP_NODE
                .at(node.name.span, format!("`{}` means nothing at the top of this file", node.name.text));
            diags.push(finding.underline(format!("only `{}` may stand here", known.join("` or `"))).maybe_hint(near));
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

/// Whether a top node says what a chart reads.
fn is_surface(node: &Node) -> bool {
    node.name.text == "surface"
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
        children: Children::default(),
        of: "".into(),
        declarations: vec![Declaration::new(span)],
    }
}

/// BLAKE3 of what was parsed, so that formatting and comments do not count; nor do questions, which no output shows.
fn digest(stacks: &[&Node], extensions: &[&Node]) -> String {
    let mut hasher = blake3::Hasher::new();
    let asks_only =
        |node: &&&Node| !node.children.is_empty() && node.children.iter().all(|child| child.name.text == "questions");
    for node in stacks.iter().filter(|node| !asks_only(node)).chain(extensions) {
        hash_node(&mut hasher, node, |child| child.name.text != "questions");
    }
    hasher.finalize().to_hex().to_string()
}

fn hash_node(hasher: &mut blake3::Hasher, node: &Node, counts: fn(&Node) -> bool) {
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
    let children = || node.children.iter().filter(|child| counts(child));
    word(&children().count().to_string());
    for child in children() {
        hash_node(hasher, child, |_| true);
    }
}

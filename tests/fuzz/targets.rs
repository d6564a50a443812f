//! What has to hold for any bytes: one function a target, which panics where it does not.
//!
//! This file is also the library of `fuzz/`, where a fuzzer finds the bytes; here the committed ones are tried.
#![allow(unreachable_pub, reason = "also the library of `fuzz/`")]

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use trueline::{
    compile::{self, Stdlib},
    diag::{Diags, Finding, Severity, json, render},
    emit::{self, Output},
    expr::{self, Entity, Evaluated, Form, Key, Lookup, Names, Place, Type},
    facts::{self, Facts, Trouble},
    fmt::{self, patch},
    lock,
    plan::Format,
    read::{self, Data, Node, Unreadable, foreign},
    source::{Source, SourceId, Sources, Span},
    syntax::{self, Doc, Entry, Literal},
    value::Value,
};

/// What is tried with some bytes; it panics where a promise is broken.
pub type Target = fn(&[u8]);

/// All targets: the name of each, which is that of its folder in `fuzz/corpus`, and what it does.
pub const TARGETS: &[(&str, Target)] = &[
    ("compile", compile),
    ("compose", compose),
    ("expression", expression),
    ("fmt", format),
    ("lock", lock),
    ("manifests", manifests),
    ("parse", parse),
    ("readers", readers),
    ("stack", stack),
];

fn text_of(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn source(text: &str) -> Source {
    Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text: text.to_owned() }
}

/// The tree of a text, or none where something was found.
fn tree(text: &str) -> Option<Doc> {
    let mut diags = Diags::default();
    let doc = syntax::parse(&source(text), &mut diags);
    (!diags.has_errors()).then_some(doc)
}

fn failed(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code.severity == Severity::Error)
}

/// Findings lie in their texts and can be shown.
fn told(findings: &[Finding], sources: &Sources) {
    for span in findings.iter().flat_map(|found| found.labels.iter().map(|label| label.span).chain([found.span])) {
        let source = sources.get(span.source).expect("a finding lies in a text of this compile");
        assert!(source.text.get(span.start as usize..span.end as usize).is_some(), "{span:?} in {:?}", source.text);
    }
    let shown = render::human(findings, sources, false);
    let printed = shown.chars().all(|char| char == '\n' || !char.is_control());
    assert!(printed, "{shown:?}");
    let listed = json::json(findings, sources);
    assert!(serde_json::from_str::<serde_json::Value>(&listed).is_ok(), "{listed}");
}

/// Reads KDL: findings or a tree, places in the text, and what is read the `kdl` crate reads alike.
pub fn parse(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let source = Arc::new(source(text));
    let mut diags = Diags::default();
    let doc = syntax::parse(&source, &mut diags);
    let findings = diags.sorted();
    told(&findings, &Sources::default().with(source.clone()));
    let mut again = Diags::default();
    let meant = syntax::parse_as_meant(&source, &mut again);
    assert_eq!(again.sorted(), findings, "the same findings");
    meant.iter().flat_map(|doc| &doc.nodes).for_each(|node| placed(node, text));
    if failed(&findings) {
        assert_eq!(doc, Doc::default(), "findings and a tree");
        return;
    }
    assert_eq!(meant.as_ref(), Some(&doc), "what is right is meant");
    doc.nodes.iter().for_each(|node| placed(node, text));
    assert_eq!(fmt::masked(text).lines().count(), text.lines().count(), "lines stay lines");
    // The crate is slow, recurses, and refuses some of what KDL allows behind `/-`.
    if text.len() <= 2000 && !text.contains("/-") && text.matches(['{', '(', '*']).count() <= 24 {
        let theirs = KdlDocument::parse_v2(text).unwrap_or_else(|error| panic!("the crate objects: {error:?}"));
        assert!(alike_nodes(&doc.nodes, theirs.nodes()), "the crate reads another thing: {theirs:?}");
    }
}

/// Every place of a node holds a piece of the text.
fn placed(node: &syntax::Node, text: &str) {
    let names = node.entries.iter().flat_map(|entry| entry.name.iter().chain(&entry.annotation));
    let names = names.chain([&node.name]).chain(&node.annotation).map(|name| name.span);
    for span in names.chain(node.entries.iter().map(|entry| entry.span)).chain([node.span]) {
        let piece = text.get(span.start as usize..span.end as usize);
        assert!(piece.is_some_and(|piece| !piece.is_empty()), "{span:?}");
    }
    node.children.iter().for_each(|child| placed(child, text));
}

fn alike_nodes(ours: &[syntax::Node], theirs: &[KdlNode]) -> bool {
    let alike = |(ours, theirs): (&syntax::Node, &KdlNode)| {
        ours.name.text == theirs.name().value()
            && ours.annotation.as_ref().map(|name| name.text.as_str()) == theirs.ty().map(|name| name.value())
            && ours.entries.len() == theirs.entries().len()
            && ours.entries.iter().zip(theirs.entries()).all(|(ours, theirs)| alike_entries(ours, theirs))
            && ours.braces == theirs.children().is_some()
            && alike_nodes(&ours.children, theirs.children().map_or(&[], |children| children.nodes()))
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike)
}

fn alike_entries(ours: &Entry, theirs: &KdlEntry) -> bool {
    let value = match (&ours.value, theirs.value()) {
        (Literal::String(ours), KdlValue::String(theirs)) => ours == theirs,
        (Literal::Integer(ours), KdlValue::Integer(theirs)) => ours == theirs,
        (Literal::Float(ours), KdlValue::Float(theirs)) => ours == theirs,
        (Literal::Bool(ours), KdlValue::Bool(theirs)) => ours == theirs,
        (Literal::Null, KdlValue::Null) => true,
        _ => false,
    };
    value
        && ours.name.as_ref().map(|name| name.text.as_str()) == theirs.name().map(|name| name.value())
        && ours.annotation.as_ref().map(|name| name.text.as_str()) == theirs.ty().map(|name| name.value())
}

/// Lays KDL out: twice is once, and the text says the same, also when a value was set and taken out.
pub fn format(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let mut diags = Diags::default();
    let once = fmt::format(&source(text), &mut diags);
    let Some(doc) = tree(text) else {
        assert_eq!(once, text, "what cannot be read stays");
        return assert!(diags.has_errors());
    };
    let after = tree(&once).expect("laid out, it can be read");
    assert!(fmt::same_meaning(&doc, &after), "laid out, it says something else:\n{once}");
    assert_eq!(fmt::format(&source(&once), &mut diags), once, "laid out twice");
    assert_eq!(comments(text), comments(&once));
    let path = ["app", "replicas"];
    if let Ok(set) = patch::set(text, &path, "3") {
        tree(&set).expect("patched, it can be read");
        let again = patch::set(&set, &path, "3").expect("what was set can be set");
        assert_eq!(again, set, "set twice");
        tree(&patch::unset(&set, &path).expect("what was set can be taken out")).expect("it can still be read");
    }
}

fn comments(text: &str) -> Vec<String> {
    let tokens = syntax::tokens(text).into_iter().filter(|token| token.is_comment());
    tokens.map(|token| token.text(text).replace("\r\n", "\n")).collect()
}

/// The shipped stacks, and the one of the tests.
fn library() -> &'static Stdlib {
    static LIBRARY: OnceLock<Stdlib> = OnceLock::new();
    const SHOP: &[(&str, &str)] = &[
        ("chart.kdl", include_str!("../fixtures/stdlib/stacks/shop/chart.kdl")),
        ("helm.kdl", include_str!("../fixtures/stdlib/stacks/shop/helm.kdl")),
        ("stack.kdl", include_str!("../fixtures/stdlib/stacks/shop/stack.kdl")),
        ("workloads.kdl", include_str!("../fixtures/stdlib/stacks/shop/workloads.kdl")),
    ];
    LIBRARY.get_or_init(|| {
        let texts = SHOP.iter().map(|(name, text)| (format!("stdlib/stacks/shop/{name}"), (*text).to_owned()));
        Stdlib::with_project(vec![("shop".to_owned(), texts.collect())], Vec::new(), &mut Diags::default())
    })
}

/// Compiles an environment: the same twice, and with an error there are no files.
pub fn compile(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let source = Arc::new(source(text));
    let compiled = compile::compile(source.clone(), library());
    told(&compiled.findings, &compiled.sources);
    assert_eq!(compiled.files.is_empty(), failed(&compiled.findings), "files, or errors");
    for file in &compiled.files {
        assert_eq!(lock::path_problem(&file.path), None, "{}", file.path);
    }
    let again = compile::compile(source, library());
    assert!(again.files == compiled.files && again.findings == compiled.findings, "compiled twice");
}

/// Loads a project's stack and compiles the environments that say nothing more: findings lie in their texts.
pub fn stack(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let stack = ("own".to_owned(), vec![("stdlib/stacks/own/stack.kdl".to_owned(), text.to_owned())]);
    let library = Stdlib::with_project(vec![stack], Vec::new(), &mut Diags::default());
    let compiled = compile::compile(Arc::new(self::source("environment \"dev\" stack=\"own\"\n")), &library);
    told(&compiled.findings, &compiled.sources);
    assert_eq!(compiled.files.is_empty(), failed(&compiled.findings), "files, or errors");
}

/// Names of every kind of type, for expressions.
struct Known;

impl Known {
    const NAMES: [&'static str; 8] = ["b", "n", "f", "s", "memory-size", "numbers", "words", "m"];

    fn of(at: usize) -> Type {
        match at {
            0 => Type::scalar("bool"),
            1 => Type::scalar("int"),
            2 => Type::scalar("number"),
            3 => Type::scalar("string"),
            4 => Type::scalar("memory"),
            5 => Type::List(Box::new(Type::scalar("int"))),
            6 => Type::List(Box::new(Type::words(["local", "remote"]))),
            _ => Type::Map(Box::new(Type::Any)),
        }
    }

    fn entry(of: &Entity, key: Key) -> Option<Entity> {
        let Entity::Place { place, of: Type::Map(item), .. } = of else { return None };
        Some(Entity::Place { place: Place(place.0 + 100), keys: vec![key], of: (**item).clone() })
    }
}

impl Names for Known {
    fn root(&self, name: &str) -> Option<Entity> {
        let at = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Entity::Place { place: Place(u32::try_from(at).ok()?), keys: Vec::new(), of: Self::of(at) })
    }

    fn member(&self, of: &Entity, name: &str) -> Option<Entity> {
        Self::entry(of, Key::Literal(name.into()))
    }

    fn index(&self, of: &Entity, key: Key) -> Option<Entity> {
        Self::entry(of, key)
    }

    fn names(&self, _: Option<&Entity>) -> Vec<String> {
        Self::NAMES.map(str::to_owned).to_vec()
    }
}

impl Lookup for Known {
    fn get(&self, place: Place, keys: &[Value]) -> Evaluated {
        let list = |items: &[Value]| Value::List(items.to_vec());
        Evaluated::Value(match place.0 {
            0 => Value::Bool(true),
            1 => Value::Int(i64::MAX),
            2 => Value::Float(1.5),
            3 => Value::string("a word, \u{e9}"),
            4 => Value::Memory(3 << 30),
            5 => list(&[Value::Int(3), Value::Int(-1), Value::Int(i64::MIN)]),
            6 => list(&[Value::string("local")]),
            7 => Value::Map([("k".into(), Value::Int(1)), ("l".into(), list(&[]))].into_iter().collect()),
            _ if keys == [Value::string("k")] => Value::Int(1),
            _ if keys == [Value::string("l")] => return Evaluated::Unknown,
            _ => return Evaluated::Missing,
        })
    }

    fn own_key(&self, _: u32) -> Value {
        Value::string("own")
    }

    fn loop_key(&self, _: u32) -> Value {
        Value::Int(0)
    }
}

/// Reads, checks and evaluates a text in every form: within its steps, the same twice. The first line is also tried
/// as a pattern on the others.
pub fn expression(data: &[u8]) {
    const STEPS: u64 = 10_000;
    let Some(text) = text_of(data) else { return };
    let sources = Sources::default().with(Arc::new(source(text)));
    let whole = Span::new(SourceId(0), 0, text.len());
    let piece = expr::Text { text, span: whole, verbatim_at: Some(0) };
    for form in [Form::Path, Form::Template, Form::Cel] {
        for wanted in [None, Some(Type::scalar("bool")), Some(Type::scalar("string")), Some(Type::scalar("memory"))] {
            let mut diags = Diags::default();
            let compiled = expr::compile(&piece, form, &Known, wanted.as_ref(), &mut diags);
            assert_eq!(compiled.is_none(), diags.has_errors(), "an expression, or errors");
            told(&diags.sorted(), &sources);
            let Some((expr, _)) = compiled else { continue };
            let evaluated = || {
                let (mut budget, mut faults) = (STEPS, Vec::new());
                let value = expr::evaluate_with_faults(&expr, &Known, &mut budget, &mut faults);
                (format!("{value:?}"), budget, faults)
            };
            let (value, budget, faults) = evaluated();
            assert!(budget <= STEPS);
            told(&faults.iter().map(expr::Fault::finding).collect::<Vec<_>>(), &sources);
            assert_eq!(evaluated(), (value, budget, faults), "evaluated twice");
        }
    }
    let (pattern, tried) = text.split_once('\n').unwrap_or((text, "aaaaaaaaaaaaaaaaaaaaaaaaab"));
    let _ = expr::matches(pattern, tried);
}

/// Facts that were made of a text are the same twice, and say what they say themselves.
fn stated(of: impl Fn() -> (Facts, Vec<Trouble>), text: &str) {
    let (stated, troubles) = of();
    let again = of();
    assert!((&stated, &troubles) == (&again.0, &again.1), "stated twice");
    assert_eq!(facts::compare(&stated, &stated), [], "compared with themselves");
    // To YAML a carriage return alone ends a line too.
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").lines().count().max(1);
    for line in troubles.iter().map(|trouble| trouble.line).chain(stated.values().map(|fact| fact.place.line)) {
        assert!(line as usize <= lines, "line {line} of {lines}");
    }
}

fn documents(data: &[u8]) -> Option<(&str, Vec<Node<'static>>)> {
    let text = text_of(data)?;
    Some((text, foreign::documents(text).ok()?))
}

/// Takes a text for a Compose file, beside which every file with an even name is there.
pub fn compose(data: &[u8]) {
    let Some((text, documents)) = documents(data) else { return };
    let beside = |path: &str| path.len().is_multiple_of(2).then(|| b"KEY=value\nURL='http://app:8080'\n".to_vec());
    for file in &documents {
        stated(|| facts::of_compose(file, None, &beside), text);
    }
}

/// Takes a text for the manifests of a release.
pub fn manifests(data: &[u8]) {
    let Some((text, documents)) = documents(data) else { return };
    stated(|| facts::of_manifests(&documents, &BTreeMap::new()), text);
}

/// Reads what we print: what is taken is what its tree is printed as, and a stranger's reader takes it alike.
pub fn readers(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    if let Some(tree) = exact(Format::Yaml, read::yaml::parse(text), text) {
        let documents = foreign::documents(text).expect("YAML is YAML for everybody");
        let theirs: Vec<Output> = documents.iter().map(output).collect();
        assert_eq!(theirs, [tree], "others read another thing");
    }
    if let Some(tree) = exact(Format::Json, read::json::parse(text), text) {
        let theirs: serde_json::Value = serde_json::from_str(text).expect("JSON is JSON for everybody");
        let ours = serde_json::to_value(&tree).expect("a tree is JSON");
        assert_eq!(theirs, ours, "others read another thing");
    }
    if let Some(tree) = exact(Format::Toml, read::toml::parse(text), text) {
        let theirs: toml::Table = toml::from_str(text).expect("TOML is TOML for everybody");
        let ours = toml::Table::try_from(&tree).expect("a tree is TOML");
        assert_eq!(theirs, ours, "others read another thing");
    }
}

/// The tree of a text, which is printed as that text; none where it is not taken.
fn exact(format: Format, read: Result<Node<'_>, Unreadable>, text: &str) -> Option<Output> {
    match read {
        Ok(node) => {
            let tree = output(&node);
            assert_eq!(emit::file(format, &tree, &header(text)), text, "{format:?} was read, and is printed otherwise");
            Some(tree)
        }
        Err(why) => {
            let lines = text.split('\n').count();
            assert!(why.line >= 1 && why.line as usize <= lines, "{format:?}: line {} of {lines}", why.line);
            None
        }
    }
}

/// The lines of comments at the beginning of a text, as the printers take them.
fn header(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines.map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(""))).collect()
}

/// A tree in the terms of the printers.
fn output(node: &Node) -> Output {
    match &node.data {
        Data::Null => Output::Null,
        Data::Bool(value) => Output::Bool(*value),
        Data::Int(value) => Output::Int(*value),
        Data::Float(value) => Output::Float(*value),
        Data::String(text) => Output::string(&**text),
        Data::List(items) => Output::List(items.iter().map(output).collect()),
        Data::Map(entries) => Output::map(entries.iter().map(|(key, node)| (&**key, output(node)))),
    }
}

/// Reads a lock: every path is safe to join to a folder, no two are one, and what was read is written and read alike.
pub fn lock(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    let read = match lock::parse(text) {
        Ok(read) => read,
        Err(why) => {
            assert!(why.line >= 1 && !why.message.contains(char::is_control), "{why:?}");
            return;
        }
    };
    let mut folded = BTreeMap::new();
    for path in read.files.keys() {
        assert_eq!(lock::path_problem(path), None, "{path}");
        assert_eq!(folded.insert(lock::fold(path), path).filter(|_| !read.conflicted), None, "{path}");
    }
    let (stacks, differences): (Vec<_>, Vec<_>) =
        (read.stacks.iter().cloned().collect(), read.differences.iter().cloned().collect());
    let settings = read.settings.first().copied().unwrap_or_else(|| lock::digest(data));
    let paths = read.files.keys().map(|path| (path.as_str(), path.as_bytes()));
    let written = lock::text(&stacks, settings, &differences, paths);
    let again = lock::parse(&written).ok().filter(|_| !read.conflicted);
    assert!(again.is_some() || read.conflicted, "what is written is read:\n{written}");
    let Some(again) = again else { return };
    assert!(again.sealed && again.stacks == read.stacks && again.differences == read.differences, "{written}");
    assert!(again.files.keys().eq(read.files.keys()), "{written}");
}

//! Mistakes in a printed Compose file: every value and every key of it.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use trueline::{
    diag::Diags,
    emit::{self, Output},
    plan::Format,
    read::{self, Data, Node},
    readback,
    targets::{File, Leaves},
};

use super::{Committed, End, Mistake, OF_CHARTS, committed, each, exprs::renamed, judged, made};

/// What became of every mistake.
pub(super) fn ends() -> Vec<(&'static str, String, End)> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for committed in committed() {
        for (file, stack) in compose_files(committed) {
            let text = std::str::from_utf8(&file.bytes).expect("it is text");
            let tree = output(&read::yaml::parse(text).expect("it can be read"));
            // Nothing else is looked at: the other files are as they were.
            let others: Vec<File> =
                committed.files.iter().filter(|other| !is_of_helm(other) && other.path != file.path).cloned().collect();
            let end = |tree, mistake: &Mistake<'_, Output>| checked(committed, &file.path, &others, &tree, mistake);
            let mistakes = mistakes(&tree, stack, &mut seen);
            all.extend(each(&tree, &made("compose", mistakes), end));
        }
    }
    all
}

/// The Compose files of an environment, each with the name of the stack that it is of.
fn compose_files(committed: &Committed) -> impl Iterator<Item = (&File, &str)> {
    committed.env.deployments.iter().filter_map(|deployed| {
        let path = format!("{}/compose/compose.yaml", deployed.name);
        Some((committed.files.iter().find(|file| file.path == path)?, &*deployed.stack.name))
    })
}

fn is_of_helm(file: &File) -> bool {
    file.path.contains("/helm/")
}

fn checked(committed: &Committed, path: &str, others: &[File], tree: &Output, mistake: &Mistake<'_, Output>) -> End {
    let bytes = emit::yaml(tree, "").into_bytes();
    let changed = File { path: path.to_owned(), bytes, format: Some(Format::Yaml), leaves: Leaves::default() };
    let mut files = others.to_vec();
    files.push(changed);
    let mut diags = Diags::default();
    readback::check(&committed.env, &committed.plan, &files, &mut diags);
    judged(diags.as_slice(), mistake.judge(OF_CHARTS)).unwrap_or(End::Survived(String::new()))
}

/// A tree that was read, to be printed again.
pub(super) fn output(node: &Node<'_>) -> Output {
    match &node.data {
        Data::Null => Output::Null,
        Data::Bool(value) => Output::Bool(*value),
        Data::Int(number) => Output::Int(*number),
        Data::Float(number) => Output::Float(*number),
        Data::String(text) => Output::string(text.as_ref()),
        Data::List(items) => Output::List(items.iter().map(output).collect()),
        Data::Map(entries) => {
            Output::Map(entries.iter().map(|(key, node)| (key.as_ref().into(), output(node))).collect())
        }
    }
}

/// The numbers of entries and items, from the root downwards.
type At = Vec<usize>;

struct Site {
    at: At,
    path: String,
    name: String,
    /// Whether it is the entry of a map.
    named: bool,
    value: Output,
}

fn sites(tree: &Output, at: &mut At, path: &str, found: &mut Vec<Site>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let entries: Vec<(String, bool, &Output)> = match tree {
        Output::Map(entries) => entries.iter().map(|(key, value)| (key.to_string(), true, value)).collect(),
        Output::List(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), false, item)).collect(),
        _ => Vec::new(),
    };
    for (number, (name, named, value)) in entries.into_iter().enumerate() {
        at.push(number);
        let path = below(&name);
        found.push(Site { at: at.clone(), path: path.clone(), name, named, value: value.clone() });
        sites(value, at, &path, found);
        at.pop();
    }
}

/// The mistakes in a file of a stack; not at keys that say in another environment of it what they say here.
fn mistakes(tree: &Output, stack: &str, seen: &mut BTreeSet<(String, String)>) -> Vec<Mistake<'static, Output>> {
    let mut found = Vec::new();
    sites(tree, &mut Vec::new(), "", &mut found);
    let mut all: Vec<Mistake<'static, Output>> = Vec::new();
    for (number, site) in found.iter().enumerate() {
        if !seen.insert((format!("{stack} {}", site.path), said(&site.value))) {
            continue;
        }
        let names = names(site);
        let around: Vec<String> = service_of(site).into_iter().collect();
        let mut add = |how, more: Vec<String>, make: Box<dyn Fn(&mut Output) + Send + Sync>| {
            let names = names.iter().cloned().chain(more).collect();
            all.push(Mistake { how, what: format!("{stack} {}", site.path), names, around: around.clone(), make });
        };
        let at = site.at.clone();
        add("delete", Vec::new(), Box::new(move |tree| delete(tree, &at)));
        let at = site.at.clone();
        if site.named {
            add("rename", Vec::new(), Box::new(move |tree| rename(tree, &at)));
        }
        let at = site.at.clone();
        if let Some(other) = changed(&site.value) {
            add("change", Vec::new(), Box::new(move |tree| *value_at(tree, &at) = other.clone()));
        }
        let (before, after) = found.split_at(number);
        let fits = |other: &&Site| same_type(&other.value, &site.value) && other.value != site.value;
        if let Some(other) = after.iter().chain(before).skip(1).find(fits) {
            let (at, there) = (site.at.clone(), other.at.clone());
            let (one, two) = (site.value.clone(), other.value.clone());
            let swap = move |tree: &mut Output| {
                *value_at(tree, &at) = two.clone();
                *value_at(tree, &there) = one.clone();
            };
            add("swap", self::names(other), Box::new(swap));
        }
    }
    all
}

/// What a key says itself, without what is below it.
fn said(value: &Output) -> String {
    match value {
        Output::Map(_) => "a map".to_owned(),
        Output::List(_) => "a list".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The kinds of facts that a key of a service says.
const KINDS: &[(&str, &[&str])] = &[
    ("image", &["image"]),
    ("build", &["image.build"]),
    ("pull_policy", &["image.pull"]),
    ("profiles", &["profile"]),
    ("network_mode", &["beside"]),
    ("entrypoint", &["command"]),
    ("command", &["args"]),
    ("environment", &["env"]),
    ("expose", &["port"]),
    ("ports", &["port"]),
    ("depends_on", &["needs"]),
    ("healthcheck", &["health"]),
    ("volumes", &["volume", "file", "env"]),
    ("tmpfs", &["tmpfs"]),
    ("secrets", &["file", "env"]),
    ("user", &["security"]),
    ("read_only", &["security"]),
    ("cap_drop", &["security"]),
    ("security_opt", &["security"]),
    ("deploy", &["replicas", "resources"]),
];

/// What a message has to name one of: the key, what it names, or the facts that the key says.
fn names(site: &Site) -> Vec<String> {
    let parts: Vec<&str> = site.path.split('.').collect();
    let mut names = vec![site.path.clone()];
    match parts.as_slice() {
        ["services"] => {
            let Output::Map(services) = &site.value else { return names };
            names.extend(services.iter().map(|(name, _)| name.to_string()));
        }
        ["services", service] => names.push((*service).to_owned()),
        ["services", service, key, below @ ..] => {
            let kinds = KINDS.iter().find(|(known, _)| known == key).map_or(&[][..], |(_, kinds)| kinds);
            names.extend(kinds.iter().map(|kind| format!("{service} {kind}")));
            // the volume, the variable or the file by its own name
            names.extend(below.first().map(|_| site.name.clone()));
            names.extend(text_of(&site.value));
            // the mount or the port that it is of
            names.extend(below.first().map(|item| format!("services.{service}.{key}.{item}")));
        }
        ["volumes" | "secrets", name, ..] => {
            names.push((*name).to_owned());
            // as a secret is called everywhere else
            names.push(name.replacen('_', "/", 1));
            names.push(renamed(&name.replacen('_', "/", 1)));
        }
        ["volumes" | "secrets"] => {
            let Output::Map(entries) = &site.value else { return names };
            names.extend(entries.iter().map(|(name, _)| name.to_string()));
        }
        _ => {}
    }
    names
}

fn text_of(value: &Output) -> Option<String> {
    match value {
        Output::String(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The service that a key is of, or the one that a volume is of by its name.
fn service_of(site: &Site) -> Option<String> {
    let mut parts = site.path.split('.');
    match (parts.next()?, parts.next()?) {
        ("services", service) => Some(service.to_owned()),
        (_, name) => name.split('_').next().map(str::to_owned),
    }
}

fn same_type(one: &Output, other: &Output) -> bool {
    matches!(
        (one, other),
        (Output::Bool(_), Output::Bool(_))
            | (Output::Int(_), Output::Int(_))
            | (Output::Float(_), Output::Float(_))
            | (Output::String(_), Output::String(_))
    )
}

/// Another unit, or another value.
fn changed(value: &Output) -> Option<Output> {
    Some(match value {
        Output::Bool(yes) => Output::Bool(!yes),
        Output::Int(number) => Output::Int(number + 1),
        Output::String(text) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let amount = text.len() > 1 && text[..text.len() - 1].bytes().all(|byte| byte.is_ascii_digit());
            Output::string(match text.chars().last() {
                _ if digits => format!("{text}0"),
                Some('s') if amount => text.replace('s', "m"),
                Some('m') if amount => text.replace('m', "g"),
                Some('g') if amount => text.replace('g', "m"),
                _ => renamed(text),
            })
        }
        _ => return None,
    })
}

fn value_at<'t>(tree: &'t mut Output, at: &[usize]) -> &'t mut Output {
    let Some((first, rest)) = at.split_first() else { return tree };
    match tree {
        Output::Map(entries) => value_at(&mut entries[*first].1, rest),
        Output::List(items) => value_at(&mut items[*first], rest),
        other => panic!("nothing is below {other:?}"),
    }
}

fn delete(tree: &mut Output, at: &[usize]) {
    let Some((last, above)) = at.split_last() else { return };
    match value_at(tree, above) {
        Output::Map(entries) => _ = entries.remove(*last),
        Output::List(items) => _ = items.remove(*last),
        other => panic!("nothing is below {other:?}"),
    }
}

fn rename(tree: &mut Output, at: &[usize]) {
    let Some((last, above)) = at.split_last() else { return };
    if let Output::Map(entries) = value_at(tree, above) {
        entries[*last].0 = SmolStr::from(renamed(&entries[*last].0));
    }
}

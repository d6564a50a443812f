//! A chart's files into what Helm takes them for.
//!
//! In: the texts of a folder by path. Out: [`Chart`]s: names, defaults, schema, templates, dependencies.
//! Never: the disk; what a template does.
//! Invariant: what is left out is said, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::yaml::{self, Entry, Kind, Node};
use crate::{
    diag::{
        Diags,
        codes::{CHART_NOT_READ, CHART_NOT_YAML},
    },
    source::{Source, Span},
};

/// Charts that may be nested.
const DEEPEST: usize = 8;

/// A text of a chart's folder.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path in the folder, with `/`.
    pub path: String,
    /// Its text.
    pub source: Arc<Source>,
}

/// A chart, and those in it.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    /// Its name.
    pub(super) name: String,
    /// Its version; may be empty.
    pub(super) version: String,
    /// The version of what it runs; may be empty.
    pub(super) app_version: String,
    /// Whether it only lends its named templates to others.
    pub(super) library: bool,
    /// The first line of `Chart.yaml`.
    pub(super) at: Span,
    /// `values.yaml`; an empty map where there is none.
    pub(super) values: Node,
    /// `values.schema.json`, and its text.
    pub(super) schema: Option<(Arc<Source>, serde_json::Value)>,
    /// What is below `templates/`, by path from the outermost chart's folder.
    pub(super) templates: Vec<File>,
    /// The charts in it, once per name that they are used under.
    pub(super) parts: Vec<Part>,
    /// Keys of its values that say which parts are used, each with the place that says so.
    pub(super) switches: Vec<(Vec<String>, Span)>,
    /// Keys of a part's values that are copied up: the part, the way below it.
    pub(super) imports: Vec<(String, Vec<String>, Span)>,
}

/// A chart in a chart.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The key of the outer chart's values that holds its values.
    pub(super) key: String,
    /// The chart; none where it cannot be read.
    pub(super) chart: Option<Arc<Chart>>,
    /// Why it cannot be read, for a sentence that begins with its name.
    pub(super) why: String,
    /// What names it.
    pub(super) at: Span,
}

/// A chart out of the texts of its folder, and the names of the files that were left out.
///
/// None where there is no `Chart.yaml`, or it cannot be read.
pub(super) fn chart(files: &[File], archives: &[String], diags: &mut Diags) -> Option<Chart> {
    load("", files, archives, 0, diags)
}

fn load(below: &str, files: &[File], archives: &[String], depth: usize, diags: &mut Diags) -> Option<Chart> {
    let own = |path: &str| files.iter().find(|file| file.path.strip_prefix(below) == Some(path));
    let description = own("Chart.yaml")?;
    let read = yaml::read(&description.source, diags)?;
    let word = |key: &str| read.get(key).map(|node| spelled(node, &description.source)).unwrap_or_default();
    let mut chart = Chart {
        name: word("name"),
        version: word("version"),
        app_version: word("appVersion"),
        library: word("type") == "library",
        at: Span::new(description.source.id, 0, 0),
        values: empty(Span::new(description.source.id, 0, 0)),
        schema: None,
        templates: templates(below, files),
        parts: Vec::new(),
        switches: Vec::new(),
        imports: Vec::new(),
    };
    if let Some(file) = own("values.yaml") {
        chart.values = yaml::read(&file.source, diags).unwrap_or_else(|| empty(Span::new(file.source.id, 0, 0)));
        if !chart.values.is_map() {
            let message = format!("values are a map, and this is {}", chart.values.noun());
            diags.push(CHART_NOT_YAML.at(chart.values.span, message));
            chart.values = empty(chart.values.span);
        }
    }
    if let Some(file) = own("values.schema.json") {
        chart.schema = schema(&file.source, diags);
    }
    let old = own("requirements.yaml").and_then(|file| yaml::read(&file.source, diags));
    let mut dependencies: Vec<Node> = Vec::new();
    for list in [Some(&read), old.as_ref()].into_iter().flatten() {
        dependencies.extend(list.get("dependencies").into_iter().flat_map(Node::items).cloned());
    }
    let inner = inner(below, files, archives, depth, diags);
    parts(&mut chart, &dependencies, inner, below, archives, diags);
    Some(chart)
}

/// The charts in `charts/`, by folder.
fn inner(below: &str, files: &[File], archives: &[String], depth: usize, diags: &mut Diags) -> Vec<Arc<Chart>> {
    let prefix = format!("{below}charts/");
    let folders: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| file.path.strip_prefix(&prefix)?.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| !folder.starts_with(['_', '.']))
        .collect();
    let mut charts = Vec::new();
    for folder in folders {
        let below = format!("{prefix}{folder}/");
        if depth < DEEPEST
            && let Some(chart) = load(&below, files, archives, depth + 1, diags)
        {
            charts.push(Arc::new(chart));
        } else if let Some(first) = files.iter().find(|file| file.path.starts_with(&below)) {
            let what =
                if depth < DEEPEST { "it has no `Chart.yaml` that can be read" } else { "charts nest too deeply" };
            let message = format!("the chart in `{}` is not read: {what}", below.trim_end_matches('/'));
            diags.push(CHART_NOT_READ.at(Span::new(first.source.id, 0, 0), message));
        }
    }
    charts
}

/// Gives each chart in it the keys that it is used under.
fn parts(
    chart: &mut Chart,
    dependencies: &[Node],
    inner: Vec<Arc<Chart>>,
    below: &str,
    archives: &[String],
    diags: &mut Diags,
) {
    let mut named: BTreeSet<&str> = BTreeSet::new();
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for dependency in dependencies {
        let Some(name) = dependency.get("name").and_then(Node::text) else { continue };
        let key = dependency.get("alias").and_then(Node::text).unwrap_or(name).to_owned();
        switches(chart, dependency);
        imports(chart, dependency, &key);
        let found = inner.iter().find(|inner| inner.name == name).cloned();
        let at = dependency.get("name").map_or(dependency.span, |node| node.span);
        let mut why = String::new();
        if found.is_none() {
            why = why_missing(name, below, archives);
            diags.push(CHART_NOT_READ.at(at, format!("the chart `{name}` is not read: {why}")).hint(format!(
                "unpack it into `{below}charts/{name}/`; until then every key below `{key}` counts as read"
            )));
        }
        named.insert(name);
        if keys.insert(key.clone()) {
            chart.parts.push(Part { key, chart: found, why, at });
        }
    }
    for other in inner.iter().filter(|inner| !named.contains(inner.name.as_str())) {
        if keys.insert(other.name.clone()) {
            let part = Part { key: other.name.clone(), chart: Some(other.clone()), why: String::new(), at: other.at };
            chart.parts.push(part);
        }
    }
}

fn why_missing(name: &str, below: &str, archives: &[String]) -> String {
    let prefix = format!("{below}charts/");
    let archive = archives.iter().find(|path| {
        path.strip_prefix(&prefix).and_then(|file| file.strip_prefix(name)).is_some_and(|rest| rest.starts_with('-'))
    });
    match archive {
        Some(path) => format!("`{path}` is an archive"),
        None => format!("there is no `{prefix}{name}/`"),
    }
}

/// `condition` and `tags` of a dependency.
fn switches(chart: &mut Chart, dependency: &Node) {
    if let Some(node) = dependency.get("condition") {
        for path in node.text().unwrap_or_default().split(',').map(str::trim).filter(|path| !path.is_empty()) {
            chart.switches.push((path.split('.').map(str::to_owned).collect(), node.span));
        }
    }
    for tag in dependency.get("tags").into_iter().flat_map(Node::items) {
        if let Some(name) = tag.text() {
            chart.switches.push((vec!["tags".to_owned(), name.to_owned()], tag.span));
        }
    }
}

/// `import-values` of a dependency.
fn imports(chart: &mut Chart, dependency: &Node, key: &str) {
    for node in dependency.get("import-values").into_iter().flat_map(Node::items) {
        let way = match (node.text(), node.get("child").and_then(Node::text)) {
            (Some(name), _) => format!("exports.{name}"),
            (None, Some(child)) => child.to_owned(),
            (None, None) => continue,
        };
        chart.imports.push((key.to_owned(), way.split('.').map(str::to_owned).collect(), node.span));
    }
}

fn templates(below: &str, files: &[File]) -> Vec<File> {
    let prefix = format!("{below}templates/");
    files.iter().filter(|file| file.path.starts_with(&prefix)).cloned().collect()
}

fn schema(source: &Arc<Source>, diags: &mut Diags) -> Option<(Arc<Source>, serde_json::Value)> {
    match serde_json::from_str(&source.text) {
        Ok(value) => Some((source.clone(), value)),
        Err(error) => {
            let before: usize =
                source.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let line = source.text[before..].lines().next().unwrap_or_default();
            let column: usize = line.chars().take(error.column().saturating_sub(1)).map(char::len_utf8).sum();
            let at = before + column;
            diags.push(CHART_NOT_YAML.at(Span::new(source.id, at, at), "the schema is not JSON, so it is not checked"));
            None
        }
    }
}

/// A scalar as written, without quotes: `version: 1.10` is `1.10`.
fn spelled(node: &Node, source: &Source) -> String {
    match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::List(_) | Kind::Map(_) | Kind::Null => String::new(),
        _ => source.slice(node.span).to_owned(),
    }
}

fn empty(span: Span) -> Node {
    Node { span, kind: Kind::Map(Vec::new()) }
}

/// Two values as Helm joins them: maps key by key, everything else from `over`; the order is that of `over`.
pub(super) fn merged(over: &Node, under: &Node) -> Node {
    let (Kind::Map(upper), Kind::Map(lower)) = (&over.kind, &under.kind) else { return over.clone() };
    let below: BTreeMap<&str, &Node> = lower.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
    let above: BTreeSet<&str> = upper.iter().map(|entry| entry.key.as_str()).collect();
    let join = |entry: &Entry| match below.get(entry.key.as_str()) {
        Some(found) => Entry { value: merged(&entry.value, found), ..entry.clone() },
        None => entry.clone(),
    };
    let mut entries: Vec<Entry> = upper.iter().map(join).collect();
    entries.extend(lower.iter().filter(|entry| !above.contains(entry.key.as_str())).cloned());
    Node { span: over.span, kind: Kind::Map(entries) }
}

/// The values that a chart has if nobody sets any: its own, over those of the charts in it.
pub(super) fn defaults(chart: &Chart) -> Node {
    let mut all = chart.values.clone();
    for part in &chart.parts {
        let Some(inner) = &part.chart else { continue };
        let mut below = defaults(inner);
        let mut entries = Vec::new();
        if let Kind::Map(found) = &mut below.kind {
            // What stands below `global` is one for all charts.
            if let Some(at) = found.iter().position(|entry| entry.key == "global") {
                entries.push(found.remove(at));
            }
        }
        if !below.entries().is_empty() {
            entries.push(Entry { key: part.key.clone(), span: below.span, value: below });
        }
        all = merged(&all, &Node { span: all.span, kind: Kind::Map(entries) });
    }
    all
}

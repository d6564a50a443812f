//! Files of values against what a chart reads and what its schema allows.
//!
//! In: a scanned chart and texts. Out: findings at the keys of those texts.
//! Never: a value in a message; it may be a secret.
//! Invariant: of a tree that nothing reads only the outermost key is named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Scanned,
    files::{Chart, Part, merged},
    reads::{NodeId, Reads, Step, shown, shown_key},
    schema,
    yaml::{self, Entry, Kind, Node},
};
use crate::{
    diag::{
        Diags, Finding,
        codes::{CHART_DEAD_KEY, CHART_NOT_YAML, CHART_OTHER_KIND, CHART_UNREAD_KEY},
        mask::names_secret,
        nearest,
    },
    source::{Source, Span},
};

/// Checks files of values, which come in the order in which Helm is given them.
pub(super) fn check(scanned: &Scanned, values: &[Arc<Source>], diags: &mut Diags) {
    let mut together = Node { span: scanned.chart.at, kind: Kind::Map(Vec::new()) };
    let checker = Checker::new(scanned);
    let mut found = Diags::default();
    for source in values {
        let Some(node) = yaml::read(source, diags) else { continue };
        if !node.is_map() {
            diags.push(CHART_NOT_YAML.at(node.span, format!("values are a map, and this is {}", node.noun())));
            continue;
        }
        if !scanned.reads.get(Reads::root()).whole {
            checker.keys(&node, Reads::root(), Some(&scanned.defaults), &mut Vec::new(), &mut found);
        }
        together = merged(&node, &together);
    }
    let nothing = Node { span: together.span, kind: Kind::Map(Vec::new()) };
    let mut forbidden = Diags::default();
    schemas(&scanned.chart, &together, &nothing, &[], &mut forbidden);
    // What Helm refuses anyway is said once.
    let places: BTreeSet<Span> = forbidden.as_slice().iter().map(|finding| finding.span).collect();
    diags.extend(forbidden);
    found.sorted().into_iter().filter(|finding| !places.contains(&finding.span)).for_each(|it| diags.push(it));
}

/// Checks the values that a chart and those in it get against their schemas.
fn schemas(chart: &Chart, values: &Node, global: &Node, way: &[String], diags: &mut Diags) {
    let mut all = merged(values, &chart.values);
    drop_nulls(&mut all);
    let own = all.get("global").cloned().unwrap_or_else(|| global.clone());
    let global = merged(global, &own);
    if let Some((text, schema)) = &chart.schema {
        schema::check(text, schema, &all, way, diags);
    }
    for Part { key, chart, .. } in &chart.parts {
        let Some(inner) = chart else { continue };
        if let Some(below) = all.get(key).filter(|node| node.is_map()) {
            let way: Vec<String> = way.iter().chain([key]).cloned().collect();
            schemas(inner, below, &global, &way, diags);
        }
    }
}

/// Leaves out keys that are null, which take a default away.
fn drop_nulls(node: &mut Node) {
    if let Kind::Map(entries) = &mut node.kind {
        entries.retain(|entry| entry.value.kind != Kind::Null);
        entries.iter_mut().for_each(|entry| drop_nulls(&mut entry.value));
    }
}

struct Checker<'s> {
    scanned: &'s Scanned,
    /// Ways of read keys by their last name.
    by_name: BTreeMap<String, BTreeSet<String>>,
    /// Keys of the outermost values that hold those of a chart, each with its parts.
    parts: &'s [Part],
}

impl<'s> Checker<'s> {
    fn new(scanned: &'s Scanned) -> Checker<'s> {
        let mut by_name: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (steps, _) in scanned.reads.live() {
            for length in 1..=steps.len() {
                if let Some(Step::Key(name)) = steps.get(length - 1) {
                    by_name.entry(name.to_string()).or_default().insert(shown(&steps[..length]));
                }
            }
        }
        Checker { scanned, by_name, parts: &scanned.chart.parts }
    }

    /// Checks the keys of a map that something reads.
    fn keys(&self, node: &Node, read: NodeId, default: Option<&Node>, way: &mut Vec<Step>, diags: &mut Diags) {
        let reads = &self.scanned.reads;
        for entry in node.entries() {
            way.push(Step::Key(entry.key.as_str().into()));
            let own = default.and_then(|default| default.entries().iter().find(|own| own.key == entry.key));
            let found = self.child(read, &entry.key, way);
            match found.filter(|found| reads.is_live(*found)) {
                Some(found) => self.value(&entry.value, found, own, entry.span, way, diags),
                // Taking a default away, or naming a group that is empty, says nothing.
                None if entry.value.is_map() && entry.value.entries().is_empty() && self.is_values(way) => {}
                None => diags.push(self.unread(way, read, entry.span, own)),
            }
            way.pop();
        }
    }

    /// What is read at a key; `global` of a chart in the chart is that of all.
    fn child(&self, read: NodeId, name: &str, way: &[Step]) -> Option<NodeId> {
        let reads = &self.scanned.reads;
        if name == "global" && way.len() > 1 && self.is_values(&way[..way.len() - 1]) {
            return reads.find(Reads::root(), &Step::Key("global".into()));
        }
        reads
            .find(read, &Step::Key(name.into()))
            .filter(|it| reads.is_live(*it))
            .or_else(|| reads.find(read, &Step::Each))
    }

    /// Whether a way leads to the values of a chart in the chart, or to `global`.
    fn is_values(&self, way: &[Step]) -> bool {
        let mut parts = self.parts;
        for (at, step) in way.iter().enumerate() {
            let Step::Key(name) = step else { return false };
            if at + 1 == way.len() && name.as_ref() == "global" {
                return true;
            }
            let Some(part) = parts.iter().find(|part| part.key == name.as_ref()) else { return false };
            parts = part.chart.as_ref().map(|chart| chart.parts.as_slice()).unwrap_or_default();
        }
        true
    }

    fn value(&self, node: &Node, read: NodeId, own: Option<&Entry>, at: Span, way: &mut Vec<Step>, diags: &mut Diags) {
        let default = own.map(|own| &own.value);
        if let Some(finding) = self.other_kind(node, read, own, at, way) {
            diags.push(finding);
            return;
        }
        let key = self.scanned.reads.get(read);
        if key.whole {
            return;
        }
        let follows = !key.children.is_empty();
        match &node.kind {
            Kind::Map(entries) if follows || !entries.is_empty() && default.is_some_and(Node::is_map) => {
                self.keys(node, read, default, way, diags);
            }
            Kind::List(items) => {
                let each = self.scanned.reads.find(read, &Step::Each);
                if let Some(each) = each.filter(|each| self.scanned.reads.is_live(*each)) {
                    way.push(Step::Each);
                    items.iter().for_each(|item| self.value(item, each, None, item.span, way, diags));
                    way.pop();
                }
            }
            _ => {}
        }
    }

    /// A map where the chart has a list or a scalar, and the like.
    fn other_kind(&self, node: &Node, read: NodeId, own: Option<&Entry>, at: Span, way: &[Step]) -> Option<Finding> {
        let own = own?;
        let default = &own.value;
        let empty = match &default.kind {
            Kind::Null => true,
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            _ => false,
        };
        let rank = |node: &Node| match node.kind {
            Kind::Map(_) => 0,
            Kind::List(_) => 1,
            _ => 2,
        };
        let free = empty && self.scanned.reads.get(read).whole;
        if node.kind == Kind::Null || default.kind == Kind::Null || free || rank(node) == rank(default) {
            return None;
        }
        let noun = |node: &Node| if rank(node) == 2 { "a single value" } else { node.noun() };
        let message = format!("`{}` is {} in the chart, and {} here", shown(way), noun(default), noun(node));
        Some(CHART_OTHER_KIND.at(at, message).label(own.span, "the chart's own value stands here"))
    }

    fn unread(&self, way: &[Step], read: NodeId, at: Span, own: Option<&Entry>) -> Finding {
        let path = shown(way);
        let finding = match own {
            Some(own) => {
                let message = format!("no template reads `{path}`, although the chart's own values have it");
                let finding = CHART_DEAD_KEY.at(at, message);
                if own.span.source == at.source { finding } else { finding.label(own.span, "it is dead here, too") }
            }
            None => CHART_UNREAD_KEY.at(at, format!("nothing in the chart reads `{path}`")),
        };
        let finding = finding.maybe_hint(self.suggestion(way, read));
        if self.scanned.incomplete {
            return finding.hint("the templates were not followed to their end; they may read it all the same");
        }
        match self.scanned.unread.first() {
            Some(file) => finding.hint(format!("`{file}` cannot be read whole; it may read it all the same")),
            None => finding,
        }
    }

    /// The nearest key that is read: beside it, or of the same name elsewhere.
    fn suggestion(&self, way: &[Step], read: NodeId) -> Option<String> {
        let Some(Step::Key(name)) = way.last() else { return None };
        let reads = &self.scanned.reads;
        let beside: Vec<&str> = reads
            .get(read)
            .children
            .iter()
            .filter(|(_, child)| reads.is_live(**child))
            .filter_map(|(step, _)| match step {
                Step::Key(name) => Some(name.as_ref()),
                Step::Each => None,
            })
            .collect();
        let folded = |text: &str| text.replace(['-', '_'], "").to_lowercase();
        let same = beside.iter().copied().find(|other| folded(other) == folded(name));
        if let Some(near) = same.or_else(|| nearest(name, beside.iter().copied())) {
            return Some(format!("did you mean `{}`?", shown_key(near)));
        }
        let path = shown(way);
        let words = |path: &str| path.replace("[]", "").split('.').map(str::to_owned).collect::<BTreeSet<_>>();
        let mine = words(&path);
        // Moved into another group, or out of one; elsewhere the same name is another thing.
        let near = |other: &&String| words(other).is_superset(&mine) || words(other).is_subset(&mine);
        let best = self.by_name.get(name.as_ref())?.iter().filter(near).min_by_key(|other| other.len())?;
        Some(format!("`{best}` is read"))
    }
}

/// The places in a file of values that must not be shown: values below a key whose name announces a secret, and
/// comments; everything, where it cannot be read.
pub(super) fn secrets(source: &Source) -> Vec<Span> {
    let mut unread = Diags::default();
    let Some(node) = yaml::read(source, &mut unread) else {
        return vec![Span::new(source.id, 0, source.text.len())];
    };
    let mut found = yaml::comments(source);
    gather(&node, false, &mut found);
    found
}

fn gather(node: &Node, secret: bool, found: &mut Vec<Span>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                gather(&entry.value, secret || names_secret(&entry.key), found);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| gather(item, secret, found)),
        Kind::Bool(_) | Kind::Null => {}
        _ if secret => found.push(node.span),
        _ => {}
    }
}

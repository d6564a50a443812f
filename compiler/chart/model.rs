//! What is known of a chart's keys: what reads them, what they hold unless set, what the schema says.
//!
//! In: [`Reads`], the defaults, the schema. Out: a tree of [`Entry`]s.
//! Never: how a surface is written.
//! Invariant: entries stand in the order of `values.yaml`, what is not in it behind that, by name.

use std::collections::BTreeSet;

use super::{
    reads::{Hint, Key, NodeId, Reads, Step},
    yaml::{Kind, Node},
};

/// A key of a chart's values.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: String,
    /// What it is.
    pub(super) shape: Shape,
    /// What it holds unless it is set; only scalars.
    pub(super) default: Option<Node>,
    /// Whether its text is a template itself.
    pub(super) tpl: bool,
    /// Why it counts as read although nobody looked.
    pub(super) unseen: Option<String>,
}

/// What is read of a key.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Shape {
    /// One value of this type.
    Scalar(&'static str),
    /// One of these words.
    Words(Vec<String>),
    /// Everything in it, whatever that is; and the keys that are read by name besides.
    Any(Vec<Entry>),
    /// The keys in it, and no others.
    Group(Vec<Entry>),
    /// A list.
    List(Holds),
    /// A map with keys of any name.
    Map(Holds),
    /// Nothing.
    Dead,
}

/// What an item of a list, or the value of any key of a map, is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Holds {
    /// A value of this type.
    Of(&'static str),
    /// A map with these keys.
    Keys(Vec<Entry>),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (&self.name, &self.shape, self.tpl) == (&other.name, &other.shape, other.tpl)
    }
}

/// All keys of a chart.
pub(super) fn entries(reads: &Reads, defaults: &Node, schema: Option<&serde_json::Value>) -> Vec<Entry> {
    let model = Model { reads, schema };
    model.children(Some(Reads::root()), Some(defaults), schema)
}

struct Model<'m> {
    reads: &'m Reads,
    schema: Option<&'m serde_json::Value>,
}

impl<'m> Model<'m> {
    /// The keys of a value: those of the defaults in their order, then what else is read.
    fn children(
        &self,
        node: Option<NodeId>,
        default: Option<&Node>,
        schema: Option<&'m serde_json::Value>,
    ) -> Vec<Entry> {
        let written = default.map(Node::entries).unwrap_or_default();
        let mut names: Vec<&str> = written.iter().map(|entry| entry.key.as_str()).collect();
        let known: BTreeSet<&str> = names.iter().copied().collect();
        if let Some(node) = node {
            for (step, child) in &self.reads.get(node).children {
                if let Step::Key(name) = step
                    && !known.contains(name.as_ref())
                    && self.reads.is_live(*child)
                {
                    names.push(name);
                }
            }
        }
        let each = node.and_then(|node| self.reads.find(node, &Step::Each));
        let child = |name: &str| {
            let own = node.and_then(|node| self.reads.find(node, &Step::Key(name.into())));
            let own = own.filter(|child| self.reads.is_live(*child)).or(each);
            let schema = schema.and_then(|schema| self.property(schema, name));
            let mut entry = self.entry(name, own, default.and_then(|node| node.get(name)), schema);
            if entry.shape == Shape::Dead && node.is_some_and(|node| self.reads.get(node).whole) {
                entry.shape = Shape::Any(Vec::new());
            }
            entry
        };
        names.into_iter().map(child).collect()
    }

    fn entry(
        &self,
        name: &str,
        node: Option<NodeId>,
        default: Option<&Node>,
        schema: Option<&'m serde_json::Value>,
    ) -> Entry {
        let key = node.filter(|node| self.reads.is_live(*node)).map(|node| (node, self.reads.get(node)));
        let shape = match key {
            Some((node, key)) => self.shape(node, key, default, schema),
            None => Shape::Dead,
        };
        let scalar = default.filter(|node| !matches!(node.kind, Kind::List(_) | Kind::Map(_) | Kind::Null));
        Entry {
            name: name.to_owned(),
            default: scalar.filter(|node| takes(&shape, node)).cloned(),
            tpl: key.is_some_and(|(_, key)| key.tpl),
            unseen: key.and_then(|(_, key)| key.unseen.as_deref().map(str::to_owned)),
            shape,
        }
    }

    fn shape(&self, node: NodeId, key: &Key, default: Option<&Node>, schema: Option<&'m serde_json::Value>) -> Shape {
        let named = key.children.iter().any(|(step, child)| *step != Step::Each && self.reads.is_live(*child));
        let each = key.children.get(&Step::Each).copied();
        let kind = self.kind(default, schema);
        if key.whole {
            return self.whole(node, kind, default, schema);
        }
        match each {
            Some(_) if named => Shape::Any(self.freely(node, default, schema)),
            // Sometimes one value, sometimes a map.
            None if named && key.scalar && !default.is_some_and(Node::is_map) => {
                Shape::Any(self.freely(node, default, schema))
            }
            Some(each) => self.walked(each, key, kind, default, schema),
            None if named || default.is_some_and(|node| !node.entries().is_empty()) => {
                Shape::Group(self.children(Some(node), default, schema))
            }
            None if key.items || key.keys || matches!(kind, Some("map" | "list")) => Shape::Any(Vec::new()),
            None => self.scalar(key, default, schema),
        }
    }

    /// A value that is handed on as a whole: a scalar where it is one, whatever it is otherwise.
    fn whole(
        &self,
        node: NodeId,
        kind: Option<&str>,
        default: Option<&Node>,
        schema: Option<&'m serde_json::Value>,
    ) -> Shape {
        let is_scalar = default.is_some_and(|node| !matches!(node.kind, Kind::List(_) | Kind::Map(_) | Kind::Null));
        match kind {
            Some(kind) if is_scalar && !matches!(kind, "map" | "list") => {
                words(schema).map_or_else(|| Shape::Scalar(scalar_of(kind)), Shape::Words)
            }
            _ => Shape::Any(self.freely(node, default, schema)),
        }
    }

    /// The keys that are read by name of a value that may have any others.
    fn freely(&self, node: NodeId, default: Option<&Node>, schema: Option<&'m serde_json::Value>) -> Vec<Entry> {
        let mut entries = self.children(Some(node), default, schema);
        loosen(&mut entries);
        // What is read only because everything is says nothing new.
        let by_name =
            |name: &str| self.reads.find(node, &Step::Key(name.into())).is_some_and(|it| self.reads.is_live(it));
        entries.retain(|entry| by_name(&entry.name));
        entries
    }

    /// A value over whose items something walks.
    fn walked(
        &self,
        each: NodeId,
        key: &Key,
        kind: Option<&str>,
        default: Option<&Node>,
        schema: Option<&'m serde_json::Value>,
    ) -> Shape {
        let is_map = kind == Some("map") || (kind != Some("list") && key.keys);
        let item = self.reads.get(each);
        let first = default.and_then(|node| node.items().first().or(node.entries().first().map(|entry| &entry.value)));
        let below = schema.and_then(|schema| {
            let below = if is_map { "additionalProperties" } else { "items" };
            self.resolve(schema).get(below)
        });
        let fields = item.children.iter().any(|(step, child)| *step != Step::Each && self.reads.is_live(*child));
        let holds = match self.kind(first, below) {
            _ if fields && !item.whole => Holds::Keys(self.items(each, first, below)),
            Some(kind) if !item.whole && !matches!(kind, "map" | "list") => Holds::Of(scalar_of(kind)),
            None if item.scalar && !item.whole => Holds::Of("string"),
            _ => Holds::Of("any"),
        };
        if is_map { Shape::Map(holds) } else { Shape::List(holds) }
    }

    /// The keys of an item, by the first one that the chart has.
    fn items(&self, each: NodeId, first: Option<&Node>, schema: Option<&'m serde_json::Value>) -> Vec<Entry> {
        let mut entries = self.children(Some(each), first.filter(|node| node.is_map()), schema);
        // An item has no default: it is there only if somebody writes it.
        entries.retain(|entry| entry.shape != Shape::Dead);
        entries.iter_mut().for_each(without_default);
        entries
    }

    fn scalar(&self, key: &Key, default: Option<&Node>, schema: Option<&'m serde_json::Value>) -> Shape {
        if let Some(words) = words(schema) {
            return Shape::Words(words);
        }
        match (self.kind(default, schema), key.hint) {
            (Some(kind), _) => Shape::Scalar(scalar_of(kind)),
            (None, Hint::Int) => Shape::Scalar("int"),
            (None, Hint::Number) => Shape::Scalar("number"),
            (None, Hint::Text) => Shape::Scalar("string"),
            (None, Hint::None) => Shape::Scalar("any"),
        }
    }

    /// The kind of a value: what its default is, or else what the schema says.
    fn kind(&self, default: Option<&Node>, schema: Option<&'m serde_json::Value>) -> Option<&'static str> {
        let said = schema.and_then(|schema| self.resolve(schema).get("type")).and_then(serde_json::Value::as_str);
        let said = match said {
            Some("object") => Some("map"),
            Some("array") => Some("list"),
            Some("boolean") => Some("bool"),
            Some("integer") => Some("int"),
            Some("number") => Some("number"),
            Some("string") => Some("string"),
            _ => None,
        };
        match default.map(|node| &node.kind) {
            None | Some(Kind::Null) => said,
            Some(Kind::Map(_)) => Some("map"),
            Some(Kind::List(_)) => Some("list"),
            Some(Kind::Bool(_)) => Some("bool"),
            Some(Kind::Int(_)) if said == Some("number") => Some("number"),
            Some(Kind::Int(_)) => Some("int"),
            Some(Kind::Float(_)) => Some("number"),
            Some(Kind::Text(_)) => Some("string"),
        }
    }

    /// What a schema says of a key.
    fn property(&self, schema: &'m serde_json::Value, name: &str) -> Option<&'m serde_json::Value> {
        self.resolve(schema).get("properties")?.get(name)
    }

    /// A schema, or the one that it refers to.
    fn resolve(&self, schema: &'m serde_json::Value) -> &'m serde_json::Value {
        let mut found = schema;
        for _ in 0..8 {
            let target = found.get("$ref").and_then(serde_json::Value::as_str).and_then(|way| way.strip_prefix('#'));
            match target.and_then(|way| self.schema?.pointer(way)) {
                Some(next) => found = next,
                None => break,
            }
        }
        found
    }
}

fn without_default(entry: &mut Entry) {
    entry.default = None;
    if let Some(entries) = below(&mut entry.shape) {
        entries.iter_mut().for_each(without_default);
    }
}

/// Makes groups of values that may have any keys besides, and leaves out what nothing reads by name.
fn loosen(entries: &mut Vec<Entry>) {
    entries.retain(|entry| entry.shape != Shape::Dead);
    for entry in entries {
        if let Shape::Group(below) = &mut entry.shape {
            entry.shape = Shape::Any(std::mem::take(below));
        }
        if let Shape::Any(below) = &mut entry.shape {
            loosen(below);
        }
    }
}

/// The keys below a key.
fn below(shape: &mut Shape) -> Option<&mut Vec<Entry>> {
    match shape {
        Shape::Any(entries) | Shape::Group(entries) => Some(entries),
        Shape::List(Holds::Keys(entries)) | Shape::Map(Holds::Keys(entries)) => Some(entries),
        _ => None,
    }
}

/// Whether a key of this shape may have this default.
fn takes(shape: &Shape, default: &Node) -> bool {
    match shape {
        Shape::Scalar(_) | Shape::Any(_) => true,
        Shape::Words(words) => {
            default.text().is_some_and(|text| text.is_empty() || words.iter().any(|word| word == text))
        }
        _ => false,
    }
}

/// The words of an `enum` that is all text.
fn words(schema: Option<&serde_json::Value>) -> Option<Vec<String>> {
    let words = schema?.get("enum")?.as_array()?;
    let texts: Option<Vec<String>> = words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
    texts.filter(|texts| !texts.is_empty())
}

fn scalar_of(kind: &str) -> &'static str {
    match kind {
        "bool" => "bool",
        "int" => "int",
        "number" => "number",
        "string" => "string",
        _ => "any",
    }
}

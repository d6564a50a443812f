//! YAML that others wrote: Compose files, values, manifests.
//!
//! In: text. Out: its documents, with aliases and merge keys filled in; or the line that cannot be read.
//! Never: the words of YAML 1.1 (`yes`, `017` for 15), tags of applications.
//! Invariant: memory grows with the length of the text alone, whatever its aliases say; no map has a key twice.

use std::{borrow::Cow, collections::HashMap};

use serde_yaml::granit_parser::{self as granit, Event, Parser, ScalarStyle, StrInput, Tag};

use super::{Data, Node, Unreadable, keys::Keys, number};

/// The longest text that is read, in bytes.
pub const MAX_SIZE: usize = 32 << 20;
/// The deepest nesting of lists and maps, with aliases filled in.
pub const MAX_DEPTH: usize = 128;
/// The most memory, in bytes, that all documents of a text may take with aliases filled in, roughly.
const MAX_COST: usize = 128 << 20;
/// What a value costs besides its text.
const COST: usize = 64;

type Read<T> = Result<T, Unreadable>;
type Entries = Vec<(Cow<'static, str>, Node<'static>)>;

/// Reads all documents of a text; an empty one is `Null`, and a text with nothing in it has none.
///
/// Plain scalars are what YAML 1.2 takes them for. Whole numbers beyond `i64` become `Float`, as most readers do,
/// and `.inf` and `.nan` are `Float` too. Keys that are numbers or words become their text. What was merged by `<<`
/// stands behind a map's own entries and keeps the line on which it was written.
///
/// # Errors
/// The first line that is no YAML, has a key twice, an unknown tag, a list or map as a key, or goes beyond a limit.
pub fn documents(text: &str) -> Read<Vec<Node<'static>>> {
    if text.len() > MAX_SIZE {
        return no(1, format!("the text has {} bytes, and at most {MAX_SIZE} are read", text.len()));
    }
    let mut options = granit::Options::default();
    options.set_emit_comments(false);
    options.block_nesting_limit = MAX_DEPTH;
    options.flow_nesting_limit = MAX_DEPTH;
    let mut parser = Parser::<StrInput>::new_from_str_with_options(text, options);
    let mut tree = Tree::default();
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => tree.take(event, line_of(&span.start))?,
            Err(why) => return no(line_of(why.marker()), format!("this is no YAML: {}", why.info())),
        }
    }
    Ok(tree.documents)
}

fn no<T>(line: u32, message: impl Into<String>) -> Read<T> {
    Err(Unreadable { line, message: message.into() })
}

fn line_of(place: &granit::Marker) -> u32 {
    u32::try_from(place.line()).unwrap_or(u32::MAX).max(1)
}

/// Documents while they are read.
#[derive(Default)]
struct Tree {
    documents: Vec<Node<'static>>,
    /// The lists and maps that are not complete, the outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    cost: usize,
}

/// A value that has a name.
struct Anchored {
    node: Node<'static>,
    /// How deep lists and maps nest in it; 0 for a scalar.
    height: usize,
    cost: usize,
}

/// A list or map that is not complete.
struct Open {
    line: u32,
    anchor: usize,
    /// How deep its parts nest, so far.
    height: usize,
    /// What everything before it cost.
    before: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node<'static>>),
    Map(Map),
}

#[derive(Default)]
struct Map {
    entries: Entries,
    keys: Keys<'static>,
    /// The key whose value comes next.
    key: Option<Key>,
    /// What `<<` names, in order.
    merged: Vec<Node<'static>>,
}

struct Key {
    text: Cow<'static, str>,
    line: u32,
    is_merge: bool,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: u32) -> Read<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), line),
            Event::SequenceStart(_, anchor, tag) => {
                known(tag.as_deref(), "seq", line)?;
                self.begin(anchor, line, Parts::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                known(tag.as_deref(), "map", line)?;
                self.begin(anchor, line, Parts::Map(Map::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, line),
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn pay(&mut self, cost: usize, line: u32) -> Read<()> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > MAX_COST { no(line, "with its aliases filled in the text is too large") } else { Ok(()) }
    }

    /// The map that waits for a key.
    fn waiting(&mut self) -> Option<&mut Map> {
        match self.open.last_mut() {
            Some(Open { parts: Parts::Map(map), .. }) if map.key.is_none() => Some(map),
            _ => None,
        }
    }

    fn begin(&mut self, anchor: usize, line: u32, parts: Parts) -> Read<()> {
        if self.waiting().is_some() {
            return no(line, "a list or map stands where a key was wanted");
        }
        if self.open.len() == MAX_DEPTH {
            return no(line, "lists and maps nest too deep");
        }
        let before = self.cost;
        self.pay(COST, line)?;
        self.open.push(Open { line, anchor, height: 0, before, parts });
        Ok(())
    }

    /// Completes the innermost list or map.
    fn end(&mut self) -> Read<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let data = match open.parts {
            Parts::List(items) => Data::List(items),
            Parts::Map(map) => Data::Map(map.complete()?),
        };
        let node = Node { line: open.line, data };
        let height = open.height + 1;
        self.name(open.anchor, &node, height, self.cost - open.before)?;
        self.put(node, height)
    }

    fn name(&mut self, anchor: usize, node: &Node<'static>, height: usize, cost: usize) -> Read<()> {
        if anchor != 0 {
            self.pay(cost, node.line)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), height, cost });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Read<()> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return no(line, "an alias stands within the value that it names");
        };
        let (height, cost) = (anchored.height, anchored.cost);
        self.pay(cost, line)?;
        if self.open.len() + height > MAX_DEPTH {
            return no(line, "lists and maps nest too deep with this alias filled in");
        }
        let node = self.anchors[&anchor].node.clone();
        if let Some(map) = self.waiting() {
            return match node.data {
                Data::String(text) => map.expect(text, line, false),
                _ => no(line, "the alias stands where a key was wanted, and names no text"),
            };
        }
        self.put(node, height)
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        line: u32,
    ) -> Read<()> {
        let cost = COST + text.len();
        self.pay(cost, line)?;
        let is_plain = style == ScalarStyle::Plain;
        if self.waiting().is_some() {
            let data = Data::String(Cow::Owned(text.into_owned()));
            let node = Node { line, data };
            self.name(anchor, &node, 0, cost)?;
            let Data::String(text) = node.data else { return Ok(()) };
            let is_merge = is_plain && tag.is_none() && text == "<<";
            return self.waiting().map_or(Ok(()), |map| map.expect(text, line, is_merge));
        }
        let node = Node { line, data: value(text, is_plain, tag, line)? };
        self.name(anchor, &node, 0, cost)?;
        self.put(node, 0)
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, mut node: Node<'static>, height: usize) -> Read<()> {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.height = open.height.max(height);
        match &mut open.parts {
            Parts::List(items) => items.push(node),
            Parts::Map(map) => {
                let Some(key) = map.key.take() else { return no(node.line, "a key is missing") };
                if key.is_merge {
                    map.merged.push(node);
                } else {
                    node.line = key.line;
                    map.entries.push((key.text, node));
                }
            }
        }
        Ok(())
    }
}

impl Map {
    fn expect(&mut self, text: Cow<'static, str>, line: u32, is_merge: bool) -> Read<()> {
        if !is_merge && !self.keys.are_without(&text, &self.entries) {
            return no(line, "the map has the key of this line already");
        }
        self.key = Some(Key { text, line, is_merge });
        Ok(())
    }

    /// The entries with those that were merged and are not there already; what was merged first wins.
    fn complete(mut self) -> Read<Entries> {
        for node in self.merged {
            let line = node.line;
            let maps = match node.data {
                Data::List(items) => items,
                _ => vec![node],
            };
            for map in maps {
                let Data::Map(entries) = map.data else { return no(line, "`<<` merges a map, or a list of maps") };
                for (key, node) in entries {
                    if self.keys.are_without(&key, &self.entries) {
                        self.entries.push((key, node));
                    }
                }
            }
        }
        Ok(self.entries)
    }
}

/// Refuses tags but that of `kind`.
fn known(tag: Option<&Tag>, kind: &str, line: u32) -> Read<()> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(kind) && tag.original() != "!" => no(line, UNKNOWN_TAG),
        _ => Ok(()),
    }
}

const UNKNOWN_TAG: &str = "the tag is not one that is read here, or does not fit its value";

fn value(text: Cow<'_, str>, is_plain: bool, tag: Option<&Tag>, line: u32) -> Read<Data<'static>> {
    let string = |text: Cow<'_, str>| Data::String(Cow::Owned(text.into_owned()));
    let Some(tag) = tag else {
        return Ok(if is_plain { plain(&text).unwrap_or_else(|| string(text)) } else { string(text) });
    };
    if tag.original() == "!" {
        return Ok(string(text));
    }
    let found = plain(&text);
    let fits = match (tag.core_suffix(), found) {
        (Some("str"), _) => Some(string(text)),
        (Some("null"), Some(Data::Null)) => Some(Data::Null),
        (Some("null"), None) if text.is_empty() => Some(Data::Null),
        (Some("bool"), Some(data @ Data::Bool(_))) => Some(data),
        (Some("int"), Some(data @ Data::Int(_))) => Some(data),
        #[expect(clippy::cast_precision_loss, reason = "what the tag asks for")]
        (Some("float"), Some(Data::Int(number))) => Some(Data::Float(number as f64)),
        (Some("float"), Some(data @ Data::Float(_))) => Some(data),
        _ => None,
    };
    fits.map_or_else(|| no(line, UNKNOWN_TAG), Ok)
}

/// What a plain scalar is in YAML 1.2; none for text.
fn plain(text: &str) -> Option<Data<'static>> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Data::Null),
        "true" | "True" | "TRUE" => Some(Data::Bool(true)),
        "false" | "False" | "FALSE" => Some(Data::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => Some(Data::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Data::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Data::Float(f64::NEG_INFINITY)),
        _ => number::written_in_yaml(text),
    }
}

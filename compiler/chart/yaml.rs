//! YAML that somebody else wrote, as a tree with a place on every key and value.
//!
//! In: one text. Out: its first document, as Helm's reader understands it, and findings.
//! Never: what a key means.
//! Invariant: a tree has at most [`MOST_NODES`] nodes and is at most [`DEEPEST`] deep, whatever its aliases say.

use std::collections::BTreeMap;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, Span as Range};

use crate::{
    diag::{
        Diags,
        codes::{CHART_DUPLICATE_KEY, CHART_NOT_YAML, CHART_SECOND_DOCUMENT},
    },
    source::{Source, Span},
};

/// Nodes that one text may have, those that aliases repeat among them.
const MOST_NODES: usize = 200_000;
/// How deep maps and lists may be nested.
const DEEPEST: usize = 100;

/// A value and its place.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    /// Where the value stands; an alias repeats the places of what it stands for.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a value is, by the rules of YAML 1.1 that Helm's reader follows.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Entry {
    /// The key as text, whatever its type is.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) span: Span,
    /// What it holds.
    pub(super) value: Node,
}

impl Node {
    /// The entries, where it is a map.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items, where it is a list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key, where it is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text, where it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a map.
    pub(super) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }

    /// What it is called in messages.
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a yes or no",
            Kind::Int(_) => "a whole number",
            Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// How many values it is made of.
    fn size(&self) -> usize {
        let below: usize = match &self.kind {
            Kind::List(items) => items.iter().map(Node::size).sum(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
        };
        below + 1
    }
}

/// Reads the first document of a text; an empty one is an empty map.
///
/// None where the text is not YAML, which is said.
pub(super) fn read(source: &Source, diags: &mut Diags) -> Option<Node> {
    let mut reader = Reader {
        source,
        parser: Parser::new_from_str(&source.text),
        anchors: BTreeMap::new(),
        nodes: 0,
        duplicates: Vec::new(),
    };
    let found = reader.first_document();
    for (span, message) in reader.duplicates {
        diags.push(CHART_DUPLICATE_KEY.at(span, message).hint("keep one of them; the last one counts"));
    }
    match found {
        Ok((node, second)) => {
            if let Some(span) = second {
                let message = "a second document begins here, and Helm reads only the first";
                diags.push(CHART_SECOND_DOCUMENT.at(span, message).hint("move it to a file of its own"));
            }
            Some(node)
        }
        Err(wrong) => {
            diags.push(CHART_NOT_YAML.at(wrong.span, wrong.message));
            None
        }
    }
}

/// Where comments stand, up to where the text cannot be read.
pub(super) fn comments(source: &Source) -> Vec<Span> {
    let ranges = Parser::new_from_str(&source.text).map_while(Result::ok).filter_map(|(event, range)| match event {
        Event::Comment(..) => range.byte_range(),
        _ => None,
    });
    ranges.map(|range| Span::new(source.id, range.start, range.end)).collect()
}

/// Why a text cannot be read.
struct Wrong {
    span: Span,
    message: String,
}

struct Reader<'s> {
    source: &'s Source,
    parser: Parser<'s, serde_yaml::granit_parser::StrInput<'s>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    duplicates: Vec<(Span, String)>,
}

impl<'s> Reader<'s> {
    /// The first document, and where a second begins.
    fn first_document(&mut self) -> Result<(Node, Option<Span>), Wrong> {
        let mut found = None;
        loop {
            let (event, range) = self.next()?;
            let span = self.span(&range);
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                _ if found.is_some() => return Ok((found.unwrap_or_else(|| empty(span)), Some(span))),
                event => found = Some(self.node(event, range, 0)?),
            }
        }
        let node = found.unwrap_or_else(|| empty(Span::new(self.source.id, 0, 0)));
        // A file of comments alone is an empty map to Helm.
        Ok((if node.kind == Kind::Null { empty(node.span) } else { node }, None))
    }

    /// The next event that is not a comment.
    fn next(&mut self) -> Result<(Event<'s>, Range), Wrong> {
        loop {
            match self.parser.next_event() {
                None => return Ok((Event::StreamEnd, Range::default())),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    let at = error.marker().byte_offset().unwrap_or_default();
                    return Err(self.wrong_at(at, format!("this is not YAML: {}", error.info())));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'s>, range: Range, depth: usize) -> Result<Node, Wrong> {
        let span = self.span(&range);
        self.nodes += 1;
        if depth > DEEPEST {
            return Err(Wrong { span, message: format!("maps and lists are nested more than {DEEPEST} deep") });
        }
        if self.nodes > MOST_NODES {
            return Err(Wrong { span, message: format!("more than {MOST_NODES} values, aliases counted") });
        }
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.as_ref().is_some_and(|tag| tag.suffix() == "str");
                (anchor, if style == ScalarStyle::Plain && !is_text { plain(&text) } else { Kind::Text(text.into()) })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, Kind::List(self.items(depth)?)),
            Event::MappingStart(_, anchor, _) => (anchor, Kind::Map(self.entries(depth)?)),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => return Err(Wrong { span, message: "this is not YAML: a value was expected".to_owned() }),
        };
        let node = Node { span: self.around(span, &kind), kind };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Wrong> {
        let Some(found) = self.anchors.get(&anchor) else {
            return Err(Wrong { span, message: "an alias stands within what it repeats".to_owned() });
        };
        self.nodes += found.size();
        if self.nodes > MOST_NODES {
            return Err(Wrong { span, message: format!("more than {MOST_NODES} values, aliases counted") });
        }
        Ok(Node { span, kind: found.kind.clone() })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, range) => items.push(self.node(event, range, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Wrong> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, range) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let plain_key = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, _, _));
            let key = self.node(event, range, depth + 1)?;
            let (event, range) = self.next()?;
            let value = self.node(event, range, depth + 1)?;
            let Some(name) = self.key_of(&key) else {
                return Err(Wrong { span: key.span, message: format!("{} is no key of a values file", key.noun()) });
            };
            if plain_key && name == "<<" {
                merged.push(value);
                continue;
            }
            let entry = Entry { key: name.clone(), span: key.span, value };
            if let Some(before) = known.get(&name) {
                let (line, _) = self.source.line_column(entries[*before].span.start);
                let message = format!("the key `{name}` is on line {line} already");
                self.duplicates.push((entry.span, message));
                entries[*before] = entry;
            } else {
                known.insert(name, entries.len());
                entries.push(entry);
            }
        }
        for node in merged {
            merge_keys(&mut entries, node);
        }
        Ok(entries)
    }

    /// The text of a key: as written, where it is not a string.
    fn key_of(&self, key: &Node) -> Option<String> {
        match &key.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::List(_) | Kind::Map(_) => None,
            _ => Some(self.source.slice(key.span).to_owned()),
        }
    }

    fn span(&self, range: &Range) -> Span {
        let start = range.start.byte_offset().unwrap_or_default().min(self.source.text.len());
        let end = range.end.byte_offset().unwrap_or_default().clamp(start, self.source.text.len());
        let text = self.source.text.get(start..end).unwrap_or_default();
        Span::new(self.source.id, start, start + text.trim_end().len())
    }

    /// The place of a value with what is in it.
    fn around(&self, span: Span, kind: &Kind) -> Span {
        match kind {
            Kind::Map(entries) => match (entries.first(), entries.last()) {
                (Some(first), Some(last)) => first.span.to(last.value.span),
                _ => span,
            },
            Kind::List(items) => items.last().map_or(span, |last| span.to(last.span)),
            _ => span,
        }
    }

    fn wrong_at(&self, at: usize, message: String) -> Wrong {
        let mut at = at.min(self.source.text.len());
        while !self.source.text.is_char_boundary(at) {
            at -= 1;
        }
        Wrong { span: Span::new(self.source.id, at, at), message }
    }
}

fn empty(span: Span) -> Node {
    Node { span, kind: Kind::Map(Vec::new()) }
}

/// Adds the entries behind `<<` that are not written themselves.
fn merge_keys(entries: &mut Vec<Entry>, node: Node) {
    match node.kind {
        Kind::Map(more) => {
            for entry in more {
                if !entries.iter().any(|known| known.key == entry.key) {
                    entries.push(entry);
                }
            }
        }
        Kind::List(maps) => maps.into_iter().for_each(|map| merge_keys(entries, map)),
        _ => {}
    }
}

/// A plain scalar, by the rules of YAML 1.1.
fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        _ => {}
    }
    if let Some(number) = whole(text) {
        return Kind::Int(number);
    }
    if let Some(number) = fraction(text) {
        return Kind::Float(number);
    }
    Kind::Text(text.to_owned())
}

fn whole(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1, &text[1..]),
        [b'+', ..] => (1, &text[1..]),
        _ => (1, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    let parse = |digits: &str, radix| i128::from_str_radix(digits, radix).ok();
    let number = match digits.get(..2) {
        Some("0x") => parse(&digits[2..], 16),
        Some("0b") => parse(&digits[2..], 2),
        Some("0o") => parse(&digits[2..], 8),
        _ if digits.len() > 1 && digits.starts_with('0') => parse(&digits[1..], 8),
        _ => parse(&digits, 10),
    }?;
    number.checked_mul(sign)
}

fn fraction(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(if text.starts_with('-') { -f64::INFINITY } else { f64::INFINITY }),
        _ => {}
    }
    let legal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+');
    let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if begins && digits.bytes().all(legal) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceId;

    fn read_text(text: &str) -> (Option<Node>, Vec<String>, Source) {
        let source = Source { id: SourceId(1), name: "values.yaml".to_owned(), text: text.to_owned() };
        let mut diags = Diags::default();
        let node = read(&source, &mut diags);
        let told = diags.as_slice().iter();
        let told =
            told.map(|it| format!("{} {}: {}", it.code.id, source.line_column(it.span.start).0, it.message)).collect();
        (node, told, source)
    }

    #[test]
    fn values_and_keys_have_places() {
        let (node, told, source) = read_text("a:\n  bee: 1 # c\n  list:\n    - x\n    - {k: 'v'}\nempty:\n");
        let node = node.expect("it is YAML");
        assert_eq!(told, Vec::<String>::new());
        let a = node.get("a").expect("a");
        assert_eq!(source.slice(a.entries()[0].span), "bee");
        assert_eq!(source.slice(a.get("bee").expect("bee").span), "1");
        let list = a.get("list").expect("list");
        assert_eq!(source.slice(list.items()[1].get("k").expect("k").span), "'v'");
        assert_eq!(node.get("empty").map(|it| &it.kind), Some(&Kind::Null));
    }

    #[test]
    fn scalars_are_what_helm_takes_them_for() {
        let cases = [
            ("1_000", Kind::Int(1000)),
            ("010", Kind::Int(8)),
            ("0x1f", Kind::Int(31)),
            ("-3", Kind::Int(-3)),
            ("1e3", Kind::Float(1000.0)),
            ("yes", Kind::Bool(true)),
            ("Off", Kind::Bool(false)),
            ("~", Kind::Null),
            ("1.10", Kind::Float(1.1)),
            ("1.2.3", Kind::Text("1.2.3".into())),
            ("500m", Kind::Text("500m".into())),
        ];
        for (text, wanted) in cases {
            assert_eq!(plain(text), wanted, "{text}");
        }
        let (node, _, _) = read_text("a: \"1\"\nb: !!str 1\n1: c\n");
        let node = node.expect("it is YAML");
        assert_eq!(node.get("a").and_then(Node::text), Some("1"));
        assert_eq!(node.get("b").and_then(Node::text), Some("1"));
        assert_eq!(node.get("1").and_then(Node::text), Some("c"));
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let (node, told, _) = read_text("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\nsame: *b\n");
        let node = node.expect("it is YAML");
        assert_eq!(told, Vec::<String>::new());
        assert_eq!(node.get("more").and_then(|it| it.get("x")).map(|it| &it.kind), Some(&Kind::Int(1)));
        assert_eq!(node.get("more").and_then(|it| it.get("y")).map(|it| &it.kind), Some(&Kind::Int(3)));
        assert_eq!(node.get("same").and_then(|it| it.get("y")).map(|it| &it.kind), Some(&Kind::Int(2)));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(read_text("a: 1\na: 2\n").1, ["TL0955 2: the key `a` is on line 1 already"]);
        let (_, told, _) = read_text("a: 1\n---\nb: 2\n");
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("TL0957 3: "), "{told:?}");
        for text in ["a: [1\n", "a: 1\n b: 2\n", "a: *nobody\n", "{[1]: 2}\n", "a: &a [*a]\n"] {
            let (node, told, _) = read_text(text);
            assert_eq!((node, told.len()), (None, 1), "{text:?} {told:?}");
            assert!(told[0].starts_with("TL0954 "), "{told:?}");
        }
    }

    #[test]
    fn bombs_and_depth_are_bounded() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let below = format!("*a{}", n - 1);
            text.push_str(&format!("a{n}: &a{n} [{}]\n", vec![below; 10].join(", ")));
        }
        assert!(read_text(&text).1[0].contains("values, aliases counted"));
        let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
        assert!(read_text(&deep).1[0].contains("nested"), "{:?}", read_text(&deep).1);
    }

    #[test]
    fn nothing_is_an_empty_map() {
        for text in ["", "# only a comment\n", "---\n", "null\n"] {
            let (node, told, _) = read_text(text);
            assert!(node.is_some_and(|node| node.is_map() && node.entries().is_empty()), "{text:?}");
            assert_eq!(told, Vec::<String>::new());
        }
    }
}

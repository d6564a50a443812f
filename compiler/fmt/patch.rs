//! Patches of a text: one value set or taken out, every other byte as it was.
//!
//! In: a text without mistakes, a place in it, a value as KDL writes it. Out: the text with the change.
//! Never: whether a setting of this name exists, or what fits it.
//! Invariant: what is handed out was read again, and differs from what was there by the wanted change alone.

use std::ops::Range;

use super::same_meaning;
use crate::{
    diag::Diags,
    source::{Source, SourceId},
    syntax::{self, Doc, Entry, Literal, Name, Node, Token, TokenKind, tokens},
};

/// Why a text was not patched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The text cannot be read.
    Unreadable,
    /// Two edits overlap, or one lies outside of the text or inside of a character.
    BadEdit,
    /// The value is not one or more values as KDL writes them, on one line.
    BadValue,
    /// A name of the path is no bare word, or there is no node around it.
    BadPath,
    /// The setting is written more than once, so that no place is the right one.
    Ambiguous,
    /// The patched text cannot be read, or says something else than was wanted.
    OtherChange,
}

/// New text for a range of bytes; an empty range inserts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// Applies edits, in any order; a text that can be read stays one.
///
/// # Errors
/// [`Refused::BadEdit`], or [`Refused::OtherChange`] where the result cannot be read.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, Refused> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut patched = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in edits {
        let kept = text.get(copied..edit.range.start).ok_or(Refused::BadEdit)?;
        text.get(edit.range.clone()).ok_or(Refused::BadEdit)?;
        patched.push_str(kept);
        patched.push_str(&edit.text);
        copied = edit.range.end;
    }
    patched.push_str(text.get(copied..).ok_or(Refused::BadEdit)?);
    read(&patched).ok_or(Refused::OtherChange)?;
    Ok(patched)
}

/// Gives the setting at `path` below the first top-level node a value, or another one: `set(text, &["app",
/// "replicas"], "3")`. Where it is written, its value is replaced; else it comes to the deepest node of its path that
/// is there, as a property where there are no braces, else as the last child. Several values make a list. In a path,
/// `service[web]` is the entry `web` of a map of records that is there.
///
/// # Errors
/// [`Refused`], and then nothing is changed.
pub fn set(text: &str, path: &[&str], value: &str) -> Result<String, Refused> {
    set_as(text, path, value, false)
}

/// The same for a setting that may have others below it, a choice or a switch: where it is not written yet, it comes
/// as a node of its own and never as a property.
///
/// # Errors
/// [`Refused`], and then nothing is changed.
pub fn set_node(text: &str, path: &[&str], value: &str) -> Result<String, Refused> {
    set_as(text, path, value, true)
}

fn set_as(text: &str, path: &[&str], value: &str, as_node: bool) -> Result<String, Refused> {
    let doc = read(text).ok_or(Refused::Unreadable)?;
    let entries = values(value)?;
    let place = Place::find(&doc, path)?;
    let pieces = tokens(text);
    let (edits, wanted) = match place.found {
        Found::Property(at) => replace_property(&doc, &pieces, &place, at, value, &entries)?,
        Found::Node => replace_arguments(&doc, &pieces, &place, value, &entries),
        Found::Missing => insert(text, &doc, &pieces, &place, Value { text: value, entries: &entries, as_node })?,
    };
    checked(text, &edits, &wanted)
}

/// Takes the value of the setting at `path` out; what else stands in its node stays, empty braces do not. Nothing
/// changes where it has none.
///
/// # Errors
/// [`Refused`], and then nothing is changed.
pub fn unset(text: &str, path: &[&str]) -> Result<String, Refused> {
    let doc = read(text).ok_or(Refused::Unreadable)?;
    let place = Place::find(&doc, path)?;
    let pieces = tokens(text);
    let mut wanted = doc.clone();
    let node = place.node(&doc);
    let edits = match place.found {
        Found::Missing => return Ok(text.to_owned()),
        Found::Property(at) => {
            place.node_mut(&mut wanted).entries.remove(at);
            vec![cut_entry(&pieces, &node.entries[at])]
        }
        Found::Node if holds_more(text, node) => {
            place.node_mut(&mut wanted).entries.retain(|entry| entry.name.is_some());
            node.arguments().map(|entry| cut_entry(&pieces, entry)).collect()
        }
        Found::Node => {
            let (last, above) = place.nodes.split_last().ok_or(Refused::BadPath)?;
            node_mut(&mut wanted, above).children.remove(*last);
            vec![cut_node(text, &pieces, node)]
        }
    };
    checked(text, &edits, &wanted)
}

fn read(text: &str) -> Option<Doc> {
    let mut diags = Diags::default();
    let source = Source { id: SourceId(0), name: String::new(), text: text.to_owned() };
    let doc = syntax::parse(&source, &mut diags);
    (!diags.has_errors()).then_some(doc)
}

/// The text with edits, if it says what is wanted.
fn checked(text: &str, edits: &[Edit], wanted: &Doc) -> Result<String, Refused> {
    let patched = apply(text, edits)?;
    let after = read(&patched).ok_or(Refused::OtherChange)?;
    if same_meaning(&after, wanted) { Ok(patched) } else { Err(Refused::OtherChange) }
}

/// Reads values as they would stand behind a name.
fn values(value: &str) -> Result<Vec<Entry>, Refused> {
    let doc = read(&format!("x {value}")).ok_or(Refused::BadValue)?;
    let [node] = doc.nodes.as_slice() else { return Err(Refused::BadValue) };
    let plain = tokens(value).iter().all(|token| {
        matches!(token.kind, TokenKind::Word | TokenKind::Open | TokenKind::Close) && !token.text(value).contains('\n')
    });
    let fits = plain && !node.braces && !node.entries.is_empty() && node.properties().next().is_none();
    if fits { Ok(node.entries.clone()) } else { Err(Refused::BadValue) }
}

/// Where a setting stands, or belongs.
struct Place<'p> {
    /// The way to a node: its number among the top-level nodes, then among the children.
    nodes: Vec<usize>,
    found: Found,
    /// The names on the path below that node.
    rest: &'p [&'p str],
}

enum Found {
    /// The entry of this number is a property with the setting's name.
    Property(usize),
    /// The node is the setting's own.
    Node,
    /// The node is the deepest group of the path that is there.
    Missing,
}

impl<'p> Place<'p> {
    fn find(doc: &Doc, path: &'p [&'p str]) -> Result<Place<'p>, Refused> {
        let is_word = |name: &&str| {
            let name = entry_of_map(name).map_or(*name, |(map, _)| map);
            read(name).is_some_and(|doc| matches!(&*doc.nodes, [node] if node.name.text == name))
        };
        if path.is_empty() || doc.nodes.is_empty() || !path.iter().all(is_word) {
            return Err(Refused::BadPath);
        }
        // The groups that the names so far lead to: a group may be written in several pieces.
        let mut groups: Vec<Vec<usize>> = vec![vec![0]];
        for (depth, name) in path.iter().enumerate() {
            let own = |group: &Vec<usize>| {
                let children = node(doc, group).children.iter().enumerate();
                let named = children.filter(|(_, child)| is_named(child, name));
                named.map(|(at, _)| group.iter().copied().chain([at]).collect()).collect::<Vec<Vec<usize>>>()
            };
            let nodes: Vec<Vec<usize>> = groups.iter().flat_map(own).collect();
            if depth + 1 == path.len() {
                return one_place(doc, &groups, nodes, name, &path[depth..]);
            }
            if nodes.is_empty() {
                let nodes = groups.swap_remove(0);
                return Ok(Place { nodes, found: Found::Missing, rest: &path[depth..] });
            }
            groups = nodes;
        }
        Err(Refused::BadPath)
    }

    fn node<'d>(&self, doc: &'d Doc) -> &'d Node {
        node(doc, &self.nodes)
    }

    fn node_mut<'d>(&self, doc: &'d mut Doc) -> &'d mut Node {
        node_mut(doc, &self.nodes)
    }
}

/// Whether a node says more than a value: a property, a child, a comment between its braces.
fn holds_more(text: &str, node: &Node) -> bool {
    let written = &text[node.span.start as usize..node.span.end as usize];
    let inside = written.trim_end_matches('}').trim_end();
    let empty = node.children.is_empty() && inside.ends_with('{');
    node.properties().next().is_some() || (node.braces && !empty)
}

/// `service[web]` is the entry `web` of the map `service`, written `service "web"`.
fn entry_of_map(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}

fn is_named(node: &Node, name: &str) -> bool {
    match entry_of_map(name) {
        Some((map, key)) => {
            let first = node.arguments().next();
            node.name.text == map
                && first.is_some_and(|entry| matches!(&entry.value, Literal::String(text) if text == key))
        }
        None => node.name.text == name,
    }
}

/// The only place where the last name of a path is written below its groups, or the first group.
fn one_place<'p>(
    doc: &Doc,
    groups: &[Vec<usize>],
    nodes: Vec<Vec<usize>>,
    name: &str,
    rest: &'p [&'p str],
) -> Result<Place<'p>, Refused> {
    let properties = groups.iter().flat_map(|group| {
        let entries = node(doc, group).entries.iter().enumerate();
        let named = entries.filter(|(_, entry)| entry.name.as_ref().is_some_and(|found| found.text == name));
        named.map(|(at, _)| (group.clone(), Found::Property(at)))
    });
    let mut found: Vec<(Vec<usize>, Found)> = properties.collect();
    found.extend(nodes.into_iter().map(|node| (node, Found::Node)));
    match found.len() {
        0 => Ok(Place { nodes: groups[0].clone(), found: Found::Missing, rest }),
        1 => found.pop().map(|(nodes, found)| Place { nodes, found, rest }).ok_or(Refused::Ambiguous),
        _ => Err(Refused::Ambiguous),
    }
}

fn node<'d>(doc: &'d Doc, way: &[usize]) -> &'d Node {
    way[1..].iter().fold(&doc.nodes[way[0]], |node, at| &node.children[*at])
}

fn node_mut<'d>(doc: &'d mut Doc, way: &[usize]) -> &'d mut Node {
    way[1..].iter().fold(&mut doc.nodes[way[0]], |node, at| &mut node.children[*at])
}

/// The edits and the tree that they should lead to.
type Change = (Vec<Edit>, Doc);

fn replace_property(
    doc: &Doc,
    pieces: &[Token],
    place: &Place<'_>,
    at: usize,
    value: &str,
    entries: &[Entry],
) -> Result<Change, Refused> {
    let [entry] = entries else { return Err(Refused::BadValue) };
    let mut wanted = doc.clone();
    let old = &mut place.node_mut(&mut wanted).entries[at];
    let edit = Edit { range: value_range(pieces, old), text: value.to_owned() };
    *old = Entry { name: old.name.clone(), ..entry.clone() };
    Ok((vec![edit], wanted))
}

fn replace_arguments(doc: &Doc, pieces: &[Token], place: &Place<'_>, value: &str, entries: &[Entry]) -> Change {
    let old = place.node(doc);
    let mut wanted = doc.clone();
    let node = place.node_mut(&mut wanted);
    let at = node.entries.iter().position(|entry| entry.name.is_none()).unwrap_or(0);
    node.entries.retain(|entry| entry.name.is_some());
    node.entries.splice(at..at, entries.iter().cloned());
    let mut arguments = old.arguments();
    let edits = match arguments.next() {
        Some(first) => {
            let mut edits = vec![Edit { range: value_range(pieces, first), text: value.to_owned() }];
            edits.extend(arguments.map(|entry| cut_entry(pieces, entry)));
            edits
        }
        None => {
            let end = old.name.span.end as usize;
            vec![Edit { range: end..end, text: format!(" {value}") }]
        }
    };
    (edits, wanted)
}

/// A value with its annotation.
fn value_range(pieces: &[Token], entry: &Entry) -> Range<usize> {
    let start = entry.annotation.as_ref().map_or(entry.span.start, |annotation| annotation.span.start) as usize;
    let open = pieces.iter().rev().find(|token| token.kind == TokenKind::Open && token.end <= start);
    let start = if entry.annotation.is_some() { open.map_or(start, |open| open.start) } else { start };
    start..entry.span.end as usize
}

/// Takes an entry out, with the blanks before it.
fn cut_entry(pieces: &[Token], entry: &Entry) -> Edit {
    let range = value_range(pieces, entry);
    let start = entry.name.as_ref().map_or(range.start, |name| name.span.start as usize);
    let before = pieces.iter().rev().find(|token| token.end <= start).map_or(start, |token| token.end);
    Edit { range: before..range.end, text: String::new() }
}

/// Takes a node out: with its line where nothing else stands there, else with one `;`.
fn cut_node(text: &str, pieces: &[Token], node: &Node) -> Edit {
    let (start, end) = (node.span.start as usize, node.span.end as usize);
    let before = pieces.iter().rev().find(|token| token.end <= start);
    let after = pieces.iter().find(|token| token.start >= end);
    let is = |token: Option<&Token>, kind| token.is_some_and(|token| token.kind == kind);
    let range = if is(after, TokenKind::Semicolon) {
        // Up to the next node, but not over the end of the line.
        let end = after.map_or(end, |token| token.end);
        start..end + text[end..].bytes().take_while(|byte| *byte == b' ').count()
    } else if is(before, TokenKind::Semicolon) {
        before.map_or(start, |token| token.start)..end
    } else if is(before, TokenKind::LineEnd) && is(after, TokenKind::LineEnd) {
        before.map_or(start, |token| token.end)..after.map_or(end, |token| token.end)
    } else {
        start..end
    };
    Edit { range, text: String::new() }
}

/// A value to insert.
struct Value<'v> {
    text: &'v str,
    entries: &'v [Entry],
    /// Whether it may not become a property.
    as_node: bool,
}

impl<'v> Value<'v> {
    /// The entry of the property that it may become.
    fn property(&self) -> Option<&'v Entry> {
        if let ([entry], false) = (self.entries, self.as_node) { Some(entry) } else { None }
    }
}

fn insert(text: &str, doc: &Doc, pieces: &[Token], place: &Place<'_>, new: Value<'_>) -> Result<Change, Refused> {
    let old = place.node(doc);
    let mut wanted = doc.clone();
    let node = place.node_mut(&mut wanted);
    let (name, groups) = place.rest.split_last().ok_or(Refused::BadPath)?;
    let value = new.text;
    if let Some(entry) = new.property().filter(|_| groups.is_empty() && !old.braces) {
        node.entries.push(Entry { name: Some(named(name)), ..entry.clone() });
        let end = old.span.end as usize;
        return Ok((vec![Edit { range: end..end, text: format!(" {name}={value}") }], wanted));
    }
    let (child, written) = nested(groups, name, &new);
    let edit = if old.braces {
        let (at, edit) = insert_child(text, pieces, old, &written);
        node.children.insert(at, child);
        edit
    } else {
        node.children.push(child);
        node.braces = true;
        let end = old.span.end as usize;
        Edit { range: end..end, text: format!(" {{ {written} }}") }
    };
    Ok((vec![edit], wanted))
}

fn named(name: &str) -> Name {
    Name { text: name.to_owned(), span: Default::default() }
}

/// A setting below groups that are not there yet: as a tree and as text, `app { image tag="v1" }`.
fn nested(groups: &[&str], name: &str, new: &Value<'_>) -> (Node, String) {
    let value = new.text;
    let fresh = |name: &str| Node {
        annotation: None,
        name: named(name),
        entries: Vec::new(),
        children: Vec::new(),
        braces: false,
        span: Default::default(),
    };
    let mut inner = Node { entries: new.entries.to_vec(), ..fresh(name) };
    let mut written = format!("{name} {value}");
    let mut groups = groups.iter().rev();
    if let (Some(entry), Some(group)) = (new.property(), groups.clone().next()) {
        groups.next();
        inner = Node { entries: vec![Entry { name: Some(named(name)), ..entry.clone() }], ..fresh(group) };
        written = format!("{group} {name}={value}");
    }
    for group in groups {
        inner = Node { children: vec![inner], braces: true, ..fresh(group) };
        written = format!("{group} {{ {written} }}");
    }
    (inner, written)
}

/// Puts a child behind the settings of a block, before its differences; says how many children come before it.
fn insert_child(text: &str, pieces: &[Token], block: &Node, written: &str) -> (usize, Edit) {
    let differs = |child: &Node| matches!(child.name.text.as_str(), "override" | "raw" | "targets");
    let count = block.children.iter().rposition(|child| !differs(child)).map_or(0, |at| at + 1);
    let close = block.span.end as usize - 1;
    let Some(last) = count.checked_sub(1).map(|at| &block.children[at]) else {
        return (0, first_child(text, pieces, block, written));
    };
    let (first, end) = (last.span.start as usize, last.span.end as usize);
    let line_start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line_start..first];
    let next = pieces.iter().find(|token| token.start >= end && token.kind != TokenKind::BlockComment);
    let at = match next.map(|token| (token.kind, token)) {
        Some((TokenKind::LineEnd, token)) => token.start,
        Some((TokenKind::LineComment, token)) => token.end,
        _ => end,
    };
    let alone = indent.chars().all(char::is_whitespace)
        && at <= close
        && next.is_some_and(|token| matches!(token.kind, TokenKind::LineEnd | TokenKind::LineComment));
    let text = match alone {
        true => format!("\n{indent}{written}"),
        false if touches_comment(text, end) => format!("; {written} "),
        false => format!("; {written}"),
    };
    (count, Edit { range: if alone { at..at } else { end..end }, text })
}

/// The first child of a block that has none, or only differences.
fn first_child(text: &str, pieces: &[Token], block: &Node, written: &str) -> Edit {
    let start = block.span.start as usize;
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent: String = text[line_start..start].chars().take_while(|char| char.is_whitespace()).collect();
    let header = block.entries.last().map_or(block.name.span.end, |entry| entry.span.end) as usize;
    let open = pieces.iter().find(|token| token.start >= header && token.kind == TokenKind::BraceOpen);
    let at = open.map_or(header, |token| token.end);
    let one_line = !text[at..block.span.end as usize].contains('\n');
    let text = match (one_line, block.children.is_empty()) {
        (true, true) => format!(" {written} "),
        (true, false) => format!(" {written};"),
        (false, _) if touches_comment(text, at) => format!("\n{indent}    {written} "),
        (false, _) => format!("\n{indent}    {written}"),
    };
    Edit { range: at..at, text }
}

/// Whether a comment stands right here. It touched a brace; it must not touch a value, since a name may hold slashes.
fn touches_comment(text: &str, at: usize) -> bool {
    text[at..].starts_with('/')
}

#[cfg(test)]
mod tests;

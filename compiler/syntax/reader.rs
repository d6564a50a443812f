//! The reader of KDL 2: one pass over the bytes, no recursion, places on everything.
//!
//! In: a text without refused characters. Out: nodes and findings.
//! Never: the `kdl` crate, which is a hundred times slower, recurses, and cannot say what a person meant.
//! Invariant: linear in the text; at most one finding a line.

mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::chars::is_space;
use super::habits;
use super::{Entry, Literal, MAX_DEPTH, MAX_PIECES, Name, Node};
use crate::diag::{Code, Finding, codes};
use crate::source::{SourceId, Span};

/// Findings after which a text is given up: it is something else than KDL.
const MAX_FINDINGS: usize = 50;
/// Mistakes on one line, besides the first, after which a text is given up.
const MAX_DROPPED: usize = 20;
/// Properties from which on a set looks for repetitions.
const MANY_PROPERTIES: usize = 8;

/// What a reading found.
pub(super) struct Reading {
    /// The top-level nodes; incomplete where there are findings.
    pub(super) nodes: Vec<Node>,
    /// What is wrong, in the order of places.
    pub(super) findings: Vec<Finding>,
    /// Whether the nodes are all that was meant, in spite of the findings.
    pub(super) is_meant: bool,
}

/// Reads a text.
pub(super) fn read(text: &str, id: SourceId) -> Reading {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        id,
        findings: Vec::new(),
        pieces: 0,
        quiet_until: 0,
        dropped: 0,
        dead: 0,
        suspect: None,
        lost: false,
    };
    if text.starts_with('\u{FEFF}') {
        reader.at = '\u{FEFF}'.len_utf8();
    }
    let nodes = reader.nodes();
    Reading { nodes, is_meant: !reader.lost, findings: reader.findings }
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    bytes: &'a [u8],
    pub(super) at: usize,
    id: SourceId,
    findings: Vec<Finding>,
    /// Nodes and entries so far.
    pieces: usize,
    /// The end of the line that has a finding already.
    quiet_until: usize,
    /// Findings on that line that were dropped.
    dropped: usize,
    /// How many `/-` we are inside of.
    dead: usize,
    /// The brace that was open when a `}` stood further left than the line of its partner.
    suspect: Option<usize>,
    /// Whether something was left out.
    lost: bool,
}

/// A node whose block is being read.
struct Frame {
    node: Node,
    dead_node: bool,
    dead_block: bool,
    /// The nodes before it.
    siblings: Vec<Node>,
    /// Where its brace stands.
    open: usize,
    /// The blanks before the node, if it leads its line.
    indent: Option<usize>,
}

/// What stands where a value or a name may stand.
enum Token<'a> {
    /// A bare word or a string.
    Word(Cow<'a, str>),
    /// A number or a keyword.
    Other(Literal),
}

impl<'a> Reader<'a> {
    /// Reads the whole text. Blocks are kept on a list of our own, so depth costs no stack.
    fn nodes(&mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut frames: Vec<Frame> = Vec::new();
        loop {
            self.line_space();
            match self.peek() {
                None => {
                    if let Some(frame) = frames.last() {
                        self.unclosed(frame.open);
                    }
                    return nodes;
                }
                Some(b'}') => match frames.pop() {
                    None => self.stray_brace(),
                    Some(frame) => self.close(frame, &mut nodes, &mut frames),
                },
                Some(b';') => {
                    let place = self.span(self.at, self.at + 1);
                    self.say(codes::SYNTAX.at(place, "`;` ends a node, and there is none before it"));
                    self.step();
                }
                Some(_) => {
                    let (node, dead) = self.head();
                    self.tail(node, dead, false, &mut nodes, &mut frames);
                }
            }
        }
    }

    /// Reads `/-`, the annotation and the name of a node. A node whose name is wrong is read on as a dead one.
    fn head(&mut self) -> (Node, bool) {
        let dead = self.eat(b"/-");
        if dead {
            self.dead += 1;
            self.line_space();
        }
        self.count();
        let start = self.at;
        let annotation = self.annotation();
        if annotation.is_some() {
            self.blanks();
        }
        match annotation.unwrap_or(Ok(None)).and_then(|annotation| Ok((annotation, self.node_name()?))) {
            Ok((annotation, name)) => {
                let span = Span { start: start as u32, ..name.span };
                (Node { annotation, name, entries: Vec::new(), children: Vec::new(), braces: false, span }, dead)
            }
            Err(Wrong) => {
                if !dead {
                    self.dead += 1;
                }
                let span = self.span(start, self.at);
                let name = Name { text: String::new(), span };
                let node =
                    Node { annotation: None, name, entries: Vec::new(), children: Vec::new(), braces: false, span };
                (node, true)
            }
        }
    }

    fn node_name(&mut self) -> Result<Name, Wrong> {
        let start = self.at;
        if self.peek().is_none_or(|byte| matches!(byte, b'{' | b'}' | b';' | b'\n' | b'\r')) {
            let place = self.span(start, (start + 1).min(self.bytes.len()));
            self.say(codes::SYNTAX.at(place, "a node needs a name here").hint("write `name { … }`"));
            return Err(Wrong);
        }
        if habits::conflict(self) {
            return Err(Wrong);
        }
        let token = self.token(true)?;
        let span = self.span(start, self.at);
        let Token::Word(text) = token else {
            self.say(
                codes::SYNTAX
                    .at(span, "a node's name cannot be a number or a keyword")
                    .hint("put the name between quotes, or write a name before the value"),
            );
            return Err(Wrong);
        };
        let after = self.at;
        self.blanks();
        if self.peek() == Some(b'=') {
            habits::assignment(self, span);
            self.step();
        } else {
            self.at = after;
            self.ended(start, true)?;
        }
        Ok(Name { text: text.into_owned(), span })
    }

    /// Reads entries and blocks up to the end of a node or the beginning of its block.
    fn tail(&mut self, mut node: Node, dead: bool, mut blocks: bool, nodes: &mut Vec<Node>, frames: &mut Vec<Frame>) {
        loop {
            self.blanks();
            let mut dead_piece = false;
            if self.eat(b"/-") {
                dead_piece = true;
                self.line_space();
            }
            match self.peek() {
                None | Some(b'\n' | b'\r' | b'}' | b';') if dead_piece => {
                    let place = self.span(self.at, (self.at + 1).min(self.bytes.len()));
                    self.say(codes::SYNTAX.at(place, "`/-` takes out what follows, and nothing follows"));
                    break;
                }
                None | Some(b'\n' | b'\r' | b'}') => break,
                Some(b';') => {
                    self.at += 1;
                    break;
                }
                Some(b'/') if self.starts(b"//") => break,
                Some(b'{') => {
                    if node.braces && !dead_piece {
                        let place = self.span(self.at, self.at + 1);
                        self.say(codes::SYNTAX.at(place, "a node has one block, and this is its second"));
                    }
                    self.open(node, dead, dead_piece, nodes, frames);
                    return;
                }
                Some(_) if blocks => {
                    let place = self.span(self.at, self.next_char());
                    self.say(
                        codes::NO_SPACE
                            .at(place, "a node ends with its block, and something follows on the same line")
                            .hint("write a line break or `;` after `}`"),
                    );
                    self.skip_line();
                    blocks = false;
                }
                Some(_) => {
                    self.dead += usize::from(dead_piece);
                    let entry = self.entry();
                    self.dead -= usize::from(dead_piece);
                    match entry {
                        Ok(entry) if !dead_piece => push(&mut node, entry),
                        Ok(_) => {}
                        Err(Wrong) => self.skip_line(),
                    }
                }
            }
        }
        self.finish(node, dead, nodes);
    }

    fn finish(&mut self, node: Node, dead: bool, nodes: &mut Vec<Node>) {
        if self.dead == 0 {
            self.repeated(&node);
        }
        if dead {
            self.dead -= 1;
        } else {
            nodes.push(node);
        }
    }

    fn open(&mut self, node: Node, dead_node: bool, dead_block: bool, nodes: &mut Vec<Node>, frames: &mut Vec<Frame>) {
        if frames.len() == MAX_DEPTH {
            let place = self.span(self.at, self.at + 1);
            self.say(codes::TOO_DEEP.at(place, format!("blocks nest more than {MAX_DEPTH} deep here")));
            self.give_up(frames);
            return;
        }
        self.dead += usize::from(dead_block);
        // Looked at once a node, so that a long line of blocks stays linear.
        let indent = if dead_block || node.braces { None } else { self.indent(node.span.start as usize) };
        frames.push(Frame { node, dead_node, dead_block, siblings: std::mem::take(nodes), open: self.at, indent });
        self.step();
    }

    fn close(&mut self, frame: Frame, nodes: &mut Vec<Node>, frames: &mut Vec<Frame>) {
        self.note_indentation(frame.open, frame.indent);
        self.at += 1;
        let children = std::mem::replace(nodes, frame.siblings);
        let mut node = frame.node;
        if frame.dead_block {
            self.dead -= 1;
        } else {
            node.children = children;
            node.braces = true;
            node.span.end = self.at as u32;
        }
        self.tail(node, frame.dead_node, true, nodes, frames);
    }

    fn entry(&mut self) -> Result<Entry, Wrong> {
        self.count();
        let annotation = self.value_annotation()?;
        let start = self.at;
        let token = self.token(false)?;
        let span = self.span(start, self.at);
        if !self.equals() {
            self.ended(start, false)?;
            return Ok(Entry { name: None, annotation, value: literal(token), span });
        }
        let Token::Word(name) = token else {
            self.say(
                codes::SYNTAX
                    .at(span, "a property's name cannot be a number or a keyword")
                    .hint("put the name between quotes"),
            );
            return Err(Wrong);
        };
        if let Some(annotation) = annotation {
            self.say(
                codes::SYNTAX
                    .at(annotation.span, "a type stands before the value, not before the property's name")
                    .hint(format!("write `{}=({})…`", habits::shown(self, span).unwrap_or("name"), annotation.text)),
            );
            return Err(Wrong);
        }
        self.property(Name { text: name.into_owned(), span })
    }

    fn property(&mut self, name: Name) -> Result<Entry, Wrong> {
        self.at += 1;
        self.blanks();
        if self.value_is_missing() {
            let shown = habits::shown(self, name.span).unwrap_or("name");
            self.say(
                codes::NO_PROPERTY_VALUE
                    .at(Span { end: self.at as u32, ..name.span }, format!("`{shown}=` has no value"))
                    .hint(format!("write `{shown}=\"…\"`, or take `{shown}=` out")),
            );
            return Err(Wrong);
        }
        let annotation = self.value_annotation()?;
        let start = self.at;
        let token = self.token(false)?;
        let span = self.span(start, self.at);
        self.ended(start, false)?;
        Ok(Entry { name: Some(name), annotation, value: literal(token), span })
    }

    fn value_is_missing(&self) -> bool {
        self.peek().is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b';' | b'{' | b'}'))
            || self.starts(b"//")
            || self.starts(b"/-")
    }

    /// Goes to the `=` that makes the word before it a property's name.
    fn equals(&mut self) -> bool {
        let after = self.at;
        self.blanks();
        if self.peek() == Some(b'=') {
            return true;
        }
        self.at = after;
        false
    }

    /// Reads the annotation of a value, with the blanks after it.
    fn value_annotation(&mut self) -> Result<Option<Name>, Wrong> {
        let Some(annotation) = self.annotation() else {
            return Ok(None);
        };
        let annotation = annotation?;
        self.blanks();
        if self.value_is_missing() {
            let place = annotation.as_ref().map_or(self.span(self.at, self.at), |name| name.span);
            self.say(codes::SYNTAX.at(place, "a type annotation needs a value after it"));
            return Err(Wrong);
        }
        Ok(annotation)
    }

    /// Reads `(word)` if it stands here.
    fn annotation(&mut self) -> Option<Result<Option<Name>, Wrong>> {
        (self.peek() == Some(b'(')).then(|| {
            let open = self.at;
            self.at += 1;
            self.blanks();
            let start = self.at;
            let word = match self.peek() {
                None | Some(b')' | b'\n' | b'\r' | b'{' | b'}' | b';') => None,
                Some(_) => match self.token(false)? {
                    Token::Word(text) => Some(Name { text: text.into_owned(), span: self.span(start, self.at) }),
                    Token::Other(_) => None,
                },
            };
            self.blanks();
            if word.is_some() && self.eat(b")") {
                return Ok(word);
            }
            let place = self.span(open, self.at.max(open + 1));
            self.say(
                codes::SYNTAX
                    .at(place, "a type annotation is one word between `(` and `)`")
                    .hint("write `(type)\"value\"`, or put the whole text between quotes"),
            );
            Err(Wrong)
        })
    }

    /// Looks for a property that is written twice.
    fn repeated(&mut self, node: &Node) {
        let mut seen = BTreeSet::new();
        let many = node.entries.len() > MANY_PROPERTIES;
        for (at, entry) in node.entries.iter().enumerate() {
            let Some(name) = &entry.name else { continue };
            let again =
                if many { !seen.insert(name.text.as_str()) } else { first(&node.entries[..at], name).is_some() };
            if self.findings.len() == MAX_FINDINGS {
                return;
            }
            let Some(before) = again.then(|| first(&node.entries[..at], name)).flatten() else { continue };
            let shown = habits::shown(self, name.span).unwrap_or("…").to_owned();
            self.say_now(
                codes::REPEATED_PROPERTY
                    .at(name.span, format!("`{shown}` is written twice, and only the last would count"))
                    .underline("written again")
                    .label(before, "written first")
                    .hint("take one of them out"),
            );
        }
    }

    // Blanks, comments and line ends.

    /// Steps over blanks, comments that end on their line, and line ends behind `\`.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'/') if self.starts(b"/*") => self.block_comment(),
                Some(b'\\') if !self.continued() => return,
                Some(b'\\') => {}
                Some(byte) if byte >= 128 => match self.text[self.at..].chars().next() {
                    Some(char) if is_space(char) => self.at += char.len_utf8(),
                    _ => return,
                },
                _ => return,
            }
        }
    }

    /// Steps over a `\` that ends its line; false where it does not.
    fn continued(&mut self) -> bool {
        let before = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'/') if self.starts(b"/*") => self.block_comment(),
                Some(b'/') if self.starts(b"//") => self.at = self.line_end(),
                Some(b'\r') => self.at += 1,
                Some(b'\n') => {
                    self.at += 1;
                    return true;
                }
                None => return true,
                Some(byte) if byte >= 128 && self.text[self.at..].chars().next().is_some_and(is_space) => {
                    self.at = self.next_char();
                }
                Some(_) => {
                    self.at = before;
                    return false;
                }
            }
        }
    }

    /// Steps over blanks, comments and line ends.
    fn line_space(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.starts(b"//") => self.at = self.line_end(),
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            let rest = &self.bytes[self.at..];
            if rest.starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else if rest.is_empty() {
                let place = self.span(start, start + 2);
                let finding = codes::UNCLOSED.at(place, "this comment is not closed");
                self.say(finding.hint("write `*/` where it ends, once for every `/*` in it"));
                self.stop();
                return;
            } else {
                self.at += 1;
            }
        }
    }

    // Findings.

    /// Keeps a finding about something that is left out, unless an earlier one stands on the same line. A line of nothing
    /// but mistakes ends the reading: every mistake looks at its whole line, and together they should stay linear.
    pub(super) fn say(&mut self, finding: Finding) {
        self.lost = true;
        if self.is_quiet(&finding) {
            return;
        }
        self.dropped = 0;
        let start = finding.span.start as usize;
        self.keep(finding);
        self.quiet_until = self.bytes[start..].iter().position(|byte| *byte == b'\n').map_or(usize::MAX, |n| start + n);
    }

    /// Keeps a finding about something of which it is plain what was meant, so that nothing else follows from it; unless
    /// one stands before it on the same line from which it may follow itself.
    pub(super) fn say_of_meant(&mut self, finding: Finding) {
        if !self.is_quiet(&finding) {
            self.keep(finding);
        }
    }

    /// Whether something was left out before a finding on its line, so that it may follow from that.
    fn is_quiet(&mut self, finding: &Finding) -> bool {
        let is_quiet = (finding.span.start as usize) < self.quiet_until;
        self.dropped += usize::from(is_quiet);
        if self.dropped == MAX_DROPPED {
            self.stop();
        }
        is_quiet
    }

    /// Keeps a finding even on a line that has one: it follows from nothing else.
    fn say_now(&mut self, finding: Finding) {
        self.lost = true;
        self.keep(finding);
    }

    fn keep(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.stop();
        }
    }

    /// Whether a habit matters here: what `/-` takes out may look as it likes.
    pub(super) fn is_dead(&self) -> bool {
        self.dead > 0
    }

    /// Goes to the end; nothing after this place can be understood.
    fn stop(&mut self) {
        self.lost = true;
        self.at = self.bytes.len();
    }

    fn give_up(&mut self, frames: &mut Vec<Frame>) {
        frames.clear();
        self.stop();
    }

    /// Counts a node or an entry; there may be `MAX_PIECES` of them.
    fn count(&mut self) {
        self.pieces += 1;
        if self.pieces == MAX_PIECES + 1 {
            let place = self.span(self.at, self.next_char());
            self.say(codes::TEXT_TOO_LARGE.at(place, format!("the text has more than {MAX_PIECES} nodes and values")));
            self.stop();
        }
    }

    fn stray_brace(&mut self) {
        let place = self.span(self.at, self.at + 1);
        self.say(
            codes::UNBALANCED_BRACE
                .at(place, "this `}` closes nothing")
                .hint("take it out, or write the `{` that it should close"),
        );
        self.step();
    }

    fn unclosed(&mut self, innermost: usize) {
        // A text that was given up has open blocks for another reason.
        if self.lost {
            return;
        }
        let open = self.suspect.unwrap_or(innermost);
        let place = self.span(open, open + 1);
        let end = self.span(self.bytes.len(), self.bytes.len());
        self.say_now(
            codes::UNBALANCED_BRACE
                .at(place, "this `{` is not closed")
                .label(end, "the text ends here")
                .hint("write `}` where the block ends"),
        );
    }

    /// Remembers the first block whose `}` stands further left than the node that opened it.
    fn note_indentation(&mut self, open: usize, indent: Option<usize>) {
        if self.suspect.is_none() && self.indent(self.at).zip(indent).is_some_and(|(close, open)| close < open) {
            self.suspect = Some(open);
        }
    }

    /// The blanks before a place, where nothing else stands before it on its line.
    fn indent(&self, at: usize) -> Option<usize> {
        let blanks = self.bytes[..at].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        (at == blanks || self.bytes[at - blanks - 1] == b'\n').then_some(blanks)
    }

    // Small steps.

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn starts(&self, with: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(with)
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let found = self.starts(what);
        if found {
            self.at += what.len();
        }
        found
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.id, start, end)
    }

    /// The start of the line of a place.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
    }

    /// The end of the current line, before its line break.
    pub(super) fn line_end(&self) -> usize {
        let end =
            self.bytes[self.at..].iter().position(|byte| *byte == b'\n').map_or(self.bytes.len(), |n| self.at + n);
        if end > self.at && self.bytes[end - 1] == b'\r' { end - 1 } else { end }
    }

    /// Past the current byte, and never past the end, where the finding before may have ended the reading.
    fn step(&mut self) {
        self.at = (self.at + 1).min(self.bytes.len());
    }

    /// One past the current character.
    pub(super) fn next_char(&self) -> usize {
        self.at + self.text[self.at..].chars().next().map_or(0, char::len_utf8)
    }

    /// Goes to where the line, the node or the words before a brace end; strings on the way are stepped over.
    fn skip_line(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'{' | b'}' | b';' => return,
                b'"' => self.skip_string(),
                b'/' if self.starts(b"//") => return,
                b'/' if self.starts(b"/*") => self.block_comment(),
                _ => self.at += 1,
            }
        }
    }

    /// Steps over a string in a line that is wrong already.
    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => return,
                b'\\' if self.bytes.get(self.at + 1) != Some(&b'\n') => self.at += 2,
                _ => self.at += 1,
            }
            if byte == b'"' {
                return;
            }
        }
        self.stop();
    }
}

/// A finding was made; what was being read is no use.
pub(super) struct Wrong;

fn literal(token: Token<'_>) -> Literal {
    match token {
        Token::Word(text) => Literal::String(text.into_owned()),
        Token::Other(literal) => literal,
    }
}

/// Adds an entry. Most nodes have one, and a fresh list would make room for four.
fn push(node: &mut Node, entry: Entry) {
    if node.entries.is_empty() {
        node.entries.reserve_exact(1);
    }
    node.span.end = entry.span.end;
    node.entries.push(entry);
}

fn first(entries: &[Entry], name: &Name) -> Option<Span> {
    entries.iter().filter_map(|entry| entry.name.as_ref()).find(|found| found.text == name.text).map(|found| found.span)
}

/// A finding about a place.
pub(super) fn finding(code: &'static Code, place: Span, message: String, hint: String) -> Finding {
    code.at(place, message).hint(hint)
}

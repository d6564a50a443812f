//! The YAML that we print, and no other.
//!
//! In: text. Out: a [`Node`] that borrows from it, or the first line that we would not have written, and why.
//! Never: anchors, tags, flow collections with content, several documents: whatever readers could take differently.
//! Invariant: a text that is read is, byte for byte, what its tree is printed as. Time grows with the length alone.

mod plain;

use std::borrow::Cow;

use super::{Data, Node, Unreadable, keys::Keys};

/// The deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 128;

/// A longer key, in characters as printed, stands behind `? ` on a line of its own.
const LONG_KEY: usize = 1024;

type Read<T> = Result<T, Unreadable>;

/// Reads a text that was printed as YAML.
///
/// # Errors
/// The first line that differs from how a tree is printed.
pub fn parse(text: &str) -> Read<Node<'_>> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, line: 1, column: 0, depth: 0, entries: Vec::new() };
    if !text.ends_with('\n') {
        let line = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
        return Err(Unreadable { line, message: "the text ends without a line break".to_owned() });
    }
    reader.comments()?;
    reader.enter_line()?;
    if reader.column != 1 {
        return reader.no(if reader.column == 0 { "there is nothing but comments" } else { INDENTATION });
    }
    let data = reader.node(1, 3)?;
    if reader.column != 0 {
        return reader.no("a line does not belong to the map or list that the text began with");
    }
    Ok(Node { line: 1, data })
}

const INDENTATION: &str = "the line is indented otherwise than printed text is";

/// A place in the text. Columns count from 1, and 0 is the end of the text.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    line: u32,
    /// Where the first character of the line stands that is being read.
    column: usize,
    depth: usize,
    /// The entries of all maps that are not complete: each map is made once, in its size.
    entries: Vec<(Cow<'t, str>, Node<'t>)>,
}

impl<'t> Reader<'t> {
    fn no<T>(&self, message: &str) -> Read<T> {
        Err(Unreadable { line: self.line, message: message.to_owned() })
    }

    /// The byte at the place; a line break behind the end, where every scan has to stop.
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b'\n')
    }

    fn starts_with(&self, what: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(what))
    }

    /// What stands before the next byte that stops, with what occurs in it; the place is then that byte.
    #[inline]
    fn until(&mut self, stops: impl Fn(u8) -> bool) -> (&'t str, u8) {
        let (start, mut seen) = (self.at, 0);
        let mut end = start;
        for byte in &self.bytes[start..] {
            if stops(*byte) {
                break;
            }
            seen |= plain::OCCURS[usize::from(*byte)];
            end += 1;
        }
        self.at = end;
        (&self.text[start..end], seen)
    }

    /// From the place to the end of the line.
    fn rest_of_line(&mut self) -> (&'t str, u8) {
        self.until(|byte| byte == b'\n')
    }

    /// Lines of comments, which stand before everything else.
    fn comments(&mut self) -> Read<()> {
        while self.byte() == b'#' {
            let (comment, seen) = self.rest_of_line();
            if comment.len() > 1 && (!comment.starts_with("# ") || comment.len() == 2) {
                return self.no("a comment is `# ` and text, or `#` alone");
            }
            self.printable(comment, seen)?;
            self.at += 1;
            self.line = self.line.saturating_add(1);
        }
        Ok(())
    }

    /// Refuses characters that would be escaped, and blanks at the end.
    fn printable(&self, line: &str, seen: u8) -> Read<()> {
        if line.ends_with(' ') {
            return self.no("there are blanks at the end of the line");
        }
        if seen & plain::ODD != 0 && line.chars().any(plain::is_escaped) {
            return self.no("there is a character that is only written escaped");
        }
        Ok(())
    }

    /// Ends a line and goes to the first character of the next.
    fn next_line(&mut self) -> Read<()> {
        self.at += 1;
        self.line = self.line.saturating_add(1);
        self.enter_line()
    }

    fn enter_line(&mut self) -> Read<()> {
        let start = self.at;
        while self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.column = match self.bytes.get(self.at) {
            None => 0,
            Some(b'\n') => return self.no("there is an empty line"),
            Some(_) => self.at - start + 1,
        };
        Ok(())
    }

    /// Whether the line belongs to the block at `column`, which has just ended an item or entry.
    fn goes_on(&self, column: usize) -> Read<bool> {
        if self.column > column { self.no(INDENTATION) } else { Ok(self.column == column) }
    }

    fn at_item(&self) -> bool {
        self.starts_with(b"- ")
    }

    fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.no("lists and maps nest too deep") } else { Ok(()) }
    }

    /// What begins at `column`, within a list or as the whole text; the lines of a literal begin at `body`.
    fn node(&mut self, column: usize, body: usize) -> Read<Data<'t>> {
        if self.at_item() {
            self.list(column)
        } else if self.at_entry() {
            self.map(column)
        } else {
            self.scalar(body)
        }
    }

    /// Whether a key stands here.
    fn at_entry(&self) -> bool {
        let rest = &self.bytes[self.at..];
        let colon = match rest.first() {
            Some(b'"') => closing_quote(rest).map(|at| at + 1),
            Some(b'?') if rest.get(1) == Some(&b' ') => return true,
            _ => rest.iter().position(|byte| matches!(byte, b':' | b'\n')),
        };
        let next = |at: usize| rest.get(at) == Some(&b':') && matches!(rest.get(at + 1), Some(b' ' | b'\n'));
        colon.is_some_and(next)
    }

    fn list(&mut self, column: usize) -> Read<Data<'t>> {
        self.deeper()?;
        let mut items = Vec::new();
        loop {
            let line = self.line;
            self.at += 2;
            let data = self.node(column + 2, column + 2)?;
            items.push(Node { line, data });
            if !self.goes_on(column)? || !self.at_item() {
                break;
            }
        }
        self.depth -= 1;
        Ok(Data::List(items))
    }

    fn map(&mut self, column: usize) -> Read<Data<'t>> {
        self.deeper()?;
        let (first, mut keys) = (self.entries.len(), Keys::default());
        loop {
            let line = self.line;
            let long = self.starts_with(b"? ");
            let key = self.key(column, long)?;
            if !keys.are_without(&key, &self.entries[first..]) {
                return Err(Unreadable { line, message: "the map has the key of this line already".to_owned() });
            }
            let data = self.value(column, long)?;
            self.entries.push((key, Node { line, data }));
            if !self.goes_on(column)? {
                break;
            }
        }
        self.depth -= 1;
        Ok(Data::Map(self.entries.split_off(first)))
    }

    /// A key; the place is then behind its colon.
    fn key(&mut self, column: usize, long: bool) -> Read<Cow<'t, str>> {
        if long {
            self.at += 2;
        }
        let start = self.at;
        let key = if self.byte() == b'"' { self.quoted_key()? } else { Cow::Borrowed(self.plain_key(long)?) };
        let is_long = self.at - start > LONG_KEY && self.text[start..self.at].chars().count() > LONG_KEY;
        if long != is_long {
            return self.no("a key of up to 1024 characters stands before its colon, a longer one behind `? `");
        }
        if long {
            if self.byte() != b'\n' {
                return self.no("there is something behind the key");
            }
            self.next_line()?;
            if self.column != column {
                return self.no(INDENTATION);
            }
        }
        if self.byte() != b':' {
            return self.no("a key and a colon are missing");
        }
        self.at += 1;
        Ok(key)
    }

    fn quoted_key(&mut self) -> Read<Cow<'t, str>> {
        let key = self.quoted()?;
        if plain::is_key(&key, plain::occurs(&key)) { self.no("the key needs no quotes") } else { Ok(key) }
    }

    fn plain_key(&mut self, long: bool) -> Read<&'t str> {
        let (key, seen) = self.until(|byte| matches!(byte, b':' | b'\n'));
        if self.byte() != b':' && !long {
            return self.no("a key and a colon are missing");
        }
        if plain::is_key(key, seen) { Ok(key) } else { self.no("readers could take the key for something else") }
    }

    /// What stands behind the colon of a key at `column`. Maps begin behind the colon of a long key, and below others.
    fn value(&mut self, column: usize, long: bool) -> Read<Data<'t>> {
        match self.byte() {
            b' ' => {
                self.at += 1;
                if long && self.at_entry() { self.map(column + 2) } else { self.scalar(column + 2) }
            }
            b'\n' => {
                self.next_line()?;
                match self.at_item() {
                    true if self.column == column => self.list(column),
                    false if self.column == column + 2 && !long => self.map(column + 2),
                    _ => self.no(INDENTATION),
                }
            }
            _ => self.no("a blank or a line break is missing behind the colon"),
        }
    }

    /// A value on one line or a literal; the place is then in the next line.
    fn scalar(&mut self, body: usize) -> Read<Data<'t>> {
        let data = match self.byte() {
            b'|' => return self.literal(body).map(|text| Data::String(Cow::Owned(text))),
            b'"' => Data::String(self.quoted_value()?),
            b'\'' => Data::String(Cow::Borrowed(self.dotted()?)),
            b'[' | b'{' => self.empty()?,
            _ => self.plain()?,
        };
        if self.byte() != b'\n' {
            return self.no("there is something behind the value");
        }
        self.next_line()?;
        Ok(data)
    }

    fn empty(&mut self) -> Read<Data<'t>> {
        let data = match self.bytes.get(self.at..self.at + 2) {
            Some(b"[]") => Data::List(Vec::new()),
            Some(b"{}") => Data::Map(Vec::new()),
            _ => return self.no("lists and maps with something in them stand on lines of their own"),
        };
        self.at += 2;
        Ok(data)
    }

    /// The three texts that are printed within single quotes.
    fn dotted(&mut self) -> Read<&'t str> {
        if ![b"'.'".as_slice(), b"'#'", b"'-'"].iter().any(|text| self.starts_with(text)) {
            return self.no("single quotes are not used here");
        }
        self.at += 3;
        Ok(&self.text[self.at - 2..self.at - 1])
    }

    fn plain(&mut self) -> Read<Data<'t>> {
        let (text, seen) = self.rest_of_line();
        match plain::data(text, seen) {
            Some(data) => Ok(data),
            None if text.is_empty() || text.ends_with(' ') => self.no("there are blanks at the end of the line"),
            None => self.no("readers could take the text for something else: it needs quotes"),
        }
    }

    fn quoted_value(&mut self) -> Read<Cow<'t, str>> {
        let text = self.quoted()?;
        if matches!(&*text, "." | "#" | "-") {
            return self.no("the text stands within single quotes");
        }
        if plain::is_value(&text, plain::occurs(&text)) {
            return self.no("the text needs no quotes");
        }
        if text.contains('\n') && plain::is_literal(&text) {
            return self.no("a text of several lines stands as a literal");
        }
        Ok(text)
    }

    /// A text within double quotes; the place is then behind them.
    fn quoted(&mut self) -> Read<Cow<'t, str>> {
        self.at += 1;
        let (first, seen) = self.until(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
        if seen & plain::ODD != 0 && first.chars().any(plain::is_escaped) {
            return self.no("there is a character that is only written escaped");
        }
        match self.byte() {
            b'"' => {
                self.at += 1;
                Ok(Cow::Borrowed(first))
            }
            b'\\' => self.escaped(first.to_owned()).map(Cow::Owned),
            _ => self.no("the closing quote is missing"),
        }
    }

    /// The rest of a quoted text, from its first escape on.
    fn escaped(&mut self, mut text: String) -> Read<String> {
        loop {
            let rest = &self.text[self.at..];
            let length = rest.find(['"', '\\', '\n']).unwrap_or(rest.len());
            if rest[..length].chars().any(plain::is_escaped) {
                return self.no("there is a character that is only written escaped");
            }
            text.push_str(&rest[..length]);
            self.at += length;
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.escape()?),
                _ => return self.no("the closing quote is missing"),
            }
        }
    }

    /// The character that an escape stands for; each has one spelling.
    fn escape(&mut self) -> Read<char> {
        let rest = &self.bytes[self.at + 1..];
        match plain::unescape(rest) {
            Some((c, length)) => {
                self.at += 1 + length;
                Ok(c)
            }
            None => self.no("the escape is none, or none that is printed"),
        }
    }

    /// A text of several lines, each of which begins at `body`.
    fn literal(&mut self, body: usize) -> Read<String> {
        let (header, _) = self.rest_of_line();
        let clipped = match header {
            "|" => true,
            "|-" => false,
            _ => return self.no("a literal begins with `|` or `|-`, and its text stands below it"),
        };
        let mut text = String::new();
        let lines = self.literal_lines(body, &mut text)?;
        if clipped {
            text.push('\n');
        }
        if lines == 0 || !clipped && lines == 1 || !plain::is_literal(&text) {
            return self.no("the text of the literal is not one that is printed as a literal");
        }
        self.enter_line()?;
        Ok(text)
    }

    /// The lines of a literal; the place is then the beginning of the line behind it.
    fn literal_lines(&mut self, body: usize, text: &mut String) -> Read<usize> {
        let mut lines = 0;
        self.at += 1;
        self.line = self.line.saturating_add(1);
        loop {
            let indentation = self.bytes[self.at..].iter().take(body - 1).take_while(|byte| **byte == b' ').count();
            let empty = self.bytes.get(self.at) == Some(&b'\n');
            if indentation < body - 1 && !empty {
                return Ok(lines);
            }
            if lines > 0 {
                text.push('\n');
            }
            self.at += indentation;
            let (line, _) = self.rest_of_line();
            if line.is_empty() && (!empty || lines == 0) {
                return self.no("there are blanks at the end of the line");
            }
            text.push_str(line);
            lines += 1;
            self.at += 1;
            self.line = self.line.saturating_add(1);
        }
    }
}

/// Where the quote stands that ends a quoted text, which begins with one.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at),
            b'\n' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

//! The JSON that we print, and no other.
//!
//! In: text. Out: a [`Node`] that borrows from it, or the first line that we would not have written, and why.
//! Never: other blanks, other escapes, other spellings of a number.
//! Invariant: a text that is read is, byte for byte, what its tree is printed as. Time grows with the length alone.

use std::borrow::Cow;

use super::{Data, Node, Unreadable, keys::Keys, number};

/// The deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 128;

type Read<T> = Result<T, Unreadable>;

/// Reads a text that was printed as JSON, indented by two blanks.
///
/// # Errors
/// The first line that differs from how a tree is printed.
pub fn parse(text: &str) -> Read<Node<'_>> {
    let mut reader = Reader { text, at: 0, line: 1, depth: 0 };
    let data = reader.value()?;
    reader.take("\n", "a line break is missing behind the value")?;
    if reader.at < text.len() {
        return reader.no("there is something behind the value");
    }
    Ok(Node { line: 1, data })
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn no<T>(&self, message: &str) -> Read<T> {
        Err(Unreadable { line: self.line, message: message.to_owned() })
    }

    fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn found(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what.as_bytes());
        self.at += if found { what.len() } else { 0 };
        found
    }

    fn take(&mut self, what: &str, otherwise: &str) -> Read<()> {
        if self.found(what) { Ok(()) } else { self.no(otherwise) }
    }

    /// A line break, and the blanks that stand before what is as deep as the place.
    fn next_line(&mut self) -> Read<()> {
        self.take("\n", "a line break is missing")?;
        self.line = self.line.saturating_add(1);
        let blanks = self.rest().iter().take_while(|byte| **byte == b' ').count();
        self.at += blanks;
        if blanks == self.depth * 2 { Ok(()) } else { self.no("the line is indented otherwise than printed text is") }
    }

    fn value(&mut self) -> Read<Data<'t>> {
        match self.rest() {
            [b'"', ..] => self.string().map(Data::String),
            [b'{', b'}', ..] => self.empty(Data::Map(Vec::new())),
            [b'[', b']', ..] => self.empty(Data::List(Vec::new())),
            [b'{', ..] => self.map(),
            [b'[', ..] => self.list(),
            _ => self.word(),
        }
    }

    fn empty(&mut self, data: Data<'t>) -> Read<Data<'t>> {
        self.at += 2;
        Ok(data)
    }

    fn deeper(&mut self) -> Read<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.no("lists and maps nest too deep") } else { Ok(()) }
    }

    /// Whether the list or map goes on; otherwise the place is behind its end.
    fn goes_on(&mut self, end: &str) -> Read<bool> {
        if self.found(",") {
            return Ok(true);
        }
        self.depth -= 1;
        self.next_line()?;
        self.take(end, "a comma or the end of the list or map is missing")?;
        Ok(false)
    }

    fn list(&mut self) -> Read<Data<'t>> {
        self.deeper()?;
        let mut items = Vec::new();
        loop {
            self.next_line()?;
            let line = self.line;
            items.push(Node { line, data: self.value()? });
            if !self.goes_on("]")? {
                return Ok(Data::List(items));
            }
        }
    }

    fn map(&mut self) -> Read<Data<'t>> {
        self.deeper()?;
        let (mut entries, mut keys) = (Vec::new(), Keys::default());
        loop {
            self.next_line()?;
            let line = self.line;
            if !self.rest().starts_with(b"\"") {
                return self.no("a key is missing");
            }
            let key = self.string()?;
            if !keys.are_without(&key, &entries) {
                return self.no("the map has the key of this line already");
            }
            self.take(": ", "a colon and a blank are missing behind the key")?;
            let data = self.value()?;
            entries.push((key, Node { line, data }));
            if !self.goes_on("}")? {
                return Ok(Data::Map(entries));
            }
        }
    }

    fn word(&mut self) -> Read<Data<'t>> {
        let length = self.rest().iter().take_while(|byte| !matches!(byte, b',' | b'\n')).count();
        let word = self.text.get(self.at..self.at + length).unwrap_or_default();
        let data = match word {
            "null" => Data::Null,
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            _ => match number::printed_in_json(word) {
                Some(number) => number,
                None => return self.no("a value is missing, or not spelled as printed values are"),
            },
        };
        self.at += length;
        Ok(data)
    }

    fn string(&mut self) -> Read<Cow<'t, str>> {
        self.at += 1;
        let first = self.unescaped();
        if self.found("\"") {
            return Ok(Cow::Borrowed(first));
        }
        let mut text = first.to_owned();
        loop {
            match unescape(self.rest()) {
                Some((c, length)) => {
                    text.push(c);
                    self.at += length;
                }
                None => return self.no("a quote is missing, or a character is not spelled as in printed text"),
            }
            text.push_str(self.unescaped());
            if self.found("\"") {
                return Ok(Cow::Owned(text));
            }
        }
    }

    /// What stands before the next quote, escape or control character.
    fn unescaped(&mut self) -> &'t str {
        let plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
        let start = self.at;
        self.at += self.rest().iter().take_while(plain).count();
        &self.text[start..self.at]
    }
}

/// The character of an escape, and how long that is.
fn unescape(rest: &[u8]) -> Option<(char, usize)> {
    let c = match rest {
        [b'\\', b'u', b'0', b'0', high @ b'0'..=b'1', low, ..] => {
            let low = match low {
                b'0'..=b'9' => low - b'0',
                b'a'..=b'f' => low - b'a' + 10,
                _ => return None,
            };
            let c = char::from((high - b'0') * 16 + low);
            return (!matches!(c, '\u{8}' | '\u{c}' | '\n' | '\r' | '\t')).then_some((c, 6));
        }
        [b'\\', b'"', ..] => '"',
        [b'\\', b'\\', ..] => '\\',
        [b'\\', b'b', ..] => '\u{8}',
        [b'\\', b'f', ..] => '\u{c}',
        [b'\\', b'n', ..] => '\n',
        [b'\\', b'r', ..] => '\r',
        [b'\\', b't', ..] => '\t',
        _ => return None,
    };
    Some((c, 2))
}

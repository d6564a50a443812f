//! Words, numbers, keywords and strings, where the reader comes to them.
//!
//! In: the place where one begins. Out: what it says, and the place behind it; findings for what is none.

use std::borrow::Cow;

use super::{Reader, Token, Wrong};
use crate::diag::codes;
use crate::syntax::chars::{bare_end, is_space};
use crate::syntax::habits;
use crate::syntax::strings::{self, Mistake, MistakeKind};

impl<'a> Reader<'a> {
    /// Reads a word, number or keyword. What looks like one and is none gives a finding.
    pub(super) fn token(&mut self, is_node_name: bool) -> Result<Token<'a>, Wrong> {
        match self.peek() {
            Some(b'"') => self.quoted().map(Token::Word),
            Some(b'#') => self.hash(),
            _ => self.bare(is_node_name),
        }
    }

    fn bare(&mut self, is_node_name: bool) -> Result<Token<'a>, Wrong> {
        let start = self.at;
        let text = self.text;
        let end = bare_end(text, start);
        if end == start {
            habits::stray(self);
            return Err(Wrong);
        }
        let word = &text[start..end];
        if let Some(literal) = habits::number(self, word, end)? {
            return Ok(Token::Other(literal));
        }
        if let Some(literal) = habits::check_word(self, word, end, is_node_name)? {
            return Ok(Token::Other(literal));
        }
        self.at = end;
        Ok(Token::Word(Cow::Borrowed(word)))
    }

    /// Reads what begins with `#`: a keyword or a raw string.
    fn hash(&mut self) -> Result<Token<'a>, Wrong> {
        let start = self.at;
        let hashes = self.bytes[start..].iter().take_while(|byte| **byte == b'#').count();
        if self.bytes.get(start + hashes) == Some(&b'"') {
            return self.raw(start, hashes).map(Token::Word);
        }
        let end = bare_end(self.text, start + hashes);
        let Some(literal) = self.text[start..end].strip_prefix('#').and_then(habits::keyword) else {
            // Where it is plain what was meant, that is taken.
            return habits::bad_keyword(self, start, end).map(Token::Other).ok_or(Wrong);
        };
        self.at = end;
        Ok(Token::Other(literal))
    }

    /// Checks that a word ends where it ends.
    pub(super) fn ended(&mut self, start: usize, is_node_name: bool) -> Result<(), Wrong> {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | b';' | b'{' | b'}' | b')' | b'\\') => Ok(()),
            Some(b'/') if matches!(self.bytes.get(self.at + 1), Some(b'/' | b'*')) => Ok(()),
            Some(byte) if byte >= 128 && self.text[self.at..].chars().next().is_some_and(is_space) => Ok(()),
            Some(_) => {
                habits::run_on(self, start, is_node_name);
                Err(Wrong)
            }
        }
    }

    /// Reads a string between quotes.
    fn quoted(&mut self) -> Result<Cow<'a, str>, Wrong> {
        if self.starts(b"\"\"\"") {
            return self.lines(self.at, 0).map(Cow::Owned);
        }
        let start = self.at;
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at = self.after_escape(at),
                Some(b'\n' | b'\r') | None => {
                    self.unclosed_string(start, at.min(self.bytes.len()), "\"");
                    return Err(Wrong);
                }
                Some(_) => at += 1,
            }
        }
        let text = self.text;
        self.at = at + 1;
        strings::unescape(&text[start + 1..at]).map_err(|mistake| self.bad_string(start + 1, start, at + 1, &mistake))
    }

    /// Past an escape; a `\` at the end of a line goes on to the first word of a later one.
    fn after_escape(&self, at: usize) -> usize {
        let rest = &self.text[at + 1..];
        let blanks = rest.len() - rest.trim_start_matches(|char| is_space(char) || matches!(char, '\n' | '\r')).len();
        at + 1 + if blanks > 0 { blanks } else { rest.chars().next().map_or(0, char::len_utf8) }
    }

    /// Reads a raw string on one line.
    fn raw(&mut self, start: usize, hashes: usize) -> Result<Cow<'a, str>, Wrong> {
        let quote = start + hashes;
        if self.bytes[quote..].starts_with(b"\"\"\"") {
            return self.lines(start, hashes).map(Cow::Owned);
        }
        let mut at = quote + 1;
        loop {
            match self.bytes.get(at) {
                Some(b'"') if self.closes(at + 1, hashes) => break,
                Some(b'\n' | b'\r') | None => {
                    let closing = format!("\"{}", "#".repeat(hashes.min(8)));
                    self.unclosed_string(start, at.min(self.bytes.len()), &closing);
                    return Err(Wrong);
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1 + hashes;
        Ok(Cow::Borrowed(&self.text[quote + 1..at]))
    }

    /// Whether `hashes` times `#` stand at a place.
    fn closes(&self, at: usize, hashes: usize) -> bool {
        self.bytes.get(at..at + hashes).is_some_and(|found| found.iter().all(|byte| *byte == b'#'))
    }

    /// Reads a multi-line string, raw if it begins with `#`.
    fn lines(&mut self, start: usize, hashes: usize) -> Result<String, Wrong> {
        let open = start + hashes + 3;
        let body = match self.bytes.get(open) {
            Some(b'\n') => open + 1,
            Some(b'\r') => open + 2,
            _ => {
                let place = self.span(start, open);
                self.at = open;
                self.say(
                    codes::BAD_LINES
                        .at(place, "three quotes begin a string of several lines, whose text begins on the next line")
                        .hint("write one quote on each side, or a line break after the three quotes"),
                );
                return Err(Wrong);
            }
        };
        let Some(end) = self.end_of_lines(body, hashes) else {
            let place = self.span(start, open);
            self.say(
                codes::UNCLOSED
                    .at(place, "this string of several lines is not closed")
                    .hint(format!("write `\"\"\"{}` on a line of its own after it", "#".repeat(hashes.min(8)))),
            );
            self.stop();
            return Err(Wrong);
        };
        self.at = end + 3 + hashes;
        let text = &self.text[body..end];
        let value = if hashes > 0 { strings::dedent(text) } else { strings::unescape_lines(text) };
        value.map_err(|mistake| self.bad_string(body, start, open, &mistake))
    }

    /// Where the closing quotes of a multi-line string begin.
    fn end_of_lines(&self, body: usize, hashes: usize) -> Option<usize> {
        let mut at = body;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'"' if self.bytes[at..].starts_with(b"\"\"\"") && self.closes(at + 3, hashes) => return Some(at),
                b'\\' if hashes == 0 => at += 2,
                _ => at += 1,
            }
        }
        None
    }

    fn unclosed_string(&mut self, start: usize, end: usize, closing: &str) {
        let place = self.span(start, end);
        if let Some(close) = habits::old_lines(self.text, end).filter(|_| closing == "\"") {
            self.at = close;
            self.say(
                codes::OLD_LINES
                    .at(place, "a string goes on to the next line only between `\"\"\"` since KDL 2")
                    .hint("write `\"\"\"`, the lines, and `\"\"\"`, each on a line of its own")
                    .hint("or `\\n` for a line break in a string on one line"),
            );
            return;
        }
        self.at = end;
        self.say(
            codes::UNCLOSED
                .at(place, "this string is not closed on its line")
                .underline(format!("no `{closing}` follows on this line"))
                .hint(format!("write `{closing}` where the text ends"))
                .hint("a text of several lines stands between `\"\"\"`, each on a line of its own"),
        );
    }

    /// Says what is wrong in a string: at its place, or over `start..end` where that is not known.
    fn bad_string(&mut self, body: usize, start: usize, end: usize, mistake: &Mistake) -> Wrong {
        let place = match mistake.len {
            0 => self.span(start, end),
            len => self.span(body + mistake.start, body + mistake.start + len),
        };
        self.say_now(match mistake.kind {
            MistakeKind::Escape => codes::BAD_ESCAPE
                .at(place, "this character has no meaning after `\\`")
                .hint("write `\\\\` for a backslash")
                .hint("or write `#\"…\"#`, where a backslash is a backslash"),
            MistakeKind::Unicode => codes::BAD_ESCAPE
                .at(place, "`\\u` needs the number of a character")
                .hint("write `\\u{e9}`, one to six digits"),
            MistakeKind::Slash => {
                codes::OLD_ESCAPE.at(place, "`/` has no backslash before it since KDL 2").hint("write `/`")
            }
            MistakeKind::Tabs => codes::MIXED_INDENTATION
                .at(place, "this line and the closing `\"\"\"` are indented by different blanks: one has tabs")
                .hint("indent every line of the text, and the closing quotes, with blanks: no tabs"),
            MistakeKind::Indentation => codes::BAD_LINES
                .at(place, "this line begins further left than the closing `\"\"\"`")
                .hint("indent every line at least as far as the closing quotes, with the same blanks"),
            MistakeKind::LastLine => codes::BAD_LINES
                .at(place, "text stands before the closing `\"\"\"`")
                .hint("put the closing `\"\"\"` on a line of its own"),
        });
        Wrong
    }
}

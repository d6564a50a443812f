//! YAML that readers of version 1.1 and 1.2 read alike.
//!
//! In: an [`Output`] tree. Out: YAML text, one document without a marker.
//! Never: anchors, tags, flow style other than `[]` and `{}`.
//! Invariants: the bytes are those of `serde-saphyr`, which is asked wherever it is not obvious how a text is to be
//! written; a block literal is used only for texts that every known reader gives back unchanged.

use smol_str::SmolStr;

use serde::{Serialize, Serializer};
use serde_yaml::LitStr;

use super::{Output, comment};

/// The tree as YAML, below the lines of `header` as comments.
#[must_use]
pub fn yaml(output: &Output, header: &str) -> String {
    let mut text = comment(header);
    if has_long_key(output) {
        text += &by_library(output);
    } else {
        Printer { text: &mut text }.document(output);
    }
    text
}

/// The tree as the library prints it: what every other line of this file is measured by.
pub(super) fn by_library(output: &Output) -> String {
    without_blank_ends(&library(&Node(output)))
}

fn library(value: &impl Serialize) -> String {
    let options = serde_yaml::ser_options! { prefer_block_scalars: false };
    let text = serde_yaml::to_string_with_options(value, options);
    text.expect("a tree of scalars, lists and maps with string keys is always YAML")
}

/// Whether a key may need a line of its own.
fn has_long_key(output: &Output) -> bool {
    /// Printed, a character takes up to six, and a key of up to 1024 stands before its colon.
    const SHORT: usize = 128;
    match output {
        Output::Map(entries) => entries.iter().any(|(key, value)| key.len() > SHORT || has_long_key(value)),
        Output::List(items) => items.iter().any(has_long_key),
        _ => false,
    }
}

/// Empties the empty lines of block literals, which come indented: editors and hooks strip blanks at the end of
/// lines, and a file that they touched would no longer be the file that was written.
fn without_blank_ends(text: &str) -> String {
    let lines = text.lines().map(|line| if line.bytes().all(|byte| byte == b' ') { "" } else { line });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A tree that prints its many-lined texts as block literals.
struct Node<'a>(&'a Output);

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Output::String(text) if safe_block(text) => LitStr(text).serialize(serializer),
            Output::List(items) => serializer.collect_seq(items.iter().map(Node)),
            Output::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, Node(value)))),
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Writes trees at the end of a text. What follows `key:` or `-` on its line ends that line.
struct Printer<'t> {
    text: &'t mut String,
}

impl Printer<'_> {
    fn document(&mut self, output: &Output) {
        match output {
            Output::Map(entries) if !entries.is_empty() => self.entries(entries, 0),
            Output::List(items) if !items.is_empty() => self.items(items, 0),
            scalar => self.scalar(scalar, 0),
        }
    }

    /// The entries of a map, each at `column`; the text stands there already.
    fn entries(&mut self, entries: &[(SmolStr, Output)], column: usize) {
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 {
                self.indent(column);
            }
            self.key(key);
            match value {
                Output::Map(inner) if !inner.is_empty() => {
                    self.text.push_str(":\n");
                    self.indent(column + 2);
                    self.entries(inner, column + 2);
                }
                Output::List(items) if !items.is_empty() => {
                    self.text.push_str(":\n");
                    self.indent(column);
                    self.items(items, column);
                }
                scalar => {
                    self.text.push_str(": ");
                    self.scalar(scalar, column);
                }
            }
        }
    }

    /// The items of a list, each at `column`; the text stands there already.
    fn items(&mut self, items: &[Output], column: usize) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.indent(column);
            }
            self.text.push_str("- ");
            match item {
                Output::Map(entries) if !entries.is_empty() => self.entries(entries, column + 2),
                Output::List(inner) if !inner.is_empty() => self.items(inner, column + 2),
                scalar => self.scalar(scalar, column),
            }
        }
    }

    /// A scalar or something empty, whose key or dash is at `column`, with the end of its line.
    fn scalar(&mut self, output: &Output, column: usize) {
        match output {
            Output::String(text) if safe_block(text) => return self.block(text, column + 2),
            Output::String(text) => self.word(text),
            Output::Null => self.text.push_str("null"),
            Output::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Output::Int(value) => self.text.push_str(&value.to_string()),
            Output::Float(value) => self.text.push_str(library(value).trim_end_matches('\n')),
            Output::List(_) => self.text.push_str("[]"),
            Output::Map(_) => self.text.push_str("{}"),
        }
        self.text.push('\n');
    }

    /// A block literal with its lines at `column`.
    fn block(&mut self, text: &str, column: usize) {
        self.text.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
        for line in text.lines() {
            if !line.is_empty() {
                self.indent(column);
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }

    fn word(&mut self, text: &str) {
        match spelling(text) {
            Spelling::Plain => self.text.push_str(text),
            Spelling::Quoted => self.quoted(text),
            Spelling::Unclear => self.text.push_str(library(&text).trim_end_matches('\n')),
        }
    }

    fn key(&mut self, key: &str) {
        if key.bytes().all(is_of_name) && beginning(key) == Spelling::Plain {
            return self.text.push_str(key);
        }
        let entry = library(&std::collections::BTreeMap::from([(key, ())]));
        self.text.push_str(entry.trim_end_matches(": null\n"));
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\t' => self.text.push_str("\\t"),
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    fn indent(&mut self, column: usize) {
        const BLANKS: &str = "                                ";
        match BLANKS.get(..column) {
            Some(blanks) => self.text.push_str(blanks),
            None => self.text.extend(std::iter::repeat_n(' ', column)),
        }
    }
}

/// How a text is written as a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As it is.
    Plain,
    /// In double quotes, with no escapes but `\"`, `\\`, `\n` and `\t`.
    Quoted,
    /// The library knows.
    Unclear,
}

/// What is obvious of a text, from its first character and from what it holds.
fn spelling(text: &str) -> Spelling {
    let (mut ends, mut tab, mut before) = (false, false, b'a');
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' => ends |= matches!((before, byte), (b':', b' ') | (b' ', b'#')),
            b'\n' => ends = true,
            b'\t' => tab = true,
            _ => return Spelling::Unclear,
        }
        before = byte;
    }
    // A line, a key or a comment would end here.
    if text.len() > 1 && (ends || text.starts_with(['{', '[', '"', '\'', '*', '&', '!', '|', '>', '%', '@', '`'])) {
        return Spelling::Quoted;
    }
    if tab || matches!(before, b' ' | b':') { Spelling::Unclear } else { beginning(text) }
}

/// What is obvious of a text in which nothing stands that YAML would read.
fn beginning(text: &str) -> Spelling {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => Spelling::Quoted,
        Some(b'a'..=b'z' | b'A'..=b'Z') if !is_reserved(text) => Spelling::Plain,
        Some(b'/' | b'$') => Spelling::Plain,
        Some(b'0'..=b'9') if bytes.iter().any(|byte| is_in_no_number(*byte)) => Spelling::Plain,
        Some(b'0'..=b'9') if bytes.iter().all(u8::is_ascii_digit) => Spelling::Quoted,
        _ => Spelling::Unclear,
    }
}

fn is_of_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/')
}

/// Whether some reader takes the word for a truth value, nothing or a number.
fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 12] = ["y", "n", "no", "on", "yes", "off", "nan", "inf", "true", "null", "none", "false"];
    text.len() <= 5 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether no number, time or date of any version of YAML has this letter: not `e` of a power, `f` of a hexadecimal
/// digit, `x` and `o` of a base, `T` and `Z` of a time.
fn is_in_no_number(byte: u8) -> bool {
    byte.is_ascii_alphabetic() && !matches!(byte.to_ascii_lowercase(), b'a'..=b'f' | b'o' | b't' | b'x' | b'z')
}

/// Whether a text survives as a block literal in libyaml, PyYAML, ruamel, go-yaml 2 to 4, `yaml` and js-yaml.
///
/// Found by writing 40,000 random texts and reading them with all of these. Texts with blanks at the end of a line
/// or empty lines at the end would survive too, but not the editors that strip those.
fn safe_block(text: &str) -> bool {
    let strange = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && !text.contains(strange)
        && text.split('\n').all(|line| !line.starts_with('\t') && !line.ends_with([' ', '\t']) && readable(line))
}

/// Whether a line has something on it besides blanks of any kind, or nothing at all.
fn readable(line: &str) -> bool {
    line.is_empty() || !line.trim().is_empty()
}

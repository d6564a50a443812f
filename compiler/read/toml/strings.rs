//! Texts and keys of TOML.
//!
//! In: what begins with a quote. Out: the text, and how long its spelling is.
//! Never: where it stands.
//! Invariant: of the ways to spell a text one is read.

use std::{borrow::Cow, fmt::Write as _};

/// A text that begins here and is spelled as texts are printed.
pub(super) fn value(rest: &str) -> Option<(Cow<'_, str>, usize)> {
    read(rest, spelled)
}

/// A key that begins here with a quote and is spelled as keys are printed.
pub(super) fn key(rest: &str) -> Option<(Cow<'_, str>, usize)> {
    let (key, length) = read(rest, spelled_key)?;
    let bare = !key.is_empty() && key.bytes().all(is_bare);
    (!bare).then_some((key, length))
}

/// Whether keys with this byte need no quotes.
pub(super) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn read(rest: &str, spelled: fn(&str) -> String) -> Option<(Cow<'_, str>, usize)> {
    let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f);
    let length = 1 + rest.bytes().skip(1).take_while(plain).count();
    if rest.starts_with('"') && rest[length..].starts_with('"') && !rest.starts_with("\"\"\"") {
        return Some((Cow::Borrowed(&rest[1..length]), length + 1));
    }
    let (text, length) = unescaped(rest)?;
    (spelled(&text) == rest[..length]).then_some((Cow::Owned(text), length))
}

/// A text in any of the four kinds of quotes.
fn unescaped(rest: &str) -> Option<(String, usize)> {
    let quote = rest.chars().next()?;
    let three = [quote; 3].iter().collect::<String>();
    let (end, start) = if rest.starts_with(&three) { (three.as_str(), 3) } else { (&three[..1], 1) };
    let start = if start == 3 && rest[3..].starts_with('\n') { 4 } else { start };
    let mut text = String::new();
    let mut at = start;
    loop {
        let c = rest[at..].chars().next()?;
        if rest[at..].starts_with(end) {
            // Up to two quotes more belong to a text within three.
            let more = rest[at + end.len()..].bytes().take(2).take_while(|byte| char::from(*byte) == quote).count();
            let more = if end.len() == 3 { more } else { 0 };
            text.extend(std::iter::repeat_n(quote, more));
            return Some((text, at + more + end.len()));
        }
        if c == '\\' && quote == '"' {
            let (c, length) = unescape(&rest.as_bytes()[at + 1..])?;
            text.push(c);
            at += 1 + length;
        } else if c == '\n' && end.len() == 1 {
            return None;
        } else {
            text.push(c);
            at += c.len_utf8();
        }
    }
}

fn unescape(rest: &[u8]) -> Option<(char, usize)> {
    let c = match rest.first()? {
        b'b' => '\u{8}',
        b't' => '\t',
        b'n' => '\n',
        b'f' => '\u{c}',
        b'r' => '\r',
        b'"' => '"',
        b'\\' => '\\',
        b'u' => {
            let digits = std::str::from_utf8(rest.get(1..5)?).ok()?;
            return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 5));
        }
        _ => return None,
    };
    Some((c, 1))
}

/// The longest row of one character.
fn longest_row(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// Whether there is a character that only an escape can say.
fn has_controls(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, 0..=8 | 0xb..=0x1f | 0x7f))
}

/// How a text is printed: without escapes if there is a way, in one line if it is one.
fn spelled(text: &str) -> String {
    let lines = text.contains('\n');
    let (single, double) = (longest_row(text, '\''), longest_row(text, '"'));
    let (controls, backslash) = (has_controls(text), text.contains('\\'));
    let first = if lines { "\n" } else { "" };
    if !controls && !backslash && double == 0 && !lines {
        format!("\"{}\"", escaped(text, 0))
    } else if !controls && single == 0 && !lines {
        format!("'{text}'")
    } else if !controls && !backslash && double <= 2 {
        format!("\"\"\"{first}{}\"\"\"", escaped(text, 2))
    } else if !controls && single <= 2 {
        format!("'''{first}{text}'''")
    } else if lines {
        format!("\"\"\"{first}{}\"\"\"", escaped(text, 2))
    } else {
        format!("\"{}\"", escaped(text, 0))
    }
}

/// How a key is printed that needs quotes.
fn spelled_key(text: &str) -> String {
    let controls = has_controls(text) || text.contains('\n');
    let plain = !controls && !text.contains(['\\', '"']);
    if !plain && !controls && !text.contains('\'') { format!("'{text}'") } else { format!("\"{}\"", escaped(text, 0)) }
}

/// A text within double quotes. Up to `row` of them stand side by side, and line breaks if any do.
fn escaped(text: &str, row: usize) -> String {
    let (mut out, mut quotes) = (String::with_capacity(text.len() + 8), 0);
    for c in text.chars() {
        quotes = if c == '"' { quotes + 1 } else { 0 };
        match c {
            '"' if quotes > row => {
                out.push_str("\\\"");
                quotes = 0;
            }
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' if row == 0 => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if c.is_ascii_control() && c != '\n' => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

//! Habits from YAML, JSON, TOML, shells and KDL 1, each answered with what to type instead.
//!
//! In: the reader at a place that is wrong, or legal but surely meant otherwise. Out: findings.
//! Never: the text of a string, or of a word on a line that speaks of a secret.

use super::Literal;
use super::chars::{bare_end, is_space};
use super::reader::{Reader, Wrong, finding};
use super::unquoted;
use crate::diag::{codes, mask};
use crate::source::Span;

/// Longest word that is repeated in a message, in bytes.
const MAX_SHOWN: usize = 60;
/// How far the other end of something wrong is looked for, in bytes.
const MAX_SEARCH: usize = 16 << 10;

/// A word that may be repeated in a message: a bare one, short, on a line that speaks of no secret.
pub(super) fn shown<'a>(reader: &Reader<'a>, place: Span) -> Option<&'a str> {
    let (start, end) = (place.start as usize, place.end as usize);
    let text: &'a str = reader.text;
    let word = text.get(start..end)?;
    let before = &text[reader.line_start(start)..start];
    let fits = !word.is_empty() && word.len() <= MAX_SHOWN && !word.contains(['"', '\n']);
    (fits && !mask::names_secret(before)).then_some(word)
}

/// The word with quotes, or a placeholder.
fn quoted(reader: &Reader<'_>, place: Span) -> String {
    match shown(reader, place) {
        Some(word) => format!("`\"{}\"`", word.replace('\\', "\\\\")),
        None => "`\"…\"`".to_owned(),
    }
}

/// The word in backticks, or `this`.
fn named(reader: &Reader<'_>, place: Span) -> String {
    shown(reader, place).map_or_else(|| "this".to_owned(), |word| format!("`{word}`"))
}

/// The end of what a person would call the word at `start`.
fn word_end(reader: &Reader<'_>, start: usize) -> usize {
    let rest = &reader.text[start..];
    let ends = |char: char| is_space(char) || matches!(char, '\n' | '\r' | ';' | '{' | '}' | '"');
    start + rest.find(ends).unwrap_or(rest.len())
}

/// A line that `git` left behind. A node of that name is one wherever it stands: laid out, it may come to begin its line.
pub(super) fn conflict(reader: &mut Reader<'_>) -> bool {
    let at = reader.at;
    let marker = [b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||"].iter().any(|marker| reader.starts(*marker));
    if !marker || bare_end(reader.text, at + 7) != at + 7 || reader.text.as_bytes().get(at + 7) == Some(&b'=') {
        return false;
    }
    let place = reader.span(at, at + 7);
    reader.at = reader.line_end();
    reader.say(finding(
        &codes::CONFLICT_MARKER,
        place,
        "this line marks a merge conflict".to_owned(),
        "keep one of the two sides and take out the lines with `<<<<<<<`, `=======` and `>>>>>>>`".to_owned(),
    ));
    true
}

/// `replicas = 3`, with the reader at the `=`.
pub(super) fn assignment(reader: &mut Reader<'_>, name: Span) {
    let value = typed(reader, reader.at + 1);
    let word = shown(reader, name).unwrap_or("name");
    let place = reader.span(reader.at, reader.at + 1);
    let hint = format!("write `{word} {value}`");
    let message = "a node's name and its value stand side by side, without `=`".to_owned();
    reader.say(finding(&codes::ASSIGNMENT, place, message, hint));
}

/// Where a value ends that somebody wrote without quotes: images and addresses have slashes and colons.
fn meant_end(text: &str, start: usize) -> usize {
    let end = bare_end(text, start);
    if !text[end..].starts_with(['/', ':']) {
        return end;
    }
    text[end..].find(|c: char| c.is_whitespace() || ";{}\"=".contains(c)).map_or(text.len(), |at| end + at)
}

/// What the value that follows on the line looks like in KDL.
fn typed(reader: &Reader<'_>, from: usize) -> String {
    let rest = reader.text[from..].trim_start_matches(is_space);
    let start = reader.text.len() - rest.len();
    let place = reader.span(start, meant_end(reader.text, start));
    match rest.bytes().next() {
        None | Some(b'\n' | b'\r' | b';' | b'}') => "…".to_owned(),
        Some(b'{') => "{ … }".to_owned(),
        Some(b'#') => "#…".to_owned(),
        _ => match shown(reader, place).map(|word| word.trim_end_matches(',')) {
            Some(word @ ("true" | "false" | "null")) => format!("#{word}"),
            Some(word) if matches!(parse_number(word), Parsed::Number(_)) => word.to_owned(),
            Some(word) if !word.is_empty() => format!("\"{word}\""),
            _ => "\"…\"".to_owned(),
        },
    }
}

/// Reads a word that begins like a number, and text of which it is plain that it lacks its quotes; nothing where it is
/// neither.
pub(super) fn number(reader: &mut Reader<'_>, word: &str, end: usize) -> Result<Option<Literal>, Wrong> {
    if !begins_number(word) {
        return Ok(None);
    }
    let start = reader.at;
    let place = reader.span(start, end);
    match parse_number(word) {
        Parsed::Number(number) => {
            if has_leading_zero(word) && !reader.is_dead() {
                let message = format!("{} would be read as a decimal number", named(reader, place));
                let hint = match shown(reader, place) {
                    Some(word) => {
                        format!("write `\"{word}\"` for text, `0o…` for an octal number, or take the zero out")
                    }
                    None => "put text between quotes, or take the zero out".to_owned(),
                };
                reader.at = end;
                reader.say(finding(&codes::LEADING_ZERO, place, message, hint));
                return Err(Wrong);
            }
            reader.at = end;
            Ok(Some(number))
        }
        Parsed::TooLarge => {
            reader.at = end;
            let hint = format!("write {} if it is text", quoted(reader, place));
            reader.say(finding(&codes::BAD_NUMBER, place, "this number is too large".to_owned(), hint));
            Err(Wrong)
        }
        Parsed::No if word.len() > 1 && word.ends_with(',') => Err(comma(reader, end - 1)),
        Parsed::No => unquoted(reader, start, word).map(Some),
    }
}

/// `500m`, `10.0.0.1`, `1.10.2`, `10.0.0.0/8`.
fn unquoted(reader: &mut Reader<'_>, start: usize, word: &str) -> Result<Literal, Wrong> {
    let end = word_end(reader, start);
    let place = reader.span(start, end);
    reader.at = end;
    let text = &reader.text[start..end];
    if let Some((code, kind)) = unquoted::kind(text) {
        let message = format!("{} is {kind}, which is text and needs quotes", named(reader, place));
        let hint = format!("write {}", quoted(reader, place));
        reader.say_of_meant(finding(code, place, message, hint));
        return Ok(Literal::String(text.to_owned()));
    }
    let message = format!("{} begins like a number and is none, so it needs quotes", named(reader, place));
    let hint = match word.strip_prefix('.') {
        Some(fraction) if fraction.bytes().all(|byte| byte.is_ascii_digit()) => match shown(reader, place) {
            Some(_) => format!("write `0.{fraction}`"),
            None => "write a digit before the point".to_owned(),
        },
        _ => format!("write {}", quoted(reader, place)),
    };
    reader.say(finding(&codes::UNQUOTED, place, message, hint));
    Err(Wrong)
}

/// Answers bare words that are no KDL, or that nobody means as they stand; what was meant, where that is plain.
pub(super) fn check_word(
    reader: &mut Reader<'_>,
    word: &str,
    end: usize,
    is_node_name: bool,
) -> Result<Option<Literal>, Wrong> {
    let start = reader.at;
    let place = reader.span(start, end);
    let after = &reader.text.as_bytes()[end..];
    if word == "r" {
        let hashes = after.iter().take_while(|byte| **byte == b'#').count();
        if after.get(hashes) == Some(&b'"') {
            return Err(old_raw_string(reader, start, end, hashes));
        }
    }
    let meant = keyword(word);
    if meant.is_some() || matches!(word, "inf" | "-inf" | "nan") {
        reader.at = end;
        let message = format!("`{word}` may not stand alone");
        if meant.is_some() && !is_node_name {
            let hint = format!("write `#{word}`, or `\"{word}\"` for text");
            reader.say_of_meant(finding(&codes::BARE_KEYWORD, place, message, hint));
            return Ok(meant);
        }
        reader.say(finding(&codes::BARE_KEYWORD, place, message, format!("write `\"{word}\"` for text")));
        return Err(Wrong);
    }
    if word.ends_with('$') && matches!(after.first(), Some(b'{' | b'(')) {
        return Err(shell_variable(reader, start, end));
    }
    if reader.is_dead() {
        return Ok(None);
    }
    if !is_node_name && names_variable(word) {
        return Err(shell_variable(reader, start, end));
    }
    if after.starts_with(b"//") {
        let place = reader.span(start, word_end(reader, start));
        let hint = format!("write {}, or a space before a comment", quoted(reader, place));
        reader.at = reader.line_end();
        let message = "`//` begins a comment, so the rest of this word would be lost".to_owned();
        reader.say(finding(&codes::CUT_BY_COMMENT, place, message, hint));
        return Err(Wrong);
    }
    if word.len() > 1 && word.ends_with(':') {
        return Err(colon(reader, start, end - 1, is_node_name));
    }
    if word.ends_with(',') {
        return Err(comma(reader, end - 1));
    }
    if word.starts_with('\'') {
        return Err(single_quotes(reader, start));
    }
    Ok(None)
}

/// The value of a keyword without its `#`.
pub(super) fn keyword(word: &str) -> Option<Literal> {
    match word {
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        "null" => Some(Literal::Null),
        _ => None,
    }
}

/// `r"…"` and `r#"…"#`; `end` is the end of the `r`.
fn old_raw_string(reader: &mut Reader<'_>, start: usize, end: usize, hashes: usize) -> Wrong {
    let bytes = reader.text.as_bytes();
    let body = end + hashes + 1;
    let closing = format!("\"{}", "#".repeat(hashes));
    let window = &bytes[body..bytes.len().min(body + MAX_SEARCH)];
    let found = window.windows(closing.len()).position(|found| found == closing.as_bytes());
    let close = found.map_or(body, |at| body + at + closing.len());
    reader.at = close;
    let marks = "#".repeat(hashes.clamp(1, 8));
    let place = reader.span(start, body);
    let message = "raw strings have no `r` since KDL 2".to_owned();
    reader.say(finding(&codes::OLD_RAW_STRING, place, message, format!("write `{marks}\"…\"{marks}`")));
    Wrong
}

/// Whether a word is `$NAME`, as shells write their variables.
fn names_variable(word: &str) -> bool {
    let name = word.strip_prefix('$').unwrap_or("");
    let legal = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_';
    name.starts_with(|char: char| char.is_ascii_uppercase() || char == '_') && name.chars().all(legal)
}

/// `"…` that is closed on a later line, as KDL 1 allowed: past its closing quote. The quote of another string follows a
/// blank or `=`, a closing one does not, and stands where a word may end.
pub(super) fn old_lines(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let window = &bytes[from..bytes.len().min(from + MAX_SEARCH)];
    let quote = from + window.iter().position(|byte| *byte == b'"')?;
    let opens = matches!(bytes[..quote].last()?, b' ' | b'\t' | b'=' | b'(' | b')' | b'#' | b'\\');
    let ends = matches!(bytes.get(quote + 1), None | Some(b' ' | b'\t' | b'\n' | b'\r' | b';' | b'}' | b'{'));
    (ends && !opens).then_some(quote + 1)
}

/// `${NAME}`, `${{ name }}`, `$(command)` and `$NAME`.
fn shell_variable(reader: &mut Reader<'_>, start: usize, end: usize) -> Wrong {
    let opened = reader.text[end..].bytes().take_while(|byte| matches!(byte, b'{' | b'(')).count();
    let rest = reader.text[end..].char_indices().take(MAX_SHOWN).take_while(|(_, char)| *char != '\n');
    let closes = rest.filter(|(_, char)| matches!(char, '}' | ')')).map(|(at, _)| end + at + 1);
    let close = closes.take(opened).last().map_or(end + opened, |close| bare_end(reader.text, close));
    let close = if opened == 0 { word_end(reader, start) } else { close };
    reader.at = close;
    let place = reader.span(start, close);
    reader.say(
        finding(
            &codes::SHELL_VARIABLE,
            place,
            "`$` names no variable here; an environment is data".to_owned(),
            "write the value, or `(secret)\"name/key\"` for something that may not stand in a file".to_owned(),
        )
        .hint(format!("write {} for text that somebody else replaces", quoted(reader, place))),
    );
    Wrong
}

/// `replicas: 3` and `app replicas: 3`; `end` is the place of the colon.
fn colon(reader: &mut Reader<'_>, start: usize, end: usize, is_node_name: bool) -> Wrong {
    let name = reader.span(start, end);
    let word = shown(reader, name).unwrap_or("name");
    let value = typed(reader, end + 1);
    let separator = if is_node_name { " " } else { "=" };
    reader.at = end + 1;
    reader.say(finding(
        &codes::COLON,
        reader.span(end, end + 1),
        "a colon does not separate a name from its value".to_owned(),
        format!("write `{word}{separator}{value}`"),
    ));
    Wrong
}

/// A comma after a value.
fn comma(reader: &mut Reader<'_>, at: usize) -> Wrong {
    reader.at = at + 1;
    reader.say(finding(
        &codes::COMMA,
        reader.span(at, at + 1),
        "values and nodes are not separated by commas".to_owned(),
        "separate values by a space: `\"a\" \"b\"`, and nodes by `;` or a line break".to_owned(),
    ));
    Wrong
}

/// `'text'`.
fn single_quotes(reader: &mut Reader<'_>, start: usize) -> Wrong {
    let line_end = reader.line_end();
    let close = reader.text[start + 1..line_end].find('\'').map_or(line_end, |at| start + 1 + at + 1);
    let place = reader.span(start, close);
    reader.at = close;
    let hint = match shown(reader, place) {
        Some(word) => format!("write `\"{}\"`", word.trim_matches('\'')),
        None => "write `\"…\"`".to_owned(),
    };
    reader.say(finding(&codes::SINGLE_QUOTES, place, "`'` does not begin a string".to_owned(), hint));
    Wrong
}

/// `#` before something that is no keyword.
pub(super) fn bad_keyword(reader: &mut Reader<'_>, start: usize, end: usize) -> Option<Literal> {
    let text = reader.text;
    let word = text[start..end].trim_start_matches('#');
    let place = reader.span(start, end.max(start + 1));
    let first = reader.line_start(start);
    let leads_line = text[first..start].chars().all(is_space);
    let lower = word.to_ascii_lowercase();
    if let Some(meant) = keyword(&lower) {
        reader.at = end;
        let message = format!("{} is not a keyword", named(reader, place));
        reader.say_of_meant(finding(&codes::BAD_KEYWORD, place, message, format!("write `#{lower}`")));
        return Some(meant);
    }
    match lower.as_str() {
        "inf" | "-inf" | "+inf" | "nan" => {
            reader.at = end;
            let message = "a number has to be finite".to_owned();
            reader.say(finding(&codes::BAD_NUMBER, place, message, "write a number, or take it out".to_owned()));
        }
        _ if leads_line || word.is_empty() || word.starts_with('!') => {
            reader.at = reader.line_end();
            let message = "a comment begins with `//`, not with `#`".to_owned();
            reader.say(finding(&codes::BAD_KEYWORD, place, message, "write `// …`".to_owned()));
        }
        _ => {
            reader.at = end;
            let message = format!("{} is not a keyword", named(reader, place));
            let hint = format!("write {} for text, or `//` for a comment", quoted(reader, place));
            reader.say(finding(&codes::BAD_KEYWORD, place, message, hint));
        }
    }
    None
}

/// Something stands at once after a word that began at `start`.
pub(super) fn run_on(reader: &mut Reader<'_>, start: usize, is_node_name: bool) {
    let at = reader.at;
    let bytes = reader.text.as_bytes();
    let is_string = matches!(bytes[start], b'"' | b'#');
    match bytes[at] {
        b',' => {
            comma(reader, at);
        }
        b':' if is_string => {
            colon(reader, start, at, is_node_name);
        }
        b'"' => no_space(reader),
        _ if is_string => no_space(reader),
        _ => {
            let place = reader.span(start, word_end(reader, at));
            let char = reader.text[at..reader.next_char()].to_owned();
            let message = format!("a word with `{char}` in it needs quotes");
            let hint = format!("write {}", quoted(reader, place));
            reader.at = place.end as usize;
            reader.say(finding(&codes::UNQUOTED, place, message, hint));
        }
    }
}

fn no_space(reader: &mut Reader<'_>) {
    let place = reader.span(reader.at, reader.next_char());
    let message = "this follows the word before it without a space".to_owned();
    let hint = "write a space here, or `\\\"` for a quote inside a string".to_owned();
    reader.say(finding(&codes::NO_SPACE, place, message, hint));
}

/// A character that begins nothing.
pub(super) fn stray(reader: &mut Reader<'_>) {
    let at = reader.at;
    let place = reader.span(at, reader.next_char());
    let text = reader.text;
    match text.as_bytes().get(at) {
        Some(b'[' | b']') => {
            reader.at = closing_bracket(reader);
            let message = "a list is written without brackets".to_owned();
            let hint = "write the values side by side: `name \"a\" \"b\"`".to_owned();
            reader.say(finding(&codes::BRACKETS, place, message, hint));
        }
        Some(b'/') => {
            let place = reader.span(at, word_end(reader, at));
            reader.at = place.end as usize;
            let hint = format!("write {}", quoted(reader, place));
            reader.say(finding(&codes::UNQUOTED, place, "a word with `/` in it needs quotes".to_owned(), hint));
        }
        Some(b'\\') => {
            reader.at += 1;
            let message = "`\\` goes on with a node on the next line, and something follows it on this one".to_owned();
            let hint = "take it out, or put the whole text between quotes".to_owned();
            reader.say(finding(&codes::SYNTAX, place, message, hint));
        }
        Some(b'=') => {
            reader.at += 1;
            let hint = "write `name=\"value\"`, or put text with `=` in it between quotes".to_owned();
            reader.say(finding(&codes::SYNTAX, place, "`=` has no name before it".to_owned(), hint));
        }
        found => {
            let char = found.map_or_else(String::new, |byte| char::from(*byte).to_string());
            reader.at = place.end as usize;
            let hint = "put text between quotes".to_owned();
            reader.say(finding(&codes::SYNTAX, place, format!("`{char}` has no place here"), hint));
        }
    }
}

/// Past the bracket that closes the one here; past this one where braces come first.
fn closing_bracket(reader: &Reader<'_>) -> usize {
    let bytes = reader.text.as_bytes();
    let (mut at, mut depth) = (reader.at, 0usize);
    let limit = bytes.len().min(at + MAX_SEARCH);
    while let Some(byte) = bytes[..limit].get(at) {
        match byte {
            b'[' => depth += 1,
            b']' if depth <= 1 => return at + 1,
            b']' => depth -= 1,
            b'{' | b'}' => break,
            b'"' => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            _ => {}
        }
        at += 1;
    }
    reader.at + 1
}

/// What a word that begins like a number turned out to be.
enum Parsed {
    Number(Literal),
    TooLarge,
    No,
}

fn begins_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|char: char| char.is_ascii_digit())
}

fn has_leading_zero(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && (digits[1].is_ascii_digit() || digits[1] == b'_')
}

fn parse_number(word: &str) -> Parsed {
    let (negative, digits) = match word.as_bytes().first() {
        Some(b'-') => (true, &word[1..]),
        Some(b'+') => (false, &word[1..]),
        _ => (false, word),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return parse_integer(digits, radix, negative);
        }
    }
    if is_integer(digits, 10) { parse_integer(digits, 10, negative) } else { parse_float(digits, negative) }
}

/// A digit, then digits and underscores.
fn is_integer(digits: &str, radix: u32) -> bool {
    digits.starts_with(|char: char| char.is_digit(radix))
        && digits.chars().all(|char| char.is_digit(radix) || char == '_')
}

fn parse_integer(digits: &str, radix: u32, negative: bool) -> Parsed {
    if !is_integer(digits, radix) {
        return Parsed::No;
    }
    let mut value: i128 = 0;
    for digit in digits.chars().filter_map(|char| char.to_digit(radix)) {
        let digit = i128::from(if negative { -i64::from(digit) } else { i64::from(digit) });
        match value.checked_mul(i128::from(radix)).and_then(|value| value.checked_add(digit)) {
            Some(next) => value = next,
            None => return Parsed::TooLarge,
        }
    }
    Parsed::Number(Literal::Integer(value))
}

fn parse_float(digits: &str, negative: bool) -> Parsed {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent_fits = exponent.is_none_or(|text| is_integer(text.strip_prefix(['+', '-']).unwrap_or(text), 10));
    if !is_integer(whole, 10) || !fraction.is_none_or(|fraction| is_integer(fraction, 10)) || !exponent_fits {
        return Parsed::No;
    }
    match digits.replace('_', "").parse::<f64>() {
        Ok(value) if value.is_finite() => Parsed::Number(Literal::Float(if negative { -value } else { value })),
        Ok(_) => Parsed::TooLarge,
        Err(_) => Parsed::No,
    }
}

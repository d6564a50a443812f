//! Which texts stand without quotes, which as literals, and what a text without quotes is.
//!
//! In: a text on one line, with what occurs in it. Out: a value, or that readers of YAML 1.1 and 1.2 could disagree.
//! Never: where the text stands.
//! Invariant: one text has one spelling.

use std::borrow::Cow;

use super::super::{Data, number};

/// Something that is not printable ASCII.
pub(super) const ODD: u8 = 1;
const COLON: u8 = 2;
const HASH: u8 = 4;
/// What separates the items of flow collections.
const FLOW: u8 = 8;

/// What each byte adds to what occurs in a text.
pub(super) const OCCURS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b':' => COLON,
            b'#' => HASH,
            b',' | b'[' | b']' | b'{' | b'}' => FLOW,
            b' '..=b'~' => 0,
            _ => ODD,
        };
        byte += 1;
    }
    table
};

/// What occurs in a text.
pub(super) fn occurs(text: &str) -> u8 {
    text.bytes().fold(0, |seen, byte| seen | OCCURS[usize::from(byte)])
}

/// What the first character of a text says about the whole.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    /// Nothing: it is text.
    Fine,
    /// Some version of YAML has words or numbers that begin so.
    Word,
    /// It has a meaning in YAML.
    Indicator,
}

const STARTS: [Start; 256] = {
    let mut table = [Start::Fine; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' | b'+' | b'-' | b'.' | b'_' | b'~' | b'<' | b'=' | b'?' => Start::Word,
            b't' | b'T' | b'f' | b'F' | b'n' | b'N' | b'y' | b'Y' | b'o' | b'O' | b'i' | b'I' => Start::Word,
            b',' | b':' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' => Start::Indicator,
            b'\'' | b'"' | b'%' | b'@' | b'`' | b' ' => Start::Indicator,
            _ => Start::Fine,
        };
        byte += 1;
    }
    table
};

/// What a text without quotes is; none for one that needs quotes.
pub(super) fn data(text: &str, seen: u8) -> Option<Data<'_>> {
    match STARTS[usize::from(*text.as_bytes().first()?)] {
        Start::Indicator => return None,
        Start::Fine => {}
        Start::Word => match text {
            "null" => return Some(Data::Null),
            "true" => return Some(Data::Bool(true)),
            "false" => return Some(Data::Bool(false)),
            _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                if let Some(number) = number::printed_in_yaml(text) {
                    return Some(number);
                }
            }
            _ => {}
        },
    }
    is_value(text, seen).then_some(Data::String(Cow::Borrowed(text)))
}

/// Whether a text stands without quotes as a key.
pub(super) fn is_key(text: &str, seen: u8) -> bool {
    seen & (COLON | FLOW) == 0 && is_value(text, seen)
}

/// Whether a text stands without quotes as a value.
pub(super) fn is_value(text: &str, seen: u8) -> bool {
    let Some(first) = text.bytes().next() else { return false };
    let start = STARTS[usize::from(first)];
    start != Start::Indicator
        && !text.ends_with(' ')
        && (start == Start::Fine || !is_taken(text))
        && (seen == 0 || seen == FLOW || is_readable(text, seen))
}

/// Whether no character within a text ends it.
fn is_readable(text: &str, seen: u8) -> bool {
    if seen & ODD != 0 && text.chars().any(is_escaped) {
        return false;
    }
    let bytes = text.as_bytes();
    let next_is_blank = |at: usize| bytes.get(at + 1).is_none_or(|next| *next == b' ');
    let ends = || bytes.iter().enumerate().any(|(at, byte)| *byte == b':' && next_is_blank(at));
    // Blanks of any kind at the end do not hide a colon.
    let hidden = || seen & ODD != 0 && text.trim_end().ends_with(':');
    let comment = |(at, _): (usize, &str)| text[..at].ends_with(char::is_whitespace);
    !(seen & COLON != 0 && (ends() || hidden()) || seen & HASH != 0 && text.match_indices('#').any(comment))
}

/// Whether a character is only written escaped.
pub(super) fn is_escaped(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether a text of several lines stands as a literal: whether all readers, and editors that strip blanks at the
/// end of lines, leave it as it is.
pub(super) fn is_literal(text: &str) -> bool {
    let line = |line: &str| {
        line.is_empty() || !line.starts_with('\t') && !line.ends_with([' ', '\t']) && !line.trim().is_empty()
    };
    !text.starts_with([' ', '\t', '\n'])
        && !text.ends_with("\n\n")
        && text.split('\n').all(line)
        && !text.chars().any(|c| is_escaped(c) && c != '\n' && c != '\t')
}

/// The character for what stands behind a backslash, and how long that is.
pub(super) fn unescape(rest: &[u8]) -> Option<(char, usize)> {
    let named = match rest.first()? {
        b'\\' => '\\',
        b'"' => '"',
        b'0' => '\0',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b't' => '\t',
        b'n' => '\n',
        b'v' => '\u{b}',
        b'f' => '\u{c}',
        b'r' => '\r',
        b'e' => '\u{1b}',
        b'N' => '\u{85}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        b'x' => {
            let c = hexadecimal(rest.get(1..3)?)?;
            let named = matches!(c, '\0' | '\u{7}'..='\r' | '\u{1b}' | '\u{85}');
            return (c.is_control() && !named).then_some((c, 3));
        }
        b'u' => {
            let c = hexadecimal(rest.get(1..5)?)?;
            return matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}').then_some((c, 5));
        }
        _ => return None,
    };
    Some((named, 1))
}

/// Digits and capital letters.
fn hexadecimal(digits: &[u8]) -> Option<char> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'F' => Some(u32::from(byte - b'A') + 10),
        _ => None,
    };
    let number = digits.iter().try_fold(0, |number, byte| Some(number * 16 + digit(byte)?));
    char::from_u32(number?)
}

/// Whether some reader takes a text for something else than text.
fn is_taken(text: &str) -> bool {
    let bytes = text.as_bytes();
    if is_word(bytes) {
        return true;
    }
    match bytes {
        [b'-' | b'?'] | [b'-' | b'?', b' ', ..] | b"---" | b"..." => true,
        [b'-', b'-', b'-', b' ', ..] | [b'.', b'.', b'.', b' ', ..] => true,
        [b'0'..=b'9' | b'+' | b'-' | b'.' | b'_', ..] => {
            is_number(bytes) || is_sexagesimal(unsigned(bytes)) || is_time(bytes)
        }
        _ => false,
    }
}

/// Whether a text is a word of some version, in whatever letters.
fn is_word(text: &[u8]) -> bool {
    let mut small = [0; 5];
    let Some(small) = small.get_mut(..text.len()) else { return false };
    small.copy_from_slice(text);
    small.make_ascii_lowercase();
    matches!(
        &*small,
        b"~" | b"null"
            | b"<<"
            | b"="
            | b"true"
            | b"false"
            | b"yes"
            | b"no"
            | b"on"
            | b"off"
            | b"y"
            | b"n"
            | b"nan"
            | b".nan"
            | b"+.nan"
            | b"-.nan"
            | b"inf"
            | b"+inf"
            | b"-inf"
            | b".inf"
            | b"+.inf"
            | b"-.inf"
    )
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text)
}

/// Whether some reader takes a text for a number to the base 2, 8, 10 or 16. Some read over every `_`.
fn is_number(text: &[u8]) -> bool {
    let rest = unsigned(text);
    if let Some((base, digits)) = with_base(rest)
        && !digits.is_empty()
        && digits.iter().all(|byte| *byte == b'_' || is_digit(*byte, base))
    {
        return true;
    }
    let joined: Vec<u8>;
    let text = if text.contains(&b'_') {
        joined = text.iter().copied().filter(|byte| *byte != b'_').collect();
        &joined
    } else {
        text
    };
    if let Some((base, digits)) = with_base(unsigned(text)) {
        // Some read a sign behind the base, if it is the first one and the base a small letter.
        let signed = matches!(text, [b'0', b'b' | b'o', ..]);
        let digits = if signed { unsigned(digits) } else { digits };
        return !digits.is_empty() && digits.iter().all(|byte| is_digit(*byte, base));
    }
    is_decimal(unsigned(text))
}

fn with_base(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [b'0', b'b' | b'B', digits @ ..] => Some((2, digits)),
        [b'0', b'o' | b'O', digits @ ..] => Some((8, digits)),
        [b'0', b'x' | b'X', digits @ ..] => Some((16, digits)),
        _ => None,
    }
}

fn is_digit(byte: u8, base: u32) -> bool {
    char::from(byte).is_digit(base)
}

fn are_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Digits with a fraction, which may have several dots, and an exponent.
fn is_decimal(text: &[u8]) -> bool {
    let mantissa = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let exponent = unsigned(&text[at + 1..]);
            if exponent.is_empty() || !are_digits(exponent) {
                return false;
            }
            &text[..at]
        }
        None => text,
    };
    match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => {
            are_digits(&mantissa[..at]) && mantissa[at..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        }
        None => !mantissa.is_empty() && are_digits(mantissa),
    }
}

/// Whether a text without its sign is a number to the base 60, such as `12:30`.
fn is_sexagesimal(text: &[u8]) -> bool {
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let loose = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    let mut parts = whole.split(|byte| *byte == b':');
    let first = parts.next().unwrap_or_default();
    let sixties = |part: &[u8]| matches!(part, [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first.first().is_some_and(u8::is_ascii_digit)
        && (fraction.is_some() || first[0] != b'0')
        && loose(first)
        && whole.len() > first.len()
        && parts.all(sixties)
        && fraction.is_none_or(loose)
}

/// Whether some reader takes a text for a date, or a date with a time, whatever the calendar says.
fn is_time(text: &[u8]) -> bool {
    let mut rest = Rest(text);
    if !(rest.digits(4, 4) && rest.one(b"-") && rest.digits(1, 2) && rest.one(b"-") && rest.digits(1, 2)) {
        return false;
    }
    if rest.0.is_empty() {
        return true;
    }
    if !(rest.one(b"Tt") || rest.blanks()) {
        return false;
    }
    if !(rest.digits(1, 2) && rest.one(b":") && rest.digits(1, 2) && rest.one(b":") && rest.digits(1, 2)) {
        return false;
    }
    if rest.one(b".,") {
        rest.digits(0, usize::MAX);
    }
    rest.blanks();
    if matches!(rest.0, b"" | b"Z") {
        return true;
    }
    rest.one(b"+-") && rest.digits(1, 2) && (!rest.one(b":") || rest.digits(2, 2)) && rest.0.is_empty()
}

/// What is left of a text that is taken apart.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    /// All digits that follow, if they are as many as wanted.
    fn digits(&mut self, least: usize, most: usize) -> bool {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let fits = (least..=most).contains(&count);
        if fits {
            self.0 = &self.0[count..];
        }
        fits
    }

    /// One of these bytes.
    fn one(&mut self, of: &[u8]) -> bool {
        let found = self.0.first().is_some_and(|byte| of.contains(byte));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// Blanks, at least one.
    fn blanks(&mut self) -> bool {
        let count = self.0.iter().take_while(|byte| **byte == b' ').count();
        self.0 = &self.0[count..];
        count > 0
    }
}

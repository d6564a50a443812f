//! What the text between quotes says: escapes and the indentation of multi-line strings.

use std::borrow::Cow;

use super::chars::is_space;

/// A mistake in a string: its offset in the body, its length and what is wrong.
pub(super) struct Mistake {
    /// First byte, counted from the start of the body.
    pub(super) start: usize,
    /// Bytes.
    pub(super) len: usize,
    /// What is wrong.
    pub(super) kind: MistakeKind,
}

/// What may be wrong in a string.
pub(super) enum MistakeKind {
    /// `\` before a character that it does not escape.
    Escape,
    /// `\u{…}` that is not a character.
    Unicode,
    /// `\/`, which KDL 1 knew.
    Slash,
    /// A line with less indentation than the closing quotes.
    Indentation,
    /// A line that is indented with tabs where the closing quotes have blanks, or the reverse.
    Tabs,
    /// Text before the closing quotes of a multi-line string.
    LastLine,
}

/// Resolves the escapes of a body, whitespace escapes included.
pub(super) fn unescape(body: &str) -> Result<Cow<'_, str>, Mistake> {
    let Some(first) = body.find('\\') else {
        return Ok(Cow::Borrowed(body));
    };
    let mut out = String::with_capacity(body.len());
    out.push_str(&body[..first]);
    let mut at = first;
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('\\').unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        at += plain;
        if plain < rest.len() {
            at += escape(&rest[plain..], at, &mut out)?;
        }
    }
    Ok(Cow::Owned(out))
}

/// Resolves the escape that `rest` begins with and gives its length in bytes.
fn escape(rest: &str, start: usize, out: &mut String) -> Result<usize, Mistake> {
    let Some(char) = rest[1..].chars().next() else {
        return Err(Mistake { start, len: 1, kind: MistakeKind::Escape });
    };
    out.push(match char {
        '"' => '"',
        '\\' => '\\',
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        's' => ' ',
        'u' => return unicode(rest, start, out),
        char if is_blank(char) => return Ok(1 + blanks(&rest[1..])),
        '/' => return Err(Mistake { start, len: 2, kind: MistakeKind::Slash }),
        char => return Err(Mistake { start, len: 1 + char.len_utf8(), kind: MistakeKind::Escape }),
    });
    Ok(2)
}

fn unicode(rest: &str, start: usize, out: &mut String) -> Result<usize, Mistake> {
    let digits = rest[2..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits);
    let char = digits
        .filter(|digits| (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32);
    match (char, digits) {
        (Some(char), Some(digits)) => {
            out.push(char);
            Ok(4 + digits.len())
        }
        _ => Err(Mistake { start, len: 2, kind: MistakeKind::Unicode }),
    }
}

fn is_blank(char: char) -> bool {
    is_space(char) || matches!(char, '\n' | '\r')
}

/// The length of the blanks and line breaks that `text` begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(is_blank).len()
}

/// Takes the indentation of the closing quotes off every line of a raw multi-line body, which begins after
/// the line break that follows the opening quotes and ends before the closing quotes.
pub(super) fn dedent(body: &str) -> Result<String, Mistake> {
    let (lines, prefix) = match body.rsplit_once('\n') {
        Some((lines, prefix)) => (Some(lines), prefix),
        None => (None, body),
    };
    if !prefix.chars().all(is_space) {
        return Err(Mistake { start: body.len() - prefix.len(), len: prefix.len(), kind: MistakeKind::LastLine });
    }
    let mut out = String::with_capacity(body.len());
    let mut start = 0;
    for (number, line) in lines.iter().flat_map(|lines| lines.split('\n')).enumerate() {
        let content = line.strip_suffix('\r').unwrap_or(line);
        if number > 0 {
            out.push('\n');
        }
        match content.strip_prefix(prefix) {
            _ if content.chars().all(is_space) => {}
            Some(rest) => out.push_str(rest),
            None => {
                let len = content.len() - content.trim_start_matches(is_space).len();
                let tabs = len > 0 && content[..len].contains('\t') != prefix.contains('\t');
                let kind = if tabs { MistakeKind::Tabs } else { MistakeKind::Indentation };
                // Where nothing stands before it, the first character.
                let first = content.chars().next().map_or(1, char::len_utf8);
                return Err(Mistake { start, len: len.max(first), kind });
            }
        }
        start += line.len() + 1;
    }
    Ok(out)
}

/// The value of a multi-line body with escapes: whitespace escapes first, then indentation, then the rest.
pub(super) fn unescape_lines(body: &str) -> Result<String, Mistake> {
    // Places of mistakes refer to the body as written, which only differs where blanks were escaped.
    let joined = join_lines(body);
    let shifted = matches!(joined, Cow::Owned(_));
    let text = dedent(&joined).map_err(|found| if shifted { Mistake { start: 0, len: 0, ..found } } else { found })?;
    if !text.contains('\\') {
        return Ok(text);
    }
    match unescape(&text) {
        Ok(value) => Ok(value.into_owned()),
        Err(_) => Err(first_bad_escape(body)),
    }
}

/// The place of a mistake that `unescape` found in the dedented text.
fn first_bad_escape(body: &str) -> Mistake {
    match unescape(body) {
        Err(found) => found,
        Ok(_) => Mistake { start: 0, len: 0, kind: MistakeKind::Escape },
    }
}

/// Takes out whitespace escapes; other escapes stay as written.
fn join_lines(body: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = body[at..].find('\\') {
        let escape = at + found;
        let len = blanks(&body[escape + 1..]);
        if len > 0 {
            out.push_str(&body[copied..escape]);
            at = escape + 1 + len;
            copied = at;
        } else {
            at = escape + 1 + body[escape + 1..].chars().next().map_or(0, char::len_utf8);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    out.push_str(&body[copied..]);
    Cow::Owned(out)
}

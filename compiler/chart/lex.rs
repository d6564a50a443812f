//! Templates of Go into text and tokens.
//!
//! In: one text. Out: its pieces, each with its place, and what cannot be read.
//! Never: what a name means.
//! Invariant: a wrong action costs itself alone; the pieces behind it are read.

use std::ops::Range;

/// A piece of a template.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    /// The bytes of the action, with its braces.
    pub(super) range: Range<usize>,
    /// Its words; text between actions and comments are left out.
    pub(super) tokens: Vec<Token>,
}

/// A word of an action.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Token {
    /// Its bytes.
    pub(super) range: Range<usize>,
    /// Whether it follows the word before it without a blank: `(x).y` is one operand, `(x) .y` is two.
    pub(super) glued: bool,
    /// What it is.
    pub(super) word: Word,
}

/// What a word of an action is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Word {
    /// `.` alone.
    Dot,
    /// `.name`
    Field(String),
    /// `$` (an empty name) or `$name`.
    Variable(String),
    /// A function, a keyword, `true`, `false` or `nil`.
    Name(String),
    /// A string, with its escapes undone.
    Text(String),
    /// A number or a character.
    Number(String),
    /// `:=`
    Declare,
    /// `=`
    Assign,
    /// `|`
    Pipe,
    /// `,`
    Comma,
    /// `(`
    Open,
    /// `)`
    Close,
}

/// What cannot be read, at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    /// The bytes.
    pub(super) range: Range<usize>,
    /// What was found.
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Wrong {
        Wrong { range, message: message.into() }
    }
}

/// Takes a template apart; wrong actions become findings and are left out.
pub(super) fn pieces(text: &str) -> (Vec<Piece>, Vec<Wrong>) {
    let (mut pieces, mut wrong) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|found| at + found) {
        let body = open + 2;
        let trimmed = body + if trims(&text[body..]) { 1 } else { 0 };
        let inner = text[trimmed..].trim_start_matches(is_blank);
        let start = text.len() - inner.len();
        if inner.starts_with("/*") {
            match comment_end(text, start) {
                Some(end) => at = end,
                None => {
                    wrong.push(Wrong::new(open..start + 2, "a comment is not closed with `*/}}`"));
                    at = after_close(text, start);
                }
            }
            continue;
        }
        match action(text, open, trimmed) {
            Ok((piece, end)) => {
                pieces.push(piece);
                at = end;
            }
            Err(found) => {
                at = after_close(text, found.range.end.max(body));
                wrong.push(found);
            }
        }
    }
    (pieces, wrong)
}

/// Whether an action begins with `- `.
fn trims(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(is_blank))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Where the action of the comment at `start` ends.
fn comment_end(text: &str, start: usize) -> Option<usize> {
    let close = start + text[start..].find("*/")? + 2;
    let rest = text[close..].trim_start_matches(is_blank);
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    rest.starts_with("}}").then(|| text.len() - rest.len() + 2)
}

/// Where to read on behind an action that is wrong.
fn after_close(text: &str, from: usize) -> usize {
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[from..].find("}}").map_or(text.len(), |found| from + found + 2)
}

/// The action that opens at `open`, whose words begin at `from`, and where it ends.
fn action(text: &str, open: usize, from: usize) -> Result<(Piece, usize), Wrong> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = from;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start_matches(is_blank).len();
        if rest[blank..].starts_with("}}") {
            return Ok((Piece { range: open..at + blank + 2, tokens }, at + blank + 2));
        }
        if blank > 0 && rest[blank..].starts_with("-}}") {
            return Ok((Piece { range: open..at + blank + 3, tokens }, at + blank + 3));
        }
        at += blank;
        if at >= text.len() {
            return Err(Wrong::new(open..open + 2, "an action is not closed with `}}`"));
        }
        let (word, length) = word(&text[at..]).map_err(|message| {
            let length = text[at..].chars().next().map_or(0, char::len_utf8);
            Wrong::new(at..at + length, message)
        })?;
        let glued = blank == 0 && !tokens.is_empty();
        tokens.push(Token { range: at..at + length, glued, word });
        at += length;
    }
}

/// The word that a text begins with, and its length in bytes.
fn word(text: &str) -> Result<(Word, usize), String> {
    let mut chars = text.chars();
    let first = chars.next().unwrap_or_default();
    let second = chars.next().unwrap_or_default();
    match first {
        '(' => Ok((Word::Open, 1)),
        ')' => Ok((Word::Close, 1)),
        '|' => Ok((Word::Pipe, 1)),
        ',' => Ok((Word::Comma, 1)),
        ':' if second == '=' => Ok((Word::Declare, 2)),
        '=' => Ok((Word::Assign, 1)),
        '"' => quoted(text),
        '`' => match text[1..].find('`') {
            Some(end) => Ok((Word::Text(text[1..end + 1].to_owned()), end + 2)),
            None => Err("a string in backticks is not closed".to_owned()),
        },
        '\'' => character(text),
        '$' => {
            let length = name_length(&text[1..]);
            Ok((Word::Variable(text[1..length + 1].to_owned()), length + 1))
        }
        '.' if second.is_ascii_digit() => Ok(number(text)),
        '.' => match name_length(&text[1..]) {
            0 => Ok((Word::Dot, 1)),
            length => Ok((Word::Field(text[1..length + 1].to_owned()), length + 1)),
        },
        '-' | '+' if second.is_ascii_digit() || second == '.' => Ok(number(text)),
        c if c.is_ascii_digit() => Ok(number(text)),
        c if is_letter(c) => {
            let length = name_length(text);
            Ok((Word::Name(text[..length].to_owned()), length))
        }
        c => Err(format!("`{}` means nothing in an action", crate::visible::visible_line(&c.to_string()))),
    }
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn name_length(text: &str) -> usize {
    text.find(|c| !is_letter(c)).unwrap_or(text.len())
}

fn number(text: &str) -> (Word, usize) {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    let rest = text[1..].find(|c| !legal(c)).map_or(text.len(), |found| found + 1);
    // `5-}}` is no number, but nobody writes `1e-}}` either.
    let length = text[..rest].trim_end_matches('-').len().max(1);
    (Word::Number(text[..length].to_owned()), length)
}

/// Where a string or character between these quotes ends.
fn closing(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'\n' {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn quoted(text: &str) -> Result<(Word, usize), String> {
    let end = closing(text, b'"').ok_or("a string is not closed")?;
    Ok((Word::Text(unescaped(&text[1..end])), end + 1))
}

fn character(text: &str) -> Result<(Word, usize), String> {
    let end = closing(text, b'\'').ok_or("a character is not closed")?;
    Ok((Word::Number(text[..=end].to_owned()), end + 1))
}

/// The text with the escapes undone that can stand in a name; others stay as they are.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c @ ('"' | '\\' | '\'')) => out.push(c),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let (pieces, wrong) = pieces(text);
        assert_eq!(wrong, []);
        pieces.into_iter().flat_map(|piece| piece.tokens).map(|token| token.word).collect()
    }

    fn field(name: &str) -> Word {
        Word::Field(name.to_owned())
    }

    #[test]
    fn words_of_an_action() {
        assert_eq!(words("a {{ .Values.a }} b"), [field("Values"), field("a")]);
        assert_eq!(words("{{- $x := . -}}"), [Word::Variable("x".into()), Word::Declare, Word::Dot]);
        assert_eq!(words("{{ $.Values }}"), [Word::Variable(String::new()), field("Values")]);
        let text = |text: &str| Word::Text(text.to_owned());
        assert_eq!(words("{{ \"a\\\"}}\" `b}}` }}"), [text("a\"}}"), text("b}}")]);
        assert_eq!(words("{{ -1.5e3 'x' }}"), [Word::Number("-1.5e3".into()), Word::Number("'x'".into())]);
        assert_eq!(words("{{ f\n  .a |\n  g }}").len(), 4);
    }

    #[test]
    fn what_stands_side_by_side_is_known() {
        let glued = |text: &str| pieces(text).0[0].tokens.iter().map(|token| token.glued).collect::<Vec<_>>();
        assert_eq!(glued("{{ (x).y .z }}"), [false, true, true, true, false]);
        assert_eq!(glued("{{.a.b}}"), [false, true]);
    }

    #[test]
    fn comments_are_left_out() {
        for text in ["{{/* .Values.a */}}", "{{- /* {{ }} */ -}}", "{{/*\n}}\n*/}}x"] {
            assert_eq!(pieces(text), (Vec::new(), Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_wrong_action_costs_itself_alone() {
        let cases = [
            ("{{ \"open }} {{ .b }}", "a string is not closed"),
            ("{{ .a & .c }} {{ .b }}", "`&` means nothing in an action"),
            ("{{/* open }} {{ .b }}", "a comment is not closed with `*/}}`"),
            ("{{ ` }} {{ .b }}", "a string in backticks is not closed"),
            ("{{ 'x }} {{ .b }}", "a character is not closed"),
        ];
        for (text, message) in cases {
            let (pieces, wrong) = pieces(text);
            assert_eq!(wrong.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [message], "{text}");
            assert_eq!(pieces.last().map(|it| it.tokens[0].word.clone()), Some(field("b")), "{text}");
        }
        let (found, wrong) = pieces("{{ .a ");
        assert_eq!((found.len(), wrong.len()), (0, 1));
    }
}

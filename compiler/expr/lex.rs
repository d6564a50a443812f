//! The words of an expression.
//!
//! In: text. Out: tokens with byte ranges, or the first thing that is no token.
//! Never: what a name means.
//! Invariant: tokens do not overlap, stand in order and end with [`Token::End`].

use crate::diag::Code;
use crate::diag::codes;

/// A word of an expression.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// A name; dashes between letters and digits belong to it.
    Name(String),
    /// The digits of a whole number; up to 2^63, which is legal behind a minus only.
    Int(u64),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// A text in quotes, escapes resolved.
    Text(String),
    /// An operator, bracket or comma.
    Mark(&'static str),
    /// The end of the text.
    End,
}

/// A token and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Lexed {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a blank stands before it.
    pub(super) blank: bool,
}

/// Why a text is no expression: a byte range, and what to say about it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Wrong {
    pub(super) code: &'static Code,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Wrong {
    /// A syntax error at a byte range.
    pub(super) fn syntax(start: usize, end: usize, message: impl Into<String>) -> Wrong {
        Wrong { code: &codes::EXPRESSION, start, end, message: message.into(), hint: None }
    }

    /// Adds something to type.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Wrong {
        self.hint = Some(hint.into());
        self
    }
}

/// Longer marks first, so that `<=` is not read as `<`.
const MARKS: [&str; 23] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "?", ":", "+", "-", "*", "/", "%", "[", "]", "(", ")", "{", "}",
    ",",
];

/// Words of other languages, and what they are here.
const HABITS: [(&str, &str); 5] = [("===", "=="), ("!==", "!="), ("=", "=="), ("&", "&&"), ("|", "||")];

/// Splits a text into tokens.
pub(super) fn lex(text: &str) -> Result<Vec<Lexed>, Wrong> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let start = at + (rest.len() - rest.trim_start().len());
        let blank = start > at || at == 0;
        let (token, end) = next(text, start)?;
        let done = token == Token::End;
        tokens.push(Lexed { token, start, end, blank });
        if done {
            return Ok(tokens);
        }
        at = end;
    }
}

fn next(text: &str, start: usize) -> Result<(Token, usize), Wrong> {
    let rest = &text[start..];
    match rest.chars().next() {
        None => Ok((Token::End, start)),
        Some('"' | '\'') => quoted(text, start),
        Some('0'..='9') => number(text, start),
        Some(c) if c.is_ascii_alphabetic() || c == '_' => {
            let end = start + name_length(rest);
            Ok((Token::Name(rest[..end - start].to_owned()), end))
        }
        Some('.') => Ok((Token::Mark("."), start + 1)),
        Some(c) => mark(rest, start, c),
    }
}

fn mark(rest: &str, start: usize, first: char) -> Result<(Token, usize), Wrong> {
    let is_habit = |(wrong, _): &&(&str, &str)| rest.starts_with(wrong) && !rest.starts_with("==");
    let strict = HABITS[..2].iter().find(|(wrong, _)| rest.starts_with(wrong));
    if strict.is_none()
        && let Some(found) = MARKS.iter().find(|mark| rest.starts_with(**mark))
    {
        return Ok((Token::Mark(found), start + found.len()));
    }
    if let Some((wrong, right)) = strict.or_else(|| HABITS.iter().find(is_habit)) {
        let message = format!("`{wrong}` is no operator");
        return Err(Wrong::syntax(start, start + wrong.len(), message).hint(format!("write `{right}`")));
    }
    let end = start + first.len_utf8();
    Err(Wrong::syntax(start, end, format!("`{}` has no meaning in an expression", first.escape_default())))
}

/// Bytes of the name at the beginning of `text`: a dash counts if a letter or digit follows it.
pub(super) fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let mut end = 0;
    while is_word(end) || (end > 0 && bytes.get(end) == Some(&b'-') && is_word(end + 1)) {
        end += 1;
    }
    end
}

fn number(text: &str, start: usize) -> Result<(Token, usize), Wrong> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    if bytes[start] == b'0' && matches!(bytes.get(start + 1), Some(b'x' | b'X')) {
        return hexadecimal(text, start);
    }
    let mut end = digits(start);
    let whole = end;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    refuse_letters(text, start, end)?;
    let written = &text[start..end];
    if end > whole {
        let number = written.parse::<f64>().ok().filter(|number| number.is_finite());
        return number
            .map(|number| (Token::Float(number), end))
            .ok_or_else(|| Wrong::syntax(start, end, format!("`{written}` is larger than any number")));
    }
    whole_number(written, 10, start, end)
}

fn hexadecimal(text: &str, start: usize) -> Result<(Token, usize), Wrong> {
    let length = text[start + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
    let end = start + 2 + length;
    refuse_letters(text, start, end)?;
    whole_number(&text[start + 2..end], 16, start, end)
}

fn whole_number(digits: &str, radix: u32, start: usize, end: usize) -> Result<(Token, usize), Wrong> {
    match u64::from_str_radix(digits, radix) {
        Ok(number) if number <= i64::MIN.unsigned_abs() => Ok((Token::Int(number), end)),
        Err(_) if digits.is_empty() => Err(Wrong::syntax(start, end, "a number without digits")),
        _ => Err(Wrong::syntax(start, end, format!("a whole number is at most {}", i64::MAX))),
    }
}

/// `8Gi`, `500m` and `30s` are the likeliest mistakes here.
fn refuse_letters(text: &str, start: usize, end: usize) -> Result<(), Wrong> {
    let length = text[end..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if length == 0 {
        return Ok(());
    }
    let (word, unit) = (&text[start..end + length], &text[end..end + length]);
    let wrong = Wrong::syntax(start, end + length, format!("`{word}` is neither a number nor a name"));
    Err(match unit {
        "m" => wrong.hint(format!("write `cpu('{word}')` or `duration('{word}')`")),
        "ms" | "s" | "h" | "d" => wrong.hint(format!("write `duration('{word}')`")),
        "Ki" | "Mi" | "Gi" | "Ti" | "k" | "M" | "G" | "T" => wrong.hint(format!("write `memory('{word}')`")),
        "u" | "U" => wrong.hint(format!("write `{}`", &text[start..end])),
        _ => wrong,
    })
}

fn quoted(text: &str, start: usize) -> Result<(Token, usize), Wrong> {
    let quote = text.as_bytes()[start] as char;
    let mut out = String::new();
    let mut at = start + 1;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '\\' => {
                let (c, end) = escape(text, at)?;
                out.push(c);
                at = end;
            }
            _ if c == quote => return Ok((Token::Text(out), at + 1)),
            _ => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    Err(Wrong::syntax(start, text.len(), "a text without its closing quote")
        .hint(format!("write `{quote}` at its end")))
}

fn escape(text: &str, at: usize) -> Result<(char, usize), Wrong> {
    let letter = text[at + 1..].chars().next();
    let simple = match letter {
        Some(c @ ('\\' | '"' | '\'' | '`' | '?')) => Some(c),
        Some('n') => Some('\n'),
        Some('r') => Some('\r'),
        Some('t') => Some('\t'),
        Some('a') => Some('\u{7}'),
        Some('b') => Some('\u{8}'),
        Some('f') => Some('\u{c}'),
        Some('v') => Some('\u{b}'),
        _ => None,
    };
    if let Some(c) = simple {
        return Ok((c, at + 2));
    }
    let length = match letter {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        _ => 0,
    };
    let digits = text.get(at + 2..at + 2 + length).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let end = at + 1 + letter.map_or(0, char::len_utf8);
    digits
        .filter(|digits| !digits.is_empty())
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32)
        .map(|c| (c, at + 2 + length))
        .ok_or_else(|| Wrong::syntax(at, end, "an unknown escape in a text").hint("write `\\\\` for a backslash"))
}

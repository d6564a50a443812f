//! A text with its values hidden, to show how its layout would change.
//!
//! In: a text without mistakes. Out: the same text, as wide, with `•` where a value stands.
//! Never: which setting is a secret, so every value is hidden that could be one.
//! Invariant: names, marks, keywords, short numbers and references to secrets stay; lines stay lines.

use std::ops::Range;

use crate::{
    diag::mask,
    syntax::{Token, TokenKind, tokens},
};

/// Longest number that is shown, in bytes; a longer one may be a password.
const SHORT: usize = 5;

/// Hides the values of a text that was read without findings. Only the layout can differ between a text and the same
/// laid out, so nothing is missed that a reader of the difference needs.
#[must_use]
pub fn masked(text: &str) -> String {
    let pieces: Vec<Token> = tokens(text);
    let mut shown = String::with_capacity(text.len());
    let mut copied = 0;
    let mut names_node = true;
    for (at, token) in pieces.iter().enumerate() {
        let hidden = match token.kind {
            TokenKind::Word if names_something(&pieces, at) => None,
            // The first word of a node is its name, also behind an annotation.
            TokenKind::Word if std::mem::take(&mut names_node) => None,
            TokenKind::Word => value(text, &pieces, at),
            TokenKind::LineComment | TokenKind::BlockComment => comment(text, *token),
            TokenKind::LineEnd | TokenKind::Semicolon | TokenKind::BraceOpen | TokenKind::BraceClose => {
                // A line end behind `/-` ends nothing, but then no name came yet either.
                names_node = true;
                None
            }
            _ => None,
        };
        let Some(hidden) = hidden else { continue };
        shown.push_str(&text[copied..hidden.start]);
        shown.extend(text[hidden.clone()].chars().map(|char| if char.is_whitespace() { char } else { '•' }));
        copied = hidden.end;
    }
    shown.push_str(&text[copied..]);
    shown
}

/// Whether a word is an annotation or the name of a property.
fn names_something(pieces: &[Token], at: usize) -> bool {
    let solid = |token: &&Token| !matches!(token.kind, TokenKind::BlockComment | TokenKind::Continuation);
    let before = pieces[..at].iter().rev().find(solid);
    let after = pieces[at + 1..].iter().find(solid);
    before.is_some_and(|token| token.kind == TokenKind::Open)
        || after.is_some_and(|token| token.kind == TokenKind::Equals)
}

/// What to hide of a value.
fn value(text: &str, pieces: &[Token], at: usize) -> Option<Range<usize>> {
    let token = pieces[at];
    let word = token.text(text);
    let marks = word.bytes().take_while(|byte| *byte == b'#').count();
    let quotes = match &word[marks..] {
        body if body.starts_with("\"\"\"") && body.len() > 3 => 3,
        body if body.starts_with('"') => 1,
        _ if marks > 0 => return None,
        _ if word.len() <= SHORT && word.starts_with(|char: char| char.is_ascii_digit()) => return None,
        _ => return Some(token.start..token.end),
    };
    let range = token.start + marks + quotes..token.end - marks - quotes;
    let annotated = text[..token.start].ends_with("(secret)");
    (!(annotated && is_reference(&text[range.clone()]))).then_some(range)
}

/// Whether a text is `name/key`, as references to secrets are.
fn is_reference(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.split_once('/').is_some_and(|(name, key)| name.bytes().all(fits) && key.bytes().all(fits))
}

/// What to hide of a comment: all behind a word for a secret, a string or a URL, which may be a setting taken out.
fn comment(text: &str, token: Token) -> Option<Range<usize>> {
    let words = token.text(text);
    let marks = ["\"", "://"].iter().filter_map(|mark| words.find(mark).map(|at| at + mark.len()));
    let first = marks.chain(mask::first_secret_word(words)).min()?;
    let end = if token.kind == TokenKind::BlockComment { token.end - 2 } else { token.end };
    Some(token.start + first..end.max(token.start + first))
}

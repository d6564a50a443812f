//! Templates of `(f)`: text with paths in braces.
//!
//! In: the text. Out: an [`Expr`] that joins its parts.
//! Never: an operator or a function.
//! Invariant: byte ranges of pieces are those of the text, so that a finding points at the path.

use super::{Checker, Typed};
use crate::diag::Code;
use crate::expr::lex::Wrong;
use crate::expr::{Expr, Kind, Type, codes};
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn template(&mut self, wanted: Option<&Type>) -> Option<Typed> {
        let pieces = match split_template(self.text.text) {
            Ok(pieces) => pieces,
            Err(wrong) => return self.wrong(wrong),
        };
        let mut parts = Vec::new();
        let mut is_whole = true;
        for piece in pieces {
            match piece {
                Piece::Literal(text, start, end) => {
                    parts.push(Expr { kind: Kind::Literal(Value::string(text)), span: self.span(start, end) });
                }
                Piece::Path(start, end) => match self.template_path(start, end) {
                    Some(expr) => parts.push(expr),
                    None => is_whole = false,
                },
            }
        }
        if !is_whole {
            return None;
        }
        let span = self.text.span;
        let constant = match parts.as_slice() {
            [] => Some(Value::string("")),
            [Expr { kind: Kind::Literal(value), .. }] => Some(value.clone()),
            _ => None,
        };
        let (expr, found) = match constant {
            Some(Value::String(text)) => {
                let found = Type::words([text.as_ref()]);
                (Expr { kind: Kind::Literal(Value::String(text)), span }, found)
            }
            _ => (Expr { kind: Kind::Text(parts), span }, Type::scalar("string")),
        };
        self.fit((expr, found), wanted)
    }

    fn template_path(&mut self, start: usize, end: usize) -> Option<Expr> {
        let text = &self.text.text[start..end];
        self.offset = start;
        let typed = self.path_text(text, None);
        self.offset = 0;
        let (expr, found) = typed?;
        if found.base().is_some() {
            return Some(expr);
        }
        let message = format!("a text has room for a scalar, `{}` is {found}", text.trim());
        let finding = codes::WRONG_KIND.at(expr.span, message);
        let hint = matches!(found, Type::List(_)).then(|| format!("write `(cel)\"{}.join(',')\"`", text.trim()));
        self.report(finding.maybe_hint(hint));
        None
    }
}

/// A piece of a template, with byte ranges of its text.
enum Piece {
    Literal(String, usize, usize),
    Path(usize, usize),
}

/// Splits a template at its braces.
fn split_template(text: &str) -> Result<Vec<Piece>, Wrong> {
    let mut pieces = Vec::new();
    let (mut literal, mut start, mut at) = (String::new(), 0, 0);
    let braces = |start: usize, end: usize, message: &str, hint: &str| {
        let code: &'static Code = &codes::BRACES;
        Err(Wrong { code, start, end, message: message.to_owned(), hint: Some(hint.to_owned()) })
    };
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            literal.push(c);
            at += 2;
        } else if c == '}' {
            return braces(at, at + 1, "a `}` without its `{`", "write `}}` for a brace");
        } else if c == '{' {
            let Some(length) = rest.find('}') else {
                return braces(at, text.len(), "a `{` without its `}`", "write `{{` for a brace");
            };
            if rest[1..length].trim().is_empty() {
                return braces(at, at + length + 1, "braces without a path", "write `{{}}` for braces");
            }
            if literal.ends_with('$') {
                let path = rest[1..length].trim();
                let hint = format!("write `{{{path}}}`; for a `$` before the value, `(cel)\"'$' + {path}\"`");
                return braces(
                    at - 1,
                    at + length + 1,
                    "`{…}` alone stands for a value, and the `$` would be printed",
                    &hint,
                );
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal), start, at));
            }
            pieces.push(Piece::Path(at + 1, at + length));
            at += length + 1;
            start = at;
        } else {
            literal.push(c);
            at += c.len_utf8();
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal, start, at));
    }
    Ok(pieces)
}

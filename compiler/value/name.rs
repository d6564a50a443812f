//! Names: DNS labels and subdomains, and the identifiers of databases.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::BAD_NAME;

pub(super) fn bad(message: impl Into<String>, underline: &str) -> Bad {
    Bad::new(&BAD_NAME, message).underline(underline)
}

/// Whether a text is a DNS label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 characters.
pub(super) fn is_label(text: &str) -> bool {
    let edges = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edges(bytes.first())
        && edges(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Whether a text is DNS labels joined by dots, at most 253 characters.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

pub(super) fn parse_label(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    label(raw, "a name")
}

pub(super) fn parse_endpoint(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    label(raw, "the name of an endpoint")
}

fn label(raw: &Raw<'_>, what: &str) -> Result<Value, Bad> {
    let text = text_of(raw, what)?;
    if is_label(text) {
        return Ok(Value::string(text));
    }
    let repaired = repair(text, false);
    Err(bad(format!("{} is not {what}", shown(text)), "lower-case letters, digits and `-` between them, at most 63")
        .maybe_hint(is_label(&repaired).then(|| format!("write {}", typed(&repaired)))))
}

pub(super) fn parse_subdomain(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a DNS subdomain")?;
    if is_subdomain(text) {
        return Ok(Value::string(text));
    }
    let repaired = repair(text, true);
    Err(bad(
        format!("{} is not a DNS subdomain", shown(text)),
        "lower-case letters, digits, and `-` and `.` between them, at most 253",
    )
    .maybe_hint(is_subdomain(&repaired).then(|| format!("write {}", typed(&repaired)))))
}

/// The nearest legal name: everything else becomes a dash.
fn repair(text: &str, dots: bool) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || (dots && c == '.');
    let dashed: String = text.trim().chars().map(|c| if keep(c) { c.to_ascii_lowercase() } else { '-' }).collect();
    dashed.trim_matches(['-', '.']).to_owned()
}

pub(super) fn parse_identifier(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "the name of a database or role")?;
    if is_identifier(text) {
        return Ok(Value::string(text));
    }
    let mut repaired: String =
        text.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if repaired.starts_with(|c: char| c.is_ascii_digit()) {
        repaired.insert(0, '_');
    }
    Err(bad(
        format!("{} is not the name of a database or role", shown(text)),
        "lower-case letters, digits, `_` and `-`, no digit or `-` in front, at most 63",
    )
    .maybe_hint(is_identifier(&repaired).then(|| format!("write {}", typed(&repaired)))))
}

fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

/// Why nothing can set a variable of this name, if nothing can.
#[must_use]
pub fn why_no_variable(name: &str) -> Option<&'static str> {
    let has = |is: fn(char) -> bool| name.contains(is);
    match () {
        () if name.is_empty() => Some("has no character"),
        () if has(|c| c == '=') => Some("holds `=`, which ends a name"),
        () if has(char::is_control) => Some("holds a control character"),
        () if has(char::is_whitespace) => Some("holds a blank"),
        () if has(|c| !c.is_ascii()) => Some("holds a character outside of ASCII"),
        () => None,
    }
}

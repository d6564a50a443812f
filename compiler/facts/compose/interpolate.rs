//! Compose's interpolation, `$$`, `${X:-d}`, `${X:?message}`, where no variable is set.

use std::borrow::Cow;

use crate::{
    facts::text::Marked,
    value::{SecretRef, secret_variable},
};

/// A text of a Compose file after interpolation.
#[derive(Debug, Default)]
pub(super) struct Interpolated<'t> {
    /// The text, with secrets as marks; a variable that nobody sets stands as `${NAME}`.
    pub(super) marked: Marked<'t>,
    /// Whether somebody has to set a variable.
    pub(super) open: bool,
    /// Whether a `$` stands where Compose refuses it.
    pub(super) wrong: bool,
}

/// The text with its variables put in.
pub(super) fn interpolate(text: &str) -> Interpolated<'_> {
    let mut found = Interpolated::default();
    if text.contains('$') {
        put(text, 0, &mut found);
    } else {
        found.marked.text = Cow::Borrowed(text);
    }
    found
}

fn put(text: &str, depth: usize, found: &mut Interpolated<'_>) {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        found.marked.text.to_mut().push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            found.marked.text.to_mut().push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = closing(after) else {
                found.wrong = true;
                found.marked.text.to_mut().push('$');
                continue;
            };
            braced(&after[..end], depth, found);
            rest = &after[end + 1..];
        } else {
            let length = name_length(rest);
            found.wrong |= length == 0;
            if length == 0 {
                found.marked.text.to_mut().push('$');
            } else {
                unset(&rest[..length], found);
            }
            rest = &rest[length..];
        }
    }
    found.marked.text.to_mut().push_str(rest);
}

/// Where the brace that is open is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if at > 0 && text.as_bytes()[at - 1] == b'$' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn name_length(text: &str) -> usize {
    let length = text.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_').unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { length }
}

/// What stands between braces.
fn braced(text: &str, depth: usize, found: &mut Interpolated<'_>) {
    let (name, rest) = text.split_at(name_length(text));
    let operator = rest.trim_start_matches(':');
    match operator.as_bytes().first() {
        _ if name.is_empty() || depth > 16 => found.wrong = true,
        None if rest.is_empty() => unset(name, found),
        Some(b'-') => put(&operator[1..], depth + 1, found),
        // Only what is set is replaced, and nothing is.
        Some(b'+') => {}
        Some(b'?') => match secret(name, &operator[1..]) {
            Some(secret) => found.marked.push_secret(secret),
            None => unset(name, found),
        },
        _ => found.wrong = true,
    }
}

/// The secret that a required variable stands for, as its message says: `set it to key KEY of secret NAME`.
fn secret(variable: &str, message: &str) -> Option<SecretRef> {
    let (key, name) = message.strip_prefix("set it to key ")?.split_once(" of secret ")?;
    let secret = SecretRef { name: name.into(), key: key.into() };
    (secret_variable(&secret) == variable).then_some(secret)
}

fn unset(name: &str, found: &mut Interpolated<'_>) {
    found.open = true;
    let text = found.marked.text.to_mut();
    text.push_str("${");
    text.push_str(name);
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_nobody_sets_are_open() {
        let cases = [
            ("plain", "plain", false),
            ("a$$b", "a$b", false),
            ("${X}", "${X}", true),
            ("$X/y", "${X}/y", true),
            ("${X:-d}", "d", false),
            ("${X-d}", "d", false),
            ("${X:-}", "", false),
            ("${X:-${Y:-z}}", "z", false),
            ("${X:?why}", "${X}", true),
            ("${X:+yes}", "", false),
            ("${HUB:-docker.io}/a:${TAG:-1}", "docker.io/a:1", false),
        ];
        for (text, expected, open) in cases {
            let found = interpolate(text);
            assert_eq!((&*found.marked.text, found.open, found.wrong), (expected, open, false), "{text}");
        }
        for text in ["$", "a $ b", "${", "${}", "${1}", "${X!}"] {
            assert!(interpolate(text).wrong, "{text}");
        }
    }

    #[test]
    fn a_secret_is_told_by_its_message_and_its_variable() {
        let found = interpolate("${A_B_C:?set it to key c of secret a-b}");
        assert_eq!(found.marked.secrets, [SecretRef { name: "a-b".into(), key: "c".into() }]);
        assert!(!found.open);
        // The name of the variable and the message have to agree.
        let found = interpolate("${A_B_X:?set it to key c of secret a-b}");
        assert!(found.open && found.marked.secrets.is_empty());
    }
}

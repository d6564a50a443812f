//! References to secrets. What is written where a reference is wanted may be the secret itself, so no message shows it.

use super::{
    SecretRef, Value,
    name::is_subdomain,
    scalar::{Attributes, Bad, Raw},
};
use crate::diag::codes::BAD_SECRET;

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let Raw::String(text) = raw else { return Err(bad("a number or a yes or no")) };
    let Some((name, key)) = text.split_once('/') else { return Err(bad("not `NAME/KEY`")) };
    Ok(Value::Secret(reference(name, key)?))
}

/// A checked reference.
pub(super) fn reference(name: &str, key: &str) -> Result<SecretRef, Bad> {
    check_name(name)?;
    check_key(key)?;
    Ok(SecretRef { name: name.into(), key: key.into() })
}

pub(super) fn check_name(name: &str) -> Result<(), Bad> {
    if is_subdomain(name) { Ok(()) } else { Err(bad("the name is not a DNS subdomain")) }
}

pub(super) fn check_key(key: &str) -> Result<(), Bad> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    // `.` and `..` would leave the folder in which Compose looks for the file.
    if key.is_empty() || key.len() > 253 || key == "." || key.starts_with("..") || !key.bytes().all(known) {
        return Err(bad("the key is not letters, digits, `-`, `.` and `_`"));
    }
    Ok(())
}

fn bad(underline: &str) -> Bad {
    Bad::new(&BAD_SECRET, "this is not the reference of a secret, wanted `NAME/KEY`")
        .underline(underline)
        .hint("keep the secret elsewhere and write `(secret)\"name/key\"`")
}

pub(super) fn check(value: &Value) -> Result<(), Bad> {
    match value {
        Value::Secret(secret) => reference(&secret.name, &secret.key).map(|_| ()),
        _ => Ok(()),
    }
}

/// The variable that holds a secret: name and key in capitals, everything but letters and digits as `_`;
/// `openai-credentials/api-key` is `OPENAI_CREDENTIALS_API_KEY`.
///
/// Two secrets may get the same variable (`a-b/c`, `a/b-c`); whoever uses several compares.
#[must_use]
pub fn secret_variable(secret: &SecretRef) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let name: String = secret.name.chars().chain(['_']).chain(secret.key.chars()).map(word).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

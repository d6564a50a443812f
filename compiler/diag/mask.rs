//! What an excerpt hides: text that may be a secret.

use std::borrow::Cow;

/// Words that announce a secret, in lower case.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "key", "credential", "private", "auth"];

/// Whether a piece of text has a word in it that announces a secret.
#[must_use]
pub fn names_secret(text: &str) -> bool {
    let bytes = text.as_bytes();
    SECRET_WORDS.iter().any(|word| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes())))
}

#[allow(dead_code)]
fn placeholder() -> Cow<'static, str> {
    Cow::Borrowed("")
}

//! Semantic versions.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, shown, text_of, typed},
};
use crate::diag::codes::BAD_SEMVER;

/// The pieces of a semantic version.
pub(super) struct Version<'a> {
    pub(super) numbers: [i64; 3],
    pub(super) pre: &'a str,
    pub(super) build: &'a str,
}

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "a semantic version")?;
    if split(text).is_some() {
        return Ok(Value::string(text));
    }
    Err(Bad::new(&BAD_SEMVER, format!("{} is not a semantic version", shown(text)))
        .underline("`MAJOR.MINOR.PATCH` is wanted")
        .maybe_hint(repair(text).map(|version| format!("write {}", typed(&version)))))
}

/// The pieces of a text, if it is a semantic version whose numbers fit in 64 bits.
pub(super) fn split(text: &str) -> Option<Version<'_>> {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let mut numbers = core.split('.').map(number);
    let three = [numbers.next()??, numbers.next()??, numbers.next()??];
    let tail = numbers.next().is_none()
        && pre.is_none_or(|pre| pre.split('.').all(|word| is_word(word) && !has_leading_zero(word)))
        && build.is_none_or(|build| build.split('.').all(is_word));
    tail.then_some(Version { numbers: three, pre: pre.unwrap_or(""), build: build.unwrap_or("") })
}

fn number(digits: &str) -> Option<i64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !has_leading_zero(digits);
    plain.then(|| digits.parse().ok()).flatten()
}

fn has_leading_zero(word: &str) -> bool {
    word.len() > 1 && word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `v1.2` and its like as they should be.
fn repair(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches(['v', 'V', '=']);
    [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")].into_iter().find(|version| split(version).is_some())
}

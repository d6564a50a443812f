//! What a word is that begins like a number and is none.
//!
//! In: the word as a person would delimit it. Out: the code and the name of what it is.
//! Never: whether it fits where it stands.

use crate::diag::{Code, codes};

/// Suffixes of amounts of memory and processor, and the percent sign.
const UNITS: [&str; 30] = [
    "m", "k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "B", "kB", "KB", "MB", "GB", "TB",
    "KiB", "MiB", "GiB", "TiB", "b", "kb", "mb", "gb", "tb", "%",
];
/// Units of lengths of time; `m` alone is an amount of processor just as well.
const TIMES: [&str; 10] = ["ns", "us", "µs", "ms", "s", "min", "h", "d", "w", "m"];
/// Most points in a version before its first dash or plus.
const MAX_POINTS: usize = 2;

/// The code of a word that needs quotes, and what the word is, if it is one of the well-known kinds.
pub(super) fn kind(word: &str) -> Option<(&'static Code, &'static str)> {
    if is_address(word) {
        Some((&codes::UNQUOTED_ADDRESS, "an address"))
    } else if is_amount(word) {
        Some((&codes::UNQUOTED_AMOUNT, "an amount with a unit"))
    } else if is_time(word) {
        Some((&codes::UNQUOTED_TIME, "a length of time"))
    } else if is_version(word) {
        Some((&codes::UNQUOTED_VERSION, "a version"))
    } else {
        None
    }
}

/// The number that a word begins with, and the rest.
fn number(word: &str) -> Option<(&str, &str)> {
    let end = word.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(word.len());
    let (number, rest) = word.split_at(end);
    let is_number = number.starts_with(|char: char| char.is_ascii_digit()) && number.matches('.').count() < 2;
    is_number.then_some((number, rest))
}

fn is_amount(word: &str) -> bool {
    number(word).is_some_and(|(_, unit)| UNITS.contains(&unit))
}

/// `30s`, `1h30m`.
fn is_time(word: &str) -> bool {
    let mut rest = word;
    while let Some((_, behind)) = number(rest) {
        let end = behind.find(|char: char| char.is_ascii_digit()).unwrap_or(behind.len());
        if !TIMES.contains(&&behind[..end]) {
            return false;
        }
        rest = &behind[end..];
    }
    rest.is_empty() && !word.is_empty()
}

/// `10.0.0.1`, also with a port or the length of a prefix.
fn is_address(word: &str) -> bool {
    let (host, behind) = word.split_once(['/', ':']).unwrap_or((word, "0"));
    let is_number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = (1..=5).contains(&behind.len()) && behind.bytes().all(|byte| byte.is_ascii_digit());
    host.split('.').count() == 4 && host.split('.').all(is_number) && is_port
}

/// `1.10.2`, `16.8-alpine`, `1.x`.
fn is_version(word: &str) -> bool {
    let core = word.split(['-', '+']).next().unwrap_or(word);
    let legal = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '+' | '_');
    let mut parts = core.split('.');
    let first = parts.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let second = parts.next().is_some_and(|part| part == "x" || part.starts_with(|char: char| char.is_ascii_digit()));
    first && second && core.matches('.').count() <= MAX_POINTS && word.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_like_numbers_are_told_apart() {
        for (words, id) in [
            ("500m 2Gi 1.5Gi 10k 512MB 50%", "TL0060"),
            ("30s 1h30m 250ms 7d 1.5h 5min", "TL0061"),
            ("10.0.0.1 10.0.0.0/8 127.0.0.1:8080", "TL0062"),
            ("1.10.2 16.8-alpine 1.x 2.1.0-rc.1 1.27rc1", "TL0063"),
        ] {
            for word in words.split(' ') {
                assert_eq!(kind(word).map(|(code, _)| code.id), Some(id), "{word}");
            }
        }
        for word in
            ["2024-01-01", "8080:80", "1/2", "10.0.0.1.nip.io", "5x", "0xzz", "1.2.3.4.5", "é", "", "256.1000.1.1/x"]
        {
            assert_eq!(kind(word), None, "{word}");
        }
    }
}

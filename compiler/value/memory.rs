//! Amounts of memory and storage.
//!
//! - **Shape** `<digits><suffix>`: `Ki Mi Gi Ti Pi` (×1024ⁿ), `k M G T P` (×1000ⁿ), or none for bytes.
//! - **Unit** bytes, `1..=i64::MAX`, because Kubernetes holds quantities so. No fractions.
//! - **Prints** Kubernetes: the suffix with the smallest whole number, `1Gi`, `8G`. Compose reads every suffix as a
//!   power of 1024, so it gets `k`, `m`, `g` or plain bytes.
//! - **Errors** TL0210 a bare number, TL0211 unknown suffix, TL0212 fraction, TL0205 zero or too much.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, out_of_range, shown, text_of},
};
use crate::diag::codes::{BAD_MEMORY, FRACTION_OF_MEMORY, NO_UNIT};

/// The suffixes of Kubernetes and what they multiply by, powers of 1024 first, each kind from large to small.
const SUFFIXES: &[(&str, u64)] = &[
    ("Pi", 1 << 50),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("P", 1_000_000_000_000_000),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1000),
];

/// The most bytes that Kubernetes can hold.
const MOST: u64 = i64::MAX as u64;

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = match raw {
        Raw::Integer(number) => return Err(bare(&number.to_string())),
        Raw::Float(_, source) => return Err(bare(source)),
        raw => text_of(raw, "an amount of memory")?,
    };
    let (digits, suffix) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = if suffix.is_empty() { Some(1) } else { multiplier(suffix) };
    let (false, Some(unit)) = (digits.is_empty(), unit) else { return Err(explain(text)) };
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)) {
        Some(bytes) if (1..=MOST).contains(&bytes) => Ok(Value::Memory(bytes)),
        _ => Err(beyond(text)),
    }
}

pub(super) fn check(value: &Value) -> Result<(), Bad> {
    match value {
        Value::Memory(bytes) if !(1..=MOST).contains(bytes) => Err(beyond(&bytes.to_string())),
        _ => Ok(()),
    }
}

fn multiplier(suffix: &str) -> Option<u64> {
    SUFFIXES.iter().find(|(name, _)| *name == suffix).map(|(_, unit)| *unit)
}

fn beyond(text: &str) -> Bad {
    out_of_range(text, Some("1 byte".to_owned()), Some("8191Pi".to_owned()))
}

fn bare(number: &str) -> Bad {
    let whole = number.bytes().all(|byte| byte.is_ascii_digit());
    let hint =
        if whole { format!("write `\"{number}Mi\"`, or `\"{number}\"` for bytes") } else { "write `\"512Mi\"`".into() };
    Bad::new(&NO_UNIT, format!("{} has no unit, wanted an amount of memory", shown(number)))
        .underline("no unit")
        .hint(hint)
}

/// What is wrong with a text that is no amount, and the amount that was probably meant.
fn explain(text: &str) -> Bad {
    let trimmed = text.trim();
    let at = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (digits, suffix) = (&trimmed[..at], trimmed[at..].trim());
    let meant = meant(digits, suffix);
    if digits.contains('.') && digits.bytes().any(|byte| byte.is_ascii_digit()) && multiplier(suffix).is_some() {
        return Bad::new(
            &FRACTION_OF_MEMORY,
            format!("{} has a fraction, wanted a whole amount of memory", shown(text)),
        )
        .underline("only whole numbers")
        .hint(meant.unwrap_or_else(|| "use a smaller unit".to_owned()));
    }
    Bad::new(&BAD_MEMORY, format!("{} is not an amount of memory", shown(text)))
        .underline("digits and one of Ki, Mi, Gi, Ti, Pi, k, M, G, T, P are wanted")
        .hint(meant.unwrap_or_else(|| "write for example `\"8Gi\"` (1024-based) or `\"8G\"` (1000-based)".to_owned()))
}

/// The hint for a number with a suffix that only looks like one.
fn meant(digits: &str, suffix: &str) -> Option<String> {
    let lower = suffix.to_ascii_lowercase();
    let letter = lower.chars().next()?;
    let rest = &lower[letter.len_utf8()..];
    let binary_only = matches!(rest, "i" | "ib");
    if !binary_only && !matches!(rest, "" | "b") {
        return None;
    }
    let power = u32::try_from("kmgtp".find(letter)? + 1).ok()?;
    let binary = scaled(digits, 1024_u64.pow(power)).map(|bytes| format!("`\"{}\"`", kubernetes(bytes)))?;
    if binary_only {
        return Some(format!("write {binary}"));
    }
    let decimal = scaled(digits, 1000_u64.pow(power)).map(|bytes| format!("`\"{}\"`", kubernetes(bytes)))?;
    if multiplier(suffix).is_some() {
        return Some(format!("write {decimal}"));
    }
    Some(format!("write {binary} (1024-based) or {decimal} (1000-based)"))
}

/// Digits with at most one point, times a unit; rounded down to whole bytes, or to a whole smaller unit where the
/// product has a fraction of a byte.
fn scaled(digits: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 12 || fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let tenths = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let product = whole.checked_mul(tenths)?.checked_add(fraction)?.checked_mul(u128::from(unit))?;
    let bytes = product / tenths;
    let step = if unit.is_multiple_of(1024) { 1024 } else { 1000 };
    // 0.1Gi is no whole number of bytes: say it in the next smaller unit.
    let smaller = (u128::from(unit) / step).max(1);
    let bytes = if product % tenths == 0 { bytes } else { bytes / smaller * smaller };
    u64::try_from(bytes).ok().filter(|bytes| (1..=MOST).contains(bytes))
}

/// Kubernetes' form: the exact suffix with the smallest number, one of 1024 where two are equally good.
pub(super) fn kubernetes(bytes: u64) -> String {
    let mut best = (bytes, "");
    for (suffix, unit) in SUFFIXES {
        if bytes > 0 && bytes.is_multiple_of(*unit) && bytes / unit < best.0 {
            best = (bytes / unit, suffix);
        }
    }
    format!("{}{}", best.0, best.1)
}

/// Compose's form: the largest exact of `g m k`, all powers of 1024, else plain bytes.
pub(super) fn compose(bytes: u64) -> String {
    let exact = [("g", 1_u64 << 30), ("m", 1 << 20), ("k", 1 << 10)]
        .into_iter()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    exact.map_or_else(|| bytes.to_string(), |(suffix, unit)| format!("{}{suffix}", bytes / unit))
}

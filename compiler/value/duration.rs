//! Lengths of time, in milliseconds.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, out_of_range, shown, text_of},
};
use crate::diag::codes::{BAD_DURATION, NO_UNIT};

/// Units from large to small.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The most that Go can hold, which counts nanoseconds in 64 bits: about 292 years.
const MOST: u64 = 9_223_372_036_854;

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = match raw {
        Raw::Integer(number) => return Err(bare(&number.to_string())),
        Raw::Float(_, source) => return Err(bare(source)),
        raw => text_of(raw, "a length of time")?,
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bare(text));
    }
    match milliseconds(text) {
        Some(Some(length)) if length <= MOST => Ok(Value::Duration(length)),
        Some(_) => Err(beyond(text)),
        None => Err(explain(text)),
    }
}

pub(super) fn check(value: &Value) -> Result<(), Bad> {
    match value {
        Value::Duration(length) if *length > MOST => Err(beyond(&long(*length))),
        _ => Ok(()),
    }
}

fn beyond(text: &str) -> Bad {
    out_of_range(text, Some("0s".to_owned()), Some("106751d".to_owned()))
}

fn bare(number: &str) -> Bad {
    let whole = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let hint = if whole {
        format!("write `\"{number}s\"` for seconds, or `ms`, `m`, `h`, `d`")
    } else {
        "write `\"30s\"`".into()
    };
    Bad::new(&NO_UNIT, format!("{} has no unit, wanted a length of time", shown(number)))
        .underline("no unit")
        .hint(hint)
}

/// The length of `1m30s`; nothing for other texts, nothing within where it does not fit.
fn milliseconds(text: &str) -> Option<Option<u64>> {
    let (mut rest, mut sum, mut units) = (text, Some(0_u64), UNITS);
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (word, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
        let at = units.iter().position(|(name, _)| *name == word).filter(|_| !digits.is_empty())?;
        let length = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(units[at].1));
        sum = sum.zip(length).and_then(|(sum, length)| sum.checked_add(length));
        (rest, units) = (tail, &units[at + 1..]);
    }
    (!text.is_empty()).then_some(sum)
}

fn explain(text: &str) -> Bad {
    let bad = Bad::new(&BAD_DURATION, format!("{} is not a length of time", shown(text)))
        .underline("numbers with `d`, `h`, `m`, `s`, `ms`, in this order, are wanted");
    match meant(text) {
        Some(length) => bad.hint(format!("write `\"{}\"`", long(length))),
        None => bad.hint("write for example `\"1m30s\"`"),
    }
}

/// The length that a text with long units, fractions or blanks probably means.
fn meant(text: &str) -> Option<u64> {
    let lower: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let (mut rest, mut sum) = (lower.as_str(), 0_u64);
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (word, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
        sum = sum.checked_add(fraction(digits, unit(word)?)?)?;
        rest = tail;
    }
    (!lower.is_empty() && sum <= MOST).then_some(sum)
}

fn unit(word: &str) -> Option<u64> {
    Some(match word {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        _ => return None,
    })
}

/// Digits with at most one point, times a unit, if that is a whole number of milliseconds.
fn fraction(digits: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let tenths = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u64>().ok()?.checked_mul(unit)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    part.is_multiple_of(tenths).then(|| whole.checked_add(part / tenths))?
}

/// The normal form, with days: `1d12h`.
pub(super) fn long(length: u64) -> String {
    units(length, UNITS)
}

/// Go's form, without days: `36h`.
pub(super) fn go(length: u64) -> String {
    units(length, &UNITS[1..])
}

fn units(mut length: u64, units: &[(&str, u64)]) -> String {
    let mut out = String::new();
    for (name, unit) in units {
        if length >= *unit {
            out.push_str(&format!("{}{name}", length / unit));
            length %= unit;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

//! Yes or no, whole numbers, numbers with fractions.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, out_of_range, shown, typed},
};
use crate::diag::codes::{NOT_A_NUMBER, NOT_A_SWITCH, NOT_WHOLE, OUT_OF_RANGE, WRONG_LITERAL};

pub(super) fn parse_bool(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let (found, meant) = match raw {
        Raw::Bool(yes) => return Ok(Value::Bool(*yes)),
        Raw::String(text) => (typed(text), meant_bool(text)),
        Raw::Integer(number) => (shown(&number.to_string()), meant_bool(&number.to_string())),
        Raw::Float(_, source) => (shown(source), None),
    };
    Err(Bad::new(&NOT_A_SWITCH, format!("{found} is not a yes or no, wanted `#true` or `#false`"))
        .underline("neither `#true` nor `#false`")
        .hint(meant.map_or("write `#true` or `#false`".to_owned(), |yes| format!("write `#{yes}`"))))
}

/// The yes or no that a word most likely means.
#[must_use]
pub fn meant_bool(text: &str) -> Option<bool> {
    match text.trim().trim_start_matches('#').to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" | "enabled" => Some(true),
        "false" | "no" | "off" | "n" | "0" | "disabled" => Some(false),
        _ => None,
    }
}

pub(super) fn parse_int(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let bad = |found: String, meant: Option<i128>| {
        Bad::new(&NOT_WHOLE, format!("{found} is not a whole number"))
            .underline("a whole number is wanted")
            .maybe_hint(meant.map(|number| format!("write `{number}`")))
    };
    match raw {
        Raw::Integer(number) => i64::try_from(*number)
            .map(Value::Int)
            .map_err(|_| out_of_range(&number.to_string(), Some(i64::MIN.to_string()), Some(i64::MAX.to_string()))),
        Raw::String(text) => Err(bad(typed(text), text.trim().trim_end_matches('%').trim_end().parse().ok())),
        Raw::Float(number, source) => Err(bad(shown(source), whole(*number))),
        Raw::Bool(yes) => Err(wanted_number(*yes, "a whole number")),
    }
}

/// The whole number that a number with a fraction or exponent happens to be.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i128)
}

fn wanted_number(yes: bool, what: &str) -> Bad {
    Bad::new(&WRONG_LITERAL, format!("`#{yes}` is a yes or no, wanted {what}")).underline(format!("not {what}"))
}

pub(super) fn parse_number(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    match raw {
        Raw::Integer(number) => exact(*number),
        Raw::Float(number, source) if *number == 0.0 && number.is_sign_negative() => {
            Err(not_a_number(shown(source), Some("0".to_owned())))
        }
        Raw::Float(number, source) if !number.is_finite() => Err(not_a_number(shown(source), None)),
        Raw::Float(number, _) => Ok(Value::Float(*number)),
        Raw::String(text) => Err(not_a_number(typed(text), meant_number(text))),
        Raw::Bool(yes) => Err(wanted_number(*yes, "a number")),
    }
}

/// A number as it would be written without quotes; a percentage as a ratio.
fn meant_number(text: &str) -> Option<String> {
    let text = text.trim();
    let (digits, divisor) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits.trim_end(), 100.0));
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number: f64 = plain.then(|| digits.parse().ok())??;
    Some((number / divisor).to_string())
}

fn not_a_number(found: String, meant: Option<String>) -> Bad {
    Bad::new(&NOT_A_NUMBER, format!("{found} is not a number"))
        .underline("a number is wanted")
        .maybe_hint(meant.map(|number| format!("write `{number}`")))
}

/// A whole number as a number, where it is the same number.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the way back is checked")]
pub(super) fn exact(number: i128) -> Result<Value, Bad> {
    let real = number as f64;
    if number.unsigned_abs() <= 1 << 53 {
        return Ok(Value::Float(real));
    }
    Err(Bad::new(&OUT_OF_RANGE, format!("`{number}` has more digits than a number can hold"))
        .underline("at most 9007199254740992 is exact")
        .hint(format!("write `{real:e}` if the rounded value is meant")))
}

pub(super) fn check_finite(value: &Value) -> Result<(), Bad> {
    match value {
        Value::Float(number) if !number.is_finite() => Err(not_a_number(shown(&number.to_string()), None)),
        _ => Ok(()),
    }
}

pub(super) fn parse_ratio(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    parse_number(raw, attributes)
}

pub(super) fn check_ratio(value: &Value) -> Result<(), Bad> {
    let Value::Float(number) = value else { return Ok(()) };
    if (0.0..=1.0).contains(number) {
        return Ok(());
    }
    let bad = out_of_range(&number.to_string(), Some("0".to_owned()), Some("1".to_owned()));
    let percentage = *number > 1.0 && *number <= 100.0;
    Err(bad.maybe_hint(percentage.then(|| format!("write `{}` for {number} percent", number / 100.0))))
}

pub(super) fn parse_count(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    parse_int(raw, attributes)
}

pub(super) fn check_count(value: &Value) -> Result<(), Bad> {
    within(value, 0, i64::MAX)
}

pub(super) fn parse_percent(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    parse_int(raw, attributes)
}

pub(super) fn check_percent(value: &Value) -> Result<(), Bad> {
    within(value, 1, 100)
}

pub(super) fn parse_port(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    parse_int(raw, attributes)
}

pub(super) fn check_port(value: &Value) -> Result<(), Bad> {
    within(value, 1, 65_535)
}

fn within(value: &Value, min: i64, max: i64) -> Result<(), Bad> {
    match value {
        Value::Int(number) if !(min..=max).contains(number) => {
            let max = (max < i64::MAX).then(|| max.to_string());
            Err(out_of_range(&number.to_string(), Some(min.to_string()), max))
        }
        _ => Ok(()),
    }
}

//! Amounts of processor, in thousandths of a core.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, out_of_range, shown, text_of},
};
use crate::diag::codes::BAD_CPU;

/// The most thousandths that Kubernetes can hold.
const MOST: u64 = i64::MAX as u64;

pub(super) fn parse(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let (text, written) = match raw {
        Raw::Integer(number) => (number.to_string(), number.to_string()),
        // `5e-1` and `1_000.5` are numbers to KDL: the number counts, the message shows the text.
        Raw::Float(number, source) => (number.to_string(), (*source).to_owned()),
        raw => {
            let text = text_of(raw, "an amount of processor")?;
            (text.to_owned(), text.to_owned())
        }
    };
    match thousandths(&text) {
        Some(Some(amount)) if (1..=MOST).contains(&amount) => Ok(Value::Cpu(amount)),
        Some(_) => Err(beyond(&written)),
        None => Err(explain(&written)),
    }
}

pub(super) fn check(value: &Value) -> Result<(), Bad> {
    match value {
        Value::Cpu(amount) if !(1..=MOST).contains(amount) => Err(beyond(&plain(*amount))),
        _ => Ok(()),
    }
}

fn beyond(text: &str) -> Bad {
    out_of_range(text, Some("1m".to_owned()), None)
}

/// The amount of `500m`, `2` or `0.5`; nothing for other texts, nothing within where it does not fit.
fn thousandths(text: &str) -> Option<Option<u64>> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(milli) = text.strip_suffix('m') {
        return digits(milli).then(|| milli.parse().ok());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let fraction = if digits(fraction) { fraction.trim_end_matches('0') } else { return None };
    if !digits(whole) || fraction.len() > 3 {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<3}").parse().ok()?;
    Some(whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(1000)?.checked_add(fraction)))
}

fn explain(text: &str) -> Bad {
    let bad = Bad::new(&BAD_CPU, format!("{} is not an amount of processor", shown(text)))
        .underline("cores such as `2` or `0.5`, or thousandths such as `500m`, are wanted");
    let lower = text.trim().to_ascii_lowercase();
    let at = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = (&lower[..at], lower[at..].trim());
    let meant = match unit {
        "c" | "cpu" | "cpus" | "core" | "cores" | "vcpu" | "vcpus" => number.to_owned(),
        "m" | "mcpu" | "millicore" | "millicores" => {
            let whole = number.split('.').next().unwrap_or_default();
            format!("{whole}m")
        }
        // Finer than a thousandth: the next larger one, so that nothing becomes nothing.
        "" if number.contains('.') => match number.parse::<f64>() {
            Ok(cores) if cores < 1e9 => format!("{}m", (cores * 1000.0).ceil()),
            _ => String::new(),
        },
        _ => String::new(),
    };
    match thousandths(&meant) {
        Some(Some(1..)) => bad.hint(format!("write `\"{meant}\"`")),
        _ => bad.hint("write for example `\"500m\"`"),
    }
}

/// Kubernetes' form: `2` or `500m`.
pub(super) fn plain(amount: u64) -> String {
    if amount > 0 && amount.is_multiple_of(1000) { (amount / 1000).to_string() } else { format!("{amount}m") }
}

/// Compose's form: decimal cores, `0.5`.
pub(super) fn decimal(amount: u64) -> String {
    let (whole, rest) = (amount / 1000, amount % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0')) }
}

//! What expressions need to know of the scalar types; the only file here that asks the table of them.
//!
//! In: names of scalar types, values. Out: kinds, parts, spellings.
//! Never: an expression.

use crate::value::Value;

/// Which kind of [`Value`] a scalar type holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Base {
    Bool,
    Int,
    Float,
    String,
    Memory,
    Cpu,
    Duration,
    Secret,
    Image,
    /// Known only when there is a value.
    Any,
}

const PARTS: &[(&str, &str, &str)] = &[
    ("cpu", "cores", "cores"),
    ("cpu", "millicores", "millicores"),
    ("duration", "milliseconds", "milliseconds"),
    ("duration", "minutes", "minutes"),
    ("duration", "seconds", "seconds"),
    ("image", "repository", "image-repository"),
    ("image", "tag", "string"),
    ("image", "version", "string"),
    ("memory", "bytes", "bytes"),
    ("memory", "mebibytes", "mebibytes"),
    ("secret", "key", "string"),
    ("secret", "name", "subdomain"),
];

/// The kind of a scalar type's values.
pub(super) fn base(name: &str) -> Base {
    match name {
        "bool" => Base::Bool,
        "number" | "ratio" => Base::Float,
        "memory" => Base::Memory,
        "cpu" => Base::Cpu,
        "duration" => Base::Duration,
        "secret" => Base::Secret,
        "image" => Base::Image,
        "any" | "tree" | "env-value" => Base::Any,
        "int" | "bytes" => Base::Int,
        _ if unit(name).is_some() => Base::Int,
        _ => Base::String,
    }
}

/// What a bare number of a scalar type counts; numbers of different units never meet.
pub(super) fn unit(name: &str) -> Option<&'static str> {
    ["bytes", "mebibytes", "cores", "millicores", "milliseconds", "seconds", "minutes", "port", "percent", "ratio"]
        .into_iter()
        .find(|unit| *unit == name)
}

/// What a scalar type is called in messages, with its article.
pub(super) fn noun(name: &str) -> String {
    let noun = match base(name) {
        Base::Bool => "a yes or no",
        Base::Int => "a whole number",
        Base::Float => "a number",
        Base::String => "text",
        Base::Memory => "an amount of memory",
        Base::Cpu => "an amount of processor",
        Base::Duration => "a length of time",
        Base::Secret => "a secret",
        Base::Image => "an image",
        Base::Any => "anything",
    };
    match name {
        "bool" | "int" | "number" | "string" | "memory" | "cpu" | "duration" | "secret" | "image" | "any" => {
            noun.into()
        }
        _ => format!("{noun} (`{name}`)"),
    }
}

/// The names of a scalar type's parts.
pub(super) fn parts(of: &str) -> Vec<&'static str> {
    PARTS.iter().filter(|row| row.0 == of).map(|row| row.1).collect()
}

/// The type of a scalar type's part, if it has one of this name.
pub(super) fn part(of: &str, name: &str) -> Option<&'static str> {
    PARTS.iter().find(|row| row.0 == of && row.1 == name).map(|row| row.2)
}

/// A part of a value: the part, nothing where the value has none, or why it cannot be said.
pub(super) fn take(value: &Value, of: &str, name: &str) -> Result<Option<Value>, String> {
    let whole = |amount: u64, unit: u64| {
        if amount.is_multiple_of(unit) {
            Ok(Some(Value::Int((amount / unit) as i64)))
        } else {
            Err(format!("`{}` is no whole number of {name}", spell(value)))
        }
    };
    let text = |text: &std::sync::Arc<str>| Ok((!text.is_empty()).then(|| Value::String(text.clone())));
    match (value, of, name) {
        (Value::Memory(bytes), _, "bytes") => whole(*bytes, 1),
        (Value::Memory(bytes), _, "mebibytes") => whole(*bytes, 1 << 20),
        (Value::Cpu(cpu), _, "millicores") => whole(*cpu, 1),
        (Value::Cpu(cpu), _, "cores") => whole(*cpu, 1000),
        (Value::Duration(time), _, "milliseconds") => whole(*time, 1),
        (Value::Duration(time), _, "seconds") => whole(*time, 1000),
        (Value::Duration(time), _, "minutes") => whole(*time, 60_000),
        (Value::Image(image), _, "repository") => text(&image.repository),
        (Value::Image(image), _, "tag" | "version") => text(&image.tag),
        (Value::Secret(secret), _, "name") => text(&secret.name),
        (Value::Secret(secret), _, "key") => text(&secret.key),
        _ => Err(format!("a value without `{name}`")),
    }
}

/// Whether a value of one scalar type may stand where another is wanted.
pub(super) fn assignable(from: &str, to: &str) -> bool {
    if matches!((unit(from), unit(to)), (Some(a), Some(b)) if a != b) {
        return false;
    }
    match (base(from), base(to)) {
        (from, to) if from == to => true,
        (Base::Any, _) | (_, Base::Any) | (Base::Int, Base::Float) => true,
        (Base::String, to) => matches!(to, Base::Memory | Base::Cpu | Base::Duration | Base::Secret | Base::Image),
        _ => false,
    }
}

/// A text as a value of a scalar type, or why it is none.
pub(super) fn read(name: &str, text: &str) -> Result<Value, String> {
    let units: &[(&str, u64)] = match name {
        "memory" => &[("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1_000), ("M", 1_000_000), ("", 1)],
        "cpu" => &[("m", 1), ("", 1000)],
        "duration" => &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)],
        _ => return Ok(Value::string(text)),
    };
    let amount =
        units.iter().find_map(|(suffix, factor)| text.strip_suffix(suffix)?.parse::<u64>().ok()?.checked_mul(*factor));
    match (amount, name) {
        (Some(bytes), "memory") => Ok(Value::Memory(bytes)),
        (Some(cpu), "cpu") => Ok(Value::Cpu(cpu)),
        (Some(time), _) => Ok(Value::Duration(time)),
        _ => Err(format!("`{text}` is not {}", noun(name))),
    }
}

/// A scalar value in its normal spelling.
pub(super) fn spell(value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        Value::Memory(bytes) if bytes.is_multiple_of(1 << 20) => format!("{}Mi", bytes >> 20),
        Value::Memory(bytes) => bytes.to_string(),
        Value::Cpu(cpu) => format!("{cpu}m"),
        Value::Duration(time) => format!("{time}ms"),
        Value::Image(image) => format!("{}:{}", image.repository, image.tag),
        _ => String::new(),
    }
}

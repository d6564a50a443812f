//! Values in the words of a target.
//!
//! In: a [`Value`], and a [`Speaker`] that knows a target's addresses, secrets and escapes. Out: an [`Output`] or text.
//! Never: the layout of a file.
//! Invariant: a literal reaches the output through [`Speaker::literal`] and no other way.

use crate::{
    emit::{Output, json_compact},
    value::{Link, LinkPart, Piece, Printed, SecretRef, Value, Words, print, spell},
};

/// How one target says what is not the same everywhere.
pub(super) trait Speaker {
    /// A plain text, so that no second interpreter runs it.
    fn literal(&self, text: &str) -> String;
    /// A part of an address.
    fn link(&self, link: &Link) -> String;
    /// A reference to a secret.
    fn secret(&self, secret: &SecretRef) -> String;
}

/// A value as a tree: numbers and booleans as such, units in Kubernetes' words, a port alone as a number.
pub(super) fn output(value: &Value, speaker: &dyn Speaker) -> Output {
    match value {
        Value::Null => Output::Null,
        Value::Bool(value) => Output::Bool(*value),
        Value::Int(value) => Output::Int(*value),
        Value::Float(value) => Output::Float(*value),
        Value::Text(pieces) => match pieces.as_slice() {
            [Piece::Link(link @ Link { part: LinkPart::Port(_), .. })] => {
                let port = speaker.link(link);
                port.parse().map_or(Output::String(port), Output::Int)
            }
            _ => Output::String(text(value, speaker)),
        },
        Value::List(items) => Output::List(items.iter().map(|item| output(item, speaker)).collect()),
        Value::Map(entries) => {
            Output::Map(entries.iter().map(|(key, value)| (key.clone(), output(value, speaker))).collect())
        }
        _ => Output::String(text(value, speaker)),
    }
}

/// A value as text, for places that hold nothing else: variables, arguments, headers.
pub(super) fn text(value: &Value, speaker: &dyn Speaker) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::String(text) => speaker.literal(text),
        Value::Text(pieces) => pieces.iter().map(|piece| piece_text(piece, speaker)).collect(),
        Value::Memory(bytes) => memory(*bytes),
        Value::Cpu(_) => spell(value),
        Value::Duration(milliseconds) => duration(*milliseconds),
        Value::Secret(secret) => speaker.secret(secret),
        Value::Image(_) => speaker.literal(&spell(value)),
        Value::List(items) => items.iter().map(|item| text(item, speaker)).collect::<Vec<_>>().join(","),
        Value::Map(_) => json_compact(&output(value, speaker)),
    }
}

/// An amount of memory or processor as Compose reads it; anything else as text.
pub(super) fn compose_amount(value: &Value, speaker: &dyn Speaker) -> String {
    match (value, print(value, Words::Compose)) {
        (Value::Memory(_) | Value::Cpu(_), Some(Printed::String(amount))) => amount,
        _ => text(value, speaker),
    }
}

fn piece_text(piece: &Piece, speaker: &dyn Speaker) -> String {
    match piece {
        Piece::Literal(text) => speaker.literal(text),
        Piece::Link(link) => speaker.link(link),
        Piece::Secret(secret) => speaker.secret(secret),
    }
}

/// `1Gi`, `1500M`, `1001`: the largest unit that says it exactly, powers of 1024 first.
fn memory(bytes: u64) -> String {
    const UNITS: [(&str, u64); 8] = [
        ("Ti", 1 << 40),
        ("Gi", 1 << 30),
        ("Mi", 1 << 20),
        ("Ki", 1 << 10),
        ("T", 1_000_000_000_000),
        ("G", 1_000_000_000),
        ("M", 1_000_000),
        ("k", 1_000),
    ];
    in_largest(bytes, &UNITS)
}

/// `1h`, `90s`, `250ms`: the largest unit that says it exactly; Go and Compose read it alike.
pub(super) fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0s".to_owned(),
        _ => in_largest(milliseconds, &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]),
    }
}

fn in_largest(amount: u64, units: &[(&str, u64)]) -> String {
    match units.iter().find(|(_, size)| amount > 0 && amount.is_multiple_of(*size)) {
        Some((unit, size)) => format!("{}{unit}", amount / size),
        None => amount.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        targets::{Addresses, Plain},
        value::Image,
    };

    fn to_compose(value: Value) -> String {
        compose_amount(&value, &Plain(&Addresses::none()))
    }

    fn to_plain(value: Value) -> String {
        text(&value, &Plain(&Addresses::none()))
    }

    #[test]
    fn amounts_stand_in_the_largest_exact_unit() {
        let kubernetes = [(0, "0"), (1 << 30, "1Gi"), (1536 << 20, "1536Mi"), (1_500_000_000, "1500M"), (1001, "1001")];
        for (bytes, expected) in kubernetes {
            assert_eq!(memory(bytes), expected);
        }
        let compose = [(2 << 40, "2048g"), (1536 << 20, "1536m"), (1_000_000_000, "1000000000"), (2048, "2k")];
        for (bytes, expected) in compose {
            assert_eq!(to_compose(Value::Memory(bytes)), expected);
        }
        for (millicores, kubernetes, compose) in [(2000, "2", "2"), (500, "500m", "0.5"), (10_125, "10125m", "10.125")]
        {
            assert_eq!(
                (to_plain(Value::Cpu(millicores)).as_str(), to_compose(Value::Cpu(millicores)).as_str()),
                (kubernetes, compose)
            );
        }
        assert_eq!(to_compose(Value::Cpu(10_000)), "10");
        for (milliseconds, expected) in [(0, "0s"), (90_000, "90s"), (7_200_000, "2h"), (250, "250ms")] {
            assert_eq!(duration(milliseconds), expected);
        }
    }

    #[test]
    fn images_are_references() {
        let all =
            Image { registry: "r:5000".into(), repository: "a/b".into(), tag: "1".into(), digest: "sha256:0".into() };
        assert_eq!(to_plain(Value::Image(all.clone().into())), "r:5000/a/b:1@sha256:0");
        assert_eq!(
            to_plain(Value::Image(Image { registry: "".into(), tag: "".into(), digest: "".into(), ..all }.into())),
            "a/b"
        );
    }
}

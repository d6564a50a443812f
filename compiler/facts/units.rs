//! Amounts as Compose and Kubernetes write them, in the units of [`Value`].

use crate::value::{Attributes, Raw, Value, parse, scalar};

/// Suffixes of a Kubernetes quantity, and what they multiply by.
const KUBERNETES: &[(&str, f64)] = &[
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("m", 0.001),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
];

/// A whole number of at least zero out of one with a fraction, if it is exact enough to be meant.
fn whole(number: f64) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    (number.is_finite() && (0.0..9e18).contains(&number)).then(|| number.round() as u64)
}

/// Bytes as Compose reads them: every suffix is a power of 1024, `2G`, `512m`, `1.5gb`, `1048576`.
pub(super) fn compose_memory(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
    let (digits, suffix) = (&text[..at], text[at..].trim());
    let power = match suffix.as_bytes() {
        [] | [b'b' | b'B'] => 0,
        [unit] | [unit, b'b' | b'B'] | [unit, b'i', b'b' | b'B'] => {
            10 * match unit.to_ascii_lowercase() {
                b'k' => 1,
                b'm' => 2,
                b'g' => 3,
                b't' => 4,
                b'p' => 5,
                _ => return None,
            }
        }
        _ => return None,
    };
    let unit = 1_u64 << power;
    match digits.parse::<u64>() {
        Ok(number) => number.checked_mul(unit),
        #[allow(clippy::cast_precision_loss, reason = "a power of two")]
        Err(_) => digits.parse::<f64>().ok().and_then(|number| whole(number * unit as f64)),
    }
}

/// A quantity as Kubernetes reads it, in thousandths: `512Mi`, `500m`, `0.5`, `1e3`.
fn thousandths(text: &str) -> Option<f64> {
    let text = text.trim();
    let suffix = KUBERNETES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (digits, unit) = suffix.map_or((text, 1.0), |(suffix, unit)| (&text[..text.len() - suffix.len()], *unit));
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain { digits.parse::<f64>().ok().map(|number| number * unit * 1000.0) } else { None }
}

/// Bytes as Kubernetes reads them.
pub(super) fn kubernetes_memory(text: &str) -> Option<u64> {
    thousandths(text).and_then(|amount| whole((amount / 1000.0).ceil()))
}

/// Thousandths of a core, as both read them: `0.5`, `500m`.
pub(super) fn cpu(text: &str) -> Option<u64> {
    thousandths(text).and_then(whole)
}

/// Milliseconds of a length of time as Go writes it: `1m30s`, `250ms`, `1.5s`.
pub(super) fn duration(text: &str) -> Option<u64> {
    let (mut rest, mut sum) = (text.trim(), 0.0);
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let at = rest.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.')?;
        let number = rest[..at].parse::<f64>().ok()?;
        let end = rest[at..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |length| at + length);
        sum += number
            * match &rest[at..end] {
                "ns" => 1e-6,
                "us" | "µs" => 1e-3,
                "ms" => 1.0,
                "s" => 1e3,
                "m" => 6e4,
                "h" => 3.6e6,
                "d" => 8.64e7,
                _ => return None,
            };
        rest = &rest[end..];
    }
    whole(sum)
}

/// An image in normal form; nothing where the text is no reference.
pub(super) fn image(text: &str) -> Option<Value> {
    parse(scalar("image")?, &Raw::String(text), &Attributes::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_mean_what_their_target_means() {
        let compose = [
            ("8g", Some(8 << 30)),
            ("4G", Some(4 << 30)),
            ("8073741824", Some(8_073_741_824)),
            ("1.5gb", Some(3 << 29)),
            ("512 MB", Some(512 << 20)),
            ("1x", None),
            ("", None),
        ];
        for (text, bytes) in compose {
            assert_eq!(compose_memory(text), bytes, "{text}");
        }
        let kubernetes = [
            ("512Mi", Some(512 << 20)),
            ("512M", Some(512_000_000)),
            ("1e9", Some(1_000_000_000)),
            ("0.5Gi", Some(1 << 29)),
            ("1", Some(1)),
            ("12q", None),
        ];
        for (text, bytes) in kubernetes {
            assert_eq!(kubernetes_memory(text), bytes, "{text}");
        }
        for (text, millicores) in
            [("0.5", Some(500)), ("500m", Some(500)), ("2", Some(2000)), ("0.001", Some(1)), ("x", None)]
        {
            assert_eq!(cpu(text), millicores, "{text}");
        }
    }

    #[test]
    fn lengths_of_time_are_gos() {
        for (text, milliseconds) in [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1h", Some(3_600_000)),
            ("250ms", Some(250)),
            ("1.5s", Some(1500)),
            ("0", Some(0)),
            ("30", None),
            ("1y", None),
            ("", None),
        ] {
            assert_eq!(duration(text), milliseconds, "{text}");
        }
    }
}

//! Numbers: as printed, with one spelling for each, and as others write them.
//!
//! In: a text. Out: a whole number or one with a fraction. Never: infinities, what is no number.

use super::Data;

/// A number in YAML: a fraction has a dot, an exponent a sign.
pub(super) fn printed_in_yaml(text: &str) -> Option<Data<'static>> {
    match whole(text) {
        Some(number) => Some(Data::Int(number)),
        None => fraction(text, exponent_with_sign).map(Data::Float),
    }
}

/// A number in JSON: an exponent has a sign, and no dot before it without need.
pub(super) fn printed_in_json(text: &str) -> Option<Data<'static>> {
    match whole(text) {
        Some(number) => Some(Data::Int(number)),
        None => fraction(text, |number| exponent_with_sign(number).replace(".0e", "e")).map(Data::Float),
    }
}

/// A number in TOML: a fraction has a dot and no exponent.
pub(super) fn printed_in_toml(text: &str) -> Option<Data<'static>> {
    let dotted = |number: f64| if number % 1.0 == 0.0 { format!("{number}.0") } else { number.to_string() };
    match whole(text) {
        Some(number) => Some(Data::Int(number)),
        None => fraction(text, dotted).map(Data::Float),
    }
}

/// A whole number without leading zeros; zero has no sign.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { text.parse().ok() } else { None }
}

/// A number with a fraction, if `print` spells it like the text.
fn fraction(text: &str, print: fn(f64) -> String) -> Option<f64> {
    const LONGEST: usize = 400;
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e');
    if text.len() > LONGEST || !text.bytes().all(numeric) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && print(number) == text).then_some(number)
}

/// The digits of a number without its sign, and the power of ten that the first of them stands for.
///
/// The fewest digits that give the number again. Of two such spellings that are equally near the printers take the
/// even one, and the standard library the greater.
fn digits(number: f64) -> (String, i32) {
    let text = format!("{:e}", number.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa.replace('.', "");
    let digits = even(&digits, exponent, number.abs()).unwrap_or(digits);
    (digits, exponent.parse().unwrap_or(0))
}

/// The even one of two spellings of a number that are equally near, where `digits` is the odd one above it.
fn even(digits: &str, exponent: &str, number: f64) -> Option<String> {
    // Between numbers of fewer digits there is no room for two spellings.
    if digits.len() < 15 || digits.ends_with(['0', '2', '4', '6', '8']) {
        return None;
    }
    let exact = format!("{number:.*e}", digits.len() + 40).replace('.', "");
    let (below, rest) = exact.split_at(digits.len());
    let half = rest.strip_prefix('5')?.split('e').next()?.bytes().all(|byte| byte == b'0');
    let again = format!("{}.{}e{exponent}", &below[..1], &below[1..]).parse() == Ok(number);
    (half && again && below != digits).then(|| below.to_owned())
}

/// Plain from 0.00001 up to sixteen digits, otherwise with an exponent.
fn exponent_with_sign(number: f64) -> String {
    let (digits, power) = digits(number);
    let sign = if number.is_sign_negative() { "-" } else { "" };
    match usize::try_from(power) {
        _ if !(-5..=15).contains(&power) => {
            let (first, rest) = digits.split_at(1);
            let rest = if rest.is_empty() { "0" } else { rest };
            format!("{sign}{first}.{rest}e{power:+}")
        }
        Ok(power) if digits.len() > power + 1 => {
            format!("{sign}{}.{}", &digits[..=power], &digits[power + 1..])
        }
        Ok(power) => format!("{sign}{digits:0<width$}.0", width = power + 1),
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat(power.unsigned_abs() as usize - 1)),
    }
}

/// A number as YAML 1.2 has it. Whole numbers that are too large have a fraction instead.
pub(super) fn written_in_yaml(text: &str) -> Option<Data<'static>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let based = |digits: &str, base| match digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => i64::from_str_radix(digits, base).ok().map(Data::Int),
        false => None,
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Some(Data::Int(number));
    }
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    let number: f64 = text.bytes().all(numeric).then(|| text.parse().ok())??;
    Some(Data::Float(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_spellings_equally_near_the_even_one_is_printed() {
        // 0.125 and 0.375 behind the dot: two digits are enough, and both neighbours would do.
        for (text, taken) in [
            ("-194727288654237.12", true),
            ("-194727288654237.13", false),
            ("194727288654237.38", true),
            ("194727288654237.37", false),
            ("194727288654237.6", true),
            ("0.1", true),
            ("0.30000000000000004", true),
            ("0.30000000000000003", false),
        ] {
            assert_eq!(printed_in_yaml(text).is_some(), taken, "{text}");
        }
    }
}

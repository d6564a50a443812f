//! Text, words, keys, and the types that hold several kinds of values.

use super::{
    Value,
    scalar::{Attributes, Bad, Raw, noun_of, shown, text_of, typed},
};
use crate::diag::{
    codes::{BAD_TEXT, NOT_A_WORD, NUMBER_FOR_TEXT, OUT_OF_RANGE, WRONG_TYPE},
    nearest,
};

/// The name of the type of variables.
pub(super) const ENV_VALUE: &str = "env-value";

pub(super) fn parse_string(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "text")?;
    no_nul(text)?;
    Ok(Value::string(text))
}

/// Refuses the one character that ends a variable or an argument in every program written in C.
fn no_nul(text: &str) -> Result<(), Bad> {
    if text.contains('\0') {
        return Err(Bad::new(&BAD_TEXT, "this text holds the character U+0000, which no variable can carry")
            .underline("holds U+0000")
            .hint("remove `\\u{0}`"));
    }
    Ok(())
}

pub(super) fn parse_enum(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "one of the setting's words")?;
    if let Some(word) = attributes.words.iter().find(|word| ***word == *text) {
        return Ok(Value::String(word.clone()));
    }
    let words = attributes.words.join(", ");
    let alike = attributes.words.iter().find(|word| folded(word) == folded(text));
    let meant = alike.map(|word| &**word).or_else(|| nearest(text, attributes.words.iter().map(|word| &**word)));
    Err(Bad::new(&NOT_A_WORD, format!("{} is not one of {words}", shown(text)))
        .maybe_hint(meant.map(|word| format!("did you mean {}?", typed(word)))))
}

/// A word without case and separators.
fn folded(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

pub(super) fn parse_key(raw: &Raw<'_>, _: &Attributes) -> Result<Value, Bad> {
    let text = text_of(raw, "the key of a map")?;
    no_nul(text)?;
    if text.is_empty() {
        return Err(super::name::bad("the key of a map is empty", "at least one character is wanted"));
    }
    Ok(Value::string(text))
}

pub(super) fn parse_any(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    match raw {
        Raw::String(text) => {
            no_nul(text)?;
            Ok(Value::string(*text))
        }
        Raw::Bool(yes) => Ok(Value::Bool(*yes)),
        Raw::Integer(_) => super::number::parse_int(raw, attributes),
        Raw::Float(..) => super::number::parse_number(raw, attributes),
    }
}

pub(super) fn parse_env_value(raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    match raw {
        // The program would receive other characters than the author wrote: `1.10` as `1.1`.
        Raw::Float(number, source) if number.to_string() != *source => {
            Err(Bad::new(&NUMBER_FOR_TEXT, format!("{} would be written as `{number}`", shown(source)))
                .underline("a number loses its spelling")
                .hint(format!("write {}", typed(source))))
        }
        Raw::Integer(number) if i64::try_from(*number).is_err() => {
            Err(Bad::new(&OUT_OF_RANGE, format!("`{number}` does not fit in 64 bits"))
                .underline("more than 64 bits")
                .hint(format!("write `\"{number}\"`")))
        }
        raw => parse_any(raw, attributes),
    }
}

pub(super) fn check_env_value(value: &Value) -> Result<(), Bad> {
    let part = match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => return Ok(()),
        Value::String(_) | Value::Text(_) | Value::Secret(_) => return Ok(()),
        Value::Memory(_) => Some("add the unit, such as `.bytes` or `.mebibytes`"),
        Value::Cpu(_) => Some("add the unit, `.cores` or `.millicores`"),
        Value::Duration(_) => Some("add the unit, such as `.seconds`"),
        Value::Image(_) => Some("add the part, such as `.reference`"),
        Value::List(_) | Value::Map(_) | Value::Null => None,
    };
    Err(Bad::new(&WRONG_TYPE, format!("this is {}, wanted what a variable can hold", noun_of(value)))
        .underline("text, a number, a yes or no, a secret or a link is wanted")
        .maybe_hint(part.map(str::to_owned)))
}

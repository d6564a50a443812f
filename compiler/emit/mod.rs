//! Ordered trees into the text of a format.
//!
//! In: an [`Output`] tree, finished: words of the target, links printed, second interpreters escaped.
//! Out: YAML, TOML, JSON and INI text; the line of a leaf in such a text (`locate`).
//! Never: Helm, Compose, a setting, an origin.
//! Invariants: the order of keys is the order of the tree; a string is read back as that string by every
//! reader of the format, whichever version of it the reader speaks; printing cannot fail.

mod ini;
mod json;
mod locate;
mod toml;
mod yaml;

use std::borrow::Cow;

use smol_str::SmolStr;

use serde::{Serialize, Serializer};

pub use self::{
    ini::{ini, ini_can_say_key, ini_can_say_value},
    json::{json, json_compact},
    locate::line_of,
    toml::toml,
    yaml::yaml,
};
use crate::plan::Format;

/// A value as a format states it: no units, no links, no secrets, no origins.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// Null. TOML and INI have none and leave it out.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number with a fraction.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Output>),
    /// A map, printed in its order. No key stands twice.
    Map(Vec<(SmolStr, Output)>),
}

impl Output {
    /// A text.
    pub fn string(text: impl Into<String>) -> Output {
        Output::String(text.into())
    }

    /// A map of these few entries. A key that comes again takes the later value.
    pub fn map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Output)>) -> Output {
        let mut map: Vec<(SmolStr, Output)> = Vec::new();
        for (key, value) in entries {
            match map.iter_mut().find(|(known, _)| **known == *key.as_ref()) {
                Some((_, known)) => *known = value,
                None => map.push((key.as_ref().into(), value)),
            }
        }
        Output::Map(map)
    }

    /// A list of texts.
    pub fn strings<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Output {
        Output::List(texts.into_iter().map(|text| Output::String(text.into())).collect())
    }

    /// The same tree without nulls in maps and lists, for formats that have none.
    #[must_use]
    fn without_null(&self) -> Cow<'_, Output> {
        if !self.has_null() {
            return Cow::Borrowed(self);
        }
        let said = |output: &Output| (*output != Output::Null).then(|| output.without_null().into_owned());
        Cow::Owned(match self {
            Output::List(items) => Output::List(items.iter().filter_map(said).collect()),
            Output::Map(entries) => {
                Output::Map(entries.iter().filter_map(|(key, value)| Some((key.clone(), said(value)?))).collect())
            }
            scalar => scalar.clone(),
        })
    }

    fn has_null(&self) -> bool {
        match self {
            Output::Null => true,
            Output::List(items) => items.iter().any(Output::has_null),
            Output::Map(entries) => entries.iter().any(|(_, value)| value.has_null()),
            _ => false,
        }
    }
}

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Output::Null => serializer.serialize_unit(),
            Output::Bool(value) => serializer.serialize_bool(*value),
            Output::Int(value) => serializer.serialize_i64(*value),
            Output::Float(value) => serializer.serialize_f64(*value),
            Output::String(text) => serializer.serialize_str(text),
            Output::List(items) => serializer.collect_seq(items),
            Output::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

/// A whole file in `format`. The header's lines become comments at its beginning where the format has comments.
#[must_use]
pub fn file(format: Format, output: &Output, header: &str) -> String {
    match format {
        Format::Yaml => yaml(output, header),
        Format::Toml => toml(output, header),
        Format::Json => json(output),
        Format::Ini => ini(output, header),
    }
}

/// A tree as text within a string of another file: without a header, JSON without blanks.
#[must_use]
pub fn embedded(format: Format, output: &Output) -> String {
    match format {
        Format::Json => json_compact(output),
        other => file(other, output, ""),
    }
}

/// Whether every reader of JSON and TOML gives this number back: those that know only floating-point numbers are
/// exact up to 2^53 - 1.
#[must_use]
pub fn safe_integer(number: i64) -> bool {
    number.unsigned_abs() < 1 << 53
}

/// The lines of `header`, each as a comment, and nothing for an empty one.
fn comment(header: &str) -> String {
    header.lines().map(|line| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") }).collect()
}

#[cfg(test)]
mod tests;

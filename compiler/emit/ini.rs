//! INI, as most of its readers understand it: sections, `key = value`, no quotes, no escapes.
//!
//! In: an [`Output`] tree whose root is a map. Out: INI text.
//! Never: texts that INI cannot say; [`ini_can_say_value`] and [`ini_can_say_key`] tell which, and `lower` asks them.
//! Invariant: a text that should not have come here spoils its own line at most, never adds one.

use smol_str::SmolStr;

use super::{Output, comment};

/// The tree as INI, below the lines of `header` as comments. Nulls are left out.
///
/// Values outside sections come first; a map is a section, a map in a map is the section `outer.inner`; a list
/// is its items with commas between them.
#[must_use]
pub fn ini(output: &Output, header: &str) -> String {
    let mut text = comment(header);
    if let Output::Map(entries) = &*output.without_null() {
        section(entries, "", &mut text);
    }
    text
}

/// Whether INI readers give this value back unchanged.
#[must_use]
pub fn ini_can_say_value(text: &str) -> bool {
    text.trim() == text
        && !text.contains(char::is_control)
        && !text.starts_with(['"', '\'', ';', '#'])
        && ![" ;", " #", "\u{2028}", "\u{2029}"].iter().any(|mark| text.contains(mark))
}

/// Whether INI readers give this key or name of a section back unchanged.
#[must_use]
pub fn ini_can_say_key(text: &str) -> bool {
    ini_can_say_value(text) && !text.is_empty() && !text.starts_with('[') && !text.contains(['=', ':', ']'])
}

fn section(entries: &[(SmolStr, Output)], name: &str, text: &mut String) {
    let values = entries.iter().filter(|(_, value)| !matches!(value, Output::Map(_)));
    let mut lines = values.map(|(key, value)| format!("{} = {}\n", one_line(key), one_line(&words(value)))).peekable();
    if !name.is_empty() && (lines.peek().is_some() || entries.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("[{}]\n", one_line(name)));
    }
    text.extend(lines);
    for (key, value) in entries {
        if let Output::Map(inner) = value {
            section(inner, &if name.is_empty() { key.to_string() } else { format!("{name}.{key}") }, text);
        }
    }
}

fn words(value: &Output) -> String {
    match value {
        Output::Null | Output::Map(_) => String::new(),
        Output::Bool(value) => value.to_string(),
        Output::Int(value) => value.to_string(),
        Output::Float(value) => format!("{value:?}"),
        Output::String(text) => text.clone(),
        Output::List(items) => items.iter().map(words).collect::<Vec<_>>().join(","),
    }
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}

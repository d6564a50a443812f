//! The line on which a leaf stands in a text that the printers of this module made.
//!
//! In: a text, its format, a path. Out: a line.
//! Never: texts that somebody else wrote; the layout of our own printers is taken for granted.
//! Invariant: no leaf is located by its value, so two equal values are told apart.

use ::toml::de::{DeTable, DeValue};

use super::{Output, yaml};
use crate::plan::Format;

/// The line, counted from 1, on which the value at `path` begins; keys as they are, items of lists by their
/// number from 0.
///
/// A text over several lines begins on the line of its key. None where the text has no such path, and for keys
/// so long that YAML puts them on a line of their own.
#[must_use]
pub fn line_of(format: Format, text: &str, path: &[String]) -> Option<usize> {
    match format {
        Format::Yaml => yaml_line(text, path),
        Format::Json => json_line(text, path),
        Format::Toml => toml_line(text, path),
        Format::Ini => ini_line(text, path),
    }
}

/// A place in indented text: a line, and the column of the value on it.
#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

fn yaml_line(text: &str, path: &[String]) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| !line.starts_with('#'))?;
    let mut place = Place { line: first, column: 0 };
    for segment in path {
        let at = lines[place.line].get(place.column..)?;
        place = match at.strip_prefix('-') {
            Some(rest) if rest.is_empty() || rest.starts_with(' ') => yaml_item(&lines, place, segment)?,
            _ => yaml_entry(&lines, place, segment)?,
        };
    }
    Some(place.line + 1)
}

/// The value of item `segment` of the list at `place`.
fn yaml_item(lines: &[&str], place: Place, segment: &str) -> Option<Place> {
    let number: usize = segment.parse().ok()?;
    let mut items = siblings(lines, place).take_while(|(_, text)| *text == "-" || text.starts_with("- "));
    items.nth(number).map(|(line, _)| Place { line, column: place.column + 2 })
}

/// The value of entry `segment` of the map at `place`.
fn yaml_entry(lines: &[&str], place: Place, segment: &str) -> Option<Place> {
    let printed = yaml(&Output::map([(segment, Output::Null)]), "");
    let key = printed.strip_suffix(" null\n").filter(|key| key.ends_with(':'))?;
    let is_entry = |text: &str| text.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let (line, text) = siblings(lines, place).find(|(_, text)| is_entry(text))?;
    if text.len() > key.len() {
        return Some(Place { line, column: place.column + key.len() + 1 });
    }
    let column = indentation(lines.get(line + 1)?);
    Some(Place { line: line + 1, column })
}

/// The rest of each line that begins an item or entry of the list or map at `place`: those with its indentation,
/// up to the first with less. Compact lists stand as deep as the key above them and are among the lines of a map.
fn siblings<'a>(lines: &'a [&'a str], place: Place) -> impl Iterator<Item = (usize, &'a str)> {
    let first = lines[place.line].get(place.column..).map(|text| (place.line, text));
    let rest = lines.iter().enumerate().skip(place.line + 1).filter(|(_, line)| !line.trim().is_empty());
    let within = rest.take_while(move |(_, line)| indentation(line) >= place.column);
    let same = within.filter(move |(_, line)| indentation(line) == place.column);
    first.into_iter().chain(same.map(move |(at, line)| (at, &line[place.column..])))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn json_line(text: &str, path: &[String]) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut line = 0;
    for (depth, segment) in path.iter().enumerate() {
        let indent = (depth + 1) * 2;
        let below = lines.iter().enumerate().skip(line + 1).take_while(|(_, line)| indentation(line) >= indent);
        let starts = |line: &str| indentation(line) == indent && !line[indent..].starts_with(['}', ']']);
        let mut children = below.filter(|(_, line)| starts(line));
        line = if lines.get(line)?.ends_with('[') {
            children.nth(segment.parse().ok()?)?.0
        } else {
            let key = format!("{}: ", serde_json::Value::String(segment.clone()));
            children.find(|(_, line)| line[indent..].starts_with(&key))?.0
        };
    }
    Some(line + 1)
}

fn toml_line(text: &str, path: &[String]) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let (first, rest) = path.split_first()?;
    let mut at = root.get_ref().get(first.as_str())?;
    for segment in rest {
        at = match at.get_ref() {
            DeValue::Table(table) => table.get(segment.as_str())?,
            DeValue::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(text[..at.span().start].matches('\n').count() + 1)
}

fn ini_line(text: &str, path: &[String]) -> Option<usize> {
    // What follows the key counts items within its list.
    (1..=path.len()).rev().find_map(|length| {
        let (section, key) = (path[..length - 1].join("."), format!("{} = ", path[length - 1]));
        let mut current = "";
        text.lines().enumerate().find_map(|(line, content)| {
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                current = name;
            }
            (current == section && content.starts_with(&key)).then_some(line + 1)
        })
    })
}

//! `docs/examples.md`: each example with its result, and what became of the keys that are not ours as they stand.

use std::fmt::Write as _;

use super::{
    Count, Judged, VALUES,
    rows::{Kind, Row},
};
use crate::pages::{expect_parts, table};

/// Compares the page with what was found, or writes it.
pub(super) fn expect(all: &[Judged]) {
    let mut sum = Count::default();
    for judged in all {
        sum.add(judged.count);
    }
    let numbers = format!(
        "{} examples with {} values: {} are carried by the same key, {} by another, {} say nothing, and {} are not carried.\n",
        all.len(),
        sum.leaves,
        sum.same,
        sum.moved,
        sum.empty,
        sum.explained
    );
    let parts = [("numbers", numbers), ("examples", results(all)), ("keys", keys(all))];
    expect_parts("docs/examples.md", &parts.map(|(name, text)| (format!("generated: {name}"), text)));
}

fn results(all: &[Judged]) -> String {
    let row = |judged: &Judged| {
        let Count { leaves, same, moved, empty, explained } = judged.count;
        let (heading, number) = &judged.example.heading;
        let ordinal = if *number > 1 { format!(", {number}") } else { String::new() };
        let file = format!("[{heading}{ordinal}](../tests/fixtures/examples/{}.kdl)", judged.example.id());
        let numbers = [leaves, same, moved, empty, explained].map(|number| number.to_string());
        let [leaves, same, moved, empty, explained] = numbers;
        [judged.example.document.clone(), file, result(judged), leaves, same, moved, empty, explained]
    };
    let head = ["document", "example", "result", "values", "same key", "other key", "empty", "not carried"];
    table(head, all.iter().map(row))
}

/// What the compiler says of an example: that it compiles, and what of it is refused or warned of.
fn result(judged: &Judged) -> String {
    let mut text = "compiles".to_owned();
    for row in &judged.rows.rows {
        let _ = match &row.kind {
            Kind::Refused { code, rule, .. } => write!(text, "; refused: {}", of(code, rule)),
            Kind::Warned { rule } => write!(text, "; warned: {rule}"),
            _ => Ok(()),
        };
    }
    text
}

/// The rule that refuses something, or else the code.
fn of(code: &str, rule: &str) -> String {
    if rule.is_empty() { format!("[{code}](errors/{code}.md)") } else { rule.to_owned() }
}

fn keys(all: &[Judged]) -> String {
    let mut text = String::new();
    let mut document = "";
    for judged in all.iter().filter(|judged| !judged.rows.rows.is_empty()) {
        if judged.example.document != document {
            document = &judged.example.document;
            let _ = writeln!(text, "\n### {document}");
        }
        let _ = writeln!(text, "\n{}\n", judged.example.heading.0);
        text += &table(["key", "becomes", "why"], judged.rows.rows.iter().map(cells));
    }
    text
}

fn cells(row: &Row) -> [String; 3] {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let becomes = match &row.kind {
        Kind::Moved { to, file, says, .. } => {
            let of = if file == VALUES { String::new() } else { format!(" of {}", code(file)) };
            let says = says.as_ref().map(|says| format!(", {}", code(says))).unwrap_or_default();
            format!("{}{of}{says}", code(to))
        }
        Kind::Unread => "nothing: the chart has no such key".to_owned(),
        Kind::Left { says: Some(says) } => code(says),
        Kind::Left { says: None } => "nothing".to_owned(),
        Kind::Refused { code, rule, .. } => format!("refused: {}", of(code, rule)),
        Kind::Warned { rule } => format!("warned: {rule}"),
    };
    [code(&row.key), becomes, row.because.clone()]
}

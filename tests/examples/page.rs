//! `docs/examples.md`: each example with its result, and what became of the keys that are not ours as they stand.

use std::fmt::Write as _;

use super::{
    Count, Judged, VALUES, add,
    rows::{Kind, Row, Said},
};
use crate::pages::{expect_parts, table};

/// Compares the page with what was found, or writes it.
pub(super) fn expect(all: &[Judged]) {
    let mut sum = Count::default();
    all.iter().for_each(|judged| add(&mut sum, judged.count));
    let [same, moved, empty, fixed, refused, left] = sum;
    let (examples, values) = (all.len(), sum.iter().sum::<usize>());
    let carried =
        format!("{same} are carried by the same key, {moved} by another, {empty} say nothing, {fixed} are said");
    let rest = format!(
        "by the chart's own templates or an operator, {refused} are refused or warned of, and {left} are left out"
    );
    let numbers = format!("{examples} examples with {values} values: {carried}\n{rest}.\n");
    let parts = [("numbers", numbers), ("examples", results(all)), ("keys", keys(all))];
    expect_parts("docs/examples.md", &parts.map(|(name, text)| (format!("generated: {name}"), text)));
}

fn results(all: &[Judged]) -> String {
    let row = |judged: &Judged| {
        let file = format!("[{}](../tests/fixtures/examples/{}.kdl)", title(judged), judged.example.id());
        let [same, moved, empty, fixed, refused, left] = judged.count.map(|number| number.to_string());
        [judged.example.document.clone(), file, result(judged), same, moved, empty, fixed, refused, left]
    };
    let head =
        ["document", "example", "result", "same key", "other key", "empty", "chart's own", "refused", "left out"];
    table(head, all.iter().map(row))
}

/// The heading above an example, and its number if it is not the first there.
fn title(judged: &Judged) -> String {
    match &judged.example.heading {
        (heading, 1) => heading.clone(),
        (heading, number) => format!("{heading}, {number}"),
    }
}

/// What the compiler says of an example: that it compiles, and what of it is refused or warned of.
fn result(judged: &Judged) -> String {
    let mut said = vec!["compiles".to_owned()];
    for row in &judged.rows.rows {
        let words = match &row.kind {
            Kind::Refused { code, rule, .. } => format!("refused: {}", of(code, rule)),
            Kind::Warned { rule } => format!("warned: {rule}"),
            _ => continue,
        };
        if !said.contains(&words) {
            said.push(words);
        }
    }
    said.join("; ")
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
        let _ = writeln!(text, "\n{}\n", title(judged));
        text += &table(["key", "becomes", "why"], judged.rows.rows.iter().map(cells));
    }
    text
}

fn cells(row: &Row) -> [String; 3] {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let becomes = match &row.kind {
        Kind::Moved { to, file, says, .. } => {
            let of = if file == VALUES { String::new() } else { format!(" of {}", code(file)) };
            match says {
                Some(Said { is, says }) => format!("{} is {}{of} {}", code(is), code(to), code(says)),
                None => format!("{}{of}", code(to)),
            }
        }
        Kind::Fixed => "nothing: said anyway".to_owned(),
        Kind::Unread => "nothing: the chart has no such key".to_owned(),
        Kind::Left { says: Some(says) } => code(says),
        Kind::Left { says: None } => "nothing".to_owned(),
        Kind::Refused { code, rule, .. } => format!("refused: {}", of(code, rule)),
        Kind::Warned { rule } => format!("warned: {rule}"),
    };
    [code(&row.key), becomes, row.because.clone()]
}

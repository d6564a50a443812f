//! `trueline ledger STACK`: what each target does with each setting, and each chart with each fact.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format},
    project::Project,
    report,
};
use crate::ledger::{self, COUNTED, Cell, FactCell, FactRow, FactTable, Row, Table};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The stack
    stack: String,
    /// Print every fact of every workload, with the keys of the chart that carry it
    #[arg(long)]
    facts: bool,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let (_, stack) = match project.stack(&arguments.stack)? {
        Ok(found) => found,
        Err(unread) => return Ok(report::unread(console, unread)),
    };
    let (table, facts) = (ledger::table(&stack), ledger::facts(&stack));
    match console.looks.format {
        Format::Human => {
            let mut answer = text(&table);
            for block in &facts {
                if arguments.facts {
                    answer.push_str(&listed(block));
                }
                answer.push_str(&counted(block));
            }
            console.answer(&answer);
        }
        Format::Json => console.answer(&format!("{:#}\n", document(&table, &facts))),
    }
    Ok(Outcome::Fine)
}

/// The table, then every reason once, by its number in the table.
fn text(table: &Table) -> String {
    let mut reasons: IndexMap<&str, usize> = IndexMap::new();
    let mut lines: Vec<Vec<String>> = vec![header(table)];
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| word(cell, &mut reasons));
        lines.push(std::iter::once(row.path.to_string()).chain(cells).collect());
    }
    let mut text = aligned(&lines);
    text.push('\n');
    for (reason, number) in &reasons {
        let _ = writeln!(text, "{number:>3}  {reason}");
    }
    let _ = writeln!(text, "\n{}", summary(table));
    text
}

/// Lines of words, in columns.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(word, width)| format!("{word:width$}")).collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}

/// How many facts of each kind a chart's keys carry, its templates state, and nothing says.
fn counted(block: &FactTable) -> String {
    let count = |kind: &str, is: fn(&FactCell) -> bool| {
        block.rows.iter().filter(|row| (kind.is_empty() || row.kind == kind) && is(&row.cell)).count()
    };
    let line = |name: &str, kind: &str| {
        let numbers = [
            count(kind, |cell| matches!(cell, FactCell::Carried(_))),
            count(kind, |cell| *cell == FactCell::Fixed),
            count(kind, |cell| matches!(cell, FactCell::Unsaid(_))),
            count(kind, |cell| *cell == FactCell::Hole),
        ];
        std::iter::once(name.to_owned()).chain(numbers.map(|number| number.to_string())).collect::<Vec<String>>()
    };
    let words = [format!("{}: facts", block.column), "carried".into(), "fixed".into(), "unsaid".into(), "holes".into()];
    let kinds = COUNTED.iter().filter(|kind| count(kind, |_| true) > 0).map(|kind| line(kind, kind));
    let lines: Vec<Vec<String>> = std::iter::once(words.to_vec()).chain(kinds).chain([line("all", "")]).collect();
    format!("\n{}", aligned(&lines))
}

/// Every fact of a block, with the keys that carry it or the reason why none does.
fn listed(block: &FactTable) -> String {
    let line = |row: &FactRow| {
        let said = match &row.cell {
            FactCell::Carried(keys) => keys.join(", "),
            FactCell::Fixed => "fixed".to_owned(),
            FactCell::Unsaid(because) => format!("unsaid: {because}"),
            FactCell::Hole => "HOLE".to_owned(),
        };
        vec![row.fact.to_string(), row.kind.to_owned(), said]
    };
    let words = vec![format!("{}: fact", block.column), "kind".to_owned(), "said by".to_owned()];
    let lines: Vec<Vec<String>> = std::iter::once(words).chain(block.rows.iter().map(line)).collect();
    format!("\n{}", aligned(&lines))
}

fn header(table: &Table) -> Vec<String> {
    std::iter::once("setting".to_owned()).chain(table.columns.iter().map(ToString::to_string)).collect()
}

fn word<'t>(cell: &'t Cell, reasons: &mut IndexMap<&'t str, usize>) -> String {
    let mut number = |because: &'t str| {
        let next = reasons.len() + 1;
        *reasons.entry(because).or_insert(next)
    };
    match cell {
        Cell::Used(_) => "used".to_owned(),
        Cell::Absent(because) => format!("absent {}", number(because)),
        Cell::OutOfScope(because) => format!("scope {}", number(because)),
        Cell::Hole => "HOLE".to_owned(),
    }
}

fn summary(table: &Table) -> String {
    let count = |column: usize, is: fn(&Cell) -> bool| table.rows.iter().filter(|row| is(&row.cells[column])).count();
    let columns: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let used = count(column, |cell| matches!(cell, Cell::Used(_)));
            let absent = count(column, |cell| matches!(cell, Cell::Absent(_)));
            let scope = count(column, |cell| matches!(cell, Cell::OutOfScope(_)));
            let holes = count(column, |cell| matches!(cell, Cell::Hole));
            format!("{name}: {used} used, {absent} absent, {scope} out of scope, {holes} holes")
        })
        .collect();
    format!("{} settings\n{}", table.rows.len(), columns.join("\n"))
}

fn document(table: &Table, facts: &[FactTable]) -> serde_json::Value {
    let cell = |cell: &Cell| match cell {
        Cell::Used(_) => json!({"is": "used"}),
        Cell::Absent(because) => json!({"is": "absent", "because": because.as_str()}),
        Cell::OutOfScope(because) => json!({"is": "out-of-scope", "because": because.as_str()}),
        Cell::Hole => json!({"is": "hole"}),
    };
    let row = |row: &Row| {
        let cells: serde_json::Map<String, serde_json::Value> =
            table.columns.iter().zip(&row.cells).map(|(column, found)| (column.to_string(), cell(found))).collect();
        json!({"setting": row.path.as_str(), "cells": cells})
    };
    let fact = |row: &FactRow| {
        let said = match &row.cell {
            FactCell::Carried(keys) => json!({"is": "carried", "keys": keys}),
            FactCell::Fixed => json!({"is": "fixed"}),
            FactCell::Unsaid(because) => json!({"is": "unsaid", "because": because.as_str()}),
            FactCell::Hole => json!({"is": "hole"}),
        };
        json!({"fact": row.fact.to_string(), "kind": row.kind, "said": said})
    };
    let block = |block: &FactTable| json!({"column": block.column.as_str(), "rows": block.rows.iter().map(fact).collect::<Vec<_>>()});
    json!({"columns": table.columns.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), "rows": table.rows.iter().map(row).collect::<Vec<_>>(), "facts": facts.iter().map(block).collect::<Vec<_>>()})
}

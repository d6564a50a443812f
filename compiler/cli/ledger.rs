//! `trueline ledger STACK`: what each target does with each setting.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format},
    project::Project,
    report,
};
use crate::{
    diag::{Diags, nearest, render},
    ledger::{self, Cell, Row, Table},
};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The stack
    stack: String,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let (stdlib, _) = match project.stdlib() {
        Ok(found) => found,
        Err(unread) => return Ok(report::unread(console, unread)),
    };
    let name = arguments.stack.as_str();
    if !stdlib.stacks().contains(&name) {
        let known = stdlib.stacks();
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("there is {}", known.join(", ")));
        return Err(Failure::new(format!("there is no stack `{name}`"), help));
    }
    let mut diags = Diags::default();
    let Some(stack) = stdlib.stack(name, &mut diags) else {
        console.answer(&render::human(&diags.sorted(), stdlib.sources(), console.looks.colour));
        return Ok(Outcome::No);
    };
    let table = ledger::table(&stack);
    match console.looks.format {
        Format::Human => console.answer(&text(&table)),
        Format::Json => console.answer(&format!("{:#}\n", document(&table))),
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
    let widths: Vec<usize> = (0..table.columns.len() + 1)
        .map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(word, width)| format!("{word:width$}")).collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text.push('\n');
    for (reason, number) in &reasons {
        let _ = writeln!(text, "{number:>3}  {reason}");
    }
    let _ = writeln!(text, "\n{}", summary(table));
    text
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

fn document(table: &Table) -> serde_json::Value {
    let cell = |cell: &Cell| match cell {
        Cell::Used(_) => json!({"is": "used"}),
        Cell::Absent(because) => json!({"is": "absent", "because": because.as_ref()}),
        Cell::OutOfScope(because) => json!({"is": "out-of-scope", "because": because.as_ref()}),
        Cell::Hole => json!({"is": "hole"}),
    };
    let row = |row: &Row| {
        let cells: serde_json::Map<String, serde_json::Value> =
            table.columns.iter().zip(&row.cells).map(|(column, found)| (column.to_string(), cell(found))).collect();
        json!({"setting": row.path.as_ref(), "cells": cells})
    };
    json!({"columns": table.columns.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), "rows": table.rows.iter().map(row).collect::<Vec<_>>()})
}

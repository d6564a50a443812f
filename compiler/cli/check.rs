//! `trueline check`: what is wrong with environments.

use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format, Style},
    leftovers,
    project::Project,
    report::{self, FindingsTo, Notes, Report},
};
use crate::diff::counted;

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The environments; all, where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let mut reports =
        report::each_telling(looks, Notes::Shown, project, &arguments.environments, |compiled, report| {
            let declared = compiled.declared();
            report.lines = report::declared(looks, &declared);
            report.json = json!({ "declared": report::declared_json(&declared) });
        })?;
    for report in &mut reports {
        let (style, text) = match report::count(report.counts) {
            None if report.notes > 0 => (Style::Green, format!("fine, {}", counted(report.notes, "note"))),
            None => (Style::Green, "fine".to_owned()),
            Some(text) if report.counts.0 > 0 => (Style::Red, text),
            Some(text) => (Style::Cyan, text),
        };
        report.lines.insert_str(0, &report::line(looks, &report.name, style, &text));
    }
    if arguments.environments.is_empty() {
        reports.extend(leftovers::reports(console.looks, project, Outcome::Fine)?);
    }
    let outcome = report::print(console, &reports, FindingsTo::Answer);
    if looks.format == Format::Human && reports.len() > 1 {
        console.remark(&summary(&reports));
    }
    Ok(outcome)
}

fn summary(reports: &[Report]) -> String {
    let (errors, warnings) = reports.iter().fold((0, 0), |sum, it| (sum.0 + it.counts.0, sum.1 + it.counts.1));
    let found = report::count((errors, warnings)).unwrap_or_else(|| "fine".into());
    format!("{}: {found}", counted(reports.iter().filter(|report| report.is_environment).count(), "environment"))
}

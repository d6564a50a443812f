//! What a command says of each environment, gathered in order of the names.
//!
//! In: what a command found out about one environment. Out: text for a person or one JSON document.
//! Invariant: an environment's files and findings are dropped once its report is made, so memory does not
//! grow with the number of environments.

use std::{collections::BTreeMap, mem::ManuallyDrop};

use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    problems::Problems,
    project::{ENVIRONMENTS, EnvironmentFile, Project, Unread},
};
use crate::{
    compile::{Compiled, Stdlib, compile},
    diag::{self, Finding, Severity, codes, render},
    diff::counted,
    lock::Difference,
    source::{Source, Sources},
    visible::visible_line,
};

/// What is said of one environment.
#[derive(Debug)]
pub(super) struct Report {
    /// The environment, or what else is reported.
    pub name: String,
    /// Whether it is an environment.
    pub is_environment: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// Lines for a person, findings left out.
    pub lines: String,
    /// Findings for a person.
    pub findings: String,
    /// Those that lie in a stack, which every environment of it has.
    pub shared: String,
    /// How many of them are errors, and how many warnings.
    pub counts: (usize, usize),
    /// How many more are notes.
    pub notes: usize,
    /// The findings for a program: a list.
    pub json_findings: Vec<Value>,
    /// What the command adds for a program: a map.
    pub json: Value,
}

impl Report {
    /// A report without a word.
    #[must_use]
    pub(super) fn new(name: &str) -> Report {
        Report {
            name: name.to_owned(),
            is_environment: true,
            outcome: Outcome::Fine,
            lines: String::new(),
            findings: String::new(),
            shared: String::new(),
            counts: (0, 0),
            notes: 0,
            json_findings: Vec::new(),
            json: json!({}),
        }
    }

    /// Adds findings of a compile; where notes are only counted, a program gets them all the same.
    fn add_compiled(&mut self, looks: Looks, notes: Notes, compiled: &Compiled) {
        let is_note = |finding: &&Finding| finding.code.severity == Severity::Note;
        self.notes += compiled.findings.iter().filter(is_note).count();
        if (looks.format, notes) == (Format::Human, Notes::Counted) {
            let told: Vec<Finding> = compiled.findings.iter().filter(|it| !is_note(it)).cloned().collect();
            self.add_apart(looks, &told, &compiled.sources);
        } else {
            self.add_apart(looks, &compiled.findings, &compiled.sources);
        }
    }

    /// Adds findings of a compile, for a person those of the stack apart.
    fn add_apart(&mut self, looks: Looks, findings: &[Finding], sources: &Sources) {
        if looks.format == Format::Json {
            return self.add(looks, findings, sources);
        }
        let is_own = |finding: &Finding| {
            sources.get(finding.span.source).is_none_or(|source| source.name.starts_with(ENVIRONMENTS))
        };
        let (own, shared): (Vec<Finding>, Vec<Finding>) = findings.iter().cloned().partition(is_own);
        self.add(looks, &own, sources);
        let before = std::mem::take(&mut self.findings);
        self.add(looks, &shared, sources);
        self.shared.push_str(&std::mem::replace(&mut self.findings, before));
    }

    /// Adds findings; an error among them makes the answer no.
    pub(super) fn add(&mut self, looks: Looks, findings: &[Finding], sources: &Sources) {
        if findings.is_empty() {
            return;
        }
        let count = |severity| findings.iter().filter(|finding| finding.code.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        self.counts = (self.counts.0 + errors, self.counts.1 + warnings);
        if errors > 0 {
            self.worsen(if findings.iter().any(is_trouble) { Outcome::NotAsked } else { Outcome::No });
        }
        match looks.format {
            Format::Human => self.findings.push_str(&render::human(findings, sources, looks.colour)),
            Format::Json => {
                let document: Value = serde_json::from_str(&diag::json::json(findings, sources)).unwrap_or_default();
                self.json_findings.extend(document["findings"].as_array().into_iter().flatten().cloned());
            }
        }
    }

    /// Adds findings about files.
    pub(super) fn add_problems(&mut self, looks: Looks, problems: &Problems) {
        self.add(looks, problems.findings(), &problems.sources());
    }

    /// Makes the outcome at least this bad.
    pub(super) fn worsen(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.max(outcome);
    }

    /// The report for a program.
    pub(super) fn to_json(&self) -> Value {
        let mut map = serde_json::Map::new();
        map.insert("name".into(), json!(self.name));
        map.insert("ok".into(), json!(self.outcome == Outcome::Fine));
        map.extend(self.json.as_object().cloned().unwrap_or_default());
        map.insert("findings".into(), json!(self.json_findings));
        Value::Object(map)
    }
}

/// Whether the world, and not the text, is what is wrong.
fn is_trouble(finding: &Finding) -> bool {
    let trouble = [
        &codes::UNREADABLE_FILE,
        &codes::NOT_UTF8,
        &codes::FILE_TOO_LARGE,
        &codes::CANNOT_WRITE,
        &codes::BUSY,
        &codes::CANNOT_REWRITE,
    ];
    trouble.iter().any(|code| code.id == finding.code.id)
}

/// What becomes of notes for a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Notes {
    /// They are printed, as other findings are.
    Shown,
    /// They are counted: whoever compiles again and again has read them.
    Counted,
}

/// Compiles environments side by side and lets `judge` fill the report of each that has no errors. Notes are counted.
///
/// # Errors
/// The project or a named environment cannot be found.
pub(super) fn each(
    looks: Looks,
    project: &Project,
    wanted: &[String],
    judge: impl Fn(&Compiled, &mut Report) + Sync,
) -> Result<Vec<Report>, Failure> {
    each_telling(looks, Notes::Counted, project, wanted, judge)
}

/// [`each`], but those of which `is_known` fills the report are not compiled.
///
/// # Errors
/// Likewise.
pub(super) fn each_unknown(
    looks: Looks,
    project: &Project,
    wanted: &[String],
    is_known: impl Fn(&Source, &Stdlib, &mut Report) -> bool + Sync,
    judge: impl Fn(&Compiled, &mut Report) + Sync,
) -> Result<Vec<Report>, Failure> {
    all(looks, Notes::Counted, project, wanted, &is_known, &judge)
}

/// [`each`], with a choice of what becomes of notes.
///
/// # Errors
/// Likewise.
pub(super) fn each_telling(
    looks: Looks,
    notes: Notes,
    project: &Project,
    wanted: &[String],
    judge: impl Fn(&Compiled, &mut Report) + Sync,
) -> Result<Vec<Report>, Failure> {
    all(looks, notes, project, wanted, &|_, _, _| false, &judge)
}

fn all(
    looks: Looks,
    notes: Notes,
    project: &Project,
    wanted: &[String],
    is_known: &(impl Fn(&Source, &Stdlib, &mut Report) -> bool + Sync),
    judge: &(impl Fn(&Compiled, &mut Report) + Sync),
) -> Result<Vec<Report>, Failure> {
    let files = project.environments(wanted)?;
    let mut report = Report { is_environment: false, ..Report::new("stdlib") };
    let stdlib = match project.stdlib() {
        Ok((stdlib, findings)) => {
            report.add(looks, &findings, stdlib.sources());
            stdlib
        }
        Err((findings, sources)) => {
            report.add(looks, &findings, &sources);
            return Ok(vec![report]);
        }
    };
    let first = (report.counts != (0, 0)).then_some(report);
    // The process ends with the command: taking the stacks apart would take longer than a tenth of a compile.
    let stdlib = ManuallyDrop::new(stdlib);
    let report = |file: &EnvironmentFile| one(looks, notes, project, &stdlib, file, is_known, judge);
    let reports: Vec<Report> = match files.as_slice() {
        // Starting threads takes longer than compiling one environment.
        [only] => vec![report(only)],
        files => files.par_iter().map(report).collect(),
    };
    Ok(first.into_iter().chain(reports).collect())
}

fn one(
    looks: Looks,
    notes: Notes,
    project: &Project,
    stdlib: &Stdlib,
    file: &EnvironmentFile,
    is_known: &impl Fn(&Source, &Stdlib, &mut Report) -> bool,
    judge: &impl Fn(&Compiled, &mut Report),
) -> Report {
    let mut report = Report::new(&file.stem);
    let source = match project.environment(file) {
        Ok(source) => source,
        Err((findings, sources)) => {
            report.add(looks, &findings, &sources);
            return report;
        }
    };
    if is_known(&source, stdlib, &mut report) {
        return report;
    }
    let compiled = compile(source, stdlib);
    report.add_compiled(looks, notes, &compiled);
    if report.counts.0 == 0 {
        judge(&compiled, &mut report);
    }
    report
}

/// Prints reports and says how the command ended.
pub(super) fn print(console: &Console, reports: &[Report], findings_to: FindingsTo) -> Outcome {
    match console.looks.format {
        Format::Json => {
            let all: Vec<Value> = reports.iter().map(Report::to_json).collect();
            console.answer(&format!("{:#}\n", json!({ "environments": all })));
        }
        Format::Human => {
            let mut first: BTreeMap<&str, &str> = BTreeMap::new();
            for report in reports {
                let said = *first.entry(&report.shared).or_insert(&report.name);
                let findings = match said == report.name || report.shared.is_empty() {
                    true => format!("{}{}", report.findings, report.shared),
                    // A stack is wrong once, however many environments have it.
                    false => {
                        format!("{}{}: in its stack the same as above, at `{said}`\n", report.findings, report.name)
                    }
                };
                match findings_to {
                    FindingsTo::Answer => console.answer(&findings),
                    FindingsTo::Remarks if findings.is_empty() => {}
                    FindingsTo::Remarks => console.remark(findings.trim_end_matches('\n')),
                }
                console.answer(&report.lines);
            }
        }
    }
    reports.iter().map(|report| report.outcome).max().unwrap_or(Outcome::Fine)
}

/// Where findings for a person are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FindingsTo {
    /// They are the answer.
    Answer,
    /// The answer is something else, which may be read by a program.
    Remarks,
}

/// Prints what keeps the project from being read.
pub(super) fn unread(console: &Console, unread: Unread) -> Outcome {
    let mut report = Report { is_environment: false, ..Report::new("project") };
    report.add(console.looks, &unread.0, &unread.1);
    print(console, &[report], FindingsTo::Answer)
}

/// `prod: 1 error, nothing written`, with the name standing out.
#[must_use]
pub(super) fn line(looks: Looks, name: &str, style: Style, text: &str) -> String {
    format!("{}: {}\n", looks.paint(Style::Bold, &visible_line(name)), looks.paint(style, text))
}

/// `2 errors`, `1 error, 1 warning`, or nothing.
#[must_use]
pub(super) fn count(counts: (usize, usize)) -> Option<String> {
    let parts = [(counts.0, "error"), (counts.1, "warning")];
    let parts: Vec<String> = parts.iter().filter(|part| part.0 > 0).map(|part| counted(part.0, part.1)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What an environment declares to be meant, a line each: `override compose app.size: a laptop runs the small size`.
#[must_use]
pub(super) fn declared(looks: Looks, declared: &[Difference]) -> String {
    let line = |it: &Difference| {
        let words = format!("{} {} {}", it.kind, it.target, visible_line(&it.subject));
        format!("  {}: {}\n", looks.paint(Style::Cyan, &words), visible_line(&it.because))
    };
    declared.iter().map(line).collect()
}

/// The same for a program.
#[must_use]
pub(super) fn declared_json(declared: &[Difference]) -> Vec<Value> {
    let one = |it: &Difference| {
        json!({
            "deployment": it.deployment, "kind": it.kind, "target": it.target,
            "subject": it.subject, "because": it.because,
        })
    };
    declared.iter().map(one).collect()
}

//! `trueline compile`: what environments compile to, written into `out/`.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    output::{self, Applied, Folder, State, Survey},
    problems::Problems,
    project::{Project, name_problem},
    report::{self, FindingsTo, Report},
};
use crate::{
    compile::Compiled,
    diag::{Diags, codes},
    diff::counted,
    history,
    visible::visible_line,
};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The environments; all, where none is named
    #[arg(value_name = "ENV")]
    environments: Vec<String>,
    /// Write nothing; name what is stale, missing or extra, and exit with 1 if there is anything
    #[arg(long, conflicts_with_all = ["overwrite", "prune"])]
    check: bool,
    /// Replace outputs that were edited by hand
    #[arg(long)]
    overwrite: bool,
    /// Let a change of this setting through, though it loses data or is said to be impossible
    #[arg(long, value_name = "PATH", conflicts_with = "check")]
    accept: Vec<String>,
    /// Remove the outputs of an environment that is gone
    #[arg(long, value_name = "ENV", conflicts_with = "environments")]
    prune: Vec<String>,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let mut reports = if arguments.prune.is_empty() {
        let mut reports = report::each(looks, project, &arguments.environments, |compiled, report| {
            if arguments.check {
                compare(looks, project, compiled, report)
            } else {
                write(looks, project, arguments, compiled, report)
            }
        })?;
        if arguments.environments.is_empty() {
            reports.extend(forgotten(looks, project, arguments.check)?);
        }
        reports
    } else {
        prune(looks, project, &arguments.prune)?
    };
    for report in reports.iter_mut().filter(|report| report.lines.is_empty()) {
        let found = report::count(report.counts).unwrap_or_else(|| "nothing to do".into());
        let style = if report.counts.0 > 0 { Style::Red } else { Style::Cyan };
        let nothing = if report.counts.0 > 0 && !arguments.check { ", nothing written" } else { "" };
        report.lines = report::line(looks, &report.name, style, &format!("{found}{nothing}"));
    }
    let outcome = report::print(console, &reports, FindingsTo::Answer);
    if looks.format == Format::Human && arguments.prune.is_empty() {
        console.remark(&summary(&reports, arguments.check));
    }
    Ok(outcome)
}

fn write(looks: Looks, project: &Project, arguments: &Arguments, compiled: &Compiled, report: &mut Report) {
    let folder = Folder::new(&project.root, &report.name);
    let survey = folder.survey(&compiled.files);
    report.add_problems(looks, &survey.problems);
    let mut diags = Diags::default();
    if survey.states.get("settings.json") != Some(&State::Same) {
        history::judge(&folder.settings(), compiled, &arguments.accept, &mut diags);
    }
    if diags.has_errors() {
        report.add(looks, &diags.sorted(), &compiled.sources);
        return;
    }
    let mut problems = Problems::default();
    let applied = folder.apply(&compiled.files, &survey, arguments.overwrite, &mut problems);
    report.add_problems(looks, &problems);
    tell(looks, report, compiled.files.len(), &applied);
}

/// `prod: 9 files, 2 written, 1 removed`, or `prod: 9 files, unchanged`; and how many notes there are.
fn tell(looks: Looks, report: &mut Report, files: usize, applied: &Applied) {
    report.json = json!({"files": files, "written": applied.written, "removed": applied.removed});
    if report.counts.0 > 0 && applied == &Applied::default() {
        return;
    }
    let mut parts = vec![counted(files, "file")];
    let counts = [(applied.written.len(), "written"), (applied.removed.len(), "removed")];
    parts.extend(counts.iter().filter(|count| count.0 > 0).map(|(count, what)| format!("{count} {what}")));
    if parts.len() == 1 {
        parts.push("unchanged".into());
    }
    parts.extend(report::count(report.counts));
    if report.notes > 0 {
        parts.push(format!("{}: `trueline check {}` shows them", counted(report.notes, "note"), report.name));
    }
    let style = if report.counts.0 > 0 { Style::Red } else { Style::Green };
    report.lines = report::line(looks, &report.name, style, &parts.join(", "));
}

fn compare(looks: Looks, project: &Project, compiled: &Compiled, report: &mut Report) {
    let folder = Folder::new(&project.root, &report.name);
    let survey = folder.survey(&compiled.files);
    report.add_problems(looks, &survey.problems);
    let differences = differences(&survey);
    report.json = json!({
        "files": compiled.files.len(),
        "differences": differences.iter().map(|(what, path)| json!({"what": what, "path": folder.shown(path)})).collect::<Vec<_>>(),
    });
    if differences.is_empty() {
        let text = format!("{}, current", counted(compiled.files.len(), "file"));
        report.lines = report::line(looks, &report.name, Style::Green, &text);
        return;
    }
    report.worsen(Outcome::No);
    report.lines =
        report::line(looks, &report.name, Style::Red, &format!("{} out of date", counted(differences.len(), "file")));
    for (what, path) in differences {
        report.lines.push_str(&format!("  {what:<8} {}\n", folder.shown(path)));
    }
}

/// What is stale, missing or extra, in this order, then by path.
fn differences(survey: &Survey) -> Vec<(&'static str, &str)> {
    let of = |wanted: fn(State) -> bool, what: &'static str| {
        survey.states.iter().filter(move |(_, state)| wanted(**state)).map(move |(path, _)| (what, path.as_str()))
    };
    let mut extra: Vec<&str> = survey.orphans.iter().chain(&survey.strays).map(String::as_str).collect();
    extra.sort_unstable();
    of(|state| !matches!(state, State::Same | State::Missing), "stale")
        .chain(of(|state| state == State::Missing, "missing"))
        .chain(extra.into_iter().map(|path| ("extra", path)))
        .collect()
}

/// Folders in `out/` whose environment is gone; a finding, because only `--prune` removes them.
fn forgotten(looks: Looks, project: &Project, check: bool) -> Result<Vec<Report>, Failure> {
    let files = project.all_environments()?;
    let known: BTreeSet<&str> = files.iter().map(|file| file.stem.as_str()).chain(["charts"]).collect();
    let report = |name: String| {
        let shown = visible_line(&name).into_owned();
        let mut report = Report { is_environment: false, ..Report::new(&shown) };
        let message = format!("`out/{shown}` is left over: there is no `environments/{shown}.kdl`");
        let hint = format!("remove it: `trueline compile --prune {shown}`");
        report.add_problems(
            looks,
            &Problems::one(&codes::FORGOTTEN_OUTPUT, &format!("out/{shown}"), message, Some(hint)),
        );
        report.lines = report::line(looks, &shown, Style::Cyan, "no environment");
        if check {
            report.worsen(Outcome::No);
        }
        report
    };
    Ok(output::forgotten(&project.root, &known).into_iter().map(report).collect())
}

fn prune(looks: Looks, project: &Project, names: &[String]) -> Result<Vec<Report>, Failure> {
    let files = project.all_environments()?;
    let mut reports = Vec::new();
    for name in names.iter().collect::<BTreeSet<_>>() {
        let shown = visible_line(name);
        if files.iter().any(|file| file.stem == *name) {
            let help = format!("remove `environments/{shown}.kdl` first");
            return Err(Failure::new(format!("`{shown}` is an environment, so its output stays"), help));
        }
        if name_problem(name).is_some() || !output::forgotten(&project.root, &BTreeSet::new()).contains(name) {
            return Err(Failure::new(
                format!("there is no output `out/{shown}`"),
                "name a folder in `out/` that has a lock",
            ));
        }
        let mut report = Report::new(name);
        let mut problems = Problems::default();
        let folder = Folder::new(&project.root, name);
        let applied = folder.prune(&mut problems);
        report.add_problems(looks, &folder.survey(&[]).problems);
        report.add_problems(looks, &problems);
        tell(looks, &mut report, 0, &applied);
        reports.push(report);
    }
    Ok(reports)
}

/// `3 environments: 1 compiled, 1 out of date, 1 with errors`.
fn summary(reports: &[Report], check: bool) -> String {
    let count = |wanted: &dyn Fn(&Report) -> bool| {
        reports.iter().filter(|report| report.is_environment && wanted(report)).count()
    };
    let failed = count(&|report| report.counts.0 > 0);
    let stale = count(&|report| report.counts.0 == 0 && report.outcome == Outcome::No);
    let all = count(&|_| true);
    let mut parts = vec![format!("{} {}", all - failed - stale, if check { "current" } else { "compiled" })];
    parts.extend((stale > 0).then(|| format!("{stale} out of date")));
    parts.extend((failed > 0).then(|| format!("{failed} with errors")));
    format!("{}: {}", counted(all, "environment"), parts.join(", "))
}

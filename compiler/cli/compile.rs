//! `trueline compile`: what environments compile to, written into `out/`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    Failure, Outcome, charts,
    claim::Claim,
    console::{Console, Format, Looks, Style},
    disk::System,
    journal, leftovers,
    made::Made,
    output::{Applied, Folder, State, Survey},
    problems::Problems,
    project::{Project, name_problem, stem},
    report::{self, FindingsTo, Report},
};
use crate::{
    compile::{Compiled, Stdlib},
    diag::Diags,
    diff::counted,
    history,
    lock::Difference,
    source::Source,
    targets::File,
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

impl Arguments {
    /// Those that compile one environment.
    pub(super) fn of(environment: &str, accept: &[String]) -> Arguments {
        Arguments {
            environments: vec![environment.to_owned()],
            check: false,
            overwrite: false,
            accept: accept.to_vec(),
            prune: Vec::new(),
        }
    }
}

/// One run: what was asked for, and what it found before it compiled anything.
struct Run<'a> {
    looks: Looks,
    project: &'a Project,
    arguments: &'a Arguments,
    claim: Claim,
    /// The charts that the environments of this run use.
    charts: charts::Used,
    /// What earlier compiles made.
    made: Made,
    /// Environments that are not compared or written, because an earlier compile of them was cut short.
    held_up: BTreeMap<String, Problems>,
    /// What is wrong with `.trueline/` as a whole.
    problems: Problems,
}

pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let (claim, problems) = (Claim::new(&project.root), Problems::default());
    let (charts, made) = (charts::Used::default(), Made::of(&project.root));
    let mut run = Run { looks, project, arguments, claim, charts, made, held_up: BTreeMap::new(), problems };
    let completed = run.look_for_journals();
    if looks.format == Format::Human {
        completed.iter().for_each(|name| console.remark(&format!("{name}: completed a compile that was cut short")));
    }
    let mut reports = run.reports()?;
    for report in reports.iter_mut().filter(|report| report.lines.is_empty()) {
        let found = report::count(report.counts).unwrap_or_else(|| "nothing to do".into());
        let style = if report.counts.0 > 0 { Style::Red } else { Style::Cyan };
        let nothing = if report.counts.0 > 0 && !arguments.check { ", nothing written" } else { "" };
        report.lines = report::line(looks, &report.name, style, &format!("{found}{nothing}"));
    }
    if run.claim.is_held() {
        let all = arguments.environments.is_empty() && arguments.prune.is_empty();
        let environments = reports.iter().filter(|report| report.is_environment);
        let names: BTreeSet<&str> = environments.map(|report| report.name.as_str()).collect();
        run.made.write(&project.root, |name| !all || names.contains(name));
    }
    let outcome = report::print(console, &reports, FindingsTo::Answer);
    if looks.format == Format::Human && arguments.prune.is_empty() {
        console.remark(&summary(&reports, arguments.check));
    }
    Ok(outcome)
}

impl Run<'_> {
    /// Completes what was cut short, before anything else; with `--check` only names it. Who was completed.
    fn look_for_journals(&mut self) -> Vec<String> {
        let mut completed = Vec::new();
        let mut journals = journal::all(&self.project.root, &mut self.problems);
        if self.arguments.check {
            let wanted = &self.arguments.environments;
            journals.retain(|name| wanted.is_empty() || names(wanted, name));
            self.held_up = journals.into_iter().map(|name| (name.clone(), journal::interrupted(&name))).collect();
            return completed;
        }
        if journals.is_empty() || !self.claim.hold() {
            return completed;
        }
        // Those of another process that was still running are gone by now.
        for name in journal::all(&self.project.root, &mut Problems::default()) {
            let mut problems = Problems::default();
            let wanted = &self.arguments.environments;
            let overwrite = self.arguments.overwrite && (wanted.is_empty() || names(wanted, &name));
            if journal::recover(&System, &Folder::new(&self.project.root, &name), overwrite, &mut problems) {
                completed.push(name);
            } else if problems.has_errors() {
                self.held_up.insert(name, problems);
            }
        }
        completed
    }

    fn reports(&self) -> Result<Vec<Report>, Failure> {
        let mut reports = if self.is_refused() {
            Vec::new() // nothing could be written, and that is said once
        } else if !self.arguments.prune.is_empty() {
            self.prune()?
        } else {
            let environments = &self.arguments.environments;
            let judge = |compiled: &Compiled, report: &mut Report| self.judge(compiled, report);
            let is_made = |source: &Source, stdlib: &Stdlib, report: &mut Report| self.is_made(source, stdlib, report);
            let mut reports = report::each_unknown(self.looks, self.project, environments, is_made, judge)?;
            let whole = environments.is_empty() && reports.iter().all(|report| report.counts.0 == 0);
            reports.extend(self.place_charts(whole));
            if environments.is_empty() {
                let outcome = if self.arguments.check { Outcome::No } else { Outcome::Fine };
                reports.extend(leftovers::reports(self.looks, self.project, outcome)?);
            }
            reports
        };
        self.add_held_up(&mut reports);
        for problems in self.claim.refused().into_iter().chain([&self.problems]) {
            if !problems.findings().is_empty() {
                let mut report = Report { is_environment: false, ..Report::new("out") };
                report.add_problems(self.looks, problems);
                reports.push(report);
            }
        }
        Ok(reports)
    }

    fn is_refused(&self) -> bool {
        self.claim.refused().is_some() || self.problems.has_errors()
    }

    /// Says of each environment that is held up why it is, whether it was compiled or not.
    fn add_held_up(&self, reports: &mut Vec<Report>) {
        for (name, problems) in &self.held_up {
            let at = reports.iter().position(|report| report.name == *name).unwrap_or_else(|| {
                reports.push(Report { is_environment: false, ..Report::new(name) });
                reports.len() - 1
            });
            reports[at].add_problems(self.looks, problems);
        }
    }

    /// Places the charts that environments use, once all are compiled; a report where there was something to do.
    fn place_charts(&self, whole: bool) -> Option<Report> {
        let folder = charts::folder(&self.project.root);
        let mut report = Report { is_environment: false, ..Report::new(&folder.environment) };
        if self.held_up.contains_key(&report.name) {
            return None; // said there
        }
        let mut files = self.charts.files(&folder, whole);
        let mut survey = folder.survey(&files);
        let none = files.is_empty() && !leftovers::has_lock(&self.project.root, &report.name);
        if none || survey.is_current() && survey.problems.findings().is_empty() && !files.is_empty() {
            return None;
        }
        if self.arguments.check {
            compare_files(self.looks, &folder, &files, &mut report);
            return (report.outcome != Outcome::Fine || report.counts != (0, 0)).then_some(report);
        }
        let held = self.claim.is_held();
        if !self.claim.hold() {
            report.worsen(Outcome::NotAsked);
            return Some(report);
        }
        if !held {
            files = self.charts.files(&folder, whole); // another process may have written meanwhile
            survey = folder.survey(&files);
        }
        report.add_problems(self.looks, &survey.problems);
        let mut problems = Problems::default();
        let applied = match files.is_empty() {
            true => folder.prune(&System, &mut problems),
            false => folder.apply(&System, &files, &survey, self.arguments.overwrite, &mut problems),
        };
        report.add_problems(self.looks, &problems);
        tell(self.looks, &mut report, files.len(), &applied, &[]);
        Some(report)
    }

    /// Whether this compiler made just what lies there of the same texts before: then it is not made again, and the
    /// report says what it would say. A program is told all notes, and `--check` proves what it says: they compile.
    fn is_made(&self, source: &Source, stdlib: &Stdlib, report: &mut Report) -> bool {
        if self.arguments.check || self.looks.format == Format::Json || self.held_up.contains_key(&report.name) {
            return false;
        }
        let Some(made) = self.made.find(&report.name, source, stdlib) else { return false };
        let Some(files) = Folder::new(&self.project.root, &report.name).holds(made.lock) else { return false };
        self.charts.add(&made.charts);
        report.notes = made.notes;
        say(self.looks, report, files, &Applied::default(), made.declared);
        true
    }

    fn judge(&self, compiled: &Compiled, report: &mut Report) {
        self.charts.add(&compiled.charts);
        if self.held_up.contains_key(&report.name) {
            return;
        }
        if self.arguments.check {
            compare(self.looks, self.project, compiled, report);
        } else {
            self.write(compiled, report);
        }
    }

    fn write(&self, compiled: &Compiled, report: &mut Report) {
        let folder = Folder::new(&self.project.root, &report.name);
        let held = self.claim.is_held();
        let mut survey = folder.survey(&compiled.files);
        if !survey.is_current() {
            if !self.claim.hold() {
                report.worsen(Outcome::NotAsked);
                report.lines = report::line(self.looks, &report.name, Style::Red, "not written");
                return;
            }
            if !held {
                survey = folder.survey(&compiled.files); // another process may have written meanwhile
            }
        }
        report.add_problems(self.looks, &survey.problems);
        let mut diags = Diags::default();
        if survey.states.get("settings.json") != Some(&State::Same) {
            history::judge(&folder.settings(), compiled, &self.arguments.accept, &mut diags);
        }
        if diags.has_errors() {
            report.add(self.looks, &diags.sorted(), &compiled.sources);
            return;
        }
        let mut problems = Problems::default();
        let applied = folder.apply(&System, &compiled.files, &survey, self.arguments.overwrite, &mut problems);
        report.add_problems(self.looks, &problems);
        self.made.remember(compiled);
        tell(self.looks, report, compiled.files.len(), &applied, &compiled.declared());
    }

    fn prune(&self) -> Result<Vec<Report>, Failure> {
        let environments = leftovers::known(self.project)?;
        let mut reports = Vec::new();
        for name in self.arguments.prune.iter().collect::<BTreeSet<_>>() {
            let shown = visible_line(name);
            if environments.contains(name) {
                let help = format!("remove `environments/{shown}.kdl` first");
                return Err(Failure::new(format!("`{shown}` is an environment, so its output stays"), help));
            }
            if name_problem(name).is_some() || !leftovers::has_lock(&self.project.root, name) {
                return Err(Failure::new(
                    format!("there is no output `out/{shown}`"),
                    "name a folder in `out/` that has a lock",
                ));
            }
            reports.push(self.prune_one(name));
        }
        Ok(reports)
    }

    fn prune_one(&self, name: &str) -> Report {
        let mut report = Report::new(name);
        if self.held_up.contains_key(name) || !self.claim.hold() {
            report.worsen(Outcome::NotAsked);
            return report;
        }
        let mut problems = Problems::default();
        let folder = Folder::new(&self.project.root, name);
        let applied = folder.prune(&System, &mut problems);
        report.add_problems(self.looks, &folder.survey(&[]).problems);
        report.add_problems(self.looks, &problems);
        tell(self.looks, &mut report, 0, &applied, &[]);
        report
    }
}

/// Whether one of the words on the command line names this environment.
fn names(words: &[String], name: &str) -> bool {
    words.iter().any(|word| stem(word) == name)
}

/// `prod: 9 files, 2 written, 1 removed`, or `prod: 9 files, unchanged`; and how much is declared and noted.
fn tell(looks: Looks, report: &mut Report, files: usize, applied: &Applied, declared: &[Difference]) {
    report.json = json!({
        "files": files,
        "written": applied.written,
        "removed": applied.removed,
        "declared": report::declared_json(declared),
    });
    say(looks, report, files, applied, declared.len());
}

fn say(looks: Looks, report: &mut Report, files: usize, applied: &Applied, declared: usize) {
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
    if declared > 0 {
        parts.push(counted(declared, "declared difference"));
    }
    if report.notes > 0 {
        parts.push(format!("{}: `trueline check {}` shows them", counted(report.notes, "note"), report.name));
    }
    let style = if report.counts.0 > 0 { Style::Red } else { Style::Green };
    report.lines = report::line(looks, &report.name, style, &parts.join(", "));
}

fn compare(looks: Looks, project: &Project, compiled: &Compiled, report: &mut Report) {
    let folder = Folder::new(&project.root, &report.name);
    compare_files(looks, &folder, &compiled.files, report);
}

fn compare_files(looks: Looks, folder: &Folder, files: &[File], report: &mut Report) {
    let survey = folder.survey(files);
    report.add_problems(looks, &survey.problems);
    let differences = differences(&survey);
    report.json = json!({
        "files": files.len(),
        "differences": differences.iter().map(|(what, path)| json!({"what": what, "path": folder.shown(path)})).collect::<Vec<_>>(),
    });
    if differences.is_empty() {
        let text = format!("{}, current", counted(files.len(), "file"));
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
    let mut extra: Vec<&str> =
        survey.orphans.keys().chain(&survey.strays).chain(&survey.temporaries).map(String::as_str).collect();
    extra.sort_unstable();
    of(|state| !matches!(state, State::Same | State::Missing), "stale")
        .chain(of(|state| state == State::Missing, "missing"))
        .chain(extra.into_iter().map(|path| ("extra", path)))
        .collect()
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

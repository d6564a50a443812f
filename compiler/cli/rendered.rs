//! `trueline verify --rendered`: what charts make of the committed values, against the committed Compose files.
//!
//! In: `out/ENV`, charts' folders, the environments. Out: every fact that the two do not say alike, with both places.
//! Never: a dependency fetched, a cluster asked, what a `Secret` holds.
//! Invariant: what is rendered and compared is what is committed; the environment says only which setting is behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use smol_str::SmolStr;

use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    console::{Looks, Style},
    helm::{self, Helm, Stopped},
    output::Folder,
    problems::Problems,
    project::{MAX_SOURCE_BYTES, Project, read_regular},
    report::{self, Report},
};
use crate::{
    compile::Compiled,
    diag::{Diags, codes},
    diff::counted,
    rendered::{self, Chart, Comparison, Declared, Difference, Release, Rendering, Spot, Texts},
    sensitive::redacted,
    shipped,
    source::{Sources, Span},
    visible::visible_line,
};

/// The most characters that are shown of what Helm says.
const MOST_SAID: usize = 2000;

#[derive(clap::Args, Debug)]
#[group(skip)]
pub(super) struct Arguments {
    /// Render the charts with `helm template`, and compare what they make with the Compose files
    #[arg(long)]
    pub rendered: bool,
    /// The folder of a chart, with `Chart.yaml`; charts that Trueline ships lie in `out/charts`
    #[arg(long = "chart", value_name = "DIR", requires = "rendered")]
    charts: Vec<PathBuf>,
    /// The program that renders
    #[arg(long, value_name = "PROGRAM", default_value = "helm", requires = "rendered")]
    helm: PathBuf,
    /// The version of Kubernetes that charts are rendered for
    #[arg(long, value_name = "VERSION", default_value = "1.33.0", requires = "rendered")]
    kube_version: String,
}

/// What charts are rendered with.
struct Tools<'a> {
    looks: Looks,
    project: &'a Project,
    helm: Helm,
    charts: Vec<(PathBuf, Chart)>,
    kube_version: &'a str,
}

/// Renders and compares the environments of these names, and adds what was found to their reports.
///
/// # Errors
/// There is no `helm`, a folder holds no chart, or there is nothing at all to render.
pub(super) fn add(
    looks: Looks,
    project: &Project,
    arguments: &Arguments,
    names: &[String],
    reports: &mut [Report],
) -> Result<(), Failure> {
    let helm = Helm::find(&arguments.helm, &project.root)?;
    let charts = arguments.charts.iter().map(|folder| Ok((folder.clone(), chart_in(folder)?)));
    let charts = charts.collect::<Result<Vec<_>, Failure>>()?;
    let tools = Tools { looks, project, helm, charts, kube_version: &arguments.kube_version };
    let known: BTreeSet<String> = project.environments(&[])?.into_iter().map(|file| file.stem).collect();
    let wanted: Vec<String> = names.iter().filter(|name| known.contains(*name)).cloned().collect();
    if wanted.is_empty() {
        return Err(nothing(&BTreeSet::new()));
    }
    let found = report::each(looks, project, &wanted, |compiled, report| tools.environment(compiled, report))?;
    let compared = found.iter().any(|it| it.json["rendered"].as_array().is_some_and(|all| !all.is_empty()));
    if !compared && found.iter().all(|report| report.outcome == Outcome::Fine) {
        let missing = found.iter().flat_map(|it| it.json["not_rendered"].as_array().into_iter().flatten());
        return Err(nothing(&missing.filter_map(|it| it["chart"].as_str().map(str::to_owned)).collect()));
    }
    for found in found {
        match reports.iter_mut().find(|report| report.name == found.name) {
            Some(report) => merge(report, found),
            None => debug_assert!(false, "{} was verified", found.name),
        }
    }
    Ok(())
}

fn nothing(charts: &BTreeSet<String>) -> Failure {
    let first = charts.first().map_or_else(|| "a chart".to_owned(), |chart| format!("chart `{chart}`"));
    Failure::new(
        "there is nothing to render: no chart that an environment here is for is at hand",
        format!("name the folder of {first}: `--chart DIR`"),
    )
}

/// Adds what rendering found to what else is said of an environment.
fn merge(report: &mut Report, found: Report) {
    report.worsen(found.outcome);
    report.lines.push_str(&found.lines);
    report.findings.push_str(&found.findings);
    report.shared.push_str(&found.shared);
    report.counts = (report.counts.0 + found.counts.0, report.counts.1 + found.counts.1);
    report.json_findings.extend(found.json_findings);
    if let (Value::Object(map), Value::Object(more)) = (&mut report.json, found.json) {
        map.extend(more);
    }
}

impl Tools<'_> {
    fn environment(&self, compiled: &Compiled, report: &mut Report) {
        let Some(env) = &compiled.env else { return };
        let folder = Folder::new(&self.project.root, &compiled.environment);
        self.stale(compiled, &folder, report);
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for rendering in rendered::renderings(env, rendered::plan(env)) {
            if rendering.releases.is_empty() {
                continue;
            }
            match self.folders(&rendering) {
                Ok(folders) => done.extend(self.deployment(&rendering, &folders, &folder, compiled, report)),
                Err(release) => {
                    let text = format!("not rendered: chart `{}` {} is not at hand", release.chart, release.version);
                    report.lines.push_str(&indented(self.looks, Style::Dim, &rendering.name, &text));
                    left.push(json!({
                        "deployment": &*rendering.name, "chart": &*release.chart, "version": &*release.version,
                    }));
                }
            }
        }
        report.json = json!({ "rendered": done, "not_rendered": left });
    }

    /// Says that the output is not what the environment compiles to, because then its settings explain nothing.
    fn stale(&self, compiled: &Compiled, folder: &Folder, report: &mut Report) {
        let mut problems = Problems::default();
        let stale = compiled.files.iter().find(|file| {
            let compared = ["/helm/", "/compose/"].iter().any(|folder| file.path.contains(folder));
            compared && folder.read(&file.path, &mut Problems::default()).flatten().as_ref() != Some(&file.bytes)
        });
        if let Some(file) = stale {
            let message =
                "these are not the bytes that the environment compiles to, which decide what is compared here";
            let hint = format!("`trueline diff {0}`, then `trueline compile {0}`", compiled.environment);
            problems.push(&codes::RENDERED_STALE, &folder.shown(&file.path), message, Some(hint));
            report.add_problems(self.looks, &problems);
        }
    }

    /// The folder of each release's chart.
    fn folders<'r>(&self, rendering: &'r Rendering<'_>) -> Result<Vec<PathBuf>, &'r Release> {
        let one = |release: &'r Release| {
            let is = |(_, chart): &&(PathBuf, Chart)| chart.name == *release.chart && chart.version == *release.version;
            let given = self.charts.iter().find(is).map(|(folder, _)| folder.clone());
            let shipped = || shipped::folder(&release.chart, &release.version);
            given
                .or_else(|| Some(self.project.root.join("out").join("charts").join(shipped()?.to_string())))
                .ok_or(release)
        };
        rendering.releases.iter().map(one).collect()
    }

    /// Renders and compares one deployment; what it is for a program.
    fn deployment(
        &self,
        rendering: &Rendering<'_>,
        charts: &[PathBuf],
        folder: &Folder,
        compiled: &Compiled,
        report: &mut Report,
    ) -> Option<Value> {
        let mut problems = Problems::default();
        let rendered = self.render(rendering, charts, folder, &mut problems, report);
        let (manifests, values) = match rendered {
            Some(rendered) => rendered,
            None => {
                report.add_problems(self.looks, &problems);
                report.worsen(Outcome::No);
                return Some(json!({ "deployment": &*rendering.name, "facts": 0 }));
            }
        };
        let compose_path = format!("{}/compose/compose.yaml", rendering.name);
        let compose = text(folder, &compose_path);
        let beside = |path: &str| bytes(folder, &below(&rendering.name, path)?);
        let texts = Texts { compose: compose.as_deref(), files: &beside, values: &values, manifests: &manifests };
        match rendering.compare(&texts) {
            Ok(found) => {
                let at = Places { compose: folder.shown(&compose_path), sources: &compiled.sources };
                Some(self.tell(rendering, &found, &at, report))
            }
            Err(message) => {
                problems.push(&codes::NOT_RENDERED, &folder.shown(&compose_path), message, None);
                report.add_problems(self.looks, &problems);
                Some(json!({ "deployment": &*rendering.name, "facts": 0 }))
            }
        }
    }

    /// What all releases render to, and their values by file.
    fn render(
        &self,
        rendering: &Rendering<'_>,
        charts: &[PathBuf],
        folder: &Folder,
        problems: &mut Problems,
        report: &mut Report,
    ) -> Option<(String, BTreeMap<String, String>)> {
        let (mut manifests, mut values) = (String::new(), BTreeMap::new());
        for (release, chart) in rendering.releases.iter().zip(charts) {
            let path = format!("{}/helm/{}", rendering.name, release.file);
            let Some(text) = text(folder, &path) else {
                problems.push(&codes::NOT_RENDERED, &folder.shown(&path), "the values cannot be read", None);
                return None;
            };
            if let Some(missing) = missing(chart) {
                let message = format!(
                    "chart `{}` needs chart `{}`, which is not in its folder `charts/`",
                    release.chart,
                    visible_line(&missing)
                );
                let hint = format!("fetch it, which is never done here: `helm dependency build {}`", shown(chart));
                problems.push(&codes::CHART_INCOMPLETE, &shown(chart), message, Some(hint));
                return None;
            }
            let asked = helm::Chart {
                folder: chart,
                release: &release.name,
                namespace: &rendering.namespace,
                values: &folder.on_disk(&path),
                kube_version: self.kube_version,
            };
            match self.helm.template(&asked) {
                Ok(rendered) => manifests.push_str(&rendered),
                Err(stopped) => {
                    refused(&stopped, release, chart, problems, report);
                    return None;
                }
            }
            manifests.push('\n');
            values.insert(release.file.to_string(), text);
        }
        Some((manifests, values))
    }

    /// Says what a comparison found, to people and to programs.
    fn tell(&self, rendering: &Rendering<'_>, found: &Comparison, at: &Places<'_>, report: &mut Report) -> Value {
        let mut diags = Diags::default();
        for difference in &found.differences {
            diags.push(finding(difference, at));
        }
        for (spot, why) in &found.troubles {
            let message = format!("{why}: {}", spot_text(spot));
            diags.push(codes::MANIFEST_TROUBLE.at(Span::default(), message));
        }
        report.add(self.looks, &diags.sorted(), at.sources);
        let charts: Vec<String> =
            rendering.releases.iter().map(|release| format!("{} {}", release.chart, release.version)).collect();
        let compared = format!("{} rendered from {}", counted(found.facts, "fact"), charts.join(" and "));
        let apart = if found.declared.is_empty() {
            String::new()
        } else {
            format!(", {} declared to differ", found.declared.len())
        };
        let (style, text) = match found.differences.len() {
            0 => (Style::Green, format!("{compared}, as Compose has them{apart}")),
            many => (Style::Red, format!("{compared}, {} not as Compose has them{apart}", many)),
        };
        report.lines.push_str(&indented(self.looks, style, &rendering.name, &text));
        for declared in &found.declared {
            report.lines.push_str(&declared_line(self.looks, declared));
        }
        json!({
            "deployment": &*rendering.name,
            "charts": charts,
            "facts": found.facts,
            "differences": found.differences.iter().map(|it| difference_json(it, at)).collect::<Vec<_>>(),
            "declared": found.declared.iter().map(declared_json).collect::<Vec<_>>(),
        })
    }
}

/// Where places of differences lie.
struct Places<'a> {
    /// The Compose file, as messages show it.
    compose: String,
    /// The texts of the settings.
    sources: &'a Sources,
}

/// A difference at the setting that is behind it.
fn finding(difference: &Difference, at: &Places<'_>) -> crate::diag::Finding {
    let mut places = Vec::new();
    places.extend(difference.compose.map(|line| format!("{}:{line}", at.compose)));
    places.extend(difference.manifests.as_ref().map(spot_text));
    let places = if places.is_empty() { String::new() } else { format!(" ({})", places.join("; ")) };
    let from: BTreeSet<String> = difference.origins.iter().map(|origin| format!("`{}`", origin.path)).collect();
    let from: Vec<String> = from.into_iter().collect();
    let underline = if from.is_empty() { String::new() } else { format!("from {}", from.join(", ")) };
    codes::RENDERED_DIFFERS.at(difference.at, format!("{}{places}", difference.message)).underline(underline)
}

/// `app/templates/workloads.yaml: Deployment/shop-api spec.replicas`.
fn spot_text(spot: &Spot) -> String {
    let text = format!("{}: {} {}", spot.template, spot.object, spot.path);
    visible_line(text.trim_matches([':', ' '])).into_owned()
}

fn difference_json(difference: &Difference, at: &Places<'_>) -> Value {
    let setting = |origin: &crate::plan::Origin| {
        let source = at.sources.get(origin.span.source);
        let line = source.map_or(0, |source| source.line_column(origin.span.start).0);
        json!({ "path": &*origin.path, "file": source.map_or("", |source| &source.name), "line": line })
    };
    json!({
        "class": difference.word(),
        "fact": difference.path.to_string(),
        "message": redacted(&difference.message),
        "compose": difference.compose.map(|line| json!({ "file": at.compose, "line": line })),
        "manifest": difference.manifests.as_ref().map(|spot| json!({
            "template": spot.template, "object": spot.object, "path": spot.path,
        })),
        "settings": difference.origins.iter().map(setting).collect::<Vec<_>>(),
    })
}

fn declared_line(looks: Looks, declared: &Declared) -> String {
    let word = looks.paint(Style::Cyan, "declared");
    let Declared { message, kind, subject, because, .. } = declared;
    format!(
        "    {word} {}: {} ({kind} {})\n",
        visible_line(&redacted(message)),
        visible_line(because),
        visible_line(subject)
    )
}

fn declared_json(declared: &Declared) -> Value {
    json!({
        "fact": declared.path.to_string(), "message": redacted(&declared.message), "kind": declared.kind,
        "subject": declared.subject, "because": declared.because,
    })
}

fn indented(looks: Looks, style: Style, name: &str, text: &str) -> String {
    format!("  {}: {}\n", visible_line(name), looks.paint(style, text))
}

/// Says why a chart was not rendered, with what Helm said on one line.
fn refused(stopped: &Stopped, release: &Release, chart: &Path, problems: &mut Problems, report: &mut Report) {
    let (message, said) = match stopped {
        Stopped::Refused(said) => ("Helm does not render it", said.clone()),
        Stopped::Unanswered(why) => {
            report.worsen(Outcome::NotAsked);
            ("Helm was not waited for any longer", why.clone())
        }
    };
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said: String = said.join("; ").chars().take(MOST_SAID).collect();
    let message = format!("chart `{}` {}: {message}: {}", release.chart, release.version, redacted(&said));
    problems.push(&codes::NOT_RENDERED, &shown(chart), message, None);
}

/// The chart in a folder.
fn chart_in(folder: &Path) -> Result<Chart, Failure> {
    let help = "name the folder that holds the chart's `Chart.yaml`";
    let path = folder.join("Chart.yaml");
    let bytes = read_regular(&path, MAX_SOURCE_BYTES)
        .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", shown(&path)), help))?;
    let read = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()).and_then(|text| Chart::read(&text));
    read.map_err(|why| Failure::new(format!("`{}`: {}", shown(&path), visible_line(&why)), help))
}

/// A chart that this one needs and that does not lie in its folder.
fn missing(chart: &Path) -> Option<String> {
    let read = chart_in(chart).ok()?;
    let entries = fs::read_dir(chart.join("charts")).into_iter().flatten();
    let present: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    read.missing(&present).map(str::to_owned)
}

/// What a Compose file names, as a path below `out/ENV`; nothing for what lies outside.
fn below(deployment: &SmolStr, path: &str) -> Option<String> {
    let mut parts = vec![&**deployment, "compose"];
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn bytes(folder: &Folder, path: &str) -> Option<Vec<u8>> {
    if crate::lock::path_problem(path).is_some() {
        return None;
    }
    folder.read(path, &mut Problems::default()).flatten()
}

fn text(folder: &Folder, path: &str) -> Option<String> {
    String::from_utf8(bytes(folder, path)?).ok()
}

fn shown(path: &Path) -> String {
    visible_line(&path.to_string_lossy()).into_owned()
}

//! `trueline explain`: where a setting's value comes from and where it goes; or what a code means.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    console::{Console, Format, Looks, Style},
    project::Project,
    report::{self, FindingsTo},
};
use crate::{
    compile::{Compiled, Explanation},
    diag::{codes, nearest},
    plan::Origin,
    source::{Sources, Span},
    targets::{File, Leaf},
    visible::{visible, visible_line},
};

#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// An environment; or a code, such as TL0213
    #[arg(value_name = "ENV|CODE")]
    subject: String,
    /// The path of a setting or group, such as `postgres.storage.size`; everything, where it is left out
    path: Option<String>,
}

impl Arguments {
    /// Whether a code is asked for: `TL` and digits, in any case.
    pub(super) fn is_code(&self) -> bool {
        let digits = self.subject.get(2..).unwrap_or("");
        self.subject.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("TL"))
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Prints the page of a code.
pub(super) fn code(console: &Console, arguments: &Arguments) -> Result<Outcome, Failure> {
    let wanted = arguments.subject.to_ascii_uppercase();
    if arguments.path.is_some() {
        return Err(Failure::new("a code is explained by itself", format!("type `trueline explain {wanted}`")));
    }
    let Some((id, page)) = codes::PAGES.iter().find(|(id, _)| *id == wanted) else {
        let near = nearest(&wanted, codes::PAGES.iter().map(|(id, _)| *id)).unwrap_or("TL0001");
        return Err(Failure::new(format!("there is no code `{wanted}`"), format!("did you mean `{near}`?")));
    };
    match console.looks.format {
        Format::Human => console.answer(page),
        Format::Json => console.answer(&format!("{:#}\n", json!({"code": id, "page": page}))),
    }
    Ok(Outcome::Fine)
}

/// Prints what is known of the settings below a path.
pub(super) fn run(console: &Console, project: &Project, arguments: &Arguments) -> Result<Outcome, Failure> {
    let looks = console.looks;
    let path = arguments.path.as_deref().unwrap_or("");
    let missing = std::sync::Mutex::new(None);
    let reports = report::each(looks, project, std::slice::from_ref(&arguments.subject), |compiled, report| {
        let all = compiled.explanations();
        let found = settings_below(&all, path);
        if found.is_empty() {
            report.worsen(Outcome::NotAsked);
            let failure = unknown_setting(compiled, &all, path);
            *missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(failure);
            return;
        }
        match looks.format {
            Format::Human => report.lines = text(looks, compiled, &all, path, &found) + &required(compiled, path),
            Format::Json => {
                let requires = compiled.requires.iter().map(|it| json!({"name": it.name, "crd": it.crd}));
                let requires: Vec<Value> = requires.collect();
                report.json = json!({"settings": to_json(compiled, &all, &found), "requires": requires});
            }
        }
    })?;
    match missing.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(report::print(console, &reports, FindingsTo::Remarks)),
    }
}

/// What is known of the setting of this path, or of all below it; in the order of the stack.
fn settings_below<'a>(all: &'a [Explanation], path: &str) -> Vec<&'a Explanation> {
    let is_below = |it: &&Explanation| {
        path.is_empty()
            || it.path == path
            || it.path.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    all.iter().filter(is_below).collect()
}

fn unknown_setting(compiled: &Compiled, all: &[Explanation], path: &str) -> Failure {
    let shown = visible_line(path);
    let paths = || all.iter().map(|it| it.path.as_str());
    let last = path.rsplit('.').next().unwrap_or(path);
    // The end of a path is what people remember: `storage.size` for `postgres.storage.size`.
    let same_end = || paths().find(|known| known.ends_with(&format!(".{path}")));
    let same_name = || paths().find(|known| known.rsplit('.').next() == Some(last));
    let help = match nearest(path, paths()).or_else(same_end).or_else(same_name) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`trueline explain {}` lists all settings", compiled.environment),
    };
    Failure::new(format!("`{}` has no setting `{shown}`", compiled.environment), help)
}

fn text(looks: Looks, compiled: &Compiled, all: &[Explanation], path: &str, found: &[&Explanation]) -> String {
    let mut text = String::new();
    if found.iter().any(|it| it.path != path) {
        for it in found.iter().filter(|it| it.view == "base" || !is_as_base(it, found)) {
            _ = writeln!(
                text,
                "{} = {}  {}",
                name(it),
                value(it),
                looks.paint(Style::Dim, &origin(it, &compiled.sources))
            );
        }
        return text;
    }
    for it in found.iter().filter(|it| it.view == "base" || !is_as_base(it, found)) {
        _ = writeln!(text, "{} = {}", looks.paint(Style::Bold, &name(it)), value(it));
        if !it.about.is_empty() && it.view == "base" {
            _ = writeln!(text, "  {}", visible(&it.about));
        }
        let line = |label: &str, words: &str| format!("  {label:<8} {words}\n");
        text.push_str(&line("set by", &origin(it, &compiled.sources)));
        for (who, span) in &it.lost {
            text.push_str(&line("not", &format!("{}  {}", visible_line(who), place(&compiled.sources, Some(*span)))));
        }
        for (target, because) in &it.absent {
            text.push_str(&line("absent", &format!("{target}: {}", visible_line(because))));
        }
        if it.view == "base" {
            for reach in reaches(compiled, all, it) {
                text.push_str(&line("reaches", &format!("{}  {}", reach.place(), visible_line(&reach.keys))));
            }
        }
    }
    text
}

/// What the cluster must have, where nothing less than everything is asked for.
fn required(compiled: &Compiled, path: &str) -> String {
    if !path.is_empty() || compiled.requires.is_empty() {
        return String::new();
    }
    let lines = compiled.required().into_iter().map(|wanted| format!("  {}\n", visible_line(&wanted)));
    format!("the cluster must have:\n{}", lines.collect::<String>())
}

/// Whether a target's view says the same as the base view.
fn is_as_base(it: &Explanation, found: &[&Explanation]) -> bool {
    found.iter().any(|base| {
        base.view == "base"
            && (&base.deployment, &base.path, &base.value, &base.set_by)
                == (&it.deployment, &it.path, &it.value, &it.set_by)
    })
}

fn name(it: &Explanation) -> String {
    let view = if it.view == "base" { String::new() } else { format!(" ({})", it.view) };
    format!("{}{view}", visible_line(&it.path))
}

fn value(it: &Explanation) -> String {
    visible_line(it.value.as_deref().unwrap_or("no value")).into_owned()
}

fn origin(it: &Explanation, sources: &Sources) -> String {
    let place = place(sources, it.span);
    // Where the place names the file, saying the file again adds nothing.
    if place.starts_with(&it.set_by) { place } else { format!("{}  {place}", visible_line(&it.set_by)) }
}

/// `environments/prod.kdl:3:14`, or nothing.
fn place(sources: &Sources, span: Option<Span>) -> String {
    let found = span.and_then(|span| sources.get(span.source).map(|source| (source, source.line_column(span.start))));
    found.map_or_else(String::new, |(source, (line, column))| format!("{}:{line}:{column}", visible_line(&source.name)))
}

/// A leaf of an output that a setting is part of.
struct Reach {
    file: String,
    line: Option<usize>,
    keys: String,
}

impl Reach {
    fn place(&self) -> String {
        let line = self.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}", visible_line(&self.file))
    }
}

/// The setting, and those that were computed from it, in one step or in several.
fn carriers<'a>(all: &'a [Explanation], it: &'a Explanation) -> BTreeMap<&'a str, Option<Span>> {
    let mut carriers = BTreeMap::from([(it.path.as_str(), it.span)]);
    let mut waiting = vec![it.path.as_str()];
    while let Some(path) = waiting.pop() {
        let computed = all
            .iter()
            .filter(|other| other.deployment == it.deployment && other.computed_from.iter().any(|read| read == path));
        let new = computed.filter(|other| carriers.insert(&other.path, other.span).is_none());
        waiting.extend(new.map(|other| other.path.as_str()));
    }
    carriers
}

/// The leaves that the setting is part of, in the order of the files.
fn reaches(compiled: &Compiled, all: &[Explanation], it: &Explanation) -> Vec<Reach> {
    let folder = format!("{}/", it.deployment);
    let carriers = carriers(all, it);
    let of_file = |file: &File| -> Vec<Reach> {
        let is_ours = file.path.starts_with(&folder);
        // What is said of the whole stands beside the deployments' folders.
        let is_of_all = !file.path.contains('/');
        let carries = |origin: &Origin| {
            carriers.get(&*origin.path).is_some_and(|span| is_ours || is_of_all && gave(all, *span, origin))
        };
        let reach = |leaf: Leaf<'_>| Reach {
            file: format!("out/{}/{}", compiled.environment, file.path),
            line: file.line_of(leaf),
            keys: leaf.path().join("."),
        };
        file.leaves.iter().filter(|leaf| leaf.origins().iter().any(carries)).map(reach).collect()
    };
    compiled.files.iter().flat_map(of_file).collect()
}

/// Whether it is this place that a leaf has its value from, and not the same setting of another deployment; none where a
/// default gave it.
fn gave(all: &[Explanation], span: Option<Span>, origin: &Origin) -> bool {
    let written = |other: &Explanation| other.path == *origin.path && other.span == Some(origin.span);
    span.map_or_else(|| !all.iter().any(written), |span| span == origin.span)
}

fn to_json(compiled: &Compiled, all: &[Explanation], found: &[&Explanation]) -> Vec<Value> {
    let one = |it: &&Explanation| {
        let reaches: Vec<Value> = reaches(compiled, all, it)
            .iter()
            .map(|reach| json!({"file": reach.file, "line": reach.line, "keys": reach.keys}))
            .collect();
        let at = |span| place(&compiled.sources, span);
        json!({
            "deployment": it.deployment,
            "view": it.view,
            "path": it.path,
            "value": it.value,
            "about": it.about,
            "set_by": it.set_by,
            "at": at(it.span),
            "lost": it.lost.iter().map(|(who, span)| json!({"who": who, "at": at(Some(*span))})).collect::<Vec<_>>(),
            "absent": it.absent.iter().map(|(target, because)| json!({"target": target, "because": because})).collect::<Vec<_>>(),
            "reaches": reaches,
        })
    };
    found.iter().map(one).collect()
}

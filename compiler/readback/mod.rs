//! What was printed, read again by readers of our own, against the plan and the charts' surfaces.
//!
//! In: an environment, its plan, the printed files. Out: findings.
//! Never: the printers' code, the disk.
//! Invariant: a fact that is said to Compose and to Helm is said alike, or a finding names the setting; a mistake in
//! a projection, in a printer or on a surface cannot pass here because each of them was written apart.

mod carried;
mod chart;
mod compose;
mod says;
mod shape;
mod views;

use std::sync::Arc;

use crate::{
    diag::{Diags, codes},
    facts::Fact,
    model::{Deployed, Env},
    plan::{Deployment, Format, Origin, Plan},
    read::{self, Node, Unreadable},
    schema::{SettingId, Stack},
    source::Span,
    targets::File,
    value::{self, Value},
};

/// Reads every file again, and compares what it says with the plan.
pub fn check(env: &Env, plan: &Plan, files: &[File], diags: &mut Diags) {
    for file in files {
        if let Some(Err(error)) = tree_of(file) {
            unreadable(file, &error, diags);
        }
    }
    if diags.has_errors() {
        return; // nothing to compare with
    }
    for (deployed, deployment) in env.deployments.iter().zip(&plan.deployments) {
        one(env, deployed, deployment, files, diags);
    }
}

fn one(env: &Env, deployed: &Deployed, deployment: &Deployment, files: &[File], diags: &mut Diags) {
    let find = |path: String| files.iter().find(|file| file.path == path);
    if let Some(compose) = &deployment.compose
        && let Some(file) = find(format!("{}/compose/compose.yaml", deployment.name))
    {
        compose::check(deployment, compose, file, files, diags);
    }
    for release in &deployment.helm {
        if let Some(file) = find(format!("{}/helm/{}", deployment.name, release.file))
            && let Some(surface) = surface_of(&deployed.stack, release)
        {
            chart::check(env, deployed, deployment, release, &surface, file, diags);
        }
    }
    nowhere(deployed, deployment, diags);
    views::check(deployed, deployment, diags);
}

/// Reports workloads that no chart runs.
fn nowhere(deployed: &Deployed, deployment: &Deployment, diags: &mut Diags) {
    let surfaces: Option<Vec<_>> =
        deployment.helm.iter().map(|release| surface_of(&deployed.stack, release)).collect();
    let Some(surfaces) = surfaces.filter(|surfaces| !surfaces.is_empty()) else { return };
    for workload in &deployment.cluster {
        let mut runs = surfaces.iter().flat_map(|surface| &surface.runs);
        if !runs.any(|runs| runs.workload == workload.name) {
            let message = format!("no chart of `{}` runs `{}`", deployment.name, workload.name);
            let hint = format!("add `runs \"{}\"` to the surface of the chart that does", workload.name);
            diags.push(codes::RUNS_DIFFERS.at(workload.at, message).hint(hint));
        }
    }
}

fn surface_of(stack: &Stack, release: &crate::plan::Release) -> Option<Arc<crate::schema::Surface>> {
    let mut declared = stack.helm.iter().flat_map(|block| &block.releases);
    let same = |found: &&crate::schema::Release| {
        found.name == release.name && found.chart == release.chart && found.version == release.version
    };
    stack.surface(declared.find(same)?)
}

/// A printed file as a tree; nothing for one that has no format.
fn tree_of(file: &File) -> Option<Result<Node<'_>, Unreadable>> {
    let format = file.format?;
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return Some(Err(Unreadable { line: 1, message: "it is not UTF-8".to_owned() }));
    };
    match format {
        Format::Yaml => Some(read::yaml::parse(text)),
        Format::Toml | Format::Json | Format::Ini => None,
    }
}

fn unreadable(file: &File, error: &Unreadable, diags: &mut Diags) {
    let message = format!("`{}` cannot be read back: line {}: {}", file.path, error.line, error.message);
    let at = file.leaves.iter().next().map_or(Span::default(), |leaf| leaf.at());
    diags.push(codes::UNREADABLE_OUTPUT.at(at, message).hint("please report it, with the environment"));
}

/// The setting of a path, with the keys of the maps above it.
fn setting_of(stack: &Stack, path: &str) -> Option<(SettingId, Vec<Arc<str>>)> {
    let (mut id, mut keys) = (SettingId::ROOT, Vec::new());
    for word in path.split('.') {
        let setting = stack.setting(id);
        id = match setting.children.get(word) {
            Some(child) => *child,
            None => {
                let (crate::schema::Kind::Map(item) | crate::schema::Kind::List(item)) = setting.kind else {
                    return None;
                };
                keys.push(Arc::from(word));
                item
            }
        };
    }
    Some((id, keys))
}

/// Where a fact was said, best the line of the environment that gave its value.
fn place(fact: &Fact) -> Span {
    fact.place.origins.iter().map(|origin| origin.span).min_by_key(|span| span.source).unwrap_or(fact.place.at)
}

/// The settings that a fact was computed from, in words.
fn settings_of(fact: &Fact) -> String {
    from(&fact.place.origins)
}

/// Where something comes from, in words.
fn from(origins: &[Origin]) -> String {
    let paths: Vec<&str> = origins.iter().map(|origin| &*origin.path).collect();
    if paths.is_empty() { String::new() } else { format!(" (from {})", words(&paths)) }
}

/// Paths, each in backticks.
fn words(paths: &[impl AsRef<str>]) -> String {
    paths.iter().map(|path| format!("`{}`", path.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A value as messages show it.
fn spell(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        value => format!("`{}`", value::spell(value)),
    }
}

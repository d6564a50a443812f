//! What was printed, read again by readers of our own, against the plan and the charts' surfaces.
//!
//! In: an environment, its plan, the printed files. Out: findings.
//! Never: the printers' code, the disk.
//! Invariant: a fact that is said to Compose and to Helm is said alike, or a finding names the setting; a mistake in
//! a projection, in a printer or on a surface cannot pass here because each of them was written apart.

mod asks;
mod carried;
mod chart;
mod compose;
mod flux;
mod shape;
mod views;
mod waits;

use std::{collections::BTreeSet, sync::Arc};

use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes},
    facts::{self, Fact, Names},
    model::{Deployed, Env},
    plan::{Deployment, FactPath, Format, Origin, Plan},
    read::{self, Node, Unreadable},
    schema::{self, SettingId, Stack, Surface},
    source::{SourceId, Span},
    targets::{File, Leaf},
    value::{self, Value},
};

/// A file that was printed, with the tree that was read from it; none where its format is not compared.
struct Printed<'f> {
    file: &'f File,
    tree: Option<Node<'f>>,
}

/// Reads every file again, and compares what it says with the plan.
pub fn check(env: &Env, plan: &Plan, files: &[File], diags: &mut Diags) {
    let mut printed = Vec::with_capacity(files.len());
    for file in files {
        match tree_of(file) {
            Ok(tree) => printed.push(Printed { file, tree }),
            Err(error) => unreadable(file, &error, diags),
        }
    }
    if diags.has_errors() {
        return; // nothing to compare with
    }
    for (deployed, deployment) in env.deployments.iter().zip(&plan.deployments) {
        one(env, deployed, deployment, &printed, files, diags);
    }
    flux::check(env, plan, &printed, diags);
}

fn one(
    env: &Env,
    deployed: &Deployed,
    deployment: &Deployment,
    printed: &[Printed<'_>],
    files: &[File],
    diags: &mut Diags,
) {
    let find = |path: String| {
        let found = printed.iter().find(|printed| printed.file.path == path)?;
        Some((found.file, found.tree.as_ref()?))
    };
    if let Some(compose) = &deployment.compose {
        let names = Names::of_compose(compose, &deployment.helm);
        let facts = facts::of_workloads(&compose.workloads, &deployment.configs, &names);
        if let Some((file, tree)) = find(format!("{}/compose/compose.yaml", deployment.name)) {
            let compose = compose::Compose { deployment, compose, names: &names, facts: &facts };
            compose.check(tree, file, files, diags);
        }
        views::check(deployed, deployment, &names, &facts, diags);
        waits::check(deployed, deployment, diags);
    }
    asks::check(deployment, diags);
    let mut surfaces = Vec::new();
    for release in &deployment.helm {
        let declared = deployed.stack.release(release);
        let Some(surface) = declared.and_then(|it| deployed.stack.surface(it)) else { continue };
        if let Some((file, tree)) = find(format!("{}/helm/{}", deployment.name, release.file)) {
            chart::check(&chart::Inputs { env, deployed, deployment, release, surface: &surface, tree, file }, diags);
        }
        surfaces.push(surface);
    }
    if surfaces.len() == deployment.helm.len() {
        unrun(deployment, &surfaces, diags);
    }
}

/// Reports workloads that no chart runs. Where no surface says which ones its chart does, that it says something of a
/// workload is enough; a chart of whose workloads nothing is said could not be compared at all.
fn unrun(deployment: &Deployment, surfaces: &[Arc<Surface>], diags: &mut Diags) {
    let mut runs: BTreeSet<&str> =
        surfaces.iter().flat_map(|surface| &surface.runs).map(|runs| runs.workload.as_ref()).collect();
    if runs.is_empty() {
        let carries = surfaces.iter().flat_map(|surface| surface.keys.iter().flat_map(|key| &key.carries));
        let fixed = surfaces.iter().flat_map(|surface| surface.fixed.iter().map(|fixed| &fixed.fact));
        let unsaid = surfaces.iter().flat_map(|surface| surface.unsaid.iter().flat_map(|unsaid| &unsaid.facts));
        let facts: Vec<&FactPath> = carries.chain(fixed).map(|carry| &carry.fact).chain(unsaid).collect();
        if facts.iter().any(|fact| fact.is_every()) {
            return;
        }
        runs = facts.iter().map(|fact| fact.workload.as_ref()).collect();
        if let Some(surface) = surfaces.first().filter(|_| runs.iter().all(|name| name.is_empty())) {
            return nothing_said(deployment, surface, diags);
        }
    }
    for workload in deployment.cluster.iter().filter(|workload| !runs.contains(workload.name.as_str())) {
        let message = format!("no chart runs `{}`", workload.name);
        let finding = codes::RUNS_DIFFERS.at(workload.at, message);
        diags.push(finding.hint(format!("add `runs \"{}\"` to the surface of the chart that does", workload.name)));
    }
}

/// A surface that speaks of no workload: nothing that the chart makes of the values is compared with what Compose runs.
fn nothing_said(deployment: &Deployment, surface: &Surface, diags: &mut Diags) {
    let workloads: Vec<&str> = deployment.cluster.iter().map(|workload| &*workload.name).collect();
    if workloads.is_empty() {
        return;
    }
    let message = format!(
        "the surface of chart `{}` says nothing of {}: neither that it takes `workloads`, nor what it runs",
        surface.chart,
        words(&workloads)
    );
    let finding = codes::RUNS_DIFFERS.at(surface.span, message);
    diags.push(
        finding.hint(format!("add `runs \"{}\"`, or `carries \"workloads\"` to the key that takes them", workloads[0])),
    );
}

/// A printed file as a tree; nothing for a text that a stack spells out, and for a format without types.
fn tree_of(file: &File) -> Result<Option<Node<'_>>, Unreadable> {
    let Some(format) = file.format else { return Ok(None) };
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return Err(Unreadable { line: 1, message: "it is not UTF-8".to_owned() });
    };
    match format {
        Format::Yaml => read::yaml::parse(text).map(Some),
        Format::Toml => read::toml::parse(text).map(Some),
        Format::Json => read::json::parse(text).map(Some),
        Format::Ini => Ok(None),
    }
}

fn unreadable(file: &File, error: &Unreadable, diags: &mut Diags) {
    let message = format!("`{}` cannot be read back: line {}: {}", file.path, error.line, error.message);
    let at = file.leaves.iter().next().map_or(Span::default(), |leaf| leaf.at());
    diags.push(codes::UNREADABLE_OUTPUT.at(at, message).hint("please report it, with the environment"));
}

/// The setting of a path, with the keys of the maps above it.
fn setting_of(stack: &Stack, path: &str) -> Option<(SettingId, Vec<SmolStr>)> {
    let (mut id, mut keys) = (SettingId::ROOT, Vec::new());
    for word in path.split('.') {
        let setting = stack.setting(id);
        id = match setting.children.get(word) {
            Some(child) => *child,
            None => {
                let (schema::Kind::Map(item) | schema::Kind::List(item)) = setting.kind else {
                    return None;
                };
                keys.push(SmolStr::from(word));
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

/// Whether the environment's `raw` says a leaf: a constant that stands in no stack.
fn is_raw(leaf: Leaf<'_>) -> bool {
    leaf.at().source == SourceId::default() && leaf.origins().is_empty()
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

#[cfg(test)]
mod tests;

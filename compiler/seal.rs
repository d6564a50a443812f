//! What closes an output folder: `settings.json`, and the lock over everything in it.
//!
//! In: `Env`, the files of all targets. Out: the same files with two more.
//! Invariant: neither changes unless a setting, a declared difference, a stack or a file does.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::{
    lock,
    model::{Deployed, Env},
    plan::Tree,
    schema::{Assignment, Given, SettingId},
    settings,
    targets::{File, Leaves},
};

/// The files with `settings.json` and the lock over all of them, by path.
#[must_use]
pub fn seal(env: &Env, mut files: Vec<File>) -> Vec<File> {
    let plain = |path: &str, text: String| File {
        path: path.to_owned(),
        bytes: text.into_bytes(),
        format: None,
        leaves: Leaves::default(),
    };
    let settings = plain(settings::NAME, settings::text(env));
    let digest = lock::digest(&settings.bytes);
    files.push(settings);
    let stacks: Vec<lock::StackLine> = env.deployments.iter().filter_map(stack_line).collect();
    let differences: Vec<lock::Difference> = env.deployments.iter().flat_map(differences).collect();
    let text =
        lock::text(&stacks, digest, &differences, files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())));
    files.push(plain(lock::NAME, text));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn stack_line(deployed: &Deployed) -> Option<lock::StackLine> {
    Some(lock::StackLine {
        deployment: deployed.name.to_string(),
        stack: deployed.stack.name.to_string(),
        version: if deployed.stack.version.is_empty() { "-".to_owned() } else { deployed.stack.version.to_string() },
        digest: lock::Digest::read(&deployed.stack.digest)?,
    })
}

/// What an environment declares to be meant: overrides, raw keys and allowed dangers, each with its reason.
#[must_use]
pub fn declared(deployed: &Deployed) -> Vec<lock::Difference> {
    let mut all = overridden(deployed, deployed.overrides.iter().map(|it| (&it.targets, &it.because, &it.values)));
    for raw in &deployed.raw {
        let mut paths = Vec::new();
        leaf_paths(&raw.tree, &mut Vec::new(), &mut paths);
        let release = if raw.release.is_empty() { String::new() } else { format!("{}: ", raw.release) };
        all.extend(
            paths
                .into_iter()
                .map(|path| difference(deployed, "raw", &raw.target, format!("{release}{path}"), &raw.because)),
        );
    }
    for allow in &deployed.allows {
        let subject = allow.subject.to_string();
        all.push(difference(deployed, "allow", allow.kind, subject, &allow.because));
    }
    all
}

/// The ways in which targets differ on purpose: what the environment declares, and what the stack does.
#[must_use]
pub fn differences(deployed: &Deployed) -> Vec<lock::Difference> {
    let of_stack = deployed.stack.overrides.iter().map(|it| (&it.targets, &it.because, &it.values));
    let mut all = overridden(deployed, of_stack);
    all.extend(declared(deployed));
    for workload in &deployed.stack.workloads {
        for found in &workload.node.overrides {
            let crate::expr::Kind::Literal(name) = &workload.node.name.kind else { continue };
            for target in &found.targets {
                let subject = format!("workload {}", crate::value::spell(name));
                all.push(difference(deployed, "override", target, subject, &found.because));
            }
        }
    }
    all
}

fn difference(deployed: &Deployed, kind: &str, target: &str, subject: String, because: &str) -> lock::Difference {
    lock::Difference {
        deployment: deployed.name.to_string(),
        kind: kind.to_owned(),
        target: target.to_owned(),
        subject,
        because: because.to_owned(),
    }
}

/// One line for each setting that an override gives each target.
fn overridden<'d>(
    deployed: &Deployed,
    overrides: impl Iterator<Item = (&'d Vec<SmolStr>, &'d SmolStr, &'d Vec<Assignment>)>,
) -> Vec<lock::Difference> {
    let mut all = Vec::new();
    for (targets, because, values) in overrides {
        let settings: BTreeSet<SettingId> = values.iter().map(|assignment| assignment.setting).collect();
        // A node that only leads to what is written in it says nothing by itself.
        let leads = |at: &Assignment| {
            at.given == Given::Here
                && deployed.stack.below(at.setting).iter().any(|id| *id != at.setting && settings.contains(id))
        };
        for target in targets {
            for assignment in values.iter().filter(|assignment| !leads(assignment)) {
                let path = deployed.stack.path_of(assignment.setting, &assignment.keys);
                all.push(difference(deployed, "override", target, path.to_string(), because));
            }
        }
    }
    all
}

/// The paths of all leaves of a tree; an empty map counts as one.
fn leaf_paths(tree: &Tree, above: &mut Vec<String>, paths: &mut Vec<String>) {
    match tree {
        Tree::Map(map) if !map.is_empty() => {
            for (key, inner) in map {
                above.push(key.to_string());
                leaf_paths(inner, above, paths);
                above.pop();
            }
        }
        _ => paths.push(above.join(".")),
    }
}

//! What closes an output folder: `settings.json`, and the lock over everything in it.
//!
//! In: `Env`, the files of all targets. Out: the same files with two more.
//! Invariant: neither changes unless a setting, a declared difference, a stack or a file does.

use crate::{
    lock,
    model::{Deployed, Env},
    schema::Given,
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

/// The ways in which targets differ on purpose: overrides and raw keys of the environment, overrides of the stack.
fn differences(deployed: &Deployed) -> Vec<lock::Difference> {
    let difference = |kind: &str, target: &str, subject: String, because: &str| lock::Difference {
        deployment: deployed.name.to_string(),
        kind: kind.to_owned(),
        target: target.to_owned(),
        subject,
        because: because.to_owned(),
    };
    let mut all = Vec::new();
    let stacks = deployed.stack.overrides.iter().map(|found| (&found.targets, &found.because, &found.values));
    let own = deployed.overrides.iter().map(|found| (&found.targets, &found.because, &found.values));
    for (targets, because, values) in stacks.chain(own) {
        for target in targets {
            for assignment in values.iter().filter(|assignment| assignment.given != Given::Here) {
                let path = deployed.stack.path_of(assignment.setting, &assignment.keys);
                all.push(difference("override", target, path.to_string(), because));
            }
        }
    }
    for workload in &deployed.stack.workloads {
        for found in &workload.node.overrides {
            let crate::expr::Kind::Literal(name) = &workload.node.name.kind else { continue };
            for target in &found.targets {
                let subject = format!("workload {}", crate::value::spell(name));
                all.push(difference("override", target, subject, &found.because));
            }
        }
    }
    for raw in &deployed.raw {
        all.push(difference("raw", &raw.target, "keys".to_owned(), &raw.because));
    }
    all
}

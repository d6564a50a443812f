//! The compiler: one environment's text in, bytes and findings out, nothing else touched.
//!
//! In: an environment, the standard library. Out: [`Compiled`].
//! Never: the disk, the clock, environment variables, other environments.
//! Invariant: the same input gives the same bytes; with an error there are no files.

use std::sync::Arc;

use crate::{
    check,
    diag::{Diags, Finding, Severity},
    explain, lock, lower,
    model::{Deployed, Env},
    resolve,
    schema::Given,
    settings,
    source::{Source, Sources},
    syntax,
    targets::{self, File},
};

pub use crate::{explain::Explanation, stdlib::Stdlib};

/// What a compile gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The environment's name: its file's.
    pub environment: String,
    /// What belongs into `out/ENV`, by path; empty if there was an error.
    pub files: Vec<File>,
    /// What was found, in the order of the places.
    pub findings: Vec<Finding>,
    /// The texts that findings point into.
    pub sources: Sources,
    /// What `settings.json` holds; null if there was an error.
    pub settings: serde_json::Value,
    /// The settings; none if there was no environment to complete.
    pub env: Option<Env>,
}

impl Compiled {
    /// Where every setting got its value from.
    #[must_use]
    pub fn explanations(&self) -> Vec<Explanation> {
        self.env.as_ref().map(|env| explain::explanations(env, &self.sources)).unwrap_or_default()
    }
}

/// Compiles one environment.
#[must_use]
pub fn compile(environment: Arc<Source>, stdlib: &Stdlib) -> Compiled {
    let mut diags = Diags::default();
    let sources = stdlib.sources().with(environment.clone());
    let doc = syntax::parse(&environment, &mut diags);
    let inputs = resolve::Inputs {
        source: &environment,
        sources: &sources,
        stacks: &|name, diags| stdlib.stack(name, diags),
        stack_names: &stdlib.stacks(),
    };
    let resolved = if diags.has_errors() { None } else { resolve::resolve(&doc, &inputs, &mut diags) };
    let mut compiled = Compiled {
        environment: resolve::stem(&environment).to_owned(),
        files: Vec::new(),
        findings: Vec::new(),
        sources: sources.clone(),
        settings: serde_json::Value::Null,
        env: None,
    };
    if let Some(env) = resolved {
        let ruled = check::rules(&env, &mut diags);
        if !diags.has_errors() {
            let lowered = lower::lower(&env, &mut diags);
            // What could not be lowered was perhaps not read.
            let unread = diags.has_errors();
            check::plan(&lowered.plan.deployments, &mut diags);
            if !unread {
                check::used(&env, &lowered, &ruled, &mut diags);
            }
            if !diags.has_errors() {
                compiled.settings = settings::json(&env);
                compiled.files = sealed(&env, &compiled.settings, targets::emit_all(&lowered.plan));
            }
        }
        compiled.env = Some(env);
    }
    // Notes are for those who have nothing to correct.
    let failed = diags.has_errors();
    compiled.findings = diags.sorted();
    compiled.findings.retain(|finding| !failed || finding.code.severity != Severity::Note);
    compiled
}

/// The files with `settings.json` and the lock over all of them, by path.
fn sealed(env: &Env, settings: &serde_json::Value, mut files: Vec<File>) -> Vec<File> {
    let plain = |path: &str, text: String| File {
        path: path.to_owned(),
        bytes: text.into_bytes(),
        format: None,
        leaves: Vec::new(),
    };
    let settings = plain("settings.json", format!("{settings:#}\n"));
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

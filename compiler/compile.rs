//! The compiler: one environment's text in, bytes and findings out, nothing else touched.
//!
//! In: an environment, the standard library. Out: [`Compiled`].
//! Never: the disk, the clock, environment variables, other environments.
//! Invariant: the same input gives the same bytes; with an error there are no files.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    check,
    diag::{Diags, Finding, Severity},
    explain,
    lock::Difference,
    lower,
    model::Env,
    plan::Cluster,
    readback, resolve, seal, settings, shipped,
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
    /// The charts that we ship and a release of it names; they belong into `out/charts`.
    pub charts: BTreeSet<shipped::Version>,
    /// What the cluster must have before Helm or Flux installs anything of it, in words and by the definition that shows it.
    pub requires: Vec<Cluster>,
    /// The settings; none if there was no environment to complete.
    pub env: Option<Env>,
}

impl Compiled {
    /// What `settings.json` holds; null if there was an error.
    #[must_use]
    pub fn settings(&self) -> serde_json::Value {
        let file = self.files.iter().find(|file| file.path == settings::NAME);
        file.and_then(|file| serde_json::from_slice(&file.bytes).ok()).unwrap_or_default()
    }

    /// What the environment declares to be meant: overrides, raw keys and allowed dangers, in the order of the lock.
    #[must_use]
    pub fn declared(&self) -> Vec<Difference> {
        let deployments = self.env.iter().flat_map(|env| &env.deployments);
        let all: BTreeSet<Difference> = deployments.flat_map(seal::declared).collect();
        all.into_iter().collect()
    }

    /// What the cluster must have beforehand, each with the definition that shows it: `cert-manager (issuers.…)`.
    #[must_use]
    pub fn required(&self) -> Vec<String> {
        let spell = |wanted: &Cluster| match wanted.crd.as_ref() {
            "" => wanted.name.to_string(),
            crd => format!("{} ({crd})", wanted.name),
        };
        self.requires.iter().map(spell).collect()
    }

    /// Where every setting got its value from.
    #[must_use]
    pub fn explanations(&self) -> Vec<Explanation> {
        self.env.as_ref().map(|env| explain::explanations(env, &self.sources)).unwrap_or_default()
    }
}

/// Compiles one environment: text in, bytes and findings out, nothing else touched.
#[must_use]
pub fn compile(environment: Arc<Source>, stdlib: &Stdlib) -> Compiled {
    let mut diags = Diags::default();
    let sources = stdlib.sources().with(environment.clone());
    let doc = syntax::parse_as_meant(&environment, &mut diags);
    let inputs = resolve::Inputs {
        source: &environment,
        sources: &sources,
        stacks: &|name, diags| stdlib.stack(name, diags),
        stack_names: &stdlib.stacks(),
    };
    let env = doc.and_then(|doc| resolve::resolve(&doc, &inputs, &mut diags));
    let (files, charts, requires) = env.as_ref().and_then(|env| outputs(env, &mut diags)).unwrap_or_default();
    let environment = resolve::stem(&environment).to_owned();
    Compiled { environment, files, findings: told(diags), sources, charts, requires, env }
}

/// Files, charts of ours, and what the cluster must have.
type Outputs = (Vec<File>, BTreeSet<shipped::Version>, Vec<Cluster>);

/// The stages behind resolving; nothing once one of them has found an error.
fn outputs(env: &Env, diags: &mut Diags) -> Option<Outputs> {
    let ruled = check::rules(env, diags);
    if diags.has_errors() {
        return None; // what is wrong already would only be misunderstood further on
    }
    let lowered = lower::lower(env, diags);
    let whole = !diags.has_errors();
    check::plan(&lowered.plan.deployments, diags);
    if whole {
        check::allowed(env, &lowered.plan.deployments, diags);
        check::used(env, &lowered, &ruled, diags); // what could not be lowered was perhaps not read
    }
    if diags.has_errors() {
        return None;
    }
    let files = targets::emit_all(&lowered.plan);
    readback::check(env, &lowered.plan, &files, diags);
    let releases = lowered.plan.deployments.iter().flat_map(|deployment| &deployment.helm);
    let charts = releases.filter_map(|release| shipped::folder(&release.chart, &release.version)).collect();
    (!diags.has_errors()).then(|| (seal::seal(env, files), charts, lowered.cluster))
}

/// All findings; notes are for those who have nothing to correct.
fn told(diags: Diags) -> Vec<Finding> {
    let failed = diags.has_errors();
    let mut findings = diags.sorted();
    findings.retain(|finding| !failed || finding.code.severity != Severity::Note);
    findings
}

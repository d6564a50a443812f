//! Stand-in: something that compiles, until the stages are there.

use std::sync::Arc;

use serde_json::json;

use crate::{
    diag::{Diags, Finding, codes},
    lock, plan,
    source::{Source, SourceId, Sources, Span},
    targets::{File, LeafLine},
};

/// The standard library.
#[derive(Default)]
pub struct Stdlib {
    sources: Sources,
}

impl Stdlib {
    /// The shipped one.
    #[must_use]
    pub fn embedded() -> Stdlib {
        Stdlib::default()
    }

    /// With a project's own stacks and extensions.
    #[must_use]
    pub fn with_project(
        stacks: Vec<(String, Vec<(String, String)>)>,
        extensions: Vec<(String, String)>,
        _diags: &mut Diags,
    ) -> Stdlib {
        let texts = stacks.into_iter().flat_map(|(_, texts)| texts).chain(extensions).zip(1..);
        let sources = texts.map(|((name, text), id)| Arc::new(Source { id: SourceId(id), name, text })).collect();
        Stdlib { sources: Sources::new(sources) }
    }

    /// Its texts.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Its stacks.
    #[must_use]
    pub fn stacks(&self) -> Vec<&str> {
        vec!["aeterna"]
    }
}

/// What a compile gives.
pub struct Compiled {
    /// The environment's name.
    pub environment: String,
    /// The files, by path.
    pub files: Vec<File>,
    /// The findings, sorted.
    pub findings: Vec<Finding>,
    /// The texts that findings point into.
    pub sources: Sources,
    /// What `settings.json` holds.
    pub settings: serde_json::Value,
    /// What `explain` prints.
    pub explanations: Vec<Explanation>,
}

/// What `explain` prints of one setting.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "stand-in")]
pub struct Explanation {
    pub deployment: String,
    pub view: String,
    pub path: String,
    pub value: Option<String>,
    pub about: String,
    pub set_by: String,
    pub span: Option<Span>,
    pub lost: Vec<(String, Span)>,
    pub absent: Vec<(String, String)>,
}

/// Compiles one environment.
#[must_use]
pub fn compile(environment: Arc<Source>, stdlib: &Stdlib) -> Compiled {
    let name = environment.name.trim_start_matches("environments/").trim_end_matches(".kdl").to_owned();
    let sources = stdlib.sources().with(environment.clone());
    let text = &environment.text;
    let whole = Span::new(SourceId(0), 0, text.len());
    if !text.contains("stack=\"aeterna\"") {
        let findings = vec![codes::SYNTAX.at(whole, "there is no such stack").hint("write `stack=\"aeterna\"`")];
        let settings = serde_json::Value::Null;
        return Compiled { environment: name, files: vec![], findings, sources, settings, explanations: vec![] };
    }
    let at = text.find("replicas");
    let replicas =
        at.and_then(|at| text[at + 9..].split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()).unwrap_or(1);
    let span = at.map_or(whole, |at| whole.within(at, at + 10));
    let settings = json!({"aeterna": {"app": {"replicas": replicas}}});
    let origins = vec![plan::Origin { path: "app.replicas".into(), span }];
    let leaf = LeafLine { path: vec!["aeterna".into(), "replicaCount".into()], origins, at: whole };
    let file = |path: &str, text: String, leaves: Vec<LeafLine>| File {
        path: path.into(),
        bytes: text.into(),
        format: None,
        leaves,
    };
    let mut files = vec![
        file("aeterna/helm/values.yaml", format!("aeterna:\n  replicaCount: {replicas}\n"), vec![leaf]),
        file("settings.json", format!("{settings:#}\n"), vec![]),
    ];
    let all = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
    let lock = lock::text(&[], lock::digest(&files[1].bytes), &[], all);
    files.push(file("trueline.lock", lock, vec![]));
    let explanation = Explanation {
        deployment: "aeterna".into(),
        view: "base".into(),
        path: "app.replicas".into(),
        value: Some(replicas.to_string()),
        about: "Server replicas".into(),
        set_by: environment.name.clone(),
        span: Some(span),
        lost: vec![("default".into(), span)],
        absent: vec![("toml".into(), "the server does not read its replica count".into())],
    };
    Compiled { environment: name, files, findings: vec![], sources, settings, explanations: vec![explanation] }
}

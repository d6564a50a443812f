//! Findings about files, as opposed to places in a text that was read.
//!
//! In: a code, the path of a file, a message. Out: [`Finding`]s whose [`Sources`] name the files.
//! Never: what is in a file, because an edited output may hold a secret.

use std::sync::Arc;

use crate::{
    diag::{Code, Finding, Severity},
    source::{Source, SourceId, Sources, Span},
    visible::visible_line,
};

/// Findings about files, with the names of the files.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    findings: Vec<Finding>,
    names: Vec<Arc<Source>>,
}

impl Problems {
    /// One problem.
    #[must_use]
    pub(super) fn one(code: &'static Code, path: &str, message: impl Into<String>, hint: Option<String>) -> Problems {
        let mut problems = Problems::default();
        problems.push(code, path, message, hint);
        problems
    }

    /// Adds a finding about the file of this path, which is relative to the project's root.
    pub(super) fn push(&mut self, code: &'static Code, path: &str, message: impl Into<String>, hint: Option<String>) {
        let id = SourceId(self.names.len() as u32);
        self.names.push(Arc::new(Source { id, name: visible_line(path).into_owned(), text: String::new() }));
        self.findings.push(code.at(Span::new(id, 0, 0), message).maybe_hint(hint));
    }

    /// Adds other findings behind these.
    pub(super) fn extend(&mut self, others: &Problems) {
        for (finding, source) in others.findings.iter().zip(&others.names) {
            self.push(finding.code, &source.name, finding.message.clone(), finding.help.first().cloned());
        }
    }

    /// The findings, in the order in which they were noticed.
    #[must_use]
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The files that they are about.
    #[must_use]
    pub(super) fn sources(&self) -> Sources {
        Sources::new(self.names.clone())
    }

    /// Whether there is an error among them.
    #[must_use]
    pub(super) fn has_errors(&self) -> bool {
        has_errors(&self.findings)
    }
}

/// Whether there is an error among findings.
#[must_use]
pub(super) fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code.severity == Severity::Error)
}

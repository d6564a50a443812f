//! Findings: what is wrong, where, why, and what to type instead.
//!
//! In: what stages notice. Out: [`Finding`]s in a stable order, and their text for terminals (`render`) and
//! programs (`json`).
//! Never: which stage noticed it.
//! Invariant: every finding has a row in [`codes::CODES`] and a page `docs/errors/TLnnnn.md`.

pub mod codes;
pub mod json;
pub mod mask;
pub mod render;

use std::collections::BTreeSet;

use crate::source::Span;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Something is written, and somebody should look.
    Warning,
    /// Worth knowing once.
    Note,
}

/// A row of the table of codes.
#[derive(PartialEq, Eq, Debug)]
pub struct Code {
    /// `TL` and four digits; never reused.
    pub id: &'static str,
    /// How bad a finding with this code is.
    pub severity: Severity,
    /// What went wrong, in general.
    pub title: &'static str,
}

impl Code {
    /// A finding with this code at a place. The message says what was found and what was wanted.
    pub fn at(&'static self, span: Span, message: impl Into<String>) -> Finding {
        Finding {
            code: self,
            message: message.into(),
            span,
            underline: String::new(),
            labels: Vec::new(),
            help: Vec::new(),
        }
    }
}

/// Something to tell the person who wrote the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its row in the table.
    pub code: &'static Code,
    /// One sentence without a full stop, lower case, KDL words in backticks.
    pub message: String,
    /// The place.
    pub span: Span,
    /// What stands under the place; may be empty.
    pub underline: String,
    /// Further places that explain it.
    pub labels: Vec<Label>,
    /// Things to type.
    pub help: Vec<String>,
}

/// A further place that explains a finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What it has to do with the finding.
    pub text: String,
}

impl Finding {
    /// Says what stands under the place.
    #[must_use]
    pub fn underline(mut self, text: impl Into<String>) -> Finding {
        self.underline = text.into();
        self
    }

    /// Adds a further place. A place that is named already is not named again.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Finding {
        let label = Label { span, text: text.into() };
        if !self.labels.contains(&label) {
            self.labels.push(label);
        }
        self
    }

    /// Adds a further place, if there is one.
    #[must_use]
    pub fn maybe_label(self, span: Option<Span>, text: &str) -> Finding {
        match span {
            Some(span) => self.label(span, text),
            None => self,
        }
    }

    /// Adds something to type.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Finding {
        self.help.push(text.into());
        self
    }

    /// Adds something to type, if there is something.
    #[must_use]
    pub fn maybe_hint(self, text: Option<String>) -> Finding {
        match text {
            Some(text) => self.hint(text),
            None => self,
        }
    }
}

/// The findings of one run, each once.
#[derive(Clone, Debug, Default)]
pub struct Diags {
    findings: Vec<Finding>,
    /// Place, code and message of each, so that a repetition is found at once.
    known: BTreeSet<(Span, &'static str, String)>,
}

/// Most findings that one run keeps; whoever has more mends these first.
const MOST: usize = 1000;

impl Diags {
    /// Adds a finding, unless the same one is there already.
    pub fn push(&mut self, finding: Finding) {
        let key = (finding.span, finding.code.id, finding.message.clone());
        if self.findings.len() < MOST && self.known.insert(key) {
            self.findings.push(finding);
        }
    }

    /// Adds all findings of another run.
    pub fn extend(&mut self, other: Diags) {
        for finding in other.findings {
            self.push(finding);
        }
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.code.severity == Severity::Error)
    }

    /// All findings, in the order of their places.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Finding> {
        self.findings.sort_by(|a, b| (a.span, a.code.id, &a.message).cmp(&(b.span, b.code.id, &b.message)));
        self.findings
    }

    /// All findings, in the order in which they were noticed.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.findings
    }
}

/// The candidate that `word` most likely meant, or none where nothing is near.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Words in backticks, with commas; the first eight, and how many more there are.
#[must_use]
pub fn list_of(words: &[&str]) -> String {
    let shown: Vec<String> = words.iter().take(8).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > 8 { format!(" and {} more", words.len() - 8) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Edits between two words; two neighbouring letters swapped count as one.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

//! Findings: what is wrong, where, why, and what to type instead.
//!
//! In: what stages notice. Out: [`Finding`]s in a stable order, and their text for terminals (`render`) and
//! programs (`json`).
//! Never: which stage noticed it; what has the form of a secret.
//! Invariant: every finding has a row in [`codes::CODES`] and a page `docs/errors/TLnnnn.md`.

pub mod codes;
pub mod json;
pub mod mask;
pub mod render;

use std::{borrow::Cow, collections::BTreeSet};

use crate::{sensitive::redacted, source::Span};

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

/// The blocks of codes that are asked for; `docs/architecture.md` has all of them.
const SYNTAX: &str = "TL00";
const VALUES: &str = "TL02";

impl Code {
    /// What it is about: its letters and first two digits.
    fn block(&self) -> &'static str {
        &self.id[..SYNTAX.len()]
    }

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

/// Longest text of a finding, in bytes.
const LONGEST: usize = 2000;

/// Ends a text that is longer than this with `…`.
fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
}

impl Finding {
    /// Takes out of the texts what has the form of a secret, and cuts what nobody would read.
    fn redact(&mut self) {
        let labels = self.labels.iter_mut().map(|label| &mut label.text);
        let texts = [&mut self.message, &mut self.underline].into_iter().chain(&mut self.help).chain(labels);
        for text in texts {
            cut(text, 4 * LONGEST);
            if let Cow::Owned(safe) = redacted(text) {
                *text = safe;
            }
            cut(text, LONGEST);
        }
    }
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
    /// How many of them are errors.
    errors: usize,
}

/// Most errors, and most other findings, that one run keeps; whoever has more mends these first.
const MOST: usize = 1000;

impl Diags {
    /// Adds a finding, unless the same one is there already. What has the form of a secret is taken out of its texts.
    ///
    /// What is wrong with a value is not said of one that is no KDL as it stands: first it has to be known which it is.
    pub fn push(&mut self, mut finding: Finding) {
        // Counted apart, so that no number of notes hides an error.
        let is_error = finding.code.severity == Severity::Error;
        let count = if is_error { self.errors } else { self.findings.len() - self.errors };
        if count >= MOST {
            return;
        }
        let is_no_kdl = |other: &Finding| other.code.block() == SYNTAX && other.span == finding.span;
        if finding.code.block() == VALUES && self.findings.iter().any(is_no_kdl) {
            return;
        }
        let key = (finding.span, finding.code.id, finding.message.clone());
        if self.known.insert(key) {
            finding.redact();
            self.errors += usize::from(is_error);
            self.findings.push(finding);
        }
    }

    /// Whether no further error is kept, so that nobody need think about what to say.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.errors >= MOST
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
        self.errors > 0
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
    let length = word.chars().count();
    let limit = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many words a list shows: whoever misspelt one has to see the right one.
const SHOWN: usize = 40;

/// Words in backticks, with commas; the first forty, and how many more there are.
#[must_use]
pub fn list_of(words: &[&str]) -> String {
    let shown: Vec<String> = words.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > SHOWN { format!(" and {} more", words.len() - SHOWN) } else { String::new() };
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

#[cfg(test)]
mod tests {
    use super::*;

    static NOTE: Code = Code { id: "TL0506", severity: Severity::Note, title: "" };
    static ERROR: Code = Code { id: "TL0205", severity: Severity::Error, title: "" };

    #[test]
    fn notes_do_not_crowd_an_error_out() {
        let mut diags = Diags::default();
        for at in 0..MOST + 10 {
            diags.push(NOTE.at(Span::default(), at.to_string()));
        }
        assert!(!diags.has_errors());
        diags.push(ERROR.at(Span::default(), "wrong"));
        assert!(diags.has_errors());
        assert_eq!(diags.as_slice().len(), MOST + 1);
    }

    #[test]
    fn no_text_of_a_finding_holds_the_form_of_a_secret() {
        let key = ["ghp_", "0123456789abcdefghij0123456789abcdef"].concat();
        let mut diags = Diags::default();
        let finding = ERROR.at(Span::default(), format!("`{key}` is wrong")).underline(&key);
        diags.push(finding.hint(format!("write `{key}x`")).label(Span::default(), &key));
        let [finding] = diags.as_slice() else { panic!("one finding") };
        assert_eq!(finding.message, "`•••` is wrong");
        let shown = format!("{finding:?}");
        assert!(!shown.contains("ghp_") && !shown.contains("abcdef"), "{shown}");
    }
}

//! What an excerpt hides: text that may be a secret.
//!
//! In: one line of a text and what is wrong on it. Out: the ranges of bytes that must not be shown.
//! Never: schemas; a renderer cannot know which setting is a secret, so it hides too much rather than too little.
//! Invariant: what is hidden keeps its width, so that columns stay.

use std::{collections::BTreeSet, ops::Range};

use super::Finding;
use crate::{
    sensitive,
    source::{SourceId, Sources},
};

/// Words that announce a secret, in lower case. `key` finds `keys` and `api-key`, too.
const SECRET_WORDS: [&str; 10] =
    ["password", "passwd", "passphrase", "secret", "token", "key", "credential", "private", "auth", "bearer"];

/// Codes of settings that are unknown or secret: nobody knows what stands on such a line.
const SECRET_CODES: [&str; 8] = ["TL0064", "TL0101", "TL0112", "TL0113", "TL0221", "TL0226", "TL0240", "TL0241"];

/// Shortest string that is hidden on a line that could not be read.
const LONG: usize = 8;

/// Whether a piece of text has a word in it that announces a secret.
#[must_use]
pub fn names_secret(text: &str) -> bool {
    first_secret_word(text).is_some()
}

/// The end of the first word that announces a secret.
#[must_use]
pub fn first_secret_word(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = |word: &&str| {
        let found = bytes.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word.as_bytes()));
        found.map(|start| start + word.len())
    };
    SECRET_WORDS.iter().filter_map(end).min()
}

/// The lines of the environment on which a secret may stand, by the offsets at which they begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretLines(BTreeSet<usize>);

impl SecretLines {
    /// The lines of findings about settings that are unknown or secret. No finding may show what stands there.
    #[must_use]
    pub fn of(findings: &[Finding], sources: &Sources) -> SecretLines {
        let mut lines = BTreeSet::new();
        let Some(source) = sources.get(SourceId(0)) else { return SecretLines(lines) };
        for finding in findings.iter().filter(|it| it.span.source == SourceId(0) && SECRET_CODES.contains(&it.code.id))
        {
            let end = source.text.floor_char_boundary(finding.span.end as usize);
            let start = source.text.floor_char_boundary(finding.span.start as usize).min(end);
            lines.insert(source.text[..start].rfind('\n').map_or(0, |at| at + 1));
            lines.extend(source.text[start..end].match_indices('\n').map(|(at, _)| start + at + 1));
        }
        SecretLines(lines)
    }

    /// Whether the line that begins at this offset of this text is one of them.
    #[must_use]
    pub fn has(&self, source: SourceId, line: usize) -> bool {
        source == SourceId(0) && self.0.contains(&line)
    }
}

/// What to hide on a line of which text, for a finding that shows it.
///
/// Lines of the standard library are ours and hide nothing. On a line of an environment:
/// - behind a word such as `password`, `token` or `key`: every string and the next bare word;
/// - where the setting is unknown or a secret, by this finding or another one (`secret`): every string and bare word;
/// - what has the form of a secret, wherever it stands;
/// - where the line could not be read: also names behind such a word, every string of eight characters or more, and a line in the
///   middle of a multi-line string as a whole.
///
/// `(secret)"name/key"` is a reference and is shown.
#[must_use]
pub fn hidden(source: SourceId, line: &str, finding: &Finding, secret: bool) -> Vec<Range<usize>> {
    if source != SourceId(0) {
        return Vec::new();
    }
    if line.len() > LONG_LINE {
        // Nobody wrote this by hand; taking it apart for every finding in it would take minutes.
        return std::iter::once(0..line.len()).collect();
    }
    let unreadable = finding.code.id.starts_with("TL00");
    let in_string = matches!(finding.code.id, "TL0007" | "TL0008" | "TL0065" | "TL0066");
    let words = words(line);
    if in_string && !line.contains('"') {
        return std::iter::once(0..line.len()).collect();
    }
    let whole = secret || SECRET_CODES.contains(&finding.code.id);
    let announced = words
        .iter()
        .filter(|word| word.kind != Kind::String)
        .find_map(|word| first_secret_word(&line[word.range.clone()]).map(|end| word.range.start + end));
    let mut next = true;
    let mut hidden = Vec::new();
    for word in words {
        let behind = announced.is_some_and(|end| word.range.start >= end);
        let long = unreadable && line[word.range.clone()].chars().count() >= LONG;
        let hide = match word.kind {
            Kind::String => whole || behind || long,
            Kind::Bare => (behind && (next || unreadable)) || (whole && !is_number(&line[word.range.clone()])),
            Kind::Name => behind && unreadable && !word.assigns,
        };
        next = next && !behind;
        if hide {
            hidden.push(word.range);
        }
    }
    hidden.extend(sensitive::find_hidden(line).map(|found| found.range));
    hidden
}

/// Whether a bare word is a number or the rest of a keyword.
fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
        || ["true", "false", "null"].contains(&word)
}

/// Length of a line that is hidden as a whole, in bytes.
const LONG_LINE: usize = 16 << 10;

#[derive(PartialEq)]
enum Kind {
    /// What stands between quotes.
    String,
    /// A bare word that may be a value.
    Bare,
    /// A bare word that names something: a property, or the first of a node.
    Name,
}

struct Word {
    range: Range<usize>,
    kind: Kind,
    /// Whether an equals sign follows.
    assigns: bool,
}

/// The words of a line. It may be broken or begin in the middle of something, so nothing is taken for granted.
fn words(line: &str) -> Vec<Word> {
    let bytes = line.as_bytes();
    let mut words: Vec<Word> = Vec::new();
    let (mut at, mut leads) = (0, true);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let end = string_end(bytes, at + 1);
                if !is_reference(line, at, end) {
                    words.push(Word { range: at + 1..end, kind: Kind::String, assigns: false });
                }
                at = end + 1;
                leads = false;
            }
            b'{' | b'}' | b';' => {
                at += 1;
                leads = true;
            }
            byte if is_word(byte) => {
                let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                let annotates = line[..at].trim_end().ends_with('(');
                let assigns = line[end..].trim_start().starts_with('=');
                let names = leads || annotates || assigns;
                words.push(Word { range: at..end, kind: if names { Kind::Name } else { Kind::Bare }, assigns });
                leads = leads && bytes.get(end) == Some(&b')');
                at = end;
            }
            _ => at += 1,
        }
    }
    words
}

fn is_word(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\r' | b'"' | b'{' | b'}' | b';' | b'(' | b')' | b'=' | b'#')
}

/// Where a string ends: at its closing quote, or at the end of the line.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Whether the string at `open` is the reference of a secret, `(secret)"name/key"`.
fn is_reference(line: &str, open: usize, end: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let lower = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.');
    let Some((name, key)) = line.get(open + 1..end).and_then(|text| text.split_once('/')) else { return false };
    line[..open].ends_with("(secret)") && name.bytes().all(lower) && key.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::super::{Code, Severity};
    use super::*;
    use crate::source::Span;

    static UNREADABLE: Code = Code { id: "TL0018", severity: Severity::Error, title: "" };
    static LINES: Code = Code { id: "TL0008", severity: Severity::Error, title: "" };
    static UNKNOWN: Code = Code { id: "TL0101", severity: Severity::Error, title: "" };
    static RANGE: Code = Code { id: "TL0205", severity: Severity::Error, title: "" };

    fn shown(code: &'static Code, line: &str) -> String {
        let finding = code.at(Span::default(), "");
        let mut shown = line.to_owned();
        let mut ranges = hidden(SourceId(0), line, &finding, false);
        ranges.sort_by_key(|range| range.start);
        for range in ranges.into_iter().rev() {
            let dots = "*".repeat(line[range.clone()].chars().count());
            shown.replace_range(range, &dots);
        }
        shown
    }

    #[test]
    fn a_line_that_nobody_wrote_is_hidden_as_a_whole() {
        let line = "a;".repeat(LONG_LINE);
        assert_eq!(shown(&UNKNOWN, &line), "*".repeat(line.len()));
    }

    #[test]
    fn strings_behind_a_word_for_a_secret_are_hidden() {
        assert_eq!(shown(&RANGE, "db password=\"hunter2\" size=\"x\""), "db password=\"*******\" size=\"*\"");
        assert_eq!(shown(&RANGE, "db size=\"x\" apiKey=\"hunter2\""), "db size=\"x\" apiKey=\"*******\"");
        assert_eq!(shown(&RANGE, "(x)token hunter2 port=80"), "(x)token ******* port=80");
        assert_eq!(shown(&RANGE, "db password=\"a\\\"b\""), "db password=\"****\"");
        assert_eq!(shown(&RANGE, "app mode=\"hybird\" port=80"), "app mode=\"hybird\" port=80");
        assert_eq!(shown(&RANGE, "env DB_PASSWORD=hunter2"), "env DB_PASSWORD=*******");
    }

    #[test]
    fn references_are_shown() {
        assert_eq!(shown(&RANGE, "llm api-key=(secret)\"openai/api-key\""), "llm api-key=(secret)\"openai/api-key\"");
        assert_eq!(shown(&RANGE, "llm api-key=(secret)\"hunter2\""), "llm api-key=(secret)\"*******\"");
    }

    #[test]
    fn unknown_settings_hide_every_string() {
        assert_eq!(shown(&UNKNOWN, "app pasword=\"x\" \"y\""), "app pasword=\"*\" \"*\"");
    }

    #[test]
    fn what_another_finding_calls_secret_is_hidden() {
        let line = "a \"hunter2\" plain port=80 on=#true";
        let finding = RANGE.at(Span::default(), "");
        let shown: Vec<&str> =
            hidden(SourceId(0), line, &finding, true).into_iter().map(|range| &line[range]).collect();
        assert_eq!(shown, ["hunter2", "plain"]);
    }

    #[test]
    fn forms_of_secrets_are_hidden_wherever_they_stand() {
        let key = ["AKIA", "ABCDEFGHIJKLMNOP"].concat();
        let stars = "*".repeat(key.len());
        assert_eq!(shown(&RANGE, &format!("app name={key} mode=\"x\"")), format!("app name={stars} mode=\"x\""));
        assert_eq!(shown(&RANGE, "db url=\"pg://a:hunter2@b\""), "db url=\"pg://a:*******@b\"");
    }

    #[test]
    fn secret_lines_are_those_of_findings_about_secrets() {
        let text = "a 1\nb 2\nc 3\n".to_owned();
        let source = crate::source::Source { id: SourceId(0), name: String::new(), text };
        let sources = Sources::new(vec![std::sync::Arc::new(source)]);
        let findings = [UNKNOWN.at(Span::new(SourceId(0), 5, 9), ""), RANGE.at(Span::new(SourceId(0), 0, 1), "")];
        let lines = SecretLines::of(&findings, &sources);
        let found: Vec<bool> = [0, 4, 8].iter().map(|line| lines.has(SourceId(0), *line)).collect();
        assert_eq!(found, [false, true, true]);
        assert!(!lines.has(SourceId(1), 4));
    }

    #[test]
    fn unreadable_lines_hide_long_strings() {
        assert_eq!(shown(&UNREADABLE, "a 5m \"longer text\" \"short\""), "a 5m \"***********\" \"short\"");
        assert_eq!(shown(&UNREADABLE, "a \"not closed"), "a \"**********");
        assert_eq!(shown(&UNREADABLE, "password: hunter2"), "password: *******");
        assert_eq!(shown(&UNREADABLE, "password ${hunter2} port=80"), "password *{*******} port=**");
        assert_eq!(shown(&LINES, "  MIIEpAIBAAKCAQEA"), "******************");
    }

    #[test]
    fn the_standard_library_hides_nothing() {
        let finding = RANGE.at(Span::default(), "");
        assert!(hidden(SourceId(1), "password \"x\"", &finding, true).is_empty());
    }
}

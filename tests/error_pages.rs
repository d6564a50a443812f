//! The pages `docs/errors/TLnnnn.md`, run: what a page calls wrong gives its code and no other, and what it calls
//! right gives nothing to correct.
//!
//! A ```` ```kdl ```` block is a small project. Its top-level `stack` and `extend` nodes become the project's own
//! stacks and extensions, its `surface` nodes the file `chart.kdl` of the first stack, everything else is `environments/dev.kdl`; without a `stack` it names one of the shipped
//! stacks. Text that is not KDL is compiled as it is, and `⟨U+202E⟩` stands for that character. A ```` ```text ```` block shows what is no KDL (files, links, a
//! lock); `tests/cli` covers those.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use trueline::{
    compile::{Stdlib, compile},
    diag::{Code, Diags, Finding, Severity, codes},
    source::{Source, SourceId, Sources},
    syntax::{self, Node},
};

/// Codes whose `## Wrong` block gives them nowhere near an environment, each with the reason and what covers it.
const NOT_RUN: &[(&str, &str)] =
    &[("TL0002", "a text of more than 4 MiB does not fit on a page; the tests of `syntax` make one")];

/// Findings, and the texts that they point into.
struct Run {
    findings: Vec<Finding>,
    sources: Sources,
}

impl Run {
    /// One line per finding: code, place, message.
    fn lines(&self) -> String {
        let line = |finding: &Finding| {
            let place = self.sources.get(finding.span.source).map_or_else(String::new, |source| {
                let (line, column) = source.line_column(finding.span.start);
                format!("{}:{line}:{column} ", source.name)
            });
            format!("    {} {place}{}\n", finding.code.id, finding.message)
        };
        self.findings.iter().map(line).collect()
    }
}

/// Runs a block of a page.
fn run(text: &str) -> Run {
    let text = &with_characters(text);
    let block = Source { id: SourceId(0), name: "block".to_owned(), text: text.to_owned() };
    let mut broken = Diags::default();
    let doc = syntax::parse(&block, &mut broken);
    let mut stacks: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut extensions = Vec::new();
    let mut surfaces = Vec::new();
    let mut environment = String::new();
    let name_of =
        |node: &Node| node.arguments().next().map(|entry| block.slice(entry.span).trim_matches('"').to_owned());
    for node in &doc.nodes {
        let slice = format!("{}\n", block.slice(node.span));
        match (node.name.text.as_str(), name_of(node)) {
            ("stack", Some(name)) => {
                let files = stacks.entry(name.clone()).or_default();
                files.push((format!("stdlib/{name}/{}.kdl", files.len() + 1), slice));
            }
            ("surface", _) => surfaces.push(slice),
            ("extend", _) => extensions.push((format!("stdlib/extend/{}.kdl", extensions.len() + 1), slice)),
            _ => environment.push_str(&slice),
        }
    }
    if broken.has_errors() {
        environment = text.to_owned();
    }
    if let Some(files) = stacks.values_mut().next().filter(|_| !surfaces.is_empty()) {
        files.push(("stdlib/chart.kdl".to_owned(), surfaces.concat()));
    }
    let mut diags = Diags::default();
    let stdlib = Stdlib::with_project(stacks.into_iter().collect(), extensions, &mut diags);
    let environment = Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text: environment };
    let compiled = compile(Arc::new(environment), &stdlib);
    let mut findings = diags.sorted();
    findings.extend(compiled.findings);
    Run { findings, sources: compiled.sources }
}

/// The text with `⟨U+202E⟩` as the character itself, which would do harm on a page.
fn with_characters(text: &str) -> String {
    let mut pieces = text.split("⟨U+");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once('⟩').expect("`⟨U+` is followed by a number and `⟩`");
        out.extend(u32::from_str_radix(number, 16).ok().and_then(char::from_u32));
        out.push_str(rest);
    }
    out
}

/// The fenced block under a heading: the word after the fence, and the text.
fn block<'p>(page: &'p str, heading: &str) -> Option<(&'p str, &'p str)> {
    let (_, after) = page.split_once(&format!("\n## {heading}\n"))?;
    let after = after.split_once("\n## ").map_or(after, |(before, _)| before);
    let (_, fenced) = after.split_once("\n```")?;
    let (language, rest) = fenced.split_once('\n')?;
    let (text, _) = rest.split_once("\n```").or_else(|| rest.strip_prefix("```").map(|rest| ("", rest)))?;
    Some((language, text))
}

/// Whether a finding is beside the point of a page: that nothing is known of the chart of its release, or that its
/// deployments do not run on one machine together.
fn is_beside(finding: &Finding, code: &Code) -> bool {
    finding.code.id != code.id && ["TL0901", "TL0628"].contains(&finding.code.id)
}

/// What is wrong with a page, if anything.
fn mistakes(code: &Code, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    if page.contains("TO BE WRITTEN") {
        return vec!["the page is not written".to_owned()];
    }
    if page.lines().next() != Some(&format!("# {}: {}", code.id, code.title)) {
        found.push("the heading is not the row of the table".to_owned());
    }
    let (Some(wrong), Some(right)) = (block(page, "Wrong"), block(page, "Right")) else {
        found.push("there is no block under `## Wrong` or `## Right`".to_owned());
        return found;
    };
    if wrong.0 == "text" && right.0 == "text" {
        return found;
    }
    if wrong.0 != "kdl" || right.0 != "kdl" {
        found.push("a block is neither `kdl` nor `text`".to_owned());
        return found;
    }
    if !NOT_RUN.iter().any(|(id, _)| *id == code.id) {
        let run = run(wrong.1);
        let other = |finding: &Finding| finding.code.id != code.id && !is_beside(finding, code);
        if !run.findings.iter().any(|finding| finding.code.id == code.id) || run.findings.iter().any(other) {
            found.push(format!("what is wrong gives\n{}", run.lines()));
        }
    }
    let run = run(right.1);
    let bad = |finding: &Finding| {
        finding.code.id == code.id || (finding.code.severity != Severity::Note && !is_beside(finding, code))
    };
    if run.findings.iter().any(bad) {
        found.push(format!("what is right gives\n{}", run.lines()));
    }
    found
}

/// Checks all pages of codes that begin so.
fn pages(block: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
    let mut report = String::new();
    for code in codes::CODES.iter().filter(|code| code.id.starts_with(block)) {
        let page = fs::read_to_string(folder.join(format!("{}.md", code.id))).unwrap_or_default();
        for mistake in mistakes(code, &page) {
            report.push_str(&format!("{}: {mistake}\n", code.id));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

/// One test per block of codes, so that the author of a page runs its block alone.
macro_rules! blocks {
    ($($name:ident $block:literal;)*) => {
        $(#[test] fn $name() { pages($block); })*
        const BLOCKS: &[&str] = &[$($block),*];
    };
}

blocks! {
    syntax "TL00";
    names_and_forms "TL01";
    values "TL02";
    expressions "TL03";
    stacks "TL04";
    resolving "TL05";
    rules_and_checks "TL06";
    ledger "TL07";
    lowering "TL08";
    targets "TL09";
    output_and_lock "TL10";
    read_back "TL11";
}

#[test]
fn every_code_is_in_a_block() {
    for code in codes::CODES {
        assert!(BLOCKS.contains(&&code.id[..4]), "{} is in no block", code.id);
    }
}

#[test]
fn every_page_has_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
    for entry in fs::read_dir(folder).expect("the folder of the pages") {
        let name = entry.expect("a page").file_name().into_string().expect("a name in UTF-8");
        let id = name.trim_end_matches(".md");
        assert!(codes::CODES.iter().any(|code| code.id == id), "there is no code for `{name}`");
    }
}

#[test]
fn what_is_not_run_says_why() {
    for (id, reason) in NOT_RUN {
        assert!(codes::CODES.iter().any(|code| code.id == *id), "there is no code `{id}`");
        assert!(reason.len() > 20, "{id}");
    }
}

//! The mistakes of a first day, each with the exact words that a person reads.
//!
//! `tests/first-day/NAME.kdl` is compiled as `environments/dev.kdl`; `NAME.txt` holds what the terminal shows.
//! `TRUELINE_BLESS=1` rewrites the expectations; review them like code.

use std::{fs, path::Path, sync::Arc};

use trueline::{
    compile::{Stdlib, compile},
    diag::{Severity, render},
    source::{Source, SourceId},
};

#[test]
fn every_mistake_is_answered_in_these_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/first-day");
    let stdlib = Stdlib::embedded();
    let mut cases = 0;
    let mut wrong = Vec::new();
    let mut paths: Vec<_> =
        fs::read_dir(&folder).expect("the folder is there").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "kdl")) {
        let text = fs::read_to_string(path).expect("readable");
        let source = Arc::new(Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text });
        let compiled = compile(source, &stdlib);
        let findings: Vec<_> =
            compiled.findings.iter().filter(|finding| finding.code.severity != Severity::Note).cloned().collect();
        assert!(
            findings.iter().any(|finding| finding.code.severity == Severity::Error),
            "{}: no error",
            path.display()
        );
        let shown = render::human(&findings, &compiled.sources, false);
        let expected = path.with_extension("txt");
        if std::env::var_os("TRUELINE_BLESS").is_some() {
            fs::write(&expected, &shown).expect("writable");
        }
        if fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("{}\n{shown}", path.display()));
        }
        cases += 1;
    }
    assert!(cases >= 15, "{cases} cases");
    assert!(wrong.is_empty(), "these words changed (TRUELINE_BLESS=1 rewrites them):\n{}", wrong.join("\n"));
}

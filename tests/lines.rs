//! Nothing in an environment is there for nothing: without any one of its lines another file comes out, or something is
//! wrong, or a finding stood there already.

use std::collections::BTreeSet;

use super::{
    golden,
    support::{compile, environments, failed, findings},
};

#[test]
fn every_line_of_an_environment_counts() {
    let mut lines = 0;
    let golden = golden::cases().into_iter().map(|case| (case.environment.clone(), case.text));
    for (name, text) in environments().into_iter().chain(golden) {
        let whole = compile(&name, &text);
        if failed(&whole) {
            continue;
        }
        let found = findings(&whole);
        let told: BTreeSet<usize> = found.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
        let bytes = |compiled: &trueline::compile::Compiled| {
            compiled.files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect::<Vec<_>>()
        };
        for (index, line) in text.lines().enumerate() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with("//") || told.contains(&(index + 1)) {
                continue;
            }
            let without: String = text
                .lines()
                .enumerate()
                .filter(|(other, _)| *other != index)
                .map(|(_, line)| format!("{line}\n"))
                .collect();
            let compiled = compile(&name, &without);
            assert!(
                failed(&compiled) || bytes(&compiled) != bytes(&whole),
                "{name}:{}: `{bare}` changes nothing and nobody says so\n{text}",
                index + 1
            );
            lines += 1;
        }
    }
    assert!(lines > 60, "{lines} lines were tried");
}

//! The bytes of `fuzz/corpus`, which no fuzzer has to find again: each through the target of its folder.

pub(crate) mod targets;

use std::{collections::BTreeSet, fs, panic::catch_unwind};

use rayon::prelude::*;

use super::support::{name_of, read, root, sorted};

#[test]
#[expect(clippy::print_stdout, reason = "names the file where a target fails")]
fn what_was_found_stays_found() {
    for (name, target) in targets::TARGETS {
        let files = sorted(&root().join("fuzz/corpus").join(name));
        assert!(files.len() > 3, "fuzz/corpus/{name} has a handful of files");
        for file in files {
            let bytes = fs::read(&file).expect("a file");
            assert!(bytes.len() < 4096, "{} is small", file.display());
            println!("{}", file.display());
            target(&bytes);
        }
    }
}

/// Pieces of texts, between blanks, whose every short sequence is tried: those that mean something to the reader, those
/// that may be laid out, and those of expressions. `␠` is a blank, `␤` the end of a line.
const PIECES: &[(&str, &str)] = &[
    ("parse", r#"r # " ' \ / * - { } ( ) [ ] ; = , : $ ␤ ␠ é 0 """ |||||||"#),
    ("fmt", "a ␠ ␤ ; { } /- //c␤ /*c*/ \"s\" (t) =1 \\␤ é \t app␠replicas=2 #true \u{a0} \r␤ <<<<<<< \u{feff} /-{}"),
    ("expression", r#"a . ( ) 1 'x' - == ! ? : ␠in␠ has( " é"#),
];

#[test]
fn every_sequence_of_three_pieces_holds() {
    for (name, pieces) in PIECES {
        let pieces: Vec<String> = pieces.split(' ').map(|piece| piece.replace('␠', " ").replace('␤', "\n")).collect();
        let (_, target) = targets::TARGETS.iter().find(|(target, _)| target == name).expect("a target");
        (0..pieces.len().pow(3)).into_par_iter().for_each(|number| {
            let piece = |place: u32| pieces[number / pieces.len().pow(place) % pieces.len()].as_str();
            let text = [piece(0), piece(1), piece(2)].concat();
            // A target says what is broken, not by which text.
            catch_unwind(|| target(text.as_bytes())).unwrap_or_else(|_| panic!("{name}: {text:?}"));
        });
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let names: BTreeSet<String> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest = read(&root().join("fuzz/Cargo.toml"));
    let bins: BTreeSet<String> = manifest
        .split("[[bin]]\nname = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect();
    assert_eq!(bins, names, "fuzz/Cargo.toml has a program for each target");
    let folders: BTreeSet<String> = sorted(&root().join("fuzz/corpus")).iter().map(|path| name_of(path)).collect();
    assert_eq!(folders, names, "fuzz/corpus has a folder for each target");
    for name in names {
        let program = read(&root().join(format!("fuzz/fuzz_targets/{name}.rs")));
        let function = if name == "fmt" { "format" } else { &name };
        assert!(program.contains(&format!("targets::{function}(")), "{name}.rs runs its own target");
    }
}

//! Compiles the shipped standard library to compact images, so that no run of the compiler parses it.

#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "the modules are used in part here")]
#![allow(clippy::disallowed_methods, reason = "a build script reads and writes files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build script talks to cargo")]

#[path = "compiler/diag/mod.rs"]
mod diag;
#[path = "compiler/expr/mod.rs"]
mod expr;
#[path = "compiler/image.rs"]
mod image;
#[path = "compiler/ledger/mod.rs"]
mod ledger;
#[path = "compiler/pack/mod.rs"]
mod pack;
#[path = "compiler/plan/mod.rs"]
mod plan;
#[path = "compiler/schema/mod.rs"]
mod schema;
#[path = "compiler/sensitive.rs"]
mod sensitive;
#[path = "compiler/source.rs"]
mod source;
#[path = "compiler/syntax/mod.rs"]
mod syntax;
#[path = "compiler/value/mod.rs"]
mod value;
#[path = "compiler/visible.rs"]
mod visible;

use std::{env, fmt::Write as _, fs, path::Path, process, sync::Arc};

use source::{Source, SourceId, Sources};

fn main() {
    println!("cargo::rerun-if-changed=stdlib");
    println!("cargo::rerun-if-changed=compiler");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rustc-env=TRUELINE_BUILD={}", build_digest());
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut code = String::from("&[\n");
    let mut next = 1;
    for folder in sorted(Path::new("stdlib/stacks")) {
        let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
        let texts: Vec<Arc<Source>> = sorted(Path::new(&folder))
            .into_iter()
            .filter(|path| path.ends_with(".kdl"))
            .map(|path| {
                let text = fs::read_to_string(&path).expect("the standard library is readable UTF-8");
                let source = Source { id: SourceId(next), name: path, text };
                next += 1;
                Arc::new(source)
            })
            .collect();
        let stack = loaded(&name, &texts);
        let image = Path::new(&out).join(&name);
        let (words, bytes) = image::encode(&stack);
        fs::write(image.with_extension("texts"), words).expect("OUT_DIR is writable");
        fs::write(image.with_extension("image"), bytes).expect("OUT_DIR is writable");
        write_entry(&mut code, &name, &image, &texts);
    }
    code.push_str("]\n");
    fs::write(Path::new(&out).join("stdlib.rs"), code).expect("OUT_DIR is writable");
    fs::write(Path::new(&out).join("charts.rs"), charts()).expect("OUT_DIR is writable");
}

/// The charts that are shipped, each with its files, as Rust.
fn charts() -> String {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let mut code = String::from("&[\n");
    for folder in sorted(Path::new("stdlib/charts")).into_iter().filter(|path| Path::new(path).is_dir()) {
        let name = folder.rsplit('/').next().unwrap_or_default();
        let about = fs::read_to_string(Path::new(&folder).join("Chart.yaml")).expect("a chart has a `Chart.yaml`");
        let line = about.lines().find_map(|line| line.strip_prefix("version: "));
        let version = line.expect("a `Chart.yaml` has a version").trim();
        let _ = writeln!(code, "    Chart {{ name: {name:?}, version: {version:?}, files: &[");
        let mut files = Vec::new();
        below(&folder, &mut files);
        files.sort();
        for path in files {
            let inner = path.strip_prefix(&format!("{folder}/")).unwrap_or(&path);
            let _ = writeln!(code, "        ({inner:?}, include_bytes!({:?})),", Path::new(&root).join(&path));
        }
        code.push_str("    ] },\n");
    }
    code.push_str("]\n");
    code
}

/// All files below a folder.
fn below(folder: &str, files: &mut Vec<String>) {
    for path in sorted(Path::new(folder)) {
        if Path::new(&path).is_dir() { below(&path, files) } else { files.push(path) }
    }
}

/// The digest of what the compiler is built from: its sources, the standard library, the versions of libraries.
fn build_digest() -> String {
    let mut files = vec!["build.rs".to_owned(), "Cargo.toml".to_owned(), "Cargo.lock".to_owned()];
    let mut folders = vec!["compiler".to_owned(), "stdlib".to_owned()];
    while let Some(folder) = folders.pop() {
        let (inner, found): (Vec<_>, Vec<_>) =
            sorted(Path::new(&folder)).into_iter().partition(|path| Path::new(path).is_dir());
        folders.extend(inner);
        files.extend(found);
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        // A package that is built as a library has no `Cargo.lock`.
        let bytes = fs::read(&file).unwrap_or_default();
        hasher.update(format!("{file} {}\n", bytes.len()).as_bytes()).update(&bytes);
    }
    hasher.update(env::var("TARGET").unwrap_or_default().as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Loads a stack, or ends the build with its findings.
fn loaded(name: &str, texts: &[Arc<Source>]) -> schema::Stack {
    let mut diags = diag::Diags::default();
    let stack = schema::load::load(name, texts, &[], &mut diags);
    if let Some(stack) = &stack {
        ledger::check(stack, &mut diags);
    }
    if diags.has_errors() || stack.is_none() {
        let sources = Sources::new(texts.to_vec());
        eprintln!("{}", diag::render::human(&diags.sorted(), &sources, false));
        process::exit(1);
    }
    stack.expect("checked above")
}

fn write_entry(code: &mut String, name: &str, image: &Path, texts: &[Arc<Source>]) {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let (words, bytes) = (image.with_extension("texts"), image.with_extension("image"));
    let image =
        format!("{{ static IMAGE: Image = Image::new(include_str!({words:?}), include_bytes!({bytes:?})); &IMAGE }}");
    let _ = writeln!(code, "    Embedded {{ name: {name:?}, image: {image}, texts: &[");
    for text in texts {
        let path = Path::new(&root).join(&text.name);
        let _ = writeln!(code, "        ({:?}, include_str!({path:?})),", text.name);
    }
    code.push_str("    ] },\n");
}

/// The entries of a folder, sorted, as paths with `/`.
fn sorted(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<String> = entries
        .map(|entry| entry.expect("the folder is readable").path().to_string_lossy().replace('\\', "/"))
        .filter(|path| !path.rsplit('/').next().is_some_and(|name| name.starts_with('.')))
        .collect();
    paths.sort();
    paths
}

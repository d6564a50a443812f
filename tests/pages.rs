//! Pages that show what the compiler says: their tables and outputs are generated, their examples compile.
//!
//! `TRUELINE_BLESS=1 cargo test` writes the generated parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use trueline::{
    check::CHECKS,
    compile::{Compiled, Stdlib},
    diag::{Diags, Severity, codes::CODES},
    expr::FUNCTIONS,
    model::{WORDS, WordKind},
    plan::KINDS,
    reference,
    source::{Source, SourceId},
    syntax::{self, Literal},
    targets::TARGETS,
    value::{PARTS, SCALARS},
};

use crate::tidy::{at, blessing, blocks, compile_text, marked, read, told};

/// Compares the generated parts of a page with what they should be, by name; or writes them.
fn expect_parts(path: &str, parts: &[(String, String)]) {
    let mut page = read(path);
    let mut stale = Vec::new();
    for (name, wanted) in parts {
        let found = marked(&page, name);
        if found != wanted {
            stale.push(name.as_str());
            let begin = format!("<!-- {name} -->\n");
            page = page.replacen(&format!("{begin}{found}<!-- end -->"), &format!("{begin}{wanted}<!-- end -->"), 1);
        }
    }
    if blessing() && !stale.is_empty() {
        fs::write(at(path), page).expect("the page can be written");
    } else {
        assert!(stale.is_empty(), "{path}: {stale:?} are stale; `TRUELINE_BLESS=1 cargo test` writes them");
    }
}

/// A table of a page: the head, and the cells of each row.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        // A bar would end the cell.
        let cells = row.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// Every shipped stack has a page, and every page a stack.
/// Every number of the catalogues has a rule or another reason, every rule with such a number stands there, and none that
/// there is not.
#[test]
fn numbers_of_the_catalogues_lead_to_rules() {
    let page = read("docs/catalogue.md");
    let row = |number: &str| page.lines().find(|line| line.starts_with(&format!("| {number} |")));
    for (name, letter, last) in [("aeterna", "R", 48), ("somafractalmemory", "M", 16)] {
        let stack = super::support::library().stack(name, &mut Diags::default()).expect("it loads");
        for number in (1..=last).map(|number| format!("{letter}{number:02}")) {
            let row = row(&number).unwrap_or_else(|| panic!("{number} is not in the table"));
            let mut cells = row.trim_matches('|').split('|').map(str::trim).skip(1);
            let (rules, otherwise) = (cells.next().expect("rules"), cells.next().expect("a reason"));
            let mut said: Vec<&str> = rules.split(", ").map(|rule| rule.trim_matches('`')).collect();
            said.retain(|rule| !rule.is_empty());
            let is_of = |id: &str| id == number || id.strip_prefix(&number).is_some_and(|rest| rest.starts_with('-'));
            let mut own: Vec<&str> = stack.rules.iter().map(|rule| &*rule.id).filter(|id| is_of(id)).collect();
            said.sort_unstable();
            own.sort_unstable();
            own.dedup();
            assert_eq!(said, own, "{number}");
            assert!(!said.is_empty() || otherwise.len() > 20, "{number} has neither a rule nor a reason");
        }
    }
}

#[test]
fn pages_of_stacks_are_current() {
    let library = Stdlib::embedded();
    let mut pages: BTreeSet<String> = files(&at("docs/stacks"));
    for name in library.stacks() {
        let stack = library.stack(name, &mut Diags::default()).expect("a shipped stack loads");
        let (path, wanted) = (format!("docs/stacks/{name}.md"), reference::page(&stack, library.sources()));
        let found = fs::read_to_string(at(&path)).unwrap_or_default();
        if blessing() && found != wanted {
            fs::create_dir_all(at("docs/stacks")).expect("the folder can be made");
            fs::write(at(&path), &wanted).expect("the page can be written");
        } else {
            assert!(found == wanted, "{path} is stale; `TRUELINE_BLESS=1 cargo test` writes it");
        }
        pages.remove(&format!("{name}.md"));
    }
    assert!(pages.is_empty(), "there is no stack for {pages:?}");
}

/// The names of the files in a folder; none where there is no folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn tables_of_the_language_are_current() {
    let code = |text: &str| format!("`{text}`");
    let scalars = SCALARS.iter().map(|row| [code(row.name), code(row.example), row.about.to_owned()]);
    let part = |row: &trueline::value::Part| {
        let written = if row.set.is_some() { "yes" } else { "no" };
        [code(&format!("{}.{}", row.of, row.name)), code(row.result), written.to_owned(), row.about.to_owned()]
    };
    let functions = FUNCTIONS.iter().map(|row| [code(&row.signature()), row.about.to_owned()]);
    let targets = TARGETS.iter().map(|row| {
        let files: Vec<String> = row.writes.iter().map(|file| code(file)).collect();
        [code(row.name), files.join(", "), row.about.to_owned()]
    });
    let checks: String = CHECKS.iter().map(|row| format!("- {}\n", row.about)).collect();
    let severity = |severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let codes = CODES
        .iter()
        .map(|row| [format!("[{0}](errors/{0}.md)", row.id), severity(row.severity).to_owned(), row.title.to_owned()]);
    let facts = KINDS.iter().map(|row| {
        let field = |field: &&trueline::plan::FieldRow| match (field.name, field.compose && field.helm) {
            ("", _) => String::new(),
            (name, true) => code(&format!(".{name}")),
            (name, false) => format!("{} ({})", code(&format!(".{name}")), if field.helm { "Helm" } else { "Compose" }),
        };
        let fields: Vec<String> =
            row.fields.iter().filter(|field| !field.name.is_empty()).map(|row| field(&row)).collect();
        [code(row.name), row.key.unwrap_or("").to_owned(), fields.join(" ")]
    });
    let flux = WORDS.iter().filter(|word| word.of != WordKind::Group).map(|word| {
        let words = |words: &[&str]| words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", ");
        let of = match word.of {
            WordKind::Group => String::new(),
            WordKind::Scalar(name) => name.to_owned(),
            WordKind::List(name) => format!("list of {name}"),
            WordKind::Enum(all) | WordKind::Choice(all) => words(all),
        };
        let with = if word.with.len() == 1 { format!(" (with {})", words(word.with)) } else { String::new() };
        let default = if word.default.is_empty() { String::new() } else { code(word.default) };
        [code(word.path), of, default, format!("{}{with}", word.about)]
    });
    let parts = [
        ("flux", table(["below `flux`", "what", "else", "means"], flux)),
        ("facts", table(["kind", "key", "fields"], facts)),
        ("scalars", table(["type", "example", "what it is"], scalars)),
        ("parts", table(["part", "gives", "may be written", "what it is"], PARTS.iter().map(part))),
        ("functions", table(["function", "gives"], functions)),
        ("targets", table(["target", "writes, in the deployment's folder", "what"], targets)),
        ("checks", checks),
        ("codes", table(["code", "severity", "what"], codes)),
    ];
    expect_parts("docs/language.md", &parts.map(|(name, text)| (format!("generated: {name}"), text)));
}

/// What the README shows of a file: the block's language, and from which line on how many lines.
struct Shown {
    name: &'static str,
    language: &'static str,
    file: &'static str,
    windows: &'static [(&'static str, usize)],
}

const SHOWN: &[Shown] = &[
    Shown { name: "helm", language: "yaml", file: "aeterna/helm/values.yaml", windows: &[("", 25)] },
    Shown {
        name: "compose",
        language: "yaml",
        file: "aeterna/compose/compose.yaml",
        windows: &[("", 12), ("      PG_HOST: postgres", 9), ("    ports:", 6), ("    deploy:", 6)],
    },
    Shown { name: "toml", language: "toml", file: "aeterna/runtime/config.toml", windows: &[("", 14)] },
    Shown { name: "mcp", language: "json", file: "aeterna/mcp/opencode.json", windows: &[("", usize::MAX)] },
];

/// A block with parts of a file, and `# …` wherever lines are left out.
fn excerpt(compiled: &Compiled, shown: &Shown) -> String {
    let file = compiled.files.iter().find(|file| file.path == shown.file);
    let file = file.unwrap_or_else(|| panic!("{} is not among the outputs", shown.file));
    let text = str::from_utf8(&file.bytes).expect("outputs are UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let (mut block, mut next) = (format!("```{}\n", shown.language), 0);
    for (first, count) in shown.windows {
        let found = lines[next..].iter().position(|line| first.is_empty() || line == first);
        let from = next + found.unwrap_or_else(|| panic!("{} has no line `{first}`", shown.file));
        if from > next {
            block.push_str("# …\n");
        }
        next = from.saturating_add(*count).min(lines.len());
        lines[from..next].iter().for_each(|line| block.extend([line, "\n"]));
    }
    if next < lines.len() {
        block.push_str("# …\n");
    }
    block + "```\n"
}

#[test]
fn the_readme_shows_what_its_example_compiles_to() {
    let readme = read("README.md");
    let example = marked(&readme, "environment: example").trim_start_matches("```kdl\n").trim_end_matches("```\n");
    let compiled = compile_text("prod", example, &Stdlib::embedded());
    assert_eq!(told(&compiled, Severity::Warning), "");
    for shown in SHOWN {
        assert!(readme.contains(&format!("`out/prod/{}`\n\n<!-- output: {} -->", shown.file, shown.name)));
    }
    let parts = SHOWN.iter().map(|shown| (format!("output: {}", shown.name), excerpt(&compiled, shown)));
    expect_parts("README.md", &parts.collect::<Vec<_>>());
}

/// A block with a stack, an extension and an environment as the files of a project.
#[derive(Default)]
struct Split {
    /// By name.
    stacks: BTreeMap<String, String>,
    /// The text of `chart.kdl` in the folder of each stack.
    surfaces: String,
    extensions: Vec<String>,
    /// By name.
    environments: Vec<(String, String)>,
}

fn split(block: &str) -> Split {
    let source = Source { id: SourceId(0), name: "block.kdl".to_owned(), text: block.to_owned() };
    let mut diags = Diags::default();
    let doc = syntax::parse(&source, &mut diags);
    assert!(!diags.has_errors(), "{block}\n{diags:?}");
    let mut parts = Split::default();
    for node in &doc.nodes {
        let name = match node.arguments().next().map(|entry| &entry.value) {
            Some(Literal::String(name)) => name.clone(),
            _ => panic!("`{}` has no name:\n{block}", node.name.text),
        };
        let text = format!("{}\n", source.slice(node.span));
        match node.name.text.as_str() {
            "stack" => parts.stacks.entry(name).or_default().push_str(&text),
            "surface" => parts.surfaces.push_str(&text),
            "extend" => parts.extensions.push(text),
            "environment" => parts.environments.push((name, text)),
            other => panic!("`{other}` is no file of a project"),
        }
    }
    parts
}

#[test]
fn every_block_of_the_language_compiles() {
    let page = read("docs/language.md");
    let mut wrong = String::new();
    for block in blocks(&page, "kdl") {
        let Split { stacks, surfaces, extensions, environments } = split(block);
        assert!(!environments.is_empty(), "no environment, so this is a `kdl,fragment`:\n{block}");
        let file = |(name, text): (String, String)| {
            let path = |file: &str| format!("stdlib/stacks/{name}/{file}.kdl");
            let files = vec![(path("chart"), surfaces.clone()), (path("stack"), text)];
            (name, files)
        };
        let extension = |(at, text)| (format!("stdlib/extend/{at}.kdl"), text);
        let mut diags = Diags::default();
        let stdlib = Stdlib::with_project(
            stacks.into_iter().map(file).collect(),
            extensions.into_iter().enumerate().map(extension).collect(),
            &mut diags,
        );
        assert!(!diags.has_errors(), "{diags:?}");
        for (name, text) in environments {
            let compiled = compile_text(&name, &text, &stdlib);
            // A block shows one thing; what a chart reads is the last step.
            let found: String =
                told(&compiled, Severity::Warning).lines().filter(|line| !line.contains("TL0901")).collect();
            if !found.is_empty() || compiled.files.is_empty() {
                let first = block.lines().skip_while(|line| !line.starts_with("environment")).take(4);
                let _ = writeln!(wrong, "{}\n{found}", first.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_fragment_of_the_language_is_kdl() {
    let page = read("docs/language.md");
    let fragments = blocks(&page, "kdl,fragment");
    assert!(fragments.len() > 3);
    for fragment in fragments {
        let source = Source { id: SourceId(0), name: "block.kdl".to_owned(), text: fragment.to_owned() };
        let mut diags = Diags::default();
        let _ = syntax::parse(&source, &mut diags);
        assert!(!diags.has_errors(), "{fragment}\n{diags:?}");
    }
}

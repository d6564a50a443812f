//! Input that was made to do harm: a clear error, in bounded time and memory, and nothing written.
//!
//! Every case runs the real program with little address space (`ulimit -v`) and is ended after a generous while.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use trueline::lock;

use super::cli::{Project, Ran};

/// Address space in KiB: much less than an expansion bomb takes, enough for threads and their stacks.
const MEMORY: u32 = 2_000_000;
/// Far more than any case takes, also without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Runs the program in a project with little memory.
fn run(project: &Project, arguments: &[&str]) -> Ran {
    let program = env!("CARGO_BIN_EXE_trueline");
    let (out, err) = (project.path("stdout"), project.path("stderr"));
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\""), program])
        .args(arguments)
        .env("RAYON_NUM_THREADS", "2")
        .current_dir(project.path(""))
        .stdin(Stdio::null())
        .stdout(fs::File::create(&out).expect("a file"))
        .stderr(fs::File::create(&err).expect("a file"))
        .spawn()
        .expect("a shell");
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().expect("the child can be asked") {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                child.kill().expect("it can be ended");
                panic!("{arguments:?} did not end");
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let read = |path| String::from_utf8(fs::read(path).expect("a file")).expect("what is printed is UTF-8");
    Ran { stdout: read(out), stderr: read(err), code: status.code().unwrap_or(-1) }
}

/// Compiles an environment and wants this outcome and this word; nothing may be written.
fn refused(text: impl AsRef<[u8]>, code: i32, word: &str) -> Ran {
    let project = Project::new(&[]);
    project.write("environments/dev.kdl", text);
    refused_in(&project, code, word)
}

fn refused_in(project: &Project, code: i32, word: &str) -> Ran {
    let ran = run(project, &["compile"]);
    let head = |text: &str| text.chars().take(2000).collect::<String>();
    let shown = format!("{} {}\n{}", ran.code, head(&ran.stdout), head(&ran.stderr));
    assert!(ran.code == code && ran.stdout.contains(word), "wanted {code} and {word}: {shown}");
    assert!(ran.stdout.len() < 4 << 20, "{} bytes were printed", ran.stdout.len());
    assert!(project.tree("out").is_empty(), "something was written: {shown}");
    ran
}

fn environment(body: &str) -> String {
    format!("environment \"dev\" stack=\"aeterna\" {{\n{body}\n}}\n")
}

#[test]
fn nesting() {
    let deep = 100_000;
    refused(environment(&"a {".repeat(deep)), 1, "TL0003");
    refused(environment(&format!("{}{}", "a {".repeat(deep), "}".repeat(deep))), 1, "TL0003");
    refused(environment(&"/*".repeat(deep)), 1, "TL00");
    refused(environment(&format!("{}{}\nbogus 1", "/*".repeat(deep), "*/".repeat(deep))), 1, "TL0101");
    refused(environment(&"/-".repeat(deep)), 1, "TL00");
    refused(environment(&format!("a {}", "(".repeat(deep))), 1, "TL00");
    refused(environment(&format!("a {}\"", "#".repeat(deep))), 1, "TL00");
    refused("}".repeat(deep), 1, "TL00");
    refused(format!("7 {}", "a /- { ".repeat(30)), 1, "TL0001");
    refused(format!("7 {}{}", "a /- { ".repeat(30), "} ".repeat(30)), 1, "TL0001");
}

#[test]
fn size() {
    refused(environment(&format!("a \"{}\"", "x".repeat(10 << 20))), 2, "TL1004");
    refused(environment(&format!("a \"{}\"", "x".repeat(4_000_000))), 1, "TL0101");
    refused(environment(&"x".repeat(4_000_000)), 1, "TL0101");
    refused(environment(&"a;".repeat(1_000_000)), 1, "TL0101");
    refused(environment(&"a\n".repeat(1_000_000)), 1, "TL0101");
    refused(environment(&format!("app {}", "a=1 ".repeat(900_000))), 1, "TL0009");
    refused(environment(&format!("app {}", "\"x\" ".repeat(900_000))), 1, "TL");
    refused(environment(&"app replicas=1\n".repeat(200_000)), 1, "TL0102");
    refused(environment(&"raw \"helm\" because=\"somebody wanted it\" { a 1 }\n".repeat(60_000)), 1, "TL0810");
    refused(environment(&"allow \"privileged\" \"x\" because=\"somebody wanted it\"\n".repeat(60_000)), 1, "TL0102");
    refused(environment(&"password \"x\" \n".repeat(200_000)), 1, "TL0101");
    refused(environment(&"sk-".repeat(1_300_000)), 1, "TL0101");
    refused(environment(&format!("app name=\"{}\"", "eyJ.".repeat(900_000))), 1, "TL0216");
    refused(environment(&format!("app name=\"{}\"", "a://b:c@".repeat(400_000))), 1, "TL0");
    refused(environment(&format!("app name=\"{}\"", "password=a ".repeat(300_000))), 1, "TL0");
}

#[test]
fn a_sparse_file_is_not_read() {
    let project = Project::new(&[("environments/dev.kdl", "")]);
    let file = fs::OpenOptions::new().write(true).open(project.path("environments/dev.kdl")).expect("a file");
    file.set_len(1 << 30).expect("a file may have a hole");
    refused_in(&project, 2, "TL1004");
}

#[test]
fn bytes_that_are_no_text() {
    refused(b"environment \"dev\" stack=\"aeterna\" {\n    app name=\"\xff\xfe\"\n}\n", 2, "TL1003");
    refused(b"\xff\xfee\0n\0v\0", 2, "TL1003");
    refused(environment("app name=\"a\0b\""), 1, "TL0004");
    refused(environment("app name=\"a\u{feff}b\""), 1, "TL0004");
    refused(vec![0; 100_000], 1, "TL0004");
    refused(environment("app name=\"a\u{202e}b\u{1b}[31m\""), 1, "TL0004");
    let project = Project::new(&[("environments/dev.kdl", &format!("\u{feff}{}", environment("")))]);
    let ran = run(&project, &["compile"]);
    assert_eq!(ran.code, 0, "a mark at the beginning is read over: {ran:?}");
}

#[test]
fn what_is_printed_moves_no_cursor() {
    let texts = [
        r#"app name="\u{1b}[2J\u{202e}\u{200b}`" mode="\u{1b}]0;x\u{7}""#,
        r##"raw "helm" because="\u{1b}[31m```\n# red <script>" { "\u{1b}[1m" "\u{9b}2J" }"##,
        r#""\u{1b}[31m" "x""#,
        r#"llm "\u{202e}openai""#,
    ];
    for text in texts {
        let project = Project::new(&[("environments/dev.kdl", &environment(text))]);
        for command in [&["check"][..], &["compile"], &["diff"], &["explain", "dev"], &["check", "--format", "json"]] {
            let ran = run(&project, command);
            let harm = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}');
            let shown = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!shown.contains(harm), "{command:?} {text}: {shown:?}");
        }
    }
}

#[test]
fn names_lead_nowhere() {
    for (text, word) in [
        ("environment \"../dev\" stack=\"aeterna\" {}", "TL0119"),
        ("environment \"dev\" stack=\"../../aeterna\" {}", "TL0121"),
        ("environment \"dev\" { deploy \"aeterna\" as=\"../x\" {} }", "TL0119"),
        ("environment \"dev\" { deploy \"aeterna\" as=\"CON.\" {} }", "TL0119"),
        ("environment \"dev\" { deploy \"aeterna\" as=\"a\"; deploy \"aeterna\" as=\"A\" }", "TL0119"),
        ("environment \"dev\" stack=\"aeterna\" { llm \"openai\" api-key=(secret)\"../../etc/passwd\" }", "TL0226"),
        ("environment \"dev\" stack=\"aeterna\" { llm \"openai\" api-key=(secret)\"a/..\" }", "TL0226"),
    ] {
        refused(text, 1, word);
    }
    let project = Project::new(&[("environments/Dev.kdl", &environment(""))]);
    refused_in(&project, 1, "TL1001");
}

/// A project with a stack of its own.
fn project(stack: &str, environment: &str) -> Project {
    Project::new(&[
        ("stdlib/stacks/demo/stack.kdl", &format!("stack \"demo\" version=\"1\" {{\n{stack}\n}}\n")),
        ("environments/dev.kdl", &format!("environment \"dev\" stack=\"demo\" {{\n{environment}\n}}\n")),
    ])
}

const WORKLOAD: &str = "workload \"web\" { image \"nginx:1.27\"; env A=(ref)\"a\" }";

#[test]
fn defaults_that_lead_in_a_circle() {
    let stack = format!("settings {{ (string)a default=(ref)\"b\"; (string)b default=(ref)\"a\" }}\n{WORKLOAD}");
    refused_in(&project(&stack, ""), 1, "TL0430");
    let many: String = (0..5000).map(|at| format!("(string)a{at} default=(ref)\"a{}\"\n", (at + 1) % 5000)).collect();
    refused_in(&project(&format!("settings {{ (string)a default=(ref)\"a0\"\n{many} }}\n{WORKLOAD}"), ""), 1, "TL0430");
}

#[test]
fn texts_that_double() {
    let doubles: String =
        (0..64).map(|at| format!("(string)a{} default=(f)\"{{a{at}}}{{a{at}}}\"\n", at + 1)).collect();
    let stack = format!(
        "settings {{ (string)a0 default=\"xxxxxxxxxxxxxxxx\"\n{doubles} (string)a default=(ref)\"a64\" }}\n{WORKLOAD}"
    );
    refused_in(&project(&stack, ""), 1, "TL");
    let lists: String =
        (0..64).map(|at| format!("(list)l{} of=\"string\" default=(cel)\"l{at} + l{at}\"\n", at + 1)).collect();
    let stack = format!(
        "settings {{ (list)l0 of=\"string\" {{ default \"x\" \"y\" }}\n{lists} (string)a default=\"x\" }}\nworkload \"web\" {{ image \"nginx:1.27\"; command (ref)\"l64\"; env A=(ref)\"a\" }}"
    );
    refused_in(&project(&stack, ""), 1, "TL");
}

#[test]
fn loops_in_loops() {
    let loops: String = (0..6).map(|at| format!("(each)\"k{at}, v{at} in m\" {{ ")).collect();
    let stack = format!(
        "settings {{ (string)a default=\"x\"; (map)m of=\"string\" }}\nworkload \"web\" {{ image \"nginx:1.27\"; env {{ A (ref)\"a\"; {loops} (ref)\"k0\" (ref)\"v5\" {} }} }}",
        "}".repeat(6)
    );
    let entries: String = (0..1000).map(|at| format!("K{at} \"v\"\n")).collect();
    refused_in(&project(&stack, &format!("m {{ {entries} }}")), 1, "TL");
    let trees = format!(
        "settings {{ (string)a default=\"x\"; (map)m of=\"string\" }}\n{WORKLOAD}\nconfig \"x\" file=\"x.toml\" {{ content {{ {loops} (f)\"{{k0}}{{k1}}{{k2}}{{k3}}{{k4}}{{k5}}\" (ref)\"v5\" {} }} }}",
        "}".repeat(6)
    );
    refused_in(&project(&trees, &format!("m {{ {entries} }}")), 1, "TL");
}

#[test]
fn fragments_in_fragments() {
    let fragments: String = (0..30)
        .map(|at| format!("fragment \"f{}\" {{ a {{ (use)\"f{at}\" }}; b {{ (use)\"f{at}\" }} }}\n", at + 1))
        .collect();
    let stack = format!(
        "settings {{ (string)a default=\"x\" }}\nfragment \"f0\" {{ x 1 }}\n{fragments}\n{WORKLOAD}\nconfig \"x\" file=\"x.toml\" {{ content {{ (use)\"f30\" }} }}"
    );
    refused_in(&project(&stack, ""), 1, "TL");
    let types: String = (0..15).map(|at| format!("type \"t{}\" {{ (t{at})a; (t{at})b }}\n", at + 1)).collect();
    let stack =
        format!("type \"t0\" {{ (int)x }}\n{types}\nsettings {{ (string)a default=\"x\"; (t15)t }}\n{WORKLOAD}");
    refused_in(&project(&stack, ""), 1, "TL0429");
}

#[test]
fn many_entries() {
    let stack = "settings { (map)m of=\"string\"; (string)a default=\"x\" }\nworkload \"web\" { image \"nginx:1.27\"; env { A (ref)\"a\"; (each)\"k, v in m\" { (ref)\"k\" (ref)\"v\" } } }";
    let entries = |count: usize| (0..count).map(|at| format!("K{at} \"v\"\n")).collect::<String>();
    refused_in(&project(stack, &format!("m {{ {} }}", entries(150_000))), 1, "TL0429");
    let ran = run(&project(stack, &format!("m {{ {} }}", entries(20_000))), &["compile"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout.chars().take(500).collect::<String>());
}

#[test]
fn names_that_differ_only_in_case_are_two_files() {
    let file = |path: &str| format!("file \"{path}\" format=\"toml\" {{ content {{ a 1 }} }}\n");
    let paths =
        ["/etc/App.toml", "/etc/app.toml", "/ETC/app.toml", "/etc/..x", "/etc/x ", "/etc/con.", "/etc/a:b", "/etc/é"];
    let files: String = paths.iter().map(|path| file(path)).collect();
    let text = format!("environment \"dev\" stack=\"shop\" {{ service \"web\" image=\"nginx:1.27\" {{\n{files}}} }}\n");
    let compiled = super::support::compile("dev", &text);
    assert!(!compiled.files.is_empty(), "{}", super::support::told(&compiled));
    let mut seen = std::collections::BTreeSet::new();
    for file in &compiled.files {
        assert_eq!(lock::path_problem(&file.path), None, "{}", file.path);
        assert!(seen.insert(lock::fold(&file.path)), "{} stands twice", file.path);
    }
    for path in ["/etc/../../x", "relative", "/etc/\\u{202e}x", "/etc/\\u{1b}[2J"] {
        let text = text.replace("/etc/é", path);
        let compiled = super::support::compile("dev", &text);
        let bad = compiled.files.iter().filter(|file| lock::path_problem(&file.path).is_some());
        assert_eq!(bad.count(), 0, "{path}");
    }
}

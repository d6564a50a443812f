//! A secret that somebody wrote by mistake is repeated nowhere: in no answer, no remark and no file.

use std::fmt::Write as _;

use trueline::schema::{Kind, Stack};

use super::{
    cli::Project,
    support::{library, name_of, read, root, sorted},
};

/// A text that stands nowhere else. It is a bare word, too, so that it can be written without quotes.
const CANARY: &str = "kanarienvogel7hj2";

/// The commands that are asked about every environment.
const COMMANDS: &[&[&str]] = &[
    &["check"],
    &["check", "--format", "json"],
    &["compile"],
    &["compile", "--format", "json"],
    &["compile", "--check"],
    &["diff"],
    &["diff", "--format", "json"],
];

/// Secrets, each in a place where somebody could write one, as the body of an environment of `aeterna`.
fn places() -> Vec<String> {
    let text = [
        // `raw`
        r#"raw "helm" because="somebody wanted it" { exporter { password "§" } }"#,
        r#"raw "helm" because="somebody wanted it" { exporter password="§" replicas=-1 }"#,
        r#"raw "helm" because="somebody wanted it" { exporter { env { - name="DB_PASSWORD" value="§" } } }"#,
        r#"raw "helm" because="somebody wanted it" { exporter { env { - { name "DB_PASSWORD"; value "§" } } } }"#,
        r#"raw "helm" because="somebody wanted it" { url "postgres://user:§@db/app" }"#,
        r#"raw "compose" because="somebody wanted it" { services { x { environment { API_KEY "§" } } } }"#,
        r#"raw "compose" because="somebody wanted it" { services { x { environment "API_KEY=§" "A=b" } } }"#,
        r#"raw "compose" because="somebody wanted it" { services { x { command "redis-server" "--password=§" } } }"#,
        r#"raw "toml" because="somebody wanted it" { password "§" }"#,
        r#"raw "helm" because="password=§" { exporter { replicas 2 } }"#,
        // urls
        r#"llm "ollama" url="http://user:§@ollama.ai:11434""#,
        r#"llm "ollama" url="ftp://user:§@ollama.ai:11434""#,
        r#"llm "ollama" url=http://user:§@ollama.ai:11434"#,
        r#"app image="https://user:§@registry.example/app:1""#,
        r#"app mode="postgres://user:§@db/app""#,
        // beside another finding
        r#"llm "openai" api-key="§"; app replicas=-5 mode="hybird""#,
        r#"app replicas=-5 mode="hybird"; llm "openai" api-key="§""#,
        r#"app replicas=-5 password="§""#,
        r#"llm "openai" apikey="§""#,
        r#"llm "openai" api_key §"#,
        r#"opal { master-token §; client-token "§"; bogus 1 }"#,
        r#"password "§""#,
        r#"secret §"#,
        r#"DB_PASSWORD "§""#,
        r#"postgres password="§" password="§""#,
        // in a form that is not one
        r#"llm "openai" api-key=(secret)"§""#,
        r#"llm "openai" api-key=(secret)§"#,
        r#"llm "openai" api-key=(secrt)"§""#,
        r#"llm "openai" api-key=(ref)"§""#,
        r#"llm "openai" api-key=(link)"§""#,
        r#"llm "openai" { api-key "§" "§" }"#,
        r#"llm "openai" { api-key { value "§" } }"#,
        r#"llm "openai" { (secret)api-key "§" }"#,
        "llm \"openai\" api-key=\"\"\"\n    §\n    \"\"\"",
        r##"llm "openai" api-key=#"§"#"##,
        // on a line that cannot be read
        r#"llm "openai" api-key="§"#,
        r#"llm "openai" api-key='§'"#,
        r#"llm "openai" api-key: §"#,
        r#"llm "openai" api-key: "§""#,
        r#"llm "openai" api-key = "§""#,
        r#"llm "openai" api-key="§","#,
        r#"llm "openai" api-key="§" port=8080x 500m"#,
        r#"llm "openai" api-key="\q§""#,
        r#"llm "openai" api-key="§" api-key="§""#,
        r#"password = §"#,
        r#"password=§"#,
        r#"env = { DB_PASSWORD: "§" }"#,
        r#"- DB_PASSWORD=§"#,
        r#"export DB_PASSWORD=§"#,
        r#"api-key ["§"]"#,
        r#"api-key true "§""#,
        r#"api-key r"§""#,
        r#"api-key "§"x"#,
        r#"api-key §.5,"#,
        r#"api-key $§"#,
        r#"api-key ${§}"#,
        "api-key \"\"\"§\n  \"\"\"",
        "api-key \"\"\"\n§\n    \"\"\"",
        "api-key \"\n §\n\"",
        "/* api-key \"§\"",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA§\n-----END RSA PRIVATE KEY-----",
    ];
    text.iter().map(|text| text.replace('§', CANARY)).collect()
}

/// Every secret setting of a stack, given as text in each form in which text can be given.
fn settings(stack: &Stack) -> Vec<String> {
    let mut texts = Vec::new();
    for setting in &stack.settings {
        let Kind::Scalar(kind) = &setting.kind else { continue };
        if kind.as_str() != "secret" {
            continue;
        }
        let mut open = String::new();
        let words: Vec<&str> = setting.path.split('.').collect();
        let mut nodes = 0;
        for (at, word) in words.iter().enumerate().take(words.len() - 1) {
            if *word != "*" {
                _ = write!(open, "{word}{} {{ ", if words.get(at + 1) == Some(&"*") { " \"x\"" } else { "" });
                nodes += 1;
            }
        }
        let close = " }".repeat(nodes);
        let last = words.last().expect("a path has a word");
        for value in [format!("\"{CANARY}\""), CANARY.to_owned(), format!("(secret)\"{CANARY}\"")] {
            texts.push(format!("{open}{last} {value}{close}"));
        }
    }
    texts
}

/// A project with one environment for each text, and how they are called.
fn project() -> (Project, Vec<String>) {
    let project = Project::new(&[]);
    for file in sorted(&root().join("tests/fixtures/stdlib/stacks/shop")) {
        project.write(&format!("stdlib/stacks/shop/{}", name_of(&file)), read(&file));
    }
    let stack = |name: &str| library().stack(name, &mut trueline::diag::Diags::default()).expect("it is known");
    let shop = [
        r#"service "web" image="nginx:1.27" { env DB_PASSWORD="§" }"#,
        r#"service "web" image="nginx:1.27" { env { DB_PASSWORD § } }"#,
        r#"service "web" image="nginx:1.27" { env URL="redis://:§@cache" }"#,
        r#"service "web" image="nginx:1.27" { file "/a" format="toml" { content { db { password "§" } } } }"#,
        r#"service "web" image="nginx:1.27" { command "serve" "--token=§" }"#,
        r#"env-group "all" { vars SMTP_TOKEN="§" }"#,
    ];
    let mut texts: Vec<(&str, String)> = Vec::new();
    texts.extend(places().into_iter().chain(settings(&stack("aeterna"))).map(|text| ("aeterna", text)));
    texts.extend(settings(&stack("shop")).into_iter().map(|text| ("shop", text)));
    texts.extend(shop.iter().map(|text| ("shop", text.replace('§', CANARY))));
    let mut names = Vec::new();
    for (number, (stack, text)) in texts.iter().enumerate() {
        let name = format!("c{number}");
        let text = format!("environment \"{name}\" stack=\"{stack}\" {{\n    {text}\n}}\n");
        assert!(text.contains(CANARY), "{text}");
        project.write(&format!("environments/{name}.kdl"), text);
        names.push(name);
    }
    (project, names)
}

/// The parts of the canary that must not be seen; nobody gets half of a secret.
fn is_seen(text: &str) -> bool {
    text.to_lowercase().contains("kanarien") || text.contains("vogel7")
}

#[test]
fn a_canary_is_seen_nowhere() {
    let (project, names) = project();
    assert!(names.len() > 80, "{}", names.len());
    let help = project.run(&["--help"]).stdout;
    let mut commands: Vec<Vec<&str>> = COMMANDS.iter().map(|command| command.to_vec()).collect();
    for name in &names {
        commands.push(vec!["explain", name]);
    }
    if help.contains("\n  fmt") {
        commands.push(vec!["fmt", "--check"]);
    }
    if help.contains("\n  verify") {
        commands.push(vec!["verify"]);
    }
    let mut wrong = Vec::new();
    for command in &commands {
        let ran = project.run(command);
        assert!(ran.code == 1 || command[0] == "verify", "{command:?} {ran:?}");
        wrong.extend(
            ran.stdout
                .lines()
                .chain(ran.stderr.lines())
                .filter(|line| is_seen(line))
                .map(|line| format!("{command:?}: {line}")),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
    for folder in ["out", ".trueline"] {
        for (path, bytes) in project.tree(folder) {
            assert!(!is_seen(&String::from_utf8_lossy(&bytes)) && !is_seen(&path), "{folder}/{path}");
        }
    }
}

#[test]
fn every_canary_is_an_error() {
    let (project, names) = project();
    for name in names {
        let ran = project.run(&["check", &name]);
        assert_eq!(ran.code, 1, "{}\n{ran:?}", project.read(&format!("environments/{name}.kdl")));
    }
}

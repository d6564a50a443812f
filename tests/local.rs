//! `trueline verify --local`: what a machine lacks is named, and what a secret holds is not.

use crate::cli::{Project, Ran};

const TEXT: &str = "environment \"dev\" stack=\"app\" {
    postgres \"db\"
    service \"api\" image=\"ghcr.io/acme/api:1.0.0\" build=\"api\" port=8000 {
        env DATABASE_URL=(link)\"db.url\" PRICE=\"5$\"
        needs \"db\"
    }
}
";
const FILE: &str = "secrets/db-credentials/password";
const VARIABLE: &str = "DB_CREDENTIALS_PASSWORD";

fn compiled() -> Project {
    let project = Project::new(&[("environments/dev.kdl", TEXT), ("api/Dockerfile", "FROM scratch\n")]);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    project
}

fn asked(project: &Project, more: &[&str], variables: &[(&str, &str)]) -> Ran {
    let arguments: Vec<&str> = ["verify", "--local"].iter().chain(more).copied().collect();
    project.run_with(&arguments, variables)
}

/// The codes of the findings, sorted.
fn codes(ran: &Ran) -> Vec<String> {
    let mut found: Vec<String> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split_once('[').filter(|(word, _)| ["error", "warning"].contains(word)))
        .filter_map(|(_, rest)| Some(rest.split_once(']')?.0.to_owned()))
        .collect();
    found.sort();
    found
}

#[test]
fn what_is_absent_is_named_and_what_is_there_is_not_shown() {
    let project = compiled();
    let ran = asked(&project, &[], &[]);
    assert_eq!((ran.code, codes(&ran)), (1, vec!["TL1170".to_owned(), "TL1172".to_owned()]), "{ran:?}");
    assert!(ran.stdout.contains("`db-credentials/password`") && ran.stdout.contains(VARIABLE), "{ran:?}");

    project.write(FILE, "");
    let ran = asked(&project, &["dev"], &[(VARIABLE, "hunter2-in-the-shell")]);
    assert_eq!((ran.code, codes(&ran)), (1, vec!["TL1171".to_owned()]), "{ran:?}");

    project.write(FILE, "hunter2-in-the-file");
    let ran = asked(&project, &["dev"], &[(VARIABLE, "hunter2-in-the-shell")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("1 secret file, 1 variable: all there"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");

    // An empty variable is none to Compose.
    assert_eq!(codes(&asked(&project, &[], &[(VARIABLE, "")])), ["TL1172"]);
}

#[test]
fn variables_may_come_from_a_file_and_secrets_from_another_folder() {
    let project = compiled();
    project.write(
        "dev.env",
        format!("# not this: X=1\nexport {VARIABLE}=\"hunter2\"\nTRUELINE_SECRETS=../../../../keys\n"),
    );
    project.write("keys/db-credentials/password", "hunter2");
    let ran = asked(&project, &["dev", "--env-file", "dev.env"], &[]);
    assert_eq!((ran.code, ran.stdout.contains("hunter2")), (0, false), "{ran:?}");
    // The shell is stronger; a relative folder is seen from the Compose file.
    let ran = asked(&project, &["--env-file", "dev.env"], &[("TRUELINE_SECRETS", "elsewhere")]);
    assert_eq!(codes(&ran), ["TL1170"], "{ran:?}");
    assert!(ran.stdout.contains("out/dev/app/compose/elsewhere/db-credentials/password"), "{ran:?}");
    let folder = project.path("keys");
    let ran = asked(&project, &["--env-file", "dev.env"], &[("TRUELINE_SECRETS", &folder.to_string_lossy())]);
    assert_eq!(ran.code, 0, "{ran:?}");
    project.write("dev.env", format!("{VARIABLE}=\n"));
    assert!(codes(&asked(&project, &["--env-file", "dev.env"], &[])).contains(&"TL1172".to_owned()));
}

#[test]
fn a_folder_in_place_of_a_secret_and_a_missing_folder_to_build_from_are_named() {
    let project = compiled();
    project.write(&format!("{FILE}/x"), "");
    std::fs::remove_dir_all(project.path("api")).expect("the folder goes");
    let ran = asked(&project, &[], &[(VARIABLE, "x")]);
    assert_eq!((ran.code, codes(&ran)), (1, vec!["TL1171".to_owned(), "TL1174".to_owned()]), "{ran:?}");
    assert!(ran.stdout.contains("is a folder") && ran.stdout.contains("`api`"), "{ran:?}");
}

#[test]
#[cfg(unix)]
fn a_file_that_the_program_may_not_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let project = compiled();
    project.write(FILE, "x");
    let mode =
        |mode| std::fs::set_permissions(project.path(FILE), std::fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o600);
    let ran = asked(&project, &[], &[(VARIABLE, "x")]);
    assert_eq!((ran.code, codes(&ran)), (0, vec!["TL1173".to_owned()]), "{ran:?}");
    assert!(ran.stdout.contains("`db` runs as user 999"), "{ran:?}");
    mode(0o644);
    assert_eq!(codes(&asked(&project, &[], &[(VARIABLE, "x")])), Vec::<String>::new());
}

#[test]
fn a_program_reads_the_same_and_questions_that_cannot_be_asked_end_with_two() {
    let project = compiled();
    let ran = asked(&project, &["--format", "json"], &[(VARIABLE, "hunter2")]);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let dev = &found["environments"][0];
    assert_eq!((ran.code, &dev["name"], &dev["ok"]), (1, &"dev".into(), &false.into()), "{ran:?}");
    assert_eq!(dev["secrets"], serde_json::json!([{"name": "db-credentials/password", "state": "absent"}]));
    assert_eq!(dev["variables"], serde_json::json!([{"name": VARIABLE, "state": "there"}]));
    assert_eq!(dev["folders"], serde_json::json!([{"name": "api", "state": "there"}]));
    assert_eq!(dev["findings"][0]["code"], "TL1170");
    assert!(!ran.stdout.contains("hunter2"));

    assert_eq!(asked(&project, &["--env-file", "gone.env"], &[]).code, 2);
    assert_eq!(project.run(&["verify", "--env-file", "dev.env"]).code, 2, "it belongs to `--local`");
    assert_eq!(asked(&project, &["nobody"], &[]).code, 2);
    project.write("environments/new.kdl", TEXT.replace("\"dev\"", "\"new\""));
    let ran = asked(&project, &["new"], &[]);
    assert!(ran.code == 2 && ran.stdout.contains("trueline compile new"), "{ran:?}");
    project.write("out/dev/app/compose/compose.yaml", "services: [");
    assert_eq!(asked(&project, &["dev"], &[]).code, 2);
}

#[test]
fn an_environment_without_compose_asks_for_nothing() {
    let text = "environment \"dev\" stack=\"app\" {\n    targets \"helm\"\n    postgres \"db\"\n}\n";
    let project = Project::new(&[("environments/dev.kdl", text)]);
    assert_eq!(project.run(&["compile"]).code, 0);
    let ran = asked(&project, &[], &[]);
    assert!(ran.code == 0 && ran.stdout.contains("nothing is asked"), "{ran:?}");
}

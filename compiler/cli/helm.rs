//! The user's `helm`, which renders charts: the one program that this one ever starts.
//!
//! In: a chart's folder, a file of values. Out: the rendered text, or why there is none.
//! Never: a shell, the network, the user's Helm and Kubernetes configuration, a cluster.
//! Invariant: what is started ends, after [`LONGEST`] at the latest, and no more than [`MOST_BYTES`] of it are kept.

use std::{
    env,
    ffi::OsString,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::Failure;
use crate::visible::visible_line;

/// The longest that a chart may take to render.
const LONGEST: Duration = Duration::from_secs(60);
/// The most bytes of rendered text; what reads them takes as many.
const MOST_BYTES: u64 = 32 << 20;
/// The most bytes of what Helm says about it.
const MOST_SAID: u64 = 64 << 10;
/// Variables that the program gets: where programs and scratch files are, and what Windows needs to start one.
const KEPT: &[&str] = &["PATH", "TMPDIR", "TEMP", "TMP", "SystemRoot", "PATHEXT"];

/// A program that renders charts.
#[derive(Clone, Debug)]
pub(super) struct Helm {
    program: PathBuf,
    /// A folder that does not exist, where it looks for configuration, plugins and repositories.
    nowhere: PathBuf,
}

/// What is to be rendered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chart<'a> {
    /// The chart's folder.
    pub folder: &'a Path,
    /// What the release is called.
    pub release: &'a str,
    /// Where it is installed.
    pub namespace: &'a str,
    /// The file of its values.
    pub values: &'a Path,
    /// The Kubernetes that the chart asks for.
    pub kube_version: &'a str,
}

/// Why a chart was not rendered.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Helm refused it, and said this.
    Refused(String),
    /// It took too long, printed too much, or could not be watched: the question was not answered.
    Unanswered(String),
}

impl Helm {
    /// The program of this name or path, which is started once to see that it is one.
    ///
    /// # Errors
    /// There is none, or it does not know its version.
    pub(super) fn find(program: &Path, root: &Path) -> Result<Helm, Failure> {
        let shown = visible_line(&program.to_string_lossy()).into_owned();
        let help = "install Helm 3 or 4, or name the program: `--helm PROGRAM`";
        let helm = Helm { program: program.to_owned(), nowhere: root.join(".trueline").join("no-helm") };
        match helm.run(&["version".into(), "--short".into()]) {
            Ok((status, ..)) if status.success() => Ok(helm),
            Ok(_) => Err(Failure::new(format!("`{shown}` does not say which version of Helm it is"), help)),
            Err(Trouble::Start(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(Failure::new(format!("`{shown}` is not installed, and it is what renders charts"), help))
            }
            Err(trouble) => Err(Failure::new(format!("`{shown}` cannot be started: {}", trouble.why()), help)),
        }
    }

    /// Renders a chart with one file of values; nothing is fetched and no cluster is asked.
    pub(super) fn template(&self, chart: &Chart<'_>) -> Result<String, Stopped> {
        let mut arguments: Vec<OsString> = vec!["template".into(), chart.release.into(), plain(chart.folder).into()];
        for (option, value) in [("--namespace", chart.namespace), ("--kube-version", chart.kube_version)] {
            arguments.push(format!("{option}={value}").into());
        }
        // Pods of `helm test` run on request alone.
        arguments.extend(["--skip-tests".into(), "--values".into(), plain(chart.values).into()]);
        let (status, out, said) = self.run(&arguments).map_err(|trouble| Stopped::Unanswered(trouble.why()))?;
        if !status.success() {
            let said = String::from_utf8_lossy(&said);
            return Err(Stopped::Refused(said.trim().to_owned()));
        }
        String::from_utf8(out).map_err(|_| Stopped::Refused("what it printed is not UTF-8".to_owned()))
    }

    fn run(&self, arguments: &[OsString]) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Trouble> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear();
        command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        for home in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME"] {
            command.env(home, &self.nowhere);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(Trouble::Start)?;
        let until = Instant::now() + LONGEST;
        let out = child.stdout.take().map(|stream| kept(stream, MOST_BYTES));
        let said = child.stderr.take().map(|stream| kept(stream, MOST_SAID));
        let ended = wait(&mut child, until, out, said);
        if ended.is_err() {
            // It may have ended by itself meanwhile.
            _ = child.kill();
            _ = child.wait();
        }
        ended
    }
}

/// Why a program did not end well.
#[derive(Debug)]
enum Trouble {
    Start(io::Error),
    Long,
    Large,
}

impl Trouble {
    fn why(&self) -> String {
        match self {
            Trouble::Start(error) => error.to_string(),
            Trouble::Long => format!("it did not end within {} seconds", LONGEST.as_secs()),
            Trouble::Large => format!("it printed more than {} MiB", MOST_BYTES >> 20),
        }
    }
}

/// What a stream gives, and whether there was more of it.
type Stream = mpsc::Receiver<(Vec<u8>, bool)>;

/// Reads a stream to its end on a thread of its own, and keeps so many bytes.
fn kept(mut stream: impl Read + Send + 'static, most: u64) -> Stream {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A stream that breaks has ended.
        _ = stream.by_ref().take(most).read_to_end(&mut bytes);
        let more = stream.read(&mut [0]).is_ok_and(|read| read > 0);
        // Nobody listens any more where it took too long.
        _ = send.send((bytes, more));
    });
    receive
}

/// Waits for both streams and the end of a program, until then at the latest.
fn wait(
    child: &mut Child,
    until: Instant,
    out: Option<Stream>,
    said: Option<Stream>,
) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), Trouble> {
    let read = |stream: Option<Stream>| match stream {
        Some(stream) => {
            let left = until.saturating_duration_since(Instant::now());
            stream.recv_timeout(left).map_err(|_| Trouble::Long)
        }
        None => Ok((Vec::new(), false)),
    };
    let (out, more) = read(out)?;
    if more {
        return Err(Trouble::Large);
    }
    let (said, _) = read(said)?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status, out, said)),
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            Ok(None) => return Err(Trouble::Long),
            Err(error) => return Err(Trouble::Start(error)),
        }
    }
}

/// A path that cannot be taken for an option.
fn plain(path: &Path) -> PathBuf {
    if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn start(line: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a shell starts")
    }

    /// Runs a line for at most so long, and keeps so many bytes of what it prints.
    fn ran(line: &str, longest: Duration, most: u64) -> Result<(bool, usize, usize), Trouble> {
        let mut child = start(line);
        let out = child.stdout.take().map(|stream| kept(stream, most));
        let said = child.stderr.take().map(|stream| kept(stream, MOST_SAID));
        let ended = wait(&mut child, Instant::now() + longest, out, said);
        _ = child.kill();
        _ = child.wait();
        ended.map(|(status, out, said)| (status.success(), out.len(), said.len()))
    }

    #[test]
    fn what_does_not_end_or_prints_too_much_is_given_up() {
        let long = Duration::from_secs(30);
        assert!(matches!(ran("printf 12345; printf 67 >&2", long, 5), Ok((true, 5, 2))));
        assert!(matches!(ran("exit 3", long, 5), Ok((false, 0, 0))));
        assert!(matches!(ran("printf 123456", long, 5), Err(Trouble::Large)));
        let begun = Instant::now();
        assert!(matches!(ran("exec sleep 20", Duration::from_millis(50), 5), Err(Trouble::Long)));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_path_is_no_option() {
        assert_eq!(plain(Path::new("-x")), Path::new("./-x"));
        assert_eq!(plain(Path::new("/x")), Path::new("/x"));
    }
}

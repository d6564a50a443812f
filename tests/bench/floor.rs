//! What the benchmark compares with, and the clock it uses. Compiled by `tests/bench/run` with `rustc -O`; no part of
//! the package.
//!
//! `floor run PROGRAM ARGUMENT…` starts a program with its output thrown away and prints one line: wall time in
//! nanoseconds, peak memory in KiB, exit code. Starting it from here and not from Python keeps the cost of starting
//! small and equal on both sides, and Python's own memory out of the child's account (Linux counts the memory of the
//! process that started a program until that program is loaded).
//!
//! `floor walk FOLDER…` asks for the metadata of every file below the folders, on one thread, and prints how many.

use std::{
    env, fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((mode, rest)) if mode == "run" && !rest.is_empty() => run(rest),
        Some((mode, rest)) if mode == "walk" => {
            println!("{}", rest.iter().map(|folder| walk(Path::new(folder))).sum::<u64>());
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: floor run PROGRAM ARGUMENT… | floor walk FOLDER…");
            ExitCode::from(2)
        }
    }
}

fn run(command: &[String]) -> ExitCode {
    let start = Instant::now();
    let status = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let wall = start.elapsed();
    match status {
        Ok(status) => {
            println!("{} {} {}", wall.as_nanos(), peak_of_children(), status.code().unwrap_or(255));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", command[0]);
            ExitCode::from(2)
        }
    }
}

/// The greatest resident memory of any child that has ended, in KiB.
fn peak_of_children() -> i64 {
    // `struct rusage` on 64-bit Unix: two times of two words each, then 14 words, the first of which is the peak.
    unsafe extern "C" {
        fn getrusage(who: i32, usage: *mut [i64; 32]) -> i32;
    }
    const CHILDREN: i32 = -1;
    let mut usage = [0_i64; 32];
    // SAFETY: the buffer is larger than the structure on every system this is built for, and plain integers.
    let failed = unsafe { getrusage(CHILDREN, &mut usage) } != 0;
    if failed {
        return 0;
    }
    if cfg!(target_os = "macos") { usage[4] / 1024 } else { usage[4] }
}

fn walk(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut files = 0;
    for entry in entries.flatten() {
        let path = entry.path();
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => files += walk(&path),
            Ok(_) => files += 1,
            Err(_) => {}
        }
    }
    files
}

//! What our readers cost: `cargo run --release --example read -- FILE…` prints microseconds per KiB.
//!
//! Each file is read often, and the fastest turn counts: what else runs only ever adds to the time.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark reads files and takes the time")]

use std::{env, fs, hint::black_box, time::Instant};

use trueline::read;

fn main() {
    let (mut seconds, mut bytes) = (0.0, 0_u32);
    for path in env::args().skip(1) {
        let text = fs::read_to_string(&path).expect("the file can be read");
        let reads = |text: &str| match path.rsplit('.').next() {
            Some("toml") => read::toml::parse(text).is_ok(),
            Some("json") => read::json::parse(text).is_ok(),
            _ => read::yaml::parse(text).is_ok(),
        };
        assert!(reads(&text), "{path} is not one of our files");
        let once = |_| {
            let start = Instant::now();
            black_box(reads(black_box(&text)));
            start.elapsed().as_secs_f64()
        };
        seconds += (0..1_000).map(once).fold(f64::MAX, f64::min);
        bytes += u32::try_from(text.len()).expect("a small file");
    }
    println!("{:.2} µs per KiB", seconds * 1e6 / (f64::from(bytes) / 1024.0));
}

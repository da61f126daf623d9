//! `honeyguide replay`

use super::runtime;
use crate::cli;
use crate::locate;
use crate::show::print;
use anyhow::{Context, Result};
use client::HttpDelivery;
use client::replay::{Progress, Summary, cowrie};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub fn run(arguments: cli::Replay) -> Result<ExitCode> {
    let delivery = HttpDelivery::importing(locate::client(&arguments.target)?, &arguments.sensor);
    runtime()?.block_on(async {
        for file in &arguments.files {
            let begin = Instant::now();
            let bar = if arguments.json { ProgressBar::hidden() } else { bar(file)? };
            let summary = cowrie(file, &arguments.sensor, &delivery, |progress| advance(&bar, progress)).await?;
            bar.finish_and_clear();
            if arguments.json {
                print(&(serde_json::to_string(&summary)? + "\n"))?;
            } else {
                print(&tell(file, &arguments.sensor, &summary, begin.elapsed().as_secs_f64()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn bar(file: &Path) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg} [{bar:40}] {percent}%  {prefix}  {eta} left").context("the bar's template")?;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    Ok(ProgressBar::new(0).with_style(style.progress_chars("=> ")).with_message(name))
}

fn advance(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.bytes_total);
    bar.set_position(progress.bytes);
    bar.set_prefix(format!("{} events", progress.events));
}

fn tell(file: &Path, sensor: &str, summary: &Summary, seconds: f64) -> String {
    let rate = summary.events as f64 / seconds.max(0.001);
    let mut out = format!(
        "{}: {} lines, {} events of {} sessions as sensor \"{sensor}\", in {seconds:.1} s ({rate:.0} events/s)\n",
        file.display(),
        summary.lines,
        summary.events,
        summary.sessions
    );
    if summary.repeated > 0 {
        out += &format!("  {} of the events had been imported before\n", summary.repeated);
    }
    for (reason, count) in &summary.skipped {
        out += &format!("  {count} lines gave no event: {reason}\n");
    }
    out
}

//! The command line, as clap reads it. Doc comments here are what `--help` prints.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// A honeypot network and the threat intelligence it gives.
#[derive(Debug, Parser)]
#[command(name = "honeyguide", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a hub and a sensor on this machine, in one process
    Up(Up),
    /// Run a hub, or manage one
    Hub(Hub),
    /// Run a sensor that delivers to a hub
    Sensor(Sensor),
    /// Show what is known about addresses
    Check(Check),
    /// Print the addresses worth blocking
    Blocklist(Blocklist),
    /// List sessions, or tell one as a story
    Sessions(Sessions),
    /// Import Cowrie's JSON logs (plain or gzip) as sessions of a named sensor
    Replay(Replay),
    /// Look at the configuration
    Config(ConfigArguments),
}

/// Where the configuration comes from; the same for every role.
#[derive(Debug, Args, Default)]
pub struct ConfigSource {
    /// The TOML file; without it, ./honeyguide.toml when there is one
    #[arg(long, value_name = "FILE", env = "HONEYGUIDE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Set any key, such as `--set sensor.persona=busybox-router`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Which ports the decoys get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ports {
    /// 2222, 2323, 8080, …: no privileges needed
    Unprivileged,
    /// 22, 23, 80, …: where attackers look
    Standard,
    /// Any free port each
    Auto,
}

impl Ports {
    /// The configuration's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Ports::Unprivileged => "unprivileged",
            Ports::Standard => "standard",
            Ports::Auto => "auto",
        }
    }
}

/// `honeyguide up`
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: ConfigSource,
    /// Where the web pages and the API listen; port 0 is any free port
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Which ports the decoys get
    #[arg(long)]
    pub ports: Option<Ports>,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// `honeyguide hub`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Hub {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub run: HubRun,
    /// What to manage; without it the hub runs.
    #[command(subcommand)]
    pub command: Option<HubCommand>,
}

/// How the hub runs.
#[derive(Debug, Args)]
pub struct HubRun {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: ConfigSource,
    /// Where sensors and clients connect
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// What can be managed.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Tokens with which sensors enrol
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
}

/// `honeyguide hub token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for one sensor; it is printed once
    New {
        #[command(flatten)]
        #[allow(missing_docs)]
        source: ConfigSource,
        /// For how many hours it can be used
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
        hours: u32,
    },
}

/// `honeyguide sensor`
#[derive(Debug, Args)]
pub struct Sensor {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: ConfigSource,
    /// The hub's URL; remembered after enrolment
    #[arg(long, value_name = "URL")]
    pub hub: Option<String>,
    /// An enrolment token from `honeyguide hub token new`; needed once
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Which ports the decoys get
    #[arg(long)]
    pub ports: Option<Ports>,
    /// Record only, and deliver when a hub is configured later
    #[arg(long, conflicts_with_all = ["hub", "token"])]
    pub offline: bool,
    /// Print one line of JSON when ready, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// Which hub a client command asks.
#[derive(Debug, Args)]
pub struct Target {
    /// The hub's URL; without it, the hub that runs on this machine
    #[arg(long, value_name = "URL", env = "HONEYGUIDE_URL")]
    pub hub: Option<String>,
    /// The API key; without it, this machine's admin key
    #[arg(long, value_name = "KEY", env = "HONEYGUIDE_KEY", hide_env_values = true)]
    pub key: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: ConfigSource,
}

/// `honeyguide check`
#[derive(Debug, Args)]
pub struct Check {
    /// The addresses
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<IpAddr>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
}

/// `honeyguide blocklist`
#[derive(Debug, Args)]
pub struct Blocklist {
    /// The lowest confidence to list
    #[arg(long, value_name = "1-100", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub score_minimum: u8,
    /// At most so many addresses
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Private and loopback addresses too; never load such a list into a firewall
    #[arg(long)]
    pub include_private: bool,
    /// Print JSON instead of one address a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
}

/// `honeyguide sessions`
#[derive(Debug, Args)]
pub struct Sessions {
    /// The session to tell; without it, the latest are listed
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Only of this address
    #[arg(long, value_name = "ADDRESS", conflicts_with = "id")]
    pub ip: Option<IpAddr>,
    /// Only of this protocol
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    pub protocol: Option<String>,
    /// At most so many, up to 1000
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "id", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
}

/// `honeyguide replay`
#[derive(Debug, Args)]
pub struct Replay {
    /// The log files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The name of the sensor they are shown under
    #[arg(long, value_name = "NAME", default_value = "cowrie")]
    pub sensor: String,
    /// Print JSON instead of a bar and a summary
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub target: Target,
}

/// `honeyguide config`
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check it, and print every effective value with its origin
    Check {
        #[command(flatten)]
        #[allow(missing_docs)]
        source: ConfigSource,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

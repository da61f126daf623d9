//! The runtime, driven from outside: fake protocols on real sockets, and what the spool holds afterwards.

mod fake;
mod harness;
mod hostile;
mod order;
mod proxy;
mod requests;
mod ssh;
mod stop;
mod tls;
mod udp;

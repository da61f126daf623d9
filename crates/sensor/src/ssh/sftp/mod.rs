//! The SFTP subsystem over the fake host's files, as OpenSSH's `sftp-server` answers.
//!
//! Our own rather than russh-sftp's server: that one replaces bytes of paths that are not UTF-8, and runs in a task that outlives its channel.

mod handles;
mod requests;
mod site;
mod wire;

pub(super) use site::Site;

use super::connection::Connection;
use super::pipe::Pipe;
use requests::Server;
use shell::{Files, Io, Stream};
use std::sync::Arc;

/// OpenSSH's `SFTP_MAX_MSG_LENGTH`.
const PACKET_BYTES_MAX: usize = 256 * 1024;

/// Serves until the client closes, and returns the server's exit status. Files still open then are recorded as far as they came.
pub(super) async fn serve(files: Files, site: Arc<Site>, connection: Arc<Connection>, io: Io) -> u8 {
    let mut input = Pipe::new(io.stdin);
    let mut server = Server::new(files, site, connection.clone());
    while let Some(&[a, b, c, d]) = input.exactly(4).await {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if !(1..=PACKET_BYTES_MAX).contains(&length) {
            connection.malformed("SFTP packet length", &[a, b, c, d]);
            return BAD_MESSAGE_STATUS;
        }
        let Some(packet) = input.exactly(length).await else { break };
        match server.answer(packet) {
            Ok(answer) => {
                if io.output.send((Stream::Out, answer)).await.is_err() {
                    break;
                }
            }
            Err(reason) => {
                connection.malformed(reason, packet);
                return BAD_MESSAGE_STATUS;
            }
        }
    }
    0
}

/// How `sftp-server` exits when a message makes no sense.
const BAD_MESSAGE_STATUS: u8 = 11;

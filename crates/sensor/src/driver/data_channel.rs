//! A passive data channel: one connection, from the same peer only, either way (RFC 959 section 3.2).

use crate::Limits;
use emulation::Done;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// An open channel; dropping it closes the port and the connection.
pub(super) struct DataChannel {
    reply: Option<oneshot::Sender<Vec<u8>>>,
    task: JoinHandle<Done>,
}

impl Drop for DataChannel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DataChannel {
    /// Listens on any free port of `local` for a connection from `peer`. Behind a balancer `local` is the balancer's; then on all of ours.
    pub(super) fn open(local: IpAddr, peer: IpAddr, limits: &Limits) -> io::Result<(SocketAddr, DataChannel)> {
        let everywhere = if local.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        let listener = std::net::TcpListener::bind((local, 0)).or_else(|_| std::net::TcpListener::bind((everywhere, 0)))?;
        listener.set_nonblocking(true)?;
        let address = SocketAddr::new(local, listener.local_addr()?.port());
        let listener = TcpListener::from_std(listener)?;
        let (reply, replies) = oneshot::channel();
        let (time, bytes_max) = (Duration::from_secs(limits.data_channel_seconds_max), limits.data_channel_bytes_max);
        let task = tokio::spawn(async move {
            match tokio::time::timeout(time, serve(listener, peer, replies, bytes_max)).await {
                Ok(Ok(done)) => done,
                Ok(Err(_)) | Err(_) => Done::DataSent(false),
            }
        });
        Ok((address, DataChannel { reply: Some(reply), task }))
    }

    /// Sends bytes on the channel, as soon as the peer has connected, and closes it. Only the first call counts.
    pub(super) fn reply(&mut self, bytes: Vec<u8>) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(bytes); // a closed channel has reported already
        }
    }

    /// Waits for what the channel has to say; the channel is gone then. Waits for ever without one.
    pub(super) async fn done(channel: &mut Option<DataChannel>) -> Done {
        let done = match channel {
            Some(open) => (&mut open.task).await.unwrap_or(Done::DataSent(false)),
            None => std::future::pending().await,
        };
        *channel = None;
        done
    }
}

async fn serve(listener: TcpListener, peer: IpAddr, mut replies: oneshot::Receiver<Vec<u8>>, bytes_max: usize) -> io::Result<Done> {
    let mut stream = accept(&listener, peer).await?;
    drop(listener);
    let mut received = Vec::new();
    let mut replying = true;
    loop {
        let room = bytes_max.saturating_sub(received.len());
        if room == 0 {
            return Ok(Done::DataReceived(received));
        }
        let mut limited = (&mut stream).take(room as u64);
        tokio::select! {
            biased;
            reply = &mut replies, if replying => match reply {
                Ok(bytes) => {
                    stream.write_all(&bytes).await?;
                    stream.shutdown().await?;
                    return Ok(Done::DataSent(true));
                }
                Err(_) => replying = false,
            },
            read = limited.read_buf(&mut received) => {
                if read? == 0 {
                    return Ok(Done::DataReceived(received));
                }
            }
        }
    }
}

/// Anyone but the session's peer is turned away: the port must not serve port scanners or hijackers.
async fn accept(listener: &TcpListener, peer: IpAddr) -> io::Result<TcpStream> {
    loop {
        let (stream, from) = listener.accept().await?;
        if model::canonical(from.ip()) == model::canonical(peer) {
            return Ok(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { data_channel_seconds_max: 5, data_channel_bytes_max: 10, ..Limits::default() }
    }

    #[tokio::test]
    async fn an_upload_is_received_whole_or_up_to_its_limit() {
        let home: IpAddr = "127.0.0.1".parse().unwrap();
        for (sent, expected) in [(&b"upload"[..], &b"upload"[..]), (b"more than ten bytes", b"more than ")] {
            let (address, data) = DataChannel::open(home, home, &limits()).unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut data = Some(data);
            let Done::DataReceived(received) = DataChannel::done(&mut data).await else { panic!("not received") };
            assert_eq!(received, expected);
            assert!(data.is_none());
        }
    }

    #[tokio::test]
    async fn a_reply_waits_for_the_peer_and_nobody_else() {
        let (address, mut data) = DataChannel::open("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap(), &limits()).unwrap();
        data.reply(b"listing".to_vec());
        let mut stranger = TcpStream::connect(address).await.unwrap();
        let mut got = Vec::new();
        let _ = stranger.read_to_end(&mut got).await;
        assert_eq!(got, b"");
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut peer = socket.connect(address).await.unwrap();
        peer.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"listing");
        assert!(matches!(DataChannel::done(&mut Some(data)).await, Done::DataSent(true)));
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_is_told_all_the_same() {
        let (local, peer) = ("192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
        let (address, mut data) = DataChannel::open(local, peer, &limits()).unwrap();
        assert_eq!(address.ip(), local);
        data.reply(b"listing".to_vec());
        let mut got = Vec::new();
        TcpStream::connect((peer, address.port())).await.unwrap().read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"listing");
    }

    #[tokio::test]
    async fn a_channel_nobody_uses_ends() {
        let home: IpAddr = "127.0.0.1".parse().unwrap();
        let limits = Limits { data_channel_seconds_max: 0, ..limits() };
        let (_, data) = DataChannel::open(home, home, &limits).unwrap();
        assert!(matches!(DataChannel::done(&mut Some(data)).await, Done::DataSent(false)));
    }
}

//! How long a server waits for a request, and what it says when its patience ends.

use super::exchange::Exchange;
use super::table::Flavour;
use super::{Http, Note, Server, Stage};
use crate::{Context, Input, Next, Session};
use model::Timestamp;
use std::time::Duration;

/// mod_reqtimeout as Debian and Ubuntu configure it: `header=20-40,minrate=500`, `body=10,minrate=500`. Heads are never so long that their
/// rate would matter.
const APACHE_HEAD: Duration = Duration::from_secs(20);
const APACHE_BODY: Duration = Duration::from_secs(10);
const APACHE_BODY_BYTES_PER_SECOND: u64 = 500;
/// What a peer that says nothing at all gets, as measured: the kernel holds its connection back for half a minute (`TCP_DEFER_ACCEPT`,
/// Apache's `AcceptFilter http data`).
const APACHE_SILENCE: Duration = Duration::from_secs(51);
/// `KeepAliveTimeout`, which its answers announce.
const APACHE_NEXT: Duration = Duration::from_secs(5);
/// BusyBox's `HEADER_READ_TIMEOUT`; it waits for a body without end.
const BUSYBOX_HEAD: Duration = Duration::from_secs(60);

impl Http {
    /// The connection is there.
    pub(super) fn await_first(&mut self, cx: &mut Context<'_>) {
        if self.site.flavour == Flavour::Apache && !self.is_secure {
            self.is_between = true;
            cx.expect_within(Some(APACHE_SILENCE));
        } else {
            self.await_head(cx);
        }
    }

    /// A request begins.
    pub(super) fn await_head(&self, cx: &mut Context<'_>) {
        cx.expect_within(Some(if self.site.flavour == Flavour::Apache { APACHE_HEAD } else { BUSYBOX_HEAD }));
    }

    /// An answer was given and the connection stays.
    pub(super) fn await_next(&mut self, cx: &mut Context<'_>) {
        self.is_between = true;
        cx.expect_within(Some(APACHE_NEXT));
    }

    /// A body was announced at `since`, and so many bytes of it have come.
    pub(super) fn await_body(&self, since: Timestamp, bytes: u64, cx: &mut Context<'_>) {
        cx.expect_within((self.site.flavour == Flavour::Apache).then(|| {
            let elapsed = Duration::from_micros(u64::try_from(cx.now.0.saturating_sub(since.0)).unwrap_or(0));
            APACHE_BODY.saturating_add(Duration::from_secs(bytes / APACHE_BODY_BYTES_PER_SECOND)).saturating_sub(elapsed)
        }));
    }

    /// Records what there is of the request, and gives it up.
    pub(super) fn give_up(&mut self, input: &mut Input, cx: &mut Context<'_>) -> Next {
        // Apache says nothing to those who have not even sent a request line.
        let is_silent = self.site.flavour == Flavour::Apache && matches!(&self.stage, Stage::Head(reader) if !reader.is_in_headers());
        let site = self.site.clone();
        let exchange = match &self.stage {
            Stage::Body(request) => Exchange::new(&request.0, None, 0, &site, cx).0,
            _ => Exchange::unread(&site, cx),
        };
        self.end(input, cx);
        if !is_silent {
            let server: &dyn Server = self.server();
            let reply = server.error(&site, &exchange, 408, Note::None);
            self.send(&site, &exchange, reply, cx);
        }
        Next::Close
    }
}

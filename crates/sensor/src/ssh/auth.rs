//! Logins: recorded, judged by the sensor's policy, and answered as sshd would.

use super::connection::Connection;
use emulation::Credentials;
use model::Detail;
use russh::Disconnect;
use russh::server::Auth;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The login of one connection.
pub(super) struct Login {
    connection: Arc<Connection>,
    /// Credentials judged so far; the policy's `attempt` counts from 1.
    attempts: u32,
    failures: u32,
    probed_none: bool,
}

impl Login {
    pub(super) fn new(connection: Arc<Connection>) -> Login {
        Login { connection, attempts: 0, failures: 0, probed_none: false }
    }

    /// `none` is how clients ask which methods there are: recorded, never accepted, and free the first time.
    pub(super) async fn none(&mut self, user: &[u8]) -> Auth {
        self.record("none", user, b"", false);
        if std::mem::replace(&mut self.probed_none, true) {
            self.failed().await;
        }
        self.reject()
    }

    /// Judges a secret. A wrong one takes its time.
    pub(super) async fn secret(&mut self, method: &'static str, user: &[u8], secret: &[u8]) -> Auth {
        if self.judge(method, user, secret) {
            return Auth::Accept;
        }
        tokio::time::sleep(self.connection.profile.failure_delay()).await;
        self.failed().await;
        self.reject()
    }

    /// Asks for the password, when the server has the method at all.
    pub(super) async fn prompt(&mut self, user: &[u8]) -> Auth {
        if !self.offers("keyboard-interactive") {
            self.record("keyboard-interactive", user, b"", false);
            self.failed().await;
            return self.reject();
        }
        Auth::Partial { name: "".into(), instructions: "".into(), prompts: vec![("Password: ".into(), false)].into() }
    }

    /// Judges a key that is offered without proof of possession: a refusal counts as an attempt (as sshd counts it), while an acceptance only
    /// asks for the proof, with which [`Login::key`] is called.
    pub(super) async fn key_offered(&mut self, user: &[u8], key: &[u8], fingerprint: &str) -> Auth {
        self.connection.fingerprint("ssh_public_key", fingerprint, key);
        let credentials = Credentials { username: user, secret: key, attempt: self.attempts + 1 };
        if self.offers("publickey") && self.connection.policy.accepts(&credentials) {
            return Auth::Accept;
        }
        self.judge("publickey", user, key);
        self.failed().await;
        self.reject()
    }

    /// Judges a key whose possession was proven.
    pub(super) async fn key(&mut self, user: &[u8], key: &[u8]) -> Auth {
        if self.judge("publickey", user, key) {
            return Auth::Accept;
        }
        self.failed().await;
        self.reject()
    }

    fn judge(&mut self, method: &'static str, user: &[u8], secret: &[u8]) -> bool {
        self.attempts = self.attempts.saturating_add(1);
        let credentials = Credentials { username: user, secret, attempt: self.attempts };
        let accepted = self.offers(method) && self.connection.policy.accepts(&credentials);
        self.record(method, user, secret, accepted);
        accepted
    }

    fn offers(&self, method: &str) -> bool {
        self.connection.profile.methods.iter().any(|m| m == method)
    }

    fn record(&self, method: &'static str, user: &[u8], secret: &[u8], accepted: bool) {
        self.connection.recorder.record(Detail::Auth { method: method.into(), username: user.into(), secret: secret.into(), accepted });
    }

    /// Counts a failure; sshd hangs up at `MaxAuthTries`.
    async fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.connection.limits.auth_attempts_max || self.connection.hung_up.swap(true, Ordering::Relaxed) {
            return;
        }
        self.connection
            .recorder
            .record(Detail::Limit { name: "auth_attempts_max".into(), value: u64::from(self.connection.limits.auth_attempts_max) });
        if let Some(handle) = self.connection.handle.get() {
            // The transport sends it after the answer to this attempt. It cannot fail while the transport is waiting for that answer.
            let text = "Too many authentication failures".to_owned();
            let _ = handle.disconnect(Disconnect::ProtocolError, text, String::new()).await;
        }
    }

    /// The same methods again: sshd never takes one away.
    fn reject(&self) -> Auth {
        Auth::Reject { proceed_with_methods: Some(self.connection.profile.method_set()), partial_success: false }
    }
}

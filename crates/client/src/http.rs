//! Requests to a hub and the reading of its answers.

use crate::{Error, Trust, tls};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Without a byte from the hub for so long, a request has failed.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer believed: the largest blacklist is a few dozen megabytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// The largest error text believed.
const ERROR_BYTES_MAX: usize = 16 << 10;

/// A hub, and the key to ask it with. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
}

impl Client {
    /// A client of the hub at `url`, such as `https://hub.example:8443`. Nothing is contacted yet.
    ///
    /// # Errors
    /// When the URL is none, or TLS cannot be set up.
    pub fn new(url: &str, trust: Trust) -> Result<Client, Error> {
        let bad = |reason: String| Error::Address { url: url.to_owned(), reason };
        let mut base = Url::parse(url).map_err(|error| bad(error.to_string()))?;
        let needed = match base.scheme() {
            "https" => true,
            "http" if trust == Trust::System => false,
            "http" => return Err(bad("the token pins a certificate, so it must be https".to_owned())),
            other => return Err(bad(format!("{other} is not http or https"))),
        };
        let Some(host) = base.host_str().map(str::to_owned) else { return Err(bad("it names no host".to_owned())) };
        base.set_query(None);
        base.set_fragment(None);
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(trust, needed)?)
            // A hub never redirects, and the key must not follow anyone elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(concat!("honeyguide/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&host) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| bad(error.to_string()))?;
        Ok(Client { http, base, key: None })
    }

    /// The same with a key (`sk_…`).
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Client {
        self.key = Some(key.into());
        self
    }

    /// The hub's address as it appears in messages.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request for a path of ours, given without its leading slash.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends, and reads a JSON answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unexpected(error.to_string()))
    }

    /// Sends, and reads the answer's body when it was a success.
    pub(crate) async fn bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let mut response = request.send().await.map_err(|error| Error::from_http(self.address(), &error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        self.read(&mut response, ANSWER_BYTES_MAX).await
    }

    async fn read(&self, response: &mut Response, bytes_max: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| Error::from_http(self.address(), &error))? {
            if body.len() + piece.len() > bytes_max {
                return Err(self.unexpected(format!("more than {bytes_max} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// What a status that is not success means; the hub explains it in `{"error": "…"}`.
    async fn refusal(&self, mut response: Response) -> Error {
        #[derive(Deserialize)]
        struct Explained {
            error: String,
        }
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        let body = self.read(&mut response, ERROR_BYTES_MAX).await.unwrap_or_default();
        let message = match serde_json::from_slice::<Explained>(&body) {
            Ok(explained) => explained.error,
            Err(_) => status.canonical_reason().unwrap_or("no explanation").to_owned(),
        };
        match status {
            StatusCode::UNAUTHORIZED => Error::Unauthorized(message),
            StatusCode::FORBIDDEN => Error::Forbidden(message),
            StatusCode::NOT_FOUND => Error::NotFound(message),
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge(message),
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited { message, retry_after },
            StatusCode::SERVICE_UNAVAILABLE => Error::Busy { message, retry_after },
            _ => Error::Refused { status: status.as_u16(), message },
        }
    }

    fn unexpected(&self, reason: String) -> Error {
        Error::Unexpected { address: self.address().to_owned(), reason }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| model::canonical(ip).is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Sha256;

    #[test]
    fn addresses_are_checked_and_completed() {
        let client = Client::new("http://127.0.0.1:8080/hub?x=1", Trust::System).unwrap();
        assert_eq!(client.address(), "http://127.0.0.1:8080/hub");
        let request = client.request(Method::GET, &["v1", "key", "check", "a/b"]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:8080/hub/v1/key/check/a%2Fb");
        let pinned = Trust::Pinned(Sha256([0; 32]));
        for (url, trust) in [("hub.example", Trust::System), ("ftp://x", Trust::System), ("", Trust::System), ("http://127.0.0.1", pinned)]
        {
            assert!(matches!(Client::new(url, trust), Err(Error::Address { .. })), "{url}");
        }
    }

    #[test]
    fn loopback_is_known() {
        for (host, loopback) in [("localhost", true), ("127.1.2.3", true), ("[::1]", true), ("10.0.0.1", false), ("hub.example", false)] {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}

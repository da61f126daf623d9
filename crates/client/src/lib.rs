//! The typed client of a hub: what it knows ([`Client::check`], [`Client::blacklist`], [`Client::sessions`]), how a sensor joins and delivers
//! ([`Client::enrol`], [`HttpDelivery`]), and how the logs of other honeypots are imported ([`replay`]).

pub mod api;
pub mod cowrie;
mod delivery;
mod error;
mod http;
mod query;
pub mod replay;
mod tls;
mod token;

pub use delivery::{Delivery, DeliveryError, Enrolment, HttpDelivery};
pub use error::Error;
pub use http::Client;
pub use query::{BlacklistQuery, CheckQuery, SessionsQuery};
pub use tls::Trust;
pub use token::{BadToken, EnrolmentToken};

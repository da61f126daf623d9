//! Keys and tokens: 256 random bits behind a prefix that says what they are.

use rand::RngExt as _;

fn random_hex() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

/// A new administrator's key, `sk_admin_…`.
pub fn admin_key() -> String {
    format!("sk_admin_{}", random_hex())
}

/// A new sensor's key, `sk_sensor_…`.
pub fn sensor_key() -> String {
    format!("sk_sensor_{}", random_hex())
}

/// The secret inside an enrolment token.
pub fn token_secret() -> String {
    random_hex()
}

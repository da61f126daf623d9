//! The categories of a community report.

use serde::{Deserialize, Serialize};

/// What a report says an address did. The ids and names are those of the native API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names are the documentation; `docs/scoring.md` has the table
pub enum Category {
    BruteForce = 1,
    PortScan,
    Ddos,
    WebExploit,
    SqlInjection,
    Phishing,
    Spam,
    BadBot,
    ExploitedHost,
    Malware,
    DnsAbuse,
    OpenProxy,
    IotTargeted,
    Spoofing,
    Fraud,
    Other,
}

use Category::*;

impl Category {
    /// Every category, by ascending id.
    pub const ALL: [Category; 16] = [
        BruteForce,
        PortScan,
        Ddos,
        WebExploit,
        SqlInjection,
        Phishing,
        Spam,
        BadBot,
        ExploitedHost,
        Malware,
        DnsAbuse,
        OpenProxy,
        IotTargeted,
        Spoofing,
        Fraud,
        Other,
    ];

    /// Its number, 1 to 16.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            BruteForce => "brute_force",
            PortScan => "port_scan",
            Ddos => "ddos",
            WebExploit => "web_exploit",
            SqlInjection => "sql_injection",
            Phishing => "phishing",
            Spam => "spam",
            BadBot => "bad_bot",
            ExploitedHost => "exploited_host",
            Malware => "malware",
            DnsAbuse => "dns_abuse",
            OpenProxy => "open_proxy",
            IotTargeted => "iot_targeted",
            Spoofing => "spoofing",
            Fraud => "fraud",
            Other => "other",
        }
    }

    /// The category with this number.
    pub fn from_id(id: u8) -> Option<Category> {
        Self::ALL.into_iter().find(|category| category.id() == id)
    }

    /// The category with this name.
    pub fn from_name(name: &str) -> Option<Category> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// How grave it is, in raw points: 2 for noise, 4 for abuse of a service, 6 for an attack, 8 for malware and its victims.
    pub const fn weight(self) -> f64 {
        match self {
            PortScan | BadBot | Other => 2.0,
            Spam | DnsAbuse | OpenProxy | Spoofing => 4.0,
            BruteForce | WebExploit | SqlInjection | IotTargeted | Ddos | Fraud | Phishing => 6.0,
            ExploitedHost | Malware => 8.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Category;

    #[test]
    fn ids_are_one_to_sixteen_and_names_lead_back() {
        for (id, category) in (1..).zip(Category::ALL) {
            assert_eq!(category.id(), id);
            assert_eq!(Category::from_id(id), Some(category));
            assert_eq!(Category::from_name(category.name()), Some(category));
            assert_eq!(serde_json::to_value(category).unwrap(), category.name());
        }
        assert_eq!(Category::from_id(0), None);
        assert_eq!(Category::from_name("Malware"), None);
    }
}

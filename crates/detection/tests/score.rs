//! The score: the worked examples of `docs/scoring.md`, and the promises it makes.

use detection::score::{
    BehaviorEvidence, Category, CategoryEvidence, CommunityEvidence, Evidence, SensorEvidence, Whitelist, score, severity_weight,
};
use model::Severity;
use proptest::prelude::*;

const DOCUMENT: &str = include_str!("../../../docs/scoring.md");

/// The rows of the table that follows a heading, without its header.
fn table(heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = DOCUMENT.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}"));
    let rows = rest.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// `very_high 4, low 1` as behaviors.
fn behaviors(cell: &str) -> Vec<BehaviorEvidence> {
    let entries = cell.split(',').map(str::trim).filter(|entry| *entry != "–").enumerate();
    let entry = |(at, entry): (usize, &str)| {
        let (severity, sessions) = entry.split_once(' ').expect("severity and sessions");
        BehaviorEvidence { id: format!("b{at}").into(), severity: severity.parse().unwrap(), sessions: sessions.parse().unwrap() }
    };
    entries.map(entry).collect()
}

#[test]
fn the_worked_examples_hold() {
    let rows = table("## Worked examples");
    assert!(rows.len() >= 8, "{} examples", rows.len());
    for row in rows {
        let [name, seen, counts, community, whitelist, sensor_raw, community_raw, multiplier, raw, confidence] =
            row.try_into().expect("ten columns");
        let numbers: Vec<u64> = counts.split('/').map(|number| number.trim().parse().unwrap()).collect();
        let [primitives, protocols, sessions, events] = numbers.try_into().expect("four counts");
        let community = match community.as_str() {
            "–" => CommunityEvidence::default(),
            text => {
                let (category, numbers) = text.split_once(' ').expect("category and numbers");
                let numbers: Vec<u64> = numbers.split('/').map(|number| number.trim().parse().unwrap()).collect();
                let [reporters, reports, bulk_reports] = numbers.try_into().expect("three counts");
                let category = Category::from_name(category).unwrap();
                let categories = vec![CategoryEvidence { category, reports: reports + bulk_reports }];
                CommunityEvidence { reporters, reports, bulk_reports, categories }
            }
        };
        let whitelist = whitelist.parse().ok().map(|factor| Whitelist { source: "x".to_owned(), factor });
        let sensor = SensorEvidence { behaviors: behaviors(&seen), primitives, protocols, sessions, events };
        let got = score(&Evidence { sensor, community, whitelist });
        let shown = [got.sensor_raw, got.community_raw, got.multiplier, got.raw].map(|value| format!("{value:.2}"));
        assert_eq!(shown, [sensor_raw, community_raw, multiplier, raw], "{name}");
        assert_eq!(got.confidence.to_string(), confidence, "{name}");
    }
}

#[test]
fn the_documented_weights_are_those_of_the_code() {
    let severities: Vec<Vec<String>> = Severity::ALL.iter().rev().map(|s| vec![s.to_string(), severity_weight(*s).to_string()]).collect();
    assert_eq!(table("### Severity weights"), severities);
    let categories: Vec<Vec<String>> =
        Category::ALL.iter().map(|c| vec![c.id().to_string(), c.name().to_owned(), c.weight().to_string()]).collect();
    assert_eq!(table("### Category weights"), categories);
}

#[test]
fn the_published_saturation_holds() {
    for (raw, want) in [(35.0, 39), (70.0, 63), (140.0, 86), (200.0, 94), (300.0, 99)] {
        let saturated = 100.0 * (1.0 - f64::exp(-raw / 70.0));
        assert!((saturated - f64::from(want)).abs() < 0.7, "{raw} gives {saturated}");
    }
    assert_eq!(score(&Evidence::default()).confidence, 0);
}

#[test]
fn the_terms_add_up() {
    let evidence = strongest();
    let got = score(&evidence);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 0.001, "{a} is not {b}");
    let sum = |terms: &[detection::score::Term]| terms.iter().map(|term| term.value).sum::<f64>();
    near(sum(&got.sensor), got.sensor_raw);
    near(sum(&got.community), got.community_raw);
    let weaker = got.sensor_raw.min(got.community_raw);
    near(got.multiplier, 1.0 + 0.5 * weaker / (weaker + 30.0));
    near(got.raw, (got.sensor_raw + got.community_raw) * got.multiplier);
    near(got.saturated, 100.0 * (1.0 - f64::exp(-got.raw / 70.0)));
    assert_eq!(got.confidence, 100);
    let text = serde_json::to_string(&got).unwrap();
    assert_eq!(serde_json::from_str::<detection::score::Score>(&text).unwrap(), got);
}

fn strongest() -> Evidence {
    let behaviors = (0..50).map(|at| BehaviorEvidence { id: format!("b{at}").into(), severity: Severity::VeryHigh, sessions: u64::MAX });
    let category = CategoryEvidence { category: Category::Malware, reports: u64::MAX };
    Evidence {
        sensor: SensorEvidence {
            behaviors: behaviors.collect(),
            primitives: u64::MAX,
            protocols: 17,
            sessions: u64::MAX,
            events: u64::MAX,
        },
        community: CommunityEvidence { reporters: u64::MAX, reports: u64::MAX, bulk_reports: u64::MAX, categories: vec![category] },
        whitelist: None,
    }
}

#[test]
fn one_reporter_alone_never_lifts_an_address_over_40() {
    let mut evidence = Evidence { community: strongest().community, ..Evidence::default() };
    evidence.community.reporters = 1;
    assert!(score(&evidence).confidence <= 40);
    // Nor together with the faintest thing a sensor can see.
    evidence.sensor = one_packet(Severity::Info);
    assert!(score(&evidence).confidence <= 45, "{:?}", score(&evidence));
}

/// One session of one packet: a connect, what it was, a close.
fn one_packet(severity: Severity) -> SensorEvidence {
    let behaviors = vec![BehaviorEvidence { id: "x".into(), severity, sessions: 1 }];
    SensorEvidence { behaviors, primitives: 1, protocols: 1, sessions: 1, events: 4 }
}

#[test]
fn one_scan_packet_never_gives_more_than_25() {
    for severity in [Severity::Info, Severity::Low] {
        let got = score(&Evidence { sensor: one_packet(severity), ..Evidence::default() });
        assert!(got.confidence <= 25, "{severity}: {got:?}");
    }
    // Every built-in that a packet can cause is one of the two.
    for built_in in detection::BUILT_INS.iter().filter(|b| ["connection-only", "failed-handshake", "malformed-only"].contains(&b.id)) {
        assert!(built_in.severity <= Severity::Low, "{}", built_in.id);
    }
}

#[test]
fn the_whitelist_factor_comes_last() {
    let mut evidence = Evidence { sensor: one_packet(Severity::VeryHigh), ..Evidence::default() };
    assert_eq!(score(&evidence).confidence, 75, "the floor of a takeover");
    for (factor, want) in [(0.2, 15), (0.0, 0), (7.0, 75), (-1.0, 0), (f64::NAN, 75)] {
        evidence.whitelist = Some(Whitelist { source: "x".to_owned(), factor });
        let got = score(&evidence);
        assert_eq!((got.confidence, got.unlisted_confidence), (want, 75), "{factor}");
    }
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let behavior = (0..6u8, prop::sample::select(Severity::ALL.to_vec()), 0..50u64);
    let sensor = (prop::collection::vec(behavior, 0..5), 0..40u64, 0..6u64, 0..100u64, 0..5000u64);
    let category = (prop::sample::select(Category::ALL.to_vec()), 0..20u64);
    let community = (0..20u64, 0..50u64, 0..500u64, prop::collection::vec(category, 0..4));
    (sensor, community).prop_map(
        |((behaviors, primitives, protocols, sessions, events), (reporters, reports, bulk_reports, categories))| {
            let behaviors = behaviors.into_iter().enumerate();
            Evidence {
                sensor: SensorEvidence {
                    behaviors: behaviors
                        .map(|(at, (id, severity, sessions))| BehaviorEvidence { id: format!("{id}-{at}").into(), severity, sessions })
                        .collect(),
                    primitives,
                    protocols,
                    sessions,
                    events,
                },
                community: CommunityEvidence {
                    reporters,
                    reports,
                    bulk_reports,
                    categories: categories.into_iter().map(|(category, reports)| CategoryEvidence { category, reports }).collect(),
                },
                whitelist: None,
            }
        },
    )
}

proptest! {
    #[test]
    fn more_evidence_never_lowers_a_score(evidence in any_evidence(), which in 0..10usize, more in 1..30u64, severity in prop::sample::select(Severity::ALL.to_vec())) {
        let mut grown = evidence.clone();
        match which {
            0 => grown.sensor.behaviors.push(BehaviorEvidence { id: "new".into(), severity, sessions: more }),
            1 => grown.sensor.behaviors.iter_mut().for_each(|behavior| behavior.sessions += more),
            2 => if let Some(first) = grown.sensor.behaviors.first_mut() { first.sessions += more },
            3 => grown.sensor.primitives += more,
            4 => grown.sensor.protocols += more,
            5 => grown.sensor.sessions += more,
            6 => grown.sensor.events += more,
            7 => grown.community.reporters += more,
            8 => grown.community.reports += more,
            _ => grown.community.bulk_reports += more,
        }
        let (before, after) = (score(&evidence), score(&grown));
        prop_assert!(after.confidence >= before.confidence && after.raw >= before.raw - 1e-9, "{:?} then {:?}", before, after);
        let mut reported = evidence;
        reported.community.categories.push(CategoryEvidence { category: Category::Malware, reports: more });
        prop_assert!(score(&reported).confidence >= before.confidence);
    }

    #[test]
    fn a_single_report_weighs_more_than_a_bulk_one_and_a_reporter_more_than_either(evidence in any_evidence()) {
        let grown = |grow: fn(&mut CommunityEvidence)| {
            let mut grown = evidence.clone();
            grow(&mut grown.community);
            score(&grown).raw
        };
        let (reporter, single, bulk) = (grown(|c| { c.reporters += 1; c.reports += 1 }), grown(|c| c.reports += 1), grown(|c| c.bulk_reports += 1));
        prop_assert!(reporter > single && single >= bulk, "{} {} {}", reporter, single, bulk);
    }
}

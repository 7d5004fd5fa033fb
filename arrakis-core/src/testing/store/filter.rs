//! Filters: each operator on each base type, absent values, text byte for byte.

use serde_json::{Value as Json, json};

use crate::Geopoint;
use crate::kernel::plan::{Area, Comparison, Predicate, TextMatch};
use crate::ontology::End;
use crate::testing::{Draft, Fixture};

const COMPARISONS: [Comparison; 6] =
    [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];

/// Different values of every scalar type, ascending where the type is ordered.
const SCALARS: &str = r#"{
    "flag": [false, true],
    "count": [
        "-9223372036854775808", "-9223372036854775807", "-9007199254740993", -1, 0, 1, "9007199254740992", "9007199254740993",
        "9223372036854775806", "9223372036854775807"
    ],
    "ratio": [
        -1.7976931348623157e308, -1.5, -5e-324, 0.0, 5e-324, 0.1, 0.30000000000000004, 9007199254740992.0, 1.7976931348623157e308
    ],
    "price": [
        "-99999999999999.9999", "-0.0001", "0", "0.0001", "9.5", "10", "99999999999999.9998", "99999999999999.9999"
    ],
    "text": [
        "", " ", "'", "10", "9", "A", "Z", "a", "a ", "a%", "a\\", "a_", "aa", "z", "é", "\uffff", "\ud800\udc00"
    ],
    "day": ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31"],
    "at": [
        "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000001Z", "9999-12-31T23:59:59.999999Z"
    ],
    "length": [
        "-PT2562047788H54.775808S", "-PT0.000001S", "PT0S", "PT9S", "PT10S", "PT2562047788H54.775807S"
    ],
    "place": [
        { "lat": -90, "lon": 0 }, { "lat": 0.1, "lon": 0.2 }, { "lat": 0.1, "lon": 0.30000000000000004 }, { "lat": 90, "lon": -180 }
    ],
    "file": ["", "A", "a", "é"]
}"#;

fn scalars() -> Vec<(String, Vec<Json>)> {
    let Ok(Json::Object(scalars)) = serde_json::from_str(SCALARS) else { panic!("a list of values by property") };
    scalars.into_iter().map(|(property, values)| (property, values.as_array().unwrap().clone())).collect()
}

/// One object per value, its id the place of the value in two digits, and one without a value; no others.
async fn fill(fixture: &Fixture, property: &str, values: &[Json]) {
    let before = fixture.matching("Sample", Predicate::And(Vec::new())).await;
    let draft = before.iter().fold(fixture.draft(fixture.own), |draft, id| draft.delete("Sample", id.as_str()));
    let draft = draft.create("Sample", json!({ "id": "none" }));
    let create = |draft: Draft, (place, value): (usize, &Json)| {
        draft.create("Sample", json!({ "id": format!("{property}{place:02}"), property: value }))
    };
    fixture.wrote(values.iter().enumerate().fold(draft, create)).await;
}

async fn places(fixture: &Fixture, property: &str, predicate: Predicate) -> Vec<usize> {
    let found = fixture.matching("Sample", predicate).await;
    found
        .iter()
        .map(|id| id.strip_prefix(property).unwrap_or_else(|| panic!("{id} found by {property}")).parse().unwrap())
        .collect()
}

/// Each comparison holds of the values it should, on every base type, and never of the absent one.
pub async fn comparisons_of_every_base_type(fixture: Fixture) {
    for (property, values) in scalars() {
        let property = property.as_str();
        fill(&fixture, property, &values).await;
        let sample = fixture.on("Sample");
        let ordered = fixture.object_type("Sample").properties[sample.index(property)].data_type.base.is_ordered();
        for (place, value) in values.iter().enumerate() {
            for comparison in COMPARISONS {
                let holds = |other: usize| match comparison {
                    Comparison::Eq => other == place,
                    Comparison::Ne => other != place,
                    Comparison::Lt => other < place,
                    Comparison::Le => other <= place,
                    Comparison::Gt => other > place,
                    Comparison::Ge => other >= place,
                };
                if !ordered && !matches!(comparison, Comparison::Eq | Comparison::Ne) {
                    continue;
                }
                let expected: Vec<_> = (0..values.len()).filter(|other| holds(*other)).collect();
                let found = places(&fixture, property, sample.compare(property, comparison, value.clone())).await;
                assert_eq!(found, expected, "{property} {comparison:?} {value}");
            }
        }
    }
}

/// Membership holds of the values listed, on every base type; an empty list holds of nothing.
pub async fn membership_of_every_base_type(fixture: Fixture) {
    for (property, values) in scalars() {
        let property = property.as_str();
        fill(&fixture, property, &values).await;
        let sample = fixture.on("Sample");
        let listed: Vec<_> = values.iter().step_by(2).chain(values.first()).cloned().collect();
        let expected: Vec<_> = (0..values.len()).step_by(2).collect();
        assert_eq!(places(&fixture, property, sample.is_in(property, &listed)).await, expected, "{property}");
        assert_eq!(places(&fixture, property, sample.is_in(property, &[])).await, Vec::<usize>::new(), "{property}");
    }
}

/// A thousand values listed are as good as one.
pub async fn membership_of_many_values(fixture: Fixture) {
    let values: Vec<_> = (0..10).map(Json::from).collect();
    fill(&fixture, "count", &values).await;
    let listed: Vec<_> = (5..5_005).map(Json::from).collect();
    assert_eq!(places(&fixture, "count", fixture.on("Sample").is_in("count", &listed)).await, [5, 6, 7, 8, 9]);
}

/// Absence is told on every base type, and its complement is presence.
pub async fn absence_of_every_base_type(fixture: Fixture) {
    let values = json!({
        "id": "full", "flag": false, "count": 0, "ratio": 0.0, "price": "0", "text": "", "day": "1970-01-01",
        "at": "1970-01-01T00:00:00Z", "length": "PT0S", "place": { "lat": 0.0, "lon": 0.0 }, "doc": [], "file": "",
        "embedding": [0.0, 0.0, 0.0], "tags": [], "numbers": [], "address": { "street": "" }, "code": "", "number": 0
    });
    fixture.wrote(fixture.draft(fixture.own).create("Sample", values).create("Sample", json!({ "id": "none" }))).await;
    for name in fixture.object_type("Sample").names.iter().filter(|name| **name != *"id") {
        let absent = fixture.on("Sample").is_null(name.as_str());
        assert_eq!(fixture.matching("Sample", absent.clone()).await, ["none"], "{name}");
        assert_eq!(fixture.matching("Sample", Predicate::Not(Box::new(absent))).await, ["full"], "{name}");
    }
    assert_eq!(fixture.matching("Sample", fixture.on("Sample").is_null("id")).await, Vec::<String>::new());
}

/// A complement holds of what the condition does not, absent values included; and, or and their empty forms are what they say.
pub async fn conditions_combine(fixture: Fixture) {
    fill(&fixture, "count", &[json!(0), json!(1), json!(2), json!(3)]).await;
    let sample = fixture.on("Sample");
    let is = |number: i64| sample.eq("count", number);
    let not = |predicate| Predicate::Not(Box::new(predicate));
    let all = ["count00", "count01", "count02", "count03", "none"];
    for (predicate, expected) in [
        (not(is(1)), &["count00", "count02", "count03", "none"][..]),
        (not(sample.compare("count", Comparison::Ne, 1)), &["count01", "none"]),
        (not(not(is(1))), &["count01"]),
        (not(sample.is_in("count", &[json!(1), json!(2)])), &["count00", "count03", "none"]),
        (not(sample.compare("count", Comparison::Lt, 2)), &["count02", "count03", "none"]),
        (Predicate::And(Vec::new()), &all),
        (Predicate::Or(Vec::new()), &[]),
        (not(Predicate::Or(Vec::new())), &all),
        (Predicate::Or(vec![is(0), is(3), is(0)]), &["count00", "count03"]),
        (Predicate::And(vec![not(is(0)), not(is(3))]), &["count01", "count02", "none"]),
        (Predicate::And(vec![is(0), is(1)]), &[]),
        (not(Predicate::And(vec![is(0), not(sample.is_null("count"))])), &["count01", "count02", "count03", "none"]),
        (Predicate::Or(vec![Predicate::And(vec![is(1)]), sample.is_null("count")]), &["count01", "none"]),
    ] {
        assert_eq!(fixture.matching("Sample", predicate.clone()).await, expected, "{predicate:?}");
    }
}

/// Text is matched byte for byte: nothing in it is a pattern, no case is folded, no accent is composed.
pub async fn text_is_matched_byte_for_byte(fixture: Fixture) {
    let texts = [
        "",
        "%",
        "_",
        "100%",
        "1000",
        "a_c",
        "abc",
        "ABC",
        "it's",
        "\"q\"",
        "[a-z]*?",
        "a\\b",
        "é",
        "e\u{301}",
        "ÉCOLE",
        "日本語",
        "🚀🚀",
        "a\nb",
        "ab",
    ];
    fill(&fixture, "text", &texts.map(Json::from)).await;
    let sample = fixture.on("Sample");
    for wanted in [
        "",
        "%",
        "_",
        "0%",
        "a_",
        "a",
        "A",
        "'",
        "\"",
        "[",
        "*",
        "?",
        "\\",
        "é",
        "e",
        "\u{301}",
        "É",
        "本",
        "🚀",
        "\n",
        "日本語",
        "abcd",
    ] {
        for how in [TextMatch::Contains, TextMatch::StartsWith, TextMatch::EndsWith] {
            let holds = |text: &str| match how {
                TextMatch::Contains => text.contains(wanted),
                TextMatch::StartsWith => text.starts_with(wanted),
                TextMatch::EndsWith => text.ends_with(wanted),
            };
            let expected: Vec<_> = (0..texts.len()).filter(|place| holds(texts[*place])).collect();
            assert_eq!(
                places(&fixture, "text", sample.text("text", how, wanted)).await,
                expected,
                "{how:?} {wanted:?}"
            );
        }
    }
}

/// The longest prefixes end where the bytes do.
pub async fn prefixes_at_the_end_of_the_order(fixture: Fixture) {
    let texts = ["\u{10ffff}", "\u{10ffff}\u{10ffff}", "\u{10fffe}", "\u{7f}", "\u{7f}a", "\u{80}", "~"];
    fill(&fixture, "text", &texts.map(Json::from)).await;
    for (wanted, expected) in [("\u{10ffff}", &[0, 1][..]), ("\u{7f}", &[3, 4]), ("\u{80}", &[5]), ("\u{10fffe}", &[2])]
    {
        let starts = fixture.on("Sample").text("text", TextMatch::StartsWith, wanted);
        assert_eq!(places(&fixture, "text", starts).await, expected, "{wanted:?}");
    }
}

/// An array contains the elements equal to the value, whole.
pub async fn arrays_contain_whole_elements(fixture: Fixture) {
    let tags = [json!([]), json!(["a"]), json!(["ab", "a b", "a\",\"b"]), json!(["1", "é", ""])];
    fill(&fixture, "tags", &tags).await;
    for (element, expected) in
        [("a", &[1][..]), ("ab", &[2]), ("b", &[]), ("a\",\"b", &[2]), ("1", &[3]), ("", &[3]), ("é", &[3]), ("É", &[])]
    {
        assert_eq!(
            places(&fixture, "tags", fixture.on("Sample").has_element("tags", element)).await,
            expected,
            "{element:?}"
        );
    }
}

/// Numbers in an array are equal as numbers, from end to end.
pub async fn arrays_contain_numbers(fixture: Fixture) {
    let big = 9_007_199_254_740_993_i64;
    let lists = [json!([1, 2]), json!([big.to_string(), i64::MIN.to_string()]), json!([(big - 1).to_string(), 12])];
    fill(&fixture, "numbers", &lists).await;
    let sample = fixture.on("Sample");
    for (element, expected) in [(1, &[0][..]), (12, &[2]), (big, &[1]), (big - 1, &[2]), (i64::MIN, &[1]), (0, &[])] {
        assert_eq!(
            places(&fixture, "numbers", sample.has_element("numbers", element.to_string())).await,
            expected,
            "{element}"
        );
    }
}

/// Positions lie in circles and boxes, edges included, across the antimeridian and at the poles.
pub async fn positions_lie_in_areas(fixture: Fixture) {
    let at = |lat: f64, lon: f64| Geopoint { lat, lon };
    let points = [
        at(0.0, 0.0),
        at(10.0, 20.0),
        at(-10.0, 179.5),
        at(-10.0, -179.5),
        at(-10.0, 180.0),
        at(90.0, 45.0),
        at(89.9, -135.0),
    ];
    fill(&fixture, "place", &points.map(|point| json!({ "lat": point.lat, "lon": point.lon }))).await;
    let degree_m = crate::EARTH_RADIUS_M.to_radians();
    let circle = |center, degrees: f64| Area::Circle { center, radius_m: degrees * degree_m };
    let lies_in = |south, west, north, east| Area::Box { south, west, north, east };
    for (area, expected) in [
        (lies_in(-90.0, -180.0, 90.0, 180.0), &[0, 1, 2, 3, 4, 5, 6][..]),
        (lies_in(0.0, 0.0, 10.0, 20.0), &[0, 1]),
        (lies_in(0.0, 0.0, 9.999, 20.0), &[0]),
        (lies_in(-20.0, 179.0, 0.0, -179.0), &[2, 3, 4]),
        (lies_in(-20.0, -180.0, 0.0, -179.0), &[3, 4]),
        (lies_in(10.0, 20.0, 0.0, 0.0), &[]),
        (circle(at(0.0, 0.0), 0.0), &[0]),
        (circle(at(10.0, 20.1), 0.2), &[1]),
        (circle(at(-10.0, 180.0), 0.6), &[2, 3, 4]),
        (circle(at(90.0, 0.0), 0.15), &[5, 6]),
        (circle(at(0.0, 0.0), 181.0), &[0, 1, 2, 3, 4, 5, 6]),
    ] {
        assert_eq!(places(&fixture, "place", fixture.on("Sample").within("place", area)).await, expected, "{area:?}");
    }
}

async fn friends(fixture: &Fixture) {
    let mut draft = fixture.draft(fixture.own).create("Team", json!({ "code": "a", "title": "A", "score": 1 }));
    draft = draft.create("Team", json!({ "code": "b", "title": "B" }));
    for id in 1..=5 {
        draft = draft.create("Person", json!({ "id": id, "name": format!("p{id}"), "rank": id }));
    }
    let draft = draft
        .modify("Person", 2, json!({ "boss": 1, "team": "a" }))
        .modify("Person", 3, json!({ "boss": 1, "team": "b" }))
        .modify("Person", 4, json!({ "boss": 3 }))
        .link("knows", 1, 2, json!({ "weight": 1 }))
        .link("knows", 1, 5, json!({ "weight": 9 }))
        .link("knows", 2, 5, json!({ "weight": 1 }))
        .link("knows", 5, 5, json!({}));
    fixture.wrote(draft).await;
}

/// An object has a link where one link and its far object satisfy both conditions.
pub async fn links_are_conditions(fixture: Fixture) {
    friends(&fixture).await;
    let (person, knows) = (fixture.on("Person"), fixture.on_link("knows"));
    let weight = |number: i64| Some(knows.eq("weight", number));
    let is = |id: i64| Some(person.eq("id", id));
    let none = Vec::<String>::new;
    for (predicate, expected) in [
        (fixture.has("knows", End::Source, None, None), vec!["1", "2", "5"]),
        (fixture.has("knows", End::Target, None, None), vec!["2", "5"]),
        (fixture.has("knows", End::Source, weight(9), None), vec!["1"]),
        (fixture.has("knows", End::Source, None, is(5)), vec!["1", "2", "5"]),
        (fixture.has("knows", End::Source, weight(1), is(5)), vec!["2"]),
        (fixture.has("knows", End::Target, weight(1), is(1)), vec!["2"]),
        (fixture.has("knows", End::Source, Some(knows.is_null("weight")), None), vec!["5"]),
        (Predicate::Not(Box::new(fixture.has("knows", End::Source, None, is(5)))), vec!["3", "4"]),
    ] {
        assert_eq!(fixture.matching("Person", predicate.clone()).await, expected, "{predicate:?}");
    }
    assert_eq!(fixture.matching("Person", fixture.has("knows", End::Source, weight(7), None)).await, none());
}

/// Links kept in a foreign key are conditions at both ends.
pub async fn foreign_keys_are_conditions(fixture: Fixture) {
    friends(&fixture).await;
    let (person, team) = (fixture.on("Person"), fixture.on("Team"));
    let rank_above = |rank: i64| Some(person.compare("rank", Comparison::Gt, rank));
    for (predicate, expected) in [
        (fixture.has("reports", End::Source, None, None), vec!["2", "3", "4"]),
        (fixture.has("reports", End::Target, None, None), vec!["1", "3"]),
        (fixture.has("reports", End::Target, None, rank_above(3)), vec!["3"]),
        (fixture.has("reports", End::Source, None, rank_above(1)), vec!["4"]),
        (fixture.has("membership", End::Target, None, Some(team.is_null("score"))), vec!["3"]),
    ] {
        assert_eq!(fixture.matching("Person", predicate.clone()).await, expected, "{predicate:?}");
    }
    let members = fixture.has("membership", End::Source, None, rank_above(2));
    assert_eq!(fixture.matching("Team", members.clone()).await, ["b"]);
    assert_eq!(fixture.matching("Team", Predicate::Not(Box::new(members))).await, ["a"]);
}

/// Conditions on links nest: the far object's links, and theirs.
pub async fn conditions_on_links_nest(fixture: Fixture) {
    friends(&fixture).await;
    let in_team = fixture.has("membership", End::Target, None, Some(fixture.on("Team").eq("code", "b")));
    let boss_in_team = fixture.has("reports", End::Source, None, Some(in_team.clone()));
    assert_eq!(fixture.matching("Person", boss_in_team.clone()).await, ["4"]);
    let of_such = fixture.has(
        "reports",
        End::Target,
        None,
        Some(Predicate::And(vec![boss_in_team, Predicate::Not(Box::new(in_team))])),
    );
    assert_eq!(fixture.matching("Person", of_such).await, ["3"]);
}

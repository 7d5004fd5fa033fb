//! Pages: every object on exactly one, whatever is written meanwhile.

use serde_json::json;

use crate::kernel::plan::{Comparison, Position, Rel, SortDirection};
use crate::testing::{Ask, Draft, Fixture, filter};
use crate::{Key, Seq, Value};

async fn people(fixture: &Fixture, count: i64) {
    let create = |draft: Draft, id: i64| {
        let rank = if id % 4 == 3 { None } else { Some(id % 4) };
        draft.create("Person", json!({ "id": id, "name": format!("p{}", id % 3), "rank": rank }))
    };
    fixture.wrote((0..count).fold(fixture.draft(fixture.own), create)).await;
}

/// Walks through all pages and gives the keys in the order met, with how many pages there were.
async fn walk(fixture: &Fixture, ask: &Ask) -> (Vec<String>, usize) {
    let (mut keys, mut pages, mut ask) = (Vec::new(), 0, ask.clone());
    loop {
        let rows = fixture.query(fixture.own, &ask).await.unwrap();
        pages += 1;
        assert!(rows.objects.len() <= ask.plan.limit as usize);
        keys.extend(rows.objects.iter().map(|object| format!("{}/{}", object.object_type, object.key)));
        match rows.next {
            Some(next) => ask = ask.after(Some(next)),
            None => return (keys, pages),
        }
    }
}

async fn whole(fixture: &Fixture, ask: &Ask) -> Vec<String> {
    walk(fixture, &ask.clone().limit(1_000)).await.0
}

/// A walk meets every object of the set once, in the order of the whole, for every order and page length.
pub async fn a_walk_meets_every_object_once(fixture: Fixture) {
    people(&fixture, 13).await;
    let all = || fixture.ask("Person", Rel::All);
    let (asc, desc) = (SortDirection::Asc, SortDirection::Desc);
    let some = filter(fixture.on("Person").compare("rank", Comparison::Ge, 1));
    let asks = [
        all(),
        all().order("rank", asc),
        all().order("rank", desc),
        all().order("name", asc).order("rank", desc),
        all().order("rank", desc).order("name", asc),
        all().order("id", desc),
        all().order("team", asc),
        all().order("team", desc),
        fixture.ask("Person", some).order("name", desc),
    ];
    for ask in asks {
        let expected = whole(&fixture, &ask).await;
        for limit in [1, 2, 3, 5, 12, 13, 14] {
            let (met, pages) = walk(&fixture, &ask.clone().limit(limit)).await;
            assert_eq!(met, expected, "{limit} at a time: {:?}", ask.plan.order);
            assert_eq!(pages, expected.len().div_ceil(limit as usize).max(1), "{limit} at a time");
        }
    }
}

/// A walk goes on from type to type of an interface.
pub async fn a_walk_crosses_types(fixture: Fixture) {
    people(&fixture, 5).await;
    let teams = (0..5).fold(fixture.draft(fixture.own), |draft, number| {
        let score = if number == 2 { None } else { Some(number % 3) };
        draft.create(
            "Team",
            json!({ "code": format!("t{number}"), "title": format!("p{}", number % 2), "score": score }),
        )
    });
    fixture.wrote(teams).await;
    let all = || Ask::of_interface(&fixture.schema, "Named", |_| Rel::All);
    let (asc, desc) = (SortDirection::Asc, SortDirection::Desc);
    for ask in
        [all(), all().order("rank", asc), all().order("rank", desc), all().order("name", desc).order("rank", asc)]
    {
        let expected = whole(&fixture, &ask).await;
        assert_eq!(expected.len(), 10);
        for limit in [1, 3, 4] {
            assert_eq!(walk(&fixture, &ask.clone().limit(limit)).await.0, expected, "{limit} at a time");
        }
    }
}

/// The last page says that it is the last: also when it is full, and when the set is empty.
pub async fn the_last_page_says_so(fixture: Fixture) {
    people(&fixture, 4).await;
    let ask = fixture.ask("Person", Rel::All).limit(2);
    let first = fixture.query(fixture.own, &ask).await.unwrap();
    let position = Position { values: Vec::new(), object_type: fixture.object_type("Person").id, key: Key::Integer(1) };
    assert_eq!(first.next, Some(position.clone()));
    let second = fixture.query(fixture.own, &ask.clone().after(Some(position))).await.unwrap();
    assert_eq!((second.objects.len(), second.next), (2, None));
    let none = fixture.query(fixture.own, &fixture.ask("Person", Rel::Nothing)).await.unwrap();
    assert_eq!((none.objects.len(), none.next), (0, None));
}

/// A position holds the values of the order terms, and need not be that of an object there is.
pub async fn a_position_need_not_be_taken(fixture: Fixture) {
    people(&fixture, 8).await;
    let of = fixture.object_type("Person").id;
    let after = |rank: Value, key: i64| Some(Position { values: vec![rank], object_type: of, key: Key::Integer(key) });
    let by = |direction| fixture.ask("Person", Rel::All).order("rank", direction);
    let (asc, desc) = (SortDirection::Asc, SortDirection::Desc);
    for (ask, expected) in [
        (by(asc).after(after(Value::Null, 3)), &["7", "0", "4", "1", "5", "2", "6"][..]),
        (by(asc).after(after(Value::Null, 100)), &["0", "4", "1", "5", "2", "6"]),
        (by(asc).after(after(Value::Integer(0), 1)), &["4", "1", "5", "2", "6"]),
        (by(asc).after(after(Value::Integer(100), 0)), &[]),
        (by(desc).after(after(Value::Integer(1), 5)), &["1", "4", "0", "7", "3"]),
        (by(desc).after(after(Value::Integer(1), 3)), &["1", "4", "0", "7", "3"]),
        (by(desc).after(after(Value::Integer(1), 0)), &["4", "0", "7", "3"]),
        (by(desc).after(after(Value::Null, 7)), &["3"]),
        (by(desc).after(after(Value::Null, 3)), &[]),
    ] {
        assert_eq!(fixture.found(fixture.own, &ask).await, expected, "{:?}", ask.plan.after);
    }
    let next = fixture.query(fixture.own, &by(asc).limit(1)).await.unwrap().next;
    assert_eq!(next, after(Value::Null, 3));
}

/// A walk at one commit meets what was there then, while objects are created, changed and deleted.
pub async fn a_walk_keeps_to_its_commit(fixture: Fixture) {
    people(&fixture, 20).await;
    let at = fixture.store.head().await.unwrap();
    let ask = fixture.ask("Person", Rel::All).order("rank", SortDirection::Desc).at(at).limit(3);
    let expected = whole(&fixture, &ask).await;
    let (mut met, mut ask) = (Vec::new(), ask);
    for round in 0.. {
        let read = fixture.store.query(fixture.own, &ask.plan).await.unwrap();
        assert_eq!(read.seq, at);
        met.extend(read.value.objects.iter().map(|object| format!("Person/{}", object.key)));
        let Some(next) = read.value.next else { break };
        ask = ask.after(Some(next));
        let draft = fixture
            .draft(fixture.own)
            .create("Person", json!({ "id": 100 + round, "name": "new", "rank": round % 4 }))
            .modify("Person", round % 20, json!({ "rank": 9 - round }))
            .delete("Person", 19 - round);
        fixture.wrote(draft).await;
    }
    assert_eq!(met, expected);
}

/// A walk of the present goes on after its position: what lies behind it is not met again.
pub async fn a_walk_of_the_present_goes_on(fixture: Fixture) {
    people(&fixture, 6).await;
    let ask = fixture.ask("Person", Rel::All).limit(3);
    let first = fixture.query(fixture.own, &ask).await.unwrap();
    let draft = fixture
        .draft(fixture.own)
        .delete("Person", 2)
        .delete("Person", 4)
        .create("Person", json!({ "id": -1, "name": "p" }));
    let seq = fixture.wrote(draft.create("Person", json!({ "id": 7, "name": "p" }))).await;
    let rest = fixture.store.query(fixture.own, &ask.after(first.next).plan).await.unwrap();
    assert_eq!(
        (crate::testing::keys_of(&rest.value.objects), rest.seq),
        (vec!["3".to_owned(), "5".into(), "7".into()], seq)
    );
    assert!(rest.seq > Seq(0));
}

/// A position in an order over doubles, times and text goes on exactly.
pub async fn positions_hold_every_ordered_type(fixture: Fixture) {
    let rows = [
        json!({ "id": "a", "ratio": 0.1, "day": "1969-12-31", "text": "é", "price": "0.0001", "flag": true, "length": "-PT1S" }),
        json!({ "id": "b", "ratio": 0.100_000_000_000_000_02, "at": "1969-12-31T23:59:59.999999Z", "text": "e\u{301}", "price": "0.0002" }),
        json!({ "id": "c", "ratio": -0.1, "at": "1970-01-01T00:00:00Z", "day": "0001-01-01", "flag": false, "length": "PT1S" }),
        json!({ "id": "d", "text": "", "count": i64::MAX.to_string(), "at": "9999-12-31T23:59:59.999999Z", "price": "-1" }),
        json!({ "id": "e", "count": (i64::MAX - 1).to_string(), "ratio": 5e-324, "length": "PT1S" }),
    ];
    fixture.wrote(rows.into_iter().fold(fixture.draft(fixture.own), |draft, row| draft.create("Sample", row))).await;
    for property in ["flag", "count", "ratio", "price", "text", "day", "at", "length"] {
        for direction in [SortDirection::Asc, SortDirection::Desc] {
            let ask = fixture.ask("Sample", Rel::All).order(property, direction);
            let expected = whole(&fixture, &ask).await;
            assert_eq!(expected.len(), 5);
            assert_eq!(walk(&fixture, &ask.limit(1)).await.0, expected, "{property} {direction:?}");
        }
    }
}

//! Starts of calendar units.

use super::plan::TimeUnit;
use crate::{Date, Timestamp, Value};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
const DAYS_PER_WEEK: i32 = 7;
/// From a Monday to 1970-01-01, a Thursday.
const DAYS_MONDAY_TO_EPOCH: i32 = 3;

impl TimeUnit {
    /// The start of the unit a date or timestamp lies in, UTC, of the same type; absent for an absent value. The hour of a date is
    /// its day.
    pub fn start_of(self, value: &Value) -> Value {
        match value {
            Value::Date(date) => Value::Date(self.start_of_date(*date)),
            Value::Timestamp(at) => Value::Timestamp(self.start_of_timestamp(*at)),
            _ => Value::Null,
        }
    }

    /// The first date of the unit a date lies in.
    pub fn start_of_date(self, date: Date) -> Date {
        let (year, month, _) = date.year_month_day();
        let start = match self {
            Self::Hour | Self::Day => Some(date),
            // 0001-01-01 is a Monday, so no week starts before the first date.
            Self::Week => {
                let since_monday = (date.days() + DAYS_MONDAY_TO_EPOCH).rem_euclid(DAYS_PER_WEEK);
                Date::from_days(date.days() - since_monday).ok()
            }
            Self::Month => Date::from_year_month_day(year, month, 1),
            Self::Quarter => Date::from_year_month_day(year, month - (month - 1) % 3, 1),
            Self::Year => Date::from_year_month_day(year, 1, 1),
        };
        start.unwrap_or(date)
    }

    /// The first instant of the unit an instant lies in.
    pub fn start_of_timestamp(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Hour => Timestamp::from_micros_saturating(at.micros() - at.micros().rem_euclid(MICROS_PER_HOUR)),
            Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year => self.start_of_date(at.date()).start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [TimeUnit; 6] =
        [TimeUnit::Hour, TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Quarter, TimeUnit::Year];

    #[test]
    fn dates_start_where_the_calendar_says() {
        for (date, week, month, quarter, year) in [
            ("1970-01-01", "1969-12-29", "1970-01-01", "1970-01-01", "1970-01-01"),
            ("1969-12-31", "1969-12-29", "1969-12-01", "1969-10-01", "1969-01-01"),
            ("1969-12-28", "1969-12-22", "1969-12-01", "1969-10-01", "1969-01-01"),
            ("2024-02-29", "2024-02-26", "2024-02-01", "2024-01-01", "2024-01-01"),
            ("2024-12-31", "2024-12-30", "2024-12-01", "2024-10-01", "2024-01-01"),
            ("2025-01-01", "2024-12-30", "2025-01-01", "2025-01-01", "2025-01-01"),
            ("1900-03-01", "1900-02-26", "1900-03-01", "1900-01-01", "1900-01-01"),
            ("2026-05-18", "2026-05-18", "2026-05-01", "2026-04-01", "2026-01-01"),
            ("0001-01-01", "0001-01-01", "0001-01-01", "0001-01-01", "0001-01-01"),
            ("0001-01-07", "0001-01-01", "0001-01-01", "0001-01-01", "0001-01-01"),
            ("0001-01-08", "0001-01-08", "0001-01-01", "0001-01-01", "0001-01-01"),
            ("9999-12-31", "9999-12-27", "9999-12-01", "9999-10-01", "9999-01-01"),
        ] {
            let read = |text: &str| text.parse::<Date>().unwrap();
            let expected = [date, date, week, month, quarter, year];
            for (unit, expected) in UNITS.into_iter().zip(expected) {
                assert_eq!(unit.start_of(&Value::Date(read(date))), Value::Date(read(expected)), "{unit:?} of {date}");
            }
        }
    }

    #[test]
    fn timestamps_start_where_the_calendar_says() {
        for (at, hour, week) in [
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:00:00Z", "1969-12-29T00:00:00Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-29T00:00:00Z"),
            ("2024-02-29T12:30:00Z", "2024-02-29T12:00:00Z", "2024-02-26T00:00:00Z"),
            ("0001-01-01T00:00:00.000001Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:00:00Z", "9999-12-27T00:00:00Z"),
        ] {
            let read = |text: &str| Value::Timestamp(text.parse().unwrap());
            assert_eq!(TimeUnit::Hour.start_of(&read(at)), read(hour), "hour of {at}");
            assert_eq!(TimeUnit::Week.start_of(&read(at)), read(week), "week of {at}");
            for unit in [TimeUnit::Day, TimeUnit::Month, TimeUnit::Quarter, TimeUnit::Year] {
                let Value::Timestamp(instant) = read(at) else { panic!("a timestamp") };
                let expected = unit.start_of_date(instant.date()).start();
                assert_eq!(unit.start_of(&read(at)), Value::Timestamp(expected), "{unit:?} of {at}");
            }
        }
    }

    #[test]
    fn a_start_is_its_own_start_and_never_later() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2_000 {
            let micros = rng.i64(-62_135_596_800_000_000..=253_402_300_799_999_999);
            let at = Timestamp::from_micros(micros).unwrap();
            for unit in UNITS {
                let start = unit.start_of_timestamp(at);
                assert!(start <= at && unit.start_of_timestamp(start) == start, "{unit:?} of {at}");
            }
        }
    }

    #[test]
    fn what_has_no_calendar_has_no_start() {
        assert_eq!(TimeUnit::Day.start_of(&Value::Null), Value::Null);
    }
}

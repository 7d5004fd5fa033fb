//! Instants, dates and durations: UTC, whole microseconds, years 0001 to 9999, the same text on every store.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Result};

const MICROS_PER_DAY: i64 = 86_400_000_000;
const TIMESTAMP_MIN: i64 = -62_135_596_800_000_000;
const TIMESTAMP_MAX: i64 = 253_402_300_799_999_999;
const DATE_MIN: i32 = -719_162;
const DATE_MAX: i32 = 2_932_896;

/// An instant: microseconds since 1970-01-01T00:00:00Z. Text form is RFC 3339 with six digits, `2026-11-22T19:16:31.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Takes microseconds since the epoch.
    ///
    /// # Errors
    /// `value.timestamp.out_of_range` outside the years 0001 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self> {
        if (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(Error::invalid("value.timestamp.out_of_range", "a timestamp lies in the years 0001 to 9999"))
        }
    }

    /// Takes microseconds since the epoch, clamped to the years 0001 to 9999.
    pub fn from_micros_saturating(micros: i64) -> Self {
        Self(micros.clamp(TIMESTAMP_MIN, TIMESTAMP_MAX))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The UTC date of this instant.
    pub fn date(self) -> Date {
        Date(i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(DATE_MAX))
    }
}

/// A calendar date: days since 1970-01-01. Text form is ISO 8601, `2026-11-22`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(i32);

impl Date {
    /// Takes days since 1970-01-01.
    ///
    /// # Errors
    /// `value.date.out_of_range` outside the years 0001 to 9999.
    pub fn from_days(days: i32) -> Result<Self> {
        if (DATE_MIN..=DATE_MAX).contains(&days) {
            Ok(Self(days))
        } else {
            Err(Error::invalid("value.date.out_of_range", "a date lies in the years 0001 to 9999"))
        }
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The instant this date begins, UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MICROS_PER_DAY)
    }

    /// Year, month (1 to 12) and day (1 to 31) in the proleptic Gregorian calendar.
    pub fn year_month_day(self) -> (i16, i8, i8) {
        let date = civil_of(self);
        (date.year(), date.month(), date.day())
    }

    /// The date of a year, month (1 to 12) and day (1 to 31), or `None` where there is no such date.
    pub fn from_year_month_day(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().and_then(days_of)
    }
}

/// An elapsed time: whole microseconds, signed. Text form is ISO 8601 in hours, minutes and seconds, `PT1H30M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration(i64);

impl Duration {
    /// Takes microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

fn civil_of(date: Date) -> civil::Date {
    let epoch = civil::date(1970, 1, 1);
    epoch.checked_add(jiff::SignedDuration::from_hours(i64::from(date.0) * 24)).unwrap_or(epoch)
}

fn days_of(date: civil::Date) -> Option<Date> {
    let hours = date.duration_since(civil::date(1970, 1, 1)).as_hours();
    i32::try_from(hours / 24).ok().and_then(|days| Date::from_days(days).ok())
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.date();
        let within = self.0.rem_euclid(MICROS_PER_DAY);
        let (seconds, micros) = (within / 1_000_000, within % 1_000_000);
        write!(f, "{day}T{:02}:{:02}:{:02}.{micros:06}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 with any offset; digits beyond the microsecond must be zero.
    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::invalid(
                "value.timestamp.malformed",
                format!("{text:?} is not an RFC 3339 timestamp such as 2026-11-22T19:16:31Z"),
            )
        };
        let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|e| malformed().caused_by(e))?;
        let (Some(time), Some(offset), None) =
            (pieces.time(), pieces.to_numeric_offset(), pieces.time_zone_annotation())
        else {
            return Err(malformed());
        };
        if time.subsec_nanosecond() % 1_000 != 0 {
            return Err(Error::invalid("value.timestamp.precision", "a timestamp has at most six fractional digits"));
        }
        let day = days_of(pieces.date()).ok_or_else(malformed)?;
        let since_midnight =
            time.duration_since(civil::Time::midnight()).as_micros() - i128::from(offset.seconds()) * 1_000_000;
        Self::from_micros(day.start().micros() + i64::try_from(since_midnight).unwrap_or(i64::MAX / 2))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || Error::invalid("value.date.malformed", format!("{text:?} is not a date such as 2026-11-22"));
        if text.len() != 10 {
            return Err(malformed());
        }
        let date: civil::Date = text.parse().map_err(|e: jiff::Error| malformed().caused_by(e))?;
        days_of(date).ok_or_else(malformed)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", jiff::SignedDuration::from_micros(self.0))
    }
}

impl FromStr for Duration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::invalid("value.duration.malformed", format!("{text:?} is not a duration such as PT1H30M or PT0.5S"))
        };
        let duration: jiff::SignedDuration = text.parse().map_err(|e: jiff::Error| malformed().caused_by(e))?;
        if duration.subsec_nanos() % 1_000 != 0 {
            return Err(Error::invalid("value.duration.precision", "a duration has at most six fractional digits"));
        }
        i64::try_from(duration.as_micros()).map(Self).map_err(|e| malformed().caused_by(e))
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(Timestamp, Date, Duration);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for text in ["1970-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!(
            "2026-11-22T21:16:31+02:00".parse::<Timestamp>().unwrap().to_string(),
            "2026-11-22T19:16:31.000000Z"
        );
        for text in ["1969-12-31", "0001-01-01", "9999-12-31", "2024-02-29"] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), text);
        }
        assert_eq!("PT1H30M".parse::<Duration>().unwrap().micros(), 5_400_000_000);
        assert_eq!(Duration::from_micros(-500_000).to_string().parse::<Duration>().unwrap().micros(), -500_000);
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        assert_eq!(
            "2026-11-22T19:16:31.0000001Z".parse::<Timestamp>().unwrap_err().code(),
            "value.timestamp.precision"
        );
        assert_eq!("2023-02-29".parse::<Date>().unwrap_err().code(), "value.date.malformed");
        assert_eq!(Timestamp::from_micros(i64::MAX).unwrap_err().code(), "value.timestamp.out_of_range");
    }

    #[test]
    fn the_limits_are_the_first_and_last_day() {
        assert_eq!(Date::from_days(DATE_MIN).unwrap().to_string(), "0001-01-01");
        assert_eq!(Date::from_days(DATE_MAX).unwrap().to_string(), "9999-12-31");
        assert_eq!(Timestamp(TIMESTAMP_MIN).date(), Date(DATE_MIN));
        assert_eq!(Timestamp(TIMESTAMP_MAX).date(), Date(DATE_MAX));
    }
}

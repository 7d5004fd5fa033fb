//! Sessions: refresh tokens that are exchanged once, and access tokens of a few minutes.

use super::{Users, is_over};
use crate::credential::Secret;
use crate::credential::token::Claims;
use crate::kernel::{Edit, Expect};
use crate::user::directory::refused;
use crate::user::row::{Kept, Row, SessionRow, delete};
use crate::user::{Directory, SESSIONS_MAX, SessionLife, Tokens, User, UserStatus};
use crate::{Context, Error, Result, Seq, Timestamp};

const PURPOSE: &str = "refresh token";

/// What comes of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// It is the one in force: the next takes its place.
    Next,
    /// It was the one in force a moment ago: whoever has it did not hear of the next, and hears of the same one.
    Again,
    /// It was in force long ago: two have it, and one of them has stolen it.
    Stolen,
    /// The session has ended by itself.
    Over,
}

/// What comes of the refresh token of a generation of a session.
pub(super) fn exchange(session: &SessionRow, generation: i64, now: Timestamp, life: SessionLife) -> Exchange {
    if is_over(session.created_at, life.absolute, now) || is_over(session.rotated_at, life.idle, now) {
        return Exchange::Over;
    }
    match session.generation - generation {
        0 => Exchange::Next,
        1 if !is_over(session.rotated_at, life.grace, now) => Exchange::Again,
        _ => Exchange::Stolen,
    }
}

impl Users {
    /// Starts a session of a user who has proved who they are, along with other edits.
    pub(super) async fn begin(
        &self,
        ctx: &Context,
        directory: &Directory,
        (user, methods): (&User, &[&str]),
        (client, device): (&str, Option<String>),
        mut edits: Vec<Edit>,
    ) -> Result<Tokens> {
        if client.is_empty() || client.len() > 200 || device.as_deref().is_some_and(|device| device.len() > 400) {
            return Err(Error::invalid("auth.client", "a client is named in 1 to 200 bytes, a device in up to 400")
                .at("client"));
        }
        let now = self.now();
        let session = SessionRow {
            id: self.id(),
            user: user.id.clone(),
            client: client.into(),
            device,
            methods: methods.iter().map(|method| (*method).into()).collect(),
            generation: 0,
            nonce: self.inner.vault.random::<16>().expose().into(),
            created_at: now,
            rotated_at: now,
        };
        edits.push(session.create()?);
        let seq = self.commit(ctx, directory, "auth.login", edits).await?;
        for id in Self::beyond_most(directory, &user.id) {
            match self.commit(ctx, directory, "auth.end", vec![delete::<SessionRow>(&id, None)]).await {
                // It has ended by itself.
                Err(error) if super::has_moved(&error) => {}
                other => drop(other?),
            }
        }
        self.tokens(ctx, &session, seq).await
    }

    /// The sessions of a user beyond the most there may be, used least recently.
    fn beyond_most(directory: &Directory, user: &str) -> Vec<String> {
        let state = directory.state();
        let mut sessions: Vec<_> = state.sessions(user).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.rotated_at));
        sessions.into_iter().skip(SESSIONS_MAX).map(|session| session.id.clone()).collect()
    }

    /// The tokens of a session, as it is after a commit.
    async fn tokens(&self, ctx: &Context, session: &SessionRow, seq: Seq) -> Result<Tokens> {
        let now = self.now();
        let seconds = now.micros().div_euclid(1_000_000);
        let claims = Claims {
            iss: self.inner.issuer.clone(),
            sub: session.user.clone(),
            aud: self.inner.audience.clone(),
            exp: seconds + self.inner.life.access_s,
            iat: seconds,
            nbf: seconds,
            jti: self.id(),
            tid: ctx.scope().tenant,
            sid: session.id.clone(),
            client_id: session.client.clone(),
            seq,
            auth_time: session.created_at.micros().div_euclid(1_000_000),
            amr: session.methods.clone(),
        };
        let access = claims.sign(&*self.signing_key(ctx).await?)?;
        let expires_at = Timestamp::from_micros_saturating(claims.exp.saturating_mul(1_000_000));
        let refresh = self.refresh_token(session)?;
        Ok(Tokens { access, expires_at, refresh, session: session.id.clone() })
    }

    /// The refresh token of a session as it is: whoever has the vault can make it again, so the store need not have it.
    fn refresh_token(&self, session: &SessionRow) -> Result<Secret> {
        let SessionRow { id, generation, .. } = session;
        Ok(format!("{id}.{generation}.{}", self.inner.vault.digest(PURPOSE, &stated(session, *generation))?).into())
    }

    pub(super) async fn exchanged(&self, ctx: &Context, directory: &Directory, token: &Secret) -> Result<Tokens> {
        let parts: Vec<_> = token.expose().split('.').collect();
        let [id, generation, digest] = parts[..] else { return Err(refused()) };
        let generation: i64 = generation.parse().map_err(|_| refused())?;
        for _ in 0..super::RETRIES_MAX {
            let kept: Kept<SessionRow> = self.kept(directory, id).await?.ok_or_else(refused)?;
            let session = &kept.row;
            // What was not made here says nothing of the session.
            if !self.inner.vault.recognises(PURPOSE, &stated(session, generation), digest) {
                return Err(refused());
            }
            let is_active =
                directory.state().users.get(&session.user).is_some_and(|user| user.status == UserStatus::Active);
            if !is_active {
                return Err(refused());
            }
            match exchange(session, generation, self.now(), self.inner.life) {
                Exchange::Again => return self.tokens(ctx, session, kept.revision).await,
                Exchange::Next => {
                    let next = SessionRow { generation: generation + 1, rotated_at: self.now(), ..session.clone() };
                    match self.commit(ctx, directory, "auth.refresh", vec![kept.replace(&next)?]).await {
                        // Another was first, or the session has ended.
                        Err(error) if super::has_moved(&error) => {}
                        other => return self.tokens(ctx, &next, other?).await,
                    }
                }
                ended @ (Exchange::Stolen | Exchange::Over) => {
                    if ended == Exchange::Stolen {
                        tracing::warn!(
                            session = id,
                            user = session.user,
                            "a refresh token was used twice: the session ends"
                        );
                    }
                    let end = delete::<SessionRow>(id, Some(Expect::At(kept.revision)));
                    match self.commit(ctx, directory, "auth.end", vec![end]).await {
                        Err(error) if super::has_moved(&error) => {}
                        other => return other.and(Err(refused())),
                    }
                }
            }
        }
        Err(super::group::contended())
    }
}

fn stated(session: &SessionRow, generation: i64) -> String {
    format!("{} {generation} {}", session.id, session.nonce)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros_saturating(seconds * 1_000_000)
    }

    fn session() -> SessionRow {
        SessionRow {
            id: "s".into(),
            user: "u".into(),
            client: "c".into(),
            device: None,
            methods: Vec::new(),
            generation: 3,
            nonce: "n".into(),
            created_at: at(0),
            rotated_at: at(1_000),
        }
    }

    #[test]
    fn a_token_is_exchanged_once_and_again_for_a_moment() {
        let life = SessionLife::default();
        let day = 86_400;
        for (generation, seconds, expected) in [
            (3, 1_000, Exchange::Next),
            (3, 1_000 + 14 * day - 1, Exchange::Next),
            (3, 1_000 + 14 * day, Exchange::Over),
            (2, 1_009, Exchange::Again),
            (2, 1_010, Exchange::Stolen),
            (1, 1_000, Exchange::Stolen),
            (4, 1_000, Exchange::Stolen),
        ] {
            assert_eq!(exchange(&session(), generation, at(seconds), life), expected, "{generation} at {seconds}");
        }
        let used = SessionRow { rotated_at: at(90 * day - 1), ..session() };
        assert_eq!(exchange(&used, 3, at(90 * day), life), Exchange::Over);
    }

    /// One who exchanges a token, step by step: reads the session, then writes what it decided where nobody wrote meanwhile.
    #[derive(Clone, Debug)]
    struct Client {
        generation: i64,
        read: Option<(u64, Exchange)>,
        /// The generation of the token it was given; `Err` where it was refused.
        given: Option<Result<i64, ()>>,
    }

    /// The store: a session and its revision. `None` once it has ended.
    #[derive(Clone, Debug)]
    struct World {
        session: Option<(SessionRow, u64)>,
        clients: Vec<Client>,
        has_revoked: bool,
        revision: u64,
    }

    impl World {
        fn step(&mut self, who: usize, life: SessionLife) {
            let now = at(1_001);
            let Some(client) = self.clients.get_mut(who) else {
                (self.session, self.has_revoked) = (None, true);
                return;
            };
            match client.read.take() {
                None => match &self.session {
                    None => client.given = Some(Err(())),
                    Some((session, revision)) => {
                        let exchange = exchange(session, client.generation, now, life);
                        match exchange {
                            Exchange::Again => client.given = Some(Ok(session.generation)),
                            _ => client.read = Some((*revision, exchange)),
                        }
                    }
                },
                Some((revision, exchange)) => {
                    // As the store judges `Expect::At`.
                    let Some((session, now_at)) = self.session.clone().filter(|(_, now_at)| *now_at == revision) else {
                        return;
                    };
                    assert_eq!(now_at, revision);
                    self.revision += 1;
                    if exchange == Exchange::Next {
                        let next = SessionRow { generation: session.generation + 1, rotated_at: now, ..session };
                        client.given = Some(Ok(next.generation));
                        self.session = Some((next, self.revision));
                    } else {
                        (self.session, client.given) = (None, Some(Err(())));
                    }
                }
            }
        }
    }

    /// Every order in which the steps of all may come.
    fn explore(world: &World, life: SessionLife, ends: &mut Vec<World>) {
        let mut is_over = true;
        for who in 0..=world.clients.len() {
            let is_done = world.clients.get(who).map_or(world.has_revoked, |client| client.given.is_some());
            if !is_done {
                is_over = false;
                let mut next = world.clone();
                next.step(who, life);
                explore(&next, life, ends);
            }
        }
        if is_over {
            ends.push(world.clone());
        }
    }

    #[test]
    fn in_whatever_order_there_is_one_successor_and_what_is_revoked_stays_so() {
        let life = SessionLife { grace: Duration::from_secs(10), ..SessionLife::default() };
        let client = Client { generation: 3, read: None, given: None };
        let world = World { session: Some((session(), 1)), clients: vec![client; 3], has_revoked: false, revision: 1 };
        let mut ends = Vec::new();
        explore(&world, life, &mut ends);
        assert!(ends.len() > 1_000, "{}", ends.len());
        for end in &ends {
            assert!(end.session.is_none(), "revoked, and there again: {end:?}");
            let successors: BTreeSet<_> = end.clients.iter().filter_map(|client| client.given?.ok()).collect();
            assert!(successors.len() <= 1, "{end:?}");
            assert!(successors.iter().all(|generation| *generation == 4), "{end:?}");
        }
    }
}

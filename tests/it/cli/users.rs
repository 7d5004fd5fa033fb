//! `arrakis users`, `groups`, `roles`, `keys` and `policy`.

use super::Session;

#[test]
fn users_groups_roles_and_the_policy() {
    let mut session = Session::with_data("users");
    session.file("policy.yaml", include_str!("../data/policy.yaml"));
    session.file("stricter.yaml", include_str!("../data/policy.yaml").replace("[read, modify] }]", "[read] }]"));
    session.type_in("users list --db places.db");
    session.type_in("users create Ann --email Ann@Example.com --attribute country=NO --db places.db");
    session.type_in("users create ann --db places.db");
    session.type_in("users create robot --service --db places.db --format json");
    session.type_in("users create 'b b' --db places.db");
    session.type_in("users list --db places.db");
    session.say("a policy, and who holds its roles");
    session.type_in("policy apply policy.yaml --db places.db");
    session.type_in("policy show --db places.db");
    session.type_in("roles list --db places.db");
    session.type_in("groups create staff --description 'who works here' --db places.db");
    session.type_in("groups add staff ann --db places.db");
    session.type_in("groups add staff group:staff --db places.db");
    session.type_in("groups members staff --db places.db");
    session.type_in("roles assign mayor group:staff --db places.db");
    session.type_in("roles assign reader robot --over City:Bergen --until 2100-01-01T00:00:00Z --db places.db");
    session.type_in("roles assign king robot --db places.db");
    session.type_in("roles assigned robot --db places.db --format csv");
    session.say("what follows of it");
    session.type_in("policy explain --as ann modify City:Bergen --db places.db");
    session.type_in("policy explain --as ann@example.com modify City:Oslo --db places.db");
    session.type_in("policy explain --as robot read City:Oslo --db places.db --format json");
    session.type_in("policy who-can modify City:Bergen --db places.db");
    session.type_in("policy who-can read City:Bergen --db places.db --format json");
    session.type_in("policy simulate stricter.yaml --db places.db");
    session.type_in("policy simulate policy.yaml --db places.db --format json");
    session.say("what ends");
    session.type_in("users suspend ann --db places.db");
    session.type_in("policy who-can modify City:Bergen --db places.db");
    session.type_in("users reinstate ann --db places.db");
    session.type_in("groups delete staff --db places.db");
    session.type_in("users delete robot --db places.db");
    session.type_in("users export ann --db places.db");
    session.check("users.txt");
}

#[test]
fn secrets_are_told_once_and_kept_apart() {
    let session = Session::with_data("secrets");
    let run = |command: &str, stdin: &[u8]| {
        let printed = session.run(&format!("{command} --db places.db"), stdin);
        (printed.code, printed.stdout, printed.stderr)
    };
    // For a database that is not there no secret is made.
    let missing = session.run("users list --db missing.db", b"");
    assert!(missing.code == Some(1) && missing.stderr.contains("database.missing"), "{}", missing.stderr);
    assert!(!session.folder.join("missing.db.secret").exists());
    let (code, made, notes) = run("users bootstrap --format json", b"");
    assert!(code == Some(0) && notes.contains("made places.db.secret: keep it"), "{notes}");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let password = made.get("password").unwrap().as_str().unwrap().to_owned();
    assert_eq!(run("users bootstrap", b"").0, Some(1));
    #[cfg(unix)]
    {
        let rights = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(session.folder.join("places.db.secret")).unwrap().permissions(),
        );
        assert_eq!(rights & 0o777, 0o600);
    }
    let (code, key, _) = run("keys create admin --name nightly", b"");
    assert!(code == Some(0) && key.starts_with("ark_live_usr_"), "{key}");
    let (_, listed, _) = run("keys list admin --format csv", b"");
    let id = key.split('_').nth(3).unwrap();
    assert!(listed.contains(id) && !listed.contains(key.trim()), "{listed}");
    assert_eq!(run(&format!("keys revoke admin {id}"), b"").0, Some(0));
    assert_eq!(run(&format!("keys revoke admin {id}"), b"").0, Some(1));
    let (code, _, error) = run("users password admin", b"password\n");
    assert!(code == Some(1) && error.contains("password.breached"), "{error}");
    assert_eq!(run("users password admin", b"the correct horse canary\n").0, Some(0));
    let (code, _, error) = run("keys turn", b"");
    assert!(code == Some(1) && error.contains("user.signing_key.announced"), "{error}");
    let (_, invitation, _) = run("users invite bob --format json", b"");
    let invitation: serde_json::Value = serde_json::from_str(&invitation).unwrap();
    let secret = invitation.get("secret").unwrap().as_str().unwrap();
    // None of them is in the database.
    let root = std::fs::read_to_string(session.folder.join("places.db.secret")).unwrap();
    let mut kept = Vec::new();
    for file in ["places.db", "places.db-wal"] {
        kept.extend(std::fs::read(session.folder.join(file)).unwrap_or_default());
    }
    for secret in [&password, key.trim(), "the correct horse canary", root.trim(), secret] {
        let tail = &secret.as_bytes()[secret.len() - 12..];
        assert!(!kept.windows(tail.len()).any(|window| window == tail), "{secret}");
    }
    assert!(kept.windows(9).any(|window| window == b"$argon2id"));
    // Another root opens nothing of it.
    session.file("places.db.secret", "not a root");
    let (code, _, error) = run("users list", b"");
    assert!(code == Some(1) && error.contains("vault.root.malformed") && !error.contains("not a root"), "{error}");
}

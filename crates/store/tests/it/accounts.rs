//! What becomes of an account is known in every process, and ends what it must.

use std::time::Duration;

use bailiwick_domain::audit::AuditKind;
use bailiwick_domain::ids::UserId;
use bailiwick_domain::policy::{Holder, Person, Role};
use bailiwick_store::{ChangeKind, Coordinates, NO_PASSWORD, NewUser, Standing, Store};

use crate::world::{Dice, World, client, event, issued_to, token};

on_every_engine![
    the_first_account_is_an_administrators,
    an_account_nobody_can_sign_in_to_is_not_the_first,
    a_demo_of_an_older_version_does_not_count_either,
    a_change_counts_before_it_is_answered,
    every_process_hears_of_a_change,
    what_a_provider_says_is_news_once,
    disabling_ends_what_acts_and_enabling_brings_back_the_account_alone,
    accounts_are_listed_by_name,
];

fn person(name: &str, world: &World) -> NewUser {
    NewUser::new(UserId::draw(&Dice), name.to_owned(), "$argon2id$v=19$…".to_owned(), world.now())
}

async fn made(store: &Store, user: NewUser, world: &World) -> UserId {
    let id = user.id.clone();
    assert!(store.create_user(user, event(AuditKind::UserCreated, world.now())).await.unwrap());
    id
}

async fn known(store: &Store, id: &UserId) -> Option<Person> {
    match store.holder(id.as_str()).await.unwrap() {
        Some(Holder::Person(person)) => Some(person.as_ref().clone()),
        Some(Holder::Machine) => panic!("a person is no machine"),
        None => None,
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

async fn the_first_account_is_an_administrators(world: &World) {
    let store = world.open().await;
    let created = || event(AuditKind::UserCreated, world.now());

    assert!(store.create_first_user(person("ada", world), created()).await.unwrap());
    made(&store, person("bob", world), world).await;

    let role = |user: Option<bailiwick_store::User>| user.unwrap().role;
    assert_eq!(role(store.user_by_name("ada").await.unwrap()), Role::Admin);
    assert_eq!(role(store.user_by_name("bob").await.unwrap()), Role::User);
}

async fn an_account_nobody_can_sign_in_to_is_not_the_first(world: &World) {
    let store = world.open().await;
    let demo = NewUser { password_phc: NO_PASSWORD.to_owned(), ..person("demo", world) };
    made(&store, demo, world).await;
    assert!(!store.any_user().await.unwrap());

    let created = event(AuditKind::UserCreated, world.now());
    assert!(store.create_first_user(person("ada", world), created).await.unwrap());

    assert!(store.any_user().await.unwrap());
    let corp =
        NewUser { provider: Some("corp".to_owned()), password_phc: NO_PASSWORD.to_owned(), ..person("c", world) };
    let corp = made(&store, corp, world).await;
    assert_eq!(known(&store, &corp).await.unwrap().provider.as_deref(), Some("corp"));
}

async fn a_demo_of_an_older_version_does_not_count_either(world: &World) {
    let store = world.open().await;
    store.close().await;
    for statement in [
        "ALTER TABLE users DROP COLUMN email",
        "ALTER TABLE users DROP COLUMN member_of",
        "ALTER TABLE users DROP COLUMN provider",
        "ALTER TABLE users DROP COLUMN role",
        "DELETE FROM _sqlx_migrations WHERE version = 2",
        "INSERT INTO users (id, name, name_key, password, created_at) VALUES ('us_1', 'demo', 'demo', '!', 1)",
        "INSERT INTO settings (name, value) VALUES ('first_user', 'us_1')",
    ] {
        world.run(statement).await;
    }

    let store = world.open().await;

    assert!(!store.any_user().await.unwrap());
    let created = event(AuditKind::UserCreated, world.now());
    assert!(store.create_first_user(person("ada", world), created).await.unwrap());
}

async fn a_change_counts_before_it_is_answered(world: &World) {
    let store = world.open().await;
    let ada = made(&store, person("ada", world), world).await;
    let changed = || event(AuditKind::UserChanged, world.now());
    assert_eq!(known(&store, &ada).await.unwrap().groups, strings(&[]));
    let mut heard = store.revocations().subscribe();

    assert!(store.set_groups(&ada, strings(&["ops", "dev", "ops"]), changed()).await.unwrap());

    assert_eq!(known(&store, &ada).await.unwrap().groups, ["dev", "ops"]);
    assert_eq!(heard.try_recv().unwrap().kind, ChangeKind::UserChanged);
    assert!(!store.set_groups(&ada, strings(&["dev", "ops"]), changed()).await.unwrap(), "no news");
    assert!(store.set_email(&ada, Some("ada@example.com".to_owned()), changed()).await.unwrap());
    assert_eq!(known(&store, &ada).await.unwrap().email.as_deref(), Some("ada@example.com"));
    assert!(store.set_email(&ada, None, changed()).await.unwrap());
    assert_eq!(known(&store, &ada).await.unwrap().email, None);
    assert!(store.set_role(&ada, Role::Auditor, changed()).await.unwrap());
    assert_eq!(store.user(&ada).await.unwrap().unwrap().role, Role::Auditor);
    assert!(!store.set_role(&UserId::from_stored("us_none"), Role::Admin, changed()).await.unwrap());
}

async fn every_process_hears_of_a_change(world: &World) {
    let [here, there] = world.open_two().await;
    let ada = made(&here, person("ada", world), world).await;
    let mut heard = there.revocations().subscribe();
    for round in 0..20 {
        let before = known(&there, &ada).await.unwrap();
        let groups = vec![format!("g{round}")];
        assert_ne!(before.groups, groups);

        here.set_groups(&ada, groups.clone(), event(AuditKind::UserChanged, world.now())).await.unwrap();

        loop {
            let told = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await.unwrap().unwrap();
            assert_eq!((told.kind, told.subject.as_str()), (ChangeKind::UserChanged, ada.as_str()));
            // The news of the round before may be read a second time.
            if known(&there, &ada).await.unwrap().groups == groups {
                break;
            }
        }
    }
}

async fn what_a_provider_says_is_news_once(world: &World) {
    let store = world.open().await;
    let ada = made(&store, person("ada", world), world).await;
    let say = |groups: &[&str]| {
        let (store, ada, groups) = (store.clone(), ada.clone(), strings(groups));
        let changed = event(AuditKind::UserChanged, world.now());
        async move { store.told_by_provider(&ada, Some("ada@example.com".to_owned()), groups, changed).await.unwrap() }
    };

    assert!(say(&["b", "a"]).await);
    assert!(!say(&["a", "b"]).await);
    assert!(say(&["a"]).await);

    let ada = known(&store, &ada).await.unwrap();
    assert_eq!((ada.email.as_deref(), ada.groups), (Some("ada@example.com"), strings(&["a"])));
}

async fn disabling_ends_what_acts_and_enabling_brings_back_the_account_alone(world: &World) {
    let store = world.open().await;
    let ada = made(&store, person("ada", world), world).await;
    let issued = issued_to(&store, &ada, world.now()).await;
    let old = issued.redemption(world.now());
    store.redeem(old.clone(), event(AuditKind::CodeRedeemed, world.now())).await.unwrap();
    let standing = |approval: &bailiwick_domain::grant::Approval, token: &bailiwick_store::TokenRow| {
        let client = client("agent").id;
        store
            .revocations()
            .standing(&Coordinates::front_door(&approval.grant, &token.jti, ada.as_str(), &client), world.now())
    };
    let approval = issued.code_grant.approval.clone();
    assert_eq!(standing(&approval, &old.token), Standing::Live);

    assert!(store.disable_user(&ada, event(AuditKind::UserDisabled, world.now())).await.unwrap());

    assert!(known(&store, &ada).await.is_none());
    assert_eq!(standing(&approval, &old.token), Standing::Revoked);
    assert!(store.grants_of(&ada, world.now()).await.unwrap().is_empty());
    assert!(!store.disable_user(&ada, event(AuditKind::UserDisabled, world.now())).await.unwrap());

    world.pass(Duration::from_millis(1));
    assert!(store.enable_user(&ada, event(AuditKind::UserEnabled, world.now())).await.unwrap());

    assert!(!store.enable_user(&ada, event(AuditKind::UserEnabled, world.now())).await.unwrap());
    assert!(known(&store, &ada).await.is_some());
    assert_eq!(standing(&approval, &old.token), Standing::Revoked, "what was ended stays ended");
    let again = issued_to(&store, &ada, world.now()).await.code_grant.approval;
    assert_eq!(standing(&again, &token(&again, world.now())), Standing::Live);
}

async fn accounts_are_listed_by_name(world: &World) {
    let store = world.open().await;
    for name in ["bob", "Ada", "carol"] {
        made(&store, person(name, world), world).await;
    }

    let names: Vec<String> = store.users().await.unwrap().into_iter().map(|user| user.name).collect();

    assert_eq!(names, ["Ada", "bob", "carol"]);
}

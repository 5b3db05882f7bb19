//! Ways in which a token can lie.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::credentials::signing_keys::SigningKeyFile;

/// When the tokens of the tests are made; they live for 900 s.
const MADE_S: i64 = 1_795_168_800;

fn at(s: i64) -> Timestamp {
    Timestamp::from_unix_ms(s * 1000)
}

fn keys() -> Arc<SigningKeys> {
    let folder = tempfile::tempdir().expect("a folder");
    SigningKeyFile::open(folder.path().join("jwt.json")).expect("made").keys()
}

fn claims() -> Claims {
    Claims {
        user: UserId::new(),
        role: Role::ProjectManager,
        tenant: TenantId::new(),
        session: SessionId::new(),
        issued_at: at(MADE_S),
        expires_at: at(MADE_S + 900),
    }
}

fn json_of(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// A token with this header and payload, signed by `key` whatever they say.
fn signed(key: &SigningKey, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = mac(key, &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn t11_claims_come_back() {
    let (keys, claims) = (keys(), claims());
    let token = issue(&keys, claims);
    assert_eq!(verify(&keys, &token, at(MADE_S)), Ok(claims));
    let parts: Vec<&str> = token.split('.').collect();
    let payload = json_of(parts[1]);
    assert_eq!(json_of(parts[0]), json!({"alg": "HS256", "typ": "JWT", "kid": keys.current().kid}));
    assert_eq!(payload["sub"], claims.user.to_string());
    assert_eq!(payload["tenant_id"], claims.tenant.to_string());
    assert_eq!((&payload["role"], &payload["exp"]), (&json!("project_manager"), &json!(MADE_S + 900)));
    assert_ne!(issue(&keys, claims), token, "each has an id of its own");
    assert!(token.len() < TOKEN_BYTES_MAX / 2, "{}", token.len());
}

#[test]
fn t20_tokens_expire_with_five_seconds_of_leeway() {
    let (keys, claims) = (keys(), claims());
    let token = issue(&keys, claims);
    let seen = [-6, -5, 0, 904, 905, 906].map(|after| verify(&keys, &token, at(MADE_S + after)).err());
    let (early, late) = (Some(TokenFault::Invalid), Some(TokenFault::Expired));
    assert_eq!(seen, [early, None, None, None, None, late]);
}

#[test]
fn t20_the_leeway_ends_to_the_millisecond() {
    let (keys, claims) = (keys(), claims());
    let token = issue(&keys, claims);
    let seen = |after_ms: i64| verify(&keys, &token, Timestamp::from_unix_ms(MADE_S * 1000 + after_ms)).err();
    assert_eq!([-5001, -5000].map(seen), [Some(TokenFault::Invalid), None]);
    assert_eq!([905_000, 905_001].map(seen), [None, Some(TokenFault::Expired)]);
}

/// Whoever makes these tokens knows the key, or one like it.
struct Forger {
    keys: Arc<SigningKeys>,
    /// The header and the payload of a good token.
    header: String,
    payload: String,
}

impl Forger {
    fn new() -> Self {
        let keys = keys();
        let good = issue(&keys, claims());
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("text");
        let parts: Vec<&str> = good.split('.').collect();
        let forger = Self { header: text(parts[0]), payload: text(parts[1]), keys };
        assert!(verify(&forger.keys, &forger.sign(&forger.header, &forger.payload), at(MADE_S)).is_ok(), "it can sign");
        forger
    }

    fn sign(&self, header: &str, payload: &str) -> String {
        signed(self.keys.current(), header, payload)
    }

    /// With the header of a good token, but for this.
    fn header(&self, from: &str, to: &str) -> String {
        assert!(self.header.contains(from), "{from}");
        self.sign(&self.header.replace(from, to), &self.payload)
    }

    /// With the payload of a good token, but for this.
    fn payload(&self, from: &str, to: &str) -> String {
        assert!(self.payload.contains(from), "{from}");
        self.sign(&self.header, &self.payload.replace(from, to))
    }

    /// With another value of a claim.
    fn claim(&self, name: &str, value: Value) -> String {
        let mut claims: Value = serde_json::from_str(&self.payload).expect("JSON");
        claims[name] = value;
        self.sign(&self.header, &claims.to_string())
    }

    /// With other times: when it was made, from when on it is good, until when.
    fn times(&self, [iat, nbf, exp]: [Value; 3]) -> String {
        let mut claims: Value = serde_json::from_str(&self.payload).expect("JSON");
        (claims["iat"], claims["nbf"], claims["exp"]) = (iat, nbf, exp);
        self.sign(&self.header, &claims.to_string())
    }

    fn refuses(&self, what: &str, token: &str) {
        assert_eq!(verify(&self.keys, token, at(MADE_S)), Err(TokenFault::Invalid), "{what}: {token}");
    }
}

#[test]
fn t21_no_header_chooses_an_algorithm_or_a_key() {
    let forger = Forger::new();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "hs256"]
    {
        let token = forger.header("\"HS256\"", &format!("{algorithm:?}"));
        forger.refuses(algorithm, &token);
        let (signed, _) = token.rsplit_once('.').expect("parts");
        forger.refuses("without a signature", &format!("{signed}."));
    }
    let kid = format!("\"kid\":\"{}\"", forger.keys.current().kid);
    for other in [
        "",
        "other",
        "../../etc/passwd",
        "/dev/null",
        "file:///dev/null",
        "' OR 1=1 --",
        "http://evil.example/key",
        "\\u0000",
    ] {
        forger.refuses(other, &forger.header(&kid, &format!("\"kid\":\"{other}\"")));
    }
    forger.refuses("no kid", &forger.header(&format!("{kid},"), ""));
    for wrong in ["\"kid\":null", "\"kid\":1", "\"kid\":[]", "\"KID\":\"x\""] {
        forger.refuses(wrong, &forger.header(&kid, wrong));
    }
    for more in [
        r#""jwk":{"kty":"oct","k":"AA"}"#,
        r#""jku":"https://evil.example/jwks.json""#,
        r#""x5u":"https://evil.example/cert.pem""#,
        r#""x5c":["AA"]"#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""cty":"JWT""#,
        // Members twice: parsers disagree about which of them counts.
        r#""alg":"none""#,
        r#""alg":"HS256""#,
        r#""kid":"other""#,
    ] {
        forger.refuses(more, &forger.header("\"typ\":\"JWT\"", &format!("\"typ\":\"JWT\",{more}")));
        forger.refuses(more, &forger.header("{\"alg\"", &format!("{{{more},\"alg\"")));
    }
    for (from, to) in [
        ("{", "{ "),
        ("}", "}\n"),
        ("}", "} "),
        ("\"JWT\"", "\"jwt\""),
        ("HS256", "HS\\u003256"),
        (",\"typ\":\"JWT\"", ""),
    ] {
        forger.refuses("another way to write it", &forger.header(from, to));
    }
    for header in ["", "{}", "null", "[]", "\"HS256\"", "\u{feff}{}"] {
        forger.refuses("another header", &forger.sign(header, &forger.payload));
    }
    forger.refuses(
        "a header of 10 kB",
        &forger.header("{\"alg\"", &format!("{{\"x\":\"{}\",\"alg\"", "A".repeat(10_000))),
    );
}

#[test]
fn t21_no_key_but_its_own_signs_a_token() {
    let forger = Forger::new();
    let key = forger.keys.current().clone();
    let unsigned = format!("{}.{}", URL_SAFE_NO_PAD.encode(&forger.header), URL_SAFE_NO_PAD.encode(&forger.payload));
    let with_key = |secret: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any length");
        mac.update(unsigned.as_bytes());
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    assert!(verify(&forger.keys, &with_key(&key.secret), at(MADE_S)).is_ok(), "the right one does");
    let written = URL_SAFE_NO_PAD.encode(key.secret);
    let (longer, others) = ([&key.secret[..], b"x"].concat(), keys());
    let known: [(&str, &[u8]); 9] = [
        ("no key", b""),
        ("zeros", &[0; 32]),
        ("the name of the key", key.kid.as_bytes()),
        ("the key as the file has it", written.as_bytes()),
        ("half of the key", &key.secret[..16]),
        ("more than the key", &longer),
        ("the header", forger.header.as_bytes()),
        ("a public key", b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PUBLIC KEY-----\n"),
        ("the key of another installation", &others.current().secret),
    ];
    for (what, secret) in known {
        forger.refuses(what, &with_key(secret));
    }

    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(&key.secret).expect("HMAC takes any length");
    mac.update(unsigned.as_bytes());
    let long = mac.finalize().into_bytes();
    forger.refuses("SHA-512", &format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(long)));
    forger.refuses("SHA-512, cut", &format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(&long[..32])));
    forger.refuses("a signature of RSA", &format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([7_u8; 256])));
}

#[test]
fn t15_t21_each_of_two_keys_signs_its_own_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = SigningKeyFile::open(folder.path().join("jwt.json")).expect("made");
    let old = issue(&file.keys(), claims());
    file.rotate(Some(at(MADE_S + 900))).expect("written");
    let (keys, new) = (file.keys(), issue(&file.keys(), claims()));
    let [old_parts, new_parts] = [&old, &new].map(|token| token.split('.').collect::<Vec<&str>>());
    let mixed = |header: &[&str], rest: &[&str]| format!("{}.{}.{}", header[0], rest[1], rest[2]);
    for good in [&old, &new] {
        assert!(verify(&keys, good, at(MADE_S)).is_ok());
    }
    for bad in [mixed(&old_parts, &new_parts), mixed(&new_parts, &old_parts)] {
        assert_eq!(verify(&keys, &bad, at(MADE_S)), Err(TokenFault::Invalid));
    }
    assert_eq!(verify(&keys, &old, at(MADE_S + 900)), Err(TokenFault::Invalid), "its key is over");
}

#[test]
fn t21_no_token_is_cut_lengthened_or_written_differently() {
    let forger = Forger::new();
    let good = forger.sign(&forger.header, &forger.payload);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let other = issue(&forger.keys, claims());
    let last = |bytes: &str| bytes.as_bytes()[bytes.len() - 1];
    // The last letter of 43 has two bits that mean nothing: one of four letters is right, the others are not.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.bytes().position(|letter| letter == last(signature)).expect("a letter");
    for low in 1..4 {
        let twin = &alphabet[(value & !3) + low..=(value & !3) + low];
        forger.refuses("bits that mean nothing", &format!("{}{twin}", &good[..good.len() - 1]));
    }
    for (what, token) in [
        ("nothing", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("three dots", "...".to_owned()),
        ("garbage", "a.b.c".to_owned()),
        ("only a header", header.to_owned()),
        ("no signature", format!("{header}.{payload}")),
        ("an empty signature", format!("{header}.{payload}.")),
        ("an empty payload", format!("{header}..{signature}")),
        ("an empty header", format!(".{payload}.{signature}")),
        ("the signature of another token", format!("{header}.{payload}.{}", other.rsplit('.').next().expect("a part"))),
        ("the payload of another token", format!("{header}.{}.{signature}", other.split('.').nth(1).expect("a part"))),
        ("a signature without its end", good[..good.len() - 1].to_owned()),
        ("half a signature", good[..good.len() - 22].to_owned()),
        ("a signature with more", format!("{good}A")),
        ("a signature with much more", format!("{good}{signature}")),
        ("four parts", format!("{good}.")),
        ("four parts, one empty", format!("{header}.{payload}..{signature}")),
        ("five parts, as of an encrypted one", format!("{good}.{payload}.{signature}")),
        ("twice", format!("{good}.{good}")),
        ("parts in another order", format!("{payload}.{header}.{signature}")),
        ("padding of the signature", format!("{good}=")),
        ("padding of the header", format!("{header}=.{payload}.{signature}")),
        ("padding of the payload", format!("{header}.{payload}==.{signature}")),
        ("another alphabet", good.replace(['-', '_'], "+")),
        ("space before", format!(" {good}")),
        ("space after", format!("{good} ")),
        ("a line after", format!("{good}\n")),
        ("space between", format!("{header}. {payload}.{signature}")),
        ("a line between", format!("{header}.{payload}\n.{signature}")),
        ("a tab inside", format!("{}\t{}", &good[..9], &good[9..])),
        ("a zero inside", format!("{}\0{}", &good[..9], &good[9..])),
        ("a header of 10 kB", format!("{}.{payload}.{signature}", "A".repeat(10_000))),
        ("a payload of 10 kB", forger.sign(&forger.header, &format!("{}{}", " ".repeat(10_000), forger.payload))),
        ("as one object", json!({"protected": header, "payload": payload, "signature": signature}).to_string()),
    ] {
        if token != good {
            forger.refuses(what, &token);
        }
    }
}

#[test]
fn t13_t21_no_claim_lies() {
    let forger = Forger::new();
    for name in ["sub", "role", "tenant_id", "sid", "jti", "iss", "aud", "iat", "nbf", "exp"] {
        let mut claims: Value = serde_json::from_str(&forger.payload).expect("JSON");
        claims.as_object_mut().expect("an object").remove(name).expect("there");
        forger.refuses(&format!("no {name}"), &forger.sign(&forger.header, &claims.to_string()));
        for value in [Value::Null, json!(true), json!([]), json!({}), json!("")] {
            forger.refuses(&format!("{name}: {value}"), &forger.claim(name, value));
        }
        let member = format!("\"{name}\":");
        forger.refuses("twice", &forger.payload(&member, &format!("{member}null,{member}")));
    }
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", json!("Packshot")),
        ("iss", json!(["packshot"])),
        ("aud", json!("other")),
        ("aud", json!(["packshot"])),
        ("aud", json!(["packshot", "other"])),
        ("role", json!("boss")),
        ("role", json!(["global_admin"])),
        ("sub", json!("admin")),
        ("sub", json!(1)),
        ("sub", json!("' OR 1=1 --")),
        ("tenant_id", json!("*")),
        ("tenant_id", json!("bypass")),
        ("sid", json!("../1")),
        ("more", json!(1)),
        ("scope", json!("admin")),
    ] {
        forger.refuses(&format!("{name}: {value}"), &forger.claim(name, value));
    }
    for payload in ["", "null", "[]", "{}", "\"x\"", "{", "\u{feff}{}"] {
        forger.refuses("another payload", &forger.sign(&forger.header, payload));
    }
    forger.refuses("more after it", &forger.payload("}", "}{}"));
    forger.refuses("an admin as well", &forger.payload("}", ",\"role\":\"global_admin\"}"));
}

#[test]
fn t21_no_time_lies() {
    let forger = Forger::new();
    let (made, end) = (json!(MADE_S), json!(MADE_S + 900));
    for name in ["iat", "nbf", "exp"] {
        let now = MADE_S + i64::from(name == "exp") * 900;
        for value in [
            json!(now.to_string()),
            json!(now as f64 + 0.5),
            json!(now as f64),
            json!(1e300),
            json!(-1e300),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(i64::MAX / 1000),
            json!(253_402_300_800_i64),
            json!(i64::MIN),
            json!("2026-11-20T10:00:00Z"),
            json!([now]),
        ] {
            forger.refuses(&format!("{name}: {value}"), &forger.claim(name, value));
        }
    }
    for (what, times) in [
        ("good in an hour", [made.clone(), json!(MADE_S + 3600), end.clone()]),
        ("good before it was made", [made.clone(), json!(MADE_S - 1), end.clone()]),
        ("made in an hour", [json!(MADE_S + 3600), json!(MADE_S + 3600), json!(MADE_S + 4500)]),
        ("made before 1970", [json!(-1), json!(-1), json!(899)]),
        ("over before it was made", [made.clone(), made.clone(), json!(MADE_S - 1)]),
        ("good for more than a day", [made.clone(), made.clone(), json!(MADE_S + 86_401)]),
        ("good for ever", [made.clone(), made.clone(), json!(i64::MAX)]),
        ("all at the end of time", [json!(i64::MAX), json!(i64::MAX), json!(i64::MAX)]),
        ("all before time", [json!(i64::MIN), json!(i64::MIN), json!(i64::MAX)]),
    ] {
        forger.refuses(what, &forger.times(times));
    }
    let day = forger.times([made.clone(), made, json!(MADE_S + 86_400)]);
    assert!(verify(&forger.keys, &day, at(MADE_S)).is_ok(), "the longest life that the setting allows");
}

#[test]
fn t21_every_changed_byte_is_noticed() {
    let keys = keys();
    let good = issue(&keys, claims());
    for place in 0..good.len() {
        for byte in [b'A', b'b', b'.', b'-', b'='] {
            let mut bytes = good.clone().into_bytes();
            if bytes[place] != byte {
                bytes[place] = byte;
                let token = String::from_utf8(bytes).expect("ASCII");
                assert_eq!(verify(&keys, &token, at(MADE_S)), Err(TokenFault::Invalid), "{place}");
            }
        }
    }
}

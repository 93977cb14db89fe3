use bson::doc;
use proptest::prelude::*;

use super::*;

fn section(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(payload);
    out
}

fn sequence(name: &str, documents: &[Document]) -> Vec<u8> {
    let mut inner = name.as_bytes().to_vec();
    inner.push(0);
    for document in documents {
        inner.extend(document.to_vec().unwrap());
    }
    let length = i32::try_from(inner.len() + 4).unwrap();
    let mut payload = length.to_le_bytes().to_vec();
    payload.extend(inner);
    section(1, &payload)
}

fn msg(flags: u32, sections: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = flags.to_le_bytes().to_vec();
    payload.extend(sections.concat());
    frame(7, 0, OP_MSG, &payload).unwrap()
}

fn body(document: &Document) -> Vec<u8> {
    section(0, &document.to_vec().unwrap())
}

fn query(namespace: &str, document: &Document) -> Vec<u8> {
    let mut payload = 0_u32.to_le_bytes().to_vec();
    payload.extend_from_slice(namespace.as_bytes());
    payload.push(0);
    payload.extend_from_slice(&0_i32.to_le_bytes());
    payload.extend_from_slice(&(-1_i32).to_le_bytes());
    payload.extend(document.to_vec().unwrap());
    frame(9, 0, OP_QUERY, &payload).unwrap()
}

#[test]
fn document_sequences_become_arrays_of_the_body() {
    let documents = [doc! { "_id": 1 }, doc! { "_id": 2 }];
    let bytes = msg(
        0,
        &[
            sequence("documents", &documents),
            body(&doc! { "insert": "c", "$db": "d" }),
        ],
    );
    let message = parse(&bytes).unwrap();
    assert_eq!(message.command(), "insert");
    assert_eq!(message.database(), "d");
    assert_eq!(message.request_id, 7);
    assert_eq!(message.body.get_array("documents").unwrap().len(), 2);
    assert!(!message.more_to_come);
}

#[test]
fn a_sequence_may_not_repeat_a_field_of_the_body() {
    let bytes = msg(0, &[body(&doc! { "insert": "c" }), sequence("insert", &[])]);
    assert_eq!(parse(&bytes).unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn more_to_come_and_optional_bits_are_accepted_and_required_bits_refused() {
    let ping = body(&doc! { "ping": 1 });
    assert!(
        parse(&msg(MORE_TO_COME | 1 << 16, std::slice::from_ref(&ping)))
            .unwrap()
            .more_to_come
    );
    assert!(parse(&msg(1 << 4, &[ping])).is_err());
}

#[test]
fn a_checksum_is_verified() {
    let mut bytes = msg(CHECKSUM_PRESENT, &[body(&doc! { "ping": 1 }), vec![0; 4]]);
    let end = bytes.len() - 4;
    assert!(parse(&bytes).is_err());
    let sum = crc32c(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&sum);
    assert_eq!(parse(&bytes).unwrap().command(), "ping");
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn the_legacy_handshake_is_read_and_answered_in_its_own_format() {
    let message = parse(&query("admin.$cmd", &doc! { "isMaster": 1 })).unwrap();
    assert_eq!(
        (message.command(), message.database()),
        ("isMaster", "admin")
    );
    let reply = encode_reply(&message, &doc! { "ok": 1.0 }).unwrap();
    assert_eq!(reply[12..16], OP_REPLY.to_le_bytes());
    assert_eq!(reply[8..12], message.request_id.to_le_bytes());
    assert_eq!(reply[36..], doc! { "ok": 1.0 }.to_vec().unwrap());
}

#[test]
fn a_wrapped_legacy_command_is_unwrapped_and_a_plain_query_refused() {
    let wrapped = doc! { "$query": { "hello": 1 }, "$readPreference": { "mode": "nearest" } };
    assert_eq!(
        parse(&query("admin.$cmd", &wrapped)).unwrap().command(),
        "hello"
    );
    assert!(parse(&query("shop.orders", &doc! {})).is_err());
}

#[test]
fn deep_nesting_is_refused_before_it_is_decoded() {
    let mut bytes = vec![5, 0, 0, 0, 0];
    for _ in 0..100_000 {
        let length = i32::try_from(bytes.len() + 8).unwrap();
        let mut outer = length.to_le_bytes().to_vec();
        outer.extend_from_slice(b"\x03a\0");
        outer.append(&mut bytes);
        outer.push(0);
        bytes = outer;
        if bytes.len() > 20_000 {
            break;
        }
    }
    let error = parse(&msg(0, &[section(0, &bytes)])).unwrap_err();
    assert!(error.to_string().contains("nested deeper"), "{error}");
}

#[tokio::test]
async fn messages_are_read_one_after_the_other_until_the_peer_closes() {
    let mut stream = msg(0, &[body(&doc! { "ping": 1 })]);
    stream.extend(msg(0, &[body(&doc! { "hello": 1 })]));
    let mut reader = stream.as_slice();
    assert_eq!(
        read_message(&mut reader).await.unwrap().unwrap().command(),
        "ping"
    );
    assert_eq!(
        read_message(&mut reader).await.unwrap().unwrap().command(),
        "hello"
    );
    assert!(read_message(&mut reader).await.unwrap().is_none());
}

#[tokio::test]
async fn a_length_beyond_the_limit_or_below_the_header_is_refused_unread() {
    for length in [0_i32, 15, -1, 48_000_001, i32::MAX] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0; 12]);
        let error = read_message(&mut bytes.as_slice()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{length}");
    }
}

#[tokio::test]
async fn half_a_message_is_an_unexpected_end() {
    let bytes = msg(0, &[body(&doc! { "ping": 1 })]);
    let error = read_message(&mut &bytes[..bytes.len() - 1])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_written_reply_reads_back() {
    let request = parse(&msg(0, &[body(&doc! { "ping": 1 })])).unwrap();
    let mut out = Vec::new();
    write_reply(&mut out, &request, &doc! { "ok": 1.0 })
        .await
        .unwrap();
    let reply = parse(&out).unwrap();
    assert_eq!((reply.response_to, reply.body), (7, doc! { "ok": 1.0 }));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn random_payloads_behind_a_true_header_never_panic(
        query in any::<bool>(),
        payload in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let opcode = if query { OP_QUERY } else { OP_MSG };
        let _ = parse(&frame(1, 0, opcode, &payload).unwrap());
    }

    #[test]
    fn a_message_with_a_flipped_byte_never_panics(at in 0_usize..200, value in any::<u8>()) {
        let documents = [doc! { "_id": 1, "a": [1, { "b": "x" }] }];
        let mut bytes = msg(0, &[body(&doc! { "insert": "c" }), sequence("documents", &documents)]);
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = parse(&bytes);
    }
}

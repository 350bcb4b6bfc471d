// SPDX-License-Identifier: Apache-2.0
//
// Frames: what travels on a link between nodes (docs/WIRE.md draws the same for other languages).
//
//   offset size
//        0    4  length of what follows, at least 1, at most ACT__FRAME_MAX
//        4    1  type; with bit 7 set: a receiver that does not know it skips it
//        5    -  the fields of that type in the order of its struct below, then its body if it has one
//
// All numbers are big endian. A name is a u8 length and as many bytes, a text a u16 length and as many
// bytes, an address is node u64, slot u32, gen u32, epoch u32. A body is the rest of the frame; the
// link does not look into it. A frame with bytes left over, or too few, is malformed.
//
// Encoders append to a struct act__bytes and leave its contents as they were when they fail. Decoders
// are pure; what they give points into the input.
#ifndef TROUPE_RUNTIME_NET_FRAME_H
#define TROUPE_RUNTIME_NET_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "mailbox/address.h"

#define ACT__FRAME_MAX 65536u           // value of the length field
#define ACT__FRAME_MAX_LEAST 4096u      // the least that a node may announce as its own maximum
#define ACT__FRAME_HANDSHAKE_MAX 1024u  // value of the length field before the link is up
#define ACT__FRAME_PREFIX 4u            // bytes of the length field itself
#define ACT__FRAME_NAME_MAX 255u
#define ACT__FRAME_TEXT_MAX 1024u        // longer texts are cut when encoded
#define ACT__FRAME_REFUSE_TEXT_MAX 512u  // so that a refusal is a handshake frame
#define ACT__FRAME_MAGIC 0x54525045u     // "TRPE"
#define ACT__WIRE_VERSION 1u

enum act__frame_type {
  // handshake and link
  ACT__FRAME_HELLO = 1,
  ACT__FRAME_WELCOME = 2,
  ACT__FRAME_REFUSE = 3,
  ACT__FRAME_HEARTBEAT = 4,
  ACT__FRAME_GOODBYE = 5,
  // finding actors, and credit towards them
  ACT__FRAME_LOOKUP = 16,
  ACT__FRAME_FOUND = 17,
  ACT__FRAME_NOTFOUND = 18,
  ACT__FRAME_REACH = 19,
  ACT__FRAME_GRANT = 20,
  ACT__FRAME_CREDIT = 21,
  // messages
  ACT__FRAME_MESSAGE = 32,
  ACT__FRAME_REPLY = 33,
  ACT__FRAME_NACK = 34,
  ACT__FRAME_GAP = 35,  // reserved: not sent by version 1, malformed when received
  // watching
  ACT__FRAME_MONITOR = 48,
  ACT__FRAME_DEMONITOR = 49,
  ACT__FRAME_DOWN = 50,
  // between a node and its own processes only
  ACT__FRAME_START = 64,
  ACT__FRAME_STARTED = 65,
  ACT__FRAME_EXITED = 66,
  ACT__FRAME_STOP = 67,
  // what the decoder says for an unknown type that may be skipped
  ACT__FRAME_SKIPPED = 128,
};

// Bytes borrowed from somewhere; not terminated by a zero.
struct act__span {
  const uint8_t *data;
  size_t size;
};

struct act__span act__span_of_text(const char *text);  // NULL: empty

// Which side of which kind of link the sender of a handshake frame is.
enum act__frame_role { ACT__ROLE_PEER = 0, ACT__ROLE_PARENT = 1, ACT__ROLE_CHILD = 2 };

struct act__frame_hello {  // u32 magic first
  uint16_t version_min, version_max;
  uint8_t role;
  uint32_t frame_max;
  uint32_t capabilities;
  uint64_t incarnation;
  struct act__span name;
};

struct act__frame_welcome {  // u32 magic first
  uint16_t version;
  uint8_t role;
  uint32_t frame_max;
  uint32_t capabilities;
  uint64_t incarnation;
  struct act__span name;
};

struct act__frame_ending {  // REFUSE, GOODBYE
  act_rc rc;                // i32
  struct act__span text;
};

struct act__frame_lookup {
  uint32_t request;
  uint64_t schema_hash;
  uint32_t version;
  struct act__span protocol;  // a name
  struct act__span name;
};

struct act__frame_found {
  uint32_t request;
  act_pid pid;
  uint32_t msgs, units;  // the first credits
  uint32_t park_ms;      // of the mailbox; 0: it rejects
};

struct act__frame_notfound {
  uint32_t request;
  act_rc rc;
  struct act__span text;
};

// An actor of the node that receives the frame, or in GRANT and CREDIT of the one that sends it.
struct act__frame_target {
  uint32_t slot, gen, epoch;
};

struct act__frame_reach {
  struct act__frame_target target;
};

struct act__frame_grant {  // the answer to REACH, or more credit for a target unasked
  struct act__frame_target target;
  act_rc rc;
  uint32_t msgs, units;
  uint32_t park_ms;  // of the mailbox; 0: it rejects
};

struct act__frame_credit {
  uint32_t slot, gen;
  uint32_t msgs, units;
};

enum act__frame_message_flag {
  ACT__MESSAGE_ASK = 1,  // the three ask fields are there
};
#define ACT__MESSAGE_FLAGS 1u  // all that version 1 knows; others are malformed

struct act__frame_message {
  uint8_t flags;
  uint16_t op;
  uint64_t protocol;  // content hash of the protocol's name and version
  struct act__frame_target target;
  act_pid sender;
  uint32_t ask_index, ask_gen, deadline_left_ms;  // with ACT__MESSAGE_ASK only
  struct act__span body;
};

struct act__frame_reply {
  uint32_t ask_index, ask_gen;
  act_rc rc;
  struct act__span text;
  struct act__span body;
};

struct act__frame_nack {
  struct act__frame_target target;
  uint16_t op;
  act_rc rc;
};

struct act__frame_monitor {
  uint32_t id;
  struct act__frame_target target;
};

struct act__frame_demonitor {
  uint32_t id;
};

struct act__frame_down {
  uint32_t id;
  uint8_t reason;
  act_rc rc;
  struct act__span text;
};

struct act__frame_start {
  uint32_t request;
  uint32_t mailbox_msgs, mailbox_bytes;
  struct act__span behavior;  // a name
  struct act__span child;     // a name
  struct act__span body;      // the arguments
};

struct act__frame_started {
  uint32_t request;
  act_pid pid;
  uint32_t msgs, units;
};

struct act__frame_exited {
  uint32_t request;
  uint8_t reason;
  act_rc rc;
  struct act__span text;
};

struct act__frame_stop {
  uint32_t request;
  uint32_t deadline_ms;
};

struct act__frame {
  enum act__frame_type type;
  union {
    struct act__frame_hello hello;
    struct act__frame_welcome welcome;
    struct act__frame_ending ending;
    struct act__frame_lookup lookup;
    struct act__frame_found found;
    struct act__frame_notfound notfound;
    struct act__frame_reach reach;
    struct act__frame_grant grant;
    struct act__frame_credit credit;
    struct act__frame_message message;
    struct act__frame_reply reply;
    struct act__frame_nack nack;
    struct act__frame_monitor monitor;
    struct act__frame_demonitor demonitor;
    struct act__frame_down down;
    struct act__frame_start start;
    struct act__frame_started started;
    struct act__frame_exited exited;
    struct act__frame_stop stop;
  } u;
};

// --- encoding -----------------------------------------------------------------------------------
// All of them: ACT_ENOMEM or ACT_EFULL (the buffer's own failure, which sticks in it), ACT_ELIMIT (a
// name or the frame is too long). Texts are cut, at the edge of a UTF-8 character, instead.

ACT_MUST act_rc act__frame_put_hello(struct act__bytes *, const struct act__frame_hello *);
ACT_MUST act_rc act__frame_put_welcome(struct act__bytes *, const struct act__frame_welcome *);
ACT_MUST act_rc act__frame_put_refuse(struct act__bytes *, const struct act__frame_ending *);
ACT_MUST act_rc act__frame_put_heartbeat(struct act__bytes *);
ACT_MUST act_rc act__frame_put_goodbye(struct act__bytes *, const struct act__frame_ending *);
ACT_MUST act_rc act__frame_put_lookup(struct act__bytes *, const struct act__frame_lookup *);
ACT_MUST act_rc act__frame_put_found(struct act__bytes *, const struct act__frame_found *);
ACT_MUST act_rc act__frame_put_notfound(struct act__bytes *, const struct act__frame_notfound *);
ACT_MUST act_rc act__frame_put_reach(struct act__bytes *, const struct act__frame_reach *);
ACT_MUST act_rc act__frame_put_grant(struct act__bytes *, const struct act__frame_grant *);
ACT_MUST act_rc act__frame_put_credit(struct act__bytes *, const struct act__frame_credit *);
ACT_MUST act_rc act__frame_put_message(struct act__bytes *, const struct act__frame_message *);
ACT_MUST act_rc act__frame_put_reply(struct act__bytes *, const struct act__frame_reply *);
ACT_MUST act_rc act__frame_put_nack(struct act__bytes *, const struct act__frame_nack *);
ACT_MUST act_rc act__frame_put_monitor(struct act__bytes *, const struct act__frame_monitor *);
ACT_MUST act_rc act__frame_put_demonitor(struct act__bytes *, const struct act__frame_demonitor *);
ACT_MUST act_rc act__frame_put_down(struct act__bytes *, const struct act__frame_down *);
ACT_MUST act_rc act__frame_put_start(struct act__bytes *, const struct act__frame_start *);
ACT_MUST act_rc act__frame_put_started(struct act__bytes *, const struct act__frame_started *);
ACT_MUST act_rc act__frame_put_exited(struct act__bytes *, const struct act__frame_exited *);
ACT_MUST act_rc act__frame_put_stop(struct act__bytes *, const struct act__frame_stop *);

// The same in two halves, for bodies that are encoded straight into the buffer: begin writes all but
// the body (the struct's own body is left out) and gives a mark; the caller appends the body; end
// completes the frame or, when it is longer than `frame_max` (see act__peer_frame_max; ACT_ELIMIT) or
// the buffer has failed, takes all of it back. One of end and abandon follows every begin that is OK.
ACT_MUST act_rc act__frame_begin_message(struct act__bytes *, const struct act__frame_message *,
                                         size_t *mark);
ACT_MUST act_rc act__frame_begin_reply(struct act__bytes *, const struct act__frame_reply *,
                                       size_t *mark);
ACT_MUST act_rc act__frame_begin_start(struct act__bytes *, const struct act__frame_start *,
                                       size_t *mark);
ACT_MUST act_rc act__frame_end(struct act__bytes *, size_t mark, uint32_t frame_max);
void act__frame_abandon(struct act__bytes *, size_t mark);

// --- decoding -----------------------------------------------------------------------------------

// Finds the first frame in a stream of bytes. ACT_OK: *length bytes from data + ACT__FRAME_PREFIX on
// are its type and fields. ACT_LATER: more bytes are needed. ACT_EBADMSG: its length is 0 or more than
// `frame_max`.
ACT_MUST act_rc act__frame_split(const uint8_t *data, size_t size, uint32_t frame_max,
                                 uint32_t *length);

// Decodes type and fields (without the length). ACT_EBADMSG: *why says what is wrong, in static
// storage. Does not judge whether the type is legal now: act__handshake_allows does.
ACT_MUST act_rc act__frame_decode(const uint8_t *data, size_t size, struct act__frame *out,
                                  const char **why);

// "MESSAGE"; "?" for a number that is none.
const char *act__frame_type_name(unsigned type);

#endif

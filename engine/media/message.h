/* What passes between the control thread and a media worker: commands down, events up. Fixed-size
 * messages in single-producer rings, so each leg's commands and each leg's events keep their order.
 *
 * The ring of events is so large that what every leg may still owe (MESSAGES_OWED_MAX: an end for
 * each queued item, moved, keys given back, closed) always fits; only what may be lost
 * (heard, digits …) is dropped, and counted, when more than MESSAGES_SPARE wait. Commands likewise:
 * a place for closing every leg is kept. */
#ifndef PEAL_MEDIA_MESSAGE_H
#define PEAL_MEDIA_MESSAGE_H

#include "media/mix.h"
#include "media/player.h"
#include "media/secure.h"

#define MESSAGES_OWED_MAX (PLAYER_QUEUE_MAX + 6 + SECURE_MAX)
#define MESSAGES_SPARE    4096
#define COMMANDS_PER_LEG  8

struct stream;
struct hearing;
struct impair;
struct tape;
struct coding;

enum command_kind {
    COMMAND_OPEN,
    COMMAND_REMOTE,
    COMMAND_KEYS, /* what is replaced comes back as MESSAGE_KEY_BACK */
    COMMAND_PLAY,
    COMMAND_STOP,
    COMMAND_MUTE,
    COMMAND_IMPAIR,
    COMMAND_HUSH,
    COMMAND_PHASE,
    COMMAND_WANT_BEEP,
    COMMAND_RECORD_ARM,
    COMMAND_RECORD,
    COMMAND_RECORD_MASK,
    COMMAND_RECORD_STOP,
    COMMAND_BRIDGE,
    COMMAND_UNBRIDGE, /* also out of a mix */
    COMMAND_JOIN,     /* the conversation of another stream */
    COMMAND_ROLE,
    COMMAND_GAIN,
    COMMAND_KEYS_ACROSS,
    COMMAND_LEAVE, /* hand the leg over: MESSAGE_LEFT follows */
    COMMAND_ADOPT, /* take it over from another worker */
    COMMAND_CLOSE,
    COMMAND_QUIT /* the worker ends */
};

struct command {
    enum command_kind kind;
    struct stream *stream;
    struct hearing *hearing; /* of the stream, once it has one */
    union {
        struct {
            struct media_remote remote;
            struct coding *coding; /* of its codec; NULL: G.711 */
        };
        struct {
            bool on;
            struct secure *out, *in;
        } keys;
        struct player_item item;
        struct stream *peer;
        struct {
            struct stream *other;
            enum mix_role role;
        } part;
        struct {
            int8_t db;
            bool agc;
        } gain;
        enum media_keys keys_across;
        enum dsp_phase phase;
        bool on;
        struct {
            struct impair *state; /* the leg's, until it is released */
            struct media_impair config;
        } impair;
        struct tape *tape;
    };
};

enum message_kind { /* the first ones are enum media_event_kind */
                    MESSAGE_LEFT = MEDIA_EV_CLOSED + 1,
                    MESSAGE_KEY_BACK
};

struct message {
    uint32_t kind;
    uint32_t index;      /* of the leg */
    uint32_t generation; /* of the leg's place: a late event never meets a new leg */
    uint64_t at_us;
    union {
        char digit;
        struct secure *key;
        struct {
            enum err err;
            uint32_t cookie;
            bool internal;
        } played;
        struct dsp_event heard;
    };
};

#endif

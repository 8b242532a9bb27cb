/* The control thread's side of media: what media.c and leg.c share. */
#ifndef PEAL_MEDIA_CONTROL_H
#define PEAL_MEDIA_CONTROL_H

#include "base/pool.h"
#include "media/archive.h"
#include "media/ports.h"
#include "media/stream.h"

#define DEFERRED_MAX 1024 /* commands for legs that are between two workers */

struct mix_place {
    struct media_leg *leg, *coached; /* coached: of MIX_COACHES */
    enum mix_role role;
    bool joined; /* its worker has been told */
};

struct conversation { /* mix.c */
    struct mix_place place[MIX_MEMBERS_MAX];
    uint32_t count, worker;
};

struct media_leg {
    struct media *media;
    media_handler_fn *handler;
    void *arg;
    struct stream *stream;
    struct hearing *hearing;
    struct port_pair pair;
    uint32_t worker;
    struct impair *impair; /* NULL: never asked for */
    bool detect, has_remote, closing, moving;
    struct tape *tape; /* armed, or being recorded on; NULL: neither */
    bool recording;    /* the tape is with the archive */
    bool stopping;     /* … and the worker has been told to end it */
    bool masked;
    struct timer closed_limit; /* closed by the worker, its recording not by the disk */
    bool closed;
    struct coding *coding[CODEC_PACKED]; /* of the codecs it has had; they go with the leg */
    bool muxed;                          /* RTCP shares RTP's port */
    struct media_leg *peer;     /* bridged with, or to be when both have met on one worker */
    bool meeting;               /* … the latter */
    struct conversation *talk;  /* instead of a peer: it is in a mix, or will be */
    uint32_t target;            /* worker it moves to */
    uint8_t queue_head, queued; /* items not ended yet, oldest first; NULL: not a sound */
    const struct sound *sound[LEG_QUEUE_MAX];
    bool secure;        /* key_out and key_in hold */
    uint8_t keys_alive; /* in `keys` */
    struct list keys;   /* every struct secure of this leg */
    struct srtp_key key_out, key_in;
    const struct packets *packets[LEG_QUEUE_MAX]; /* likewise */
};

struct deferred {
    struct media_leg *leg;
    struct command command;
};

struct media {
    struct loop *loop;
    struct loop_hook hook;
    struct clock clock;
    struct {
        struct addr local;
        struct ports ports;
    } range[MEDIA_RANGES_MAX]; /* the first is the default */
    uint32_t ranges;
    uint16_t shared_port; /* 0: none */
    uint64_t alive_us;
    enum srtp_by srtp_by;
    struct sound_cache *sounds;
    const struct prints *prints;         /* NULL: none */
    struct pool prints_legs;             /* as many as legs, when there are prints */
    struct pool keys;                    /* struct secure */
    struct pool talks;                   /* conversations that are more than a bridge */
    struct pool legs, streams, hearings; /* a leg and its stream have the same index */
    uint32_t *generation;                /* of each leg's place */
    struct worker *worker;
    uint32_t workers, max_legs;
    uint32_t *load;                 /* legs of each worker */
    struct worker_counters *latest; /* of each worker */
    struct deferred *deferred;
    uint32_t deferred_count;
    uint32_t restarts;
    uint64_t legs_opened, commands_refused, moves;
    struct archive *archive[MEDIA_ARCHIVES_MAX]; /* begun with the first recording */
    uint32_t archives, archives_wanted;
    uint64_t recordings_timed_out;
};

/* Posts a command for the leg to its worker, or keeps it while the leg moves. */
enum err media_post(struct media_leg *l, struct command *c);
/* The command's stream and worker are given. closing: one of the places kept for it. */
enum err media_post_to(struct media *m, uint32_t worker, const struct command *c, bool kept_place);
/* leg_keys.c: a key came back from the worker; all of them go with the leg. */
void media_leg_key_back(struct media_leg *l, struct secure *key);
void media_leg_keys_free(struct media_leg *l);
/* leg.c: sends the leg on its way to another worker; media_mix_arrived follows. */
enum err media_leg_move(struct media_leg *l, uint32_t worker);
/* mix.c */
void media_mix_arrived(struct media_leg *l);
void media_mix_leave(struct media_leg *l); /* harmless when it is in none */
/* leg_record.c: recordings that are over, told to their legs; once a turn. */
void media_recordings_ended(struct media *m);
/* The worker is done with the leg. True: its recording is waited for, and media_leg_ended follows.
 */
bool media_leg_record_lasts(struct media_leg *l);
void media_leg_record_release(struct media_leg *l);
void media_leg_make_hearing(struct media_leg *l);
/* leg.c: tells the owner that it is closed, and frees it. */
void media_leg_ended(struct media_leg *l, uint64_t at_us);
/* An event for a leg. */
void media_leg_message(struct media_leg *l, const struct message *msg);
/* Frees what a leg holds on the control thread. */
void media_leg_release(struct media_leg *l);

#endif

/* The campaign file: what to dial, through which trunks, at what pace, with which agents, and what
 * each result means. YAML read by libcyaml; everything has a default but `name` and one trunk.
 *
 *   name: spring-offer
 *   country: si
 *   leads: leads.csv
 *   attempts: 3
 *   windows: mon-fri 09:00-20:00, sat 10:00-14:00
 *   trunks:
 *     - { name: carrier, address: 127.0.0.1:5070, max_calls: 60, calls_per_second: 10 }
 *   caller_ids: [ "+38600100100" ]
 *   pacing: { mode: ratio, ratio: 1.6, calls_per_second: 5 }
 *   agents:
 *     - { name: agent-%d, uri: "sip:agent-%d@127.0.0.1:5070", count: 10, wrap_up: 2s,
 *         groups: [ sales, english ] }
 *   on:
 *     human: agent sales
 *     machine: message voicemail.wav after beep
 *   results:
 *     busy: { after: "5m, next day 10:00", attempts: 3, finish: not_reached }
 *
 * Relative file names are relative to the campaign file's folder. Durations are "500ms", "25s",
 * "5m", "1h", "1d" or sums of them ("1h30m"). A campaign is immutable once loaded. */
#ifndef PEAL_CAMPAIGN_FILE_H
#define PEAL_CAMPAIGN_FILE_H

#include "call/result.h"
#include "campaign/calling.h"
#include "campaign/groups.h"
#include "campaign/number.h"
#include "campaign/retry.h"
#include "campaign/window.h"
#include "campaign/zone.h"
#include "io/addr.h"
#include "media/record_settings.h"
#include "sip/codecs.h"

#define CAMPAIGN_FILE_MAX        (1024 * 1024) /* bytes of the YAML */
#define CAMPAIGN_TRUNKS_MAX      32
#define CAMPAIGN_AGENTS_MAX      4096
#define CAMPAIGN_ADDRESSES_MAX   7 /* beside the first */
#define CAMPAIGN_CALLER_IDS_MAX  1024
#define CAMPAIGN_STATUS_MAX      RETRY_STATUS_MAX
#define CAMPAIGN_PATH_MAX        512
#define CAMPAIGN_SOUNDS_MAX      64
#define CAMPAIGN_LABEL_RULES_MAX 128
#define CAMPAIGN_LANGUAGE_MAX    16
#define CAMPAIGN_HTTP_MAX        1000
#define CAMPAIGN_SPEECH_MAX      256
#define CAMPAIGN_SPEAKERS_MAX    16
#define CAMPAIGN_ERROR_MAX       1024
#define CAMPAIGN_LIMITS_MAX      8 /* of calls to one number: campaign's, law's and region's */

struct campaign_address { /* of ours, beside `sip` and `media` */
    char name[32];
    struct addr sip, sip_advertised; /* advertised unset: sip */
    struct addr media, media_advertised;
    uint32_t tls_port;           /* 0: any */
    uint16_t port_min, port_max; /* 0: media's */
};

struct campaign_trunk {
    char name[32];
    struct addr address; /* where its INVITEs go */
    bool tcp;
    bool tls;                      /* over TLS; tcp is not set */
    char tls_name[128];            /* its certificate's; "": the address */
    uint8_t srtp;                  /* enum call_srtp */
    uint8_t nat;                   /* enum call_nat */
    uint32_t keep_alive_ms;        /* CRLFs to where it is registered so often; 0: none */
    struct sdp_codecs codecs;      /* n 0: those of sip */
    bool registers;                /* REGISTER there with user and password */
    char user[64], password[128];  /* digest; "" for none */
    const char *const *caller_ids; /* its own pool, or the campaign's */
    uint32_t caller_id_count;
    uint8_t place; /* through which address of ours: 0: sip's, else addresses[place - 1] */
    uint16_t port_min, port_max; /* of its calls' media; 0: the address's */
    uint32_t max_calls;          /* at once */
    double calls_per_second;     /* of new calls; 0: no limit */
    uint32_t redirects; /* Contacts of a 3xx that are tried for the same number; 0: the call is
                           over, as `changed` */
};

struct campaign_agent {
    char name[32];
    char uri[128];          /* "sip:agent-1@127.0.0.1:5070"; the engine calls it and keeps it up */
    uint32_t wrap_up_ms;    /* after each talk */
    uint8_t place, nat;     /* as of a trunk */
    uint32_t keep_alive_ms; /* OPTIONS on the leg so often; 0: none */
    struct sdp_codecs codecs; /* n 0: those of sip */
    uint32_t groups;          /* groups.h: a set of campaign.groups */
};

enum pacing_mode {
    PACING_PROGRESSIVE, /* one call for each agent who is free */
    PACING_RATIO,
    PACING_AGENTLESS,
    PACING_PREDICTIVE, /* ahead of agents who will be free, the abandonment cap kept */
    PACING_PREVIEW,    /* a lead is offered to each free agent, who accepts or skips it */
    PACING_MODES
};

struct campaign_pacing {
    enum pacing_mode mode;
    double ratio;            /* mode ratio: calls per free agent, 1.0…10.0 */
    double calls_per_second; /* 0: no limit of its own */
    uint32_t concurrent;     /* calls in the air at most; 0: no limit of its own */
    double false_machines;   /* percent of live answers taken for machines: counted as abandoned */
    /* mode predictive */
    bool daily;             /* the abandonment cap holds on every single day, not only over 30 */
    uint32_t hang_up_at_ms; /* rung this long and no agent expected: may be hung up; 0: never */
    /* mode preview */
    uint32_t preview_ms;            /* an offer that is not answered by then is accepted */
    uint32_t skip_ms;               /* a skipped lead is offered again after this */
    double engine_calls_per_second; /* of each engine by itself; 0: no limit */
};

/* What to do with a call of this result once it is answered. */
enum treatment_kind { TREAT_HANGUP, TREAT_AGENT, TREAT_MESSAGE, TREAT_FLOW };
struct campaign_treatment {
    enum treatment_kind kind;
    bool after_beep;              /* message: wait for the beep */
    uint8_t group;                /* agent: who is in this group; 0: anybody */
    char file[CAMPAIGN_PATH_MAX]; /* message, flow: path as to be opened */
};

/* The house's statuses of a finished lead, which a campaign may call by words of its own. */
enum campaign_status {
    STATUS_IS_REACHED,     /* a person was connected, or the flow or message was done */
    STATUS_IS_NOT_REACHED, /* attempts are spent */
    STATUS_IS_INVALID,     /* the number will never work */
    STATUS_IS_REFUSED,     /* the line refuses us */
    STATUS_IS_NOT_DIALLED, /* dnc, expired, cancelled… */
    STATUS_IS_FAILED,      /* our own fault too often */
    CAMPAIGN_STATUSES
};
const char *campaign_status_name(enum campaign_status s); /* "reached" … */

/* A rule of its own for known recordings, or for what an agent chose, by label. */
struct campaign_label_rule {
    char label[RETRY_LABEL_MAX]; /* recordings: patterns, see retry_label_matches; else a name */
    char key;                    /* outcomes: the agent's, during the talk; 0: none */
    struct campaign_rule rule;
};

/* What call scripts of a campaign may use beyond its lead, its agents and the store. */
struct campaign_flows {
    char language[CAMPAIGN_LANGUAGE_MAX]; /* call.row.language of leads that have none; "": none */
    char http[CAMPAIGN_HTTP_MAX];         /* hosts that http.* may ask; "": none */
    char speech[CAMPAIGN_SPEECH_MAX];     /* command that speaks; "": espeak-ng */
    uint32_t speech_processes;            /* of it at once; 0: the default */
    bool speech_on_demand;                /* nothing is spoken before a call wants it */
};

#define CAMPAIGN_LISTS_MAX     16
#define CAMPAIGN_LIST_NAME_MAX 32
#define CAMPAIGN_LIST_OTHERS   "others" /* the leads that no list has */
enum campaign_order { ORDER_ADDED, ORDER_NEWEST, ORDER_RANDOM };
struct campaign_list {
    char name[CAMPAIGN_LIST_NAME_MAX];
    char file[CAMPAIGN_PATH_MAX]; /* of leads; "": none */
    uint32_t share;               /* of the first calls; 0: none now */
    enum campaign_order order;
    uint8_t group; /* agents for its people, whatever `on` says; 0: as `on` says */
};

enum recording_mode { RECORDING_OFF, RECORDING_AGENT, RECORDING_ALL };
enum drain_mode { DRAIN_FINISH, DRAIN_HANGUP };

struct campaign {
    char name[64];
    char path[CAMPAIGN_PATH_MAX];                   /* of the file itself */
    char folder[CAMPAIGN_PATH_MAX];                 /* of the file */
    char leads[CAMPAIGN_PATH_MAX];                  /* "" when not given: --leads is needed */
    struct campaign_list lists[CAMPAIGN_LISTS_MAX]; /* lists.h */
    uint32_t list_count;
    const struct number_country *country;
    char tone_plan[CAMPAIGN_PATH_MAX]; /* a name, or the path of a file (dsp_plan_open) */
    struct campaign_flows flows;
    char prints[CAMPAIGN_PATH_MAX]; /* library of known recordings; "": none */
    struct zone *zone;
    struct windows windows;
    uint64_t starts_wall_ms, ends_wall_ms; /* 0: none; dates.h */
    struct holidays *holidays;             /* NULL: none */
    struct calling_rules *calling;         /* NULL: none */
    char calling_path[CAMPAIGN_PATH_MAX];
    struct calling_rules *exceptions; /* the house's own, beside them; NULL: none */
    char exceptions_path[CAMPAIGN_PATH_MAX];
    struct zone *zone_candidates[CALENDAR_ZONES_MAX]; /* of a lead whose zone is not known */
    uint32_t zone_candidate_count;
    struct calling_limits number_limits; /* of calls to one number, whichever campaign's */

    struct campaign_trunk trunks[CAMPAIGN_TRUNKS_MAX];
    uint32_t trunk_count;
    char **caller_ids; /* the campaign's pool */
    uint32_t caller_id_count;
    struct campaign_agent *agents;
    uint32_t agent_count;
    struct agent_groups groups;

    uint32_t ring_timeout_ms;
    struct {
        uint32_t initial_silence_ms, greeting_ms, after_greeting_ms, total_ms;
        uint32_t mode;                        /* enum dsp_amd_mode */
        uint32_t drop_cost_ms, agent_cost_ms; /* of a person dropped, of a machine at an agent */
    } analysis;                               /* fits struct dsp_amd_config */
    struct campaign_pacing pacing;
    struct {
        uint32_t limit_ms;               /* answer (end of greeting) to agent */
        char message[CAMPAIGN_PATH_MAX]; /* safe-harbour message; "": hang up */
        double cap_percent;              /* of live answers */
        uint32_t lock_out_ms; /* no call to a number after an abandoned one; 0: no rule */
        uint32_t keep_days;   /* the ledger's entries; then only sums of days stay */
    } abandonment;
    struct campaign_treatment on[RESULT_COUNT]; /* by result; TREAT_HANGUP where it cannot apply */
    struct campaign_rule rules[RESULT_COUNT];
    /* These win over a result's: by the recording that was heard, or the outcome that was chosen.
     */
    struct campaign_label_rule *recordings, *outcomes;
    uint32_t recording_rules, outcome_rules;
    char statuses[CAMPAIGN_STATUSES][CAMPAIGN_STATUS_MAX];
    bool statuses_closed; /* the campaign gave its own: no finish has another */
    bool comments;        /* every attempt leaves a dated line */
    uint32_t attempts;    /* of one lead, all results together */
    struct {
        enum recording_mode mode;
        char dir[CAMPAIGN_PATH_MAX]; /* "": DATA/recordings, chosen by the caller */
        struct record_settings how;  /* its key is not loaded yet */
    } recording;
    struct {                              /* agents put their callee on hold, and take them back */
        char key;                         /* 0: none does */
        char music[CAMPAIGN_PATH_MAX];    /* "": silence */
        char ringback[CAMPAIGN_PATH_MAX]; /* while an agent is waited for; "": silence */
    } hold;
    struct {
        char pin[17]; /* digits; "": nobody may listen to agents */
    } supervision;
    struct {
        char stream[64]; /* of Redis, {name}:stream:STREAM; "": none */
        uint32_t keep;   /* its latest entries */
    } records;
    enum drain_mode drain; /* first Ctrl-C */

    struct {
        struct addr address;    /* with port; port 0: any free one */
        struct addr advertised; /* unset: address */
        uint8_t dscp;
        bool tcp;
        uint8_t srtp;             /* enum call_srtp, of every leg at least */
        uint32_t mki_bytes;       /* in our SRTP packets; 0: none */
        uint32_t rekey_ms;        /* 0: never */
        uint64_t srtp_lifetime;   /* packets by one key; 0: as many as may be */
        bool libsrtp2;            /* does SRTP, instead of ours */
        struct sdp_codecs codecs; /* n 0: A-law, then µ-law */
        bool refuses_clear_keys;  /* of SRTP, where the way is not TLS */
    } sip;
    struct { /* "": none, the system's authorities */
        char authorities[CAMPAIGN_PATH_MAX], crl[CAMPAIGN_PATH_MAX], certificate[CAMPAIGN_PATH_MAX],
            key[CAMPAIGN_PATH_MAX];
        uint32_t port; /* 0: any */
        bool client_certificates;
        uint8_t stapling; /* enum tls_stapling */
    } tls;
    struct {
        struct addr address; /* port unused */
        struct addr advertised;
        uint8_t dscp;
        uint16_t port_min, port_max;
        uint32_t keep_alive_ms; /* of legs that send nothing; 0: none */
        uint32_t workers;       /* 0: by cores */
        uint32_t late_limit_ms; /* of admission (media/admission.h); 0: none */
        bool shared;            /* one socket with engines that say so, too (media/shared.h) */
    } media;
    struct campaign_address addresses[CAMPAIGN_ADDRESSES_MAX];
    uint32_t address_count;
    struct campaign_sound { /* what is played, in the order it is named */
        const char *key, *path;
        uint32_t line;
    } sounds[CAMPAIGN_SOUNDS_MAX];
    uint32_t sound_count;
    uint32_t max_calls; /* all legs of the engine at once, agents included */
    char **owned;       /* strings the above points into */
    uint32_t owned_count;
};

/* Reads and checks a campaign file. On failure *out is NULL and error (CAMPAIGN_ERROR_MAX bytes)
 * says "FILE:LINE: what is wrong; what is accepted". ERR_NOT_FOUND: no such file. */
enum err campaign_load(struct campaign **out, const char *path, char *error);
/* The same from memory; path is used for messages and for relative file names. Files named in the
 * campaign are not looked for, so there are no holidays and no calling rules. */
enum err campaign_parse(struct campaign **out, const char *path, struct slice text, char *error);
void campaign_free(struct campaign *c);

/* Says which files named in the campaign (leads, messages, flows) cannot be read, or played; the
 * sentence in error is for the first of them. */
enum err campaign_check_files(const struct campaign *c, char *error);

/* "25s" → 25000. ERR_INVALID when malformed, ERR_TOO_LONG above max_ms. */
enum err campaign_duration(struct slice text, uint32_t max_ms, uint32_t *out_ms);
void campaign_duration_text(uint32_t ms, char *dst, size_t cap); /* 25000 → "25s" */

/* A whole file into *text, to be freed. what: "the holidays", for the sentence in error. */
enum err campaign_read_file(const char *path, const char *what, uint32_t max, char **text,
                            uint32_t *len, char *error);

const char *pacing_mode_name(enum pacing_mode m);
const char *treatment_name(enum treatment_kind k);

#endif

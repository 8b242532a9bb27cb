/* The file of `peal serve`: which numbers are answered, by which flow, in which language, with
 * which parameters, and how many calls each may have at once.
 *
 *   name: lines
 *   sip: { address: 127.0.0.1:5060, tcp: yes }
 *   numbers:
 *     - number: "+38600100200"
 *       flow: order-line.lua
 *       language: sl
 *       calls: 30
 *       with: { period: "7" }
 *
 * Further keys: codecs ([pcma, pcmu, opus, g722]) of all calls, by preference; trunk (address, tcp,
 * user, password, codecs) is where flows dial numbers to; agents (name, uri, wrap_up, codecs,
 * groups) are whom callers are put through to; with hold: { key: "*", music: hold.wav } an agent's
 * key puts the caller on hold and takes them back; zone and hours (name: windows) what a flow asks
 * for by call:is_open; supervision: { pin: "4921" } lets supervisors be with agents
 * (desk/supervise.h).
 *
 * media: { shared: yes } lets legs share one socket with engines that say so, too (media/shared.h).
 *
 * prints is a library of known recordings (peal prints), for call:listen; it takes effect at the
 * next start. http names the hosts that http.* may ask ("hooks.example.com, 127.0.0.1:8080").
 * speech is a command other than espeak-ng ({lang}, {file}, {text}; docs/FLOWS.md),
 * speech_processes how many of it run at once; with `speech_ahead: no` prompts are not spoken
 * before a call wants them.
 *
 * recording (format, bitrate, keep_days, key_file, key_command) is how what flows record is kept,
 * as a campaign's keys of these names.
 *
 * Numbers are compared by their digits, so "+386 00 100 200" is 38600100200; what is no number
 * ("reception") is compared as it is. Files are relative to the file's own folder. A key that is
 * not known, a value out of range or a number that stands there twice is refused with file and
 * line. */
#ifndef PEAL_SERVE_NUMBERS_H
#define PEAL_SERVE_NUMBERS_H

#include "campaign/groups.h"
#include "campaign/window.h"
#include "io/addr.h"
#include "media/record_settings.h"
#include "sip/codecs.h"

#define NUMBERS_FILE_MAX   (4 * 1024 * 1024) /* bytes of the YAML */
#define NUMBERS_MAX        10000
#define NUMBERS_ERROR_MAX  1024
#define NUMBERS_PATH_MAX   512
#define NUMBERS_ALSO_MAX   7 /* further addresses of SIP */
#define NUMBERS_DIGITS_MAX 40
#define NUMBERS_WITH_MAX   24 /* parameters of one number */
#define NUMBERS_NAME_MAX   32
#define NUMBERS_VALUE_MAX  256
#define NUMBERS_HTTP_MAX   1000
#define NUMBERS_HOURS_MAX  16
#define NUMBERS_AGENTS_MAX 1000

struct numbers_with {
    char name[NUMBERS_NAME_MAX], value[NUMBERS_VALUE_MAX];
};

/* One number and what answers it. */
struct numbers_line {
    char number[NUMBERS_DIGITS_MAX];
    char key[NUMBERS_DIGITS_MAX]; /* as it is compared */
    char flow[NUMBERS_PATH_MAX];
    char language[NUMBERS_NAME_MAX]; /* "" when the file says none */
    uint32_t calls;                  /* at once; 0: as many as the engine takes */
    uint16_t full;                   /* what a call beyond them is refused with */
    uint32_t with_count;
    struct numbers_with with[NUMBERS_WITH_MAX];
    uint32_t file_line;
};

struct numbers_agent {
    char name[NUMBERS_NAME_MAX], uri[NUMBERS_VALUE_MAX];
    uint32_t wrap_up_ms;
    struct sdp_codecs codecs; /* n 0: the file's */
    uint32_t groups;          /* campaign/groups.h: a set of numbers.groups */
};

struct numbers_hours {
    char name[NUMBERS_NAME_MAX];
    struct windows windows;
};

struct numbers {
    struct sdp_codecs codecs;        /* by preference; n 0: A-law, µ-law */
    char name[64];                   /* of the records */
    char folder[NUMBERS_PATH_MAX];   /* of the file; "" for the present one */
    struct addr sip, sip_advertised; /* advertised unset: sip */
    struct addr also[NUMBERS_ALSO_MAX];
    uint32_t also_count;
    bool tcp, refuses_clear_keys;
    uint8_t srtp;                /* enum call_srtp */
    uint32_t srtp_mki, rekey_ms; /* this and the next: of call_env_config */
    uint64_t srtp_lifetime;
    uint8_t sip_dscp, media_dscp;
    bool has_tls;
    struct { /* "": none, the system's authorities */
        char authorities[NUMBERS_PATH_MAX], crl[NUMBERS_PATH_MAX], certificate[NUMBERS_PATH_MAX],
            key[NUMBERS_PATH_MAX];
        uint32_t port; /* 0: any */
        bool client_certificates;
        uint8_t stapling; /* enum tls_stapling */
    } tls;
    struct addr media, media_advertised;
    uint32_t media_alive_ms; /* of legs that send nothing; 0: none */
    uint16_t media_port_min, media_port_max;
    bool media_shared;             /* of call_env_config */
    uint32_t media_workers;        /* 0: cores - 1, at least 1 */
    uint32_t late_limit_ms;        /* of admission (media/admission.h); 0: none */
    uint32_t calls;                /* at once, in and out */
    char audio[NUMBERS_PATH_MAX];  /* folder of sounds */
    char prints[NUMBERS_PATH_MAX]; /* library of known recordings; "": none */
    struct {
        struct addr address;      /* unset: there is none */
        struct sdp_codecs codecs; /* n 0: the file's */
        bool tcp, tls;
        uint8_t srtp;       /* enum call_srtp */
        char tls_name[128]; /* its certificate's; "": its address */
        char user[64], password[64];
    } trunk;
    uint32_t agent_count;
    struct numbers_agent *agent;
    struct agent_groups groups;
    struct {
        char key;                     /* of an agent who talks; '\0': none */
        char music[NUMBERS_PATH_MAX]; /* what the caller hears; "": nothing */
    } hold;
    char supervision_pin[17]; /* digits; "": nobody may listen to agents */
    struct zone *zone;        /* of the hours */
    uint32_t hours_count;
    struct numbers_hours hours[NUMBERS_HOURS_MAX];
    char speech[NUMBERS_VALUE_MAX]; /* command that speaks; "": the default, espeak-ng */
    uint32_t speech_processes;      /* of it at once; 0: the default */
    bool speech_on_demand;          /* nothing is spoken before a call wants it */
    char http[NUMBERS_HTTP_MAX];    /* hosts that flows may ask; "": none */
    struct record_settings record;  /* how flows record; its key is not loaded yet */
    uint32_t drain_ms;              /* how long calls may go on after SIGTERM */
    bool has_unknown;               /* numbers that are not listed: `unknown` says which flow… */
    struct numbers_line unknown;    /* …else they are refused with 404 */
    uint32_t count;
    struct numbers_line *line; /* ordered by key */
};

/* error (NUMBERS_ERROR_MAX bytes): "PATH:LINE: what is wrong; what is accepted". */
enum err numbers_load(struct numbers **out, const char *path, char *error);
/* The same from memory; path stands in complaints, and its folder counts. */
enum err numbers_parse(struct numbers **out, const char *path, struct slice text, char *error);
void numbers_free(struct numbers *n);

/* Whether sip: and tls:, and media:, say the same in both. */
bool numbers_network_same(const struct numbers *a, const struct numbers *b);
bool numbers_media_same(const struct numbers *a, const struct numbers *b);

/* The line of a dialled number, or NULL. */
const struct numbers_line *numbers_find(const struct numbers *n, struct slice number);

#endif

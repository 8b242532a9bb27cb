/* The campaign file as it is written: every value still text, exactly as libcyaml found it. file.c
 * turns it into struct campaign. Private to the room. */
#ifndef PEAL_CAMPAIGN_SCHEMA_H
#define PEAL_CAMPAIGN_SCHEMA_H

#include "campaign/document.h"
#include "campaign/file.h"

struct raw_limit;

struct raw_trunk {
    char *name, *address, *transport, *registers, *user, *password, *password_file;
    char **caller_ids;
    unsigned caller_ids_count;
    char **codecs;
    unsigned codecs_count;
    char *max_calls, *calls_per_second, *redirects, *srtp, *tls_name, *through, *media_ports;
    char *nat, *keep_alive;
};

struct raw_agent {
    char *name, *uri, *count, *first, *wrap_up, *through, *nat, *keep_alive;
    char **codecs, **groups;
    unsigned codecs_count, groups_count;
};

struct raw_address {
    char *name, *sip, *advertise, *tls_port, *media, *media_advertise, *media_ports;
};

struct raw_sip {
    char *address, *advertise, *dscp, *tcp, *srtp, *clear_keys;
    char *srtp_mki, *srtp_rekey, *srtp_lifetime, *srtp_transform;
    char **codecs;
    unsigned codecs_count;
};

struct raw_rule {
    char *after, *attempts, *next, *finish, *priority, *counts, *mark, *comment;
};

struct raw_label_rule {
    char *label, *key; /* key: of an outcome */
    struct raw_rule rule;
};

struct raw_list {
    char *name, *file, *share, *order, *agents;
};

struct raw_campaign {
    char *name, *country, *tone_plan, *prints, *zone, *windows, *leads, *ring_timeout, *attempts,
        *drain, *max_calls;
    char *holidays, *calling_rules, *exceptions, *starts, *ends;
    char **zones;
    unsigned zones_count;
    struct raw_limit *number_limits;
    unsigned number_limits_count;
    char **caller_ids;
    unsigned caller_ids_count;
    struct raw_trunk *trunks;
    unsigned trunks_count;
    struct raw_agent *agents;
    unsigned agents_count;
    struct raw_list *lists;
    unsigned lists_count;
    struct raw_address *addresses;
    unsigned addresses_count;
    struct {
        char *initial_silence, *greeting, *after_greeting, *total;
        char *mode, *dropped_person, *machine_at_agent;
    } analysis;
    struct {
        char *mode, *ratio, *calls_per_second, *engine_calls_per_second, *concurrent, *daily;
        char *false_machines, *hang_up_at;
        char *preview_time, *skip_for;
    } pacing;
    struct {
        char *limit, *message, *cap, *keep_days, *lock_out;
    } abandonment;
    struct {
        char *mode, *dir, *format, *bitrate, *prebuffer, *keep_days, *mask_key, *key_file,
            *key_command;
    } recording;
    struct {
        char *key, *music, *ringback;
    } hold;
    struct {
        char *pin;
    } supervision;
    struct {
        char *stream, *keep;
    } records;
    struct raw_sip sip;
    struct {
        char *authorities, *certificate, *key, *port, *client_certificates, *crl, *stapling;
    } tls;
    struct {
        char *address, *advertise, *dscp, *ports, *workers, *late_limit, *keep_alive, *shared;
    } media;
    struct {
        char *language, *http, *speech, *speech_processes, *speech_ahead;
    } flows;
    char *on[RESULT_COUNT];
    struct raw_rule results[RESULT_COUNT];
    struct raw_label_rule *recordings, *outcomes;
    unsigned recordings_count, outcomes_count;
    char *comments, *statuses[CAMPAIGN_STATUSES];
};

struct schema; /* one reading of one text */

/* Reads the text. On failure error says "PATH:LINE: …" and *out is still to be closed. */
enum err schema_read(struct schema **out, const char *path, struct slice text, char *error);
void schema_close(struct schema *s);
const struct raw_campaign *schema_raw(const struct schema *s);
struct document *schema_document(const struct schema *s); /* tells the lines of its texts */

/* Results that `on:` may name: those of an answered call. */
bool schema_treatable(enum result r);

#endif

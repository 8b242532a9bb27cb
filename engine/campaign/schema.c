/* libcyaml's schema of a campaign file. */
#include "campaign/schema.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/calling_read.h"

#define TEXT_MAX 1024 /* bytes of one value */

struct schema {
    struct document *document;
    cyaml_schema_field_t on[RESULT_COUNT + 1], results[RESULT_COUNT + 1], top[49];
    cyaml_schema_field_t statuses[CAMPAIGN_STATUSES + 1];
    cyaml_schema_value_t root;
};

#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, TEXT_MAX)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};

#define CODECS(key, type, member)                                                                  \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, &text_value, \
                         0, SDP_CODECS_MAX)

static const cyaml_schema_field_t trunk_fields[] = {
    TEXT("name", struct raw_trunk, name),
    TEXT("address", struct raw_trunk, address),
    TEXT("transport", struct raw_trunk, transport),
    TEXT("register", struct raw_trunk, registers),
    TEXT("user", struct raw_trunk, user),
    TEXT("password", struct raw_trunk, password),
    TEXT("password_file", struct raw_trunk, password_file),
    CYAML_FIELD_SEQUENCE("caller_ids", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_trunk,
                         caller_ids, &text_value, 0, CAMPAIGN_CALLER_IDS_MAX),
    CODECS("codecs", struct raw_trunk, codecs),
    TEXT("max_calls", struct raw_trunk, max_calls),
    TEXT("calls_per_second", struct raw_trunk, calls_per_second),
    TEXT("redirects", struct raw_trunk, redirects),
    TEXT("srtp", struct raw_trunk, srtp),
    TEXT("tls_name", struct raw_trunk, tls_name),
    TEXT("through", struct raw_trunk, through),
    TEXT("media_ports", struct raw_trunk, media_ports),
    TEXT("nat", struct raw_trunk, nat),
    TEXT("keep_alive", struct raw_trunk, keep_alive),
    CYAML_FIELD_END};
static const cyaml_schema_value_t trunk_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_trunk, trunk_fields)};

static const cyaml_schema_field_t agent_fields[] = {
    TEXT("name", struct raw_agent, name),
    TEXT("uri", struct raw_agent, uri),
    TEXT("count", struct raw_agent, count),
    TEXT("first", struct raw_agent, first),
    TEXT("wrap_up", struct raw_agent, wrap_up),
    TEXT("nat", struct raw_agent, nat),
    TEXT("keep_alive", struct raw_agent, keep_alive),
    TEXT("through", struct raw_agent, through),
    CODECS("codecs", struct raw_agent, codecs),
    CYAML_FIELD_SEQUENCE("groups", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_agent,
                         groups, &text_value, 0, AGENT_GROUPS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t agent_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_agent, agent_fields)};

static const cyaml_schema_field_t list_fields[] = {
    TEXT("name", struct raw_list, name),     TEXT("file", struct raw_list, file),
    TEXT("share", struct raw_list, share),   TEXT("order", struct raw_list, order),
    TEXT("agents", struct raw_list, agents), CYAML_FIELD_END};
static const cyaml_schema_value_t list_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_list, list_fields)};

static const cyaml_schema_field_t address_fields[] = {
    TEXT("name", struct raw_address, name),
    TEXT("sip", struct raw_address, sip),
    TEXT("advertise", struct raw_address, advertise),
    TEXT("tls_port", struct raw_address, tls_port),
    TEXT("media", struct raw_address, media),
    TEXT("media_advertise", struct raw_address, media_advertise),
    TEXT("media_ports", struct raw_address, media_ports),
    CYAML_FIELD_END};
static const cyaml_schema_value_t address_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_address, address_fields)};

#define RULE(of, at)                                                                               \
    TEXT("after", of, at after), TEXT("attempts", of, at attempts), TEXT("next", of, at next),     \
        TEXT("finish", of, at finish), TEXT("priority", of, at priority),                          \
        TEXT("counts", of, at counts), TEXT("mark", of, at mark), TEXT("comment", of, at comment)

static const cyaml_schema_field_t rule_fields[] = {RULE(struct raw_rule, ), CYAML_FIELD_END};

static const cyaml_schema_field_t label_rule_fields[] = {
    TEXT("label", struct raw_label_rule, label), RULE(struct raw_label_rule, rule.),
    CYAML_FIELD_END};
static const cyaml_schema_value_t label_rule_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_label_rule, label_rule_fields)};
static const cyaml_schema_field_t outcome_fields[] = {
    TEXT("label", struct raw_label_rule, label), TEXT("key", struct raw_label_rule, key),
    RULE(struct raw_label_rule, rule.), CYAML_FIELD_END};
static const cyaml_schema_value_t outcome_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_label_rule, outcome_fields)};

#define TEXT_AT(yaml_key, offset)                                                                  \
    {                                                                                              \
        .key = (yaml_key), .data_offset = (uint32_t)(offset), .value = {                           \
            .type = CYAML_STRING,                                                                  \
            .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                                     \
            .data_size = sizeof(char *),                                                           \
            .string = {0, TEXT_MAX}                                                                \
        }                                                                                          \
    }
#define PART(yaml_key, member) TEXT_AT(yaml_key, offsetof(struct raw_campaign, member))
/* Of a mapping inside struct raw_campaign: offsets count from the start of that part. */
#define SUB(yaml_key, part, member)                                                                \
    TEXT_AT(yaml_key,                                                                              \
            offsetof(struct raw_campaign, part.member) - offsetof(struct raw_campaign, part))

static const cyaml_schema_field_t analysis_fields[] = {
    SUB("initial_silence", analysis, initial_silence),
    SUB("greeting", analysis, greeting),
    SUB("after_greeting", analysis, after_greeting),
    SUB("total", analysis, total),
    SUB("mode", analysis, mode),
    SUB("dropped_person", analysis, dropped_person),
    SUB("machine_at_agent", analysis, machine_at_agent),
    CYAML_FIELD_END};
static const cyaml_schema_field_t pacing_fields[] = {
    SUB("mode", pacing, mode),
    SUB("ratio", pacing, ratio),
    SUB("calls_per_second", pacing, calls_per_second),
    SUB("engine_calls_per_second", pacing, engine_calls_per_second),
    SUB("concurrent", pacing, concurrent),
    SUB("daily", pacing, daily),
    SUB("false_machines", pacing, false_machines),
    SUB("hang_up_at", pacing, hang_up_at),
    SUB("preview_time", pacing, preview_time),
    SUB("skip_for", pacing, skip_for),
    CYAML_FIELD_END};
static const cyaml_schema_field_t abandonment_fields[] = {
    SUB("limit", abandonment, limit),       SUB("message", abandonment, message),
    SUB("cap", abandonment, cap),           SUB("keep_days", abandonment, keep_days),
    SUB("lock_out", abandonment, lock_out), CYAML_FIELD_END};
static const cyaml_schema_field_t recording_fields[] = {SUB("mode", recording, mode),
                                                        SUB("dir", recording, dir),
                                                        SUB("format", recording, format),
                                                        SUB("bitrate", recording, bitrate),
                                                        SUB("prebuffer", recording, prebuffer),
                                                        SUB("keep_days", recording, keep_days),
                                                        SUB("mask_key", recording, mask_key),
                                                        SUB("key_file", recording, key_file),
                                                        SUB("key_command", recording, key_command),
                                                        CYAML_FIELD_END};
static const cyaml_schema_field_t hold_fields[] = {SUB("key", hold, key), SUB("music", hold, music),
                                                   SUB("ringback", hold, ringback),
                                                   CYAML_FIELD_END};
static const cyaml_schema_field_t supervision_fields[] = {SUB("pin", supervision, pin),
                                                          CYAML_FIELD_END};
static const cyaml_schema_field_t records_fields[] = {SUB("stream", records, stream),
                                                      SUB("keep", records, keep), CYAML_FIELD_END};
static const cyaml_schema_field_t sip_fields[] = {SUB("address", sip, address),
                                                  SUB("advertise", sip, advertise),
                                                  SUB("dscp", sip, dscp),
                                                  SUB("tcp", sip, tcp),
                                                  SUB("srtp", sip, srtp),
                                                  SUB("srtp_mki", sip, srtp_mki),
                                                  SUB("srtp_lifetime", sip, srtp_lifetime),
                                                  SUB("srtp_rekey", sip, srtp_rekey),
                                                  SUB("srtp_transform", sip, srtp_transform),
                                                  SUB("clear_keys", sip, clear_keys),
                                                  CODECS("codecs", struct raw_sip, codecs),
                                                  CYAML_FIELD_END};
static const cyaml_schema_field_t tls_fields[] = {
    SUB("authorities", tls, authorities),
    SUB("certificate", tls, certificate),
    SUB("key", tls, key),
    SUB("port", tls, port),
    SUB("crl", tls, crl),
    SUB("stapling", tls, stapling),
    SUB("client_certificates", tls, client_certificates),
    CYAML_FIELD_END};
static const cyaml_schema_field_t media_fields[] = {SUB("address", media, address),
                                                    SUB("advertise", media, advertise),
                                                    SUB("dscp", media, dscp),
                                                    SUB("ports", media, ports),
                                                    SUB("workers", media, workers),
                                                    SUB("late_limit", media, late_limit),
                                                    SUB("keep_alive", media, keep_alive),
                                                    SUB("shared", media, shared),
                                                    CYAML_FIELD_END};

static const cyaml_schema_field_t flows_fields[] = {
    SUB("language", flows, language),
    SUB("http", flows, http),
    SUB("speech", flows, speech),
    SUB("speech_processes", flows, speech_processes),
    SUB("speech_ahead", flows, speech_ahead),
    CYAML_FIELD_END};

#define MAPPING(key, member, list)                                                                 \
    CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, struct raw_campaign, member, list)
#define SEQUENCE(key, member, entry, max)                                                          \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_campaign,       \
                         member, entry, 0, max)

bool schema_treatable(enum result r)
{
    return r >= RESULT_HUMAN && r < RESULT_COUNT && r != RESULT_HUNG_UP_EARLY;
}

/* The keys of `on:` and `results:` are the closed list of results, so they are made from it. */
static void make_result_fields(struct schema *s)
{
    uint32_t on = 0, rules = 0;

    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++) {
        const char *name = result_name((enum result)i);
        if (schema_treatable((enum result)i))
            s->on[on++] =
                (cyaml_schema_field_t){.key = name,
                                       .data_offset = (uint32_t)((size_t)i * sizeof(char *)),
                                       .value = {.type = CYAML_STRING,
                                                 .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                                 .data_size = sizeof(char *),
                                                 .string = {0, TEXT_MAX}}};
        s->results[rules++] =
            (cyaml_schema_field_t){.key = name,
                                   .data_offset = (uint32_t)((size_t)i * sizeof(struct raw_rule)),
                                   .value = {.type = CYAML_MAPPING,
                                             .flags = CYAML_FLAG_OPTIONAL,
                                             .data_size = sizeof(struct raw_rule),
                                             .mapping = {rule_fields}}};
    }
}

static void make_schema(struct schema *s)
{
    make_result_fields(s);
    for (int i = 0; i < CAMPAIGN_STATUSES; i++)
        s->statuses[i] = (cyaml_schema_field_t)TEXT_AT(
            campaign_status_name((enum campaign_status)i), (size_t)i * sizeof(char *));
    const cyaml_schema_field_t top[] = {
        PART("name", name),
        PART("country", country),
        PART("tone_plan", tone_plan),
        PART("prints", prints),
        PART("zone", zone),
        PART("windows", windows),
        PART("starts", starts),
        PART("ends", ends),
        PART("holidays", holidays),
        PART("calling_rules", calling_rules),
        PART("exceptions", exceptions),
        SEQUENCE("zones", zones, &text_value, CALENDAR_ZONES_MAX),
        SEQUENCE("number_limits", number_limits, &calling_limit_value, CALLING_LIMITS_MAX),
        PART("leads", leads),
        SEQUENCE("lists", lists, &list_value, CAMPAIGN_LISTS_MAX),
        PART("ring_timeout", ring_timeout),
        PART("attempts", attempts),
        PART("drain", drain),
        PART("max_calls", max_calls),
        SEQUENCE("caller_ids", caller_ids, &text_value, CAMPAIGN_CALLER_IDS_MAX),
        SEQUENCE("trunks", trunks, &trunk_value, CAMPAIGN_TRUNKS_MAX),
        SEQUENCE("addresses", addresses, &address_value, CAMPAIGN_ADDRESSES_MAX),
        SEQUENCE("agents", agents, &agent_value, CAMPAIGN_AGENTS_MAX),
        MAPPING("analysis", analysis, analysis_fields),
        MAPPING("pacing", pacing, pacing_fields),
        MAPPING("abandonment", abandonment, abandonment_fields),
        MAPPING("recording", recording, recording_fields),
        MAPPING("hold", hold, hold_fields),
        MAPPING("supervision", supervision, supervision_fields),
        MAPPING("records", records, records_fields),
        MAPPING("sip", sip, sip_fields),
        MAPPING("tls", tls, tls_fields),
        MAPPING("media", media, media_fields),
        MAPPING("flows", flows, flows_fields),
        MAPPING("on", on, s->on),
        MAPPING("results", results, s->results),
        SEQUENCE("recordings", recordings, &label_rule_value, CAMPAIGN_LABEL_RULES_MAX),
        SEQUENCE("outcomes", outcomes, &outcome_value, CAMPAIGN_LABEL_RULES_MAX),
        MAPPING("statuses", statuses, s->statuses),
        PART("comments", comments),
        CYAML_FIELD_END};
    _Static_assert(sizeof(top) <= sizeof(s->top), "struct schema has room for all fields");
    memcpy(s->top, top, sizeof(top));
    s->root = (cyaml_schema_value_t){
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_campaign, s->top)};
}

enum err schema_read(struct schema **out, const char *path, struct slice text, char *error)
{
    struct schema *s = calloc(1, sizeof(*s));

    *out = s;
    if (!s) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%s: no memory", path);
        return ERR_NOMEM;
    }
    make_schema(s);
    return document_read(&s->document, path, text, &s->root, "a campaign needs a name and a trunk",
                         error);
}

void schema_close(struct schema *s)
{
    if (!s)
        return;
    document_close(s->document);
    free(s);
}

struct document *schema_document(const struct schema *s)
{
    return s->document;
}

const struct raw_campaign *schema_raw(const struct schema *s)
{
    return document_data(s->document);
}
